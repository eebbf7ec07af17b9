//! `rcl reset`: a node lone and empty.

use super::change::{carry_out, entry_for};
use crate::apply::Settings;
use crate::cli::{Failure, Manners, Session};
use crate::connect::Cluster;
use crate::plan::reset::{self, Wish};

/// Makes a node lone and empty, ready for another cluster
///
/// All other nodes that answer forget it. Refused while it owns slots, holds keys or has replicas; rcl scale-down is the way to
/// take a node out with nothing lost. Cannot be undone.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rcl reset 10.0.0.7:6379
  rcl reset 10.0.0.7:6379 --lose-keys --soft")]
pub struct Args {
    /// The node: host:port, or its id or the id's unique beginning (with --entry)
    #[arg(value_name = "NODE")]
    pub node: String,

    /// It keeps its id and its epochs; else it is a new node
    #[arg(long)]
    pub soft: bool,

    /// Also when it owns slots: nobody serves them then
    #[arg(long)]
    pub lose_slots: bool,

    /// Also when it holds keys: they are deleted
    #[arg(long)]
    pub lose_keys: bool,
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let entry = entry_for(session, &args.node)?;
    let cluster = Cluster::observe(&session.connector, &entry).await?;
    let node = cluster.find(&args.node)?.id;
    let wish = Wish { soft: args.soft, lose_slots: args.lose_slots, lose_keys: args.lose_keys };
    let plan = reset::plan(&cluster.topology, node, wish)?;
    carry_out(session, &cluster, &plan, Manners::MustConfirm, Settings::default()).await
}
