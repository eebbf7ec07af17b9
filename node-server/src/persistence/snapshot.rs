//! A snapshot of the whole node, without fork.
//!
//! ```text
//!   claim ─▶ all locks for an instant: every shard's epoch, the log's offset, the sinks
//!         ─▶ shard by shard, a few entries under its lock ─▶ RDB bytes ─▶ each sink
//! ```
//!
//! **One point, many sinks.** Whoever makes a snapshot takes along who waits for one: replicas that need a full copy, and a
//! save that is scheduled. Each sink fails alone, and the snapshot with the last of them.
//!
//! **Locks.** What is done under a shard's lock is bounded by [`VISIT`]: entries looked at, and bytes copied. All else
//! (compression, checksum, the sinks) is done without. The walk sleeps for a moment now and then, before it takes a lock: that
//! lets other threads go first, and a thread that has just slept is seldom sent to sleep while it holds a lock. How long it
//! held them INFO tells.
//!
//! **Slow sinks.** A writer that comes to an old entry first hands it over to the shard's queue, and the walk takes the
//! queue along at every visit: each shard is visited once a round, so a queue holds what was written to the shard in
//! one round. A round is long only when a sink is slow; no writer waits for it. What the queues hold is limited: to half of the
//! memory that was used at the point, and at least [`LEAST_ROOM_BYTES`]. A replica that is slow while the queues grow over its output
//! limit, or over half of that, is cut off. A disk that is slow for longer than that costs the snapshot, with an error
//! that says so: where fork would go on taking memory up to as much again as the data.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rcl_store::aof;
use rcl_store::entry::Entry;
use rcl_store::rdb::{FileEncoder, FileInfo, KeyInfo, ReplicationInfo};
use rcl_store::snapshot::{HandedOver, Room, WalkBudget, WalkState};

use super::save;
use crate::allocator;
use crate::clock;
use crate::config::Settings;
use crate::eviction;
use crate::executor::Held;
use crate::node::Node;
use crate::replication::{LogPoint, full_sync};
use crate::scripting::functions::Functions;

/// What is done under a lock at a time.
const VISIT: WalkBudget = WalkBudget { entries: 128, bytes: 64 * 1024 };
/// After so long the walk sleeps for a moment, which is as short as the system makes it.
const STRETCH: Duration = Duration::from_micros(300);
const MOMENT: Duration = Duration::from_micros(1);
/// Sinks get pieces of about this size.
const CHUNK_BYTES: usize = 64 * 1024;
const FULL_SINK_PAUSE: Duration = Duration::from_millis(1);
/// A longer one is made in pieces.
const LONGEST_DELAY_US: i64 = 10_000;
const LEAST_ROOM_BYTES: usize = 256 * 1024 * 1024;

/// As what a snapshot is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Rdb,
    /// An RDB file that is the base of an append-only file.
    AofBase,
    /// The commands that make the data.
    Commands,
}

/// Where a snapshot goes.
pub trait Sink: Send {
    /// An error ends this sink, not the snapshot.
    fn write(&mut self, bytes: &Bytes) -> io::Result<SinkState>;
    /// All was written. A sink that is dropped without it got only a part.
    fn finish(self: Box<Self>) -> io::Result<()>;
    /// Nobody wants it any more: it ends at the next piece.
    fn is_called_off(&self) -> bool {
        false
    }
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
    let room_bytes = (allocator::used_bytes() as usize / 2).max(LEAST_ROOM_BYTES);
    run_within(node, claim, Arc::new(Room::new(room_bytes)), Format::Rdb, at_point)
}

/// The same in any format. Only an RDB file serves others on the way: replicas, and a save that is scheduled.
pub fn run_as(
    node: &Arc<Node>,
    claim: Claim,
    format: Format,
    at_point: impl FnOnce(&mut LogPoint) -> Vec<Box<dyn Sink>>,
) -> Result<Summary, SnapshotError> {
    let room_bytes = (allocator::used_bytes() as usize / 2).max(LEAST_ROOM_BYTES);
    run_within(node, claim, Arc::new(Room::new(room_bytes)), format, at_point)
}

