//! `rcl doctor`: check, and everything about the ground that the cluster stands on.

use rcl_proto::Address;

use super::check::{Shown, tell};
use crate::cli::{Failure, Session};
use crate::connect::{self, Cluster};
use crate::health;

const EXAMPLES: &str = "\
Examples:
  rcl doctor 10.0.0.1:6379
  rcl doctor 10.0.0.1:6379 --ignore no-maxmemory --strict";

/// Checks the cluster and what it stands on, against a production checklist
///
/// All that rcl check looks at; and who gets in (passwords, the bus), whether announced addresses and bus ports answer, versions,
/// memory limits, persistence, replication backlogs, timeouts, settings that differ between nodes, commands that are renamed,
/// and how long answers take. Nothing is changed. Exits with 1 when there are errors.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Any node of the cluster
    #[arg(value_name = "HOST:PORT", env = "RCL_ENTRY")]
    pub entry: Address,

    #[command(flatten)]
    pub shown: Shown,
}

/// A node does not tell these to a client.
const NOT_SEEN: &[&str] = &[
    "vm.overcommit_memory (should be 1 where nodes fork), transparent huge pages (off), net.core.somaxconn, ulimit -n",
    "whether bus ports are open between the nodes beyond the links that they have now",
];

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let cluster = Cluster::observe(&session.connector, &args.entry).await?;
    let (strays, ground) = tokio::join!(connect::strays(&cluster), connect::ground(&cluster));
    let entry = args.entry.to_string();
    let mut findings = health::structure(&cluster.topology, &strays?, &entry);
    findings.extend(health::foundation(&cluster.topology, &ground?, &entry));
    findings.sort_by_key(|finding| finding.severity);
    tell(session, &cluster, findings, &args.shown, NOT_SEEN)
}
