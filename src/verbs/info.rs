//! `rcl info`: the cluster on one screen.

use rcl_proto::{Address, SLOT_COUNT};
use serde::Serialize;

use super::nodes::{Row, rows};
use crate::cli::{Failure, Session};
use crate::connect::Cluster;
use crate::output::{Paint, Report, bytes, count, number_of, paint, table};

/// Shows the cluster on one screen: masters, their slots and keys, replicas
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Any node of the cluster
    #[arg(value_name = "HOST:PORT", env = "RCL_ENTRY")]
    pub entry: Address,
}

#[derive(Debug, Serialize)]
struct Info {
    state: &'static str,
    slots_covered: usize,
    known_nodes: usize,
    masters: usize,
    replicas: usize,
    keys: u64,
    memory_bytes: u64,
    current_epoch: u64,
    versions: Vec<String>,
    nodes: Vec<Row>,
}

impl Report for Info {
    fn text(&self) -> String {
        let state = if self.state == "ok" { Paint::Good } else { Paint::Bad };
        let head = format!(
            "cluster {}  {} of {SLOT_COUNT} slots  {}, {}\n{}, {}  epoch {}  version {}",
            paint(state, self.state),
            self.slots_covered,
            number_of(self.masters, "master"),
            number_of(self.replicas, "replica"),
            number_of(self.keys, "key"),
            bytes(self.memory_bytes),
            self.current_epoch,
            self.versions.join(", ")
        );
        let masters = self.nodes.iter().filter(|row| row.master.is_none());
        let cells = masters.map(|master| {
            let replicas = self.nodes.iter().filter(|row| row.master.as_ref() == Some(&master.id));
            let replicas: Vec<String> = replicas
                .map(|row| {
                    if row.state == "ok" {
                        row.address.clone()
                    } else {
                        format!("{} {}", row.address, row.state)
                    }
                })
                .collect();
            [
                format!("{:.8}", master.id),
                master.address.clone(),
                count(master.slot_count as u64),
                master.keys.map_or_else(|| "?".to_owned(), count),
                master.memory_bytes.map_or_else(|| "?".to_owned(), bytes),
                replicas.join(" "),
            ]
        });
        let table = table(&["id", "master", ">slots", ">keys", ">memory", "replicas"], cells);
        format!("{head}\n\n{table}")
    }
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let cluster = Cluster::observe(&session.connector, &args.entry).await?;
    let topology = &cluster.topology;
    let masters = topology.masters();
    let facts = || topology.nodes.values().filter_map(|node| node.facts.as_ref());
    let mut versions: Vec<String> = facts().map(|facts| facts.version.clone()).collect();
    versions.sort();
    versions.dedup();
    session.output.print(&Info {
        state: if facts().all(|facts| facts.state_ok) { "ok" } else { "down" },
        slots_covered: SLOT_COUNT - topology.uncovered().len(),
        known_nodes: topology.nodes.len(),
        masters: masters.len(),
        replicas: topology.nodes.len() - masters.len(),
        keys: masters.iter().map(|node| node.keys()).sum(),
        memory_bytes: masters.iter().filter_map(|n| n.facts.as_ref()).map(|f| f.used_memory_bytes).sum(),
        current_epoch: facts().map(|facts| facts.current_epoch).max().unwrap_or(0),
        versions,
        nodes: rows(topology),
    });
    Ok(())
}
