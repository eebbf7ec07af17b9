//! The files of a backup, read again.

use std::fs::File;
use std::io::{BufReader, Read};

use flate2::read::MultiGzDecoder;
use rcl_store::rdb::{FileWalker, Item, Step};
use sha2::{Digest, Sha256};

use super::folder::Folder;
use super::manifest::FileRecord;
use super::take::hex;
use crate::cli::Failure;

const BUFFER: usize = 256 * 1024;

pub type BackupFile = FileWalker<Box<dyn Read + Send>>;

/// The keys of a file, with payloads.
pub fn open_file(folder: &Folder, record: &FileRecord) -> Result<BackupFile, Failure> {
    let file = BufReader::with_capacity(BUFFER, open(folder, record)?);
    let source: Box<dyn Read + Send> = match record.compression.as_deref() {
        None => Box::new(file),
        Some("gzip") => Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(file))),
        Some(other) => {
            return Err(Failure::refused(format!(
                "{} is compressed with {other}, which is not known",
                record.name
            )));
        }
    };
    Ok(FileWalker::new(source).with_payloads())
}

fn open(folder: &Folder, record: &FileRecord) -> Result<File, Failure> {
    // Names come from a file: one that leads out of the folder is none of ours.
    if record.name.contains(['/', '\\']) || record.name.starts_with('.') {
        return Err(Failure::refused(format!("'{}' is not the name of a file of a backup", record.name)));
    }
    let path = folder.file(&record.name);
    File::open(&path).map_err(|error| Failure::refused(format!("cannot read {}: {error}", path.display())))
}

/// Whether the file is the one that was written. `read` hears of each piece how long it is.
pub fn check_sum(folder: &Folder, record: &FileRecord, read: impl Fn(u64)) -> Result<(), Failure> {
    let (mut file, mut hash, mut piece) = (open(folder, record)?, Sha256::new(), vec![0; BUFFER]);
    loop {
        let count = file
            .read(&mut piece)
            .map_err(|error| Failure::refused(format!("cannot read {}: {error}", record.name)))?;
        if count == 0 {
            break;
        }
        hash.update(&piece[..count]);
        read(count as u64);
    }
    if hex(&hash.finalize()) == record.sha256 {
        return Ok(());
    }
    Err(Failure::refused(format!("{} is not as it was written: its SHA-256 is another", record.name))
        .next("take another copy of the backup"))
}

/// The code of the function libraries, which stand before the keys.
pub fn functions(folder: &Folder, record: &FileRecord) -> Result<Vec<Vec<u8>>, Failure> {
    let (mut file, mut codes) = (open_file(folder, record)?, Vec::new());
    loop {
        match file.next_step().map_err(|error| damaged(record, &error.to_string()))? {
            Step::Other(Item::Function(code)) => codes.push(code),
            Step::Key(_) | Step::Other(Item::End) => return Ok(codes),
            Step::Other(_) => {}
        }
    }
}

pub(super) fn damaged(record: &FileRecord, why: &str) -> Failure {
    Failure::refused(format!("{} cannot be read: {why}", record.name))
}
