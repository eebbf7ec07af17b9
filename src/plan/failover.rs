//! Who takes over: from one master, from all on a host, from all in a zone.
//!
//! A replica takes its master's place where it can: it answers, is in sync unless its master is not to be asked, and lies outside
//! of what is to be left. Of several the one is taken whose host has the fewest masters so far; where the master is not asked,
//! the one that is furthest. A shard without such a replica is named, and nothing is done unless it may be passed over.

use std::collections::BTreeMap;

use rcl_proto::NodeId;

use super::{FailoverMode, NodeRef, Plan, PlanError, Step};
use crate::topology::{Node, Topology};

/// Whose place is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// A replica takes over; a master is taken over from.
    Node(NodeId),
    Host(String),
    Zone(String),
}

#[derive(Clone, Debug)]
pub struct Wish {
    pub whom: Whom,
    pub mode: FailoverMode,
    /// Shards without a replica that can take over stay as they are.
    pub skip: bool,
    /// Where hosts are, of which the nodes say nothing themselves.
    pub zones: BTreeMap<String, String>,
}

pub fn plan(topology: &Topology, wish: &Wish) -> Result<Plan, PlanError> {
    let (pairs, title, warnings) = match &wish.whom {
        Whom::Node(id) => {
            let (master, replica) = of_one(topology, wish, *id)?;
            (vec![(master, replica)], format!("fail over to {}", replica.name()), Vec::new())
        }
        Whom::Host(host) => group(topology, wish, &format!("host {host}"))?,
        Whom::Zone(zone) => group(topology, wish, &format!("zone {zone}"))?,
    };
    refuse_without_majority(topology, wish.mode)?;
    // A master that has not heard yet of its replica would ignore the replica's request.
    let agree = || Step::AwaitAgreement { except: Vec::new(), state_ok: false };
    let mut steps: Vec<Step> = Vec::new();
    if wish.mode == FailoverMode::Graceful && !topology.disagreements.is_empty() && !pairs.is_empty() {
        steps.push(agree());
    }
    let promotion = |(master, replica): &(Option<&Node>, &Node)| Step::Failover {
        replica: NodeRef::of(replica),
        master: master.map(NodeRef::of),
        mode: wish.mode,
    };
    steps.extend(pairs.iter().map(promotion));
    if !pairs.is_empty() {
        steps.push(agree());
    }
    let mut plan = Plan::new(title, steps, topology);
    plan.warnings = warnings;
    Ok(plan)
}

type Pairs<'a> = Vec<(Option<&'a Node>, &'a Node)>;

fn of_one<'a>(
    topology: &'a Topology,
    wish: &Wish,
    id: NodeId,
) -> Result<(Option<&'a Node>, &'a Node), PlanError> {
    let unknown = || PlanError::new(format!("no node {id:.8} in the cluster"), "rcl nodes shows the nodes");
    let node = topology.node(id).ok_or_else(unknown)?;
    if node.is_master() {
        let mut replicas: Vec<&Node> =
            topology.replicas_of(id).into_iter().filter(|replica| replica.answers()).collect();
        replicas.sort_by_key(|replica| std::cmp::Reverse(progress(replica)));
        let replica = replicas.first().copied().ok_or_else(|| {
            PlanError::new(
                format!("{} is a master without a replica that answers", node.name()),
                format!("rcl add-replica NEW_HOST:PORT ENTRY --master {id:.8}"),
            )
        })?;
        check_pair(Some(node), replica, wish.mode)?;
        return Ok((Some(node), replica));
    }
    let master = node.master().and_then(|master| topology.node(master));
    check_pair(master, node, wish.mode)?;
    Ok((master, node))
}

/// In sync, and how far.
fn progress(replica: &Node) -> (bool, u64) {
    replica.facts.as_ref().map_or((false, 0), |facts| (facts.link_up, facts.replication_offset))
}

fn check_pair(master: Option<&Node>, replica: &Node, mode: FailoverMode) -> Result<(), PlanError> {
    if !replica.answers() {
        return Err(PlanError::new(format!("{} does not answer", replica.name()), "start it again first"));
    }
    if mode == FailoverMode::Graceful {
        if !master.is_some_and(Node::answers) {
            return Err(PlanError::new(
                "the master does not answer, so it cannot hand over",
                "use --force: writes that the replica did not get are lost",
            ));
        }
        if !progress(replica).0 {
            return Err(PlanError::new(
                format!("{} is not in sync with its master", replica.name()),
                "wait for its full sync (rcl nodes shows it), then ask again",
            ));
        }
    }
    Ok(())
}

