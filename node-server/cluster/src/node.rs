//! What a member knows of each node, and the table of them.
//!
//! Nodes stand in a table and are named by their place in it, [`NodeRef`], which does not change while the
//! node is known; a map finds the place by id. Removing a node means clearing every reference to it first:
//! that is `Member::remove_node`, never this file.

use std::num::NonZeroU64;
use std::sync::Arc;

use rcl_proto::nodes_text::NodeFlags;
use rcl_proto::{NodeId, SlotSpan};

use crate::evidence::Evidence;
use crate::failure_reports::FailureReports;
use crate::id_index::IdIndex;
use crate::io::LinkId;
use crate::names::Names;
use crate::packet::Flags;

/// A node's place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeRef(pub u16);

/// One node as we see it.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub(crate) struct Node {
    // What the merge of gossip reads of every node that it hears of, in one line of the cache.
    /// Random while in handshake.
    pub id: NodeId,
    pub flags: Flags,
    pub port: u16,
    pub second_port: u16,
    pub bus_port: u16,
    /// It sent a shard id, so it takes the extensions of 7.2.
    pub takes_extensions: bool,
    /// It said in its last packet that it is a node of our own kind: it understands what goes beyond Redis's protocol.
    pub is_kin: bool,
    /// It takes published messages in light packets.
    pub takes_light: bool,
    /// When the ping that still has no pong was sent; 0 when none waits.
    pub ping_sent_ms: u64,
    pub pong_received_ms: u64,
    /// Masters that say it is failing.
    pub failure_reports: FailureReports,
    /// The number of the last heartbeat whose gossip had it.
    pub gossiped_in: u64,
    // What the writer of gossip and the watch over all nodes read besides.
    pub slots: SlotSpan,
    /// Our connection to it, opening or open.
    pub link: Option<LinkId>,
    pub ip: Arc<str>,
    pub data_received_ms: u64,
    // The rest.
    pub config_epoch: u64,
    /// In the order of their ids: all nodes list them alike, as Valkey's do.
    pub replicas: Vec<NodeRef>,
    pub names: Names,
    /// The newest connection from it.
    pub inbound: Option<LinkId>,
    pub created_ms: u64,
    pub failed_ms: u64,
    /// What says that its process is gone.
    pub evidence: Evidence,
    pub shard_id: Option<NodeId>,
    pub master: Option<NodeRef>,
    /// In its last pong it told another address than the one it was asked at.
    pub moves: bool,
    /// Somebody else said that it is this node, since its last pong.
    pub has_twin: bool,
    /// When we last voted for one of its replicas; `None` for never.
    pub voted_ms: Option<NonZeroU64>,
    /// When one of its replicas last asked for votes, as far as we heard; `None` for never.
    pub votes_asked_ms: Option<NonZeroU64>,
    /// Since when it has been a master without working replicas; 0 when it is not.
    pub orphaned_ms: u64,
    pub replication_offset: u64,
}

const _: () =
    assert!(std::mem::offset_of!(Node, slots) == 64, "what the merge reads is one line of the cache");
const _: () = assert!(size_of::<Option<Node>>() == 256, "every member has one of every node");

