//! `rcl set-timeout`: after how long a node counts as failed.

use rcl_proto::Address;

use super::set::{Choice, set};
use crate::cli::{Failure, Session};

/// Sets the node timeout of all nodes (cluster-node-timeout), and in their configuration files
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Any node of the cluster
    #[arg(value_name = "HOST:PORT", env = "RCL_ENTRY")]
    pub entry: Address,

    /// After so many milliseconds without an answer a node counts as failed
    #[arg(value_name = "MILLISECONDS", value_parser = clap::value_parser!(u64).range(100..=86_400_000))]
    pub milliseconds: u64,

    /// Passes over nodes that do not answer, instead of refusing
    #[arg(long)]
    pub skip_silent: bool,
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let choice = Choice { skip_silent: args.skip_silent, ..Choice::default() };
    let timeout = args.milliseconds.to_string();
    set(session, &args.entry, &[("cluster-node-timeout", &timeout)], &choice, true).await
}
