//! On and off: at start, by CONFIG SET, and around a full sync.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::appender::Appender;
use super::files::{create_appended, shown};
use super::writer::Writer;
use super::{Aof, State, lock, rewrite};
use crate::clock;
use crate::config::AppendFsync;
use crate::disk::{DiskFile, Open};
use crate::executor::{Held, node_state};
use crate::node::Node;
use crate::replication::FilePlace;

/// A rewrite that is called off ends at its next look, most often within a few milliseconds.
const CALLED_OFF_WITHIN: Duration = Duration::from_secs(1);

/// After the data were loaded: from here on everything is written. Without files the data that there are become the first base.
pub fn begin_at_start(node: &Arc<Node>) -> io::Result<()> {
    let aof = &node.persistence.aof;
    let disk = &*node.disk;
    let with_path = |error: io::Error, what: &str| io::Error::new(error.kind(), format!("{what}: {error}"));
    lock(&aof.files)
        .ensure_folder(disk)
        .map_err(|error| with_path(error, "Can't open or create append-only dir"))?;
    lock(&aof.files).delete_temporary(disk);
    if lock(&aof.files).manifest.is_empty() {
        rewrite::create_first_base(node)?;
    }
    let file = open_last_incremental(aof, node)
        .map_err(|error| with_path(error, "Can't open the append-only file"))?;
    let held = Held::all(&node.shards);
    let switch = lock(&aof.switch);
    let (position, database) = node.replication.attach_file(node.settings().aof_timestamp_enabled);
    aof.set_state(State::On);
    launch(node, file, position, database)?;
    drop(switch);
    drop(held);
    rewrite::delete_history_in_background(node);
    Ok(())
}

fn open_last_incremental(aof: &Aof, node: &Node) -> io::Result<Box<dyn DiskFile>> {
    let mut files = lock(&aof.files);
    let mut manifest = files.manifest.clone();
    let name = match manifest.incremental.last() {
        Some(last) => last.name.clone(),
        None => {
            let prefix = files.prefix().to_vec();
            manifest.add_incremental(&prefix)
        }
    };
    let is_new = manifest != files.manifest;
    let path = files.path(&name);
    let opened =
        if is_new { create_appended(&*node.disk, &path) } else { node.disk.open(&path, Open::Append) };
    let file =
        opened.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
    if is_new {
        node.disk.sync_folder(files.folder())?;
    }
    files.persist(&*node.disk, manifest)?;
    let doing = if is_new { "Creating" } else { "Opening" };
    tracing::info!("{doing} AOF incr file {} on server start", shown(&name));
    let length = file.len()?;
    files.sizes.open.store(length, Ordering::Release);
    files.sizes.closed.fetch_sub(length, Ordering::AcqRel);
    Ok(file)
}

/// Starts the writer's thread. The caller holds the switch.
pub(super) fn launch(
    node: &Arc<Node>,
    file: Box<dyn DiskFile>,
    place: FilePlace,
    database: Option<usize>,
) -> io::Result<()> {
    let aof = &node.persistence.aof;
    aof.durable.store(place, Ordering::Release);
    aof.durable_position.store(node.replication.offset(), Ordering::Release);
    aof.written.store(place, Ordering::Release);
    aof.failed.store(false, Ordering::Release);
    *lock(&aof.orders) = Default::default();
    super::tick::refresh_policy(node);
    let writer = Writer::new(node.clone(), Appender::new(file, place, database)?)?;
    let thread = std::thread::Builder::new().name("aof".to_owned()).spawn(move || writer.run())?;
    *lock(&aof.writer) = Some(thread);
    aof.set_withholds(true);
    Ok(())
}

/// On, from the next rewrite's point on; it begins as soon as it can. Does not wait for it.
pub fn start(node: &Arc<Node>) -> io::Result<()> {
    let aof = &node.persistence.aof;
    {
        let _switch = lock(&aof.switch);
        if !aof.is_off() {
            return Ok(());
        }
        lock(&aof.files).ensure_folder(&*node.disk)?;
        if aof.is_rewriting() {
            tracing::info!(
                "AOF was enabled but there is already an AOF rewriting in background. Stopping background AOF and starting a rewrite now."
            );
            aof.rewriting.cancel();
        }
        aof.set_state(State::Starting);
        aof.rewriting.schedule();
        // In words that Redis has for this.
        tracing::info!("AOF background was scheduled: its first base is begun as soon as that can be");
    }
    rewrite::begin(node);
    Ok(())
}

