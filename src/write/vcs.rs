//! Asks git whether it could give back what is about to be overwritten: paths in, a
//! refusal out.
//!
//! The project's `.git/config` and `.gitattributes` may be made to run programs, so git
//! is never asked to look at the work tree. `git status` and `git diff` may run filters
//! (`filter.*.clean`), a file system monitor (`core.fsmonitor`) and hooks. Only four
//! commands are used, and each reads git's own files alone: `rev-parse` (whether there is
//! a commit), `ls-tree` (the commit), `ls-files --stage` (the index) and `cat-file
//! --batch` (objects). The work tree is read here. Objects that are not there are not fetched, for that would run a program that
//! the configuration names (`core.sshCommand`): no protocol is allowed. A text that
//! differs in line ends alone, as `core.autocrlf` makes it, is the same.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::store::Store;
use super::{Allow, list, paths};

/// How many paths are given to one command.
const AT_ONCE: usize = 200;

/// Refuses to overwrite what version control could not give back.
///
/// # Errors
/// When it could not, unless that is allowed.
pub fn guard(store: &Store, paths: &BTreeSet<String>, allow: Allow) -> Result<()> {
    if !store.git {
        if !allow.no_vcs {
            bail!(
                "{} is not in a git repository, so what is overwritten could not be had back from it; \
                 --allow-no-vcs writes all the same, and routelift undo takes that back",
                store.base.display()
            );
        }
        return Ok(());
    }
    if allow.dirty {
        return Ok(());
    }
    let dirty = uncommitted(&store.base, paths).context(
        "cannot ask git whether the files are committed; --allow-dirty writes all the same",
    )?;
    if !dirty.is_empty() {
        bail!(
            "these files have changes that are not committed: {}; commit them first, or write all the same with --allow-dirty",
            list(&dirty)
        );
    }
    Ok(())
}

/// The paths that are not in the work tree as they are in the last commit and the index.
fn uncommitted(top: &Path, paths: &BTreeSet<String>) -> Result<Vec<String>> {
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let mut committed = BTreeMap::new();
    let mut staged = BTreeMap::new();
    let head = git(
        top,
        &["rev-parse", "--verify", "--quiet", "HEAD^{commit}"],
        &[],
    )?;
    for paths in paths.chunks(AT_ONCE) {
        if head.status.success() {
            let tree = done(git(
                top,
                &["ls-tree", "-z", "--full-tree", "HEAD", "--"],
                paths,
            )?)?;
            // mode SP type SP object TAB path NUL
            committed.extend(entries(&tree, 2));
        }
        let index = done(git(top, &["ls-files", "-z", "--stage", "--"], paths)?)?;
        // mode SP object SP stage TAB path NUL
        staged.extend(entries(&index, 1));
    }
    let mut dirty = Vec::new();
    let mut wanted = Vec::new();
    for path in paths {
        let found = read(&top.join(path))?;
        match (committed.get(path), staged.get(path), found) {
            (None, None, None) => {}
            (Some(a), Some(b), Some(bytes)) if a == b => wanted.push((path, a.clone(), bytes)),
            _ => dirty.push(path.to_string()),
        }
    }
    let objects = objects(top, wanted.iter().map(|(_, object, _)| object.as_str()))?;
    for ((path, _, found), object) in wanted.iter().zip(objects) {
        if object.is_none_or(|object| object != *found && object != unix_lines(found)) {
            dirty.push(path.to_string());
        }
    }
    dirty.sort();
    Ok(dirty)
}

/// The objects of a listing, by path.
fn entries(listing: &[u8], field: usize) -> Vec<(String, String)> {
    let lines = listing.split(|byte| *byte == 0);
    lines
        .filter_map(|line| {
            let line = std::str::from_utf8(line).ok()?;
            let (fields, path) = line.split_once('\t')?;
            Some((path.to_string(), fields.split(' ').nth(field)?.to_string()))
        })
        .collect()
}

fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match paths::regular(path)? {
        Some(_) => Ok(Some(std::fs::read(path)?)),
        None => Ok(None),
    }
}

/// The bytes of objects, in order; `None` for one that is not there.
fn objects<'a>(top: &Path, names: impl Iterator<Item = &'a str>) -> Result<Vec<Option<Vec<u8>>>> {
    let names: Vec<&str> = names.collect();
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let mut command = command(top);
    command.args(["cat-file", "--batch"]).stdin(Stdio::piped());
    let mut child = command.spawn().context("cannot run git")?;
    let mut stdin = child.stdin.take().context("git takes no input")?;
    let question = names.join("\n") + "\n";
    // It answers while it still reads.
    let asking = std::thread::spawn(move || stdin.write_all(question.as_bytes()));
    let output = child.wait_with_output().context("cannot run git")?;
    let _ = asking.join();
    let answer = done(output)?;
    let mut rest = answer.as_slice();
    let mut out = Vec::new();
    for _ in names {
        // object SP type SP size LF bytes LF, or object SP missing LF
        let end = memchr::memchr(b'\n', rest).context("git cat-file said too little")?;
        let head = String::from_utf8_lossy(&rest[..end]).into_owned();
        rest = &rest[end + 1..];
        let size = head
            .split(' ')
            .nth(2)
            .and_then(|size| size.parse::<usize>().ok());
        out.push(match size {
            None => None,
            Some(size) => {
                let bytes = rest.get(..size).context("git cat-file said too little")?;
                rest = rest.get(size + 1..).unwrap_or_default();
                Some(bytes.to_vec())
            }
        });
    }
    Ok(out)
}

/// The bytes with `\r\n` as `\n`.
fn unix_lines(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for (at, byte) in bytes.iter().enumerate() {
        if !(*byte == b'\r' && bytes.get(at + 1) == Some(&b'\n')) {
            out.push(*byte);
        }
    }
    out
}

/// Runs git at the top of a work tree.
fn git(top: &Path, arguments: &[&str], paths: &[&str]) -> Result<std::process::Output> {
    let mut command = command(top);
    command.args(arguments).args(paths).stdin(Stdio::null());
    command.output().context("cannot run git")
}

/// git, deaf to what the project's configuration and the environment say about programs
/// to run and places to look at.
fn command(top: &Path) -> Command {
    let mut command = Command::new("git");
    command.current_dir(top);
    for (name, _) in std::env::vars_os() {
        // A hook sets GIT_DIR and GIT_INDEX_FILE, which are about another question.
        if name.to_string_lossy().starts_with("GIT_") {
            command.env_remove(name);
        }
    }
    command.envs([
        ("GIT_ALLOW_PROTOCOL", "none"),
        ("GIT_NO_LAZY_FETCH", "1"),
        ("GIT_NO_REPLACE_OBJECTS", "1"),
        ("GIT_OPTIONAL_LOCKS", "0"),
        ("GIT_TERMINAL_PROMPT", "0"),
    ]);
    command.args(["--no-pager", "--literal-pathspecs"]);
    for setting in ["core.fsmonitor=false", "core.hooksPath=/dev/null"] {
        command.args(["-c", setting]);
    }
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What a command printed, when it succeeded.
fn done(output: std::process::Output) -> Result<Vec<u8>> {
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_string();
        bail!("git says: {said}");
    }
    Ok(output.stdout)
}
