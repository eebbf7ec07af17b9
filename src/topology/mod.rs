//! The cluster as all its nodes see it, merged into one value with the disagreements kept.
//!
//! Pure: it is built by [`merge`] from what each node said ([`View`]), and looked at by `health`. A node's
//! own word counts for itself (its role, its slots, its open slots); of a node that does not answer, the word
//! of the others counts. When two claim a slot, the higher configuration epoch owns it, as on the bus.

mod merge;
mod slot_use;

use std::collections::BTreeMap;

use rcl_proto::nodes_text::{NodeFlags, NodeLine};
use rcl_proto::{Address, NodeId, SLOT_COUNT, Slot, SlotSet};
use serde::Serialize;

pub use merge::merge;
#[cfg(test)]
pub(crate) use merge::tests as tests_of_merge;
pub use slot_use::{Measure, SlotUse};

/// What one node said of the cluster and of itself.
#[derive(Clone, Debug)]
pub struct View {
    pub viewer: NodeId,
    /// Where we reached it.
    pub address: Address,
    pub lines: Vec<NodeLine>,
    pub facts: Facts,
}

/// What a node's INFO, CLUSTER INFO and DBSIZE say, as far as verbs need it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Facts {
    pub version: String,
    /// Redis itself: commands between MULTI and EXEC run with nothing in between, those of CLUSTER too.
    #[serde(skip)]
    pub is_redis: bool,
    #[serde(skip)]
    pub is_valkey: bool,
    pub keys: u64,
    pub used_memory_bytes: u64,
    /// 0: no limit.
    pub max_memory_bytes: u64,
    pub replication_offset: u64,
    /// Of a replica: its link to its master is up.
    pub link_up: bool,
    /// `cluster_state:ok`.
    pub state_ok: bool,
    pub current_epoch: u64,
    /// Where it runs, of a server that says so (Valkey's `availability-zone`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// How much of its replication stream is kept for replicas that come back; 0 when there is none.
    #[serde(skip)]
    pub backlog_bytes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Master,
    ReplicaOf(NodeId),
}

#[derive(Clone, Debug)]
pub struct Node {
    pub id: NodeId,
    /// Where the other nodes reach it: what they are told to connect to, in MIGRATE and MEET.
    pub address: Address,
    /// Where we reached it, which may be another address of it (127.0.0.1, a name, a tunnel).
    pub reached: Option<Address>,
    /// The cluster bus; 0 when it is not known.
    pub bus_port: u16,
    pub role: Role,
    pub config_epoch: u64,
    /// What it owns after conflicts are settled.
    pub slots: SlotSet,
    pub migrating: Vec<(Slot, NodeId)>,
    pub importing: Vec<(Slot, NodeId)>,
    /// `FAIL` or `PFAIL` when at least half of the others say so.
    pub flags: NodeFlags,
    /// `None`: it does not answer.
    pub facts: Option<Facts>,
    /// Why it does not answer.
    pub silence: Option<String>,
}

impl Node {
    pub fn is_master(&self) -> bool {
        self.role == Role::Master
    }

    pub fn master(&self) -> Option<NodeId> {
        match self.role {
            Role::Master => None,
            Role::ReplicaOf(master) => Some(master),
        }
    }

    /// One of its addresses that we know.
    pub fn is_at(&self, address: &Address) -> bool {
        self.address == *address || self.reached.as_ref() == Some(address)
    }

    pub fn answers(&self) -> bool {
        self.facts.is_some()
    }

    pub fn keys(&self) -> u64 {
        self.facts.as_ref().map_or(0, |facts| facts.keys)
    }

    pub fn zone(&self) -> Option<&str> {
        self.facts.as_ref().and_then(|facts| facts.zone.as_deref())
    }

    /// `127.0.0.1:7001 (07c37dfe)`.
    pub fn name(&self) -> String {
        format!("{} ({:.8})", self.address, self.id)
    }
}

/// Something that one node sees in another way than the merged topology has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disagreement {
    /// `viewer` thinks that `says` owns these slots, which `owner` owns.
    Owner { viewer: NodeId, says: Option<NodeId>, owner: Option<NodeId>, slots: Box<SlotSet> },
    /// `viewer` does not know `node`.
    Unknown { viewer: NodeId, node: NodeId },
    /// `viewer` has another role for `node`.
    Role { viewer: NodeId, node: NodeId, says: Role },
}

impl Disagreement {
    pub fn viewer(&self) -> NodeId {
        match self {
            Disagreement::Owner { viewer, .. }
            | Disagreement::Unknown { viewer, .. }
            | Disagreement::Role { viewer, .. } => *viewer,
        }
    }
}

/// How one node sees another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    pub viewer: NodeId,
    pub node: NodeId,
    /// Its own link to the other's bus is up.
    pub link_up: bool,
    pub flags: NodeFlags,
}

/// A slot in which keys are, or were, on their way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenSlot {
    pub slot: Slot,
    pub owner: Option<NodeId>,
    /// Who says it is migrating, and whereto.
    pub migrating: Vec<(NodeId, NodeId)>,
    /// Who says it is importing, and from where.
    pub importing: Vec<(NodeId, NodeId)>,
}

