//! Library functions that take `req` and have another form in the App Router. One entry each.

use crate::facts::api_module::ApiModule;
use crate::syntax::Id;

/// A known library function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// next-auth 4.21+: `getServerSession(req, res, options)` → `getServerSession(options)`.
    GetServerSession,
    /// next-auth 4: `getSession({ req })`, which reads the cookie header only.
    GetSession,
    /// next-auth 4: `getToken({ req })`, which takes a `NextRequest` as well.
    GetToken,
    /// micro's `buffer(req)` and raw-body's `getRawBody(req)`: the bytes of the body.
    RawBytes,
    /// micro's `text(req)`: the body as text.
    RawText,
}

/// The recipes: module, exported name, what it is.
const RECIPES: &[(&str, &str, Known)] = &[
    ("micro", "buffer", Known::RawBytes),
    ("micro", "text", Known::RawText),
    ("next-auth", "getServerSession", Known::GetServerSession),
    ("next-auth/jwt", "getToken", Known::GetToken),
    (
        "next-auth/next",
        "getServerSession",
        Known::GetServerSession,
    ),
    ("next-auth/react", "getSession", Known::GetSession),
    ("node:stream/consumers", "buffer", Known::RawBytes),
    ("node:stream/consumers", "text", Known::RawText),
    ("raw-body", "default", Known::RawBytes),
    ("stream/consumers", "buffer", Known::RawBytes),
    ("stream/consumers", "text", Known::RawText),
];

/// The names that the file imports known functions under.
pub fn known(module: &ApiModule) -> Vec<(Id, Known)> {
    let mut found: Vec<(Id, Known)> = module
        .imports
        .iter()
        .filter_map(|(name, (from, exported))| {
            RECIPES
                .iter()
                .find(|(module, original, _)| module == from && original == exported)
                .map(|(_, _, known)| (name.clone(), *known))
        })
        .collect();
    found.sort_by(|a, b| a.0.0.cmp(&b.0.0));
    found
}
