//! Persist before send: what may be said of ourselves, and when.
//!
//! A vote, the request for votes in a new epoch, and the claim of a slot are promises: after a crash we must
//! still know that we made them. So:
//! - Each change that matters gives out [`Output::Persist`] with a number, and a new map with a version.
//! - Our *face* is what packet headers say of us: role, config epoch, slots. What we give up (a slot, the
//!   role of master) leaves the face at once. What we gain enters it when the state with it is on disk *and*
//!   the map with it is in every shard, so that no client is ever sent here before we serve.
//! - A vote and a request for votes wait for the disk alone. Heartbeats wait for nothing: they go out with
//!   the face as it is.
//! - A command that changed something is answered when its change is durable and applied.
//! - In a big cluster much changes at once, and each state and each map is about all nodes. So with more than a hundred,
//!   one state at a time is under way to the disk: the next is made when that one is there, and when something waits
//!   for it, or a tenth of a second after the last. And while a map is under way to the shards, one that differs only in
//!   what it says of others waits; where our own part changes, or something waits for it, it is given out at once.
//!
//! Source: the specification's rule that epochs and votes are stored before they are sent; the rule for slots
//! is ours.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use rcl_proto::{NodeId, Slot, SlotSet};

use crate::command::Reply;
use crate::io::{LogLevel, Output};
use crate::map::{ClusterMap, ClusterState};
use crate::member::Member;
use crate::node::NodeRef;
use crate::packet::Kind;

/// What our packets say of us.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Face {
    /// Whom we say we replicate.
    pub master: Option<NodeId>,
    pub config_epoch: u64,
    pub slots: SlotSet,
}

/// Who gets a packet that waits for the disk.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Addressee {
    Everybody,
    Node(NodeId),
}

/// Something that waits for a persist and a map (0 for neither).
#[derive(Debug)]
struct Waiting<T> {
    seq: u64,
    version: u64,
    what: T,
}

/// Our own part of a map.
#[derive(Debug, PartialEq, Eq)]
struct OwnPart {
    face: Face,
    state: ClusterState,
    migrating: BTreeMap<Slot, NodeRef>,
    importing: BTreeMap<Slot, NodeRef>,
}

/// In a cluster of no more nodes every state and every map is given out at once.
const SMALL: usize = 100;
/// A state that nothing waits for is not given out sooner after the last one.
const SAVE_EVERY_MS: u64 = 100;

#[derive(Debug, Default)]
pub(crate) struct Durability {
    /// The newest state, the newest that was given out, and the newest that is on disk.
    seq: u64,
    given_seq: u64,
    given_ms: u64,
    pub persisted: u64,
    /// The same for maps.
    pub version: u64,
    given_version: u64,
    given_part: Option<OwnPart>,
    pub applied: u64,
    pub face: Face,
    pub newest_map: Option<Arc<ClusterMap>>,
    faces: VecDeque<Waiting<Face>>,
    sends: VecDeque<Waiting<(Addressee, Kind, Vec<u8>)>>,
    replies: VecDeque<Waiting<(u64, Reply)>>,
    drops: VecDeque<Waiting<Box<SlotSet>>>,
    resumes: VecDeque<Waiting<()>>,
    /// What this step asked for; it gets its numbers when the step ends.
    new_sends: Vec<(Addressee, Kind, Vec<u8>)>,
    new_replies: Vec<(u64, Reply)>,
    new_drops: SlotSet,
}

impl Durability {
    fn is_done<T>(&self, waiting: &Waiting<T>) -> bool {
        waiting.seq <= self.persisted && waiting.version <= self.applied
    }

    /// The keys of the slot are about to be deleted.
    pub fn is_dropping(&self, slot: Slot) -> bool {
        self.new_drops.contains(slot) || self.drops.iter().any(|waiting| waiting.what.contains(slot))
    }

    /// A new pause begins: the end of the one before must not end it.
    pub fn call_off_resumes(&mut self) {
        self.resumes.clear();
    }
}

impl Member {
    /// Sends the packet when this step's state is on disk.
    pub(crate) fn send_when_durable(&mut self, to: Addressee, kind: Kind, bytes: Vec<u8>) {
        self.due.save = true;
        self.durability.new_sends.push((to, kind, bytes));
    }

    /// Answers a command when this step's changes, if any, are durable and applied.
    pub(crate) fn reply_when_done(&mut self, token: u64, reply: Reply) {
        self.durability.new_replies.push((token, reply));
    }

    /// These slots went to another master: their keys are to be deleted once no shard serves them any more.
    pub(crate) fn drop_when_applied(&mut self, slots: &SlotSet) {
        self.durability.new_drops = self.durability.new_drops.union(slots);
    }

    /// A slot that we own no longer leaves the face, and every face to come.
    pub(crate) fn unclaim(&mut self, slot: Slot) {
        self.durability.face.slots.remove(slot);
        for waiting in &mut self.durability.faces {
            waiting.what.slots.remove(slot);
        }
    }

    /// What is so right now, be it durable or not. A replica shows its master's slots and epoch.
    pub(crate) fn true_face(&self) -> Face {
        let me = self.myself();
        let shown = me.master.map_or(me, |master| &self.nodes[master]);
        Face {
            master: me.master.map(|master| self.nodes[master].id),
            config_epoch: shown.config_epoch,
            slots: shown.slots.to_set(),
        }
    }

    /// What packets say now. A replica promises nothing: its face is always the truth.
    pub(crate) fn face(&self) -> Face {
        if self.is_master() { self.durability.face.clone() } else { self.true_face() }
    }

