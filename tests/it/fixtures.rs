//! Runs every fixture. A fixture is a directory `fixtures/<case>/` with
//!
//! - `input/`: the project before,
//! - `args` (optional): one argument of the command line on each line,
//! - `expected/`: the project after,
//! - `expected.diff`: the diff; absent when nothing changes,
//! - `report.txt`: what is printed to standard error.
//!
//! `UPDATE=1` rewrites the last three, `CASE=name` runs the fixtures whose path contains
//! the name.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rayon::prelude::*;
use routelift_transforms::source::Source;

use crate::support::{
    Copy, Tree, fixtures, output, read_tree, repository, routelift, snapshot, text, update,
    write_tree,
};

#[test]
fn every_fixture_gives_what_it_expects() {
    let wanted = std::env::var("CASE").unwrap_or_default();
    let cases = fixtures();
    let cases: Vec<_> = cases
        .par_iter()
        .filter(|case| case.to_string_lossy().contains(&wanted))
        .collect();
    let failures: Vec<String> = cases
        .into_par_iter()
        .filter_map(|case| {
            let name = case.strip_prefix(repository()).unwrap_or(case).display();
            run(case).err().map(|why| format!("{name}: {why}"))
        })
        .collect();
    let count = failures.len();
    assert!(
        failures.is_empty(),
        "{}\n{count} failed; UPDATE=1 rewrites expectations",
        failures.join("\n\n")
    );
}

fn run(case: &Path) -> Result<(), String> {
    let input = read_tree(&case.join("input"));
    if input.is_empty() {
        return Err("input/ is empty".to_string());
    }
    let arguments = std::fs::read_to_string(case.join("args")).unwrap_or_default();
    let arguments: Vec<&str> = arguments.lines().filter(|line| !line.is_empty()).collect();

    // The dry run.
    let copy = Copy::new(&input);
    let dry = output(routelift(copy.path()).args(&arguments));
    let (diff, report) = (text(&dry.stdout), text(&dry.stderr));
    if dry.status.code() != Some(0) {
        return Err(format!("exit code {:?}\n{report}", dry.status.code()));
    }
    same_tree("the dry run changed files", &input, &copy.tree())?;

    // git applies the diff.
    let applied = Copy::new(&input);
    if !diff.is_empty() {
        let patch = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
        std::fs::write(patch.path(), &diff).map_err(|error| error.to_string())?;
        let mut git = Command::new("git");
        git.args(["apply", "--whitespace=nowarn"]).arg(patch.path());
        let git = output(git.current_dir(applied.path()));
        if !git.status.success() {
            return Err(format!("git apply: {}\n{diff}", text(&git.stderr)));
        }
    }
    let produced = applied.tree();

    // So does patch. It does not take empty directories away.
    if !diff.is_empty() {
        let patched = Copy::new(&input);
        let patch = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
        std::fs::write(patch.path(), &diff).map_err(|error| error.to_string())?;
        let mut command = Command::new("patch");
        command.args(["-p1", "--quiet", "--no-backup-if-mismatch", "-i"]);
        let patch = output(command.arg(patch.path()).current_dir(patched.path()));
        if !patch.status.success() {
            return Err(format!("patch: {}\n{diff}", text(&patch.stdout)));
        }
        same_tree("patch and git apply differ", &produced, &patched.tree())?;
    }

    // --write does the same, and prints the same diff.
    let written = Copy::new(&input).committed();
    let whole = snapshot(written.path());
    let write = output(routelift(written.path()).args(&arguments).arg("--write"));
    if write.status.code() != Some(0) {
        return Err(format!("--write: {}", text(&write.stderr)));
    }
    same_text("--write printed another diff", &diff, &text(&write.stdout))?;
    same_tree("--write and git apply differ", &produced, &written.tree())?;
    same_directories(written.path(), applied.path())?;

    // A second run proposes nothing.
    let again = output(routelift(written.path()).args(&arguments));
    same_text("a second run proposes", "", &text(&again.stdout))?;

    // What was written can be taken back.
    if !diff.is_empty() {
        let undo = output(routelift(written.path()).arg("undo"));
        if undo.status.code() != Some(0) {
            return Err(format!("undo: {}", text(&undo.stderr)));
        }
        same_tree("undo left changes", &input, &written.tree())?;
        if snapshot(written.path()) != whole {
            return Err("undo left other modes or directories".to_string());
        }
    }

    for (path, bytes) in &produced {
        parses(path, bytes, input.get(path))?;
    }
    expect(case, &produced, &diff, &report)
}

