//! INFO's section about persistence.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use super::aof;
use crate::clock;
use crate::executor::node_state;
use crate::node::Node;

/// The lines below the title, with Redis's field names. There is no copy-on-write: in its place stands what was kept in memory
/// for the snapshot, because writers came first.
/// The lines that begin with `snapshot_` are of the newest snapshot.
pub fn info_section(node: &Node) -> String {
    let persistence = &node.persistence;
    let now_ms = clock::now_ms();
    let is_loading = node.state() & node_state::LOADING != 0;
    let loads_beside = node.state() & node_state::ASYNC_LOADING != 0;
    let began_ms = persistence.save_began_ms.load(Ordering::Acquire);
    let current_s = if began_ms == 0 { -1 } else { (now_ms - began_ms) / 1000 };
    let is_saving = began_ms != 0 || (persistence.snapshot_is_running() && !persistence.aof.is_rewriting());
    // Looked at after that: it is told before a save is over.
    let status = if persistence.last_save_failed.load(Ordering::Acquire) { "err" } else { "ok" };
    let loading = &persistence.loading;
    let progress = &persistence.progress;
    let (keys_done, keys_total) = progress.keys();
    let percent_done = if keys_total == 0 { 0.0 } else { keys_done as f64 * 100.0 / keys_total as f64 };
    let writers = progress.writers_share();
    let is_running = progress.running_since_ms().is_some();
    let mut text = String::new();
    let mut line = |name: &str, value: &dyn std::fmt::Display| {
        // Writing to a string does not fail.
        let _ = write!(text, "{name}:{value}\r\n");
    };
    line("loading", &u8::from(is_loading));
    line("async_loading", &u8::from(loads_beside));
    line("current_cow_peak", &if is_running { writers.most_waiting_bytes } else { 0 });
    line("current_cow_size", &progress.waiting_bytes());
    line("current_cow_size_age", &0);
    line("current_fork_perc", &format!("{percent_done:.2}"));
    line("current_save_keys_processed", &keys_done);
    line("current_save_keys_total", &keys_total);
    line("rdb_changes_since_last_save", &persistence.changes(node.stats.dirty.get()));
    line("rdb_bgsave_in_progress", &u8::from(is_saving));
    line("rdb_last_save_time", &persistence.last_save_s.get());
    line("rdb_last_bgsave_status", &status);
    line("rdb_last_bgsave_time_sec", &persistence.last_duration_s.load(Ordering::Acquire));
    line("rdb_current_bgsave_time_sec", &current_s);
    line("rdb_saves", &persistence.saves.load(Ordering::Acquire));
    line("rdb_last_cow_size", &if is_running { 0 } else { writers.most_waiting_bytes });
    line("rdb_last_load_keys_expired", &loading.keys_expired.load(Ordering::Relaxed));
    line("rdb_last_load_keys_loaded", &loading.keys_loaded.load(Ordering::Relaxed));
    let (about_aof, while_aof_is_on) = aof::info_lines(node);
    text.push_str(&about_aof);
    let mut line = |name: &str, value: &dyn std::fmt::Display| {
        let _ = write!(text, "{name}:{value}\r\n");
    };
    line("snapshot_point_usec", &progress.point_us());
    line("snapshot_locks_usec", &progress.visits());
    line("snapshot_locks_cpu_usec", &progress.visits_cpu());
    line(
        "snapshot_handed_over",
        &format!("entries={},bytes={},largest={}", writers.entries, writers.bytes, writers.largest_bytes),
    );
    line("module_fork_in_progress", &0);
    line("module_fork_last_cow_size", &0);
    text.push_str(&while_aof_is_on);
    let mut line = |name: &str, value: &dyn std::fmt::Display| {
        let _ = write!(text, "{name}:{value}\r\n");
    };
    if is_loading || loads_beside {
        let total = loading.total_bytes.load(Ordering::Relaxed);
        let loaded = loading.loaded_bytes.load(Ordering::Relaxed);
        let began_ms = loading.started_ms.load(Ordering::Relaxed);
        let elapsed_s = ((now_ms - began_ms) / 1000).max(0) as u64;
        let left = total.saturating_sub(loaded).max(1);
        let eta_s = if elapsed_s == 0 { 1 } else { elapsed_s.saturating_mul(left) / (loaded + 1) };
        let percent = if total == 0 { 0.0 } else { loaded as f64 * 100.0 / total as f64 };
        line("loading_start_time", &(began_ms / 1000));
        line("loading_total_bytes", &total);
        line("loading_rdb_used_mem", &0);
        line("loading_loaded_bytes", &loaded);
        line("loading_loaded_perc", &format!("{:.2}", percent.min(99.99)));
        line("loading_eta_seconds", &eta_s);
    }
    text
}
