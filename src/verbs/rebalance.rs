//! `rcl rebalance`: evens out what the masters carry.

use std::collections::BTreeMap;
use std::time::Duration;

use rcl_proto::Address;

use super::change::carry_out;
use super::moving::{MoveArgs, parse_time};
use crate::cli::{Failure, Manners, Session};
use crate::connect::Cluster;
use crate::keys::slot_use::measure;
use crate::plan::rebalance::{self, Wish};
use crate::topology::Measure;

/// Evens out what the masters carry, with the fewest moves
///
/// By slots, each gets its share of 16384. By keys, memory, cpu or traffic, slots are weighed by what they hold or cost, and each
/// master is brought within the threshold of its share; a slot that is too heavy for that is named. The plan shows what each
/// has before and after. Replicas of a master that is emptied (weight 0) get other masters.
///
/// Memory is what the nodes count by slot (Redis from 8.2 on), else follows from a sample of the keys. Cpu and traffic need CLUSTER
/// SLOT-STATS (Redis from 8.2, Valkey from 8 on), switched on by cluster-slot-stats-enabled.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Any node of the cluster
    #[arg(value_name = "HOST:PORT", env = "RCL_ENTRY")]
    pub entry: Address,

    /// What is to be even
    #[arg(long, value_enum, default_value_t)]
    pub by: Measure,

    /// For how long cpu and traffic are looked at, as 10s
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_time)]
    pub over: Duration,

    /// A master's weight; 1 when not given, 0 takes all its slots. May be given several times
    #[arg(long, value_name = "NODE=W", value_delimiter = ',', value_parser = parse_weight)]
    pub weight: Vec<(String, f64)>,

    /// Gives slots to masters that have none
    #[arg(long)]
    pub use_empty_masters: bool,

    /// Does nothing while every master is nearer than so many per cent to its share; other than by slots, none is brought
    /// nearer than that
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
    let mut cluster = Cluster::observe(&session.connector, &args.entry).await?;
    let mut weights = BTreeMap::new();
    for (name, weight) in &args.weight {
        let node = cluster.find(name)?;
        if !node.is_master() {
            return Err(Failure::refused(format!("{} is a replica: only masters own slots", node.name()))
                .next("give the weight to its master"));
        }
        weights.insert(node.id, *weight);
    }
    measure(session, &mut cluster, args.by, args.over).await?;
    let wish = Wish {
        by: args.by,
        weights,
        use_empty_masters: args.use_empty_masters,
        threshold_percent: args.threshold,
    };
    let plan = rebalance::plan(&cluster.topology, &wish)?;
    carry_out(session, &cluster, &plan, Manners::MustConfirm, args.moving.settings()).await
}