fn run_within(
    node: &Arc<Node>,
    claim: Claim,
    room: Arc<Room>,
    format: Format,
    at_point: impl FnOnce(&mut LogPoint) -> Vec<Box<dyn Sink>>,
) -> Result<Summary, SnapshotError> {
    let progress = &node.persistence.progress;
    stamp_where_needed(node)?;
    // Files are created before anything is locked.
    let serves_others = format == Format::Rdb;
    let (scheduled, file) = Some(node).filter(|_| serves_others).and_then(save::begin_scheduled).unzip();
    progress.begin(clock::now_ms(), &room);
    let result = begin(node, room, format, |point| {
        // Who goes down makes the last snapshot without replicas: they might be slow.
        let is_last = node.persistence.shutdown_in_progress.load(Ordering::Acquire);
        let mut sinks =
            if is_last || !serves_others { Vec::new() } else { full_sync::start_waiting(node, point) };
        sinks.extend(at_point(point));
        sinks.extend(file);
        sinks
    });
    let result = result.and_then(|(mut walk, sizes)| {
        let result = walk.walk_all(&sizes);
        if result.is_err() {
            walk.give_up();
        }
        result
    });
    progress.end();
    if let Some(scheduled) = scheduled {
        // Its failure is logged, counted and shown there.
        let _ = scheduled.end(node, &result);
    }
    drop(claim);
    result
}

/// Where so many snapshots were given up that the store runs out of numbers for them.
fn stamp_where_needed(node: &Node) -> Result<(), SnapshotError> {
    for index in 0..node.shards.count() {
        if !node.shards.lock(index).keyspace.needs_stamping() {
            continue;
        }
        node.shards.lock(index).keyspace.begin_stamping().map_err(SnapshotError::Store)?;
        loop {
            let mut shard = node.shards.lock(index);
            let walked =
                shard.keyspace.walk_snapshot(VISIT, &mut Vec::new()).map_err(SnapshotError::Store)?;
            if walked.state == WalkState::Done {
                shard.keyspace.finish_snapshot().map_err(SnapshotError::Store)?;
                break;
            }
        }
    }
    Ok(())
}

/// How many keys a database has, and how many of them expire.
type DatabaseSize = (u64, u64);

fn begin(
    node: &Arc<Node>,
    room: Arc<Room>,
    format: Format,
    at_point: impl FnOnce(&mut LogPoint) -> Vec<Box<dyn Sink>>,
) -> Result<(Walk, Vec<DatabaseSize>), SnapshotError> {
    let applying = node.replication.lock_applying();
    let mut held = Held::all_at_once(&node.shards);
    let locked_at = clock::monotonic();
    let mut point = node.replication.point();
    let sinks = at_point(&mut point);
    if sinks.is_empty() {
        return Err(SnapshotError::NoSink);
    }
    let mut sizes = Vec::new();
    let mut field_expiries = false;
    for index in 0..node.shards.count() {
        let Some(shard) = held.get(index) else { continue };
        shard.keyspace.begin_snapshot(room.clone()).map_err(SnapshotError::Store)?;
        field_expiries |= shard.keyspace.has_field_expiries();
        sizes.resize(shard.keyspace.database_count(), (0, 0));
        for (number, size) in sizes.iter_mut().enumerate() {
            size.0 += shard.keyspace.key_count(number) as u64;
            size.1 += shard.keyspace.volatile_key_count(number) as u64;
        }
    }
    let dirty = node.stats.dirty.get();
    let functions = Arc::clone(&node.scripting.functions());
    drop(held);
    let held_for = clock::monotonic() - locked_at;
    drop(applying);
    node.latency.note("snapshot-point", held_for);
    node.persistence.progress.note_point(sizes.iter().map(|(keys, _)| keys).sum(), held_for);
    if field_expiries {
        tracing::info!(
            "fields of hashes have expiries: the snapshot is RDB version 12, which Redis reads from 7.4 on"
        );
    }
    let walk = Walk {
        node: node.clone(),
        format,
        point,
        dirty,
        functions,
        field_expiries,
        room,
        sinks,
        last_error: None,
        unwalked: (0..node.shards.count()).collect(),
        stretch_began: clock::monotonic(),
        keys: 0,
        bytes: 0,
    };
    Ok((walk, sizes))
}

