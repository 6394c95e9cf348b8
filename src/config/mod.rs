//! `routelift.toml`: what a project says about its routes, once and for all. In: the file that holds
//! for each app, and the options of the command line, which count more. Out: what is wanted of each
//! app, and what in the files comes to nothing. `schema.json` describes the file for editors.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use anyhow::{Result, anyhow, bail};
use routelift_transforms::outcome::{AppOutcome, Place, Warning};
use routelift_transforms::project::{App, Project};
use routelift_transforms::reason::{Note, Reason};
use routelift_transforms::specialise::METHODS;
use routelift_transforms::wishes::{Origin, Way, Wish, contradiction};
use routelift_transforms::{ActionName, Settings};
use serde::Deserialize;
use toml::Spanned;

use crate::load::settings::Found;
use crate::load::walk::join;
use crate::select;

pub mod init;

/// The schema of the file, as editors read it.
pub const SCHEMA: &str = include_str!("schema.json");

/// The file as it is written. Every field stands in `schema.json`, too.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields, default)]
struct File {
    accept: Vec<Spanned<String>>,
    routes: Routes,
    actions: Actions,
}

/// What becomes of routes: patterns, perhaps with a method behind a colon.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields, default)]
struct Routes {
    external: Vec<Spanned<String>>,
    action: Vec<Spanned<String>>,
    keep: Vec<Spanned<String>>,
}

/// How Server Actions are written.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields, default)]
struct Actions {
    directory: Option<Spanned<String>>,
    names: BTreeMap<Spanned<String>, Spanned<String>>,
}

/// The reasons to leave a whole app that can be accepted.
const ACCEPTABLE: [Reason; 1] = [Reason::NotFoundPage];

/// What can be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// A reason to leave a whole app: it is no reason any more.
    Reason(Reason),
    /// A note: it is not explained any more.
    Note(Note),
}

/// Reads the code of what is accepted.
///
/// # Errors
/// When it is no such code, in words.
pub fn accepted(code: &str) -> Result<Accepted, String> {
    let reason = ACCEPTABLE.into_iter().find(|reason| reason.code() == code);
    if let Some(reason) = reason {
        return Ok(Accepted::Reason(reason));
    }
    if let Some(note) = Note::from_code(code) {
        return Ok(Accepted::Note(note));
    }
    let codes = ACCEPTABLE.iter().map(|reason| reason.code());
    let near = select::nearest(code, codes.chain(Note::ALL.iter().map(|note| note.code())));
    let near = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
    Err(format!(
        "{code:?} cannot be accepted, only {} and notes can{near}",
        ACCEPTABLE[0].code()
    ))
}

/// What the command line says.
#[derive(Debug, Default)]
pub struct Asked {
    /// Patterns of routes, with what is wanted of them and how it was given.
    pub ways: Vec<(String, Way, String)>,
    /// What is accepted.
    pub accept: Vec<Accepted>,
}

/// What holds for the apps of a project.
#[derive(Debug, Default)]
pub struct Said {
    /// For each app.
    pub settings: Vec<Settings>,
    /// The notes that each app accepts, and where its file says so.
    pub notes: Vec<Vec<(Note, Option<Place>)>>,
    /// Entries that name no route.
    pub warnings: Vec<Warning>,
    /// Patterns of the command line that name no route.
    pub unknown: Vec<String>,
}

