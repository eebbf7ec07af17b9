//! `rcl forget`: dead and ghost nodes out of everybody's view.

use rcl_proto::Address;

use super::change::{carry_out, entry_for};
use crate::apply::Settings;
use crate::cli::{Failure, Manners, Session};
use crate::connect::Cluster;
use crate::plan::{Plan, forget};
use crate::topology::Node;

/// Makes all nodes forget nodes that are gone
///
/// All that answer are told at once and are looked at until none of them knows the node, since one that still does would tell the
/// others again. Who cannot be told is named. A node that lives, owns slots or has replicas that live is not forgotten.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rcl forget 07c37dfeb235 --entry 10.0.0.1:6379
  rcl forget --dead --entry 10.0.0.1:6379")]
pub struct Args {
    /// The nodes: ids or their unique beginnings, or the host:port that they had
    #[arg(value_name = "NODE", required_unless_present = "dead")]
    pub nodes: Vec<String>,

    /// All nodes that the others call failed or cannot place, and that nobody needs
    #[arg(long, conflicts_with_all = ["nodes", "with_slots"])]
    pub dead: bool,

    /// Also a dead node that owns slots: the keys in them are lost
    #[arg(long)]
    pub with_slots: bool,
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let entry: Address = entry_for(session, args.nodes.first().map_or("--dead", String::as_str))?;
    let cluster = Cluster::observe(&session.connector, &entry).await?;
    let nodes = if args.dead {
        forget::dead(&cluster.topology)
    } else {
        args.nodes.iter().map(|name| find(&cluster, name).map(|node| node.id)).collect::<Result<_, _>>()?
    };
    let plan = match nodes.as_slice() {
        [] => Plan::new("forget dead nodes", Vec::new(), &cluster.topology),
        nodes => forget::plan(&cluster.topology, nodes, args.with_slots)?,
    };
    carry_out(session, &cluster, &plan, Manners::MustConfirm, Settings::default()).await
}

/// A node that was set up anew has the address of its ghost: meant is the one that does not answer.
fn find<'a>(cluster: &'a Cluster, name: &str) -> Result<&'a Node, Failure> {
    if let Ok(address) = name.parse::<Address>() {
        let silent = |node: &&Node| node.is_at(&address) && !node.answers();
        let mut ghosts = cluster.topology.nodes.values().filter(silent);
        if let (Some(ghost), None) = (ghosts.next(), ghosts.next()) {
            return Ok(ghost);
        }
    }
    cluster.find(name)
}
