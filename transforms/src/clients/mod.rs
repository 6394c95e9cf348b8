//! Reads call sites: one file for each client. In: a project and its routes. Out: every place
//! that names a route, or could, in the order of files and bytes. Only files whose text
//! mentions `api` as a path are parsed, each once, in parallel. A file that does not parse is searched
//! as text; one that cannot be read could name every route.
//!
//! Three layers: [`pattern`] says what a string can be, [`url`] and [`routes`] which routes it names;
//! [`context`] says where it stands, and a client's file what that means; [`fetch`], [`answer`]
//! and [`response`] read the calls that a Server Action could replace.

mod answer;
mod axios;
mod browser;
mod constants;
mod context;
mod fetch;
mod init;
mod markup;
mod middleware;
mod navigation;
mod pattern;
mod response;
mod routes;
mod scope;
mod strings;
mod swr;
mod text;
mod url;
mod walk;

use memchr::memmem;
use rayon::prelude::*;

use crate::facts::call::{Call, Client, RouteKey, Sends};
use crate::graph::Reach;
use crate::outcome::Place;
use crate::project::{File, Project};
use crate::source::Source;
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
            client: Client::Axios,
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
    let candidates: Vec<(&String, &File)> = project
        .files
        .iter()
        .filter(|(_, file)| is_candidate(file))
        .collect();
    let mut calls: Vec<Call> = candidates
        .par_iter()
        .flat_map_iter(|(path, file)| read(project, &table, &reaches, path, file))
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

fn read(
    project: &Project,
    table: &Routes,
    reaches: &[Reach<'_>],
    path: &str,
    file: &File,
) -> Vec<Call> {
    let scope = Scope::new(project, reaches, path);
    let Some(content) = &file.text else {
        return vec![unreadable(table, &scope, path)];
    };
    match Source::parse(path, content.clone()) {
        Ok(source) => response::finish(&source, walk::walk(&source, table, &scope)),
        Err(_) => text::calls(table, &scope, content, path),
    }
}

fn is_candidate(file: &File) -> bool {
    match &file.text {
        Some(text) => mentions(text),
        None => file.unreadable.is_some(),
    }
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
pub(crate) mod testing;
#[cfg(test)]
mod tests;
