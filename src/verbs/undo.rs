//! `rcl undo`: takes back what a job did.

use super::moving::MoveArgs;
use super::taken_up;
use crate::cli::{Failure, Session};
use crate::journal::Deed;
use crate::plan::undo;

/// Takes back what a change did
///
/// Slots go back to where they were, with their keys as they are now; half-moved ones are finished first. Replicas and
/// promotions are given back, nodes that joined leave, a new cluster without keys is dissolved. What cannot be taken back (a
/// node that was reset, what fix mended) is refused before anything is touched. Without JOB: the newest.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The job, as rcl jobs names it
    #[arg(value_name = "JOB")]
    pub job: Option<String>,

    #[command(flatten)]
    pub moving: MoveArgs,
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let folder = taken_up::folder(session)?;
    let id = match &args.job {
        Some(id) => id.clone(),
        None => taken_up::the_newest(session, folder)?,
    };
    let (job, journal) = folder.take_up(&id)?;
    let roles = job.roles();
    let past = job.whole(&roles).ok_or_else(|| taken_up::never_begun(&job))?;
    taken_up::await_promotions(session, &job, past.plan).await?;
    let cluster = taken_up::observe(session, &job, past.plan).await?;
    let plan = undo::plan(&cluster.topology, &past)?;
    taken_up::carry_out(session, &job, &cluster, &plan, args.moving.settings(), Deed::Undo, &journal).await
}
