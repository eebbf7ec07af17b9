//! What goes out to one replica, and who sends it.
//!
//! While a copy is sent, the link's task alone sends. Once the replica follows the stream, whoever wrote sends too:
//! a worker forwards the effects of its batch to every replica before it answers the clients of that batch, so
//! that a master killed just after an answer has given the write away already. What the socket does not take
//! stays in the log; the link's task goes on with it when there is room.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Buf, Bytes};

use crate::clock;
use crate::net::Stream;
use crate::node::Node;
use crate::replication::LogPosition;

/// How much is taken from the log at once.
const READ_LIMIT_BYTES: usize = 256 * 1024;
/// A link's task hears again of a socket that takes nothing after so many more bytes.
const REMIND_BYTES: u64 = 1024 * 1024;

/// How an attempt to send ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Nothing is left.
    All,
    /// The socket is full.
    Blocked,
    /// What comes next in the log is no longer kept.
    Overrun,
}

#[derive(Debug)]
pub struct Outgoing {
    /// As the log knows this reader.
    reader: u64,
    stream: Arc<Stream>,
    inner: Mutex<Inner>,
    /// What the queue takes in memory beside what is in the log.
    queue_bytes: AtomicUsize,
}

#[derive(Debug)]
struct Inner {
    pending: VecDeque<Bytes>,
    /// What comes next out of the log, once that is known.
    position: Option<LogPosition>,
    /// All that comes before it was sent or stands in `pending`.
    follows_log: bool,
    /// Nothing more of the log goes out.
    ended: bool,
    last_progress_ms: i64,
    /// The socket is full, and the link's task knew at this position of the log's end.
    blocked_at: Option<LogPosition>,
}

impl Outgoing {
    pub fn new(reader: u64, stream: Arc<Stream>) -> Outgoing {
        let inner = Inner {
            pending: VecDeque::new(),
            position: None,
            follows_log: false,
            ended: false,
            last_progress_ms: clock::now_ms(),
            blocked_at: None,
        };
        Outgoing { reader, stream, inner: Mutex::new(inner), queue_bytes: AtomicUsize::new(0) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn queue(&self, bytes: Bytes) {
        if !bytes.is_empty() {
            let mut inner = self.lock();
            inner.pending.push_back(bytes);
            self.note_queue(&inner);
        }
    }

    /// What waits to be sent takes so much in memory, what stands in the log aside.
    pub fn queue_bytes(&self) -> usize {
        self.queue_bytes.load(Ordering::Relaxed)
    }

    fn note_queue(&self, inner: &Inner) {
        let places = inner.pending.len() * size_of::<Bytes>();
        let own: usize = if inner.follows_log { 0 } else { inner.pending.iter().map(Bytes::len).sum() };
        self.queue_bytes.store(places + own, Ordering::Relaxed);
    }

    /// Pieces that wait to be sent.
    pub fn waiting(&self) -> usize {
        self.lock().pending.len()
    }

    /// Bytes that wait to be sent, in the queue and in a log that ends at `end`.
    pub fn behind(&self, end: LogPosition) -> u64 {
        let inner = self.lock();
        let queued: usize = inner.pending.iter().map(Bytes::len).sum();
        inner.position.map_or(0, |position| end.saturating_sub(position)) + queued as u64
    }

    pub fn last_progress_ms(&self) -> i64 {
        self.lock().last_progress_ms
    }

    /// After what is queued, and a copy of the data if one is to come, the log goes on from `position`.
    pub fn set_position(&self, position: LogPosition) {
        self.lock().position = Some(position);
    }

    /// From now on the log is sent.
    pub fn follow_log(&self) {
        self.lock().follows_log = true;
    }

    /// What the log gets from now on is of a history that this replica has not heard of: had it a byte of that, it could go on
    /// nowhere by the id that it knows.
    pub fn end(&self) {
        self.lock().ended = true;
    }

    pub fn is_ended(&self) -> bool {
        self.lock().ended
    }

    /// Sends what the socket takes. For the link's task.
    pub fn send(&self, node: &Node) -> io::Result<Sent> {
        let mut inner = self.lock();
        inner.blocked_at = None;
        let sent = self.send_locked(&mut inner, node)?;
        if sent == Sent::Blocked {
            inner.blocked_at = Some(node.replication.offset());
        }
        Ok(sent)
    }

    /// The same, for everybody else, once the log is sent. True when the link's task has to look at it.
    pub fn forward(&self, node: &Node) -> bool {
        let mut inner = self.lock();
        if !inner.follows_log || inner.ended {
            return false;
        }
        let end = node.replication.offset();
        if let Some(told) = inner.blocked_at {
            let remind = end.saturating_sub(told) > REMIND_BYTES;
            if remind {
                inner.blocked_at = Some(end);
            }
            return remind;
        }
        match self.send_locked(&mut inner, node) {
            Ok(Sent::All) => false,
            Ok(Sent::Blocked) => {
                inner.blocked_at = Some(end);
                true
            }
            // The task meets the same, and ends the link.
            Ok(Sent::Overrun) | Err(_) => true,
        }
    }

    fn send_locked(&self, inner: &mut Inner, node: &Node) -> io::Result<Sent> {
        let sent = self.send_what_fits(inner, node);
        self.note_queue(inner);
        sent
    }

    fn send_what_fits(&self, inner: &mut Inner, node: &Node) -> io::Result<Sent> {
        loop {
            let reads_log = inner.follows_log && !inner.ended && inner.pending.is_empty();
            if let Some(position) = inner.position.filter(|_| reads_log) {
                match node.replication.take_from_log(self.reader, position, READ_LIMIT_BYTES) {
                    None => return Ok(Sent::Overrun),
                    Some(pieces) => {
                        let taken: usize = pieces.iter().map(Bytes::len).sum();
                        inner.position = Some(position + taken as u64);
                        inner.pending.extend(pieces);
                    }
                }
            }
            let Some(first) = inner.pending.front_mut() else { return Ok(Sent::All) };
            match self.stream.try_write(first) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(sent) => {
                    node.stats.replication_output_bytes.add(sent as u64);
                    first.advance(sent);
                    if first.is_empty() {
                        inner.pending.pop_front();
                    }
                    inner.last_progress_ms = clock::now_ms();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Sent::Blocked),
                Err(error) => return Err(error),
            }
        }
    }
}