/// After a copy of the master's data was loaded, or this node leads: it is on again, if it is to be.
pub fn restart_after_copy(node: &Arc<Node>) {
    if !node.settings().appendonly {
        return;
    }
    if let Err(error) = start(node) {
        tracing::error!("the append-only file cannot be begun: {error}");
    }
}

/// How to sync may have changed, and whether times are told: what is written from now on has them.
pub fn settings_changed(node: &Node) {
    if !node.persistence.aof.is_off() {
        node.replication.tell_times_in_file(node.settings().aof_timestamp_enabled);
        super::tick::refresh_policy(node);
        node.replication.bell.ring();
    }
}

/// Off: what there is is written and synced, and nothing is kept back any more. Waits for the disk, and holds nothing that
/// effects need.
pub fn stop(node: &Arc<Node>) {
    let aof = &node.persistence.aof;
    let _switch = lock(&aof.switch);
    if aof.is_off() {
        return;
    }
    if aof.is_rewriting() {
        // In Redis's words; here it is a thread, which ends by itself.
        tracing::info!("Killing running AOF rewrite child: a thread, which ends at its next look");
    }
    aof.rewriting.cancel();
    // Before the last sync, which would answer them: as Redis does it.
    aof.set_state(State::Off);
    crate::replication::refuse_who_waits_for_the_file(node, super::NONE_TO_WAIT_FOR);
    end_writer(node);
}

/// After [`stop`]: as Redis waits for the child that it kills, so that who asks for a rewrite next is not told that there is one.
pub fn wait_for_who_was_called_off(node: &Node) {
    let until = clock::monotonic() + CALLED_OFF_WITHIN;
    while node.persistence.aof.is_rewriting() && clock::monotonic() < until {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The caller holds the switch.
pub(super) fn end_writer(node: &Arc<Node>) {
    let aof = &node.persistence.aof;
    let thread = lock(&aof.writer).take();
    if let Some(thread) = thread {
        lock(&aof.orders).stop = true;
        node.replication.bell.ring();
        if thread.join().is_err() {
            tracing::error!("the thread that writes the append-only file ended by a fault");
        }
    }
    node.replication.detach_file();
    aof.set_withholds(false);
    aof.set_awaits_sync(false);
    aof.publish_failed(false);
    aof.unsynced_since_ms.store(0, Ordering::Release);
    aof.durable.store(0, Ordering::Release);
    node.set_state(node_state::AOF_FAILED, false);
}

/// The log does not have what comes next for the file: it begins anew, with another base.
pub(super) fn begin_again(node: &Arc<Node>) {
    tracing::error!("the append-only file lost its place in the log: it begins anew");
    let node = node.clone();
    // The writer that says so must have ended first.
    let again = move || {
        let aof = &node.persistence.aof;
        {
            let _switch = lock(&aof.switch);
            if aof.is_off() {
                return;
            }
            aof.rewriting.cancel();
            end_writer(&node);
            aof.set_state(State::Starting);
            aof.rewriting.schedule();
        }
        rewrite::begin(&node);
    };
    if let Err(error) = std::thread::Builder::new().name("aof-again".to_owned()).spawn(again) {
        tracing::error!(%error, "no thread could be started: nothing is written to the append-only file");
    }
}

/// All that was written to the log before this is durable when it succeeds.
pub fn flush(node: &Node, patience: Duration) -> Result<(), String> {
    let aof = &node.persistence.aof;
    if aof.is_off() || lock(&aof.writer).is_none() {
        return Ok(());
    }
    let end = node.replication.file_end();
    {
        let mut orders = lock(&aof.orders);
        orders.flush_to = orders.flush_to.max(end);
    }
    node.replication.bell.ring();
    let until: Instant = clock::monotonic() + patience;
    let mut publishing = lock(&aof.publishing);
    loop {
        if aof.durable.load(Ordering::Acquire) >= end || aof.is_off() {
            return Ok(());
        }
        if aof.failed.load(Ordering::Acquire) {
            return Err(aof.failure_text());
        }
        let left = until.saturating_duration_since(clock::monotonic());
        if left.is_zero() {
            return Err("the disk takes too long".to_owned());
        }
        let waited = aof.published.wait_timeout(publishing, left.min(Duration::from_millis(100)));
        publishing = waited.unwrap_or_else(std::sync::PoisonError::into_inner).0;
    }
}

/// Before the process ends. With `appendfsync no` too: who ends a node wants its data.
pub fn last_flush(node: &Node) -> Result<(), String> {
    if node.persistence.aof.is_off() {
        return Ok(());
    }
    tracing::info!("Calling fsync() on the AOF file.");
    let patience = if node.settings().appendfsync == AppendFsync::Always { 60 } else { 30 };
    flush(node, Duration::from_secs(patience))
}
