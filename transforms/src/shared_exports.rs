//! Values that an API file exports beside its handler. A route file may export handlers
//! only, so they move to a module of their own, with the code of the file that they need.
//! In: the API file. Out: the new module, and what is left of the API file, which imports
//! from it and is then carried over like any other. Refuses values that need the handler,
//! and code whose order of evaluation would change.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use crate::edit::Edits;
use crate::emit::imports::{Imports, remove_unused};
use crate::emit::layout::lay_out;
use crate::emit::route_handler::relative_specifiers;
use crate::emit::style::Style;
use crate::emit::web_native::{after_imports, complement, whole_lines};
use crate::facts::api_module::{DefaultExport, Outline, refuse_at};
use crate::facts::route::{Route, slug};
use crate::outcome::Refusal;
use crate::project::{App, Project};
use crate::reason::Reason;
use crate::source::Source;
use crate::surroundings::{self, directory};
use crate::syntax::{Id, Names, bare, bound_names, id};

/// An API file, taken apart.
#[derive(Debug, Clone)]
pub struct Split {
    /// The new module.
    pub path: String,
    /// Its text.
    pub text: String,
    /// What is left of the API file, as it would stand at its old place.
    pub rest: String,
    /// The names that moved, as importers know them.
    pub moved: BTreeSet<String>,
    /// Whether more of the file moves to the module than stays.
    pub most: bool,
    /// Whether the module holds state that requests change.
    pub state: bool,
}

/// A top-level item.
struct Item<'a> {
    node: &'a ModuleItem,
    /// With the comments and empty lines before it, up to its line end.
    region: Range<usize>,
    kind: Kind,
    declares: Vec<Id>,
    needs: BTreeSet<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Import,
    Value,
    Type {
        exported: bool,
    },
    /// `export { a, b }` of names of this file.
    List,
    /// A statement that runs when the module is loaded.
    Effect,
    /// The default export and the handler.
    Handler,
    /// What stays where it is: `config`, type exports.
    Fixed,
}

/// Takes a file apart; `None` when it exports nothing but its handler.
///
/// # Errors
/// The refusal for values that cannot surely be moved.
pub fn split(
    outline: &Outline,
    project: &Project,
    app: &App,
    route: &Route,
) -> Result<Option<Split>, Refusal> {
    let source = outline.source;
    let handler = handler_name(outline);
    let exported: BTreeSet<String> = outline
        .named_exports
        .iter()
        .map(|(name, _)| name.clone())
        .filter(|name| Some(name.as_str()) != handler.as_ref().map(|(name, _)| &**name))
        .collect();
    let Some((first, at)) = outline
        .named_exports
        .iter()
        .find(|(name, _)| exported.contains(name))
    else {
        return Ok(None);
    };
    let refuse = |detail: &str| {
        refuse_at(
            source,
            Reason::NamedExport,
            at.clone(),
            if detail.is_empty() {
                first.clone()
            } else {
                format!("{first}: {detail}")
            },
        )
    };
    let Some(path) = module_path(project, app, route, &exported) else {
        return Err(refuse("no free name for a module"));
    };
    let mut items = read_items(outline, handler.as_ref()).ok_or_else(|| refuse(""))?;
    link(source, &mut items);
    let moved = moved(&items, &exported).map_err(refuse)?;
    // What stays may not write to what moves.
    let names: BTreeSet<Id> = moved
        .iter()
        .flat_map(|at| items[*at].declares.iter().cloned())
        .collect();
    let stays = |at: usize| !moved.contains(&at) && items[at].kind != Kind::List;
    for (at, item) in items.iter().enumerate() {
        if stays(at) && assigns(item.node).intersection(&names).next().is_some() {
            return Err(refuse("the handler writes to it"));
        }
    }
    let module =
        module_text(source, &items, &moved, &exported, &path, route).ok_or_else(|| refuse(""))?;
    let rest = rest_text(source, &items, &moved, app, &path, route).ok_or_else(|| refuse(""))?;
    let size = |which: &dyn Fn(usize) -> bool| -> usize {
        let counted = items
            .iter()
            .enumerate()
            .filter(|(at, item)| item.kind != Kind::Import && which(*at));
        counted.map(|(_, item)| item.region.len()).sum()
    };
    let exported_types = moved
        .iter()
        .filter(|at| items[**at].kind == Kind::Type { exported: true })
        .flat_map(|at| items[*at].declares.iter().map(|(name, _)| name.to_string()));
    Ok(Some(Split {
        path,
        text: lay_out(source, module),
        rest,
        most: size(&|at| moved.contains(&at)) > size(&|at| stays(at)),
        state: moved.iter().any(|at| holds_state(items[*at].node)),
        moved: exported.iter().cloned().chain(exported_types).collect(),
    }))
}

