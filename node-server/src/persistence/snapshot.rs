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
//! **Locks.** What is done under a shard's lock is bounded (`walk.rs`): entries looked at, and bytes copied. All else
//! (compression, checksum, the sinks: `writing.rs`) is done without, and every few dozen microseconds whoever wants the processor has it.
//! How long locks were held INFO tells.
//!
//! **Slow sinks.** A writer that comes to an old entry first hands it over to the shard's queue, and the walk takes the
//! queue along at every visit: each shard is visited once a round, so a queue holds what was written to the shard in
//! one round. A round is long only when a sink is slow; no writer waits for it. What the queues hold is limited: to half of the
//! memory that was used at the point, and at least [`LEAST_ROOM_BYTES`]. A replica that is slow while the queues grow over its output
//! limit, or over half of that, is cut off. A disk that is slow for longer than that costs the snapshot, with an error
//! that says so: where fork would go on taking memory up to as much again as the data.

mod rests;
mod walk;
mod writing;

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use rcl_store::snapshot::{Handed, Room, WalkState};

use self::walk::{VISIT, Walk};
pub use self::writing::without_keys;
use self::writing::{AtPoint, Writing};
use super::save;
use crate::allocator;
use crate::clock;
use crate::executor::Held;
use crate::node::Node;
use crate::replication::{LogPoint, full_sync};

const LEAST_ROOM_BYTES: usize = 256 * 1024 * 1024;

/// Who comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// The snapshot is waited for: as fast as it goes.
    Prompt,
    /// Clients are served meanwhile.
    GivingWay,
}

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
    /// A replica cannot serve before it has all.
    fn is_waited_for(&self) -> bool {
        false
    }
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
    /// All data were flushed meanwhile.
    CalledOff,
    /// The last sink failed.
    Sink(io::Error),
    Store(rcl_store::snapshot::SnapshotError),
}

impl std::fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SnapshotError::NoSink => f.write_str("nobody waits for it any more"),
            SnapshotError::CalledOff => f.write_str("it was called off: all data were flushed"),
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
    pace: Pace,
    at_point: impl FnOnce(&mut LogPoint) -> Vec<Box<dyn Sink>>,
) -> Result<Summary, SnapshotError> {
    run_as(node, claim, pace, Format::Rdb, at_point)
}

/// The same in any format. Only an RDB file serves others on the way: replicas, and a save that is scheduled.
pub fn run_as(
    node: &Arc<Node>,
    claim: Claim,
    pace: Pace,
    format: Format,
    at_point: impl FnOnce(&mut LogPoint) -> Vec<Box<dyn Sink>>,
) -> Result<Summary, SnapshotError> {
    let room_bytes = (allocator::used_bytes() as usize / 2).max(LEAST_ROOM_BYTES);
    run_within(node, claim, pace, Arc::new(Room::new(room_bytes)), format, at_point)
}

fn run_within(
    node: &Arc<Node>,
    claim: Claim,
    pace: Pace,
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
    let result = begin(node, room, pace, format, |point| {
        // Who goes down makes the last snapshot without replicas: they might be slow.
        let is_last = node.persistence.shutdown_in_progress.load(Ordering::Acquire);
        let mut sinks =
            if is_last || !serves_others { Vec::new() } else { full_sync::start_waiting(node, point) };
        sinks.extend(at_point(point));
        sinks.extend(file);
        sinks
    });
    let result = result.and_then(|(mut walk, writing)| {
        let result = walk.all(writing, pace);
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
                shard.keyspace.walk_snapshot(VISIT, &mut Handed::default()).map_err(SnapshotError::Store)?;
            if walked.state == WalkState::Done {
                shard.keyspace.finish_snapshot().map_err(SnapshotError::Store)?;
                break;
            }
        }
    }
    Ok(())
}

fn begin(
    node: &Arc<Node>,
    room: Arc<Room>,
    pace: Pace,
    format: Format,
    at_point: impl FnOnce(&mut LogPoint) -> Vec<Box<dyn Sink>>,
) -> Result<(Walk, Writing), SnapshotError> {
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
    // Who waits for a save gets one of the data that there were, and the file of what happens needs a whole base.
    let ends_with_the_data = format == Format::Rdb && pace == Pace::GivingWay;
    let flushes = ends_with_the_data.then(|| node.persistence.flushes.load(Ordering::Acquire));
    let functions = Arc::clone(&node.scripting.functions());
    drop(held);
    let held_for = clock::monotonic() - locked_at;
    drop(applying);
    node.latency.note("snapshot-point", held_for);
    node.stats.snapshots.add(1);
    node.persistence.progress.note_point(sizes.iter().map(|(keys, _)| keys).sum(), held_for);
    if field_expiries {
        tracing::info!(
            "fields of hashes have expiries: the snapshot is RDB version 12, which Redis reads from 7.4 on"
        );
    }
    let at_point = AtPoint { log: point, dirty, flushes, functions, field_expiries, sizes };
    let writing = Writing::start(node, format, at_point, room.clone(), sinks);
    Ok((Walk::new(node, room), writing))
}

#[cfg(test)]
mod tests;
