//! How far the snapshot is that runs, and what the newest one has cost so far: INFO shows it.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rcl_store::snapshot::{Room, WritersShare};

use crate::histogram::{Histogram, Summary};

#[derive(Debug, Default)]
pub struct Progress {
    /// When the snapshot that runs began, Unix milliseconds; 0 when none does.
    began_ms: AtomicI64,
    keys_done: AtomicU64,
    keys_total: AtomicU64,
    /// How long all shards were locked for the point in time.
    point_ns: AtomicU64,
    /// How long a shard was locked, for each time.
    visits: Histogram,
    /// What of that the walk had a processor for: the rest was the machine's doing.
    visits_cpu: Histogram,
    room: Mutex<Option<Arc<Room>>>,
}

impl Progress {
    /// A snapshot begins: what the one before it cost is forgotten.
    pub(super) fn begin(&self, now_ms: i64, room: &Arc<Room>) {
        self.keys_done.store(0, Ordering::Relaxed);
        self.keys_total.store(0, Ordering::Relaxed);
        self.visits.clear();
        self.visits_cpu.clear();
        *self.room() = Some(room.clone());
        self.began_ms.store(now_ms, Ordering::Release);
    }

    pub(super) fn note_point(&self, keys: u64, held: Duration) {
        self.keys_total.store(keys, Ordering::Relaxed);
        self.point_ns.store(held.as_nanos() as u64, Ordering::Relaxed);
    }

    pub(super) fn note_visit(&self, held: Duration, cpu: Option<Duration>) {
        self.visits.note(held);
        if let Some(cpu) = cpu {
            self.visits_cpu.note(cpu);
        }
    }

    pub(super) fn note_keys(&self, done: u64) {
        self.keys_done.store(done, Ordering::Relaxed);
    }

    pub(super) fn end(&self) {
        self.began_ms.store(0, Ordering::Release);
    }

    pub(super) fn running_since_ms(&self) -> Option<i64> {
        Some(self.began_ms.load(Ordering::Acquire)).filter(|&began_ms| began_ms > 0)
    }

    /// Keys written and keys in all of the snapshot that runs.
    pub(super) fn keys(&self) -> (u64, u64) {
        match self.running_since_ms() {
            Some(_) => (self.keys_done.load(Ordering::Relaxed), self.keys_total.load(Ordering::Relaxed)),
            None => (0, 0),
        }
    }

    pub fn point_us(&self) -> u64 {
        self.point_ns.load(Ordering::Relaxed) / 1000
    }

    pub(super) fn visits(&self) -> Summary {
        self.visits.summary()
    }

    pub(super) fn visits_cpu(&self) -> Summary {
        self.visits_cpu.summary()
    }

    pub(super) fn writers_share(&self) -> WritersShare {
        self.room().as_ref().map(|room| room.writers_share()).unwrap_or_default()
    }

    /// What writers have handed over and the walk has not taken yet, in bytes.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.running_since_ms().and_then(|_| self.room().as_ref().map(|room| room.used_bytes())).unwrap_or(0)
    }

    fn room(&self) -> MutexGuard<'_, Option<Arc<Room>>> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
