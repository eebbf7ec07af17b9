//! A point in time of one shard, without fork: who gets to an old entry first hands it over.
//!
//! ```text
//!   begin_snapshot     the shard's epoch changes; every entry still carries an older one
//!   walk_snapshot      the walker stamps entries with the new epoch and hands over a copy of each, some a call (walk.rs)
//!   any write          to an entry of an older epoch: hands it over first (moved if it goes, copied if it changes), stamps it
//!   finish_snapshot    once the walk is done and the queue is drained
//! ```
//!
//! An entry is handed over exactly once, as it was at the point: after it, its epoch is the new one. Entries created since carry the new
//! epoch from the start. A flush hands whole tables over, without a look at the entries. A copy shares what does not lie in
//! the entry's block, so it costs little; who writes to that while it is shared copies what he touches: of a big collection the
//! way to some of its nodes, of a long string all.
//!
//! **The queue.** What writers have handed over waits for the walk, which takes it along at every call: by the lot, so that
//! neither side does more under its lock when there is much of it. When whoever walks is held up, it grows, up to the limit of the
//! snapshot's [`Room`]: what comes after that is not handed over, and the snapshot is lost ([`SnapshotError::Overrun`]). Flushed tables do not count: what is in them was there at the point, and was to go.
//!
//! **Epochs** are eight bits. A finished walk leaves one epoch in all entries, so they may wrap; snapshots given up half-way
//! leave more, and are counted. Before the numbers run out a walk that hands nothing over stamps every entry
//! ([`Keyspace::begin_stamping`]).

mod handed;
mod room;
mod walk;

use std::sync::Arc;

use crate::entry::Entry;
use crate::keyspace::{Keyspace, Removed};
use crate::table::Table;

use handed::{FlushedTables, Piece, Queue};
pub use handed::{Handed, HandedOver};
pub use room::{Room, WritersShare};
use walk::WalkCursor;
pub use walk::{WalkBudget, WalkState, Walked};

/// So many snapshots may be given up before the entries are stamped anew.
const MOST_UNFINISHED: u8 = 200;

#[derive(Debug, Default)]
pub(crate) struct Snapshots {
    epoch: u8,
    /// How many epochs entries may carry besides the current one.
    unfinished: u8,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    queue: Queue,
    room: Arc<Room>,
    walk: WalkCursor,
    walked: bool,
    /// Only the epochs matter: nobody wants the entries.
    discards: bool,
}

impl Running {
    fn new(room: Arc<Room>, discards: bool) -> Running {
        Running { queue: Queue::default(), room, walk: WalkCursor::default(), walked: false, discards }
    }

    fn keeps(&self) -> bool {
        !self.discards && !self.room.is_overrun()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotError {
    /// One snapshot of a shard at a time; it may feed any number of sinks.
    AlreadyRunning,
    NotRunning,
    /// The walk isn't done, or the queue isn't empty.
    Unfinished,
    /// Writers had more to hand over than there is room for.
    Overrun,
}

impl std::fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            SnapshotError::AlreadyRunning => "a snapshot of this shard is running already",
            SnapshotError::NotRunning => "no snapshot of this shard is running",
            SnapshotError::Unfinished => "the snapshot has not handed over everything yet",
            SnapshotError::Overrun => {
                "more was written over while it was made than may be kept for it: it was taken too slowly"
            }
        })
    }
}

impl std::error::Error for SnapshotError {}

impl Snapshots {
    #[inline]
    pub(crate) fn needs(&self, entry: &Entry) -> bool {
        self.running.as_ref().is_some_and(|running| entry.epoch() != self.epoch && running.keeps())
    }

    /// Before an entry changes in place.
    #[inline]
    pub(crate) fn before_change(&mut self, db: usize, entry: &mut Entry) {
        if self.needs(entry) {
            self.hand_over(db, entry.unshare_bytes(), || entry.clone());
            entry.set_epoch(self.epoch);
        }
    }

    #[inline]
    pub(crate) fn before_insert(&self, entry: &mut Entry) {
        entry.set_epoch(self.epoch);
    }

