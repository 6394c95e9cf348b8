//! Finds the `routelift.toml` that holds for each app: the nearest one, from the app's directory up to
//! the top of the git repository, whatever part of it is migrated. The files are not mixed.

use std::path::Path;

use anyhow::{Context, Result};
use routelift_transforms::project::App;

use super::read;
use super::walk::{git_top, join, parent};

/// The name of the file.
pub const NAME: &str = "routelift.toml";

/// One such file.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its path as seen from the root; it starts with `../` when it stands above.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// The file that holds for each app.
///
/// # Errors
/// When one of them cannot be read.
pub fn find(root: &Path, apps: &[App]) -> Result<Vec<Option<Found>>> {
    let shown = root.display();
    let root = root
        .canonicalize()
        .with_context(|| format!("cannot open {shown}"))?;
    let top = git_top(&root).unwrap_or(&root);
    apps.iter().map(|app| nearest(&root, top, app)).collect()
}

fn nearest(root: &Path, top: &Path, app: &App) -> Result<Option<Found>> {
    let mut directory = app.dir.as_str();
    loop {
        let path = join(directory, NAME);
        if let Some(found) = at(root, path)? {
            return Ok(Some(found));
        }
        if directory.is_empty() {
            break;
        }
        directory = parent(directory);
    }
    let above = root.ancestors().skip(1);
    let above = above.take_while(|above| above.starts_with(top)).count();
    for ups in 1..=above {
        if let Some(found) = at(root, format!("{}{NAME}", "../".repeat(ups)))? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn at(root: &Path, path: String) -> Result<Option<Found>> {
    let file = root.join(&path);
    if file.symlink_metadata().is_err() {
        return Ok(None);
    }
    let text = read::text(&file).with_context(|| format!("cannot read {path}"))?;
    Ok(Some(Found { path, text }))
}
