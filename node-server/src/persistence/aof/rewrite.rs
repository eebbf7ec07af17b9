//! BGREWRITEAOF: a new base, and a new incremental file from its point on.
//!
//! 1. The snapshot's point, under all locks: the writer is told to go on in another file from here. It syncs the one that it has,
//!    creates the next, and names it in the manifest before a byte goes into it.
//! 2. The base is written under a temporary name, and synced.
//! 3. It gets its name; the manifest is replaced: the new base, what came since its point, and the rest as history.
//! 4. What is history is deleted.
//!
//! A kill before 3 is through leaves the old base and all incremental files; after that, the new ones. When the file is being
//! switched on the incremental file has a temporary name too until then.
//!
//! One that fails is tried again when it is asked for or due; after three in a row later and later, as with Redis.

use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use bytes::Bytes;

use super::files::{Files, create_appended, is_absent, shown};
use super::writer::Rotation;
use super::{Aof, State, lock, switch};
use crate::clock;
use crate::disk::{Disk, DiskFile, Open};
use crate::node::Node;
use crate::persistence::snapshot::{self, Claim, Format, Pace, Sink, SinkState};
use crate::replication::LogPoint;

/// After so many failures in a row the next attempt waits.
const FAILURES_WITHOUT_DELAY: u64 = 3;
const FIRST_DELAY_MS: i64 = 60_000;
const LONGEST_DELAY_MS: i64 = 60 * FIRST_DELAY_MS;
/// `aof-rewrite-incremental-fsync`: so much is written between two syncs.
const SYNC_BYTES: u64 = 4 * 1024 * 1024;

#[derive(Debug)]
pub struct Rewriting {
    running: AtomicBool,
    scheduled: AtomicBool,
    /// How often a running one was called off; it ends when that has changed.
    cancels: AtomicU64,
    began_ms: AtomicI64,
    /// -1 before the first.
    pub last_duration_s: AtomicI64,
    pub last_failed: AtomicBool,
    pub count: AtomicU64,
    /// In a row.
    pub failures: AtomicU64,
    not_before_ms: AtomicI64,
    delay_ms: AtomicI64,
}

impl Default for Rewriting {
    fn default() -> Rewriting {
        Rewriting {
            running: AtomicBool::new(false),
            scheduled: AtomicBool::new(false),
            cancels: AtomicU64::new(0),
            began_ms: AtomicI64::new(0),
            last_duration_s: AtomicI64::new(-1),
            last_failed: AtomicBool::new(false),
            count: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            not_before_ms: AtomicI64::new(0),
            delay_ms: AtomicI64::new(FIRST_DELAY_MS),
        }
    }
}

impl Rewriting {
    pub fn is_running(&self) -> bool {
        self.running.load(Ordering::Acquire)
    }

    pub fn is_scheduled(&self) -> bool {
        self.scheduled.load(Ordering::Acquire)
    }

    pub fn schedule(&self) {
        self.scheduled.store(true, Ordering::Release);
    }

    /// A running one ends without a result, and none is scheduled.
    pub fn cancel(&self) {
        self.cancels.fetch_add(1, Ordering::AcqRel);
        self.scheduled.store(false, Ordering::Release);
    }

    /// -1 while none is running.
    pub fn current_s(&self, now_ms: i64) -> i64 {
        if self.is_running() { (now_ms - self.began_ms.load(Ordering::Acquire)) / 1000 } else { -1 }
    }

    /// False while the next attempt waits, because the last ones failed.
    pub fn may_try(&self, now_ms: i64) -> bool {
        self.failures.load(Ordering::Acquire) < FAILURES_WITHOUT_DELAY
            || now_ms >= self.not_before_ms.load(Ordering::Acquire)
    }

    fn succeeded(&self) {
        self.failures.store(0, Ordering::Release);
        self.delay_ms.store(FIRST_DELAY_MS, Ordering::Release);
        self.last_failed.store(false, Ordering::Release);
    }

    fn failed(&self, now_ms: i64) {
        self.last_failed.store(true, Ordering::Release);
        let failures = self.failures.fetch_add(1, Ordering::AcqRel) + 1;
        if failures < FAILURES_WITHOUT_DELAY {
            return;
        }
        let delay_ms = self.delay_ms.load(Ordering::Acquire);
        self.not_before_ms.store(now_ms + delay_ms, Ordering::Release);
        self.delay_ms.store((2 * delay_ms).min(LONGEST_DELAY_MS), Ordering::Release);
        tracing::warn!(
            "Background AOF rewrite has repeatedly failed and triggered the limit, will retry in {} minutes",
            delay_ms / 60_000
        );
    }
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Started,
    Scheduled,
    InProgress,
}