/// The name of the handler, when it has one.
fn handler_name(outline: &Outline) -> Option<Id> {
    match &outline.default.1 {
        DefaultExport::Function(function) => function.name.clone(),
        DefaultExport::Name(name) => Some(name.clone()),
        DefaultExport::Expr(expr) => match bare(expr) {
            Expr::Ident(name) => Some(id(name)),
            _ => None,
        },
    }
}

/// A free path for the module: named after the options of next-auth, or after the route.
fn module_path(
    project: &Project,
    app: &App,
    route: &Route,
    exported: &BTreeSet<String>,
) -> Option<String> {
    let extension = route.file.rsplit('.').next()?;
    let word = |text: &str| -> String {
        text.chars()
            .map(|char| {
                if char.is_ascii_alphanumeric() {
                    char.to_ascii_lowercase()
                } else {
                    '-'
                }
            })
            .collect()
    };
    let segments = |path: &str| -> Vec<String> {
        path.split('/')
            .skip(2)
            .filter(|segment| slug(segment).is_none())
            .map(word)
            .collect()
    };
    let own = segments(&route.path);
    let short = own.last().cloned().unwrap_or_else(|| "api".to_string());
    let long = if own.is_empty() {
        "api".to_string()
    } else {
        own.join("-")
    };
    let slugged = {
        let all = route.path.split('/').skip(2).map(|segment| {
            slug(segment).map_or_else(|| word(segment), |slug| format!("by-{}", word(&slug.name)))
        });
        all.collect::<Vec<_>>().join("-")
    };
    let others: Vec<Vec<String>> = project
        .files
        .keys()
        .filter(|file| **file != route.file)
        .filter_map(|file| Route::of(app, file))
        .map(|other| segments(&other.path))
        .collect();
    let mut names = Vec::new();
    if exported
        .iter()
        .any(|name| name.to_lowercase().ends_with("authoptions"))
    {
        names.push("auth-options".to_string());
    }
    if !others.iter().any(|other| other.last() == Some(&short)) {
        names.push(short);
    }
    if !others.contains(&own) {
        names.push(long.clone());
        names.push(format!("{long}-api"));
    }
    names.push(slugged);
    names.into_iter().find_map(|name| {
        let path = surroundings::lib_file(project, app, &name);
        let stem = path.rsplit_once('.').map(|(stem, _)| stem.to_string())?;
        let taken = project
            .files
            .range(stem.clone()..)
            .take_while(|(path, _)| path.starts_with(&stem))
            .any(|(path, _)| matches!(path[stem.len()..].chars().next(), Some('.' | '/')));
        (!taken).then(|| format!("{stem}.{extension}"))
    })
}

fn read_items<'a>(outline: &Outline<'a>, handler: Option<&Id>) -> Option<Vec<Item<'a>>> {
    let source = outline.source;
    let mut items = Vec::new();
    let mut at = 0;
    for node in source.items() {
        let range = source.range(node);
        let end = crate::flow::trailing_comment(source, range.end);
        let line_end = source.text[end..]
            .find('\n')
            .filter(|newline| source.text[end..end + newline].trim().is_empty())
            .map_or(end, |newline| end + newline + 1);
        let (kind, declares) = read_item(outline, node, handler)?;
        items.push(Item {
            node,
            region: at..line_end,
            kind,
            declares,
            needs: BTreeSet::new(),
        });
        at = line_end;
    }
    Some(items)
}

