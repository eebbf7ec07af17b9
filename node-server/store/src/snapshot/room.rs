//! How much writers may hand over before it is taken away: one limit for all shards of a snapshot.
//!
//! What is beyond it is not handed over, and the snapshot is lost: its walk says so at the next step. So a sink that takes
//! nothing for long costs no more memory than this, and no writer ever waits for a sink.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

#[derive(Debug)]
pub struct Room {
    limit_bytes: usize,
    used_bytes: AtomicUsize,
    most_used_bytes: AtomicUsize,
    is_overrun: AtomicBool,
    entries: AtomicU64,
    bytes: AtomicU64,
    largest_bytes: AtomicUsize,
}

/// What it cost writers to keep the snapshot right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WritersShare {
    /// Entries that they handed over.
    pub entries: u64,
    /// Bytes that they copied, or kept from being freed, for it.
    pub bytes: u64,
    /// The most of them for one entry.
    pub largest_bytes: usize,
    /// The most of them that waited for the walk at a time.
    pub most_waiting_bytes: usize,
}

impl Room {
    pub fn new(limit_bytes: usize) -> Room {
        Room {
            limit_bytes,
            used_bytes: AtomicUsize::new(0),
            most_used_bytes: AtomicUsize::new(0),
            is_overrun: AtomicBool::new(false),
            entries: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            largest_bytes: AtomicUsize::new(0),
        }
    }

    pub fn limit_bytes(&self) -> usize {
        self.limit_bytes
    }

    /// Handed over by writers and not released yet.
    pub fn used_bytes(&self) -> usize {
        self.used_bytes.load(Ordering::Relaxed)
    }

    /// Something found no room: the snapshot can't be made any more.
    #[inline]
    pub fn is_overrun(&self) -> bool {
        self.is_overrun.load(Ordering::Relaxed)
    }

    pub fn writers_share(&self) -> WritersShare {
        WritersShare {
            entries: self.entries.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            largest_bytes: self.largest_bytes.load(Ordering::Relaxed),
            most_waiting_bytes: self.most_used_bytes.load(Ordering::Relaxed),
        }
    }

    /// False when it is over the limit, from then on always.
    pub(super) fn take(&self, bytes: usize) -> bool {
        let used = self.used_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if used > self.limit_bytes {
            self.is_overrun.store(true, Ordering::Relaxed);
        }
        if self.is_overrun() {
            self.release(bytes);
            return false;
        }
        self.most_used_bytes.fetch_max(used, Ordering::Relaxed);
        self.entries.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.largest_bytes.fetch_max(bytes, Ordering::Relaxed);
        true
    }

    /// What was handed over is gone: [`Handed::clear`](super::Handed::clear).
    pub fn release(&self, bytes: usize) {
        self.used_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}
