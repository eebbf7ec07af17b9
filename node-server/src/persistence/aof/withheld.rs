//! Answers that are kept back until what they tell of is durable.
//!
//! A connection keeps its own; here is who is to be woken when.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::task::Waker;

use super::{Aof, lock};
use crate::replication::LogPosition;

/// What is to be done with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Send,
    Wait,
    /// It may tell of a write that is not kept, and nobody can say: the connection ends without it.
    Close,
}

/// By client: the place in the log that must be durable, and whom to wake then.
#[derive(Debug, Default)]
pub struct Withheld {
    waiting: Mutex<HashMap<u64, (LogPosition, Waker)>>,
}

impl Aof {
    /// Whether answers are kept back at all.
    #[inline]
    pub fn withholds(&self) -> bool {
        self.withholds.load(Ordering::Relaxed)
    }

    /// What is to be done with answers that tell of the log up to `seen`, of a client whose own last write ends at `own`. When
    /// they are to wait, the client is woken for another look.
    pub fn verdict(&self, client: u64, seen: LogPosition, own: LogPosition, waker: &Waker) -> Verdict {
        let verdict = self.verdict_now(seen, own);
        if verdict != Verdict::Wait {
            return verdict;
        }
        lock(&self.withheld.waiting).insert(client, (seen, waker.clone()));
        // It may have become durable before the waker was there.
        let verdict = self.verdict_now(seen, own);
        if verdict != Verdict::Wait {
            lock(&self.withheld.waiting).remove(&client);
        }
        verdict
    }

    fn verdict_now(&self, seen: LogPosition, own: LogPosition) -> Verdict {
        let durable = self.durable.load(Ordering::Acquire);
        if durable >= seen || !self.withholds.load(Ordering::Acquire) {
            return Verdict::Send;
        }
        match (self.failed.load(Ordering::Acquire), self.always.load(Ordering::Acquire)) {
            (false, _) => Verdict::Wait,
            (true, true) if own > durable => Verdict::Close,
            (true, _) => Verdict::Send,
        }
    }

    /// Wakes those whose answers may leave now.
    fn wake_satisfied(&self) {
        let durable = self.durable.load(Ordering::Acquire);
        let mut woken = Vec::new();
        lock(&self.withheld.waiting).retain(|_, (position, waker)| {
            let is_over = *position <= durable;
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

    /// All before `durable` is on disk.
    pub(super) fn publish_durable(&self, durable: LogPosition) {
        self.durable.store(durable, Ordering::Release);
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
