//! How much memory the node takes, and for what: INFO memory, MEMORY STATS and MEMORY DOCTOR.

use std::sync::atomic::Ordering;

use super::KeyspaceCounts;
use crate::allocator::used_bytes;
use crate::client::ClientKind;
use crate::control::ControlHandle;
use crate::eviction::{replica_bytes, uncounted_bytes};
use crate::node::Node;
use crate::scripting::engines::Of;

/// Bytes, by what they are for. What the data themselves take is what is left of all that is in use.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    pub used: u64,
    pub peak: u64,
    pub startup: u64,
    /// In memory, by the system.
    pub resident: u64,
    /// The replication log, as far as `repl-backlog-size` goes; what slow replicas make it keep beyond that.
    pub backlog: u64,
    pub replicas: u64,
    /// How many clients there are that are no replicas, and what they take.
    pub client_count: u64,
    pub clients: u64,
    pub cluster_links: u64,
    /// Of each database that has keys: its number, its keys, and what its tables take.
    pub databases: Vec<(usize, usize, u64)>,
}

impl Figures {
    pub fn of(node: &Node, counts: &KeyspaceCounts) -> Figures {
        let (log, has_readers) = node.replication.log_memory();
        let replicas = if has_readers { replica_bytes(node) } else { 0 };
        let others: Vec<u64> = node
            .clients
            .all()
            .iter()
            .filter(|client| client.kind() != ClientKind::Replica)
            .map(|client| client.memory_bytes() as u64)
            .collect();
        let databases = counts.databases.iter().enumerate().filter(|(_, database)| database.keys > 0);
        Figures {
            used: used_bytes(),
            peak: node.note_peak_memory(),
            startup: node.startup_memory_bytes.load(Ordering::Relaxed),
            resident: resident_bytes(),
            backlog: (log as u64).saturating_sub(replicas),
            replicas,
            client_count: others.len() as u64,
            clients: others.iter().sum(),
            cluster_links: node.control.get().map_or(0, ControlHandle::bus_bytes) as u64,
            databases: databases
                .map(|(number, database)| (number, database.keys, database.table_bytes as u64))
                .collect(),
        }
    }

    /// All but the data.
    pub fn overhead(&self) -> u64 {
        let tables: u64 = self.databases.iter().map(|(_, _, bytes)| bytes).sum();
        self.startup + self.backlog + self.replicas + self.clients + self.cluster_links + tables
    }

    pub fn dataset(&self) -> u64 {
        self.used.saturating_sub(self.overhead())
    }

    /// What came since the start.
    pub fn net(&self) -> u64 {
        self.used.saturating_sub(self.startup).max(1)
    }

    pub fn dataset_percent(&self) -> f64 {
        self.dataset() as f64 * 100.0 / self.net() as f64
    }

    pub fn peak_percent(&self) -> f64 {
        self.used as f64 * 100.0 / self.peak.max(1) as f64
    }

    pub fn key_count(&self) -> u64 {
        self.databases.iter().map(|(_, keys, _)| *keys as u64).sum()
    }

    pub fn bytes_per_key(&self) -> u64 {
        self.net().checked_div(self.key_count()).unwrap_or(0)
    }

    /// What is in memory for each byte in use.
    pub fn fragmentation(&self) -> f64 {
        self.resident as f64 / self.used.max(1) as f64
    }

    pub fn fragmentation_bytes(&self) -> i64 {
        self.resident as i64 - self.used as i64
    }
}

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

pub fn human(bytes: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(1 << 40, "T"), (1 << 30, "G"), (1 << 20, "M"), (1 << 10, "K")];
    match UNITS.iter().find(|(size, _)| bytes >= *size) {
        Some((size, unit)) => format!("{:.2}{unit}", bytes as f64 / *size as f64),
        None => format!("{bytes}B"),
    }
}

pub fn memory(node: &Node, counts: &KeyspaceCounts) -> String {
    let figures = Figures::of(node, counts);
    let Figures { used, peak, startup, resident, backlog, replicas, clients, cluster_links, .. } = figures;
    let settings = node.settings();
    let total = total_bytes();
    let (cache, functions) = (&node.scripting.cache, node.scripting.functions());
    let engines = &node.scripting.engines;
    let (lua, lua_functions) = (engines.bytes(Of::Scripts), engines.bytes(Of::Functions));
    let function_bytes = functions.bytes() as u64;
    super::lines([
        ("used_memory", used.to_string()),
        ("used_memory_human", human(used)),
        ("used_memory_rss", resident.to_string()),
        ("used_memory_rss_human", human(resident)),
        ("used_memory_peak", peak.to_string()),
        ("used_memory_peak_human", human(peak)),
        ("used_memory_peak_perc", format!("{:.2}%", figures.peak_percent())),
        ("used_memory_overhead", figures.overhead().to_string()),
        ("used_memory_startup", startup.to_string()),
        ("used_memory_dataset", figures.dataset().to_string()),
        ("used_memory_dataset_perc", format!("{:.2}%", figures.dataset_percent())),
        ("allocator_allocated", used.to_string()),
        ("allocator_active", resident.to_string()),
        ("allocator_resident", resident.to_string()),
        ("total_system_memory", total.to_string()),
        ("total_system_memory_human", human(total)),
        ("used_memory_lua", lua.to_string()),
        ("used_memory_vm_eval", lua.to_string()),
        ("used_memory_lua_human", human(lua)),
        ("used_memory_scripts_eval", cache.bytes().to_string()),
        ("number_of_cached_scripts", cache.count().to_string()),
        ("number_of_functions", functions.function_count().to_string()),
        ("number_of_libraries", functions.library_count().to_string()),
        ("used_memory_vm_functions", lua_functions.to_string()),
        ("used_memory_vm_total", (lua + lua_functions).to_string()),
        ("used_memory_vm_total_human", human(lua + lua_functions)),
        ("used_memory_functions", function_bytes.to_string()),
        ("used_memory_scripts", (cache.bytes() + function_bytes).to_string()),
        ("used_memory_scripts_human", human(cache.bytes() + function_bytes)),
        ("maxmemory", settings.maxmemory.to_string()),
        ("maxmemory_human", human(settings.maxmemory)),
        ("maxmemory_policy", settings.maxmemory_policy.word().to_owned()),
        ("allocator_frag_ratio", format!("{:.2}", figures.fragmentation())),
        ("allocator_frag_bytes", figures.fragmentation_bytes().to_string()),
        ("allocator_rss_ratio", "1.00".to_owned()),
        ("allocator_rss_bytes", "0".to_owned()),
        ("rss_overhead_ratio", "1.00".to_owned()),
        ("rss_overhead_bytes", "0".to_owned()),
        ("mem_fragmentation_ratio", format!("{:.2}", figures.fragmentation())),
        ("mem_fragmentation_bytes", figures.fragmentation_bytes().to_string()),
        ("mem_not_counted_for_evict", uncounted_bytes(node).to_string()),
        ("mem_replication_backlog", backlog.to_string()),
        ("mem_total_replication_buffers", (backlog + replicas).to_string()),
        ("mem_clients_slaves", replicas.to_string()),
        ("mem_clients_normal", clients.to_string()),
        ("mem_cluster_links", cluster_links.to_string()),
        ("mem_aof_buffer", crate::persistence::aof::waiting_bytes(node).to_string()),
        ("mem_allocator", "libc".to_owned()),
        ("active_defrag_running", "0".to_owned()),
        ("lazyfree_pending_objects", node.lazy_free.pending().to_string()),
        ("lazyfreed_objects", node.lazy_free.freed().get().to_string()),
    ])
}
