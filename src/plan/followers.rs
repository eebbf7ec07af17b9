//! Whoever follows a node that is about to be forgotten follows another one first: no node forgets its master.
//!
//! A plan that takes a node out knows who follows it. A job that is taken up again may find others: a master that gave its last
//! slot to the node, a replica that moved there by itself.
//!
//! | it was, when the job began             | and is before the node goes                        |
//! |----------------------------------------|----------------------------------------------------|
//! | a replica of one that is a master, or has an heir | its replica again                       |
//! | a master                               | released: a master, without slots, as it has none  |
//! | in no cluster, or its master is gone   | a replica where one is needed most                 |

use rcl_proto::NodeId;

use super::past::{Roles, stands_for};
use super::placement::{Zones, homes};
use super::{NodeRef, Step};
use crate::topology::{Node, Topology};

/// What is to be done before all forget `leaving`. `steps` come before that anyway.
pub fn let_go<'a>(
    leaving: NodeId,
    steps: impl Iterator<Item = &'a Step> + Clone,
    topology: &Topology,
    roles: &Roles,
) -> Vec<Step> {
    let followers = topology.replicas_of(leaving).into_iter().filter(|node| node.answers());
    let followers: Vec<&Node> =
        followers.filter(|node| !steps.clone().any(|step| sees_to(step, node.id, leaving))).collect();
    let (mut before, mut homeless) = (Vec::new(), Vec::new());
    for follower in followers {
        let replica = NodeRef::of(follower);
        let was = roles.get(&follower.id).copied();
        let again = was.flatten().and_then(|master| stands_for(topology, roles, master));
        match again.filter(|master| master.id != leaving) {
            Some(master) => before.push(Step::Replicate { replica, master: NodeRef::of(master) }),
            None if was == Some(None) => before.push(Step::Release { node: replica }),
            None => homeless.push(replica),
        }
    }
    let masters = topology.masters().into_iter();
    let masters: Vec<&Node> =
        masters.filter(|node| node.id != leaving && node.answers() && !node.slots.is_empty()).collect();
    if !masters.is_empty() {
        let asked: Vec<&NodeRef> = homeless.iter().collect();
        let found = homes(topology, &Zones::of(topology), &asked, &masters);
        let found = found.into_iter().map(NodeRef::of);
        let given = homeless.into_iter().zip(found);
        before.extend(given.map(|(replica, master)| Step::Replicate { replica, master }));
    }
    before
}

/// Whether `follower` does not follow `leaving` any more once this is done.
fn sees_to(step: &Step, follower: NodeId, leaving: NodeId) -> bool {
    match step {
        Step::Replicate { replica, master } => replica.id == follower && master.id != leaving,
        // Who follows a master follows whoever takes its place.
        Step::Failover { replica, master, .. } => {
            replica.id == follower || master.as_ref().is_some_and(|master| master.id == leaving)
        }
        Step::Release { node } | Step::Reset { node } | Step::SoftReset { node } => node.id == follower,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::rebalance::tests::{id, topology};
    use crate::topology::Role;

    /// Node 4 leaves; 5 and 6 follow it.
    fn field() -> Topology {
        let mut now = topology(&[5462, 5461, 5461, 0, 0, 0]);
        for number in [5, 6] {
            now.nodes.get_mut(&id(number)).unwrap().role = Role::ReplicaOf(id(4));
        }
        now
    }

    fn gone(now: &Topology, steps: &[Step], roles: &[(u8, Option<u8>)]) -> Vec<String> {
        let roles = roles.iter().map(|(node, master)| (id(*node), master.map(id))).collect();
        let said = |step: Step| match step {
            Step::Replicate { replica, master } => {
                format!("{} {}", replica.address.port, master.address.port)
            }
            Step::Release { node } => format!("{} free", node.address.port),
            other => panic!("{other:?}"),
        };
        let_go(id(4), steps.iter(), now, &roles).into_iter().map(said).collect()
    }

    #[test]
    fn each_is_what_it_was_or_goes_where_a_replica_is_needed() {
        let mut now = field();
        assert_eq!(gone(&now, &[], &[(5, None), (6, Some(2))]), ["7005 free", "7006 7002"]);
        assert_eq!(gone(&now, &[], &[(5, Some(4)), (6, Some(9))]), ["7005 7001", "7006 7002"]);
        // Node 2 failed, and 3 took its place.
        now.nodes.get_mut(&id(2)).unwrap().role = Role::ReplicaOf(id(3));
        assert_eq!(gone(&now, &[], &[(5, Some(2)), (6, Some(3))]), ["7005 7003", "7006 7003"]);
        // Who does not answer cannot be told anything.
        now.nodes.get_mut(&id(5)).unwrap().facts = None;
        assert_eq!(gone(&now, &[], &[(5, None), (6, Some(3))]), ["7006 7003"]);
    }

    #[test]
    fn who_is_seen_to_by_a_step_before_is_left_to_that() {
        let now = field();
        let node = |number| NodeRef::of(&now.nodes[&id(number)]);
        let given = |replica, master| Step::Replicate { replica: node(replica), master: node(master) };
        let roles = [(5, None), (6, None)];
        assert_eq!(gone(&now, &[given(5, 1)], &roles), ["7006 free"]);
        assert_eq!(gone(&now, &[given(5, 4)], &roles), ["7005 free", "7006 free"]);
        assert_eq!(gone(&now, &[Step::Release { node: node(6) }], &roles), ["7005 free"]);
        let mode = crate::plan::FailoverMode::Graceful;
        let back = Step::Failover { replica: node(5), master: Some(node(4)), mode };
        assert_eq!(gone(&now, &[back], &roles), [""; 0]);
    }
}
