//! The invariants, checked from outside: by the packets that nodes send, and what was on their disks by then.
//!
//! - One owner: no two nodes claim a slot as masters by the same config epoch, ever; and a claim is on disk
//!   before it is sent.
//! - One vote: no node votes for two nodes in one epoch, also across restarts; and a vote is on disk before
//!   it is sent.
//! - FAIL by majority: who sends FAIL about a node was told by a majority of the masters with slots (itself
//!   among them) that they suspect it, each within two node timeouts.

use std::collections::{BTreeMap, HashMap};

use rcl_cluster::packet::{self, Body, Flags, Kind};
use rcl_cluster::{ClusterMap, Persistent};
use rcl_proto::nodes_text::NodeFlags;
use rcl_proto::{NodeId, SlotSet};

pub struct Checkers {
    node_timeout_ms: u64,
    /// By epoch, who claimed what.
    claims: BTreeMap<u64, Vec<(NodeId, SlotSet)>>,
    /// What each node claimed last: nearly always what it claims next.
    last_claims: HashMap<NodeId, (u64, SlotSet)>,
    votes: BTreeMap<(NodeId, u64), NodeId>,
    /// (who, about whom) → when it last said so.
    suspicions: HashMap<(NodeId, NodeId), u64>,
    pub fails_seen: u64,
    pub votes_seen: u64,
    pub violations: Vec<String>,
}

impl Checkers {
    pub fn new(node_timeout_ms: u64) -> Checkers {
        Checkers {
            node_timeout_ms,
            claims: BTreeMap::new(),
            last_claims: HashMap::new(),
            votes: BTreeMap::new(),
            suspicions: HashMap::new(),
            fails_seen: 0,
            votes_seen: 0,
            violations: Vec::new(),
        }
    }

    /// `map` is the sender's newest, `durable` the nodes.conf that would survive a crash of it now.
    pub fn packet_sent(
        &mut self,
        now_ms: u64,
        bytes: &[u8],
        receiver: Option<NodeId>,
        map: Option<&ClusterMap>,
        durable: Option<&str>,
    ) {
        let packet = packet::decode(bytes).expect("nodes send well-formed packets");
        let header = &packet.header;
        if header.flags.any(Flags::MASTER) && !header.slots.is_empty() {
            self.claimed(header.sender, header.config_epoch, &header.slots, durable);
        }
        match (packet.kind, packet.body) {
            (Some(Kind::AuthAck), _) => {
                if let Some(receiver) = receiver {
                    self.voted(header.sender, header.current_epoch, receiver, durable);
                }
            }
            (Some(Kind::Fail), Body::Fail(Some(about))) => {
                if let Some(map) = map {
                    self.failed(now_ms, header.sender, about, map);
                }
            }
            (_, Body::Heartbeat { gossip, .. }) => {
                for entry in packet::gossip_entries(gossip) {
                    if entry.flags.any(Flags::PFAIL.or(Flags::FAIL)) {
                        self.suspicions.insert((header.sender, entry.node), now_ms);
                    }
                }
            }
            _ => {}
        }
    }

    pub fn claimed(&mut self, who: NodeId, epoch: u64, slots: &SlotSet, durable: Option<&str>) {
        let last = self.last_claims.get(&who);
        if last.is_some_and(|(last_epoch, last_slots)| *last_epoch == epoch && last_slots == slots) {
            return;
        }
        self.last_claims.insert(who, (epoch, slots.clone()));
        if !is_stored(who, epoch, slots, durable) {
            self.violations.push(format!("{who:?} claims {slots} by epoch {epoch} before that is on disk"));
        }
        let claims = self.claims.entry(epoch).or_default();
        if let Some((other, _)) =
            claims.iter().find(|(id, set)| *id != who && !set.intersection(slots).is_empty())
        {
            self.violations.push(format!("epoch {epoch}: {who:?} and {other:?} both claim some of {slots}"));
        }
        match claims.iter_mut().find(|(id, _)| *id == who) {
            Some((_, set)) if slots.is_subset(set) => {}
            Some((_, set)) => *set = set.union(slots),
            None => claims.push((who, slots.clone())),
        }
    }

    pub fn voted(&mut self, voter: NodeId, epoch: u64, candidate: NodeId, durable: Option<&str>) {
        self.votes_seen += 1;
        let before = *self.votes.entry((voter, epoch)).or_insert(candidate);
        if before != candidate {
            self.violations
                .push(format!("{voter:?} voted for {before:?} and {candidate:?} in epoch {epoch}"));
        }
        let words = durable.unwrap_or_default().split_ascii_whitespace();
        let stored = words
            .skip_while(|word| *word != "lastVoteEpoch")
            .nth(1)
            .and_then(|word| word.parse::<u64>().ok());
        if stored < Some(epoch) {
            self.violations.push(format!("{voter:?} voted in epoch {epoch} with {stored:?} on disk"));
        }
    }

