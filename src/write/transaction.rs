//! Carries out a journal: all of it or nothing. Every function may be called again after
//! it was interrupted at any step, and looks at the disk to see how far it came.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::disk::{Disk, Mode};
use super::journal::{Journal, Record, State};
use super::paths::{absent, inside, regular};
use super::store::Store;

/// What stands at the path of a file of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// What stood there before.
    Before,
    /// What the write puts there.
    After,
    /// Something else.
    Other,
}

/// Carries the record out.
///
/// # Errors
/// When the disk refuses a step. Every file is then as it was, or the message says
/// otherwise and the next run tries again.
pub fn perform(store: &Store, disk: Disk, record: Record) -> Result<()> {
    let mut journal = Journal::begin(store, disk, record)?;
    let base = &store.base;
    let staged = stage(base, disk, &journal.record).and_then(|()| journal.commit());
    let mut reached = 0;
    let settled = staged.and_then(|()| settle(base, disk, &journal.record, &mut reached));
    let Err(error) = settled else {
        return journal.done().context("the files are written");
    };
    let reverted = match journal.state {
        State::Pending => unstage(base, disk, &journal.record),
        // What was not reached is not ours to put back, whatever it holds by now.
        State::Committed => revert(base, disk, &journal.record, reached, true),
    };
    match reverted.and_then(|()| journal.forget()) {
        Ok(()) => Err(error.context("nothing was written")),
        Err(left) => Err(error_pair(&error, &left)),
    }
}

fn error_pair(error: &anyhow::Error, left: &anyhow::Error) -> anyhow::Error {
    anyhow::anyhow!(
        "{error:#}; what was done could not be undone yet: {left:#}; mend that, and the next run of routelift undoes the rest"
    )
}

/// Finishes or undoes a write that was interrupted, and says which; `None` when none was.
///
/// # Errors
/// When the disk refuses, or a file holds neither what it held before nor what the write
/// puts there.
pub fn recover(store: &Store, disk: Disk) -> Result<Option<String>> {
    let Some(journal) = Journal::open(store, disk)? else {
        return Ok(None);
    };
    let base = &store.base;
    let what = match journal.record.undoes {
        Some(_) => "undo",
        None => "write",
    };
    if journal.state == State::Pending {
        unstage(base, disk, &journal.record)
            .with_context(|| format!("an interrupted {what} cannot be undone"))?;
        journal.forget()?;
        return Ok(Some(format!(
            "an interrupted {what} was undone: it had not changed any file yet"
        )));
    }
    let files = journal.record.files.len();
    let mut found = Vec::new();
    for index in 0..files {
        found.push(look(base, &journal.record, index)?);
    }
    if found.iter().all(|found| *found == Found::After) {
        finish(base, disk, &journal.record)
            .with_context(|| format!("an interrupted {what} cannot be finished"))?;
        journal.done()?;
        return Ok(Some(format!(
            "an interrupted {what} was finished: all of its {files} files had been changed"
        )));
    }
    let others: Vec<&str> = journal
        .record
        .files
        .iter()
        .zip(&found)
        .filter(|(_, found)| **found == Found::Other)
        .map(|(file, _)| file.path.as_str())
        .collect();
    if !others.is_empty() {
        bail!(
            "a {what} was interrupted, and since then something else has changed {}: it is neither undone nor finished. \
             What the files held before and after is in {}; put one of the two back, or delete that journal to keep all files as they are, and run again",
            super::list(&others),
            journal.path().display()
        );
    }
    revert(base, disk, &journal.record, files, false)
        .with_context(|| format!("an interrupted {what} cannot be undone"))?;
    journal.forget()?;
    Ok(Some(format!(
        "an interrupted {what} was undone: its {files} files are as they were before it"
    )))
}

