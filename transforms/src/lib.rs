//! The pure core of routelift: a loaded project in, decisions and file changes out.
//! Nothing here touches the disk, prints, or fails: what is not understood is a refusal.

pub mod clients;
pub mod edit;
pub mod emit;
pub mod facts;
pub mod graph;
pub mod next_version;
pub mod outcome;
pub mod project;
pub mod reason;
pub mod source;

use outcome::Outcome;
use project::Project;

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
}

/// A way out that the user forces for a route, or for one of its methods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forced {
    /// The route, as `/api/posts/[id]`.
    pub route: String,
    /// The method in capitals, or all of them.
    pub method: Option<String>,
    /// `true` for a Server Action, `false` for a Route Handler.
    pub action: bool,
}

/// Decides and plans the whole migration of a project.
pub fn migrate(_project: &Project, _options: &Options) -> Outcome {
    Outcome::default()
}
