//! The types of what a wrapper puts on the request: as the code says them at an assignment, of the
//! request or of the handler, in the words of the wrapper's file.

use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use super::{Around, Declared, Given, Merged};
use crate::edit::Edits;
use crate::emit::shared_module;
use crate::emit::style::Style;
use crate::facts::api_module::{Body, param_id};
use crate::injected;
use crate::request_types::{self, Origin};
use crate::source::Source;
use crate::syntax::{Id, is_binding};
use crate::wrapping::Wrapping;

/// Writes the types of the handler and of the request.
pub(super) fn write(
    source: &Source,
    wrapping: &Wrapping,
    given: &[&Given],
    request: &Pat,
    edits: &mut Edits,
) -> Option<()> {
    if !source.typescript() {
        return Some(());
    }
    if let Pat::Ident(binding) = request
        && let Some(said) = &binding.type_ann
    {
        edits.replace(source.range(&*said.type_ann), "NextApiRequest");
    }
    let (layer, at) = wrapping.handler;
    let Pat::Ident(handler) = wrapping.layers[layer].params[at] else {
        return None;
    };
    // The type of a map of methods is written elsewhere.
    if wrapping.takes.is_some() {
        return None;
    }
    let mut params = vec![
        "req: NextApiRequest".to_string(),
        "res: NextApiResponse".to_string(),
    ];
    let before = shared_module::handler_extras(source, handler);
    params.extend((0..wrapping.extras).map(|at| match before.get(at) {
        Some(text) => text.clone(),
        None => format!("extra{}: any", at + 1),
    }));
    params.extend(given.iter().map(|given| {
        let kind = given.kind.as_deref().unwrap_or("any");
        format!("{}: {kind}", given.name)
    }));
    let kind = format!(": ({}) => unknown", params.join(", "));
    match &handler.type_ann {
        Some(said) => edits.replace(source.range(&**said), kind),
        None => edits.insert(source.range(&handler.id).end, kind),
    }
    Some(())
}

/// The type of a member of the request, and where the names in it come from: as an assertion says at
/// the assignment, or else the request, the handler or the project.
pub(super) fn kind(
    source: &Source,
    around: &Around,
    wrapping: &Wrapping,
    member: &str,
) -> (Option<String>, Option<Vec<(Origin, String)>>) {
    if !source.typescript() {
        return (None, None);
    }
    // Where the file has another thing of a name, it would mean that.
    let fits = |(_, names): &Merged| {
        names.iter().all(|name| {
            let own = request_types::origins(source, &name.1, around.resolve);
            own.is_some_and(|own| own.is_empty() || own[0] == *name)
        })
    };
    let merged = (around.merged)(member).filter(fits);
    let kind = match (said(source, around, wrapping, member), merged) {
        (Said::There(there), _) if fits(&there) => return (Some(there.0), Some(there.1)),
        (Said::Merged, Some((kind, names))) => return (Some(kind), Some(names)),
        (Said::Merged, None) => {
            format!("NextApiRequest[{}]", Style::of(source).string(member))
        }
        (Said::There(_), _) => "any".to_string(),
        (Said::Kind(kind), _) => kind,
    };
    let names = request_types::origins(source, &kind, around.resolve);
    (Some(kind), names)
}

/// What is said of the type of a member.
enum Said {
    /// The type, in the words of the file.
    Kind(String),
    /// The type, in the words of another file.
    There(Merged),
    /// Nothing, so that the project adds it to the request of Next.js.
    Merged,
}

fn said(source: &Source, around: &Around, wrapping: &Wrapping, member: &str) -> Said {
    let annotation = |pat: &Pat| match pat {
        Pat::Ident(binding) => binding
            .type_ann
            .as_ref()
            .map(|said| (*said.type_ann).clone()),
        _ => None,
    };
    let key = Style::of(source).string(member);
    let casts = Casts::of(wrapping, member);
    let own = annotation(wrapping.closure.params[0]);
    if casts.is_empty()
        && let Some(TsType::TsTypeRef(named)) = &own
        && source.text_of(named) == "NextApiRequest"
    {
        return Said::Merged;
    }
    let (layer, at) = wrapping.handler;
    let handler = wrapping.layers[layer].params[at];
    let of_handler = shared_module::handler_request(source, handler);
    let kinds = casts.into_iter().chain(own).chain(of_handler.cloned());
    for kind in kinds {
        if let Some(own) = injected::member_types(source, &kind).remove(member) {
            return Said::Kind(own);
        }
        let TsType::TsTypeRef(named) = &kind else {
            continue;
        };
        let text = source.text_of(named);
        if request_types::is_plain(text) {
            continue;
        }
        let imports = crate::facts::api_module::imports(source);
        let import = imports.iter().find(|(local, _)| *local.0 == *text);
        let there = import.map(|(_, (from, name))| (around.declared)(from, name, member));
        match there {
            Some(Declared::Known(there)) => return Said::There(there),
            Some(Declared::Absent) => {}
            Some(Declared::Unknown) => return Said::Kind(format!("{text}[{key}]")),
            // It is a type of the file, without the member.
            None if named.type_params.is_none() => {}
            None => return Said::Kind(format!("{text}[{key}]")),
        }
    }
    // A handler's type of another file knows it.
    Said::Kind(match annotation(handler) {
        Some(TsType::TsTypeRef(named))
            if of_handler.is_none() && !source.text_of(&named).contains("NextApiHandler") =>
        {
            format!("Parameters<{}>[0][{key}]", source.text_of(&named))
        }
        _ => "any".to_string(),
    })
}

/// The types that assertions say the request has where a member of it is read or written.
struct Casts<'c> {
    req: Id,
    member: &'c str,
    found: Vec<TsType>,
}

impl Casts<'_> {
    fn of(wrapping: &Wrapping, member: &str) -> Vec<TsType> {
        let closure = &wrapping.closure;
        let (Some(req), Body::Block(stmts, _)) = (param_id(closure.params[0]), closure.body) else {
            return Vec::new();
        };
        let mut casts = Casts {
            req,
            member,
            found: Vec::new(),
        };
        stmts.visit_with(&mut casts);
        casts.found
    }
}

impl Visit for Casts<'_> {
    fn visit_member_expr(&mut self, node: &MemberExpr) {
        let name = crate::syntax::member_name(&node.prop);
        if name.as_deref() == Some(self.member) && is_binding(&node.obj, &self.req) {
            self.found.extend(injected::asserted(&node.obj).cloned());
        }
        node.visit_children_with(self);
    }
}
