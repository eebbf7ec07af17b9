//! Freeing big values where nobody waits for it: on a thread of its own, one after the other.
//!
//! A value whose freeing takes at least [`BIG_EFFORT`] steps is big; small ones are freed where they are, since handing over
//! costs more. Which deletions do so is up to the `lazyfree-…` directives and to the command (UNLINK, FLUSHALL ASYNC).

use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, OnceLock};
use std::thread;

use rcl_store::entry::Entry;
use rcl_store::keyspace::Removed;
use rcl_store::types::Value;

use crate::scheduling;
use crate::stats::Counter;

/// As Redis counts it: more elements (of a list: nodes) than this are freed elsewhere.
const BIG_EFFORT: usize = 64;

type Garbage = (usize, Box<dyn Send>);

#[derive(Debug, Default)]
pub struct LazyFree {
    /// The way to the thread, which starts with the first thing to free; `None` if it could not start.
    sender: OnceLock<Option<Sender<Garbage>>>,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    pending: AtomicUsize,
    freed: Counter,
}

impl LazyFree {
    /// Frees what a deletion left, elsewhere if it is big and `lazily` then says so.
    pub fn removed(&self, removed: Removed, lazily: impl FnOnce() -> bool) {
        if let Removed::Entry(entry) = removed {
            self.entry(entry, lazily);
        }
    }

    pub fn entry(&self, entry: Entry, lazily: impl FnOnce() -> bool) {
        if entry.value().free_effort() > BIG_EFFORT && lazily() {
            self.elsewhere(1, Box::new(entry));
        }
    }

    pub fn value(&self, value: impl Deref<Target = Value> + Send + 'static, lazily: impl FnOnce() -> bool) {
        if value.as_ref().free_effort() > BIG_EFFORT && lazily() {
            self.elsewhere(1, Box::new(value));
        }
    }

    /// Frees something that holds so many objects on the thread.
    pub fn elsewhere(&self, objects: usize, garbage: Box<dyn Send>) {
        let counts = &self.counts;
        let Some(sender) = self.sender.get_or_init(|| start(counts.clone())) else { return };
        counts.pending.fetch_add(objects, Ordering::Relaxed);
        // Fails only if the thread has died; then the error frees it here.
        if sender.send((objects, garbage)).is_err() {
            counts.pending.fetch_sub(objects, Ordering::Relaxed);
        }
    }

    /// Objects that wait to be freed.
    pub fn pending(&self) -> usize {
        self.counts.pending.load(Ordering::Relaxed)
    }

    /// Objects that were freed on the thread.
    pub fn freed(&self) -> &Counter {
        &self.counts.freed
    }
}

fn start(counts: Arc<Counts>) -> Option<Sender<Garbage>> {
    let (sender, receiver) = mpsc::channel::<Garbage>();
    let body = move || {
        scheduling::long_slices();
        while let Ok((objects, garbage)) = receiver.recv() {
            drop(garbage);
            counts.freed.add(objects as u64);
            counts.pending.fetch_sub(objects, Ordering::Release);
        }
    };
    thread::Builder::new().name("lazy-free".to_owned()).spawn(body).ok().map(|_| sender)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcl_store::types::Set;

    fn set_of(members: i64) -> Entry {
        let limits = rcl_store::types::Limits::default();
        let mut set = Set::new();
        for member in 0..members {
            set.add(format!("member {member}").as_bytes(), &limits);
        }
        Entry::new(b"key", Value::Set(set), None)
    }

    #[test]
    fn what_is_big_is_freed_elsewhere_and_only_when_wanted() {
        let lazy_free = LazyFree::default();
        lazy_free.entry(set_of(10), || true);
        lazy_free.entry(set_of(1000), || false);
        lazy_free.entry(Entry::new_string(b"key", &[b'x'; 100_000], None), || true);
        assert!(lazy_free.sender.get().is_none());
        lazy_free.removed(Removed::Entry(set_of(1000)), || true);
        lazy_free.value(Box::new(set_of(1000).into_value()), || true);
        lazy_free.elsewhere(5, Box::new(vec![set_of(1), set_of(2)]));
        while lazy_free.pending() > 0 {
            thread::yield_now();
        }
        assert_eq!(lazy_free.freed().get(), 7);
    }
}
