//! Heartbeats: what a ping, pong or meet says, and when one is sent.
//!
//! - The header says who we are ([`crate::durability`] decides what of it is public yet).
//! - The gossip section says how some other nodes are: a tenth of all, at least three, drawn at random, and
//!   every node that we suspect. Nodes in handshake, without an address, or (not owning slots) unreachable
//!   are not gossiped about.
//! - Once a second, of five nodes drawn at random the one whose pong is oldest is pinged; and every node
//!   whose last pong is older than half the node timeout (or than `cluster-ping-interval`). So each node is
//!   pinged, and heard of, within half the timeout.
//! - A link that stays silent for half the timeout with a ping waiting is closed and opened anew: it may be
//!   the link, not the node.
//! - News (a node that just joined, one that we suspect) are spread to everybody after a short moment,
//!   instead of waiting for the next round; the moment gathers several into one. This is ours, and plain
//!   pings to any peer that we have heard from: one that has not may not know us.
//! - With more than a hundred nodes only masters' suspicions are spread so, and only to three others: those with the
//!   smallest ids (ours).
//! - What is a storm with thousands of nodes is kept small (ours): few strangers are connected to at a time, and a
//!   short ping of our own kind has a short answer.
//!
//! Source: the specification, "Heartbeat and gossip messages"; figures as in Redis 7.0.

use std::sync::Arc;

use crate::io::LinkId;
use crate::member::{CRON_PERIOD_MS, Member};
use crate::node::{Node, NodeRef};
use crate::packet::{Extension, Flags, GOSSIP_BYTES, GossipEntry, Header, Kind, MESSAGE_PAUSED, Writer};

/// How long news wait for more of them.
const SPREAD_AFTER_MS: u64 = 5;
/// And how long after the last time at the least.
const SPREAD_EVERY_MS: u64 = 50;
const FEWEST_PINGS: usize = 64;
/// How many nodes that never answered are tried in one periodic run.
const MOST_STRANGERS: usize = 64;
/// How many healthy nodes a packet is about at most that is the first on its link; one that spreads news; and one that is
/// about us alone.
const FIRST_ENTRIES: usize = 64;
const SPREAD_ENTRIES: usize = 24;
const FEWEST_ENTRIES: usize = 3;
/// A bigger cluster is told by ordinary gossip: everybody to everybody at once would be a storm.
const SPREAD_NODES: usize = 100;
/// There only suspicions are told at once, to so many.
const COLLECTORS: usize = 3;

impl Member {
    /// The header of every packet that we send now.
    pub(crate) fn header(&self) -> Header {
        let me = self.myself();
        let face = self.face();
        let role = if face.master.is_some() || me.is_replica() { Flags::REPLICA } else { Flags::MASTER };
        let mut flags = me.flags;
        flags.clear(Flags::MASTER.or(Flags::REPLICA));
        flags.set(role.or(Flags::TAKES_LIGHT));
        let paused = self.manual.paused_offset.filter(|_| self.is_master());
        Header {
            sender: me.id,
            port: me.port,
            second_port: me.second_port,
            bus_port: me.bus_port,
            ip: self.config.announce_ip.clone().unwrap_or_default(),
            flags,
            cluster_ok: self.health.is_ok(),
            message_flags: if paused.is_some() { MESSAGE_PAUSED } else { 0 },
            is_kin: true,
            current_epoch: self.current_epoch,
            config_epoch: face.config_epoch,
            offset: paused.unwrap_or(self.replication.offset),
            slots: face.slots,
            master: face.master,
        }
    }

    /// Sends a ping, pong or meet with the ordinary amount of gossip.
    pub(crate) fn send_heartbeat(&mut self, link: LinkId, kind: Kind) {
        self.send_heartbeat_about(link, kind, self.usual_entries());
    }

    /// The first ping on a new link: many of them may be under way at once.
    pub(crate) fn first_ping(&mut self, link: LinkId) {
        self.send_heartbeat_about(link, Kind::Ping, self.usual_entries().min(FIRST_ENTRIES));
    }

