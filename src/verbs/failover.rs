//! `rcl failover`: a replica takes its master's place.

use super::change::{carry_out, entry_for};
use crate::apply::Settings;
use crate::cli::{Failure, Manners, Session};
use crate::connect::Cluster;
use crate::plan::{FailoverMode, NodeRef, Plan, Step};
use crate::topology::Node;

/// Makes a replica the master of its shard
///
/// NODE is the replica; a master stands for the replica of its that is furthest. Waits until it is done and
/// says what happened.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The node: host:port, or its id or the id's unique beginning (with --entry)
    #[arg(value_name = "NODE")]
    pub node: String,

    /// Does not ask the master, which may be dead; a majority of the masters must vote
    #[arg(long, conflicts_with = "takeover")]
    pub force: bool,

    /// Asks nobody: for when most masters are gone
    #[arg(long)]
    pub takeover: bool,
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let entry = entry_for(session, &args.node)?;
    let cluster = Cluster::observe(&session.connector, &entry).await?;
    let replica = pick_replica(&cluster, cluster.find(&args.node)?)?;
    let mode = match (args.force, args.takeover) {
        (true, _) => FailoverMode::Force,
        (_, true) => FailoverMode::Takeover,
        _ => FailoverMode::Graceful,
    };
    let master = replica.master().and_then(|master| cluster.topology.node(master));
    refuse_what_cannot_work(&cluster, replica, master, mode)?;
    let step = Step::Failover { replica: NodeRef::of(replica), master: master.map(NodeRef::of), mode };
    // A master that has not heard yet of its replica would ignore the replica's request.
    let agree = || Step::AwaitAgreement { except: Vec::new(), state_ok: false };
    let mut steps = vec![step, agree()];
    if mode == FailoverMode::Graceful && !cluster.topology.disagreements.is_empty() {
        steps.insert(0, agree());
    }
    let plan = Plan::new(format!("fail over to {}", replica.name()), steps, &cluster.topology);
    carry_out(session, &cluster, &plan, Manners::AskOnTerminal, Settings::default()).await
}

fn pick_replica<'a>(cluster: &'a Cluster, node: &'a Node) -> Result<&'a Node, Failure> {
    if !node.is_master() {
        return Ok(node);
    }
    let offset = |node: &&Node| node.facts.as_ref().map(|facts| (facts.link_up, facts.replication_offset));
    let replicas = cluster.topology.replicas_of(node.id).into_iter().filter(|replica| replica.answers());
    replicas.max_by_key(offset).ok_or_else(|| {
        Failure::refused(format!("{} is a master without a replica that answers", node.name()))
            .next(format!("rcl add-replica NEW_HOST:PORT {} --master {:.8}", cluster.entry, node.id))
    })
}

fn refuse_what_cannot_work(
    cluster: &Cluster,
    replica: &Node,
    master: Option<&Node>,
    mode: FailoverMode,
) -> Result<(), Failure> {
    cluster.link(replica.id)?;
    if mode == FailoverMode::Takeover {
        return Ok(());
    }
    let voters = cluster.topology.masters().into_iter().filter(|node| !node.slots.is_empty());
    let (answering, all) = voters.fold((0, 0), |(up, all), node| (up + usize::from(node.answers()), all + 1));
    if answering <= all / 2 {
        return Err(Failure::refused(format!(
            "only {answering} of {all} masters answer: no majority can vote"
        ))
        .next("start the masters again, or use --takeover, which asks nobody"));
    }
    if mode == FailoverMode::Graceful {
        if !master.is_some_and(Node::answers) {
            return Err(Failure::refused("the master does not answer, so it cannot hand over")
                .next("use --force: writes that the replica did not get are lost"));
        }
        if !replica.facts.as_ref().is_some_and(|facts| facts.link_up) {
            return Err(Failure::refused(format!("{} is not in sync with its master", replica.name()))
                .next("wait for its full sync (rcl nodes shows it), then ask again"));
        }
    }
    Ok(())
}
