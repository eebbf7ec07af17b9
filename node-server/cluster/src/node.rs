//! What a member knows of each node, and the table of them.
//!
//! Nodes stand in a vector and are named by their place in it, [`NodeRef`], which does not change while the
//! node is known; a map finds the place by id. Removing a node means clearing every reference to it first:
//! that is `Member::remove_node`, never this file.

use std::collections::BTreeMap;

use rcl_proto::nodes_text::NodeFlags;
use rcl_proto::{NodeId, SlotSet};

use crate::io::LinkId;
use crate::packet::Flags;

/// A node's place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeRef(pub u16);

/// One node as we see it.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Random while in handshake.
    pub id: NodeId,
    pub flags: Flags,
    pub config_epoch: u64,
    pub slots: SlotSet,
    pub slot_count: usize,
    pub master: Option<NodeRef>,
    /// In the order in which we learned of them.
    pub replicas: Vec<NodeRef>,
    pub ip: String,
    pub hostname: String,
    pub port: u16,
    pub second_port: u16,
    pub bus_port: u16,
    pub shard_id: Option<NodeId>,
    /// It sent a shard id, so it takes the extensions of 7.2.
    pub takes_extensions: bool,
    /// It said in its last packet that it is a node of our own kind: it understands what goes beyond Redis's protocol.
    pub is_kin: bool,
    /// Our connection to it, opening or open.
    pub link: Option<LinkId>,
    /// The newest connection from it.
    pub inbound: Option<LinkId>,
    pub created_ms: u64,
    /// When the ping that still has no pong was sent; 0 when none waits.
    pub ping_sent_ms: u64,
    pub pong_received_ms: u64,
    pub data_received_ms: u64,
    pub failed_ms: u64,
    /// Our connection to it was open and its host ended it; nothing came from it since.
    pub link_lost: bool,
    /// Since when its host has refused every connection; `None` when it did not, or something came from it since.
    pub refused_since_ms: Option<u64>,
    /// When we last voted for one of its replicas; `None` for never.
    pub voted_ms: Option<u64>,
    /// When one of its replicas last asked for votes, as far as we heard; `None` for never.
    pub votes_asked_ms: Option<u64>,
    /// Since when it has been a master without working replicas; 0 when it is not.
    pub orphaned_ms: u64,
    pub replication_offset: u64,
    /// Masters that say it is failing, and when each said so last.
    pub failure_reports: Vec<(NodeRef, u64)>,
    /// The number of the last heartbeat whose gossip had it.
    pub gossiped_in: u64,
}

impl Node {
    pub fn new(id: NodeId, flags: Flags, now_ms: u64) -> Node {
        Node {
            id,
            flags,
            config_epoch: 0,
            slots: SlotSet::EMPTY,
            slot_count: 0,
            master: None,
            replicas: Vec::new(),
            ip: String::new(),
            hostname: String::new(),
            port: 0,
            second_port: 0,
            bus_port: 0,
            shard_id: None,
            takes_extensions: false,
            is_kin: false,
            link: None,
            inbound: None,
            created_ms: now_ms,
            ping_sent_ms: 0,
            pong_received_ms: 0,
            data_received_ms: 0,
            failed_ms: 0,
            link_lost: false,
            refused_since_ms: None,
            voted_ms: None,
            votes_asked_ms: None,
            orphaned_ms: 0,
            replication_offset: 0,
            failure_reports: Vec::new(),
            gossiped_in: 0,
        }
    }

    pub fn is_master(&self) -> bool {
        self.flags.any(Flags::MASTER)
    }

    pub fn is_replica(&self) -> bool {
        self.flags.any(Flags::REPLICA)
    }

    pub fn is_failed(&self) -> bool {
        self.flags.any(Flags::FAIL)
    }

    pub fn in_handshake(&self) -> bool {
        self.flags.any(Flags::HANDSHAKE)
    }

    pub fn has_address(&self) -> bool {
        !self.flags.any(Flags::NOADDR) && !self.ip.is_empty()
    }

    /// A master with slots: it votes and counts for the majority.
    pub fn is_voter(&self) -> bool {
        self.is_master() && self.slot_count > 0
    }

    /// Something came from it, or it let us in.
    pub fn gave_a_sign_of_life(&mut self) {
        self.link_lost = false;
        self.refused_since_ms = None;
    }

