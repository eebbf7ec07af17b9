//! Pauses: CLIENT PAUSE, and the stop of writes in a manual failover.
//!
//! The level lies in each shard, under its lock, so that once it is set in all of them no write is running or
//! will start: that is the barrier at which a manual failover takes its offset. Clients that come during a
//! pause are parked here and run their request again when it ends.
//!
//! Several reasons may pause at once (an operator, a failover, the way down); what holds is the strongest of them, each until
//! its own end.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::client::WakeHandle;
use crate::command::Data;
use crate::shard::Shards;

/// What is held back. Ordered: a higher level holds back more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum PauseLevel {
    #[default]
    None,
    /// What may write or replicate.
    Writes,
    /// Everything.
    All,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PauseReason {
    Operator,
    Failover,
    Shutdown,
}

#[derive(Debug, Default)]
pub struct PauseControl {
    level: AtomicU8,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// For each reason its level and its end, Unix time in milliseconds.
    operator: (PauseLevel, i64),
    failover: (PauseLevel, i64),
    shutdown: (PauseLevel, i64),
    waiting: Vec<WakeHandle>,
}

impl PauseControl {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn level(&self) -> PauseLevel {
        match self.level.load(Ordering::Acquire) {
            0 => PauseLevel::None,
            1 => PauseLevel::Writes,
            _ => PauseLevel::All,
        }
    }

    /// Pauses until `until_ms`. When it returns, no request of that level is running.
    pub fn pause(&self, shards: &Shards, reason: PauseReason, level: PauseLevel, until_ms: i64) {
        self.begin(reason, level, until_ms);
        self.tell_shards(shards);
    }

    pub fn resume(&self, shards: &Shards, reason: PauseReason) {
        self.end(reason);
        self.tell_shards(shards);
        self.wake();
    }

    /// CLIENT PAUSE, which may hold shards already (in EXEC): `data` reaches all of them.
    pub fn pause_by_client(&self, data: &mut Data<'_>, level: PauseLevel, until_ms: i64) {
        self.begin(PauseReason::Operator, level, until_ms);
        data.each_shard(|shard| shard.pause = self.level());
    }

    /// CLIENT UNPAUSE.
    pub fn resume_by_client(&self, data: &mut Data<'_>) {
        self.end(PauseReason::Operator);
        data.each_shard(|shard| shard.pause = self.level());
        self.wake();
    }

    fn begin(&self, reason: PauseReason, level: PauseLevel, until_ms: i64) {
        let mut inner = self.lock();
        let place = inner.of(reason);
        *place = match reason {
            // A second CLIENT PAUSE makes the first longer or stronger, never shorter or weaker.
            PauseReason::Operator => (place.0.max(level), place.1.max(until_ms)),
            PauseReason::Failover | PauseReason::Shutdown => (level, until_ms),
        };
        self.level.store(inner.level() as u8, Ordering::Release);
    }

    fn end(&self, reason: PauseReason) {
        let mut inner = self.lock();
        *inner.of(reason) = (PauseLevel::None, 0);
        self.level.store(inner.level() as u8, Ordering::Release);
    }

    /// Ends what is over by now.
    pub fn tick(&self, shards: &Shards, now_ms: i64) {
        if self.level() == PauseLevel::None {
            return;
        }
        let mut ended = false;
        {
            let mut inner = self.lock();
            for reason in [PauseReason::Operator, PauseReason::Failover, PauseReason::Shutdown] {
                let place = inner.of(reason);
                if place.0 != PauseLevel::None && now_ms >= place.1 {
                    *place = (PauseLevel::None, 0);
                    ended = true;
                }
            }
            self.level.store(inner.level() as u8, Ordering::Release);
        }
        if ended {
            self.tell_shards(shards);
            self.wake();
        }
    }

    /// A manual failover holds writes back.
    pub fn is_failing_over(&self) -> bool {
        self.level() != PauseLevel::None && self.lock().failover.0 != PauseLevel::None
    }

    /// CLIENT PAUSE holds: a replica takes its master's stream in, and applies it later.
    pub fn is_by_operator(&self) -> bool {
        self.level() != PauseLevel::None && self.lock().operator.0 != PauseLevel::None
    }

    /// The log shall end where it ends: a manual failover, or the way down.
    pub fn holds_stream_still(&self) -> bool {
        let inner = self.lock();
        inner.failover.0 != PauseLevel::None || inner.shutdown.0 != PauseLevel::None
    }

    /// While writes are held back nothing expires or is evicted either: the data must stand still.
    pub fn lets_expire(&self) -> bool {
        self.level() == PauseLevel::None
    }

    /// Registers a wait for the end of the pause; false when it is over already.
    pub fn wait_for_end(&self, wait: &WakeHandle, needed: PauseLevel) -> bool {
        let mut inner = self.lock();
        if inner.level() < needed {
            return false;
        }
        inner.waiting.push(wait.clone());
        true
    }

    pub fn waiting_count(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Who still has to wait will park again.
    fn wake(&self) {
        let waiting = std::mem::take(&mut self.lock().waiting);
        waiting.iter().for_each(WakeHandle::retry);
    }

    fn tell_shards(&self, shards: &Shards) {
        for index in 0..shards.count() {
            let mut shard = shards.lock(index);
            // Read under the shard's lock: the last of two tellers writes the newest level.
            shard.pause = self.level();
        }
    }
}

impl Inner {
    fn of(&mut self, reason: PauseReason) -> &mut (PauseLevel, i64) {
        match reason {
            PauseReason::Operator => &mut self.operator,
            PauseReason::Failover => &mut self.failover,
            PauseReason::Shutdown => &mut self.shutdown,
        }
    }

    fn level(&self) -> PauseLevel {
        self.operator.0.max(self.failover.0).max(self.shutdown.0)
    }
}
