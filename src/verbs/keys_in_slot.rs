//! `rcl keys-in-slot`: which keys lie in a slot, and on which nodes.

use rcl_proto::resp::Reply;
use rcl_proto::{Address, Slot, key_slot};
use serde::Serialize;

use crate::cli::{Failure, Session};
use crate::connect::{Cluster, Link, Words};
use crate::keys::key_text;
use crate::output::{Paint, Report, count, paint};

/// Shows the keys of a slot, on whichever masters they lie
///
/// Also those on nodes that do not own the slot, as an aborted move leaves them.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Any node of the cluster
    #[arg(value_name = "HOST:PORT", env = "RCL_ENTRY")]
    pub entry: Address,

    /// The slot's number
    #[arg(value_name = "SLOT", required_unless_present = "of_key", conflicts_with = "of_key")]
    pub slot: Option<u16>,

    /// The slot of this key
    #[arg(long, value_name = "KEY")]
    pub of_key: Option<String>,

    /// How many keys to show of a node
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    pub limit: u64,
}

#[derive(Debug, Serialize)]
struct InSlot {
    slot: u16,
    owner: Option<String>,
    nodes: Vec<OnNode>,
}

/// What one master holds of the slot.
#[derive(Debug, Serialize)]
struct OnNode {
    node: String,
    is_owner: bool,
    count: u64,
    keys: Vec<String>,
}

impl Report for InSlot {
    fn text(&self) -> String {
        let owner = self.owner.as_deref().unwrap_or("nobody");
        let mut lines = vec![format!("slot {}  owner {owner}", self.slot)];
        for node in &self.nodes {
            let keys = if node.count == 1 { "key" } else { "keys" };
            let note = if node.is_owner {
                String::new()
            } else {
                paint(Paint::Warn, "  does not own the slot: see rcl check")
            };
            lines.push(format!("{}  {} {keys}{note}", node.node, count(node.count)));
            lines.extend(node.keys.iter().map(|key| format!("  {key}")));
            let left = node.count.saturating_sub(node.keys.len() as u64);
            if left > 0 {
                lines.push(format!("  and {} more (--limit)", count(left)));
            }
        }
        lines.join("\n")
    }
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let slot = match (&args.of_key, args.slot) {
        (Some(key), _) => key_slot(key.as_bytes()),
        (None, number) => {
            number.and_then(Slot::new).ok_or_else(|| Failure::usage("a slot is a number from 0 to 16383"))?
        }
    };
    let cluster = Cluster::observe(&session.connector, &args.entry).await?;
    let owner = cluster.topology.owner(slot);
    let mut nodes = Vec::new();
    for master in cluster.topology.masters() {
        let is_owner = owner == Some(master.id);
        let link = match cluster.link(master.id) {
            Ok(link) => link,
            // Of others it would only be said what they should not have.
            Err(_) if !is_owner => continue,
            Err(failure) => return Err(failure),
        };
        let (count, keys) = keys_of(link, slot, args.limit).await?;
        if is_owner || count > 0 {
            let keys = keys.iter().map(|key| key_text(key)).collect();
            nodes.push(OnNode { node: master.name(), is_owner, count, keys });
        }
    }
    let owner = owner.map(|owner| cluster.topology.name(owner));
    session.output.print(&InSlot { slot: slot.number(), owner, nodes });
    Ok(())
}

/// How many keys of the slot the node holds, and the first of them.
async fn keys_of(link: &Link, slot: Slot, limit: u64) -> Result<(u64, Vec<Vec<u8>>), Failure> {
    let ask = Words::of(&["CLUSTER", "COUNTKEYSINSLOT"]).and(slot.to_string());
    let count = match link.call(ask.clone()).await? {
        Reply::Integer(count) => u64::try_from(count).unwrap_or(0),
        other => return Err(link.unexpected(&ask, &other).into()),
    };
    if count == 0 || limit == 0 {
        return Ok((count, Vec::new()));
    }
    let ask = Words::of(&["CLUSTER", "GETKEYSINSLOT"]).and(slot.to_string()).and(limit.to_string());
    match link.call(ask.clone()).await? {
        Reply::Array(keys) => {
            let mut keys: Vec<Vec<u8>> =
                keys.iter().filter_map(|key| key.as_bytes().map(<[u8]>::to_vec)).collect();
            keys.sort();
            Ok((count.max(keys.len() as u64), keys))
        }
        other => Err(link.unexpected(&ask, &other).into()),
    }
}
