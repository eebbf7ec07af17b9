//! `rcl plan`: how a cluster differs from its description.

use std::path::PathBuf;

use super::described::compare;
use crate::cli::{Failure, Kind, Session};

/// Shows how a cluster differs from what a file describes, and what rcl apply would do
///
/// `+` joins, `-` leaves, `~` changes, `!` is not described and stays. Exits with 0 when nothing differs, with 8 when something
/// does. Changes nothing. docs/describing-a-cluster.md tells what may stand in the file; rcl export writes one.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rcl plan cluster.yaml
  rcl plan cluster.yaml --remove-unlisted -o json")]
pub struct Args {
    /// The description, in YAML
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Nodes that are not described are to leave
    #[arg(long)]
    pub remove_unlisted: bool,
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let (_, comparison) = compare(session, &args.file, args.remove_unlisted).await?;
    session.output.print(&comparison);
    if comparison.differences.is_empty() { Ok(()) } else { Err(Failure::new(Kind::Different, "")) }
}
