//! The RDB file: written beside the old one, made durable, and put in its place by a rename.
//!
//! So at every moment the folder holds one whole file, the old one or the new one, whatever happens.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use super::snapshot::{self, Claim, Pace, Sink, SinkState, Summary};
use crate::clock;
use crate::disk::{Disk, DiskFile, Open, folder_of};
use crate::executor::node_state;
use crate::node::Node;

/// So much is left to the disk at a time, as with Redis.
const WRITE_BACK_BYTES: u64 = 4 * 1024 * 1024;
/// A snapshot that is called off ends at its next look, most often within a few milliseconds.
const CALLED_OFF_WITHIN: Duration = Duration::from_secs(1);
/// After a save that failed, save points wait so long before they try again.
const RETRY_AFTER_MS: i64 = 5000;

/// Saves now, on the calling thread. `Err(None)` when a snapshot is running already.
pub fn save(node: &Arc<Node>) -> Result<Summary, Option<String>> {
    let claim = snapshot::claim(node).ok_or(None)?;
    save_claimed(node, claim, Pace::Prompt).map_err(Some)
}

/// Saves on a thread of its own. False when a snapshot is running already.
pub fn save_in_background(node: &Arc<Node>) -> bool {
    let Some(claim) = snapshot::claim(node) else { return false };
    node.persistence.save_began_ms.store(clock::now_ms(), Ordering::Release);
    let thread_node = node.clone();
    let body = move || {
        // Its failure is logged, counted and shown there.
        let _ = save_claimed(&thread_node, claim, Pace::GivingWay);
    };
    if let Err(error) = std::thread::Builder::new().name("snapshot".to_owned()).spawn(body) {
        node.persistence.save_began_ms.store(0, Ordering::Release);
        note_failure(node, &format!("no thread could be started: {error}"));
    }
    true
}

/// Saves on a thread of its own, and then does `then`, whether that succeeded or not. A snapshot that was called off is waited for;
/// while another one runs this one comes after it, and is not waited for.
pub fn save_soon(node: &Arc<Node>, then: impl FnOnce() + Send + 'static) {
    let thread_node = node.clone();
    let body = move || {
        let until = clock::monotonic() + CALLED_OFF_WITHIN;
        let mut saved = save(&thread_node);
        while matches!(saved, Err(None)) && is_saving(&thread_node) && clock::monotonic() < until {
            std::thread::sleep(Duration::from_millis(1));
            saved = save(&thread_node);
        }
        if matches!(saved, Err(None)) {
            schedule(&thread_node);
        }
        then();
    };
    if let Err(error) = std::thread::Builder::new().name("snapshot".to_owned()).spawn(body) {
        note_failure(node, &format!("no thread could be started: {error}"));
    }
}

/// The snapshot that runs is one for a save or for replicas.
fn is_saving(node: &Node) -> bool {
    node.persistence.save_began_ms.load(Ordering::Acquire) != 0
}

/// A background save as soon as the running snapshot ends.
pub fn schedule(node: &Node) {
    node.persistence.scheduled.store(true, Ordering::Release);
}

/// A save that is scheduled and may go along with the snapshot that is about to begin.
pub(super) fn begin_scheduled(node: &Arc<Node>) -> Option<(Save, Box<dyn Sink>)> {
    if !node.persistence.scheduled.swap(false, Ordering::AcqRel) {
        return None;
    }
    let (save, sink) = Save::begin(node).ok()?;
    Some((save, Box::new(sink)))
}

fn save_claimed(node: &Arc<Node>, claim: Claim, pace: Pace) -> Result<Summary, String> {
    node.persistence.scheduled.store(false, Ordering::Release);
    let (save, sink) = match Save::begin(node) {
        Ok(begun) => begun,
        Err(error) => {
            drop(claim);
            node.persistence.save_began_ms.store(0, Ordering::Release);
            return Err(error);
        }
    };
    let result = snapshot::run(node, claim, pace, |_| vec![Box::new(sink)]);
    save.end(node, &result)
}

