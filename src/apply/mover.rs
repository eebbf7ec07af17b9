//! Slots, with their keys, from node to node.
//!
//! A batch of slots of one pair goes through these stages, each one write per node:
//!
//! ```text
//! source   what lies in them, what it weighs    (survey.rs)      s = every slot of the batch, but those with big keys
//! target   that nothing lies in them            (history.rs)
//! journal  opening s
//! target   SETSLOT s IMPORTING source
//! source   SETSLOT s MIGRATING target
//! source   the keys, until none is left    (keys.rs)
//! target   SETSLOT s NODE target           it owns the slots from here on, with a new epoch (`slots::take_over`)
//! source   SETSLOT s NODE target
//! others   SETSLOT s NODE target           gossip would tell them, later
//! journal  moved s
//! ```
//!
//! The target becomes owner before the source gives up: a run that dies in between leaves a slot that is open
//! or has two claimants of which the newer epoch wins, never one without an owner.
//!
//! Batches of a pair go through three lanes: keys of one batch flow while the one before closes and the next is looked at and opened. Pairs run
//! side by side, but no node is source and target at once: two nodes that MIGRATE to each other would wait for
//! each other until the time limit. What cannot run side by side is a later wave; before each, epochs have settled
//! (`epochs.rs`). The last slot of a source that gives all it has goes in the end (`last_slot.rs`).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rcl_proto::resp::Reply;
use rcl_proto::{NodeId, Slot, SlotSet};
use tokio::task::JoinSet;

use super::epochs;
use super::handover::{Handover, SLOTS_PER_JOB};
use super::keys::{KeyPath, check};
use super::last_slot::{self, held_back};
use super::slots::{self, Taking, other_masters, setslot};
use super::survey::{self, BigKey};
use super::turn::{Turn, beside};
use super::{BigKeys, Conduct, Method, Settings};
use crate::cli::{Failure, Kind, Session};
use crate::connect::{Cluster, Link};
use crate::plan::{Move, NodeRef};

/// Lanes of one pair.
const LANES: usize = 3;

/// How often what is shown is brought up to date.
const SHOWN_EVERY: Duration = Duration::from_millis(250);

#[derive(Debug, Default)]
pub struct Moved {
    pub slots: u64,
    pub keys: u64,
    pub notes: Vec<String>,
    pub failure: Option<Failure>,
    /// What was left where it is.
    big: Vec<BigKey>,
}

impl Moved {
    fn add(&mut self, lane: Moved) {
        self.slots += lane.slots;
        self.keys += lane.keys;
        self.notes.extend(lane.notes);
        self.big.extend(lane.big);
        self.failure = self.failure.take().or(lane.failure);
    }
}

pub async fn move_slots(
    session: &Session,
    cluster: &Cluster,
    mut moves: Vec<Move>,
    settings: Settings,
    conduct: &Conduct,
) -> Moved {
    let total: u64 = moves.iter().map(|part| part.slots.len() as u64).sum();
    conduct.meter.start(total);
    let shown = tokio::spawn(keep_shown(conduct.clone()));
    let mut moved = Moved::default();
    let last = held_back(&cluster.topology, &mut moves);
    let [first, last] = [moves, last].map(|moves| waves(moves, settings.parallel.max(1)));
    let before_last = first.len();
    for (index, wave) in first.into_iter().chain(last).enumerate() {
        if index == before_last {
            last_slot::await_heard(cluster, &conduct.stop).await;
        }
        match epochs::await_settled(cluster, &conduct.stop).await {
            Ok(()) => run_wave(session, cluster, wave, settings, conduct, &mut moved).await,
            Err(_) if conduct.stop.requested() => {}
            Err(failure) => moved.failure = Some(failure),
        }
        if moved.failure.is_none() && conduct.stop.requested() && moved.slots < total {
            let left = total - moved.slots;
            let what = format!("interrupted: {left} slots are not moved, none is left open");
            moved.failure = Some(Failure::new(Kind::Interrupted, what));
        }
        if moved.failure.is_some() {
            break;
        }
    }
    shown.abort();
    conduct.meter.finish();
    moved.notes.sort();
    moved.notes.dedup();
    if moved.failure.is_none() && !moved.big.is_empty() {
        moved.failure = Some(survey::refusal(&moved.big, settings.limits.stall()));
    }
    moved
}

async fn keep_shown(conduct: Conduct) {
    loop {
        tokio::time::sleep(SHOWN_EVERY).await;
        conduct.meter.show(conduct.pause.is_held(), Instant::now());
    }
}

