//! `rcl rolling-restart`: all nodes, one after the other.

use rcl_proto::Address;

use super::change::carry_out;
use crate::apply::Settings;
use crate::cli::{Failure, Manners, Session};
use crate::connect::Cluster;
use crate::plan::rolling::{self, Hook, Wish};

/// Restarts all nodes one after the other, without an error for clients
///
/// Replicas first. A master is restarted when a replica of its, in sync, has taken its place, and takes it again afterwards. Each
/// node must be back, in sync, and the cluster ok before the next one's turn; the first trouble ends it, and rcl resume goes on.
///
/// The hook is one command for each node, with {host}, {port}, {address} and {id} in place of the node's own. Its words are split
/// at blanks, quotes hold them together; no shell is between, unless the command is one: sh -c '… {port} …'. What it says is shown.
/// Plans and journals hold it: a secret does not belong into it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rcl rolling-restart 10.0.0.1:6379 --hook 'ssh {host} systemctl restart redis@{port}'
  rcl rolling-restart 10.0.0.1:6379 --hook 'kubectl delete pod {host}' --dry-run
  rcl rolling-restart 10.0.0.1:6379 --hook './upgrade.sh {address}' --node 10.0.0.4:6379")]
pub struct Args {
    /// Any node of the cluster
    #[arg(value_name = "HOST:PORT", env = "RCL_ENTRY")]
    pub entry: Address,

    /// The command that restarts a node
    #[arg(long, value_name = "COMMAND", value_parser = Hook::parse)]
    pub hook: Hook,

    /// Only this node: host:port, a node id, or its unique beginning. May be given several times
    #[arg(long, value_name = "NODE", value_delimiter = ',')]
    pub node: Vec<String>,

    /// Who took over stays the master
    #[arg(long)]
    pub no_failback: bool,

    /// Also masters without a replica in sync: their slots are not served meanwhile
    #[arg(long)]
    pub downtime: bool,

    /// How long the command may run, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86400))]
    pub hook_timeout: u64,

    /// How long a node may take to be back, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86400))]
    pub back_within: u64,
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let cluster = Cluster::observe(&session.connector, &args.entry).await?;
    let only =
        args.node.iter().map(|name| cluster.find(name).map(|node| node.id)).collect::<Result<_, _>>()?;
    let wish = Wish {
        hook: args.hook.clone(),
        only,
        failback: !args.no_failback,
        downtime: args.downtime,
        hook_limit_s: args.hook_timeout,
        back_limit_s: args.back_within,
    };
    let plan = rolling::plan(&cluster.topology, &wish)?;
    carry_out(session, &cluster, &plan, Manners::MustConfirm, Settings::default()).await
}