/// What stands at the path of a file.
fn look(base: &Path, record: &Record, index: usize) -> Result<Found> {
    let file = &record.files[index];
    let path = inside(base, &file.path)?;
    let bytes = match regular(&path)? {
        None => None,
        Some(_) => {
            let bytes = fs::read(&path);
            Some(bytes.with_context(|| format!("cannot read {}", file.path))?)
        }
    };
    let holds = |text: Option<&str>| bytes.as_deref() == text.map(str::as_bytes);
    Ok(
        if holds(file.after.as_ref().map(|side| side.text.as_str())) {
            Found::After
        } else if holds(file.before.as_ref().map(|side| side.text.as_str())) {
            Found::Before
        } else {
            Found::Other
        },
    )
}

/// Writes every new text into its temporary file. No file of the project changes.
fn stage(base: &Path, disk: Disk, record: &Record) -> Result<()> {
    make_directories(base, disk, record)?;
    for (index, file) in record.files.iter().enumerate() {
        let target = inside(base, &file.path)?;
        if let Some(after) = &file.after {
            let like = file.like.as_deref().map(|like| inside(base, like));
            let like = like.transpose()?;
            let temporary = record.temporary(index, &target);
            disk.write_new(
                &temporary,
                after.text.as_bytes(),
                after.mode,
                like.as_deref(),
            )
            .with_context(|| format!("cannot write {}", file.path))?;
        }
    }
    Ok(())
}

fn make_directories(base: &Path, disk: Disk, record: &Record) -> Result<()> {
    for directory in &record.made {
        let path = inside(base, &directory.path)?;
        let context = || format!("cannot make {}", directory.path);
        if !path.is_dir() {
            disk.make_directory(&path).with_context(context)?;
        }
        if let Some(mode) = directory.mode {
            disk.set_mode(&path, mode).with_context(context)?;
        }
    }
    Ok(())
}

/// Undoes [`stage`].
fn unstage(base: &Path, disk: Disk, record: &Record) -> Result<()> {
    for (index, file) in record.files.iter().enumerate() {
        let target = inside(base, &file.path)?;
        disk.remove(&record.temporary(index, &target))?;
    }
    for directory in record.made.iter().rev() {
        disk.remove_empty(&inside(base, &directory.path)?)?;
    }
    sync(base, disk, record)
}

/// Puts the staged texts in place, removes what goes, and the directories that are empty
/// then. `reached` says how many files may have been changed.
fn settle(base: &Path, disk: Disk, record: &Record, reached: &mut usize) -> Result<()> {
    for (index, file) in record.files.iter().enumerate() {
        let target = inside(base, &file.path)?;
        if look(base, record, index)? == Found::Other {
            bail!("{} has just been changed by another program", file.path);
        }
        *reached = index + 1;
        let temporary = record.temporary(index, &target);
        match (&file.before, &file.after) {
            (Some(_), Some(_)) => disk.replace(&temporary, &target),
            (None, Some(_)) => disk.place(&temporary, &target),
            (_, None) => disk.remove(&target),
        }
        .with_context(|| format!("cannot change {}", file.path))?;
    }
    finish(base, disk, record)
}

/// What is left to do when every file holds what it should.
fn finish(base: &Path, disk: Disk, record: &Record) -> Result<()> {
    for (index, file) in record.files.iter().enumerate() {
        // A file can have been placed without losing its temporary name.
        disk.remove(&record.temporary(index, &inside(base, &file.path)?))?;
    }
    for directory in &record.removed {
        let path = inside(base, &directory.path)?;
        let removed = disk.remove_empty(&path);
        removed.with_context(|| format!("cannot remove {}", directory.path))?;
    }
    sync(base, disk, record)
}

