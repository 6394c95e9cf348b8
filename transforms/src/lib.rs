//! The pure core of routelift: a loaded project in, decisions and file changes out.
//! Nothing here touches the disk, prints, or fails: what is not understood is a refusal.

pub mod actions;
pub mod aside;
pub mod bridge;
pub mod clients;
pub mod config_headers;
pub mod config_lists;
pub mod decide;
pub mod directives;
pub mod edit;
pub mod emit;
pub mod facts;
pub mod flow;
pub mod graph;
pub mod handler;
pub mod idioms;
pub mod idle;
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
pub mod passed_on;
pub mod plain_page;
pub mod plan;
pub mod project;
pub mod reason;
pub mod recipes;
pub mod reexported;
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
pub mod wishes;
pub mod wrapping;

use std::collections::BTreeMap;

use outcome::{Outcome, Place};
use project::Project;
use reason::Reason;
use wishes::Wish;

/// What the user asked for.
#[derive(Debug, Default, Clone)]
pub struct Options {
    /// Keep what the notes name, through a small module generated into the project.
    pub strict: bool,
    /// Routes to look at; empty for all.
    pub only: Vec<String>,
    /// Routes to leave out.
    pub exclude: Vec<String>,
    /// Which handlers run untouched behind an adapter.
    pub bridge: Bridge,
    /// What is wanted of each app, in the project's order; an app without an entry has no wishes.
    pub apps: Vec<Settings>,
}

/// What the user wants of one app.
#[derive(Debug, Default, Clone)]
pub struct Settings {
    /// What becomes of its routes, by options and by the configuration.
    pub wishes: Vec<Wish>,
    /// The directory that Server Actions go to, when it is another than `app/actions`.
    pub actions: Option<String>,
    /// How Server Actions are called.
    pub names: Vec<ActionName>,
    /// What is no reason to leave the app; where the configuration says so, if it does.
    pub accept: Vec<(Reason, Option<Place>)>,
}

/// The name that the user gives to a Server Action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionName {
    /// The route.
    pub route: String,
    /// The method in capitals.
    pub method: String,
    /// The name.
    pub name: String,
    /// Where the configuration says so.
    pub place: Place,
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

impl Options {
    /// Whether the user wants to look at a route.
    pub fn selects(&self, route: &str) -> bool {
        (self.only.is_empty() || self.only.iter().any(|only| only == route))
            && !self.exclude.iter().any(|exclude| exclude == route)
    }

    /// What is wanted of an app.
    pub fn of(&self, app: usize) -> Settings {
        self.apps.get(app).cloned().unwrap_or_default()
    }
}

/// Decides and plans the whole migration of a project.
pub fn migrate(project: &Project, options: &Options) -> Outcome {
    let callers = plan::Callers::collect(project);
    let mut changes = BTreeMap::new();
    let apps: Vec<_> = (0..project.apps.len())
        .map(|app| plan::app(project, app, &callers, options, &mut changes))
        .collect();
    let mut warnings = directives::strays(project);
    warnings.extend(idle::idle(&apps, options));
    Outcome {
        apps,
        changes: changes.into_values().collect(),
        warnings,
    }
}
