//! `rcl add-node`: an empty node joins as a master without slots.

use rcl_proto::Address;

use super::change::carry_out;
use super::newcomer::{Admission, admit, liken};
use crate::apply::Settings;
use crate::cli::{Failure, Manners, Session};
use crate::connect::Cluster;
use crate::plan::{NodeRef, Plan, Step};
use crate::topology::{Node, Topology};

const EXAMPLES: &str = "\
Examples:
  rcl add-node 10.0.0.4:6379 10.0.0.1:6379 --dry-run
  rcl add-node 10.0.0.4:6379 10.0.0.1:6379 --copy-settings --copy-acl";

/// Adds an empty node as a master without slots
///
/// The cluster's functions are copied to it. Its settings and ACL users are compared with the cluster's, and what differs is
/// shown before anything is changed. Give it slots with rebalance --use-empty-masters or reshard.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// The node to add
    #[arg(value_name = "NEW_HOST:PORT")]
    pub new: Address,

    /// Any node of the cluster
    #[arg(value_name = "HOST:PORT", env = "RCL_ENTRY")]
    pub entry: Address,

    #[command(flatten)]
    pub admission: Admission,
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let mut cluster = Cluster::observe(&session.connector, &args.entry).await?;
    let state_ok = serves(&cluster.topology);
    let new = admit(session, &mut cluster, &args.new, &args.admission).await?;
    let mut steps = Vec::new();
    let answering = |node: &&Node| node.answers() && node.is_master() && node.id != new.id;
    // Functions are the same on all masters; one that owns slots surely has them.
    let holder = cluster.topology.nodes.values().filter(answering).max_by_key(|node| node.slots.len());
    let holder = holder.map(NodeRef::of);
    if let Some(holder) = &holder {
        steps.push(Step::CopyFunctions { source: holder.clone(), target: new.clone() });
    }
    steps.push(meeting(&cluster, &new));
    steps.push(Step::AwaitAgreement { except: Vec::new(), state_ok });
    let mut plan =
        Plan::new(format!("add {} as a master without slots", new.name()), steps, &cluster.topology);
    if let Some(holder) = &holder {
        liken(&cluster, &mut plan, &new, holder, &args.admission).await?;
    }
    carry_out(session, &cluster, &plan, Manners::AskOnTerminal, Settings::default()).await
}

/// All nodes say ok now, so they are to say it afterwards too.
pub fn serves(topology: &Topology) -> bool {
    topology.nodes.values().filter_map(|node| node.facts.as_ref()).all(|facts| facts.state_ok)
}

/// The newcomer meets every node that answers.
pub fn meeting(cluster: &Cluster, new: &NodeRef) -> Step {
    let others = cluster.topology.nodes.values().filter(|node| node.id != new.id && node.answers());
    // The entry first: the plan names it.
    let mut others: Vec<NodeRef> = others.map(NodeRef::of).collect();
    others.sort_by_key(|node| node.address != cluster.entry);
    Step::Meet { nodes: vec![new.clone()], others }
}
