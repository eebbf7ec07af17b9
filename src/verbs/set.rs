//! `rcl set`: a directive on all nodes.

use rcl_proto::Address;

use super::change::carry_out;
use crate::apply;
use crate::cli::{Failure, Manners, Session};
use crate::connect::Cluster;
use crate::plan::NodeRef;
use crate::plan::settings::{self, Wish};

/// Sets directives on all nodes, and in their configuration files
///
/// Shows for each node what it has and what it will have. Every node must know the directive before one is touched; where one
/// refuses the value, all get back what they had. Nodes that have it already are left alone. rcl undo sets what was before.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rcl set 10.0.0.1:6379 maxmemory 2gb
  rcl set 10.0.0.1:6379 maxmemory-policy allkeys-lru hz 20 --masters
  rcl set 10.0.0.1:6379 save '' --node 10.0.0.4:6379 --no-rewrite")]
pub struct Args {
    /// Any node of the cluster
    #[arg(value_name = "HOST:PORT", env = "RCL_ENTRY")]
    pub entry: Address,

    /// One directive and its value, or several
    #[arg(value_names = ["DIRECTIVE", "VALUE"], required = true, num_args = 2.., allow_negative_numbers = true)]
    pub words: Vec<String>,

    #[command(flatten)]
    pub choice: Choice,

    /// Not in the nodes' configuration files: a restart brings the old value back
    #[arg(long)]
    pub no_rewrite: bool,
}

/// On which nodes.
#[derive(Debug, Default, clap::Args)]
pub struct Choice {
    /// Only on masters
    #[arg(long, conflicts_with_all = ["replicas", "node"])]
    pub masters: bool,

    /// Only on replicas
    #[arg(long, conflicts_with = "node")]
    pub replicas: bool,

    /// Only on this node: host:port, a node id, or its unique beginning. May be given several times
    #[arg(long, value_name = "NODE", value_delimiter = ',')]
    pub node: Vec<String>,

    /// Passes over nodes that do not answer, instead of refusing
    #[arg(long)]
    pub skip_silent: bool,
}

impl Choice {
    fn nodes(&self, cluster: &Cluster) -> Result<Vec<NodeRef>, Failure> {
        if !self.node.is_empty() {
            let mut nodes: Vec<NodeRef> =
                self.node.iter().map(|name| cluster.find(name).map(NodeRef::of)).collect::<Result<_, _>>()?;
            nodes.sort();
            nodes.dedup();
            return Ok(nodes);
        }
        let mut nodes = Vec::new();
        for node in cluster.topology.nodes.values() {
            let is_meant = !(self.masters && !node.is_master() || self.replicas && node.is_master());
            if is_meant && (node.answers() || !self.skip_silent) {
                nodes.push(node);
            }
        }
        if let Some(silent) = nodes.iter().find(|node| !node.answers()) {
            return Err(Failure::refused(format!(
                "{} does not answer: it would miss the setting",
                silent.name()
            ))
            .next("start it again, or pass over it with --skip-silent"));
        }
        nodes.sort_by_key(|node| &node.address);
        Ok(nodes.into_iter().map(NodeRef::of).collect())
    }
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    if !args.words.len().is_multiple_of(2) {
        let last = args.words.last().map_or("", String::as_str);
        return Err(Failure::usage(format!("{last} has no value"))
            .next("give each directive one; '' is an empty one"));
    }
    let pairs: Vec<(&str, &str)> =
        args.words.chunks(2).map(|pair| (pair[0].as_str(), pair[1].as_str())).collect();
    set(session, &args.entry, &pairs, &args.choice, !args.no_rewrite).await
}

pub async fn set(
    session: &Session,
    entry: &Address,
    pairs: &[(&str, &str)],
    choice: &Choice,
    rewrite: bool,
) -> Result<(), Failure> {
    let names = settings::check_names(&pairs.iter().map(|(name, _)| *name).collect::<Vec<_>>())?;
    let cluster = Cluster::observe(&session.connector, entry).await?;
    let nodes = choice.nodes(&cluster)?;
    let known = cluster.directives(nodes.iter().map(|node| node.id), &names).await?;
    let values = pairs.iter().map(|(_, value)| (*value).to_owned());
    let wish = Wish { settings: names.into_iter().zip(values).collect(), rewrite };
    let plan = settings::plan(&cluster.topology, &nodes, &known, &wish)?;
    carry_out(session, &cluster, &plan, Manners::AskOnTerminal, apply::Settings::default()).await
}
