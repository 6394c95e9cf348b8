//! cookies-next 4 to 6: `getCookie(name, { req, res, … })` and its kin take
//! `{ cookies, … }` instead, with `cookies` of `next/headers`
//! (<https://github.com/andreizanik/cookies-next#usage>).
//!
//! Since 5 they are promises on the server, and a route handler imports them from
//! `cookies-next/server`: `cookies-next` itself brings React hooks that a route file may not
//! import. 4 calls `cookies()` at once, so that it holds until Next.js 15. Older versions know
//! nothing of `next/headers`.

use super::{Call, Piece, Read, Written};
use crate::facts::effect::Role;
use crate::next_version::Feature;
use crate::reason::Note;

const PACKAGE: &str = "cookies-next";

pub fn read(call: &Call) -> Read {
    let source = call.source;
    let (at, sets) = match call.name {
        "getCookie" | "hasCookie" => (1, false),
        "getCookies" => (0, false),
        "deleteCookie" => (1, true),
        "setCookie" => (2, true),
        _ => return Read::Unknown,
    };
    let args = &call.node.args;
    let context = args.get(at).and_then(|arg| call.context(&arg.expr));
    let Some(context) = context.filter(|context| !context.roles.is_empty()) else {
        return Read::Unknown;
    };
    let version = call.version(PACKAGE).map(|version| version.major);
    let Some(version @ 4..=6) = version else {
        return call.unsupported(PACKAGE, "route handlers need 4 to 6");
    };
    if version > 4 && !call.awaited() {
        return Read::Refused(format!("{PACKAGE}: {} is not awaited", call.name));
    }
    // Without the response nothing is set.
    if sets && !(context.has(Role::Request) && context.has(Role::Response)) {
        return Read::Refused(format!("{PACKAGE}: {} without req and res", call.name));
    }
    // `{ req, res }` as the properties stand: the first becomes `cookies`, the others go.
    let mut edits = Vec::new();
    for (index, (_, prop)) in context.roles.iter().enumerate() {
        let range = source.range(*prop);
        if index == 0 {
            edits.push((range, vec![Piece::text("cookies")]));
            continue;
        }
        let before = context
            .object
            .props
            .iter()
            .map(|prop| source.range(prop))
            .rfind(|other| other.end <= range.start);
        let start = before.map_or(range.start, |before| before.end);
        edits.push((start..range.end, Vec::new()));
    }
    let mut written = Written {
        edits,
        imports: vec![("next/headers", "cookies")],
        notes: vec![if sets {
            Note::CookieSpelling
        } else {
            Note::CookieParsing
        }],
        sets_cookies: sets,
        ..Written::default()
    };
    if version > 4 {
        if call.module == PACKAGE {
            written.renamed = vec![(PACKAGE.to_string(), "cookies-next/server")];
        }
    } else {
        written.wants = Some((
            Feature::PlainRequestApis,
            format!("{PACKAGE} 4 reads cookies() at once, which is a promise since Next.js 15"),
        ));
    }
    Read::Written(written)
}
