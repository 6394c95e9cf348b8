//! Reads one file, warily: a path in, bytes out. A pipe, a device or a socket that stands
//! where a file should is not waited for, and nothing without end is read.

use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use oxc_resolver::{FileMetadata, FileSystem, FileSystemOs, ResolveError};

/// Sources above this many bytes are not read.
pub const MAX_SOURCE: u64 = 5 * 1024 * 1024;
/// Lockfiles of large repositories have tens of megabytes.
const MAX_OTHER: u64 = 256 * 1024 * 1024;

/// The bytes of a regular file of at most `limit` bytes, and what the system says of it.
///
/// # Errors
/// When it is no such file, or cannot be read.
pub fn limited(path: &Path, limit: u64) -> io::Result<(Vec<u8>, std::fs::Metadata)> {
    // Opening a pipe waits for its other end, so the kind is asked first.
    let metadata = path.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("is no regular file"));
    }
    let large = || io::Error::other(format!("is larger than {} MB", limit / 1024 / 1024));
    if metadata.len() > limit {
        return Err(large());
    }
    let file = std::fs::File::open(path)?;
    let mut bytes = Vec::with_capacity(metadata.len() as usize + 1);
    // It may grow while it is read.
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(large());
    }
    Ok((bytes, metadata))
}

/// The bytes of a file that is no source.
///
/// # Errors
/// When it is no regular file of a sane size, or cannot be read.
pub fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    Ok(limited(path, MAX_OTHER)?.0)
}

/// The text of a file that is no source.
///
/// # Errors
/// As [`bytes`], and when it is not UTF-8.
pub fn text(path: &Path) -> io::Result<String> {
    String::from_utf8(bytes(path)?).map_err(|_| io::Error::from(ErrorKind::InvalidData))
}

/// The disk as the resolver sees it.
pub struct Disk(FileSystemOs);

impl FileSystem for Disk {
    fn new() -> Self {
        Disk(FileSystemOs::new())
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        bytes(path)
    }

    fn read_to_string(&self, path: &Path) -> io::Result<String> {
        text(path)
    }

    fn metadata(&self, path: &Path) -> io::Result<FileMetadata> {
        FileSystem::metadata(&self.0, path)
    }

    fn symlink_metadata(&self, path: &Path) -> io::Result<FileMetadata> {
        FileSystem::symlink_metadata(&self.0, path)
    }

    fn read_link(&self, path: &Path) -> Result<PathBuf, ResolveError> {
        FileSystem::read_link(&self.0, path)
    }

    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        FileSystem::canonicalize(&self.0, path)
    }
}
