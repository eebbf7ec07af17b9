//! Following a master: one thread that connects, says who it is, takes a copy where it must, and applies the
//! stream.
//!
//! ```text
//!   connect ─▶ handshake ─▶ PSYNC ─┬─ +CONTINUE ────────────────▶ stream ─▶ …
//!      ▲                           └─ +FULLRESYNC ─▶ copy ──────▶   │
//!      └───────────────── wait a moment ◀── any failure ────────────┘
//! ```
//!
//! Each order to follow has a generation; a thread whose generation is over ends by itself, and touches nothing
//! any more: it looks under the `applying` lock, which a role change takes after the generation has moved on.

mod connection;
mod copy;
mod handshake;
mod stream;

use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use connection::{Connection, LinkError};
use handshake::Granted;

use super::{failover, role};
use crate::clock;
use crate::node::Node;

/// How far the link to the master is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    #[default]
    Connect,
    Connecting,
    Handshake,
    Sync,
    Connected,
}

impl Phase {
    /// As ROLE says it.
    pub const fn name(self) -> &'static str {
        match self {
            Phase::Connect => "connect",
            Phase::Connecting => "connecting",
            Phase::Handshake => "handshake",
            Phase::Sync => "sync",
            Phase::Connected => "connected",
        }
    }
}

/// Shared between the thread that follows and all others.
#[derive(Debug, Default)]
pub struct Shared {
    inner: Mutex<Inner>,
    generation: AtomicU64,
    last_io_ms: AtomicI64,
    /// The data are those of the log's history at the log's end, so that one may go on from there.
    in_sync: AtomicBool,
    copied_bytes: AtomicU64,
    /// What came of the stream and is not applied yet.
    waiting_bytes: AtomicU64,
}

#[derive(Debug, Default)]
struct Inner {
    target: Option<(String, u16)>,
    phase: Phase,
    /// When the link went down; 0 before it ever was up.
    down_since_ms: i64,
    socket: Option<TcpStream>,
    database: usize,
    /// The size of the copy, where the master says it.
    copy_bytes: Option<u64>,
}

/// How the link stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamView {
    pub host: String,
    pub port: u16,
    pub phase: Phase,
    pub last_io_ms: i64,
    pub down_since_ms: i64,
    pub copy_bytes: Option<u64>,
    pub copied_bytes: u64,
    pub waiting_bytes: u64,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn view(&self) -> UpstreamView {
        let inner = self.lock();
        let (host, port) = inner.target.clone().unwrap_or_default();
        UpstreamView {
            host,
            port,
            phase: inner.phase,
            last_io_ms: self.last_io_ms.load(Ordering::Acquire),
            down_since_ms: inner.down_since_ms,
            copy_bytes: inner.copy_bytes,
            copied_bytes: self.copied_bytes.load(Ordering::Relaxed),
            waiting_bytes: self.waiting_bytes.load(Ordering::Relaxed),
        }
    }

    /// Whether the link is up, and when something last came over it (when it is down: when it went down; `None`
    /// if it never was up).
    pub fn contact(&self) -> (bool, Option<i64>) {
        let inner = self.lock();
        match inner.phase {
            Phase::Connected => (true, Some(self.last_io_ms.load(Ordering::Acquire))),
            _ => (false, (inner.down_since_ms != 0).then_some(inner.down_since_ms)),
        }
    }

    pub fn follows(&self, host: &str, port: u16) -> bool {
        let inner = self.lock();
        inner.target.as_ref().is_some_and(|target| target.0.eq_ignore_ascii_case(host) && target.1 == port)
    }

    /// The database that the stream is in.
    pub fn database(&self) -> usize {
        self.lock().database
    }

    pub fn is_in_sync(&self) -> bool {
        self.in_sync.load(Ordering::Acquire)
    }

    pub fn set_in_sync(&self, in_sync: bool) {
        self.in_sync.store(in_sync, Ordering::Release);
    }

    fn is_current(&self, generation: u64) -> bool {
        self.generation.load(Ordering::Acquire) == generation
    }

    /// Whoever follows shall end; returns the next generation.
    pub fn stop(&self) -> u64 {
        let generation = self.generation.fetch_add(1, Ordering::AcqRel) + 1;
        let mut inner = self.lock();
        inner.went_down();
        if let Some(socket) = inner.socket.take() {
            // It may be closed already.
            let _ = socket.shutdown(std::net::Shutdown::Both);
        }
        generation
    }

    /// This node leads. The stream's database stays known: if not a byte is written before it follows again, the
    /// stream goes on in it, without a word.
    pub fn forget(&self) {
        let mut inner = self.lock();
        *inner = Inner { database: inner.database, ..Inner::default() };
    }

    pub fn set_database(&self, database: usize) {
        self.lock().database = database;
    }

    /// Starts to follow. The caller holds the role.
    pub fn begin(&self, node: &Arc<Node>, host: &str, port: u16, generation: u64) {
        {
            let mut inner = self.lock();
            let target = Some((host.to_owned(), port));
            if inner.target != target {
                // It is the other master's link that went down; this one's never was up.
                inner.down_since_ms = 0;
            }
            inner.target = target;
            inner.phase = Phase::Connect;
        }
        let thread_node = node.clone();
        let host = host.to_owned();
        let body = move || run(&thread_node, &host, port, generation);
        if let Err(error) = std::thread::Builder::new().name("upstream".to_owned()).spawn(body) {
            tracing::error!(%error, "no thread that follows the master could be started");
        }
    }

    /// Under the generation's own lock, so that an older thread's news are dropped.
    fn update(&self, generation: u64, change: impl FnOnce(&mut Inner)) {
        let mut inner = self.lock();
        if self.is_current(generation) {
            change(&mut inner);
        }
    }

    fn set_phase(&self, generation: u64, phase: Phase) {
        self.update(generation, |inner| inner.phase = phase);
    }

    fn note_waiting(&self, bytes: usize) {
        self.waiting_bytes.store(bytes as u64, Ordering::Relaxed);
    }

    fn note_io(&self) {
        self.last_io_ms.store(clock::now_ms(), Ordering::Release);
    }
}

