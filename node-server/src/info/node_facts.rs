//! INFO's sections about the process, its clients and its counters.

use std::sync::atomic::Ordering;

use rcl_store::entry::access;

use super::{KeyspaceCounts, lines};
use crate::client::{ClientKind, client_flag};
use crate::clock;
use crate::node::Node;
use crate::pubsub::ChannelKind;
use crate::stats::Counter;

pub fn server(node: &Node, _counts: &KeyspaceCounts) -> String {
    let settings = node.settings();
    let uptime = node.uptime_s();
    let path =
        |path: Option<std::path::PathBuf>| path.map(|path| path.display().to_string()).unwrap_or_default();
    let mut text = lines([
        ("redis_version", crate::REDIS_VERSION.to_owned()),
        ("redis_git_sha1", "00000000".to_owned()),
        ("redis_git_dirty", "0".to_owned()),
        ("redis_build_id", "0".to_owned()),
        ("redis_mode", if node.is_cluster() { "cluster" } else { "standalone" }.to_owned()),
        ("server_name", "rcl-node".to_owned()),
        ("rcl_version", env!("CARGO_PKG_VERSION").to_owned()),
        ("os", format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)),
        ("arch_bits", usize::BITS.to_string()),
        ("multiplexing_api", "epoll".to_owned()),
        ("process_id", std::process::id().to_string()),
        ("process_supervised", "no".to_owned()),
        ("run_id", node.run_id.clone()),
        ("tcp_port", settings.port.to_string()),
        ("server_time_usec", clock::now_us().to_string()),
        ("uptime_in_seconds", uptime.to_string()),
        ("uptime_in_days", (uptime / 86400).to_string()),
        ("hz", settings.hz.to_string()),
        ("configured_hz", settings.hz.to_string()),
        ("worker_threads", node.worker_count.load(Ordering::Relaxed).to_string()),
        ("lru_clock", access::lru_clock(clock::now_ms()).to_string()),
        ("executable", path(std::env::current_exe().ok())),
        ("config_file", path(node.config_file.clone())),
        ("availability_zone", settings.availability_zone.clone().unwrap_or_default()),
    ]);
    let until_ms = node.persistence.shutdown_until_ms.load(Ordering::Acquire);
    if until_ms != 0 {
        text.push_str(&lines([("shutdown_in_milliseconds", (until_ms - clock::now_ms()).to_string())]));
    }
    text
}

pub fn clients(node: &Node, counts: &KeyspaceCounts) -> String {
    let all = node.clients.all();
    let count =
        |is: &dyn Fn(&crate::client::ClientHandle) -> bool| all.iter().filter(|client| is(client)).count();
    let ordinary = count(&|client| !matches!(client.kind(), ClientKind::Replica | ClientKind::Master));
    let largest = |value: fn(&crate::client::ClientHandle) -> usize| {
        all.iter().map(|client| value(client)).max().unwrap_or(0)
    };
    lines([
        ("connected_clients", ordinary.to_string()),
        ("cluster_connections", "0".to_owned()),
        ("maxclients", node.settings().maxclients.to_string()),
        (
            "client_recent_max_input_buffer",
            largest(|client| client.input_bytes.load(Ordering::Relaxed)).to_string(),
        ),
        ("client_recent_max_output_buffer", largest(|client| client.waiting_output()).to_string()),
        ("blocked_clients", count(&|client| client.has_flag(client_flag::BLOCKED)).to_string()),
        ("tracking_clients", node.tracking.client_count().to_string()),
        (
            "clients_in_timeout_table",
            count(&|client| client.has_deadline.load(Ordering::Relaxed)).to_string(),
        ),
        ("total_blocking_keys", counts.awaited.to_string()),
        ("total_blocking_keys_on_nokey", counts.mourned.to_string()),
    ])
}

