//! One master's copy into one file, hashed, counted and checked while it comes.
//!
//! ```text
//! socket ──► walker (keys, RDB's own checksum) ──► [gzip] ──► SHA-256 ──► file, synced, named
//! ```
//!
//! Values are passed over, so that memory holds a key at a time and some buffers, however big the data are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use flate2::Compression;
use flate2::write::GzEncoder;
use rcl_proto::{Address, SLOT_COUNT, SlotSet, key_slot};
use rcl_store::rdb::{FileWalker, Item, RawKey, RdbError, Step};
use sha2::{Digest, Sha256};

use super::folder::Folder;
use super::full_copy::{FullCopy, Wanted, lost};
use super::manifest::{FileRecord, FunctionRecord};
use super::now_ms;
use crate::cli::{Failure, Kind};
use crate::connect::Connector;
use crate::keys::key_text;
use crate::output::Progress;

/// How much is collected before it is compressed, hashed and written.
const PIECE: usize = 256 * 1024;
/// After how many keys the progress is told.
const TOLD_AFTER: u64 = 1000;

/// Whose data, and from whom.
#[derive(Clone, Debug)]
pub struct Source {
    /// The master's id, and the slots that it owns.
    pub node: String,
    pub slots: SlotSet,
    /// Who is asked.
    pub address: Address,
    pub taken_from: String,
}

/// Blocks until the file is whole, or `stop` is true.
pub fn take(
    connector: &Connector,
    source: &Source,
    folder: &Folder,
    compress: bool,
    progress: &Progress,
    stop: &Arc<AtomicBool>,
) -> Result<FileRecord, Failure> {
    let name = format!("node-{:.8}.rdb{}", source.node, if compress { ".gz" } else { "" });
    let failed = |error: io::Error| folder.failed(&name, &error);
    let copy = FullCopy::open(connector, &source.address, stop, Wanted::Copy)?;
    let point_ms = now_ms();
    let (replication_id, offset) = (copy.replication_id.clone(), copy.offset);
    let file = File::create(folder.unnamed(&name)).map_err(failed)?;
    let mut walker =
        FileWalker::new(Copying { source: copy, held: Vec::new(), sink: Sink::new(file, compress) });
    let mut counts = Counts::new(source);
    let counted = counts.count_all(&mut walker, progress);
    let (rdb_version, rdb_crc64) = (walker.version().unwrap_or(0), walker.checksum());
    let Copying { source: copy, held, sink } = walker.into_source();
    counted.map_err(|error| match error {
        RdbError::Read { error, .. } if error.get_ref().is_some_and(|inner| inner.is::<DiskError>()) => {
            folder.failed(&name, &DiskError::of(error))
        }
        RdbError::Read { error, .. } => lost(&source.address, &error),
        RdbError::Truncated { .. } => lost(&source.address, &io::ErrorKind::UnexpectedEof.into()),
        error => {
            Failure::new(Kind::Internal, format!("the copy of {} cannot be read: {error}", source.taken_from))
        }
    })?;
    copy.finish()?;
    let written = sink.finish(&held).map_err(failed)?;
    folder.name(&name).map_err(failed)?;
    Ok(FileRecord {
        name,
        compression: compress.then(|| "gzip".to_owned()),
        bytes: written.bytes,
        sha256: written.sha256,
        rdb_crc64: rdb_crc64.map(|checksum| format!("{checksum:016x}")),
        rdb_version,
        rdb_bytes: written.rdb_bytes,
        node: source.node.clone(),
        taken_from: source.taken_from.clone(),
        slots: source.slots.to_string(),
        replication_id,
        replication_offset: offset,
        point_ms,
        ended_ms: now_ms(),
        ..counts.record()
    })
}

/// What is read is kept, and goes to the sink.
struct Copying<R> {
    source: R,
    held: Vec<u8>,
    sink: Sink,
}

impl<R: Read> Read for Copying<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(into)?;
        self.held.extend_from_slice(&into[..count]);
        if self.held.len() >= PIECE {
            self.sink.write(&self.held).map_err(|error| io::Error::other(DiskError(error)))?;
            self.held.clear();
        }
        Ok(count)
    }
}

/// An error of the file within one of reading: whose fault it was must not get lost.
#[derive(Debug)]
struct DiskError(io::Error);

impl DiskError {
    fn of(error: io::Error) -> io::Error {
        match error.into_inner().map(|inner| inner.downcast::<DiskError>()) {
            Some(Ok(inner)) => inner.0,
            Some(Err(inner)) => io::Error::other(inner),
            None => io::ErrorKind::Other.into(),
        }
    }
}

impl std::fmt::Display for DiskError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for DiskError {}

/// The file, with or without compression.
struct Sink {
    out: Out,
    rdb_bytes: u64,
}

enum Out {
    Plain(Hashing),
    Gzip(GzEncoder<Hashing>),
}

struct Written {
    bytes: u64,
    sha256: String,
    rdb_bytes: u64,
}

impl Sink {
    fn new(file: File, compress: bool) -> Sink {
        let hashing = Hashing { file, hash: Sha256::new(), bytes: 0 };
        // The fastest: the node must not wait for us long, and strings are compressed in the file already.
        let gzip = |hashing| Out::Gzip(GzEncoder::new(hashing, Compression::fast()));
        Sink { out: if compress { gzip(hashing) } else { Out::Plain(hashing) }, rdb_bytes: 0 }
    }

    fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        self.rdb_bytes += piece.len() as u64;
        match &mut self.out {
            Out::Plain(out) => out.write_all(piece),
            Out::Gzip(out) => out.write_all(piece),
        }
    }

    /// The last piece, and all of it onto the disk.
    fn finish(mut self, piece: &[u8]) -> io::Result<Written> {
        self.write(piece)?;
        let hashing = match self.out {
            Out::Plain(out) => out,
            Out::Gzip(out) => out.finish()?,
        };
        hashing.file.sync_all()?;
        Ok(Written { bytes: hashing.bytes, sha256: hex(&hashing.hash.finalize()), rdb_bytes: self.rdb_bytes })
    }
}

struct Hashing {
    file: File,
    hash: Sha256,
    bytes: u64,
}

impl Write for Hashing {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let count = self.file.write(piece)?;
        self.hash.update(&piece[..count]);
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the file is seen to hold.
struct Counts<'a> {
    source: &'a Source,
    by_slot: Vec<u32>,
    by_type: BTreeMap<&'static str, u64>,
    functions: BTreeSet<FunctionRecord>,
    keys: u64,
    expiring_keys: u64,
    elsewhere: u64,
    in_other_databases: u64,
    payload_version: (u16, Vec<u8>),
    largest: (u64, Vec<u8>),
}

impl Counts<'_> {
    fn new(source: &Source) -> Counts<'_> {
        Counts {
            source,
            by_slot: vec![0; SLOT_COUNT],
            by_type: BTreeMap::new(),
            functions: BTreeSet::new(),
            keys: 0,
            expiring_keys: 0,
            elsewhere: 0,
            in_other_databases: 0,
            payload_version: (0, Vec::new()),
            largest: (0, Vec::new()),
        }
    }

    fn count_all<R: Read>(
        &mut self,
        walker: &mut FileWalker<R>,
        progress: &Progress,
    ) -> Result<(), RdbError> {
        let mut told = 0;
        loop {
            match walker.next_step()? {
                Step::Key(key) => self.count(key),
                Step::Other(Item::Function(code)) => drop(self.functions.insert(function_record(&code))),
                Step::Other(Item::End) => {
                    progress.add(self.keys - told);
                    return Ok(());
                }
                Step::Other(_) => {}
            }
            if self.keys - told >= TOLD_AFTER {
                progress.add(self.keys - told);
                told = self.keys;
            }
        }
    }

    fn count(&mut self, key: RawKey) {
        let slot = key_slot(&key.key);
        self.keys += 1;
        self.expiring_keys += u64::from(key.expiry_ms.is_some());
        self.elsewhere += u64::from(!self.source.slots.contains(slot));
        self.in_other_databases += u64::from(key.database != 0);
        if let Some(count) = self.by_slot.get_mut(slot.index()) {
            *count += 1;
        }
        *self.by_type.entry(key.form.type_name()).or_default() += 1;
        let version = key.form.payload_version();
        if version > self.payload_version.0 {
            self.payload_version = (version, key.key.clone());
        }
        if key.value_bytes > self.largest.0 {
            self.largest = (key.value_bytes, key.key);
        }
    }

    fn record(self) -> FileRecord {
        let by_slot = self.by_slot.iter().enumerate().filter(|(_, count)| **count > 0);
        let by_slot: Vec<String> = by_slot.map(|(slot, count)| format!("{slot}:{count}")).collect();
        let named = |key: &[u8]| (self.keys > 0).then(|| key_text(key));
        FileRecord {
            keys: self.keys,
            expiring_keys: self.expiring_keys,
            keys_elsewhere: self.elsewhere,
            keys_in_other_databases: self.in_other_databases,
            payload_version: self.payload_version.0,
            payload_version_key: named(&self.payload_version.1),
            largest_value_bytes: self.largest.0,
            largest_value_key: named(&self.largest.1),
            keys_by_type: self.by_type.into_iter().map(|(name, count)| (name.to_owned(), count)).collect(),
            functions: self.functions.into_iter().collect(),
            keys_by_slot: by_slot.join(" "),
            ..FileRecord::default()
        }
    }
}

/// A library's name stands in the first line of its code: `#!lua name=…`.
pub(super) fn function_record(code: &[u8]) -> FunctionRecord {
    let first = code.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let words = String::from_utf8_lossy(first);
    let name = words.split_whitespace().find_map(|word| word.strip_prefix("name=")).unwrap_or("?");
    FunctionRecord { name: name.to_owned(), sha256: hex(&Sha256::digest(code)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_known_by_its_first_line() {
        assert_eq!(function_record(b"#!lua name=lib\nreturn 1").name, "lib");
        assert_eq!(function_record(b"#!lua engine=x name=other").name, "other");
        assert_eq!(function_record(b"").name, "?");
        assert_ne!(function_record(b"a").sha256, function_record(b"b").sha256);
    }

    #[test]
    fn an_error_of_the_disk_is_told_from_one_of_the_node() {
        let full = io::Error::other(DiskError(io::ErrorKind::StorageFull.into()));
        assert!(full.get_ref().is_some_and(|inner| inner.is::<DiskError>()));
        assert_eq!(DiskError::of(full).kind(), io::ErrorKind::StorageFull);
    }
}
