//! Writes file changes: exactly the bytes of the plan, all of them or none, and so that
//! they can be taken back.
//!
//! ```text
//! check the output ─► ask version control ─► lock ─► check the files ─► journal
//!   ─► temporary files ─► commit ─► put in place ─► keep the journal for undo
//! ```
//!
//! A run that was stopped at any point is finished or undone by the next one, see
//! [`recover`]. No path outside the project is touched, whatever the project says, see
//! [`paths`]. No code of the project runs, see [`vcs`].

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use routelift_transforms::outcome::Change;
use routelift_transforms::project::Project;

use crate::load::walk;
use disk::{Disk, Mode};
use journal::{DirectoryRecord, FileRecord, Journal, Record, Side};
use paths::inside;
use store::Store;

pub mod check;
pub mod disk;
pub mod journal;
pub mod paths;
pub mod store;
pub mod transaction;
pub mod undo;
pub mod vcs;

/// The changes below one root.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// The root.
    pub root: &'a Path,
    /// What was loaded there.
    pub project: &'a Project,
    /// What is to be done there.
    pub changes: &'a [Change],
}

/// What is written to although it could not be had back from version control.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Allow {
    /// Files with changes that are not committed.
    pub dirty: bool,
    /// Projects outside a git repository.
    pub no_vcs: bool,
}

/// Makes the changes of every job, or none.
///
/// # Errors
/// When the output is not fit to be written, when version control could not give back
/// what is overwritten, when a file no longer holds the bytes that the plan read, when a
/// path leads out of the root or through a symbolic link, and when the disk refuses. The
/// files are then as they were.
pub fn write(jobs: &[Job], allow: Allow, disk: Disk) -> Result<()> {
    let mut located = Vec::new();
    for job in jobs.iter().filter(|job| !job.changes.is_empty()) {
        let shown = job.root.display();
        let root = job.root.canonicalize();
        located.push(Located {
            root: root.with_context(|| format!("cannot open {shown}"))?,
            changes: job.changes,
        });
    }
    let mut stores = located.iter().map(|job| Store::of(&job.root));
    let Some(store) = stores.next() else {
        return Ok(());
    };
    if stores.any(|other| other != store) {
        bail!("the roots do not stand in one repository: write them one after another");
    }
    for job in jobs {
        check::output(job.project, job.changes).context("nothing was written")?;
    }
    vcs::guard(&store, &touched(&store, &located)?, allow)?;
    perform(&store, &located, disk)
}

/// Makes the changes of a job in a copy that nobody misses, which version control is not
/// asked about. Nothing but the changes is left there.
///
/// # Errors
/// As [`write`].
pub fn write_copy(job: Job, disk: Disk) -> Result<()> {
    check::output(job.project, job.changes)?;
    let located = Located {
        root: job.root.canonicalize().context("cannot open the copy")?,
        changes: job.changes,
    };
    let store = Store::in_folder(&located.root);
    perform(&store, &[located], disk)?;
    Ok(disk.remove_all(&store.directory)?)
}

fn perform(store: &Store, located: &[Located], disk: Disk) -> Result<()> {
    let lock = store.lock(disk)?;
    // Since this run looked, another may have been interrupted.
    transaction::recover(store, disk)?;
    let planned = record(store, located);
    let result = planned.and_then(|record| transaction::perform(store, disk, record));
    if result.is_err() {
        // The message is about what failed.
        let _ = store.tidy(disk, &lock);
    }
    result
}

/// Finishes or undoes a write that was interrupted in the project at `root`, and says
/// which; `None` when there is none, and then nothing is touched.
///
/// # Errors
/// When another run is writing, when the disk refuses, or when a file holds neither what
/// it held before the write nor what the write puts there.
pub fn recover(root: &Path, disk: Disk) -> Result<Option<String>> {
    let Ok(root) = root.canonicalize() else {
        // Loading says so.
        return Ok(None);
    };
    let store = Store::of(&root);
    if !Journal::is_open(&store) {
        return Ok(None);
    }
    let lock = store.lock(disk)?;
    let message = transaction::recover(&store, disk)?;
    store.tidy(disk, &lock)?;
    Ok(message)
}

/// A job whose root is an absolute path without symbolic links.
struct Located<'a> {
    root: PathBuf,
    changes: &'a [Change],
}

impl Located<'_> {
    /// What stands before a path of the root below the store's base.
    fn prefix(&self, store: &Store) -> Result<String> {
        let below = walk::relative(&store.base, &self.root)
            .with_context(|| format!("{} is no Unicode path", self.root.display()))?;
        Ok(if below.is_empty() { below } else { below + "/" })
    }
}

/// Every path that the jobs touch, below the store's base.
fn touched(store: &Store, jobs: &[Located]) -> Result<BTreeSet<String>> {
    let mut out = BTreeSet::new();
    for job in jobs {
        let prefix = job.prefix(store)?;
        for change in job.changes {
            for path in change.old_path().into_iter().chain([change.path()]) {
                out.insert(format!("{prefix}{path}"));
            }
        }
    }
    Ok(out)
}

