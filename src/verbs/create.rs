//! `rcl create`: a cluster from empty nodes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rcl_proto::Address;
use serde::Deserialize;

use super::change::{agreed, begin};
use super::zones::ZoneArgs;
use crate::apply::{self, Settings};
use crate::cli::{Failure, Manners, Session};
use crate::connect::{Cluster, address};
use crate::journal::{Deed, Ending, Journal};
use crate::output::number_of;
use crate::plan::create::MIN_MASTERS;
use crate::plan::placement::{Zones, tell_zones};
use crate::plan::{NodeRef, Plan, create};
use crate::preflight::{self, Allow, Answer, Visit};
use crate::topology;

const EXAMPLES: &str = "\
Examples:
  rcl create 10.0.0.1:6379 10.0.0.2:6379 10.0.0.3:6379
  rcl create redis-{1..6}.internal:6379 --replicas 1 --dry-run
  rcl create 127.0.0.1:7001 --allow few-masters --yes        one node for a laptop";

/// Creates a cluster from empty nodes
///
/// Slots are shared out evenly over the masters. Masters and their replicas go to different hosts, and to different
/// zones where these are known, wherever that is possible; the plan says where it is not. Done when each replica has its master's data.
///
/// All nodes are asked first, within three seconds: whether they answer, let us in, are empty and alone, whether their
/// bus ports and the addresses that they announce can be reached. What is wrong is said of all of them at once, before
/// anything is changed. A create that fails on its way, or is interrupted, takes back what it did.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
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

    /// Goes on in spite of what is found so; may be given several times
    #[arg(long, value_name = "WHAT", value_enum)]
    pub allow: Vec<Allow>,

    /// How long nodes get to come to know each other, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub join_limit: u64,
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
    let Fit { mut cluster, nodes, warnings } = fit(session, &addresses, &args.allow).await?;
    let least = if args.allow.contains(&Allow::FewMasters) { 1 } else { MIN_MASTERS };
    tell_zones(&mut cluster.topology, &args.zones.zone)?;
    let mut plan = create::plan_of(&nodes, replicas, &Zones::of(&cluster.topology), least)?;
    plan.warnings.extend(warnings);
    let settings = Settings { join_limit: Duration::from_secs(args.join_limit), ..Settings::default() };
    if agreed(session, &cluster, &plan, Manners::MustConfirm, settings)? {
        let journal = begin(session, &cluster, &plan)?;
        make(session, &cluster, &plan, &nodes, settings, &journal).await?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<(Vec<Address>, usize), Failure> {
    let bad = |why: String| Failure::usage(format!("{}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| bad(error.to_string()))?;
    let description: Description = serde_yaml::from_str(&text).map_err(|error| bad(error.to_string()))?;
    let parse = |text: &String| address::read(text).map_err(&bad);
    Ok((description.nodes.iter().map(parse).collect::<Result<_, _>>()?, description.replicas))
}

/// Nodes that can become a cluster, all asked at once.
struct Fit {
    cluster: Cluster,
    /// In the order given.
    nodes: Vec<NodeRef>,
    warnings: Vec<String>,
}

async fn fit(session: &Session, addresses: &[Address], allowed: &[Allow]) -> Result<Fit, Failure> {
    if let Some(twice) = addresses.iter().enumerate().find(|(at, a)| addresses[..*at].contains(a)) {
        return Err(Failure::usage(format!("{} is named twice", twice.1)));
    }
    let visits = preflight::visit_all(&session.connector, addresses).await;
    let judgement = preflight::judge(&visits, allowed);
    let warnings = judgement.warnings.clone();
    if let Some(failure) = judgement.into_failure(visits.len()) {
        return Err(failure);
    }
    let (cluster, nodes) = assemble(session, visits)?;
    Ok(Fit { cluster, nodes, warnings })
}

/// As a cluster that is none yet; every one must be fit to join.
pub(super) async fn observe(session: &Session, addresses: &[Address]) -> Result<Cluster, Failure> {
    Ok(fit(session, addresses, &[]).await?.cluster)
}

/// Who was visited, as a cluster that is none yet; and all of them in the order given.
fn assemble(session: &Session, visits: Vec<Visit>) -> Result<(Cluster, Vec<NodeRef>), Failure> {
    let (mut links, mut views, mut nodes) = (BTreeMap::new(), Vec::new(), Vec::new());
    for visit in visits {
        let (Answer::Node(seen), Some(link)) = (visit.answer, visit.link) else { continue };
        nodes.push(NodeRef { id: seen.view.viewer, address: visit.address });
        links.insert(seen.view.viewer, link);
        views.push(seen.view);
    }
    let entry = nodes.first().ok_or_else(|| Failure::usage("no nodes are named"))?.address.clone();
    let topology = topology::merge(&views, &BTreeMap::new());
    Ok((Cluster { topology, links, connector: session.connector.clone(), entry }, nodes))
}

/// Carries the plan out. What fails before there is a cluster is taken back.
async fn make(
    session: &Session,
    cluster: &Cluster,
    plan: &Plan,
    nodes: &[NodeRef],
    settings: Settings,
    journal: &Journal,
) -> Result<(), Failure> {
    journal.begin(Deed::Do, plan)?;
    let failure = match apply::run(session, cluster, plan, settings, journal).await {
        Ok(outcome) => {
            journal.end(Ending::Done, None)?;
            session.output.print(&outcome);
            return Ok(());
        }
        Err(failure) => failure,
    };
    // Why it stopped is said in any case.
    let _ = journal.end(Ending::Stopped, Some(failure.what.clone()));
    if stands(cluster, nodes).await {
        let next = "the cluster is made and serves, only a replica does not have its master's data yet: rcl check says which";
        return Err(failure.next(next));
    }
    session.output.status("taking back what was done");
    Err(take_back(cluster, plan, nodes, failure, journal).await)
}

/// All nodes know each other and serve.
async fn stands(cluster: &Cluster, nodes: &[NodeRef]) -> bool {
    let Ok(now) = cluster.again().await else { return false };
    now.topology.disagreements.is_empty()
        && now.topology.uncovered().is_empty()
        && nodes.iter().all(|node| {
            now.topology
                .node(node.id)
                .and_then(|node| node.facts.as_ref())
                .is_some_and(|facts| facts.state_ok)
        })
}

/// The failure, with what became of the nodes.
async fn take_back(
    cluster: &Cluster,
    plan: &Plan,
    nodes: &[NodeRef],
    mut failure: Failure,
    journal: &Journal,
) -> Failure {
    let told = |steps: &[_]| {
        let title = format!("take back: {}", plan.title);
        journal.begin(Deed::Undo, &Plan { title, steps: steps.to_vec(), ..plan.clone() })
    };
    match apply::dissolve(cluster, nodes, told).await {
        Ok(dissolved) => {
            let count = dissolved.reset.len();
            failure
                .what
                .push_str(&format!("; taken back: {} empty and alone again", number_of(count, "node")));
            for left in &dissolved.left {
                failure.what.push_str(&format!("\n  {left}"));
            }
            // What is left is for the user alone: nothing of the plan can be gone on with.
            let _ = journal.end(Ending::Done, None);
        }
        Err(why) => {
            failure.what.push_str(&format!("; it could not be taken back: {}", why.what));
            let again = journal.id().map_or_else(String::new, |id| format!("rcl undo {id} tries again"));
            let _ = journal.end(Ending::Stopped, Some(why.what));
            failure.next = Some(again);
        }
    }
    failure
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
