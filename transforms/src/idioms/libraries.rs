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

/// Whether a function of the file does nothing but collect the bytes of the stream that it is
/// given: `for await (const chunk of readable) chunks.push(chunk)`, then `Buffer.concat(chunks)`.
pub fn collects_bytes(module: &ApiModule, name: &Id) -> Option<Known> {
    use swc_core::ecma::ast::{Expr, Pat, Stmt};
    let function = module.functions.get(name)?;
    let [Pat::Ident(stream)] = &function.params[..] else {
        return None;
    };
    let crate::facts::api_module::Body::Block(stmts, _) = function.body else {
        return None;
    };
    let [Stmt::Decl(_), Stmt::ForOf(each), Stmt::Return(result)] = stmts else {
        return None;
    };
    let over = matches!(&*each.right, Expr::Ident(over) if crate::syntax::id(over) == crate::syntax::id(&stream.id));
    if !each.is_await || !over || !module.source.text_of(&*each.body).contains(".push(") {
        return None;
    }
    let result = module.source.text_of(result.arg.as_deref()?);
    match result.strip_prefix("Buffer.concat(")?.split_once(')')?.1 {
        "" => Some(Known::RawBytes),
        ".toString()"
        | ".toString('utf8')"
        | ".toString(\"utf8\")"
        | ".toString('utf-8')"
        | ".toString(\"utf-8\")" => Some(Known::RawText),
        _ => None,
    }
}
