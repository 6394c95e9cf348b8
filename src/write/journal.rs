//! The journal of a write: one file that holds the texts and modes of every file before
//! and after, and which directories come and go. Its name tells how far the write is:
//!
//! ```text
//! writing.tmp ─► pending.json ─► committed.json ─► done/<id>.json
//! ```
//!
//! While it is *pending* no file of the project has been changed: new texts stand beside
//! their targets in temporary files. Once it is *committed* they are put in place. What
//! is *done* can be undone. It is read as warily as anything that comes with a project.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::disk::{Disk, Mode};
use super::paths;
use super::store::Store;

/// Rises when an older program could not read what a newer one writes.
const FORMAT: u32 = 1;
/// How many writes can be undone.
const KEPT: usize = 20;
const WRITING: &str = "writing.tmp";
const DONE: &str = "done";

/// One write, or the undoing of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    format: u32,
    /// Tells this write from all others of the store; a later write has a greater one.
    pub id: u64,
    /// Seconds since 1970.
    pub time: u64,
    /// The write that this one undoes.
    pub undoes: Option<u64>,
    /// The files that it touches.
    pub files: Vec<FileRecord>,
    /// Directories that it makes, the outer before the inner.
    pub made: Vec<DirectoryRecord>,
    /// Directories that it leaves empty and removes, the inner before the outer.
    pub removed: Vec<DirectoryRecord>,
}

/// One file, before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Below the store's base, separated by `/`.
    pub path: String,
    /// The file whose owner a new text gets.
    pub like: Option<String>,
    /// What it holds before; `None` when there is none.
    pub before: Option<Side>,
    /// What it holds after; `None` when it is removed.
    pub after: Option<Side>,
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// `None` for the mode that a new file gets.
    pub mode: Option<Mode>,
    /// The text, byte for byte.
    pub text: String,
}

/// A directory that comes or goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryRecord {
    /// Below the store's base, separated by `/`.
    pub path: String,
    /// `None` for the mode that a new directory gets.
    pub mode: Option<Mode>,
}

/// How far a write is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// No file of the project has been changed.
    Pending,
    /// Files are being changed.
    Committed,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            State::Pending => "pending.json",
            State::Committed => "committed.json",
        }
    }
}

impl Record {
    /// A write of these files.
    pub fn new(id: u64, files: Vec<FileRecord>) -> Record {
        let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Record {
            format: FORMAT,
            id,
            time: time.map_or(0, |time| time.as_secs()),
            undoes: None,
            files,
            made: Vec::new(),
            removed: Vec::new(),
        }
    }

    /// The temporary file for the new text of a file, which stands beside it.
    pub fn temporary(&self, index: usize, target: &Path) -> PathBuf {
        target.with_file_name(format!(".routelift-{}-{index}.tmp", self.id))
    }
}

/// A journal on the disk, whose lock is held.
pub struct Journal<'a> {
    store: &'a Store,
    disk: Disk<'a>,
    /// How far it is.
    pub state: State,
    /// What it says.
    pub record: Record,
}

impl<'a> Journal<'a> {
    /// Whether a write was interrupted.
    pub fn is_open(store: &Store) -> bool {
        let there = |state: State| {
            store
                .directory
                .join(state.name())
                .symlink_metadata()
                .is_ok()
        };
        store.exists() && (there(State::Pending) || there(State::Committed))
    }

