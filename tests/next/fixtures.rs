//! The fixtures, and their trees before and after the migration for one Next.js version.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use routelift::cli;
use routelift::report::{View, is_left};
use routelift::verify::requests::Request;
use routelift::verify::routes::Routes;
use routelift_transforms::outcome::WayOut;
use serde::Deserialize;
use serde_json::Value;

use crate::support::{Copy, Tree, fixtures, read_tree, repository};

/// One fixture, or the demo project.
pub struct Fixture {
    /// Its name in the ledger.
    pub name: String,
    /// The tree before.
    pub input: Tree,
    /// Arguments for the program.
    arguments: Vec<String>,
    /// How it runs.
    pub settings: Settings,
    /// The file of requests.
    pub requests_file: PathBuf,
    /// The requests as they stand in the file; empty without one.
    pub requests: Vec<Value>,
    /// What a person does in the browser; `None` without a file.
    pub browser: Option<Vec<Value>>,
}

/// `fixture.json`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Whether it needs an app of its own.
    pub solo: bool,
    /// Variables of the environment.
    pub env: std::collections::BTreeMap<String, String>,
    /// Why no app can be built of it, by its nature.
    pub unbuildable: Option<String>,
    /// The major Next.js versions that it is about; all without it.
    pub next: Option<Vec<u16>>,
}

/// Reads every fixture whose name is among `only`, or all.
pub fn read(only: &[String]) -> Result<Vec<Fixture>> {
    let root = repository().join("fixtures");
    let mut all = Vec::new();
    for directory in fixtures() {
        let name = directory
            .strip_prefix(&root)?
            .to_string_lossy()
            .replace('\\', "/");
        all.push(Fixture {
            input: read_tree(&directory.join("input")),
            arguments: lines(&directory.join("args"))?,
            settings: json(&directory.join("fixture.json"))?.unwrap_or_default(),
            requests: json(&directory.join("requests.json"))?.unwrap_or_default(),
            requests_file: directory.join("requests.json"),
            browser: json(&directory.join("browser.json"))?,
            name,
        });
    }
    let demo = root.join("projects/guestbook");
    let beside = |suffix: &str| root.join(format!("projects/guestbook.{suffix}.json"));
    let mut input = read_tree(&demo);
    // What a run of the demo leaves there is no part of it.
    input.retain(|path, _| {
        !["node_modules/", ".next/"]
            .iter()
            .any(|made| path.starts_with(made))
    });
    all.push(Fixture {
        name: "guestbook".to_string(),
        input,
        arguments: Vec::new(),
        settings: Settings {
            solo: true,
            ..Settings::default()
        },
        requests: json(&beside("requests"))?.unwrap_or_default(),
        requests_file: beside("requests"),
        browser: json(&beside("browser"))?,
    });
    for name in only {
        ensure!(
            all.iter().any(|fixture| fixture.name == *name),
            "there is no fixture {name}"
        );
    }
    all.retain(|fixture| only.is_empty() || only.contains(&fixture.name));
    Ok(all)
}

fn lines(file: &Path) -> Result<Vec<String>> {
    if !file.exists() {
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(file)?;
    Ok(text
        .lines()
        .filter(|line| !line.is_empty())
        .map(str::to_string)
        .collect())
}

fn json<T: serde::de::DeserializeOwned>(file: &Path) -> Result<Option<T>> {
    if !file.exists() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(file)?;
    let value = serde_json::from_str(&text);
    value.map(Some).with_context(|| file.display().to_string())
}

/// A tree that the program made of a fixture's.
pub struct Migrated {
    /// The files after.
    pub tree: Tree,
    /// What the program decided.
    pub view: View,
}

impl Fixture {
    /// Migrates the fixture for a Next.js version, with more arguments.
    pub fn migrate(&self, version: &str, more: &[&str]) -> Result<Migrated> {
        let copy = Copy::new(&self.input);
        let own = self.arguments.iter().map(String::as_str);
        let arguments = ["routelift", "--next", version].into_iter().chain(own);
        let arguments = arguments.chain(more.iter().copied()).map(Into::into);
        let arguments = arguments.chain([copy.path().as_os_str().to_owned()]);
        let views = cli::plan(arguments).with_context(|| self.name.clone())?;
        let Ok([view]) = <[View; 1]>::try_from(views) else {
            bail!("{}: one root gives one view", self.name);
        };
        let mut tree = self.input.clone();
        for change in &view.outcome.changes {
            change.old_path().map(|path| tree.remove(path));
            if let Some(text) = change.new_text() {
                tree.insert(change.path().to_string(), text.as_bytes().to_vec());
            }
        }
        Ok(Migrated { tree, view })
    }

    /// The requests, each with the notes that it names; without any it names none.
    pub fn requests(&self) -> Result<Vec<Request>> {
        let parse = |value: &Value| -> Result<Request> {
            let mut request = Request::deserialize(value)?;
            request.notes.get_or_insert_default();
            Ok(request)
        };
        let list = self.requests.iter().map(parse).collect::<Result<_>>();
        list.with_context(|| self.requests_file.display().to_string())
    }
}

impl Migrated {
    /// The routes of the fixture's app.
    pub fn routes(&self) -> Option<Routes<'_>> {
        Some(Routes {
            app: self.view.outcome.apps.first()?,
            base_path: &self.view.project.apps.first()?.config.base_path,
        })
    }

    /// Whether a route is migrated.
    pub fn is_changed(&self) -> bool {
        self.view.routes().any(|route| !is_left(route))
    }

    /// Whether a method became a Server Action.
    pub fn has_actions(&self) -> bool {
        !self.call_sites().is_empty()
    }

    /// Whether a handler is bridged.
    pub fn has_bridged(&self) -> bool {
        let mut methods = self.view.routes().flat_map(|route| &route.methods);
        methods.any(|method| method.way_out == WayOut::Bridged)
    }

    /// Every call that became the call of a Server Action: its place as `file:line` and
    /// the method with the route, as `POST /api/posts`.
    pub fn call_sites(&self) -> Vec<(String, String)> {
        let methods = self.view.routes().flat_map(|route| {
            let actions = route.methods.iter();
            actions
                .filter(|method| method.way_out == WayOut::ServerAction)
                .map(move |method| (route, method))
        });
        let sites = methods.flat_map(|(route, method)| {
            let places = method
                .evidence
                .iter()
                .filter(|evidence| evidence.for_action);
            places
                .filter_map(|evidence| evidence.place.as_ref())
                .map(move |place| {
                    let site = format!("{}:{}", place.file, place.line);
                    (site, format!("{} {}", method.method, route.route))
                })
        });
        sites.collect()
    }

    /// Files that moved, by their path before.
    pub fn moved(&self) -> serde_json::Map<String, Value> {
        let changes = self.view.outcome.changes.iter();
        let moves = changes.filter_map(|change| {
            let old = change.old_path().filter(|old| *old != change.path())?;
            Some((old.to_string(), Value::from(change.path())))
        });
        moves.collect()
    }
}
