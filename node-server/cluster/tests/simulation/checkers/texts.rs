//! The text of nodes.conf says what the member knows: read back, it shows what the map shows that is of the same step;
//! and a member that starts from it shows the same again.

use rcl_cluster::{ClusterMap, MapNode, Persistent};
use rcl_proto::nodes_text::{NodeFlags, NodeLine};
use rcl_proto::{NodeId, Slot, SlotSet};

/// What of the text differs from the map, if anything. A member that starts anew has an address of its own choice.
pub fn difference(text: &str, map: &ClusterMap) -> Option<String> {
    let known = match Persistent::parse(text) {
        Ok(Some(known)) => known,
        other => return Some(format!("{other:?} is read from:\n{text}")),
    };
    if known.nodes.len() != map.nodes.len() {
        return Some(format!("{} nodes are in the map:\n{text}", map.nodes.len()));
    }
    let mut slots = vec![SlotSet::EMPTY; map.nodes.len()];
    for (slot, &owner) in Slot::all().zip(map.owners.iter()) {
        if let Some(slots) = slots.get_mut(usize::from(owner)) {
            slots.insert(slot);
        }
    }
    map.nodes.iter().zip(&slots).find_map(|(node, slots)| {
        let line = known.nodes.iter().find(|line| line.id == node.id);
        let same = line.is_some_and(|line| is_same(line, node, slots, map));
        (!same).then(|| format!("{node:?} with {slots} is in the map, in the text:\n{text}"))
    })
}

fn is_same(line: &NodeLine, node: &MapNode, slots: &SlotSet, map: &ClusterMap) -> bool {
    let is_me = node.flags.contains(NodeFlags::MYSELF);
    let id_of = |at| map.node(at).map(|node: &MapNode| node.id);
    let open = |list: &[(Slot, rcl_cluster::NodeIndex)]| -> Vec<(Slot, NodeId)> {
        list.iter().filter(|_| is_me).filter_map(|(slot, at)| Some((*slot, id_of(*at)?))).collect()
    };
    let endpoint = &line.endpoint;
    let address = (endpoint.ip.as_str(), endpoint.port, endpoint.bus_port, endpoint.hostname.as_str());
    (is_me || address == (&*node.ip, node.port, node.bus_port, &*node.hostname))
        && line.flags == node.flags
        && line.master == node.master.and_then(id_of)
        && line.slots == *slots
        && line.migrating == open(&map.migrating)
        && line.importing == open(&map.importing)
}

/// Planted faults.
mod tests {
    use super::*;
    use crate::world::World;
    use rcl_cluster::Config;

    #[test]
    fn a_text_that_says_something_else_is_found() {
        let mut world = World::new(1, 6, &Config::default());
        world.create(3);
        world.run_for(1_000);
        let map = world.machines[0].map.clone().unwrap();
        let text = world.machines[0].disk.stored.clone().unwrap();
        assert_eq!(difference(&text, &map), None);
        for (from, to) in [
            ("0-5460", "0-5459"),
            ("10.0.0.2", "10.0.0.3"),
            (" slave ", " slave,fail "),
            ("myself", "nobody"),
            (" 0-5460", " 0-5460 [7->-0202020202020202020202020202020202020202]"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, *text);
            assert!(difference(&changed, &map).is_some(), "{from} -> {to}");
        }
        let fewer: String = text.lines().skip(1).map(|line| format!("{line}\n")).collect();
        assert!(difference(&fewer, &map).is_some());
    }
}
