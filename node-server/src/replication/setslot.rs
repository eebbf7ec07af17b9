//! SETSLOT goes to the replicas first: sent down the stream, acknowledged, and only then run by the master. So a
//! replica that takes over in the middle of a slot's move knows of it.
//!
//! Only where every connected replica knows what to do with it, which it says by its version (REPLCONF version): Valkey 8
//! and our own. The stream is one for all, so beside a single older one nothing is sent, and the master runs SETSLOT
//! alone as it always did. An older replica that comes later with a place in the log before such a record gets a full
//! copy. Source: Valkey 8's CLUSTER SETSLOT; that it spares all older replicas is ours.

use std::sync::Arc;

use rcl_proto::resp::OwnedArgs;

use super::{LogPosition, Replication, wait};
use crate::client::WakeHandle;
use crate::command::CommandError;
use crate::node::Node;
use crate::pause::{PauseControl, PauseLevel};

/// The version of Valkey whose replicas do what this node does as a replica.
pub const ANNOUNCED_VERSION: &str = "8.0.0";
/// The last version that does not know SETSLOT from its master.
const LAST_WITHOUT: u32 = 0x0007_02ff;
/// A cluster has this database alone.
const DATABASE: usize = 0;

const NO_REPLICAS: CommandError = CommandError::fixed("NOREPLICAS Not enough good replicas to write.");
const FAILING_OVER: CommandError =
    CommandError::fixed("ERR A manual failover is going on. Try SETSLOT again when it is over");

/// `8.0.1` as 0x080001; `None` for what is no version.
pub fn parse_version(text: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(text).ok()?;
    let mut parts = text.split('.').map(|part| part.parse::<u8>().ok());
    let version = (0..3).try_fold(0, |version, _| Some(version << 8 | u32::from(parts.next()??)));
    version.filter(|_| parts.next().is_none())
}

/// Whether a replica of this version knows SETSLOT from its master.
pub fn knows_setslot(version: u32) -> bool {
    version > LAST_WITHOUT
}

impl Replication {
    /// How many replicas are to run SETSLOT before this node does: those that are online, if all that are connected
    /// know how.
    pub fn setslot_audience(&self) -> usize {
        let links = self.lock_links();
        let all_know = links.iter().all(|link| knows_setslot(link.version));
        if all_know { links.iter().filter(|link| link.is_online()).count() } else { 0 }
    }
}

/// Sends SETSLOT down the stream. `then` hears when all online replicas have it, or why not; `timeout_ms` of 0 waits
/// for ever. The caller may be the control thread: all is done on the replication thread, in the order of the calls.
pub fn replicate(
    node: &Arc<Node>,
    (client, wait): (u64, WakeHandle),
    setslot: OwnedArgs,
    timeout_ms: u64,
    then: impl FnOnce(Result<(), CommandError>) + Send + 'static,
) {
    let task_node = node.clone();
    node.replication.spawn(async move {
        match append(&task_node, &setslot) {
            Appended::ForNobody => then(Ok(())),
            Appended::HeldBack => then(Err(FAILING_OVER)),
            Appended::Until { end, replicas } => {
                let done = move |acknowledged| {
                    then(if acknowledged >= replicas { Ok(()) } else { Err(NO_REPLICAS) });
                };
                let wanted = wait::Wanted { offset: end, replicas, in_files: None, timeout_ms };
                wait::wait_for_replicas(&task_node, client, wait, wanted, Some(Box::new(done)));
            }
        }
    });
}

enum Appended {
    Until {
        end: LogPosition,
        replicas: i64,
    },
    /// The replicas have changed meanwhile.
    ForNobody,
    /// A replica that takes over waits for the very offset at which writes stopped.
    HeldBack,
}

fn append(node: &Node, setslot: &OwnedArgs) -> Appended {
    // The pause lies in the shards, so the look at it and the append are one step.
    let shard = node.shards.lock(0);
    if shard.pause != PauseLevel::None && PauseControl::is_failing_over(&node.pause) {
        return Appended::HeldBack;
    }
    let links = node.replication.lock_links();
    let online = links.iter().filter(|link| link.is_online()).count();
    if online == 0
        || !node.replication.writes_its_own_log()
        || !links.iter().all(|link| knows_setslot(link.version))
    {
        return Appended::ForNobody;
    }
    let end = node.replication.with_log(|log| log.append_setslot(DATABASE, setslot.as_args()));
    Appended::Until { end, replicas: online as i64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_three_small_numbers() {
        assert_eq!(parse_version(b"8.0.1"), Some(0x0008_0001));
        assert_eq!(parse_version(b"7.2.255"), Some(LAST_WITHOUT));
        for wrong in ["", "8", "8.0", "8.0.1.2", "8.0.x", "8.0.256", "-1.0.0", "255.255.255.255"] {
            assert_eq!(parse_version(wrong.as_bytes()), None, "{wrong}");
        }
        assert!(knows_setslot(parse_version(ANNOUNCED_VERSION.as_bytes()).unwrap()));
        assert!(!knows_setslot(0) && !knows_setslot(LAST_WITHOUT) && knows_setslot(0x0008_0000));
    }
}