/// The jobs as a journal, checked against the disk.
fn record(store: &Store, jobs: &[Located]) -> Result<Record> {
    let mut files: BTreeMap<String, FileRecord> = BTreeMap::new();
    let mut roots = Vec::new();
    for job in jobs {
        let prefix = job.prefix(store)?;
        roots.push(job.root.clone());
        for change in job.changes {
            let records = records(store, &job.root, &prefix, change)?;
            for record in records {
                let path = record.path.clone();
                if files.insert(path.clone(), record).is_some() {
                    bail!("two changes touch {path}");
                }
            }
        }
    }
    case_clashes(&files)?;
    let mut record = Record::new(journal::next_id(store)?, files.into_values().collect());
    let absolute = |file: &FileRecord| store.base.join(&file.path);
    let of = |wanted: fn(&FileRecord) -> bool| record.files.iter().filter(move |f| wanted(f));
    let created: Vec<PathBuf> = of(|file| file.before.is_none()).map(absolute).collect();
    let gone: BTreeSet<PathBuf> = of(|file| file.after.is_none()).map(absolute).collect();
    let below = |path: &Path| {
        walk::relative(&store.base, path).with_context(|| format!("{} is odd", path.display()))
    };
    for path in transaction::missing(&store.base, created.iter().cloned()) {
        record.made.push(DirectoryRecord {
            path: below(&path)?,
            mode: None,
        });
    }
    let kept: Vec<PathBuf> = created.into_iter().chain(roots).collect();
    for path in transaction::emptied(&gone, &kept) {
        record.removed.push(DirectoryRecord {
            path: below(&path)?,
            mode: transaction::mode_at(&path)?,
        });
    }
    for (index, file) in record.files.iter().enumerate() {
        let temporary = record.temporary(index, &inside(&store.base, &file.path)?);
        if temporary.symlink_metadata().is_ok() {
            bail!("{} stands in the way", temporary.display());
        }
    }
    Ok(record)
}

/// What a change does to each file, when the files still are what the plan read and may
/// be written.
fn records(store: &Store, root: &Path, prefix: &str, change: &Change) -> Result<Vec<FileRecord>> {
    let full = |path: &str| format!("{prefix}{path}");
    let old = match (change.old_path(), change.old_text()) {
        (Some(path), Some(text)) => {
            // First below the root itself, then below the base that the journal starts from.
            inside(root, path)?;
            let absolute = inside(&store.base, &full(path))?;
            let Some(metadata) = paths::regular(&absolute)? else {
                bail!("{path} has gone while the plan was made; run again");
            };
            let found = fs::read(&absolute).with_context(|| format!("cannot read {path}"))?;
            if found != text.as_bytes() {
                bail!("{path} changed while the plan was made; run again");
            }
            if metadata.permissions().readonly() {
                bail!("{path} is read-only: make it writable first, or exclude its route");
            }
            Some((path, text, disk::mode_of(&metadata)))
        }
        _ => None,
    };
    let new = change.new_text().map(|text| (change.path(), text));
    if let Some((path, _)) = new
        && old.is_none_or(|(old, _, _)| old != path)
    {
        inside(root, path)?;
        let absolute = inside(&store.base, &full(path))?;
        if absolute.symlink_metadata().is_ok() {
            bail!("{path} exists already; run again");
        }
    }
    let side = |mode: Option<Mode>, text: &str| Side {
        mode,
        text: text.to_string(),
    };
    let before = old.map(|(path, text, mode)| (full(path), side(Some(mode), text)));
    let after = new.map(|(path, text)| {
        let mode = old.map(|(_, _, mode)| mode);
        (full(path), side(mode, text))
    });
    let like = before.as_ref().map(|(path, _)| path.clone());
    let file = |path, before, after| FileRecord {
        path,
        like: like.clone(),
        before,
        after,
    };
    Ok(match (before, after) {
        (Some((from, before)), Some((to, after))) if from == to => {
            vec![file(from, Some(before), Some(after))]
        }
        (before, after) => {
            let gone = before.map(|(path, side)| file(path, Some(side), None));
            let come = after.map(|(path, side)| file(path, None, Some(side)));
            come.into_iter().chain(gone).collect()
        }
    })
}

/// Refuses two files that are one where the file system does not tell cases apart. A
/// file that changes the case of its own name is two on one side of the write only.
fn case_clashes(files: &BTreeMap<String, FileRecord>) -> Result<()> {
    let mut after: BTreeMap<String, &str> = BTreeMap::new();
    for (path, file) in files {
        if file.before.is_none()
            && let Some(other) = after.insert(path.to_lowercase(), path)
        {
            bail!(
                "{other} and {path} would be one file where cases are not told apart: exclude one of their routes"
            );
        }
    }
    Ok(())
}

/// The first of many names, for a message.
pub(crate) fn list(names: &[impl AsRef<str>]) -> String {
    const SHOWN: usize = 10;
    let shown: Vec<&str> = names.iter().take(SHOWN).map(AsRef::as_ref).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests;
