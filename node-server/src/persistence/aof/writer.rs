//! The thread of the append-only file: it syncs, writes what no worker has written, and goes on in the next file for a rewrite.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use super::appender::{Appender, Wrote};
use super::{Aof, failure, lock};
use crate::clock;
use crate::config::AppendFsync;
use crate::disk::DiskFile;
use crate::node::Node;
use crate::replication::FilePlace;

const SYNC_EVERY: Duration = Duration::from_secs(1);
/// A pause between two writes while nobody waits for them, so that a write is worth it.
const PACE: Duration = Duration::from_millis(1);
const RETRY: Duration = Duration::from_millis(100);
/// With nothing to do it looks up as often, for what nobody rings for.
const LOOK_UP: Duration = Duration::from_millis(100);

/// What others want of the writer.
#[derive(Debug, Default)]
pub struct Orders {
    /// From this place on everything goes into the next file. It stays until that is so: nobody writes past it.
    pub rotation: Option<Rotation>,
    /// Everything up to here is to be durable soon, whatever the policy.
    pub flush_to: FilePlace,
    /// Everything there is is written and synced, and then the thread ends.
    pub stop: bool,
}

/// A rewrite has its point here.
#[derive(Debug)]
pub struct Rotation {
    pub at: FilePlace,
    /// In which database the log is there, if it does not say so itself.
    pub database: Option<usize>,
    pub done: SyncSender<Result<(), String>>,
}

pub struct Writer {
    node: Arc<Node>,
    /// What is synced: the appender's file.
    file: Box<dyn DiskFile>,
    last_sync: Instant,
}

impl Writer {
    /// For a file that is to be appended to.
    pub fn new(node: Arc<Node>, appender: Appender) -> io::Result<Writer> {
        let file = appender.file_to_sync()?;
        *lock(&node.persistence.aof.appender) = Some(appender);
        Ok(Writer { node, file, last_sync: clock::monotonic() })
    }

    fn aof(&self) -> &Aof {
        &self.node.persistence.aof
    }

    /// Until it is told to stop.
    pub fn run(mut self) {
        if let Some(place) = self.with_appender(|appender| appender.durable_place) {
            self.publish_durable(place);
        }
        loop {
            // Looked at before the orders: a rewrite that has its point after this look has it at the end or behind it.
            let end = self.node.replication.file_end();
            let (rotation, flush_to, stop) = self.orders();
            let policy = self.policy();
            let until = rotation.unwrap_or(if stop { FilePlace::MAX } else { end });
            let wrote = match self.write_some(until) {
                Ok(wrote) => wrote,
                Err(error) => {
                    self.failed("write", &error);
                    if stop {
                        break;
                    }
                    std::thread::sleep(RETRY);
                    continue;
                }
            };
            if wrote == Wrote::LostItsPlace {
                super::switch::begin_again(&self.node);
                break;
            }
            let Some((place, durable, is_quick)) =
                self.with_appender(|appender| (appender.place, appender.durable_place, appender.is_quick))
            else {
                break;
            };
            if rotation == Some(place) {
                self.rotate();
                continue;
            }
            let is_through = wrote == Wrote::Nothing;
            let is_due = durable < place && (durable < flush_to || self.is_time_to_sync(policy));
            if (is_due || (stop && is_through) || self.aof().has_failed())
                && let Err(error) = self.sync()
            {
                self.failed("fsync", &error);
                if stop {
                    break;
                }
                std::thread::sleep(RETRY);
                continue;
            }
            failure::is_over(&self.node);
            if stop && is_through {
                break;
            }
            let workers_write = is_quick && policy != AppendFsync::Always;
            let did_already = self.aof().writes_at_once.swap(workers_write, Ordering::AcqRel);
            // What a worker left to this thread before that is not left behind.
            if is_through && (did_already || !workers_write || place >= self.node.replication.file_end()) {
                self.rest(policy, place);
            }
        }
        self.cancel_rotation("the append-only file was switched off");
        self.aof().writes_at_once.store(false, Ordering::Release);
        *lock(&self.aof().appender) = None;
    }

    fn with_appender<R>(&self, look: impl FnOnce(&mut Appender) -> R) -> Option<R> {
        lock(&self.aof().appender).as_mut().map(look)
    }

    /// Where to go to the next file, up to where all is to be synced, and whether to stop.
    fn orders(&self) -> (Option<FilePlace>, FilePlace, bool) {
        let orders = lock(&self.aof().orders);
        (orders.rotation.as_ref().map(|rotation| rotation.at), orders.flush_to, orders.stop)
    }

