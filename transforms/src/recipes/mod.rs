//! Handlers that a library makes, whose App Router form is known. In: the outline of an API
//! file. Out: its route file. A library handler that its recipe does not fully understand
//! is refused by name; everything that is no library handler is left to the other readers.
//!
//! One file for each library, one line each in [`RECIPES`].

mod apollo;
mod auth0;
mod edge;
mod graphql_yoga;
mod next_auth;
mod trpc;

use std::ops::Range;

use swc_core::ecma::ast::*;

use crate::emit::route_handler::{RouteFile, Surroundings};
use crate::emit::style::Style;
use crate::emit::web_native::{WebNative, free_name};
use crate::facts::api_module::{Body, DefaultExport, Function, Outline, refuse_at};
use crate::outcome::Refusal;
use crate::project::{App, Project};
use crate::reason::Reason;
use crate::source::Source;
use crate::syntax::{Id, bare, id};

/// What a recipe is given.
pub struct Kitchen<'k, 'a> {
    /// The API file.
    pub outline: &'k Outline<'a>,
    /// The route and its surroundings.
    pub around: &'k Surroundings<'k>,
    /// The project.
    pub project: &'k Project,
    /// The app.
    pub app: &'k App,
}

/// What a recipe makes of a file: nothing when it is not its library.
type Made = Option<Result<WebNative, Refusal>>;

/// A recipe: its name and how it reads a file.
type Recipe = (&'static str, fn(&Kitchen) -> Made);

/// The recipes, in order of their names.
const RECIPES: &[Recipe] = &[
    ("apollo", apollo::make),
    ("auth0", auth0::make),
    ("edge", edge::make),
    ("graphql-yoga", graphql_yoga::make),
    ("next-auth", next_auth::make),
    ("trpc", trpc::make),
];

/// The names of the recipes.
pub fn names() -> impl Iterator<Item = &'static str> {
    RECIPES.iter().map(|(name, _)| *name)
}

/// Writes the route file of a library's handler; `None` when it is none.
pub fn write(kitchen: &Kitchen) -> Option<Result<RouteFile, Vec<Refusal>>> {
    let made = RECIPES.iter().find_map(|(_, make)| make(kitchen))?;
    Some(match made {
        Ok(file) => file.write(kitchen.outline, kitchen.around),
        Err(refusal) => Err(vec![refusal]),
    })
}

/// The call that makes the handler: `export default make(…)`, or
/// `const handler = make(…); export default handler`.
struct Making<'a> {
    call: &'a CallExpr,
    /// The name of the constant that holds it.
    name: Option<Id>,
    /// The statement of the default export.
    export: Range<usize>,
    /// Where the exported expression starts.
    value: usize,
}

impl Kitchen<'_, '_> {
    fn source(&self) -> &Source {
        self.outline.source
    }

    /// Refuses the library by name.
    fn refuse(&self, at: Range<usize>, detail: impl Into<String>) -> Refusal {
        refuse_at(self.source(), Reason::UnsupportedLibrary, at, detail)
    }

    /// Puts the handler's constant and its exports in place of the default export.
    fn export(&self, file: &mut WebNative, making: &Making, semi: bool) {
        let style = Style::of(self.source());
        match &making.name {
            Some(name) => {
                let line = file.export_line(&style, &name.0);
                file.edits.replace(making.export.clone(), line);
            }
            None => {
                let name = free_name(self.source(), &["handler", "routeHandler"]);
                let line = file.export_line(&style, &name);
                file.edits.replace(
                    making.export.start..making.value,
                    format!("const {name} = "),
                );
                let end = if semi && !self.source().text[making.export.clone()].ends_with(';') {
                    style.semi
                } else {
                    ""
                };
                file.edits
                    .insert(making.export.end, format!("{end}\n\n{line}"));
            }
        }
    }

    /// What a callee names: the module and the exported name behind `name` or `all.name`.
    fn callee(&self, call: &CallExpr) -> Option<(String, String)> {
        let Callee::Expr(callee) = &call.callee else {
            return None;
        };
        match bare(callee) {
            Expr::Ident(name) => self
                .outline
                .imported(name)
                .map(|(module, name)| (module.to_string(), name.to_string())),
            Expr::Member(access) => {
                let Expr::Ident(all) = bare(&access.obj) else {
                    return None;
                };
                let (module, name) = self.outline.imported(all)?;
                let member = crate::syntax::member_name(&access.prop)?;
                (name == "*").then(|| (module.to_string(), member))
            }
            _ => None,
        }
    }

    /// The version range of a package, from the app's `package.json` or the root's.
    fn version(&self, package: &str) -> Option<(String, u16, u16)> {
        let of_app = format!("{}/package.json", self.app.dir);
        [of_app.trim_start_matches('/'), "package.json"]
            .iter()
            .find_map(|path| {
                let text = self.project.texts.get(*path)?;
                let at = text.find(&format!("\"{package}\":"))?;
                let range = text[at..].split('"').nth(3)?;
                let version = crate::next_version::NextVersion::parse(range)?;
                Some((range.to_string(), version.major, version.minor))
            })
    }
}

/// Finds the call that makes the default export.
fn making<'a>(outline: &Outline<'a>) -> Option<Making<'a>> {
    let source = outline.source;
    let (export, default) = &outline.default;
    let name = match default {
        DefaultExport::Expr(expr) => match bare(expr) {
            Expr::Call(call) => {
                return Some(Making {
                    call,
                    name: None,
                    export: export.clone(),
                    value: source.range(*expr).start,
                });
            }
            Expr::Ident(name) => id(name),
            _ => return None,
        },
        DefaultExport::Name(name) => name.clone(),
        DefaultExport::Function(_) => return None,
    };
    source.items().iter().find_map(|item| {
        let ModuleItem::Stmt(Stmt::Decl(Decl::Var(variables))) = item else {
            return None;
        };
        let declarator = variables.decls.iter().find(
            |declarator| matches!(&declarator.name, Pat::Ident(binding) if id(&binding.id) == name),
        )?;
        let Expr::Call(call) = bare(declarator.init.as_deref()?) else {
            return None;
        };
        Some(Making {
            call,
            name: Some(name.clone()),
            export: export.clone(),
            value: source.range(call).start,
        })
    })
}

/// The function that is the default export.
fn handler<'o, 'a>(outline: &'o Outline<'a>) -> Option<&'o Function<'a>> {
    match &outline.default.1 {
        DefaultExport::Function(function) => Some(function),
        DefaultExport::Name(name) => outline.functions.get(name),
        DefaultExport::Expr(expr) => match bare(expr) {
            Expr::Ident(name) => outline.functions.get(&id(name)),
            _ => None,
        },
    }
}

/// The expression that is all that a function returns.
fn only_return<'a>(body: &Body<'a>) -> Option<&'a Expr> {
    let expr = match body {
        Body::Expr(expr) => expr,
        Body::Block([Stmt::Return(returned)], _) => returned.arg.as_deref()?,
        Body::Block(..) => return None,
    };
    Some(match bare(expr) {
        Expr::Await(awaited) => bare(&awaited.arg),
        other => other,
    })
}

/// Whether a function takes no parameters, or uses none that it takes.
fn takes_nothing(expr: &Expr) -> bool {
    match bare(expr) {
        Expr::Arrow(arrow) => arrow.params.is_empty(),
        Expr::Fn(function) => function.function.params.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
