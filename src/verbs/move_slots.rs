//! `rcl move-slots`: just these slots to one master.

use rcl_proto::{NodeId, SlotRange, SlotSet};

use super::change::{carry_out, entry_for};
use super::moving::MoveArgs;
use crate::cli::{Failure, Manners, Session};
use crate::connect::Cluster;
use crate::keys::slot_use::count_keys;
use crate::plan::reshard::{self, Wish};

/// Moves named slots, or all slots of a node, to one master
///
/// As rcl move-slots 0-100,5461 --to NODE, whoever owns them, or rcl move-slots --from NODE --to NODE. What is there already
/// stays; clients keep working meanwhile. By how many, from several: rcl reshard.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The slots, as 0-100,5461
    #[arg(value_name = "SLOTS", value_delimiter = ',', required_unless_present = "from")]
    pub slots: Vec<SlotRange>,

    /// Where they go: host:port, or a node id or its unique beginning (with --entry)
    #[arg(long, value_name = "NODE")]
    pub to: String,

    /// All slots of this node; with SLOTS, refused if others own some of them
    #[arg(long, value_name = "NODE")]
    pub from: Option<String>,

    #[command(flatten)]
    pub moving: MoveArgs,
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let entry = entry_for(session, &args.to)?;
    let mut cluster = Cluster::observe(&session.connector, &entry).await?;
    let target = cluster.find(&args.to)?.id;
    let source = args.from.as_deref().map(|name| cluster.find(name)).transpose()?;
    let named = args.slots.iter().fold(SlotSet::EMPTY, |mut set, range| {
        set.insert_range(*range);
        set
    });
    let slots = match source {
        Some(source) if args.slots.is_empty() && source.slots.is_empty() => {
            return Err(Failure::refused(format!("{} owns no slots", source.name()))
                .next(format!("rcl slot-info {} shows who owns which", cluster.entry)));
        }
        Some(source) if args.slots.is_empty() => source.slots.clone(),
        _ => named,
    };
    let sources: Vec<NodeId> = source.iter().map(|node| node.id).collect();
    count_keys(&mut cluster).await?;
    let plan = reshard::plan(&cluster.topology, &sources, target, &Wish::These(Box::new(slots)))?;
    carry_out(session, &cluster, &plan, Manners::MustConfirm, args.moving.settings()).await
}