/// Puts back the first `reached` files. `passing` leaves those that hold something else.
fn revert(base: &Path, disk: Disk, record: &Record, reached: usize, passing: bool) -> Result<()> {
    for directory in record.removed.iter().rev() {
        let path = inside(base, &directory.path)?;
        if path.symlink_metadata().is_err() {
            disk.make_directory(&path)?;
        }
        if let Some(mode) = directory.mode
            && mode_at(&path)? != Some(mode)
        {
            disk.set_mode(&path, mode)?;
        }
    }
    for (index, file) in record.files.iter().enumerate().take(reached) {
        match look(base, record, index)? {
            Found::Before => continue,
            Found::Other if passing => continue,
            Found::Other => bail!("{} has been changed", file.path),
            Found::After => {}
        }
        let target = inside(base, &file.path)?;
        let context = || format!("cannot put {} back", file.path);
        let Some(before) = &file.before else {
            disk.remove(&target).with_context(context)?;
            continue;
        };
        let temporary = record.temporary(index, &target);
        disk.remove(&temporary).with_context(context)?;
        let like = file.after.is_some().then_some(target.as_path());
        disk.write_new(&temporary, before.text.as_bytes(), before.mode, like)
            .with_context(context)?;
        match file.after {
            Some(_) => disk.replace(&temporary, &target),
            None => disk.place(&temporary, &target),
        }
        .with_context(context)?;
    }
    unstage(base, disk, record)
}

/// Brings every directory in which a name came or went to the medium.
fn sync(base: &Path, disk: Disk, record: &Record) -> Result<()> {
    let files = record.files.iter().map(|file| &file.path);
    let directories = record.made.iter().chain(&record.removed);
    let paths = files.chain(directories.map(|directory| &directory.path));
    let mut parents = BTreeSet::new();
    for path in paths {
        parents.extend(inside(base, path)?.parent().map(Path::to_path_buf));
    }
    for parent in parents.iter().filter(|parent| parent.is_dir()) {
        disk.sync_directory(parent)
            .with_context(|| format!("cannot sync {}", parent.display()))?;
    }
    Ok(())
}

/// The mode of what stands at a path.
pub fn mode_at(path: &Path) -> Result<Option<Mode>> {
    match path.symlink_metadata() {
        Ok(found) => Ok(Some(super::disk::mode_of(&found))),
        Err(error) if absent(&error) => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// The files of a record that do not hold what it left, with their modes.
pub fn changed_since(base: &Path, record: &Record) -> Result<Vec<String>> {
    let mut out = Vec::new();
    for (index, file) in record.files.iter().enumerate() {
        let path = inside(base, &file.path)?;
        let mode = file.after.as_ref().and_then(|after| after.mode);
        let other_mode = mode.is_some() && mode_at(&path)? != mode;
        if other_mode || look(base, record, index)? != Found::After {
            out.push(file.path.clone());
        }
    }
    Ok(out)
}

/// The directories above `paths` that are not there, the outer before the inner.
pub fn missing(base: &Path, paths: impl Iterator<Item = PathBuf>) -> BTreeSet<PathBuf> {
    let mut out = BTreeSet::new();
    for path in paths {
        let above = path.ancestors().skip(1);
        out.extend(
            above
                .take_while(|above| *above != base && !above.is_dir())
                .map(Path::to_path_buf),
        );
    }
    out
}

/// The directories that are empty when the files in `gone` are, without those at or
/// above a path in `kept`; the inner before the outer.
pub fn emptied(gone: &BTreeSet<PathBuf>, kept: &[PathBuf]) -> Vec<PathBuf> {
    let mut out: Vec<PathBuf> = Vec::new();
    for path in gone {
        for above in path.ancestors().skip(1) {
            if out.iter().any(|other| other == above) {
                continue;
            }
            if kept.iter().any(|kept| kept.starts_with(above)) {
                break;
            }
            let Ok(mut entries) = fs::read_dir(above) else {
                break;
            };
            let goes = |path: PathBuf| gone.contains(&path) || out.contains(&path);
            if !entries.all(|entry| entry.is_ok_and(|entry| goes(entry.path()))) {
                break;
            }
            out.push(above.to_path_buf());
        }
    }
    out.sort_by_key(|path| std::cmp::Reverse(path.components().count()));
    out
}