    /// The journal of a write that was interrupted.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(store: &'a Store, disk: Disk<'a>) -> Result<Option<Journal<'a>>> {
        for state in [State::Committed, State::Pending] {
            if let Some(record) = read(&store.directory.join(state.name()))? {
                return Ok(Some(Journal {
                    store,
                    disk,
                    state,
                    record,
                }));
            }
        }
        Ok(None)
    }

    /// Puts down what is about to happen.
    ///
    /// # Errors
    /// When the disk refuses. Nothing is left then that would be taken for a journal.
    pub fn begin(store: &'a Store, disk: Disk<'a>, record: Record) -> Result<Journal<'a>> {
        let writing = store.directory.join(WRITING);
        let pending = store.directory.join(State::Pending.name());
        let put = || -> Result<()> {
            let text = serde_json::to_vec(&record)?;
            // What an interrupted run left.
            disk.remove(&writing)?;
            disk.write_new(&writing, &text, Some(0o600), None)?;
            disk.replace(&writing, &pending)?;
            Ok(disk.sync_directory(&store.directory)?)
        };
        if let Err(error) = put() {
            let _ = disk.remove(&writing);
            let _ = disk.remove(&pending);
            return Err(error)
                .with_context(|| format!("cannot write the journal {}", writing.display()));
        }
        Ok(Journal {
            store,
            disk,
            state: State::Pending,
            record,
        })
    }

    /// Where it is.
    pub fn path(&self) -> PathBuf {
        self.store.directory.join(self.state.name())
    }

    /// From here on files of the project are changed.
    pub fn commit(&mut self) -> Result<()> {
        let from = self.path();
        let to = self.store.directory.join(State::Committed.name());
        self.disk.replace(&from, &to).context("cannot commit")?;
        self.state = State::Committed;
        let synced = self.disk.sync_directory(&self.store.directory);
        synced.context("cannot commit")
    }

    /// Everything has happened: keeps the journal, so that the write can be undone. The
    /// undoing of a write leaves neither.
    pub fn done(self) -> Result<()> {
        let done = self.store.directory.join(DONE);
        if let Some(id) = self.record.undoes {
            self.disk.remove(&entry(&done, id))?;
            self.disk.sync_directory(&done)?;
            return self.forget();
        }
        if !stands(&done)? {
            self.disk.make_directory(&done)?;
        }
        let to = entry(&done, self.record.id);
        self.disk.replace(&self.path(), &to)?;
        let old = done_ids(&done)?;
        for id in old.iter().rev().skip(KEPT) {
            self.disk.remove(&entry(&done, *id))?;
        }
        self.disk.sync_directory(&done)?;
        Ok(self.disk.sync_directory(&self.store.directory)?)
    }

    /// Nothing has happened: removes the journal.
    pub fn forget(self) -> Result<()> {
        self.disk.remove(&self.path())?;
        let done = self.store.directory.join(DONE);
        if stands(&done)? {
            self.disk.remove_empty(&done)?;
        }
        Ok(self.disk.sync_directory(&self.store.directory)?)
    }
}

/// The writes that can be undone, the latest first.
///
/// # Errors
/// When one cannot be read.
pub fn history(store: &Store) -> Result<Vec<Record>> {
    let done = store.directory.join(DONE);
    if !store.exists() || !stands(&done)? {
        return Ok(Vec::new());
    }
    let mut out = Vec::new();
    for id in done_ids(&done)?.into_iter().rev() {
        out.extend(read(&entry(&done, id))?);
    }
    Ok(out)
}

/// An id that is greater than those of the writes that are done.
pub fn next_id(store: &Store) -> Result<u64> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.map_or(0, |time| time.as_micros() as u64);
    let done = store.directory.join(DONE);
    let last = match stands(&done)? {
        true => done_ids(&done)?.last().copied(),
        false => None,
    };
    Ok(now.max(last.map_or(0, |last| last.saturating_add(1))))
}

fn entry(done: &Path, id: u64) -> PathBuf {
    done.join(format!("{id}.json"))
}

/// The ids in the directory of what is done, in order.
fn done_ids(done: &Path) -> Result<Vec<u64>> {
    let entries = fs::read_dir(done).with_context(|| format!("cannot list {}", done.display()))?;
    let mut ids: Vec<u64> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            name.to_str()?.strip_suffix(".json")?.parse().ok()
        })
        .collect();
    ids.sort_unstable();
    Ok(ids)
}

/// Whether a directory of the store is there; no symbolic link stands for one.
fn stands(path: &Path) -> Result<bool> {
    match path.symlink_metadata() {
        Ok(found) if found.is_dir() => Ok(true),
        Ok(_) => bail!("{} is no directory: move it away", path.display()),
        Err(_) => Ok(false),
    }
}

/// Reads a journal; `None` when there is none.
fn read(path: &Path) -> Result<Option<Record>> {
    let Some(_) = paths::regular(path)? else {
        return Ok(None);
    };
    let context = || {
        format!(
            "cannot read the journal {}; where the project is as you want it, delete that file",
            path.display()
        )
    };
    let record: Record = fs::read(path)
        .map_err(anyhow::Error::from)
        .and_then(|bytes| Ok(serde_json::from_slice(&bytes)?))
        .with_context(context)?;
    if record.format != FORMAT {
        bail!(
            "{} was written by another version of routelift: finish with that one",
            path.display()
        );
    }
    Ok(Some(record))
}
