//! tRPC: `createNextApiHandler(options)` becomes `fetchRequestHandler` with the same
//! options. Measured on tRPC 11. Refuses a context that is made from `req` or `res`, and
//! options that are not known to mean the same in both adapters.

use swc_core::ecma::ast::*;

use super::{Kitchen, Made, making, takes_nothing};
use crate::emit::style::{Style, template_ranges};
use crate::emit::web_native::{WebNative, free_name};
use crate::facts::api_module::Function;
use crate::facts::route::SlugKind;
use crate::outcome::Refusal;
use crate::reason::Note;
use crate::source::Source;
use crate::syntax::{bare, bound_names, id, prop_name};

const FETCH: &str = "@trpc/server/adapters/fetch";

/// Options that mean the same in both adapters.
const SAME: [&str; 6] = [
    "allowBatching",
    "allowMethodOverride",
    "batching",
    "experimental_contentTypeHandlers",
    "maxBodySize",
    "router",
];

pub fn make(kitchen: &Kitchen) -> Made {
    let making = making(kitchen.outline).filter(|making| {
        kitchen.callee(making.call).is_some_and(|(module, name)| {
            module == "@trpc/server/adapters/next" && name == "createNextApiHandler"
        })
    })?;
    let source = kitchen.source();
    let at = source.range(making.call);
    let [options] = &making.call.args[..] else {
        return Some(Err(kitchen.refuse(at, "tRPC without options")));
    };
    let Expr::Object(object) = bare(&options.expr) else {
        return Some(Err(kitchen.refuse(at, "tRPC options from elsewhere")));
    };
    if let Some(refusal) = object.props.iter().find_map(|prop| unknown(kitchen, prop)) {
        return Some(Err(refusal));
    }
    // The adapter cuts the procedure from the path behind the endpoint.
    let route = kitchen.around.route;
    let endpoint = route.path.rsplit_once('/').map(|(path, _)| path);
    let [slug] = &route.slugs[..] else {
        return Some(Err(
            kitchen.refuse(at, "tRPC below another path than [trpc]")
        ));
    };
    let (Some(endpoint), "trpc", SlugKind::One | SlugKind::CatchAll) =
        (endpoint, &*slug.name, slug.kind)
    else {
        return Some(Err(
            kitchen.refuse(at, "tRPC below another path than [trpc]")
        ));
    };
    let style = Style::of(source);
    let mut file = WebNative::new(&["GET", "POST"]);
    file.notes.extend([
        Note::Auto405,
        Note::AutoOptions,
        Note::BodyLimit,
        Note::MalformedJson,
    ]);
    file.imports.value(FETCH, "fetchRequestHandler");
    file.dropped.push(source.range(&making.call.callee));
    let annotation = if source.typescript() { ": Request" } else { "" };
    let (indent, semi) = (&style.indent, style.semi);
    let body = reindented(source, object, indent);
    let inner = body.trim_start_matches('{');
    let head = format!(
        "{indent}return fetchRequestHandler({{\n{indent}{indent}endpoint: {},\n{indent}{indent}req: request,",
        style.string(endpoint)
    );
    let inner = if inner.starts_with(['\n', '\r']) {
        inner.to_string()
    } else {
        // A one-line object.
        let entries = inner.trim_end_matches('}').trim().trim_end_matches(',');
        format!("\n{indent}{indent}{entries},\n{indent}}}")
    };
    let name = match &making.name {
        Some(name) => name.0.to_string(),
        None => free_name(source, &["handler", "routeHandler"]),
    };
    let function = format!("function {name}(request{annotation}) {{\n{head}{inner}){semi}\n}}");
    let line = file.export_line(&style, &name);
    match &making.name {
        None => file
            .edits
            .replace(making.export.clone(), format!("{function}\n\n{line}")),
        Some(_) => {
            let statement = source.items().iter().find_map(|item| {
                let range = source.range(item);
                (range.start <= at.start && at.end <= range.end).then_some(range)
            })?;
            file.edits.replace(statement, function);
            file.edits.replace(making.export.clone(), line);
        }
    }
    Some(Ok(file))
}

