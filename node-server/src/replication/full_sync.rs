//! Full copies: replicas that need one wait for each other, and one snapshot serves all who wait.
//!
//! ```text
//!   first replica joins ── repl-diskless-sync-delay ──▶ snapshot begins: the point in time, under all locks
//!   others join meanwhile                               each is told id and offset, and gets the RDB as it is made
//! ```
//!
//! A replica that understands `$EOF:` gets the RDB as it is made. For others (and when `repl-diskless-sync` is
//! off) its length must be known first: it is spooled into a file that nobody else can see, and sent from there.
//! A snapshot that is made for something else (a save) takes along who waits at its point; who comes after the point waits for
//! the next one.

use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, mpsc, oneshot};

use super::link::ReplicaLink;
use super::{LogPoint, LogPosition, ReplicaSession, ReplicationId, ReplicationLog, filtered};
use crate::clock;
use crate::disk::{Disk, DiskFile, Open};
use crate::node::Node;
use crate::persistence::snapshot::{self, Pace, Sink, SinkState};

/// So many chunks of a snapshot may be on their way to a replica.
const CHUNKS_ON_THE_WAY: usize = 16;
const SPOOL_READ_BYTES: usize = 64 * 1024;

/// Who waits for a full copy.
#[derive(Debug, Default)]
pub struct Queue {
    waiting: Mutex<Vec<Waiting>>,
    changed: Notify,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct Waiting {
    link: Arc<ReplicaLink>,
    by_file: bool,
    since_ms: i64,
    start: oneshot::Sender<Start>,
}

/// The point in time is fixed; the copy comes.
#[derive(Debug)]
pub struct Start {
    pub id: ReplicationId,
    pub offset: LogPosition,
    pub payload: Payload,
}

/// Chunks of a snapshot; an empty one says that all is there. Without it, the snapshot failed.
#[derive(Debug)]
pub enum Payload {
    /// As it is made, to be sent between two marks.
    Stream { mark: String, chunks: mpsc::Receiver<Bytes> },
    /// With its length in front.
    File(mpsc::Receiver<Bytes>),
}

/// A replica asks for a copy.
pub fn join(node: &Arc<Node>, link: &Arc<ReplicaLink>, told: &ReplicaSession) -> oneshot::Receiver<Start> {
    let (start, started) = oneshot::channel();
    if let Some(filter) = told.filter {
        filtered::send(node, link, filter, start);
        return started;
    }
    let by_file = !told.understands_eof || !node.settings().repl_diskless_sync;
    let queue = &node.replication.full_syncs;
    queue.lock().push(Waiting { link: link.clone(), by_file, since_ms: clock::now_ms(), start });
    queue.changed.notify_one();
    started
}

/// Begins snapshots when they are due, for ever.
pub async fn run(node: Arc<Node>) {
    loop {
        match due_in_ms(&node) {
            None => node.replication.full_syncs.changed.notified().await,
            Some(0) => match snapshot::claim(&node) {
                Some(claim) => begin(&node, claim),
                // Another snapshot is running: this one comes right after it.
                None => tokio::time::sleep(Duration::from_millis(20)).await,
            },
            Some(wait_ms) => {
                let wait = Duration::from_millis(wait_ms.min(1000));
                let _ = tokio::time::timeout(wait, node.replication.full_syncs.changed.notified()).await;
            }
        }
    }
}

/// How long until the next snapshot; `None` when nobody waits.
fn due_in_ms(node: &Node) -> Option<u64> {
    let settings = node.settings();
    let mut waiting = node.replication.full_syncs.lock();
    waiting.retain(|waiting| !waiting.start.is_closed());
    let first_ms = waiting.iter().map(|waiting| waiting.since_ms).min()?;
    let enough = settings.repl_diskless_sync_max_replicas as usize;
    // Who waits for a file need not wait for others: as with Redis, only the diskless way is delayed.
    if waiting.iter().any(|waiting| waiting.by_file) || (enough > 0 && waiting.len() >= enough) {
        return Some(0);
    }
    let due_ms = first_ms + settings.repl_diskless_sync_delay_s as i64 * 1000;
    Some((due_ms - clock::now_ms()).max(0) as u64)
}

fn begin(node: &Arc<Node>, claim: snapshot::Claim) {
    let node = node.clone();
    let body = move || {
        let started = clock::monotonic();
        let persistence = &node.persistence;
        // In Redis's words; here it is a thread.
        tracing::info!("Background RDB transfer started by pid {}, on a thread", std::process::id());
        persistence.save_began_ms.store(clock::now_ms(), Ordering::Release);
        let result = snapshot::run(&node, claim, Pace::GivingWay, |point| start_waiting(&node, point));
        persistence.save_began_ms.store(0, Ordering::Release);
        persistence.last_duration_s.store(started.elapsed().as_secs() as i64, Ordering::Release);
        match result {
            Ok(summary) => tracing::info!(
                keys = summary.keys,
                bytes = summary.bytes,
                ms = started.elapsed().as_millis() as u64,
                "snapshot for replicas done"
            ),
            Err(error) => tracing::warn!("snapshot for replicas failed: {error}"),
        }
    };
    if let Err(error) = std::thread::Builder::new().name("snapshot".to_owned()).spawn(body) {
        tracing::error!(%error, "no thread for a snapshot could be started");
    }
}

/// At the point, under all locks: who waits is told, and what is written from here on is kept for it.
pub fn start_waiting(node: &Node, point: &mut LogPoint) -> Vec<Box<dyn Sink>> {
    let replication = &node.replication;
    let waiting = std::mem::take(&mut *replication.full_syncs.lock());
    if waiting.is_empty() {
        return Vec::new();
    }
    let Some(mut log) = open_log(node, point) else { return Vec::new() };
    let mut sinks =
        Sinks { point: *point, mark: super::new_id().to_string(), streams: Vec::new(), readers: Vec::new() };
    for waiting in waiting {
        let id = waiting.link.id;
        log.pin(id, point.offset);
        if !sinks.add(waiting) {
            log.unpin(id);
        }
    }
    drop(log);
    sinks.build(&node.disk)
}

/// At a point from which replicas go on, under all locks: what is written is kept from here on, and says its database anew.
/// `None` where our own copy is not whole: they shall ask again.
pub(super) fn open_log<'a>(node: &'a Node, point: &mut LogPoint) -> Option<MutexGuard<'a, ReplicationLog>> {
    let replication = &node.replication;
    if replication.is_replica() && !replication.upstream.is_in_sync() {
        return None;
    }
    let mut log = replication.lock_log();
    if !log.is_active() {
        let id = super::new_id();
        log.begin(id);
        // Not under the locks.
        replication.spawn(async move {
            tracing::info!(%id, "replication backlog created, with a new replication id");
        });
    }
    if !replication.is_replica() {
        log.forget_database();
        point.database = None;
        replication.logging.store(true, Ordering::Release);
    }
    point.id = log.history().id;
    point.is_active = true;
    Some(log)
}

