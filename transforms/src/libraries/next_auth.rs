//! next-auth 4 in API routes.
//!
//! - `getServerSession(req, res, options)` becomes `getServerSession(options)`, which reads
//!   `headers()` and `cookies()` by itself since 4.21 and writes no cookies; likewise
//!   `unstable_getServerSession`, its name before 4.22
//!   (<https://next-auth.js.org/configuration/nextjs#in-app-router>).
//! - `auth(req, res)` of `auth = (...args) => getServerSession(...args, options)`, as the same page
//!   has it, becomes `auth()`.
//! - `getSession({ req })` reads nothing but `req.headers.cookie` (`client/_utils.js`).
//! - `getToken({ req })` takes a `NextRequest` as well: it reads `req.cookies` by `getAll`, or
//!   else the Authorization header by `headers.get` (`jwt/index.js`). Measured on 4.24.

use swc_core::ecma::ast::*;

use super::{Call, Piece, Read, Takes, Written};
use crate::facts::api_module::{ApiModule, Body};
use crate::facts::effect::Role;
use crate::reason::Note;
use crate::syntax::{Id, bare, id, is_binding};

pub fn read(call: &Call) -> Read {
    let source = call.source;
    let args = &call.node.args[..];
    match (call.module, call.name, args) {
        (
            "next-auth" | "next-auth/next",
            "getServerSession" | "unstable_getServerSession",
            [req, res, options],
        ) if call.is_request(req) && call.is_response(res) && options.spread.is_none() => {
            let options = source.range(&options.expr);
            let list = call.list();
            Read::Written(Written {
                // A trailing comma or line break behind the options goes, too.
                edits: vec![
                    (list.start..options.start, Vec::new()),
                    (options.end..list.end, Vec::new()),
                ],
                notes: vec![Note::SessionRefresh],
                ..Written::default()
            })
        }
        ("next-auth/react", "getSession", [options]) => match call.context(&options.expr) {
            Some(context) if context.has(Role::Request) && context.others.is_empty() => {
                let headers = vec![
                    Piece::text("{ req: { headers: { cookie: "),
                    Piece::Request,
                    Piece::text(".headers.get("),
                    Piece::Literal("cookie"),
                    Piece::text(") ?? undefined } } }"),
                ];
                Read::Written(Written {
                    edits: vec![(source.range(context.object), headers)],
                    takes: Takes::Request,
                    ..Written::default()
                })
            }
            _ => Read::Unknown,
        },
        ("next-auth/jwt", "getToken", [options]) => match call.context(&options.expr) {
            Some(context) if context.has(Role::Request) && !context.has(Role::Response) => {
                Read::Written(Written {
                    takes: Takes::NextRequest,
                    ..Written::default()
                })
            }
            _ => Read::Unknown,
        },
        _ => Read::Unknown,
    }
}

/// Whether a function of a module does nothing but hand whatever it is given to `getServerSession`,
/// and the options behind that.
pub fn forwards(module: &ApiModule, name: &Id) -> bool {
    let forwarded = || {
        let function = module.functions.get(name)?;
        let [Pat::Rest(rest)] = &function.params[..] else {
            return None;
        };
        let Pat::Ident(given) = &*rest.arg else {
            return None;
        };
        let value = match function.body {
            Body::Expr(expr) => expr,
            Body::Block([Stmt::Return(only)], _) => only.arg.as_deref()?,
            Body::Block(..) => return None,
        };
        let Expr::Call(call) = bare(value) else {
            return None;
        };
        let Expr::Ident(callee) = bare(call.callee.as_expr()?) else {
            return None;
        };
        let (from, exported) = module.imports.get(&id(callee))?;
        let [all, options] = &call.args[..] else {
            return None;
        };
        let library = matches!(from.as_str(), "next-auth" | "next-auth/next");
        let given = all.spread.is_some() && is_binding(&all.expr, &id(&given.id));
        (library && exported == "getServerSession" && given && options.spread.is_none())
            .then_some(())
    };
    forwarded().is_some()
}

/// The call of such a function: without the request and the response.
pub fn forwarded(list: std::ops::Range<usize>) -> Written {
    Written {
        edits: vec![(list, vec![Piece::text("()")])],
        notes: vec![Note::SessionRefresh],
        ..Written::default()
    }
}
