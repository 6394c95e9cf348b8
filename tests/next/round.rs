//! One round: every fixture on one Next.js version.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use routelift::verify::copy::{Installed, copy};
use routelift::verify::next_app::{NextApp, Server};

use crate::fixtures::{Fixture, Migrated};
use crate::ledger::{Counts, Row};
use crate::support::Tree;
use crate::tools::Version;
use crate::{Options, apps, browser, clean, requests};

/// A fixture with its trees for this version.
pub struct Case<'a> {
    /// The fixture.
    pub fixture: &'a Fixture,
    /// As the program decides.
    pub after: Migrated,
    /// With a Route Handler for every method, when it makes a Server Action by itself:
    /// an action has no URL that could be asked.
    pub as_handlers: Option<Migrated>,
    /// With every handler bridged that can be, when that is asked for.
    pub bridged: Option<Migrated>,
}

/// The trees of an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Before,
    After,
    AsHandlers,
    Bridged,
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Side::Before => "before",
            Side::After => "after",
            Side::AsHandlers => "as-handlers",
            Side::Bridged => "bridged",
        }
    }
}

impl Case<'_> {
    fn tree(&self, side: Side) -> Option<&Tree> {
        match side {
            Side::Before => Some(&self.fixture.input),
            Side::After => Some(&self.after.tree),
            Side::AsHandlers => self.as_handlers.as_ref().map(|migrated| &migrated.tree),
            Side::Bridged => self.bridged.as_ref().map(|migrated| &migrated.tree),
        }
    }
}

/// What the rounds have come to so far.
#[derive(Default)]
pub struct State {
    /// The lines of the ledger.
    pub rows: Vec<Row>,
    /// How much is wrong with the fixtures; it was printed.
    pub failures: usize,
    checked: clean::Checked,
}

/// Runs every fixture on one version.
///
/// # Errors
/// When the harness itself cannot go on. What is found of the fixtures goes into `state`.
pub fn run(
    version: &Version,
    fixtures: &mut [Fixture],
    chromium: Option<&Path>,
    options: &Options,
    state: &mut State,
) -> Result<()> {
    let mut found = Vec::new();
    let mut written = Vec::new();
    {
        let cases = cases(version, fixtures, options.bridged, &mut found)?;
        if !options.no_lint && !options.before_only {
            say(version, "ESLint and Prettier");
            found.extend(clean::check(&cases, &mut state.checked)?);
        }
        let (solo, together): (Vec<&Case>, Vec<&Case>) = cases
            .iter()
            .filter(|case| case.fixture.settings.unbuildable.is_none())
            .filter(|case| !case.fixture.requests.is_empty() || case.fixture.browser.is_some())
            .partition(|case| case.fixture.settings.solo);
        let mut groups: Vec<Vec<&Case>> = solo.into_iter().map(|case| vec![case]).collect();
        if !together.is_empty() {
            groups.insert(0, together);
        }
        std::thread::scope(|scope| -> Result<()> {
            // The servers and the browser mostly wait: the next group is built meanwhile.
            let (built, to_compare) = std::sync::mpsc::sync_channel(0);
            scope.spawn(move || {
                for group in groups {
                    let group = Group::build(version, group, options);
                    let failed = group.is_err();
                    // Nobody takes it when a comparison could not go on.
                    if built.send(group).is_err() || failed {
                        break;
                    }
                }
            });
            for group in to_compare {
                let (group, wrong) = group?;
                found.extend(wrong);
                if options.before_only {
                    requests::print_answers(&group)?;
                    continue;
                }
                let mut counts = requests::compare(&group, options, &mut found, &mut written)?;
                if let Some(chromium) = chromium
                    && let Err(error) = browser::compare(&group, chromium, &mut counts, &mut found)
                {
                    // The other apps can still be tried.
                    found.push(format!("{error:#}"));
                }
                let rows = counts.into_iter().map(|(name, counts)| Row {
                    name,
                    version: version.full.clone(),
                    counts,
                });
                state.rows.extend(rows);
            }
            Ok(())
        })?;
    }
    for (name, list) in written {
        let fixture = fixtures.iter_mut().find(|fixture| fixture.name == name);
        let fixture = fixture.context("a fixture that was read")?;
        fixture.requests = list;
        let text = serde_json::to_string_pretty(&fixture.requests)? + "\n";
        std::fs::write(&fixture.requests_file, text)?;
    }
    for what in &found {
        println!("\nNext.js {}: {what}", version.full);
    }
    state.failures += found.len();
    Ok(())
}

/// Prints what is going on.
fn say(version: &Version, what: &str) {
    println!("Next.js {}: {what}", version.full);
}

