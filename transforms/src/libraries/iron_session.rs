//! iron-session 8: `getIronSession(req, res, options)` becomes
//! `getIronSession(await cookies(), options)`
//! (<https://github.com/vvo/iron-session#usage>). `save()` and `destroy()` then write by
//! `cookies().set`. Older versions keep the session on `req`, and have no App Router form.

use super::{Call, Piece, Read, Written};
use crate::reason::Note;

pub fn read(call: &Call) -> Read {
    let source = call.source;
    match (call.name, &call.node.args[..]) {
        ("getIronSession", [req, res, options])
            if call.is_request(req) && call.is_response(res) && options.spread.is_none() =>
        {
            if call.module != "iron-session" || !call.is_major("iron-session", 8..=8) {
                return call.unsupported("iron-session", "the cookie store needs 8");
            }
            let taken = source.range(req).start..source.range(res).end;
            Read::Written(Written {
                edits: vec![(taken, vec![Piece::CookieStore])],
                notes: vec![Note::CookieSpelling],
                sets_cookies: true,
                ..Written::default()
            })
        }
        _ => Read::Unknown,
    }
}
