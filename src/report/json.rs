//! The report for programs, for standard output: the whole result as one JSON object.
//! The fields of the types below are its schema; `schema` rises when one of them changes
//! its meaning or goes, not when one is added.

use std::collections::BTreeMap;

use anyhow::Result;
use routelift_transforms::outcome::{
    AppOutcome, Change, Evidence, MethodOutcome, Place, Refusal, RouteOutcome, Warning,
};
use routelift_transforms::project::App;
use routelift_transforms::reason::{Note, Reason};
use routelift_transforms::wishes::{Origin, Wish};
use serde::Serialize;

use super::{View, is_left, is_obeyed};

/// The version of the schema.
pub const SCHEMA: u32 = 1;

/// The whole document.
#[derive(Serialize)]
struct Document<'a> {
    /// [`SCHEMA`].
    schema: u32,
    /// The version of this program.
    version: &'static str,
    /// Whether the changes are on disk.
    written: bool,
    /// One entry for each root of the command line, in order.
    projects: Vec<ProjectJson<'a>>,
    /// What every code of a refusal or a note in this document means.
    codes: BTreeMap<&'static str, CodeJson>,
}

/// One root.
#[derive(Serialize)]
struct ProjectJson<'a> {
    /// The root as seen from the current directory; all paths below are relative to it.
    root: &'a str,
    /// The Next.js apps, in order of their directories.
    apps: Vec<AppJson<'a>>,
    /// Every file change, sorted by path.
    changes: Vec<ChangeJson<'a>>,
    /// What comes to nothing of what the user said, and what could not be read.
    warnings: Vec<WarningJson<'a>>,
}

/// One warning.
#[derive(Serialize)]
struct WarningJson<'a> {
    /// In words.
    what: &'a str,
    /// Where, or null.
    place: Option<PlaceJson<'a>>,
}

/// One app.
#[derive(Serialize)]
struct AppJson<'a> {
    /// The app's directory; empty for the root.
    directory: &'a str,
    /// The Next.js version as `15.2`, or null.
    next: Option<String>,
    /// Where the version was read.
    next_source: &'a str,
    /// Why the whole app was left.
    refusals: Vec<RefusalJson<'a>>,
    /// Codes of the differences that the migration brings to the rest of the app.
    notes: Vec<&'static str>,
    /// One entry for each API file.
    routes: Vec<RouteJson<'a>>,
}

/// One route.
#[derive(Serialize)]
struct RouteJson<'a> {
    /// As `/api/posts/[id]`.
    route: &'a str,
    /// The API file.
    file: &'a str,
    /// The route file that it became, when one is left of it.
    target: Option<&'a str>,
    /// Whether the route stays where it is.
    left: bool,
    /// What the user wants of it.
    asked: Vec<AskedJson<'a>>,
    /// One decision for each method.
    methods: Vec<MethodJson<'a>>,
    /// Why the route was left.
    refusals: Vec<RefusalJson<'a>>,
    /// Why a bridged handler could not be rewritten.
    bridged: Vec<RefusalJson<'a>>,
}

/// What the user wants of a route.
#[derive(Serialize)]
struct AskedJson<'a> {
    /// `external`, `action` or `keep`.
    way: &'static str,
    /// The method, or null for all of them.
    method: Option<&'a str>,
    /// The option of the command line that says so, or null.
    option: Option<&'a str>,
    /// The comment or the entry of `routelift.toml` that says so, or null.
    place: Option<PlaceJson<'a>>,
}

/// One decision.
#[derive(Serialize)]
struct MethodJson<'a> {
    /// `GET`, `POST`, …, or `*` for all alike.
    method: &'a str,
    /// `server-action`, `route-handler`, `bridged` or `left`.
    way_out: &'static str,
    /// The name of the Server Action.
    action: Option<&'a str>,
    /// How many places in the project call it.
    callers: usize,
    /// Codes of the differences that the migration brings.
    notes: Vec<&'static str>,
    /// What the decision rests on.
    evidence: Vec<EvidenceJson<'a>>,
}

/// One observed fact.
#[derive(Serialize)]
struct EvidenceJson<'a> {
    /// Whether it speaks for a Server Action, or against one.
    for_action: bool,
    /// The fact in words.
    what: &'a str,
    /// Where it was seen, or null.
    place: Option<PlaceJson<'a>>,
}

/// One refusal.
#[derive(Serialize)]
struct RefusalJson<'a> {
    /// The reason's code.
    code: &'static str,
    /// What is particular to this place; may be empty.
    detail: &'a str,
    /// The code that made it so.
    place: PlaceJson<'a>,
}

/// A place in a file.
#[derive(Serialize)]
struct PlaceJson<'a> {
    /// Path.
    file: &'a str,
    /// Line, from 1.
    line: usize,
    /// Column in characters, from 1.
    column: usize,
    /// First byte of the range, from 0.
    start: usize,
    /// The byte after the last.
    end: usize,
}

/// One file change.
#[derive(Serialize)]
struct ChangeJson<'a> {
    /// `create`, `modify`, `rename` or `delete`.
    kind: &'static str,
    /// The path after the change; for a deletion the path before it.
    path: &'a str,
    /// The path before a rename, or null.
    old_path: Option<&'a str>,
    /// This file's part of the diff.
    diff: String,
}

