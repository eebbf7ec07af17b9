//! A replica's link, on the master's side.
//!
//! ```text
//!   PSYNC id offset ─▶  +CONTINUE id                      then the log from there on
//!                   └▶  +FULLRESYNC id offset
//!                       $EOF:<mark> RDB <mark>            or  $<length> RDB
//!                       the log from `offset` on          (after $EOF: once the replica has acknowledged)
//!   ◀─ REPLCONF ACK offset (FACK offset of its append-only file), each second; an empty line says only that it lives
//! ```
//!
//! A link reads the log by itself and sends as fast as its replica takes it; who writes helps ([`outgoing`]). What a
//! replica has not taken stays in the log, so that the limit on its output (`client-output-buffer-limit replica`) is
//! one on its distance.

mod driver;
mod end;
mod outgoing;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering};

use outgoing::Outgoing;

use super::{LogPosition, failover};
use crate::client::ClientHandle;
use crate::clock;
use crate::executor;
use crate::net::DetachedConnection;
use crate::node::Node;

/// As INFO names it. As with Redis, who gets its copy as that is made waits for it until all of it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    WaitsForSnapshot,
    ReceivesSnapshot,
    /// It wanted only that.
    HasSnapshot,
    Online,
}

impl LinkState {
    pub const fn name(self) -> &'static str {
        match self {
            LinkState::WaitsForSnapshot => "wait_bgsave",
            LinkState::ReceivesSnapshot => "send_bulk",
            LinkState::HasSnapshot => "rdb_transmitted",
            LinkState::Online => "online",
        }
    }
}

/// What the other threads may see of a replica.
#[derive(Debug)]
pub struct ReplicaLink {
    /// Of its client.
    pub id: u64,
    pub handle: Arc<ClientHandle>,
    pub ip: String,
    pub port: u16,
    /// It speaks the protocol before PSYNC, which knows no acknowledgements.
    pub is_legacy: bool,
    /// As it said; 0 when it said none.
    pub version: u32,
    /// It is known to let fields of hashes end by itself.
    pub knows_field_expiries: bool,
    state: AtomicU8,
    acknowledged: AtomicU64,
    acknowledged_in_file: AtomicU64,
    acknowledged_at_ms: AtomicI64,
    pub(super) outgoing: Outgoing,
}

impl ReplicaLink {
    pub fn state(&self) -> LinkState {
        match self.state.load(Ordering::Acquire) {
            0 => LinkState::WaitsForSnapshot,
            1 => LinkState::ReceivesSnapshot,
            2 => LinkState::HasSnapshot,
            _ => LinkState::Online,
        }
    }

    fn set_state(&self, state: LinkState) {
        self.state.store(state as u8, Ordering::Release);
    }

    pub fn is_online(&self) -> bool {
        self.state() == LinkState::Online
    }

    /// It gets nothing more: its connection ends in a moment.
    pub fn is_leaving(&self) -> bool {
        self.handle.mailbox.is_killed() || self.outgoing.is_ended()
    }

    pub fn acknowledged(&self) -> LogPosition {
        self.acknowledged.load(Ordering::Acquire)
    }

    /// How much of the log its append-only file has for good.
    pub fn acknowledged_in_file(&self) -> LogPosition {
        self.acknowledged_in_file.load(Ordering::Acquire)
    }

    pub fn acknowledged_at_ms(&self) -> i64 {
        self.acknowledged_at_ms.load(Ordering::Acquire)
    }

    /// Whether this is what it calls itself.
    pub fn is_at(&self, host: &str, port: u16) -> bool {
        self.ip.eq_ignore_ascii_case(host) && self.port == port
    }

    /// Seconds since it was last heard of.
    pub fn lag_s(&self, now_ms: i64) -> i64 {
        ((now_ms - self.acknowledged_at_ms()) / 1000).max(0)
    }
}

/// 9.0.0
const FIRST_VALKEY_WITH_FIELD_EXPIRIES: u32 = 0x0009_0000;

/// What a replica asked for.
#[derive(Clone, Debug)]
pub enum SyncRequest {
    Psync {
        id: Vec<u8>,
        offset: i64,
        /// It was this node's master, and wants it to take over.
        hands_over: bool,
    },
    /// Before PSYNC there was: a full copy, without a word before it.
    Sync,
}

/// Takes a connection over, for as long as it lasts. Runs on the replication thread.
pub fn adopt(node: &Arc<Node>, connection: DetachedConnection, request: SyncRequest) {
    let task_node = node.clone();
    let started = node.replication.spawn(async move { run(task_node, connection, request).await });
    if !started {
        tracing::error!("a replica came, but the replication thread does not run");
    }
}

async fn run(node: Arc<Node>, connection: DetachedConnection, request: SyncRequest) {
    if let SyncRequest::Psync { offset, hands_over: true, .. } = &request {
        failover::take_over(&node, *offset).await;
    }
    let DetachedConnection { stream, mut session, input } = connection;
    let told = session.replica.take().map_or_else(Default::default, |told| *told);
    let handle = session.handle.clone();
    let ip = match handle.peer {
        _ if !told.announced_ip.is_empty() => told.announced_ip.clone(),
        Some(peer) => peer.ip().to_canonical().to_string(),
        None => handle.local.clone(),
    };
    let stream = match stream.attach() {
        Ok(stream) => Arc::new(stream),
        Err(error) => {
            tracing::warn!(replica = ip, %error, "a replica's connection could not be taken over");
            return executor::client_gone(&node, &mut session);
        }
    };
    if node.settings().repl_disable_tcp_nodelay
        && let Err(error) = stream.set_delay(true)
    {
        tracing::warn!(replica = ip, %error, "repl-disable-tcp-nodelay has no effect");
    }
    let link = Arc::new(ReplicaLink {
        outgoing: Outgoing::new(handle.id, stream.clone()),
        id: handle.id,
        handle,
        ip,
        port: told.listening_port,
        is_legacy: matches!(request, SyncRequest::Sync),
        version: told.version,
        knows_field_expiries: told.knows_field_expiries || told.version >= FIRST_VALKEY_WITH_FIELD_EXPIRIES,
        state: AtomicU8::new(LinkState::WaitsForSnapshot as u8),
        acknowledged: AtomicU64::new(0),
        acknowledged_in_file: AtomicU64::new(0),
        acknowledged_at_ms: AtomicI64::new(clock::now_ms()),
    });
    let name = format!("{}:{}", link.ip, link.port);
    node.replication.change_links(|links| links.push(link.clone()));
    let end = driver::Driver::new(&node, link.clone(), stream, input, told).serve(request).await;
    tracing::warn!(replica = name, "connection with replica lost: {end}");
    // Who sees it gone sees what was kept for it gone.
    node.replication.lock_log().unpin(link.id);
    node.replication.change_links(|links| links.retain(|other| !Arc::ptr_eq(other, &link)));
    node.replication.no_replicas_since_ms.store(clock::now_ms(), Ordering::Release);
    executor::client_gone(&node, &mut session);
    super::role::refresh_state(&node);
}