/// What became of the file; `None` while it is written.
type Fate = Arc<Mutex<Option<Result<(), String>>>>;

/// A save at work, whose snapshot may have other sinks besides the file.
pub(super) struct Save {
    began_ms: i64,
    path: PathBuf,
    fate: Fate,
}

impl Save {
    fn begin(node: &Node) -> Result<(Save, FileSink), String> {
        let persistence = &node.persistence;
        let began_ms = clock::now_ms();
        persistence.last_try_ms.store(began_ms, Ordering::Release);
        let settings = node.settings().clone();
        let path = settings.resolve(&settings.dbfilename);
        let sink = FileSink::create(&node.disk, &path, settings.rdb_save_incremental_fsync);
        let sink = sink.map_err(|error| failed(node, &path, &error.to_string()))?;
        persistence.save_began_ms.store(began_ms, Ordering::Release);
        persistence.set_temporary_file(Some(sink.temporary.clone()));
        Ok((Save { began_ms, path, fate: sink.fate.clone() }, sink))
    }

    pub(super) fn end(
        self,
        node: &Node,
        result: &Result<Summary, snapshot::SnapshotError>,
    ) -> Result<Summary, String> {
        let summary = self.tell(node, result);
        // Only now: who sees that none is in progress sees what became of it.
        node.persistence.save_began_ms.store(0, Ordering::Release);
        summary
    }

    fn tell(self, node: &Node, result: &Result<Summary, snapshot::SnapshotError>) -> Result<Summary, String> {
        let Save { began_ms, path, fate } = self;
        let persistence = &node.persistence;
        persistence.set_temporary_file(None);
        let duration_ms = clock::now_ms() - began_ms;
        persistence.last_duration_s.store(duration_ms / 1000, Ordering::Release);
        let fate = fate.lock().unwrap_or_else(PoisonError::into_inner).take();
        let summary = match (fate, result) {
            (Some(Ok(())), Ok(summary)) => *summary,
            (_, Err(error @ snapshot::SnapshotError::CalledOff)) => {
                // No failure: the data that it was of are gone.
                tracing::info!("Background saving terminated: {error}");
                return Err(error.to_string());
            }
            (Some(Err(error)), _) => return Err(failed(node, &path, &error)),
            (_, Err(error)) => return Err(failed(node, &path, &error.to_string())),
            (None, Ok(_)) => return Err(failed(node, &path, "the snapshot ended without it")),
        };
        persistence.saved_dirty.store(summary.dirty, Ordering::Release);
        persistence.last_save_s.set((clock::now_ms() / 1000) as u64);
        persistence.saves.fetch_add(1, Ordering::AcqRel);
        persistence.last_save_failed.store(false, Ordering::Release);
        node.set_state(node_state::SAVE_FAILED, false);
        tracing::info!(path = %path.display(), keys = summary.keys, bytes = summary.bytes, ms = duration_ms, "saved");
        Ok(summary)
    }
}

/// Says so in the log, and gives the error back.
fn failed(node: &Node, path: &Path, error: &str) -> String {
    note_failure(node, &format!("{}: {error}", path.display()));
    error.to_owned()
}

fn note_failure(node: &Node, error: &str) {
    node.persistence.last_save_failed.store(true, Ordering::Release);
    refresh_state(node);
    tracing::error!("saving failed, the last good file stays: {error}");
}

/// `stop-writes-on-bgsave-error` holds where save points say that the data matter.
pub fn refresh_state(node: &Node) {
    let settings = node.settings();
    let stops = settings.stop_writes_on_bgsave_error && !settings.save.is_empty();
    let failed = node.persistence.last_save_failed.load(Ordering::Acquire);
    node.set_state(node_state::SAVE_FAILED, failed && stops);
}

