//! The walk: each call takes some entries along that nobody has handed over yet, and no more work than it was allowed.
//!
//! What a call does under its lock is counted in entries looked at and in bytes copied, and it ends with the first entry that
//! brings it to either limit. Only a long string could be far more than that: it is copied piece by piece, a piece a
//! call, and handed over when it is whole. Who changes it meanwhile hands it over as it was, and the pieces are dropped.

use super::{HandedOver, Piece, Running, SnapshotError};
use crate::entry::Entry;
use crate::keyspace::Keyspace;
use crate::table::{Position, Table, Wanted};
use crate::types::ValueRef;

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
    /// Copied; a shared part of a big collection counts as much as it costs to share it.
    pub bytes: usize,
}

impl Walked {
    fn is_within(&self, budget: WalkBudget) -> bool {
        self.entries < budget.entries.max(1) && self.bytes < budget.bytes.max(1)
    }
}

/// The database is numbered as it was at the point: SWAPDB doesn't disturb the walk.
#[derive(Debug, Default)]
pub(super) struct WalkCursor {
    number: usize,
    table: usize,
    hash: u64,
    copying: Option<Copying>,
}

/// A long string of which some is copied.
#[derive(Debug)]
struct Copying {
    key: Box<[u8]>,
    hash: u64,
    bytes: Vec<u8>,
}

impl Keyspace {
    /// Hands over some of the entries that nobody has handed over yet. What writers handed over comes with it, so `handed` may
    /// grow by more than the budget.
    pub fn walk_snapshot(
        &mut self,
        budget: WalkBudget,
        handed: &mut Vec<HandedOver>,
    ) -> Result<Walked, SnapshotError> {
        self.drain_snapshot(handed);
        let mut running = self.snapshots.running.take().ok_or(SnapshotError::NotRunning)?;
        let mut walked = Walked { state: WalkState::More, entries: 0, bytes: 0 };
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

    /// One scan of one table, or a piece of a long string.
    fn walk_step(
        &mut self,
        running: &mut Running,
        budget: WalkBudget,
        walked: &mut Walked,
        handed: &mut Vec<HandedOver>,
    ) {
        let epoch = self.snapshots.epoch;
        let hasher = self.hasher().clone();
        let walk = &mut running.walk;
        let number = walk.number;
        let database = self.databases_mut().iter_mut().find(|database| database.number_at_snapshot == number);
        let Some(database) = database else {
            running.walked = true;
            return;
        };
        let index = database.next_occupied(walk.table);
        // The table may have been flushed, and what was copied of a string in it is of no use then.
        if index != Some(walk.table) {
            walk.drop_copy(number, handed);
        }
        let Some((index, table)) = index.and_then(|index| Some((index, database.table_mut(index)?))) else {
            *walk = WalkCursor { number: number + 1, ..WalkCursor::default() };
            return;
        };
        if index != walk.table {
            (walk.table, walk.hash) = (index, 0);
        }
        let mut step = WalkStep { table, number, epoch, keeps: !running.discards, budget, walked, handed };
        if let Some(copying) = walk.copying.take() {
            walk.copying = step.copy_on(copying);
            return;
        }
        step.table.ahead(walk.hash, budget.entries, Entry::prefetch);
        let hash_of = |entry: &Entry| hasher.hash(entry.key());
        let mut found: Vec<(Position, u64)> = Vec::with_capacity(budget.entries + 8);
        let left = budget.entries.saturating_sub(step.walked.entries);
        let next = step.table.scan_positions(walk.hash, left, Wanted::All, hash_of, |position, hash| {
            found.push((position, hash));
        });
        // At least one, so that a call ends even where all is empty.
        step.walked.entries += found.len().max(1);
        match (step.take_along(&found), next) {
            (Outcome::All, Some(hash)) => walk.hash = hash,
            (Outcome::All, None) => (walk.table, walk.hash) = (index + 1, 0),
            (Outcome::Some, _) => {}
            (Outcome::Long(copying), _) => walk.copying = Some(copying),
        }
    }
}

impl WalkCursor {
    /// Gives what was copied to whom the drop of it hurts less.
    fn drop_copy(&mut self, db: usize, handed: &mut Vec<HandedOver>) {
        if let Some(copying) = self.copying.take() {
            handed.push(HandedOver::nothing(db, copying.bytes));
        }
    }
}

/// How far one got with what a scan found.
enum Outcome {
    All,
    /// The budget is used up; the same is to be looked at again.
    Some,
    /// Up to a string that takes several calls.
    Long(Copying),
}

struct WalkStep<'a> {
    table: &'a mut Table<Entry>,
    number: usize,
    epoch: u8,
    /// Not when it is walked only for the epochs' sake.
    keeps: bool,
    budget: WalkBudget,
    walked: &'a mut Walked,
    handed: &'a mut Vec<HandedOver>,
}

impl WalkStep<'_> {
    fn take_along(&mut self, found: &[(Position, u64)]) -> Outcome {
        let epoch = self.epoch;
        for &(position, hash) in found {
            let Some(entry) = self.table.at_mut(position).filter(|entry| entry.epoch() != epoch) else {
                continue;
            };
            if !self.keeps {
                entry.set_epoch(epoch);
                continue;
            }
            if self.walked.bytes >= self.budget.bytes.max(1) {
                return Outcome::Some;
            }
            if let ValueRef::String(bytes) = entry.value()
                && bytes.len() > self.budget.bytes
            {
                let bytes = Vec::with_capacity(bytes.len());
                return Outcome::Long(Copying { key: entry.key().into(), hash, bytes });
            }
            self.walked.bytes += entry.copy_bytes();
            let piece = Piece::Entry(entry.clone());
            entry.set_epoch(epoch);
            self.handed.push(HandedOver { db: self.number, room_bytes: 0, piece });
        }
        Outcome::All
    }

    /// Another piece. `None` when it is whole and handed over, or somebody else has handed it over.
    fn copy_on(&mut self, mut copying: Copying) -> Option<Copying> {
        let epoch = self.epoch;
        self.walked.entries += 1;
        let entry = self.table.get_mut(copying.hash, |entry| entry.key() == &*copying.key);
        if let Some(entry) = entry.filter(|entry| entry.epoch() != epoch)
            && let ValueRef::String(bytes) = entry.value()
        {
            let start = copying.bytes.len();
            let end = bytes.len().min(start + self.budget.bytes.saturating_sub(self.walked.bytes).max(1));
            copying.bytes.extend_from_slice(bytes.get(start..end).unwrap_or_default());
            self.walked.bytes += end.saturating_sub(start);
            if end < bytes.len() {
                return Some(copying);
            }
            let piece = Piece::Entry(entry.with_copied_string(copying.bytes));
            entry.set_epoch(epoch);
            self.handed.push(HandedOver { db: self.number, room_bytes: 0, piece });
            return None;
        }
        self.handed.push(HandedOver::nothing(self.number, copying.bytes));
        None
    }
}
