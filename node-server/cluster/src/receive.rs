//! A packet comes in: who sent it, what its header tells, and which mechanism its body is for.
//!
//! A packet from a node that we don't know is good for two things only: a MEET makes us shake hands, and a
//! ping gets its pong. All else of it is dropped. From a known sender, in this order: the epochs and the
//! offset of the header; the answer, to a ping; the handshake; the address; the pong; the role; the slots; a
//! collision of epochs; the gossip; the extensions. Source: the specification, and Redis 7.0's order, on
//! which peers depend (a role is settled before the slots that it claims).

use std::sync::Arc;

use rcl_proto::SlotSet;

use crate::io::{LinkId, LogLevel, Output};
use crate::member::Member;
use crate::names::{Names, is_hostname, is_human_name, is_zone};
use crate::node::{Node, NodeRef};
use crate::packet::light::LightPublish;
use crate::packet::{self, Body, Extension, Flags, Header, Kind, Packet};

impl Member {
    pub(crate) fn receive(&mut self, link: LinkId, bytes: &[u8]) {
        if !self.links.contains(link) {
            return;
        }
        if packet::light::is_light(bytes) == Some(true) {
            return match packet::light::decode(bytes) {
                Ok(publish) => self.receive_light(link, publish),
                Err(error) => self.skip(link, &error),
            };
        }
        let packet = match packet::decode(bytes) {
            Ok(packet) => packet,
            Err(error) => return self.skip(link, &error),
        };
        let Some(kind) = packet.kind else {
            let number = packet.kind_number;
            self.log_limited("unknown packet", || format!("Received unknown packet type: {number}"));
            return;
        };
        if self.is_filtered(link, kind) {
            return;
        }
        if self.is_from_a_twin(link, &packet.header) {
            return;
        }
        let sender = self.sender_of(link, &packet.header);
        if let Some(sender) = sender {
            self.take_header(sender, &packet.header);
        }
        self.dispatch(link, kind, sender, &packet);
    }

    /// A packet that cannot be read: one that cannot even be told from the next one ends the link.
    fn skip(&mut self, link: LinkId, error: &packet::PacketError) {
        if matches!(error, packet::PacketError::Frame(_)) {
            self.log_limited("bad frame", || format!("Closing a cluster bus link: {error}"));
            self.close(link);
        } else {
            self.log_limited("bad packet", || format!("Skipping a cluster bus packet: {error}"));
        }
    }

    /// Counts a packet; true when the debug filter drops it.
    fn is_filtered(&mut self, link: LinkId, kind: Kind) -> bool {
        self.traffic.received[kind as usize] += 1;
        if !self.faults.drops(kind) {
            return false;
        }
        self.log_limited("packet filter", || "Dropping packets that match the debug filter".to_owned());
        if self.faults.closes_link {
            self.close(link);
        }
        true
    }

    /// A published message without a word about its sender. So it must come from a member's link, and is no sign of life:
    /// at a link's other end somebody else may be by now.
    fn receive_light(&mut self, link: LinkId, publish: LightPublish<'_>) {
        if self.is_filtered(link, publish.kind) {
            return;
        }
        let Some(link) = self.links.get(link) else { return };
        // Its handshake may have ended since it last said who it is.
        let sender = link.node.or_else(|| link.stranger.as_ref().and_then(|id| self.nodes.find(**id)));
        if sender.is_none_or(|at| self.nodes[at].in_handshake()) {
            return;
        }
        let (channel, message) = (publish.channel.to_vec(), publish.message.to_vec());
        let sharded = publish.kind == Kind::PublishShard;
        self.outputs.push_back(Output::DeliverPublish { channel, message, sharded });
    }

    /// The node that a packet is from: by its id, be it what the link says or not. At a link's other end somebody else may
    /// be by now, who took over the address; what it says of itself must not be taken for the other's. (Redis goes by
    /// the link.)
    fn sender_of(&mut self, link: LinkId, header: &Header) -> Option<NodeRef> {
        let bound = self.links.get(link)?.node;
        if let Some(at) = bound.filter(|&at| self.nodes[at].id == header.sender) {
            return Some(at);
        }
        let Some(sender) = self.nodes.find(header.sender).filter(|&at| at != self.me) else {
            if let Some(link) = self.links.get_mut(link).filter(|link| link.node.is_none()) {
                link.stranger = Some(Box::new(header.sender));
            }
            return None;
        };
        if bound.is_none() {
            self.bind_inbound(link, sender);
        }
        Some(sender)
    }

