//! `rcl drain`: empties a node, which stays in the cluster.

use super::change::{carry_out, entry_for};
use super::moving::MoveArgs;
use super::zones::ZoneArgs;
use crate::cli::{Failure, Manners, Session};
use crate::connect::Cluster;
use crate::keys::slot_use::count_keys;
use crate::plan::placement::tell_zones;
use crate::plan::{drain, scale_down};

/// Empties a node, which stays in the cluster
///
/// A master's slots, with their keys, go to the other masters and its replicas get other masters; a replica gives its role up. What
/// is left is a master without slots, replicas and data, that can be taken down. Back again, it gets slots by rcl rebalance
/// --use-empty-masters; or rcl undo takes the drain back.
///
/// rcl scale-down does the same and then takes the node out: all forget it, and it is reset. So does drain --remove. To take a master
/// down for a moment without moving its data, promote a replica of it (rcl failover).
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The node: host:port, or its id or the id's unique beginning (with --entry)
    #[arg(value_name = "NODE")]
    pub node: String,

    /// Takes it out of the cluster, too
    #[arg(long)]
    pub remove: bool,

    #[command(flatten)]
    pub zones: ZoneArgs,

    #[command(flatten)]
    pub moving: MoveArgs,
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let entry = entry_for(session, &args.node)?;
    let mut cluster = Cluster::observe(&session.connector, &entry).await?;
    let node = cluster.find(&args.node)?.id;
    tell_zones(&mut cluster.topology, &args.zones.zone)?;
    count_keys(&mut cluster).await?;
    // Who looks for the cluster later asks one that stays in it.
    if let Some((_, other)) = cluster.links.iter().find(|(id, _)| **id != node)
        && cluster.topology.node(node).is_some_and(|node| node.is_at(&cluster.entry))
    {
        cluster.entry = other.address().clone();
    }
    let plan = match args.remove {
        true => scale_down::plan(&cluster.topology, node)?,
        false => drain::plan(&cluster.topology, node)?,
    };
    carry_out(session, &cluster, &plan, Manners::AskOnTerminal, args.moving.settings()).await
}
