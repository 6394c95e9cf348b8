//! next-auth 4: `export default NextAuth(options)` becomes one function that is exported as
//! GET and POST, which next-auth tells from an API route by itself. Measured on 4.24 with
//! Next.js 15. Refuses options that are made for each request, and versions before 4.22,
//! which know no route handlers.

use swc_core::ecma::ast::*;

use super::{Kitchen, Made, handler, making, only_return};
use crate::emit::style::Style;
use crate::emit::web_native::{WebNative, free_name};
use crate::reason::Note;
use crate::syntax::{Names, bare};

pub fn make(kitchen: &Kitchen) -> Made {
    let outline = kitchen.outline;
    let source = kitchen.source();
    let names_it = |call: &CallExpr| {
        kitchen.callee(call).is_some_and(|(module, name)| {
            matches!(&*module, "next-auth" | "next-auth/next") && name == "default"
        })
    };
    let mut file = WebNative::new(&["GET", "POST"]);
    file.notes.extend([
        Note::Auto405,
        Note::AutoHead,
        Note::AutoOptions,
        Note::BodyLimit,
        Note::JsonCharset,
        Note::MalformedJson,
        Note::NoEtag,
        Note::TextPlain,
    ]);
    let made = making(outline).filter(|making| names_it(making.call));
    if let Some(making) = &made {
        let at = source.range(making.call);
        if let Some(refusal) = unknown_version(kitchen, at.clone()) {
            return Some(Err(refusal));
        }
        if making.call.args.len() != 1 || making.call.args[0].spread.is_some() {
            return Some(Err(kitchen.refuse(at, "NextAuth with other arguments")));
        }
        kitchen.export(&mut file, making, true);
        return Some(Ok(file));
    }
    // `(req, res) => NextAuth(req, res, options)`.
    let (inline, at, body, params) = inline(kitchen)?;
    let call = calls(&body, &names_it)?;
    let range = source.range(call);
    if let Some(refusal) = unknown_version(kitchen, range) {
        return Some(Err(refusal));
    }
    let only = only_return(&body).is_some_and(
        |expr| matches!(expr, Expr::Call(only) if source.range(only) == source.range(call)),
    );
    let options = match &call.args[..] {
        [_, _, options] if only => Some(&*options.expr),
        _ => None,
    };
    let constant = options.filter(|options| {
        let uses = Names::of(source, *options);
        let taken = Names::of(source, &params);
        matches!(bare(options), Expr::Ident(_) | Expr::Object(_))
            && !uses
                .all
                .iter()
                .any(|(name, _)| taken.all.iter().any(|(param, _)| param == name))
    });
    let Some(options) = constant else {
        return Some(Err(kitchen.refuse(
            source.range(call),
            "NextAuth with options made for each request",
        )));
    };
    let text = source.text_of(options);
    let callee = source.text_of(&call.callee);
    let style = Style::of(source);
    let name = free_name(source, &["handler", "routeHandler"]);
    let line = file.export_line(&style, &name);
    let constant = format!("const {name} = {callee}({text}){}", style.semi);
    let (export, _) = &outline.default;
    // What goes takes the types of its parameters with it.
    file.dropped.push(at.clone());
    file.dropped.push(export.clone());
    let kept = source.range(options);
    file.dropped = subtract(file.dropped, &kept);
    let callee = source.range(&call.callee);
    file.dropped = subtract(file.dropped, &callee);
    if inline {
        file.edits
            .replace(export.clone(), format!("{constant}\n\n{line}"));
    } else {
        file.edits.replace(at, constant);
        file.edits.replace(export.clone(), line);
    }
    Some(Ok(file))
}

/// The handler's function: whether the default export is the function itself, its statement,
/// its body and its parameters.
#[allow(clippy::type_complexity)]
fn inline<'a>(
    kitchen: &Kitchen<'_, 'a>,
) -> Option<(
    bool,
    std::ops::Range<usize>,
    crate::facts::api_module::Body<'a>,
    Vec<Pat>,
)> {
    use crate::facts::api_module::{Body, DefaultExport};
    let (export, default) = &kitchen.outline.default;
    if let DefaultExport::Expr(expr) = default
        && let Expr::Arrow(arrow) = bare(expr)
    {
        let body = match &*arrow.body {
            ArrowFunctionBody::FunctionBody(block) => {
                let braces = kitchen.source().range(block);
                Body::Block(&block.stmts, (braces.start, braces.end))
            }
            ArrowFunctionBody::Expr(expr) => Body::Expr(expr),
        };
        return Some((true, export.clone(), body, arrow.params.clone()));
    }
    let function = handler(kitchen.outline)?;
    let params = function.params.iter().map(|pat| (*pat).clone()).collect();
    let inline = matches!(default, DefaultExport::Function(_));
    Some((inline, function.statement.clone(), function.body, params))
}

/// The call of the library in a function.
fn calls<'a>(
    body: &crate::facts::api_module::Body<'a>,
    names_it: &dyn Fn(&CallExpr) -> bool,
) -> Option<&'a CallExpr> {
    use crate::facts::api_module::Body;
    let of = |expr: &'a Expr| -> Option<&'a CallExpr> {
        let expr = match bare(expr) {
            Expr::Await(awaited) => bare(&awaited.arg),
            other => other,
        };
        match expr {
            Expr::Call(call) if names_it(call) => Some(call),
            _ => None,
        }
    };
    match body {
        Body::Expr(expr) => of(expr),
        Body::Block(stmts, _) => stmts.iter().find_map(|stmt| match stmt {
            Stmt::Return(returned) => of(returned.arg.as_deref()?),
            Stmt::Expr(stmt) => of(&stmt.expr),
            _ => None,
        }),
    }
}

fn unknown_version(
    kitchen: &Kitchen,
    at: std::ops::Range<usize>,
) -> Option<crate::outcome::Refusal> {
    let detail = match kitchen.version("next-auth") {
        Some((_, 4, 22..)) => return None,
        Some((range, ..)) => format!("next-auth {range}: route handlers need 4.22 or newer"),
        None => "next-auth of an unknown version".to_string(),
    };
    Some(kitchen.refuse(at, detail))
}

fn subtract(
    ranges: Vec<std::ops::Range<usize>>,
    kept: &std::ops::Range<usize>,
) -> Vec<std::ops::Range<usize>> {
    ranges
        .into_iter()
        .flat_map(|range| {
            if kept.start >= range.start && kept.end <= range.end {
                vec![range.start..kept.start, kept.end..range.end]
            } else {
                vec![range]
            }
        })
        .collect()
}
