//! What a Redis node makes of the packets that reach it: its slot table by Redis 7.0's rules, which knows no patience.
//! When a master says that it is a replica now, all its slots are without an owner until somebody claims them, and
//! a cluster that requires full coverage refuses its clients meanwhile.

use std::collections::{HashMap, HashSet};

use rcl_cluster::ClusterMap;
use rcl_cluster::packet::{self, Body, Flags};
use rcl_proto::{NodeId, SlotSet};

use crate::world;

pub struct RedisView {
    owners: Vec<Option<NodeId>>,
    epochs: HashMap<NodeId, u64>,
    replicas: HashSet<NodeId>,
    /// The last claim, while nothing else happened: heartbeats say the same again and again.
    claims: HashMap<NodeId, (u64, SlotSet)>,
    /// Whose slots were left without an owner.
    pub orphaned: Vec<NodeId>,
}

impl RedisView {
    /// Knows who owns what; whose epoch is which it learns from the packets.
    pub fn new(map: &ClusterMap) -> RedisView {
        RedisView {
            owners: world::owners(map),
            epochs: HashMap::new(),
            replicas: map.nodes.iter().filter(|node| node.master.is_some()).map(|node| node.id).collect(),
            claims: HashMap::new(),
            orphaned: Vec::new(),
        }
    }

    pub fn take(&mut self, bytes: &[u8]) {
        if packet::light::is_light(bytes) == Some(true) {
            return;
        }
        let packet = packet::decode(bytes).expect("nodes send well-formed packets");
        let header = &packet.header;
        let known = self.epochs.entry(header.sender).or_default();
        *known = header.config_epoch.max(*known);
        match packet.body {
            Body::Heartbeat { .. } if header.flags.any(Flags::REPLICA) => {
                let steps_down = self.replicas.insert(header.sender);
                if steps_down && self.owners.contains(&Some(header.sender)) {
                    self.owners
                        .iter_mut()
                        .filter(|owner| **owner == Some(header.sender))
                        .for_each(|owner| *owner = None);
                    self.orphaned.push(header.sender);
                    self.claims.clear();
                }
            }
            Body::Heartbeat { .. } => {
                self.replicas.remove(&header.sender);
                self.claim(header.sender, header.config_epoch, &header.slots);
            }
            Body::Update { config_epoch, node: Some(node), slots } => {
                if self.epochs.get(&node).is_some_and(|&known| known >= config_epoch) {
                    return;
                }
                self.epochs.insert(node, config_epoch);
                self.replicas.remove(&node);
                self.claim(node, config_epoch, &SlotSet::from_bytes(slots));
            }
            _ => {}
        }
    }

    fn claim(&mut self, claimant: NodeId, epoch: u64, slots: &SlotSet) {
        let claim = (epoch, slots.clone());
        if self.claims.get(&claimant) == Some(&claim) {
            return;
        }
        self.claims.insert(claimant, claim);
        for slot in slots.iter() {
            let owner = &mut self.owners[slot.index()];
            if owner.is_none_or(|owner| self.epochs.get(&owner).is_none_or(|&known| known < epoch)) {
                *owner = Some(claimant);
            }
        }
    }
}