    pub fn failed(&mut self, now_ms: u64, by: NodeId, about: NodeId, map: &ClusterMap) {
        self.fails_seen += 1;
        let owns = |index: usize| map.owners.iter().any(|&owner| usize::from(owner) == index);
        let masters = map
            .nodes
            .iter()
            .enumerate()
            .filter(|(index, node)| node.flags.contains(NodeFlags::MASTER) && owns(*index));
        let voters: Vec<NodeId> = masters.map(|(_, node)| node.id).collect();
        // A report may have been under way for a while before it counted.
        let valid_ms = self.node_timeout_ms * 2 + 1_000;
        let agreed = voters.iter().filter(|&&voter| {
            let said = self.suspicions.get(&(voter, about));
            voter == by || said.is_some_and(|&at_ms| now_ms - at_ms <= valid_ms)
        });
        let (agreed, needed) = (agreed.count(), voters.len() / 2 + 1);
        if agreed < needed {
            let said: Vec<_> = self.suspicions.iter().filter(|((_, node), _)| *node == about).collect();
            self.violations.push(format!(
                "at {now_ms} {by:?} says FAIL of {about:?} with {agreed} of {needed}; voters {voters:?}, suspicions {said:?}"
            ));
        }
    }

    pub fn assert_clean(&self, seed: u64) {
        assert!(self.violations.is_empty(), "replay with SEED={seed}: {:#?}", self.violations);
    }
}

/// Whether the claim would survive a crash: a later epoch covers it, too.
fn is_stored(who: NodeId, epoch: u64, slots: &SlotSet, durable: Option<&str>) -> bool {
    let known = durable.and_then(|text| Persistent::parse(text).ok().flatten());
    let line = known.as_ref().and_then(|known| known.nodes.iter().find(|line| line.id == who));
    line.is_some_and(|line| line.config_epoch >= epoch && slots.is_subset(&line.slots))
}

/// Planted faults: each checker must find its own.
mod tests {
    use super::*;
    use crate::world::{World, range};
    use rcl_cluster::Config;

    fn id(number: u8) -> NodeId {
        NodeId::from_bits([number; 20])
    }

    #[test]
    fn two_owners_of_a_slot_in_one_epoch_are_found() {
        let mut checkers = Checkers::new(1_000);
        let slots = |first, last| SlotSet::from_iter([range(first, last)]);
        let disk = |number: u8, epoch: u64, slots: &str| {
            format!("{} 10.0.0.1:7000@17000 myself,master - 0 0 {epoch} connected {slots}\n", id(number))
        };
        checkers.claimed(id(1), 5, &slots(0, 10), Some(&disk(1, 5, "0-10")));
        checkers.claimed(id(2), 5, &slots(11, 20), Some(&disk(2, 5, "11-20")));
        checkers.claimed(id(2), 6, &slots(0, 20), Some(&disk(2, 6, "0-20")));
        assert!(checkers.violations.is_empty(), "{:?}", checkers.violations);
        checkers.claimed(id(3), 5, &slots(10, 11), Some(&disk(3, 5, "10-11")));
        assert_eq!(checkers.violations.len(), 1);
        // And a claim that is not on disk.
        checkers.claimed(id(4), 9, &slots(0, 1), Some(&disk(4, 8, "0-1")));
        assert_eq!(checkers.violations.len(), 2);
        checkers.claimed(id(4), 9, &slots(0, 2), Some(&disk(4, 9, "0-1")));
        assert_eq!(checkers.violations.len(), 3);
    }

    #[test]
    fn a_second_vote_in_an_epoch_and_an_unstored_one_are_found() {
        let mut checkers = Checkers::new(1_000);
        let disk = |epoch: u64| format!("vars currentEpoch 9 lastVoteEpoch {epoch}\n");
        checkers.voted(id(1), 5, id(7), Some(&disk(5)));
        checkers.voted(id(1), 5, id(7), Some(&disk(5)));
        checkers.voted(id(1), 6, id(8), Some(&disk(6)));
        assert!(checkers.violations.is_empty(), "{:?}", checkers.violations);
        checkers.voted(id(1), 6, id(7), Some(&disk(6)));
        assert_eq!(checkers.violations.len(), 1);
        checkers.voted(id(1), 7, id(7), Some(&disk(6)));
        assert_eq!(checkers.violations.len(), 2);
    }

    #[test]
    fn a_fail_without_a_majority_is_found() {
        let mut world = World::new(1, 6, &Config::default());
        world.create(3);
        let map = world.machines[0].map.clone().expect("a map");
        let ids: Vec<NodeId> = (0..3).filter_map(|index| world.id(index)).collect();
        let mut checkers = Checkers::new(1_000);
        checkers.suspicions.insert((ids[1], ids[2]), 5_000);
        checkers.failed(6_000, ids[0], ids[2], &map);
        assert!(checkers.violations.is_empty(), "{:?}", checkers.violations);
        checkers.failed(9_000, ids[0], ids[2], &map);
        assert_eq!(checkers.violations.len(), 1, "the report was too old by then");
    }
}