    /// The flags as CLUSTER NODES prints them.
    pub fn text_flags(&self) -> NodeFlags {
        const PAIRS: [(Flags, NodeFlags); 8] = [
            (Flags::MYSELF, NodeFlags::MYSELF),
            (Flags::MASTER, NodeFlags::MASTER),
            (Flags::REPLICA, NodeFlags::REPLICA),
            (Flags::PFAIL, NodeFlags::PFAIL),
            (Flags::FAIL, NodeFlags::FAIL),
            (Flags::HANDSHAKE, NodeFlags::HANDSHAKE),
            (Flags::NOADDR, NodeFlags::NOADDR),
            (Flags::NOFAILOVER, NodeFlags::NOFAILOVER),
        ];
        let set = PAIRS.iter().filter(|(wire, _)| self.flags.any(*wire));
        set.fold(NodeFlags::NONE, |flags, (_, text)| flags.with(*text))
    }
}

/// All nodes that a member knows, itself included.
#[derive(Clone, Debug, Default)]
pub(crate) struct NodeTable {
    places: Vec<Option<Box<Node>>>,
    by_id: BTreeMap<NodeId, NodeRef>,
}

impl NodeTable {
    /// More nodes than this are not taken: no cluster has as many, only a flood of forged packets.
    pub const LIMIT: usize = 16_384;

    /// `None` when the id is known already or the table is full.
    pub fn add(&mut self, node: Node) -> Option<NodeRef> {
        if self.by_id.contains_key(&node.id) || self.by_id.len() >= NodeTable::LIMIT {
            return None;
        }
        let place = match self.places.iter().position(Option::is_none) {
            Some(place) => place,
            None => {
                self.places.push(None);
                self.places.len() - 1
            }
        };
        let at = NodeRef(place as u16);
        self.by_id.insert(node.id, at);
        self.places[place] = Some(Box::new(node));
        Some(at)
    }

    pub fn remove(&mut self, at: NodeRef) {
        if let Some(node) = self.places.get_mut(usize::from(at.0)).and_then(Option::take) {
            self.by_id.remove(&node.id);
        }
    }

    /// Gives the node its real id. False when another node has it already.
    pub fn rename(&mut self, at: NodeRef, id: NodeId) -> bool {
        if self.by_id.contains_key(&id) {
            return false;
        }
        let Some(node) = self.places.get_mut(usize::from(at.0)).and_then(Option::as_mut) else {
            return false;
        };
        self.by_id.remove(&node.id);
        node.id = id;
        self.by_id.insert(id, at);
        true
    }

    pub fn find(&self, id: NodeId) -> Option<NodeRef> {
        self.by_id.get(&id).copied()
    }

    pub fn get(&self, at: NodeRef) -> Option<&Node> {
        self.places.get(usize::from(at.0)).and_then(Option::as_deref)
    }

    pub fn get_mut(&mut self, at: NodeRef) -> Option<&mut Node> {
        self.places.get_mut(usize::from(at.0)).and_then(Option::as_deref_mut)
    }

    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// How many places there are; each index below it may be a [`NodeRef`].
    pub fn places(&self) -> usize {
        self.places.len()
    }

    /// In the order of places.
    pub fn iter(&self) -> impl Iterator<Item = (NodeRef, &Node)> {
        let nodes = self.places.iter().enumerate();
        nodes.filter_map(|(index, node)| node.as_deref().map(|node| (NodeRef(index as u16), node)))
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = (NodeRef, &mut Node)> {
        let nodes = self.places.iter_mut().enumerate();
        nodes.filter_map(|(index, node)| node.as_deref_mut().map(|node| (NodeRef(index as u16), node)))
    }

    /// The places in use. For loops that change the table; a place may be empty again when its turn comes.
    pub fn refs(&self) -> Vec<NodeRef> {
        self.iter().map(|(at, _)| at).collect()
    }
}

/// A place that is known to be in use: every reference to a node is cleared before the node is removed.
impl std::ops::Index<NodeRef> for NodeTable {
    type Output = Node;

    fn index(&self, at: NodeRef) -> &Node {
        self.get(at).expect("references to a node are cleared before it is removed")
    }
}

impl std::ops::IndexMut<NodeRef> for NodeTable {
    fn index_mut(&mut self, at: NodeRef) -> &mut Node {
        self.get_mut(at).expect("references to a node are cleared before it is removed")
    }
}
