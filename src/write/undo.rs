//! Takes back the last write: texts, modes and directories, or nothing of it when a file
//! has been changed since. It is itself a write with a journal, with both sides swapped.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::disk::Disk;
use super::journal::{self, DirectoryRecord, FileRecord, Record};
use super::paths::inside;
use super::store::Store;
use super::{list, transaction};
use crate::load::walk;

/// What was taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undone {
    /// The files that are as they were again.
    pub files: usize,
    /// How many earlier writes can be taken back.
    pub left: usize,
}

/// Takes back the last write that touched something below `root`.
///
/// # Errors
/// When there is none, when a file has been changed since, and when the disk refuses.
pub fn undo(root: &Path, disk: Disk) -> Result<Undone> {
    let (root, store) = located(root)?;
    if !store.exists() {
        bail!("nothing was written here that could be undone");
    }
    let lock = store.lock(disk)?;
    let mut records = below(&root, &store)?.into_iter();
    let Some(record) = records.next() else {
        store.tidy(disk, &lock)?;
        bail!("nothing was written here that could be undone");
    };
    let changed = transaction::changed_since(&store.base, &record)?;
    if !changed.is_empty() {
        bail!(
            "these files have been changed since they were written: {}; nothing was undone",
            list(&changed)
        );
    }
    transaction::perform(&store, disk, inverse(&store, &record)?)?;
    store.tidy(disk, &lock)?;
    Ok(Undone {
        files: record.files.len(),
        left: records.len(),
    })
}

/// The writes below `root` that can be undone, the latest first.
///
/// # Errors
/// When the journal cannot be read.
pub fn history(root: &Path) -> Result<Vec<Record>> {
    let (root, store) = located(root)?;
    below(&root, &store)
}

/// The history for people: one paragraph for each write.
pub fn render(records: &[Record]) -> String {
    if records.is_empty() {
        return "no write can be undone here\n".to_string();
    }
    let mut out = String::new();
    for (number, record) in records.iter().enumerate() {
        let order = match number {
            0 => "the next undo".to_string(),
            number => format!("{number} before it"),
        };
        let files = record.files.len();
        out += &format!("{} ({order}): {files} files\n", utc(record.time));
        for file in &record.files {
            let sign = match (&file.before, &file.after) {
                (None, _) => '+',
                (_, None) => '-',
                _ => '~',
            };
            out += &format!("  {sign} {}\n", file.path);
        }
    }
    crate::report::clean(&out).into_owned()
}

fn located(root: &Path) -> Result<(PathBuf, Store)> {
    let shown = root.display();
    let root = root.canonicalize();
    let root = root.with_context(|| format!("cannot open {shown}"))?;
    let store = Store::of(&root);
    Ok((root, store))
}

fn below(root: &Path, store: &Store) -> Result<Vec<Record>> {
    let mut records = journal::history(store)?;
    let touches = |file: &FileRecord| store.base.join(&file.path).starts_with(root);
    records.retain(|record| record.files.iter().any(touches));
    Ok(records)
}

/// The write that takes a write back.
fn inverse(store: &Store, record: &Record) -> Result<Record> {
    let mut files = Vec::new();
    for file in &record.files {
        let mut before = file.after.clone();
        if let Some(side) = &mut before {
            // A new file got its mode from the system.
            side.mode = transaction::mode_at(&inside(&store.base, &file.path)?)?;
        }
        // The owner of a file that comes back is that of the file that it became.
        let became = record.files.iter().find(|other| {
            other.before.is_none() && other.like.as_deref() == Some(file.path.as_str())
        });
        let like = match (&before, became) {
            (Some(_), _) => Some(file.path.clone()),
            (None, became) => became.map(|became| became.path.clone()),
        };
        files.push(FileRecord {
            path: file.path.clone(),
            like,
            before,
            after: file.before.clone(),
        });
    }
    let mut out = Record::new(journal::next_id(store)?, files);
    out.undoes = Some(record.id);
    out.made = record.removed.iter().rev().cloned().collect();
    let absolute = |file: &FileRecord| store.base.join(&file.path);
    let created = out.files.iter().filter(|file| file.before.is_none());
    let created: Vec<PathBuf> = created.map(absolute).collect();
    let gone = out.files.iter().filter(|file| file.after.is_none());
    let gone: BTreeSet<PathBuf> = gone.map(absolute).collect();
    // Of the directories that are empty then, those that the write made.
    for path in transaction::emptied(&gone, &created) {
        let below = walk::relative(&store.base, &path).unwrap_or_default();
        if record.made.iter().any(|made| made.path == below) {
            out.removed.push(DirectoryRecord {
                mode: transaction::mode_at(&path)?,
                path: below,
            });
        }
    }
    Ok(out)
}

/// Seconds since 1970 as a date and time.
fn utc(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Howard Hinnant's civil_from_days, for days since 1970.
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let of_era = shifted % 146_097;
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 {
        month_index + 3
    } else {
        month_index - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

#[cfg(test)]
mod tests {
    use super::utc;

    #[test]
    fn dates() {
        assert_eq!(utc(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(utc(951_782_400), "2000-02-29 00:00:00 UTC");
        assert_eq!(utc(1_795_434_123), "2026-11-23 11:42:03 UTC");
    }
}
