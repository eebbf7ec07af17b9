//! Whether this node answers a request, or which one does: MOVED, ASK, TRYAGAIN, CROSSSLOT, CLUSTERDOWN.
//!
//! Decided under the lock of the slot's shard, by the map that lies in it, so that a slot cannot change hands
//! between the answer and the command. The rules, in order (source: the Redis Cluster specification, and
//! redis-server's behaviour where it is silent):
//!
//! 1. Keys of several slots: CROSSSLOT.
//! 2. Nobody owns the slot: CLUSTERDOWN.
//! 3. The cluster is down: CLUSTERDOWN, unless reads (or sharded pub/sub) are allowed meanwhile.
//! 4. MIGRATE acts on a slot that is open here, in either direction.
//! 5. We own the slot, it is migrating, and keys are missing: ASK when all are, TRYAGAIN when some are.
//! 6. The slot is importing and the client said ASKING: served, but TRYAGAIN when there are several different keys and
//!    some are missing. A sharded channel is never missing.
//! 7. READONLY was said, we are a replica of the owner and the command only reads: served.
//! 8. MOVED to the owner, unless that is us.

use rcl_cluster::{ClusterMap, ClusterState, MapNode, NodeIndex, SlotOwner};
use rcl_proto::Slot;

use crate::command::{CommandError, CommandSpec, spec::flag};
use crate::config::EndpointType;

/// What of the client matters here.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asker {
    pub asking: bool,
    pub readonly: bool,
}

pub const CROSS_SLOT: CommandError =
    CommandError::fixed("CROSSSLOT Keys in request don't hash to the same slot");
const TRY_AGAIN: CommandError =
    CommandError::fixed("TRYAGAIN Multiple keys request during rehashing of slot");
const NOT_SERVED: CommandError = CommandError::fixed("CLUSTERDOWN Hash slot not served");
pub const DOWN: CommandError = CommandError::fixed("CLUSTERDOWN The cluster is down");
pub const DOWN_FOR_WRITES: CommandError =
    CommandError::fixed("CLUSTERDOWN The cluster is down and only accepts read commands");

/// The cluster, or this slot, is not served.
pub fn is_down(error: &CommandError) -> bool {
    error.code() == "CLUSTERDOWN"
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    pub spec: &'static CommandSpec,
    pub is_write: bool,
    pub slot: Slot,
    /// What lies in the slot is a sharded channel.
    pub is_channel: bool,
    pub asker: Asker,
    pub endpoint: EndpointType,
}

/// `Ok` when this node is the one to answer. `count_keys` tells how many keys the request has and how many of
/// them are not here; it is asked only where the slot is open.
pub fn route(
    map: &ClusterMap,
    question: &Question,
    count_keys: impl Fn() -> (usize, usize),
) -> Result<(), CommandError> {
    let &Question { spec, is_write, slot, is_channel, asker, endpoint } = question;
    let owner = map.owner(slot);
    if owner == SlotOwner::Myself && map.migrating.is_empty() && map.state == ClusterState::Ok {
        return Ok(());
    }
    if owner == SlotOwner::Nobody {
        return Err(NOT_SERVED);
    }
    serves_now(map, is_write, is_channel)?;
    let migrating_to = map.migrating_to(slot).filter(|_| owner == SlotOwner::Myself && !is_channel);
    let importing = map.importing_from(slot).is_some();
    if (migrating_to.is_some() || importing) && spec.name == "migrate" {
        return Ok(());
    }
    if let Some(to) = migrating_to {
        return match count_keys() {
            (_, 0) => Ok(()),
            (all, missing) if all == missing => Err(redirect(map, "ASK", slot, to, endpoint)),
            _ => Err(TRY_AGAIN),
        };
    }
    if importing && (asker.asking || spec.has(flag::ASKING)) {
        return match count_keys() {
            (all, missing) if all > 1 && missing > 0 && !is_channel => Err(TRY_AGAIN),
            _ => Ok(()),
        };
    }
    match owner {
        SlotOwner::Other(owner)
            if (asker.readonly || is_channel) && !is_write && map.my_master() == Some(owner) =>
        {
            Ok(())
        }
        SlotOwner::Other(owner) => Err(redirect(map, "MOVED", slot, owner, endpoint)),
        SlotOwner::Myself | SlotOwner::Nobody => Ok(()),
    }
}

/// Whether a client that waits on keys of `slot` goes on waiting. It does while this node owns the slot or is taking it
/// over; a migrating slot is ours until it is gone. Reads that are allowed while the cluster is down do not help: what it
/// waits for comes by a write.
pub fn route_waiting(map: &ClusterMap, slot: Slot, endpoint: EndpointType) -> Result<(), CommandError> {
    if map.state != ClusterState::Ok {
        return Err(DOWN);
    }
    match map.owner(slot) {
        SlotOwner::Myself => Ok(()),
        _ if map.importing_from(slot).is_some() => Ok(()),
        SlotOwner::Nobody => Err(NOT_SERVED),
        SlotOwner::Other(owner) => Err(redirect(map, "MOVED", slot, owner, endpoint)),
    }
}

fn serves_now(map: &ClusterMap, is_write: bool, is_channel: bool) -> Result<(), CommandError> {
    if map.state == ClusterState::Ok {
        return Ok(());
    }
    if is_channel {
        return if map.allow_pubsubshard_when_down { Ok(()) } else { Err(DOWN) };
    }
    match (map.allow_reads_when_down, is_write) {
        (false, _) => Err(DOWN),
        (true, true) => Err(DOWN_FOR_WRITES),
        (true, false) => Ok(()),
    }
}

fn redirect(map: &ClusterMap, word: &str, slot: Slot, to: NodeIndex, endpoint: EndpointType) -> CommandError {
    match map.node(to) {
        Some(node) => CommandError::new(format!("{word} {slot} {}:{}", host(node, endpoint), node.port)),
        None => NOT_SERVED,
    }
}

/// How a node is named to clients.
pub fn host(node: &MapNode, endpoint: EndpointType) -> &str {
    match endpoint {
        EndpointType::Ip => &node.ip,
        EndpointType::Hostname if node.hostname.is_empty() => "?",
        EndpointType::Hostname => &node.hostname,
        EndpointType::UnknownEndpoint => "",
    }
}

#[cfg(test)]
mod tests;