    /// A heartbeat that only asks whether the other one lives, or says that we do.
    pub(crate) fn probe(&mut self, link: LinkId, kind: Kind) {
        self.send_heartbeat_about(link, kind, FEWEST_ENTRIES);
    }

    /// A pong, to our own kind of as much gossip as the ping had: a short question has a short answer.
    pub(crate) fn answer_ping(&mut self, link: LinkId, ping: &Header, gossip_bytes: usize) {
        let usual = self.usual_entries();
        let asked = (gossip_bytes / GOSSIP_BYTES).max(FEWEST_ENTRIES);
        self.send_heartbeat_about(link, Kind::Pong, if ping.is_kin { usual.min(asked) } else { usual });
    }

    /// Of how many healthy nodes a heartbeat tells.
    fn usual_entries(&self) -> usize {
        (self.nodes.len() / 10).max(FEWEST_ENTRIES)
    }

    fn send_heartbeat_about(&mut self, link: LinkId, kind: Kind, entries: usize) {
        let Some((target, is_open)) = self.links.get(link).map(|link| (link.node, link.is_open)) else {
            return;
        };
        if !is_open {
            return;
        }
        if let Some(target) = target
            && kind == Kind::Ping
            && link.is_outbound()
        {
            self.nodes[target].ping_sent_ms = self.now_ms;
        }
        self.heartbeats += 1;
        let mut writer = Writer::new(kind, &self.header());
        self.write_gossip(&mut writer, target, entries);
        self.write_extensions(&mut writer, target);
        self.send(link, kind, Arc::from(writer.finish()));
    }

    /// `wanted` healthy nodes from a random place on, then every suspected one.
    fn write_gossip(&mut self, writer: &mut Writer, target: Option<NodeRef>, wanted: usize) {
        let places = self.nodes.places();
        let start = self.random_below(places as u64) as usize;
        // A random stride through a table of `places` would need a prime; a few random starts mix as well.
        let mut at = start;
        let mut added = 0;
        let number = self.heartbeats;
        for visited in 0..places {
            if added >= wanted {
                break;
            }
            if visited % 4 == 3 && wanted * 4 < places {
                at = self.random_below(places as u64) as usize;
            }
            let node_at = NodeRef((at % places) as u16);
            at += 1;
            if node_at == self.me || Some(node_at) == target {
                continue;
            }
            let Some(node) = self.nodes.get_mut(node_at) else { continue };
            if node.gossiped_in == number || !is_gossip(node) || node.flags.any(Flags::PFAIL) {
                continue;
            }
            node.gossiped_in = number;
            writer.gossip(&entry(node));
            added += 1;
        }
        const MOST_SUSPECTED: usize = 500;
        let suspected = self.nodes.iter().filter(|(_, node)| node.flags.any(Flags::PFAIL) && is_gossip(node));
        suspected.take(MOST_SUSPECTED).for_each(|(_, node)| writer.gossip(&entry(node)));
    }

    /// Redis 7.0 knows the host name; the rest goes only to our own kind, and to peers that sent such extensions
    /// themselves.
    fn write_extensions(&mut self, writer: &mut Writer, target: Option<NodeRef>) {
        let hostname = self.myself().names.hostname();
        if !hostname.is_empty() {
            writer.extension(&Extension::Hostname(hostname));
        }
        if !target.and_then(|at| self.nodes.get(at)).is_some_and(|node| node.is_kin || node.takes_extensions)
        {
            return;
        }
        let human_name = self.myself().names.human_name();
        if !human_name.is_empty() {
            writer.extension(&Extension::HumanName(human_name));
        }
        let zone = self.myself().names.zone();
        if !zone.is_empty() && target.and_then(|at| self.nodes.get(at)).is_some_and(|node| node.is_kin) {
            writer.extension(&Extension::Zone(zone));
        }
        for (&node, &until_ms) in &self.blacklist {
            if until_ms > self.now_ms {
                let seconds = (until_ms - self.now_ms) / 1000;
                writer.extension(&Extension::ForgottenNode { node, seconds });
            }
        }
        writer.extension(&Extension::ShardId(self.shard_id));
    }

