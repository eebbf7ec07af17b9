//! The data plane of a machine, as far as the cluster's promises go: versions of a few slots, routed by the map in
//! force, replicated asynchronously.
//!
//! - A write is a number; what a machine holds of a slot is its last write there, and every write knows the one that it
//!   came on top of. So a machine's data are a history, and whether a write is part of it can be told later.
//! - A replica gets its master's state whole, again and again, each as late as the network makes it, in order; states
//!   are prefixes of the master's log, as with a stream.
//! - A machine keeps its data over a crash: what fsync promises is another matter.

use rand::RngExt;
use rcl_cluster::packet::MESSAGE_FORCE_ACK;
use rcl_cluster::{
    ClusterMap, ClusterState, Command, Input, ReplicationFacts, SetSlot, SetSlotStage, SlotFacts, SlotOwner,
};
use rcl_proto::nodes_text::NodeFlags;
use rcl_proto::{NodeId, Slot};

use crate::checkers::lost_writes::Succession;
use crate::checkers::peek::Peek;
use crate::events::Event;
use crate::planted::Plant;
use crate::world::World;

/// The slots that clients write to.
pub const HOT_SLOTS: usize = 24;
/// No write.
pub const NOTHING: u32 = u32::MAX;
const OFFSET_PER_WRITE: u64 = 10;

pub fn hot_slot(hot: usize) -> Slot {
    Slot::new((hot * 16_384 / HOT_SLOTS + 300) as u16).expect("a slot")
}

fn hot_of(slot: Slot) -> Option<usize> {
    (0..HOT_SLOTS).find(|&hot| hot_slot(hot) == slot)
}

/// What a machine holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Data {
    /// Each hot slot's last write.
    pub last: [u32; HOT_SLOTS],
    pub offset: u64,
}

impl Data {
    pub fn new() -> Data {
        Data { last: [NOTHING; HOT_SLOTS], offset: 1 }
    }

    pub fn is_empty(&self) -> bool {
        self.last.iter().all(|&last| last == NOTHING)
    }
}

/// A master's state on its way to a replica.
#[derive(Debug)]
pub struct Delivery {
    to: usize,
    life: u64,
    from: NodeId,
    data: Data,
}

/// What a client is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The write is done; its number.
    Done(u32),
    Moved(NodeId),
    Ask(NodeId),
    /// CLUSTERDOWN or READONLY.
    Refused,
    /// Writes are paused here.
    Parked,
    Silence,
}

impl World {
    /// A client wants to write to a slot at this machine.
    pub fn write(&mut self, index: usize, hot: usize, asking: bool) -> Answer {
        let machine = &self.machines[index];
        let slot = hot_slot(hot);
        let Some(map) = machine.serving.clone().filter(|_| machine.is_up() && !self.is_frozen(index)) else {
            return Answer::Silence;
        };
        let id_of = |at| map.node(at).map_or(Answer::Refused, |node| Answer::Moved(node.id));
        if map.state != ClusterState::Ok && self.plant != Some(Plant::WritesInAMinority) {
            return Answer::Refused;
        }
        let here = match map.owner(slot) {
            SlotOwner::Nobody => false,
            SlotOwner::Myself => true,
            SlotOwner::Other(_) if asking && map.importing_from(slot).is_some() => true,
            SlotOwner::Other(at) => return id_of(at),
        };
        if !here || machine.following.is_some() {
            return Answer::Refused;
        }
        if machine.paused && machine.clock.read(self.now_ms) < machine.paused_until_ms {
            return Answer::Parked;
        }
        let holds = machine.data.last[hot];
        if let Some(node) = map.migrating_to(slot).and_then(|at| map.node(at)).filter(|_| holds == NOTHING) {
            return Answer::Ask(node.id);
        }
        let write = self.ledger.write(index, hot, holds, self.now_ms);
        let mut lost_writes = std::mem::take(&mut self.checkers.lost_writes);
        let facts = self.ledger.writes[write as usize];
        let found = lost_writes
            .acknowledged(write, facts, |succession| self.majority_knows(&map, slot, succession.new));
        self.checkers.lost_writes = lost_writes;
        self.checkers.violations.extend(found);
        let machine = &mut self.machines[index];
        machine.data.last[hot] = write;
        machine.data.offset += OFFSET_PER_WRITE;
        machine.written = machine.data.offset;
        Answer::Done(write)
    }

    pub fn is_frozen(&self, index: usize) -> bool {
        self.machines[index].frozen_until_ms > self.now_ms
    }

