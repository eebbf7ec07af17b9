//! Gossip: what a heartbeat says of third nodes, merged into our view.
//!
//! - Of a node that we know, a master's word that it is (or is no longer) failing is a failure report, see
//!   [`crate::failure_detection`]. While nobody reports it as failing and we have no ping waiting, a newer
//!   pong time is taken over: somebody reached it, so we need not ping it so soon. If we can't reach it and
//!   the sender can, at another address, we go there.
//! - A node that we don't know is added under its id, if the sender is known and it was not forgotten just
//!   now. Its role is settled by its own packets.
//!
//! Nothing is allocated unless something is new. Source: the specification, "Heartbeat and gossip messages".

use crate::member::Member;
use crate::node::{Node, NodeRef};
use crate::packet::{self, Flags, GossipEntry, RawGossipEntry};

/// How far ahead of our clock a pong time may be.
const CLOCK_TOLERANCE_MS: u64 = 500;

impl Member {
    pub(crate) fn merge_gossip(&mut self, sender: NodeRef, section: &[u8]) {
        let votes = self.nodes[sender].is_voter();
        for entry in packet::raw_gossip_entries(section) {
            let Some(id) = entry.node() else { continue };
            match self.nodes.find(id) {
                Some(at) if at == self.me => {}
                Some(at) => self.merge_known(sender, votes && at != sender, at, entry),
                None => self.add_by_gossip(entry),
            }
        }
    }

    /// `reports`: the sender's word on whether the node fails counts.
    fn merge_known(&mut self, sender: NodeRef, reports: bool, at: NodeRef, entry: RawGossipEntry<'_>) {
        let seen_failing = entry.flags().any(Flags::PFAIL.or(Flags::FAIL));
        if seen_failing {
            if reports {
                self.report_failing(at, sender);
            }
            return;
        }
        if reports && !self.nodes[at].failure_reports.is_empty() {
            self.report_working(at, sender);
        }
        let now_ms = self.now_ms;
        let node = &mut self.nodes[at];
        let pong_ms = u64::from(entry.pong_received_s()) * 1000;
        if node.ping_sent_ms == 0
            && node.failure_reports.is_empty()
            && pong_ms <= now_ms + CLOCK_TOLERANCE_MS
            && pong_ms > node.pong_received_ms
        {
            node.pong_received_ms = pong_ms;
        }
        if node.flags.any(Flags::PFAIL.or(Flags::FAIL).or(Flags::NOADDR)) {
            self.go_where_it_was_seen(at, entry);
        }
    }

    /// We can't reach it, and the sender can.
    fn go_where_it_was_seen(&mut self, at: NodeRef, entry: RawGossipEntry<'_>) {
        let Some(entry) = entry.read().filter(is_address) else { return };
        let node = &self.nodes[at];
        if *node.ip == *entry.ip && node.port == entry.port && node.bus_port == entry.bus_port {
            return;
        }
        self.close_link_to(at);
        let node = &mut self.nodes[at];
        node.ip = entry.ip.into();
        (node.port, node.second_port, node.bus_port) = (entry.port, entry.second_port, entry.bus_port);
        node.flags.clear(Flags::NOADDR);
        self.changed();
        self.connect(at);
    }

    fn add_by_gossip(&mut self, entry: RawGossipEntry<'_>) {
        let Some(entry) = entry.read().filter(is_address) else { return };
        if self.is_barred(entry.node) {
            return;
        }
        let role = Flags::MASTER.or(Flags::REPLICA).or(Flags::NOFAILOVER).or(Flags::FAIL);
        let mut node = Node::new(entry.node, entry.flags.and(role), self.now_ms);
        node.failed_ms = self.now_ms;
        node.ip = entry.ip.into();
        (node.port, node.second_port, node.bus_port) = (entry.port, entry.second_port, entry.bus_port);
        let Some(at) = self.nodes.add(node) else { return };
        self.changed();
        // One packet of a big cluster has hundreds that are new to a newcomer: the periodic run takes them.
        if self.spreads_at_once() {
            self.connect(at);
        }
    }
}

fn is_address(entry: &GossipEntry<'_>) -> bool {
    !entry.flags.any(Flags::NOADDR) && !entry.ip.is_empty() && entry.port != 0 && entry.bus_port != 0
}
