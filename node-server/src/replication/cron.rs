//! What replication does each second: PING into the stream, the end of an unused backlog, the count of good
//! replicas.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{new_id, role, wait};
use crate::clock;
use crate::executor::node_state;
use crate::node::Node;
use crate::pause::{PauseControl, PauseLevel};

pub async fn run(node: Arc<Node>) {
    let mut seconds = 0u64;
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        seconds += 1;
        let settings = node.settings();
        let period_s = settings.repl_ping_replica_period_s.max(1);
        drop(settings);
        if seconds.is_multiple_of(period_s) {
            append_notice(&node, &[b"PING"], |pause| pause.holds_stream_still());
        }
        retire_backlog(&node);
        wait::forget_the_gone(&node);
        role::refresh_state(&node);
    }
}

/// Writes a record about no data, for the replicas there are.
///
/// Not while a manual failover holds writes back: the replica that takes over waits for the very offset at which
/// they stopped. No PING either on the way down, so that the offset that is saved is the replicas'. The pause lies in the shards, so the look at it and the append are one step.
pub fn append_notice(node: &Node, command: &[&[u8]], is_held_back: impl Fn(&PauseControl) -> bool) {
    if node.replication.lock_links().is_empty() {
        return;
    }
    let shard = node.shards.lock(0);
    let held_back = shard.pause != PauseLevel::None && is_held_back(&node.pause);
    if node.replication.writes_its_own_log() && !held_back {
        node.replication.with_log(|log| log.append_notice(command));
    }
}

/// A master without replicas frees its backlog after `repl-backlog-ttl`. The history ends with it: what is
/// written from then on leaves no trace in the offset, so nobody may go on from the old id.
fn retire_backlog(node: &Node) {
    let replication = &node.replication;
    let ttl_ms = node.settings().repl_backlog_ttl_s as i64 * 1000;
    if ttl_ms == 0 || !replication.writes_its_own_log() || !replication.lock_links().is_empty() {
        return;
    }
    if !replication.lock_log().is_active() {
        return;
    }
    let since_ms = replication.no_replicas_since_ms.load(Ordering::Acquire).max(node.started_ms);
    if clock::now_ms() - since_ms <= ttl_ms {
        return;
    }
    let held = crate::executor::Held::all(&node.shards);
    if replication.lock_links().is_empty() && replication.writes_its_own_log() {
        replication.with_log(|log| log.retire(new_id()));
        replication.refresh_logging();
        tracing::info!(seconds = ttl_ms / 1000, "replication backlog freed: no replica for repl-backlog-ttl");
    }
    drop(held);
}

/// `min-replicas-to-write`: counts replicas that were heard of within `min-replicas-max-lag`.
pub fn count_good_replicas(node: &Node) {
    let settings = node.settings();
    let now_ms = clock::now_ms();
    let max_lag_s = settings.min_replicas_max_lag_s as i64;
    let links = node.replication.links();
    let good = links.iter().filter(|link| link.is_online() && link.lag_s(now_ms) <= max_lag_s).count() as u64;
    node.replication.good_replicas.store(good, Ordering::Release);
    let wanted = u64::from(settings.min_replicas_to_write);
    let too_few = wanted > 0 && max_lag_s > 0 && !node.replication.is_replica() && good < wanted;
    node.set_state(node_state::TOO_FEW_REPLICAS, too_few);
}
