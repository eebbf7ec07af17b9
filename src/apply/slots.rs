//! Who owns a slot, where no key has to move.

use std::collections::BTreeMap;

use rcl_proto::resp::Reply;
use rcl_proto::{NodeId, Slot, SlotSet};
use tokio::task::JoinSet;

use super::keys::check;
use crate::cli::{Failure, Kind};
use crate::connect::{Cluster, Link, Pipeline, Words};
use crate::plan::{NodeRef, Step};
use crate::topology::Topology;

/// First epochs and first slots of nodes that are alone yet; all nodes at once, one write each.
pub async fn found(cluster: &Cluster, steps: &[Step]) -> Result<(), Failure> {
    let mut by_node: BTreeMap<NodeId, Pipeline> = BTreeMap::new();
    for step in steps {
        match step {
            Step::SetEpoch { node, epoch } => by_node
                .entry(node.id)
                .or_default()
                .add(Words::of(&["CLUSTER", "SET-CONFIG-EPOCH"]).and(epoch.to_string())),
            Step::AddSlots { node, slots } => {
                // ADDSLOTSRANGE is shorter, ADDSLOTS is known to every server.
                let words = slots
                    .iter()
                    .fold(Words::of(&["CLUSTER", "ADDSLOTS"]), |words, slot| words.and(slot.to_string()));
                by_node.entry(node.id).or_default().add(words);
            }
            _ => {}
        }
    }
    let mut calls = JoinSet::new();
    for (id, pipeline) in by_node {
        let link = cluster.link(id)?.clone();
        calls.spawn(async move { link.all(&pipeline).await });
    }
    while let Some(done) = calls.join_next().await {
        done.map_err(|error| Failure::new(Kind::Internal, error.to_string()))??;
    }
    Ok(())
}

/// `CLUSTER SETSLOT <slot> <words…>` for each slot.
pub fn setslot(slots: &[Slot], words: &[&str]) -> Pipeline {
    let start = Words::of(&["CLUSTER", "SETSLOT"]);
    slots
        .iter()
        .map(|slot| words.iter().fold(start.clone().and(slot.to_string()), |command, word| command.and(word)))
        .collect()
}

/// How a node is made the owner of slots that it imports.
///
/// Redis 7 and Valkey tell every other node at once, in a packet with all their slots, for each slot that they are made the owner of while they import it:
/// for a batch of slots with few keys that costs a third of the time. So most stop importing first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taking {
    /// In one transaction: a client must not find a slot that is not imported any more, and not owned yet.
    ///
    /// It is one packet, with the whole batch. A Redis before 7.2.2 (redis#12564) that hears of the owner by SETSLOT, and then by
    /// a packet from before that does not claim the slot, remembers for good that nobody claims it. Made its owner itself one
    /// day, it gives the slot to whoever claims it next, as old as the claim may be, and deletes the keys.
    AtOnce,
    /// In one write, which the node does in one go, and in two packets. Valkey asserts that SETSLOT is in no transaction where a replica has to have it first, and
    /// nobody knows whether one comes right now. Does one come, clients may be sent to and fro for a moment.
    InOneGo,
    /// Slot by slot: SETSLOT waits for replicas, or the server is one of which we do not know what it does.
    EachByItself,
}

impl Taking {
    pub fn of(topology: &Topology, target: NodeId) -> Taking {
        let facts = topology.node(target).and_then(|node| node.facts.as_ref());
        if facts.is_some_and(|facts| facts.is_redis) {
            Taking::AtOnce
        } else if facts.is_some_and(|facts| facts.is_valkey) && topology.replicas_of(target).is_empty() {
            Taking::InOneGo
        } else {
            Taking::EachByItself
        }
    }
}

/// How many slots a server is told of in one write, so that it reads it as one.
const READ_AS_ONE: usize = 64;

/// Makes the node `owner`, whose id is `me`, the owner of slots that it imports.
pub async fn take_over(owner: &Link, slots: &[Slot], me: &str, taking: Taking) -> Result<(), Failure> {
    match taking {
        Taking::EachByItself => {
            owner.all(&setslot(slots, &["NODE", me])).await?;
        }
        Taking::InOneGo => {
            for some in slots.chunks(READ_AS_ONE) {
                owner.all(&in_one_go(some, me)).await?;
            }
        }
        Taking::AtOnce => {
            let replies = owner.all(&at_once(slots, me)).await?;
            match replies.last() {
                Some(Reply::Array(results)) => check(owner, "CLUSTER SETSLOT", results)?,
                other => {
                    let reply = other.unwrap_or(&Reply::Null);
                    return Err(owner.unexpected(&Words::of(&["EXEC"]), reply).into());
                }
            }
        }
    }
    Ok(())
}