impl Node {
    pub fn new(id: NodeId, flags: Flags, now_ms: u64) -> Node {
        Node {
            id,
            flags,
            config_epoch: 0,
            slots: SlotSpan::default(),
            master: None,
            replicas: Vec::new(),
            ip: Arc::default(),
            names: Names::default(),
            port: 0,
            second_port: 0,
            bus_port: 0,
            shard_id: None,
            takes_extensions: false,
            is_kin: false,
            takes_light: false,
            link: None,
            inbound: None,
            created_ms: now_ms,
            ping_sent_ms: 0,
            pong_received_ms: 0,
            data_received_ms: 0,
            failed_ms: 0,
            evidence: Evidence::default(),
            moves: false,
            has_twin: false,
            voted_ms: None,
            votes_asked_ms: None,
            orphaned_ms: 0,
            replication_offset: 0,
            failure_reports: FailureReports::default(),
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
        self.is_master() && !self.slots.is_empty()
    }

    /// A packet came from it since we know it.
    pub fn was_heard(&self) -> bool {
        self.data_received_ms != 0
    }

    pub fn make_replica(&mut self) {
        self.flags.clear(Flags::MASTER.or(Flags::MIGRATE_TO));
        self.flags.set(Flags::REPLICA);
    }

    /// How the log calls it: by its id, and by its name if it has one.
    pub fn called(&self) -> String {
        match self.names.human_name() {
            "" => self.id.to_string(),
            name => format!("{} ({name})", self.id),
        }
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

/// Nodes stand in pieces of one size: a vector of all would be moved as it grows, and leave holes where it was.
const CHUNK: usize = 32;

type Chunk = [Option<Node>; CHUNK];

/// All nodes that a member knows, itself included.
#[derive(Clone, Debug, Default)]
pub(crate) struct NodeTable {
    chunks: Vec<Box<Chunk>>,
    places: usize,
    by_id: IdIndex,
    voters: usize,
}

impl NodeTable {
    /// More nodes than this are not taken: no cluster has as many, only a flood of forged packets.
    pub const LIMIT: usize = 16_384;

    /// `None` when the id is known already or the table is full.
    pub fn add(&mut self, node: Node) -> Option<NodeRef> {
        if self.find(node.id).is_some() || self.len() >= NodeTable::LIMIT {
            return None;
        }
        // Without a search while no place was given back.
        let is_free = |place: &usize| self.get(NodeRef(*place as u16)).is_none();
        let free = (self.len() < self.places).then(|| (0..self.places).find(is_free)).flatten();
        let place = free.unwrap_or(self.places);
        if place == self.chunks.len() * CHUNK {
            self.chunks.push(Box::new([const { None }; CHUNK]));
        }
        self.places = self.places.max(place + 1);
        let (at, id) = (NodeRef(place as u16), node.id);
        self.voters += usize::from(node.is_voter());
        self.chunks[place / CHUNK][place % CHUNK] = Some(node);
        self.by_id.insert(id, at, |at| id_at(&self.chunks, at));
        Some(at)
    }

    pub fn remove(&mut self, at: NodeRef) {
        if let Some(id) = self.get(at).map(|node| node.id) {
            self.by_id.remove(id, at, |at| id_at(&self.chunks, at));
            self.voters -= usize::from(self[at].is_voter());
            self.chunks[usize::from(at.0) / CHUNK][usize::from(at.0) % CHUNK] = None;
        }
    }

    /// Gives the node its real id. False when another node has it already.
    pub fn rename(&mut self, at: NodeRef, id: NodeId) -> bool {
        if self.find(id).is_some() {
            return false;
        }
        let Some(old) = self.get(at).map(|node| node.id) else { return false };
        self.by_id.remove(old, at, |at| id_at(&self.chunks, at));
        self[at].id = id;
        self.by_id.insert(id, at, |at| id_at(&self.chunks, at));
        true
    }

    pub fn find(&self, id: NodeId) -> Option<NodeRef> {
        self.by_id.find(id, |at| self.get(at).is_some_and(|node| node.id == id))
    }

    pub fn get(&self, at: NodeRef) -> Option<&Node> {
        let chunk = self.chunks.get(usize::from(at.0) / CHUNK)?;
        chunk[usize::from(at.0) % CHUNK].as_ref()
    }

    pub fn get_mut(&mut self, at: NodeRef) -> Option<&mut Node> {
        let chunk = self.chunks.get_mut(usize::from(at.0) / CHUNK)?;
        chunk[usize::from(at.0) % CHUNK].as_mut()
    }

    /// Changes a node's role or the number of its slots.
    pub fn change_standing<T>(&mut self, at: NodeRef, change: impl FnOnce(&mut Node) -> T) -> T {
        let node = &mut self[at];
        let (was_voter, changed, is_voter) = (node.is_voter(), change(node), node.is_voter());
        self.voters = self.voters + usize::from(is_voter) - usize::from(was_voter);
        changed
    }

    /// How many masters have slots.
    pub fn voters(&self) -> usize {
        debug_assert_eq!(self.voters, self.iter().filter(|(_, node)| node.is_voter()).count());
        self.voters
    }

    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// How many places there are; each index below it may be a [`NodeRef`].
    pub fn places(&self) -> usize {
        self.places
    }

    /// In the order of places.
    pub fn iter(&self) -> impl Iterator<Item = (NodeRef, &Node)> {
        let nodes = self.chunks.iter().flat_map(|chunk| chunk.iter()).enumerate();
        nodes.filter_map(|(index, node)| node.as_ref().map(|node| (NodeRef(index as u16), node)))
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = (NodeRef, &mut Node)> {
        let nodes = self.chunks.iter_mut().flat_map(|chunk| chunk.iter_mut()).enumerate();
        nodes.filter_map(|(index, node)| node.as_mut().map(|node| (NodeRef(index as u16), node)))
    }

    /// The places in use. For loops that change the table; a place may be empty again when its turn comes.
    pub fn refs(&self) -> Vec<NodeRef> {
        self.iter().map(|(at, _)| at).collect()
    }
}

/// The id at a place that the index has.
fn id_at(chunks: &[Box<Chunk>], at: NodeRef) -> NodeId {
    chunks[usize::from(at.0) / CHUNK][usize::from(at.0) % CHUNK]
        .as_ref()
        .expect("what is in the index is in the table")
        .id
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