/// For BGREWRITEAOF. While the caller holds shards it can only be scheduled.
pub fn ask_for_rewrite(node: &Arc<Node>, holds_shards: bool) -> Asked {
    let rewriting = &node.persistence.aof.rewriting;
    if rewriting.is_running() {
        return Asked::InProgress;
    }
    // Who asks does not wait for what failed before.
    rewriting.failures.store(0, Ordering::Release);
    if !holds_shards && begin(node) {
        return Asked::Started;
    }
    rewriting.schedule();
    Asked::Scheduled
}

/// Begins on a thread of its own. False when it cannot just now: then it is scheduled.
pub fn begin(node: &Arc<Node>) -> bool {
    let rewriting = &node.persistence.aof.rewriting;
    let claim = snapshot::claim(node).filter(|_| !rewriting.running.swap(true, Ordering::AcqRel));
    let Some(claim) = claim else {
        rewriting.schedule();
        return false;
    };
    rewriting.scheduled.store(false, Ordering::Release);
    rewriting.began_ms.store(clock::now_ms(), Ordering::Release);
    rewriting.count.fetch_add(1, Ordering::AcqRel);
    tracing::info!("Background append only file rewriting started");
    let thread_node = node.clone();
    let body = move || run(&thread_node, claim);
    if let Err(error) = std::thread::Builder::new().name("aof-rewrite".to_owned()).spawn(body) {
        tracing::error!("Can't rewrite append only file in background: {error}");
        rewriting.running.store(false, Ordering::Release);
        rewriting.failed(clock::now_ms());
        rewriting.schedule();
        return false;
    }
    true
}

#[derive(Debug)]
enum RewriteError {
    /// It is not wanted any more.
    Cancelled,
    Failed(String),
}

impl From<io::Error> for RewriteError {
    fn from(error: io::Error) -> RewriteError {
        RewriteError::Failed(error.to_string())
    }
}

fn run(node: &Arc<Node>, claim: Claim) {
    let aof = &node.persistence.aof;
    let rewriting = &aof.rewriting;
    let cancels = rewriting.cancels.load(Ordering::Acquire);
    let attempt = Attempt { node, aof, cancels };
    let result = attempt.make(claim);
    if result.is_err() {
        attempt.clean_up();
    }
    let now_ms = clock::now_ms();
    let duration_ms = now_ms - rewriting.began_ms.load(Ordering::Acquire);
    rewriting.last_duration_s.store(duration_ms / 1000, Ordering::Release);
    match &result {
        Ok(()) => {
            rewriting.succeeded();
            tracing::info!(ms = duration_ms, "Background AOF rewrite finished successfully");
        }
        Err(RewriteError::Cancelled) => tracing::info!("Background AOF rewrite was called off"),
        Err(RewriteError::Failed(error)) => {
            rewriting.failed(now_ms);
            tracing::error!("Background AOF rewrite terminated with error: {error}");
        }
    }
    if result.is_ok() {
        // It has ended when the manifest names no history any more.
        delete_history(node);
        attempt.switch_on();
    }
    rewriting.running.store(false, Ordering::Release);
    // Who waited for the file sees no rewrite any more.
    crate::replication::durable_grew(node);
}

/// One rewrite at work.
struct Attempt<'a> {
    node: &'a Arc<Node>,
    aof: &'a Arc<Aof>,
    /// How many were called off before it began.
    cancels: u64,
}