/// The last gives the node a new epoch, and has it tell the others.
fn at_once(slots: &[Slot], me: &str) -> Pipeline {
    let mut pipeline = Pipeline::default();
    pipeline.add(Words::of(&["MULTI"]));
    for (index, slot) in slots.iter().enumerate() {
        take(&mut pipeline, *slot, me, index + 1 == slots.len());
    }
    pipeline.add(Words::of(&["EXEC"]));
    pipeline
}

/// The first gives the node a new epoch, so that it claims no slot with an older one than its source has; the last has it tell the others.
fn in_one_go(slots: &[Slot], me: &str) -> Pipeline {
    let mut pipeline = Pipeline::default();
    for (index, slot) in slots.iter().enumerate() {
        take(&mut pipeline, *slot, me, index == 0 || index + 1 == slots.len());
    }
    pipeline
}

fn take(pipeline: &mut Pipeline, slot: Slot, me: &str, importing: bool) {
    let command = Words::of(&["CLUSTER", "SETSLOT"]).and(slot.to_string());
    if !importing {
        pipeline.add(command.clone().and("STABLE"));
    }
    pipeline.add(command.and("NODE").and(me));
}

/// One that has become a replica meanwhile moves nothing any more.
pub async fn close(cluster: &Cluster, node: &NodeRef, slots: &SlotSet) -> Result<(), Failure> {
    let slots: Vec<_> = slots.iter().collect();
    let link = cluster.link(node.id)?;
    let closed = link.pipeline(&setslot(&slots, &["STABLE"])).await?;
    if first_error(&closed).is_some_and(|error| error.contains("only with masters")) {
        return Ok(());
    }
    check(link, "CLUSTER SETSLOT", &closed)
}

/// The new owner first; its epoch is raised so that its claim wins over what others remember.
pub async fn set_owner(cluster: &Cluster, node: &NodeRef, slots: &SlotSet) -> Result<(), Failure> {
    let slots: Vec<_> = slots.iter().collect();
    let id = node.id.to_string();
    let owner = cluster.link(node.id)?;
    owner.all(&setslot(&slots, &["NODE", &id])).await?;
    // BUMPED or STILL; both are fine.
    owner.call(Words::of(&["CLUSTER", "BUMPEPOCH"])).await?;
    for other in other_masters(cluster, &[node.id]) {
        other.all(&setslot(&slots, &["NODE", &id])).await?;
    }
    Ok(())
}

/// Above all that the node knows of. One that has the highest already keeps it.
pub async fn bump_epoch(cluster: &Cluster, node: &NodeRef) -> Result<(), Failure> {
    cluster.link(node.id)?.call(Words::of(&["CLUSTER", "BUMPEPOCH"])).await?;
    Ok(())
}

/// The connections to all masters that answer, except these.
pub fn other_masters(cluster: &Cluster, except: &[NodeId]) -> Vec<Link> {
    let masters =
        cluster.topology.nodes.values().filter(|node| node.is_master() && !except.contains(&node.id));
    masters.filter_map(|node| cluster.links.get(&node.id).cloned()).collect()
}

/// The first reply that is an error.
pub fn first_error(replies: &[Reply]) -> Option<&str> {
    replies.iter().find_map(|reply| if let Reply::Error(error) = reply { Some(error.as_str()) } else { None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::rebalance::tests::{id, topology};
    use crate::topology::Role;

    #[test]
    fn of_many_slots_the_last_is_taken_while_importing_and_in_one_go_the_first_too() {
        let stable = |count: usize, pipeline: fn(&[Slot], &str) -> Pipeline| {
            let slots: Vec<_> = Slot::all().take(count).collect();
            let said = format!("{:?}", pipeline(&slots, "me"));
            assert_eq!(said.matches("NODE").count(), count);
            said.matches("STABLE").count()
        };
        assert_eq!([0, 1, 2, 64].map(|count| stable(count, at_once)), [0, 0, 1, 63]);
        assert_eq!([0, 1, 2, 3, 64].map(|count| stable(count, in_one_go)), [0, 0, 0, 1, 62]);
    }

    #[test]
    fn how_slots_are_taken_goes_by_what_the_target_is_and_whether_it_has_replicas() {
        let mut topology = topology(&[8192, 8192, 0]);
        let mut taking = |is_redis, is_valkey, has_replica| {
            let facts = topology.nodes.get_mut(&id(2)).and_then(|node| node.facts.as_mut()).unwrap();
            (facts.is_redis, facts.is_valkey) = (is_redis, is_valkey);
            topology.nodes.get_mut(&id(3)).unwrap().role =
                if has_replica { Role::ReplicaOf(id(2)) } else { Role::Master };
            Taking::of(&topology, id(2))
        };
        assert_eq!([false, true].map(|has| taking(true, false, has)), [Taking::AtOnce; 2]);
        assert_eq!(
            [false, true].map(|has| taking(false, true, has)),
            [Taking::InOneGo, Taking::EachByItself]
        );
        assert_eq!([false, true].map(|has| taking(false, false, has)), [Taking::EachByItself; 2]);
    }
}
