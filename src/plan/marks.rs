//! Marks that a job's moves left on nodes which do not go on with them.
//!
//! A master that is replaced in mid-move leaves its marks to its heir (Valkey 8 and our nodes tell replicas of them), and has them still when it comes back.
//! If it comes back as a master, of a slot that the heir has not heard of, both of them have the marks, and one of the two goes on. A mark of an import
//! keeps the other one from hearing who owns the slot, for as long as it stands. And a target whose source was replaced imports from nobody.
//!
//! So they are taken off before slots move, and looked for when a job says that it is done. The keys that such a node has got stay where they are.
//! What is left alone:
//!
//! - marks of who goes on;
//! - the mark of a source on a slot that it owns: it sends its clients after their keys;
//! - marks of nodes that the job's moves did not touch, and whose shards they did not touch: those are somebody's later will.

use std::collections::BTreeMap;

use rcl_proto::{NodeId, Slot, SlotSet};

use super::past::Roles;
use super::{Move, NodeRef, Step};
use crate::topology::Topology;

/// Marks off, and a wait until all agree. `job`: all that it ever moved; `goes_on`: what is moved next.
pub fn left_behind<'a>(
    job: impl Iterator<Item = &'a Move>,
    goes_on: &[Move],
    topology: &Topology,
    roles: &Roles,
) -> Vec<Step> {
    let job: Vec<&Move> = job.collect();
    let touched = |slot: Slot, node: NodeId| {
        let of_shard = |end: &NodeRef| is_of_shard(node, end.id, topology, roles);
        job.iter().any(|part| part.slots.contains(slot) && (of_shard(&part.source) || of_shard(&part.target)))
    };
    let going = |slot: Slot, is_end: &dyn Fn(&Move) -> bool| {
        goes_on.iter().any(|part| part.slots.contains(slot) && is_end(part))
    };
    let mut marks: BTreeMap<NodeId, SlotSet> = BTreeMap::new();
    for open in topology.open_slots() {
        let imports = open.importing.iter().filter(|(node, from)| {
            !going(open.slot, &|part| part.target.id == *node && part.source.id == *from)
        });
        let exports = open.migrating.iter().filter(|(node, _)| {
            open.owner != Some(*node) && !going(open.slot, &|part| part.source.id == *node)
        });
        for (node, _) in imports.chain(exports).filter(|(node, _)| touched(open.slot, *node)) {
            marks.entry(*node).or_default().insert(open.slot);
        }
    }
    let marked = |(id, slots): (NodeId, SlotSet)| {
        let node = topology.node(id).filter(|node| node.answers())?;
        Some(Step::CloseSlots { node: NodeRef::of(node), slots })
    };
    let mut steps: Vec<Step> = marks.into_iter().filter_map(marked).collect();
    if !steps.is_empty() {
        steps.push(Step::AwaitAgreement { except: Vec::new(), state_ok: false });
    }
    steps
}

