//! What is reported to go wrong with other tools' fix is among them: each says where it is from.

use super::*;
use crate::health::Code;
use crate::plan::rebalance::tests::{id, topology, topology_of};
use crate::plan::{FailoverMode, NodeRef, Step};
use crate::topology::tests_of_merge::view;
use crate::topology::{Role, merge};

fn fixed(topology: &Topology, keys: &KeyCounts, choices: &[&str]) -> Fix {
    strayed(topology, keys, &Strays::default(), choices)
}

fn strayed(topology: &Topology, keys: &KeyCounts, strays: &Strays, choices: &[&str]) -> Fix {
    let choices: Vec<Choice> = choices.iter().map(|choice| choice.parse().unwrap()).collect();
    plan(topology, keys, strays, &Choices::new(&choices)).unwrap()
}

fn slot(number: u16) -> Slot {
    Slot::new(number).unwrap()
}

fn slots(numbers: &[u16]) -> SlotSet {
    numbers.iter().map(|number| slot(*number)).collect()
}

fn node(topology: &Topology, number: u8) -> NodeRef {
    NodeRef::of(topology.node(id(number)).unwrap())
}

/// Silences a node.
fn silence(topology: &mut Topology, number: u8) {
    let node = topology.nodes.get_mut(&id(number)).unwrap();
    (node.facts, node.silence) = (None, Some("gone".into()));
    topology.sights.retain(|sight| sight.viewer != id(number));
}

#[test]
fn a_healthy_cluster_needs_nothing() {
    let fix = fixed(&topology(&[8192, 8192]), &KeyCounts::new(), &[]);
    assert_eq!((fix.plan.steps, fix.questions), (vec![], vec![]));
}

#[test]
fn an_uncovered_slot_goes_where_its_keys_are_else_to_the_poorest() {
    let topology = topology(&[8000, 8380, 0]);
    let open: Vec<Slot> = topology.uncovered().iter().collect();
    assert_eq!(open.len(), 4);
    let keys = KeyCounts::from([(open[0], [(id(1), 3), (id(2), 5)].into())]);
    let one: SlotSet = [open[0]].into_iter().collect();
    let rest: SlotSet = open[1..].iter().copied().collect();
    assert_eq!(
        fixed(&topology, &keys, &[]).plan.steps,
        [
            Step::SetOwner { node: node(&topology, 2), slots: one.clone() },
            Step::SetOwner { node: node(&topology, 3), slots: rest },
            Step::ReturnKeys { source: node(&topology, 1), target: node(&topology, 2), slots: one },
        ]
    );
}

#[test]
fn empty_slots_are_given_in_whole_ranges() {
    let topology = topology(&[4000, 4000, 4000]);
    let fix = fixed(&topology, &KeyCounts::new(), &[]);
    let ranges: Vec<usize> =
        fix.plan
            .steps
            .iter()
            .map(|step| {
                if let Step::SetOwner { slots, .. } = step {
                    slots.ranges().len()
                } else {
                    panic!("{step:?}")
                }
            })
            .collect();
    assert_eq!(ranges, [1, 1, 1]);
}

/// redis#5270: the halves of a move that has just begun, or has nearly ended; each is finished, in one direction.
#[test]
fn each_half_of_a_move_is_finished() {
    let cases: [(&[u16], &[u16]); 4] = [(&[5], &[5]), (&[5], &[]), (&[], &[5]), (&[9000], &[])];
    for (migrating, importing) in cases {
        let mut topology = topology(&[8192, 8192]);
        let mark = |slots: &[u16], other: u8| slots.iter().map(|number| (slot(*number), id(other))).collect();
        topology.nodes.get_mut(&id(1)).unwrap().migrating = mark(migrating, 2);
        topology.nodes.get_mut(&id(2)).unwrap().importing = mark(importing, 1);
        let steps = fixed(&topology, &KeyCounts::new(), &[]).plan.steps;
        let [Step::MoveSlots(part)] = steps.as_slice() else {
            panic!("{migrating:?} {importing:?}: {steps:?}")
        };
        assert_eq!((part.source.id, part.target.id, part.slots.len()), (id(1), id(2), 1));
    }
}

/// redis#2251: several import a slot that nobody owns. The one with most of its keys gets it, and the others' keys.
#[test]
fn a_slot_that_several_import_and_nobody_owns_goes_to_who_holds_most_of_it() {
    let mut topology = topology_of(&[SlotSet::FULL.difference(&slots(&[7])), SlotSet::EMPTY, SlotSet::EMPTY]);
    for number in [2, 3] {
        topology.nodes.get_mut(&id(number)).unwrap().importing = vec![(slot(7), id(1))];
    }
    let keys = KeyCounts::from([(slot(7), [(id(2), 4), (id(3), 1)].into())]);
    assert_eq!(
        fixed(&topology, &keys, &[]).plan.steps,
        [
            Step::CloseSlots { node: node(&topology, 2), slots: slots(&[7]) },
            Step::CloseSlots { node: node(&topology, 3), slots: slots(&[7]) },
            Step::SetOwner { node: node(&topology, 2), slots: slots(&[7]) },
            Step::ReturnKeys { source: node(&topology, 3), target: node(&topology, 2), slots: slots(&[7]) },
        ]
    );
}

