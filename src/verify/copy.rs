//! Copies a project to a place where it can be built: its files are copied, what is
//! installed below `node_modules` is linked.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use walkdir::WalkDir;

/// Directories that are made anew by each build.
const MADE: &[&str] = &[".git", ".next", ".turbo"];

/// Copies everything below `from` to `to`, which is made. Below `node_modules` each file
/// becomes a hard link: Turbopack follows no symbolic link that leads out of the project.
/// What tools keep there and rewrite (`node_modules/.prisma`, `.cache`, …) is copied.
/// Symbolic links stay what they are.
///
/// # Errors
/// When something cannot be read or written.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    let walk = WalkDir::new(from).into_iter();
    for entry in walk.filter_entry(|entry| !is_made(entry)) {
        let entry = entry.with_context(|| format!("cannot read {}", from.display()))?;
        let inside = entry.path().strip_prefix(from).unwrap_or(Path::new(""));
        let target = to.join(inside);
        let kind = entry.file_type();
        let result = if kind.is_dir() {
            fs::create_dir_all(&target)
        } else if kind.is_symlink() {
            fs::read_link(entry.path()).and_then(|link| make_link(&link, &target))
        } else if kind.is_file() {
            copy_file(entry.path(), &target, is_installed(inside))
        } else {
            // A socket or a pipe belongs to a process, not to the project.
            Ok(())
        };
        result.with_context(|| format!("cannot copy {}", entry.path().display()))?;
    }
    Ok(())
}

fn is_made(entry: &walkdir::DirEntry) -> bool {
    let name = entry.file_name().to_str().unwrap_or_default();
    let installed = entry.path().iter().any(|part| part == "node_modules");
    entry.depth() > 0 && entry.file_type().is_dir() && !installed && MADE.contains(&name)
}

/// Whether the path is that of an installed package, which nothing changes.
fn is_installed(path: &Path) -> bool {
    let mut parts = path.iter().map(|part| part.to_string_lossy());
    if !parts.any(|part| part == "node_modules") {
        return false;
    }
    // Package managers keep packages in such directories, other tools their own files.
    let hidden = |part: &str| part.starts_with('.') && part != ".pnpm" && part != ".bin";
    !parts.next().is_some_and(|part| hidden(&part))
}

fn copy_file(from: &Path, to: &Path, link: bool) -> std::io::Result<()> {
    // Another file system takes no links.
    if link && fs::hard_link(from, to).is_ok() {
        return Ok(());
    }
    fs::copy(from, to).map(drop)
}

#[cfg(unix)]
fn make_link(link: &Path, at: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(link, at)
}

#[cfg(windows)]
fn make_link(link: &Path, at: &Path) -> std::io::Result<()> {
    let target = at.parent().unwrap_or(at).join(link);
    match target.is_dir() {
        true => std::os::windows::fs::symlink_dir(link, at),
        false => std::os::windows::fs::symlink_file(link, at),
    }
}
