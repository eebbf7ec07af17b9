//! A new cluster: which nodes become masters, which slots each gets, and who replicates whom.
//!
//! Masters are taken from the zones in turn, and in a zone from its hosts in turn; where no zones are known, from the hosts. Then
//! replicas are given to masters so that as few as can be are on their master's host, and of those ways one in which as few as can be
//! are in its zone (`assignment.rs`). Last, replicas of one master are kept apart from each other where a swap does it. The plan says
//! which replica is beside its master all the same.

use rcl_proto::{SLOT_COUNT, Slot, SlotSet};

use super::assignment::cheapest;
use super::placement::{Closeness, Zones};
use super::{NodeRef, Plan, PlanError, Step};
use crate::output::number_of;

/// A cluster of fewer masters cannot agree that one of them failed.
pub const MIN_MASTERS: usize = 3;

/// Who is master, and whom the others replicate (an index into `masters`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    pub masters: Vec<NodeRef>,
    pub replicas: Vec<(NodeRef, usize)>,
}

impl Placement {
    /// Each replica with its master.
    pub fn pairs(&self) -> impl Iterator<Item = (&NodeRef, &NodeRef)> {
        self.replicas.iter().filter_map(|(replica, index)| Some((replica, self.masters.get(*index)?)))
    }
}

/// The plan for a cluster of `nodes`, with at least `replicas` replicas for each master. Nodes beyond an even
/// division become additional replicas.
pub fn plan(nodes: &[NodeRef], replicas: usize, zones: &Zones) -> Result<Plan, PlanError> {
    plan_of(nodes, replicas, zones, MIN_MASTERS)
}

/// The same, for who knows what fewer masters mean.
pub fn plan_of(
    nodes: &[NodeRef],
    replicas: usize,
    zones: &Zones,
    least_masters: usize,
) -> Result<Plan, PlanError> {
    let masters = nodes.len() / replicas.saturating_add(1);
    if masters < least_masters.max(1) {
        let needed = MIN_MASTERS.saturating_mul(replicas.saturating_add(1));
        return Err(PlanError::new(
            format!(
                "{} nodes with {replicas} replicas each make {masters} masters; a cluster needs at least {MIN_MASTERS}",
                nodes.len()
            ),
            format!(
                "name at least {needed} nodes, or ask for fewer --replicas; --allow few-masters makes it all the same"
            ),
        ));
    }
    let placement = place(nodes, masters, zones);
    let mut slots = Slot::all();
    let shares = even_shares(masters).into_iter().map(|share| slots.by_ref().take(share).collect()).collect();
    let title = format!(
        "create a cluster of {} and {}",
        number_of(placement.masters.len(), "master"),
        number_of(placement.replicas.len(), "replica")
    );
    let steps = steps_of(&placement, shares);
    let mut warnings = warnings(&placement, nodes, zones);
    if masters < MIN_MASTERS {
        warnings.push(format!(
            "with {masters} masters no majority is left when one fails: no replica takes over by itself"
        ));
    }
    Ok(Plan { title, steps, warnings, ..Plan::default() })
}

fn warnings(placement: &Placement, nodes: &[NodeRef], zones: &Zones) -> Vec<String> {
    let all_the_same = |what: fn(&Zones, &NodeRef) -> Option<String>| {
        let first = nodes.first().and_then(|node| what(zones, node));
        first.filter(|first| nodes.iter().all(|node| what(zones, node).as_ref() == Some(first)))
    };
    let host = all_the_same(|_, node| Some(node.address.host.clone()));
    let zone = all_the_same(|zones, node| {
        let (is_known, zone) = zones.domain(node);
        is_known.then(|| zone.to_owned())
    });
    let found: Vec<String> =
        placement.pairs().filter_map(|(replica, master)| zones.warning(replica, master)).collect();
    // On one host alone there is nothing that could be better, and one line says it all.
    match (found.len(), host, zone) {
        (2.., Some(host), _) => vec![format!("all nodes are on {host}: one dead host takes the cluster")],
        (2.., None, Some(zone)) => {
            vec![format!("all nodes are in zone {zone}: one dead zone takes the cluster")]
        }
        _ => found,
    }
}

/// `slots` are the masters', in their order.
pub fn steps_of(placement: &Placement, slots: Vec<SlotSet>) -> Vec<Step> {
    let mut steps = Vec::new();
    for (index, (node, slots)) in placement.masters.iter().zip(slots).enumerate() {
        steps.push(Step::SetEpoch { node: node.clone(), epoch: index as u64 + 1 });
        steps.push(Step::AddSlots { node: node.clone(), slots });
    }
    for (index, (node, _)) in placement.replicas.iter().enumerate() {
        let epoch = (placement.masters.len() + index) as u64 + 1;
        steps.push(Step::SetEpoch { node: node.clone(), epoch });
    }
    let all = placement.masters.iter().chain(placement.replicas.iter().map(|(node, _)| node));
    steps.push(Step::Meet { nodes: all.cloned().collect(), others: Vec::new() });
    let pairs = || {
        placement.replicas.iter().map(|(replica, index)| (replica.clone(), placement.masters[*index].clone()))
    };
    steps.extend(pairs().map(|(replica, master)| Step::Replicate { replica, master }));
    steps.push(Step::AwaitAgreement { except: Vec::new(), state_ok: true });
    // Last: whatever keeps a replica from its master, there is a cluster.
    steps.extend(pairs().map(|(replica, master)| Step::AwaitInSync { replica, master }));
    steps
}

