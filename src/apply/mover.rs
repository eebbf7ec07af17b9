//! Slots, with their keys, from node to node.
//!
//! A batch of slots of one pair goes through these stages, each one write per node:
//!
//! ```text
//! target   SETSLOT s IMPORTING source      s = every slot of the batch
//! source   SETSLOT s MIGRATING target
//! source   the keys, until none is left    (keys.rs)
//! target   SETSLOT s NODE target           it owns the slots from here on, with a new epoch (`slots::take_over`)
//! source   SETSLOT s NODE target
//! others   SETSLOT s NODE target           gossip would tell them, later
//! ```
//!
//! The target becomes owner before the source gives up: a run that dies in between leaves a slot that is open
//! or has two claimants of which the newer epoch wins, never one without an owner.
//!
//! Batches of a pair go through two lanes, so that keys of one flow while the other opens or closes. Pairs run
//! side by side, but no node is source and target at once: two nodes that MIGRATE to each other would wait for
//! each other until the time limit.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use rcl_proto::resp::Reply;
use rcl_proto::{NodeId, Slot, SlotSet};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::keys::{KeyPath, TURNS, check};
use super::slots::{self, other_masters, setslot};
use super::{Settings, Stop};
use crate::cli::{Failure, Kind, Session};
use crate::connect::{Cluster, Link};
use crate::output::Progress;
use crate::plan::{Move, NodeRef};

/// Lanes of one pair.
const LANES: usize = 2;

#[derive(Debug, Default)]
pub struct Moved {
    pub slots: u64,
    pub keys: u64,
    pub notes: Vec<String>,
    pub failure: Option<Failure>,
}

pub async fn move_slots(
    session: &Session,
    cluster: &Cluster,
    moves: Vec<Move>,
    settings: Settings,
    stop: &Stop,
) -> Moved {
    let total: usize = moves.iter().map(|part| part.slots.len()).sum();
    let progress = session.output.progress(total as u64, "slots");
    let mut moved = Moved::default();
    for wave in waves(moves, settings.parallel.max(1)) {
        let mut lanes = JoinSet::new();
        let mut turns: BTreeMap<NodeId, Arc<Semaphore>> = BTreeMap::new();
        for part in wave {
            match Pair::new(session, cluster, &part, settings, stop, &progress) {
                Ok(mut pair) => {
                    let turns =
                        turns.entry(part.target.id).or_insert_with(|| Arc::new(Semaphore::new(TURNS)));
                    pair.path = pair.path.in_turn(Arc::clone(turns));
                    let pair = Arc::new(pair);
                    for _ in 0..LANES {
                        lanes.spawn(Arc::clone(&pair).lane());
                    }
                }
                Err(failure) => moved.failure = Some(failure),
            }
        }
        while let Some(lane) = lanes.join_next().await {
            match lane {
                Ok(lane) => {
                    moved.slots += lane.slots;
                    moved.keys += lane.keys;
                    moved.notes.extend(lane.notes);
                    moved.failure = moved.failure.or(lane.failure);
                }
                Err(error) => moved.failure = Some(Failure::new(Kind::Internal, error.to_string())),
            }
        }
        if moved.failure.is_none() && stop.requested() && moved.slots < total as u64 {
            let left = total as u64 - moved.slots;
            let what = format!("interrupted: {left} slots are not moved, none is left open");
            moved.failure = Some(Failure::new(Kind::Interrupted, what));
        }
        if moved.failure.is_some() {
            break;
        }
    }
    progress.finish();
    moved.notes.sort();
    moved.notes.dedup();
    moved
}

/// Groups that may run at the same time: no node is source and target in one, and no group is too large.
fn waves(moves: Vec<Move>, parallel: usize) -> Vec<Vec<Move>> {
    let mut waves: Vec<Vec<Move>> = Vec::new();
    for part in moves {
        let fits = |wave: &Vec<Move>| {
            wave.len() < parallel
                && wave
                    .iter()
                    .all(|other| other.target.id != part.source.id && other.source.id != part.target.id)
        };
        match waves.iter_mut().find(|wave| fits(wave)) {
            Some(wave) => wave.push(part),
            None => waves.push(vec![part]),
        }
    }
    waves
}

/// One source and one target, and what is left to do between them.
struct Pair {
    path: KeyPath,
    target: Link,
    target_is_redis: bool,
    source_id: NodeId,
    target_id: NodeId,
    others: Vec<Link>,
    batches: Mutex<VecDeque<Vec<Slot>>>,
    stop: Stop,
    progress: Progress,
}

impl Pair {
    fn new(
        session: &Session,
        cluster: &Cluster,
        part: &Move,
        settings: Settings,
        stop: &Stop,
        progress: &Progress,
    ) -> Result<Pair, Failure> {
        let slots: Vec<Slot> = part.slots.iter().collect();
        let batches = slots.chunks(settings.batch_slots.max(1)).map(<[Slot]>::to_vec).collect();
        let target = cluster.link(part.target.id)?.clone();
        Ok(Pair {
            path: KeyPath::new(
                cluster.link(part.source.id)?.clone(),
                part.target.address.clone(),
                session.connector.clone(),
                settings.replace,
                settings.keys_per_call,
            ),
            target,
            target_is_redis: cluster
                .topology
                .node(part.target.id)
                .is_some_and(|node| node.facts.as_ref().is_some_and(|facts| facts.is_redis)),
            source_id: part.source.id,
            target_id: part.target.id,
            others: other_masters(cluster, &[part.source.id, part.target.id]),
            batches: Mutex::new(batches),
            stop: stop.clone(),
            progress: progress.clone(),
        })
    }

