//! The incremental file that is written now, and how far it is.
//!
//! ```text
//!   the file   ─────────── durable ─────────── written ┄┄ what a failed write left, to be cut off
//!   the log    ─────────── pinned ──────────── place ──────── end
//! ```
//!
//! Who has it locked appends what the log has next. That is most often a worker, just before it sends answers
//! ([`write_at_once`]): one write for all that was done in its turn, and none waits for another thread. Where that may be a wait for
//! the disk (with `appendfsync always`, after a failure or a slow write, while files are switched) the writer's thread does it, and
//! answers are kept back meanwhile. Syncing is that thread's alone, and goes on beside writes.
//!
//! A write that fails is cut off, and what it was to write is written again when the disk is well. So is, from the last sync on,
//! what a failed sync may have lost; that is why the log keeps it until it is durable.

use std::io::{self, Write as _};
use std::sync::atomic::Ordering;
use std::time::Duration;

use rcl_store::aof;

use super::{failure, lock};
use crate::clock;
use crate::config::AppendFsync;
use crate::disk::DiskFile;
use crate::node::Node;
use crate::replication::{DataPiece, FilePlace};

/// So much is written at once.
const STEP_BYTES: usize = 256 * 1024;
/// A disk that takes so long for a write is no longer waited for by workers.
const SLOW_WRITE: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub struct Appender {
    file: Box<dyn DiskFile>,
    /// What a file begins with.
    opening: Vec<u8>,
    pub place: FilePlace,
    /// The file's length when all before `place` is in it.
    length: u64,
    pub durable_place: FilePlace,
    durable_length: u64,
    /// More than `length` may be in the file.
    is_torn: bool,
    /// The last write took no longer than one should.
    pub is_quick: bool,
    batch: Vec<u8>,
}

/// What a look at the log came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrote {
    Something,
    Nothing,
    /// The log does not keep what comes next.
    LostItsPlace,
}

impl Appender {
    /// Goes on at the end of `file`, with what the log has from `place` on.
    pub fn new(file: Box<dyn DiskFile>, place: FilePlace, database: Option<usize>) -> io::Result<Appender> {
        let length = file.len()?;
        Ok(Appender {
            file,
            opening: opening(database),
            place,
            length,
            durable_place: place,
            durable_length: length,
            is_torn: false,
            is_quick: true,
            batch: Vec::new(),
        })
    }

    /// The same file, to be synced while others write to it.
    pub fn file_to_sync(&self) -> io::Result<Box<dyn DiskFile>> {
        self.file.try_clone()
    }

    /// All is durable so far, and what comes goes into this file, which is empty.
    pub fn go_on_in(&mut self, file: Box<dyn DiskFile>, database: Option<usize>) {
        self.file = file;
        self.opening = opening(database);
        (self.length, self.durable_length, self.is_torn) = (0, 0, false);
    }

    /// Appends what the log has next, up to `until` and a step at the most.
    pub fn write_some(&mut self, node: &Node, until: FilePlace) -> io::Result<Wrote> {
        if self.is_torn {
            self.file.set_len(self.length)?;
            self.is_torn = false;
        }
        let next = node.replication.take_for_file(self.place, until, STEP_BYTES);
        let Some((pieces, end)) = next else { return Ok(Wrote::LostItsPlace) };
        if end == self.place {
            return Ok(Wrote::Nothing);
        }
        self.batch.clear();
        if self.length == 0 {
            self.batch.extend_from_slice(&self.opening);
        }
        for piece in &pieces {
            match piece {
                DataPiece::Bytes(bytes) => self.batch.extend_from_slice(bytes),
                DataPiece::Second(second) => aof::timestamp(*second, &mut self.batch),
            }
        }
        let aof = &node.persistence.aof;
        if aof.unsynced_since_ms.load(Ordering::Acquire) == 0 {
            aof.unsynced_since_ms.store(clock::now_ms(), Ordering::Release);
        }
        let started = clock::monotonic();
        self.is_torn = true;
        self.file.write_all(&self.batch)?;
        self.is_torn = false;
        let took = clock::monotonic() - started;
        self.is_quick = took < SLOW_WRITE;
        note_write(node, took);
        self.length += self.batch.len() as u64;
        self.place = end;
        if self.batch.capacity() > 4 * STEP_BYTES {
            self.batch = Vec::new();
        }
        aof.sizes.open.store(self.length, Ordering::Release);
        if node.settings().appendfsync == AppendFsync::No {
            // Nobody will sync it, so nothing is kept for that.
            node.replication.release_for_file(end);
        }
        Ok(Wrote::Something)
    }

    /// How far it is: to be told to [`synced`](Self::synced) when what was written so far is synced.
    pub fn standing(&self) -> (FilePlace, u64) {
        (self.place, self.length)
    }

    /// All up to there is durable. True when that is all that was written.
    pub fn synced(&mut self, (place, length): (FilePlace, u64)) -> bool {
        (self.durable_place, self.durable_length) = (place, length);
        self.place == place
    }

    /// The system may have dropped what it could not write, and not say so again: all that is not durable is to be written anew.
    pub fn not_synced(&mut self) {
        (self.place, self.length) = (self.durable_place, self.durable_length);
        self.is_torn = true;
    }
}

fn note_write(node: &Node, took: Duration) {
    let beside =
        if node.persistence.snapshot_is_running() { "aof-write-active-child" } else { "aof-write-alone" };
    node.latency.note(beside, took);
    node.latency.note("aof-write", took);
}

/// Replaying the file, one has to know the database.
fn opening(database: Option<usize>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(database) = database {
        aof::commands::select(database as u64, &mut bytes);
    }
    bytes
}

/// Before answers leave: writes what they may tell of, as far as that is no wait for the disk. False when the writer's thread is to
/// do it, or the rest of it.
pub fn write_at_once(node: &Node) -> bool {
    let aof = &node.persistence.aof;
    if !aof.writes_at_once.load(Ordering::Acquire) {
        return false;
    }
    let wrote = {
        let mut appender = lock(&aof.appender);
        // Looked at before the orders: a rewrite that has its point after this look has it at the end or behind it.
        let end = node.replication.file_end();
        if aof.written.load(Ordering::Acquire) >= end {
            // Another worker did it.
            return true;
        }
        let Some(appender) = appender.as_mut() else { return false };
        let is_the_threads = appender.is_torn
            || lock(&aof.orders).rotation.is_some()
            || aof.manifest_is_unsettled.load(Ordering::Acquire)
            || aof.flush_sleep_us.load(Ordering::Relaxed) > 0;
        let wrote = if is_the_threads { Ok(Wrote::Nothing) } else { appender.write_some(node, end) };
        let is_all = appender.place >= end;
        if !is_all || !appender.is_quick {
            aof.writes_at_once.store(false, Ordering::Release);
        }
        wrote.map(|_| (appender.place, is_all))
    };
    match wrote {
        Ok((place, is_all)) => {
            aof.publish_written(place);
            is_all
        }
        Err(error) => {
            failure::note(node, "write", &error);
            false
        }
    }
}
