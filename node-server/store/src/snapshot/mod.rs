//! A point in time of one shard, without fork: who gets to an old entry first hands it over.
//!
//! ```text
//!   begin_snapshot     the shard's epoch changes; every entry still carries an older one
//!   walk_snapshot      the walker stamps entries with the new epoch and hands over a copy of each, some a call
//!   any write          to an entry of an older epoch: hands it over first (moved if it goes, copied if it changes), stamps it
//!   finish_snapshot    once the walk is done and the queue is drained
//! ```
//!
//! An entry is handed over exactly once, as it was at the point: after it, its epoch is the new one. Entries created since carry the new
//! epoch from the start. A flush hands whole tables over, without a look at the entries. A copy of a big collection shares its nodes
//! with the original, so it costs little; a copy of a long string costs its length.
//!
//! The queue isn't bounded here: [`Keyspace::snapshot_queue_bytes`] tells its size, and who drains it decides what a writer has to
//! do when it grows too long (wait for the sink, or give the snapshot up).
//!
//! Epochs are eight bits. A finished walk leaves one epoch in all entries, so they may wrap; snapshots given up half-way
//! leave more, and are counted: when the numbers run out, the next one first stamps every entry.

use crate::entry::Entry;
use crate::keyspace::{Keyspace, Removed};
use crate::table::{Position, Table, Wanted};

#[derive(Debug, Default)]
pub(crate) struct Snapshots {
    epoch: u8,
    /// How many epochs entries may carry besides the current one.
    unfinished: u8,
    running: Option<Running>,
}

#[derive(Debug, Default)]
struct Running {
    queue: Vec<HandedOver>,
    queued_bytes: usize,
    walk: WalkCursor,
    walked: bool,
}

/// The database is numbered as it was at the point: SWAPDB doesn't disturb the walk.
#[derive(Debug, Default)]
struct WalkCursor {
    number: usize,
    table: usize,
    hash: u64,
}

/// A piece of the snapshot.
#[derive(Debug)]
pub struct HandedOver {
    /// The number of the database at the point.
    pub db: usize,
    piece: Piece,
}

#[derive(Debug)]
enum Piece {
    Entry(Entry),
    /// A flushed table; its entries of `epoch` are none of the snapshot's.
    Table {
        table: Table<Entry>,
        epoch: u8,
    },
}

impl HandedOver {
    /// The entries as they were at the point, expired ones too.
    pub fn into_entries(self) -> impl Iterator<Item = Entry> {
        let (one, table) = match self.piece {
            Piece::Entry(entry) => (Some(entry), None),
            Piece::Table { table, epoch } => {
                (None, Some(table.into_entries().filter(move |entry| entry.epoch() != epoch)))
            }
        };
        one.into_iter().chain(table.into_iter().flatten())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalkState {
    More,
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotError {
    /// One snapshot of a shard at a time; it may feed any number of sinks.
    AlreadyRunning,
    NotRunning,
    /// The walk isn't done, or the queue isn't empty.
    Unfinished,
}

impl std::fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            SnapshotError::AlreadyRunning => "a snapshot of this shard is running already",
            SnapshotError::NotRunning => "no snapshot of this shard is running",
            SnapshotError::Unfinished => "the snapshot has not handed over everything yet",
        })
    }
}

impl std::error::Error for SnapshotError {}

impl Snapshots {
    #[inline]
    pub(crate) fn needs(&self, entry: &Entry) -> bool {
        self.running.is_some() && entry.epoch() != self.epoch
    }

    /// Before an entry changes in place.
    #[inline]
    pub(crate) fn before_change(&mut self, db: usize, entry: &mut Entry) {
        if self.needs(entry) {
            self.hand_over(db, entry.clone());
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
                self.hand_over(db, entry);
                Removed::HandedOver
            }
            Some(entry) => Removed::Entry(entry),
        }
    }

    pub(crate) fn hand_over(&mut self, db: usize, entry: Entry) {
        if let Some(running) = &mut self.running {
            running.queued_bytes += entry.memory_usage();
            running.queue.push(HandedOver { db, piece: Piece::Entry(entry) });
        }
    }

    /// Takes flushed tables if it needs them, and returns them if not.
    pub(crate) fn after_flush(&mut self, db: usize, tables: Vec<Table<Entry>>) -> Vec<Table<Entry>> {
        let epoch = self.epoch;
        match &mut self.running {
            Some(running) if !running.walked => {
                let pieces = tables.into_iter().filter(|table| !table.is_empty());
                running
                    .queue
                    .extend(pieces.map(|table| HandedOver { db, piece: Piece::Table { table, epoch } }));
                Vec::new()
            }
            _ => tables,
        }
    }
}

