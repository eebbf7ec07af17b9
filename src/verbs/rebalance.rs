//! `rcl rebalance`: evens out the slots of the masters.

use std::collections::BTreeMap;

use rcl_proto::Address;

use super::change::carry_out;
use super::moving::MoveArgs;
use crate::cli::{Failure, Manners, Session};
use crate::connect::Cluster;
use crate::plan::rebalance::{self, Wish};

/// Evens out how many slots the masters own, with the fewest moves
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Any node of the cluster
    #[arg(value_name = "HOST:PORT", env = "RCL_ENTRY")]
    pub entry: Address,

    /// A master's weight; 1 when not given, 0 takes all its slots. May be given several times
    #[arg(long, value_name = "NODE=W", value_delimiter = ',', value_parser = parse_weight)]
    pub weight: Vec<(String, f64)>,

    /// Gives slots to masters that have none
    #[arg(long)]
    pub use_empty_masters: bool,

    /// Does nothing while every master is nearer than so many per cent to its share
    #[arg(long, value_name = "PERCENT", default_value_t = 2.0)]
    pub threshold: f64,

    #[command(flatten)]
    pub moving: MoveArgs,
}

fn parse_weight(text: &str) -> Result<(String, f64), String> {
    let parts =
        text.rsplit_once('=').and_then(|(node, weight)| Some((node.to_owned(), weight.parse().ok()?)));
    parts
        .filter(|(node, weight): &(String, f64)| !node.is_empty() && weight.is_finite() && *weight >= 0.0)
        .ok_or_else(|| "expected NODE=WEIGHT, the weight a number from 0 up, as 07c37d=1.5".to_owned())
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    if !args.threshold.is_finite() || args.threshold < 0.0 {
        return Err(Failure::usage("--threshold is a number from 0 up"));
    }
    let cluster = Cluster::observe(&session.connector, &args.entry).await?;
    let mut weights = BTreeMap::new();
    for (name, weight) in &args.weight {
        let node = cluster.find(name)?;
        if !node.is_master() {
            return Err(Failure::refused(format!("{} is a replica: only masters own slots", node.name()))
                .next("give the weight to its master"));
        }
        weights.insert(node.id, *weight);
    }
    let wish = Wish { weights, use_empty_masters: args.use_empty_masters, threshold_percent: args.threshold };
    let plan = rebalance::plan(&cluster.topology, &wish)?;
    carry_out(session, &cluster, &plan, Manners::MustConfirm, args.moving.settings()).await
}
