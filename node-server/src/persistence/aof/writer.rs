//! The thread that writes: it reads the replication log, appends to the incremental file, and syncs.
//!
//! ```text
//!   the file   ─────────── durable ─────────── written ┄┄ what a failed write left, to be cut off
//!   the log    ─────────── pinned ──────────── position ──────── end
//! ```
//!
//! A write that fails is cut off, and what it was to write is written again when the disk is well. So is, from the last sync on,
//! what a failed sync may have lost; that is why the log keeps it until it is durable.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use rcl_store::aof;

use super::files::Files;
use super::{Aof, lock, reason};
use crate::clock;
use crate::config::AppendFsync;
use crate::disk::DiskFile;
use crate::executor::node_state;
use crate::node::Node;
use crate::replication::{DataPiece, LogPosition};

/// So much is written at once.
const STEP_BYTES: usize = 256 * 1024;
const SYNC_EVERY: Duration = Duration::from_secs(1);
/// A pause between two writes while nobody waits for them, so that a write is worth it.
const PACE: Duration = Duration::from_millis(1);
const RETRY: Duration = Duration::from_millis(100);
/// With nothing to do it looks up as often, for what nobody rings for.
const LOOK_UP: Duration = Duration::from_millis(100);
/// A failure that lasts is logged as often as Redis does.
const LOG_EVERY: Duration = Duration::from_secs(30);

/// What others want of the writer.
#[derive(Debug, Default)]
pub struct Orders {
    /// From this place of the log on everything goes into the next file.
    pub rotation: Option<Rotation>,
    /// Everything up to here is to be durable soon, whatever the policy.
    pub flush_to: LogPosition,
    /// Everything there is is written and synced, and then the thread ends.
    pub stop: bool,
}

/// A rewrite has its point here.
#[derive(Debug)]
pub struct Rotation {
    pub at: LogPosition,
    /// In which database the log is there, if it does not say so itself.
    pub database: Option<usize>,
    pub done: SyncSender<Result<(), String>>,
}

pub struct Writer {
    node: Arc<Node>,
    file: Box<dyn DiskFile>,
    /// What a file begins with.
    opening: Vec<u8>,
    position: LogPosition,
    /// The file's length when all before `position` is in it.
    length: u64,
    durable_position: LogPosition,
    durable_length: u64,
    /// More than `length` may be in the file.
    is_torn: bool,
    batch: Vec<u8>,
    last_sync: Instant,
    failure_logged: Option<Instant>,
}

/// What a look at the log came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrote {
    Something,
    Nothing,
    /// The log does not keep what comes next.
    LostItsPlace,
}

impl Writer {
    /// Goes on at the end of `file`, with what the log has from `position` on.
    pub fn new(
        node: Arc<Node>,
        file: Box<dyn DiskFile>,
        position: LogPosition,
        database: Option<usize>,
    ) -> io::Result<Writer> {
        let length = file.len()?;
        Ok(Writer {
            node,
            file,
            opening: opening(database),
            position,
            length,
            durable_position: position,
            durable_length: length,
            is_torn: false,
            batch: Vec::new(),
            last_sync: clock::monotonic(),
            failure_logged: None,
        })
    }

    fn aof(&self) -> &Aof {
        &self.node.persistence.aof
    }

