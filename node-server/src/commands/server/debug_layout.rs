//! DEBUG's subcommands for who wants to see how a value is laid out: OBJECT, SDSLEN, LISTPACK, QUICKLIST.
//!
//! DEBUG names no keys to the cluster, and looks at keys past their time as they are. What is long goes to the log, where Redis
//! prints it on its standard output.

use rcl_proto::{Slot, key_slot};
use rcl_store::entry::Entry;
use rcl_store::entry::access::lru_idle_ms;
use rcl_store::rdb;
use rcl_store::types::{Encoding, ListRef, ValueRef};

use crate::command::{CommandError, CommandResult, Context, Outcome};
use crate::commands::keys::reference_count;

/// Shows the entry of a key, expired or not, without noting that as a use.
pub fn with_entry<R>(context: &mut Context<'_>, key: &[u8], look: impl FnOnce(&Entry) -> R) -> Option<R> {
    let (node, database) = (context.node, context.data.database);
    let slot = if node.is_cluster() { key_slot(key) } else { Slot::MIN };
    let key = node.hasher.key_in_slot(key, slot);
    let shard = node.shards.index_of(slot);
    context.data.with_shard(shard, |shard| shard.keyspace.find(database, &key).map(look))
}

/// `DEBUG OBJECT key`
pub fn object(context: &mut Context<'_>, key: &[u8]) -> CommandResult {
    let (settings, now_ms) = (context.node.settings(), context.data.now_ms);
    let node_limit = context.node.limits().list_max_listpack_size;
    let text = with_entry(context, key, |entry| {
        // The type in front and the version and checksum behind are not the value's.
        let serialized = rdb::dump(entry.value(), true).len() - 11;
        let clock = entry.access_clock();
        let mut text = format!(
            "Value at:{:p} refcount:{} encoding:{} serializedlength:{serialized} lru:{clock} lru_seconds_idle:{}",
            entry.key().as_ptr(),
            reference_count(entry, &settings),
            entry.encoding().name(),
            lru_idle_ms(clock, now_ms) / 1000,
        );
        if let (Encoding::Quicklist, ValueRef::List(list)) = (entry.encoding(), entry.value()) {
            text.push_str(&nodes_of(list, node_limit));
        }
        text
    });
    context.reply.simple(&text.ok_or(CommandError::NO_SUCH_KEY)?);
    Ok(Outcome::Done)
}

/// How many nodes a list has and what is in them, as DEBUG OBJECT names it. Nodes are never compressed here.
fn nodes_of(list: ListRef<'_>, node_limit: i32) -> String {
    let (nodes, bytes) =
        list.nodes().fold((0, 0), |(nodes, bytes), node| (nodes + 1, bytes + node.byte_len()));
    let average = list.len() as f64 / f64::from(nodes.max(1));
    format!(
        " ql_nodes:{nodes} ql_avg_node:{average:.2} ql_listpack_max:{node_limit} ql_compressed:0 ql_uncompressed_size:{bytes}"
    )
}

/// `DEBUG LISTPACK key`: its elements, one a line.
pub fn listpack(context: &mut Context<'_>, key: &[u8]) -> CommandResult {
    let elements = with_entry(context, key, |entry| {
        (entry.encoding() == Encoding::Listpack).then(|| elements_of(entry.value()))
    });
    let elements = elements.ok_or(CommandError::NO_SUCH_KEY)?;
    let elements = elements.ok_or(CommandError::fixed("ERR Not a listpack encoded object."))?;
    log_lines(key, &elements);
    context.reply.simple("Listpack structure printed in the log");
    Ok(Outcome::Done)
}

/// `DEBUG QUICKLIST key [0|1]`: its nodes, one a line; and what is in them.
pub fn quicklist(context: &mut Context<'_>, key: &[u8], with_elements: bool) -> CommandResult {
    let lines = with_entry(context, key, |entry| match entry.value() {
        ValueRef::List(list) if entry.encoding() == Encoding::Quicklist => {
            Some(node_lines(list, with_elements))
        }
        _ => None,
    });
    let lines = lines.ok_or(CommandError::NO_SUCH_KEY)?;
    log_lines(key, &lines.ok_or(CommandError::fixed("ERR Not a quicklist encoded object."))?);
    context.reply.simple("Quicklist structure printed in the log");
    Ok(Outcome::Done)
}

