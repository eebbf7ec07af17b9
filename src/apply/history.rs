//! What a node's data came from, as long as it is the same: of the keys that a source and its target both have, the source's is the newer one then.

use rcl_proto::{NodeId, Slot, SlotSet};

use super::survey::Survey;
use crate::cli::Failure;
use crate::connect::{Cluster, Fields, Link};
use crate::journal::{History, Journal, Sole};

/// Of keys: a source as it was before any slot was opened.
#[derive(Debug)]
pub struct Origin {
    ends: (NodeId, NodeId),
    /// It serves these.
    owned: SlotSet,
    history: Option<History>,
}

impl Origin {
    pub async fn of(cluster: &Cluster, source: NodeId, target: NodeId) -> Result<Origin, Failure> {
        let owned = cluster.topology.node(source).map(|node| node.slots.clone()).unwrap_or_default();
        let history = match owned.is_empty() {
            true => None,
            false => history(cluster.link(source)?).await,
        };
        Ok(Origin { ends: (source, target), owned, history })
    }

    /// Those of `slots` of which the target has no key.
    pub async fn sole(&self, slots: &[Slot], target: Survey<'_>) -> Result<Option<Sole>, Failure> {
        let Some(history) = self.history.clone() else { return Ok(None) };
        let counts = target.count(slots).await?;
        let empty = counts.into_iter().filter(|(_, keys)| *keys == 0).map(|(slot, _)| slot);
        let slots = empty.collect::<SlotSet>().intersection(&self.owned);
        Ok((!slots.is_empty()).then_some(Sole { slots, history }))
    }

    /// Whether what it holds of this slot is newer than what the target has of it.
    pub async fn is_newer(&self, slot: Slot, link: &Link, journal: &Journal) -> bool {
        let (source, target) = self.ends;
        let Some(then) = journal.sole_holder(source, target, slot) else { return false };
        self.owned.contains(slot) && history(link).await.is_some_and(|now| now == then)
    }
}

/// `None`: it is no master, or may not be asked.
async fn history(link: &Link) -> Option<History> {
    let (server, replication) =
        tokio::try_join!(Fields::of_section(link, "server"), Fields::of_section(link, "replication")).ok()?;
    let is_master = replication.get("role") == Some("master");
    let word =
        |fields: &Fields, name: &str| fields.get(name).filter(|word| !word.is_empty()).map(str::to_owned);
    let (run_id, replication_id) = (word(&server, "run_id")?, word(&replication, "master_replid")?);
    is_master.then_some(History { run_id, replication_id })
}
