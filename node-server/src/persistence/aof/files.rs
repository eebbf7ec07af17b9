//! The folder of the append-only file: its manifest, and the names of its files.
//!
//! The manifest is replaced as a whole. A file is in its folder before the manifest names it, and is deleted when no manifest
//! names it as one to be read: so a kill at any moment leaves a set of files that can be loaded.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rcl_store::aof::{FileEntry, Manifest, ManifestError};

use super::reason;
use crate::config::Settings;
use crate::disk::{self, Disk, DiskFile, Open};

const MANIFEST_SUFFIX: &str = ".manifest";
/// What is not whole yet, and is deleted at the next start.
const TEMPORARY_PREFIX: &str = "temp-";

#[derive(Debug)]
pub struct Files {
    /// `appenddirname`, absolute.
    folder: PathBuf,
    /// `appendfilename`, by which the names begin.
    prefix: Vec<u8>,
    pub manifest: Manifest,
    /// The manifest on disk may be this one or one that could not be written in full. To be read without waiting for the files.
    pub unsettled: Arc<AtomicBool>,
    /// Files that only such a manifest names: of no use once it is settled that it is not in force.
    nameless: Vec<PathBuf>,
    pub sizes: Arc<Sizes>,
}

/// To be read without waiting for who is at work with the files.
#[derive(Debug, Default)]
pub struct Sizes {
    /// Of the files to be read, without the one that is written now.
    pub closed: AtomicU64,
    /// Of it all after the last rewrite, or at start.
    pub base: AtomicU64,
    /// How much of the file that is written now is written.
    pub open: AtomicU64,
}

impl Sizes {
    /// Of all files to be read.
    pub fn current(&self) -> u64 {
        self.closed.load(Ordering::Acquire) + self.open.load(Ordering::Acquire)
    }

    /// The file that was written is closed, and the next one is empty.
    fn close(&self) {
        let closed = self.open.swap(0, Ordering::AcqRel);
        self.closed.fetch_add(closed, Ordering::AcqRel);
    }
}

/// Why the manifest cannot be read.
#[derive(Debug)]
pub enum FilesError {
    Open { path: PathBuf, error: io::Error },
    Manifest { path: PathBuf, error: ManifestError },
}

impl std::fmt::Display for FilesError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            FilesError::Open { path, error } => {
                let path = path.display();
                write!(
                    f,
                    "Fatal error: can't open the AOF manifest file {path} for reading: {}",
                    reason(error)
                )
            }
            FilesError::Manifest { path, error } => {
                write!(f, "{}: *** FATAL AOF MANIFEST FILE ERROR *** {error}", path.display())
            }
        }
    }
}

impl std::error::Error for FilesError {}

