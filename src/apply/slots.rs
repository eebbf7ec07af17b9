//! Who owns a slot, where no key has to move.

use std::collections::BTreeMap;

use rcl_proto::resp::Reply;
use rcl_proto::{NodeId, Slot, SlotSet};
use tokio::task::JoinSet;

use super::keys::check;
use crate::cli::{Failure, Kind};
use crate::connect::{Cluster, Link, Pipeline, Words};
use crate::plan::{NodeRef, Step};

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

/// Makes the node `owner`, whose id is `me`, the owner of slots that it imports.
pub async fn take_over(owner: &Link, slots: &[Slot], me: &str, is_redis: bool) -> Result<(), Failure> {
    if !is_redis {
        owner.all(&setslot(slots, &["NODE", me])).await?;
        return Ok(());
    }
    let replies = owner.all(&at_once(slots, me)).await?;
    match replies.last() {
        Some(Reply::Array(results)) => check(owner, "CLUSTER SETSLOT", results),
        other => Err(owner.unexpected(&Words::of(&["EXEC"]), other.unwrap_or(&Reply::Null)).into()),
    }
}

/// Redis 7 tells every other node at once, in a packet with all its slots, when it is made the owner of a slot while it
/// imports it; for each slot of a batch that costs a third of the time that slots with few keys need. So all but the last
/// stop importing first; in a transaction, for a client must not find a slot between the two.
///
/// It is one packet, with the whole batch. A Redis before 7.2.2 (redis#12564) that hears of the owner by SETSLOT, and then by
/// a packet from before that does not claim the slot, remembers for good that nobody claims it. Made its owner itself one
/// day, it gives the slot to whoever claims it next, as old as the claim may be, and deletes the keys.
fn at_once(slots: &[Slot], me: &str) -> Pipeline {
    let mut pipeline = Pipeline::default();
    pipeline.add(Words::of(&["MULTI"]));
    for (index, slot) in slots.iter().enumerate() {
        let command = Words::of(&["CLUSTER", "SETSLOT"]).and(slot.to_string());
        if index + 1 < slots.len() {
            pipeline.add(command.clone().and("STABLE"));
        }
        pipeline.add(command.and("NODE").and(me));
    }
    pipeline.add(Words::of(&["EXEC"]));
    pipeline
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

    #[test]
    fn of_many_slots_the_last_is_taken_while_importing() {
        let stable = |count: usize| {
            let slots: Vec<_> = Slot::all().take(count).collect();
            format!("{:?}", at_once(&slots, "me")).matches("STABLE").count()
        };
        assert_eq!([0, 1, 2, 64].map(stable), [0, 0, 1, 63]);
    }
}