impl OpenSlot {
    /// Source and target when this is one move that stopped on its way and can simply be finished: all that is
    /// said about the slot fits its owner giving it to one other node, or one other node having given it to
    /// its owner and not having closed it yet.
    pub fn half_done_move(&self) -> Option<(NodeId, NodeId)> {
        let owner = self.owner?;
        if let ([(source, target)], []) = (self.migrating.as_slice(), self.importing.as_slice())
            && *target == owner
            && *source != owner
        {
            return Some((*source, owner));
        }
        let target = match (self.migrating.as_slice(), self.importing.as_slice()) {
            ([(source, target)], []) if *source == owner => *target,
            ([], [(target, source)]) if *source == owner => *target,
            ([(from, to)], [(target, source)]) if *from == owner && *source == owner && to == target => *to,
            _ => return None,
        };
        (target != owner).then_some((owner, target))
    }
}

/// The first slot that has another owner in `after`, or is on its way there: who copies or walks all keys in between may have missed
/// some, or seen some twice.
pub fn first_moved_slot(before: &Topology, after: &Topology) -> Option<Slot> {
    let open = after.open_slots().first().map(|open| open.slot);
    open.or_else(|| Slot::all().find(|slot| before.owner(*slot) != after.owner(*slot)))
}

#[derive(Clone, Debug)]
pub struct Topology {
    pub nodes: BTreeMap<NodeId, Node>,
    pub disagreements: Vec<Disagreement>,
    /// What was asked about single slots, beyond the nodes' views.
    pub slot_use: SlotUse,
    /// Of all who answered, of all others that each knows.
    pub sights: Vec<Sight>,
    /// Who was introduced to whom, and is not known yet.
    pub handshakes: Vec<(NodeId, Address)>,
    owners: Vec<Option<NodeId>>,
}

impl Topology {
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(&id)
    }

    pub fn owner(&self, slot: Slot) -> Option<NodeId> {
        self.owners.get(slot.index()).copied().flatten()
    }

    /// In the order of their first slot, then of their address.
    pub fn masters(&self) -> Vec<&Node> {
        let mut masters: Vec<&Node> = self.nodes.values().filter(|node| node.is_master()).collect();
        masters.sort_by_key(|node| (node.slots.iter().next().map_or(SLOT_COUNT, Slot::index), &node.address));
        masters
    }

    pub fn by_address(&self) -> Vec<&Node> {
        let mut nodes: Vec<&Node> = self.nodes.values().collect();
        nodes.sort_by_key(|node| (&node.address, node.id));
        nodes
    }

    pub fn replicas_of(&self, master: NodeId) -> Vec<&Node> {
        let mut replicas: Vec<&Node> = self.nodes.values().filter(|n| n.master() == Some(master)).collect();
        replicas.sort_by_key(|node| &node.address);
        replicas
    }

    /// One that has its master's data; the first by address.
    pub fn replica_in_sync(&self, master: NodeId) -> Option<&Node> {
        let in_sync = |node: &&Node| node.facts.as_ref().is_some_and(|facts| facts.link_up);
        self.replicas_of(master).into_iter().find(in_sync)
    }

    /// It does not know all others, or not all know it, as when it was reset.
    pub fn is_stranger(&self, id: NodeId) -> bool {
        self.disagreements.iter().any(|disagreement| match disagreement {
            Disagreement::Unknown { viewer, node } => *viewer == id || *node == id,
            _ => false,
        })
    }

    pub fn uncovered(&self) -> SlotSet {
        Slot::all().filter(|&slot| self.owner(slot).is_none()).collect()
    }

    /// Two masters that share a configuration epoch. They settle it among themselves: one moves on to a newer epoch, in which it
    /// claims all that it owned when it spoke last. Until then slots of theirs had better not move.
    pub fn epoch_collision(&self) -> Option<(&Node, &Node)> {
        let mut by_epoch: BTreeMap<u64, &Node> = BTreeMap::new();
        let masters = self.nodes.values().filter(|node| node.is_master() && node.answers());
        masters
            .filter(|node| node.config_epoch > 0)
            .find_map(|node| by_epoch.insert(node.config_epoch, node).map(|other| (other, node)))
    }

    /// The node's name for people, also of a node that nobody knows any more.
    pub fn name(&self, id: NodeId) -> String {
        self.node(id).map_or_else(|| format!("unknown node {id:.8}"), Node::name)
    }

    /// What the masters say of moves. Replicas of Valkey 8, and of ours, have their master's marks too and drop them a
    /// moment after it does: they are no word of their own.
    pub fn open_slots(&self) -> Vec<OpenSlot> {
        let mut open: BTreeMap<Slot, OpenSlot> = BTreeMap::new();
        for node in self.nodes.values().filter(|node| node.is_master()) {
            for &(slot, target) in &node.migrating {
                self.open_entry(&mut open, slot).migrating.push((node.id, target));
            }
            for &(slot, source) in &node.importing {
                self.open_entry(&mut open, slot).importing.push((node.id, source));
            }
        }
        open.into_values().collect()
    }

    fn open_entry<'a>(&self, open: &'a mut BTreeMap<Slot, OpenSlot>, slot: Slot) -> &'a mut OpenSlot {
        open.entry(slot).or_insert_with(|| OpenSlot {
            slot,
            owner: self.owner(slot),
            migrating: Vec::new(),
            importing: Vec::new(),
        })
    }
}
