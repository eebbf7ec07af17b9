//! All connected clients, by id.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{ClientHandle, ReplyRooms};

/// Ids are given in order and never again.
#[derive(Debug, Default)]
pub struct ClientRegistry {
    last_id: AtomicU64,
    clients: Mutex<BTreeMap<u64, Arc<ClientHandle>>>,
    pub reply_rooms: ReplyRooms,
    /// `maxmemory-clients` in bytes; 0: no limit.
    pub(super) memory_limit: AtomicU64,
    /// What clients that may be evicted take, as they said last.
    pub(super) counted_bytes: AtomicI64,
}

impl ClientRegistry {
    pub fn next_id(&self) -> u64 {
        self.last_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<ClientHandle>>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn add(&self, client: Arc<ClientHandle>) {
        self.lock().insert(client.id, client);
    }

    /// False when it was not there (any more).
    pub fn remove(&self, id: u64) -> bool {
        let Some(client) = self.lock().remove(&id) else { return false };
        let counted = client.counted_bytes.swap(0, Ordering::Relaxed);
        self.counted_bytes.fetch_sub(counted as i64, Ordering::Relaxed);
        true
    }

    pub fn get(&self, id: u64) -> Option<Arc<ClientHandle>> {
        self.lock().get(&id).cloned()
    }

    pub fn count(&self) -> usize {
        self.lock().len()
    }

    /// Everyone at this moment, in the order of their ids.
    pub fn all(&self) -> Vec<Arc<ClientHandle>> {
        self.lock().values().cloned().collect()
    }
}
