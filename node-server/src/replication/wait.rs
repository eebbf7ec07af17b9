//! WAIT, WAITAOF, and SETSLOT on its way to the replicas: a client waits until so many of them have acknowledged an offset, or
//! have it in their append-only files.
//!
//! Who waits has the replicas asked at once (`REPLCONF GETACK *` in the stream), instead of waiting for the
//! acknowledgement that each sends every second. One question serves all who wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rcl_proto::resp::{Protocol, ReplyWriter};
use tokio::sync::Notify;

use super::{LogPosition, NO_LONGER_MASTER};
use crate::client::WakeHandle;
use crate::node::Node;
use crate::pause::PauseControl;

#[derive(Debug, Default)]
pub struct Waiters {
    waiting: Mutex<Vec<Waiter>>,
    last_id: AtomicU64,
    ask: Notify,
}

/// What is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub offset: LogPosition,
    pub replicas: i64,
    /// The replicas are to have it in their append-only files, and this node in so many of its own: one, or none.
    pub in_files: Option<i64>,
    /// 0: for ever.
    pub timeout_ms: u64,
}

/// Who has what is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    pub replicas: i64,
    /// 1 when this node's append-only file has it.
    pub local: i64,
}

impl Wanted {
    pub fn standing(&self, node: &Node) -> Standing {
        if self.in_files.is_none() {
            return Standing { replicas: acknowledged_count(node, self.offset), local: 0 };
        }
        let is_durable = node.persistence.aof.durable().is_some_and(|durable| durable >= self.offset);
        let links = node.replication.lock_links();
        let has_it =
            links.iter().filter(|link| link.is_online() && link.acknowledged_in_file() >= self.offset);
        Standing { replicas: has_it.count() as i64, local: i64::from(is_durable) }
    }

    pub fn is_met_by(&self, standing: Standing) -> bool {
        standing.replicas >= self.replicas && standing.local >= self.in_files.unwrap_or(0)
    }

    pub fn write(&self, standing: Standing, reply: &mut ReplyWriter<'_>) {
        if self.in_files.is_some() {
            reply.array(2);
            reply.integer(standing.local);
        }
        reply.integer(standing.replicas);
    }
}

/// What is done with the number of replicas that acknowledged, instead of answering it. It must not wait.
pub type Then = Box<dyn FnOnce(i64) + Send>;

struct Waiter {
    id: u64,
    client: u64,
    wanted: Wanted,
    wait: WakeHandle,
    then: Option<Then>,
}

impl std::fmt::Debug for Waiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "client {} waits for {:?}", self.client, self.wanted)
    }
}

impl Waiters {
    pub fn ask(&self) {
        self.ask.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Waiter>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many replicas have acknowledged `offset`.
pub fn acknowledged_count(node: &Node, offset: LogPosition) -> i64 {
    let links = node.replication.lock_links();
    links.iter().filter(|link| link.is_online() && link.acknowledged() >= offset).count() as i64
}

/// When there are enough replicas, or the time is over, ends `wait` with their number, or calls `then` with it.
pub fn wait_for_replicas(
    node: &Arc<Node>,
    client: u64,
    wait: WakeHandle,
    wanted: Wanted,
    then: Option<Then>,
) {
    let waiters = &node.replication.waiters;
    let id = waiters.last_id.fetch_add(1, Ordering::Relaxed) + 1;
    waiters.lock().push(Waiter { id, client, wanted, wait, then });
    if wanted.timeout_ms > 0 {
        let timer_node = node.clone();
        let started = node.replication.spawn(async move {
            tokio::time::sleep(Duration::from_millis(wanted.timeout_ms)).await;
            answer(&timer_node, |waiter, _| waiter.id == id);
        });
        if !started {
            answer(node, |waiter, _| waiter.id == id);
        }
    }
    waiters.ask.notify_one();
    // An acknowledgement may have come since the caller looked.
    acknowledged(node);
}

/// A replica acknowledged something.
pub fn acknowledged(node: &Node) {
    answer(node, |waiter, standing| waiter.wanted.is_met_by(standing));
}

/// More of the log is in this node's append-only file.
pub fn durable_grew(node: &Node) {
    if !node.replication.waiters.lock().is_empty() {
        acknowledged(node);
    }
}

/// This node has no append-only file any more: nobody waits for what is in it.
pub fn refuse_who_waits_for_the_file(node: &Node, error: &str) {
    let is_over = |waiter: &mut Waiter| waiter.wanted.in_files.is_some_and(|local| local > 0);
    let over: Vec<Waiter> = node.replication.waiters.lock().extract_if(.., is_over).collect();
    over.iter().for_each(|waiter| waiter.wait.refuse(error));
}

/// This node follows another one now: nobody will acknowledge anything any more.
pub fn disconnect_all(node: &Node) {
    let waiting = std::mem::take(&mut *node.replication.waiters.lock());
    waiting.iter().for_each(|waiter| waiter.wait.refuse_and_close(NO_LONGER_MASTER));
}

/// Ends the wait of a client, with this error or as if its time were up. False when it does not wait.
pub fn unblock(node: &Node, client: u64, error: Option<&str>) -> bool {
    let Some(error) = error else { return answer(node, |waiter, _| waiter.client == client) };
    let mut waiting = node.replication.waiters.lock();
    let Some(place) = waiting.iter().position(|waiter| waiter.client == client) else { return false };
    waiting.remove(place).wait.refuse(error);
    true
}

/// Clients that went away are not waited for.
pub fn forget_the_gone(node: &Node) {
    node.replication.waiters.lock().retain(|waiter| node.clients.get(waiter.client).is_some());
}

/// Answers those whose wait is over; false when there was none.
fn answer(node: &Node, is_over: impl Fn(&Waiter, Standing) -> bool) -> bool {
    let mut over = Vec::new();
    {
        let mut waiting = node.replication.waiters.lock();
        for waiter in std::mem::take(&mut *waiting) {
            let standing = waiter.wanted.standing(node);
            if is_over(&waiter, standing) { over.push((waiter, standing)) } else { waiting.push(waiter) }
        }
    }
    let found = !over.is_empty();
    for (waiter, standing) in over {
        match waiter.then {
            Some(then) => then(standing.replicas),
            None => {
                let mut bytes = Vec::new();
                waiter.wanted.write(standing, &mut ReplyWriter::new(&mut bytes, Protocol::Resp2));
                waiter.wait.reply(bytes);
            }
        }
    }
    found
}

/// Puts the question into the stream whenever somebody waits. For ever.
pub async fn ask_for_acknowledgements(node: Arc<Node>) {
    loop {
        node.replication.waiters.ask.notified().await;
        super::cron::append_notice(&node, &[b"REPLCONF", b"GETACK", b"*"], PauseControl::is_failing_over);
    }
}
