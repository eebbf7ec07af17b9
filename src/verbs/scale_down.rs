//! `rcl scale-down`: takes a node out, with nothing lost.

use super::change::{carry_out, entry_for};
use super::moving::MoveArgs;
use super::zones::ZoneArgs;
use crate::cli::{Failure, Manners, Session};
use crate::connect::Cluster;
use crate::keys::slot_use::count_keys;
use crate::plan::placement::tell_zones;
use crate::plan::scale_down;

/// Takes a node out of the cluster
///
/// Its slots are moved off first, its replicas get other masters, all nodes forget it, and it is reset to an
/// empty node of its own. Refused when the nodes that stay could not hold its data or would be too few. A node that
/// is to stay in the cluster, empty, is drained (rcl drain).
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The node: host:port, or its id or the id's unique beginning (with --entry)
    #[arg(value_name = "NODE")]
    pub node: String,

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
    let plan = scale_down::plan(&cluster.topology, node)?;
    carry_out(session, &cluster, &plan, Manners::AskOnTerminal, args.moving.settings()).await
}
