//! `rcl create`: a cluster from empty nodes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rcl_proto::Address;
use serde::Deserialize;
use tokio::task::JoinSet;

use super::change::carry_out;
use super::newcomer;
use super::zones::ZoneArgs;
use crate::apply::Settings;
use crate::cli::{Failure, Kind, Manners, Session};
use crate::connect::{Cluster, address};
use crate::plan::placement::{Zones, tell_zones};
use crate::plan::{NodeRef, create};
use crate::topology;

/// Creates a cluster from empty nodes
///
/// Slots are shared out evenly over the masters. Masters and their replicas go to different hosts, and to different
/// zones where these are known, wherever that is possible; the plan says where it is not. Done when each replica has its master's data.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The nodes, at least three for each master and its replicas
    #[arg(value_name = "HOST:PORT", required_unless_present = "file", conflicts_with = "file")]
    pub nodes: Vec<Address>,

    /// How many replicas each master gets
    #[arg(long, value_name = "N", conflicts_with = "file")]
    pub replicas: Option<usize>,

    /// A YAML file: `nodes:`, a list of HOST:PORT, and `replicas:`, a number
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,

    #[command(flatten)]
    pub zones: ZoneArgs,
}

/// A cluster as a file describes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    nodes: Vec<String>,
    #[serde(default)]
    replicas: usize,
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let (addresses, replicas) = match &args.file {
        Some(path) => read(path)?,
        None => (args.nodes.clone(), args.replicas.unwrap_or(0)),
    };
    let mut cluster = observe(session, &addresses).await?;
    let by_address = |address: &Address| cluster.topology.nodes.values().find(|node| node.is_at(address));
    let nodes: Vec<NodeRef> = addresses.iter().filter_map(by_address).map(NodeRef::of).collect();
    tell_zones(&mut cluster.topology, &args.zones.zone)?;
    let plan = create::plan(&nodes, replicas, &Zones::of(&cluster.topology))?;
    carry_out(session, &cluster, &plan, Manners::MustConfirm, Settings::default()).await
}

fn read(path: &Path) -> Result<(Vec<Address>, usize), Failure> {
    let bad = |why: String| Failure::usage(format!("{}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| bad(error.to_string()))?;
    let description: Description = serde_yaml::from_str(&text).map_err(|error| bad(error.to_string()))?;
    let parse = |text: &String| address::read(text).map_err(&bad);
    Ok((description.nodes.iter().map(parse).collect::<Result<_, _>>()?, description.replicas))
}

/// Asks all nodes at once; every one must be fit to join.
pub(super) async fn observe(session: &Session, addresses: &[Address]) -> Result<Cluster, Failure> {
    let entry = addresses.first().ok_or_else(|| Failure::usage("no nodes are named"))?;
    if let Some(twice) = addresses.iter().enumerate().find(|(at, a)| addresses[..*at].contains(a)) {
        return Err(Failure::usage(format!("{} is named twice", twice.1)));
    }
    let mut asked = JoinSet::new();
    for address in addresses {
        let (connector, address) = (session.connector.clone(), address.clone());
        asked.spawn(async move { newcomer::observe(&connector, &address).await });
    }
    let (mut links, mut views, mut seen) = (BTreeMap::new(), Vec::new(), BTreeSet::new());
    while let Some(answer) = asked.join_next().await {
        let (link, view) = answer.map_err(|error| Failure::new(Kind::Internal, error.to_string()))??;
        if !seen.insert(view.viewer) {
            return Err(Failure::usage(format!(
                "{} is a node that is named by another address too",
                view.address
            )));
        }
        links.insert(view.viewer, link);
        views.push(view);
    }
    let topology = topology::merge(&views, &BTreeMap::new());
    Ok(Cluster { topology, links, connector: session.connector.clone(), entry: entry.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_says_nodes_and_replicas_and_nothing_else() {
        let good: Description = serde_yaml::from_str("replicas: 1\nnodes: ['h:1', 'h:2']").unwrap();
        assert_eq!((good.nodes.len(), good.replicas), (2, 1));
        let error = serde_yaml::from_str::<Description>("nodes: []\nreplica: 1").unwrap_err();
        assert!(error.to_string().contains("replica"), "{error}");
    }
}
