//! The pure core of routelift: a loaded project in, decisions and file changes out.
//! Nothing here touches the disk, prints, or fails: what is not understood is a refusal.

pub mod actions;
pub mod bridge;
pub mod clients;
pub mod config_headers;
pub mod config_lists;
pub mod decide;
pub mod edit;
pub mod emit;
pub mod facts;
pub mod flow;
pub mod graph;
pub mod handler;
pub mod idioms;
pub mod importers;
pub mod injected;
pub mod injected_handler;
pub mod injecting;
pub mod libraries;
pub mod method_map;
pub mod middleware;
pub mod modules;
pub mod naming;
mod nesting;
pub mod next_version;
pub mod not_found;
pub mod one_request;
pub mod outcome;
pub mod own_wrapper;
pub mod plain_page;
pub mod plan;
pub mod project;
pub mod reason;
pub mod recipes;
pub mod request_types;
pub mod revalidation;
pub mod shared_exports;
pub mod shared_forms;
pub mod shared_state;
pub mod source;
pub mod specialise;
pub mod surroundings;
pub mod syntax;
pub mod url_pattern;
pub mod wrapping;

use std::collections::BTreeMap;

use outcome::Outcome;
use project::Project;
use reason::Reason;

/// What the user asked for.
#[derive(Debug, Default, Clone)]
pub struct Options {
    /// Keep what the notes name, through a small module generated into the project.
    pub strict: bool,
    /// Routes to look at; empty for all.
    pub only: Vec<String>,
    /// Routes to leave out.
    pub exclude: Vec<String>,
    /// Ways out that the user forces.
    pub forced: Vec<Forced>,
    /// Which handlers run untouched behind an adapter.
    pub bridge: Bridge,
    /// What is no reason to leave an app, because the user says so.
    pub accept: Vec<Reason>,
}

/// Which handlers run untouched in a route file, behind an adapter.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Bridge {
    /// None.
    #[default]
    Off,
    /// Those that would be refused for what their code does.
    Refused,
    /// All that can: for tests of the adapter.
    All,
}

/// A way out that the user forces for a route, or for one of its methods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forced {
    /// The route, as `/api/posts/[id]`, or `/api/posts/**` for all below it.
    pub route: String,
    /// The method in capitals, or all of them.
    pub method: Option<String>,
    /// `true` for a Server Action, `false` for a Route Handler.
    pub action: bool,
}

impl Forced {
    /// Whether it is meant for a route: its own name, or everything below `/**`.
    pub fn names(&self, route: &str) -> bool {
        match self.route.strip_suffix("/**") {
            Some(above) => route
                .strip_prefix(above)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
            None => self.route == route,
        }
    }
}

impl Options {
    /// Whether the user wants to look at a route.
    pub fn selects(&self, route: &str) -> bool {
        (self.only.is_empty() || self.only.iter().any(|only| only == route))
            && !self.exclude.iter().any(|exclude| exclude == route)
    }
}

/// Decides and plans the whole migration of a project.
pub fn migrate(project: &Project, options: &Options) -> Outcome {
    let callers = plan::Callers::collect(project);
    let mut changes = BTreeMap::new();
    let apps = (0..project.apps.len())
        .map(|app| plan::app(project, app, &callers, options, &mut changes))
        .collect();
    Outcome {
        apps,
        changes: changes.into_values().collect(),
    }
}
