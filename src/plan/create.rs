//! A new cluster: which nodes become masters, which slots each gets, and who replicates whom.
//!
//! Masters are taken from the hosts in turn. A replica is put on another host than its master wherever an
//! assignment exists that does so for all (a matching between replicas and places, found by augmenting paths);
//! where none exists the plan says which replica shares its master's host.

use std::collections::BTreeMap;

use rcl_proto::{SLOT_COUNT, Slot, SlotSet};

use super::{Cost, NodeRef, Plan, PlanError, Step};

/// A cluster of fewer masters cannot agree that one of them failed.
pub const MIN_MASTERS: usize = 3;

/// Who is master, and whom the others replicate (an index into `masters`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    pub masters: Vec<NodeRef>,
    pub replicas: Vec<(NodeRef, usize)>,
}

impl Placement {
    /// The replicas that share their master's host.
    pub fn beside_their_master(&self) -> Vec<(&NodeRef, &NodeRef)> {
        let pairs =
            self.replicas.iter().filter_map(|(replica, index)| Some((replica, self.masters.get(*index)?)));
        pairs.filter(|(replica, master)| replica.address.host == master.address.host).collect()
    }
}

/// The plan for a cluster of `nodes`, with at least `replicas` replicas for each master. Nodes beyond an even
/// division become additional replicas.
pub fn plan(nodes: &[NodeRef], replicas: usize) -> Result<Plan, PlanError> {
    let masters = nodes.len() / replicas.saturating_add(1);
    if masters < MIN_MASTERS {
        let needed = MIN_MASTERS.saturating_mul(replicas.saturating_add(1));
        return Err(PlanError::new(
            format!(
                "{} nodes with {replicas} replicas each make {masters} masters; a cluster needs at least {MIN_MASTERS}",
                nodes.len()
            ),
            format!("name at least {needed} nodes, or ask for fewer --replicas"),
        ));
    }
    let placement = place(nodes, masters);
    let mut slots = Slot::all();
    let shares = even_shares(masters).into_iter().map(|share| slots.by_ref().take(share).collect()).collect();
    let title = format!(
        "create a cluster of {} masters and {} replicas",
        placement.masters.len(),
        placement.replicas.len()
    );
    let (steps, cost) = (steps_of(&placement, shares), Cost::default());
    let mut plan = Plan { title, steps, cost, warnings: Vec::new() };
    for (replica, master) in placement.beside_their_master() {
        plan.warnings.push(format!(
            "replica {} is on the host of its master {}: one dead host would take both",
            replica.address, master.address
        ));
    }
    // On one host alone there is nothing that could be better, and one line says it all.
    if plan.warnings.len() > 1 && nodes.iter().all(|node| node.address.host == nodes[0].address.host) {
        plan.warnings =
            vec![format!("all nodes are on {}: one dead host takes the cluster", nodes[0].address.host)];
    }
    Ok(plan)
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
pub fn place(nodes: &[NodeRef], masters: usize) -> Placement {
    let order = by_hosts_in_turn(nodes);
    let (chosen, rest) = order.split_at(masters.min(order.len()));
    let hosts = |node: &NodeRef| node.address.host.clone();
    // Places for replicas: each master has one a round, so that none has two more than another.
    let places: Vec<usize> = (0..rest.len()).map(|place| place % chosen.len().max(1)).collect();
    let mut taken: Vec<Option<usize>> = vec![None; places.len()];
    for replica in 0..rest.len() {
        let fits = |replica: usize, place: usize| hosts(&rest[replica]) != hosts(&chosen[places[place]]);
        augment(replica, &fits, &mut taken, &mut vec![false; places.len()]);
    }
    // Who found no place apart from its master takes what is left.
    let placed: Vec<usize> = taken.iter().flatten().copied().collect();
    let mut left =
        (0..rest.len()).filter(|replica| !placed.contains(replica)).collect::<Vec<_>>().into_iter();
    for place in &mut taken {
        if place.is_none() {
            *place = left.next();
        }
    }
    let pairs =
        taken.iter().zip(&places).filter_map(|(replica, master)| Some((rest[(*replica)?].clone(), *master)));
    Placement { masters: chosen.to_vec(), replicas: pairs.collect() }
}

/// One step of bipartite matching: gives `replica` a place, moving others to other places where needed.
fn augment(
    replica: usize,
    fits: &impl Fn(usize, usize) -> bool,
    taken: &mut [Option<usize>],
    seen: &mut [bool],
) -> bool {
    for place in 0..taken.len() {
        if seen[place] || !fits(replica, place) {
            continue;
        }
        seen[place] = true;
        if taken[place].is_none_or(|other| augment(other, fits, taken, seen)) {
            taken[place] = Some(replica);
            return true;
        }
    }
    false
}

/// The first node of each host, then the second of each, and so on; hosts in the order given, larger ones first.
fn by_hosts_in_turn(nodes: &[NodeRef]) -> Vec<NodeRef> {
    let mut hosts: Vec<(&str, Vec<&NodeRef>)> = Vec::new();
    let mut index: BTreeMap<&str, usize> = BTreeMap::new();
    for node in nodes {
        let host = node.address.host.as_str();
        let at = *index.entry(host).or_insert_with(|| {
            hosts.push((host, Vec::new()));
            hosts.len() - 1
        });
        hosts[at].1.push(node);
    }
    hosts.sort_by_key(|(_, nodes)| std::cmp::Reverse(nodes.len()));
    let rounds = hosts.iter().map(|(_, nodes)| nodes.len()).max().unwrap_or(0);
    (0..rounds)
        .flat_map(|round| hosts.iter().filter_map(move |(_, nodes)| nodes.get(round).copied().cloned()))
        .collect()
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
        let plan = plan(&nodes(&[1; 6]), 1).unwrap();
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
        let plan = plan(&nodes(&[1, 2, 3, 1, 2, 3]), 1).unwrap();
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
        let placement = place(&nodes(&[1, 1, 2, 2, 3, 3]), 3);
        assert_eq!(placement.beside_their_master(), []);
    }

    #[test]
    fn too_few_masters_are_refused_with_the_number_needed() {
        let error = plan(&nodes(&[1, 2, 3, 4, 5]), 1).unwrap_err();
        assert!(error.what.contains("2 masters") && error.next.contains("at least 6"), "{error:?}");
        assert!(plan(&nodes(&[1; 6]), usize::MAX).is_err());
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

    proptest! {
        #[test]
        fn no_replica_is_beside_its_master_where_a_better_assignment_exists(
            hosts in proptest::collection::vec(0u8..4, 3..9), masters in 1usize..4,
        ) {
            let placement = place(&nodes(&hosts), masters);
            prop_assert_eq!(placement.masters.len() + placement.replicas.len(), hosts.len());
            let host = |node: &NodeRef| node.address.host.as_bytes()[5];
            let master_hosts: Vec<u8> = placement.masters.iter().map(host).collect();
            let replica_hosts: Vec<u8> = placement.replicas.iter().map(|(node, _)| host(node)).collect();
            let mut places: Vec<usize> = (0..replica_hosts.len()).map(|i| i % master_hosts.len()).collect();
            prop_assert_eq!(
                placement.beside_their_master().len(),
                best(&master_hosts, &replica_hosts, &mut places)
            );
            let per_master = |index| placement.replicas.iter().filter(|(_, master)| *master == index).count();
            let counts: Vec<usize> = (0..masters).map(per_master).collect();
            prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1);
        }

        #[test]
        fn every_slot_is_given_once(count in 3usize..40) {
            let plan = plan(&nodes(&vec![1; count]), 0).unwrap();
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
