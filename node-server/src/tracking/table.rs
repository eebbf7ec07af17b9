//! Which clients read which keys of a shard, since the key last changed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rand::Rng;
use rcl_store::table::{Table, TableEntry};

use crate::client::ClientHandle;

/// How much is in the tables of all shards. Changed under a shard's lock each time, but by all of them.
#[derive(Debug, Default)]
pub struct Counts {
    pub keys: AtomicUsize,
    pub items: AtomicUsize,
}

#[derive(Debug)]
struct Tracked {
    key: Box<[u8]>,
    clients: Vec<Arc<ClientHandle>>,
}

/// Keys with their clients, whatever the database: an invalidation does not say which one.
#[derive(Debug, Default)]
pub struct TrackedKeys {
    table: Table<Tracked>,
}

impl TrackedKeys {
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    pub fn remember(
        &mut self,
        counts: &Counts,
        hash_of: impl Fn(&[u8]) -> u64,
        key: &[u8],
        client: &Arc<ClientHandle>,
    ) {
        let hash = hash_of(key);
        match self.table.entry(hash, |tracked| *tracked.key == *key) {
            TableEntry::Occupied(mut entry) => {
                let Some(tracked) = entry.get_mut() else { return };
                if tracked.clients.iter().any(|other| other.id == client.id) {
                    return;
                }
                tracked.clients.push(client.clone());
            }
            TableEntry::Vacant(entry) => {
                let tracked = Tracked { key: key.into(), clients: vec![client.clone()] };
                entry.insert(tracked, |tracked| hash_of(&tracked.key));
                counts.keys.fetch_add(1, Ordering::Relaxed);
            }
        }
        counts.items.fetch_add(1, Ordering::Relaxed);
    }

    /// Forgets a key; who had read it.
    pub fn take(
        &mut self,
        counts: &Counts,
        hash_of: impl Fn(&[u8]) -> u64,
        key: &[u8],
    ) -> Vec<Arc<ClientHandle>> {
        let is_it = |tracked: &Tracked| *tracked.key == *key;
        let taken = self.table.remove(hash_of(key), is_it, |tracked| hash_of(&tracked.key));
        let Some(tracked) = taken else { return Vec::new() };
        counts.keys.fetch_sub(1, Ordering::Relaxed);
        counts.items.fetch_sub(tracked.clients.len(), Ordering::Relaxed);
        tracked.clients
    }

    pub fn random_key(&self, rng: &mut dyn Rng) -> Option<Box<[u8]>> {
        self.table.random(rng).map(|tracked| tracked.key.clone())
    }

    /// The keys for which `is_wanted` holds.
    pub fn keys_where(&self, is_wanted: impl Fn(&[u8]) -> bool) -> Vec<Box<[u8]>> {
        let keys = self.table.iter().map(|tracked| &tracked.key);
        keys.filter(|key| is_wanted(key)).cloned().collect()
    }

    /// Forgets all keys.
    pub fn clear(&mut self, counts: &Counts) {
        for tracked in std::mem::take(&mut self.table).into_entries() {
            counts.keys.fetch_sub(1, Ordering::Relaxed);
            counts.items.fetch_sub(tracked.clients.len(), Ordering::Relaxed);
        }
    }
}
