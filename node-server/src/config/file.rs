//! Replaces a file as a whole: whoever reads it sees the old text or the new one, also after a crash.
//!
//! A temporary file beside it is written, synced and renamed over it; then the folder is synced, since the name is
//! the folder's data. The mode of the file that was there is kept, as it may hold a password.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Writes `text` to `path` atomically and durably. A link is followed, so that it stays one.
pub fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mode = std::fs::metadata(&path).map(|metadata| metadata.permissions().mode() & 0o7777).ok();
    let (temporary, file) = create_beside(&path)?;
    let written = write_and_rename(file, &temporary, &path, text, mode);
    if written.is_err() {
        // The first error is the one to tell; a left-over file harms nobody.
        let _ = std::fs::remove_file(&temporary);
        return written;
    }
    File::open(folder)?.sync_all()
}

fn write_and_rename(
    mut file: File,
    from: &Path,
    to: &Path,
    text: &[u8],
    mode: Option<u32>,
) -> io::Result<()> {
    file.write_all(text)?;
    file.set_permissions(Permissions::from_mode(mode.unwrap_or(0o644)))?;
    file.sync_all()?;
    std::fs::rename(from, to)
}

/// A file of a name that nobody uses yet; readable by nobody else until the mode is known.
fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    for attempt in 0..100 {
        let mut name = path.as_os_str().to_os_string();
        name.push(format!(".{}-{attempt}.tmp", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            opened => return Ok((PathBuf::from(name), opened?)),
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "too many temporary files beside it"))
}
