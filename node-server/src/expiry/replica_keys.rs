//! Keys with an expiry that clients of a replica wrote (`replica-read-only no`). The master knows nothing of them and will
//! never say that they are over, so the replica deletes them by itself. What the master writes is the master's again.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rcl_proto::Slot;

use crate::clock;
use crate::executor::internal;
use crate::node::Node;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Place {
    database: usize,
    slot: Slot,
    key: Box<[u8]>,
}

#[derive(Debug, Default)]
pub struct ReplicaKeys {
    keys: Mutex<HashSet<Place>>,
    /// How many there are, to be read without the lock.
    count: AtomicUsize,
}

impl ReplicaKeys {
    fn lock(&self) -> MutexGuard<'_, HashSet<Place>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut HashSet<Place>)) {
        let mut keys = self.lock();
        change(&mut keys);
        self.count.store(keys.len(), Ordering::Release);
    }

    pub fn count(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// A client of this replica gave the key an expiry. The caller holds its shard, as with all that follows.
    pub fn note(&self, database: usize, slot: Slot, key: &[u8]) {
        self.change(|keys| {
            keys.insert(Place { database, slot, key: key.into() });
        });
    }

    /// The master gave the key an expiry.
    pub fn is_the_masters(&self, database: usize, slot: Slot, key: &[u8]) {
        if self.count() > 0 {
            self.change(|keys| {
                keys.remove(&Place { database, slot, key: key.into() });
            });
        }
    }

    /// This node leads, or its data are others now.
    pub fn forget(&self) {
        if self.count() > 0 {
            self.change(HashSet::clear);
        }
    }

    /// Deletes those that are over, until `end`; they come in no order, so that all have their turn.
    pub fn tick(&self, node: &Node, end: Instant) {
        if self.count() == 0 {
            return;
        }
        let places: Vec<Place> = self.lock().iter().cloned().collect();
        for place in places {
            if clock::monotonic() >= end {
                return;
            }
            let Place { database, slot, key } = &place;
            let mut shard = node.shards.lock_slot(*slot);
            internal::expire_key(node, &mut shard, *database, *slot, key, clock::now_ms());
            let hashed = node.hasher.key_in_slot(key, *slot);
            let still_ends =
                shard.keyspace.find(*database, &hashed).is_some_and(|entry| entry.expiry().is_some());
            if !still_ends {
                self.change(|keys| {
                    keys.remove(&place);
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::clock;
    use crate::executor::in_memory::{Client, node_with};
    use crate::replication;

    #[test]
    fn a_writable_replica_ends_what_its_own_clients_wrote() {
        let node = node_with(&["--replica-read-only", "no"], "");
        let (mut client, mut master) = (Client::new(&node), Client::new(&node));
        master.session.is_master_link = true;
        replication::follow(&node, "127.0.0.1", 1);
        let end = || clock::monotonic() + Duration::from_secs(60);
        let there = |key: &[u8]| node.shards.lock(0).keyspace.find(0, &node.key(key)).is_some();
        // By each way to an expiry; `late` is the master's in the end, `kept` has none any more.
        for line in ["SET a v PX 1", "SET b v", "PEXPIRE b 1", "SETEX late 100 v", "SET kept v EX 100"] {
            assert_eq!(
                client.ask(line).chars().next(),
                Some(if line.starts_with('P') { ':' } else { '+' }),
                "{line}"
            );
        }
        assert_eq!(node.replica_keys.count(), 4);
        client.ask("PERSIST kept");
        master.ask("SET late v PXAT 1");
        master.ask("SET theirs v PXAT 1");
        while client.ask("EXISTS a b") != ":0" {
            std::thread::yield_now();
        }
        assert!(there(b"a"), "nobody but the tick deletes it");
        node.replica_keys.tick(&node, end());
        assert!(!there(b"a") && !there(b"b"));
        assert!(there(b"late") && there(b"theirs"), "these are the master's to end");
        assert_eq!((there(b"kept"), node.replica_keys.count()), (true, 0));
        assert_eq!(node.stats.expired_keys.get(), 2);
    }

    #[test]
    fn copies_and_new_names_are_noted_too() {
        let node = node_with(&["--replica-read-only", "no"], "");
        let mut client = Client::new(&node);
        replication::follow(&node, "127.0.0.1", 1);
        for line in ["SET a v EX 100", "COPY a b", "RENAME a c"] {
            client.ask(line);
        }
        assert_eq!(node.replica_keys.count(), 3, "a goes at the next look");
        node.replica_keys.tick(&node, clock::monotonic() + Duration::from_secs(60));
        assert_eq!(node.replica_keys.count(), 2);
        replication::lead(&node);
        assert_eq!(node.replica_keys.count(), 0);
    }
}