/// Turns what the walk comes to into bytes.
enum Encoder {
    Rdb(FileEncoder),
    Commands,
}

impl Encoder {
    fn function(&mut self, code: &[u8], out: &mut Vec<u8>) {
        match self {
            Encoder::Rdb(encoder) => encoder.function(code, out),
            Encoder::Commands => aof::commands::function(code, out),
        }
    }

    fn database(&mut self, number: u64, keys: u64, volatile: u64, out: &mut Vec<u8>) {
        match self {
            Encoder::Rdb(encoder) => encoder.database(number, keys, volatile, out),
            Encoder::Commands => aof::commands::select(number, out),
        }
    }

    fn key(&mut self, entry: &Entry, info: KeyInfo, out: &mut Vec<u8>) {
        match self {
            Encoder::Rdb(encoder) => encoder.key(entry.key(), entry.value(), info, out),
            Encoder::Commands => aof::commands::key(entry.key(), entry.value(), info.expiry_ms, out),
        }
    }

    fn leaves(&mut self, out: &[u8]) {
        if let Encoder::Rdb(encoder) = self {
            encoder.leaves(out);
        }
    }

    fn finish(self, out: &mut Vec<u8>) {
        if let Encoder::Rdb(encoder) = self {
            encoder.finish(out);
        }
    }
}

struct Walk {
    node: Arc<Node>,
    format: Format,
    point: LogPoint,
    dirty: u64,
    functions: Arc<Functions>,
    /// At the point, fields of hashes had expiries.
    field_expiries: bool,
    /// For what writers hand over.
    room: Arc<Room>,
    sinks: Vec<Box<dyn Sink>>,
    last_error: Option<io::Error>,
    /// The shards that are not done.
    unwalked: Vec<usize>,
    /// Others went first.
    stretch_began: Instant,
    keys: u64,
    bytes: u64,
}

impl Walk {
    /// A long delay is none for who calls it off.
    fn slow_down(&self, delay_us: i64) {
        let mut left_us = delay_us;
        while left_us > LONGEST_DELAY_US && !self.sinks.iter().all(|sink| sink.is_called_off()) {
            super::slow_down(LONGEST_DELAY_US, self.keys);
            left_us -= LONGEST_DELAY_US;
        }
        super::slow_down(left_us.min(LONGEST_DELAY_US), self.keys);
    }

    fn walk_all(&mut self, sizes: &[DatabaseSize]) -> Result<Summary, SnapshotError> {
        let settings = self.node.settings().clone();
        // Of the walk's beginning: that is near enough for idle times.
        let now_ms = clock::now_ms();
        let mut out = Vec::with_capacity(CHUNK_BYTES * 2);
        let mut encoder = self.encoder(&settings, &mut out);
        for library in self.functions.libraries() {
            encoder.function(&library.code, &mut out);
        }
        let mut database = None;
        let mut handed = Vec::new();
        while !self.unwalked.is_empty() {
            for index in self.unwalked.clone() {
                self.visit(index, &mut handed)?;
                for piece in handed.drain(..) {
                    let (number, room_bytes) = (piece.db, piece.room_bytes());
                    for entry in piece.into_entries() {
                        if database != Some(number) {
                            let (keys, volatile) = sizes.get(number).copied().unwrap_or_default();
                            encoder.database(number as u64, keys, volatile, &mut out);
                            database = Some(number);
                        }
                        let (idle_s, frequency) = eviction::kept_access(&settings, &entry, now_ms);
                        let info = KeyInfo { expiry_ms: entry.expiry(), idle_s, frequency };
                        encoder.key(&entry, info, &mut out);
                        self.keys += 1;
                        self.slow_down(settings.rdb_key_save_delay_us);
                        if out.len() >= CHUNK_BYTES {
                            encoder.leaves(&out);
                            self.flush(&mut out)?;
                        }
                    }
                    self.room.release(room_bytes);
                }
                self.node.persistence.progress.note_keys(self.keys);
            }
        }
        encoder.finish(&mut out);
        if !settings.rdbchecksum
            && self.format != Format::Commands
            && let Some(checksum) = out.last_chunk_mut::<8>()
        {
            // Zero says that there is none.
            *checksum = [0; 8];
        }
        self.flush(&mut out)?;
        self.finish()
    }

