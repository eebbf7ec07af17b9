//! A snapshot of the whole node, without fork.
//!
//! ```text
//!   claim ─▶ all locks for an instant: every shard's epoch, the log's offset, the sinks
//!         ─▶ shard by shard, a few entries under its lock ─▶ RDB bytes ─▶ each sink
//! ```
//!
//! A writer that comes to an old entry first hands it over to the shard's queue, and the walk takes the queues
//! along at every visit: each shard is visited once a round, so a queue holds what was written to the shard in
//! one round. A round is long only when a sink is slow. The disk is waited for (then memory grows by what is
//! changed meanwhile, as it does with fork); a replica that is slow while the queues grow over its output limit
//! is cut off.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use rcl_store::rdb::{FileEncoder, FileInfo, KeyInfo, ReplicationInfo};
use rcl_store::snapshot::{HandedOver, WalkState};

use crate::clock;
use crate::eviction;
use crate::executor::Held;
use crate::node::Node;
use crate::replication::LogPoint;
use crate::scripting::functions::Functions;

/// So many entries are looked at under one lock.
const WALK_BUDGET: usize = 128;
/// Sinks get pieces of about this size.
const CHUNK_BYTES: usize = 64 * 1024;
const FULL_SINK_PAUSE: Duration = Duration::from_millis(1);
/// How often the queues are measured while a sink is full.
const MEASURE_EVERY: u32 = 100;
const DEFAULT_QUEUE_LIMIT_BYTES: usize = 256 * 1024 * 1024;

/// Where a snapshot goes.
pub trait Sink: Send {
    /// An error ends this sink, not the snapshot.
    fn write(&mut self, bytes: &Bytes) -> io::Result<SinkState>;
    /// All was written. A sink that is dropped without it got only a part.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SinkState {
    Taken,
    /// Nothing was taken: try again later.
    Full,
}

/// The right to make a snapshot; there is one.
pub struct Claim {
    node: Arc<Node>,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.node.persistence.snapshot_claimed.store(false, Ordering::Release);
        self.node.persistence.snapshot_ended.notify_waiters();
    }
}

/// `None` while another snapshot is running.
pub fn claim(node: &Arc<Node>) -> Option<Claim> {
    let claimed = node.persistence.snapshot_claimed.swap(true, Ordering::AcqRel);
    (!claimed).then(|| Claim { node: node.clone() })
}

#[derive(Clone, Copy, Debug)]
pub struct Summary {
    pub keys: u64,
    pub bytes: u64,
    /// [`Stats::dirty`](crate::stats::Stats) at the point.
    pub dirty: u64,
}

#[derive(Debug)]
pub enum SnapshotError {
    /// Nobody wants it (any more).
    NoSink,
    /// The last sink failed.
    Sink(io::Error),
    Store(rcl_store::snapshot::SnapshotError),
}

impl std::fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SnapshotError::NoSink => f.write_str("nobody waits for it any more"),
            SnapshotError::Sink(error) => error.fmt(f),
            SnapshotError::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SnapshotError {}

/// Makes a snapshot on the calling thread, which may take long. `at_point` runs under all locks, may amend the
/// point, and gives the sinks.
pub fn run(
    node: &Arc<Node>,
    claim: Claim,
    at_point: impl FnOnce(&mut LogPoint) -> Vec<Box<dyn Sink>>,
) -> Result<Summary, SnapshotError> {
    let (mut walk, database_sizes) = begin(node, at_point)?;
    let result = walk.walk_all(&database_sizes);
    if result.is_err() {
        walk.give_up();
    }
    drop(claim);
    result
}

fn begin(
    node: &Arc<Node>,
    at_point: impl FnOnce(&mut LogPoint) -> Vec<Box<dyn Sink>>,
) -> Result<(Walk, Vec<(u64, u64)>), SnapshotError> {
    let applying = node.replication.lock_applying();
    let mut held = Held::all(&node.shards);
    let mut point = node.replication.point();
    let sinks = at_point(&mut point);
    if sinks.is_empty() {
        return Err(SnapshotError::NoSink);
    }
    let mut sizes = Vec::new();
    let mut field_expiries = false;
    for index in 0..node.shards.count() {
        let Some(shard) = held.get(index) else { continue };
        shard.keyspace.begin_snapshot().map_err(SnapshotError::Store)?;
        field_expiries |= shard.keyspace.has_field_expiries();
        sizes.resize(shard.keyspace.database_count(), (0, 0));
        for (number, size) in sizes.iter_mut().enumerate() {
            size.0 += shard.keyspace.key_count(number) as u64;
            size.1 += shard.keyspace.volatile_key_count(number) as u64;
        }
    }
    if field_expiries {
        tracing::info!(
            "fields of hashes have expiries: the snapshot is RDB version 12, which Redis reads from 7.4 on"
        );
    }
    let dirty = node.stats.dirty.get();
    let functions = Arc::clone(&node.scripting.functions());
    drop(held);
    drop(applying);
    let unwalked = (0..node.shards.count()).collect();
    let node = node.clone();
    let walk = Walk {
        node,
        point,
        dirty,
        functions,
        field_expiries,
        sinks,
        last_error: None,
        unwalked,
        keys: 0,
        bytes: 0,
    };
    Ok((walk, sizes))
}

struct Walk {
    node: Arc<Node>,
    point: LogPoint,
    dirty: u64,
    functions: Arc<Functions>,
    /// At the point, fields of hashes had expiries.
    field_expiries: bool,
    sinks: Vec<Box<dyn Sink>>,
    last_error: Option<io::Error>,
    /// The shards that are not done.
    unwalked: Vec<usize>,
    keys: u64,
    bytes: u64,
}

