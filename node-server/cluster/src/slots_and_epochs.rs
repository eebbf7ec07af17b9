//! Who owns which slot, and by which config epoch.
//!
//! - A master's claim of a slot (in its heartbeats, or told by others in an UPDATE) is taken over when the
//!   slot has no owner, its owner no longer claims it, the owner is a replica (an operator's ADDSLOTS made it one), or
//!   the owner's config epoch is smaller than the claimant's. Not while we import the slot, see [`crate::set_slot`],
//!   and not when the claimant has not heard that it was given to us, see [`crate::gains`].
//! - A master that loses its last slot to another follows it as a replica, and so do its replicas. (With
//!   `cluster-allow-replica-migration no` only when the winner has just those slots: a failover.) A master
//!   that keeps others deletes the keys of those it lost.
//! - No two masters keep the same config epoch: of two, the one with the smaller id takes a new one. A master whose
//!   replica took its place by the very epoch that it has, too, gives it what it claims, whatever their ids.
//!
//! Source: the specification, "Hash slots configuration propagation" and "configEpoch conflicts resolution".

use std::collections::BTreeMap;
use std::sync::Arc;

use rcl_proto::{SLOT_COUNT, Slot, SlotSet};

use crate::io::{LogLevel, Output};
use crate::member::Member;
use crate::node::{Node, NodeRef};
use crate::packet::{Flags, Header};

/// The slots as we see them.
#[derive(Debug)]
pub(crate) struct SlotTable {
    /// [`SlotTable::NOBODY`] where there is none.
    owners: Box<[u16; SLOT_COUNT]>,
    /// How many slots have an owner.
    pub assigned: usize,
    /// Slots whose owner's own heartbeats no longer claim them: we go on redirecting there, but believe any
    /// other claim.
    pub not_claimed: SlotSet,
    /// Our slots that are moving away.
    pub migrating: BTreeMap<Slot, NodeRef>,
    /// Slots that are moving to us.
    pub importing: BTreeMap<Slot, NodeRef>,
    /// Slots that came to us, with the nodes of the shard they came from that may not have heard, see [`crate::gains`].
    pub gained: BTreeMap<Slot, Vec<NodeRef>>,
}

impl Default for SlotTable {
    fn default() -> SlotTable {
        SlotTable {
            owners: Box::new([SlotTable::NOBODY; SLOT_COUNT]),
            assigned: 0,
            not_claimed: SlotSet::EMPTY,
            migrating: BTreeMap::new(),
            importing: BTreeMap::new(),
            gained: BTreeMap::new(),
        }
    }
}

impl SlotTable {
    const NOBODY: u16 = u16::MAX;

    pub fn owner(&self, slot: Slot) -> Option<NodeRef> {
        node_ref(self.owners[slot.index()])
    }

    fn give(&mut self, slot: Slot, to: NodeRef) {
        self.owners[slot.index()] = to.0;
        self.assigned += 1;
        self.not_claimed.remove(slot);
    }

    /// Who had it.
    fn take(&mut self, slot: Slot) -> Option<NodeRef> {
        let owner = self.owner(slot)?;
        self.owners[slot.index()] = SlotTable::NOBODY;
        self.assigned -= 1;
        self.not_claimed.remove(slot);
        Some(owner)
    }

    /// The owner, unless it stopped claiming the slot.
    pub fn claimed_owner(&self, slot: Slot) -> Option<NodeRef> {
        self.owner(slot).filter(|_| !self.not_claimed.contains(slot))
    }

    pub fn owners(&self) -> impl Iterator<Item = Option<NodeRef>> + '_ {
        self.owners.iter().map(|&owner| node_ref(owner))
    }

    pub fn close_all_with(&mut self, at: NodeRef) {
        self.migrating.retain(|_, to| *to != at);
        self.importing.retain(|_, from| *from != at);
        self.gained.values_mut().for_each(|unheard| unheard.retain(|other| *other != at));
    }

    pub fn close_all(&mut self) {
        self.migrating.clear();
        self.importing.clear();
    }
}

fn node_ref(owner: u16) -> Option<NodeRef> {
    (owner != SlotTable::NOBODY).then_some(NodeRef(owner))
}

impl Member {
    /// Gives a slot without an owner to a node.
    pub(crate) fn assign_slot(&mut self, slot: Slot, to: NodeRef) {
        if self.slots.owner(slot).is_some() {
            return;
        }
        let someone_has_replicas = self.nodes[to].slots.is_empty()
            && self.nodes.iter().any(|(_, node)| !node.is_replica() && !node.replicas.is_empty());
        self.slots.give(slot, to);
        self.nodes.change_standing(to, |node| node.slots.insert(slot));
        if someone_has_replicas {
            self.nodes[to].flags.set(Flags::MIGRATE_TO);
        }
    }

