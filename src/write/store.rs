//! Where the journal lives, and the lock that keeps two runs apart.
//!
//! In a git work tree that is `routelift/` in its git directory: builds, watchers and git
//! pass it over, and it goes with the work tree. Elsewhere it is `.routelift/` in the
//! project, which ignores itself. Neither is made before something is written.
//!
//! Everything here comes with the project and may be made to deceive: a `.git` file is
//! believed only when the repository that it names knows this work tree, and nothing is
//! opened through a symbolic link.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::disk::Disk;
use crate::load::walk;

/// The name of the folder outside git.
pub const FOLDER: &str = ".routelift";
/// The name inside a git directory.
const IN_GIT: &str = "routelift";
const LOCK: &str = "lock";
const IGNORE: &str = ".gitignore";
/// What is longer is no such file.
const MAX_POINTER: u64 = 64 * 1024;

/// The place of one work tree's journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// The directory that the paths of a journal start from.
    pub base: PathBuf,
    /// The journal's directory.
    pub directory: PathBuf,
    /// Whether the base is the top of a git work tree.
    pub git: bool,
}

/// Held while a run may write. The system takes it back when the process ends, however.
#[derive(Debug)]
pub struct Lock(#[allow(dead_code, reason = "it is held, not read")] File);

impl Store {
    /// The store for the project at `root`, which is an absolute path without symbolic
    /// links. Makes nothing.
    pub fn of(root: &Path) -> Store {
        if let Some(top) = walk::git_top(root) {
            return match git_directory(top) {
                Some(git) => Store {
                    base: top.to_path_buf(),
                    directory: git.join(IN_GIT),
                    git: true,
                },
                None => Store::in_folder(root),
            };
        }
        let used = root
            .ancestors()
            .find(|above| is_directory(&above.join(FOLDER)) && same_owner(above, root));
        Store::in_folder(used.unwrap_or(root))
    }

    /// The store in a project's own folder.
    pub fn in_folder(base: &Path) -> Store {
        Store {
            base: base.to_path_buf(),
            directory: base.join(FOLDER),
            git: false,
        }
    }

    /// Whether something was ever written here.
    pub fn exists(&self) -> bool {
        is_directory(&self.directory)
    }

    /// Takes the lock, and makes the store when there is none.
    ///
    /// # Errors
    /// When another process holds it, or the store cannot be made or trusted.
    pub fn lock(&self, disk: Disk) -> Result<Lock> {
        let shown = self.directory.display();
        match self.directory.symlink_metadata() {
            Ok(found) if found.is_dir() => {}
            Ok(_) => bail!("{shown} is no directory: move it away"),
            Err(_) => {
                disk.make_directory(&self.directory)
                    .or_else(|error| match error.kind() {
                        ErrorKind::AlreadyExists => Ok(()),
                        _ => Err(error),
                    })
                    // Its own name must last as long as what will be in it.
                    .and_then(|()| {
                        self.directory
                            .parent()
                            .map_or(Ok(()), |above| disk.sync_directory(above))
                    })
                    .with_context(|| format!("cannot make {shown}"))?;
            }
        }
        if !self.git {
            let ignore = self.directory.join(IGNORE);
            if ignore.symlink_metadata().is_err() {
                // Two runs may meet here.
                match disk.write_new(&ignore, b"*\n", None, None) {
                    Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                        return Err(error)
                            .with_context(|| format!("cannot write {}", ignore.display()));
                    }
                    _ => {}
                }
            }
        }
        let path = self.directory.join(LOCK);
        let cannot = || format!("cannot lock {}", path.display());
        // A store that is removed takes its lock along: look again.
        for _ in 0..8 {
            if path.symlink_metadata().is_ok_and(|found| !found.is_file()) {
                bail!("{} is no regular file: move it away", path.display());
            }
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false);
            let file = options.open(&path).with_context(cannot)?;
            match file.try_lock() {
                Ok(()) if is_at(&file, &path) => return Ok(Lock(file)),
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => bail!(
                    "another routelift is writing to {}: run again when it is done",
                    self.base.display()
                ),
                Err(TryLockError::Error(error)) => return Err(error).with_context(cannot),
            }
        }
        bail!("cannot lock {}: it does not stay", path.display())
    }

    /// Removes the store from a project outside git when nothing is in it any more.
    pub fn tidy(&self, disk: Disk, _held: &Lock) -> Result<()> {
        if self.git {
            return Ok(());
        }
        let ours = [LOCK, IGNORE].map(|name| self.directory.join(name));
        let entries = std::fs::read_dir(&self.directory).context("cannot list the journal")?;
        for entry in entries.flatten() {
            if !ours.contains(&entry.path()) {
                return Ok(());
            }
        }
        for path in &ours {
            disk.remove(path)?;
        }
        Ok(disk.remove_empty(&self.directory)?)
    }
}

/// The git directory of a work tree, when that is what stands at its top.
fn git_directory(top: &Path) -> Option<PathBuf> {
    let git = top.join(".git");
    let found = git.symlink_metadata().ok()?;
    if found.is_dir() {
        return is_file(&git.join("HEAD")).then_some(git);
    }
    let text = pointer(&git)?;
    let target = top.join(text.strip_prefix("gitdir:")?.trim());
    let target = target.canonicalize().ok()?;
    let same = |path: PathBuf, other: &Path| path.canonicalize().is_ok_and(|path| path == other);
    // Of another work tree of a repository.
    let work_tree =
        pointer(&target.join("gitdir")).is_some_and(|back| same(target.join(back.trim()), &git));
    // Of a submodule.
    let submodule = || {
        let config = pointer(&target.join("config")).unwrap_or_default();
        let mut values = config.lines().filter_map(|line| {
            let (key, value) = line.split_once('=')?;
            (key.trim() == "worktree").then(|| value.trim().to_string())
        });
        values.any(|value| same(target.join(value), top))
    };
    let known = is_file(&target.join("HEAD")) && (work_tree || submodule());
    known.then_some(target)
}

/// The text of a small regular file.
fn pointer(path: &Path) -> Option<String> {
    let metadata = path.symlink_metadata().ok()?;
    let fine = metadata.is_file() && metadata.len() <= MAX_POINTER;
    fine.then(|| std::fs::read_to_string(path).ok())?
}

fn is_directory(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.is_dir())
}

fn is_file(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.is_file())
}

/// Whether an open file is the one that stands at a path.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), path.symlink_metadata()) {
        (Ok(open), Ok(there)) => (open.dev(), open.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    is_file(path)
}

/// A folder above the project is believed only when the project's owner made it.
#[cfg(unix)]
fn same_owner(above: &Path, root: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (above.join(FOLDER).metadata(), root.metadata()) {
        (Ok(folder), Ok(root)) => folder.uid() == root.uid(),
        _ => false,
    }
}

#[cfg(not(unix))]
fn same_owner(above: &Path, root: &Path) -> bool {
    above == root
}
