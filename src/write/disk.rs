//! The one place that changes the disk: single steps, each of which leaves a file whole.
//! What a step is may be watched, so that a test can stop the process, or refuse, at any
//! of them.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use tempfile::TempPath;

/// Asked before every step; an error is what the step then fails with.
pub trait Watch: Sync {
    /// `what` is about to be done to `path`.
    ///
    /// # Errors
    /// What the step is to fail with.
    fn step(&self, what: &'static str, path: &Path) -> io::Result<()>;
}

/// Lets every step happen.
pub struct Unwatched;

impl Watch for Unwatched {
    fn step(&self, _: &'static str, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

/// The permission bits of a file, as far as the system has them.
pub type Mode = u32;

/// The disk behind a watcher.
#[derive(Clone, Copy)]
pub struct Disk<'a> {
    watch: &'a dyn Watch,
}

impl<'a> Disk<'a> {
    /// The disk, each of whose steps `watch` is asked about.
    pub fn new(watch: &'a dyn Watch) -> Disk<'a> {
        Disk { watch }
    }

    /// Makes a directory with the permissions that a new one gets.
    pub fn make_directory(self, path: &Path) -> io::Result<()> {
        self.watch.step("make directory", path)?;
        fs::create_dir(path)
    }

    /// Writes a file that is not there yet and brings it to the medium. Without a mode it
    /// gets the permissions of a new file; `like` names a file whose owner it should have.
    pub fn write_new(
        self,
        path: &Path,
        bytes: &[u8],
        mode: Option<Mode>,
        like: Option<&Path>,
    ) -> io::Result<()> {
        self.watch.step("create", path)?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        if mode.is_some() {
            // Nobody else reads it before it has its own mode.
            private(&mut options);
        }
        let mut file = options.open(path)?;
        let half = bytes.len() / 2;
        self.watch.step("write", path)?;
        file.write_all(&bytes[..half])?;
        self.watch.step("write on", path)?;
        file.write_all(&bytes[half..])?;
        if let Some(like) = like {
            take_owner(&file, like);
        }
        if let Some(mode) = mode {
            self.watch.step("set mode", path)?;
            file.set_permissions(permissions(mode, &file)?)?;
        }
        self.watch.step("sync", path)?;
        file.sync_all()
    }

    /// Puts a file in the place of another, or where none is.
    pub fn replace(self, from: &Path, to: &Path) -> io::Result<()> {
        self.watch.step("replace", to)?;
        fs::rename(from, to)
    }

    /// Puts a file where none is.
    pub fn place(self, from: &Path, to: &Path) -> io::Result<()> {
        self.watch.step("place", to)?;
        TempPath::try_from_path(from)?
            .persist_noclobber(to)
            .map_err(|error| {
                // It stays for the journal to remove.
                let _ = error.path.keep();
                error.error
            })
    }

    /// Gives a directory a new name.
    pub fn rename_directory(self, from: &Path, to: &Path) -> io::Result<()> {
        self.watch.step("rename", to)?;
        fs::rename(from, to)
    }

    /// Removes a file; one that is gone is fine.
    pub fn remove(self, path: &Path) -> io::Result<()> {
        if path.symlink_metadata().is_err() {
            return Ok(());
        }
        self.watch.step("remove", path)?;
        gone(fs::remove_file(path))
    }

    /// Removes a directory when nothing is in it.
    pub fn remove_empty(self, path: &Path) -> io::Result<()> {
        if path.symlink_metadata().is_err() {
            return Ok(());
        }
        self.watch.step("remove directory", path)?;
        match gone(fs::remove_dir(path)) {
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => Ok(()),
            result => result,
        }
    }

    /// Removes a directory and all in it. Symbolic links in it are not followed.
    pub fn remove_all(self, path: &Path) -> io::Result<()> {
        if path.symlink_metadata().is_err() {
            return Ok(());
        }
        self.watch.step("remove all", path)?;
        gone(fs::remove_dir_all(path))
    }

    /// Sets the mode of a directory.
    pub fn set_mode(self, path: &Path, mode: Mode) -> io::Result<()> {
        self.watch.step("set mode", path)?;
        fs::set_permissions(path, permissions(mode, &File::open(path)?)?)
    }

    /// Brings the names in a directory to the medium.
    pub fn sync_directory(self, path: &Path) -> io::Result<()> {
        self.watch.step("sync directory", path)?;
        #[cfg(unix)]
        match File::open(path) {
            // It can be gone again.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            opened => opened?.sync_all()?,
        }
        Ok(())
    }
}

fn gone(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// The mode of a file.
#[cfg(unix)]
pub fn mode_of(metadata: &fs::Metadata) -> Mode {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o7777
}

/// Whether a file may be written; there is no more to a mode here.
#[cfg(not(unix))]
pub fn mode_of(metadata: &fs::Metadata) -> Mode {
    if metadata.permissions().readonly() {
        0o444
    } else {
        0o644
    }
}

#[cfg(unix)]
fn permissions(mode: Mode, _: &File) -> io::Result<Permissions> {
    use std::os::unix::fs::PermissionsExt;
    Ok(Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn permissions(mode: Mode, file: &File) -> io::Result<Permissions> {
    let mut permissions = file.metadata()?.permissions();
    permissions.set_readonly(mode & 0o200 == 0);
    Ok(permissions)
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600);
}

#[cfg(not(unix))]
fn private(_: &mut OpenOptions) {}

/// Gives a file the owner of another, as the superuser can. Others keep their own.
#[cfg(unix)]
fn take_owner(file: &File, like: &Path) {
    use std::os::unix::fs::{MetadataExt, fchown};
    if let (Ok(old), Ok(new)) = (like.metadata(), file.metadata())
        && (old.uid(), old.gid()) != (new.uid(), new.gid())
    {
        let _ = fchown(file, Some(old.uid()), Some(old.gid()));
    }
}

#[cfg(not(unix))]
fn take_owner(_: &File, _: &Path) {}
