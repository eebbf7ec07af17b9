//! `rcl failover`: replicas take their masters' places.

use super::change::{carry_out, entry_for};
use crate::apply::Settings;
use crate::cli::{Failure, Manners, Session};
use crate::connect::Cluster;
use crate::plan::FailoverMode;
use crate::plan::failover::{self, Whom, Wish};

/// Makes replicas the masters of their shards
///
/// NODE is the replica; a master stands for the replica of its that is furthest. With --host or --zone all masters there hand over
/// to replicas elsewhere, before the host is taken down. Waits until it is done and says what happened.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("whom").required(true), after_help = "Examples:
  rcl failover 10.0.0.5:6379
  rcl failover --host 10.0.0.1 --entry 10.0.0.2:6379
  rcl failover --zone a --zones 10.0.0.1=a,10.0.0.2=b --entry 10.0.0.2:6379")]
pub struct Args {
    /// The node: host:port, or its id or the id's unique beginning (with --entry)
    #[arg(value_name = "NODE", group = "whom")]
    pub node: Option<String>,

    /// All masters on this host (with --entry)
    #[arg(long, value_name = "HOST", group = "whom")]
    pub host: Option<String>,

    /// All masters in this zone (with --entry)
    #[arg(long, value_name = "ZONE", group = "whom")]
    pub zone: Option<String>,

    /// Which zones hosts are in, where the nodes do not say so themselves (Valkey's availability-zone)
    #[arg(long, value_name = "HOST=ZONE", value_delimiter = ',', value_parser = parse_zone)]
    pub zones: Vec<(String, String)>,

    /// Leaves shards as they are that have no replica to take over
    #[arg(long, conflicts_with = "node")]
    pub skip: bool,

    /// Does not ask the master, which may be dead; a majority of the masters must vote
    #[arg(long, conflicts_with = "takeover")]
    pub force: bool,

    /// Asks nobody: for when most masters are gone
    #[arg(long)]
    pub takeover: bool,
}

fn parse_zone(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').filter(|(host, zone)| !host.is_empty() && !zone.is_empty());
    parts
        .map(|(host, zone)| (host.to_owned(), zone.to_owned()))
        .ok_or_else(|| "expected HOST=ZONE, as 10.0.0.1=eu-1a".to_owned())
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let place = args.host.as_ref().or(args.zone.as_ref());
    let entry = entry_for(session, args.node.as_ref().or(place).map_or("", String::as_str))?;
    let cluster = Cluster::observe(&session.connector, &entry).await?;
    let whom = match (&args.node, &args.host, &args.zone) {
        (Some(node), ..) => Whom::Node(cluster.find(node)?.id),
        (_, Some(host), _) => Whom::Host(host.clone()),
        (.., Some(zone)) => Whom::Zone(zone.clone()),
        _ => return Err(Failure::usage("name a NODE, a --host or a --zone")),
    };
    let mode = match (args.force, args.takeover) {
        (true, _) => FailoverMode::Force,
        (_, true) => FailoverMode::Takeover,
        _ => FailoverMode::Graceful,
    };
    let zones = args.zones.iter().cloned().collect();
    let plan = failover::plan(&cluster.topology, &Wish { whom, mode, skip: args.skip, zones })?;
    carry_out(session, &cluster, &plan, Manners::AskOnTerminal, Settings::default()).await
}