    /// Batches until there is none, or a stop is asked for, or one fails (which ends the other lane too).
    async fn lane(self: Arc<Pair>) -> Moved {
        let mut moved = Moved::default();
        while let Some(slots) = self.next_batch() {
            match self.batch(&slots, &mut moved.notes).await {
                Ok(keys) => {
                    moved.slots += slots.len() as u64;
                    moved.keys += keys;
                    self.progress.add(slots.len() as u64);
                }
                Err(failure) => {
                    self.batches.lock().unwrap_or_else(PoisonError::into_inner).clear();
                    moved.failure = Some(failure);
                }
            }
        }
        moved
    }

    fn next_batch(&self) -> Option<Vec<Slot>> {
        if self.stop.requested() {
            return None;
        }
        self.batches.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    async fn batch(&self, slots: &[Slot], notes: &mut Vec<String>) -> Result<u64, Failure> {
        let source = &self.path.source;
        let (from, to) = (self.source_id.to_string(), self.target_id.to_string());
        let importing = self.target.pipeline(&setslot(slots, &["IMPORTING", &from])).await?;
        let migrating = source.pipeline(&setslot(slots, &["MIGRATING", &to])).await?;
        self.check_opened(&importing, &migrating)?;
        let keys = self.path.drain(slots).await?;
        let close = setslot(slots, &["NODE", &to]);
        slots::take_over(&self.target, slots, &to, self.target_is_redis).await?;
        let closed = source.pipeline(&close).await?;
        // It may hear from the target first. When these were its last slots it is a replica by then (since
        // Redis 7 a master without slots follows the one that took the last), perhaps one that is loading its
        // first copy, and has nothing to give up.
        let follows = |error: &str| error.contains("only with masters") || error.starts_with("LOADING");
        if !slots::first_error(&closed).is_some_and(follows) {
            check(source, "CLUSTER SETSLOT", &closed)?;
        }
        let mut told = JoinSet::new();
        for other in self.others.clone() {
            let close = close.clone();
            told.spawn(async move { (other.address().clone(), other.all(&close).await) });
        }
        while let Some(done) = told.join_next().await {
            // Gossip tells it too, so this is no reason to stop.
            if let Ok((address, Err(error))) = done {
                notes.push(format!("{address} will hear of the move by gossip only: {error}"));
            }
        }
        Ok(keys)
    }
}

impl Pair {
    /// An earlier run may have died after it made the target the owner: then the target refuses to import the
    /// slot, the source perhaps refuses to let it go, and all that is left is to close it. That the source does
    /// not own a slot is no error then, and only then: else somebody else owns it.
    fn check_opened(&self, importing: &[Reply], migrating: &[Reply]) -> Result<(), Failure> {
        for (imports, migrates) in importing.iter().zip(migrating) {
            let given = matches!(imports, Reply::Error(error) if error.contains("already the owner"));
            let gone = matches!(migrates, Reply::Error(error) if error.contains("not the owner"));
            if !given {
                check(&self.target, "CLUSTER SETSLOT", std::slice::from_ref(imports))?;
            }
            if !(given && gone) {
                check(&self.path.source, "CLUSTER SETSLOT", std::slice::from_ref(migrates))?;
            }
        }
        Ok(())
    }
}

/// Keys that lie where they should not, to the owner of their slot. The source is made importing for it: only so
/// does it let keys of a slot go that it does not own.
pub async fn return_keys(
    session: &Session,
    cluster: &Cluster,
    source: &NodeRef,
    target: &NodeRef,
    slots: &SlotSet,
    settings: Settings,
) -> Result<u64, Failure> {
    let slots: Vec<Slot> = slots.iter().collect();
    let link = cluster.link(source.id)?;
    link.all(&setslot(&slots, &["IMPORTING", &target.id.to_string()])).await?;
    let path = KeyPath::new(
        link.clone(),
        target.address.clone(),
        session.connector.clone(),
        settings.replace,
        settings.keys_per_call,
    );
    let moved = path.drain(&slots).await?;
    link.all(&setslot(&slots, &["STABLE"])).await?;
    Ok(moved)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::rebalance::tests::{id, topology};

    #[test]
    fn no_node_is_source_and_target_in_one_wave() {
        let topology = topology(&[4096, 4096, 4096, 4096]);
        let node = |number| NodeRef::of(topology.node(id(number)).unwrap());
        let part = |from, to| Move { source: node(from), target: node(to), slots: SlotSet::FULL };
        let waves = waves(vec![part(1, 2), part(2, 3), part(1, 3), part(3, 1), part(4, 2)], 8);
        for wave in &waves {
            let sources: Vec<NodeId> = wave.iter().map(|part| part.source.id).collect();
            assert!(wave.iter().all(|part| !sources.contains(&part.target.id)), "{wave:?}");
        }
        assert_eq!(waves.iter().map(Vec::len).sum::<usize>(), 5);
        assert_eq!(waves[0].len(), 3, "1->2, 1->3 and 4->2 go together");
    }
}
