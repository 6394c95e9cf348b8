//! Functions that read the raw body: `buffer(req)` and `text(req)` of micro and of Node's
//! `stream/consumers`, `getRawBody(req, options)` of raw-body, and functions of the file that
//! collect the chunks by themselves.
//!
//! micro's functions throw above 1 MB, and raw-body above `limit`; a web `Request` has no limit.
//! micro's `json(req)` throws on an empty body, as `request.json()` does.

use swc_core::ecma::ast::*;

use super::{Call, Piece, Read, Takes, Written};
use crate::facts::api_module::{ApiModule, Body};
use crate::reason::Note;
use crate::syntax::{Id, bare, id, is_binding, method_call, prop_name, string};

/// micro 9 and 10.
pub fn micro(call: &Call) -> Read {
    let (req, options) = match &call.node.args[..] {
        [req] => (req, None),
        [req, options] => (req, Some(options)),
        _ => return Read::Unknown,
    };
    if !call.is_request(req) {
        return Read::Unknown;
    }
    if options.is_some_and(|options| reading(&options.expr) != Some(Form::Bytes)) {
        return Read::Refused(format!("micro: {} with an encoding", call.name));
    }
    match call.name {
        "buffer" | "text" => Read::RawBody {
            text: call.name == "text",
            limited: true,
        },
        "json" => Read::Written(Written {
            edits: vec![(call.range(), vec![Piece::Request, Piece::text(".json()")])],
            dropped: vec![call.callee()],
            takes: Takes::Request,
            notes: vec![Note::BodyLimit],
            reads_body: true,
            ..Written::default()
        }),
        _ => Read::Unknown,
    }
}

/// raw-body 2 and 3.
pub fn raw_body(call: &Call) -> Read {
    let (req, options) = match &call.node.args[..] {
        [req] => (req, None),
        [req, options] if options.spread.is_none() => (req, Some(&*options.expr)),
        _ => return Read::Unknown,
    };
    if call.name != "default" || !call.is_request(req) {
        return Read::Unknown;
    }
    let Some(form) = options.map_or(Some(Form::Bytes), reading) else {
        return Read::Refused("raw-body: its options are not understood".to_string());
    };
    Read::RawBody {
        text: form == Form::Text,
        limited: options.is_some(),
    }
}

/// Node's `stream/consumers`.
pub fn consumers(call: &Call) -> Read {
    match (call.name, &call.node.args[..]) {
        ("buffer" | "text", [req]) if call.is_request(req) => Read::RawBody {
            text: call.name == "text",
            limited: false,
        },
        _ => Read::Unknown,
    }
}

/// The form that a body is read in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Bytes,
    Text,
}

/// The form that options ask for: `{ length, limit, encoding }`, or the encoding itself.
fn reading(options: &Expr) -> Option<Form> {
    let encoding = |value: &Expr| match bare(value) {
        Expr::Lit(Lit::Bool(on)) => Some(if on.value { Form::Text } else { Form::Bytes }),
        value => match &*string(value)?.to_ascii_lowercase() {
            "utf8" | "utf-8" => Some(Form::Text),
            _ => None,
        },
    };
    let Expr::Object(object) = bare(options) else {
        return encoding(options);
    };
    let mut form = Form::Bytes;
    for prop in &object.props {
        let PropOrSpread::Prop(prop) = prop else {
            return None;
        };
        match &**prop {
            Prop::KeyValue(pair) => match &*prop_name(&pair.key)? {
                "length" | "limit" => {}
                "encoding" => form = encoding(&pair.value)?,
                _ => return None,
            },
            Prop::Shorthand(name) if matches!(&*name.sym, "length" | "limit") => {}
            _ => return None,
        }
    }
    Some(form)
}

/// Whether a function of the file does nothing but collect the bytes of the stream that it is
/// given, and whether it gives them as text: `for await (const chunk of readable) chunks.push(chunk)`,
/// then `Buffer.concat(chunks)`; or the same by the stream's events in a promise.
pub fn collects_bytes(module: &ApiModule, name: &Id) -> Option<bool> {
    let function = module.functions.get(name)?;
    let [Pat::Ident(stream)] = &function.params[..] else {
        return None;
    };
    let stream = id(&stream.id);
    let Body::Block(stmts, _) = function.body else {
        return None;
    };
    match stmts {
        [Stmt::Decl(_), Stmt::ForOf(each), Stmt::Return(result)] => {
            if !each.is_await
                || !is_binding(&each.right, &stream)
                || !module.source.text_of(&*each.body).contains(".push(")
            {
                return None;
            }
            joined(module.source.text_of(result.arg.as_deref()?))
        }
        [Stmt::Return(result)] => events(module, result.arg.as_deref()?, &stream),
        _ => None,
    }
}