    pub(crate) fn after_removal(&mut self, db: usize, entry: Option<Entry>) -> Removed {
        match entry {
            None => Removed::Absent,
            Some(entry) if self.needs(&entry) => {
                self.hand_over_whole(db, entry);
                Removed::HandedOver
            }
            Some(entry) => Removed::Entry(entry),
        }
    }

    /// An entry that the keyspace has no more.
    pub(crate) fn hand_over_whole(&mut self, db: usize, entry: Entry) {
        self.hand_over(db, entry.memory_usage(), || entry);
    }

    fn hand_over(&mut self, db: usize, room_bytes: usize, entry: impl FnOnce() -> Entry) {
        if let Some(running) = &mut self.running
            && running.room.take(room_bytes)
        {
            running.queue.push(HandedOver { db, room_bytes, piece: Piece::Entry(entry()) });
        }
    }

    /// Takes flushed tables if it needs them, and returns them if not.
    pub(crate) fn after_flush(&mut self, db: usize, tables: Vec<Table<Entry>>) -> Vec<Table<Entry>> {
        let epoch = self.epoch;
        match &mut self.running {
            Some(running)
                if !running.walked && running.keeps() && tables.iter().any(|table| !table.is_empty()) =>
            {
                let piece = Piece::Flushed(Box::new(FlushedTables { tables, epoch }));
                running.queue.push(HandedOver { db, room_bytes: 0, piece });
                Vec::new()
            }
            _ => tables,
        }
    }
}

impl Keyspace {
    /// Fixes the point in time. All shards of a node begin under all their locks, and have one room.
    pub fn begin_snapshot(&mut self, room: Arc<Room>) -> Result<(), SnapshotError> {
        self.begin(Running::new(room, false))
    }

    /// The epochs are about to run out.
    pub fn needs_stamping(&self) -> bool {
        self.snapshots.unfinished >= MOST_UNFINISHED
    }

    /// Begins a walk that hands nothing over. It is walked and finished as a snapshot is.
    pub fn begin_stamping(&mut self) -> Result<(), SnapshotError> {
        self.begin(Running::new(Arc::new(Room::new(0)), true))
    }

    fn begin(&mut self, running: Running) -> Result<(), SnapshotError> {
        if self.snapshots.running.is_some() {
            return Err(SnapshotError::AlreadyRunning);
        }
        if self.snapshots.unfinished >= u8::MAX - 1 {
            // Nobody stamped them in time.
            self.stamp_everything();
        }
        self.snapshots.epoch = self.snapshots.epoch.wrapping_add(1);
        self.snapshots.unfinished += 1;
        self.snapshots.running = Some(running);
        for (number, database) in self.databases_mut().iter_mut().enumerate() {
            database.number_at_snapshot = number;
        }
        Ok(())
    }

    pub fn snapshot_is_running(&self) -> bool {
        self.snapshots.running.is_some()
    }

    /// Takes out what writers have handed over since the last call.
    pub fn drain_snapshot(&mut self, handed: &mut Handed) {
        if let Some(running) = &mut self.snapshots.running {
            handed.queued.append(&mut running.queue);
        }
    }

    /// Ends a snapshot of which everything has been handed over and drained.
    pub fn finish_snapshot(&mut self) -> Result<(), SnapshotError> {
        let running = self.snapshots.running.as_ref().ok_or(SnapshotError::NotRunning)?;
        if !running.walked || !running.queue.is_empty() {
            return Err(SnapshotError::Unfinished);
        }
        self.snapshots.running = None;
        self.snapshots.unfinished = 0;
        Ok(())
    }

    /// Gives a snapshot up. What is in the queue is returned to be dropped elsewhere.
    pub fn abort_snapshot(&mut self) -> Handed {
        let queued = self.snapshots.running.take().map(|running| running.queue).unwrap_or_default();
        Handed { walked: Vec::new(), queued }
    }

    fn stamp_everything(&mut self) {
        let epoch = self.snapshots.epoch;
        for database in self.databases_mut() {
            let mut index = 0;
            while let Some(occupied) = database.next_occupied(index) {
                if let Some(table) = database.table_mut(occupied) {
                    table.iter_mut().for_each(|entry| entry.set_epoch(epoch));
                }
                index = occupied + 1;
            }
        }
        self.snapshots.unfinished = 0;
    }
}

#[cfg(test)]
mod tests;
