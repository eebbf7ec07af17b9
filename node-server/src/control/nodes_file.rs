//! nodes.conf as a file: who may use it, how it is read, how it is replaced.
//!
//! Two processes with one nodes.conf would be two nodes with one name. So it is locked while a node runs:
//! - `nodes.conf.lock` beside it (flock): holds off a second rcl-node, whatever is renamed over what.
//! - nodes.conf itself (flock): holds off a redis-server, which locks that. As the file is replaced by renaming,
//!   each new one is locked before it gets the name.
//!
//! It is replaced as a whole: written beside, synced, renamed, the folder synced. After a crash at any moment
//! it holds one whole state or the other.

use std::fmt;
use std::fs::TryLockError;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcl_cluster::{Persistent, PersistentError};

use crate::disk::{Disk, DiskFile, Open, folder_of};

/// The nodes.conf of this process: locked as long as this lives.
#[derive(Debug)]
pub struct NodesFile {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    _lock: Box<dyn DiskFile>,
    _current: Box<dyn DiskFile>,
}

/// Why a node can't use its nodes.conf.
#[derive(Debug)]
pub enum NodesFileError {
    InUse { path: PathBuf },
    Io { path: PathBuf, doing: &'static str, error: io::Error },
    NotText { path: PathBuf },
    Corrupt { path: PathBuf, error: PersistentError },
}

impl fmt::Display for NodesFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NodesFileError::InUse { path } => write!(
                f,
                "the cluster config file {} is in use by another node: each node needs a 'dir' or a 'cluster-config-file' of its own",
                path.display()
            ),
            NodesFileError::Io { path, doing, error } => {
                write!(f, "cannot {doing} {}: {error}", path.display())
            }
            NodesFileError::NotText { path } => write!(
                f,
                "{}: corrupted cluster config file: it is not text; restore it from a copy, or move it away to start as a new node",
                path.display()
            ),
            NodesFileError::Corrupt { path, error } => write!(
                f,
                "{}: {error}; restore it from a copy, or move it away to start as a new node",
                path.display()
            ),
        }
    }
}

impl std::error::Error for NodesFileError {}

impl NodesFile {
    /// Locks and reads it; one that is missing or empty is a new node's.
    pub fn open(
        disk: &Arc<dyn Disk>,
        path: &Path,
    ) -> Result<(NodesFile, Option<Persistent>), NodesFileError> {
        let lock_path = beside(path, ".lock");
        let lock = open_locked(&**disk, &lock_path, path)?;
        let mut current = open_locked(&**disk, path, path)?;
        let mut bytes = Vec::new();
        let read = current.read_to_end(&mut bytes);
        read.map_err(|error| NodesFileError::Io { path: path.to_owned(), doing: "read", error })?;
        let text = String::from_utf8(bytes).map_err(|_| NodesFileError::NotText { path: path.to_owned() })?;
        let persistent = Persistent::parse(&text)
            .map_err(|error| NodesFileError::Corrupt { path: path.to_owned(), error })?;
        let file = NodesFile { disk: disk.clone(), path: path.to_owned(), _lock: lock, _current: current };
        Ok((file, persistent))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes `text` its content. When this fails, the old content is still there.
    pub fn replace(&mut self, text: &str) -> io::Result<()> {
        let new_path = beside(&self.path, ".new");
        let written = write_synced(&*self.disk, &new_path, text).and_then(|file| {
            self.disk.rename(&new_path, &self.path)?;
            Ok(file)
        });
        match written {
            Ok(file) => self._current = file,
            Err(error) => {
                // A half-written file only takes space that the next attempt may need.
                let _ = self.disk.remove(&new_path);
                return Err(error);
            }
        }
        self.disk.sync_folder(folder_of(&self.path))
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn open_locked(disk: &dyn Disk, path: &Path, nodes_conf: &Path) -> Result<Box<dyn DiskFile>, NodesFileError> {
    let fail = |doing| move |error| NodesFileError::Io { path: path.to_owned(), doing, error };
    let file = disk.open(path, Open::Append).map_err(fail("open"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(NodesFileError::InUse { path: nodes_conf.to_owned() }),
        Err(TryLockError::Error(error)) => Err(fail("lock")(error)),
    }
}

fn write_synced(disk: &dyn Disk, path: &Path, text: &str) -> io::Result<Box<dyn DiskFile>> {
    let mut file = disk.open(path, Open::Create)?;
    // Nobody else knows this name, but one who does and holds it would be told by an error.
    file.try_lock()?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(file)
}

#[cfg(test)]
mod tests;