    /// A short pong to everybody: our facts changed. On both links of a pair: an older pong of ours may still be under way on
    /// the other one, and would be the last word.
    pub(crate) fn announce(&mut self) {
        self.spread_soon();
        for (link, at) in self.links_of_members() {
            if self.nodes[at].was_heard() {
                self.probe(link, Kind::Pong);
            }
        }
    }

    pub(crate) fn spreads_at_once(&self) -> bool {
        self.nodes.len() <= SPREAD_NODES
    }

    /// Tells everybody soon.
    pub(crate) fn spread_soon(&mut self) {
        if self.spreads_at_once() {
            self.spread_in_a_moment();
        }
    }

    /// Tells of a new suspicion soon: everybody, or in a big cluster, where it counts, those who collect them.
    pub(crate) fn spread_suspicion_soon(&mut self) {
        if self.spreads_at_once() || self.myself().is_voter() {
            self.spread_in_a_moment();
        }
    }

    fn spread_in_a_moment(&mut self) {
        let soon_ms = (self.now_ms + SPREAD_AFTER_MS).max(self.last_spread_ms + SPREAD_EVERY_MS);
        self.spread_at_ms.get_or_insert(soon_ms);
    }

    pub(crate) fn spread_news(&mut self) {
        self.spread_at_ms = None;
        self.last_spread_ms = self.now_ms;
        let listeners = match self.spreads_at_once() {
            true => self.links_of_members().into_iter().filter(|(link, _)| link.is_outbound()).collect(),
            false => self.collectors(),
        };
        for (link, at) in listeners {
            if !self.nodes[at].was_heard() {
                continue;
            }
            // A pong asks for no answer, and any peer merges it like a ping.
            let kind = if self.nodes[at].ping_sent_ms == 0 { Kind::Ping } else { Kind::Pong };
            self.send_heartbeat_about(link, kind, SPREAD_ENTRIES);
        }
    }

    /// The voters with the smallest ids that nobody suspects: all tell the same few, who soon have heard a majority, while
    /// gossip alone takes the longer the more nodes there are.
    fn collectors(&self) -> Vec<(LinkId, NodeRef)> {
        let voters = self.nodes.iter().filter(|(at, node)| {
            *at != self.me && node.is_voter() && !node.flags.any(Flags::PFAIL.or(Flags::FAIL))
        });
        let open = voters.filter_map(|(at, node)| Some((node.id, self.open_link_to(at)?, at)));
        let mut open: Vec<_> = open.collect();
        open.sort_unstable_by_key(|(id, ..)| *id);
        open.into_iter().take(COLLECTORS).map(|(_, link, at)| (link, at)).collect()
    }

    /// Not to all strangers of a big cluster at once: when a thousand nodes join, or one starts among a thousand, each
    /// would open all its connections in one moment.
    fn connect_to_all(&mut self) {
        let mut strangers = 0;
        for at in self.places_from_anywhere() {
            let Some(node) = self.nodes.get(at).filter(|node| at != self.me && node.link.is_none()) else {
                continue;
            };
            if node.was_heard() || strangers < MOST_STRANGERS {
                strangers += usize::from(!node.was_heard());
                self.connect(at);
            }
        }
    }

    /// The periodic work, ten times a second.
    pub(crate) fn cron(&mut self) {
        self.cron_runs += 1;
        self.expire_handshakes();
        self.connect_to_all();
        if self.cron_runs.is_multiple_of(10) {
            self.expire_failure_reports();
            self.ping_a_random_node();
        }
        // Who says nothing gets no answers.
        if !self.loading.is_silent {
            let mut pings = self.most_pings();
            for at in self.nodes.refs() {
                self.watch_node(at, &mut pings);
            }
        }
        self.consider_giving_way();
        self.follow_master();
        self.manual_failover_expires();
        if self.myself().is_replica() {
            self.election_step();
            self.consider_replica_migration();
        }
        if !self.health.is_ok() || self.health.waits_for_slots() {
            self.due.state = true;
        }
    }