/// Save points and what BGSAVE SCHEDULE left. Called some times a second.
pub fn tick(node: &Arc<Node>, now_ms: i64) {
    refresh_state(node);
    let persistence = &node.persistence;
    if persistence.snapshot_is_running() || node.state() & node_state::LOADING != 0 {
        return;
    }
    if persistence.scheduled.load(Ordering::Acquire) {
        save_in_background(node);
        return;
    }
    let changes = persistence.changes(node.stats.dirty.get());
    let since_save_s = (now_ms / 1000).saturating_sub(persistence.last_save_s.get() as i64).max(0) as u64;
    let failed = persistence.last_save_failed.load(Ordering::Acquire);
    let tried_just_now = now_ms - persistence.last_try_ms.load(Ordering::Acquire) <= RETRY_AFTER_MS;
    if changes == 0 || (failed && tried_just_now) {
        return;
    }
    let settings = node.settings();
    if let Some(point) =
        settings.save.iter().find(|point| changes >= point.changes && since_save_s > point.seconds)
    {
        tracing::info!("{changes} changes in {} seconds: saving", point.seconds);
        save_in_background(node);
    }
}

/// The file, until it is whole under another name.
struct FileSink {
    disk: Arc<dyn Disk>,
    file: Box<dyn DiskFile>,
    temporary: PathBuf,
    path: PathBuf,
    /// `rdb-save-incremental-fsync`: the disk begins with what is written at once, so that the end is no storm.
    writes_back: bool,
    written: u64,
    written_back: u64,
    fate: Fate,
    done: bool,
}

impl FileSink {
    fn create(disk: &Arc<dyn Disk>, path: &Path, writes_back: bool) -> io::Result<FileSink> {
        let temporary = path.with_file_name(format!("temp-{}.rdb", std::process::id()));
        let file = disk
            .open(&temporary, Open::Create)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", temporary.display())))?;
        Ok(FileSink {
            disk: disk.clone(),
            file,
            temporary,
            path: path.to_owned(),
            writes_back,
            written: 0,
            written_back: 0,
            fate: Fate::default(),
            done: false,
        })
    }

    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.written += bytes.len() as u64;
        let waiting = self.written - self.written_back;
        if self.writes_back && waiting >= WRITE_BACK_BYTES {
            self.file.write_back(self.written_back, waiting)?;
            self.written_back = self.written;
        }
        Ok(())
    }

    fn put_in_place(&mut self) -> io::Result<()> {
        self.file.sync_all()?;
        self.disk.rename(&self.temporary, &self.path)?;
        self.done = true;
        // The rename itself must be durable too.
        self.disk.sync_folder(folder_of(&self.path))
    }

    fn note(&self, result: &io::Result<()>) {
        let result = result.as_ref().copied().map_err(ToString::to_string);
        *self.fate.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
    }
}

impl Sink for FileSink {
    fn write(&mut self, bytes: &Bytes) -> io::Result<SinkState> {
        let taken = self.take(bytes);
        if taken.is_err() {
            self.note(&taken);
        }
        taken.map(|()| SinkState::Taken)
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        let result = self.put_in_place();
        self.note(&result);
        result
    }
}

impl Drop for FileSink {
    fn drop(&mut self) {
        if !self.done {
            // What is left is of no use to anybody.
            let _ = self.disk.remove(&self.temporary);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::RealDisk;

    #[test]
    fn a_file_is_whole_or_the_old_one() {
        let folder = std::env::temp_dir().join(format!("save-{}-{}", std::process::id(), clock::now_us()));
        std::fs::create_dir(&folder).unwrap();
        let path = folder.join("dump.rdb");
        let disk: Arc<dyn Disk> = Arc::new(RealDisk);
        std::fs::write(&path, b"old").unwrap();
        let mut sink = Box::new(FileSink::create(&disk, &path, true).unwrap());
        sink.write(&Bytes::from_static(b"half")).unwrap();
        drop(sink);
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
        let mut sink = Box::new(FileSink::create(&disk, &path, true).unwrap());
        sink.write(&Bytes::from_static(b"new")).unwrap();
        sink.finish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(FileSink::create(&disk, &path, true).is_err());
    }
}
