//! next-connect 0.11 to 1: a router whose methods each have one handler is the same as one handler
//! that tells the methods apart, which is how the rest of the program reads it. In: the outline of
//! an API file. Out: its text with the router written as such a handler.
//!
//! `router.get(list)` gives `case 'GET': return list(req, res)`, `onError` a `catch` around all of
//! them and `onNoMatch` the `default`. Middlewares of other files are called in front of the handler
//! ([`super::chain`]). A function of another file that makes the router, and a constant with its
//! options, are followed: `onError` and `onNoMatch` become functions of that file, which each route
//! imports. Without `onNoMatch` next-connect answers 404, which Next.js makes 405; `strict` keeps
//! the 404. Refused by name: middlewares of another shape or of the file itself, paths, nested
//! routers, `all`, and 0.x without `onError`, which answers with the error's message
//! (<https://github.com/hoangvvo/next-connect>, `src/router.ts` and `src/node.ts`).
//!
//! In 0.x `next()` gives back nothing, so that a `try` around it catches nothing of what comes next;
//! there such a middleware is refused.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use swc_core::ecma::ast::*;

use crate::edit::Edits;
use crate::emit::style::{Style, indentation, template_ranges};
use crate::emit::web_native::{free_name, whole_lines};
use crate::facts::api_module::{
    Body, DefaultExport, Form, Function, Outline, from_expr, param_id, refuse_at,
};
use crate::libraries::chain::{self, AsHandler, Kitchen, Writing};
use crate::modules::Key;
use crate::next_version::NextVersion;
use crate::outcome::Refusal;
use crate::reason::Reason;
use crate::source::Source;
use crate::syntax::{Id, Names, bare, id, method_call, prop_name};

const PACKAGE: &str = "next-connect";

/// The methods that a router has functions for.
const METHODS: [&str; 6] = ["get", "head", "post", "put", "patch", "delete"];

/// A router in a file: where it is made, by which call, and what is called on it.
struct Router<'a> {
    /// The name of the constant that holds it, and its statement.
    held: Option<(Id, Range<usize>)>,
    /// The call that makes it.
    made: &'a CallExpr,
    /// The function of another file that is called for it.
    factory: Option<(Key, Arc<Factory>)>,
    /// The methods called on it, in order, with the statement around each.
    calls: Vec<(String, &'a [ExprOrSpread], Range<usize>)>,
}

/// Writes the router of a file as one handler; `None` where the default export is no router of
/// next-connect. `strict` keeps its answer to other methods.
pub fn as_handler(kitchen: &Kitchen, strict: bool) -> Option<Result<AsHandler, Refusal>> {
    let outline = kitchen.outline;
    let router = router(kitchen)?;
    let at = outline.source.range(router.made);
    let refuse = |why: String| {
        let range = outline.source.packages.range(PACKAGE);
        let range = range.unwrap_or("of an unknown version");
        let why = format!("{PACKAGE} {range}: {why}");
        refuse_at(outline.source, Reason::UnsupportedLibrary, at.clone(), why)
    };
    let written = write(kitchen, &router, strict).map_err(refuse);
    let last = router.calls.last().map(|(_, args, _)| *args);
    let options = router
        .made
        .args
        .first()
        .into_iter()
        .chain(last.into_iter().flatten());
    let options = options.filter_map(|arg| factory(kitchen, &arg.expr));
    let spares = router.factory.iter().cloned().chain(options);
    let spares: Vec<Key> = spares.map(|(key, _)| key).collect();
    Some(written.map(|text| AsHandler {
        text: Arc::from(chain::pruned(outline.source, text)),
        at: at.clone(),
        spares,
    }))
}

/// The expression at the start of a chain of method calls, and the calls.
fn chain(expr: &Expr) -> (&Expr, Vec<(String, &[ExprOrSpread])>) {
    let mut calls = Vec::new();
    let mut root = bare(expr);
    while let Some((object, name, args)) = method_call(root) {
        calls.push((name, args));
        root = bare(object);
    }
    calls.reverse();
    (root, calls)
}

/// The call that makes a router, and the function of another file that is called for it.
type Making<'a> = (&'a CallExpr, Option<(Key, Arc<Factory>)>);

