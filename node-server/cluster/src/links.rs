//! Links: who is connected, and which node is at the other end.
//!
//! Every node opens one connection to every other, so a pair has two: each sends its pings, and everything
//! else that it starts, on the one that it opened; pongs go back on the link that the ping came on. Votes, requests for
//! them and news of a failure go by the other one while that is not open. (Redis drops them then.) An
//! outbound link's node is known from the start, an inbound one's from its first packet. A broken outbound
//! link is opened again by the next periodic run. Source: the specification, "cluster topology" and "nodes
//! handshake".

use std::sync::Arc;

use rcl_proto::NodeId;

use crate::durability::Addressee;
use crate::io::{LinkEnd, LinkId, Output};
use crate::member::Member;
use crate::node::NodeRef;
use crate::packet::{Flags, Kind};

/// One connection.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub node: Option<NodeRef>,
    /// Whom the last packet on an inbound link said it was from, while that is nobody we know: it may be soon.
    pub stranger: Option<Box<NodeId>>,
    pub is_open: bool,
    pub created_ms: u64,
    /// The peer's address, for an inbound link.
    pub peer_ip: Arc<str>,
    pub local_ip: Arc<str>,
}

const _: () = assert!(size_of::<(LinkId, Link)>() == 64, "every member has two with every node");

impl Member {
    /// Starts a connection to a node that has none and whose address is known.
    pub(crate) fn connect(&mut self, at: NodeRef) {
        let Some(node) = self.nodes.get(at) else { return };
        if node.link.is_some() || node.flags.any(Flags::MYSELF) || !node.has_address() || node.bus_port == 0 {
            return;
        }
        let link = LinkId::new(self.next_link);
        self.next_link += 1;
        let (ip, port) = (node.ip.to_string(), node.bus_port);
        self.nodes[at].link = Some(link);
        let created_ms = self.now_ms;
        let (peer_ip, local_ip) = (Arc::default(), Arc::default());
        self.links.insert(
            link,
            Link { node: Some(at), stranger: None, is_open: false, created_ms, peer_ip, local_ip },
        );
        self.outputs.push_back(Output::Connect { link, ip, port });
    }

    pub(crate) fn link_opened(&mut self, id: LinkId, local_ip: String) {
        let local_ip = self.shared_local_ip(local_ip);
        let Some(link) = self.links.get_mut(id) else { return };
        link.is_open = true;
        link.local_ip = local_ip;
        let Some(at) = link.node else { return };
        self.nodes[at].evidence.took_a_connection();
        // A ping at once: it is what failure detection goes by. One that waited before the link broke keeps
        // its time, so that a flapping link is no proof of life.
        let waiting_since_ms = self.nodes[at].ping_sent_ms;
        let meet = self.nodes[at].flags.any(Flags::MEET);
        match meet {
            true => self.send_heartbeat(id, Kind::Meet),
            false => self.first_ping(id),
        }
        let node = &mut self.nodes[at];
        if waiting_since_ms != 0 {
            node.ping_sent_ms = waiting_since_ms;
        } else if meet {
            node.ping_sent_ms = 0;
        }
        node.flags.clear(Flags::MEET);
    }

    pub(crate) fn link_closed(&mut self, id: LinkId, end: LinkEnd) {
        let Some(link) = self.links.remove(id) else { return };
        let now_ms = self.now_ms;
        let Some(at) = link.node else { return };
        let Some(node) = self.nodes.get_mut(at) else { return };
        if node.inbound == Some(id) {
            node.inbound = None;
            return self.inbound_ended(at, end);
        }
        if node.link != Some(id) {
            return;
        }
        node.link = None;
        // It can't be reached: from now on that counts as an unanswered ping.
        if !link.is_open && node.ping_sent_ms == 0 {
            node.ping_sent_ms = now_ms;
        }
        self.outbound_ended(at, end, now_ms.saturating_sub(link.created_ms));
        if end == LinkEnd::Full {
            // What comes from now on need not be lost with what was queued.
            self.connect(at);
        }
    }

