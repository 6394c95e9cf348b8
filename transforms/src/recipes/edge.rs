//! Edge API routes: the handler takes a web `Request` and gives a `Response` already, so
//! only its export changes. Measured: path parameters are in the URL's search parameters in
//! both routers. Refuses a second parameter, which is another thing in a route handler.

use swc_core::ecma::ast::*;

use super::{Kitchen, Made, handler};
use crate::emit::route_handler::is_edge;
use crate::emit::style::Style;
use crate::emit::web_native::{WebNative, free_name};
use crate::facts::api_module::{Body, DefaultExport, Function, refuse};
use crate::reason::{Note, Reason};
use crate::syntax::bare;

/// HEAD is answered through GET, with its own method.
const ALL: [&str; 6] = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

pub fn make(kitchen: &Kitchen) -> Made {
    let outline = kitchen.outline;
    if !is_edge(outline.config.as_ref()) {
        return None;
    }
    let source = kitchen.source();
    let (statement, default) = &outline.default;
    let inline = match default {
        DefaultExport::Expr(expr) => match bare(expr) {
            Expr::Arrow(arrow) => Some((arrow.params.iter().collect::<Vec<_>>(), *expr)),
            Expr::Fn(function) => {
                let params = function.function.params.iter();
                Some((params.map(|param| &param.pat).collect(), *expr))
            }
            _ => None,
        },
        _ => None,
    };
    let function = handler(outline);
    let params = match (&inline, function) {
        (Some((params, _)), _) => params.clone(),
        (None, Some(function)) => function.params.clone(),
        // A wrapped handler, or none: the other readers say so.
        (None, None) => return None,
    };
    if let Some(second) = params.get(1) {
        return Some(Err(refuse(
            source,
            Reason::UnsupportedLibrary,
            *second,
            "the event of an Edge API route",
        )));
    }
    if let Some(refusal) = params.first().and_then(|param| strange(kitchen, param)) {
        return Some(Err(refusal));
    }
    // Measured nowhere: what a middleware answer means to an API route.
    for word in ["NextResponse.next(", "NextResponse.rewrite("] {
        if let Some(at) = source.text.find(word) {
            return Some(Err(
                kitchen.refuse(at..at + word.len(), word.to_string() + ")")
            ));
        }
    }
    let mut file = WebNative::new(&ALL);
    if !function.is_some_and(caught) {
        file.notes.insert(Note::UncaughtError);
    }
    let style = Style::of(source);
    match (default, inline) {
        (DefaultExport::Function(function), _) => {
            let keyword = function.range.start;
            file.edits.delete(statement.start..keyword);
            let name = match &function.name {
                Some(name) => name.0.to_string(),
                None => {
                    let name = free_name(source, &["handler", "routeHandler"]);
                    let head = &source.text[keyword..];
                    let at = keyword + head.find("function").map_or(0, |at| at + "function".len());
                    let open = at + source.text[at..].find('(').unwrap_or(0);
                    file.edits.replace(at..open, format!(" {name}"));
                    name
                }
            };
            let line = file.export_line(&style, &name);
            file.edits.insert(statement.end, format!("\n\n{line}"));
        }
        (_, Some((_, expr))) => {
            let name = free_name(source, &["handler", "routeHandler"]);
            let line = file.export_line(&style, &name);
            let start = source.range(expr).start;
            file.edits
                .replace(statement.start..start, format!("const {name} = "));
            file.edits.insert(statement.end, format!("\n\n{line}"));
        }
        _ => {
            let name = function
                .and_then(|function| function.name.clone())
                .map_or_else(String::new, |name| name.0.to_string());
            let line = file.export_line(&style, &name);
            file.edits.replace(statement.clone(), line);
        }
    }
    Some(Ok(file))
}

/// Refuses a parameter that `next build` would not take in a route file.
fn strange(kitchen: &Kitchen, param: &Pat) -> Option<crate::outcome::Refusal> {
    let annotation = match param {
        Pat::Ident(binding) => binding.type_ann.as_ref()?,
        Pat::Object(pattern) => pattern.type_ann.as_ref()?,
        _ => return None,
    };
    let text = kitchen.source().text_of(&*annotation.type_ann);
    let known = ["NextRequest", "Request", "any"].contains(&text);
    (!known).then(|| refuse(kitchen.source(), Reason::ModuleShape, &**annotation, text))
}

/// Whether the whole body stands in a `try` with a `catch`.
fn caught(function: &Function) -> bool {
    matches!(function.body, Body::Block([Stmt::Try(attempt)], _) if attempt.handler.is_some())
}
