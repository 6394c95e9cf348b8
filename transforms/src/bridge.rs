//! What a handler must not use to run untouched behind the adapter. In: an API file and the
//! modules of the project that it reaches, with the headers that `next.config` adds. Out: what differs there, or why it cannot be.
//!
//! The adapter ([`crate::emit::bridge`]) gives a handler Node's own request and response, so
//! their members need no reading here, but for the few that it cannot give.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use crate::config_headers::RouteHeaders;
use crate::emit::bridge;
use crate::facts::api_module::{Outline, refuse, refuse_at};
use crate::next_version::{Feature, NextVersion};
use crate::outcome::{Place, Refusal};
use crate::project::{App, Project};
use crate::reason::{Note, Reason};
use crate::source::Source;
use crate::surroundings;
use crate::syntax::{bare, id, member, prop_name};

/// Looks at a file and all that it reaches; gives the notes beside those of every bridged
/// route. `looked` holds what was seen in modules for other routes.
///
/// # Errors
/// The refusals for what the adapter cannot give.
pub fn look(
    outline: &Outline,
    project: &Project,
    app: &App,
    headers: &RouteHeaders,
    looked: &Looked,
) -> Result<BTreeSet<Note>, Vec<Refusal>> {
    let source = outline.source;
    let whole =
        |reason, detail: &str| vec![refuse_at(source, reason, outline.default.0.clone(), detail)];
    if !app.next.is_some_and(|next| next.has(Feature::DraftMode)) {
        return Err(whole(Reason::NoRouteHandlers, "the adapter needs 13.4"));
    }
    let adapter = surroundings::lib_file(project, app, bridge::FILE);
    if let Some(there) = project.files.get(&adapter) {
        let text = there.text.as_deref().unwrap_or_default();
        if !text.contains("export function bridge(") {
            return Err(vec![Refusal {
                reason: Reason::TargetExists,
                place: Place::file_start(&adapter),
                detail: "another file has the adapter's name".to_string(),
            }]);
        }
    }
    let mut seen = Seen::default();
    seen.read(source);
    for path in reached(project, &source.path) {
        let file = &project.files[path];
        if path != adapter
            && let Some(text) = &file.text
        {
            seen.add(&looked.at(path, text));
        }
    }
    if let Some(header) = config_header(headers, &seen.texts, app.next) {
        seen.refusals.extend(whole(Reason::ConfigHeaders, &header));
    }
    if seen.refusals.is_empty() {
        Ok(seen.notes)
    } else {
        Err(seen.refusals)
    }
}

/// The modules of the project that a file imports, and those that they import.
fn reached<'p>(project: &'p Project, file: &str) -> BTreeSet<&'p str> {
    let mut found: BTreeSet<&str> = BTreeSet::new();
    let mut border = vec![file];
    while let Some(path) = border.pop() {
        let Some(file) = project.files.get(path) else {
            continue;
        };
        for import in file.imports.iter().filter(|import| !import.type_only) {
            if let Some(target) = import.resolved.as_deref()
                && let Some((target, _)) = project.files.get_key_value(target)
                && found.insert(target)
            {
                border.push(target);
            }
        }
    }
    found
}

/// A header that `next.config` sets and the handler may set too, to something else: the
/// configuration's value would win.
fn config_header(
    headers: &RouteHeaders,
    texts: &[Arc<str>],
    next: Option<NextVersion>,
) -> Option<String> {
    // The adapter's own.
    if let Some(own) = headers.own() {
        return Some(own.to_string());
    }
    let changes = |name: &str| {
        let written = texts.iter().flat_map(|text| written_values(text, name));
        next.is_none_or(|next| {
            written
                .into_iter()
                .any(|value| headers.change(name, value, next))
        })
    };
    // What a library for CORS sets has no name in the code.
    let library = |name: &str| {
        let named = || texts.iter().any(|text| text.contains("cors"));
        name.starts_with("access-control-") && named()
    };
    let set = |name: &&str| changes(name) || library(name);
    headers.names().flatten().find(set).map(str::to_string)
}

