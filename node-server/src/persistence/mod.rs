//! What the node keeps on disk: the RDB file, written by SAVE, BGSAVE, save points and shutdown, or the append-only file; one of
//! them is read at start.
//!
//! ```text
//!   snapshot   one point in time, walked without fork, for any number of sinks
//!   progress   how far it is, and what it costs
//!   save       the sink that is the file, and when it is written
//!   load       the file, read at start (and the same items, when a master sends them)
//!   aof        what happens, as it happens
//! ```

pub mod aof;
mod info;
pub mod load;
mod progress;
pub mod save;
pub mod snapshot;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rcl_store::rdb::Checksum;
use tokio::sync::Notify;

pub use info::info_section;
pub use load::SHORT as SHORT_LOAD;

use crate::client::WakeHandle;
use crate::config::Settings;
use crate::disk::Disk;
use crate::node::Node;
use crate::stats::Counter;

#[derive(Debug)]
pub struct Persistence {
    /// Unix time of the last save that succeeded, or of the start, in seconds.
    pub last_save_s: Counter,
    /// What [`Stats::dirty`](crate::stats::Stats) was at the point of the last save that succeeded.
    saved_dirty: AtomicU64,
    /// A snapshot is running, for whatever sinks: there is one at a time.
    snapshot_claimed: AtomicBool,
    snapshot_ended: Notify,
    /// How often the data were flushed, of which a snapshot in the background is worth nothing any more.
    flushes: AtomicU64,
    /// When the snapshot for a save or for replicas that runs began, Unix milliseconds; 0 when none does.
    pub(crate) save_began_ms: AtomicI64,
    /// BGSAVE SCHEDULE, while another snapshot ran.
    scheduled: AtomicBool,
    last_save_failed: AtomicBool,
    last_try_ms: AtomicI64,
    /// -1 before the first.
    pub(crate) last_duration_s: AtomicI64,
    saves: AtomicU64,
    /// What a running save writes to, until it is whole.
    temporary_file: Mutex<Option<PathBuf>>,
    pub(crate) progress: progress::Progress,
    pub loading: load::Progress,
    /// DEBUG SET-SKIP-CHECKSUM-VALIDATION.
    pub skips_checksums: AtomicBool,
    pub aof: Arc<aof::Aof>,
    /// Who said SHUTDOWN and gets an answer only if the node goes on.
    pub shutdown_waiters: Mutex<Vec<WakeHandle>>,
    pub shutdown_aborted: AtomicBool,
    pub shutdown_in_progress: AtomicBool,
    /// Until when replicas may catch up before the node goes down; 0 while that is not waited for.
    pub shutdown_until_ms: AtomicI64,
}

impl Persistence {
    pub fn new(now_ms: i64, settings: &Settings) -> Persistence {
        let last_save_s = Counter::default();
        last_save_s.set((now_ms / 1000) as u64);
        Persistence {
            last_save_s,
            saved_dirty: AtomicU64::new(0),
            snapshot_claimed: AtomicBool::new(false),
            snapshot_ended: Notify::new(),
            flushes: AtomicU64::new(0),
            save_began_ms: AtomicI64::new(0),
            scheduled: AtomicBool::new(false),
            last_save_failed: AtomicBool::new(false),
            last_try_ms: AtomicI64::new(0),
            last_duration_s: AtomicI64::new(-1),
            saves: AtomicU64::new(0),
            temporary_file: Mutex::default(),
            progress: progress::Progress::default(),
            loading: load::Progress::default(),
            skips_checksums: AtomicBool::new(false),
            aof: Arc::new(aof::Aof::new(settings)),
            shutdown_waiters: Mutex::default(),
            shutdown_aborted: AtomicBool::new(false),
            shutdown_in_progress: AtomicBool::new(false),
            shutdown_until_ms: AtomicI64::new(0),
        }
    }

    fn set_temporary_file(&self, path: Option<PathBuf>) -> Option<PathBuf> {
        std::mem::replace(&mut self.temporary_file.lock().unwrap_or_else(PoisonError::into_inner), path)
    }

    /// The process ends: a save that has not come to its end leaves nothing behind.
    pub fn remove_temporary_file(&self, disk: &dyn Disk) {
        if let Some(path) = self.set_temporary_file(None) {
            // It may have got its name just now.
            let _ = disk.remove(&path);
        }
    }

    pub fn snapshot_is_running(&self) -> bool {
        self.snapshot_claimed.load(Ordering::Acquire)
    }

    /// All data were flushed: a save in the background that runs, or a copy for replicas, ends at its next look without a result.
    /// The caller holds all shards.
    pub fn call_off_snapshots(&self) {
        self.flushes.fetch_add(1, Ordering::AcqRel);
    }

    /// Ends with the snapshot that is running, if one is.
    pub async fn snapshot_end(&self) {
        let ended = self.snapshot_ended.notified();
        tokio::pin!(ended);
        ended.as_mut().enable();
        if self.snapshot_is_running() {
            ended.await;
        }
    }

    /// Whether what is loaded or restored is compared with its checksum.
    pub fn checksum(&self) -> Checksum {
        if self.skips_checksums.load(Ordering::Relaxed) { Checksum::Ignored } else { Checksum::Compared }
    }

    /// Changes since the last save that succeeded.
    pub fn changes(&self, dirty: u64) -> u64 {
        dirty.saturating_sub(self.saved_dirty.load(Ordering::Acquire))
    }

    /// A client has asked for it, and has no answer yet.
    pub fn is_shutdown_awaited(&self) -> bool {
        !self.shutdown_waiters.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// The shutdown did not happen: who asked for it is told why.
    pub fn answer_shutdown(&self, error: &str) {
        let waiters =
            std::mem::take(&mut *self.shutdown_waiters.lock().unwrap_or_else(PoisonError::into_inner));
        for waiter in waiters {
            waiter.reply(format!("-{error}\r\n").into_bytes());
        }
    }
}

/// The data that the node had when it ended: with `appendonly` those of the append-only file, else those of the last save. From
/// here on the append-only file is written, if there is to be one.
///
/// Where `appendonly` was switched on and there is no such file yet, the last save is loaded. (Redis starts without data
/// then, and its next save loses them.)
pub fn load_data(node: &Arc<Node>) -> anyhow::Result<()> {
    if !aof::load_at_start(node)? && load::load_file(node)?.is_some() && node.settings().appendonly {
        tracing::warn!("there is no append-only file yet: it begins with the data of the RDB file");
    }
    if node.settings().appendonly {
        aof::begin_at_start(node)?;
    }
    Ok(())
}

/// `key-load-delay` and `rdb-key-save-delay`, for tests of what happens meanwhile: waits so many microseconds at a key, or,
/// where that is negative, one microsecond at each so many keys.
fn slow_down(delay_us: i64, key_count: u64) {
    match delay_us {
        0 => {}
        1.. => thread::sleep(Duration::from_micros(delay_us.unsigned_abs())),
        _ if key_count.is_multiple_of(delay_us.unsigned_abs()) => thread::sleep(Duration::from_micros(1)),
        _ => {}
    }
}
