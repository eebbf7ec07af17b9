//! The walk over all shards: some visits, each under one lock, then what they brought is written, and so on in turn.
//!
//! What a visit does under its lock is bounded by [`VISIT`]. Who waits for a lock that it had gets it next. What was copied under
//! locks is freed here and nowhere else, so that its memory is at hand for the next visits. Where clients are served meanwhile, the
//! walk rests about as long as it works (`rests.rs`), and no ordinary thread interrupts it while it holds a lock, if the system
//! lets the node have it so.

use std::sync::Arc;

use parking_lot::MutexGuard;
use rcl_store::snapshot::{Handed, Room, WalkBudget, WalkState};

use super::rests::Rests;
use super::writing::Writing;
use super::{Pace, SnapshotError, Summary};
use crate::clock;
use crate::node::Node;
use crate::scheduling::{self, ShortWork};

/// What is done under a lock at a time.
pub(super) const VISIT: WalkBudget = WalkBudget { entries: 64, bytes: 64 * 1024 };
/// What so many visits brought is written in one go.
const VISITS: usize = 4;

pub(super) struct Walk {
    node: Arc<Node>,
    /// For what writers hand over.
    room: Arc<Room>,
    /// The shards that are not done.
    unwalked: Vec<usize>,
    /// Who is waited for does not give way.
    giving_way: Option<GivingWay>,
}

struct GivingWay {
    rests: Rests,
    short_work: ShortWork,
}

impl Walk {
    pub(super) fn new(node: &Arc<Node>, room: Arc<Room>) -> Walk {
        let unwalked = (0..node.shards.count()).collect();
        Walk { node: node.clone(), room, unwalked, giving_way: None }
    }

    pub(super) fn all(&mut self, mut writing: Writing, pace: Pace) -> Result<Summary, SnapshotError> {
        if pace == Pace::GivingWay {
            let rests = Rests::new(writing.is_waited_for());
            self.giving_way = Some(GivingWay { rests, short_work: ShortWork::begin() });
        }
        // A visit may look at some more than it was told to.
        let mut handed = Handed::with_room_for(VISITS * 2 * VISIT.entries);
        let mut next = 0;
        while !self.unwalked.is_empty() {
            for _ in 0..VISITS {
                let Some(&index) = self.unwalked.get(next % self.unwalked.len().max(1)) else { break };
                next += usize::from(!self.visit(index, &mut handed)?);
                scheduling::let_others_run();
            }
            let result = writing.add(&handed);
            self.room.release(handed.clear());
            result?;
        }
        writing.end()
    }

    /// True when the shard is done, and the next one in its place.
    fn visit(&mut self, index: usize, handed: &mut Handed) -> Result<bool, SnapshotError> {
        if let Some(giving_way) = &mut self.giving_way {
            giving_way.rests.rest_when_due();
        }
        let mut shard = self.node.shards.lock(index);
        let (locked_at, cpu_at) = (clock::monotonic(), clock::thread_cpu());
        let undisturbed = self.giving_way.as_mut().and_then(|giving_way| giving_way.short_work.undisturbed());
        let walked = shard.keyspace.walk_snapshot(VISIT, handed).map_err(SnapshotError::Store)?;
        let is_done = walked.state == WalkState::Done;
        if is_done {
            shard.keyspace.finish_snapshot().map_err(SnapshotError::Store)?;
            self.unwalked.retain(|other| *other != index);
        }
        MutexGuard::unlock_fair(shard);
        let held_for = clock::monotonic() - locked_at;
        let cpu = clock::thread_cpu().and_then(|now| now.checked_sub(cpu_at?));
        drop(undisturbed);
        self.node.persistence.progress.note_visit(held_for, cpu);
        self.node.latency.note("snapshot-visit", held_for);
        Ok(is_done)
    }

    /// Nothing stays behind in the shards.
    pub(super) fn give_up(&mut self) {
        for index in std::mem::take(&mut self.unwalked) {
            let dropped = self.node.shards.lock(index).keyspace.abort_snapshot();
            drop(dropped);
        }
    }
}
