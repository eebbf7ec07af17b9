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
use crate::packet::{self, Flags, GossipEntry};

/// How far ahead of our clock a pong time may be.
const CLOCK_TOLERANCE_MS: u64 = 500;

impl Member {
    pub(crate) fn merge_gossip(&mut self, sender: NodeRef, section: &[u8]) {
        for entry in packet::gossip_entries(section) {
            match self.nodes.find(entry.node) {
                Some(at) if at == self.me => {}
                Some(at) => self.merge_known(sender, at, &entry),
                None => self.add_by_gossip(&entry),
            }
        }
    }

    fn merge_known(&mut self, sender: NodeRef, at: NodeRef, entry: &GossipEntry<'_>) {
        let seen_failing = entry.flags.any(Flags::PFAIL.or(Flags::FAIL));
        if at != sender && self.nodes[sender].is_voter() {
            if seen_failing {
                self.report_failing(at, sender);
            } else {
                self.report_working(at, sender);
            }
        }
        if seen_failing {
            return;
        }
        let now_ms = self.now_ms;
        let node = &mut self.nodes[at];
        let pong_ms = u64::from(entry.pong_received_s) * 1000;
        if node.ping_sent_ms == 0
            && node.failure_reports.is_empty()
            && pong_ms <= now_ms + CLOCK_TOLERANCE_MS
            && pong_ms > node.pong_received_ms
        {
            node.pong_received_ms = pong_ms;
        }
        let unreachable = node.flags.any(Flags::PFAIL.or(Flags::FAIL)) || node.flags.any(Flags::NOADDR);
        let elsewhere = node.ip != entry.ip || node.port != entry.port || node.bus_port != entry.bus_port;
        if unreachable && elsewhere && is_address(entry) {
            self.close_link_to(at);
            let node = &mut self.nodes[at];
            node.ip = entry.ip.to_owned();
            (node.port, node.second_port, node.bus_port) = (entry.port, entry.second_port, entry.bus_port);
            node.flags.clear(Flags::NOADDR);
            self.changed();
            self.connect(at);
        }
    }

    fn add_by_gossip(&mut self, entry: &GossipEntry<'_>) {
        if !is_address(entry) || self.is_barred(entry.node) {
            return;
        }
        let role = Flags::MASTER.or(Flags::REPLICA).or(Flags::NOFAILOVER).or(Flags::FAIL);
        let mut node = Node::new(entry.node, entry.flags.and(role), self.now_ms);
        node.failed_ms = self.now_ms;
        node.ip = entry.ip.to_owned();
        (node.port, node.second_port, node.bus_port) = (entry.port, entry.second_port, entry.bus_port);
        let Some(at) = self.nodes.add(node) else { return };
        self.changed();
        self.connect(at);
    }
}

fn is_address(entry: &GossipEntry<'_>) -> bool {
    !entry.flags.any(Flags::NOADDR) && !entry.ip.is_empty() && entry.port != 0 && entry.bus_port != 0
}
