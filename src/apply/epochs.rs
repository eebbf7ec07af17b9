//! Epochs, before slots move.
//!
//! Of two nodes that claim a slot the one with the newer epoch has it. A target that takes slots over gives itself the newest epoch, unless it has it
//! already; it asks nobody, so two targets at once may choose the same one. Then one of the two moves on to a newer one, in which it claims
//! what it owned when it spoke last:
//!
//! ```text
//! B, C   take slots over, both with epoch 11
//! B      moves on to 12, and says so: 12, with slot s
//! C      takes s over from B with 11, the newest that it knows of
//! B      gives s up
//! C      hears "12, with slot s": takes s for B's, and deletes its keys. Nobody owns s, and nobody has them
//! ```
//!
//! While slots move, sources keep their epochs, and those of targets are newer than all that the targets know of. So it is enough that, before any
//! move begins, no two masters share an epoch, and each knows the epochs of all others, or newer ones. (Redis 7.0: `clusterBumpConfigEpochWithoutConsensus`,
//! `clusterHandleConfigEpochCollision`.)

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rcl_proto::nodes_text::{self, NodeFlags, NodeLine};
use rcl_proto::{Address, NodeId};
use tokio::task::JoinSet;

use super::slots::other_masters;
use super::{AGREEMENT_LIMIT, Stop};
use crate::cli::{Failure, Kind};
use crate::connect::{Cluster, Link};

pub const POLL: Duration = Duration::from_millis(20);

/// Waits until it is so. Masters that do not answer are left out: they claim nothing.
pub async fn await_settled(cluster: &Cluster, stop: &Stop) -> Result<(), Failure> {
    let started = Instant::now();
    loop {
        let Some(why) = unsettled(&masters_of(views(other_masters(cluster, &[])).await)) else {
            return Ok(());
        };
        if started.elapsed() > AGREEMENT_LIMIT {
            let what =
                format!("after {} s {why}: slots that move now could be lost", AGREEMENT_LIMIT.as_secs());
            return Err(Failure::new(Kind::Stopped, what)
                .next(format!("rcl check {} shows what is wrong", cluster.entry)));
        }
        stop.or(async {
            tokio::time::sleep(POLL).await;
            Ok(())
        })
        .await?;
    }
}

/// What each node that answers says of all, by its id.
pub async fn views(links: impl IntoIterator<Item = Link>) -> BTreeMap<NodeId, Vec<NodeLine>> {
    let mut asked = JoinSet::new();
    for link in links {
        asked.spawn(async move { link.text(&["CLUSTER", "NODES"]).await });
    }
    let mut views = BTreeMap::new();
    while let Some(said) = asked.join_next().await {
        let Ok(Ok(text)) = said else { continue };
        let lines = nodes_text::parse(&text).unwrap_or_default();
        if let Some(own) = lines.iter().find(|line| line.flags.contains(NodeFlags::MYSELF)) {
            views.insert(own.id, lines);
        }
    }
    views
}

/// Without those that gave their last slot and are replicas by now.
fn masters_of(mut views: BTreeMap<NodeId, Vec<NodeLine>>) -> BTreeMap<NodeId, Vec<NodeLine>> {
    views.retain(|id, lines| lines.iter().any(|line| line.id == *id && line.master.is_none()));
    views
}

/// Why slots had better not move yet.
fn unsettled(views: &BTreeMap<NodeId, Vec<NodeLine>>) -> Option<String> {
    let line_of = |viewer: &NodeId, id: &NodeId| views[viewer].iter().find(|line| line.id == *id);
    let name = |line: &NodeLine| Address::new(&line.endpoint.ip, line.endpoint.port).to_string();
    let mut by_epoch: BTreeMap<u64, &NodeLine> = BTreeMap::new();
    for id in views.keys() {
        let own = line_of(id, id)?;
        // Zero is the epoch of who never had a slot.
        if own.config_epoch > 0
            && let Some(other) = by_epoch.insert(own.config_epoch, own)
        {
            return Some(format!("{} and {} share the epoch {}", name(other), name(own), own.config_epoch));
        }
        for viewer in views.keys() {
            if let Some(seen) = line_of(viewer, id)
                && seen.config_epoch < own.config_epoch
            {
                let viewer = line_of(viewer, viewer)?;
                return Some(format!(
                    "{} does not know that {} is at epoch {}",
                    name(viewer),
                    name(own),
                    own.config_epoch
                ));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::tests_of_merge::{id, view};

    fn of(views: &[(u8, &[&str])]) -> Option<String> {
        unsettled(&views.iter().map(|(viewer, lines)| (id(*viewer), view(*viewer, lines).lines)).collect())
    }

    #[test]
    fn masters_that_know_each_other_s_epochs_are_settled() {
        let lines = ["1 7001 master - 1 0-8191", "2 7002 master - 2 8192-16383", "3 7003 master - 0"];
        assert_eq!(of(&[(1, &lines), (2, &lines), (3, &lines)]), None);
    }

    #[test]
    fn two_that_share_an_epoch_are_waited_for() {
        let lines = ["1 7001 master - 5 0-8191", "2 7002 master - 5 8192-16383"];
        let why = of(&[(1, &lines), (2, &lines)]).unwrap();
        assert_eq!(why, "127.0.0.1:7001 and 127.0.0.1:7002 share the epoch 5");
    }

    #[test]
    fn one_that_has_not_heard_yet_is_waited_for() {
        let old = ["1 7001 master - 5 0-8191", "2 7002 master - 4 8192-16383"];
        let new = ["1 7001 master - 6 0-8191", "2 7002 master - 4 8192-16383"];
        let why = of(&[(1, &new), (2, &old)]).unwrap();
        assert_eq!(why, "127.0.0.1:7002 does not know that 127.0.0.1:7001 is at epoch 6");
        // Who does not answer is not waited for.
        assert_eq!(of(&[(2, &old)]), None);
    }

    #[test]
    fn one_that_was_reset_is_remembered_with_a_newer_epoch_which_stays() {
        let own = ["1 7001 master - 1 0-8191", "2 7002 master - 4 8192-16383"];
        let others = ["1 7001 master - 6 0-8191", "2 7002 master - 4 8192-16383"];
        assert_eq!(of(&[(1, &own), (2, &others)]), None);
    }
}