impl Attempt<'_> {
    fn is_cancelled(&self) -> bool {
        self.aof.rewriting.cancels.load(Ordering::Acquire) != self.cancels
    }

    fn make(&self, claim: Claim) -> Result<(), RewriteError> {
        let disk = self.node.disk.clone();
        let settings = self.node.settings().clone();
        let (base, incremental) = {
            let files = lock(&self.aof.files);
            files.ensure_folder(&*disk)?;
            (files.temporary_base(), files.temporary_incremental())
        };
        let mut sink = BaseSink::create(&*disk, &base, settings.aof_rewrite_incremental_fsync)?;
        sink.cancels = Some((self.aof.clone(), self.cancels));
        // Created before the point: nobody holds locks for it.
        let next = (self.aof.state() == State::Starting)
            .then(|| create_appended(&*disk, &incremental))
            .transpose()?;
        let format = format_of(settings.aof_use_rdb_preamble);
        let mut rotated = None;
        let summary = snapshot::run_as(self.node, claim, Pace::GivingWay, format, |point| {
            match self.at_point(point, next) {
                Ok(wait) => rotated = wait,
                Err(error) => {
                    tracing::error!("the append-only file cannot be begun: {error}");
                    return Vec::new();
                }
            }
            vec![Box::new(sink) as Box<dyn Sink>]
        });
        let summary = summary.map_err(|error| match self.is_cancelled() {
            true => RewriteError::Cancelled,
            false => RewriteError::Failed(error.to_string()),
        })?;
        if let Some(rotated) = rotated {
            self.wait_for(&rotated)?;
        }
        tracing::info!(
            keys = summary.keys,
            bytes = summary.bytes,
            "Successfully created the temporary AOF base file"
        );
        let _switch = lock(&self.aof.switch);
        if self.is_cancelled() {
            return Err(RewriteError::Cancelled);
        }
        let state = self.aof.state();
        install(self.node, &mut lock(&self.aof.files), format, state, summary.bytes)?;
        Ok(())
    }

    /// From here on what is in the file counts.
    fn switch_on(&self) {
        let _switch = lock(&self.aof.switch);
        if self.aof.state() == State::Starting && !self.is_cancelled() {
            self.aof.set_state(State::On);
        }
    }

    /// Under all locks. What is to be waited for before the base counts.
    fn at_point(
        &self,
        point: &LogPoint,
        next: Option<Box<dyn DiskFile>>,
    ) -> io::Result<Option<Receiver<Result<(), String>>>> {
        let _switch = lock(&self.aof.switch);
        if self.is_cancelled() {
            return Err(io::Error::other("it was called off"));
        }
        match (self.aof.state(), next) {
            (State::Off, _) => Ok(None),
            (State::Starting, Some(file)) => {
                let (position, database) =
                    self.node.replication.attach_file(self.node.settings().aof_timestamp_enabled);
                switch::launch(self.node, file, position, database)?;
                Ok(None)
            }
            (State::Starting, None) => Err(io::Error::other("it was switched on meanwhile")),
            (State::On, _) => {
                let (done, rotated) = mpsc::sync_channel(1);
                let at = self.node.replication.file_end();
                let rotation = Rotation { at, database: point.database, done };
                lock(&self.aof.orders).rotation = Some(rotation);
                self.node.replication.bell.ring();
                Ok(Some(rotated))
            }
        }
    }

    fn wait_for(&self, rotated: &Receiver<Result<(), String>>) -> Result<(), RewriteError> {
        loop {
            match rotated.recv_timeout(Duration::from_millis(100)) {
                Ok(result) => return result.map_err(RewriteError::Failed),
                Err(_) if self.is_cancelled() => return Err(RewriteError::Cancelled),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(RewriteError::Failed("the append-only file's writer has ended".to_owned()));
                }
            }
        }
    }

    /// Nothing stays of a rewrite that came to nothing; one that was to switch the file on is tried again.
    fn clean_up(&self) {
        let (base, incremental) = {
            let files = lock(&self.aof.files);
            (files.temporary_base(), files.temporary_incremental())
        };
        // It only takes space.
        let _ = self.node.disk.remove(&base);
        let _switch = lock(&self.aof.switch);
        if self.aof.state() == State::Starting && !self.is_cancelled() {
            switch::end_writer(self.node);
            self.aof.rewriting.schedule();
            let _ = self.node.disk.remove(&incremental);
        }
    }
}

fn format_of(is_rdb: bool) -> Format {
    if is_rdb { Format::AofBase } else { Format::Commands }
}