/// What an item is and the names that it declares; `None` for what cannot be taken apart.
fn read_item(
    outline: &Outline,
    node: &ModuleItem,
    handler: Option<&Id>,
) -> Option<(Kind, Vec<Id>)> {
    let of_decl = |decl: &Decl, exported: bool| -> Option<(Kind, Vec<Id>)> {
        let mut names = Vec::new();
        let kind = match decl {
            Decl::Fn(function) => {
                names.push(id(&function.ident));
                Kind::Value
            }
            Decl::Class(class) => {
                names.push(id(&class.ident));
                Kind::Value
            }
            Decl::Var(variables) => {
                for declarator in &variables.decls {
                    bound_names(&declarator.name, &mut names);
                }
                Kind::Value
            }
            Decl::TsEnum(declared) => {
                names.push(id(&declared.id));
                Kind::Value
            }
            Decl::TsInterface(declared) => {
                names.push(id(&declared.id));
                Kind::Type { exported }
            }
            Decl::TsTypeAlias(declared) => {
                names.push(id(&declared.id));
                Kind::Type { exported }
            }
            Decl::TsModule(_) | Decl::Using(_) => return None,
        };
        let is_config = outline
            .config
            .as_ref()
            .is_some_and(|config| config.statement == outline.source.range(node));
        if is_config {
            return Some((Kind::Fixed, names));
        }
        if handler.is_some_and(|handler| names.contains(handler)) {
            return Some((Kind::Handler, names));
        }
        Some((kind, names))
    };
    match node {
        ModuleItem::Stmt(Stmt::Decl(decl)) => of_decl(decl, false),
        ModuleItem::Stmt(Stmt::Expr(stmt)) if matches!(&*stmt.expr, Expr::Lit(Lit::Str(_))) => {
            Some((Kind::Fixed, Vec::new()))
        }
        ModuleItem::Stmt(Stmt::Empty(_)) => Some((Kind::Fixed, Vec::new())),
        ModuleItem::Stmt(_) => Some((Kind::Effect, Vec::new())),
        ModuleItem::ModuleDecl(decl) => match decl {
            ModuleDecl::Import(_) => Some((Kind::Import, Vec::new())),
            ModuleDecl::ExportDecl(export) => of_decl(&export.decl, true),
            ModuleDecl::ExportDefaultDecl(_) | ModuleDecl::ExportDefaultExpr(_) => {
                Some((Kind::Handler, handler.cloned().into_iter().collect()))
            }
            ModuleDecl::ExportNamed(list) if list.type_only => Some((Kind::Fixed, Vec::new())),
            ModuleDecl::ExportNamed(list) if list.src.is_none() => {
                // `export { a, b }` under their own names; not the handler, and no types.
                let plain = list.specifiers.iter().all(|specifier| {
                    matches!(specifier, ExportSpecifier::Named(named)
                        if named.exported.is_none()
                            && !named.is_type_only
                            && matches!(&named.orig, ModuleExportName::Ident(name) if Some(&id(name)) != handler))
                });
                plain.then_some((Kind::List, Vec::new()))
            }
            _ => None,
        },
    }
}

/// Notes which items need which.
fn link(source: &Source, items: &mut [Item]) {
    let mut declared: BTreeMap<Id, Vec<usize>> = BTreeMap::new();
    for (at, item) in items.iter().enumerate() {
        for name in &item.declares {
            declared.entry(name.clone()).or_default().push(at);
        }
    }
    for (at, item) in items.iter_mut().enumerate() {
        if item.kind == Kind::Import {
            continue;
        }
        let uses = Names::of(source, item.node);
        let needs = uses.all.iter().filter_map(|(name, _)| declared.get(name));
        item.needs = needs
            .flatten()
            .copied()
            .filter(|other| *other != at)
            .collect();
    }
}