    fn ping_a_random_node(&mut self) {
        let places = self.nodes.places() as u64;
        let drawn: Vec<NodeRef> = (0..5).map(|_| NodeRef(self.random_below(places) as u16)).collect();
        let oldest = drawn
            .into_iter()
            .filter(|&at| {
                self.nodes.get(at).is_some_and(|node| node.ping_sent_ms == 0 && !node.in_handshake())
            })
            .filter_map(|at| self.open_link_to(at).map(|link| (self.nodes[at].pong_received_ms, link)))
            .min_by_key(|(pong_ms, _)| *pong_ms);
        if let Some((_, link)) = oldest {
            self.send_heartbeat(link, Kind::Ping);
        }
    }

    fn ping_interval_ms(&self) -> u64 {
        self.config.ping_interval_ms.unwrap_or(self.config.node_timeout_ms / 2)
    }

    /// So many nodes are pinged in one periodic run: four times what it takes to ping all in turn. Where all were heard of
    /// in one moment, their turns come in one, too, and are spread so.
    fn most_pings(&self) -> usize {
        let runs = (self.ping_interval_ms() / CRON_PERIOD_MS).max(1) as usize;
        (4 * self.nodes.len() / runs).max(FEWEST_PINGS)
    }

    /// Pings the node when its turn has come, renews its link, or finds it silent for too long.
    fn watch_node(&mut self, at: NodeRef, pings: &mut usize) {
        let Some(node) = self.nodes.get(at) else { return };
        if node.flags.any(Flags::MYSELF.or(Flags::NOADDR).or(Flags::HANDSHAKE)) {
            return;
        }
        let (now_ms, timeout_ms) = (self.now_ms, self.config.node_timeout_ms);
        let ping_delay_ms = now_ms.saturating_sub(node.ping_sent_ms);
        let data_delay_ms = now_ms.saturating_sub(node.data_received_ms);
        let pong_age_ms = now_ms.saturating_sub(node.pong_received_ms);
        let waits = node.ping_sent_ms != 0;
        if waits
            && ping_delay_ms.min(data_delay_ms) > timeout_ms / 2
            && let Some(link) = node.link.and_then(|id| self.links.get(id))
            && now_ms - link.created_ms > timeout_ms
        {
            self.close_link_to(at);
        }
        let open_link = self.open_link_to(at);
        let interval_ms = match open_link {
            Some(_) => self.ping_interval_ms(),
            None => timeout_ms / 2,
        };
        if self.manual.replica == Some(at)
            && self.is_master()
            && let Some(link) = open_link
        {
            self.send_heartbeat(link, Kind::Ping);
            return;
        }
        if !waits && pong_age_ms > interval_ms {
            match open_link {
                Some(_) if *pings == 0 => {}
                Some(link) => {
                    *pings -= 1;
                    self.send_heartbeat(link, Kind::Ping);
                }
                // No link to ask on: that it doesn't answer counts from now.
                None => self.nodes[at].ping_sent_ms = now_ms,
            }
            return;
        }
        if waits && ping_delay_ms.min(data_delay_ms) > timeout_ms {
            self.suspect(at);
        }
    }
}

fn is_gossip(node: &Node) -> bool {
    let usable = !node.flags.any(Flags::HANDSHAKE.or(Flags::NOADDR).or(Flags::MYSELF));
    usable && !node.ip.is_empty() && node.port != 0 && (node.link.is_some() || !node.slots.is_empty())
}

fn entry(node: &Node) -> GossipEntry<'_> {
    GossipEntry {
        node: node.id,
        ping_sent_s: (node.ping_sent_ms / 1000) as u32,
        pong_received_s: (node.pong_received_ms / 1000) as u32,
        ip: &node.ip,
        port: node.port,
        second_port: node.second_port,
        bus_port: node.bus_port,
        flags: node.flags,
    }
}

#[cfg(test)]
mod tests;
