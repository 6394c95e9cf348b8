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

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use swc_core::ecma::ast::*;

use crate::edit::Edits;
use crate::emit::style::Style;
use crate::emit::web_native::{free_name, whole_lines};
use crate::facts::api_module::{DefaultExport, Outline, refuse_at};
use crate::libraries::chain::{self, AsHandler, Kitchen};
use crate::libraries::chain_text::{self, Writing};
use crate::libraries::router_factory::{Factory, dedented_range, uses};
use crate::modules::Key;
use crate::next_version::NextVersion;
use crate::outcome::Refusal;
use crate::reason::Reason;
use crate::syntax::{Id, Names, bare, id, method_call, prop_name};

/// The package.
pub const PACKAGE: &str = "next-connect";

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
        text: Arc::from(chain_text::pruned(outline.source, text)),
        at: at.clone(),
        spares,
    }))
}

/// The expression at the start of a chain of method calls, and the calls.
pub fn chain(expr: &Expr) -> (&Expr, Vec<(String, &[ExprOrSpread])>) {
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
                    names: chain_text::Names {
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
                let inner = chain_text::indented(written, indent);
                lines.extend(chain_text::indented(inner, indent));
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
    let mut body = chain_text::indented(lines, &format!("{indent}{deep}"));
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
        chain_text::joined(&body)
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
