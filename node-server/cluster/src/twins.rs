//! Two that say that they are the same node: a folder was copied, or a node was started a second time elsewhere.
//!
//! - Whoever answers at the address that we know keeps the name. Another one, whose packets tell another address, is
//!   neither heard nor answered. So it finds itself alone, and serves nobody; and the log says that there are two.
//! - A node that really moved is believed as soon as its old address ends: when our connection there is closed, or a
//!   ping there has waited for half the node timeout, or when a pong from there tells the new address, too.
//! - An operator's MEET goes to the address that it names, whoever else answers.
//!
//! Redis believes each of the two in turn, with every ping. What can't be told apart here either: twins on two hosts
//! with the same ports that announce no IP, since one host may well have two addresses.

use crate::io::LinkId;
use crate::member::Member;
use crate::node::{Node, NodeRef};
use crate::packet::{Header, Kind};

impl Member {
    /// Whether a packet is from one that has the name of a node that lives elsewhere. Then nothing of it counts.
    pub(crate) fn is_from_a_twin(&mut self, link: LinkId, header: &Header) -> bool {
        let Some(at) = self.twin_of(link, header) else { return false };
        self.nodes[at].has_twin = true;
        // Is the one that we know still there, and does it still say so?
        if self.nodes[at].ping_sent_ms == 0
            && let Some(link) = self.open_link_to(at)
        {
            self.send_heartbeat(link, Kind::Ping);
        }
        true
    }

    fn twin_of(&self, link: LinkId, header: &Header) -> Option<NodeRef> {
        if link.is_outbound() {
            return None;
        }
        let bound = self.links.get(link)?.node;
        let at = bound.or_else(|| self.nodes.find(header.sender)).filter(|&at| at != self.me)?;
        let node = &self.nodes[at];
        let waits_for_ms = match node.ping_sent_ms {
            0 => 0,
            sent_ms => self.now_ms.saturating_sub(sent_ms),
        };
        let lives_elsewhere = !node.in_handshake()
            && tells_another_address(node, header)
            && !node.moves
            && self.open_link_to(at).is_some()
            && waits_for_ms < self.config.node_timeout_ms / 2;
        lives_elsewhere.then_some(at)
    }

    /// A pong from the address that we know.
    pub(crate) fn address_answered(&mut self, at: NodeRef, header: &Header) {
        let node = &mut self.nodes[at];
        node.moves = tells_another_address(node, header);
        if std::mem::take(&mut node.has_twin) && !node.moves {
            let (called, ip, port) = (node.called(), node.ip.clone(), node.port);
            self.log_limited("twins", || {
                format!(
                    "Two nodes say that they are {called}: the one at {ip}:{port} answers there, the other one is not \
                     heard. Was its folder copied, or is it running twice?"
                )
            });
        }
    }
}

fn tells_another_address(node: &Node, header: &Header) -> bool {
    (node.port, node.bus_port) != (header.port, header.bus_port)
        || (!header.ip.is_empty() && *node.ip != *header.ip)
}

#[cfg(test)]
mod tests;