/// How many slots each master gets: the same ranges that redis-cli gives, since operators know them by heart.
pub fn even_shares(masters: usize) -> Vec<usize> {
    // The first slot behind master number `index`: the exact border, rounded.
    let border = |index: usize| (2 * index * SLOT_COUNT + masters) / (2 * masters);
    (0..masters).map(|index| border(index + 1) - border(index)).collect()
}

/// Chooses `masters` of `nodes` (at least one, at most all) and gives every other node a master.
pub fn place(nodes: &[NodeRef], masters: usize, zones: &Zones) -> Placement {
    let order = by_domains_in_turn(nodes, zones);
    let (chosen, rest) = order.split_at(masters.min(order.len()));
    // Places for replicas: each master has one a round, so that none has two more than another.
    let place = |column: usize| column % chosen.len().max(1);
    let beside_host = rest.len() as i64 + 1;
    let cost = |row: usize, column: usize| match zones.closeness(&rest[row], &chosen[place(column)]) {
        Closeness::Apart => 0,
        Closeness::SameZone => 1,
        Closeness::SameHost => beside_host,
    };
    let given = cheapest(rest.len(), rest.len(), cost);
    let mut replicas: Vec<(NodeRef, usize)> =
        rest.iter().cloned().zip(given.into_iter().map(place)).collect();
    spread(chosen, &mut replicas, zones);
    replicas.sort_by_key(|(_, master)| *master);
    Placement { masters: chosen.to_vec(), replicas }
}

/// Swaps replicas of two masters as long as that leaves fewer of one master's replicas beside each other, and no more beside their
/// masters.
fn spread(masters: &[NodeRef], replicas: &mut [(NodeRef, usize)], zones: &Zones) {
    let mut better = true;
    while better {
        better = false;
        for first in 0..replicas.len() {
            for second in first + 1..replicas.len() {
                let pair = (replicas[first].1, replicas[second].1);
                if pair.0 == pair.1 {
                    continue;
                }
                let before = crowding(masters, replicas, zones, pair);
                (replicas[first].1, replicas[second].1) = (pair.1, pair.0);
                if crowding(masters, replicas, zones, pair) < before {
                    better = true;
                } else {
                    (replicas[first].1, replicas[second].1) = pair;
                }
            }
        }
    }
}

/// Of two masters: how many replicas are on their host, in their zone, on the host of another replica, in its zone. Less is better,
/// and the first that differs decides.
fn crowding(
    masters: &[NodeRef],
    replicas: &[(NodeRef, usize)],
    zones: &Zones,
    pair: (usize, usize),
) -> [usize; 4] {
    let mut found = [0; 4];
    let mut count = |from: usize, closeness: Closeness| match closeness {
        Closeness::SameHost => found[from] += 1,
        Closeness::SameZone => found[from + 1] += 1,
        Closeness::Apart => {}
    };
    for master in [pair.0, pair.1] {
        let its: Vec<&NodeRef> =
            replicas.iter().filter(|(_, of)| *of == master).map(|(replica, _)| replica).collect();
        for (index, replica) in its.iter().enumerate() {
            count(0, zones.closeness(replica, &masters[master]));
            its[..index].iter().for_each(|other| count(2, zones.closeness(replica, other)));
        }
    }
    found
}

/// The first node of each zone, then the second of each, and so on; within a zone its hosts take turns in the same way.
fn by_domains_in_turn(nodes: &[NodeRef], zones: &Zones) -> Vec<NodeRef> {
    let by_zone = groups(nodes.to_vec(), |node| zones.domain(node).1.to_owned());
    let in_zone = |nodes: Vec<NodeRef>| in_turn(groups(nodes, |node| node.address.host.clone()));
    in_turn(by_zone.into_iter().map(in_zone).collect())
}

/// Nodes with the same name together, larger groups first, else in the order given.
fn groups(nodes: Vec<NodeRef>, name: impl Fn(&NodeRef) -> String) -> Vec<Vec<NodeRef>> {
    let mut groups: Vec<(String, Vec<NodeRef>)> = Vec::new();
    for node in nodes {
        let named = name(&node);
        match groups.iter_mut().find(|(name, _)| *name == named) {
            Some((_, group)) => group.push(node),
            None => groups.push((named, vec![node])),
        }
    }
    groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.len()));
    groups.into_iter().map(|(_, group)| group).collect()
}