    pub(crate) fn release_slot(&mut self, slot: Slot) {
        let Some(owner) = self.slots.take(slot) else { return };
        self.nodes.change_standing(owner, |node| node.slots.remove(slot));
        if owner == self.me {
            self.slots.gained.remove(&slot);
            self.unclaim(slot);
        }
    }

    pub(crate) fn release_slots_of(&mut self, at: NodeRef) {
        for slot in self.nodes[at].slots.to_set().iter() {
            self.release_slot(slot);
        }
    }

    /// The slots of a heartbeat, against what we know.
    pub(crate) fn take_slots(&mut self, sender: NodeRef, header: &Header) {
        let shown_by = match self.nodes[sender].is_master() {
            true => sender,
            false => match self.nodes[sender].master {
                Some(master) => master,
                None => return,
            },
        };
        if self.myself().master == Some(sender) {
            self.imports_arrived(&header.slots);
        }
        self.giver_heard(sender, &header.slots);
        if self.nodes[shown_by].slots.is(&header.slots) {
            // Nothing new, but a claim that was in doubt is not any more.
            if shown_by == sender && !self.slots.not_claimed.is_empty() {
                self.slots.not_claimed = self.slots.not_claimed.difference(&header.slots);
            }
            return;
        }
        if shown_by == sender {
            self.take_claims(sender, header.config_epoch, &header.slots);
        }
        self.correct_stale_claims(sender, header);
    }

    /// `claimant` owns `claimed` by `epoch`, as itself says or as somebody says of it.
    pub(crate) fn take_claims(&mut self, claimant: NodeRef, epoch: u64, claimed: &SlotSet) {
        if claimant == self.me {
            return;
        }
        let ours = if self.is_master() { Some(self.me) } else { self.myself().master };
        let (mut from_ours, mut kept) = (SlotSet::EMPTY, SlotSet::EMPTY);
        for slot in claimed.difference(&self.nodes[claimant].slots.to_set()).iter() {
            if self.import_stops_claim(slot, claimant) {
                continue;
            }
            let owner = self.slots.owner(slot);
            let wins = match self.slots.claimed_owner(slot) {
                None => true,
                // A replica claims nothing, though an operator may have given it slots.
                Some(owner) => !self.nodes[owner].is_master() || self.nodes[owner].config_epoch < epoch,
            };
            if !wins {
                continue;
            }
            if self.is_giver_unheard(slot, claimant) {
                kept.insert(slot);
                continue;
            }
            if owner.is_some() && owner == ours {
                from_ours.insert(slot);
            }
            self.release_slot(slot);
            self.assign_slot(slot, claimant);
            self.import_overtaken(slot, claimant);
            self.changed();
        }
        let still = self.nodes[claimant].slots.to_set();
        self.slots.not_claimed = self.slots.not_claimed.union(&still.difference(claimed)).difference(claimed);
        self.after_losing(ours, claimant, claimed, &from_ours);
        if !kept.is_empty() {
            self.keep_gains(claimant, &kept);
        }
    }

    /// We, or our master, may have no slot left.
    fn after_losing(&mut self, ours: Option<NodeRef>, winner: NodeRef, claimed: &SlotSet, lost: &SlotSet) {
        let grandmaster = self.myself().master.and_then(|master| self.nodes[master].master);
        let left_bare = ours.is_some_and(|ours| self.nodes[ours].slots.is_empty());
        // A failover takes all slots of one master, and the winner has no others.
        let failed_over = claimed.len() == lost.len();
        if !lost.is_empty() && left_bare && (self.config.allow_replica_migration || failed_over) {
            if failed_over {
                self.step_down(winner);
            } else {
                if ours == Some(self.me) {
                    self.drop_when_applied(lost);
                }
                self.step_down_in_a_moment(winner);
            }
        } else if let Some(grandmaster) = grandmaster.filter(|&at| at != self.me) {
            let called = self.nodes[grandmaster].called();
            let line =
                format!("I'm a sub-replica! Reconfiguring myself as a replica of grandmaster {called}");
            self.log(LogLevel::Warning, line);
            self.follow(grandmaster);
        } else if !lost.is_empty() && ours == Some(self.me) {
            self.drop_when_applied(lost);
        }
        if !(left_bare && failed_over) {
            // What we no longer own can't be moving away from us; where all of it was failed over, our shard has it yet.
            let mine = &self.nodes[self.me].slots;
            self.slots.migrating.retain(|slot, _| mine.contains(*slot) || !lost.contains(*slot));
        }
    }

