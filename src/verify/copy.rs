//! Copies a project to a place where it can be built: its files are copied, what is
//! installed below `node_modules` is linked.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use walkdir::WalkDir;

/// Directories that are made anew by each build.
const MADE: &[&str] = &[".git", ".next", ".turbo", crate::write::store::FOLDER];

/// How what is installed below `node_modules` gets into the copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Installed {
    /// Each file is a hard link: Turbopack follows no symbolic link that leads out of the
    /// project. What tools keep there and rewrite (`node_modules/.prisma`, `.cache`, …) is
    /// copied.
    Linked,
    /// Each file is copied, for commands that may write to it.
    Copied,
}

/// Copies everything below `from` to `to`, which is made. Symbolic links stay what they
/// are.
///
/// # Errors
/// When something cannot be read or written.
pub fn copy(from: &Path, to: &Path, installed: Installed) -> Result<()> {
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
            let link = installed == Installed::Linked && is_installed(inside);
            copy_file(entry.path(), &target, link)
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
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    let mut below = parts
        .windows(2)
        .filter(|pair| pair[0] == "node_modules")
        .peekable();
    // Package managers keep packages in such directories, other tools their own files.
    let own = |name: &str| name.starts_with('.') && name != ".pnpm" && name != ".bin";
    below.peek().is_some() && !below.any(|pair| own(&pair[1]))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tools_rewrite_is_no_package() {
        let cases = [
            ("src/a.ts", false),
            ("node_modules/next/a.js", true),
            ("apps/web/node_modules/.bin/next", true),
            ("node_modules/.pnpm/a@1/node_modules/a/b.js", true),
            ("node_modules/.prisma/client/index.js", false),
            (
                "node_modules/.pnpm/c@1/node_modules/.prisma/client/index.js",
                false,
            ),
            ("node_modules/.cache/a", false),
        ];
        for (path, installed) in cases {
            assert_eq!(is_installed(Path::new(path)), installed, "{path}");
        }
    }
}