/// `node` is `end`, or one that may have its marks: it is or was its replica, or `end` is its.
pub fn is_of_shard(node: NodeId, end: NodeId, topology: &Topology, roles: &Roles) -> bool {
    let follows =
        |one: NodeId, other: NodeId| topology.node(one).is_some_and(|node| node.master() == Some(other));
    node == end || roles.get(&node) == Some(&Some(end)) || follows(node, end) || follows(end, node)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::rebalance::tests::{id, topology};
    use crate::topology::Role;

    fn slot(number: u16) -> Slot {
        Slot::new(number).unwrap()
    }

    fn slots(numbers: &[u16]) -> SlotSet {
        numbers.iter().map(|number| slot(*number)).collect()
    }

    /// Slots 0 to 9 go from node 1 to node 2, whose replica was node 4. Node 3 has nothing to do with it.
    struct Field {
        now: Topology,
        part: Move,
        roles: Roles,
    }

    impl Field {
        fn new() -> Field {
            let now = topology(&[6000, 5000, 5000, 384]);
            let node = |number| NodeRef::of(&now.nodes[&id(number)]);
            let part = Move { source: node(1), target: node(2), slots: (0..10).map(slot).collect() };
            let roles = [(1, None), (2, None), (3, None), (4, Some(id(2)))];
            Field { part, roles: roles.map(|(number, master)| (id(number), master)).into(), now }
        }

        fn imports(&mut self, node: u8, number: u16, from: u8) {
            self.now.nodes.get_mut(&id(node)).unwrap().importing.push((slot(number), id(from)));
        }

        fn closed(&self, goes_on: &[Move]) -> Vec<(u16, SlotSet)> {
            let steps = left_behind([&self.part].into_iter(), goes_on, &self.now, &self.roles);
            let is_wait = |step: &Step| matches!(step, Step::AwaitAgreement { .. });
            assert_eq!(steps.last().is_some_and(is_wait), !steps.is_empty(), "{steps:?}");
            let closed = steps.into_iter().filter_map(|step| match step {
                Step::CloseSlots { node, slots } => Some((node.address.port, slots)),
                _ => None,
            });
            closed.collect()
        }
    }

    #[test]
    fn an_heir_s_marks_go_and_those_of_who_goes_on_stay() {
        let mut field = Field::new();
        assert_eq!(field.closed(&[]), []);
        field.imports(2, 5, 1);
        field.imports(4, 5, 1);
        let part = field.part.clone();
        assert_eq!(field.closed(&[part]), [(7004, slots(&[5]))], "node 2 goes on");
        let both = [(7002, slots(&[5])), (7004, slots(&[5]))];
        assert_eq!(field.closed(&[]), both, "nobody goes on");
        field.imports(4, 6, 1);
        let rest = Move { slots: slots(&[5]), ..field.part.clone() };
        assert_eq!(field.closed(&[rest]), [(7004, slots(&[5, 6]))]);
    }

    #[test]
    fn what_others_do_with_these_slots_or_with_others_is_left_alone() {
        let mut field = Field::new();
        field.imports(3, 5, 1);
        field.imports(2, 100, 1);
        field.imports(4, 101, 1);
        assert_eq!(field.closed(&[]), []);
    }

    #[test]
    fn a_source_s_mark_stays_as_long_as_it_owns_the_slot() {
        let mut field = Field::new();
        field.now.nodes.get_mut(&id(1)).unwrap().migrating = vec![(slot(5), id(2)), (slot(6), id(4))];
        assert_eq!(field.closed(&[]), []);
        // Given, and not closed.
        let mut given = field.now.nodes[&id(2)].slots.clone();
        given.insert(slot(5));
        let mut kept = field.now.nodes[&id(1)].slots.clone();
        kept.remove(slot(5));
        let sizes =
            [kept, given, field.now.nodes[&id(3)].slots.clone(), field.now.nodes[&id(4)].slots.clone()];
        let mut now = crate::plan::rebalance::tests::topology_of(&sizes);
        now.nodes.get_mut(&id(1)).unwrap().migrating = vec![(slot(5), id(2)), (slot(6), id(4))];
        field.now = now;
        assert_eq!(field.closed(&[]), [(7001, slots(&[5]))]);
        let part = field.part.clone();
        assert_eq!(field.closed(&[part]), [], "the move closes it");
    }

    #[test]
    fn a_replica_s_marks_are_no_word_of_its_own_and_who_is_silent_is_told_nothing() {
        let mut field = Field::new();
        field.imports(4, 5, 1);
        field.now.nodes.get_mut(&id(4)).unwrap().role = Role::ReplicaOf(id(2));
        assert_eq!(field.closed(&[]), []);
        field.now.nodes.get_mut(&id(4)).unwrap().role = Role::Master;
        field.now.nodes.get_mut(&id(4)).unwrap().facts = None;
        assert_eq!(field.closed(&[]), []);
    }
}