    /// Until it is told to stop.
    pub fn run(mut self) {
        self.publish();
        loop {
            // Looked at before the orders: a rewrite that has its point after this look has it at the end or behind it.
            let end = self.node.replication.offset();
            let (rotation, flush_to, stop) = self.orders();
            let policy = self.policy();
            let until = rotation.unwrap_or(if stop { LogPosition::MAX } else { end });
            let wrote = match self.write_some(until) {
                Ok(wrote) => wrote,
                Err(error) => {
                    self.failed("write", &error);
                    if stop {
                        break;
                    }
                    std::thread::sleep(RETRY);
                    continue;
                }
            };
            if wrote == Wrote::LostItsPlace {
                super::switch::begin_again(&self.node);
                break;
            }
            if rotation == Some(self.position) {
                self.rotate();
                continue;
            }
            let is_through = wrote == Wrote::Nothing;
            let is_due = self.sync_is_due(policy, flush_to) || (stop && is_through);
            if (is_due || self.has_failed())
                && let Err(error) = self.sync()
            {
                self.failed("fsync", &error);
                if stop {
                    break;
                }
                std::thread::sleep(RETRY);
                continue;
            }
            self.is_well_again();
            if stop && is_through {
                break;
            }
            self.rest(policy, is_through);
        }
        self.cancel_rotation("the append-only file was switched off");
    }

    /// Where to go to the next file, up to where all is to be synced, and whether to stop.
    fn orders(&self) -> (Option<LogPosition>, LogPosition, bool) {
        let orders = lock(&self.aof().orders);
        (orders.rotation.as_ref().map(|rotation| rotation.at), orders.flush_to, orders.stop)
    }

    fn policy(&self) -> AppendFsync {
        self.node.replication.tell_times_in_file(self.node.settings().aof_timestamp_enabled);
        super::tick::refresh_policy(&self.node)
    }

    fn write_some(&mut self, until: LogPosition) -> io::Result<Wrote> {
        self.files().settle(&*self.node.disk)?;
        if self.is_torn {
            self.file.set_len(self.length)?;
            self.is_torn = false;
        }
        let next = self.node.replication.take_for_file(self.position, until, STEP_BYTES);
        let Some((pieces, end)) = next else { return Ok(Wrote::LostItsPlace) };
        if end == self.position {
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
        let aof = self.aof();
        if aof.unsynced_since_ms.load(Ordering::Acquire) == 0 {
            aof.unsynced_since_ms.store(clock::now_ms(), Ordering::Release);
        }
        let sleep_us = aof.flush_sleep_us.load(Ordering::Relaxed);
        if sleep_us > 0 {
            std::thread::sleep(Duration::from_micros(sleep_us));
        }
        let started = clock::monotonic();
        self.is_torn = true;
        self.file.write_all(&self.batch)?;
        self.is_torn = false;
        self.note_write(clock::monotonic() - started);
        self.length += self.batch.len() as u64;
        self.position = end;
        if self.batch.capacity() > 4 * STEP_BYTES {
            self.batch = Vec::new();
        }
        self.aof().written.store(end, Ordering::Release);
        self.aof().sizes.open.store(self.length, Ordering::Release);
        if self.node.settings().appendfsync == AppendFsync::No {
            // Nobody will sync it, so nothing is kept for that.
            self.node.replication.release_for_file(end);
        }
        Ok(Wrote::Something)
    }

    fn files(&self) -> std::sync::MutexGuard<'_, Files> {
        lock(&self.aof().files)
    }

    fn note_write(&self, took: Duration) {
        let beside = if self.node.persistence.snapshot_is_running() {
            "aof-write-active-child"
        } else {
            "aof-write-alone"
        };
        self.node.latency.note(beside, took);
        self.node.latency.note("aof-write", took);
    }

    fn sync_is_due(&self, policy: AppendFsync, flush_to: LogPosition) -> bool {
        let wanted = match policy {
            AppendFsync::Always => true,
            AppendFsync::Everysec => self.last_sync.elapsed() >= SYNC_EVERY,
            AppendFsync::No => false,
        };
        self.durable_position < self.position && (wanted || self.durable_position < flush_to)
    }

    /// All that was written is durable when this succeeds.
    fn sync(&mut self) -> io::Result<()> {
        let started = clock::monotonic();
        let synced = self.file.sync_data();
        self.last_sync = clock::monotonic();
        if self.aof().always.load(Ordering::Relaxed) {
            self.node.latency.note("aof-fsync-always", self.last_sync - started);
        }
        if let Err(error) = synced {
            // The system may have dropped what it could not write, and not say so again.
            (self.position, self.length) = (self.durable_position, self.durable_length);
            self.is_torn = true;
            return Err(error);
        }
        (self.durable_position, self.durable_length) = (self.position, self.length);
        self.publish();
        Ok(())
    }

