//! What all verbs that change a cluster share: the way from a plan to its outcome, and how a NODE is found.

use rcl_proto::Address;

use crate::apply::{self, Outcome, Settings};
use crate::cli::{Failure, Manners, Session, Voice};
use crate::connect::{Cluster, address};
use crate::dialect;
use crate::journal::{Deed, Ending, Journal};
use crate::plan::{Plan, room};

/// Shows, confirms, applies with a journal, and prints the outcome.
pub async fn carry_out(
    session: &Session,
    cluster: &Cluster,
    plan: &Plan,
    manners: Manners,
    settings: Settings,
) -> Result<(), Failure> {
    if plan.steps.is_empty() && !session.is_dry_run() {
        say_nothing_to_do(session, plan);
        return Ok(());
    }
    if agreed(session, cluster, plan, manners, settings)? {
        let journal = begin(session, cluster, plan)?;
        apply(session, cluster, plan, settings, Deed::Do, &journal).await?;
    }
    Ok(())
}

pub fn say_nothing_to_do(session: &Session, plan: &Plan) {
    if let Voice::RedisCli { rebalances: true, .. } = session.voice {
        return dialect::cluster::needs_no_rebalancing();
    }
    plan.warnings.iter().for_each(|warning| session.output.status(&format!("warning: {warning}")));
    session.output.print(&Outcome::nothing(&plan.title));
}

/// True when the plan can be carried out and is to be.
pub fn agreed(
    session: &Session,
    cluster: &Cluster,
    plan: &Plan,
    manners: Manners,
    settings: Settings,
) -> Result<bool, Failure> {
    if !settings.overfill {
        room::check(plan, &cluster.topology)?;
    }
    match session.voice {
        Voice::Own => session.show_and_confirm(plan, "Go ahead?", manners),
        Voice::RedisCli { rebalances, verbose } => {
            dialect::cluster::agreed(session, cluster, plan, rebalances, verbose)
        }
    }
}

/// A new job's journal. Where there is no folder for it that the user named, it is done without, and said.
pub fn begin(session: &Session, cluster: &Cluster, plan: &Plan) -> Result<Journal, Failure> {
    let Some(folder) = &session.state else { return Ok(Journal::none()) };
    if let Err(why) = folder.prepare() {
        if folder.is_named() {
            return Err(why);
        }
        session.output.status(&format!("no journal is written: {}", why.what));
        return Ok(Journal::none());
    }
    let begun = folder.begin(&plan.title, &cluster.topology, &cluster.entry)?;
    for old in &begun.superseded {
        session.output.status(&format!("job {old} was not finished; this one takes its place"));
    }
    Ok(begun.journal)
}

/// Does what the plan says, writes down how it ended, and prints the outcome.
pub async fn apply(
    session: &Session,
    cluster: &Cluster,
    plan: &Plan,
    settings: Settings,
    deed: Deed,
    journal: &Journal,
) -> Result<(), Failure> {
    journal.begin(deed, plan)?;
    let carried = apply::run(session, cluster, plan, settings, journal).await;
    session.output.print(&ended(journal, carried)?);
    Ok(())
}

/// Writes down how it ended. Where it stopped, it is said how to go on.
pub fn ended<T>(journal: &Journal, carried: Result<T, Failure>) -> Result<T, Failure> {
    match carried {
        Ok(outcome) => {
            journal.end(Ending::Done, None)?;
            Ok(outcome)
        }
        Err(mut failure) => {
            if let Some(id) = journal.id() {
                let next = failure.next.take().unwrap_or_default();
                failure.next = Some(format!("{next}; or rcl resume {id}, or rcl undo {id}"));
            }
            // Why it stopped is said in any case.
            let _ = journal.end(Ending::Stopped, Some(failure.what.clone()));
            Err(failure)
        }
    }
}

/// The node to ask first when a verb takes a NODE: `--entry`, else the NODE's own address.
pub fn entry_for(session: &Session, node: &str) -> Result<Address, Failure> {
    if let Some(entry) = &session.entry {
        return Ok(entry.clone());
    }
    // A word without a colon is the beginning of an id.
    node.contains(':').then(|| address::read(node).ok()).flatten().ok_or_else(|| {
        Failure::usage(format!("'{node}' is no host:port, so the cluster has to be named"))
            .next("give any node of it with --entry HOST:PORT, or set RCL_ENTRY")
    })
}
