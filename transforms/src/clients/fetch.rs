//! `fetch`. In: a call of it. Out: what it sends, or where it is not the browser's own.

use swc_core::ecma::ast::{CallExpr, Callee, Expr};

use super::init::Init;
use super::pattern::{global_name, texts};
use super::request::Sent;
use super::walk::Walk;
use crate::facts::call::Sends;
use crate::source::Source;

/// Whether an expression is named `fetch`, and whether it is the global one.
pub(super) fn is_fetch(source: &Source, callee: &Expr) -> Option<bool> {
    match callee {
        Expr::Ident(name) if name.sym == *"fetch" => Some(source.is_global(name)),
        Expr::Member(member) if member.prop.is_ident_with("fetch") => matches!(
            global_name(source, &member.obj),
            Some("window" | "globalThis" | "self")
        )
        .then_some(true),
        _ => None,
    }
}

/// What a call sends.
pub(super) fn sent<'a>(walk: &Walk<'_>, call: &'a CallExpr) -> Option<Sent<'a>> {
    let source = walk.source;
    let place = source.range(call);
    let url = call.args.first().filter(|url| url.spread.is_none())?;
    let mut init = match call.args.get(1) {
        Some(argument) if argument.spread.is_none() => {
            Init::read(source, &walk.constants, &argument.expr)
        }
        Some(_) => Init {
            method: None,
            sends: Sends::Unknown,
            body: None,
            refused: Some((place.clone(), "the options are spread".into())),
        },
        None => Init::none(),
    };
    let Callee::Expr(callee) = &call.callee else {
        return None;
    };
    if is_fetch(source, callee) != Some(true) {
        let words = "fetch is not the browser's own".to_string();
        init.refused = Some((place.clone(), words));
    }
    Some(Sent {
        url: &url.expr,
        texts: texts(source, &walk.constants, &url.expr),
        init,
        place,
        rejects: false,
    })
}