impl Files {
    pub fn new(settings: &Settings) -> Files {
        Files {
            folder: settings.resolve(&settings.appenddirname),
            prefix: settings.appendfilename.clone().into_vec(),
            manifest: Manifest::default(),
            unsettled: Arc::default(),
            nameless: Vec::new(),
            sizes: Arc::default(),
        }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    pub fn path(&self, name: &[u8]) -> PathBuf {
        self.folder.join(OsStr::from_bytes(name))
    }

    fn manifest_path(&self) -> PathBuf {
        self.path(&[&self.prefix, MANIFEST_SUFFIX.as_bytes()].concat())
    }

    /// Where what is written counts only when the first base is there.
    pub fn temporary_incremental(&self) -> PathBuf {
        self.path(&[TEMPORARY_PREFIX.as_bytes(), &self.prefix, b".incr"].concat())
    }

    pub fn temporary_base(&self) -> PathBuf {
        self.folder.join(format!("{TEMPORARY_PREFIX}rewriteaof-bg-{}.aof", std::process::id()))
    }

    pub fn ensure_folder(&self, disk: &dyn Disk) -> io::Result<()> {
        match disk.create_folder(&self.folder) {
            Ok(()) => disk.sync_folder(disk::folder_of(&self.folder)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Reads the manifest; without one there are no files.
    pub fn read_manifest(&mut self, disk: &dyn Disk) -> Result<(), FilesError> {
        let path = self.manifest_path();
        let mut text = Vec::new();
        let read = disk.open(&path, Open::Read).and_then(|mut file| file.read_to_end(&mut text));
        match read {
            Ok(_) => {}
            Err(error) if is_absent(&error) => return Ok(()),
            Err(error) => return Err(FilesError::Open { path, error }),
        }
        self.manifest = Manifest::parse(&text).map_err(|error| FilesError::Manifest { path, error })?;
        Ok(())
    }

    /// From here on `manifest` says which files there are. When this fails, either may be on disk: what the other one names
    /// stays until [`settle`](Self::settle) has succeeded, and its names are not given again.
    pub fn persist(&mut self, disk: &dyn Disk, manifest: Manifest) -> io::Result<()> {
        let path = self.manifest_path();
        let replaced = disk::replace(disk, &path, &manifest.to_text())
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())));
        self.unsettled.store(replaced.is_err(), Ordering::Release);
        match &replaced {
            Ok(()) => {
                self.manifest = manifest;
                self.remove_the_nameless(disk);
            }
            Err(_) => self.give_up(&manifest),
        }
        replaced
    }

    /// The manifest on disk is the one in force when this succeeds, and what only another one named is gone.
    pub fn settle(&mut self, disk: &dyn Disk) -> io::Result<()> {
        if self.unsettled.load(Ordering::Acquire) {
            return self.persist(disk, self.manifest.clone());
        }
        self.remove_the_nameless(disk);
        Ok(())
    }

    /// What only `manifest` names, which does not come into force, is to be removed.
    fn give_up(&mut self, manifest: &Manifest) {
        let is_known = |entry: &&FileEntry| self.manifest.files().any(|known| known.name == entry.name);
        let unknown = manifest.files().filter(|entry| !is_known(entry)).map(|entry| self.path(&entry.name));
        self.nameless.extend(unknown.collect::<Vec<_>>());
        self.manifest.skip_names_of(manifest);
    }

    fn remove_the_nameless(&mut self, disk: &dyn Disk) {
        for path in std::mem::take(&mut self.nameless) {
            match disk.remove(&path) {
                Err(error) if !is_absent(&error) => {
                    tracing::warn!("{} is of no use, and cannot be removed: {error}", path.display());
                }
                _ => {}
            }
        }
    }

    /// Brings `manifest` into force, whose new files `create` puts into the folder.
    pub fn change<R>(
        &mut self,
        disk: &dyn Disk,
        manifest: Manifest,
        create: impl FnOnce(&Files) -> io::Result<R>,
    ) -> io::Result<R> {
        let created = create(self).and_then(|created| disk.sync_folder(&self.folder).map(|()| created));
        match created {
            Ok(created) => self.persist(disk, manifest).map(|()| created),
            Err(error) => {
                self.give_up(&manifest);
                if !self.unsettled.load(Ordering::Acquire) {
                    self.remove_the_nameless(disk);
                }
                Err(error)
            }
        }
    }

    /// The next incremental file, which is in the manifest when this returns; and the same, to be synced.
    pub fn add_incremental(&mut self, disk: &dyn Disk) -> io::Result<(Box<dyn DiskFile>, Box<dyn DiskFile>)> {
        let mut manifest = self.manifest.clone();
        let name = manifest.add_incremental(&self.prefix);
        let created = self.change(disk, manifest, |files| {
            let file = create_appended(disk, &files.path(&name))?;
            Ok((file.try_clone()?, file))
        })?;
        tracing::info!("Creating AOF incr file {} on background rewrite", shown(&name));
        self.sizes.close();
        Ok(created)
    }

    pub fn size(&self, disk: &dyn Disk, name: &[u8]) -> io::Result<u64> {
        disk.open(&self.path(name), Open::Read)?.len()
    }

    /// What may be deleted, with its paths.
    pub fn history(&self) -> Vec<(FileEntry, PathBuf)> {
        self.manifest.history.iter().map(|entry| (entry.clone(), self.path(&entry.name))).collect()
    }

    /// These are deleted.
    pub fn forget_history(&mut self, disk: &dyn Disk, deleted: &[FileEntry]) -> io::Result<()> {
        let mut manifest = self.manifest.clone();
        manifest.history.retain(|entry| !deleted.contains(entry));
        self.persist(disk, manifest)
    }

    /// What an earlier process left unfinished.
    pub fn delete_temporary(&self, disk: &dyn Disk) {
        disk::remove_leftovers_of(disk, &self.manifest_path());
        let names = disk.list(&self.folder).unwrap_or_default();
        for name in names.iter().filter(|name| name.as_bytes().starts_with(TEMPORARY_PREFIX.as_bytes())) {
            tracing::info!("Removing the temp file {} of an earlier process", shown(name.as_bytes()));
            // It only takes space.
            let _ = disk.remove(&self.folder.join(name));
        }
    }
}

/// An empty file, to be written at its end whatever is cut off of it meanwhile.
pub fn create_appended(disk: &dyn Disk, path: &Path) -> io::Result<Box<dyn DiskFile>> {
    drop(disk.open(path, Open::Create)?);
    disk.open(path, Open::Append)
}

/// There is no such file, or no folder that it could be in.
pub fn is_absent(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

pub fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}
