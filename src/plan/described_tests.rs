//! Descriptions and clusters by the dice: what the plan does to a model of the cluster is what was described.

use proptest::prelude::*;
use rcl_proto::Slot;

use super::*;
use crate::plan::rebalance::tests::{id, topology, topology_of};
use crate::topology::Role;

/// Who is in a wish, by number: a master and its replicas.
fn shards(shards: &[(u8, &[u8], Share)]) -> Wish {
    let shard = |(master, replicas, share): &(u8, &[u8], Share)| Shard {
        master: id(*master),
        replicas: replicas.iter().map(|number| id(*number)).collect(),
        share: share.clone(),
    };
    Wish {
        masters: shards.iter().map(shard).collect(),
        settings: BTreeMap::new(),
        newcomers: BTreeSet::new(),
        zones: BTreeMap::new(),
        remove_unlisted: false,
    }
}

fn even() -> Share {
    Share::Weight(1.0)
}

fn kinds(described: &Described) -> Vec<String> {
    let kind = |step: &Step| serde_json::to_value(step).unwrap()["step"].as_str().unwrap().to_owned();
    described.plan.steps.iter().map(kind).collect()
}

/// Four masters of 4096 slots each, and 5 and 6, which replicate 1 and 2.
fn six() -> Topology {
    let mut cluster = topology(&[4096, 4096, 4096, 4096, 0, 0]);
    cluster.nodes.get_mut(&id(5)).unwrap().role = Role::ReplicaOf(id(1));
    cluster.nodes.get_mut(&id(6)).unwrap().role = Role::ReplicaOf(id(2));
    cluster.nodes.values_mut().for_each(|node| node.facts.as_mut().unwrap().state_ok = true);
    cluster
}

#[test]
fn what_is_as_described_needs_nothing_and_who_is_not_described_stays() {
    let wish = shards(&[(1, &[5], even()), (2, &[6], even()), (3, &[], even()), (4, &[], even())]);
    let described = plan(&six(), &Known::new(), &wish).unwrap();
    assert_eq!((described.differences, described.plan.steps), (vec![], vec![]));
    let wish = shards(&[(1, &[5], even()), (2, &[6], even()), (3, &[], even())]);
    let described = plan(&six(), &Known::new(), &wish).unwrap();
    assert_eq!(described.plan.steps, [], "who is not described keeps its slots, too");
    assert_eq!(described.unlisted.iter().map(|node| node.id).collect::<Vec<_>>(), [id(4)]);
}

#[test]
fn each_kind_of_difference_has_its_steps_in_a_safe_order() {
    // 5 is to be the master of its shard; 7 is new and replicates 3; 4 leaves.
    let mut cluster = six();
    let lone = topology(&[0, 0, 0, 0, 0, 0, 0]).nodes.remove(&id(7)).unwrap();
    cluster.nodes.insert(lone.id, lone);
    let mut wish = shards(&[(5, &[1], even()), (2, &[6], even()), (3, &[7], even())]);
    wish.newcomers = BTreeSet::from([id(7)]);
    wish.remove_unlisted = true;
    let hz = |value: &str| BTreeMap::from([("hz".to_owned(), value.to_owned())]);
    wish.settings = BTreeMap::from([(id(2), hz("20")), (id(3), hz("10"))]);
    let known = Known::from([(id(2), hz("10")), (id(3), hz("10"))]);
    let described = plan(&cluster, &known, &wish).unwrap();
    assert_eq!(
        kinds(&described),
        [
            "set-config",
            "meet",
            "await-agreement",
            "await-in-sync",
            "failover",
            "await-agreement",
            "replicate",
            "await-agreement",
            "await-in-sync",
            "move-slots",
            "move-slots",
            "move-slots",
            "await-agreement",
            "await-quiet",
            "forget",
            "reset",
            "await-agreement"
        ]
    );
    assert_eq!(described.differences.len(), 7, "{:?}", described.differences);
    assert_eq!(described.plan.cost.slots, 4096);
}