/// Migrates every fixture, and finds those that nothing would prove.
fn cases<'a>(
    version: &Version,
    fixtures: &'a [Fixture],
    bridged: bool,
    found: &mut Vec<String>,
) -> Result<Vec<Case<'a>>> {
    let mut cases = Vec::new();
    let major = version.full.split('.').next();
    let major = major.and_then(|major| major.parse().ok());
    for fixture in fixtures {
        let versions = fixture.settings.next.as_ref();
        if versions.is_some_and(|versions| !versions.iter().any(|next| Some(*next) == major)) {
            continue;
        }
        let after = fixture.migrate(&version.full, &[])?;
        let as_handlers = match after.has_actions() {
            true => Some(fixture.migrate(&version.full, &["--route-handler", "/api/**"])?),
            false => None,
        };
        let bridged = match bridged {
            true => Some(fixture.migrate(&version.full, &["--bridge=all"])?),
            false => None,
        };
        // A mistake in them shall not be told after the build.
        fixture.requests()?;
        let name = &fixture.name;
        if after.is_changed()
            && fixture.requests.is_empty()
            && fixture.settings.unbuildable.is_none()
        {
            found.push(format!("{name}: is migrated and has no requests.json"));
        }
        if after.has_actions() && fixture.browser.is_none() {
            found.push(format!("{name}: has Server Actions and no browser.json"));
        }
        cases.push(Case {
            fixture,
            after,
            as_handlers,
            bridged: bridged.filter(Migrated::has_bridged),
        });
    }
    Ok(cases)
}

/// The fixtures of one app, built on every side.
pub struct Group<'a> {
    /// The fixtures.
    pub cases: Vec<&'a Case<'a>>,
    apps: BTreeMap<&'static str, NextApp>,
    root: Folder,
}

/// A directory that goes with this value.
struct Folder {
    path: PathBuf,
    keep: bool,
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.keep {
            println!("kept: {}", self.path.display());
        } else {
            // What cannot be removed is ignored by git.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

impl<'a> Group<'a> {
    /// Builds every side, and finds what is wrong with the types.
    fn build(
        version: &Version,
        cases: Vec<&'a Case<'a>>,
        options: &Options,
    ) -> Result<(Group<'a>, Vec<String>)> {
        let label = match &cases[..] {
            [case] if case.fixture.settings.solo => &case.fixture.name,
            _ => "gathered",
        };
        let name = format!("{}-{label}", std::process::id());
        let root = Folder {
            path: version.directory.join(".apps").join(name),
            keep: options.keep,
        };
        let sides: &[Side] = match options.before_only {
            true => &[Side::Before],
            false => &[Side::Before, Side::After, Side::AsHandlers, Side::Bridged],
        };
        let mut apps = BTreeMap::new();
        for side in sides {
            let trees = cases
                .iter()
                .filter_map(|case| Some((case.fixture, case.tree(*side)?)));
            let trees: Vec<_> = trees.collect();
            if trees.is_empty() {
                continue;
            }
            let directory = root.path.join(side.name());
            apps::write(&directory, &trees)?;
            let environment = trees
                .iter()
                .flat_map(|(fixture, _)| fixture.settings.env.clone());
            let temporary = root.path.join(format!("{}-tmp", side.name()));
            std::fs::create_dir_all(&temporary)?;
            let app = NextApp {
                temporary,
                directory,
                dev: options.dev,
                environment: environment.collect(),
                ..NextApp::default()
            };
            apps.insert(side.name(), app);
        }
        let start = Instant::now();
        std::thread::scope(|scope| -> Result<()> {
            let builds: Vec<_> = apps
                .values()
                .map(|app| scope.spawn(|| app.build()))
                .collect();
            for build in builds {
                build.join().expect("a build does not panic")?;
            }
            Ok(())
        })?;
        for (side, app) in &apps {
            let build = app.directory.join(".next");
            if !options.dev {
                let _ = std::fs::remove_dir_all(build.join("cache"));
                copy(
                    &build,
                    &root.path.join(format!("{side}-built")),
                    Installed::Copied,
                )?;
            }
        }
        say(
            version,
            &format!("{label}: built in {} s", start.elapsed().as_secs()),
        );
        let group = Group { cases, apps, root };
        let wrong = match options.no_lint || options.before_only {
            true => Vec::new(),
            false => clean::check_types(&group)?,
        };
        Ok((group, wrong))
    }

    /// The directory of a side's app.
    pub fn directory(&self, side: Side) -> Option<&Path> {
        self.apps
            .get(side.name())
            .map(|app| app.directory.as_path())
    }

    /// Starts a side's app, with nothing in its stores and no page rendered since the build.
    pub fn start(&self, side: Side) -> Result<Option<Server>> {
        let Some(app) = self.apps.get(side.name()) else {
            return Ok(None);
        };
        let build = app.directory.join(".next");
        let built = self.root.path.join(format!("{}-built", side.name()));
        if built.exists() {
            std::fs::remove_dir_all(&build)?;
            copy(&built, &build, Installed::Copied)?;
        }
        let temporary = tempfile::Builder::new()
            .prefix("tmp-")
            .tempdir_in(&self.root.path)?;
        let app = NextApp {
            temporary: temporary.keep(),
            ..app.clone()
        };
        app.start().map(Some)
    }
}

/// The counts of the fixtures of a group, by their name in the ledger.
pub type GroupCounts = BTreeMap<String, Counts>;
