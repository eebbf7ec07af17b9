//! Making nodes know each other, and waiting until all agree.
//!
//! Each new node is introduced to every other one directly: gossip would spread the news by itself, but only
//! one random peer a second. What is waited for is polled every few milliseconds, with an overall limit and an
//! error that names who does not know whom.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rcl_proto::nodes_text::{NodeFlags, NodeLine};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::AGREEMENT_LIMIT;
use crate::cli::{Failure, Kind};
use crate::connect::{Cluster, Link, LinkError, Pipeline, Words, view};
use crate::plan::NodeRef;
use crate::topology::View;

const POLL: Duration = Duration::from_millis(10);
/// How long a node gets to say that the cluster is ok.
const READY_LIMIT: Duration = Duration::from_secs(30);
/// How long an address of a name is tried, of which there are several.
const TRY_LIMIT: Duration = Duration::from_secs(1);

/// Introduces `nodes` to each other and to `others`, and waits until all of them know all of them.
pub async fn meet(
    cluster: &Cluster,
    nodes: &[NodeRef],
    others: &[NodeRef],
    limit: Duration,
) -> Result<(), Failure> {
    let mut calls = JoinSet::new();
    for (index, node) in nodes.iter().enumerate() {
        let link = cluster.link(node.id)?.clone();
        let mut meets = Pipeline::default();
        // A meeting introduces both sides.
        for other in nodes.iter().skip(index + 1).chain(others) {
            meets.add(introduction(cluster, other).await?);
        }
        calls.spawn(async move { link.all(&meets).await });
    }
    while let Some(done) = calls.join_next().await {
        done.map_err(|error| Failure::new(Kind::Internal, error.to_string()))??;
    }
    let everybody: Vec<NodeRef> = nodes.iter().chain(others).cloned().collect();
    let started = Instant::now();
    loop {
        let Some(missing) = first_stranger(cluster, &everybody).await? else { return Ok(()) };
        if started.elapsed() > limit {
            return Err(Failure::new(Kind::Stopped, format!("after {} s {missing}", limit.as_secs())).next(
                "can the nodes reach each other's bus ports (client port + 10000, unless configured)?",
            ));
        }
        tokio::time::sleep(POLL).await;
    }
}

/// CLUSTER MEET takes an IP address, so a name is looked up here; of several addresses the first that takes a connection.
async fn introduction(cluster: &Cluster, node: &NodeRef) -> Result<Words, Failure> {
    let (host, port) = (node.address.host.as_str(), node.address.port);
    let unknown = |why: String| Failure::new(Kind::Unreachable, format!("cannot look up {host}: {why}"));
    let places: Vec<SocketAddr> =
        tokio::net::lookup_host((host, port)).await.map_err(|error| unknown(error.to_string()))?.collect();
    let ip = first_open(&places).await.ok_or_else(|| unknown("it has no address".into()))?.ip();
    let meet = Words::of(&["CLUSTER", "MEET"]).and(ip.to_string()).and(port.to_string());
    // The bus port is said only where it is not the usual one, which very old servers know alone.
    Ok(match cluster.topology.node(node.id).map(|node| node.bus_port) {
        Some(bus) if bus != 0 && u32::from(bus) != u32::from(port) + 10000 => meet.and(bus.to_string()),
        _ => meet,
    })
}

async fn first_open(places: &[SocketAddr]) -> Option<SocketAddr> {
    if places.len() > 1 {
        for place in places {
            if matches!(tokio::time::timeout(TRY_LIMIT, TcpStream::connect(place)).await, Ok(Ok(_))) {
                return Some(*place);
            }
        }
    }
    places.first().copied()
}

/// Says which node does not know which, or `None` when all know all over links that are up.
async fn first_stranger(cluster: &Cluster, nodes: &[NodeRef]) -> Result<Option<String>, Failure> {
    for node in nodes {
        let lines = view_lines(cluster.link(node.id)?).await?;
        for other in nodes.iter().filter(|other| other.id != node.id) {
            match lines.iter().find(|line| line.id == other.id) {
                None => return Ok(Some(format!("{} does not know {}", node.address, other.name()))),
                Some(line) if line.flags.contains(NodeFlags::HANDSHAKE) || !line.link_connected => {
                    return Ok(Some(format!("{} has no link to {}", node.address, other.name())));
                }
                Some(_) => {}
            }
        }
    }
    Ok(None)
}

pub async fn view_lines(link: &Link) -> Result<Vec<NodeLine>, Failure> {
    let text = once_loaded(|| link.text(&["CLUSTER", "NODES"])).await?;
    rcl_proto::nodes_text::parse(&text)
        .map_err(|error| Failure::new(Kind::Internal, format!("{}: {error}", link.address())))
}

