//! next-auth 4 in API routes.
//!
//! - `getServerSession(req, res, options)` becomes `getServerSession(options)`, which reads
//!   `headers()` and `cookies()` by itself since 4.21 and writes no cookies; likewise
//!   `unstable_getServerSession`, its name before 4.22
//!   (<https://next-auth.js.org/configuration/nextjs#in-app-router>).
//! - `getSession({ req })` reads nothing but `req.headers.cookie` (`client/_utils.js`).
//! - `getToken({ req })` takes a `NextRequest` as well: it reads `req.cookies` by `getAll`, or
//!   else the Authorization header by `headers.get` (`jwt/index.js`). Measured on 4.24.

use super::{Call, Piece, Read, Takes, Written};
use crate::facts::effect::Role;
use crate::reason::Note;

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
