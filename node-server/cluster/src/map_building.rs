//! From what we know to what others read: the map for the data plane.

use std::collections::BTreeMap;
use std::sync::Arc;

use rcl_proto::{SLOT_COUNT, Slot};

use crate::io::Output;
use crate::map::{ClusterMap, MapNode, NodeIndex};
use crate::member::Member;
use crate::node::NodeRef;

impl Member {
    pub(crate) fn publish_map(&mut self) {
        let map = Arc::new(self.build_map());
        self.durability.newest_map = Some(Arc::clone(&map));
        self.outputs.push_back(Output::PublishMap(map));
    }

    fn build_map(&self) -> ClusterMap {
        let known: Vec<NodeRef> =
            self.nodes.iter().filter(|(_, node)| !node.in_handshake()).map(|(at, _)| at).collect();
        let mut places = vec![ClusterMap::NOBODY; self.nodes.places()];
        for (index, at) in known.iter().enumerate() {
            if let Some(place) = places.get_mut(usize::from(at.0)) {
                *place = index as u16;
            }
        }
        let index_of = |at: NodeRef| {
            places.get(usize::from(at.0)).copied().filter(|&index| index != ClusterMap::NOBODY).map(NodeIndex)
        };
        let mut owners = Box::new([ClusterMap::NOBODY; SLOT_COUNT]);
        for (place, owner) in owners.iter_mut().zip(self.slots.owners()) {
            *place = owner.and_then(index_of).map_or(ClusterMap::NOBODY, |index| index.0);
        }
        let open = |list: &BTreeMap<Slot, NodeRef>| {
            list.iter().filter_map(|(&slot, &at)| Some((slot, index_of(at)?))).collect()
        };
        ClusterMap {
            version: self.durability.version,
            state: self.health.state,
            allow_reads_when_down: self.config.allow_reads_when_down,
            allow_pubsubshard_when_down: self.config.allow_pubsubshard_when_down,
            myself: index_of(self.me).unwrap_or(NodeIndex(0)),
            nodes: known.iter().map(|&at| self.map_node(at, index_of)).collect(),
            owners,
            migrating: open(&self.slots.migrating),
            importing: open(&self.slots.importing),
        }
    }

    fn map_node(&self, at: NodeRef, index_of: impl Fn(NodeRef) -> Option<NodeIndex>) -> MapNode {
        let node = &self.nodes[at];
        MapNode {
            id: node.id,
            ip: node.ip.clone(),
            hostname: node.names.shared_hostname(),
            port: node.port,
            second_port: node.second_port,
            bus_port: node.bus_port,
            flags: node.text_flags(),
            master: node.master.and_then(index_of),
        }
    }
}
