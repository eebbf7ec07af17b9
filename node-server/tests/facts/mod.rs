//! The command table's facts beside those of others: a `redis-server`'s COMMAND, and a file of facts.
//!
//! ```text
//!   make facts FACTS=commands.json      prints every difference between the table and the file
//! ```
//!
//! Such a file holds an object for each command by its full name (`config|get`): `arity`, `command_flags`,
//! `acl_categories`, `command_tips`, `key_specs`, `arguments`, `since`, `group`, `complexity`, `deprecated_since`,
//! `replaced_by`, in the shape of the files that Redis 7.2 keeps its own table in, and `in`, the servers that have it.

mod file;
mod server;
mod table;
mod tested;

use std::collections::BTreeMap;

/// What is told of a command, by the fact's name. Lists that have no order are sorted.
type Facts = BTreeMap<&'static str, String>;

/// By full name.
type Commands = BTreeMap<String, Facts>;

/// `name fact: theirs ≠ ours`, for commands and facts that both tell of.
fn differences(theirs: &Commands, ours: &Commands) -> Vec<String> {
    let mut found = Vec::new();
    for (name, our_facts) in ours {
        let Some(their_facts) = theirs.get(name) else { continue };
        for (fact, our_value) in our_facts {
            match their_facts.get(fact) {
                Some(their_value) if their_value != our_value => {
                    found.push(format!("{name} {fact}: {their_value} ≠ {our_value}"));
                }
                _ => {}
            }
        }
    }
    found
}

fn sorted_words(words: impl Iterator<Item = String>) -> String {
    let mut words: Vec<String> = words.collect();
    words.sort();
    words.dedup();
    words.join(",")
}