    /// Called before our role changes from replica to master: until that is durable, we go on as the replica.
    pub(crate) fn freeze_face(&mut self) {
        self.durability.face = self.true_face();
        self.durability.faces.clear();
    }

    /// Ends a step: gives out map and state if they changed, numbers what waits for them, lets go what is
    /// done.
    pub(crate) fn settle(&mut self) {
        let due = std::mem::take(&mut self.due);
        self.durability.version += u64::from(due.map);
        self.durability.seq += u64::from(due.save);
        let asked_for = due.resume_writes
            || !self.durability.new_drops.is_empty()
            || !self.durability.new_replies.is_empty();
        self.give_out_map(due.map && (asked_for || due.configured));
        let (seq, version) = (self.durability.seq, self.durability.version);
        if due.map || due.save {
            self.queue_face(seq, version);
        }
        let waiting_for = if due.map { version } else { 0 };
        if due.resume_writes {
            self.durability.resumes.push_back(Waiting { seq: 0, version: waiting_for, what: () });
        }
        let drops = std::mem::take(&mut self.durability.new_drops);
        if !drops.is_empty() {
            self.durability.drops.push_back(Waiting { seq: 0, version, what: Box::new(drops) });
        }
        for send in std::mem::take(&mut self.durability.new_sends) {
            self.durability.sends.push_back(Waiting { seq, version: 0, what: send });
        }
        for reply in std::mem::take(&mut self.durability.new_replies) {
            let seq = if due.save { seq } else { 0 };
            self.durability.replies.push_back(Waiting { seq, version: waiting_for, what: reply });
        }
        self.give_out_state();
        if due.announce {
            self.announce();
        }
        self.let_go();
    }

    fn give_out_map(&mut self, asked_for: bool) {
        let durability = &self.durability;
        if durability.version == durability.given_version {
            return;
        }
        let part = OwnPart {
            face: self.true_face(),
            state: self.health.state,
            migrating: self.slots.migrating.clone(),
            importing: self.slots.importing.clone(),
        };
        let is_under_way = self.nodes.len() > SMALL && durability.applied < durability.given_version;
        if is_under_way && !asked_for && durability.given_part.as_ref() == Some(&part) {
            return;
        }
        self.durability.given_version = self.durability.version;
        self.durability.given_part = Some(part);
        self.publish_map();
    }

    fn give_out_state(&mut self) {
        let durability = &self.durability;
        let given_seq = durability.given_seq;
        if durability.seq == given_seq {
            return;
        }
        let is_waited_for = durability.faces.back().is_some_and(|waiting| waiting.seq > given_seq)
            || durability.sends.back().is_some_and(|waiting| waiting.seq > given_seq)
            || durability.replies.iter().any(|waiting| waiting.seq > given_seq);
        let is_under_way = durability.persisted < given_seq;
        let is_early = !is_waited_for && self.now_ms < durability.given_ms + SAVE_EVERY_MS;
        if self.nodes.len() > SMALL && (is_under_way || is_early) {
            return;
        }
        let (seq, text) = (durability.seq, self.persistent_text());
        self.durability.given_seq = seq;
        self.durability.given_ms = self.now_ms;
        self.outputs.push_back(Output::Persist { seq, text });
    }

    fn queue_face(&mut self, seq: u64, version: u64) {
        if !self.is_master() {
            self.durability.faces.clear();
            return;
        }
        let face = self.true_face();
        let last = self.durability.faces.back().map_or(&self.durability.face, |waiting| &waiting.what);
        if *last != face {
            self.durability.faces.push_back(Waiting { seq, version, what: face });
        }
    }

    fn let_go(&mut self) {
        let mut new_face = None;
        while self.durability.faces.front().is_some_and(|waiting| self.durability.is_done(waiting)) {
            new_face = self.durability.faces.pop_front();
        }
        if let Some(waiting) = new_face {
            self.durability.face = waiting.what;
            self.announce();
        }
        while self.durability.sends.front().is_some_and(|waiting| self.durability.is_done(waiting)) {
            if let Some(Waiting { what: (to, kind, bytes), .. }) = self.durability.sends.pop_front() {
                // Who follows another master by now does not stand for election any more.
                if kind != Kind::AuthRequest || self.election.asked {
                    self.send_to(to, kind, bytes);
                }
            }
        }
        while self.durability.drops.front().is_some_and(|waiting| self.durability.is_done(waiting)) {
            if let Some(waiting) = self.durability.drops.pop_front() {
                self.drop_unless_ours_again(waiting.what);
            }
        }
        while self.durability.resumes.front().is_some_and(|waiting| self.durability.is_done(waiting)) {
            self.durability.resumes.pop_front();
            self.outputs.push_back(Output::ResumeWrites);
        }
        // Not in order: a read's answer must not wait behind a change.
        let (done, waiting): (VecDeque<_>, VecDeque<_>) = std::mem::take(&mut self.durability.replies)
            .into_iter()
            .partition(|waiting| self.durability.is_done(waiting));
        self.durability.replies = waiting;
        for Waiting { what: (token, reply), .. } in done {
            self.outputs.push_back(Output::CommandReply { token, reply });
        }
    }

    fn drop_unless_ours_again(&mut self, slots: Box<SlotSet>) {
        let mine = if self.is_master() { self.myself().slots.to_set() } else { SlotSet::EMPTY };
        let slots = Box::new(slots.difference(&mine));
        // As a replica the keys are our master's business.
        if self.is_master() && !slots.is_empty() {
            self.log(
                LogLevel::Debug,
                format!("Deleting the keys of slots {slots}: another master has them now"),
            );
            self.outputs.push_back(Output::DropSlots(slots));
        }
    }
}

#[cfg(test)]
mod tests;