    /// `sender`, which was our replica, says that it is a master, by the epoch that is ours. It was elected to it, or an
    /// operator put it there; we gave the epoch to ourselves when a slot was moved to us, and were cut off before anybody
    /// heard of it. So it has served our slots meanwhile, and what it acknowledged must not be lost to whose id is greater.
    /// (Redis goes by the ids.)
    pub(crate) fn yield_to_successor(&mut self, sender: NodeRef, header: &Header) {
        let me = self.myself();
        if !me.is_master() || me.config_epoch != header.config_epoch {
            return;
        }
        let claimed = me.slots.to_set().intersection(&header.slots);
        if claimed.is_empty() {
            return;
        }
        let called = self.nodes[sender].called();
        let line =
            format!("{called} took our place by the epoch {}, which was ours, too", header.config_epoch);
        self.log(LogLevel::Notice, line);
        self.take_claims(sender, header.config_epoch.saturating_add(1), &claimed);
    }

    /// The sender shows the same config epoch as ours.
    pub(crate) fn resolve_epoch_collision(&mut self, sender: NodeRef, senders_epoch: u64) {
        let (node, me) = (&self.nodes[sender], self.myself());
        let collides = node.is_master() && me.is_master() && senders_epoch == me.config_epoch;
        if !collides || node.id <= me.id {
            return;
        }
        let other = node.called();
        self.current_epoch = self.current_epoch.saturating_add(1);
        let epoch = self.current_epoch;
        self.myself_mut().config_epoch = epoch;
        self.changed();
        self.log(
            LogLevel::Notice,
            format!("configEpoch collision with node {other}. configEpoch set to {epoch}"),
        );
    }

    pub(crate) fn greatest_epoch(&self) -> u64 {
        self.nodes.iter().map(|(_, node)| node.config_epoch).fold(self.current_epoch, u64::max)
    }

    /// Takes a new config epoch without asking anybody, unless ours is the greatest already. True if it did.
    pub(crate) fn bump_epoch_alone(&mut self) -> bool {
        let mine = self.myself().config_epoch;
        let greatest = self.greatest_epoch();
        if mine != 0 && mine == greatest {
            return false;
        }
        self.current_epoch = self.current_epoch.max(greatest).saturating_add(1);
        let epoch = self.current_epoch;
        self.myself_mut().config_epoch = epoch;
        self.changed();
        self.log(LogLevel::Notice, format!("New configEpoch set to {epoch}"));
        true
    }

    /// A replica's master, kept on both sides.
    pub(crate) fn set_master_of(&mut self, replica: NodeRef, master: Option<NodeRef>) {
        let old = std::mem::replace(&mut self.nodes[replica].master, master);
        if let Some(old) = old {
            let node = &mut self.nodes[old];
            node.replicas.retain(|at| *at != replica);
            if node.replicas.is_empty() {
                node.flags.clear(Flags::MIGRATE_TO);
            }
        }
        if let Some(master) = master {
            let replicas = &self.nodes[master].replicas;
            if !replicas.contains(&replica) {
                let id = self.nodes[replica].id;
                let place = replicas.partition_point(|&at| self.nodes[at].id < id);
                self.nodes[master].replicas.insert(place, replica);
            }
            self.nodes[master].flags.set(Flags::MIGRATE_TO);
        }
    }

    pub(crate) fn make_master(&mut self, at: NodeRef) {
        let had_master = self.nodes[at].master.is_some();
        self.set_master_of(at, None);
        let is_other = at != self.me;
        self.nodes.change_standing(at, |node| {
            node.flags.clear(Flags::REPLICA);
            node.flags.set(Flags::MASTER);
        });
        let node = &mut self.nodes[at];
        if had_master && is_other {
            node.flags.set(Flags::MIGRATE_TO);
        }
        self.changed();
    }

    /// We become (or stay) a replica, of this master.
    pub(crate) fn follow(&mut self, master: NodeRef) {
        if master == self.me || !self.myself().slots.is_empty() {
            return;
        }
        if self.is_master() {
            self.nodes.change_standing(self.me, Node::make_replica);
        }
        if self.myself().master != Some(master) {
            // What was heard of another master says nothing of how much of this one's data we have.
            self.replication.master_link_up = false;
            self.replication.last_master_contact_ms = None;
        }
        self.set_master_of(self.me, Some(master));
        self.share_shard_id_of_master();
        self.successor = None;
        self.election = Default::default();
        self.reset_manual_failover();
        self.follow_master();
        self.changed();
        self.due.announce = true;
    }

    /// Tells the driver whom to replicate, if that is news.
    pub(crate) fn follow_master(&mut self) {
        let Some(master) = self.myself().master.and_then(|at| self.nodes.get(at)) else { return };
        if !master.has_address() || master.port == 0 {
            return;
        }
        let target = (master.id, Arc::clone(&master.ip), master.port);
        if self.replicating.as_ref() == Some(&target) {
            return;
        }
        let (node, ip, port) = (target.0, target.1.to_string(), target.2);
        self.replicating = Some(target);
        self.outputs.push_back(Output::ReplicateFrom { node, ip, port });
    }

    pub(crate) fn stop_following(&mut self) {
        self.replicating = None;
        self.outputs.push_back(Output::StopReplicating);
    }
}
