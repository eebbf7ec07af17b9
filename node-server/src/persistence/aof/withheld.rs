//! Answers that are kept back until what they tell of is written, or durable.
//!
//! A connection keeps its own; here is who is to be woken when.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::task::Waker;

use super::{Aof, lock};
use crate::replication::{FilePlace, LogPosition};

/// What is to be done with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Send,
    Wait,
    /// It may tell of a write that is not kept, and nobody can say: the connection ends without it.
    Close,
}

/// By client: the place that must be in the file, and whom to wake then.
#[derive(Debug, Default)]
pub struct Withheld {
    waiting: Mutex<HashMap<u64, (FilePlace, Waker)>>,
}

impl Aof {
    /// Whether answers are kept back at all.
    #[inline]
    pub fn withholds(&self) -> bool {
        self.withholds.load(Ordering::Relaxed)
    }

    /// What may be told of.
    pub fn safe(&self) -> FilePlace {
        let place = if self.awaits_sync.load(Ordering::Acquire) { &self.durable } else { &self.written };
        place.load(Ordering::Acquire)
    }

    /// What is to be done with answers that tell of all up to `seen`, of a client whose own last write ends at `own`. When
    /// they are to wait, the client is woken for another look.
    pub fn verdict(&self, client: u64, seen: FilePlace, own: FilePlace, waker: &Waker) -> Verdict {
        let verdict = self.verdict_now(seen, own);
        if verdict != Verdict::Wait {
            return verdict;
        }
        lock(&self.withheld.waiting).insert(client, (seen, waker.clone()));
        // It may have come into the file before the waker was there.
        let verdict = self.verdict_now(seen, own);
        if verdict != Verdict::Wait {
            lock(&self.withheld.waiting).remove(&client);
        }
        verdict
    }

    fn verdict_now(&self, seen: FilePlace, own: FilePlace) -> Verdict {
        let safe = self.safe();
        if safe >= seen || !self.withholds.load(Ordering::Acquire) {
            return Verdict::Send;
        }
        match self.has_failed() {
            false => Verdict::Wait,
            true if own > safe => Verdict::Close,
            true => Verdict::Send,
        }
    }

    /// Whether somebody waits.
    pub(super) fn somebody_waits(&self) -> bool {
        !lock(&self.withheld.waiting).is_empty()
    }

    /// Wakes those whose answers may leave now.
    fn wake_satisfied(&self) {
        let safe = self.safe();
        let mut woken = Vec::new();
        lock(&self.withheld.waiting).retain(|_, (place, waker)| {
            let is_over = *place <= safe;
            if is_over {
                woken.push(waker.clone());
            }
            !is_over
        });
        woken.iter().for_each(Waker::wake_by_ref);
    }

    /// Other rules hold now: all look again. How many there were.
    fn wake_all(&self) -> usize {
        let woken = std::mem::take(&mut *lock(&self.withheld.waiting));
        woken.values().for_each(|(_, waker)| waker.wake_by_ref());
        woken.len()
    }

    /// Whether answers are kept back from now on.
    pub(super) fn set_withholds(&self, withholds: bool) {
        if self.withholds.swap(withholds, Ordering::AcqRel) && !withholds {
            self.wake_all();
        }
    }

    /// Whether they are kept back until the disk has what they tell of, instead of until the system has it.
    pub(super) fn set_awaits_sync(&self, awaits: bool) {
        if self.awaits_sync.swap(awaits, Ordering::AcqRel) && !awaits {
            self.wake_all();
        }
    }

    /// All before `place` is with the system. (It may have been already: a failed sync has things written again.)
    pub(super) fn publish_written(&self, place: FilePlace) {
        self.written.fetch_max(place, Ordering::AcqRel);
        self.wake_satisfied();
    }

    /// All before `place` is on disk, which is `position` in the log.
    pub(super) fn publish_durable(&self, place: FilePlace, position: LogPosition) {
        self.durable.store(place, Ordering::Release);
        self.durable_position.store(position, Ordering::Release);
        self.wake_satisfied();
        self.tell_published();
    }

    /// The disk fails, or is well again.
    pub(super) fn publish_failed(&self, failed: bool) -> usize {
        self.failed.store(failed, Ordering::Release);
        let woken = if failed { self.wake_all() } else { 0 };
        self.tell_published();
        woken
    }

    fn tell_published(&self) {
        drop(lock(&self.publishing));
        self.published.notify_all();
    }
}