/// All pairs of a wave side by side.
async fn run_wave(
    session: &Session,
    cluster: &Cluster,
    wave: Vec<Move>,
    settings: Settings,
    conduct: &Conduct,
    moved: &mut Moved,
) {
    let mut lanes = JoinSet::new();
    let rests = settings.limits.max_latency.is_some();
    let mut turns: BTreeMap<NodeId, Turn> = BTreeMap::new();
    for part in wave {
        match Pair::new(session, cluster, &part, settings, conduct).await {
            Ok(mut pair) => {
                let mut turn = |node| turns.entry(node).or_insert_with(|| Turn::new(rests)).clone();
                let (from, to) = (turn(part.source.id), turn(part.target.id));
                pair.path = pair.path.in_turn(from, to);
                let lanes_of_it = if pair.handover.is_some() { 1 } else { LANES };
                let pair = Arc::new(pair);
                for _ in 0..lanes_of_it {
                    lanes.spawn(Arc::clone(&pair).lane());
                }
            }
            Err(failure) => moved.failure = Some(failure),
        }
    }
    while let Some(lane) = lanes.join_next().await {
        match lane {
            Ok(lane) => moved.add(lane),
            Err(error) => moved.failure = Some(Failure::new(Kind::Internal, error.to_string())),
        }
    }
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
    taking: Taking,
    source_id: NodeId,
    target_id: NodeId,
    others: Vec<Link>,
    /// How the nodes do it by themselves, where they can and are to.
    handover: Option<Handover>,
    batches: Mutex<VecDeque<Vec<Slot>>>,
    settings: Settings,
    conduct: Conduct,
}

impl Pair {
    async fn new(
        session: &Session,
        cluster: &Cluster,
        part: &Move,
        settings: Settings,
        conduct: &Conduct,
    ) -> Result<Pair, Failure> {
        let (source, target) = (cluster.link(part.source.id)?.clone(), cluster.link(part.target.id)?.clone());
        // What MIGRATE began it has to finish.
        let begun = cluster.topology.open_slots().iter().any(|open| part.slots.contains(open.slot));
        let handover = match begun {
            true => None,
            false => handover((&source, part.source.id), (&target, part.target.id), settings).await?,
        };
        let slots: Vec<Slot> = part.slots.iter().collect();
        let at_once = if handover.is_some() { SLOTS_PER_JOB } else { settings.limits.batch_slots() };
        let batches = slots.chunks(at_once).map(<[Slot]>::to_vec).collect();
        Ok(Pair {
            handover,
            path: KeyPath::between(session, cluster, (&part.source, &part.target), settings, conduct).await?,
            target,
            taking: Taking::of(&cluster.topology, part.target.id),
            source_id: part.source.id,
            target_id: part.target.id,
            others: other_masters(cluster, &[part.source.id, part.target.id]),
            batches: Mutex::new(batches),
            settings,
            conduct: conduct.clone(),
        })
    }

    /// Batches until there is none, or a stop is asked for, or one fails (which ends the other lane too).
    async fn lane(self: Arc<Pair>) -> Moved {
        let mut moved = Moved::default();
        while let Some(slots) = self.next_batch() {
            if let Err(failure) = self.batch(&slots, &mut moved).await {
                self.batches.lock().unwrap_or_else(PoisonError::into_inner).clear();
                moved.failure = Some(failure);
            }
        }
        moved
    }

