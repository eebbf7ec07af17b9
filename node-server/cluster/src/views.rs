//! What CLUSTER's reading subcommands show, and the text of nodes.conf, which is nearly that of CLUSTER
//! NODES.
//!
//! Source: the documentation of CLUSTER INFO, NODES, SLOTS, SHARDS, LINKS; field names and order as Redis 7.0
//! prints them.

use std::fmt::Write as _;

use rcl_proto::nodes_text::{Endpoint, NodeLine};
use rcl_proto::{NodeId, Slot, SlotRange};

use crate::command::{LinkView, NodeView, ShardView, SlotsEntry};
use crate::member::Member;
use crate::node::NodeRef;
use crate::nodes_conf::name_variable;
use crate::packet::{Flags, Kind};

impl Member {
    /// CLUSTER INFO.
    pub fn info_text(&self) -> String {
        let (mut assigned, mut pfail, mut fail) = (0, 0, 0);
        for at in self.slots.owners().flatten() {
            assigned += 1;
            let flags = self.nodes[at].flags;
            fail += u32::from(flags.any(Flags::FAIL));
            pfail += u32::from(flags.any(Flags::PFAIL) && !flags.any(Flags::FAIL));
        }
        let me = self.myself();
        let my_epoch = me.master.map_or(me.config_epoch, |master| self.nodes[master].config_epoch);
        let mut text = String::new();
        let mut field = |name: &str, value: String| {
            let _ = write!(text, "{name}:{value}\r\n");
        };
        field("cluster_state", if self.health.is_ok() { "ok" } else { "fail" }.to_owned());
        field("cluster_slots_assigned", assigned.to_string());
        field("cluster_slots_ok", (assigned - pfail - fail).to_string());
        field("cluster_slots_pfail", pfail.to_string());
        field("cluster_slots_fail", fail.to_string());
        field("cluster_known_nodes", self.nodes.len().to_string());
        field("cluster_size", self.health.size.to_string());
        field("cluster_current_epoch", self.current_epoch.to_string());
        field("cluster_my_epoch", my_epoch.to_string());
        for (word, counts) in [("sent", &self.traffic.sent), ("received", &self.traffic.received)] {
            for (kind, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                let name = Kind::name(kind as u16);
                field(&format!("cluster_stats_messages_{name}_{word}"), count.to_string());
            }
            field(&format!("cluster_stats_messages_{word}"), counts.iter().sum::<u64>().to_string());
        }
        field("total_cluster_links_buffer_limit_exceeded", "0".to_owned());
        text
    }

    /// CLUSTER NODES, each line ended by a newline.
    pub fn nodes_text(&self) -> String {
        let mut text = String::new();
        for (at, _) in self.nodes.iter() {
            let _ = writeln!(text, "{}", self.node_line(at));
        }
        text
    }

    /// nodes.conf, see [`crate::nodes_conf`].
    pub(crate) fn persistent_text(&self) -> String {
        let mut text = String::new();
        for (at, _) in self.nodes.iter().filter(|(_, node)| !node.in_handshake()) {
            let _ = writeln!(text, "{}", self.node_line(at));
        }
        let (epoch, vote, shard) = (self.current_epoch, self.last_vote_epoch, self.shard_id);
        let _ = write!(text, "vars currentEpoch {epoch} lastVoteEpoch {vote}");
        if !self.is_master() {
            let _ = write!(text, " configEpoch {}", self.myself().config_epoch);
        }
        let _ = writeln!(text, " shardId {shard}");
        for (at, node) in self.nodes.iter() {
            // Ours is in redis.conf.
            if at != self.me && !node.names.human_name().is_empty() && !node.in_handshake() {
                let _ = writeln!(text, "vars {}", name_variable(node.id, node.names.human_name()));
            }
        }
        text
    }

    pub(crate) fn node_line(&self, at: NodeRef) -> NodeLine {
        let node = &self.nodes[at];
        let is_me = at == self.me;
        let open = |list: &std::collections::BTreeMap<Slot, NodeRef>| {
            let list = list.iter().filter(|_| is_me);
            list.map(|(&slot, &other)| (slot, self.nodes[other].id)).collect()
        };
        NodeLine {
            id: node.id,
            endpoint: Endpoint {
                ip: node.ip.to_string(),
                port: node.port,
                bus_port: node.bus_port,
                hostname: node.names.hostname().to_owned(),
                aux: Vec::new(),
            },
            flags: node.text_flags(),
            master: node.master.map(|master| self.nodes[master].id),
            ping_sent_ms: node.ping_sent_ms,
            pong_received_ms: node.pong_received_ms,
            config_epoch: node.master.map_or(node.config_epoch, |master| self.nodes[master].config_epoch),
            link_connected: is_me || self.open_link_to(at).is_some(),
            slots: node.slots.to_set(),
            migrating: open(&self.slots.migrating),
            importing: open(&self.slots.importing),
        }
    }