/// The text that is written behind each place of a text that names a header, as in
/// `('name', 'value')` and `'name': 'value'`; `None` for anything else.
fn written_values<'t>(text: &'t str, name: &str) -> Vec<Option<&'t str>> {
    let quotes = ['"', '\'', '`'];
    let behind = |at: usize| {
        let rest = text[at + name.len()..].strip_prefix(quotes)?.trim_start();
        let rest = rest.strip_prefix([',', ':'])?.trim_start();
        let value = rest.strip_prefix(quotes)?;
        let (value, _) = value.split_once(&rest[..1])?;
        (!value.contains(['\\', '$'])).then_some(value)
    };
    text.match_indices(name).map(|(at, _)| behind(at)).collect()
}

/// What was seen in modules, so that those which many routes reach are read once.
#[derive(Default)]
pub struct Looked(Mutex<BTreeMap<String, Arc<Seen>>>);

impl Looked {
    /// What is in a module; nothing when it does not parse.
    fn at(&self, path: &str, text: &Arc<str>) -> Arc<Seen> {
        // What another thread has left half done is not there.
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seen) = lock().get(path) {
            return seen.clone();
        }
        let mut seen = Seen::default();
        if let Ok(source) = Source::parse(path, text.clone()) {
            seen.read(&source);
        }
        let seen = Arc::new(seen);
        lock().insert(path.to_string(), seen.clone());
        seen
    }
}

/// What was seen in the code; the texts in small letters.
#[derive(Default)]
struct Seen {
    refusals: Vec<Refusal>,
    notes: BTreeSet<Note>,
    texts: Vec<Arc<str>>,
}

/// Members of the socket that the stand-in has.
const SOCKET: &[&str] = &[
    "addListener",
    "destroy",
    "destroyed",
    "encrypted",
    "off",
    "on",
    "once",
    "remoteAddress",
    "removeListener",
    "setKeepAlive",
    "setNoDelay",
    "setTimeout",
];

/// Packages that take the server or its socket.
const SERVERS: &[&str] = &["socket.io", "ws", "engine.io", "websocket"];

impl Seen {
    fn add(&mut self, other: &Seen) {
        self.refusals.extend(other.refusals.iter().cloned());
        self.notes.extend(&other.notes);
        self.texts.extend(other.texts.iter().cloned());
    }

    fn read(&mut self, source: &Source) {
        let text = source.text.to_ascii_lowercase();
        let names = |words: &[&str]| words.iter().any(|words| text.contains(words));
        if names(&["remoteaddress", "request-ip"]) {
            self.notes.insert(Note::RemoteAddress);
        }
        if names(&["content-encoding", "proxy", "zlib", "compression"]) {
            self.notes.insert(Note::UnpackedBody);
        }
        self.texts.push(Arc::from(text));
        let mut uses = Uses {
            source,
            held: BTreeSet::new(),
            awaited: BTreeSet::new(),
            refusals: &mut self.refusals,
        };
        source.module.visit_with(&mut uses);
    }
}

/// Finds uses of what the adapter cannot give.
struct Uses<'u> {
    source: &'u Source,
    /// Where a socket is used in a way that was looked at already.
    held: BTreeSet<usize>,
    /// Constants that hold what was waited for: an answer of something else.
    awaited: BTreeSet<Id>,
    refusals: &'u mut Vec<Refusal>,
}

impl Uses<'_> {
    fn name(&mut self, name: &str, node: &impl swc_core::common::Spanned) {
        let reason = match name {
            "setPreviewData" | "clearPreviewData" | "previewData" => Reason::PreviewData,
            "unstable_revalidate" => Reason::RevalidatePages,
            "rawHeaders" | "headersDistinct" | "trailers" | "rawTrailers" => {
                Reason::UnknownReqMember
            }
            _ => return,
        };
        self.refusals.push(refuse(self.source, reason, node, name));
    }

    /// Whether an expression is named as a request or a response is.
    fn is_exchange(&self, expr: &Expr) -> bool {
        let name = match bare(expr) {
            Expr::Ident(name) if self.awaited.contains(&id(name)) => return false,
            Expr::Ident(name) => name.sym.to_ascii_lowercase(),
            other => match member(other) {
                Some((_, name)) => name.to_ascii_lowercase().into(),
                None => return false,
            },
        };
        name.contains("req") || name.contains("res")
    }

    /// Whether a member is a request's or a response's socket.
    fn is_socket(&self, object: &Expr, name: &str) -> bool {
        ["socket", "connection"].contains(&name) && self.is_exchange(object)
    }
}

