//! The walk: each call takes some entries along that nobody has handed over yet, and no more work than it was allowed.
//!
//! What a call does under its lock is counted in entries looked at and in bytes copied, and it ends with the first entry that
//! brings it to either limit. No entry can be far more than that: what does not lie in its block is shared, whatever it is
//! and however long (a key alone is copied whole). And while the snapshot has no more than it can write at a time of
//! what it shares, who writes over that frees it: what is shared counts against the limit in bytes, too.

use super::{Handed, HandedOver, Piece, Running, SnapshotError};
use crate::entry::Entry;
use crate::keyspace::Keyspace;
use crate::table::{Position, Table, Wanted};

/// What one call may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalkBudget {
    pub entries: usize,
    pub bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalkState {
    More,
    Done,
}

/// What a call did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walked {
    pub state: WalkState,
    /// Looked at, whether or not somebody had handed them over already.
    pub entries: usize,
    /// Copied; a reference count counts as much as it costs to raise one.
    pub bytes: usize,
    /// What lies in one piece and is shared.
    pub shared_bytes: usize,
}

impl Walked {
    fn has_room_for_bytes(&self, budget: WalkBudget) -> bool {
        self.bytes.saturating_add(self.shared_bytes) < budget.bytes.max(1)
    }

    fn is_within(&self, budget: WalkBudget) -> bool {
        self.entries < budget.entries.max(1) && self.has_room_for_bytes(budget)
    }
}

/// The database is numbered as it was at the point: SWAPDB doesn't disturb the walk.
#[derive(Debug, Default)]
pub(super) struct WalkCursor {
    number: usize,
    table: usize,
    hash: u64,
    /// Where the entries are that a step looks at. Kept, so that nothing is allocated for it.
    found: Vec<Position>,
}

impl Keyspace {
    /// Hands over some of the entries that nobody has handed over yet. What writers handed over comes with it, so `handed` may
    /// grow by more than the budget.
    pub fn walk_snapshot(
        &mut self,
        budget: WalkBudget,
        handed: &mut Handed,
    ) -> Result<Walked, SnapshotError> {
        self.drain_snapshot(handed);
        let mut running = self.snapshots.running.take().ok_or(SnapshotError::NotRunning)?;
        let mut walked = Walked { state: WalkState::More, entries: 0, bytes: 0, shared_bytes: 0 };
        while walked.is_within(budget) && !running.walked {
            self.walk_step(&mut running, budget, &mut walked, handed);
        }
        if running.walked {
            walked.state = WalkState::Done;
        }
        let is_overrun = running.room.is_overrun();
        self.snapshots.running = Some(running);
        if is_overrun { Err(SnapshotError::Overrun) } else { Ok(walked) }
    }

    /// One scan of one table.
    fn walk_step(
        &mut self,
        running: &mut Running,
        budget: WalkBudget,
        walked: &mut Walked,
        handed: &mut Handed,
    ) {
        let epoch = self.snapshots.epoch;
        let hasher = self.hasher().clone();
        let keeps = !running.discards;
        let walk = &mut running.walk;
        let number = walk.number;
        let database = self.databases_mut().iter_mut().find(|database| database.number_at_snapshot == number);
        let Some(database) = database else {
            running.walked = true;
            return;
        };
        let index = database.next_occupied(walk.table);
        let Some((index, table)) = index.and_then(|index| Some((index, database.table_mut(index)?))) else {
            (walk.number, walk.table, walk.hash) = (number + 1, 0, 0);
            return;
        };
        // The table may have been flushed.
        if index != walk.table {
            (walk.table, walk.hash) = (index, 0);
        }
        table.ahead(walk.hash, budget.entries, Entry::prefetch);
        let hash_of = |entry: &Entry| hasher.hash(entry.key());
        let found = &mut walk.found;
        found.clear();
        let left = budget.entries.saturating_sub(walked.entries);
        let next = table.scan_positions(walk.hash, left, Wanted::All, hash_of, |position, _| {
            found.push(position);
        });
        // At least one, so that a call ends even where all is empty.
        walked.entries += found.len().max(1);
        let mut step = WalkStep { table, number, epoch, keeps, budget, walked, handed };
        if step.take_along(&walk.found) {
            (walk.table, walk.hash) = next.map_or((index + 1, 0), |hash| (index, hash));
        }
    }
}

struct WalkStep<'a> {
    table: &'a mut Table<Entry>,
    number: usize,
    epoch: u8,
    /// Not when it is walked only for the epochs' sake.
    keeps: bool,
    budget: WalkBudget,
    walked: &'a mut Walked,
    handed: &'a mut Handed,
}

impl WalkStep<'_> {
    /// False when the budget is used up before the end: the same is to be looked at again.
    fn take_along(&mut self, found: &[Position]) -> bool {
        let epoch = self.epoch;
        for &position in found {
            let Some(entry) = self.table.at_mut(position).filter(|entry| entry.epoch() != epoch) else {
                continue;
            };
            if !self.keeps {
                entry.set_epoch(epoch);
                continue;
            }
            if !self.walked.has_room_for_bytes(self.budget) {
                return false;
            }
            self.walked.bytes += entry.clone_bytes();
            self.walked.shared_bytes += entry.shared_in_one_piece_bytes();
            let piece = Piece::Entry(entry.clone());
            entry.set_epoch(epoch);
            self.handed.walked.push(HandedOver { db: self.number, room_bytes: 0, piece });
        }
        true
    }
}