    pub(crate) fn link_accepted(&mut self, id: LinkId, peer_ip: String, local_ip: String) {
        let created_ms = self.now_ms;
        let (peer_ip, local_ip) = (peer_ip.into(), self.shared_local_ip(local_ip));
        self.links
            .insert(id, Link { node: None, stranger: None, is_open: true, created_ms, peer_ip, local_ip });
    }

    /// Nearly all links end at the address that we know for ours.
    fn shared_local_ip(&self, local_ip: String) -> Arc<str> {
        let known = &self.myself().ip;
        if **known == *local_ip { Arc::clone(known) } else { local_ip.into() }
    }

    /// An inbound link's first packet named its node; an older link from the same node is stale.
    pub(crate) fn bind_inbound(&mut self, id: LinkId, at: NodeRef) {
        if let Some(link) = self.links.get_mut(id) {
            link.node = Some(at);
            link.stranger = None;
            let known = &self.nodes[at].ip;
            if *link.peer_ip == **known {
                link.peer_ip = Arc::clone(known);
            }
        }
        // It opened this one itself, after whatever ended before.
        self.nodes[at].evidence.clear();
        if let Some(old) = self.nodes[at].inbound.replace(id).filter(|old| *old != id) {
            self.close(old);
        }
    }

    /// Closes a link, of either direction.
    pub(crate) fn close(&mut self, id: LinkId) {
        let Some(link) = self.links.remove(id) else { return };
        if let Some(node) = link.node.and_then(|at| self.nodes.get_mut(at)) {
            if node.link == Some(id) {
                node.link = None;
            }
            if node.inbound == Some(id) {
                node.inbound = None;
            }
        }
        self.outputs.push_back(Output::Close { link: id });
    }

    pub(crate) fn close_link_to(&mut self, at: NodeRef) {
        if let Some(link) = self.nodes.get(at).and_then(|node| node.link) {
            self.close(link);
        }
    }

    /// Our open connection to the node.
    pub(crate) fn open_link_to(&self, at: NodeRef) -> Option<LinkId> {
        let id = self.nodes.get(at)?.link?;
        self.links.get(id).filter(|link| link.is_open).map(|_| id)
    }

    /// Our open connection to the node; while there is none, its to us: any peer takes a packet on either, and a vote
    /// for a node that has just come back must not wait until we are connected to it again.
    pub(crate) fn any_link_to(&self, at: NodeRef) -> Option<LinkId> {
        self.open_link_to(at).or_else(|| self.nodes.get(at)?.inbound)
    }

    /// All links, of either direction, to nodes that are past their handshake.
    pub(crate) fn links_of_members(&self) -> Vec<(LinkId, NodeRef)> {
        let nodes = self.links.iter().filter_map(|(id, link)| link.node.map(|at| (id, at)));
        nodes.filter(|(_, at)| self.nodes.get(*at).is_some_and(|node| !node.in_handshake())).collect()
    }

    pub(crate) fn send(&mut self, link: LinkId, kind: Kind, bytes: Arc<[u8]>) {
        if self.links.get(link).is_some_and(|link| link.is_open) && !self.loading.is_silent {
            self.traffic.sent[kind as usize] += 1;
            self.outputs.push_back(Output::Send { link, bytes });
        }
    }

    pub(crate) fn send_to(&mut self, to: Addressee, kind: Kind, bytes: Vec<u8>) {
        let bytes: Arc<[u8]> = bytes.into();
        match to {
            Addressee::Node(id) => {
                if let Some(link) = self.nodes.find(id).and_then(|at| self.any_link_to(at)) {
                    self.send(link, kind, bytes);
                }
            }
            Addressee::Everybody => {
                for at in self.nodes.refs() {
                    if let Some(link) = self.any_link_to(at).filter(|_| !self.nodes[at].in_handshake()) {
                        self.send(link, kind, Arc::clone(&bytes));
                    }
                }
            }
        }
    }
}