impl Visit for Uses<'_> {
    fn visit_import_decl(&mut self, node: &ImportDecl) {
        let module = node.src.value.to_string_lossy();
        if !node.type_only && SERVERS.contains(&&*module) {
            let refusal = refuse(self.source, Reason::Sockets, node, &*module);
            self.refusals.push(refusal);
        }
    }

    fn visit_call_expr(&mut self, node: &CallExpr) {
        if let Callee::Expr(callee) = &node.callee
            && let Some((object, name)) = member(callee)
            && name == "revalidate"
            && self.is_exchange(object)
        {
            let refusal = refuse(self.source, Reason::RevalidatePages, node, name);
            self.refusals.push(refusal);
        }
        node.visit_children_with(self);
    }

    fn visit_expr(&mut self, node: &Expr) {
        if let Some((object, name)) = member(node) {
            self.name(&name, node);
            // `req.socket.remoteAddress` is seen before the `req.socket` in it.
            if let Some((inner, socket)) = member(object)
                && self.is_socket(inner, &socket)
                && SOCKET.contains(&&*name)
            {
                self.held.insert(self.source.range(bare(object)).start);
            }
            let at = self.source.range(bare(node)).start;
            if self.is_socket(object, &name) && !self.held.contains(&at) {
                let refusal = refuse(self.source, Reason::Sockets, node, name);
                self.refusals.push(refusal);
            }
        }
        node.visit_children_with(self);
    }

    fn visit_var_declarator(&mut self, node: &VarDeclarator) {
        if let Pat::Ident(name) = &node.name
            && matches!(node.init.as_deref().map(bare), Some(Expr::Await(_)))
        {
            self.awaited.insert(id(&name.id));
        }
        if let Pat::Object(pattern) = &node.name
            && let Some(init) = &node.init
            && self.is_exchange(init)
        {
            for prop in &pattern.props {
                let name = match prop {
                    ObjectPatProp::KeyValue(pair) => prop_name(&pair.key),
                    ObjectPatProp::Assign(short) => Some(short.key.sym.to_string()),
                    ObjectPatProp::Rest(_) => None,
                };
                let Some(name) = name else { continue };
                self.name(&name, prop);
                let reason = match &name[..] {
                    "socket" | "connection" => Reason::Sockets,
                    "revalidate" => Reason::RevalidatePages,
                    _ => continue,
                };
                self.refusals.push(refuse(self.source, reason, prop, name));
            }
        }
        node.visit_children_with(self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<&'static str> {
        let source = Source::parse("a.ts", Arc::from(text)).unwrap_or_else(|_| panic!("{text}"));
        let mut seen = Seen::default();
        seen.read(&source);
        let refusals = seen.refusals.iter().map(|refusal| refusal.reason.code());
        let notes = seen.notes.iter().map(|note| note.code());
        refusals.chain(notes).collect()
    }

    #[test]
    fn values_of_headers_are_read_where_they_are_written() {
        let text = "res.setheader('x-a', \"one\"); h = { 'x-a': `two` }; g('x-a', three); // x-a";
        let expected = [Some("one"), Some("two"), None, None];
        assert_eq!(written_values(text, "x-a"), expected);
    }

    #[test]
    fn the_adapter_gives_most() {
        let cases: [(&str, &[&str]); 13] = [
            ("req.on('data', add); res.write('a')", &[]),
            (
                "req.socket.setTimeout(0); req.socket?.on('close', stop)",
                &[],
            ),
            ("mongoose.connection.close()", &[]),
            (
                "async () => { const response = await find(); response.connection }",
                &[],
            ),
            ("fetch(url, { next: { revalidate: 60 } })", &[]),
            (
                "const ip = req.connection.remoteAddress",
                &["remote-address"],
            ),
            (
                "res.setHeader('Content-Encoding', 'gzip')",
                &["unpacked-body"],
            ),
            ("res.socket.server.io = io", &["sockets"]),
            ("const { socket } = res", &["sockets"]),
            ("import { Server } from 'socket.io'", &["sockets"]),
            ("await res.revalidate('/')", &["revalidate-pages"]),
            ("res.setPreviewData({})", &["preview-data"]),
            ("const { previewData } = req", &["preview-data"]),
        ];
        for (text, expected) in cases {
            assert_eq!(codes(text), expected, "{text}");
        }
    }
}
