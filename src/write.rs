//! Writes file changes: exactly the bytes of the plan, all of them or none. Every new
//! text is first written beside its target; only when all are there the targets are
//! replaced. On an error what was replaced is put back.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io::Write;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail};
use routelift_transforms::outcome::Change;
use tempfile::NamedTempFile;

/// Makes the changes below `root`.
///
/// # Errors
/// When a file no longer holds the bytes that the plan read, when a path leads out of
/// the root or through a symbolic link, and when the disk refuses. The files are then
/// as they were.
pub fn write(root: &Path, changes: &[Change]) -> Result<()> {
    let root = &root
        .canonicalize()
        .with_context(|| format!("cannot open {}", root.display()))?;
    for change in changes {
        check(root, change)?;
    }
    let mut done = Done::default();
    let result = stage(root, changes, &mut done).and_then(|staged| commit(root, staged, &mut done));
    match result {
        Ok(()) => {
            remove_empty(root, changes);
            Ok(())
        }
        Err(error) => match done.undo() {
            Ok(()) => Err(error.context("nothing was written")),
            Err(left) => Err(error.context(format!("some changes could not be undone: {left:#}"))),
        },
    }
}

/// One target with its new text in a temporary file beside it.
struct Staged<'a> {
    change: &'a Change,
    file: Option<NamedTempFile>,
}

/// What was done so far, newest last.
#[derive(Default)]
struct Done {
    steps: Vec<Step>,
}

enum Step {
    /// A directory was made.
    Directory(PathBuf),
    /// A file was made where none was.
    Created(PathBuf),
    /// A file was replaced or removed; the text and permissions that it had.
    Replaced(PathBuf, String, Permissions),
}

impl Done {
    fn undo(self) -> Result<()> {
        let mut first = Ok(());
        for step in self.steps.into_iter().rev() {
            let result = match step {
                Step::Directory(path) => fs::remove_dir(&path),
                Step::Created(path) => fs::remove_file(&path),
                Step::Replaced(path, text, mode) => {
                    fs::write(&path, text).and_then(|()| fs::set_permissions(&path, mode))
                }
            };
            if let (Ok(()), Err(error)) = (&first, result) {
                first = Err(error.into());
            }
        }
        first
    }
}

/// Refuses a change whose files are not what the plan read, or not ours to write.
fn check(root: &Path, change: &Change) -> Result<()> {
    let paths: BTreeSet<&str> = change
        .old_path()
        .into_iter()
        .chain([change.path()])
        .collect();
    for path in &paths {
        inside(root, path)?;
    }
    if let (Some(path), Some(old)) = (change.old_path(), change.old_text()) {
        let found = fs::read(root.join(path)).with_context(|| format!("cannot read {path}"))?;
        if found != old.as_bytes() {
            bail!("{path} changed while the plan was made; run again");
        }
    }
    let target_is_new = change.old_path() != Some(change.path());
    if target_is_new && root.join(change.path()).symlink_metadata().is_ok() {
        bail!("{} exists already; run again", change.path());
    }
    Ok(())
}

/// Refuses a path that leads out of the root or through a symbolic link.
fn inside(root: &Path, path: &str) -> Result<()> {
    let mut here = root.to_path_buf();
    for part in Path::new(path).components() {
        let Component::Normal(part) = part else {
            bail!("{path} leads out of {}", root.display());
        };
        here.push(part);
        if here
            .symlink_metadata()
            .is_ok_and(|metadata| metadata.is_symlink())
        {
            bail!("{path} leads through the symbolic link {}", here.display());
        }
    }
    Ok(())
}

/// Writes every new text into a temporary file beside its target.
fn stage<'a>(root: &Path, changes: &'a [Change], done: &mut Done) -> Result<Vec<Staged<'a>>> {
    let mut out = Vec::new();
    for change in changes {
        let Some(text) = change.new_text() else {
            out.push(Staged { change, file: None });
            continue;
        };
        let target = root.join(change.path());
        let directory = target.parent().unwrap_or(root);
        make_directories(directory, done)?;
        let context = || format!("cannot write {}", change.path());
        let mut file = new_file(directory).with_context(context)?;
        file.write_all(text.as_bytes()).with_context(context)?;
        if let Some(old) = change.old_path() {
            let mode = fs::metadata(root.join(old))
                .with_context(context)?
                .permissions();
            file.as_file().set_permissions(mode).with_context(context)?;
        }
        out.push(Staged {
            change,
            file: Some(file),
        });
    }
    Ok(out)
}

/// A temporary file with the permissions that a new file gets.
fn new_file(directory: &Path) -> std::io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".routelift-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The process's umask takes from these.
        builder.permissions(Permissions::from_mode(0o666));
    }
    builder.tempfile_in(directory)
}

fn make_directories(directory: &Path, done: &mut Done) -> Result<()> {
    let missing: Vec<&Path> = directory
        .ancestors()
        .take_while(|above| !above.is_dir())
        .collect();
    for path in missing.into_iter().rev() {
        fs::create_dir(path).with_context(|| format!("cannot make {}", path.display()))?;
        done.steps.push(Step::Directory(path.to_path_buf()));
    }
    Ok(())
}