/// The items that move.
fn moved(items: &[Item], exported: &BTreeSet<String>) -> Result<BTreeSet<usize>, &'static str> {
    let mut moved = BTreeSet::new();
    let take = |from: usize, moved: &mut BTreeSet<usize>| -> Result<(), &'static str> {
        let mut todo = vec![from];
        while let Some(at) = todo.pop() {
            match items[at].kind {
                Kind::Handler | Kind::Fixed => return Err("it needs the handler"),
                Kind::Import | Kind::List => continue,
                Kind::Value | Kind::Type { .. } | Kind::Effect => {}
            }
            if moved.insert(at) {
                todo.extend(&items[at].needs);
            }
        }
        Ok(())
    };
    let declares = |item: &Item| {
        item.declares
            .iter()
            .any(|(name, _)| exported.contains(&**name))
    };
    for (at, item) in items.iter().enumerate() {
        if item.kind == Kind::Value && declares(item) {
            take(at, &mut moved)?;
        }
    }
    let found: BTreeSet<&str> = moved
        .iter()
        .flat_map(|at| items[*at].declares.iter().map(|(name, _)| &**name))
        .collect();
    if exported.iter().any(|name| !found.contains(name.as_str())) {
        // A re-export, or an imported name that is exported again.
        return Err("");
    }
    loop {
        let before = moved.len();
        for (at, item) in items.iter().enumerate() {
            if moved.contains(&at) {
                continue;
            }
            let touches = item.needs.iter().any(|need| moved.contains(need));
            match item.kind {
                Kind::Type { exported: true } if touches => take(at, &mut moved)?,
                Kind::Effect if touches => take(at, &mut moved)?,
                // What runs before a value may be what makes it possible.
                Kind::Effect if moved.range(at..).next().is_some() => {
                    let imported = items.iter().enumerate().any(|(other, item)| {
                        !moved.contains(&other)
                            && item.kind != Kind::List
                            && item.needs.iter().any(|need| moved.contains(need))
                    });
                    if !imported {
                        return Err("code runs before it when the module is loaded");
                    }
                    take(at, &mut moved)?;
                }
                _ => {}
            }
        }
        if moved.len() == before {
            return Ok(moved);
        }
    }
}

/// The names of moved items that what stays needs, and whether each is a type.
fn shared_names(items: &[Item], moved: &BTreeSet<usize>) -> BTreeMap<usize, bool> {
    let mut shared = BTreeMap::new();
    for (at, item) in items.iter().enumerate() {
        if moved.contains(&at) || item.kind == Kind::List {
            continue;
        }
        for need in item.needs.intersection(moved) {
            shared.insert(*need, matches!(items[*need].kind, Kind::Type { .. }));
        }
    }
    shared
}

fn module_text(
    source: &Source,
    items: &[Item],
    moved: &BTreeSet<usize>,
    exported: &BTreeSet<String>,
    path: &str,
    route: &Route,
) -> Option<String> {
    let mut edits = Edits::default();
    let mut kept = Vec::new();
    let shared = shared_names(items, moved);
    let last = items.last()?.region.end;
    for (at, item) in items.iter().enumerate() {
        if moved.contains(&at) {
            kept.push(item.region.clone());
            let is_exported =
                matches!(item.node, ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(_)));
            let wanted = shared.contains_key(&at)
                || item
                    .declares
                    .iter()
                    .any(|(name, _)| exported.contains(&**name));
            if wanted && !is_exported && !item.declares.is_empty() {
                edits.insert(source.range(item.node).start, "export ");
            }
        } else if item.kind != Kind::Import {
            edits.delete(item.region.clone());
        }
    }
    if last < source.text.len() {
        edits.delete(last..source.text.len());
    }
    // The comment at the head of the file speaks of the route; switches for tools stay.
    let first = items.first()?;
    let start = source.range(first.node).start;
    if !moved.contains(&0) && first.kind == Kind::Import {
        let head = &source.text[..start];
        if !head.contains("eslint") && !head.contains("@ts-") {
            edits.delete(0..start);
        }
    }
    let used = Names::of(source, &source.module);
    let inside = |range: &Range<usize>| {
        kept.iter()
            .any(|kept| kept.start <= range.start && range.end <= kept.end)
    };
    let mut whole = Vec::new();
    for item in items {
        let ModuleItem::ModuleDecl(ModuleDecl::Import(import)) = item.node else {
            continue;
        };
        let needed = import.specifiers.is_empty()
            || import.specifiers.iter().any(|specifier| {
                let local = id(specifier.local());
                used.all
                    .iter()
                    .any(|(name, range)| *name == local && inside(range))
            });
        if !needed {
            let statement = source.range(import);
            edits.delete(whole_lines(source, &statement));
            whole.push(statement);
        }
    }
    let mut unused = Edits::default();
    for statement in remove_unused(source, &kept, &mut unused) {
        if !whole.contains(&statement) {
            return None;
        }
    }
    edits.extend_outside(unused, &whole);
    let (old, new) = (directory(&route.file), directory(path));
    for (range, text) in relative_specifiers(source, &|specifier| {
        surroundings::rebase(old, new, specifier)
    }) {
        edits.replace_soft(range, text);
    }
    let text = edits.render(&source.text, 0..source.text.len()).ok()?;
    Some(trimmed(text))
}

