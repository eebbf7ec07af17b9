//! `rcl reshard`: slots to one node.

use rcl_proto::{Address, NodeId, SlotRange, SlotSet};

use super::change::carry_out;
use super::moving::MoveArgs;
use crate::cli::{Failure, Manners, Session};
use crate::connect::Cluster;
use crate::keys::slot_use::count_keys;
use crate::plan::reshard::{self, Wish};

/// Moves slots, with their keys, to one master
///
/// Clients keep working meanwhile. A move that was interrupted is finished first.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Any node of the cluster
    #[arg(value_name = "HOST:PORT", env = "RCL_ENTRY")]
    pub entry: Address,

    /// Where slots come from: `all`, or NODE, which may be given several times
    #[arg(long, value_name = "NODE", default_value = "all", value_delimiter = ',')]
    pub from: Vec<String>,

    /// Where they go: host:port, a node id, or its unique beginning
    #[arg(long, value_name = "NODE")]
    pub to: String,

    /// How many slots; several sources give in proportion to what they own
    #[arg(long, value_name = "N", required_unless_present = "slot_ranges")]
    pub slots: Option<usize>,

    /// Just these slots, as 0-99,200
    #[arg(long, value_name = "RANGES", value_delimiter = ',', conflicts_with = "slots")]
    pub slot_ranges: Vec<SlotRange>,

    #[command(flatten)]
    pub moving: MoveArgs,
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let mut cluster = Cluster::observe(&session.connector, &args.entry).await?;
    let target = cluster.find(&args.to)?.id;
    let named = args.from.iter().filter(|name| !name.eq_ignore_ascii_case("all"));
    let sources: Vec<NodeId> = if args.from.iter().any(|name| name.eq_ignore_ascii_case("all")) {
        Vec::new()
    } else {
        named.map(|name| cluster.find(name).map(|node| node.id)).collect::<Result<_, _>>()?
    };
    let wish = match args.slots {
        Some(count) => Wish::Count(count),
        None => Wish::These(Box::new(args.slot_ranges.iter().fold(SlotSet::EMPTY, |mut set, range| {
            set.insert_range(*range);
            set
        }))),
    };
    count_keys(&mut cluster).await?;
    let plan = reshard::plan(&cluster.topology, &sources, target, &wish)?;
    carry_out(session, &cluster, &plan, Manners::MustConfirm, args.moving.settings()).await
}
