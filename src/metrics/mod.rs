//! `rcl metrics`: the cluster's figures for Prometheus, of all nodes at once, so that one job is enough for a cluster.
//!
//! ```text
//! scrape ──► the cluster as all its nodes see it, and INFO of each ──► figures ──► text
//! ```

mod exposition;
mod figures;
mod serve;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use rcl_proto::{Address, NodeId};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::cli::{Failure, Kind, Session};
use crate::connect::{Cluster, Connector, Fields, Words};
use crate::output::Report;
use exposition::Family;

/// Prints the cluster's figures for Prometheus, or serves them
///
/// State, coverage, open slots, findings of a check; of each node memory, clients, commands, keys, slots, replication lag. Served, each
/// scrape looks anew, and rcl_up is 0 while no node answers.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Any node of the cluster
    #[arg(value_name = "HOST:PORT", env = "RCL_ENTRY")]
    pub entry: Address,

    /// Serves http://ADDRESS/metrics until Ctrl-C, as 127.0.0.1:9121
    #[arg(long, value_name = "IP:PORT")]
    pub listen: Option<SocketAddr>,
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Figures(Vec<Family>);

impl Report for Figures {
    const LIST: &'static str = "metrics";
    const FOR_PROGRAMS: bool = true;

    fn text(&self) -> String {
        exposition::render(&self.0)
    }
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let Some(address) = args.listen else {
        let cluster = Cluster::observe(&session.connector, &args.entry).await?;
        session.output.print(&Figures(figures(&cluster).await));
        return Ok(());
    };
    let listener = TcpListener::bind(address).await.map_err(|error| {
        Failure::refused(format!("cannot listen on {address}: {error}"))
            .next("name another port with --listen")
    })?;
    let at = listener.local_addr().map_or(address, |bound| bound);
    session.output.status(&format!("serving http://{at}/metrics"));
    let looker =
        Looker { connector: session.connector.clone(), entry: args.entry.clone(), cluster: Mutex::new(None) };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => Ok(()),
        ended = serve::serve(listener, || looker.look()) => {
            ended.map_err(|error| Failure::new(Kind::Internal, format!("cannot serve any more: {error}")))
        }
    }
}

/// Looks at the cluster over connections that it keeps.
struct Looker {
    connector: Connector,
    entry: Address,
    cluster: Mutex<Option<Cluster>>,
}

impl Looker {
    async fn look(&self) -> String {
        let mut known = self.cluster.lock().await;
        let again = match known.take() {
            Some(cluster) => cluster.again().await.ok(),
            None => None,
        };
        let seen = match again {
            Some(cluster) => Some(cluster),
            None => Cluster::observe(&self.connector, &self.entry).await.ok(),
        };
        match seen {
            None => exposition::render(&figures::of_none()),
            Some(cluster) => {
                let text = exposition::render(&figures(&cluster).await);
                *known = Some(cluster);
                text
            }
        }
    }
}

async fn figures(cluster: &Cluster) -> Vec<Family> {
    let mut asked = JoinSet::new();
    for (&id, link) in &cluster.links {
        let link = link.clone();
        asked.spawn(async move { (id, link.call(Words::of(&["INFO"])).await) });
    }
    let answers = asked.join_all().await.into_iter();
    let info: BTreeMap<NodeId, Fields> =
        answers.filter_map(|(id, answer)| Some((id, Fields::of(&answer.ok()?)))).collect();
    figures::of(&cluster.topology, &info, &cluster.entry.to_string())
}
