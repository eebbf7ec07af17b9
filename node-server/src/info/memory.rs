//! How much memory the node takes, by the allocator and by the system.

use std::sync::atomic::Ordering;

use super::KeyspaceCounts;
use crate::allocator::used_bytes;
use crate::control::ControlHandle;
use crate::node::Node;

/// Bytes that are in memory, by /proc; 0 where there is none.
fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|text| text.split_ascii_whitespace().nth(1).and_then(|field| field.parse::<u64>().ok()));
    // SAFETY: sysconf only reads a constant of the system.
    let page_bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    pages.unwrap_or(0) * page_bytes.max(0) as u64
}

fn total_bytes() -> u64 {
    // SAFETY: sysconf only reads constants of the system.
    let (pages, page_bytes) =
        unsafe { (libc::sysconf(libc::_SC_PHYS_PAGES), libc::sysconf(libc::_SC_PAGESIZE)) };
    pages.max(0) as u64 * page_bytes.max(0) as u64
}

fn human(bytes: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(1 << 40, "T"), (1 << 30, "G"), (1 << 20, "M"), (1 << 10, "K")];
    match UNITS.iter().find(|(size, _)| bytes >= *size) {
        Some((size, unit)) => format!("{:.2}{unit}", bytes as f64 / *size as f64),
        None => format!("{bytes}B"),
    }
}

pub fn memory(node: &Node, _counts: &KeyspaceCounts) -> String {
    let used = used_bytes();
    let resident = resident_bytes();
    let peak = node.peak_memory_bytes.fetch_max(used, Ordering::Relaxed).max(used);
    let settings = node.settings();
    let ratio = if used > 0 { resident as f64 / used as f64 } else { 0.0 };
    let total = total_bytes();
    let lines = [
        ("used_memory", used.to_string()),
        ("used_memory_human", human(used)),
        ("used_memory_rss", resident.to_string()),
        ("used_memory_rss_human", human(resident)),
        ("used_memory_peak", peak.to_string()),
        ("used_memory_peak_human", human(peak)),
        ("used_memory_peak_perc", format!("{:.2}%", used as f64 * 100.0 / peak.max(1) as f64)),
        ("total_system_memory", total.to_string()),
        ("total_system_memory_human", human(total)),
        ("maxmemory", settings.maxmemory.to_string()),
        ("maxmemory_human", human(settings.maxmemory)),
        ("maxmemory_policy", settings.maxmemory_policy.word().to_owned()),
        ("mem_fragmentation_ratio", format!("{ratio:.2}")),
        ("mem_fragmentation_bytes", (resident as i64 - used as i64).to_string()),
        ("mem_replication_backlog", node.replication.backlog_bytes().to_string()),
        ("mem_cluster_links", node.control.get().map_or(0, ControlHandle::bus_bytes).to_string()),
        ("mem_allocator", "libc".to_owned()),
    ];
    lines.iter().map(|(name, value)| format!("{name}:{value}\r\n")).collect()
}