    /// Epochs only ever grow; the offset is as fresh as the packet.
    fn take_header(&mut self, sender: NodeRef, header: &Header) {
        let now_ms = self.now_ms;
        let node = &mut self.nodes[sender];
        node.data_received_ms = now_ms;
        node.evidence.gave_a_sign_of_life(now_ms);
        node.is_kin = header.is_kin;
        node.takes_light = header.flags.any(Flags::TAKES_LIGHT);
        if node.in_handshake() {
            return;
        }
        node.replication_offset = header.offset;
        // A replica shows its master's, which is none of its own.
        if header.master.is_none() && header.config_epoch > node.config_epoch {
            node.config_epoch = header.config_epoch;
            self.due.save = true;
        }
        if header.current_epoch > self.current_epoch {
            self.current_epoch = header.current_epoch;
        }
        self.note_paused_master(sender, header);
    }

    fn dispatch(&mut self, link: LinkId, kind: Kind, sender: Option<NodeRef>, packet: &Packet<'_>) {
        let header = &packet.header;
        match (kind, packet.body, sender) {
            (Kind::Ping | Kind::Pong | Kind::Meet, Body::Heartbeat { gossip, extensions }, _) => {
                self.heartbeat_received(link, kind, sender, header, gossip, extensions);
            }
            (Kind::Fail, Body::Fail(Some(failing)), Some(sender)) => self.fail_received(sender, failing),
            (Kind::Publish | Kind::PublishShard, Body::Publish { channel, message }, Some(_)) => {
                let (channel, message) = (channel.to_vec(), message.to_vec());
                let sharded = kind == Kind::PublishShard;
                self.outputs.push_back(Output::DeliverPublish { channel, message, sharded });
            }
            (Kind::AuthRequest, _, Some(sender)) => self.consider_vote(sender, header),
            (Kind::AuthAck, _, Some(sender)) => self.vote_received(sender, header),
            (Kind::ManualFailoverStart, _, Some(sender)) => self.manual_failover_requested(sender),
            (Kind::Update, Body::Update { config_epoch, node: Some(node), slots }, Some(_)) => {
                self.update_received(node, config_epoch, &SlotSet::from_bytes(slots));
            }
            _ => {}
        }
    }

    fn heartbeat_received(
        &mut self,
        link: LinkId,
        kind: Kind,
        sender: Option<NodeRef>,
        header: &Header,
        gossip: &[u8],
        extensions: &[u8],
    ) {
        if kind != Kind::Pong {
            self.learn_own_address(link, kind);
            if sender.is_none() && kind == Kind::Meet {
                self.meet_received(link, header);
            }
            self.answer_ping(link, header, gossip.len());
        }
        let Some(sender) = self.identify(link, sender, header) else { return };
        let no_failover = header.flags.and(Flags::NOFAILOVER);
        self.nodes[sender].flags.clear(Flags::NOFAILOVER);
        self.nodes[sender].flags.set(no_failover);
        if kind == Kind::Ping && !self.nodes[sender].in_handshake() {
            self.take_address(sender, link, header);
        }
        if kind == Kind::Pong && link.is_outbound() {
            self.pong_received(sender);
            self.address_answered(sender, header);
        }
        self.take_role(sender, header);
        self.take_slots(sender, header);
        self.resolve_epoch_collision(sender, header.config_epoch);
        self.merge_gossip(sender, gossip);
        self.take_extensions(sender, extensions);
    }

    /// The role that the sender gives itself is believed.
    fn take_role(&mut self, sender: NodeRef, header: &Header) {
        let says_replica = header.master.is_some() || header.flags.any(Flags::REPLICA);
        if !says_replica {
            if !self.nodes[sender].is_master() {
                let was_ours = self.nodes[sender].master == Some(self.me);
                self.replica_became_master(sender, header.config_epoch, &header.slots);
                if was_ours {
                    self.yield_to_successor(sender, header);
                }
            }
            return;
        }
        if !self.nodes[sender].is_replica() {
            if !self.nodes[sender].slots.is_empty() {
                self.release_slots_of(sender);
                self.health.slots_handed_over(self.now_ms);
            }
            self.nodes.change_standing(sender, Node::make_replica);
            self.changed();
        }
        let master = header.master.and_then(|id| self.nodes.find(id));
        if let Some(master) = master.filter(|&master| master != sender)
            && self.nodes[sender].master != Some(master)
        {
            self.set_master_of(sender, Some(master));
            self.changed();
        }
    }