/// What a code means.
#[derive(Serialize)]
struct CodeJson {
    /// `refusal` or `note`.
    kind: &'static str,
    /// What was found.
    what: &'static str,
    /// Why it matters.
    why: &'static str,
    /// What to do about it.
    mend: &'static str,
}

/// The document as indented JSON that ends in a line feed.
///
/// # Errors
/// Never for the values above; the serializer's signature allows for it.
pub fn render(views: &[View], written: bool) -> Result<String> {
    let document = Document {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        written,
        projects: views.iter().map(project).collect(),
        codes: codes(views),
    };
    Ok(quiet(serde_json::to_string_pretty(&document)?) + "\n")
}

/// The same document with every character escaped that a terminal would obey.
pub fn quiet(json: String) -> String {
    if !json.chars().any(is_obeyed) {
        return json;
    }
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        // They stand in strings only, and have four digits.
        match is_obeyed(c) {
            true => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            false => out.push(c),
        }
    }
    out
}

fn project(view: &View) -> ProjectJson<'_> {
    let apps = view.project.apps.iter().zip(&view.outcome.apps);
    let changes = view.outcome.changes.iter();
    ProjectJson {
        root: match view.shown.trim_end_matches('/') {
            "" => ".",
            shown => shown,
        },
        apps: apps.map(|(app, outcome)| self::app(app, outcome)).collect(),
        changes: changes.map(|change| self::change(view, change)).collect(),
        warnings: view.warnings.iter().map(warning).collect(),
    }
}

fn app<'a>(app: &'a App, outcome: &'a AppOutcome) -> AppJson<'a> {
    AppJson {
        directory: &outcome.dir,
        next: app.next.map(|version| version.to_string()),
        next_source: &app.next_source,
        refusals: outcome.refusals.iter().map(refusal).collect(),
        notes: outcome.notes.iter().map(|note| note.code()).collect(),
        routes: outcome.routes.iter().map(route).collect(),
    }
}

fn warning(warning: &Warning) -> WarningJson<'_> {
    WarningJson {
        what: &warning.what,
        place: warning.place.as_ref().map(place),
    }
}

fn asked(wish: &Wish) -> AskedJson<'_> {
    AskedJson {
        way: wish.way.name(),
        method: wish.method.as_deref(),
        option: match &wish.origin {
            Origin::Option(option) => Some(option),
            _ => None,
        },
        place: wish.origin.place().map(place),
    }
}

fn route(route: &RouteOutcome) -> RouteJson<'_> {
    RouteJson {
        route: &route.route,
        file: &route.file,
        target: route.target.as_deref(),
        left: is_left(route),
        asked: route.asked.iter().map(asked).collect(),
        methods: route.methods.iter().map(method).collect(),
        refusals: route.refusals.iter().map(refusal).collect(),
        bridged: route.bridged.iter().map(refusal).collect(),
    }
}

fn method(method: &MethodOutcome) -> MethodJson<'_> {
    MethodJson {
        method: &method.method,
        way_out: method.way_out.name(),
        action: method.action.as_deref(),
        callers: method.callers,
        notes: method.notes.iter().map(|note| note.code()).collect(),
        evidence: method.evidence.iter().map(evidence).collect(),
    }
}

fn evidence(evidence: &Evidence) -> EvidenceJson<'_> {
    EvidenceJson {
        for_action: evidence.for_action,
        what: &evidence.what,
        place: evidence.place.as_ref().map(place),
    }
}

fn refusal(refusal: &Refusal) -> RefusalJson<'_> {
    RefusalJson {
        code: refusal.reason.code(),
        detail: &refusal.detail,
        place: place(&refusal.place),
    }
}

fn place(place: &Place) -> PlaceJson<'_> {
    PlaceJson {
        file: &place.file,
        line: place.line,
        column: place.column,
        start: place.start,
        end: place.end,
    }
}

fn change<'a>(view: &View, change: &'a Change) -> ChangeJson<'a> {
    let (kind, old_path) = match change {
        Change::Create { .. } => ("create", None),
        Change::Modify { .. } => ("modify", None),
        Change::Rename { from, .. } => ("rename", Some(from.as_str())),
        Change::Delete { .. } => ("delete", None),
    };
    let executable = change.old_path().is_some_and(|path| view.executable(path));
    ChangeJson {
        kind,
        path: change.path(),
        old_path,
        diff: crate::diff::render_one(change, &view.prefix, executable),
    }
}

fn codes(views: &[View]) -> BTreeMap<&'static str, CodeJson> {
    let reasons = views
        .iter()
        .flat_map(|view| view.refusals().chain(view.bridged()))
        .map(|refusal| refusal.reason);
    let notes = views.iter().flat_map(View::notes);
    let reason = |reason: Reason| {
        let code = CodeJson {
            kind: "refusal",
            what: reason.what(),
            why: reason.why(),
            mend: reason.mend(),
        };
        (reason.code(), code)
    };
    let note = |note: Note| {
        let code = CodeJson {
            kind: "note",
            what: note.what(),
            why: note.why(),
            mend: note.mend(),
        };
        (note.code(), code)
    };
    reasons.map(reason).chain(notes.map(note)).collect()
}