fn makes<'a>(kitchen: &Kitchen, expr: &'a Expr) -> Option<Making<'a>> {
    let outline = kitchen.outline;
    let Expr::Call(call) = expr else { return None };
    let Expr::Ident(callee) = bare(call.callee.as_expr()?) else {
        return None;
    };
    let (module, name) = outline.imported(callee)?;
    if module == PACKAGE && matches!(name, "createRouter" | "default") {
        return Some((call, None));
    }
    let found = factory(kitchen, call.callee.as_expr()?)?;
    (!found.1.options && call.args.is_empty()).then_some((call, Some(found)))
}

/// The factory, or the options, that an imported name stands for.
fn factory(kitchen: &Kitchen, expr: &Expr) -> Option<(Key, Arc<Factory>)> {
    let outline = kitchen.outline;
    let modules = kitchen.modules;
    let (file, name) = modules.named(&outline.source.path, &outline.imports, expr)?;
    let found = modules.factory(&file, &name)?;
    let roles = Vec::new();
    Some((Key { file, name, roles }, found))
}

fn router<'a>(kitchen: &Kitchen<'_, 'a, '_>) -> Option<Router<'a>> {
    let outline = kitchen.outline;
    let source = outline.source;
    let (export, default) = &outline.default;
    let (root, last): (Result<Making<'a>, Id>, Vec<_>) = match default {
        DefaultExport::Function(_) => return None,
        DefaultExport::Name(name) => (Err(name.clone()), Vec::new()),
        DefaultExport::Expr(expr) => {
            let (root, calls) = chain(expr);
            match root {
                Expr::Ident(name) => (Err(id(name)), calls),
                root => (Ok(makes(kitchen, root)?), calls),
            }
        }
    };
    let with = |statement: &Range<usize>, calls: Vec<(String, &'a [ExprOrSpread])>| {
        let statement = statement.clone();
        calls
            .into_iter()
            .map(move |(name, args)| (name, args, statement.clone()))
    };
    let name = match root {
        Ok((made, factory)) => {
            return Some(Router {
                held: None,
                made,
                factory,
                calls: with(export, last).collect(),
            });
        }
        Err(name) => name,
    };
    let mut router = None;
    for item in source.items() {
        let statement = source.range(item);
        match item {
            ModuleItem::Stmt(Stmt::Decl(Decl::Var(variables))) => {
                let [only] = &variables.decls[..] else {
                    continue;
                };
                if matches!(&only.name, Pat::Ident(binding) if id(&binding.id) == name) {
                    let (root, calls) = chain(only.init.as_deref()?);
                    let (made, factory) = makes(kitchen, root)?;
                    router = Some(Router {
                        held: Some((name.clone(), statement.clone())),
                        made,
                        factory,
                        calls: with(&statement, calls).collect(),
                    });
                }
            }
            ModuleItem::Stmt(Stmt::Expr(expr)) => {
                let (root, calls) = chain(&expr.expr);
                if matches!(root, Expr::Ident(root) if id(root) == name) {
                    router.as_mut()?.calls.extend(with(&statement, calls));
                }
            }
            _ => {}
        }
    }
    let mut router = router?;
    router.calls.extend(with(export, last));
    Some(router)
}

