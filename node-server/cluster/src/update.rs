//! UPDATE: telling a node that its idea of a slot's owner is out of date.
//!
//! When a heartbeat shows slots (of the sender, or of the sender's master) that, as we know, another master
//! claims by a newer config epoch, we send the sender an UPDATE about that master: its id, its epoch, its
//! slots. So a master that comes back after its replica took over learns so from whomever it talks to first.
//! Redis sends one about the first such slot; we send one about each such master, so that a node that lost to
//! several knows at once. Slots that the owner itself stopped claiming are left out. Source: the
//! specification, "UPDATE messages, a closer look".

use std::sync::Arc;

use rcl_proto::{NodeId, SlotSet};

use crate::member::Member;
use crate::node::NodeRef;
use crate::packet::{Header, Kind, Writer};

/// More than this many are for the next heartbeat.
const MOST_AT_ONCE: usize = 16;

impl Member {
    pub(crate) fn correct_stale_claims(&mut self, sender: NodeRef, header: &Header) {
        // On its own link to us, if there is no other: it may be that nobody can connect to it. (Redis says nothing then.)
        let Some(link) = self.any_link_to(sender) else { return };
        let mut newer: Vec<NodeRef> = Vec::new();
        for slot in header.slots.iter() {
            let Some(owner) = self.slots.claimed_owner(slot).filter(|&owner| owner != sender) else {
                continue;
            };
            // What we ourselves gained is not public before it is durable.
            let public = owner != self.me || self.face().slots.contains(slot);
            if public && self.nodes[owner].config_epoch > header.config_epoch && !newer.contains(&owner) {
                newer.push(owner);
            }
            if newer.len() >= MOST_AT_ONCE {
                break;
            }
        }
        for owner in newer {
            let bytes = self.update_about(owner);
            self.send(link, Kind::Update, bytes);
        }
    }

    pub(crate) fn update_about(&self, owner: NodeRef) -> Arc<[u8]> {
        let (epoch, slots) = match owner == self.me {
            true => {
                let face = self.face();
                (face.config_epoch, face.slots)
            }
            false => {
                let node = &self.nodes[owner];
                (node.config_epoch, node.slots.to_set().difference(&self.slots.not_claimed))
            }
        };
        let mut writer = Writer::new(Kind::Update, &self.header());
        writer.update(epoch, self.nodes[owner].id, &slots);
        writer.finish().into()
    }

    pub(crate) fn update_received(&mut self, id: NodeId, epoch: u64, slots: &SlotSet) {
        let Some(at) = self.nodes.find(id).filter(|&at| at != self.me) else { return };
        if self.nodes[at].in_handshake() || self.nodes[at].config_epoch >= epoch {
            return;
        }
        if !self.nodes[at].is_master() {
            self.replica_became_master(at, epoch, slots);
        }
        self.nodes[at].config_epoch = epoch;
        self.current_epoch = self.current_epoch.max(epoch);
        self.changed();
        self.take_claims(at, epoch, slots);
    }
}
