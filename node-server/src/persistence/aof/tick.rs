//! What is looked at from time to time: how the disk keeps up, and whether a rewrite is due.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Aof, State, rewrite};
use crate::clock;
use crate::config::AppendFsync;
use crate::executor::node_state;
use crate::node::Node;

/// With `everysec`, answers wait for the disk when something is not synced for longer than this.
const LONGEST_LAG_MS: i64 = 2000;

/// How syncing is done now, and whether answers wait for it, too. While a snapshot is made nothing is synced with
/// `no-appendfsync-on-rewrite`, so nobody waits for that either.
pub fn refresh_policy(node: &Node) -> AppendFsync {
    let aof = &node.persistence.aof;
    let settings = node.settings();
    let suspended = settings.no_appendfsync_on_rewrite && node.persistence.snapshot_is_running();
    let policy = if suspended { AppendFsync::No } else { settings.appendfsync };
    let awaited_sync = aof.awaits_sync.load(Ordering::Acquire);
    let lags = policy == AppendFsync::Everysec && lags(aof);
    if lags && !awaited_sync {
        aof.delayed_fsyncs.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(
            "Asynchronous AOF fsync is taking too long (disk is busy?). Answers wait until the disk has caught up"
        );
    }
    aof.set_awaits_sync(policy == AppendFsync::Always || lags);
    policy
}

fn lags(aof: &Aof) -> bool {
    let since_ms = aof.unsynced_since_ms.load(Ordering::Acquire);
    since_ms != 0 && !aof.failed.load(Ordering::Acquire) && clock::now_ms() - since_ms > LONGEST_LAG_MS
}

/// Called some times a second.
pub fn tick(node: &Arc<Node>, now_ms: i64) {
    let aof = &node.persistence.aof;
    if aof.state() != State::Off {
        refresh_policy(node);
    }
    if node.persistence.snapshot_is_running() || aof.is_rewriting() || node.state() & node_state::LOADING != 0
    {
        return;
    }
    if !aof.rewriting.may_try(now_ms) {
        return;
    }
    if aof.rewriting.is_scheduled() {
        rewrite::begin(node);
    } else if aof.state() == State::On
        && let Some(growth) = growth_over_limit(node)
    {
        tracing::info!("Starting automatic rewriting of AOF on {growth}% growth");
        rewrite::begin(node);
    }
}

/// By how many percent it has grown since the last rewrite, if that is enough for another one.
fn growth_over_limit(node: &Node) -> Option<u64> {
    let settings = node.settings();
    let sizes = &node.persistence.aof.sizes;
    let (current, base) = (sizes.current(), sizes.base.load(Ordering::Acquire).max(1));
    let growth = (current.saturating_mul(100) / base).checked_sub(100)?;
    let percentage = settings.auto_aof_rewrite_percentage;
    let is_over = percentage > 0 && current > settings.auto_aof_rewrite_min_size && growth >= percentage;
    is_over.then_some(growth)
}
