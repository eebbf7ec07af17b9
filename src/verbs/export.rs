//! `rcl export`: a living cluster as a description.

use rcl_proto::{Address, NodeId};
use serde::Serialize;

use crate::cli::{Failure, Session};
use crate::connect::Cluster;
use crate::describe::{Description, Export, export};
use crate::output::Report;

/// Writes the description of a cluster that rcl plan and rcl apply read
///
/// Masters with their slots, their replicas, zones where nodes tell them, and directives that are not what they usually are; never
/// a secret, nor what is each node's own (ports, folders, certificates). Nodes that do not answer are left out, and named.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rcl export 10.0.0.1:6379 > cluster.yaml
  rcl export 10.0.0.1:6379 --weights --setting maxmemory")]
pub struct Args {
    /// Any node of the cluster
    #[arg(value_name = "HOST:PORT", env = "RCL_ENTRY")]
    pub entry: Address,

    /// Weights instead of the slots themselves
    #[arg(long)]
    pub weights: bool,

    /// Also this directive, whatever its value. May be given several times
    #[arg(long, value_name = "DIRECTIVE", value_delimiter = ',')]
    pub setting: Vec<String>,

    /// No directives but those named with --setting
    #[arg(long)]
    pub no_settings: bool,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Exported {
    description: Description,
    #[serde(skip)]
    entry: String,
}

impl Report for Exported {
    const FOR_PROGRAMS: bool = true;

    fn text(&self) -> String {
        let yaml = serde_yaml::to_string(&self.description).unwrap_or_else(|error| error.to_string());
        format!(
            "# The cluster of {}, by rcl export. Compare: rcl plan FILE; bring about: rcl apply FILE\n{yaml}",
            self.entry
        )
    }
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let cluster = Cluster::observe(&session.connector, &args.entry).await?;
    let asked_for: Vec<String> = args.setting.iter().map(|name| name.to_ascii_lowercase()).collect();
    let mut names = asked_for.clone();
    if !args.no_settings {
        names.push("*".to_owned());
    }
    let (answering, silent): (Vec<_>, Vec<_>) =
        cluster.topology.nodes.values().partition(|node| node.answers());
    for node in silent {
        session.output.status(&format!("{} does not answer and is left out", node.name()));
    }
    let ids: Vec<NodeId> = answering.iter().map(|node| node.id).collect();
    let known = cluster.directives(ids, &names).await?;
    let wish = Export { weights: args.weights, asked_for, only_asked_for: args.no_settings };
    let description = export(&cluster.topology, &known, &wish);
    session.output.print(&Exported { description, entry: args.entry.to_string() });
    Ok(())
}
