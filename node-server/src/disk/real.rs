//! The system's files, as they are.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io;
#[cfg(target_os = "linux")]
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use super::{Disk, DiskFile, Open};

#[derive(Clone, Copy, Debug)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn open(&self, path: &Path, open: Open) -> io::Result<Box<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        match open {
            Open::Read => options.read(true),
            Open::Create => options.write(true).create(true).truncate(true),
            Open::CreateNew => options.write(true).create_new(true),
            Open::CreatePrivate => options.write(true).create_new(true).mode(0o600),
            Open::Append => options.read(true).append(true).create(true),
        };
        Ok(Box::new(options.open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        std::fs::create_dir(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect()
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }
}

impl DiskFile for File {
    fn sync_data(&self) -> io::Result<()> {
        File::sync_data(self)
    }

    fn sync_all(&self) -> io::Result<()> {
        File::sync_all(self)
    }

    /// Waits for the bytes of the call before. Where the system can't begin without waiting, it is waited for all.
    #[cfg(target_os = "linux")]
    fn write_back(&self, from: u64, bytes: u64) -> io::Result<()> {
        let before = from.min(bytes);
        let wait = libc::SYNC_FILE_RANGE_WAIT_BEFORE | libc::SYNC_FILE_RANGE_WRITE;
        let is_begun = begin_write_back(self, from, bytes, libc::SYNC_FILE_RANGE_WRITE)
            && (before == 0 || begin_write_back(self, from - before, before, wait));
        if is_begun { Ok(()) } else { File::sync_data(self) }
    }

    fn try_clone(&self) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(File::try_clone(self)?))
    }

    fn set_len(&mut self, bytes: u64) -> io::Result<()> {
        File::set_len(self, bytes)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn mode(&self) -> io::Result<u32> {
        Ok(self.metadata()?.permissions().mode() & 0o7777)
    }

    fn set_mode(&self, mode: u32) -> io::Result<()> {
        self.set_permissions(Permissions::from_mode(mode))
    }

    fn try_lock(&self) -> Result<(), TryLockError> {
        File::try_lock(self)
    }
}

#[cfg(target_os = "linux")]
fn begin_write_back(file: &File, from: u64, bytes: u64, flags: libc::c_uint) -> bool {
    // SAFETY: numbers and a file that is open for as long as it is borrowed; the call touches no memory.
    unsafe { libc::sync_file_range(file.as_raw_fd(), from.cast_signed(), bytes.cast_signed(), flags) == 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn bytes_that_are_written_back_are_as_they_were() {
        let path = std::env::temp_dir().join(format!("write-back-{}", std::process::id()));
        let mut file = RealDisk.open(&path, Open::Create).unwrap();
        for piece in 0..5u64 {
            file.write_all(&[piece as u8; 10_000]).unwrap();
            file.write_back(piece * 10_000, 10_000).unwrap();
        }
        // Nothing there is no error.
        file.write_back(50_000, 10_000).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(bytes.len() == 50_000 && bytes.chunks(10_000).zip(0..).all(|(piece, n)| piece[0] == n));
    }
}