fn refuse_without_majority(topology: &Topology, mode: FailoverMode) -> Result<(), PlanError> {
    if mode == FailoverMode::Takeover {
        return Ok(());
    }
    let voters = topology.masters().into_iter().filter(|node| !node.slots.is_empty());
    let (answering, all) = voters.fold((0, 0), |(up, all), node| (up + usize::from(node.answers()), all + 1));
    if answering <= all / 2 {
        return Err(PlanError::new(
            format!("only {answering} of {all} masters answer: no majority can vote"),
            "start the masters again, or use --takeover, which asks nobody",
        ));
    }
    Ok(())
}

fn group<'a>(
    topology: &'a Topology,
    wish: &Wish,
    place: &str,
) -> Result<(Pairs<'a>, String, Vec<String>), PlanError> {
    let is_there = |node: &Node| match &wish.whom {
        Whom::Node(id) => node.id == *id,
        Whom::Host(host) => hosts(node).any(|name| name == host),
        Whom::Zone(zone) => zone_of(node, &wish.zones) == Some(zone),
    };
    if !topology.nodes.values().any(is_there) {
        return Err(PlanError::new(
            format!("no node is on {place}"),
            "rcl nodes shows the hosts; --zones HOST=ZONE says where they are when the nodes do not",
        ));
    }
    let mut masters_on: BTreeMap<&str, usize> = BTreeMap::new();
    for master in topology.masters().into_iter().filter(|node| !node.slots.is_empty() && !is_there(node)) {
        *masters_on.entry(&master.address.host).or_default() += 1;
    }
    let (mut pairs, mut without) = (Vec::new(), Vec::new());
    for master in topology.masters().into_iter().filter(|node| !node.slots.is_empty() && is_there(node)) {
        let fits = |replica: &&Node| {
            !is_there(replica)
                && hosts(replica).all(|host| hosts(master).all(|other| host != other))
                && check_pair(Some(master), replica, wish.mode).is_ok()
        };
        let mut candidates: Vec<&Node> = topology.replicas_of(master.id).into_iter().filter(fits).collect();
        candidates.sort_by_key(|replica| {
            let crowd = masters_on.get(replica.address.host.as_str()).copied().unwrap_or(0);
            let lag = std::cmp::Reverse(progress(replica));
            if wish.mode == FailoverMode::Graceful { (Some(crowd), lag, 0) } else { (None, lag, crowd) }
        });
        match candidates.first() {
            Some(replica) => {
                *masters_on.entry(&replica.address.host).or_default() += 1;
                pairs.push((Some(master), *replica));
            }
            None => without.push(master),
        }
    }
    let reason = |master: &&Node| format!("{}: {}", master.name(), why_nobody(topology, wish.mode, master));
    let without: Vec<String> = without.iter().map(reason).collect();
    if !without.is_empty() && !wish.skip {
        return Err(PlanError::new(
            format!("nobody off {place} can take over from {}", without.join("; ")),
            "mend that, or leave these shards as they are with --skip",
        ));
    }
    let warnings = without.into_iter().map(|master| format!("stays master on {place}: {master}")).collect();
    Ok((pairs, format!("fail over all masters on {place}"), warnings))
}

fn hosts(node: &Node) -> impl Iterator<Item = &String> {
    std::iter::once(&node.address.host).chain(node.reached.as_ref().map(|reached| &reached.host))
}

/// As the user says, else as the node says.
pub fn zone_of<'a>(node: &'a Node, zones: &'a BTreeMap<String, String>) -> Option<&'a String> {
    let said = hosts(node).find_map(|host| zones.get(host));
    said.or_else(|| node.facts.as_ref().and_then(|facts| facts.zone.as_ref()))
}