/// The form of `Buffer.concat(chunks)`, alone or as text.
fn joined(result: &str) -> Option<bool> {
    match result.strip_prefix("Buffer.concat(")?.split_once(')')?.1 {
        "" => Some(false),
        ".toString()"
        | ".toString('utf8')"
        | ".toString(\"utf8\")"
        | ".toString('utf-8')"
        | ".toString(\"utf-8\")" => Some(true),
        _ => None,
    }
}

/// `new Promise((resolve, reject) => { … })` whose code collects the chunks at `data`, resolves by
/// what they come to at `end` and rejects at `error`.
fn events(module: &ApiModule, expr: &Expr, stream: &Id) -> Option<bool> {
    let Expr::New(new) = bare(expr) else {
        return None;
    };
    let Some([executor]) = new.args.as_deref() else {
        return None;
    };
    let is_promise = matches!(bare(&new.callee), Expr::Ident(name) if name.sym == "Promise" && module.source.is_global(name));
    let Expr::Arrow(executor) = bare(&executor.expr) else {
        return None;
    };
    let ArrowFunctionBody::FunctionBody(body) = &*executor.body else {
        return None;
    };
    let (Pat::Ident(resolve), Some(Pat::Ident(reject))) =
        (executor.params.first()?, executor.params.get(1))
    else {
        return None;
    };
    let [Stmt::Decl(Decl::Var(chunks)), on @ ..] = &body.stmts[..] else {
        return None;
    };
    let [chunks] = &chunks.decls[..] else {
        return None;
    };
    let (Pat::Ident(chunks), Some(Expr::Array(start))) =
        (&chunks.name, chunks.init.as_deref().map(bare))
    else {
        return None;
    };
    if !is_promise || !start.elems.is_empty() || on.len() != 3 {
        return None;
    }
    let text = |expr: &Expr| -> String {
        let code = module.source.text_of(expr);
        code.chars()
            .filter(|char| !char.is_whitespace() && *char != ';')
            .collect()
    };
    let mut form = None;
    let mut seen = Vec::new();
    for stmt in on {
        let Stmt::Expr(stmt) = stmt else { return None };
        let (object, method, [event, listener]) = method_call(&stmt.expr)? else {
            return None;
        };
        if method != "on" || !is_binding(object, stream) {
            return None;
        }
        let event = string(&event.expr)?;
        match &*event {
            "error" if is_binding(&listener.expr, &id(&reject.id)) => {}
            "data" | "end" => {
                let Expr::Arrow(arrow) = bare(&listener.expr) else {
                    return None;
                };
                let code = match &*arrow.body {
                    ArrowFunctionBody::Expr(expr) => text(expr),
                    ArrowFunctionBody::FunctionBody(body) => match &body.stmts[..] {
                        [Stmt::Expr(only)] => text(&only.expr),
                        _ => return None,
                    },
                };
                if event == "data" {
                    let [Pat::Ident(chunk)] = &arrow.params[..] else {
                        return None;
                    };
                    let (chunks, chunk) = (&chunks.id.sym, &chunk.id.sym);
                    let pushes = [
                        format!("{chunks}.push({chunk})"),
                        format!("{chunks}.push({chunk}asBuffer)"),
                        format!("{chunks}.push(Buffer.from({chunk}))"),
                    ];
                    if !pushes.contains(&code) {
                        return None;
                    }
                } else {
                    let resolve = format!("{}(", resolve.id.sym);
                    let result = code.strip_prefix(&resolve)?.strip_suffix(')')?;
                    if !result.starts_with(&format!("Buffer.concat({})", chunks.id.sym)) {
                        return None;
                    }
                    form = joined(result);
                    form?;
                }
            }
            _ => return None,
        }
        seen.push(event);
    }
    seen.sort();
    (seen == ["data", "end", "error"]).then_some(form?)
}