fn rest_text(
    source: &Source,
    items: &[Item],
    moved: &BTreeSet<usize>,
    app: &App,
    path: &str,
    route: &Route,
) -> Option<String> {
    let mut edits = Edits::default();
    let mut gone = Vec::new();
    for (at, item) in items.iter().enumerate() {
        if moved.contains(&at) || item.kind == Kind::List {
            gone.push(item.region.clone());
            edits.delete(item.region.clone());
        }
    }
    let kept = complement(&gone, source.text.len());
    let mut unused = remove_unused(source, &kept, &mut edits);
    let style = Style::of(source);
    let mut imports = Imports::default();
    let specifier = surroundings::specifier(app, directory(&route.file), path, &source.text);
    let shared = shared_names(items, moved);
    let needed: BTreeSet<Id> = items
        .iter()
        .enumerate()
        .filter(|(at, item)| !moved.contains(at) && item.kind != Kind::List)
        .flat_map(|(_, item)| Names::of(source, item.node).all)
        .map(|(name, _)| name)
        .collect();
    for (at, is_type) in &shared {
        for name in items[*at]
            .declares
            .iter()
            .filter(|name| needed.contains(name))
        {
            if *is_type {
                imports.type_only(&specifier, &name.0);
            } else {
                imports.value(&specifier, &name.0);
            }
        }
    }
    let lines = imports.lines(&style, source.typescript()).join("\n");
    // The new import takes the place of one that goes.
    match (
        lines.is_empty(),
        unused.pop(),
        after_imports(source, &edits),
    ) {
        (true, Some(last), _) => unused.push(last),
        (true, None, _) => {}
        (false, Some(last), _) => edits.replace(last, lines),
        (false, None, 0) => {
            let first_goes = gone.first().is_some_and(|range| range.start == 0);
            let gap = if first_goes { "\n" } else { "\n\n" };
            edits.insert(0, format!("{lines}{gap}"));
        }
        (false, None, at) => edits.insert(at, format!("\n{lines}")),
    }
    for statement in unused {
        edits.delete(whole_lines(source, &statement));
    }
    let text = edits.render(&source.text, 0..source.text.len()).ok()?;
    let text = source.in_own_line_ends(text);
    Some(text.trim_start_matches(['\n', '\r']).to_string())
}

fn trimmed(text: String) -> String {
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    format!("{}{end}", text.trim_start_matches(['\n', '\r']).trim_end())
}

/// The names that an item writes to.
fn assigns(node: &ModuleItem) -> BTreeSet<Id> {
    #[derive(Default)]
    struct Writes(BTreeSet<Id>);
    impl Visit for Writes {
        fn visit_assign_expr(&mut self, node: &AssignExpr) {
            match &node.left {
                AssignTarget::Simple(SimpleAssignTarget::Ident(name)) => {
                    self.0.insert(id(&name.id));
                }
                AssignTarget::Pat(pat) => {
                    let mut names = Vec::new();
                    bound_names(&pat.clone().into(), &mut names);
                    self.0.extend(names);
                }
                AssignTarget::Simple(_) => {}
            }
            node.visit_children_with(self);
        }
        fn visit_update_expr(&mut self, node: &UpdateExpr) {
            if let Expr::Ident(name) = bare(&node.arg) {
                self.0.insert(id(name));
            }
            node.visit_children_with(self);
        }
    }
    let mut writes = Writes::default();
    node.visit_with(&mut writes);
    writes.0
}

