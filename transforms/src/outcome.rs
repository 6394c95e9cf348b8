//! What a run comes to, as data: decisions, refusals and file changes. The
//! program prints it, writes it, or both, from the same value.

use crate::reason::{Note, Reason};
use crate::wishes::Wish;

/// The result for one project.
#[derive(Debug, Default, Clone)]
pub struct Outcome {
    /// One entry for each app, in the project's order.
    pub apps: Vec<AppOutcome>,
    /// Every file change, sorted by the path that it ends at; no two touch one path.
    pub changes: Vec<Change>,
    /// What the user said that comes to nothing.
    pub warnings: Vec<Warning>,
}

/// Something that the user should know and that concerns no decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// In words.
    pub what: String,
    /// Where, when that is in a file.
    pub place: Option<Place>,
}

/// The result for one app.
#[derive(Debug, Default, Clone)]
pub struct AppOutcome {
    /// The app's directory, as in [`crate::project::App::dir`].
    pub dir: String,
    /// Why the whole app was left, when it was.
    pub refusals: Vec<Refusal>,
    /// Reasons to leave the whole app that the user accepts.
    pub accepted: Vec<Reason>,
    /// Differences that the migration brings to the rest of the app.
    pub notes: Vec<Note>,
    /// One entry for each API file, in order of their routes.
    pub routes: Vec<RouteOutcome>,
}

/// The result for one route.
#[derive(Debug, Clone)]
pub struct RouteOutcome {
    /// The route as Next.js spells it, as `/api/posts/[id]`.
    pub route: String,
    /// The API file.
    pub file: String,
    /// Where the handlers went: the `route.ts`, when one is left of it.
    pub target: Option<String>,
    /// What the user wants of it.
    pub asked: Vec<Wish>,
    /// One entry for each method that the handler tells apart; `*` for a handler that
    /// answers every method alike.
    pub methods: Vec<MethodOutcome>,
    /// Why the route was left. Empty when it is migrated.
    pub refusals: Vec<Refusal>,
    /// Why a bridged handler could not be rewritten.
    pub bridged: Vec<Refusal>,
}

/// The decision for one method of a route.
#[derive(Debug, Clone)]
pub struct MethodOutcome {
    /// `GET`, `POST`, …, or `*`.
    pub method: String,
    /// What becomes of it.
    pub way_out: WayOut,
    /// The name of the Server Action, when it became one.
    pub action: Option<String>,
    /// How many places in the project call it.
    pub callers: usize,
    /// Differences that the migration brings.
    pub notes: Vec<Note>,
    /// What the decision rests on.
    pub evidence: Vec<Evidence>,
}

/// One of the four ways out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WayOut {
    /// A function in a `'use server'` file, called directly.
    ServerAction,
    /// An exported function of `app/**/route.ts`.
    RouteHandler,
    /// The handler as it was, behind an adapter in `app/**/route.ts`.
    Bridged,
    /// The file stays in `pages/api`.
    Left,
}

impl WayOut {
    /// The name in reports: `server-action`, `route-handler`, `bridged`, `left`.
    pub fn name(self) -> &'static str {
        match self {
            WayOut::ServerAction => "server-action",
            WayOut::RouteHandler => "route-handler",
            WayOut::Bridged => "bridged",
            WayOut::Left => "left",
        }
    }
}

/// One observed fact that speaks for or against a Server Action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Whether it speaks for an action (`true`) or against one.
    pub for_action: bool,
    /// The fact in words, as `called from a client component`.
    pub what: String,
    /// The place in code, when there is one.
    pub place: Option<Place>,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Path relative to the root.
    pub file: String,
    /// First byte in the file's text.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
    /// Line of the first byte, from 1.
    pub line: usize,
    /// Column of the first byte in characters, from 1.
    pub column: usize,
}

impl Place {
    /// The place of the bytes `start..end` of `text`, which is the text of `file`.
    pub fn new(file: &str, text: &str, start: usize, end: usize) -> Place {
        let start = start.min(text.len());
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Place {
            file: file.to_string(),
            start,
            end: end.clamp(start, text.len()),
            line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    /// The start of a file.
    pub fn file_start(file: &str) -> Place {
        Place {
            file: file.to_string(),
            start: 0,
            end: 0,
            line: 1,
            column: 1,
        }
    }
}

/// Why a route, or an app, was left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The reason.
    pub reason: Reason,
    /// The code that made it so.
    pub place: Place,
    /// What is particular to this place, as a name or a value; may be empty.
    pub detail: String,
}

/// One change of one file. Texts are whole files, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A new file.
    Create {
        /// Its path.
        path: String,
        /// Its text.
        new: String,
    },
    /// A file that stays where it is.
    Modify {
        /// Its path.
        path: String,
        /// The text that was read.
        old: String,
        /// The text to write.
        new: String,
    },
    /// A file that moves, and changes on the way.
    Rename {
        /// Where it is.
        from: String,
        /// Where it goes.
        to: String,
        /// The text that was read.
        old: String,
        /// The text to write.
        new: String,
    },
    /// A file that goes.
    Delete {
        /// Its path.
        path: String,
        /// The text that was read.
        old: String,
    },
}

impl Change {
    /// The path after the change; for a deletion the path before it.
    pub fn path(&self) -> &str {
        match self {
            Change::Create { path, .. }
            | Change::Modify { path, .. }
            | Change::Delete { path, .. } => path,
            Change::Rename { to, .. } => to,
        }
    }

    /// The path before the change, when there was one.
    pub fn old_path(&self) -> Option<&str> {
        match self {
            Change::Create { .. } => None,
            Change::Modify { path, .. } | Change::Delete { path, .. } => Some(path),
            Change::Rename { from, .. } => Some(from),
        }
    }

    /// The text before the change, when there was one.
    pub fn old_text(&self) -> Option<&str> {
        match self {
            Change::Create { .. } => None,
            Change::Modify { old, .. }
            | Change::Rename { old, .. }
            | Change::Delete { old, .. } => Some(old),
        }
    }

    /// The text after the change, when there is one.
    pub fn new_text(&self) -> Option<&str> {
        match self {
            Change::Create { new, .. }
            | Change::Modify { new, .. }
            | Change::Rename { new, .. } => Some(new),
            Change::Delete { .. } => None,
        }
    }
}
