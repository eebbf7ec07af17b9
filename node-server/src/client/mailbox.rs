//! How other threads reach a connection: they post messages, its own thread takes them.
//!
//! A parked client is woken by whoever holds its [`WakeHandle`], which carries the number of the wait it belongs to; a
//! message for a wait that is over is dropped by the connection. Where several may end one wait (a key came; CLIENT
//! UNBLOCK; its time is up; the client went away), who takes it out of where it is kept does, under that place's lock.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use rcl_proto::resp::{Protocol, ReplyWriter};

use crate::allocator::block_bytes;
use crate::replication::LogPosition;

/// What may be posted.
#[derive(Debug)]
pub enum Message {
    /// Bytes to send, out of band (a published message).
    Push(Arc<[u8]>),
    /// A sharded channel left with its slot; the client's own thread forgets it and tells the client.
    ShardUnsubscribed(Box<[u8]>),
    /// The reply that parked wait number `wait` waited for.
    Reply { wait: u64, reply: LateReply },
    /// Parked wait number `wait` ends by running its request again.
    Retry { wait: u64 },
    /// It has room for input that it does not use.
    GiveMemoryBack,
}

/// What ends a wait.
#[derive(Debug, Default)]
pub struct LateReply {
    pub bytes: Vec<u8>,
    /// Where the replication log ended after what was written in the client's name.
    pub last_write: Option<LogPosition>,
    /// The connection is closed when the reply is sent.
    pub closes: bool,
    /// How long the command worked in the end; the wait is not in it.
    pub took: Duration,
}

/// One for each connection.
#[derive(Debug, Default)]
pub struct Mailbox {
    inner: Mutex<Inner>,
    /// True when there is something to take; lets the owner look without locking.
    filled: AtomicBool,
    pending_bytes: AtomicUsize,
    kill: AtomicBool,
}

#[derive(Debug, Default)]
struct Inner {
    messages: Vec<Message>,
    owner: Option<Waker>,
    /// What invalidations among the messages take in memory.
    invalidation_bytes: usize,
}

/// What invalidations take in memory that were posted and not taken yet; in all mailboxes, as the allocator counts for the
/// whole process.
static INVALIDATION_BYTES: AtomicUsize = AtomicUsize::new(0);

/// `maxmemory` does not count them: evicting a key makes one for each client that has it cached, and these go away by themselves.
pub fn invalidation_bytes_under_way() -> usize {
    INVALIDATION_BYTES.load(Ordering::Relaxed)
}

