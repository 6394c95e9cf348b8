//! `@auth0/nextjs-auth0` 3: `getSession(req, res)`, `getAccessToken(req, res, …)`,
//! `updateSession(req, res, session)` and `touchSession(req, res)` lose their first two
//! arguments in a route handler, which `withApiAuthRequired` wraps as it wraps an API handler
//! (<https://github.com/auth0/nextjs-auth0/blob/v3.8.0/EXAMPLES.md>). They read `cookies()` at
//! once then, which Next.js 15 still allows and 16 does not. 4 has another API, and older
//! versions no route handlers.

use super::{Call, Read, Wrapping, Written};
use crate::next_version::Feature;
use crate::reason::Note;

/// The package.
pub const PACKAGE: &str = "@auth0/nextjs-auth0";

pub fn read(call: &Call) -> Read {
    let source = call.source;
    match (call.name, &call.node.args[..]) {
        (
            "getSession" | "getAccessToken" | "updateSession" | "touchSession",
            [req, res, rest @ ..],
        ) if call.is_request(req) && call.is_response(res) => {
            if call.module != PACKAGE || !call.is_major(PACKAGE, 3..=3) {
                return call.unsupported(PACKAGE, "route handlers are known of 3");
            }
            let list = call.list();
            let end = rest
                .first()
                .map_or(list.end, |first| source.range(first).start);
            Read::Written(Written {
                edits: vec![(list.start..end, Vec::new())],
                notes: vec![Note::CookieSpelling],
                sets_cookies: true,
                wants: Some((Feature::SyncCookies, too_new())),
                ..Written::default()
            })
        }
        _ => Read::Unknown,
    }
}

/// `withApiAuthRequired(handler)` wraps route handlers as well, and types their context itself
/// (`AppRouteHandlerFn` in `dist/helpers/with-api-auth-required.d.ts`), in a way that
/// `next build` accepts until Next.js 14.
pub fn wrapping(call: &Call) -> Option<Result<Wrapping, String>> {
    if call.name != "withApiAuthRequired" || call.node.args.len() != 1 {
        return None;
    }
    if !call.is_major(PACKAGE, 3..=3) {
        return Some(Err(call.refusal(PACKAGE, "route handlers are known of 3")));
    }
    Some(Ok(Wrapping {
        notes: vec![Note::CookieSpelling, Note::JsonCharset],
        types_context: true,
        // Measured on 15.5.29: the types of its context are not those of the route.
        wants: Some((
            Feature::PlainRequestApis,
            format!("{PACKAGE} 3: the types of withApiAuthRequired do not fit Next.js 15"),
        )),
    }))
}

/// Why the library is refused on versions without synchronous `cookies()`.
pub fn too_new() -> String {
    format!("{PACKAGE} 3 reads cookies() at once, which Next.js 16 does not allow")
}