/// redis#3033: a slot that its owner gives to one and others import, too. Nobody is guessed to be the target: the marks go, and
/// all keys are the owner's again.
#[test]
fn a_slot_on_its_way_to_two_stays_with_its_owner() {
    let mut topology = topology(&[8192, 4096, 4096]);
    topology.nodes.get_mut(&id(1)).unwrap().migrating = vec![(slot(5), id(2))];
    for number in [2, 3] {
        topology.nodes.get_mut(&id(number)).unwrap().importing = vec![(slot(5), id(1))];
    }
    let keys = KeyCounts::from([(slot(5), [(id(1), 2), (id(2), 3), (id(3), 1)].into())]);
    let steps = fixed(&topology, &keys, &[]).plan.steps;
    assert_eq!(steps.iter().filter(|step| matches!(step, Step::CloseSlots { .. })).count(), 3);
    let back: Vec<_> = steps
        .iter()
        .filter_map(|step| {
            if let Step::ReturnKeys { source, target, .. } = step {
                Some((source.id, target.id))
            } else {
                None
            }
        })
        .collect();
    assert_eq!(back, [(id(2), id(1)), (id(3), id(1))]);
    assert!(
        !steps.iter().any(|step| matches!(step, Step::SetOwner { .. } | Step::MoveSlots(_))),
        "{steps:?}"
    );
}

#[test]
fn a_stale_mark_is_taken_off() {
    let mut topology = topology(&[8192, 8192]);
    topology.nodes.get_mut(&id(2)).unwrap().importing = vec![(slot(9000), id(1))];
    let steps = fixed(&topology, &KeyCounts::new(), &[]).plan.steps;
    assert_eq!(steps, [Step::CloseSlots { node: node(&topology, 2), slots: slots(&[9000]) }]);
}

/// A node of Redis deletes its keys of a slot when it hears of another's better claim: they have to be moved before.
#[test]
fn of_two_owners_the_one_with_the_lower_epoch_moves_its_keys_to_the_other() {
    let first = view(1, &["1 7001 master - 1 0-9000", "2 7002 master - 2 9001-16383"]);
    let second = view(2, &["1 7001 master - 1 0-8191", "2 7002 master - 2 8192-16383"]);
    let topology = merge(&[first, second], &BTreeMap::new());
    let steps = fixed(&topology, &KeyCounts::new(), &[]).plan.steps;
    let [Step::MoveSlots(part)] = steps.as_slice() else { panic!("{steps:?}") };
    assert_eq!((part.source.id, part.target.id, part.slots.len()), (id(1), id(2), 809));
}

/// redis#4375, #3265: a shard is gone for good. Nothing is done until somebody says so; then its slots go to the others and its nodes
/// are forgotten.
#[test]
fn a_lost_shard_waits_for_a_word() {
    let mut topology = topology(&[5461, 5462, 5461, 0]);
    let replica = topology.nodes.get_mut(&id(4)).unwrap();
    replica.role = Role::ReplicaOf(id(3));
    silence(&mut topology, 3);
    silence(&mut topology, 4);
    let asked = fixed(&topology, &KeyCounts::new(), &[]);
    assert_eq!(asked.plan.steps, []);
    assert_eq!(asked.questions[0].code, Code::LostShard);
    assert!(asked.questions[0].to_string().contains("--choose lost-shard=give-up"), "{}", asked.questions[0]);
    assert_eq!(fixed(&topology, &KeyCounts::new(), &["lost-shard=wait"]).plan.steps, []);

    let fix = fixed(&topology, &KeyCounts::new(), &["lost-shard=give-up"]);
    assert!(
        fix.questions.is_empty() && fix.plan.warnings[0].contains("5461 slots"),
        "{:?}",
        fix.plan.warnings
    );
    let shares: Vec<(NodeId, usize)> = fix
        .plan
        .steps
        .iter()
        .filter_map(|step| {
            if let Step::SetOwner { node, slots } = step { Some((node.id, slots.len())) } else { None }
        })
        .collect();
    assert_eq!(shares, [(id(1), 2731), (id(2), 2730)]);
    let forgotten: Vec<NodeId> = fix
        .plan
        .steps
        .iter()
        .filter_map(|step| if let Step::Forget { node } = step { Some(node.id) } else { None })
        .collect();
    assert_eq!(forgotten, [id(3), id(4)]);
}

