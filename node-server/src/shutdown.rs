//! The way down: nothing that was promised is left undone.
//!
//! 1. If that is wanted, a master of a cluster hands over to a replica first ([`hand_over`]; not with NOW).
//! 2. Writes are held back, and replicas get time to take what they miss (`shutdown-timeout`; not with NOW).
//! 3. What was written is synced in the append-only file, whatever its policy.
//! 4. A save that is running is let end; then the data are saved, if that is wanted or save points say so.
//! 5. If syncing or saving fails the node goes on, unless FORCE was said.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::clock;
use crate::executor::node_state;
use crate::hand_over;
use crate::node::{Node, ShutdownRequest};
use crate::pause::{PauseLevel, PauseReason};
use crate::persistence::{aof, save};

/// In Redis's words, as those of what else ends a shutdown: operators' tools look for them in the log.
const ABORTED: &str = "Shutdown manually aborted";

const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Saves if that is wanted, and lets replicas catch up. An error means that the node goes on.
pub async fn prepare(node: &Arc<Node>, request: ShutdownRequest) -> anyhow::Result<()> {
    node.persistence.shutdown_aborted.store(false, Ordering::Release);
    node.persistence.shutdown_in_progress.store(true, Ordering::Release);
    if request.failover && !request.now {
        hand_over::to_a_replica(node).await;
    }
    // From here on nothing is written that the save would not have.
    node.pause.pause(&node.shards, PauseReason::Shutdown, PauseLevel::Writes, i64::MAX);
    let result = go_down(node, request).await;
    node.persistence.shutdown_in_progress.store(false, Ordering::Release);
    node.persistence.shutdown_until_ms.store(0, Ordering::Release);
    if result.is_err() {
        tracing::warn!("Errors trying to shut down the server. Check the logs for more information.");
        node.pause.resume(&node.shards, PauseReason::Shutdown);
        node.persistence.answer_shutdown("ERR Errors trying to SHUTDOWN. Check logs.");
    }
    result
}

/// False when no shutdown is going on that could still be given up.
pub fn abort(node: &Node) -> bool {
    let in_progress = node.persistence.shutdown_in_progress.load(Ordering::Acquire);
    if in_progress {
        node.persistence.shutdown_aborted.store(true, Ordering::Release);
    }
    in_progress
}

async fn go_down(node: &Arc<Node>, request: ShutdownRequest) -> anyhow::Result<()> {
    while node.cron_is_paused.load(Ordering::Relaxed) {
        // DEBUG PAUSE-CRON, to test what happens meanwhile.
        if node.persistence.shutdown_aborted.load(Ordering::Acquire) {
            anyhow::bail!(ABORTED);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    if !request.now {
        let_replicas_catch_up(node).await?;
    }
    tell_of_replicas(node);
    sync_aof(node, request.force).await?;
    let wanted = request.save.unwrap_or(!node.settings().save.is_empty());
    // Half-loaded data must not replace the file that they come from.
    if !wanted || node.state() & node_state::LOADING != 0 {
        return Ok(());
    }
    match save_last(node).await {
        Err(error) if request.force => {
            tracing::error!("Error trying to save the DB, but FORCE was said: {error}");
            Ok(())
        }
        Err(error) => Err(anyhow::anyhow!("Error trying to save the DB, can't exit: {error}")),
        Ok(()) => Ok(()),
    }
}

async fn sync_aof(node: &Arc<Node>, force: bool) -> anyhow::Result<()> {
    if node.persistence.aof.state() == aof::State::Starting {
        if !force {
            anyhow::bail!("Writing initial AOF, can't exit.");
        }
        tracing::warn!("Writing initial AOF. Exit anyway.");
    }
    let syncing_node = node.clone();
    let synced = tokio::task::spawn_blocking(move || aof::last_flush(&syncing_node)).await;
    match synced.map_err(|error| error.to_string()).flatten() {
        Err(error) if force => {
            tracing::error!("Fail to fsync the AOF file, but FORCE was said: {error}");
            Ok(())
        }
        Err(error) => Err(anyhow::anyhow!("Fail to fsync the AOF file, can't exit: {error}")),
        Ok(()) => Ok(()),
    }
}

async fn let_replicas_catch_up(node: &Arc<Node>) -> anyhow::Result<()> {
    let timeout_ms = node.settings().shutdown_timeout_s as i64 * 1000;
    if timeout_ms == 0 || !node.replication.has_lagging_replicas() {
        return Ok(());
    }
    let until_ms = clock::now_ms() + timeout_ms;
    node.persistence.shutdown_until_ms.store(until_ms, Ordering::Release);
    node.replication.ask_for_acknowledgements();
    loop {
        // First: that they have caught up since is no reason to go down all the same.
        if node.persistence.shutdown_aborted.load(Ordering::Acquire) {
            anyhow::bail!(ABORTED);
        }
        if !node.replication.has_lagging_replicas() || clock::now_ms() >= until_ms {
            return Ok(());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Who has everything, and who has not.
fn tell_of_replicas(node: &Node) {
    let (end, now_ms) = (node.replication.offset(), clock::now_ms());
    let links = node.replication.links();
    let lagging = links.iter().filter(|link| link.acknowledged() != end);
    let mut lagging_count = 0;
    for link in lagging {
        lagging_count += 1;
        tracing::warn!(
            lag = link.lag_s(now_ms),
            state = link.state().name(),
            "Lagging replica {}:{} reported offset {} behind master",
            link.ip,
            link.port,
            end.saturating_sub(link.acknowledged())
        );
    }
    if !links.is_empty() {
        let in_sync = links.len() - lagging_count;
        tracing::info!("{in_sync} of {} replicas are in sync when shutting down.", links.len());
    }
}

async fn save_last(node: &Arc<Node>) -> Result<(), String> {
    loop {
        node.persistence.snapshot_end().await;
        let saving_node = node.clone();
        let saved = tokio::task::spawn_blocking(move || save::save(&saving_node)).await;
        match saved.map_err(|error| error.to_string())? {
            Ok(_) => return Ok(()),
            // Another one began just now.
            Err(None) => tokio::time::sleep(LOOK_EVERY).await,
            Err(Some(error)) => return Err(error),
        }
    }
}
