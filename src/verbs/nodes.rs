//! `rcl nodes`: every node, one line each.

use rcl_proto::Address;
use rcl_proto::nodes_text::NodeFlags;
use serde::Serialize;

use crate::cli::{Failure, Session};
use crate::connect::Cluster;
use crate::output::{Paint, Report, count, paint, table};
use crate::topology::{Node, Topology};

/// Lists all nodes: ids, roles, states, slots, keys
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Any node of the cluster
    #[arg(value_name = "HOST:PORT", env = "RCL_ENTRY")]
    pub entry: Address,
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Nodes(Vec<Row>);

/// One node, for machines.
#[derive(Debug, Serialize)]
pub struct Row {
    pub id: String,
    pub address: String,
    pub role: &'static str,
    pub master: Option<String>,
    pub state: &'static str,
    pub slots: String,
    pub slot_count: usize,
    pub keys: Option<u64>,
    pub memory_bytes: Option<u64>,
    pub replication_offset: Option<u64>,
    pub config_epoch: u64,
    pub version: Option<String>,
    pub silence: Option<String>,
}

impl Row {
    pub fn of(node: &Node) -> Row {
        let facts = node.facts.as_ref();
        Row {
            id: node.id.to_string(),
            address: node.address.to_string(),
            role: if node.is_master() { "master" } else { "replica" },
            master: node.master().map(|master| master.to_string()),
            state: state(node),
            slots: node.slots.to_string(),
            slot_count: node.slots.len(),
            keys: facts.map(|facts| facts.keys),
            memory_bytes: facts.map(|facts| facts.used_memory_bytes),
            replication_offset: facts.map(|facts| facts.replication_offset),
            config_epoch: node.config_epoch,
            version: facts.map(|facts| facts.version.clone()),
            silence: node.silence.clone(),
        }
    }
}

/// One word for how a node does.
fn state(node: &Node) -> &'static str {
    match &node.facts {
        None if node.flags.contains(NodeFlags::FAIL) => "failed",
        None => "silent",
        Some(facts) if !facts.state_ok => "down",
        Some(facts) if !facts.link_up => "syncing",
        Some(_) => "ok",
    }
}

/// Masters in the order of their slots, each with its replicas after it; then whoever replicates nobody we know.
pub fn rows(topology: &Topology) -> Vec<Row> {
    let masters = topology.masters();
    let mut rows = Vec::new();
    for master in &masters {
        rows.push(Row::of(master));
        rows.extend(topology.replicas_of(master.id).into_iter().map(Row::of));
    }
    let orphan = |node: &&Node| node.master().is_some_and(|id| !masters.iter().any(|master| master.id == id));
    rows.extend(topology.nodes.values().filter(orphan).map(Row::of));
    rows
}

impl Report for Nodes {
    const LIST: &'static str = "nodes";

    fn text(&self) -> String {
        let cells = |row: &Row| {
            let role = match &row.master {
                None => row.role.to_owned(),
                Some(master) => format!("replica of {:.8}", master),
            };
            let style = if row.state == "ok" { Paint::Good } else { Paint::Bad };
            [
                format!("{:.8}", row.id),
                row.address.clone(),
                role,
                paint(style, row.state),
                if row.master.is_none() { count(row.slot_count as u64) } else { String::new() },
                row.keys.map_or_else(|| "?".to_owned(), count),
                row.config_epoch.to_string(),
            ]
        };
        table(&["id", "address", "role", "state", ">slots", ">keys", ">epoch"], self.0.iter().map(cells))
    }
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let cluster = Cluster::observe(&session.connector, &args.entry).await?;
    session.output.print(&Nodes(rows(&cluster.topology)));
    Ok(())
}
