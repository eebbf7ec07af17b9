//! What is done from time to time: ten times a second unless `hz` says otherwise.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::client;
use crate::clock;
use crate::expiry::ActiveExpiry;
use crate::node::Node;
use crate::persistence;
use crate::stats::BatchStats;
use crate::tracking;

pub async fn run(node: Arc<Node>) {
    let mut rates = Rates::default();
    let mut expiry = ActiveExpiry::default();
    loop {
        let hz = u64::from(node.settings().hz.clamp(1, 500));
        tokio::time::sleep(Duration::from_millis(1000 / hz)).await;
        if node.cron_is_paused.load(Ordering::Relaxed) {
            continue;
        }
        node.sleep.wait_until_over();
        let started = clock::monotonic();
        let now_ms = clock::now_ms();
        node.pause.tick(&node.shards, now_ms);
        persistence::save::tick(&node, now_ms);
        persistence::aof::tick(&node, now_ms);
        expiry.tick(&node, Duration::from_millis(1000 / hz));
        tracking::tick(&node);
        close_idle_clients(&node, now_ms);
        node.idle_migrations.close_old(started);
        close_slow_clients(&node, now_ms);
        client::fit_rooms(&node, now_ms);
        rates.tick(&node, now_ms);
        node.note_peak_memory();
        node.stats.cron_ticks.add(1);
        node.stats.cron_us.add((clock::monotonic() - started).as_micros() as u64);
    }
}

/// `timeout`: clients that said nothing for so long. Subscribers, replicas and parked clients may be silent.
fn close_idle_clients(node: &Node, now_ms: i64) {
    let timeout_ms = node.settings().timeout_s as i64 * 1000;
    if timeout_ms == 0 {
        return;
    }
    for client in node.clients.all() {
        let idle_ms = now_ms - client.last_active_ms.load(Ordering::Relaxed);
        if idle_ms > timeout_ms && client.may_be_closed_when_idle() {
            tracing::debug!(client = %client.address(), idle_ms, "closing an idle client");
            client.mailbox.kill();
        }
    }
}

/// The soft part of `client-output-buffer-limit`: clients whose output was too much for too long.
fn close_slow_clients(node: &Node, now_ms: i64) {
    for client in node.clients.all() {
        let limit = node.settings().output_buffer_limit(client.kind());
        let waiting = client.waiting_output();
        let since = &client.over_soft_limit_since_ms;
        if limit.soft_bytes == 0 || waiting as u64 <= limit.soft_bytes {
            since.store(0, Ordering::Relaxed);
            continue;
        }
        match since.load(Ordering::Relaxed) {
            0 => since.store(now_ms, Ordering::Relaxed),
            since if now_ms - since > limit.soft_seconds as i64 * 1000 => {
                node.stats.client_output_limit_disconnections.add(1);
                tracing::warn!(client = %client.address(), waiting, "client was over its soft output limit for too long: closed");
                client.mailbox.kill();
            }
            _ => {}
        }
    }
}

/// The `instantaneous_*` numbers of INFO: averages over the last second or so.
#[derive(Default)]
struct Rates {
    at_ms: i64,
    before: BatchStats,
    cycles: u64,
    busy_us: u64,
    replication_input_bytes: u64,
    replication_output_bytes: u64,
}

impl Rates {
    fn tick(&mut self, node: &Node, now_ms: i64) {
        let elapsed_ms = now_ms - self.at_ms;
        let (stats, batches) = (&node.stats, node.stats.batches());
        let now = Rates {
            at_ms: now_ms,
            before: batches,
            cycles: batches.batches + stats.cron_ticks.get(),
            busy_us: batches.busy_us + stats.cron_us.get(),
            replication_input_bytes: stats.replication_input_bytes.get(),
            replication_output_bytes: stats.replication_output_bytes.get(),
        };
        // CONFIG RESETSTAT: measured anew from here on.
        let was_reset = now.cycles < self.cycles;
        if elapsed_ms < 1000 && !was_reset {
            return;
        }
        if self.at_ms != 0 && !was_reset {
            let before = &self.before;
            let rate = |new: u64, old: u64| new.saturating_sub(old) * 1000 / elapsed_ms as u64;
            stats.ops_per_second.set(rate(batches.commands, before.commands));
            stats.input_kib_per_second.set(rate(batches.input_bytes, before.input_bytes) / 1024);
            stats.output_kib_per_second.set(rate(batches.output_bytes, before.output_bytes) / 1024);
            let received = rate(now.replication_input_bytes, self.replication_input_bytes);
            stats.replication_input_kib_per_second.set(received / 1024);
            let sent = rate(now.replication_output_bytes, self.replication_output_bytes);
            stats.replication_output_kib_per_second.set(sent / 1024);
            let cycles = now.cycles.saturating_sub(self.cycles);
            stats.cycles_per_second.set(rate(now.cycles, self.cycles));
            let busy_us = now.busy_us.saturating_sub(self.busy_us);
            stats.cycle_us.set(busy_us / cycles.max(1));
        }
        *self = now;
    }
}