    pub(crate) fn replica_became_master(&mut self, at: NodeRef, epoch: u64, slots: &SlotSet) {
        let old = self.nodes[at].master;
        self.make_master(at);
        let was_replaced = |old: &crate::node::Node| {
            epoch > old.config_epoch && old.slots.to_set().difference(slots).is_empty()
        };
        if let Some(old) = old.filter(|&old| was_replaced(&self.nodes[old])) {
            self.partner_was_replaced(old, at);
        }
    }

    /// What a sender no longer says of itself is no longer so.
    fn take_extensions(&mut self, sender: NodeRef, section: &[u8]) {
        let (mut hostname, mut human_name, mut zone) = ("", "", "");
        for extension in packet::extensions(section) {
            match extension {
                Extension::Hostname(name) => hostname = name,
                Extension::HumanName(name) => human_name = name,
                Extension::Zone(name) => zone = name,
                Extension::ForgottenNode { node, seconds } => self.forgotten_elsewhere(node, seconds),
                Extension::ShardId(shard) => {
                    let Some(node) = self.nodes.get_mut(sender) else { return };
                    node.takes_extensions = true;
                    node.shard_id = Some(shard);
                    self.share_shard_id_of_master();
                }
                Extension::Other(kind) => {
                    self.log_limited("extension", || format!("Received unknown extension type {kind}"));
                }
            }
        }
        let are_names = is_hostname(hostname.as_bytes()) && is_human_name(human_name.as_bytes());
        if !are_names || !is_zone(zone.as_bytes()) {
            self.log_limited("bad name", || "A peer announces a name that is none: ignored".to_owned());
            return;
        }
        let Some(node) = self.nodes.get_mut(sender) else { return };
        if !node.names.are(hostname, human_name, zone) {
            node.names = Names::new(hostname, human_name, zone);
            self.changed();
        }
    }

    /// A replica belongs to its master's shard, and stays in it when it takes the master's place.
    pub(crate) fn share_shard_id_of_master(&mut self) {
        let master = self.myself().master.and_then(|at| self.nodes.get(at));
        if let Some(shard_id) = master.and_then(|master| master.shard_id)
            && shard_id != self.shard_id
        {
            self.shard_id = shard_id;
            self.due.save = true;
        }
    }

    /// PUBLISH goes to every node, SPUBLISH to those that serve our slots.
    pub(crate) fn publish(&mut self, channel: &[u8], message: &[u8], sharded: bool) {
        if channel.len().saturating_add(message.len())
            > packet::LONGEST_BYTES as usize - packet::HEADER_BYTES - 8
        {
            self.log(LogLevel::Warning, "A message is too long for the cluster bus".to_owned());
            return;
        }
        let kind = if sharded { Kind::PublishShard } else { Kind::Publish };
        let (mut long, mut light) = (None::<Arc<[u8]>>, None::<Arc<[u8]>>);
        for at in self.listeners(sharded) {
            let Some(link) = self.any_link_to(at).filter(|_| !self.nodes[at].in_handshake()) else {
                continue;
            };
            let bytes = if self.nodes[at].takes_light {
                light.get_or_insert_with(|| {
                    packet::light::encode(LightPublish { kind, channel, message }).into()
                })
            } else {
                long.get_or_insert_with(|| {
                    let mut writer = packet::Writer::new(kind, &self.header());
                    writer.publish(channel, message);
                    writer.finish().into()
                })
            };
            let bytes = Arc::clone(bytes);
            self.send(link, kind, bytes);
        }
    }

    fn listeners(&self, sharded: bool) -> Vec<NodeRef> {
        if !sharded {
            return self.nodes.refs();
        }
        let master = self.myself().master.unwrap_or(self.me);
        std::iter::once(master).chain(self.nodes[master].replicas.iter().copied()).collect()
    }
}

#[cfg(test)]
mod tests;
