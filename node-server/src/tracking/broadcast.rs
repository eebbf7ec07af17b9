//! Clients that want to know of all keys that begin with a prefix (CLIENT TRACKING ON BCAST).
//!
//! What changed is gathered for each prefix, with who changed it last, and told when the command is through. With no such
//! client it costs who changes a key one look at a number.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::message::{self, Changed};
use crate::client::{ClientHandle, client_flag};
use crate::node::Node;

#[derive(Debug, Default)]
pub struct Broadcasts {
    prefixes: Mutex<BTreeMap<Box<[u8]>, Prefix>>,
    count: AtomicUsize,
}

#[derive(Debug, Default)]
struct Prefix {
    clients: BTreeMap<u64, Arc<ClientHandle>>,
    /// Changed and not told yet, with the client that changed it last.
    changed: BTreeMap<Box<[u8]>, u64>,
}

impl Broadcasts {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Box<[u8]>, Prefix>> {
        self.prefixes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many different prefixes somebody wants to know of.
    pub fn prefix_count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.prefix_count() == 0
    }

    pub fn add(&self, prefix: &[u8], client: &Arc<ClientHandle>) {
        let mut prefixes = self.lock();
        prefixes.entry(prefix.into()).or_default().clients.insert(client.id, client.clone());
        self.count.store(prefixes.len(), Ordering::Relaxed);
    }

    pub fn remove(&self, prefix: &[u8], client: u64) {
        let mut prefixes = self.lock();
        if let Some(entry) = prefixes.get_mut(prefix) {
            entry.clients.remove(&client);
            if entry.clients.is_empty() {
                prefixes.remove(prefix);
            }
        }
        self.count.store(prefixes.len(), Ordering::Relaxed);
    }

    /// `key` changed. The caller holds its shard.
    #[inline]
    pub fn note(&self, key: &[u8], by: u64) {
        if !self.is_empty() {
            self.gather(key, by);
        }
    }

    #[cold]
    fn gather(&self, key: &[u8], by: u64) {
        let mut prefixes = self.lock();
        for (_, entry) in prefixes.iter_mut().filter(|(prefix, _)| key.starts_with(prefix)) {
            entry.changed.insert(key.into(), by);
        }
    }

    /// Tells all that was gathered, if anybody wants to know.
    #[inline]
    pub fn tell(&self, node: &Node) {
        if !self.is_empty() {
            self.tell_all(node);
        }
    }

    #[cold]
    fn tell_all(&self, node: &Node) {
        for entry in self.lock().values_mut().filter(|entry| !entry.changed.is_empty()) {
            let changed = std::mem::take(&mut entry.changed);
            let all: Vec<&[u8]> = changed.keys().map(Box::as_ref).collect();
            for client in entry.clients.values() {
                if client.has_flag(client_flag::TRACKING_NO_LOOP) {
                    let of_others: Vec<&[u8]> =
                        changed.iter().filter(|(_, by)| **by != client.id).map(|(key, _)| &**key).collect();
                    if !of_others.is_empty() {
                        message::send(node, client, Changed::Keys(&of_others));
                    }
                } else {
                    message::send(node, client, Changed::Keys(&all));
                }
            }
        }
    }
}