#[test]
fn a_cluster_is_made_where_there_is_none() {
    let lone = topology(&[0, 0, 0, 0]);
    let exactly = |from, to| Share::Exactly(Box::new((from..to).filter_map(Slot::new).collect()));
    let mut wish =
        shards(&[(1, &[4], exactly(0, 100)), (2, &[], exactly(100, 200)), (3, &[], exactly(200, 16384))]);
    wish.newcomers = (1..=4).map(id).collect();
    let described = plan(&lone, &Known::new(), &wish).unwrap();
    let given: Vec<usize> = described
        .plan
        .steps
        .iter()
        .filter_map(|step| if let Step::AddSlots { slots, .. } = step { Some(slots.len()) } else { None })
        .collect();
    assert_eq!(given, [100, 100, 16184]);
    assert_eq!(described.differences.len(), 4);
    let mut two = shards(&[(1, &[], even()), (2, &[], even())]);
    two.newcomers = [id(1), id(2)].into();
    assert!(plan(&lone, &Known::new(), &two).unwrap_err().what.contains("at least 3"));
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let mut cluster = six();
    let both = shards(&[(1, &[], even()), (5, &[], even()), (2, &[], even())]);
    assert!(plan(&cluster, &Known::new(), &both).unwrap_err().what.contains("both are described as masters"));
    let mut few = shards(&[(1, &[], even()), (2, &[], even())]);
    few.remove_unlisted = true;
    assert!(plan(&cluster, &Known::new(), &few).unwrap_err().what.contains("only 2 masters"));
    cluster.nodes.get_mut(&id(5)).unwrap().facts = None;
    let dead = shards(&[(1, &[5], even()), (2, &[6], even()), (3, &[], even())]);
    assert!(plan(&cluster, &Known::new(), &dead).unwrap_err().what.contains("does not answer"));
}

/// What the steps do, each only where a node would let it be done.
fn carry_out(cluster: &mut Topology, steps: &[Step]) {
    for step in steps {
        match step {
            Step::Replicate { replica, master } => {
                assert!(cluster.nodes[&replica.id].slots.is_empty(), "{step:?}");
                assert!(cluster.nodes[&master.id].is_master(), "{step:?}");
                follow(cluster, replica.id, master.id);
            }
            Step::Failover { replica, master: Some(master), .. } => {
                assert_eq!(cluster.nodes[&replica.id].master(), Some(master.id));
                let slots = std::mem::take(&mut cluster.nodes.get_mut(&master.id).unwrap().slots);
                let new = cluster.nodes.get_mut(&replica.id).unwrap();
                (new.role, new.slots) = (Role::Master, slots);
                follow(cluster, master.id, replica.id);
            }
            Step::MoveSlots(part) => {
                let source = cluster.nodes.get_mut(&part.source.id).unwrap();
                assert!(source.is_master() && part.slots.is_subset(&source.slots), "{step:?}");
                source.slots = source.slots.difference(&part.slots);
                let target = cluster.nodes.get_mut(&part.target.id).unwrap();
                assert!(target.is_master(), "{step:?}");
                target.slots = target.slots.union(&part.slots);
            }
            Step::Forget { node } => {
                let gone = cluster.nodes.remove(&node.id).unwrap();
                assert!(gone.slots.is_empty() && cluster.replicas_of(node.id).is_empty(), "{step:?}");
            }
            _ => {}
        }
    }
}

/// A node's replicas go with it.
fn follow(cluster: &mut Topology, replica: NodeId, master: NodeId) {
    for node in cluster.nodes.values_mut().filter(|node| node.id == replica || node.master() == Some(replica))
    {
        node.role = Role::ReplicaOf(master);
    }
}