    pub fn keyspace_is_empty(&self, index: usize) -> bool {
        self.machines[index].data.is_empty()
    }

    pub fn holds_keys(&self, index: usize, slot: Slot) -> bool {
        hot_of(slot).is_some_and(|hot| self.machines[index].data.last[hot] != NOTHING)
    }

    /// A hot slot that the machine has, half of the times.
    pub fn draw_hot_slot(&mut self, index: usize) -> Option<Slot> {
        let start = self.rng.random_range(0..2 * HOT_SLOTS);
        let map = self.machines[index].map.as_ref()?;
        (start..HOT_SLOTS).map(hot_slot).find(|&slot| map.owner(slot) == SlotOwner::Myself)
    }

    /// CLUSTER SETSLOT. A master's replicas get it first, as far as its stream reaches them.
    pub fn set_slot(&mut self, index: usize, slot: Slot, what: SetSlot) -> u64 {
        let id = self.machines[index].id;
        let follows = |&replica: &usize| {
            let machine = &self.machines[replica];
            machine.following.is_some() && machine.following == id && machine.link_up
        };
        let replicas: Vec<usize> = self
            .up()
            .filter(follows)
            .filter(|&replica| !self.network.is_apart(index, replica) && !self.is_frozen(replica))
            .collect();
        let facts = SlotFacts { holds_keys: self.holds_keys(index, slot) };
        for replica in replicas {
            let stage = SetSlotStage::FromMaster;
            self.order(replica, Command::SetSlot { slot, what: what.clone(), facts, stage });
        }
        self.order(index, Command::SetSlot { slot, what, facts, stage: SetSlotStage::Run })
    }

    /// MIGRATE of all keys of a slot: gone here and there at once, if the two reach each other.
    pub fn migrate_keys(&mut self, slot: Slot, from: usize, to: usize) {
        let Some(hot) = hot_of(slot) else { return };
        let reach = |index: usize| self.machines[index].is_up() && !self.is_frozen(index);
        if from == to || !reach(from) || !reach(to) || self.network.is_apart(from, to) {
            return;
        }
        let keys = std::mem::replace(&mut self.machines[from].data.last[hot], NOTHING);
        if keys != NOTHING {
            self.machines[to].data.last[hot] = keys;
            self.machines[from].data.offset += OFFSET_PER_WRITE;
            self.machines[to].data.offset += OFFSET_PER_WRITE;
        }
    }

    pub(crate) fn drop_keys(&mut self, index: usize, gone: impl Fn(Slot) -> bool) {
        let data = &mut self.machines[index].data;
        for hot in (0..HOT_SLOTS).filter(|&hot| gone(hot_slot(hot))) {
            data.last[hot] = NOTHING;
        }
        data.offset += OFFSET_PER_WRITE;
    }

    /// Every master's state sets out to its replicas.
    pub(crate) fn replicate(&mut self) {
        for index in 0..self.machines.len() {
            if self.machines[index].is_up() && self.machines[index].following.is_some() {
                self.replicate_to(index);
            }
            self.tell_facts(index);
        }
        self.at(self.replication_period_ms, Event::Replicate);
    }

    fn replicate_to(&mut self, index: usize) {
        let Some(from) = self.machines[index].following else { return };
        // That the link ended is not heard over a way that is cut, nor of a host that is gone.
        let Some(&there) = self.all_ids.get(&from).filter(|&&at| at != index) else { return };
        if self.network.is_cut(there, index) || self.network.unplugged.contains(&there) {
            return;
        }
        let leads = self.by_id(from) == Some(there) && self.machines[there].following.is_none();
        if !leads || self.network.is_reset(there, index) {
            let machine = &mut self.machines[index];
            if std::mem::replace(&mut machine.link_up, false) {
                machine.heard_ms = Some(self.now_ms);
                machine.last_contact_ms = Some(machine.clock.read(self.now_ms));
            }
            return;
        }
        if self.is_frozen(there) {
            return;
        }
        let delay_ms = self.network.delay.draw(&mut self.rng);
        let data = self.machines[there].data.clone();
        let machine = &mut self.machines[index];
        let arrives_ms = (self.now_ms + delay_ms).max(machine.stream_busy_until_ms);
        machine.stream_busy_until_ms = arrives_ms;
        let delivery = Box::new(Delivery { to: index, life: machine.life, from, data });
        self.queue.push(arrives_ms, Event::Replicated(delivery));
    }