fn why_nobody(topology: &Topology, mode: FailoverMode, master: &Node) -> String {
    let replicas = topology.replicas_of(master.id);
    if !master.answers() && mode == FailoverMode::Graceful {
        return "it does not answer, so it cannot hand over (--force does not ask it)".into();
    }
    match replicas.as_slice() {
        [] => "it has no replica".into(),
        replicas if !replicas.iter().any(|replica| replica.answers()) => "no replica of its answers".into(),
        _ => "its replicas are on the same host or zone, or not in sync".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::rebalance::tests::{id, topology};
    use crate::topology::Role;

    /// Masters 1 to 3 on hosts a, a, b; replicas 4 (of 1) on b, 5 (of 1) on c, 6 (of 2) on c, 7 (of 3) on a.
    fn cluster() -> Topology {
        let mut cluster = topology(&[5462, 5461, 5461, 0, 0, 0, 0]);
        for (number, host, master) in
            [(1, "a", 0), (2, "a", 0), (3, "b", 0), (4, "b", 1), (5, "c", 1), (6, "c", 2), (7, "a", 3)]
        {
            let node = cluster.nodes.get_mut(&id(number)).unwrap();
            node.address.host = host.into();
            node.reached = None;
            if master > 0 {
                node.role = Role::ReplicaOf(id(master));
            }
            node.facts.as_mut().unwrap().link_up = true;
        }
        cluster
    }

    fn wish(whom: Whom) -> Wish {
        Wish { whom, mode: FailoverMode::Graceful, skip: false, zones: BTreeMap::new() }
    }

    fn promoted(plan: &Plan) -> Vec<(NodeId, NodeId)> {
        let pair = |step: &Step| match step {
            Step::Failover { replica, master, .. } => Some((master.as_ref()?.id, replica.id)),
            _ => None,
        };
        plan.steps.iter().filter_map(pair).collect()
    }

    #[test]
    fn all_masters_of_a_host_go_to_other_hosts_evenly() {
        let plan = plan(&cluster(), &wish(Whom::Host("a".into()))).unwrap();
        // Of 1's replicas the one on c, since b has a master; then c has one, but 2 has no other.
        assert_eq!(promoted(&plan), [(id(1), id(5)), (id(2), id(6))]);
        assert_eq!(plan.warnings, Vec::<String>::new());
        assert!(matches!(plan.steps.last(), Some(Step::AwaitAgreement { .. })));
    }

    #[test]
    fn a_shard_without_a_candidate_is_named_and_passed_over_only_when_asked() {
        let mut cluster = cluster();
        cluster.nodes.get_mut(&id(6)).unwrap().facts.as_mut().unwrap().link_up = false;
        let host = wish(Whom::Host("a".into()));
        let error = plan(&cluster, &host).unwrap_err();
        assert!(error.what.contains("7002") && error.what.contains("not in sync"), "{error:?}");
        let skipping = plan(&cluster, &Wish { skip: true, ..host.clone() }).unwrap();
        assert_eq!(promoted(&skipping), [(id(1), id(5))]);
        assert!(skipping.warnings[0].contains("7002"), "{:?}", skipping.warnings);
        // Without the master's word it need not be in sync.
        let forced = plan(&cluster, &Wish { mode: FailoverMode::Force, ..host }).unwrap();
        assert_eq!(promoted(&forced), [(id(1), id(5)), (id(2), id(6))]);
        assert!(
            plan(&cluster, &wish(Whom::Host("d".into()))).unwrap_err().what.contains("no node is on host d")
        );
    }

    #[test]
    fn zones_are_the_user_s_word_before_the_nodes_own() {
        let mut cluster = cluster();
        for number in 1..=7 {
            cluster.nodes.get_mut(&id(number)).unwrap().facts.as_mut().unwrap().zone = Some("one".into());
        }
        let mut zone = wish(Whom::Zone("two".into()));
        assert!(plan(&cluster, &zone).unwrap_err().what.contains("zone two"));
        zone.zones = BTreeMap::from([("b".into(), "two".into()), ("c".into(), "two".into())]);
        assert_eq!(promoted(&plan(&cluster, &zone).unwrap()), [(id(3), id(7))]);
        // All of 1's and 2's replicas are in zone two, out of zone one.
        zone.whom = Whom::Zone("one".into());
        assert_eq!(promoted(&plan(&cluster, &zone).unwrap()), [(id(1), id(5)), (id(2), id(6))]);
    }

    #[test]
    fn one_node_takes_over_or_is_taken_over_from() {
        let mut cluster = cluster();
        cluster.nodes.get_mut(&id(5)).unwrap().facts.as_mut().unwrap().replication_offset = 9;
        assert_eq!(promoted(&plan(&cluster, &wish(Whom::Node(id(4)))).unwrap()), [(id(1), id(4))]);
        assert_eq!(
            promoted(&plan(&cluster, &wish(Whom::Node(id(1)))).unwrap()),
            [(id(1), id(5))],
            "the furthest"
        );
        cluster.nodes.get_mut(&id(1)).unwrap().facts = None;
        let dead = wish(Whom::Node(id(4)));
        assert!(plan(&cluster, &dead).unwrap_err().next.contains("--force"));
        cluster.nodes.get_mut(&id(2)).unwrap().facts = None;
        let force = Wish { mode: FailoverMode::Force, ..dead.clone() };
        assert!(plan(&cluster, &force).unwrap_err().next.contains("--takeover"));
        let takeover = Wish { mode: FailoverMode::Takeover, ..dead };
        assert_eq!(promoted(&plan(&cluster, &takeover).unwrap()), [(id(1), id(4))]);
    }
}