/// Writes the file anew, or says why not.
fn write<'a>(
    kitchen: &Kitchen<'_, 'a, '_>,
    router: &Router<'a>,
    strict: bool,
) -> Result<String, String> {
    let outline = kitchen.outline;
    let source = outline.source;
    let style = Style::of(source);
    let version = source
        .packages
        .range(PACKAGE)
        .and_then(NextVersion::parse)
        .ok_or("it is known of 0.11 to 1")?;
    let first = (version.major, version.minor) < (1, 0);
    if version.major > 1 || (version.major, version.minor) < (0, 11) {
        return Err("it is known of 0.11 to 1".to_string());
    }
    let mut calls: Vec<_> = router.calls.iter().collect();
    let options = if first {
        &router.made.args[..]
    } else {
        match calls.pop() {
            Some((name, args, _)) if name == "handler" => args,
            _ => return Err("the router is exported without handler()".to_string()),
        }
    };
    let several = |(name, args, _): &&(String, &[ExprOrSpread], Range<usize>)| {
        name == "use" || args.len() != 1
    };
    let chained = router.factory.is_some() || calls.iter().copied().any(|call| several(&call));
    let mut by_method: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut made: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    let unchained = if chained { &[][..] } else { &calls[..] };
    for (name, args, statement) in unchained {
        let Some(method) = METHODS.iter().find(|method| *method == name) else {
            return Err(match &name[..] {
                "use" => "middleware".to_string(),
                name => format!("{name}()"),
            });
        };
        let [handler] = args else {
            return Err("middleware or a path".to_string());
        };
        let own = match bare(&handler.expr) {
            Expr::Ident(name) if outline.functions.contains_key(&id(name)) => name.sym.to_string(),
            function @ (Expr::Arrow(_) | Expr::Fn(_)) => {
                if params(function) > 2 {
                    return Err("middleware".to_string());
                }
                let name = format!("{}{}", method[..1].to_uppercase(), &method[1..]);
                let name = free_name(source, &[&format!("handle{name}"), &format!("on{name}")]);
                let text = dedented(outline, source.range(function));
                made.entry(statement.start)
                    .or_default()
                    .push(format!("const {name} = {text}{}", style.semi));
                name
            }
            _ => return Err("a handler of another file".to_string()),
        };
        if by_method.insert(method, vec![own]).is_some() {
            return Err(format!("two handlers for {method}"));
        }
    }
    let (given, imports) = match &router.factory {
        Some((key, _)) => uses(kitchen, key)?,
        None => Default::default(),
    };
    let chains = match chained {
        true => chains(kitchen, &given, &calls)?,
        false => Vec::new(),
    };
    if first
        && chains
            .iter()
            .any(|chain| chain.steps.iter().any(chain::Step::goes_around))
    {
        return Err("a middleware that calls next() inside a try".to_string());
    }
    for chain in &chains {
        by_method.insert(chain.method, Vec::new());
    }
    if by_method.is_empty() {
        return Err("no handlers".to_string());
    }
    // The error is typed as the library types it.
    let error = match (source.typescript(), first) {
        (false, _) => "",
        (true, true) => ": any",
        (true, false) => ": unknown",
    };
    let mut last = Vec::new();
    let mut function = |name: &str, text: Option<String>| {
        text.map(|text| {
            let free = free_name(source, &[name, &format!("router{}", &name[2..])]);
            last.push(match text.contains("function NAME(") {
                true => text.replacen("NAME", &free, 1),
                false => format!("const {free} = {text}{}", style.semi),
            });
            free
        })
    };
    let elsewhere = elsewhere(kitchen, router, options)?;
    let (on_error, on_no_match) = match &elsewhere {
        Some((_, _, factory)) => (factory.on_error.clone(), factory.on_no_match.clone()),
        None => {
            let (on_error, on_no_match) = settings(outline, options, error)?;
            (
                function("onError", on_error),
                function("onNoMatch", on_no_match),
            )
        }
    };
    if first && on_error.is_none() {
        return Err("without onError it answers with the message of the error".to_string());
    }
    let mut edits = Edits::default();
    if let Some((callee, key, factory)) = &elsewhere {
        imports_parts(kitchen, callee, key, factory, &mut edits)?;
    }
    if !imports.is_empty() {
        let last = source
            .items()
            .iter()
            .rfind(|item| matches!(item, ModuleItem::ModuleDecl(ModuleDecl::Import(_))));
        let at = last.map_or(0, |item| source.range(item).end);
        edits.insert(at, format!("\n{}", imports.join("\n")));
    }
    // Types go by the names that the file has for them.
    let names = Names::of(source, &source.module);
    let named = |name: &str| names.all.iter().any(|((sym, _), _)| sym == name);
    let typed = |name: &str, kind: &str| match source.typescript() && named(kind) {
        true => format!("{name}: {kind}"),
        false => name.to_string(),
    };
    let (req, res) = (
        typed("req", "NextApiRequest"),
        typed("res", "NextApiResponse"),
    );
    let (semi, indent) = (style.semi, &style.indent);
    let (keyword, deep) = match on_error {
        Some(_) => ("return await ", indent.as_str()),
        None => ("return ", ""),
    };
    let mut lines = vec![format!("switch (req.method) {{")];
    for method in METHODS {
        if let Some(own) = by_method.get(method) {
            let chain = chains.iter().find(|chain| chain.method == method);
            lines.push(format!(
                "{indent}case {}:",
                style.string(&method.to_uppercase())
            ));
            if method == "get" && !by_method.contains_key("head") {
                // next-connect answers HEAD by the handler of GET.
                lines.push(format!("{indent}case {}:", style.string("HEAD")));
            }
            for name in own {
                lines.push(format!("{indent}{indent}{keyword}{name}(req, res){semi}"));
            }
            if let Some(chain) = chain {
                let writing = Writing {
                    source,
                    modules: kitchen.modules,
                    names: chain::Names {
                        req: "req",
                        res: "res",
                    },
                    keyword,
                    comments: chain.comments.clone(),
                    typed: (req.clone(), res.clone()),
                };
                let written = writing.write(&chain.steps, &chain.end, &mut edits)?;
                if let Some(label) = lines.last_mut() {
                    label.push_str(" {");
                }
                let inner = chain::indented(written, indent);
                lines.extend(chain::indented(inner, indent));
                lines.push(format!("{indent}}}"));
            }
        }
    }
    lines.push(format!("{indent}default:"));
    lines.push(match (on_no_match, strict) {
        (Some(name), _) => format!("{indent}{indent}{keyword}{name}(req, res){semi}"),
        (None, false) => format!("{indent}{indent}return res.status(405).end(){semi}"),
        (None, true) if first => {
            let text = style.string("not found");
            format!("{indent}{indent}return res.status(404).end({text}){semi}")
        }
        (None, true) => format!(
            "{indent}{indent}return res.status(404).end(`Route ${{req.method}} ${{req.url}} not found`){semi}"
        ),
    });
    lines.push("}".to_string());
    let mut body = chain::indented(lines, &format!("{indent}{deep}"));
    if let Some(name) = &on_error {
        body.insert(0, format!("{indent}try {{"));
        body.push(format!("{indent}}} catch (error) {{"));
        body.push(format!(
            "{indent}{indent}return {name}(error, req, res){semi}"
        ));
        body.push(format!("{indent}}}"));
    }
    let name = free_name(source, &["handler", "routeHandler"]);
    last.push(format!(
        "export default async function {name}({req}, {res}) {{\n{}\n}}",
        chain::joined(&body)
    ));
    place(outline, router, made, last, edits)
}

