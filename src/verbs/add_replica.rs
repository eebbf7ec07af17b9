//! `rcl add-replica`: an empty node joins as a replica.

use rcl_proto::Address;

use super::add_node::{admit, meeting, serves};
use super::change::carry_out;
use crate::apply::Settings;
use crate::cli::{Failure, Manners, Session};
use crate::connect::Cluster;
use crate::plan::{NodeRef, Plan, Step};
use crate::topology::{Node, Topology};

/// Adds an empty node as a replica
///
/// Done when it has its master's data.
///
/// Without --master it replicates the master that needs it most: the one with the fewest replicas that
/// answer, then one on another host, then the one with the most keys.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The node to add
    #[arg(value_name = "NEW_HOST:PORT")]
    pub new: Address,

    /// Any node of the cluster
    #[arg(value_name = "HOST:PORT", env = "RCL_ENTRY")]
    pub entry: Address,

    /// The master to replicate: host:port, a node id, or its unique beginning
    #[arg(long, value_name = "NODE")]
    pub master: Option<String>,
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let mut cluster = Cluster::observe(&session.connector, &args.entry).await?;
    let master = match &args.master {
        Some(name) => cluster.find(name)?,
        None => neediest(&cluster.topology, &args.new)?,
    };
    if let Some(own) = master.master() {
        return Err(Failure::refused(format!("{} is a replica itself", master.name()))
            .next(format!("name its master, {}", cluster.topology.name(own))));
    }
    if !master.answers() {
        return Err(
            Failure::refused(format!("{} does not answer", master.name())).next("start it again first")
        );
    }
    let master = NodeRef::of(master);
    let state_ok = serves(&cluster.topology);
    let new = admit(session, &mut cluster, &args.new).await?;
    let steps = vec![
        meeting(&cluster, &new),
        Step::Replicate { replica: new.clone(), master: master.clone() },
        Step::AwaitAgreement { except: Vec::new(), state_ok },
        Step::AwaitInSync { replica: new.clone(), master: master.clone() },
    ];
    let title = format!("add {} as a replica of {}", new.name(), master.name());
    let mut plan = Plan::new(title, steps, &cluster.topology);
    if new.address.host == master.address.host {
        let other = cluster.topology.nodes.values().any(|node| node.address.host != new.address.host);
        if other {
            plan.warnings.push("it is on its master's host: one dead host would take both".into());
        }
    }
    carry_out(session, &cluster, &plan, Manners::AskOnTerminal, Settings::default()).await
}

fn neediest<'a>(topology: &'a Topology, new: &Address) -> Result<&'a Node, Failure> {
    let need = |node: &&Node| {
        let replicas = topology.replicas_of(node.id).iter().filter(|replica| replica.answers()).count();
        (replicas, node.address.host == new.host, std::cmp::Reverse(node.keys()), node.id)
    };
    let fit = |node: &&Node| node.answers() && !node.slots.is_empty();
    topology
        .masters()
        .into_iter()
        .filter(fit)
        .min_by_key(need)
        .ok_or_else(|| Failure::refused("no master that answers owns slots").next("name one with --master"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::rebalance::tests::{id, topology};
    use crate::topology::Role;

    #[test]
    fn the_master_with_the_fewest_replicas_comes_first_then_the_one_with_most_keys() {
        let mut topology = topology(&[8000, 8384, 0, 0]);
        topology.nodes.get_mut(&id(3)).unwrap().role = Role::ReplicaOf(id(1));
        let new = Address::new("127.0.0.1", 7009);
        assert_eq!(neediest(&topology, &new).unwrap().id, id(2));
        topology.nodes.get_mut(&id(4)).unwrap().role = Role::ReplicaOf(id(2));
        topology.nodes.get_mut(&id(1)).unwrap().facts.as_mut().unwrap().keys = 5000;
        assert_eq!(neediest(&topology, &new).unwrap().id, id(1));
    }
}
