//! FAIL by majority: who sends FAIL about a node was told by a majority of the masters with slots (itself among them)
//! that they suspect it, each within two node timeouts.

use std::collections::{BTreeSet, HashMap};

use rcl_cluster::ClusterMap;
use rcl_cluster::packet::Flags;
use rcl_proto::NodeId;
use rcl_proto::nodes_text::NodeFlags;

use super::peek::Peek;

#[derive(Default)]
pub struct FailReports {
    pub node_timeout_ms: u64,
    /// By how much longer two node timeouts may be on a clock that is slow, or was set back.
    pub clock_slack_ms: u64,
    /// (who was told, by whom, about whom) → when last.
    told: HashMap<(usize, NodeId, NodeId), u64>,
    pub fails_seen: u64,
}

impl FailReports {
    pub fn received(&mut self, now_ms: u64, receiver: usize, bytes: &[u8]) {
        let peek = Peek(bytes);
        let Some(sender) = peek.sender() else { return };
        let failing = Flags::PFAIL.or(Flags::FAIL);
        for (about, _) in peek.gossip().filter(|(_, flags)| flags.any(failing)) {
            self.told.insert((receiver, sender, about), now_ms);
        }
    }

    /// `by` runs on that machine; `maps` are its views before the step and after it. In a step that changes who the
    /// masters with slots are, a report of any of them counts: in which order it did what is not seen from outside.
    pub fn failed(
        &mut self,
        now_ms: u64,
        machine: usize,
        by: NodeId,
        about: NodeId,
        maps: &[&ClusterMap],
    ) -> Option<String> {
        self.fails_seen += 1;
        let voters: Vec<BTreeSet<NodeId>> = maps.iter().map(|map| voters(map)).collect();
        let needed = voters.iter().map(|voters| voters.len() / 2 + 1).min()?;
        let either: BTreeSet<NodeId> = voters.into_iter().flatten().collect();
        let valid_ms = self.node_timeout_ms * 2 + self.clock_slack_ms;
        let agreed = either.iter().filter(|&&voter| {
            let said = self.told.get(&(machine, voter, about));
            voter == by || said.is_some_and(|&at_ms| now_ms - at_ms <= valid_ms)
        });
        let agreed = agreed.count();
        (agreed < needed).then(|| {
            let said: Vec<_> =
                self.told.iter().filter(|((to, _, node), _)| *to == machine && *node == about).collect();
            format!(
                "at {now_ms} {by:?} says FAIL of {about:?} with {agreed} of {needed}; voters {either:?}, it was \
                 told {said:?}"
            )
        })
    }
}

/// The masters with slots.
fn voters(map: &ClusterMap) -> BTreeSet<NodeId> {
    let mut owns = vec![false; map.nodes.len()];
    for &owner in map.owners.iter().filter(|&&owner| owner != ClusterMap::NOBODY) {
        owns[usize::from(owner)] = true;
    }
    let masters = map.nodes.iter().zip(owns);
    masters
        .filter(|(node, owns)| *owns && node.flags.contains(NodeFlags::MASTER))
        .map(|(node, _)| node.id)
        .collect()
}

/// Planted faults.
mod tests {
    use super::*;
    use crate::world::World;
    use rcl_cluster::Config;

    #[test]
    fn a_fail_without_a_majority_is_found() {
        let mut world = World::new(1, 6, &Config::default());
        world.create(3);
        let map = world.machines[0].map.clone().expect("a map");
        let ids: Vec<NodeId> = (0..3).filter_map(|index| world.id(index)).collect();
        let mut reports = FailReports { node_timeout_ms: 1_000, ..FailReports::default() };
        reports.told.insert((0, ids[1], ids[2]), 5_000);
        assert_eq!(reports.failed(6_000, 0, ids[0], ids[2], &[&map]), None);
        assert!(
            reports.failed(9_000, 0, ids[0], ids[2], &[&map]).is_some(),
            "the report was too old by then"
        );
        assert!(reports.failed(6_000, 1, ids[1], ids[2], &[&map]).is_some(), "it was told to another");
    }
}
