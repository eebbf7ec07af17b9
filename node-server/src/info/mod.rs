//! The text of INFO: sections of `field:value` lines, with Redis's names.

mod memory;
mod node_facts;

use crate::node::Node;
use crate::shard::Shard;

/// Keys of each database, added up over the shards.
#[derive(Clone, Debug, Default)]
pub struct KeyspaceCounts {
    /// Keys, and keys with an expiry.
    databases: Vec<(usize, usize)>,
    /// Keys that clients wait on.
    awaited: usize,
}

impl KeyspaceCounts {
    pub fn add(&mut self, shard: &Shard) {
        self.awaited += shard.waiters.key_count();
        let keyspace = &shard.keyspace;
        self.databases.resize(keyspace.database_count().max(self.databases.len()), (0, 0));
        for (number, counts) in self.databases.iter_mut().enumerate().take(keyspace.database_count()) {
            counts.0 += keyspace.key_count(number);
            counts.1 += keyspace.volatile_key_count(number);
        }
    }
}

/// A section's name, whether it is shown when none is asked for, and its lines.
type Section = (&'static str, bool, fn(&Node, &KeyspaceCounts) -> String);

const SECTIONS: [Section; 11] = [
    ("Server", true, node_facts::server),
    ("Clients", true, node_facts::clients),
    ("Memory", true, memory::memory),
    ("Persistence", true, |node, _| crate::persistence::info_section(node)),
    ("Stats", true, node_facts::stats),
    ("Replication", true, |node, _| crate::replication::info_section(node)),
    ("CPU", true, node_facts::cpu),
    ("Modules", true, |_, _| String::new()),
    ("Errorstats", true, node_facts::errors),
    ("Cluster", true, |node, _| format!("cluster_enabled:{}\r\n", u8::from(node.is_cluster()))),
    ("Keyspace", true, keyspace),
];

/// Whether this section is to be shown, by the words of the request (in lower case; none means the usual ones).
fn wants(wanted: &[String], (name, is_usual, _): Section) -> bool {
    let is = |name: &str| wanted.iter().any(|word| word == name);
    let usual = wanted.is_empty() || is("default");
    is("all") || is("everything") || usual && is_usual || is(&name.to_ascii_lowercase())
}

/// The request is about what lies in the shards. Each must be looked at for that, which waits for those that are busy.
pub fn wants_counts(wanted: &[String]) -> bool {
    SECTIONS.iter().any(|section| matches!(section.0, "Clients" | "Keyspace") && wants(wanted, *section))
}

/// The sections in `wanted`.
pub fn text(node: &Node, wanted: &[String], counts: &KeyspaceCounts) -> String {
    let mut text = String::new();
    for section @ (name, _, lines) in SECTIONS {
        if wants(wanted, section) {
            if !text.is_empty() {
                text.push_str("\r\n");
            }
            text.push_str(&format!("# {name}\r\n{}", lines(node, counts)));
        }
    }
    text
}

fn keyspace(_node: &Node, counts: &KeyspaceCounts) -> String {
    let used = counts.databases.iter().enumerate().filter(|(_, (keys, _))| *keys > 0);
    used.map(|(number, (keys, volatile))| format!("db{number}:keys={keys},expires={volatile},avg_ttl=0\r\n"))
        .collect()
}