/// Lets all others that answer know at once what `node` is now. A node tells of a new role only in its next
/// ping, which may be seconds away; a meeting is a ping that is sent at once, also to who knows it already.
pub async fn announce(cluster: &Cluster, node: &NodeRef) -> Result<(), Failure> {
    let mut meets = Pipeline::default();
    for other in cluster.links.keys().filter_map(|id| cluster.topology.node(*id)) {
        if other.id != node.id {
            meets.add(introduction(cluster, &NodeRef::of(other)).await?);
        }
    }
    let link = cluster.link(node.id)?;
    once_loaded(|| link.all(&meets)).await?;
    Ok(())
}

/// What the node sees, once it has loaded its data.
async fn loaded_view(link: &Link) -> Result<View, Failure> {
    loop {
        // Waits as long as the node loads; it may begin to just after.
        view_lines(link).await?;
        match view(link).await {
            Err(failure) if failure.what.contains(": LOADING") => {}
            seen => return seen,
        }
    }
}

/// Asks again while the node loads data, as a new replica does once its copy has come: then it answers next to
/// nothing. That lasts as long as it lasts; the node's end would end it too.
pub async fn once_loaded<T, Asked>(ask: impl Fn() -> Asked) -> Result<T, LinkError>
where
    Asked: Future<Output = Result<T, LinkError>>,
{
    loop {
        match ask().await {
            Err(error) if error.server_error().is_some_and(|error| error.starts_with("LOADING")) => {
                tokio::time::sleep(POLL).await;
            }
            answer => return answer,
        }
    }
}

/// A master that was alone, or in a minority, holds back for up to the node timeout before it serves.
pub async fn await_ready(cluster: &Cluster, node: &NodeRef) -> Result<(), Failure> {
    let link = cluster.link(node.id)?;
    let started = Instant::now();
    while !once_loaded(|| link.text(&["CLUSTER", "INFO"])).await?.contains("cluster_state:ok") {
        if started.elapsed() > READY_LIMIT {
            let what = format!("{} does not say cluster_state:ok", node.name());
            return Err(Failure::new(Kind::Stopped, what)
                .next(format!("rcl check {} shows what is wrong", cluster.entry)));
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

/// Waits until all nodes that we reach, without `except`, see the same, and no two masters share an epoch.
pub async fn await_agreement(cluster: &Cluster, except: &[NodeRef], state_ok: bool) -> Result<(), Failure> {
    let started = Instant::now();
    loop {
        let mut views = Vec::new();
        for (id, link) in &cluster.links {
            if except.iter().any(|node| node.id == *id) {
                continue;
            }
            let view = loaded_view(link).await?;
            // One that the same plan took out before has another name by now.
            if view.viewer == *id {
                views.push(view);
            }
        }
        let topology = crate::topology::merge(&views, &std::collections::BTreeMap::new());
        let down =
            topology.nodes.values().find(|node| node.facts.as_ref().is_some_and(|facts| !facts.state_ok));
        let down = down.filter(|_| state_ok);
        let why = match (topology.disagreements.first(), down) {
            (None, None) => match topology.epoch_collision() {
                None => return save_everywhere(cluster, except).await,
                Some((one, other)) => format!("{} and {} share an epoch", one.name(), other.name()),
            },
            (Some(disagreement), _) => {
                format!("{} does not agree with the others", topology.name(disagreement.viewer()))
            }
            (None, Some(node)) => format!("{} does not say cluster_state:ok", node.name()),
        };
        if started.elapsed() > AGREEMENT_LIMIT {
            return Err(Failure::new(Kind::Stopped, format!("after {} s {why}", AGREEMENT_LIMIT.as_secs()))
                .next(format!("rcl check {} shows what is wrong", cluster.entry)));
        }
        tokio::time::sleep(POLL).await;
    }
}

/// What the nodes agreed on is on their disks before it counts as done: a node that dies right after would come
/// back without knowing the others.
async fn save_everywhere(cluster: &Cluster, except: &[NodeRef]) -> Result<(), Failure> {
    let mut saves = JoinSet::new();
    for (id, link) in &cluster.links {
        if !except.iter().any(|node| node.id == *id) {
            let link = link.clone();
            // A new replica may begin to load its copy at any moment.
            saves
                .spawn(async move { once_loaded(|| link.call(Words::of(&["CLUSTER", "SAVECONFIG"]))).await });
        }
    }
    while let Some(saved) = saves.join_next().await {
        saved.map_err(|error| Failure::new(Kind::Internal, error.to_string()))??;
    }
    Ok(())
}
