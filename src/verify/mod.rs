//! Runs a project as it is and as it would be after the migration, sends both the same
//! requests and compares the answers.
//!
//! ```text
//! requests ─► copy, build, start, send (before and after) ─► compare ─► judge ─► report
//! ```
//!
//! The project's own tree is not touched: both sides run in copies.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use regex::bytes::Regex;
use routelift_transforms::outcome::WayOut;

use crate::report::{View, is_left};
use crate::write::disk::{Disk, Unwatched};
use crate::write::{self, Job};
use copy::Installed;
use judge::{Judgement, judge};
use next_app::NextApp;
use requests::Request;
use routes::Routes;
use send::{Answer, Client, Saved};

pub mod cleanup;
pub mod compare;
pub mod copy;
mod har;
pub mod judge;
pub mod next_app;
pub mod report;
pub mod requests;
pub mod routes;
pub mod send;

/// How to run the app, and what to send it.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The file of requests.
    pub requests: PathBuf,
    /// A shell command to run in each copy before its app is built.
    pub setup: Option<String>,
    /// A shell command instead of `next build`.
    pub build: Option<String>,
    /// A shell command instead of `next start`.
    pub start: Option<String>,
    /// Runs `next dev`.
    pub dev: bool,
    /// What is not compared in any answer.
    pub mask: Vec<Regex>,
    /// Keeps the copies.
    pub keep: bool,
}

/// What the comparison comes to.
#[derive(Debug, Default)]
pub struct Verdict {
    /// The requests that were sent, each with both answers and what they come to.
    pub compared: Vec<Compared>,
    /// Requests that were not sent, since a Server Action has no URL: how many for each
    /// method of a route, as `POST /api/posts`.
    pub actions: BTreeMap<String, usize>,
    /// Methods that became a Route Handler and that no request asked for, as
    /// `POST /api/posts`.
    pub unasked: Vec<String>,
    /// Requests that reach no API route, as those for pages.
    pub elsewhere: Vec<String>,
    /// What of a recording could not be sent.
    pub skipped: Vec<String>,
    /// Where the copies are, when they were kept.
    pub kept: Option<PathBuf>,
}

/// One request with its answers.
#[derive(Debug)]
pub struct Compared {
    /// The request.
    pub request: Request,
    /// What the app answers as it is.
    pub before: Answer,
    /// What it answers after the migration.
    pub after: Answer,
    /// What the two come to.
    pub judgement: Judgement,
}

impl Verdict {
    /// Whether nothing differs but what notes allow.
    pub fn is_fine(&self) -> bool {
        self.compared
            .iter()
            .all(|compared| compared.judgement.is_fine())
    }
}

/// Compares the project at `root`, which `view` shows, before and after its migration.
/// `progress` is told what is going on.
///
/// # Errors
/// When the project has no app or several that the migration changes, when the requests
/// cannot be read, and when one side cannot be copied, built or started.
pub fn verify(
    root: &Path,
    view: &View,
    options: &Options,
    progress: &dyn Fn(&str),
) -> Result<Verdict> {
    let (directory, routes) = app(view)?;
    let mut requests = requests::read(&options.requests, |path| routes.find(path).is_some())?;
    for request in &mut requests.list {
        send::check(request)?;
        request.mask.extend(options.mask.iter().cloned());
    }
    if options.build.is_none() || options.start.is_none() {
        next_app::find_next(&root.join(directory))?;
    }
    let mut actions = BTreeMap::new();
    let mut sent = Vec::new();
    for request in requests.list {
        let route = routes.find(request.pathname());
        match route.filter(|route| routes::has_no_url(route, &request.method)) {
            Some(route) => {
                let name = format!("{} {}", request.method, route.route);
                *actions.entry(name).or_default() += 1;
            }
            None => sent.push(request),
        }
    }
    let elsewhere = sent
        .iter()
        .filter(|request| routes.find(request.pathname()).is_none());
    let mut verdict = Verdict {
        unasked: unasked(routes, &sent),
        elsewhere: elsewhere.map(Request::title).collect(),
        actions,
        skipped: requests.skipped,
        ..Verdict::default()
    };

    let root = root
        .canonicalize()
        .with_context(|| format!("cannot open {}", root.display()))?;
    let base = workspace(&root.join(directory));
    let base = if root.starts_with(&base) {
        base
    } else {
        root.clone()
    };
    let inside = root.strip_prefix(&base).unwrap_or(Path::new(""));
    let copies = tempfile::Builder::new()
        .prefix("routelift-verify-")
        .tempdir();
    let copies = copies.context("cannot make a temporary directory")?;
    if !options.keep {
        cleanup::made(copies.path());
    }
    cleanup::on_interrupt()?;
    let installed = match options.setup {
        Some(_) => Installed::Copied,
        None => Installed::Linked,
    };

    // The same for both sides, which run one after the other: answers may name it.
    let port = next_app::free_port()?;
    let mut answers = Vec::new();
    for side in ["before", "after"] {
        let copy = copies.path().join(side);
        progress(&format!("{side}: copying to {}", copy.display()));
        copy::copy(&base, &copy, installed)?;
        if side == "after" {
            let job = Job {
                root: &copy.join(inside),
                project: &view.project,
                changes: &view.outcome.changes,
            };
            write::write_copy(job, Disk::new(&Unwatched))?;
        }
        let temporary = copies.path().join(format!("{side}-tmp"));
        std::fs::create_dir(&temporary).context("cannot make a temporary directory")?;
        let app = NextApp {
            temporary,
            directory: copy.join(inside).join(directory),
            build: options.build.clone(),
            start: options.start.clone(),
            dev: options.dev,
            ..NextApp::default()
        };
        let side_of = || match side {
            "before" => "the app as it is",
            _ => "the app after the migration",
        };
        if let Some(command) = &options.setup {
            progress(&format!("{side}: running {command}"));
            app.setup(command).with_context(side_of)?;
        }
        if !options.dev {
            progress(&format!("{side}: building"));
        }
        app.build().with_context(side_of)?;
        let server = app.start_on(port).with_context(side_of)?;
        progress(&format!("{side}: sending {} requests", sent.len()));
        answers.push(send_all(&sent, server.port)?);
    }
    let [before, after] = &mut answers[..] else {
        bail!("both sides give answers");
    };
    for ((request, before), after) in sent.into_iter().zip(before.drain(..)).zip(after.drain(..)) {
        let route = routes.find(request.pathname());
        let printed = route.map(|route| routes::printed(route, &request.method));
        let judgement = judge(&request, &before, &after, &printed.unwrap_or_default());
        verdict.compared.push(Compared {
            request,
            before,
            after,
            judgement,
        });
    }
    if options.keep {
        verdict.kept = Some(copies.keep());
    }
    Ok(verdict)
}

