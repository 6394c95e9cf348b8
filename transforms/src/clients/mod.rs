//! Reads call sites: one file for each client. In: a project and its routes. Out: every place
//! that names a route, or could, in the order of files and bytes. Only files whose text
//! mentions `api` as a path, or that use what such a file defines, are parsed, each once, in parallel. A file that does not parse is searched
//! as text; one that cannot be read could name every route.
//!
//! Three layers: [`pattern`] says what a string can be, [`url`] and [`routes`] which routes it names;
//! [`context`] says where it stands, and a client's file what that means; [`fetch`], [`answer`]
//! and [`response`] read the calls that a Server Action could replace. Over files, [`channels`] follows
//! requests through the project's own functions ([`channel`]) and URLs through what names hold ([`values`]).

mod answer;
mod axios;
mod browser;
mod channel;
mod channels;
mod constants;
mod context;
mod failure;
mod fetch;
mod init;
mod json_view;
mod markup;
mod middleware;
mod navigation;
mod pattern;
mod plain_object;
mod request;
mod response;
mod routes;
mod scope;
mod strings;
mod swr;
mod text;
mod url;
mod values;
mod walk;

pub use scope::is_test;
use std::collections::BTreeMap;

use memchr::memmem;
use rayon::prelude::*;

use crate::facts::call::{Call, Client, RouteKey, Sends};
use crate::graph::Reach;
use crate::outcome::Place;
use crate::project::{File, Project};
use crate::source::Source;
use channels::Channels;
use context::Context;
use routes::Routes;
use scope::Scope;

/// What a client makes of a URL.
#[derive(Debug, Clone)]
struct Guess {
    client: Client,
    method: Option<String>,
    sends: Sends,
    /// Whether more of the path may follow.
    prefix: bool,
}

impl Guess {
    fn request(method: Option<String>, sends: Sends) -> Guess {
        Guess {
            client: Client::Verbs,
            method,
            sends,
            prefix: false,
        }
    }

    fn prefix(self) -> Guess {
        Guess {
            prefix: true,
            ..self
        }
    }
}

/// The clients, asked in this order. `fetch` is read apart, and [`strings`] has the rest.
const CLIENTS: &[fn(Context<'_>) -> Option<Guess>] = &[
    axios::guess,
    browser::guess,
    markup::guess,
    navigation::guess,
    swr::guess,
];

fn guess(context: Context<'_>) -> Option<Guess> {
    CLIENTS.iter().find_map(|client| client(context))
}

/// Finds every place in the project that names one of the routes, or could.
pub fn collect(project: &Project, routes: &[RouteKey]) -> Vec<Call> {
    if routes.is_empty() {
        return Vec::new();
    }
    let table = Routes::new(routes);
    let reaches: Vec<Reach<'_>> = project
        .apps
        .iter()
        .map(|app| Reach::new(project, app))
        .collect();
    let mut sources = parse(project, |_, file| may_matter(file));
    let names_route = |path: &str, text: &pattern::Pattern| {
        let scope = Scope::new(project, &reaches, path);
        let naming = scope.named(&table, std::slice::from_ref(text), true, false);
        naming.exact
    };
    let mut channels = Channels::find(project, &sources, &names_route);
    loop {
        let more = parse(project, |path, file| {
            !sources.contains_key(path) && channels.are_taken_by(file)
        });
        if more.is_empty() {
            break;
        }
        sources.extend(more);
        channels = Channels::find(project, &sources, &names_route);
    }
    let axios = axios::uses(project, &reaches);
    let found: Vec<Read> = project
        .files
        .par_iter()
        .map(|(path, file)| {
            let source = sources.get(path.as_str());
            let known = (&channels, &axios);
            read(project, &table, &reaches, known, (path, file), source)
        })
        .collect();
    drop(sources);
    let met: Vec<(usize, bool)> = found.iter().flat_map(|(_, met)| met).copied().collect();
    channels.met(met);
    let mut calls: Vec<Call> = found
        .into_iter()
        .flat_map(|(calls, _)| calls)
        .filter(|call| !channels.is_followed(call))
        .collect();
    for (path, content) in &project.texts {
        if mentions(content) {
            let scope = Scope::new(project, &reaches, path);
            calls.extend(text::calls(&table, &scope, content, path));
        }
    }
    calls.extend(middleware::calls(project, &reaches, routes));
    calls
}

/// Parses the files that are wanted; those that do not parse are left out.
fn parse(project: &Project, wanted: impl Fn(&str, &File) -> bool + Sync) -> BTreeMap<&str, Source> {
    let parsed: Vec<(&str, Source)> = project
        .files
        .par_iter()
        .filter(|(path, file)| wanted(path, file))
        .filter_map(|(path, file)| {
            let source = Source::parse(path, file.text.clone()?).ok()?;
            Some((path.as_str(), source))
        })
        .collect();
    parsed.into_iter().collect()
}

/// The calls of a file, and the channels that it uses: `true` for a use that is not followed.
type Read = (Vec<Call>, Vec<(usize, bool)>);

/// Reads a file.
fn read(
    project: &Project,
    table: &Routes,
    reaches: &[Reach<'_>],
    (channels, axios): (&Channels, &axios::Uses),
    (path, file): (&str, &File),
    source: Option<&Source>,
) -> Read {
    let bound = channels.of(path);
    let mentions = match &file.text {
        Some(text) => mentions(text),
        None => file.unreadable.is_some(),
    };
    if !mentions && bound.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let scope = Scope::new(project, reaches, path);
    let Some(content) = &file.text else {
        return (vec![unreadable(table, &scope, path)], Vec::new());
    };
    match source {
        Some(source) => {
            let (drafts, met) = walk::walk(source, table, &scope, &bound, axios);
            (response::finish(source, drafts), met)
        }
        None => (text::calls(table, &scope, content, path), Vec::new()),
    }
}

/// Whether a file may name a route, or send requests to what others name.
fn may_matter(file: &File) -> bool {
    let text = file.text.as_deref();
    text.is_some_and(|text| mentions(text) || text.contains("export") && channels::sends(text))
}

/// Whether a text may name a route: `/api` or `api/` stands in it.
fn mentions(text: &str) -> bool {
    memmem::find(text.as_bytes(), b"/api").is_some()
        || memmem::find(text.as_bytes(), b"api/").is_some()
}

fn unreadable(table: &Routes, scope: &Scope, path: &str) -> Call {
    scope.call(
        Place::file_start(path),
        Guess {
            client: Client::Constant,
            method: None,
            sends: Sends::Unknown,
            prefix: false,
        },
        table.all(scope.app),
        false,
    )
}

#[cfg(test)]
mod axios_tests;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
