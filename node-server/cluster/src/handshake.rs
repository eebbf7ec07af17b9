//! How nodes get to know each other, are told apart, and are forgotten.
//!
//! - MEET by an operator: a node of unknown id, in handshake, is connected to and sent a MEET. Its pong tells
//!   its id, and from then on we know it. When no pong comes within the node timeout (at least a second) it
//!   is dropped.
//! - A MEET received makes the receiver shake hands with its sender the same way, with a ping.
//! - All others learn of the new node by gossip of a node that they trust, under its id, and connect by
//!   themselves.
//! - A pong with an id that is not the one expected means that the address is somebody else's now: the node
//!   loses its address until it is heard of again.
//! - Our own address is what a peer that sent a MEET connected to (or a ping, while we have none), unless it
//!   is announced.
//! - FORGET drops a node and bars it for 60 seconds from coming back by gossip, time to tell every other
//!   node; nodes of 7.2 and ours pass the word on.
//!
//! Source: the specification, "Nodes handshake" and CLUSTER FORGET.

use std::net::IpAddr;
use std::sync::Arc;

use rcl_proto::NodeId;

use crate::io::{LinkId, LogLevel};
use crate::member::Member;
use crate::node::{Node, NodeRef};
use crate::packet::{Flags, Header, Kind};

const BARRED_MS: u64 = 60_000;
/// Anybody may send a MEET: so many strangers at a time are looked at.
const MOST_HANDSHAKES: usize = 1_000;
const SHORTEST_HANDSHAKE_MS: u64 = 1_000;

/// Why a MEET can't start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MeetError {
    BadAddress,
    InProgress,
}

impl Member {
    /// Starts a handshake with whoever is at the address.
    pub(crate) fn start_handshake(&mut self, ip: &str, port: u16, bus_port: u16) -> Result<(), MeetError> {
        let ip = ip.parse::<IpAddr>().map_err(|_| MeetError::BadAddress)?.to_string();
        if port == 0 || bus_port == 0 {
            return Err(MeetError::BadAddress);
        }
        self.add_handshake(ip, port, 0, bus_port, Flags::HANDSHAKE.or(Flags::MEET))
            .ok_or(MeetError::InProgress)
    }

    fn add_handshake(
        &mut self,
        ip: String,
        port: u16,
        second_port: u16,
        bus_port: u16,
        flags: Flags,
    ) -> Option<()> {
        let same = |node: &Node| *node.ip == *ip && node.port == port && node.bus_port == bus_port;
        if self.nodes.iter().any(|(_, node)| node.in_handshake() && same(node)) {
            return None;
        }
        let mut node = Node::new(self.random_id(), flags, self.now_ms);
        (node.ip, node.port, node.second_port, node.bus_port) = (ip.into(), port, second_port, bus_port);
        let at = self.nodes.add(node)?;
        self.connect(at);
        Some(())
    }

    /// A stranger wants us to meet.
    pub(crate) fn meet_received(&mut self, link: LinkId, header: &Header) {
        let in_handshake = self.nodes.iter().filter(|(_, node)| node.in_handshake()).count();
        if header.sender == self.id() || in_handshake >= MOST_HANDSHAKES {
            return;
        }
        let ip = self.peer_address(link, header).to_owned();
        if ip.is_empty() || header.bus_port == 0 {
            return;
        }
        self.add_handshake(ip, header.port, header.second_port, header.bus_port, Flags::HANDSHAKE);
    }

    /// The address that a packet's sender announces, or else the one that the link comes from.
    fn peer_address<'a>(&'a self, link: LinkId, header: &'a Header) -> &'a str {
        if !header.ip.is_empty() {
            return &header.ip;
        }
        self.links.get(link).map_or("", |link| &link.peer_ip)
    }

    /// Completes a handshake, or finds that somebody else answers. Gives the node that the rest of the packet
    /// is from.
    pub(crate) fn identify(
        &mut self,
        link: LinkId,
        sender: Option<NodeRef>,
        header: &Header,
    ) -> Option<NodeRef> {
        let expected = self.links.get(link).filter(|_| link.is_outbound()).and_then(|link| link.node);
        let Some(at) = expected else { return sender };
        if !self.nodes[at].in_handshake() {
            if self.nodes[at].id == header.sender {
                return Some(at);
            }
            self.lose_address(at, link);
            return None;
        }
        if let Some(known) = sender {
            // We know it already: what is new is at most its address.
            let ip = self.nodes[at].ip.clone();
            self.move_to(known, ip, header);
            self.remove_node(at);
            return None;
        }
        if header.sender == self.id() || !self.nodes.rename(at, header.sender) {
            // We met ourselves.
            self.remove_node(at);
            return None;
        }
        let now_ms = self.now_ms;
        self.nodes.change_standing(at, |node| {
            node.data_received_ms = now_ms;
            node.flags.clear(Flags::HANDSHAKE.or(Flags::MEET));
            node.flags.set(header.flags.and(Flags::MASTER.or(Flags::REPLICA)));
        });
        self.blacklist.remove(&header.sender);
        self.changed();
        self.spread_soon();
        // Now it counts as known, and what its header says counts, too.
        let (current_epoch, config_epoch) = (header.current_epoch, header.config_epoch);
        self.current_epoch = self.current_epoch.max(current_epoch);
        self.nodes[at].config_epoch = self.nodes[at].config_epoch.max(config_epoch);
        self.nodes[at].replication_offset = header.offset;
        self.nodes[at].is_kin = header.is_kin;
        Some(at)
    }