impl Keyspace {
    /// Fixes the point in time. All shards of a node begin under all their locks.
    pub fn begin_snapshot(&mut self) -> Result<(), SnapshotError> {
        if self.snapshots.running.is_some() {
            return Err(SnapshotError::AlreadyRunning);
        }
        if self.snapshots.unfinished >= u8::MAX - 1 {
            self.stamp_everything();
        }
        self.snapshots.epoch = self.snapshots.epoch.wrapping_add(1);
        self.snapshots.unfinished += 1;
        self.snapshots.running = Some(Running::default());
        for (number, database) in self.databases_mut().iter_mut().enumerate() {
            database.number_at_snapshot = number;
        }
        Ok(())
    }

    pub fn snapshot_is_running(&self) -> bool {
        self.snapshots.running.is_some()
    }

    /// Hands over some of the entries that nobody has handed over yet: looks at about `budget` entries. What writers handed over
    /// comes with it, so `handed` may grow by more.
    pub fn walk_snapshot(
        &mut self,
        budget: usize,
        handed: &mut Vec<HandedOver>,
    ) -> Result<WalkState, SnapshotError> {
        self.drain_snapshot(handed);
        let mut running = self.snapshots.running.take().ok_or(SnapshotError::NotRunning)?;
        let mut looked_at = 0;
        while looked_at < budget.max(1) && !running.walked {
            match self.walk_step(&mut running.walk, budget - looked_at, handed) {
                Some(count) => looked_at += count,
                None => running.walked = true,
            }
        }
        let state = if running.walked { WalkState::Done } else { WalkState::More };
        self.snapshots.running = Some(running);
        Ok(state)
    }

    /// One scan of one table. `None` when there is nothing left.
    fn walk_step(
        &mut self,
        walk: &mut WalkCursor,
        budget: usize,
        handed: &mut Vec<HandedOver>,
    ) -> Option<usize> {
        let epoch = self.snapshots.epoch;
        let hasher = self.hasher().clone();
        let number = walk.number;
        if number >= self.database_count() {
            return None;
        }
        let database =
            self.databases_mut().iter_mut().find(|database| database.number_at_snapshot == number)?;
        let Some(index) = database.next_occupied(walk.table) else {
            *walk = WalkCursor { number: number + 1, ..WalkCursor::default() };
            return Some(0);
        };
        if index != walk.table {
            (walk.table, walk.hash) = (index, 0);
        }
        let table = database.table_mut(index)?;
        let mut positions: Vec<Position> = Vec::new();
        let hash_of = |entry: &Entry| hasher.hash(entry.key());
        let next = table.scan_positions(walk.hash, budget, Wanted::All, hash_of, |position, _| {
            positions.push(position);
        });
        for &position in &positions {
            if let Some(entry) = table.at_mut(position).filter(|entry| entry.epoch() != epoch) {
                handed.push(HandedOver { db: number, piece: Piece::Entry(entry.clone()) });
                entry.set_epoch(epoch);
            }
        }
        match next {
            Some(hash) => walk.hash = hash,
            None => (walk.table, walk.hash) = (index + 1, 0),
        }
        // At least one, so that a call ends even where all is empty.
        Some(positions.len().max(1))
    }

    /// Takes out what writers have handed over since the last call.
    pub fn drain_snapshot(&mut self, handed: &mut Vec<HandedOver>) {
        if let Some(running) = &mut self.snapshots.running {
            handed.append(&mut running.queue);
            running.queued_bytes = 0;
        }
    }

    /// Bytes that writers have handed over and nobody has drained; flushed tables are not counted.
    pub fn snapshot_queue_bytes(&self) -> usize {
        self.snapshots.running.as_ref().map_or(0, |running| running.queued_bytes)
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
    pub fn abort_snapshot(&mut self) -> Vec<HandedOver> {
        self.snapshots.running.take().map(|running| running.queue).unwrap_or_default()
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