    fn publish(&self) {
        self.node.replication.release_for_file(self.durable_position);
        self.aof().unsynced_since_ms.store(0, Ordering::Release);
        self.aof().publish_durable(self.durable_position);
        crate::replication::durable_grew(&self.node);
    }

    /// A rewrite has its point here: what comes goes into the next file. If there can be none, the rewrite is off.
    fn rotate(&mut self) {
        if let Err(error) = self.sync() {
            return self.failed("fsync", &error);
        }
        let Some(rotation) = lock(&self.aof().orders).rotation.take() else { return };
        let added = self.files().add_incremental(&*self.node.disk);
        let rotated = added.map(|file| {
            self.file = file;
            self.opening = opening(rotation.database);
            (self.length, self.durable_length, self.is_torn) = (0, 0, false);
        });
        if let Err(error) = &rotated {
            tracing::error!("the append-only file cannot go on in a new file: {error}");
        }
        // Who asked may have given up.
        let _ = rotation.done.send(rotated.map_err(|error| error.to_string()));
    }

    fn cancel_rotation(&self, why: &str) {
        if let Some(rotation) = lock(&self.aof().orders).rotation.take() {
            let _ = rotation.done.send(Err(why.to_owned()));
        }
    }

    fn has_failed(&self) -> bool {
        self.aof().failed.load(Ordering::Acquire)
    }

    fn failed(&mut self, what: &str, error: &io::Error) {
        let now = clock::monotonic();
        let first = !self.has_failed();
        *lock(&self.aof().failure) = reason(error);
        self.node.set_state(node_state::AOF_FAILED, true);
        let woken = self.aof().publish_failed(true);
        self.cancel_rotation("the append-only file cannot be written");
        if first || self.failure_logged.is_none_or(|logged| now - logged > LOG_EVERY) {
            self.failure_logged = Some(now);
            let doing =
                if what == "write" { "Error writing to the AOF file" } else { "Fail to fsync the AOF file" };
            tracing::error!(
                "{doing}: {}. No more writes are acknowledged until it works again",
                reason(error)
            );
            if woken > 0 && self.aof().always.load(Ordering::Relaxed) {
                tracing::error!(
                    "AOF fsync policy is 'always': of {woken} clients that wait for the disk, those are closed without an answer whose writes are not known to be kept"
                );
            }
        }
    }

    fn is_well_again(&mut self) {
        if self.has_failed() {
            tracing::warn!("AOF write error looks solved. The node can write again.");
            self.failure_logged = None;
            self.node.set_state(node_state::AOF_FAILED, false);
            self.aof().publish_failed(false);
        }
    }

    /// Until there is something to do.
    fn rest(&self, policy: AppendFsync, is_through: bool) {
        if !is_through {
            return;
        }
        if policy != AppendFsync::Always {
            std::thread::sleep(PACE);
        }
        let unsynced = policy == AppendFsync::Everysec && self.durable_position < self.position;
        let at_most =
            if unsynced { SYNC_EVERY.saturating_sub(self.last_sync.elapsed()).min(LOOK_UP) } else { LOOK_UP };
        let (node, position) = (&self.node, self.position);
        node.replication.bell.sleep(at_most, || {
            let orders = lock(&node.persistence.aof.orders);
            let is_ordered =
                orders.stop || orders.rotation.is_some() || orders.flush_to > self.durable_position;
            is_ordered || node.replication.offset() != position
        });
    }
}

/// Replaying the file, one has to know the database.
fn opening(database: Option<usize>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(database) = database {
        aof::commands::select(database as u64, &mut bytes);
    }
    bytes
}
