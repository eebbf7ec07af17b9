//! Writes that no client asked for: keys that were moved away, keys whose time has come. They act and are logged
//! under the shard's lock like any other.

use rcl_proto::Slot;
use rcl_proto::resp::OwnedArgs;

use crate::node::Node;
use crate::pubsub::EventClass;
use crate::shard::Shard;

/// Deletes those of the keys that are there; how many were.
pub fn delete_keys(node: &Node, shard: &mut Shard, database: usize, slot: Slot, keys: &[&[u8]]) -> usize {
    let mut deleted: Vec<&[u8]> = Vec::with_capacity(keys.len());
    for bytes in keys {
        let key = node.hasher.key_in_slot(bytes, slot);
        if shard.keyspace.remove(database, &key).existed() {
            shard.key_is_gone(node, database, bytes);
            node.events.tell(&node.pubsub, EventClass::Generic, "del", database, bytes);
            deleted.push(bytes);
        }
    }
    log_deletion(node, database, &deleted, false);
    deleted.len()
}

/// Deletes a key if its time has come. The caller knows that this node is the one to do it.
pub fn expire_key(node: &Node, shard: &mut Shard, database: usize, slot: Slot, bytes: &[u8], now_ms: i64) {
    let key = node.hasher.key_in_slot(bytes, slot);
    if shard.keyspace.find(database, &key).is_some_and(|entry| entry.is_expired(now_ms)) {
        let removed = shard.keyspace.remove(database, &key);
        node.lazy_free.removed(removed, || node.settings().lazyfree_lazy_expire);
        has_expired(node, shard, database, bytes);
    }
}

/// The key is gone, because its time had come: tells everybody.
pub fn has_expired(node: &Node, shard: &mut Shard, database: usize, key: &[u8]) {
    shard.key_is_gone(node, database, key);
    node.events.tell(&node.pubsub, EventClass::Expired, "expired", database, key);
    log_deletion(node, database, &[key], node.settings().lazyfree_lazy_expire);
    node.stats.expired_keys.add(1);
}

/// The command that deletes a key, freeing it at once or elsewhere.
pub fn deletion(is_lazy: bool) -> &'static [u8] {
    if is_lazy { b"UNLINK" } else { b"DEL" }
}

/// One DEL for keys that are gone already, in the log and in the count of changes.
pub fn log_deletion(node: &Node, database: usize, keys: &[&[u8]], is_lazy: bool) {
    if keys.is_empty() {
        return;
    }
    node.stats.dirty.add(keys.len() as u64);
    if node.replication.is_logging() {
        let command = OwnedArgs::new(std::iter::once(deletion(is_lazy)).chain(keys.iter().copied()));
        node.replication.append(database, std::iter::once(command.as_args()));
    }
}

/// One HDEL for fields that are gone already, in the log and in the count of changes.
pub fn log_field_deletion(node: &Node, database: usize, key: &[u8], fields: &[Vec<u8>]) {
    node.stats.dirty.add(fields.len() as u64);
    if node.replication.is_logging() {
        let fields = fields.iter().map(Vec::as_slice);
        let command = OwnedArgs::new([&b"HDEL"[..], key].into_iter().chain(fields));
        node.replication.append(database, std::iter::once(command.as_args()));
    }
}