impl Inner {
    fn went_down(&mut self) {
        if self.phase == Phase::Connected {
            self.down_since_ms = clock::now_ms();
        }
        self.phase = Phase::Connect;
        self.copy_bytes = None;
    }
}

const FIRST_RETRY: Duration = Duration::from_millis(50);
const SLOWEST_RETRY: Duration = Duration::from_secs(1);

fn run(node: &Arc<Node>, host: &str, port: u16, generation: u64) {
    let shared = &node.replication.upstream;
    let mut retry = FIRST_RETRY;
    let mut last_failure = String::new();
    while shared.is_current(generation) {
        // DEBUG SLEEP.
        node.sleep.wait_until_over();
        let mut was_up = false;
        let error = match attempt(node, host, port, generation, &mut was_up) {
            Ok(never) => match never {},
            Err(error) => error,
        };
        shared.update(generation, Inner::went_down);
        shared.note_waiting(0);
        role::refresh_state(node);
        if !shared.is_current(generation) {
            break;
        }
        let failure = error.to_string();
        // The same failure again and again is said once.
        if was_up || failure != last_failure {
            tracing::warn!(host, port, "replication: {failure}");
        }
        last_failure = failure;
        retry = if was_up { FIRST_RETRY } else { (retry * 2).min(SLOWEST_RETRY) };
        sleep_while_current(shared, generation, retry);
    }
    tracing::debug!(host, port, "no longer followed");
}

fn sleep_while_current(shared: &Shared, generation: u64, duration: Duration) {
    let until = clock::monotonic() + duration;
    while shared.is_current(generation) && clock::monotonic() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// One life of the link.
fn attempt(
    node: &Arc<Node>,
    host: &str,
    port: u16,
    generation: u64,
    was_up: &mut bool,
) -> Result<std::convert::Infallible, LinkError> {
    let shared = &node.replication.upstream;
    shared.set_phase(generation, Phase::Connecting);
    let mut connection = Connection::open(node, host, port, generation)?;
    shared.set_phase(generation, Phase::Handshake);
    handshake::introduce(&mut connection)?;
    let granted = handshake::ask(&mut connection);
    match &granted {
        Ok(_) => failover::answered(node, true),
        Err(LinkError::Refused { .. } | LinkError::Protocol(_)) => failover::answered(node, false),
        // It will be asked again.
        Err(_) => {}
    }
    match granted? {
        Granted::Continue => {}
        Granted::Full { id, offset } => copy::receive(&mut connection, id, offset)?,
    }
    shared.set_phase(generation, Phase::Connected);
    *was_up = true;
    tracing::info!(host, port, offset = node.replication.offset(), "in sync with the master");
    role::refresh_state(node);
    stream::apply(&mut connection)
}
