//! `rcl scale-down`: takes a node out, with nothing lost.

use super::change::{carry_out, entry_for};
use super::moving::MoveArgs;
use crate::cli::{Failure, Manners, Session};
use crate::connect::Cluster;
use crate::plan::scale_down;

/// Takes a node out of the cluster
///
/// Its slots are moved off first, its replicas get other masters, all nodes forget it, and it is reset to an
/// empty node of its own. Refused when the nodes that stay could not hold its data or would be too few.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The node: host:port, or its id or the id's unique beginning (with --entry)
    #[arg(value_name = "NODE")]
    pub node: String,

    #[command(flatten)]
    pub moving: MoveArgs,
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let entry = entry_for(session, &args.node)?;
    let cluster = Cluster::observe(&session.connector, &entry).await?;
    let node = cluster.find(&args.node)?.id;
    let plan = scale_down::plan(&cluster.topology, node)?;
    carry_out(session, &cluster, &plan, Manners::AskOnTerminal, args.moving.settings()).await
}