/// Whether an item holds state that requests change.
fn holds_state(node: &ModuleItem) -> bool {
    let variables = match node {
        ModuleItem::Stmt(Stmt::Decl(Decl::Var(variables))) => variables,
        ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) => match &export.decl {
            Decl::Var(variables) => variables,
            _ => return false,
        },
        _ => return false,
    };
    variables.kind != VarDeclKind::Const
        || variables.decls.iter().any(|declarator| {
            matches!(declarator.init.as_deref().map(bare), Some(Expr::New(new))
                if matches!(bare(&new.callee), Expr::Ident(name) if matches!(&*name.sym, "Map" | "Set" | "WeakMap")))
        })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::next_version::NextVersion;
    use crate::project::NextConfig;

    fn run(file: &str, text: &str) -> Result<Option<Split>, Refusal> {
        let app = App {
            dir: String::new(),
            depends_on_next: true,
            next: NextVersion::parse("15.5.0"),
            next_source: String::new(),
            pages: Some("pages".to_string()),
            app: None,
            typescript: true,
            config: NextConfig::default(),
            aliases: Vec::new(),
        };
        let source = Source::parse(file, Arc::from(text)).unwrap();
        let outline = Outline::read(&source)?;
        let route = Route::of(&app, file).unwrap();
        split(&outline, &Project::default(), &app, &route)
    }

    #[test]
    fn values_move_with_what_they_need() {
        let text = "import { z } from 'zod'\nimport { save } from '../../lib/db'\n\n// What may be sent.\nconst limit = 10\n\nexport const schema = z.object({ n: z.number().max(limit) })\nexport type Body = z.infer<typeof schema>\n\nexport default async function handler(req, res) {\n  const body: Body = schema.parse(req.body)\n  res.json(await save(body, limit))\n}\n";
        let split = run("pages/api/notes.ts", text).unwrap().unwrap();
        assert_eq!(split.path, "lib/notes.ts");
        assert_eq!(
            split.text,
            "import { z } from 'zod'\n\n// What may be sent.\nexport const limit = 10\n\nexport const schema = z.object({ n: z.number().max(limit) })\nexport type Body = z.infer<typeof schema>\n"
        );
        assert_eq!(
            split.rest,
            "import { type Body, limit, schema } from '../../lib/notes'\nimport { save } from '../../lib/db'\n\nexport default async function handler(req, res) {\n  const body: Body = schema.parse(req.body)\n  res.json(await save(body, limit))\n}\n"
        );
        assert!(split.moved.contains("Body") && split.moved.contains("schema"));
    }

    #[test]
    fn checks_before_a_value_move_with_it() {
        let text = "if (!process.env.KEY) throw new Error('KEY')\n\nexport const authOptions = { secret: process.env.KEY }\n\nexport default NextAuth(authOptions)\n";
        let split = run("pages/api/auth/[...nextauth].ts", text)
            .unwrap()
            .unwrap();
        assert_eq!(split.path, "lib/auth-options.ts");
        assert!(split.text.starts_with("if (!process.env.KEY)"));
        assert!(split.most);
        assert_eq!(
            split.rest,
            "import { authOptions } from '../../../lib/auth-options'\n\nexport default NextAuth(authOptions)\n"
        );
    }

    #[test]
    fn values_that_cannot_be_taken_out_stay() {
        let refused = |text: &str| run("pages/api/x.ts", text).is_err();
        assert!(refused(
            "export const again = () => handler()\nexport default function handler(req, res) {}"
        ));
        assert!(refused(
            "export let count = 0\nexport default function handler(req, res) { count++ }"
        ));
        assert!(refused(
            "setUp()\nexport const a = 1\nexport default function handler(req, res) {}"
        ));
        assert!(refused(
            "export { a } from './a'\nexport default function handler(req, res) {}"
        ));
        assert!(
            run(
                "pages/api/x.ts",
                "export type A = string\nexport default function handler(req, res) {}"
            )
            .unwrap()
            .is_none()
        );
    }
}