/// What a router runs for one method.
struct Chain<'a> {
    method: &'static str,
    steps: Vec<chain::Step>,
    end: chain::End<'a>,
    /// The comments above the call that gives it to the router.
    comments: Vec<String>,
}

/// What a router runs for each method: the middlewares of every method and the method's own
/// functions, in the order in which they were given.
fn chains<'a>(
    kitchen: &Kitchen<'_, 'a, '_>,
    first: &[chain::Step],
    calls: &[&(String, &'a [ExprOrSpread], Range<usize>)],
) -> Result<Vec<Chain<'a>>, String> {
    let source = kitchen.outline.source;
    let mut found = Vec::new();
    for (name, ..) in calls {
        if name != "use" && !METHODS.contains(&&**name) {
            return Err(format!("{name}()"));
        }
    }
    let mut seen: Vec<usize> = Vec::new();
    for method in METHODS {
        let own: Vec<_> = calls.iter().filter(|(name, ..)| name == method).collect();
        let [(_, _, statement)] = own[..] else {
            match own.is_empty() {
                true => continue,
                false => return Err(format!("two handlers for {method}")),
            }
        };
        let given = calls
            .iter()
            .filter(|(name, ..)| name == method || name == "use");
        let given = given.flat_map(|(_, args, _)| args.iter());
        let (steps, end) = kitchen.chain(first.to_vec(), given)?;
        let mut comments = Vec::new();
        if !seen.contains(&statement.start) {
            seen.push(statement.start);
            let start = crate::flow::leading_comments(source, statement.start);
            let text = &source.text[start..statement.start];
            comments.extend(text.lines().map(|line| line.trim().to_string()));
            comments.retain(|line| !line.is_empty());
        }
        found.push(Chain {
            method,
            steps,
            end,
            comments,
        });
    }
    Ok(found)
}

/// The functions for errors and other methods that come from another file: what is imported for
/// them, and what that is.
type Elsewhere<'a> = (&'a Expr, Key, Arc<Factory>);

fn elsewhere<'a>(
    kitchen: &Kitchen,
    router: &Router<'a>,
    options: &'a [ExprOrSpread],
) -> Result<Option<Elsewhere<'a>>, String> {
    let given = match options {
        [only] => factory(kitchen, &only.expr)
            .filter(|(_, found)| found.options)
            .map(|(key, found)| (&*only.expr, key, found)),
        _ => None,
    };
    match (&router.factory, given) {
        (None, given) => Ok(given),
        (Some((key, found)), None) if found.on_error.is_some() || found.on_no_match.is_some() => {
            if !options.is_empty() {
                return Err("more options".to_string());
            }
            let callee = router
                .made
                .callee
                .as_expr()
                .ok_or("options from elsewhere")?;
            Ok(Some((callee, key.clone(), found.clone())))
        }
        (Some(_), given) => Ok(given),
    }
}

