//! nookies 2: `parseCookies({ req })` gives what `req.cookies` holds; `setCookie({ res }, …)` and
//! `destroyCookie` become `cookies().set(…)`. `cookies().set` adds `Path=/`, so that a cookie
//! without a path of its own is refused: pages gave it none, and browsers took the folder of
//! the URL.

use swc_core::ecma::ast::*;

use super::{Call, Piece, Read, Takes, Written};
use crate::facts::effect::Role;
use crate::reason::Note;
use crate::syntax::{bare, prop_name};

const PACKAGE: &str = "nookies";

pub fn read(call: &Call) -> Read {
    let source = call.source;
    let Some((ctx, rest)) = call.node.args.split_first() else {
        return Read::Unknown;
    };
    let Some(context) = call.context(&ctx.expr) else {
        return Read::Unknown;
    };
    if context.roles.is_empty() {
        return Read::Unknown;
    }
    if !call.is_major(PACKAGE, 2..=2) || !context.others.is_empty() {
        return call.unsupported(PACKAGE, "its functions are known of 2");
    }
    let refused = |why: &str| Read::Refused(format!("{PACKAGE}: {} {why}", call.name));
    match (call.name, rest) {
        ("parseCookies" | "get", []) if context.has(Role::Request) => {
            let text = vec![
                Piece::text("Object.fromEntries("),
                Piece::Request,
                Piece::text(".cookies.getAll().map(({ name, value }) => [name, value]))"),
            ];
            Read::Written(Written {
                edits: vec![(call.range(), text)],
                dropped: vec![call.callee()],
                takes: Takes::NextRequest,
                notes: vec![Note::CookieParsing],
                ..Written::default()
            })
        }
        ("setCookie" | "set", [name, value, options]) if context.has(Role::Response) => {
            if path(options).is_none() {
                return refused("without a path");
            }
            write(
                call,
                vec![
                    source.range(name),
                    source.range(value),
                    source.range(options),
                ],
                |inner| {
                    vec![(
                        call.range(),
                        vec![
                            Piece::CookieStoreObject,
                            Piece::text(".set("),
                            Piece::Keep(inner[0].start..inner[2].end),
                            Piece::text(")"),
                        ],
                    )]
                },
            )
        }
        ("destroyCookie" | "destroy", [name, options]) if context.has(Role::Response) => {
            let Some(last) = path(options) else {
                return refused("without a path");
            };
            let last = source.range(last).end;
            write(
                call,
                vec![source.range(name), source.range(options)],
                |inner| {
                    vec![(
                        call.range(),
                        vec![
                            Piece::CookieStoreObject,
                            Piece::text(".set("),
                            Piece::Keep(inner[0].clone()),
                            Piece::text(", "),
                            Piece::Literal(""),
                            Piece::text(", "),
                            Piece::Keep(inner[1].start..last),
                            Piece::text(", maxAge: -1"),
                            Piece::Keep(last..inner[1].end),
                            Piece::text(")"),
                        ],
                    )]
                },
            )
        }
        _ => refused("in a way that is not understood"),
    }
}

fn write(
    call: &Call,
    inner: Vec<std::ops::Range<usize>>,
    edits: impl FnOnce(&[std::ops::Range<usize>]) -> Vec<(std::ops::Range<usize>, Vec<Piece>)>,
) -> Read {
    Read::Written(Written {
        edits: edits(&inner),
        dropped: vec![call.callee()],
        notes: vec![Note::CookieSpelling],
        sets_cookies: true,
        ..Written::default()
    })
}

/// The last property of options that name a path and only known settings.
fn path(options: &ExprOrSpread) -> Option<&PropOrSpread> {
    let Expr::Object(object) = bare(&options.expr) else {
        return None;
    };
    let mut named = Vec::new();
    for prop in &object.props {
        let PropOrSpread::Prop(prop) = prop else {
            return None;
        };
        named.push(match &**prop {
            Prop::KeyValue(pair) => prop_name(&pair.key)?,
            Prop::Shorthand(name) => name.sym.to_string(),
            _ => return None,
        });
    }
    let settings = [
        "domain", "expires", "httpOnly", "maxAge", "path", "sameSite", "secure",
    ];
    let known = named.iter().all(|name| settings.contains(&&**name));
    (known && named.iter().any(|name| name == "path")).then(|| object.props.last())?
}