    fn policy(&self) -> AppendFsync {
        self.node.replication.tell_times_in_file(self.node.settings().aof_timestamp_enabled);
        super::tick::refresh_policy(&self.node)
    }

    fn write_some(&self, until: FilePlace) -> io::Result<Wrote> {
        let aof = self.aof();
        if aof.manifest_is_unsettled.load(Ordering::Acquire) {
            lock(&aof.files).settle(&*self.node.disk)?;
        }
        let sleep_us = aof.flush_sleep_us.load(Ordering::Relaxed);
        if sleep_us > 0 && aof.written.load(Ordering::Acquire) < until {
            std::thread::sleep(Duration::from_micros(sleep_us));
        }
        let wrote = self.with_appender(|appender| (appender.write_some(&self.node, until), appender.place));
        let Some((wrote, place)) = wrote else { return Ok(Wrote::Nothing) };
        if matches!(wrote, Ok(Wrote::Something)) {
            aof.publish_written(place);
        }
        wrote
    }

    fn is_time_to_sync(&self, policy: AppendFsync) -> bool {
        match policy {
            AppendFsync::Always => true,
            AppendFsync::Everysec => self.last_sync.elapsed() >= SYNC_EVERY,
            AppendFsync::No => false,
        }
    }

    /// All that was written before this is durable when it succeeds.
    fn sync(&mut self) -> io::Result<()> {
        let Some(standing) = self.with_appender(|appender| appender.standing()) else { return Ok(()) };
        let (started, started_ms) = (clock::monotonic(), clock::now_ms());
        let synced = self.file.sync_data();
        self.last_sync = clock::monotonic();
        if self.aof().always.load(Ordering::Relaxed) {
            self.node.latency.note("aof-fsync-always", self.last_sync - started);
        }
        if let Err(error) = synced {
            self.with_appender(Appender::not_synced);
            return Err(error);
        }
        self.with_appender(|appender| {
            let since_ms = if appender.synced(standing) { 0 } else { started_ms };
            self.aof().unsynced_since_ms.store(since_ms, Ordering::Release);
        });
        self.publish_durable(standing.0);
        Ok(())
    }

    fn publish_durable(&self, place: FilePlace) {
        let position = self.node.replication.release_for_file(place);
        self.aof().publish_durable(place, position);
        crate::replication::durable_grew(&self.node);
    }

    /// A rewrite has its point here: what comes goes into the next file. If there can be none, the rewrite is off.
    fn rotate(&mut self) {
        if let Err(error) = self.sync() {
            return self.failed("fsync", &error);
        }
        let added = lock(&self.aof().files).add_incremental(&*self.node.disk);
        if let Err(error) = &added {
            tracing::error!("the append-only file cannot go on in a new file: {error}");
        }
        let aof = &self.node.persistence.aof;
        let mut appender = lock(&aof.appender);
        let Some(rotation) = lock(&aof.orders).rotation.take() else { return };
        let rotated = added.map(|(file, to_sync)| {
            self.file = to_sync;
            if let Some(appender) = appender.as_mut() {
                appender.go_on_in(file, rotation.database);
            }
        });
        // Who asked may have given up.
        let _ = rotation.done.send(rotated.map_err(|error| error.to_string()));
    }

    fn cancel_rotation(&self, why: &str) {
        if let Some(rotation) = lock(&self.aof().orders).rotation.take() {
            let _ = rotation.done.send(Err(why.to_owned()));
        }
    }

    fn failed(&self, what: &str, error: &io::Error) {
        failure::note(&self.node, what, error);
        self.cancel_rotation("the append-only file cannot be written");
    }

    /// Until there is something to do.
    fn rest(&self, policy: AppendFsync, place: FilePlace) {
        let aof = self.aof();
        if policy != AppendFsync::Always && !aof.somebody_waits() {
            std::thread::sleep(PACE);
        }
        let durable = aof.durable.load(Ordering::Acquire);
        let at_most = match policy {
            AppendFsync::Everysec if durable < aof.written.load(Ordering::Acquire) => {
                SYNC_EVERY.saturating_sub(self.last_sync.elapsed()).min(LOOK_UP)
            }
            _ => LOOK_UP,
        };
        let node = &self.node;
        node.replication.bell.sleep(at_most, || {
            let orders = lock(&aof.orders);
            let is_ordered = orders.stop || orders.rotation.is_some() || orders.flush_to > durable;
            let is_left_to_it = !aof.writes_at_once.load(Ordering::Acquire);
            is_ordered || (is_left_to_it && node.replication.file_end() != place)
        });
    }
}
