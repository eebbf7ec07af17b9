//! INFO's sections about the process, its clients and its counters.

use std::sync::atomic::Ordering;

use super::KeyspaceCounts;
use crate::client::{ClientKind, client_flag};
use crate::clock;
use crate::node::Node;
use crate::pubsub::ChannelKind;

fn lines<const N: usize>(fields: [(&str, String); N]) -> String {
    fields.iter().map(|(name, value)| format!("{name}:{value}\r\n")).collect()
}

pub fn server(node: &Node, _counts: &KeyspaceCounts) -> String {
    let settings = node.settings();
    let uptime = node.uptime_s();
    let path =
        |path: Option<std::path::PathBuf>| path.map(|path| path.display().to_string()).unwrap_or_default();
    lines([
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
        ("executable", path(std::env::current_exe().ok())),
        ("config_file", path(node.config_file.clone())),
        ("availability_zone", settings.availability_zone.clone().unwrap_or_default()),
    ])
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
        (
            "client_recent_max_output_buffer",
            largest(|client| client.output_bytes.load(Ordering::Relaxed)).to_string(),
        ),
        ("blocked_clients", count(&|client| client.has_flag(client_flag::BLOCKED)).to_string()),
        ("tracking_clients", node.tracking.client_count().to_string()),
        ("clients_in_timeout_table", "0".to_owned()),
        ("total_blocking_keys", counts.awaited.to_string()),
    ])
}

pub fn stats(node: &Node, _counts: &KeyspaceCounts) -> String {
    let stats = &node.stats;
    let kib = |value: u64| format!("{:.2}", value as f64);
    lines([
        ("total_connections_received", stats.connections_received.get().to_string()),
        ("total_commands_processed", stats.commands_processed.get().to_string()),
        ("instantaneous_ops_per_sec", stats.ops_per_second.get().to_string()),
        ("total_net_input_bytes", stats.input_bytes.get().to_string()),
        ("total_net_output_bytes", stats.output_bytes.get().to_string()),
        ("total_net_repl_input_bytes", stats.replication_input_bytes.get().to_string()),
        ("total_net_repl_output_bytes", stats.replication_output_bytes.get().to_string()),
        ("instantaneous_input_kbps", kib(stats.input_kib_per_second.get())),
        ("instantaneous_output_kbps", kib(stats.output_kib_per_second.get())),
        ("rejected_connections", stats.connections_rejected.get().to_string()),
        ("sync_full", stats.full_syncs.get().to_string()),
        ("sync_partial_ok", stats.partial_syncs.get().to_string()),
        ("sync_partial_err", stats.partial_syncs_refused.get().to_string()),
        ("expired_keys", stats.expired_keys.get().to_string()),
        ("evicted_keys", stats.evicted_keys.get().to_string()),
        ("keyspace_hits", stats.keyspace_hits.get().to_string()),
        ("keyspace_misses", stats.keyspace_misses.get().to_string()),
        ("pubsub_channels", node.pubsub.name_count(ChannelKind::Channel).to_string()),
        ("pubsub_patterns", node.pubsub.name_count(ChannelKind::Pattern).to_string()),
        ("pubsubshard_channels", node.pubsub.name_count(ChannelKind::Shard).to_string()),
        ("tracking_total_keys", node.tracking.key_count().to_string()),
        ("tracking_total_items", node.tracking.item_count().to_string()),
        ("tracking_total_prefixes", node.tracking.broadcasts.prefix_count().to_string()),
        ("total_error_replies", stats.error_replies.get().to_string()),
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
        ("watchdog_stalls", node.watchdog.stalls.get().to_string()),
        ("watchdog_longest_stall_ms", node.watchdog.longest_stall_ms.get().to_string()),
        ("watchdog_current_stall_ms", node.watchdog.current_stall_ms.get().to_string()),
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

pub fn errors(node: &Node, _counts: &KeyspaceCounts) -> String {
    node.errors.all().iter().map(|(code, count)| format!("errorstat_{code}:count={count}\r\n")).collect()
}