/// Imports the functions for errors and other methods in place of what they were part of.
fn imports_parts(
    kitchen: &Kitchen,
    callee: &Expr,
    key: &Key,
    factory: &Factory,
    edits: &mut Edits,
) -> Result<(), String> {
    let outline = kitchen.outline;
    let source = outline.source;
    let Expr::Ident(name) = bare(callee) else {
        return Err("options from elsewhere".to_string());
    };
    let local = id(name);
    let names = Names::of(source, &source.module).all;
    if names.iter().filter(|(name, _)| *name == local).count() != 2 {
        return Err(format!("{} is used elsewhere", local.0));
    }
    let wanted: Vec<&String> = factory
        .on_error
        .iter()
        .chain(&factory.on_no_match)
        .collect();
    for wanted in &wanted {
        if names.iter().any(|(name, _)| *name.0 == ***wanted) {
            return Err(format!("{wanted} is something else in this file"));
        }
    }
    let (from, _) = outline
        .imports
        .get(&local)
        .ok_or("options from elsewhere")?;
    let target = |name: &String| Some((key.file.clone(), name.clone()));
    let reached =
        |name: &&&String| kitchen.modules.exported_by(&source.path, from, name) == target(name);
    let list: Vec<&str> = wanted.iter().map(|name| name.as_str()).collect();
    let list = list.join(", ");
    let direct = wanted.iter().all(|name| reached(&name));
    let style = Style::of(source);
    let specifier = (kitchen.specifier)(&key.file);
    for item in source.items() {
        let ModuleItem::ModuleDecl(ModuleDecl::Import(import)) = item else {
            continue;
        };
        let Some(at) = import
            .specifiers
            .iter()
            .position(|specifier| id(specifier.local()) == local)
        else {
            continue;
        };
        let named = import
            .specifiers
            .iter()
            .any(|specifier| matches!(specifier, ImportSpecifier::Named(_)));
        if !direct {
            // What it is imported through lists what it passes on.
            kitchen
                .modules
                .imports_now(&source.path, &specifier, &key.file);
            let (from, semi) = (style.string(&specifier), style.semi);
            let line = format!("\nimport {{ {list} }} from {from}{semi}");
            edits.insert(source.range(import).end, line);
            continue;
        }
        let range = source.range(&import.specifiers[at]);
        match (&import.specifiers[at], named) {
            (ImportSpecifier::Named(_), _) => edits.replace(range, list.clone()),
            (ImportSpecifier::Default(_), false) => {
                edits.replace(range, format!("{{ {list} }}"));
            }
            (ImportSpecifier::Default(_), true) => {
                let open = source.text[range.end..]
                    .find('{')
                    .map_or(range.end, |at| range.end + at + 1);
                edits.replace(range.start..open, format!("{{ {list},"));
            }
            (ImportSpecifier::Namespace(_), _) => {
                return Err("options from elsewhere".to_string());
            }
        }
    }
    Ok(())
}

/// Puts the parts in their places: functions where they were given to the router, and the handler
/// where it was exported.
fn place(
    outline: &Outline,
    router: &Router,
    mut made: BTreeMap<usize, Vec<String>>,
    mut last: Vec<String>,
    mut edits: Edits,
) -> Result<String, String> {
    let source = outline.source;
    let export = &outline.default.0;
    if let Some(mut here) = made.remove(&export.start) {
        here.append(&mut last);
        last = here;
    }
    edits.replace(export.clone(), last.join("\n\n"));
    let mut statements: Vec<Range<usize>> = router
        .calls
        .iter()
        .map(|(_, _, statement)| statement.clone())
        .chain(router.held.iter().map(|(_, statement)| statement.clone()))
        .filter(|statement| statement != export)
        .collect();
    statements.sort_by_key(|statement| statement.start);
    statements.dedup();
    for statement in statements {
        match made.remove(&statement.start) {
            Some(here) => edits.replace(statement, here.join("\n\n")),
            None => edits.delete(whole_lines(source, &statement)),
        }
    }
    // Nothing else may use the router, or what makes it.
    let names = Names::of(source, &source.module);
    if let Some((name, _)) = &router.held {
        let uses = names.all.iter().filter(|(used, _)| used == name).count();
        let own = router.calls.iter().map(|(_, _, statement)| statement.start);
        let mut own: Vec<usize> = own.chain([export.start]).collect();
        own.sort_unstable();
        own.dedup();
        let held = router
            .held
            .iter()
            .filter(|(_, statement)| own.contains(&statement.start));
        if uses != own.len() + 1 - held.count() {
            return Err("the router is used elsewhere".to_string());
        }
    }
    for item in source.items() {
        if let ModuleItem::ModuleDecl(ModuleDecl::Import(import)) = item
            && &*import.src.value.to_string_lossy() == PACKAGE
        {
            let only = import.specifiers.len() == 1;
            let local = id(import.specifiers[0].local());
            if !only || names.all.iter().filter(|(name, _)| *name == local).count() != 2 {
                return Err("other functions of it".to_string());
            }
            edits.delete(whole_lines(source, &source.range(import)));
        }
    }
    edits
        .render(&source.text, 0..source.text.len())
        .map_err(|_| "in a way that is not understood".to_string())
}

