//! The append-only file's part of INFO persistence.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use crate::clock;
use crate::node::Node;

/// With Redis's field names, in its order: what is always there, and what is there while the file is written.
pub fn info_lines(node: &Node) -> (String, String) {
    let aof = &node.persistence.aof;
    let rewriting = &aof.rewriting;
    let is_on = !aof.is_off();
    let status = |failed: bool| if failed { "err" } else { "ok" };
    let (mut always, mut while_on) = (String::new(), String::new());
    let mut line = |name: &str, value: &dyn std::fmt::Display| {
        // Writing to a string does not fail.
        let _ = write!(always, "{name}:{value}\r\n");
    };
    line("aof_enabled", &u8::from(is_on));
    line("aof_rewrite_in_progress", &u8::from(aof.is_rewriting()));
    line("aof_rewrite_scheduled", &u8::from(rewriting.is_scheduled()));
    line("aof_last_rewrite_time_sec", &rewriting.last_duration_s.load(Ordering::Acquire));
    line("aof_current_rewrite_time_sec", &rewriting.current_s(clock::now_ms()));
    line("aof_last_bgrewrite_status", &status(rewriting.last_failed.load(Ordering::Acquire)));
    line("aof_rewrites", &rewriting.count.load(Ordering::Acquire));
    line("aof_rewrites_consecutive_failures", &rewriting.failures.load(Ordering::Acquire));
    line("aof_last_write_status", &status(aof.failed.load(Ordering::Acquire)));
    line("aof_last_cow_size", &0);
    if is_on {
        let mut line = |name: &str, value: &dyn std::fmt::Display| {
            let _ = write!(while_on, "{name}:{value}\r\n");
        };
        line("aof_current_size", &aof.sizes.current());
        line("aof_base_size", &aof.sizes.base.load(Ordering::Acquire));
        line("aof_pending_rewrite", &0);
        line("aof_buffer_length", &waiting_bytes(node));
        let is_syncing =
            aof.unsynced_since_ms.load(Ordering::Acquire) != 0 && aof.awaits_sync.load(Ordering::Acquire);
        line("aof_pending_bio_fsync", &u8::from(is_syncing));
        line("aof_delayed_fsync", &aof.delayed_fsyncs.load(Ordering::Acquire));
    }
    (always, while_on)
}

/// What is not in the file yet.
pub fn waiting_bytes(node: &Node) -> u64 {
    let aof = &node.persistence.aof;
    if aof.is_off() {
        0
    } else {
        node.replication.file_end().saturating_sub(aof.written.load(Ordering::Acquire))
    }
}
