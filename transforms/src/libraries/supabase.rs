//! `@supabase/auth-helpers-nextjs` 0.7 to 0.10: `createPagesServerClient({ req, res })`, or
//! `createServerSupabaseClient` as it was called before, becomes
//! `createRouteHandlerClient({ cookies })`
//! (<https://supabase.com/docs/guides/auth/auth-helpers/nextjs>). It reads `cookies()` at once,
//! so that it holds for Next.js versions where that is no promise.

use super::{Call, Piece, Read, Written};
use crate::facts::effect::Role;
use crate::next_version::Feature;
use crate::reason::Note;

const PACKAGE: &str = "@supabase/auth-helpers-nextjs";

pub fn read(call: &Call) -> Read {
    let source = call.source;
    let made = matches!(
        call.name,
        "createPagesServerClient" | "createServerSupabaseClient"
    );
    match (made, &call.node.args[..]) {
        (true, [context, ..]) => {
            let Some(context) = call.context(&context.expr) else {
                return Read::Unknown;
            };
            if !context.has(Role::Request) {
                return Read::Unknown;
            }
            let known = call
                .version(PACKAGE)
                .is_some_and(|version| version.major == 0 && (7..=10).contains(&version.minor));
            if !known || !context.others.is_empty() {
                return call
                    .unsupported(PACKAGE, "createRouteHandlerClient is known of 0.7 to 0.10");
            }
            let callee = call.callee();
            Read::Written(Written {
                edits: vec![
                    (
                        callee.clone(),
                        vec![Piece::text("createRouteHandlerClient")],
                    ),
                    (
                        source.range(context.object),
                        vec![Piece::text("{ cookies }")],
                    ),
                ],
                dropped: vec![callee],
                imports: vec![
                    (PACKAGE, "createRouteHandlerClient"),
                    ("next/headers", "cookies"),
                ],
                notes: vec![Note::CookieSpelling],
                sets_cookies: true,
                wants: Some((
                    Feature::PlainRequestApis,
                    format!(
                        "{PACKAGE}: createRouteHandlerClient reads cookies() at once, which is a promise since Next.js 15"
                    ),
                )),
                ..Written::default()
            })
        }
        _ if call.takes_roles() => call.unsupported(PACKAGE, "has no App Router form here"),
        _ => Read::Unknown,
    }
}
