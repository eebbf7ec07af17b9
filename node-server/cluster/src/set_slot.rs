//! Moving a slot by hand: CLUSTER SETSLOT, and the marks that it leaves on a slot while it moves.
//!
//! - `MIGRATING` marks a slot of ours that moves to another master, `IMPORTING` one that comes to us, `STABLE` takes the
//!   mark off, `NODE` says who owns the slot, which ends the move. On the side that gets the slot `NODE` takes a new
//!   epoch without a vote, so that this claim wins over the old owner's.
//! - A master with replicas that know how has SETSLOT run by them first (the node sends it down the replication stream
//!   and waits); it is checked before, and again when it runs. So a replica that takes over in mid-move knows the
//!   marks, and whatever the master has said of a slot's owner its replicas know too.
//! - A replica that heard `NODE` for its master keeps the mark of the import until the master itself claims the slot:
//!   till then the old owner's claim, by its greater epoch, must not win here.
//! - Where a partner of a move was failed over, the mark goes to the one that took its place, and a demoted master
//!   keeps its marks: the shard goes on with the move, whoever leads it.
//! - A mark of an import stops a master from believing anybody else's claim of the slot but the source's own: an
//!   operator is at work on it. A replica believes them, and drops the mark.
//!
//! Source: CLUSTER SETSLOT's documentation, and Valkey 8 for all that concerns replicas.

use rcl_proto::{Slot, SlotSet};

use crate::command::{Reply, SetSlot, SetSlotStage, SlotFacts};
use crate::commands::{Outcome, fail, shown};
use crate::io::LogLevel;
use crate::member::Member;
use crate::node::NodeRef;

/// A SETSLOT whose words were looked up.
#[derive(Clone, Copy, Debug)]
enum Change {
    Migrating(NodeRef),
    Importing(NodeRef),
    Stable,
    Node(NodeRef),
}

impl Member {
    pub(crate) fn set_slot(
        &mut self,
        slot: Slot,
        what: SetSlot,
        facts: SlotFacts,
        stage: SetSlotStage,
    ) -> Outcome {
        match (stage, self.is_master()) {
            (SetSlotStage::Check | SetSlotStage::Run, false) => {
                return fail("Please use SETSLOT only with masters.");
            }
            (SetSlotStage::FromMaster, true) => return fail("I follow no master that could say so"),
            _ => {}
        }
        let change = self.check_set_slot(slot, &what, facts, stage)?;
        if stage == SetSlotStage::Check {
            return Ok(Reply::Ok);
        }
        match change {
            Change::Migrating(to) => {
                self.slots.gained.remove(&slot);
                self.slots.migrating.insert(slot, to);
            }
            Change::Importing(from) => {
                self.slots.importing.insert(slot, from);
            }
            Change::Stable => {
                self.slots.importing.remove(&slot);
                self.slots.migrating.remove(&slot);
            }
            Change::Node(to) => self.set_slot_node(slot, to, facts),
        }
        self.changed();
        Ok(Reply::Ok)
    }

    /// The preconditions. What our master says has passed them there; that we know the nodes is all it takes.
    fn check_set_slot(
        &self,
        slot: Slot,
        what: &SetSlot,
        facts: SlotFacts,
        stage: SetSlotStage,
    ) -> Result<Change, String> {
        let by_command = stage != SetSlotStage::FromMaster;
        let is_mine = self.slots.owner(slot) == Some(self.me);
        let partner = |node: &[u8]| {
            let at =
                self.find_text(node).ok_or_else(|| format!("I don't know about node {}", shown(node)))?;
            self.must_be_master(at)?;
            Ok::<NodeRef, String>(at)
        };
        match what {
            SetSlot::Migrating(_) if by_command && !is_mine => {
                Err(format!("I'm not the owner of hash slot {slot}"))
            }
            SetSlot::Importing(_) if is_mine => Err(format!("I'm already the owner of hash slot {slot}")),
            SetSlot::Migrating(node) => Ok(Change::Migrating(partner(node)?)),
            SetSlot::Importing(node) => Ok(Change::Importing(partner(node)?)),
            SetSlot::Stable => Ok(Change::Stable),
            SetSlot::Node(node) => {
                let to = self.known(node)?;
                self.must_be_master(to)?;
                if is_mine && to != self.me && facts.holds_keys {
                    return Err(format!(
                        "Can't assign hashslot {slot} to a different node while I still hold keys for this hash slot."
                    ));
                }
                Ok(Change::Node(to))
            }
        }
    }

    fn must_be_master(&self, at: NodeRef) -> Result<(), String> {
        match self.nodes[at].is_replica() {
            true => Err("Target node is not a master".to_owned()),
            false => Ok(()),
        }
    }

    fn set_slot_node(&mut self, slot: Slot, to: NodeRef, facts: SlotFacts) {
        let was_mine = self.slots.owner(slot) == Some(self.me);
        if !facts.holds_keys {
            self.slots.migrating.remove(&slot);
        }
        self.release_slot(slot);
        self.assign_slot(slot, to);
        let left_bare = was_mine && to != self.me && self.myself().slots.is_empty();
        if left_bare && self.config.allow_replica_migration {
            self.step_down_in_a_moment(to);
        }
        if to == self.me
            && let Some(giver) = self.slots.importing.remove(&slot)
        {
            self.gained_from(giver, slot);
            // A new epoch makes the claim win over the old owner's; the new face is announced when it is
            // public.
            self.bump_epoch_alone();
        }
    }

    /// True when a mark of an import keeps us from believing that `claimant` has the slot.
    pub(crate) fn import_stops_claim(&self, slot: Slot, claimant: NodeRef) -> bool {
        let Some(&from) = self.slots.importing.get(&slot) else { return false };
        match self.myself().master {
            // Our master's word stands until its own claim is public.
            Some(master) => self.slots.owner(slot) == Some(master) && claimant != master,
            None => claimant != from || self.slots.owner(slot) == Some(self.me),
        }
    }

    /// Somebody's claim of a slot was believed.
    pub(crate) fn import_overtaken(&mut self, slot: Slot, claimant: NodeRef) {
        if self.slots.importing.get(&slot).is_some_and(|from| *from != claimant) {
            self.slots.importing.remove(&slot);
        }
    }

    /// Our master claims these slots: what came to it has arrived.
    pub(crate) fn imports_arrived(&mut self, claimed: &SlotSet) {
        let before = self.slots.importing.len();
        self.slots.importing.retain(|slot, _| !claimed.contains(*slot));
        if self.slots.importing.len() != before {
            self.changed();
        }
    }

    /// We took our master's place: its slots are ours, and so are the moves, as far as they still make sense.
    pub(crate) fn inherit_moves(&mut self) {
        let mine = &self.nodes[self.me].slots;
        self.slots.importing.retain(|slot, _| !mine.contains(*slot));
        self.slots.migrating.retain(|slot, _| mine.contains(*slot));
    }

    /// `new`, which was a replica of `old`, shows all of its slots by a greater epoch: a failover.
    pub(crate) fn partner_was_replaced(&mut self, old: NodeRef, new: NodeRef) {
        let partners = self.slots.migrating.values_mut().chain(self.slots.importing.values_mut());
        let mut moved = 0;
        for partner in partners.filter(|partner| **partner == old) {
            *partner = new;
            moved += 1;
        }
        if moved > 0 {
            let (old, new) = (self.nodes[old].id, self.nodes[new].id);
            let line = format!("Failover in a move of {moved} slots: {new} takes the part of {old}");
            self.log(LogLevel::Notice, line);
            self.changed();
        }
    }
}
