//! The append-only file: what happens goes to disk as it happens.
//!
//! ```text
//!   effects ─▶ replication log ─▶ appender ─▶ …incr.aof    workers write before they answer; a thread syncs as `appendfsync` says
//!                                    │
//!                                    └─▶ how far is written, and durable ─▶ connections that keep their answers back until then
//!   snapshot ─▶ …base.rdb or .base.aof                     BGREWRITEAOF: from its point on the writer is in the next file
//!   start: base, then the incremental files in order ─▶ executor
//! ```
//!
//! - `always`: what a batch of requests answers leaves when the log's end, as the batch saw it, is durable; reads too, as they
//!   may tell of what another wrote. No worker waits for the disk, and one sync serves all who wait.
//! - `everysec`, `no`: the same, for what is written: the system has it, so it outlives the process. With `everysec` the writer's
//!   thread syncs once a second. When the disk lags by more than two, answers wait for it as with `always`.
//! - When writing or syncing fails, writes are refused (MISCONF) until the disk is well. Who waits for something
//!   it wrote itself is closed without an answer: whether that is kept nobody knows. (Redis ends the process there with `always`, and
//!   answers else.) What was
//!   not synced is written again, as a disk that failed to sync may have dropped it and say nothing the next time.
//!
//! Locks: the switch is taken behind the shards, the appender behind that, then the files and orders; the log's lock is inside all of
//! them.

mod appender;
mod failure;
mod files;
mod info;
mod load;
mod rewrite;
mod switch;
mod tick;
mod withheld;
mod writer;

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

pub use appender::write_at_once;
pub use files::FilesError;
pub use info::{info_lines, waiting_bytes};
pub use load::{Unloadable, load_at_start, reload};
pub use rewrite::{Asked, ask_for_rewrite};
pub use switch::{
    begin_at_start, last_flush, restart_after_copy, settings_changed, start, stop,
    wait_for_who_was_called_off,
};
pub use tick::tick;
pub use withheld::Verdict;

use crate::config::{AppendFsync, Settings};
use crate::replication::LogPosition;
use appender::Appender;
use failure::{Failure, reason};
use files::{Files, Sizes};
use rewrite::Rewriting;
use withheld::Withheld;
use writer::Orders;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Off,
    /// On, but what is written counts only when the first base is there.
    Starting,
    On,
}

/// What WAITAOF hears without one.
pub const NONE_TO_WAIT_FOR: &str =
    "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.";

#[derive(Debug)]
pub struct Aof {
    state: AtomicU8,
    /// Answers wait until what they tell of is in the file. Looked at for every batch of requests.
    withholds: AtomicBool,
    /// And until it is durable there.
    awaits_sync: AtomicBool,
    /// Workers write what they are about to tell of.
    writes_at_once: AtomicBool,
    /// `appendfsync always`.
    always: AtomicBool,
    /// All before this place is in the files, and will be there after a crash.
    durable: AtomicU64,
    /// Where in the log that is.
    durable_position: AtomicU64,
    /// The same, as far as the system has it.
    written: AtomicU64,
    failed: AtomicBool,
    failure: Mutex<Failure>,
    /// Since when there is something that is not synced; 0 when there is nothing.
    unsynced_since_ms: AtomicI64,
    delayed_fsyncs: AtomicU64,
    /// DEBUG AOF-FLUSH-SLEEP: how long the writer waits before it writes.
    pub flush_sleep_us: AtomicU64,
    withheld: Withheld,
    /// What is written to, while the writer's thread runs.
    appender: Mutex<Option<Appender>>,
    orders: Mutex<Orders>,
    /// Something was published: `durable`, `failed`.
    published: Condvar,
    publishing: Mutex<()>,
    files: Mutex<Files>,
    sizes: Arc<Sizes>,
    /// See [`Files`].
    manifest_is_unsettled: Arc<AtomicBool>,
    writer: Mutex<Option<JoinHandle<()>>>,
    /// Held while the state changes.
    switch: Mutex<()>,
    rewriting: Rewriting,
}

impl Aof {
    pub fn new(settings: &Settings) -> Aof {
        let files = Files::new(settings);
        Aof {
            state: AtomicU8::new(State::Off as u8),
            withholds: AtomicBool::new(false),
            awaits_sync: AtomicBool::new(false),
            writes_at_once: AtomicBool::new(false),
            always: AtomicBool::new(false),
            durable: AtomicU64::new(0),
            durable_position: AtomicU64::new(0),
            written: AtomicU64::new(0),
            failed: AtomicBool::new(false),
            failure: Mutex::default(),
            unsynced_since_ms: AtomicI64::new(0),
            delayed_fsyncs: AtomicU64::new(0),
            flush_sleep_us: AtomicU64::new(0),
            withheld: Withheld::default(),
            appender: Mutex::default(),
            orders: Mutex::default(),
            published: Condvar::new(),
            publishing: Mutex::default(),
            sizes: files.sizes.clone(),
            manifest_is_unsettled: files.unsettled.clone(),
            files: Mutex::new(files),
            writer: Mutex::default(),
            switch: Mutex::default(),
            rewriting: Rewriting::default(),
        }
    }

    pub fn state(&self) -> State {
        match self.state.load(Ordering::Acquire) {
            0 => State::Off,
            1 => State::Starting,
            _ => State::On,
        }
    }

    fn set_state(&self, state: State) {
        self.state.store(state as u8, Ordering::Release);
    }

    pub fn is_off(&self) -> bool {
        self.state() == State::Off
    }

    /// After a change of the configuration. The writer takes the rest from the settings itself.
    pub fn adopt(&self, settings: &Settings) {
        self.always.store(settings.appendfsync == AppendFsync::Always, Ordering::Release);
    }

    /// All before this place of the log is on disk, as a replica tells its master and WAITAOF waits for. `None` when nothing
    /// can be said.
    pub fn durable(&self) -> Option<LogPosition> {
        (self.state() == State::On).then(|| self.durable_position.load(Ordering::Acquire))
    }

    /// A rewrite is at work.
    pub fn is_rewriting(&self) -> bool {
        self.rewriting.is_running()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