/// A function of a module that makes routers, or a constant with the options of one.
#[derive(Debug, Clone)]
pub struct Factory {
    /// The name that binds it.
    pub name: String,
    /// The function of the module that answers errors.
    on_error: Option<String>,
    /// The function of the module that answers other methods.
    on_no_match: Option<String>,
    /// Whether it is a constant with options.
    options: bool,
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
    let (root, calls) = chain(made);
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
fn uses(kitchen: &Kitchen, key: &Key) -> Result<(Vec<chain::Step>, Vec<String>), String> {
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

fn params(function: &Expr) -> usize {
    match function {
        Expr::Arrow(arrow) => arrow.params.len(),
        Expr::Fn(function) => function.function.params.len(),
        _ => 0,
    }
}

/// The text of a function, moved to the left by the indentation of its line.
fn dedented(outline: &Outline, range: Range<usize>) -> String {
    let start = range.start;
    dedented_range(outline.source, range, start)
}

/// Text, moved to the left by the indentation of the line of an offset.
fn dedented_range(source: &Source, range: Range<usize>, line: usize) -> String {
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

/// A function with its first parameter typed, where it has no type of its own.
fn with_type(text: String, prop: &Prop, kind: &str) -> String {
    let first = match prop {
        Prop::Method(method) => method.function.params.first().map(|param| &param.pat),
        Prop::KeyValue(pair) => match bare(&pair.value) {
            Expr::Arrow(arrow) => arrow.params.first(),
            Expr::Fn(function) => function.function.params.first().map(|param| &param.pat),
            _ => None,
        },
        _ => None,
    };
    match first {
        Some(Pat::Ident(name)) if name.type_ann.is_none() && text.contains('(') => {
            let name = &*name.id.sym;
            text.replacen(&format!("({name}"), &format!("({name}{kind}"), 1)
        }
        _ => text,
    }
}

/// `{ onError, onNoMatch }`: the texts of both. A method is spelled `function NAME(…) {}`.
type Settings = (Option<String>, Option<String>);

fn settings(outline: &Outline, options: &[ExprOrSpread], error: &str) -> Result<Settings, String> {
    let source = outline.source;
    let object = match options {
        [] => return Ok((None, None)),
        [only] => match bare(&only.expr) {
            Expr::Object(object) => object,
            _ => return Err("options from elsewhere".to_string()),
        },
        _ => return Err("more options".to_string()),
    };
    let mut found = (None, None);
    for prop in &object.props {
        let PropOrSpread::Prop(prop) = prop else {
            return Err("options from elsewhere".to_string());
        };
        let (name, count, text) = match &**prop {
            Prop::KeyValue(pair) => match bare(&pair.value) {
                value @ (Expr::Arrow(_) | Expr::Fn(_)) => (
                    prop_name(&pair.key),
                    params(value),
                    dedented(outline, source.range(value)),
                ),
                _ => return Err("options from elsewhere".to_string()),
            },
            Prop::Method(method) => {
                let text = dedented(outline, source.range(method));
                let open = text.find('(').unwrap_or(0);
                let keyword = match method.function.is_async {
                    true => "async function NAME",
                    false => "function NAME",
                };
                (
                    prop_name(&method.key),
                    method.function.params.len(),
                    format!("{keyword}{}", &text[open..]),
                )
            }
            _ => return Err("options from elsewhere".to_string()),
        };
        match name.as_deref() {
            Some("onError") if count <= 3 => found.0 = Some(with_type(text, prop, error)),
            Some("onNoMatch") if count <= 2 => found.1 = Some(text),
            name => return Err(format!("the option {}", name.unwrap_or_default())),
        }
    }
    Ok(found)
}
