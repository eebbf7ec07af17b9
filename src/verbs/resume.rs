//! `rcl resume`: goes on with what is left of a job that stopped or was killed.

use super::moving::MoveArgs;
use super::taken_up;
use crate::cli::{Failure, Session};
use crate::journal::{Deed, Ending};
use crate::plan::resume;

/// Goes on with a change that was interrupted
///
/// What is left is found by comparing the job's plan with the cluster as it is: slots that arrived stay, half-moved ones
/// are finished, a master that failed meanwhile is stood in for by its replica that took over, and what belongs to others by
/// now is left alone. Without JOB: the one that is not finished.
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
        None => taken_up::the_unfinished(session, folder)?,
    };
    let (job, journal) = folder.take_up(&id)?;
    let roles = job.roles();
    let past = job.last(&roles).ok_or_else(|| taken_up::never_begun(&job))?;
    if job.runs.last().is_some_and(|run| matches!(run.end, Some((Ending::Done, _)))) {
        return Err(Failure::refused(format!("job {id} is done: {}", job.title))
            .next(format!("rcl undo {id} takes it back")));
    }
    let cluster = taken_up::observe(session, &job, past.plan).await?;
    let plan = resume::plan(&cluster.topology, &past)?;
    let deed = match job.runs.last().map(|run| run.deed) {
        Some(Deed::Undo) => Deed::Undo,
        _ => Deed::Resume,
    };
    taken_up::carry_out(session, &job, &cluster, &plan, args.moving.settings(), deed, &journal).await
}
