//! Functions that make routers of next-connect: `() => nc(options).use(middleware)`, and constants
//! with the options of one. In: a module. Out: which of its names these are, and its text with the
//! functions in the options written as functions of the module, which routes call when the router
//! is written out. A factory that does more than make a router is none.

use std::collections::HashMap;
use std::ops::Range;

use swc_core::ecma::ast::*;

use super::chain::{self, Kitchen};
use super::next_connect::{PACKAGE, chain as calls_on};
use crate::edit::Edits;
use crate::emit::style::{Style, indentation, template_ranges};
use crate::emit::web_native::free_name;
use crate::facts::api_module::{Body, Form, Function, from_expr, param_id};
use crate::modules::Key;
use crate::next_version::NextVersion;
use crate::source::Source;
use crate::syntax::{Id, Names, bare, id, prop_name};

/// A function of a module that makes routers, or a constant with the options of one.
#[derive(Debug, Clone)]
pub struct Factory {
    /// The name that binds it.
    pub name: String,
    /// The function of the module that answers errors.
    pub on_error: Option<String>,
    /// The function of the module that answers other methods.
    pub on_no_match: Option<String>,
    /// Whether it is a constant with options.
    pub options: bool,
    /// The functions that were written as functions of the module, to be called without the factory.
    written: Vec<String>,
}

impl Factory {
    /// The functions that were written as functions of the module.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.written.iter().map(String::as_str)
    }
}

/// What of a module a router factory is found by.
pub struct Library<'l, 'a> {
    /// The module.
    pub source: &'a Source,
    /// Its functions.
    pub functions: &'l HashMap<Id, Function<'a>>,
    /// What it imports.
    pub imports: &'l HashMap<Id, (String, String)>,
}

/// Finds the router factories of a module, and writes the functions in their options as functions
/// of the module.
pub fn factories(module: &Library, edits: &mut Edits) -> Vec<Factory> {
    let source = module.source;
    let mut found = Vec::new();
    for item in source.items() {
        let declaration = match item {
            ModuleItem::Stmt(Stmt::Decl(declaration)) => declaration,
            ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) => &export.decl,
            _ => continue,
        };
        let (name, options, object) = match declaration {
            Decl::Var(variables) => {
                let [only] = &variables.decls[..] else {
                    continue;
                };
                let (Pat::Ident(binding), Some(init)) = (&only.name, only.init.as_deref()) else {
                    continue;
                };
                match bare(init) {
                    Expr::Object(object) => (id(&binding.id), true, Some(object)),
                    _ => (id(&binding.id), false, None),
                }
            }
            Decl::Fn(function) => (id(&function.ident), false, None),
            _ => continue,
        };
        let object = match (options, object) {
            (true, Some(object)) if is_options(object) => Some(object),
            (true, _) => continue,
            (false, _) => match made(module, &name) {
                Some((object, _)) => object,
                None => continue,
            },
        };
        let statement = source.range(item);
        let mut factory = Factory {
            name: name.0.to_string(),
            on_error: None,
            on_no_match: None,
            options,
            written: Vec::new(),
        };
        let written = object.map_or(Some(Vec::new()), |object| {
            parts(module, object, &mut factory)
        });
        let Some(written) = written else { continue };
        let written: String = written.iter().map(|text| format!("\n\n{text}")).collect();
        if !written.is_empty() {
            edits.insert(statement.end, written);
        }
        found.push(factory);
    }
    found
}

/// Whether an object has nothing but the options of a router.
fn is_options(object: &ObjectLit) -> bool {
    let known = |prop: &PropOrSpread| {
        let PropOrSpread::Prop(prop) = prop else {
            return false;
        };
        let name = match &**prop {
            Prop::KeyValue(pair) => prop_name(&pair.key),
            Prop::Method(method) => prop_name(&method.key),
            Prop::Shorthand(name) => Some(name.sym.to_string()),
            _ => None,
        };
        name.is_some_and(|name| ["onError", "onNoMatch", "attachParams"].contains(&&*name))
    };
    !object.props.is_empty() && object.props.iter().all(known)
}

/// How a function makes a router: the options, and the middlewares that it gives to it.
type Made<'a> = (Option<&'a ObjectLit>, Vec<&'a Expr>);