struct Sinks {
    point: LogPoint,
    mark: String,
    streams: Vec<Box<dyn Sink>>,
    readers: Vec<mpsc::Sender<Bytes>>,
}

impl Sinks {
    /// False when the replica is gone already.
    fn add(&mut self, waiting: Waiting) -> bool {
        let (sender, chunks) = mpsc::channel(CHUNKS_ON_THE_WAY);
        let payload = if waiting.by_file {
            Payload::File(chunks)
        } else {
            Payload::Stream { mark: self.mark.clone(), chunks }
        };
        let start = Start { id: self.point.id, offset: self.point.offset, payload };
        if waiting.start.send(start).is_err() {
            return false;
        }
        if waiting.by_file {
            self.readers.push(sender);
        } else {
            self.streams.push(Box::new(StreamSink { chunks: sender }));
        }
        true
    }

    fn build(mut self, disk: &Arc<dyn Disk>) -> Vec<Box<dyn Sink>> {
        if !self.readers.is_empty() {
            let readers = std::mem::take(&mut self.readers);
            self.streams.push(Box::new(SpoolSink::new(disk, readers)));
        }
        self.streams
    }
}

/// To one replica, as fast as it takes it.
struct StreamSink {
    chunks: mpsc::Sender<Bytes>,
}

impl Sink for StreamSink {
    fn write(&mut self, bytes: &Bytes) -> io::Result<SinkState> {
        match self.chunks.try_send(bytes.clone()) {
            Ok(()) => Ok(SinkState::Taken),
            Err(mpsc::error::TrySendError::Full(_)) => Ok(SinkState::Full),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        self.chunks.blocking_send(Bytes::new()).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn is_waited_for(&self) -> bool {
        true
    }

    fn is_called_off(&self) -> bool {
        self.chunks.is_closed()
    }
}

/// Into a file without a name; when all is there, to the replicas.
struct SpoolSink {
    disk: Arc<dyn Disk>,
    spool: Option<Spool>,
    bytes: u64,
    readers: Vec<mpsc::Sender<Bytes>>,
}

impl SpoolSink {
    fn new(disk: &Arc<dyn Disk>, readers: Vec<mpsc::Sender<Bytes>>) -> SpoolSink {
        SpoolSink { disk: disk.clone(), spool: None, bytes: 0, readers }
    }
}

impl Sink for SpoolSink {
    fn write(&mut self, bytes: &Bytes) -> io::Result<SinkState> {
        let spool = match &mut self.spool {
            Some(spool) => spool,
            empty => empty.insert(Spool::create(&*self.disk, self.readers.len())?),
        };
        spool.file.write_all(bytes)?;
        self.bytes += bytes.len() as u64;
        Ok(SinkState::Taken)
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        let SpoolSink { spool, bytes, readers, .. } = *self;
        let copies = spool.ok_or(io::ErrorKind::UnexpectedEof)?.copies;
        for (file, reader) in copies.into_iter().zip(readers) {
            let body = move || {
                // Fails with a replica that is gone, whose link says so itself.
                let _ = send_file(file, bytes, &reader);
            };
            std::thread::Builder::new().name("spool".to_owned()).spawn(body)?;
        }
        Ok(())
    }

    fn is_waited_for(&self) -> bool {
        true
    }

    fn is_called_off(&self) -> bool {
        self.readers.iter().all(mpsc::Sender::is_closed)
    }
}

/// A file that is gone from the folder at once, so that nothing is left behind whatever happens.
pub(super) struct Spool {
    pub file: Box<dyn DiskFile>,
    /// The same file, for each who reads it.
    pub copies: Vec<Box<dyn DiskFile>>,
}

impl Spool {
    pub fn create(disk: &dyn Disk, readers: usize) -> io::Result<Spool> {
        let path = format!("temp-replication-{}-{}.rdb", std::process::id(), clock::now_us());
        let path = Path::new(&path);
        let file = disk.open(path, Open::CreateNew)?;
        let copies: io::Result<Vec<_>> = (0..readers).map(|_| disk.open(path, Open::Read)).collect();
        disk.remove(path)?;
        Ok(Spool { file, copies: copies? })
    }
}

fn send_file(mut file: Box<dyn DiskFile>, bytes: u64, reader: &mpsc::Sender<Bytes>) -> io::Result<()> {
    let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
    reader.blocking_send(format!("${bytes}\r\n").into()).map_err(gone)?;
    let mut position = 0;
    while position < bytes {
        let mut chunk = vec![0; SPOOL_READ_BYTES.min((bytes - position) as usize)];
        file.read_exact(&mut chunk)?;
        position += chunk.len() as u64;
        reader.blocking_send(chunk.into()).map_err(gone)?;
    }
    reader.blocking_send(Bytes::new()).map_err(gone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::RealDisk;

    #[test]
    fn a_spooled_file_is_sent_with_its_length() {
        let (sender, mut chunks) = mpsc::channel(64);
        let disk: Arc<dyn Disk> = Arc::new(RealDisk);
        let mut sink = Box::new(SpoolSink::new(&disk, vec![sender]));
        let big = Bytes::from(vec![7u8; SPOOL_READ_BYTES]);
        sink.write(&big).unwrap();
        sink.write(&Bytes::from_static(b"end")).unwrap();
        sink.finish().unwrap();
        let mut got = Vec::new();
        while let Some(chunk) = chunks.blocking_recv() {
            if chunk.is_empty() {
                break;
            }
            got.extend_from_slice(&chunk);
        }
        let mut expected = format!("${}\r\n", SPOOL_READ_BYTES + 3).into_bytes();
        expected.extend_from_slice(&big);
        expected.extend_from_slice(b"end");
        assert!(got == expected);
    }

    #[test]
    fn a_full_stream_says_so() {
        let (sender, mut chunks) = mpsc::channel(1);
        let mut sink = StreamSink { chunks: sender };
        let bytes = Bytes::from_static(b"x");
        assert_eq!(sink.write(&bytes).unwrap(), SinkState::Taken);
        assert_eq!(sink.write(&bytes).unwrap(), SinkState::Full);
        chunks.blocking_recv().unwrap();
        assert_eq!(sink.write(&bytes).unwrap(), SinkState::Taken);
        drop(chunks);
        assert!(sink.write(&bytes).is_err());
    }
}