/// Why an option is not taken over.
fn unknown(kitchen: &Kitchen, prop: &PropOrSpread) -> Option<Refusal> {
    let source = kitchen.source();
    let refuse = |detail: &str| Some(kitchen.refuse(source.range(prop), detail));
    let PropOrSpread::Prop(prop) = prop else {
        return refuse("tRPC options from elsewhere");
    };
    let (name, value) = match &**prop {
        Prop::Shorthand(name) => (name.sym.to_string(), Some(Expr::Ident(name.clone()))),
        Prop::KeyValue(pair) => (prop_name(&pair.key)?, Some((*pair.value).clone())),
        Prop::Method(method) if method.function.params.is_empty() => return None,
        Prop::Method(method) => (prop_name(&method.key)?, None),
        _ => return refuse("tRPC option that is not understood"),
    };
    match (name.as_str(), &value) {
        (name, _) if SAME.contains(&name) => None,
        ("createContext", Some(value)) if context_is_free(kitchen, value) => None,
        ("createContext", _) => refuse("tRPC with a context made from req and res"),
        ("onError" | "responseMeta", Some(value)) if reads_known(value) => None,
        (name, _) => refuse(&format!("tRPC with {name}")),
    }
}

/// Whether the context is made without the request and the response.
fn context_is_free(kitchen: &Kitchen, value: &Expr) -> bool {
    if takes_nothing(value) || matches!(bare(value), Expr::Lit(Lit::Null(_))) {
        return true;
    }
    let Expr::Ident(name) = bare(value) else {
        return name_is(value, "undefined");
    };
    if let Some(function) = kitchen.outline.functions.get(&id(name)) {
        return no_params(function);
    }
    // An imported function: its own file says what it takes.
    let Some((module, exported)) = kitchen.outline.imported(name) else {
        return name_is(value, "undefined");
    };
    let found = || {
        let file = kitchen.project.files.get(&kitchen.around.route.file)?;
        let import = file
            .imports
            .iter()
            .find(|import| import.specifier == module)?;
        let path = import.resolved.as_ref()?;
        let text = kitchen.project.files.get(path)?.text.clone()?;
        let source = Source::parse(path, text).ok()?;
        Some(exported_takes_nothing(&source, exported))
    };
    found().unwrap_or(false)
}

fn name_is(expr: &Expr, name: &str) -> bool {
    matches!(bare(expr), Expr::Ident(ident) if ident.sym == name)
}

fn no_params(function: &Function) -> bool {
    function.params.is_empty()
}

/// Whether a module exports a function of this name that takes no parameters.
fn exported_takes_nothing(source: &Source, exported: &str) -> bool {
    source.items().iter().any(|item| {
        let ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) = item else {
            return false;
        };
        match &export.decl {
            Decl::Fn(function) => {
                function.ident.sym == exported && function.function.params.is_empty()
            }
            Decl::Var(variables) => variables.decls.iter().any(|declarator| {
                let mut names = Vec::new();
                bound_names(&declarator.name, &mut names);
                names.iter().any(|(name, _)| name == exported)
                    && declarator.init.as_deref().is_some_and(takes_nothing)
            }),
            _ => false,
        }
    })
}

/// Whether a callback takes apart what it is given, and nothing of it is `req`.
fn reads_known(value: &Expr) -> bool {
    let params: Vec<&Pat> = match bare(value) {
        Expr::Arrow(arrow) => arrow.params.iter().collect(),
        Expr::Fn(function) => function
            .function
            .params
            .iter()
            .map(|param| &param.pat)
            .collect(),
        _ => return false,
    };
    match &params[..] {
        [] => true,
        [Pat::Object(pattern)] => pattern.props.iter().all(|prop| {
            let name = match prop {
                ObjectPatProp::KeyValue(pair) => prop_name(&pair.key),
                ObjectPatProp::Assign(short) => Some(short.key.sym.to_string()),
                ObjectPatProp::Rest(_) => None,
            };
            name.is_some_and(|name| {
                ["error", "errors", "input", "path", "paths", "type"].contains(&&*name)
            })
        }),
        _ => false,
    }
}

/// The text of an object, one level deeper.
fn reindented(source: &Source, object: &ObjectLit, indent: &str) -> String {
    let range = source.range(object);
    let fixed: Vec<_> = template_ranges(source);
    let mut out = String::new();
    let mut at = range.start;
    for line in source.text[range].split_inclusive('\n') {
        let inside = fixed
            .iter()
            .any(|fixed| fixed.start < at && at <= fixed.end);
        if !out.is_empty() && !inside && !line.trim().is_empty() {
            out.push_str(indent);
        }
        out.push_str(line);
        at += line.len();
    }
    out
}
