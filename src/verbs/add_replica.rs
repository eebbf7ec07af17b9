//! `rcl add-replica`: an empty node joins as a replica.

use rcl_proto::Address;

use super::add_node::{meeting, serves};
use super::change::carry_out;
use super::newcomer::{Admission, admit, liken};
use super::zones::ZoneArgs;
use crate::apply::Settings;
use crate::cli::{Failure, Manners, Session};
use crate::connect::Cluster;
use crate::plan::placement::{Zones, homes, tell_zones};
use crate::plan::{NodeRef, Plan, Step};
use crate::topology::{Node, Topology};

/// Adds an empty node as a replica
///
/// Done when it has its master's data, its functions among them. Its settings and ACL users are compared with its master's, and
/// what differs is shown before anything is changed.
///
/// Without --master it replicates the master that needs it most: one without a replica that answers; then one on
/// another host, and in another zone where zones are known; then the one with the fewest replicas; then with the most keys.
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

    #[command(flatten)]
    pub zones: ZoneArgs,

    #[command(flatten)]
    pub admission: Admission,
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let mut cluster = Cluster::observe(&session.connector, &args.entry).await?;
    let named = args.master.as_deref().map(|name| fit_master(&cluster, name)).transpose()?;
    let state_ok = serves(&cluster.topology);
    let new = admit(session, &mut cluster, &args.new, &args.admission).await?;
    tell_zones(&mut cluster.topology, &args.zones.zone)?;
    let master = match named {
        Some(master) => master,
        None => NodeRef::of(neediest(&cluster.topology, &new)?),
    };
    let steps = vec![
        meeting(&cluster, &new),
        Step::Replicate { replica: new.clone(), master: master.clone() },
        Step::AwaitAgreement { except: Vec::new(), state_ok },
        Step::AwaitInSync { replica: new.clone(), master: master.clone() },
    ];
    let title = format!("add {} as a replica of {}", new.name(), master.name());
    let mut plan = Plan::new(title, steps, &cluster.topology);
    liken(&cluster, &mut plan, &new, &master, &args.admission).await?;
    let others = cluster.topology.nodes.values().filter(|node| node.id != new.id);
    // Where all are in one place nothing could be better.
    if others.into_iter().any(|node| node.address.host != new.address.host) {
        plan.warnings.extend(Zones::of(&cluster.topology).warning(&new, &master));
    }
    carry_out(session, &cluster, &plan, Manners::AskOnTerminal, Settings::default()).await
}

fn fit_master(cluster: &Cluster, name: &str) -> Result<NodeRef, Failure> {
    let master = cluster.find(name)?;
    if let Some(own) = master.master() {
        return Err(Failure::refused(format!("{} is a replica itself", master.name()))
            .next(format!("name its master, {}", cluster.topology.name(own))));
    }
    if !master.answers() {
        return Err(
            Failure::refused(format!("{} does not answer", master.name())).next("start it again first")
        );
    }
    Ok(NodeRef::of(master))
}

fn neediest<'a>(topology: &'a Topology, new: &NodeRef) -> Result<&'a Node, Failure> {
    let fit = |node: &&Node| node.answers() && !node.slots.is_empty();
    let mut masters: Vec<&Node> = topology.masters().into_iter().filter(fit).collect();
    if masters.is_empty() {
        return Err(Failure::refused("no master that answers owns slots").next("name one with --master"));
    }
    masters.sort_by_key(|node| (std::cmp::Reverse(node.keys()), node.id));
    Ok(homes(topology, &Zones::of(topology), &[new], &masters)[0])
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
        let new = NodeRef { id: id(9), address: Address::new("127.0.0.1", 7009) };
        assert_eq!(neediest(&topology, &new).unwrap().id, id(2));
        topology.nodes.get_mut(&id(4)).unwrap().role = Role::ReplicaOf(id(2));
        topology.nodes.get_mut(&id(1)).unwrap().facts.as_mut().unwrap().keys = 5000;
        assert_eq!(neediest(&topology, &new).unwrap().id, id(1));
    }
}
