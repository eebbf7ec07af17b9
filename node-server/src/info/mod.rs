//! The text of INFO: sections of `field:value` lines, with Redis's names.

mod commands;
pub mod memory;
mod node_facts;

use crate::node::Node;
use crate::shard::Shard;

/// What lies in the shards, added up over them.
#[derive(Clone, Debug, Default)]
pub struct KeyspaceCounts {
    databases: Vec<DatabaseCounts>,
    /// Keys that clients wait on.
    awaited: usize,
    /// Those of them for which somebody waits who is told when they go away.
    mourned: usize,
}

#[derive(Clone, Debug, Default)]
struct DatabaseCounts {
    keys: usize,
    /// With an expiry.
    volatile: usize,
    /// How long these have to live, each; added up.
    ttl_ms: u128,
    table_bytes: usize,
}

impl KeyspaceCounts {
    pub fn add(&mut self, shard: &Shard) {
        self.awaited += shard.waiters.key_count();
        self.mourned += shard.waiters.mourned_key_count();
        let keyspace = &shard.keyspace;
        let count = keyspace.database_count();
        self.databases.resize(count.max(self.databases.len()), DatabaseCounts::default());
        for (number, database) in self.databases.iter_mut().enumerate().take(count) {
            let volatile = keyspace.volatile_key_count(number);
            database.keys += keyspace.key_count(number);
            database.volatile += volatile;
            database.ttl_ms += keyspace.average_ttl_ms(number).max(0) as u128 * volatile as u128;
            database.table_bytes += keyspace.table_bytes(number);
        }
    }
}

/// When a section is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// Also when none is asked for.
    Usually,
    /// When all are asked for.
    InAll,
    /// Only by its name.
    ByName,
}

/// A section's name, when it is shown, and its lines.
type Section = (&'static str, Shown, fn(&Node, &KeyspaceCounts) -> String);

const SECTIONS: [Section; 14] = [
    ("Server", Shown::Usually, node_facts::server),
    ("Clients", Shown::Usually, node_facts::clients),
    ("Memory", Shown::Usually, memory::memory),
    ("Persistence", Shown::Usually, |node, _| crate::persistence::info_section(node)),
    ("Stats", Shown::Usually, node_facts::stats),
    ("Replication", Shown::Usually, |node, _| crate::replication::info_section(node)),
    ("CPU", Shown::Usually, node_facts::cpu),
    ("Modules", Shown::Usually, |_, _| String::new()),
    ("Commandstats", Shown::InAll, commands::command_stats),
    ("Errorstats", Shown::Usually, commands::errors),
    ("Latencystats", Shown::InAll, commands::latency_stats),
    ("Cluster", Shown::Usually, |node, _| format!("cluster_enabled:{}\r\n", u8::from(node.is_cluster()))),
    ("Keyspace", Shown::Usually, keyspace),
    ("Debug", Shown::ByName, node_facts::debug),
];

/// Whether this section is to be shown, by the words of the request (in lower case; none means the usual ones).
fn wants(wanted: &[String], (name, shown, _): Section) -> bool {
    let is = |name: &str| wanted.iter().any(|word| word == name);
    is(&name.to_ascii_lowercase())
        || match shown {
            Shown::Usually => wanted.is_empty() || is("default") || is("all") || is("everything"),
            Shown::InAll => is("all") || is("everything"),
            Shown::ByName => false,
        }
}

/// The request is about what lies in the shards. Each must be looked at for that, which waits for those that are busy.
pub fn wants_counts(wanted: &[String]) -> bool {
    let is_about_shards = |section: &Section| matches!(section.0, "Clients" | "Memory" | "Keyspace");
    SECTIONS.iter().any(|section| is_about_shards(section) && wants(wanted, *section))
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

fn lines<const N: usize>(fields: [(&str, String); N]) -> String {
    fields.iter().map(|(name, value)| format!("{name}:{value}\r\n")).collect()
}

fn keyspace(_node: &Node, counts: &KeyspaceCounts) -> String {
    let line = |number: usize, database: &DatabaseCounts| {
        let DatabaseCounts { keys, volatile, ttl_ms, .. } = database;
        let average = ttl_ms.checked_div(*volatile as u128).unwrap_or(0);
        format!("db{number}:keys={keys},expires={volatile},avg_ttl={average}\r\n")
    };
    let used = counts.databases.iter().enumerate().filter(|(_, database)| database.keys > 0);
    used.map(|(number, database)| line(number, database)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(words: &[&str]) -> Vec<&'static str> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        SECTIONS.iter().filter(|section| wants(&words, **section)).map(|section| section.0).collect()
    }

    #[test]
    fn sections_are_chosen_by_name_and_by_what_is_usual() {
        assert_eq!(names(&["cpu"]), ["CPU"]);
        assert_eq!(names(&["nothing"]), [] as [&str; 0]);
        assert_eq!(names(&["cpu", "commandstats"]), ["CPU", "Commandstats"]);
        assert_eq!(names(&["default"]), names(&[]));
        assert!(!names(&[]).contains(&"Commandstats") && !names(&["all"]).contains(&"Debug"));
        assert_eq!(names(&["all"]).len(), names(&[]).len() + 2);
        assert_eq!(names(&["cpu", "everything"]), names(&["all"]));
    }
}
