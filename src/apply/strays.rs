//! Keys on a node that does not own their slot, deleted where they lie.
//!
//! A node answers for a slot that is not its own only while it imports it, and only to who says ASKING. So it is made importing: it
//! refuses that for a slot that it owns, which is what keeps this from ever touching a key that somebody can see.

use rcl_proto::resp::Reply;
use rcl_proto::{Slot, SlotSet};

use super::slots::setslot;
use super::survey::Survey;
use crate::cli::{Failure, Kind};
use crate::connect::{Cluster, Link, Pipeline, Words};
use crate::plan::NodeRef;

/// A node deletes so many in one go.
const KEYS_PER_WRITE: usize = 200;

/// How many there were.
pub async fn delete(cluster: &Cluster, node: &NodeRef, slots: &SlotSet) -> Result<u64, Failure> {
    let link = cluster.link(node.id)?;
    let mut deleted = 0;
    for slot in slots.iter() {
        let owner = cluster.topology.owner(slot).filter(|owner| *owner != node.id).ok_or_else(|| {
            Failure::new(Kind::Stopped, format!("slot {slot} has no other owner: its keys are not deleted"))
        })?;
        link.all(&setslot(&[slot], &["IMPORTING", &owner.to_string()])).await?;
        let gone = delete_all(link, slot).await;
        // In any case: an open slot would be found as such.
        let closed = link.all(&setslot(&[slot], &["STABLE"])).await;
        deleted += gone?;
        closed?;
    }
    Ok(deleted)
}

async fn delete_all(link: &Link, slot: Slot) -> Result<u64, Failure> {
    let mut deleted = 0;
    loop {
        let counts = Survey::of(link).count(&[slot]).await?;
        if counts.iter().all(|(_, keys)| *keys == 0) {
            return Ok(deleted);
        }
        let before = deleted;
        for (_, keys) in Survey::of(link).look(&counts).await? {
            for part in keys.chunks(KEYS_PER_WRITE) {
                let unlink = |key: &super::window::Weighed| {
                    [Words::of(&["ASKING"]), Words::of(&["UNLINK"]).and(&key.name)]
                };
                let replies = link.all(&part.iter().flat_map(unlink).collect::<Pipeline>()).await?;
                let gone = replies.iter().filter(|reply| matches!(reply, Reply::Integer(1))).count();
                deleted += gone as u64;
            }
        }
        if deleted == before {
            let what = format!("the keys of slot {slot} on {} are not to be deleted", link.address());
            return Err(
                Failure::new(Kind::Stopped, what).next("rcl keys-in-slot shows them; look at the node's log")
            );
        }
    }
}