fn in_turn(groups: Vec<Vec<NodeRef>>) -> Vec<NodeRef> {
    let rounds = groups.iter().map(Vec::len).max().unwrap_or(0);
    (0..rounds).flat_map(|round| groups.iter().filter_map(move |group| group.get(round).cloned())).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcl_proto::{Address, NodeId};

    use super::*;

    fn nodes(hosts: &[u8]) -> Vec<NodeRef> {
        let node = |(index, host): (usize, &u8)| NodeRef {
            id: NodeId::from_bits([index as u8; 20]),
            address: Address::new(format!("host-{host}"), 7000 + index as u16),
        };
        hosts.iter().enumerate().map(node).collect()
    }

    #[test]
    fn six_nodes_on_one_host_keep_the_order_given() {
        let plan = plan(&nodes(&[1; 6]), 1, &Zones::default()).unwrap();
        let owners: Vec<String> = plan
            .steps
            .iter()
            .filter_map(|step| match step {
                Step::AddSlots { node, slots } => Some(format!("{} {slots}", node.address.port)),
                _ => None,
            })
            .collect();
        assert_eq!(owners, ["7000 0-5460", "7001 5461-10922", "7002 10923-16383"]);
        assert_eq!(plan.warnings.len(), 1, "{:?}", plan.warnings);
    }

    #[test]
    fn each_replica_is_waited_for_when_all_agree() {
        let plan = plan(&nodes(&[1, 2, 3, 1, 2, 3]), 1, &Zones::default()).unwrap();
        let agreed = plan.steps.iter().position(|step| matches!(step, Step::AwaitAgreement { .. })).unwrap();
        let (before, after) = plan.steps.split_at(agreed);
        let follow = before.iter().filter_map(|step| match step {
            Step::Replicate { replica, master } => Some((replica, master)),
            _ => None,
        });
        let awaited = after[1..].iter().map(|step| match step {
            Step::AwaitInSync { replica, master } => (replica, master),
            other => panic!("{other:?}"),
        });
        assert_eq!(awaited.clone().count(), 3);
        assert_eq!(follow.collect::<Vec<_>>(), awaited.collect::<Vec<_>>());
    }

    #[test]
    fn three_hosts_of_two_share_no_pair() {
        let placement = place(&nodes(&[1, 1, 2, 2, 3, 3]), 3, &Zones::default());
        assert!(placement.pairs().all(|(replica, master)| replica.address.host != master.address.host));
    }

    #[test]
    fn too_few_masters_are_refused_with_the_number_needed() {
        let error = plan(&nodes(&[1, 2, 3, 4, 5]), 1, &Zones::default()).unwrap_err();
        assert!(error.what.contains("2 masters") && error.next.contains("at least 6"), "{error:?}");
        assert!(plan(&nodes(&[1; 6]), usize::MAX, &Zones::default()).is_err());
    }

    /// The fewest shared hosts that any assignment of these replicas to these masters' places has.
    fn best(masters: &[u8], replicas: &[u8], places: &mut Vec<usize>) -> usize {
        let Some((first, rest)) = replicas.split_first() else { return 0 };
        (0..places.len())
            .map(|at| {
                let master = places.remove(at);
                let cost = usize::from(masters[master] == *first) + best(masters, rest, places);
                places.insert(at, master);
                cost
            })
            .min()
            .unwrap_or(0)
    }

    #[test]
    fn fewer_masters_are_made_for_who_knows_better_and_warned_of() {
        let zones = Zones::default();
        let one = plan_of(&nodes(&[1]), 0, &zones, 1).unwrap();
        assert!(one.warnings[0].contains("with 1 masters no majority"), "{:?}", one.warnings);
        assert!(plan_of(&[], 0, &zones, 1).is_err() && plan_of(&nodes(&[1, 2]), 2, &zones, 1).is_err());
    }

    proptest! {
        #[test]
        fn no_replica_is_beside_its_master_where_a_better_assignment_exists(
            hosts in proptest::collection::vec(0u8..4, 3..9), masters in 1usize..4,
        ) {
            let placement = place(&nodes(&hosts), masters, &Zones::default());
            prop_assert_eq!(placement.masters.len() + placement.replicas.len(), hosts.len());
            let host = |node: &NodeRef| node.address.host.as_bytes()[5];
            let master_hosts: Vec<u8> = placement.masters.iter().map(host).collect();
            let replica_hosts: Vec<u8> = placement.replicas.iter().map(|(node, _)| host(node)).collect();
            let mut places: Vec<usize> = (0..replica_hosts.len()).map(|i| i % master_hosts.len()).collect();
            prop_assert_eq!(
                placement.pairs().filter(|(r, m)| r.address.host == m.address.host).count(),
                best(&master_hosts, &replica_hosts, &mut places)
            );
            let per_master = |index| placement.replicas.iter().filter(|(_, master)| *master == index).count();
            let counts: Vec<usize> = (0..masters).map(per_master).collect();
            prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1);
        }

        #[test]
        fn every_slot_is_given_once(count in 3usize..40) {
            let plan = plan(&nodes(&vec![1; count]), 0, &Zones::default()).unwrap();
            let mut all = SlotSet::EMPTY;
            let mut total = 0;
            for step in &plan.steps {
                if let Step::AddSlots { slots, .. } = step {
                    total += slots.len();
                    all = all.union(slots);
                }
            }
            prop_assert_eq!((total, all.len()), (SLOT_COUNT, SLOT_COUNT));
        }
    }
}
