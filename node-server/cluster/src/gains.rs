//! A slot that was given to us, and a giver that has not heard of it.
//!
//! SETSLOT NODE ends a move on the target, by an epoch that nobody voted for. If the source is failed over at that very
//! moment, whoever takes its place may not have heard: it claims the slot as its master's, by the epoch in which it was
//! elected, and that is as great as ours or greater. The keys are here; with the slot we would delete them.
//!
//! So we remember who the giver's nodes are, and strike out each that shows the giver without the slot: from then on it
//! will not claim it by mistake. Who is not struck out yet and claims the slot has not heard; then we keep it, by a newer
//! epoch, and all believe us. The operator who moves the slot back tells us so (MIGRATING, or NODE), which ends it, too.
//!
//! A replica that cannot be heard stays on the list for as long. Over a restart it is forgotten. Ours: Redis and Valkey 8
//! lose the keys.

use rcl_proto::{Slot, SlotSet};

use crate::io::LogLevel;
use crate::member::Member;
use crate::node::NodeRef;

impl Member {
    /// A slot that was imported from `giver` is ours now.
    pub(crate) fn gained_from(&mut self, giver: NodeRef, slot: Slot) {
        let node = &self.nodes[giver];
        // By now the giver may be a replica, of the one that took its place.
        let leader = node.master.unwrap_or(giver);
        let replicas = self.nodes[leader].replicas.iter().copied();
        let shard = std::iter::once(leader).chain(replicas).filter(|at| *at != self.me).collect();
        self.slots.gained.insert(slot, shard);
    }

    /// A heartbeat shows which slots its sender, or the sender's master, has by the sender's view.
    pub(crate) fn giver_heard(&mut self, sender: NodeRef, shown: &SlotSet) {
        self.slots.gained.retain(|slot, unheard| {
            if !shown.contains(*slot) {
                unheard.retain(|at| *at != sender);
            }
            !unheard.is_empty()
        });
    }

    /// True when `claimant` cannot know yet that it gave the slot to us.
    pub(crate) fn is_giver_unheard(&self, slot: Slot, claimant: NodeRef) -> bool {
        self.slots.owner(slot) == Some(self.me)
            && self.slots.gained.get(&slot).is_some_and(|unheard| unheard.contains(&claimant))
    }

    /// `claimant` claims these slots, which it gave to us, by an epoch that is greater than ours.
    pub(crate) fn keep_gains(&mut self, claimant: NodeRef, slots: &SlotSet) {
        let called = self.nodes[claimant].called();
        let line = format!("{called} has not heard that slots {slots} came to us: we keep them");
        self.log(LogLevel::Notice, line);
        self.bump_epoch_alone();
    }
}
