//! `rcl fix`: closes open slots and covers uncovered ones.

use rcl_proto::resp::Reply;
use rcl_proto::{Address, Slot};

use super::change::carry_out;
use super::moving::MoveArgs;
use crate::cli::{Failure, Manners, Session};
use crate::connect::{Cluster, Pipeline, Words};
use crate::plan::fix::{self, KeyCounts};

/// Closes open slots and gives uncovered ones an owner
///
/// A move that was interrupted is finished. Slots without an owner go to the node that holds most of their
/// keys, else to the master with the fewest slots.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Any node of the cluster
    #[arg(value_name = "HOST:PORT", env = "RCL_ENTRY")]
    pub entry: Address,

    #[command(flatten)]
    pub moving: MoveArgs,
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let cluster = Cluster::observe(&session.connector, &args.entry).await?;
    let plan = fix::plan(&cluster.topology, &count_keys(&cluster).await?)?;
    carry_out(session, &cluster, &plan, Manners::MustConfirm, args.moving.settings()).await
}

/// Of all slots in question, on all masters that answer.
async fn count_keys(cluster: &Cluster) -> Result<KeyCounts, Failure> {
    let slots: Vec<Slot> = fix::slots_in_question(&cluster.topology).iter().collect();
    let mut counts = KeyCounts::new();
    for node in cluster.topology.nodes.values().filter(|node| node.is_master() && node.answers()) {
        let ask = |slot: &Slot| Words::of(&["CLUSTER", "COUNTKEYSINSLOT"]).and(slot.to_string());
        let replies = cluster.link(node.id)?.all(&slots.iter().map(ask).collect::<Pipeline>()).await?;
        for (slot, reply) in slots.iter().zip(replies) {
            if let Reply::Integer(count @ 1..) = reply {
                counts.entry(*slot).or_default().insert(node.id, count.unsigned_abs());
            }
        }
    }
    Ok(counts)
}