    fn lose_address(&mut self, at: NodeRef, link: LinkId) {
        let node = &mut self.nodes[at];
        node.flags.set(Flags::NOADDR);
        node.ip = Arc::default();
        (node.port, node.second_port, node.bus_port) = (0, 0, 0);
        self.close(link);
        self.changed();
    }

    /// On a ping: the sender's address is the one that its own packets come with.
    pub(crate) fn take_address(&mut self, sender: NodeRef, link: LinkId, header: &Header) {
        if link.is_outbound() {
            return;
        }
        let ip = self.peer_address(link, header);
        if !ip.is_empty() && !self.is_at(sender, ip, header) {
            self.move_to(sender, ip.into(), header);
        }
    }

    fn is_at(&self, at: NodeRef, ip: &str, header: &Header) -> bool {
        let node = &self.nodes[at];
        let ports = (header.port, header.second_port, header.bus_port);
        (node.port, node.second_port, node.bus_port) == ports && *node.ip == *ip
    }

    fn move_to(&mut self, at: NodeRef, ip: Arc<str>, header: &Header) {
        if self.is_at(at, &ip, header) || header.port == 0 {
            return;
        }
        self.close_link_to(at);
        let node = &mut self.nodes[at];
        node.ip = ip;
        (node.port, node.second_port, node.bus_port) = (header.port, header.second_port, header.bus_port);
        node.moves = false;
        node.flags.clear(Flags::NOADDR);
        let line = format!("Address updated for node {}, now {}:{}", node.called(), node.ip, node.port);
        self.log(LogLevel::Notice, line);
        self.connect(at);
        self.follow_master();
        self.changed();
    }

    pub(crate) fn learn_own_address(&mut self, link: LinkId, kind: Kind) {
        if self.config.announce_ip.is_some() || (kind != Kind::Meet && !self.myself().ip.is_empty()) {
            return;
        }
        let Some(ip) = self.links.get(link).map(|link| Arc::clone(&link.local_ip)) else { return };
        if !ip.is_empty() && ip != self.myself().ip {
            self.log(LogLevel::Notice, format!("IP address for this node updated to {ip}"));
            self.myself_mut().ip = ip;
            self.changed();
        }
    }

    pub(crate) fn expire_handshakes(&mut self) {
        let oldest_ms = self.now_ms.saturating_sub(self.config.node_timeout_ms.max(SHORTEST_HANDSHAKE_MS));
        for at in self.nodes.refs() {
            if self.nodes[at].in_handshake() && self.nodes[at].created_ms < oldest_ms {
                self.remove_node(at);
            }
        }
        let now_ms = self.now_ms;
        self.blacklist.retain(|_, until_ms| *until_ms > now_ms);
    }

    /// FORGET.
    pub(crate) fn forget(&mut self, at: NodeRef, for_ms: u64) {
        self.blacklist.insert(self.nodes[at].id, self.now_ms.saturating_add(for_ms));
        self.remove_node(at);
        self.changed();
    }

    pub(crate) fn forget_by_command(&mut self, at: NodeRef) {
        self.forget(at, BARRED_MS);
        self.spread_soon();
    }

    /// A peer says that an operator made it forget this node.
    pub(crate) fn forgotten_elsewhere(&mut self, node: NodeId, seconds: u64) {
        let Some(at) = self.nodes.find(node) else { return };
        if at != self.me && self.myself().master != Some(at) && seconds > 0 {
            self.forget(at, seconds.min(BARRED_MS / 1000) * 1000);
        }
    }

    pub(crate) fn is_barred(&self, node: NodeId) -> bool {
        self.blacklist.get(&node).is_some_and(|until_ms| *until_ms > self.now_ms)
    }

    /// Takes a node out of every place that refers to it, then out of the table.
    pub(crate) fn remove_node(&mut self, at: NodeRef) {
        if at == self.me {
            return;
        }
        self.release_slots_of(at);
        self.slots.close_all_with(at);
        for (_, node) in self.nodes.iter_mut() {
            node.failure_reports.remove(at);
        }
        for replica in self.nodes[at].replicas.clone() {
            self.nodes[replica].master = None;
        }
        self.set_master_of(at, None);
        if self.manual.replica == Some(at) {
            self.reset_manual_failover();
        }
        let links: Vec<LinkId> =
            self.links.iter().filter(|(_, link)| link.node == Some(at)).map(|(id, _)| id).collect();
        links.into_iter().for_each(|link| self.close(link));
        if !self.nodes[at].in_handshake() {
            self.changed();
        }
        self.nodes.remove(at);
    }
}
