//! The last slot of a source that gives all it has.
//!
//! Since Redis 7 a master without slots makes itself a replica of the one that took the last. From then on it speaks with that
//! one's epoch, and Redis takes the epoch for its own (`clusterProcessPacket`; Valkey takes it from masters only):
//!
//! ```text
//! A      gives slots to B, which has epoch 142, and its last one to C, which has 144
//! A      replicates C, and says so: 144
//! X      hears that, and then what A said some milliseconds before on its other connection: "master, with B's slots"
//! B      tells X of its slots, with 142. X knows better: A has them since 144; it tells B
//! B      gives its slots up, with all keys in them. Nobody owns them
//! ```
//!
//! What A said can be late by 40 ms: it is sent without TCP_NODELAY. So the last slot stays with its source until all nodes,
//! replicas too, have heard of the others.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rcl_proto::nodes_text::NodeLine;
use rcl_proto::{NodeId, SlotSet};

use super::Stop;
use super::epochs::{POLL, views};
use crate::connect::Cluster;
use crate::plan::Move;
use crate::topology::Topology;

/// One that has not heard by then is not waited for; whether all agree is asked in the end anyway.
const LIMIT: Duration = Duration::from_secs(10);

/// Takes the last slot of every source that would have none from `moves`, and returns them.
pub fn held_back(topology: &Topology, moves: &mut Vec<Move>) -> Vec<Move> {
    let mut given: BTreeMap<NodeId, SlotSet> = BTreeMap::new();
    for part in moves.iter() {
        let given = given.entry(part.source.id).or_default();
        *given = given.union(&part.slots);
    }
    let emptied = |id: &NodeId| topology.node(*id).is_some_and(|node| node.slots.is_subset(&given[id]));
    let sources: BTreeSet<NodeId> = given.keys().copied().filter(emptied).collect();
    let mut last = Vec::new();
    for source in sources {
        let part = moves.iter_mut().rfind(|part| part.source.id == source && !part.slots.is_empty());
        let Some((part, slot)) = part.and_then(|part| part.slots.iter().last().map(|slot| (part, slot)))
        else {
            continue;
        };
        part.slots.remove(slot);
        last.push(Move { slots: std::iter::once(slot).collect(), ..part.clone() });
    }
    moves.retain(|part| !part.slots.is_empty());
    last
}

/// Waits until every node that answers knows what each master has by now.
pub async fn await_heard(cluster: &Cluster, stop: &Stop) {
    let started = Instant::now();
    while !heard(&views(cluster.links.values().cloned()).await)
        && started.elapsed() < LIMIT
        && !stop.requested()
    {
        tokio::time::sleep(POLL).await;
    }
}

fn heard(views: &BTreeMap<NodeId, Vec<NodeLine>>) -> bool {
    let line = |viewer: &NodeId, id: &NodeId| views[viewer].iter().find(|line| line.id == *id);
    let masters = views.keys().filter_map(|id| line(id, id)).filter(|own| own.master.is_none());
    let has_heard = |viewer: &NodeId, own: &NodeLine| {
        line(viewer, &own.id)
            .is_none_or(|seen| seen.slots == own.slots && seen.config_epoch >= own.config_epoch)
    };
    masters.into_iter().all(|own| views.keys().all(|viewer| has_heard(viewer, own)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::NodeRef;
    use crate::plan::rebalance::tests::{id as node_id, topology};
    use crate::topology::tests_of_merge::{id, view};

    fn part(topology: &Topology, from: u8, to: u8, slots: &str) -> Move {
        let node = |number| NodeRef::of(topology.node(node_id(number)).unwrap());
        Move { source: node(from), target: node(to), slots: slots.parse().unwrap() }
    }

    #[test]
    fn of_a_source_that_gives_all_one_slot_is_held_back() {
        let topology = topology(&[4096, 4096, 8192]);
        let mut moves = vec![
            part(&topology, 1, 2, "0-2047"),
            part(&topology, 1, 3, "2048-4095"),
            part(&topology, 2, 3, "4096-8190"),
        ];
        let last = held_back(&topology, &mut moves);
        assert_eq!(last, [part(&topology, 1, 3, "4095")], "the second keeps 8191");
        assert_eq!(moves[1], part(&topology, 1, 3, "2048-4094"));
        assert_eq!(moves.len(), 3);
    }

    #[test]
    fn a_source_with_one_slot_has_nothing_else_to_move() {
        let topology = topology(&[1, 16383]);
        let mut moves = vec![part(&topology, 1, 2, "0")];
        assert_eq!(held_back(&topology, &mut moves), [part(&topology, 1, 2, "0")]);
        assert!(moves.is_empty());
    }

    #[test]
    fn replicas_are_waited_for_like_masters_and_who_does_not_answer_is_not() {
        let before = ["1 7001 master - 1 0-8191", "2 7002 master - 2 8192-16383", "3 7003 slave 2 2"];
        let after = ["1 7001 master - 1 0-8190", "2 7002 master - 3 8191-16383", "3 7003 slave 2 3"];
        let heard = |views: &[(u8, &[&str])]| {
            heard(&views.iter().map(|(viewer, lines)| (id(*viewer), view(*viewer, lines).lines)).collect())
        };
        assert!(!heard(&[(1, &after), (2, &after), (3, &before)]));
        assert!(!heard(&[(1, &before), (2, &after), (3, &after)]));
        assert!(heard(&[(1, &after), (2, &after), (3, &after)]));
        assert!(heard(&[(1, &after), (2, &after)]));
    }
}
