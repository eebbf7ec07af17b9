//! INFO's section about replication.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use super::{Phase, ReplicationId, UpstreamView};
use crate::clock;
use crate::config::Settings;
use crate::node::Node;

/// The lines below the title, with Redis's field names, in its order.
pub fn info_section(node: &Node) -> String {
    let replication = &node.replication;
    let settings = node.settings();
    let now_ms = clock::now_ms();
    let is_replica = replication.is_replica();
    let mut text = String::new();
    line(&mut text, "role", if is_replica { "slave" } else { "master" });
    if is_replica {
        about_the_master(&mut text, &replication.upstream.view(), replication.offset(), &settings, now_ms);
    }
    about_the_replicas(&mut text, node, &settings, now_ms);
    line(&mut text, "master_failover_state", replication.failover.state_name());
    let log = replication.lock_log();
    let history = log.history();
    line(&mut text, "master_replid", history.id);
    line(&mut text, "master_replid2", history.second.map_or(ReplicationId::NONE, |second| second.id));
    line(&mut text, "master_repl_offset", log.end());
    line(&mut text, "second_repl_offset", history.second.map_or(-1, |second| second.parted_at as i64));
    line(&mut text, "repl_backlog_active", u8::from(log.is_active()));
    line(&mut text, "repl_backlog_size", settings.repl_backlog_size);
    let kept = log.kept();
    line(&mut text, "repl_backlog_first_byte_offset", kept.as_ref().map_or(0, |kept| kept.start() + 1));
    line(&mut text, "repl_backlog_histlen", kept.map_or(0, |kept| kept.end() - kept.start()));
    text
}

fn line(text: &mut String, name: &str, value: impl std::fmt::Display) {
    // Writing to a string does not fail.
    let _ = write!(text, "{name}:{value}\r\n");
}

fn about_the_master(text: &mut String, view: &UpstreamView, offset: u64, settings: &Settings, now_ms: i64) {
    let is_up = view.phase == Phase::Connected;
    let seconds_since = |then_ms: i64| ((now_ms - then_ms) / 1000).max(0);
    line(text, "master_host", &view.host);
    line(text, "master_port", view.port);
    line(text, "master_link_status", if is_up { "up" } else { "down" });
    line(text, "master_last_io_seconds_ago", if is_up { seconds_since(view.last_io_ms) } else { -1 });
    line(text, "master_sync_in_progress", u8::from(view.phase == Phase::Sync));
    line(text, "slave_read_repl_offset", offset + view.waiting_bytes);
    line(text, "slave_repl_offset", offset);
    if view.phase == Phase::Sync {
        let total = view.copy_bytes.unwrap_or(0);
        let percent = if total == 0 { 0.0 } else { view.copied_bytes as f64 * 100.0 / total as f64 };
        line(text, "master_sync_total_bytes", total);
        line(text, "master_sync_read_bytes", view.copied_bytes);
        line(text, "master_sync_left_bytes", total as i64 - view.copied_bytes as i64);
        line(text, "master_sync_perc", format!("{percent:.2}"));
        line(text, "master_sync_last_io_seconds_ago", seconds_since(view.last_io_ms));
    }
    if !is_up {
        let since = if view.down_since_ms == 0 { -1 } else { seconds_since(view.down_since_ms) };
        line(text, "master_link_down_since_seconds", since);
    }
    line(text, "slave_priority", settings.replica_priority);
    line(text, "slave_read_only", u8::from(settings.replica_read_only));
    line(text, "replica_announced", u8::from(settings.replica_announced));
}

fn about_the_replicas(text: &mut String, node: &Node, settings: &Settings, now_ms: i64) {
    let links = node.replication.links();
    line(text, "connected_slaves", links.len());
    if settings.min_replicas_to_write > 0 && settings.min_replicas_max_lag_s > 0 {
        line(text, "min_slaves_good_slaves", node.replication.good_replicas.load(Ordering::Acquire));
    }
    for (number, link) in links.iter().enumerate() {
        let lag_s = if link.is_online() { link.lag_s(now_ms) } else { 0 };
        let _ = write!(
            text,
            "slave{number}:ip={},port={},state={},offset={},lag={lag_s}\r\n",
            link.ip,
            link.port,
            link.state().name(),
            link.acknowledged(),
        );
    }
}