/// What a move had brought away from a shard before it was lost is not given up with it.
#[test]
fn keys_that_a_move_had_saved_from_a_lost_shard_stay_where_they_are() {
    let mut topology = topology(&[8192, 4096, 4096]);
    topology.nodes.get_mut(&id(1)).unwrap().importing = vec![(slot(16000), id(3))];
    silence(&mut topology, 3);
    let keys = KeyCounts::from([(slot(16000), [(id(1), 9)].into())]);
    let steps = fixed(&topology, &keys, &["lost-shard=give-up"]).plan.steps;
    assert_eq!(steps[0], Step::CloseSlots { node: node(&topology, 1), slots: slots(&[16000]) });
    assert!(
        matches!(&steps[1], Step::SetOwner { node, slots } if node.id == id(1) && slots.contains(slot(16000))),
        "{steps:?}"
    );
}

#[test]
fn a_silent_master_s_best_replica_is_promoted_only_on_request() {
    let mut topology = topology(&[5461, 5462, 5461, 0, 0]);
    for (number, offset) in [(4, 10), (5, 20)] {
        let replica = topology.nodes.get_mut(&id(number)).unwrap();
        replica.role = Role::ReplicaOf(id(3));
        replica.facts.as_mut().unwrap().replication_offset = offset;
    }
    silence(&mut topology, 3);
    let asked = fixed(&topology, &KeyCounts::new(), &[]);
    assert_eq!((asked.plan.steps.len(), asked.questions[0].code), (0, Code::MasterSilent));
    let steps = fixed(&topology, &KeyCounts::new(), &["master-silent=promote"]).plan.steps;
    assert!(
        matches!(&steps[0], Step::Failover { replica, mode: FailoverMode::Force, .. } if replica.id == id(5)),
        "{steps:?}"
    );
    silence(&mut topology, 2);
    let steps = fixed(&topology, &KeyCounts::new(), &["master-silent=promote", "lost-shard=wait"]).plan.steps;
    assert!(
        matches!(&steps[0], Step::Failover { mode: FailoverMode::Takeover, .. }),
        "no majority: {steps:?}"
    );
}

#[test]
fn slots_that_a_silent_node_may_hold_the_keys_of_are_not_given_away_unasked() {
    let mut topology = topology(&[8000, 8000, 0]);
    silence(&mut topology, 3);
    let held = topology.uncovered().iter().next().unwrap();
    let keys = KeyCounts::from([(held, [(id(2), 1)].into())]);
    let asked = fixed(&topology, &keys, &[]);
    assert_eq!(asked.questions[0].code, Code::UncoveredSlots);
    assert_eq!(
        asked.plan.steps,
        [Step::SetOwner { node: node(&topology, 2), slots: [held].into_iter().collect() }]
    );
    let fix = fixed(&topology, &keys, &["uncovered-slots=assign"]);
    assert_eq!(fix.plan.steps.len(), 2);
}

/// redis#4937, #4664, #11589: keys that a broken move left. They may be older than what was deleted since, so nobody but the user decides.
#[test]
fn stray_keys_stay_return_or_go_as_the_user_says() {
    let topology = topology(&[8192, 8192]);
    let strays = Strays(BTreeMap::from([(id(1), BTreeMap::from([(slot(9000), 3)]))]));
    let with = |choices: &[&str]| strayed(&topology, &KeyCounts::new(), &strays, choices);
    assert_eq!(with(&[]).questions[0].code, Code::OrphanKeys);
    assert_eq!(with(&["orphan-keys=keep"]).plan.steps, []);
    assert_eq!(
        with(&["orphan-keys=return"]).plan.steps,
        [Step::ReturnKeys { source: node(&topology, 1), target: node(&topology, 2), slots: slots(&[9000]) }]
    );
    assert_eq!(
        with(&["orphan-keys=delete"]).plan.steps,
        [Step::DeleteKeys { node: node(&topology, 1), slots: slots(&[9000]) }]
    );
}

#[test]
fn of_masters_with_one_epoch_all_but_one_take_a_new_one() {
    let mut topology = topology(&[5461, 5462, 5461]);
    topology.nodes.get_mut(&id(2)).unwrap().config_epoch = 1;
    assert_eq!(
        fixed(&topology, &KeyCounts::new(), &[]).plan.steps,
        [Step::BumpEpoch { node: node(&topology, 2) }]
    );
    for number in [1, 2] {
        topology.nodes.get_mut(&id(number)).unwrap().config_epoch = 3;
    }
    let fix = fixed(&topology, &KeyCounts::new(), &[]);
    assert!(fix.plan.steps.is_empty() && fix.plan.warnings[0].contains("settle that themselves"), "{fix:?}");
}

/// redis#2437, #9268: forgotten by some only, a dead node comes back by gossip.
#[test]
fn a_ghost_is_forgotten_everywhere() {
    let mut topology = topology(&[8192, 8192, 0]);
    silence(&mut topology, 3);
    assert_eq!(fixed(&topology, &KeyCounts::new(), &[]).plan.steps, [], "dead, and known to all");
    topology.sights.retain(|sight| !(sight.viewer == id(1) && sight.node == id(3)));
    assert_eq!(
        fixed(&topology, &KeyCounts::new(), &[]).plan.steps,
        [Step::Forget { node: node(&topology, 3) }]
    );
}
