//! next-connect 0.11 to 1: a router whose methods each have one handler of this file is the same
//! as one handler that tells the methods apart, which is how the rest of the program reads it.
//! In: the outline of an API file. Out: its text with the router written as such a handler.
//!
//! `router.get(list)` gives `case 'GET': return list(req, res)`, `onError` a `catch` around all of
//! them and `onNoMatch` the `default`. Without `onNoMatch` next-connect answers 404, which
//! Next.js makes 405; `strict` keeps the 404. Refused by name: middleware, paths, nested routers,
//! and 0.x without `onError`, which answers with the error's message
//! (<https://github.com/hoangvvo/next-connect>, `src/router.ts` and `src/node.ts`).

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use swc_core::ecma::ast::*;

use crate::edit::Edits;
use crate::emit::style::{Style, indentation, template_ranges};
use crate::emit::web_native::{free_name, whole_lines};
use crate::facts::api_module::{DefaultExport, Outline, refuse_at};
use crate::outcome::Refusal;
use crate::reason::Reason;
use crate::syntax::{Id, Names, bare, id, method_call, prop_name};

const PACKAGE: &str = "next-connect";

/// A router in a file: where it is made, by which call, and what is called on it.
struct Router<'a> {
    /// The name of the constant that holds it, and its statement.
    held: Option<(Id, Range<usize>)>,
    /// The call that makes it.
    made: &'a CallExpr,
    /// The methods called on it, in order, with the statement around each.
    calls: Vec<(String, &'a [ExprOrSpread], Range<usize>)>,
}

/// The file with its router as one handler, and where the router is made.
pub type AsHandler = (Arc<str>, Range<usize>);

/// Writes the router of a file as one handler; `None` where the default export is no router of
/// next-connect. `strict` keeps its answer to other methods.
pub fn as_handler(outline: &Outline, strict: bool) -> Option<Result<AsHandler, Refusal>> {
    let router = router(outline)?;
    let at = outline.source.range(router.made);
    let refuse = |why: String| {
        let range = outline.source.packages.range(PACKAGE);
        let range = range.unwrap_or("of an unknown version");
        let why = format!("{PACKAGE} {range}: {why}");
        refuse_at(outline.source, Reason::UnsupportedLibrary, at.clone(), why)
    };
    Some(
        write(outline, &router, strict)
            .map(|text| (Arc::from(text), at.clone()))
            .map_err(refuse),
    )
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

fn makes<'a>(outline: &Outline, expr: &'a Expr) -> Option<&'a CallExpr> {
    let Expr::Call(call) = expr else { return None };
    let Expr::Ident(callee) = bare(call.callee.as_expr()?) else {
        return None;
    };
    let (module, name) = outline.imported(callee)?;
    (module == PACKAGE && matches!(name, "createRouter" | "default")).then_some(call)
}

fn router<'a>(outline: &Outline<'a>) -> Option<Router<'a>> {
    let source = outline.source;
    let (export, default) = &outline.default;
    let (root, last): (Result<&'a CallExpr, Id>, Vec<_>) = match default {
        DefaultExport::Function(_) => return None,
        DefaultExport::Name(name) => (Err(name.clone()), Vec::new()),
        DefaultExport::Expr(expr) => {
            let (root, calls) = chain(expr);
            match root {
                Expr::Ident(name) => (Err(id(name)), calls),
                root => (Ok(makes(outline, root)?), calls),
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
        Ok(made) => {
            return Some(Router {
                held: None,
                made,
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
                    router = Some(Router {
                        held: Some((name.clone(), statement.clone())),
                        made: makes(outline, root)?,
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
fn write(outline: &Outline, router: &Router, strict: bool) -> Result<String, String> {
    let source = outline.source;
    let style = Style::of(source);
    let version = source
        .packages
        .range(PACKAGE)
        .and_then(crate::next_version::NextVersion::parse)
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
    let mut by_method: BTreeMap<&str, (String, Option<Range<usize>>)> = BTreeMap::new();
    let mut made: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    const METHODS: [&str; 6] = ["get", "head", "post", "put", "patch", "delete"];
    for (name, args, statement) in &calls {
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
            Expr::Ident(name) if outline.functions.contains_key(&id(name)) => {
                (name.sym.to_string(), None)
            }
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
                (name, Some(source.range(function)))
            }
            _ => return Err("a handler of another file".to_string()),
        };
        if by_method.insert(method, own).is_some() {
            return Err(format!("two handlers for {method}"));
        }
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
    let (on_error, on_no_match) = settings(outline, options, error)?;
    if first && on_error.is_none() {
        return Err("without onError it answers with the message of the error".to_string());
    }
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
    let on_error = function("onError", on_error);
    let on_no_match = function("onNoMatch", on_no_match);
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
        if let Some((name, _)) = by_method.get(method) {
            lines.push(format!(
                "{indent}case {}:",
                style.string(&method.to_uppercase())
            ));
            if method == "get" && !by_method.contains_key("head") {
                // next-connect answers HEAD by the handler of GET.
                lines.push(format!("{indent}case {}:", style.string("HEAD")));
            }
            lines.push(format!("{indent}{indent}{keyword}{name}(req, res){semi}"));
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
    let mut body: Vec<String> = lines
        .iter()
        .map(|line| format!("{indent}{deep}{line}"))
        .collect();
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
        body.join("\n")
    ));
    place(outline, router, made, last)
}

/// Puts the parts in their places: functions where they were given to the router, and the handler
/// where it was exported.
fn place(
    outline: &Outline,
    router: &Router,
    mut made: BTreeMap<usize, Vec<String>>,
    mut last: Vec<String>,
) -> Result<String, String> {
    let source = outline.source;
    let mut edits = Edits::default();
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
    let source = outline.source;
    let templates = template_ranges(source);
    let by = indentation(&source.text, range.start).len();
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