fn node_lines(list: ListRef<'_>, with_elements: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for (index, node) in list.nodes().enumerate() {
        lines.push(format!("node {index}: {} elements in {} bytes", node.len(), node.byte_len()));
        if with_elements {
            lines.extend(node.iter().map(|element| format!("  {}", shown(&element.to_vec()))));
        }
    }
    lines
}

/// What a listpack of this value holds, in its order.
fn elements_of(value: ValueRef<'_>) -> Vec<String> {
    match value {
        ValueRef::List(list) => list.iter().map(|element| shown(&element.to_vec())).collect(),
        ValueRef::Set(set) => set.iter().map(|member| shown(&member.to_vec())).collect(),
        ValueRef::Hash(hash) => {
            hash.iter().flat_map(|(field, value)| [shown(&field.to_vec()), shown(&value.to_vec())]).collect()
        }
        ValueRef::SortedSet(sorted_set) => sorted_set
            .iter()
            .flat_map(|(member, score)| [shown(&member.to_vec()), score.to_string()])
            .collect(),
        ValueRef::Int(_) | ValueRef::String(_) | ValueRef::Stream(_) => Vec::new(),
    }
}

fn shown(bytes: &[u8]) -> String {
    format!("{} bytes: {}", bytes.len(), bytes.escape_ascii())
}

fn log_lines(key: &[u8], lines: &[String]) {
    for (index, line) in lines.iter().enumerate() {
        tracing::warn!("DEBUG {}, {index}: {line}", key.escape_ascii());
    }
}

#[cfg(test)]
mod tests {
    use rcl_store::types::{End, Limits, List};

    use super::*;
    use crate::executor::in_memory::{clients, converse};

    #[test]
    fn an_object_is_told_by_its_place_and_size() {
        clients!(node: one);
        one.ask("SET k abcde");
        let text = one.ask("DEBUG OBJECT k");
        assert!(text.starts_with("+Value at:0x"), "{text}");
        assert!(text.contains(" refcount:1 encoding:embstr serializedlength:6 lru:"), "{text}");
        one.ask("SET k 12");
        assert!(one.ask("DEBUG OBJECT k").contains(" refcount:2147483647 encoding:int "));
        assert_eq!(one.ask("DEBUG OBJECT none"), "-ERR no such key");
        assert_eq!(node.shards.count(), 1);
    }

    #[test]
    fn a_quicklist_is_told_by_its_nodes() {
        clients!(_node: one);
        one.ask("CONFIG SET list-max-listpack-size 2");
        one.ask("RPUSH l a b c d e");
        let text = one.ask("DEBUG OBJECT l");
        assert!(text.contains(
            " ql_nodes:3 ql_avg_node:1.67 ql_listpack_max:2 ql_compressed:0 ql_uncompressed_size:"
        ));
        let limits = Limits { list_max_listpack_size: 2, ..Limits::default() };
        let mut list = List::new();
        ["a", "b", "c"].iter().for_each(|element| list.push(End::Tail, element.as_bytes(), &limits));
        let lines = node_lines(list.view(), true);
        let expected = ["node 0: 2 elements in 13 bytes", "  1 bytes: a", "  1 bytes: b"];
        assert_eq!(lines[..3], expected);
        assert_eq!(lines.len(), 5);
        converse(
            &mut one,
            &[
                ("DEBUG QUICKLIST l 1", "+Quicklist structure printed in the log"),
                ("DEBUG LISTPACK l", "-ERR Not a listpack encoded object."),
                ("DEBUG QUICKLIST none", "-ERR no such key"),
                ("RPUSH short a b", ":2"),
                ("DEBUG QUICKLIST short", "-ERR Not a quicklist encoded object."),
                ("DEBUG LISTPACK short", "+Listpack structure printed in the log"),
            ],
        );
    }

    #[test]
    fn a_listpack_is_told_by_its_elements() {
        clients!(_node: one);
        one.ask("ZADD z 1.5 a 2 b");
        let shard = one.node.shards.lock(0);
        let key = one.node.hasher.key_in_slot(b"z", Slot::MIN);
        let entry = shard.keyspace.find(0, &key).unwrap();
        assert_eq!(elements_of(entry.value()), ["1 bytes: a", "1.5", "1 bytes: b", "2"]);
    }
}
