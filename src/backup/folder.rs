//! The folder of a backup: files in it are whole, synced, and then under their names, or are not there.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::manifest::Manifest;
use crate::cli::{Failure, Kind};

pub const MANIFEST: &str = "manifest.json";
/// Lies in a folder whose backup is not whole.
pub const INCOMPLETE: &str = "INCOMPLETE";

#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// A new folder, or an empty one, marked as incomplete.
    pub fn create(path: &Path) -> Result<Folder, Failure> {
        let failed =
            |error: std::io::Error| Failure::refused(format!("cannot make {}: {error}", path.display()));
        fs::create_dir_all(path).map_err(failed)?;
        if fs::read_dir(path).map_err(failed)?.next().is_some() {
            return Err(Failure::refused(format!("{} is not empty", path.display()))
                .next("name a new folder: a backup is never written over"));
        }
        let folder = Folder { path: path.to_owned() };
        let text = "This backup is being made, or its making was interrupted. It is not whole.\n";
        folder.write(INCOMPLETE, text).map_err(failed)?;
        Ok(folder)
    }

    /// One that holds a whole backup.
    pub fn open(path: &Path) -> Result<(Folder, Manifest), Failure> {
        let folder = Folder { path: path.to_owned() };
        if folder.file(INCOMPLETE).exists() {
            return Err(Failure::refused(format!("the backup in {} is not whole", path.display()))
                .next("take another one: what is there cannot be completed"));
        }
        let text = fs::read_to_string(folder.file(MANIFEST)).map_err(|error| {
            Failure::refused(format!("there is no backup in {}: {MANIFEST}: {error}", path.display()))
        })?;
        Ok((folder, Manifest::parse(&text)?))
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is written to before it has its name.
    pub fn unnamed(&self, name: &str) -> PathBuf {
        self.path.join(format!(".{name}.part"))
    }

    /// Gives a synced file its name.
    pub fn name(&self, name: &str) -> std::io::Result<()> {
        fs::rename(self.unnamed(name), self.file(name))?;
        self.sync()
    }

    /// The manifest is there, and only then the mark goes.
    pub fn complete(&self, manifest: &Manifest) -> Result<(), Failure> {
        self.write(MANIFEST, &manifest.text()).map_err(|error| self.failed(MANIFEST, &error))?;
        let gone = fs::remove_file(self.file(INCOMPLETE)).and_then(|()| self.sync());
        gone.map_err(|error| self.failed(INCOMPLETE, &error))
    }

    /// Puts why it is not whole into the mark. It is only for people: when it cannot be written the mark is there all the same.
    pub fn note_incomplete(&self, why: &str) {
        let _ = self.write(INCOMPLETE, &format!("This backup is not whole: {why}\n"));
    }

    fn write(&self, name: &str, text: &str) -> std::io::Result<()> {
        let mut file = File::create(self.unnamed(name))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        self.name(name)
    }

    fn sync(&self) -> std::io::Result<()> {
        File::open(&self.path)?.sync_all()
    }

    pub fn failed(&self, name: &str, error: &std::io::Error) -> Failure {
        let what = format!("writing {} failed: {error}", self.file(name).display());
        let failure = Failure::new(Kind::Stopped, what);
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                failure.next("make room, or name a folder on another disk; --compress needs less")
            }
            _ => failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("rcl-folder-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        path
    }

    #[test]
    fn a_folder_is_marked_until_its_manifest_is_there() {
        let path = scratch("marked");
        let folder = Folder::create(&path).unwrap();
        assert!(Folder::open(&path).unwrap_err().what.contains("is not whole"));
        assert!(Folder::create(&path).unwrap_err().what.contains("is not empty"));
        let manifest = r#"{"format":"rcl-backup","version":1,"rcl_version":"0","begun_ms":1,"ended_ms":2,
            "keys":0,"bytes":0,"nodes":[],"functions":[],"files":[]}"#;
        let manifest = Manifest::parse(manifest).unwrap();
        folder.complete(&manifest).unwrap();
        assert_eq!(Folder::open(&path).unwrap().1, manifest);
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn where_no_backup_is_that_is_said() {
        assert!(Folder::open(&scratch("none")).unwrap_err().what.contains("there is no backup"));
    }
}
