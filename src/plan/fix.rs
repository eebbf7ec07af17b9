//! Closing open slots and covering uncovered ones.
//!
//! | the slot                                         | what is done                                            |
//! |--------------------------------------------------|---------------------------------------------------------|
//! | its owner was giving it to one other node        | the move is finished                                    |
//! | marked in any other way, its owner answers       | the marks go, keys that lie elsewhere return to it      |
//! | has no owner                                     | the node with most of its keys gets it, else the master |
//! |                                                  | with the fewest slots; other keys of it go there        |
//! | its owner does not answer                        | nothing: a warning says what to do                      |

use std::collections::BTreeMap;

use rcl_proto::{NodeId, Slot, SlotSet};

use super::{Move, NodeRef, Plan, PlanError, Step};
use crate::topology::{Node, OpenSlot, Topology};

/// How many keys of a slot lie on a node, for the slots in question.
pub type KeyCounts = BTreeMap<Slot, BTreeMap<NodeId, u64>>;

/// The slots whose keys have to be counted on all masters before [`plan`].
pub fn slots_in_question(topology: &Topology) -> SlotSet {
    topology.open_slots().iter().map(|open| open.slot).chain(topology.uncovered().iter()).collect()
}

pub fn plan(topology: &Topology, keys: &KeyCounts) -> Result<Plan, PlanError> {
    let mut work = Work::empty(topology, keys);
    let uncovered = topology.uncovered();
    for open in topology.open_slots() {
        match open.owner.and_then(|owner| topology.node(owner)) {
            Some(owner) if owner.answers() => work.close(&open, owner),
            Some(owner) => work.warnings.push(format!(
                "slot {} stays open: its owner {} does not answer; start it again or let a replica take over",
                open.slot,
                owner.name()
            )),
            None => work.unmark(&open),
        }
    }
    for slot in uncovered.iter() {
        work.cover(slot)?;
    }
    Ok(work.into_plan())
}

struct Work<'a> {
    topology: &'a Topology,
    keys: &'a KeyCounts,
    finish: BTreeMap<(NodeId, NodeId), SlotSet>,
    close: BTreeMap<NodeId, SlotSet>,
    assign: BTreeMap<NodeId, SlotSet>,
    give_back: BTreeMap<(NodeId, NodeId), SlotSet>,
    warnings: Vec<String>,
}

