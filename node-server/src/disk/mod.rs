//! The door to the disk: everything that the node keeps goes through it.
//!
//! ```text
//!   RDB, append-only file, nodes.conf, ACL file, CONFIG REWRITE, spooled copies
//!        │
//!   Disk, DiskFile     what they ask for: a dozen calls, each of which can fail
//!        │
//!   RealDisk           the system's files; tests put others in its place: disks with faults, disks that
//!                      forget on a power cut what was not synced
//! ```
//!
//! What is durable, as everywhere below: a file's bytes after `sync_data` or `sync_all`; a name (created, renamed,
//! removed) after `sync_folder` of its folder. A file that must be whole at every moment is written beside and renamed
//! ([`replace`]).
//!
//! Not here: the log, the pid file and sockets, which nobody misses after a crash; and the configuration as it is read
//! at start, before there is a node.

mod leftovers;
mod real;
mod replace;

use std::ffi::OsString;
use std::fmt::Debug;
use std::fs::TryLockError;
use std::io::{self, Read, Write};
use std::path::Path;

pub use leftovers::remove_leftovers;
pub use real::RealDisk;
pub use replace::{folder_of, remove_leftovers_of, replace};

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// To be read. It is an error when there is none.
    Read,
    /// To be written from its beginning; what was in it is gone.
    Create,
    /// The same, but it is an error when there is one.
    CreateNew,
    /// The same, and nobody else may read it until it gets another mode.
    CreatePrivate,
    /// To be written at its end, and read from its beginning; it is created when there is none.
    Append,
}

/// The folders and names of a disk.
pub trait Disk: Send + Sync + Debug {
    fn open(&self, path: &Path, open: Open) -> io::Result<Box<dyn DiskFile>>;
    /// What had the name `to` is gone.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn remove(&self, path: &Path) -> io::Result<()>;
    fn create_folder(&self, path: &Path) -> io::Result<()>;
    /// The names in a folder, in no order.
    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>>;
    /// The folder's names are durable.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
}

/// An open file.
pub trait DiskFile: Read + Write + Send + Debug {
    /// The bytes, and where they end, are durable.
    fn sync_data(&self) -> io::Result<()>;
    /// So are its mode and times.
    fn sync_all(&self) -> io::Result<()>;
    /// The disk begins to write these bytes, and those before them are with it: so that a later sync has little to do. That they are
    /// durable it does not say.
    fn write_back(&self, _from: u64, _bytes: u64) -> io::Result<()> {
        self.sync_data()
    }
    /// The same file, for another thread.
    fn try_clone(&self) -> io::Result<Box<dyn DiskFile>>;
    fn set_len(&mut self, bytes: u64) -> io::Result<()>;
    fn len(&self) -> io::Result<u64>;
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
    /// The permissions, as in `chmod`.
    fn mode(&self) -> io::Result<u32>;
    fn set_mode(&self, mode: u32) -> io::Result<()>;
    /// Locks the file (as flock does) until it is closed, unless another has it locked.
    fn try_lock(&self) -> Result<(), TryLockError>;
}