    fn encoder(&self, settings: &Settings, out: &mut Vec<u8>) -> Encoder {
        if self.format != Format::Commands {
            return Encoder::Rdb(FileEncoder::start(settings.rdbcompression, &self.info(), out));
        }
        if settings.aof_timestamp_enabled {
            aof::timestamp(clock::now_ms() / 1000, out);
        }
        Encoder::Commands
    }

    fn info(&self) -> FileInfo<'_> {
        let point = &self.point;
        FileInfo {
            redis_version: crate::REDIS_VERSION,
            created_at_s: clock::now_ms() / 1000,
            used_memory_bytes: self.node.peak_memory_bytes.load(Ordering::Relaxed),
            field_expiries: self.field_expiries,
            aof_base: self.format == Format::AofBase,
            replication: point.is_active.then(|| ReplicationInfo {
                stream_database: point.database.unwrap_or(0) as u64,
                id: point.id.as_str().as_bytes(),
                offset: point.offset as i64,
            }),
        }
    }

    fn visit(&mut self, index: usize, handed: &mut Vec<HandedOver>) -> Result<(), SnapshotError> {
        self.let_others_go_first();
        let mut shard = self.node.shards.lock(index);
        let (locked_at, cpu_at) = (clock::monotonic(), clock::thread_cpu());
        let walked = shard.keyspace.walk_snapshot(VISIT, handed).map_err(SnapshotError::Store)?;
        if walked.state == WalkState::Done {
            shard.keyspace.finish_snapshot().map_err(SnapshotError::Store)?;
            self.unwalked.retain(|other| *other != index);
        }
        drop(shard);
        let held_for = clock::monotonic() - locked_at;
        let cpu = clock::thread_cpu().and_then(|now| now.checked_sub(cpu_at?));
        self.node.persistence.progress.note_visit(held_for, cpu);
        self.node.latency.note("snapshot-visit", held_for);
        Ok(())
    }

    fn let_others_go_first(&mut self) {
        if self.stretch_began.elapsed() >= STRETCH {
            std::thread::sleep(MOMENT);
            self.stretch_began = clock::monotonic();
        }
    }

    fn flush(&mut self, out: &mut Vec<u8>) -> Result<(), SnapshotError> {
        if out.is_empty() {
            return Ok(());
        }
        let chunk = Bytes::from(std::mem::take(out));
        self.bytes += chunk.len() as u64;
        for mut sink in std::mem::take(&mut self.sinks) {
            match self.feed(sink.as_mut(), &chunk) {
                Ok(()) => self.sinks.push(sink),
                Err(error) => self.last_error = Some(error),
            }
        }
        // Its memory is used again where no sink keeps it.
        *out = if chunk.is_unique() { Vec::from(chunk) } else { Vec::with_capacity(CHUNK_BYTES * 2) };
        out.clear();
        if self.sinks.is_empty() { Err(self.no_sink_left()) } else { Ok(()) }
    }

    fn no_sink_left(&mut self) -> SnapshotError {
        self.last_error.take().map_or(SnapshotError::NoSink, SnapshotError::Sink)
    }

    /// Waits for a sink that is full, unless what writers hand over meanwhile grows too large.
    fn feed(&self, sink: &mut dyn Sink, chunk: &Bytes) -> io::Result<()> {
        while sink.write(chunk)? == SinkState::Full {
            if self.room.used_bytes() > self.room_for_replicas() {
                let text =
                    "a replica took its copy so slowly that what was written meanwhile is over its limit";
                return Err(io::Error::other(text));
            }
            std::thread::sleep(FULL_SINK_PAUSE);
        }
        Ok(())
    }

    /// A replica is given up before the snapshot is.
    fn room_for_replicas(&self) -> usize {
        let half = self.room.limit_bytes() / 2;
        match self.node.settings().output_buffer_limits.replica.hard_bytes {
            0 => half,
            limit => half.min(limit as usize),
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

#[cfg(test)]
mod tests;