impl<'a> Work<'a> {
    fn empty(topology: &'a Topology, keys: &'a KeyCounts) -> Work<'a> {
        Work {
            topology,
            keys,
            finish: BTreeMap::new(),
            close: BTreeMap::new(),
            assign: BTreeMap::new(),
            give_back: BTreeMap::new(),
            warnings: Vec::new(),
        }
    }

    fn close(&mut self, open: &OpenSlot, owner: &Node) {
        if let Some((source, target)) = open.half_done_move()
            && self.topology.node(target).is_some_and(|node| node.answers() && node.is_master())
        {
            self.finish.entry((source, target)).or_default().insert(open.slot);
            return;
        }
        self.unmark(open);
        self.collect_keys(open.slot, owner.id);
    }

    fn unmark(&mut self, open: &OpenSlot) {
        let marked = open.migrating.iter().map(|(node, _)| *node);
        for node in marked.chain(open.importing.iter().map(|(node, _)| *node)) {
            if self.topology.node(node).is_some_and(Node::answers) {
                self.close.entry(node).or_default().insert(open.slot);
            }
        }
    }

    /// Keys of `slot` that lie on masters other than `owner` go to it.
    fn collect_keys(&mut self, slot: Slot, owner: NodeId) {
        for (&node, &count) in self.keys.get(&slot).into_iter().flatten() {
            if node != owner && count > 0 {
                self.give_back.entry((node, owner)).or_default().insert(slot);
            }
        }
    }

    fn cover(&mut self, slot: Slot) -> Result<(), PlanError> {
        let counts = self.keys.get(&slot);
        let count = |node: NodeId| counts.and_then(|counts| counts.get(&node)).copied().unwrap_or(0);
        let assigned = |node: &Node| node.slots.len() + self.assign.get(&node.id).map_or(0, SlotSet::len);
        let candidates = self.topology.masters().into_iter().filter(|node| node.answers());
        let best = candidates.min_by_key(|node| (std::cmp::Reverse(count(node.id)), assigned(node), node.id));
        let owner = best.ok_or_else(|| PlanError::new("no master answers", "start the nodes again"))?.id;
        self.assign.entry(owner).or_default().insert(slot);
        self.collect_keys(slot, owner);
        Ok(())
    }

    /// Marks first (a migrating owner would send a returning key away), then owners, then keys, then moves.
    fn into_plan(self) -> Plan {
        let node = |id: NodeId| self.topology.node(id).map(NodeRef::of);
        let mut steps = Vec::new();
        steps.extend(
            self.close
                .iter()
                .filter_map(|(id, slots)| Some(Step::CloseSlots { node: node(*id)?, slots: slots.clone() })),
        );
        steps.extend(
            self.assign
                .iter()
                .filter_map(|(id, slots)| Some(Step::SetOwner { node: node(*id)?, slots: slots.clone() })),
        );
        steps.extend(self.give_back.iter().filter_map(|((source, target), slots)| {
            Some(Step::ReturnKeys { source: node(*source)?, target: node(*target)?, slots: slots.clone() })
        }));
        steps.extend(self.finish.iter().filter_map(|((source, target), slots)| {
            Some(Step::MoveSlots(Move {
                source: node(*source)?,
                target: node(*target)?,
                slots: slots.clone(),
            }))
        }));
        let mut plan = Plan::new("fix open and uncovered slots", steps, self.topology);
        plan.warnings = self.warnings;
        plan
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::rebalance::tests::{id, topology};

    #[test]
    fn a_healthy_cluster_needs_nothing() {
        assert_eq!(plan(&topology(&[8192, 8192]), &KeyCounts::new()).unwrap().steps, []);
    }

    #[test]
    fn an_uncovered_slot_goes_where_its_keys_are_else_to_the_poorest() {
        let topology = topology(&[8000, 8380, 0]);
        let slots: Vec<Slot> = topology.uncovered().iter().collect();
        assert_eq!(slots.len(), 4);
        let keys = KeyCounts::from([(slots[0], [(id(1), 3), (id(2), 5)].into())]);
        let plan = plan(&topology, &keys).unwrap();
        let one: SlotSet = [slots[0]].into_iter().collect();
        let rest: SlotSet = slots[1..].iter().copied().collect();
        let node = |number| NodeRef::of(topology.node(id(number)).unwrap());
        assert_eq!(
            plan.steps,
            [
                Step::SetOwner { node: node(2), slots: one.clone() },
                Step::SetOwner { node: node(3), slots: rest },
                Step::ReturnKeys { source: node(1), target: node(2), slots: one },
            ]
        );
    }

    #[test]
    fn a_half_done_move_is_finished_and_a_stale_mark_is_taken_off() {
        let mut topology = topology(&[8192, 8192]);
        let (first, second) = (Slot::new(5).unwrap(), Slot::new(9000).unwrap());
        let node = topology.nodes.get_mut(&id(2)).unwrap();
        node.importing = vec![(first, id(1)), (second, id(1))];
        let plan = plan(&topology, &KeyCounts::new()).unwrap();
        assert!(
            matches!(&plan.steps[0], Step::CloseSlots { node, slots } if node.id == id(2) && slots.contains(second))
        );
        assert!(
            matches!(&plan.steps[1], Step::MoveSlots(part) if part.slots.contains(first) && part.slots.len() == 1)
        );
        assert_eq!(plan.steps.len(), 2);
    }
}
