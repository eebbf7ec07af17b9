//! `rcl apply`: a cluster is made to what a file describes.

use std::path::PathBuf;

use super::change::carry_out;
use super::described::compare;
use super::moving::MoveArgs;
use crate::cli::{Failure, Manners, Session};

/// Makes a cluster to what a file describes
///
/// Creates it where there is none; else nodes join, are promoted, replicate others, slots move, directives are set, in an order in
/// which nothing is ever in one place only. Applied again it does nothing. Nodes that are not described leave only with
/// --remove-unlisted (or `remove-unlisted: true` in the file). rcl plan shows all of it first; rcl resume and rcl undo work.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rcl apply cluster.yaml
  rcl apply cluster.yaml --remove-unlisted --max-latency 5ms --yes")]
pub struct Args {
    /// The description, in YAML
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Takes nodes out that are not described
    #[arg(long)]
    pub remove_unlisted: bool,

    #[command(flatten)]
    pub moving: MoveArgs,
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let (cluster, comparison) = compare(session, &args.file, args.remove_unlisted).await?;
    session.output.status(&comparison.difference_text());
    carry_out(session, &cluster, &comparison.plan, Manners::MustConfirm, args.moving.settings()).await
}