/// Eight nodes in a cluster, of which three or more are masters, and three that wait; and a wish for some of them.
fn cases() -> impl Strategy<Value = (Topology, Wish)> {
    let roles = proptest::collection::vec(0u8..8, 8);
    let cuts = proptest::collection::vec(0u16..16384, 7);
    let parts = proptest::collection::vec(0u8..8, 11);
    let weights = proptest::collection::vec(0.5f64..3.0, 8);
    (3u8..7, roles, cuts, 3u8..6, parts, weights, any::<bool>(), any::<bool>()).prop_map(
        |(masters, roles, mut cuts, wanted, parts, weights, exact, remove)| {
            cuts.truncate(usize::from(masters) - 1);
            cuts.sort_unstable();
            let mut borders = vec![0];
            borders.extend(cuts);
            borders.push(16384);
            let slots = |from, to| (from..to).filter_map(Slot::new).collect::<SlotSet>();
            let mut sets: Vec<SlotSet> = borders.windows(2).map(|pair| slots(pair[0], pair[1])).collect();
            sets.resize(11, SlotSet::EMPTY);
            let mut cluster = topology_of(&sets);
            for number in masters..8 {
                let master = roles[usize::from(number)] % masters + 1;
                cluster.nodes.get_mut(&id(number + 1)).unwrap().role = Role::ReplicaOf(id(master));
            }
            // A part below `wanted`: that master or a replica of it; else not described.
            let mut masters: Vec<Shard> = Vec::new();
            let mut names: BTreeMap<u8, usize> = BTreeMap::new();
            for (number, part) in (1..=11).zip(&parts).filter(|(_, part)| **part < wanted) {
                match names.get(part) {
                    Some(at) => masters[*at].replicas.push(id(number)),
                    None => {
                        names.insert(*part, masters.len());
                        let share = Share::Weight(weights[usize::from(*part)]);
                        masters.push(Shard { master: id(number), replicas: Vec::new(), share });
                    }
                }
            }
            let count = masters.len() as u16;
            for (index, shard) in (0..).zip(&mut masters).filter(|_| exact) {
                let border = |index: u16| (u32::from(index) * 16384 / u32::from(count)) as u16;
                shard.share = Share::Exactly(Box::new(slots(border(index), border(index + 1))));
            }
            let described: BTreeSet<NodeId> = masters.iter().flat_map(members).collect();
            let newcomers: BTreeSet<NodeId> = (9..=11).map(id).filter(|id| described.contains(id)).collect();
            // Who waits and is not wanted is not in the picture.
            (9..=11).map(id).filter(|id| !described.contains(id)).for_each(|id| {
                cluster.nodes.remove(&id);
            });
            let settings = BTreeMap::new();
            (cluster, Wish { masters, settings, newcomers, zones: BTreeMap::new(), remove_unlisted: remove })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn any_cluster_becomes_what_is_described((before, wish) in cases()) {
        let Ok(described) = plan(&before, &Known::new(), &wish) else { return Ok(()) };
        if wish.masters.iter().flat_map(members).all(|id| wish.newcomers.contains(&id)) {
            return Ok(());
        }
        let mut after = before.clone();
        carry_out(&mut after, &described.plan.steps);
        for shard in &wish.masters {
            prop_assert!(after.nodes[&shard.master].is_master());
            for replica in &shard.replicas {
                prop_assert_eq!(after.nodes[replica].master(), Some(shard.master));
            }
            if let Share::Exactly(slots) = &shard.share {
                prop_assert_eq!(&after.nodes[&shard.master].slots, &**slots);
            }
        }
        let owned: usize = after.nodes.values().map(|node| node.slots.len()).sum();
        prop_assert_eq!(owned, SLOT_COUNT, "no slot is lost");
        if wish.remove_unlisted {
            prop_assert_eq!(after.nodes.len(), wish.masters.iter().flat_map(members).count());
        }
        // Once more there is nothing to do.
        let again = Wish { newcomers: BTreeSet::new(), ..wish.clone() };
        let again = plan(&after, &Known::new(), &again).unwrap();
        prop_assert_eq!(again.plan.steps, vec![]);
        prop_assert_eq!(again.differences, vec![]);
        prop_assert_eq!(described.differences.is_empty(), described.plan.steps.is_empty());
    }
}