impl Inner {
    fn note_invalidations_taken(&mut self) {
        if self.invalidation_bytes > 0 {
            let taken = std::mem::take(&mut self.invalidation_bytes);
            INVALIDATION_BYTES.fetch_sub(taken, Ordering::Relaxed);
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.note_invalidations_taken();
    }
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn post(&self, message: Message) {
        self.put(message, 0);
    }

    /// Posts that keys changed, to who has them cached.
    pub fn post_invalidation(&self, bytes: Arc<[u8]>) {
        let counts = 2 * size_of::<usize>();
        let takes = block_bytes(bytes.len() + counts) + size_of::<Message>();
        self.put(Message::Push(bytes), takes);
    }

    fn put(&self, message: Message, invalidation_bytes: usize) {
        if let Message::Push(bytes) = &message {
            self.pending_bytes.fetch_add(bytes.len(), Ordering::Relaxed);
        }
        let mut inner = self.lock();
        if invalidation_bytes > 0 {
            inner.invalidation_bytes += invalidation_bytes;
            INVALIDATION_BYTES.fetch_add(invalidation_bytes, Ordering::Relaxed);
        }
        inner.messages.push(message);
        self.filled.store(true, Ordering::Release);
        let owner = inner.owner.clone();
        drop(inner);
        if let Some(owner) = owner {
            owner.wake();
        }
    }

    /// Asks the connection to end.
    pub fn kill(&self) {
        self.kill.store(true, Ordering::Release);
        let owner = self.lock().owner.clone();
        if let Some(owner) = owner {
            owner.wake();
        }
    }

    pub fn is_killed(&self) -> bool {
        self.kill.load(Ordering::Acquire)
    }

    /// Pushed bytes that the connection has not taken yet.
    pub fn pending_bytes(&self) -> usize {
        self.pending_bytes.load(Ordering::Relaxed)
    }

    /// All messages so far, in order.
    pub fn take(&self) -> Vec<Message> {
        if !self.filled.load(Ordering::Acquire) {
            return Vec::new();
        }
        let mut inner = self.lock();
        self.filled.store(false, Ordering::Release);
        self.pending_bytes.store(0, Ordering::Relaxed);
        inner.note_invalidations_taken();
        std::mem::take(&mut inner.messages)
    }

    /// What is to be sent between two replies; what ends waits stays.
    pub fn take_pushes(&self) -> Vec<Message> {
        let mut inner = self.lock();
        let is_push =
            |message: &mut Message| matches!(message, Message::Push(_) | Message::ShardUnsubscribed(_));
        let pushes: Vec<Message> = inner.messages.extract_if(.., is_push).collect();
        self.pending_bytes.store(0, Ordering::Relaxed);
        inner.note_invalidations_taken();
        self.filled.store(!inner.messages.is_empty(), Ordering::Release);
        pushes
    }

    /// From now on `owner` is woken by posts. The caller looks once more for messages afterwards.
    pub fn set_owner(&self, owner: &Waker) {
        self.lock().owner = Some(owner.clone());
    }

    pub fn is_empty(&self) -> bool {
        !self.filled.load(Ordering::Acquire)
    }
}

/// The right to end one wait of one client.
#[derive(Clone, Debug)]
pub struct WakeHandle {
    mailbox: Arc<Mailbox>,
    wait: u64,
}

impl WakeHandle {
    pub fn new(mailbox: Arc<Mailbox>, wait: u64) -> WakeHandle {
        WakeHandle { mailbox, wait }
    }

    /// The wait ends with these reply bytes.
    pub fn reply(&self, bytes: Vec<u8>) {
        self.end(LateReply { bytes, ..LateReply::default() });
    }

    /// The wait ends with an error.
    pub fn refuse(&self, text: &str) {
        self.reply(error(text));
    }

    /// The wait ends with an error, and so does the connection.
    pub fn refuse_and_close(&self, text: &str) {
        self.end(LateReply { bytes: error(text), closes: true, ..LateReply::default() });
    }

    pub fn end(&self, reply: LateReply) {
        self.mailbox.post(Message::Reply { wait: self.wait, reply });
    }

    /// The wait ends; the request is run again.
    pub fn retry(&self) {
        self.mailbox.post(Message::Retry { wait: self.wait });
    }

    pub fn wait(&self) -> u64 {
        self.wait
    }

    /// The client's connection was asked to end.
    pub fn is_killed(&self) -> bool {
        self.mailbox.is_killed()
    }
}

fn error(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    ReplyWriter::new(&mut bytes, Protocol::Resp2).error(text);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::allocator::measured_alone;

    #[test]
    fn invalidations_are_under_way_until_they_are_taken_or_nobody_is_there_to_take_them() {
        let _alone = measured_alone();
        // Other tests post some too, so the figures are large.
        const MUCH: usize = 1 << 22;
        let under_way = || invalidation_bytes_under_way() / MUCH;
        let bytes: Arc<[u8]> = vec![0; MUCH].into();
        let (one, other) = (Mailbox::default(), Mailbox::default());
        one.post(Message::Push(bytes.clone()));
        assert_eq!(under_way(), 0);
        one.post_invalidation(bytes.clone());
        other.post_invalidation(bytes.clone());
        other.post_invalidation(bytes.clone());
        assert_eq!(under_way(), 3);
        assert_eq!(one.take().len(), 2);
        assert_eq!(under_way(), 2);
        assert_eq!(other.take_pushes().len(), 2);
        assert_eq!(under_way(), 0);
        other.post_invalidation(bytes);
        assert_eq!(under_way(), 1);
        drop(other);
        assert_eq!(under_way(), 0);
    }
}