pub fn stats(node: &Node, _counts: &KeyspaceCounts) -> String {
    let (stats, batches) = (&node.stats, node.stats.batches());
    let kib = |value: &Counter| format!("{:.2}", value.get() as f64);
    let (exceeded_ms, exceeded_in_sum_ms) = node.eviction.exceeded_ms();
    lines([
        ("total_connections_received", stats.connections_received.get().to_string()),
        ("total_commands_processed", batches.commands.to_string()),
        ("instantaneous_ops_per_sec", stats.ops_per_second.get().to_string()),
        ("total_net_input_bytes", batches.input_bytes.to_string()),
        ("total_net_output_bytes", batches.output_bytes.to_string()),
        ("total_net_repl_input_bytes", stats.replication_input_bytes.get().to_string()),
        ("total_net_repl_output_bytes", stats.replication_output_bytes.get().to_string()),
        ("instantaneous_input_kbps", kib(&stats.input_kib_per_second)),
        ("instantaneous_output_kbps", kib(&stats.output_kib_per_second)),
        ("instantaneous_input_repl_kbps", kib(&stats.replication_input_kib_per_second)),
        ("instantaneous_output_repl_kbps", kib(&stats.replication_output_kib_per_second)),
        ("rejected_connections", stats.connections_rejected.get().to_string()),
        ("sync_full", stats.full_syncs.get().to_string()),
        ("sync_partial_ok", stats.partial_syncs.get().to_string()),
        ("sync_partial_err", stats.partial_syncs_refused.get().to_string()),
        ("expired_keys", stats.expired_keys.get().to_string()),
        ("expired_subkeys", stats.expired_subkeys.get().to_string()),
        ("expired_stale_perc", format!("{:.2}", stats.expired_stale_ppm.get() as f64 / 10_000.0)),
        ("expired_time_cap_reached_count", stats.expired_time_cap_reached.get().to_string()),
        ("expire_cycle_cpu_milliseconds", (stats.expire_cycle_us.get() / 1000).to_string()),
        ("evicted_keys", stats.evicted_keys.get().to_string()),
        ("evicted_clients", stats.evicted_clients.get().to_string()),
        ("total_eviction_exceeded_time", exceeded_in_sum_ms.to_string()),
        ("current_eviction_exceeded_time", exceeded_ms.to_string()),
        ("keyspace_hits", batches.hits.to_string()),
        ("keyspace_misses", batches.misses.to_string()),
        ("pubsub_channels", node.pubsub.name_count(ChannelKind::Channel).to_string()),
        ("pubsub_patterns", node.pubsub.name_count(ChannelKind::Pattern).to_string()),
        ("pubsubshard_channels", node.pubsub.name_count(ChannelKind::Shard).to_string()),
        ("migrate_cached_sockets", node.idle_migrations.count().to_string()),
        ("slave_expires_tracked_keys", node.replica_keys.count().to_string()),
        ("tracking_total_keys", node.tracking.key_count().to_string()),
        ("tracking_total_items", node.tracking.item_count().to_string()),
        ("tracking_total_prefixes", node.tracking.broadcasts.prefix_count().to_string()),
        // Nothing is forked. What operators read these for is how often, and for how long at its start, a snapshot had all
        // clients wait.
        ("latest_fork_usec", node.persistence.progress.point_us().to_string()),
        ("total_forks", stats.snapshots.get().to_string()),
        ("total_error_replies", batches.errors.to_string()),
        ("dump_payload_sanitizations", stats.dump_payload_sanitizations.get().to_string()),
        (
            "client_query_buffer_limit_disconnections",
            stats.client_query_limit_disconnections.get().to_string(),
        ),
        (
            "client_output_buffer_limit_disconnections",
            stats.client_output_limit_disconnections.get().to_string(),
        ),
        ("acl_access_denied_auth", node.access.denials.auth.get().to_string()),
        ("acl_access_denied_cmd", node.access.denials.command.get().to_string()),
        ("acl_access_denied_key", node.access.denials.key.get().to_string()),
        ("acl_access_denied_channel", node.access.denials.channel.get().to_string()),
        ("reply_buffer_shrinks", stats.reply_buffer_shrinks.get().to_string()),
        ("reply_buffer_expands", stats.reply_buffer_expands.get().to_string()),
        // A cycle is a batch of requests of one connection, or a tick of the cron.
        ("eventloop_cycles", (batches.batches + stats.cron_ticks.get()).to_string()),
        ("eventloop_duration_sum", (batches.busy_us + stats.cron_us.get()).to_string()),
        ("eventloop_duration_cmd_sum", batches.busy_us.to_string()),
        ("instantaneous_eventloop_cycles_per_sec", stats.cycles_per_second.get().to_string()),
        ("instantaneous_eventloop_duration_usec", stats.cycle_us.get().to_string()),
        ("watchdog_stalls", node.watchdog.stalls.get().to_string()),
        ("watchdog_longest_stall_ms", node.watchdog.longest_stall_ms.get().to_string()),
        ("watchdog_current_stall_ms", node.watchdog.current_stall_ms.get().to_string()),
    ])
}

pub fn debug(node: &Node, _counts: &KeyspaceCounts) -> String {
    let stats = &node.stats;
    lines([
        ("eventloop_duration_aof_sum", "0".to_owned()),
        ("eventloop_duration_cron_sum", stats.cron_us.get().to_string()),
        ("eventloop_duration_max", stats.longest_batch_us.get().to_string()),
        ("eventloop_cmd_per_cycle_max", stats.most_commands_a_batch.get().to_string()),
    ])
}

pub fn cpu(_node: &Node, _counts: &KeyspaceCounts) -> String {
    let (system, user) = cpu_seconds(libc::RUSAGE_SELF);
    let (child_system, child_user) = cpu_seconds(libc::RUSAGE_CHILDREN);
    lines([
        ("used_cpu_sys", format!("{system:.6}")),
        ("used_cpu_user", format!("{user:.6}")),
        ("used_cpu_sys_children", format!("{child_system:.6}")),
        ("used_cpu_user_children", format!("{child_user:.6}")),
    ])
}

/// System and user time.
fn cpu_seconds(whose: libc::c_int) -> (f64, f64) {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: `usage` is a valid place for the answer; all zeros is a valid value of it, should the call fail.
    let usage = unsafe {
        libc::getrusage(whose, usage.as_mut_ptr());
        usage.assume_init()
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    (seconds(usage.ru_stime), seconds(usage.ru_utime))
}
