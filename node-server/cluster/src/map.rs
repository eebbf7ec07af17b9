//! The map of the cluster that the data plane routes by: an immutable value, replaced as a whole.

use std::sync::Arc;

use rcl_proto::nodes_text::NodeFlags;
use rcl_proto::{NodeId, SLOT_COUNT, Slot, SlotSet};

/// A node's place in [`ClusterMap::nodes`]; good for that one map only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeIndex(pub u16);

/// Whether the cluster serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterState {
    Ok,
    Down(DownReason),
}

/// Why it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DownReason {
    /// A slot has no owner, or its owner has failed, and `cluster-require-full-coverage` is on.
    SlotsUncovered,
    /// We can't reach a majority of the masters.
    Minority,
    /// We were down or in a minority a moment ago, and wait for news before we serve again.
    Rejoining,
}

/// One node as clients see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapNode {
    pub id: NodeId,
    /// Empty while we don't know our own address.
    pub ip: Arc<str>,
    pub hostname: Arc<str>,
    /// The client port (TLS when the bus speaks TLS).
    pub port: u16,
    /// The plaintext port beside a TLS one, or 0.
    pub second_port: u16,
    pub bus_port: u16,
    pub flags: NodeFlags,
    /// For a replica: its master.
    pub master: Option<NodeIndex>,
}

/// Who answers for a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotOwner {
    Nobody,
    Myself,
    Other(NodeIndex),
}

/// The cluster as this node sees it at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterMap {
    /// Counts up with the maps of a process; numbers may be left out.
    pub version: u64,
    pub state: ClusterState,
    /// `cluster-allow-reads-when-down`, for slots that have an owner.
    pub allow_reads_when_down: bool,
    pub allow_pubsubshard_when_down: bool,
    pub myself: NodeIndex,
    pub nodes: Vec<MapNode>,
    /// For each slot the index of its owner, or [`ClusterMap::NOBODY`].
    pub owners: Box<[u16; SLOT_COUNT]>,
    /// Our slots that are moving away, and where to; in order of slots.
    pub migrating: Vec<(Slot, NodeIndex)>,
    /// Slots that are moving to us, and where from; in order of slots.
    pub importing: Vec<(Slot, NodeIndex)>,
}

impl ClusterMap {
    pub const NOBODY: u16 = u16::MAX;

    pub fn owner(&self, slot: Slot) -> SlotOwner {
        match self.owners[slot.index()] {
            ClusterMap::NOBODY => SlotOwner::Nobody,
            index if index == self.myself.0 => SlotOwner::Myself,
            index => SlotOwner::Other(NodeIndex(index)),
        }
    }

    /// The owner's id, which is the same in every map.
    pub fn owner_id(&self, slot: Slot) -> Option<NodeId> {
        self.node(NodeIndex(self.owners[slot.index()])).map(|node| node.id)
    }

    pub fn node(&self, index: NodeIndex) -> Option<&MapNode> {
        self.nodes.get(usize::from(index.0))
    }

    pub fn migrating_to(&self, slot: Slot) -> Option<NodeIndex> {
        find(&self.migrating, slot)
    }

    pub fn importing_from(&self, slot: Slot) -> Option<NodeIndex> {
        find(&self.importing, slot)
    }

    /// For a replica: its master's index; `None` for a master.
    pub fn my_master(&self) -> Option<NodeIndex> {
        self.node(self.myself).and_then(|node| node.master)
    }

    /// True when this node has the slot's data: as its owner, or as a replica of it.
    pub fn is_of_my_shard(&self, slot: Slot) -> bool {
        match self.owner(slot) {
            SlotOwner::Myself => true,
            SlotOwner::Other(owner) => self.my_master() == Some(owner),
            SlotOwner::Nobody => false,
        }
    }

    /// The slots that we own.
    pub fn my_slots(&self) -> SlotSet {
        Slot::all().filter(|&slot| self.owner(slot) == SlotOwner::Myself).collect()
    }
}

fn find(list: &[(Slot, NodeIndex)], slot: Slot) -> Option<NodeIndex> {
    list.binary_search_by_key(&slot, |&(slot, _)| slot)
        .ok()
        .and_then(|at| list.get(at))
        .map(|&(_, node)| node)
}
