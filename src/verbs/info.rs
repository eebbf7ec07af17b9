//! `rcl info`: the cluster on one screen.

use rcl_proto::Address;

use crate::cli::{Failure, Session};

/// Shows the cluster on one screen: masters, their slots and keys, replicas
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Any node of the cluster
    #[arg(value_name = "HOST:PORT", env = "RCL_ENTRY")]
    pub entry: Address,
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let link = session.connector.connect(&args.entry).await?;
    let text = link.text(&["CLUSTER", "INFO"]).await?;
    session.output.status(&text);
    Ok(())
}