/// Compares with what the fixture expects, or rewrites that.
fn expect(case: &Path, produced: &Tree, diff: &str, report: &str) -> Result<(), String> {
    let expected = case.join("expected");
    if update() {
        let write = || -> std::io::Result<()> {
            if expected.exists() {
                std::fs::remove_dir_all(&expected)?;
            }
            let files = produced
                .iter()
                .map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
            write_tree(&expected, files);
            if diff.is_empty() {
                let _ = std::fs::remove_file(case.join("expected.diff"));
            } else {
                std::fs::write(case.join("expected.diff"), diff)?;
            }
            std::fs::write(case.join("report.txt"), report)
        };
        return write().map_err(|error| error.to_string());
    }
    let read = |name: &str| std::fs::read_to_string(case.join(name)).unwrap_or_default();
    same_tree("the tree is not expected/", &read_tree(&expected), produced)?;
    same_text(
        "the diff is not expected.diff",
        &read("expected.diff"),
        diff,
    )?;
    same_text("the report is not report.txt", &read("report.txt"), report)
}

fn same_tree(what: &str, expected: &Tree, found: &Tree) -> Result<(), String> {
    for name in expected.keys().chain(found.keys()) {
        match (expected.get(name), found.get(name)) {
            (Some(a), Some(b)) if a == b => {}
            (None, _) => return Err(format!("{what}: {name} should not be there")),
            (_, None) => return Err(format!("{what}: {name} is missing")),
            (Some(a), Some(b)) => {
                let (a, b) = (String::from_utf8_lossy(a), String::from_utf8_lossy(b));
                return same_text(&format!("{what}: {name}"), &a, &b);
            }
        }
    }
    Ok(())
}

fn same_text(what: &str, expected: &str, found: &str) -> Result<(), String> {
    if expected == found {
        return Ok(());
    }
    let diff = similar::TextDiff::from_lines(expected, found);
    let diff = diff.unified_diff().header("expected", "found").to_string();
    Err(format!("{what}\n{diff}"))
}

/// Empty directories show in no tree.
fn same_directories(a: &Path, b: &Path) -> Result<(), String> {
    let directories = |root: &Path| -> Vec<String> {
        let entries = walkdir::WalkDir::new(root).sort_by_file_name().into_iter();
        let entries = entries
            .filter_entry(|entry| entry.file_name() != ".git")
            .flatten();
        let directories = entries.filter(|entry| entry.file_type().is_dir());
        directories
            .filter_map(|entry| Some(entry.path().strip_prefix(root).ok()?.display().to_string()))
            .collect()
    };
    let (a, b) = (directories(a).join("\n"), directories(b).join("\n"));
    same_text("--write and git apply leave other directories", &b, &a)
}

/// A source that the run changed must parse.
fn parses(path: &str, bytes: &[u8], before: Option<&Vec<u8>>) -> Result<(), String> {
    let source = routelift::load::walk::is_source(path);
    if !source || before.is_some_and(|before| before == bytes) {
        return Ok(());
    }
    let text = std::str::from_utf8(bytes).map_err(|error| format!("{path}: {error}"))?;
    match Source::parse(path, Arc::from(text)) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!(
            "{path} does not parse: {} at {}",
            error.message, error.at
        )),
    }
}
