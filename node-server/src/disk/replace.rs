//! Replaces a file as a whole: whoever reads it sees the old bytes or the new ones, also after a crash.
//!
//! A temporary file beside it is written, synced and renamed over it; then the folder is synced, since the name is
//! the folder's data. The mode of the file that was there is kept, as it may hold a password.

use std::io;
use std::path::{Path, PathBuf};

use super::{Disk, DiskFile, Open, remove_leftovers};

/// Writes `bytes` to `path` atomically and durably. A link is followed, so that it stays one.
pub fn replace(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = behind_links(path);
    let mode = match disk.open(&path, Open::Read).and_then(|file| file.mode()) {
        Ok(mode) => mode,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0o644,
        // It may have been a secret: nobody can tell.
        Err(error) => return Err(error),
    };
    let (temporary, file) = create_beside(disk, &path)?;
    let written = write(file, bytes, mode).and_then(|()| disk.rename(&temporary, &path));
    if written.is_err() {
        // The first error is the one to tell; the next start removes what is left.
        let _ = disk.remove(&temporary);
        return written;
    }
    disk.sync_folder(folder_of(&path))
}

/// Removes what earlier processes left that were killed while they replaced the file.
pub fn remove_leftovers_of(disk: &dyn Disk, path: &Path) {
    let path = behind_links(path);
    if let Some(name) = path.file_name().and_then(|name| name.to_str()) {
        remove_leftovers(disk, folder_of(&path), &format!("{name}."), ".tmp");
    }
}

fn behind_links(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}

/// The folder that a file lies in.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn write(mut file: Box<dyn DiskFile>, bytes: &[u8], mode: u32) -> io::Result<()> {
    file.write_all(bytes)?;
    file.set_mode(mode)?;
    file.sync_all()
}

/// A file of a name that nobody uses yet; readable by nobody else until the mode is known.
fn create_beside(disk: &dyn Disk, path: &Path) -> io::Result<(PathBuf, Box<dyn DiskFile>)> {
    for attempt in 0..100 {
        let mut name = path.as_os_str().to_os_string();
        name.push(format!(".{}-{attempt}.tmp", std::process::id()));
        match disk.open(name.as_ref(), Open::CreatePrivate) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            opened => return Ok((PathBuf::from(name), opened?)),
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "too many temporary files beside it"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::disk::RealDisk;

    #[test]
    fn the_mode_and_a_link_stay() {
        let folder = std::env::temp_dir().join(format!("rcl-replace-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (file, link) = (folder.join("file"), folder.join("link"));
        let mode = |path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        replace(&RealDisk, &file, b"first").unwrap();
        assert_eq!(mode(&file), 0o644);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink("file", &link).unwrap();
        replace(&RealDisk, &link, b"second").unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"second");
        assert_eq!(mode(&file), 0o640);
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2, "no temporary file is left");
        replace(&RealDisk, &folder.join("none/file"), b"third").unwrap_err();
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