/// Reads `() => nc(options).use(middleware)`; `None` where a function does anything else.
fn made<'a>(module: &Library<'_, 'a>, name: &Id) -> Option<Made<'a>> {
    let function = module.functions.get(name)?;
    if !function.params.is_empty() || function.is_async {
        return None;
    }
    let made = match function.body {
        Body::Expr(expr) => bare(expr),
        Body::Block([Stmt::Return(last)], _) => bare(last.arg.as_deref()?),
        Body::Block(..) => return None,
    };
    let (root, calls) = calls_on(made);
    let Expr::Call(call) = root else { return None };
    let Expr::Ident(callee) = bare(call.callee.as_expr()?) else {
        return None;
    };
    let (from, exported) = module.imports.get(&id(callee))?;
    if from != PACKAGE || !matches!(exported.as_str(), "createRouter" | "default") {
        return None;
    }
    let mut uses = Vec::new();
    for (name, args) in calls {
        if name != "use" || args.iter().any(|arg| arg.spread.is_some()) {
            return None;
        }
        uses.extend(args.iter().map(|arg| bare(&arg.expr)));
    }
    match &call.args[..] {
        [] => Some((None, uses)),
        [only] => match bare(&only.expr) {
            Expr::Object(object) if is_options(object) => Some((Some(object), uses)),
            _ => None,
        },
        _ => None,
    }
}

/// The middlewares that a factory gives to each of its routers, and how an API file imports them.
pub fn uses(kitchen: &Kitchen, key: &Key) -> Result<(Vec<chain::Step>, Vec<String>), String> {
    let modules = kitchen.modules;
    let Some(module) = modules.library(&key.file) else {
        return Ok(Default::default());
    };
    let source = module.source;
    let library = Library {
        source,
        functions: &module.functions,
        imports: &module.imports,
    };
    let mut names = module.functions.keys();
    let uses = names
        .find(|name| *name.0 == *key.name)
        .and_then(|name| made(&library, name))
        .map(|(_, uses)| uses);
    let mut steps = Vec::new();
    let mut imports = Vec::new();
    let style = Style::of(kitchen.outline.source);
    for expr in uses.unwrap_or_default() {
        let text = source.text_of(expr);
        let refused = || format!("the middleware {text} of {}", key.name);
        let mut callee = expr;
        while let Expr::Call(call) = callee {
            let plain = |arg: &ExprOrSpread| matches!(bare(&arg.expr), Expr::Lit(_));
            if !call.args.iter().all(plain) {
                return Err(refused());
            }
            callee = bare(call.callee.as_expr().ok_or_else(refused)?);
        }
        let Expr::Ident(local) = callee else {
            return Err(refused());
        };
        let own = module.functions.contains_key(&id(local));
        let (file, name) = match own {
            true => (key.file.clone(), local.sym.to_string()),
            false => modules
                .named(&key.file, &module.imports, callee)
                .ok_or_else(refused)?,
        };
        let step = kitchen
            .step(source, expr, &file, &name)?
            .ok_or_else(refused)?;
        let exported = modules.exported_as(&file, &name);
        let local = &*local.sym;
        let specifier = (kitchen.specifier)(&file);
        let list = match () {
            _ if exported.iter().any(|name| name == local) => format!("{{ {local} }}"),
            _ if exported.iter().any(|name| name == "default") => local.to_string(),
            _ => match exported.first() {
                Some(name) => format!("{{ {name} as {local} }}"),
                None => return Err(refused()),
            },
        };
        let outline = kitchen.outline;
        let taken = Names::of(outline.source, &outline.source.module).all;
        if taken.iter().any(|(name, _)| *name.0 == *local) {
            return Err(format!("{local} is something else in this file"));
        }
        modules.imports_now(&outline.source.path, &specifier, &file);
        let from = style.string(&specifier);
        imports.push(format!("import {list} from {from}{}", style.semi));
        steps.push(step);
    }
    Ok((steps, imports))
}