    fn next_batch(&self) -> Option<Vec<Slot>> {
        if self.conduct.stop.requested() {
            return None;
        }
        self.batches.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// Slots with many keys go in smaller parts.
    async fn batch(&self, slots: &[Slot], moved: &mut Moved) -> Result<(), Failure> {
        let counts = self.path.survey().count(slots).await?;
        if let Some(handover) = &self.handover {
            self.conduct.pause.wait(&self.conduct.stop).await;
            return self.hand_over(handover, &counts, moved).await;
        }
        for part in survey::parts(&counts) {
            self.conduct.pause.wait(&self.conduct.stop).await;
            if self.conduct.stop.requested() {
                break;
            }
            self.part(part, moved).await?;
        }
        Ok(())
    }

    async fn hand_over(
        &self,
        handover: &Handover,
        counts: &[(Slot, u64)],
        moved: &mut Moved,
    ) -> Result<(), Failure> {
        let (journal, set) =
            (&self.conduct.journal, counts.iter().map(|(slot, _)| *slot).collect::<SlotSet>());
        journal.opening(self.source_id, self.target_id, &set, None)?;
        if !handover.run(&set, &self.conduct).await? {
            return Ok(());
        }
        let keys = counts.iter().map(|(_, keys)| keys).sum();
        moved.slots += set.len() as u64;
        moved.keys += keys;
        self.conduct.meter.add_keys(keys, 0);
        self.conduct.meter.add_slots(set.len() as u64);
        journal.moved(self.source_id, self.target_id, &set, keys)
    }

    async fn part(&self, counts: &[(Slot, u64)], moved: &mut Moved) -> Result<(), Failure> {
        let mut found = self.path.survey().look(counts).await?;
        let mut slots: Vec<Slot> = counts.iter().map(|(slot, _)| *slot).collect();
        if self.settings.limits.big_keys == BigKeys::Refuse {
            let big = self.path.survey().big_keys(&found, self.settings.limits.stall()).await?;
            let refused: BTreeSet<Slot> = big.iter().map(|big| big.slot).collect();
            slots.retain(|slot| !refused.contains(slot));
            found.retain(|(slot, _)| !refused.contains(slot));
            moved.big.extend(big);
        }
        if slots.is_empty() {
            return Ok(());
        }
        let (journal, set) = (&self.conduct.journal, slots.iter().copied().collect::<SlotSet>());
        let sole = self.path.sole(&slots).await?;
        journal.opening(self.source_id, self.target_id, &set, sole)?;
        self.open(&slots).await?;
        let keys = self.path.drain(&slots, found).await?;
        self.close(&slots, &mut moved.notes).await?;
        moved.slots += slots.len() as u64;
        moved.keys += keys;
        self.conduct.meter.add_slots(slots.len() as u64);
        journal.moved(self.source_id, self.target_id, &set, keys)
    }

    async fn open(&self, slots: &[Slot]) -> Result<(), Failure> {
        let (from, to) = (self.source_id.to_string(), self.target_id.to_string());
        let importing = setslot(slots, &["IMPORTING", &from]);
        let importing = beside(&[&self.path.of_target], self.target.pipeline(&importing)).await?;
        let migrating = setslot(slots, &["MIGRATING", &to]);
        let migrating = beside(&[&self.path.of_source], self.path.source.pipeline(&migrating)).await?;
        self.check_opened(&importing, &migrating)
    }

    /// The target becomes the owner, and then all others learn it.
    async fn close(&self, slots: &[Slot], notes: &mut Vec<String>) -> Result<(), Failure> {
        let (source, to) = (&self.path.source, self.target_id.to_string());
        let close = setslot(slots, &["NODE", &to]);
        let taken = slots::take_over(&self.target, slots, &to, self.taking);
        beside(&[&self.path.of_target], taken).await?;
        let closed = beside(&[&self.path.of_source], source.pipeline(&close)).await?;
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
        Ok(())
    }

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

async fn handover(
    source: (&Link, NodeId),
    target: (&Link, NodeId),
    settings: Settings,
) -> Result<Option<Handover>, Failure> {
    if settings.method == Method::Keys || settings.method == Method::Auto && settings.limits.hold_a_pace() {
        return Ok(None);
    }
    if settings.limits.hold_a_pace() {
        return Err(Failure::usage("nodes that hand slots over by themselves keep to no --max-… option")
            .next("--method keys moves key by key, and does"));
    }
    let handover = Handover::between(source, target).await?;
    if handover.is_none() && settings.method == Method::Handover {
        let what =
            format!("{} and {} cannot hand slots over by themselves", source.0.address(), target.0.address());
        return Err(Failure::refused(what).next("--method keys moves key by key"));
    }
    Ok(handover)
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
    conduct: &Conduct,
) -> Result<u64, Failure> {
    let slots: Vec<Slot> = slots.iter().collect();
    let link = cluster.link(source.id)?;
    let path = KeyPath::between(session, cluster, (source, target), settings, conduct).await?;
    link.all(&setslot(&slots, &["IMPORTING", &target.id.to_string()])).await?;
    let moved = path.drain(&slots, Vec::new()).await;
    // What could not go is a stray key still, and no open slot.
    link.all(&setslot(&slots, &["STABLE"])).await?;
    moved.map_err(|failure| {
        if super::settle::is_difference(&failure) { stray(failure, source, target) } else { failure }
    })
}

/// Here it is the target that serves the slot.
fn stray(failure: Failure, source: &NodeRef, target: &NodeRef) -> Failure {
    let (source, target) = (&source.address, &target.address);
    failure.next(format!(
        "clients see the one on {target}; to keep that: rcl fix {target} --choose orphan-keys=delete; to take the one on {source} \
         instead: --choose orphan-keys=return --replace"
    ))
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