/// Reads the files and the command line. `files` has the file that holds for each app, and `shown` is
/// what stands before their paths for people.
///
/// # Errors
/// When a file cannot be understood, or says two things that cannot both be done.
pub fn read(
    project: &Project,
    files: &[Option<Found>],
    asked: &Asked,
    shown: &str,
) -> Result<Said> {
    let mut said = Said::default();
    // Whether each entry names a route of any app that its file holds for.
    let mut named: BTreeMap<Place, (String, bool)> = BTreeMap::new();
    let mut missed: BTreeSet<&String> = asked.ways.iter().map(|(text, ..)| text).collect();
    for (app, file) in project.apps.iter().zip(files) {
        let routes = select::routes_of(project, app);
        let mut settings = Settings::default();
        let mut notes = Vec::new();
        for (text, way, option) in &asked.ways {
            let target = Target::read(text).map_err(|why| anyhow!("{option}: {why}"))?;
            for route in target.routes(&routes) {
                missed.remove(text);
                settings
                    .wishes
                    .push(target.wish(route, *way, Origin::Option(option.clone())));
            }
        }
        for accepted in &asked.accept {
            match accepted {
                Accepted::Reason(reason) => settings.accept.push((*reason, None)),
                Accepted::Note(note) => notes.push((*note, None)),
            }
        }
        if let Some(found) = file {
            let reader = Reader {
                found,
                app,
                routes: &routes,
                shown,
            };
            reader.read(&mut settings, &mut notes, &mut named)?;
        }
        if let Some((one, other)) = contradiction(&settings.wishes) {
            bail!(
                "{} cannot be both: {} by {}, and {} by {}; take one of them away",
                one.route,
                one.way.name(),
                at(&one.origin, shown),
                other.way.name(),
                at(&other.origin, shown)
            );
        }
        said.settings.push(settings);
        said.notes.push(notes);
    }
    // Without an app nobody has looked at them.
    for (text, _, option) in &asked.ways {
        Target::read(text).map_err(|why| anyhow!("{option}: {why}"))?;
    }
    said.unknown = missed.into_iter().cloned().collect();
    let above = |place: &Place| place.file.starts_with("../");
    let idle = named.into_iter().filter(|(_, (_, named))| !named);
    for (place, (text, _)) in idle.filter(|(place, _)| !above(place)) {
        let apps = project.apps.iter().zip(files);
        let own = apps.filter(|(_, file)| file.as_ref().is_some_and(|own| own.path == place.file));
        let known: Vec<_> = own
            .flat_map(|(app, _)| select::routes_of(project, app))
            .collect();
        let near = select::nearest(&text, known.iter().map(|route| route.name.as_str()));
        let near = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
        said.warnings.push(Warning {
            what: format!("no API route matches {text}{near}"),
            place: Some(place),
        });
    }
    Ok(said)
}

impl Said {
    /// The notes that are accepted although no route brings them.
    pub fn idle_notes(&self, apps: &[AppOutcome]) -> Vec<Warning> {
        let mut idle: BTreeMap<&Place, (Note, bool)> = BTreeMap::new();
        for (app, notes) in apps.iter().zip(&self.notes) {
            let methods = app.routes.iter().flat_map(|route| &route.methods);
            let brought: BTreeSet<&Note> = methods
                .flat_map(|method| &method.notes)
                .chain(&app.notes)
                .collect();
            for (note, place) in notes {
                if let Some(place) = place {
                    idle.entry(place).or_insert((*note, true)).1 &= !brought.contains(note);
                }
            }
        }
        let idle = idle.into_iter().filter(|(_, (_, idle))| *idle);
        idle.map(|(place, (note, _))| Warning {
            what: format!("{} is accepted, and no route brings it", note.code()),
            place: Some(place.clone()),
        })
        .collect()
    }
}

/// A pattern of routes, perhaps with a method behind a colon.
struct Target {
    pattern: String,
    method: Option<String>,
}

impl Target {
    fn read(text: &str) -> Result<Target, String> {
        let (pattern, method) = match text.rsplit_once(':') {
            Some((pattern, method)) => (pattern, Some(method.to_ascii_uppercase())),
            None => (text, None),
        };
        if let Some(method) = &method
            && !METHODS.contains(&method.as_str())
        {
            let methods = METHODS.join(", ");
            return Err(format!("{method} is none of the methods {methods}"));
        }
        Ok(Target {
            pattern: format!("/{}", pattern.trim_matches('/')),
            method,
        })
    }

    /// The routes that it names.
    fn routes<'r>(&self, known: &'r [select::Route]) -> BTreeSet<&'r str> {
        select::named(&self.pattern, known)
    }

    fn wish(&self, route: &str, way: Way, origin: Origin) -> Wish {
        Wish {
            route: route.to_string(),
            method: self.method.clone(),
            way,
            origin,
        }
    }
}

/// Reads one file for one app.
struct Reader<'r> {
    found: &'r Found,
    app: &'r App,
    routes: &'r [select::Route],
    shown: &'r str,
}

