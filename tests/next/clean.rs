//! Checks that the migrated trees are as clean as the trees before: `tsc`, ESLint with
//! Next.js' own rules, Prettier.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::fixtures::Migrated;
use crate::round::{Case, Group, Side};
use crate::support::{Tree, write_tree};
use crate::tools;

/// Findings that are accepted: the fixture, the file, what they say, and why they stay.
const ACCEPTED: &[(&str, &str, &str)] = &[
    // The action answers with a text object or with no data; an honest type of the result
    // would fail the caller's `const { error } = res.data`.
    ("guestbook", "app/actions/entry.ts", "no-explicit-any"),
    // Nothing in the caller's file tells the type of the argument.
    ("log-event", "app/actions/events.ts", "no-explicit-any"),
];

/// What `clean.mjs` prints.
#[derive(Deserialize)]
struct Report {
    checked: BTreeMap<String, usize>,
    findings: Vec<Finding>,
}

#[derive(Deserialize)]
struct Finding {
    name: String,
    tool: String,
    file: String,
    what: String,
}

impl Finding {
    fn words(&self) -> String {
        let Finding {
            name,
            tool,
            file,
            what,
        } = self;
        format!("{name}: {tool}: {file}: {what}")
    }
}

/// The migrated trees that were checked already, by their fixture: most are the same for
/// two versions.
pub type Checked = BTreeSet<(String, Tree)>;

/// Runs ESLint and Prettier over the files that the migrations touch; gives what they find
/// and did not find before.
pub fn check(cases: &[Case], checked: &mut Checked) -> Result<Vec<String>> {
    let folder = tempfile::tempdir()?;
    // Later rounds may be left with what has no clean file before.
    let first = checked.is_empty();
    let mut pairs = Vec::new();
    let mut names = BTreeSet::new();
    for case in cases {
        let sides = [
            ("after", Some(&case.after)),
            ("as-handlers", case.as_handlers.as_ref()),
            ("bridged", case.bridged.as_ref()),
        ];
        for (side, migrated) in sides {
            let Some(migrated) = migrated.filter(|migrated| migrated.is_changed()) else {
                continue;
            };
            if !checked.insert((case.fixture.name.clone(), migrated.tree.clone())) {
                continue;
            }
            if side != "bridged" {
                names.insert(&case.fixture.name[..]);
            }
            let place = folder.path().join(side).join(&case.fixture.name);
            pairs.push(pair(
                &case.fixture.name,
                &case.fixture.input,
                migrated,
                &place,
            ));
        }
    }
    if pairs.is_empty() {
        return Ok(Vec::new());
    }
    let report = tools::script("tools/clean.mjs", &json!({ "pairs": pairs }))?;
    let report: Report = serde_json::from_value(report).context("clean.mjs prints a report")?;
    for tool in ["eslint", "prettier"] {
        let files = report.checked.get(tool).copied().unwrap_or(0);
        ensure!(files > 0 || !first, "{tool} checked no file");
    }
    let is_it = |finding: &Finding, (name, file, rule): &(&str, &str, &str)| {
        finding.name == *name && finding.file == *file && finding.what.contains(rule)
    };
    let (accepted, open): (Vec<_>, Vec<_>) = report
        .findings
        .into_iter()
        .partition(|finding| ACCEPTED.iter().any(|entry| is_it(finding, entry)));
    let mut words: Vec<String> = open.iter().map(Finding::words).collect();
    for entry in ACCEPTED {
        if names.contains(entry.0) && !accepted.iter().any(|finding| is_it(finding, entry)) {
            words.push(format!(
                "{}: {} in {} shows no more: accept it no longer",
                entry.0, entry.2, entry.1
            ));
        }
    }
    Ok(words)
}

fn pair(name: &str, input: &Tree, migrated: &Migrated, place: &Path) -> Value {
    let [before, after] = ["before", "after"].map(|side| place.join(side));
    for (directory, tree) in [(&before, input), (&after, &migrated.tree)] {
        write_tree(
            directory,
            tree.iter().map(|(path, bytes)| (&path[..], &bytes[..])),
        );
    }
    json!({ "name": name, "before": before, "after": after, "moved": migrated.moved() })
}

/// Runs `tsc --noEmit` over the apps of a group, which have been built: Next.js makes
/// types for the build. Gives the errors that the app before does not have.
pub fn check_types(group: &Group) -> Result<Vec<String>> {
    let sides = [Side::Before, Side::After, Side::AsHandlers, Side::Bridged];
    let sides = sides
        .into_iter()
        .filter_map(|side| Some((side, group.directory(side)?)));
    let errors = std::thread::scope(|scope| {
        let runs: Vec<_> = sides
            .map(|(side, directory)| (side, scope.spawn(|| tsc(directory))))
            .collect();
        let ends = runs
            .into_iter()
            .map(|(side, run)| (side, run.join().expect("tsc is run")));
        ends.map(|(side, errors)| Ok((side, errors?)))
            .collect::<Result<Vec<_>>>()
    })?;
    let (before, after): (Vec<_>, Vec<_>) = errors
        .into_iter()
        .partition(|(side, _)| *side == Side::Before);
    let mut known: Vec<String> = before
        .into_iter()
        .flat_map(|(_, errors)| errors)
        .map(|error| error.what)
        .collect();
    let mut found = Vec::new();
    for (_, errors) in after {
        for error in errors {
            match known.iter().position(|what| *what == error.what) {
                Some(at) => _ = known.swap_remove(at),
                None => found.push(format!("tsc: {}: {}", error.place, error.what)),
            }
        }
    }
    Ok(found)
}

struct TypeError {
    /// As `app/api/a/route.ts(3,1)`.
    place: String,
    what: String,
}

fn tsc(directory: &Path) -> Result<Vec<TypeError>> {
    let mut above = directory.ancestors();
    let compiler = above.find_map(|at| {
        let compiler = at.join("node_modules/typescript/bin/tsc");
        compiler.is_file().then_some(compiler)
    });
    let compiler = compiler.context("typescript is not installed")?;
    let config = match directory.join("tsconfig.json").is_file() {
        true => "tsconfig.json",
        false => "jsconfig.json",
    };
    let mut command = Command::new("node");
    command
        .arg(compiler)
        .args(["--noEmit", "--pretty", "false", "-p", config]);
    let output = command
        .current_dir(directory)
        .output()
        .context("cannot run tsc")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let errors: Vec<TypeError> = text
        .lines()
        .filter_map(|line| {
            let (place, what) = line.split_once(": error ")?;
            Some(TypeError {
                place: place.to_string(),
                what: what.to_string(),
            })
        })
        .collect();
    let status = output.status;
    ensure!(
        status.success() || !errors.is_empty(),
        "tsc failed ({status}) in {}\n{text}",
        directory.display()
    );
    Ok(errors)
}