/// Sends requests one after another.
///
/// # Errors
/// When one of them cannot be said in HTTP.
pub fn send_all(requests: &[Request], port: u16) -> Result<Vec<Answer>> {
    let client = Client::new()?;
    let mut saved = Saved::new();
    requests
        .iter()
        .map(|request| client.send(port, request, &mut saved))
        .collect()
}

/// The one app that the migration changes: its directory and its routes.
fn app(view: &View) -> Result<(&str, Routes<'_>)> {
    let apps = view.project.apps.iter().zip(&view.outcome.apps);
    let mut changed =
        apps.filter(|(_, outcome)| outcome.routes.iter().any(|route| !is_left(route)));
    let Some((app, outcome)) = changed.next() else {
        bail!("nothing is migrated here, so there is nothing to compare");
    };
    let more: Vec<&str> = changed.map(|(app, _)| &app.dir[..]).collect();
    if !more.is_empty() {
        let other = more.join(", ");
        bail!(
            "several apps are migrated ({}, {other}): give the directory of one as ROOT",
            app.dir
        );
    }
    let routes = Routes {
        app: outcome,
        base_path: &app.config.base_path,
    };
    Ok((&app.dir, routes))
}

/// Methods that became a Route Handler and that none of the requests asks for.
fn unasked(routes: Routes, requests: &[Request]) -> Vec<String> {
    let asked = |name: &str, method: &str| {
        requests.iter().any(|request| {
            let route = routes.find(request.pathname());
            route.is_some_and(|route| route.route == name)
                && (method == "*" || request.method == method)
        })
    };
    let migrated = routes.app.routes.iter().filter(|route| !is_left(route));
    let methods =
        migrated.flat_map(|route| route.methods.iter().map(move |method| (route, method)));
    methods
        .filter(|(_, method)| [WayOut::RouteHandler, WayOut::Bridged].contains(&method.way_out))
        .filter(|(route, method)| !asked(&route.route, &method.method))
        .map(|(route, method)| format!("{} {}", method.method, route.route))
        .collect()
}

/// The directory to copy so that the app can be built: the workspace that it is part of,
/// or the directory whose `node_modules` it uses.
fn workspace(app: &Path) -> PathBuf {
    let is_workspace = |directory: &&Path| {
        let manifest = std::fs::read_to_string(directory.join("package.json"));
        let manifest = manifest
            .ok()
            .and_then(|text| serde_json::from_str(&text).ok());
        let listed = manifest
            .is_some_and(|manifest: serde_json::Value| manifest.get("workspaces").is_some());
        listed || directory.join("pnpm-workspace.yaml").is_file()
    };
    let installs = |directory: &&Path| directory.join("node_modules/next").exists();
    let workspace = app.ancestors().find(is_workspace);
    let workspace = workspace.or_else(|| app.ancestors().find(installs));
    workspace.unwrap_or(app).to_path_buf()
}
