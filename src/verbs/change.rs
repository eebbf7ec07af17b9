//! What all verbs that change a cluster share: the way from a plan to its outcome, and how a NODE is found.

use rcl_proto::Address;

use crate::apply::{self, Outcome, Settings};
use crate::cli::{Failure, Manners, Session};
use crate::connect::Cluster;
use crate::plan::Plan;

/// Shows, confirms, applies, and prints the outcome.
pub async fn carry_out(
    session: &Session,
    cluster: &Cluster,
    plan: &Plan,
    manners: Manners,
    settings: Settings,
) -> Result<(), Failure> {
    if plan.steps.is_empty() && plan.warnings.is_empty() {
        let notes = vec!["nothing to do".to_owned()];
        session.output.print(&Outcome { title: plan.title.clone(), notes, ..Outcome::default() });
        return Ok(());
    }
    if session.show_and_confirm(plan, "Go ahead?", manners)? {
        let outcome = apply::run(session, cluster, plan, settings).await?;
        session.output.print(&outcome);
    }
    Ok(())
}

/// The node to ask first when a verb takes a NODE: `--entry`, else the NODE's own address.
pub fn entry_for(session: &Session, node: &str) -> Result<Address, Failure> {
    if let Some(entry) = &session.entry {
        return Ok(entry.clone());
    }
    node.parse().map_err(|_| {
        Failure::usage(format!("'{node}' is no host:port, so the cluster has to be named"))
            .next("give any node of it with --entry HOST:PORT, or set RCL_ENTRY")
    })
}
