//! Keys on a node that does not own their slot. They take memory, no client can see them, and they come back to light, old as they
//! are, should the node get the slot again.

use std::collections::BTreeMap;

use rcl_proto::{NodeId, Slot, SlotSet};

use super::{Code, Finding, Severity, slots_text};
use crate::output::number_of;
use crate::topology::{Node, Topology};

/// How many keys a node holds in slots that are not its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strays(pub BTreeMap<NodeId, BTreeMap<Slot, u64>>);

impl Strays {
    /// The slots in which a node has no business to hold keys: not its master's, nor its own, nor those that it imports.
    pub fn foreign(topology: &Topology, node: &Node) -> SlotSet {
        let master = node.master().and_then(|master| topology.node(master)).unwrap_or(node);
        let mut foreign = SlotSet::FULL.difference(&master.slots).difference(&topology.uncovered());
        for open in topology.open_slots() {
            foreign.remove(open.slot);
        }
        foreign
    }

    /// By the node that holds them and the one that owns their slots. A replica has what its master has.
    pub fn of_masters(&self, topology: &Topology) -> BTreeMap<(NodeId, NodeId), (SlotSet, u64)> {
        let mut strays: BTreeMap<(NodeId, NodeId), (SlotSet, u64)> = BTreeMap::new();
        for (holder, slots) in &self.0 {
            if !topology.node(*holder).is_some_and(Node::is_master) {
                continue;
            }
            for (slot, keys) in slots {
                let Some(owner) = topology.owner(*slot).filter(|owner| owner != holder) else { continue };
                let entry = strays.entry((*holder, owner)).or_default();
                entry.0.insert(*slot);
                entry.1 = entry.1.saturating_add(*keys);
            }
        }
        strays
    }
}

pub fn look(topology: &Topology, strays: &Strays, entry: &str, found: &mut Vec<Finding>) {
    let address = |id: &NodeId| topology.node(*id).map(|node| &node.address);
    let mut of_masters: Vec<_> = strays.of_masters(topology).into_iter().collect();
    of_masters.sort_by_key(|((holder, owner), _)| (address(holder), address(owner)));
    for ((holder, owner), (slots, keys)) in of_masters {
        let what = format!(
            "{} holds {} of slots that {} owns, {}",
            topology.name(holder),
            number_of(keys, "key"),
            topology.name(owner),
            slots_text(&slots)
        );
        let mend = format!("rcl fix {entry} --choose orphan-keys=return (or =delete)");
        let finding = Finding::new(Severity::Warning, Code::OrphanKeys, what, mend);
        found.push(finding.said(topology.name(holder), format!("COUNTKEYSINSLOT, in all {keys}")));
    }
    let mut holders: Vec<_> = strays.0.iter().collect();
    holders.sort_by_key(|(holder, _)| address(holder));
    for (holder, slots) in holders {
        let Some(master) = topology.node(*holder).and_then(Node::master) else { continue };
        let of_master = strays.0.get(&master);
        let alone: BTreeMap<&Slot, &u64> = slots
            .iter()
            .filter(|(slot, _)| !of_master.is_some_and(|slots| slots.contains_key(slot)))
            .collect();
        if alone.is_empty() {
            continue;
        }
        let set: SlotSet = alone.keys().map(|slot| **slot).collect();
        let what = format!(
            "the replica {} holds {} that its master {} does not have, {}",
            topology.name(*holder),
            number_of(alone.values().copied().sum::<u64>(), "key"),
            topology.name(master),
            slots_text(&set)
        );
        let mend = "copy its data anew: restart it without its files";
        found.push(Finding::new(Severity::Warning, Code::OrphanKeys, what, mend));
    }
}