/// The functions in the options of a router, as functions of their module.
fn parts(module: &Library, object: &ObjectLit, factory: &mut Factory) -> Option<Vec<String>> {
    let source = module.source;
    let style = Style::of(source);
    let version = source.packages.range(PACKAGE).and_then(NextVersion::parse);
    // As the library types it.
    let thrown = match version {
        Some(version) if version.major == 0 => "any",
        _ => "unknown",
    };
    let mut texts = Vec::new();
    for prop in &object.props {
        let PropOrSpread::Prop(prop) = prop else {
            return None;
        };
        let (key, function) = match &**prop {
            Prop::KeyValue(pair) => {
                let range = source.range(&*pair.value);
                let function = from_expr(source, None, bare(&pair.value), range);
                let key = prop_name(&pair.key)?;
                if key == "attachParams" {
                    continue;
                }
                match (function, bare(&pair.value)) {
                    (Some(function), _) => (key, function),
                    (None, Expr::Ident(name)) if exported(module, name) => {
                        set(factory, &key, &name.sym)?;
                        continue;
                    }
                    _ => return None,
                }
            }
            Prop::Shorthand(name) if exported(module, name) => {
                set(factory, &name.sym, &name.sym)?;
                continue;
            }
            Prop::Method(method) => {
                let function = crate::facts::api_module::from_method(source, method)?;
                (prop_name(&method.key)?, function)
            }
            _ => return None,
        };
        let error = key == "onError";
        let kinds: &[&str] = match error {
            true => &[thrown, "NextApiRequest", "NextApiResponse"],
            false => &["NextApiRequest", "NextApiResponse"],
        };
        let names: Vec<Id> = function
            .params
            .iter()
            .map(|pat| param_id(pat))
            .collect::<Option<_>>()?;
        let used = crate::injected::names(source, &function.body);
        let behind = names.iter().skip(kinds.len());
        if behind
            .clone()
            .any(|name| used.iter().any(|(used, _)| used == name))
        {
            return None;
        }
        let written = |pat: &Pat| match pat {
            Pat::Ident(binding) => Some(source.text_of(&*binding.type_ann.as_ref()?.type_ann)),
            _ => None,
        };
        let params: Vec<String> = names
            .iter()
            .zip(kinds)
            .enumerate()
            .map(|(at, (name, kind))| {
                let own = written(function.params[at]).filter(|_| error && at == 0);
                match source.typescript() {
                    true => format!("{}: {}", name.0, own.unwrap_or(kind)),
                    false => name.0.to_string(),
                }
            })
            .collect();
        let free = free_name(source, &[&key, &format!("router{}", &key[2..])]);
        set(factory, &key, &free)?;
        factory.written.push(free.clone());
        let range = match function.body {
            Body::Block(_, (start, end)) => start..end,
            Body::Expr(expr) => source.range(expr),
        };
        let body = dedented_range(source, range.clone(), function.range.start);
        let (keyword, params, semi) = (
            if function.is_async { "async " } else { "" },
            params.join(", "),
            style.semi,
        );
        texts.push(match (function.form, function.body) {
            (Form::Arrow, Body::Block(..)) => {
                format!("export const {free} = {keyword}({params}) => {body}{semi}")
            }
            (_, Body::Expr(_)) => {
                format!("export const {free} = {keyword}({params}) => {body}{semi}")
            }
            _ => format!("export {keyword}function {free}({params}) {body}"),
        });
    }
    Some(texts)
}

/// Whether a name is a function of the module that others can import by it.
fn exported(module: &Library, name: &Ident) -> bool {
    let Some(function) = module.functions.get(&id(name)) else {
        return false;
    };
    let text = &module.source.text[function.statement.clone()];
    text.starts_with("export ") && !text.starts_with("export default")
}

fn set(factory: &mut Factory, key: &str, name: &str) -> Option<()> {
    match key {
        "onError" => factory.on_error = Some(name.to_string()),
        "onNoMatch" => factory.on_no_match = Some(name.to_string()),
        _ => return None,
    }
    Some(())
}

/// Text, moved to the left by the indentation of the line of an offset.
pub fn dedented_range(source: &Source, range: Range<usize>, line: usize) -> String {
    let templates = template_ranges(source);
    let by = indentation(&source.text, line).len();
    let mut out = String::new();
    let mut at = range.start;
    for line in source.text[range.clone()].split_inclusive('\n') {
        let inside = templates
            .iter()
            .any(|template| template.start < at && at <= template.end);
        let white = line.len() - line.trim_start_matches([' ', '\t']).len();
        let from = if at == range.start || inside {
            0
        } else {
            by.min(white)
        };
        out.push_str(&line[from..]);
        at += line.len();
    }
    out
}