/// The base that was written gets its name, and what it takes the place of becomes history.
fn install(node: &Node, files: &mut Files, format: Format, state: State, base_bytes: u64) -> io::Result<()> {
    let disk = &*node.disk;
    files.settle(disk)?;
    let prefix = files.prefix().to_vec();
    let mut manifest = files.manifest.clone();
    let name = manifest.add_base(&prefix, format == Format::AofBase);
    let next = (state == State::Starting).then(|| manifest.add_incremental(&prefix));
    manifest.retire_incremental(usize::from(state != State::Off));
    files.change(disk, manifest, |files| {
        let started = clock::monotonic();
        disk.rename(&files.temporary_base(), &files.path(&name))?;
        tracing::info!("Successfully renamed the temporary AOF base file into {}", shown(&name));
        if let Some(next) = next {
            disk.rename(&files.temporary_incremental(), &files.path(&next))?;
            tracing::info!("Successfully renamed the temporary AOF incr file into {}", shown(&next));
        }
        node.latency.note("aof-rename", clock::monotonic() - started);
        Ok(())
    })?;
    files.sizes.closed.store(base_bytes, Ordering::Release);
    files.sizes.base.store(files.sizes.current(), Ordering::Release);
    Ok(())
}

/// At start, where there are no files: the data that there are (none, most often) are the base.
pub fn create_first_base(node: &Arc<Node>) -> io::Result<()> {
    let aof = &node.persistence.aof;
    let settings = node.settings().clone();
    let format = format_of(settings.aof_use_rdb_preamble);
    let claim = snapshot::claim(node).ok_or_else(|| io::Error::other("a snapshot is running"))?;
    let path = lock(&aof.files).temporary_base();
    let sink = BaseSink::create(&*node.disk, &path, settings.aof_rewrite_incremental_fsync)?;
    let summary =
        snapshot::run_as(node, claim, Pace::Prompt, format, |_| vec![Box::new(sink) as Box<dyn Sink>]);
    let summary = summary.map_err(|error| io::Error::other(error.to_string()))?;
    let mut files = lock(&aof.files);
    install(node, &mut files, format, State::Off, summary.bytes)?;
    let name = files.manifest.base.as_ref().map(|base| shown(&base.name)).unwrap_or_default();
    tracing::info!("Creating AOF base file {name} on server start");
    Ok(())
}

/// The base while it is written.
struct BaseSink {
    file: Box<dyn DiskFile>,
    /// Synced now and then, so that the disk is not flooded at the end.
    syncs: bool,
    unsynced: u64,
    cancels: Option<(Arc<Aof>, u64)>,
}

impl BaseSink {
    fn create(disk: &dyn Disk, path: &Path, syncs: bool) -> io::Result<BaseSink> {
        Ok(BaseSink { file: disk.open(path, Open::Create)?, syncs, unsynced: 0, cancels: None })
    }
}

impl Sink for BaseSink {
    fn write(&mut self, bytes: &Bytes) -> io::Result<SinkState> {
        if self.is_called_off() {
            return Err(io::Error::other("it was called off"));
        }
        self.file.write_all(bytes)?;
        self.unsynced += bytes.len() as u64;
        if self.syncs && self.unsynced >= SYNC_BYTES {
            self.file.sync_data()?;
            self.unsynced = 0;
        }
        Ok(SinkState::Taken)
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        self.file.sync_all()
    }

    fn is_called_off(&self) -> bool {
        let is_other =
            |(aof, cancels): &(Arc<Aof>, u64)| aof.rewriting.cancels.load(Ordering::Acquire) != *cancels;
        self.cancels.as_ref().is_some_and(is_other)
    }
}

/// What is history goes, on a thread of its own.
pub fn delete_history_in_background(node: &Arc<Node>) {
    let thread_node = node.clone();
    let body = move || delete_history(&thread_node);
    if let Err(error) = std::thread::Builder::new().name("aof-history".to_owned()).spawn(body) {
        tracing::warn!(%error, "no thread could be started: old append-only files stay until the next rewrite");
    }
}

/// What cannot be deleted now is deleted after the next rewrite.
fn delete_history(node: &Node) {
    let aof = &node.persistence.aof;
    let history = lock(&aof.files).history();
    if node.settings().aof_disable_auto_gc || history.is_empty() {
        return;
    }
    let mut deleted = Vec::new();
    for (entry, path) in history {
        tracing::info!("Removing the history file {} in the background", shown(&entry.name));
        match node.disk.remove(&path) {
            Err(error) if !is_absent(&error) => {
                tracing::warn!("the history file {} stays for now: {error}", shown(&entry.name));
            }
            _ => deleted.push(entry),
        }
    }
    if let Err(error) = lock(&aof.files).forget_history(&*node.disk, &deleted) {
        tracing::warn!("the AOF manifest still names files that were deleted: {error}");
    }
}