impl Reader<'_> {
    fn place(&self, span: Range<usize>) -> Place {
        Place::new(&self.found.path, &self.found.text, span.start, span.end)
    }

    fn error(&self, span: Range<usize>, why: &str) -> anyhow::Error {
        let at = at(&Origin::File(self.place(span)), self.shown);
        anyhow!("{at}: {why}")
    }

    fn read(
        &self,
        settings: &mut Settings,
        notes: &mut Vec<(Note, Option<Place>)>,
        named: &mut BTreeMap<Place, (String, bool)>,
    ) -> Result<()> {
        let file: File = toml::from_str(&self.found.text).map_err(|error| {
            let why = error.message().replace('\n', ", ");
            self.error(error.span().unwrap_or(0..0), &why)
        })?;
        for code in &file.accept {
            let what = accepted(code.get_ref()).map_err(|why| self.error(code.span(), &why))?;
            let place = Some(self.place(code.span()));
            match what {
                Accepted::Reason(reason) => settings.accept.push((reason, place)),
                Accepted::Note(note) => notes.push((note, place)),
            }
        }
        let ways = [
            (Way::External, &file.routes.external),
            (Way::Action, &file.routes.action),
            (Way::Keep, &file.routes.keep),
        ];
        for (way, entries) in ways {
            for entry in entries {
                let target = self.target(entry)?;
                if way == Way::Keep && target.method.is_some() {
                    let why = "a file is kept with all its methods: take the method away";
                    return Err(self.error(entry.span(), why));
                }
                let place = self.place(entry.span());
                let found = target.routes(self.routes);
                let text = target.pattern.clone();
                named.entry(place.clone()).or_insert((text, false)).1 |= !found.is_empty();
                let origin = Origin::File(place);
                let found = found.into_iter();
                settings
                    .wishes
                    .extend(found.map(|route| target.wish(route, way, origin.clone())));
            }
        }
        if let Some(directory) = &file.actions.directory {
            settings.actions = Some(self.directory(directory)?);
        }
        for (entry, name) in &file.actions.names {
            let target = self.target(entry)?;
            let Some(method) = target.method.clone() else {
                let why = "name the method, too, as /api/posts:POST";
                return Err(self.error(entry.span(), why));
            };
            if !is_name(name.get_ref()) {
                let why = format!("{:?} is no name for a function", name.get_ref());
                return Err(self.error(name.span(), &why));
            }
            let place = self.place(entry.span());
            let known = self.routes.iter().any(|route| route.name == target.pattern);
            let text = target.pattern.clone();
            named.entry(place.clone()).or_insert((text, false)).1 |= known;
            settings.names.push(ActionName {
                route: target.pattern,
                method,
                name: name.get_ref().clone(),
                place,
            });
        }
        Ok(())
    }

    fn target(&self, entry: &Spanned<String>) -> Result<Target> {
        if !entry.get_ref().starts_with('/') {
            let why = "write a route as /api/posts, /api/posts/** or /api/posts:POST";
            return Err(self.error(entry.span(), why));
        }
        Target::read(entry.get_ref()).map_err(|why| self.error(entry.span(), &why))
    }

    /// The directory of the actions, seen from the root.
    fn directory(&self, entry: &Spanned<String>) -> Result<String> {
        let directory = entry.get_ref().trim_end_matches('/');
        let inside = directory
            .split('/')
            .all(|part| !["", ".", ".."].contains(&part) && !part.contains(['\\', ':']));
        if !inside {
            let why = "name a directory inside the app, as \"app/actions\"";
            return Err(self.error(entry.span(), why));
        }
        let directory = join(&self.app.dir, directory);
        let below = |pages: &String| format!("{directory}/").starts_with(&format!("{pages}/"));
        if self.app.pages.as_ref().is_some_and(below) {
            let why = "every file below pages/ is a page: name another directory";
            return Err(self.error(entry.span(), why));
        }
        Ok(directory)
    }
}

/// Who says so, for people.
fn at(origin: &Origin, shown: &str) -> String {
    match origin.place() {
        Some(_) => format!("{shown}{origin}"),
        None => origin.to_string(),
    }
}

/// Whether a text can be the name of an exported function.
fn is_name(text: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_' || c == '$';
    let shaped = text.starts_with(letter) && text.chars().all(|c| letter(c) || c.is_ascii_digit());
    let source = format!("export async function {text}() {{}}");
    shaped && routelift_transforms::source::Source::parse("name.ts", source.into()).is_ok()
}

#[cfg(test)]
mod tests;