/// Puts the staged files in place and removes the old ones.
fn commit(root: &Path, staged: Vec<Staged<'_>>, done: &mut Done) -> Result<()> {
    for Staged { change, file } in staged {
        let target = root.join(change.path());
        let old = change.old_path().zip(change.old_text());
        let old = match old {
            Some((path, text)) => {
                let path = root.join(path);
                let mode = fs::metadata(&path)
                    .with_context(|| format!("cannot read {}", path.display()))?
                    .permissions();
                Some((path, text.to_string(), mode))
            }
            None => None,
        };
        if let Some(file) = file {
            let in_place = old.as_ref().is_some_and(|(path, _, _)| *path == target);
            let result = match in_place {
                true => file.persist(&target),
                false => file.persist_noclobber(&target),
            };
            // The error holds the temporary file; it must go before the directory can.
            result
                .map_err(|error| error.error)
                .with_context(|| format!("cannot write {}", change.path()))?;
            match old {
                Some((path, text, mode)) if in_place => {
                    done.steps.push(Step::Replaced(path, text, mode));
                    continue;
                }
                _ => done.steps.push(Step::Created(target)),
            }
            remove(old, done)?;
        } else {
            remove(old, done)?;
        }
    }
    Ok(())
}

fn remove(old: Option<(PathBuf, String, Permissions)>, done: &mut Done) -> Result<()> {
    if let Some((path, text, mode)) = old {
        fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        done.steps.push(Step::Replaced(path, text, mode));
    }
    Ok(())
}

/// Removes the directories that the changes left empty, never the root. One that cannot
/// be removed does no harm.
fn remove_empty(root: &Path, changes: &[Change]) {
    for change in changes {
        let Some(old) = change.old_path() else {
            continue;
        };
        let path = root.join(old);
        for above in path.ancestors().skip(1).take_while(|above| *above != root) {
            if fs::remove_dir(above).is_err() {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = directory.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        directory
    }

    fn files(root: &Path) -> Vec<(String, String)> {
        let entries = walkdir::WalkDir::new(root)
            .sort_by_file_name()
            .into_iter()
            .flatten();
        entries
            .filter(|entry| entry.file_type().is_file())
            .map(|entry| {
                let path = crate::load::walk::relative(root, entry.path()).unwrap();
                (path, fs::read_to_string(entry.path()).unwrap())
            })
            .collect()
    }

    fn create(path: &str) -> Change {
        Change::Create {
            path: path.into(),
            new: "new".into(),
        }
    }

    fn rename() -> Change {
        Change::Rename {
            from: "pages/api/a/b.ts".into(),
            to: "app/api/a/b/route.ts".into(),
            old: "old".into(),
            new: "moved".into(),
        }
    }

    #[test]
    fn writes_and_cleans_up() {
        let directory = directory(&[
            ("pages/api/a/b.ts", "old"),
            ("pages/c.ts", "c"),
            ("d.ts", "d"),
        ]);
        let root = directory.path();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let executable = Permissions::from_mode(0o755);
            fs::set_permissions(root.join("pages/api/a/b.ts"), executable).unwrap();
        }
        let changes = [
            create("app/actions/x.ts"),
            rename(),
            Change::Modify {
                path: "pages/c.ts".into(),
                old: "c".into(),
                new: "C".into(),
            },
            Change::Delete {
                path: "d.ts".into(),
                old: "d".into(),
            },
        ];
        write(root, &changes).unwrap();
        let expected = [
            ("app/actions/x.ts", "new"),
            ("app/api/a/b/route.ts", "moved"),
            ("pages/c.ts", "C"),
        ];
        let expected = expected.map(|(path, text)| (path.to_string(), text.to_string()));
        assert_eq!(files(root), expected);
        assert!(!root.join("pages/api").exists());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &str| fs::metadata(root.join(path)).unwrap().permissions().mode();
            assert_eq!(mode("app/api/a/b/route.ts") & 0o777, 0o755);
            fs::write(root.join("plain"), "").unwrap();
            assert_eq!(mode("app/actions/x.ts"), mode("plain"));
        }
    }

    #[test]
    fn changes_nothing_when_a_file_is_not_what_was_read() {
        let directory = directory(&[("pages/api/a/b.ts", "edited")]);
        let before = files(directory.path());
        let error = write(directory.path(), &[create("app/x.ts"), rename()]).unwrap_err();
        assert!(format!("{error:#}").contains("changed while"), "{error:#}");
        assert_eq!(files(directory.path()), before);
        assert!(!directory.path().join("app").exists());
    }

    #[test]
    fn puts_back_what_was_done() {
        let directory = directory(&[("pages/api/a/b.ts", "old"), ("c.ts", "c")]);
        let before = files(directory.path());
        // The second creation of one path fails when the first is in place.
        let modify = Change::Modify {
            path: "c.ts".into(),
            old: "c".into(),
            new: "C".into(),
        };
        let changes = [modify, rename(), create("app/x.ts"), create("app/x.ts")];
        let error = write(directory.path(), &changes).unwrap_err();
        assert!(
            format!("{error:#}").contains("nothing was written"),
            "{error:#}"
        );
        assert_eq!(files(directory.path()), before);
        assert!(!directory.path().join("app").exists());
    }

    #[test]
    fn refuses_what_is_not_below_the_root() {
        let directory = directory(&[("a.ts", "a")]);
        let root = directory.path();
        assert!(write(root, &[create("../x.ts")]).is_err());
        assert!(write(root, &[create("/x.ts")]).is_err());
        assert!(write(root, &[create("a.ts")]).is_err());
        #[cfg(unix)]
        {
            let other = tempfile::tempdir().unwrap();
            std::os::unix::fs::symlink(other.path(), root.join("link")).unwrap();
            let error = write(root, &[create("link/x.ts")]).unwrap_err();
            assert!(format!("{error:#}").contains("symbolic link"), "{error:#}");
            assert_eq!(files(other.path()), []);
        }
    }
}
