//! Which paths may be written: a base directory and a relative path in, the absolute path
//! or a refusal out. Nothing is followed out of the base, whatever the path says.

use std::fs::Metadata;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Names of directories that are never written to: what stands there is git's, the package
/// manager's or this program's own.
const FOREIGN: &[&str] = &[".git", "node_modules", ".next", super::store::FOLDER];

/// The absolute path of a file that may be written.
///
/// # Errors
/// When the path leads out of the base, through a symbolic link, or into a directory that
/// belongs to another program.
pub fn inside(base: &Path, path: &str) -> Result<PathBuf> {
    let mut here = base.to_path_buf();
    for part in Path::new(path).components() {
        let Component::Normal(part) = part else {
            bail!("{path} leads out of {}", base.display());
        };
        // Where the file system does not tell cases apart, `.GIT` is git's as well.
        if FOREIGN.iter().any(|name| part.eq_ignore_ascii_case(name)) {
            bail!(
                "{path} leads into {}, which is not ours to change",
                part.display()
            );
        }
        here.push(part);
        match here.symlink_metadata() {
            Ok(found) if found.is_symlink() => {
                bail!("{path} leads through the symbolic link {}", here.display());
            }
            Ok(found) if !found.is_dir() && !found.is_file() => {
                bail!("{path} leads to {}, which is no file", here.display());
            }
            _ => {}
        }
    }
    if here == base {
        bail!("a path is empty");
    }
    Ok(here)
}

/// What stands at a path, when it is a regular file; `None` when nothing does.
///
/// # Errors
/// When something else stands there, or the disk refuses.
pub fn regular(path: &Path) -> Result<Option<Metadata>> {
    match path.symlink_metadata() {
        Ok(found) if found.is_file() => Ok(Some(found)),
        Ok(_) => bail!("{} is no regular file", path.display()),
        Err(error) if absent(&error) => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Whether an error says that nothing stands at a path.
pub fn absent(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory)
}