    pub(crate) fn replicated(&mut self, delivery: Delivery) {
        let Delivery { to, life, from, data } = delivery;
        let frozen = self.is_frozen(to);
        let machine = &mut self.machines[to];
        if machine.life != life || machine.following != Some(from) || frozen {
            return;
        }
        machine.data = data;
        machine.link_up = true;
        machine.heard_ms = Some(self.now_ms);
        machine.last_contact_ms = Some(machine.clock.read(self.now_ms));
        self.tell_facts(to);
    }

    /// A map comes into force: a replica may have become the master of slots that were its master's.
    pub(crate) fn note_succession(&mut self, index: usize, old: &ClusterMap, new: &ClusterMap) {
        if new.version == 1 && old.my_master().is_none() && new.my_master().is_some() {
            for hot in (0..HOT_SLOTS).filter(|&hot| old.owner(hot_slot(hot)) == SlotOwner::Myself) {
                self.checkers.lost_writes.undone(index, hot, self.now_ms);
            }
        }
        let Some(master) = old.my_master().and_then(|at| old.node(at)).filter(|_| new.my_master().is_none())
        else {
            return;
        };
        let Some(&replaced) = self.all_ids.get(&master.id) else { return };
        let machine = &mut self.machines[index];
        let offset = machine.data.offset;
        let handed_over = machine.handover.take() == Some((master.id, offset));
        let failed =
            new.nodes.iter().any(|node| node.id == master.id && node.flags.contains(NodeFlags::FAIL));
        for hot in 0..HOT_SLOTS {
            let slot = hot_slot(hot);
            let was_its = matches!(old.owner(slot), SlotOwner::Other(at) if Some(at) == old.my_master());
            if was_its && new.owner(slot) == SlotOwner::Myself {
                let succession = Succession {
                    hot,
                    old: replaced,
                    new: index,
                    at_ms: self.now_ms,
                    by_hand: handed_over && !failed,
                    has: self.machines[index].data.last[hot],
                    epoch: self.checkers.last_election(index),
                };
                let old_has = self.machines[replaced].data.last[hot];
                let found = self.checkers.lost_writes.succeeded(succession, old_has);
                self.checkers.violations.extend(found);
            }
        }
    }

    /// Most of the masters with slots, as `map` has them, take that machine for the slot's owner.
    fn majority_knows(&self, map: &ClusterMap, slot: Slot, owner: usize) -> bool {
        let mut masters: Vec<u16> = map.owners.to_vec();
        masters.sort_unstable();
        masters.dedup();
        masters.retain(|&master| master != ClusterMap::NOBODY);
        let knows = |&&master: &&u16| {
            let machine = map.nodes.get(usize::from(master)).and_then(|node| self.by_id(node.id));
            let theirs = machine.and_then(|machine| self.machines[machine].map.as_ref());
            theirs.is_some_and(|theirs| match theirs.owner(slot) {
                SlotOwner::Nobody => false,
                SlotOwner::Myself => machine == Some(owner),
                SlotOwner::Other(at) => theirs.node(at).map(|node| node.id) == self.machines[owner].id,
            })
        };
        masters.iter().filter(knows).count() > masters.len() / 2
    }

    /// A replica asks for votes: unless an operator told it to, it must have heard of its master lately.
    pub(crate) fn judge_candidate(&self, index: usize, bytes: &[u8]) -> Option<String> {
        let machine = &self.machines[index];
        let (timeout_ms, factor) = (machine.config.node_timeout_ms, machine.config.replica_validity_factor);
        if Peek(bytes).message_flags() & MESSAGE_FORCE_ACK != 0 || factor == 0 {
            return None;
        }
        // By its own clock, which may have been set back.
        let allowed_ms = timeout_ms * (factor + 1) + machine.config.replica_ping_period_ms + 3_000;
        let age_ms = machine.heard_ms.map(|heard_ms| self.now_ms - heard_ms);
        age_ms
            .is_none_or(|age_ms| age_ms > allowed_ms)
            .then(|| format!("{index} stands for election with data of {age_ms:?} ms, not {allowed_ms}"))
    }

    fn tell_facts(&mut self, index: usize) {
        let machine = &mut self.machines[index];
        let facts = ReplicationFacts {
            offset: machine.data.offset,
            master_link_up: machine.link_up,
            last_master_contact_ms: match self.plant {
                Some(Plant::DataAlwaysFresh) => Some(machine.clock.read(self.now_ms)),
                _ => machine.last_contact_ms,
            },
        };
        if machine.told.replace(facts) != Some(facts) {
            let life = machine.life;
            self.step(index, life, Input::Replication(facts));
        }
    }
}