    pub(crate) fn slots_view(&self) -> Vec<SlotsEntry> {
        let mut entries: Vec<(NodeRef, SlotRange)> = Vec::new();
        for (slot, owner) in Slot::all().zip(self.slots.owners()) {
            let Some(owner) = owner else { continue };
            let joined = entries
                .last()
                .filter(|(last, range)| *last == owner && range.end().index() + 1 == slot.index());
            match joined.and_then(|(_, range)| SlotRange::new(range.start(), slot)) {
                Some(range) => {
                    entries.pop();
                    entries.push((owner, range));
                }
                None => entries.extend(SlotRange::new(slot, slot).map(|range| (owner, range))),
            }
        }
        let entry = |(owner, range): (NodeRef, SlotRange)| {
            let replicas = self.nodes[owner].replicas.iter().copied().filter(|&at| self.is_available(at));
            let nodes = std::iter::once(owner).chain(replicas).map(|at| self.node_view(at)).collect();
            SlotsEntry { range, nodes }
        };
        entries.into_iter().map(entry).collect()
    }

    /// A replica that has data.
    fn is_available(&self, at: NodeRef) -> bool {
        !self.nodes[at].is_failed() && self.offset_of(at) != 0
    }

    fn offset_of(&self, at: NodeRef) -> u64 {
        if at == self.me { self.replication.offset } else { self.nodes[at].replication_offset }
    }

    /// A master with its replicas; and with it a master that it replaced, which names the same shard and has no
    /// slots.
    pub(crate) fn shards_view(&self) -> Vec<ShardView> {
        let masters = self.nodes.iter().filter(|(_, node)| node.is_master() && !node.in_handshake());
        let (with_slots, without): (Vec<_>, Vec<_>) = masters.partition(|(_, node)| !node.slots.is_empty());
        let mut shards: Vec<Vec<NodeRef>> = with_slots.into_iter().map(|(at, _)| vec![at]).collect();
        for (at, _) in without {
            let shard_id = self.shard_id_of(at);
            let same = |shard: &&mut Vec<NodeRef>| {
                shard_id.is_some()
                    && !self.nodes[shard[0]].slots.is_empty()
                    && self.shard_id_of(shard[0]) == shard_id
            };
            match shards.iter_mut().find(same) {
                Some(shard) => shard.push(at),
                None => shards.push(vec![at]),
            }
        }
        shards.into_iter().map(|masters| self.shard_view(&masters)).collect()
    }

    fn shard_view(&self, masters: &[NodeRef]) -> ShardView {
        let replicas = masters.iter().flat_map(|&master| &self.nodes[master].replicas);
        let nodes = masters.iter().chain(replicas).map(|&at| self.node_view(at)).collect();
        ShardView { slots: self.nodes[masters[0]].slots.to_set(), nodes }
    }

    fn shard_id_of(&self, at: NodeRef) -> Option<NodeId> {
        if at == self.me { Some(self.shard_id) } else { self.nodes[at].shard_id }
    }

    fn node_view(&self, at: NodeRef) -> NodeView {
        let node = &self.nodes[at];
        let offset = self.offset_of(at);
        NodeView {
            id: node.id,
            is_myself: at == self.me,
            ip: node.ip.to_string(),
            hostname: node.names.hostname().to_owned(),
            zone: node.names.zone().to_owned(),
            port: node.port,
            second_port: node.second_port,
            is_master: !node.is_replica(),
            replication_offset: offset,
            health: match (node.is_failed(), node.is_replica() && offset == 0) {
                (true, _) => "fail",
                (false, true) => "loading",
                (false, false) => "online",
            },
        }
    }

    pub(crate) fn links_view(&self) -> Vec<LinkView> {
        let mut views = Vec::new();
        for (_, node) in self.nodes.iter() {
            for id in [node.link, node.inbound].into_iter().flatten() {
                if let Some(link) = self.links.get(id) {
                    let (outbound, created_ms) = (id.is_outbound(), link.created_ms);
                    views.push(LinkView { link: id, outbound, node: node.id, created_ms });
                }
            }
        }
        views
    }
}
