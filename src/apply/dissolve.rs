//! Makes what was to become a cluster lone and empty nodes again.
//!
//! Only nodes that were changed are reset: those that know others, have an epoch or slots, or follow somebody. One that was reset may be
//! found by another that is not yet, and know it again; so they are looked at until all are alone. A node that holds keys by
//! now is left as it is: somebody uses it.

use std::time::{Duration, Instant};

use rcl_proto::nodes_text::NodeFlags;
use tokio::task::JoinSet;

use super::join::view_lines;
use crate::cli::{Failure, Kind};
use crate::connect::{Cluster, Connector, Link, Words};
use crate::plan::{NodeRef, Step};

const LIMIT: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(100);
/// So often in a row all have to be alone: what is still on its way between nodes comes within that time.
const QUIET_LOOKS: usize = 5;

/// What became of it.
#[derive(Debug, Default)]
pub struct Dissolved {
    pub reset: Vec<NodeRef>,
    /// Who is not reset, and why.
    pub left: Vec<String>,
}

/// One node, looked at.
enum State {
    Alone,
    Changed,
    InUse(u64),
    Silent,
}

/// `told` hears of the nodes to be reset before any of them is.
pub async fn dissolve(
    cluster: &Cluster,
    nodes: &[NodeRef],
    told: impl FnOnce(&[Step]) -> Result<(), Failure>,
) -> Result<Dissolved, Failure> {
    let mut states = look(cluster, nodes).await?;
    let changed: Vec<NodeRef> = those(&states, |state| matches!(state, State::Changed));
    told(&changed.iter().map(|node| Step::Reset { node: node.clone() }).collect::<Vec<_>>())?;
    let (started, mut quiet) = (Instant::now(), 0);
    while quiet < QUIET_LOOKS && started.elapsed() < LIMIT {
        let left = those(&states, |state| matches!(state, State::Changed));
        quiet = if left.is_empty() { quiet + 1 } else { 0 };
        reset_all(cluster, &left).await?;
        tokio::time::sleep(POLL).await;
        states = look(cluster, nodes).await?;
    }
    let mut dissolved = Dissolved { reset: changed, left: Vec::new() };
    for (node, state) in states {
        let why = match state {
            State::Alone => continue,
            State::Changed => "is not alone yet".to_owned(),
            State::InUse(keys) => format!("holds {keys} keys by now"),
            State::Silent => "does not answer".to_owned(),
        };
        dissolved.reset.retain(|reset| reset.id != node.id);
        let address = &node.address;
        dissolved.left.push(format!(
            "{} {why} and was not reset; before it is used: rcl call {address} --only {address} CLUSTER RESET HARD",
            node.name()
        ));
    }
    Ok(dissolved)
}

fn those(states: &[(NodeRef, State)], fits: impl Fn(&State) -> bool) -> Vec<NodeRef> {
    states.iter().filter(|(_, state)| fits(state)).map(|(node, _)| node.clone()).collect()
}

async fn look(cluster: &Cluster, nodes: &[NodeRef]) -> Result<Vec<(NodeRef, State)>, Failure> {
    let mut looks = JoinSet::new();
    for node in nodes {
        let (connector, node) = (cluster.connector.clone(), node.clone());
        looks.spawn(async move {
            let state = state(&connector, &node).await;
            (node, state)
        });
    }
    let mut states = Vec::new();
    while let Some(seen) = looks.join_next().await {
        states.push(seen.map_err(|error| Failure::new(Kind::Internal, error.to_string()))?);
    }
    states.sort_by(|(left, _), (right, _)| left.cmp(right));
    Ok(states)
}

/// Over a connection of its own: the one from before may have died with the node.
async fn state(connector: &Connector, node: &NodeRef) -> State {
    let Ok(Ok(link)) = tokio::time::timeout(Duration::from_secs(3), connector.connect(&node.address)).await
    else {
        return State::Silent;
    };
    let Ok(lines) = view_lines(&link).await else { return State::Silent };
    let is_me = |flags: NodeFlags| flags.contains(NodeFlags::MYSELF);
    let lone = |line: &rcl_proto::nodes_text::NodeLine| {
        is_me(line.flags) && line.slots.is_empty() && line.config_epoch == 0 && line.master.is_none()
    };
    if lines.iter().all(lone) {
        return State::Alone;
    }
    match keys(&link).await {
        // What a replica has is its master's.
        Some(keys) if keys > 0 && lines.iter().any(|line| is_me(line.flags) && line.master.is_none()) => {
            State::InUse(keys)
        }
        Some(_) => State::Changed,
        None => State::Silent,
    }
}

async fn keys(link: &Link) -> Option<u64> {
    match link.call(Words::of(&["DBSIZE"])).await {
        Ok(rcl_proto::resp::Reply::Integer(keys)) => u64::try_from(keys).ok(),
        _ => None,
    }
}

/// All at once: who is still there tells the others of itself.
async fn reset_all(cluster: &Cluster, nodes: &[NodeRef]) -> Result<(), Failure> {
    let mut resets = JoinSet::new();
    for node in nodes {
        let (connector, address) = (cluster.connector.clone(), node.address.clone());
        resets.spawn(async move {
            let link = connector.connect(&address).await?;
            link.call(Words::of(&["CLUSTER", "RESET", "HARD"])).await
        });
    }
    while let Some(reset) = resets.join_next().await {
        // Who could not is looked at again.
        let _ = reset.map_err(|error| Failure::new(Kind::Internal, error.to_string()))?;
    }
    Ok(())
}