impl Walk {
    fn walk_all(&mut self, sizes: &[(u64, u64)]) -> Result<Summary, SnapshotError> {
        let settings = self.node.settings().clone();
        // Of the walk's beginning: that is near enough for idle times.
        let now_ms = clock::now_ms();
        let mut out = Vec::with_capacity(CHUNK_BYTES * 2);
        let mut encoder = FileEncoder::start(settings.rdbcompression, &self.info(), &mut out);
        for library in self.functions.libraries() {
            encoder.function(&library.code, &mut out);
        }
        let mut database = None;
        let mut handed = Vec::new();
        while !self.unwalked.is_empty() {
            for index in self.unwalked.clone() {
                self.visit(index, &mut handed)?;
                for piece in handed.drain(..) {
                    let number = piece.db;
                    for entry in piece.into_entries() {
                        if database != Some(number) {
                            let (keys, volatile) = sizes.get(number).copied().unwrap_or_default();
                            encoder.database(number as u64, keys, volatile, &mut out);
                            database = Some(number);
                        }
                        let (idle_s, frequency) = eviction::kept_access(&settings, &entry, now_ms);
                        let info = KeyInfo { expiry_ms: entry.expiry(), idle_s, frequency };
                        encoder.key(entry.key(), entry.value(), info, &mut out);
                        self.keys += 1;
                        super::slow_down(settings.rdb_key_save_delay_us, self.keys);
                        if out.len() >= CHUNK_BYTES {
                            self.flush(&mut out)?;
                        }
                    }
                }
            }
        }
        encoder.finish(&mut out);
        if !settings.rdbchecksum
            && let Some(checksum) = out.last_chunk_mut::<8>()
        {
            // Zero says that there is none.
            *checksum = [0; 8];
        }
        self.flush(&mut out)?;
        self.finish()
    }

    fn info(&self) -> FileInfo<'_> {
        let point = &self.point;
        FileInfo {
            redis_version: crate::REDIS_VERSION,
            created_at_s: clock::now_ms() / 1000,
            used_memory_bytes: self.node.peak_memory_bytes.load(Ordering::Relaxed),
            field_expiries: self.field_expiries,
            aof_base: false,
            replication: point.is_active.then(|| ReplicationInfo {
                stream_database: point.database.unwrap_or(0) as u64,
                id: point.id.as_str().as_bytes(),
                offset: point.offset as i64,
            }),
        }
    }

    fn visit(&mut self, index: usize, handed: &mut Vec<HandedOver>) -> Result<(), SnapshotError> {
        let mut shard = self.node.shards.lock(index);
        let state = shard.keyspace.walk_snapshot(WALK_BUDGET, handed).map_err(SnapshotError::Store)?;
        if state == WalkState::Done {
            shard.keyspace.finish_snapshot().map_err(SnapshotError::Store)?;
            self.unwalked.retain(|other| *other != index);
        }
        Ok(())
    }

    fn flush(&mut self, out: &mut Vec<u8>) -> Result<(), SnapshotError> {
        if out.is_empty() {
            return Ok(());
        }
        let chunk = Bytes::copy_from_slice(out);
        out.clear();
        self.bytes += chunk.len() as u64;
        for mut sink in std::mem::take(&mut self.sinks) {
            match self.feed(sink.as_mut(), &chunk) {
                Ok(()) => self.sinks.push(sink),
                Err(error) => self.last_error = Some(error),
            }
        }
        if self.sinks.is_empty() { Err(self.no_sink_left()) } else { Ok(()) }
    }

    fn no_sink_left(&mut self) -> SnapshotError {
        self.last_error.take().map_or(SnapshotError::NoSink, SnapshotError::Sink)
    }

    /// Waits for a sink that is full, unless what writers hand over meanwhile grows too large.
    fn feed(&self, sink: &mut dyn Sink, chunk: &Bytes) -> io::Result<()> {
        let mut waits = 0u32;
        while sink.write(chunk)? == SinkState::Full {
            std::thread::sleep(FULL_SINK_PAUSE);
            waits = waits.wrapping_add(1);
            if waits.is_multiple_of(MEASURE_EVERY) && self.queued_bytes() > self.queue_limit() {
                let text =
                    "a replica took its copy so slowly that what was written meanwhile is over its limit";
                return Err(io::Error::other(text));
            }
        }
        Ok(())
    }

    fn queued_bytes(&self) -> usize {
        self.unwalked.iter().map(|&index| self.node.shards.lock(index).keyspace.snapshot_queue_bytes()).sum()
    }

    fn queue_limit(&self) -> usize {
        match self.node.settings().output_buffer_limits.replica.hard_bytes {
            0 => DEFAULT_QUEUE_LIMIT_BYTES,
            limit => limit as usize,
        }
    }

    fn finish(&mut self) -> Result<Summary, SnapshotError> {
        let mut finished = 0;
        for sink in std::mem::take(&mut self.sinks) {
            match sink.finish() {
                Ok(()) => finished += 1,
                Err(error) => self.last_error = Some(error),
            }
        }
        if finished == 0 {
            return Err(self.no_sink_left());
        }
        Ok(Summary { keys: self.keys, bytes: self.bytes, dirty: self.dirty })
    }

    /// Nothing stays behind in the shards.
    fn give_up(&mut self) {
        for index in std::mem::take(&mut self.unwalked) {
            let dropped = self.node.shards.lock(index).keyspace.abort_snapshot();
            drop(dropped);
        }
    }
}
