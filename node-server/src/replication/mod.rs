//! Replication: the log of effects, the replicas that read it, and the stream that this node follows as a
//! replica itself.
//!
//! ```text
//!   executor ──append──▶ log ──read──▶ link ──▶ a replica          (links: one a replica; full_sync: their copies)
//!                         ▲
//!   a master ──stream──▶ upstream ──executor──▶ shards             (upstream: as a replica)
//! ```
//!
//! - The log's order is the order of the effects: who appends holds the lock of the slot's shard.
//! - A replica's log is its master's, byte for byte, at the same offsets: so it serves replicas of its own, and
//!   goes on as a master with the same history.
//! - Links, timers and role changes run on a thread of their own; following a master takes another.
//!
//! Locks are taken in this order: role, applying, shards, log, and the small registers last.

mod bell;
mod cron;
pub mod failover;
mod filtered;
pub mod full_sync;
mod history;
mod info;
mod link;
mod log;
mod role;
pub mod setslot;
mod upstream;
mod wait;

use std::io;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use rcl_proto::resp::Args;
use tokio::runtime::{Builder, Handle};
use tokio::sync::Notify;

pub use filtered::Filter;
pub use history::{FullSyncReason, History, ReplicationId, SecondHistory};
pub use info::info_section;
pub use link::{LinkState, ReplicaLink, SyncRequest, adopt};
pub use log::{DataPiece, FilePlace, LogPosition, ReplicationLog};

use bell::Bell;
pub use role::{
    Followed, NO_LONGER_MASTER, RoleHeld, follow, follow_in_command, lead, lead_in_command, refresh_state,
};
pub use upstream::{Phase, UpstreamView};
pub use wait::{Wanted, durable_grew, refuse_who_waits_for_the_file, unblock, wait_for_replicas};

use crate::config::Settings;
use crate::node::Node;
use crate::persistence::aof;

/// What a replica told with REPLCONF.
#[derive(Clone, Debug, Default)]
pub struct ReplicaSession {
    pub listening_port: u16,
    pub announced_ip: String,
    pub understands_psync2: bool,
    pub knows_field_expiries: bool,
    pub understands_eof: bool,
    /// As REPLCONF version says it, 0x080001 for 8.0.1; 0 when it said none.
    pub version: u32,
    /// It wants a copy of the data, and nothing after it.
    pub rdb_only: bool,
    /// It does not want the data in its copy.
    pub filter: Option<Filter>,
}

/// This node's part in replication, as a master and as a replica.
#[derive(Debug)]
pub struct Replication {
    log: Mutex<ReplicationLog>,
    /// The log's end, to be read without its lock.
    offset: AtomicU64,
    /// Where the append-only file is to come to: another count of the log's end and more.
    file_end: AtomicU64,
    /// What that was when the replicas were last sent all of the log, and the file.
    forwarded: AtomicU64,
    /// Effects are to be kept: this node leads and the log is written, or it copies another one and has an append-only file.
    logging: AtomicBool,
    replica: AtomicBool,
    grew: Notify,
    /// The writer of the append-only file sleeps until the log grows.
    pub(crate) bell: Bell,
    links: Mutex<Vec<Arc<ReplicaLink>>>,
    /// How many links there are, to be read without their lock.
    link_count: AtomicU64,
    /// The log has named the replicas that may not know expiries of fields; to be done again when others come.
    told_of_field_expiries: AtomicBool,
    full_syncs: full_sync::Queue,
    waiters: wait::Waiters,
    upstream: upstream::Shared,
    pub failover: failover::Failover,
    /// Held while the role changes.
    role: Mutex<()>,
    /// Held while a piece of the master's stream is applied and logged, so that who holds it sees data and
    /// offset agree.
    applying: Mutex<()>,
    runtime: OnceLock<Handle>,
    no_replicas_since_ms: AtomicI64,
    good_replicas: AtomicU64,
}

/// How far this node is, for the cluster core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplicationStanding {
    pub offset: LogPosition,
    /// As a replica: in sync with the master, and receiving.
    pub link_up: bool,
    /// As a replica: when the master was last heard of, or when the link went down. Unix milliseconds.
    pub last_contact_ms: Option<i64>,
}

impl Replication {
    pub fn new(run_id: &str, settings: &Settings) -> Replication {
        let id = ReplicationId::parse(run_id.as_bytes()).unwrap_or_else(new_id);
        Replication {
            log: Mutex::new(ReplicationLog::new(id, settings.repl_backlog_size as u64)),
            offset: AtomicU64::new(0),
            file_end: AtomicU64::new(0),
            forwarded: AtomicU64::new(0),
            logging: AtomicBool::new(false),
            replica: AtomicBool::new(false),
            grew: Notify::new(),
            bell: Bell::default(),
            links: Mutex::default(),
            link_count: AtomicU64::new(0),
            told_of_field_expiries: AtomicBool::new(false),
            full_syncs: full_sync::Queue::default(),
            waiters: wait::Waiters::default(),
            upstream: upstream::Shared::default(),
            failover: failover::Failover::default(),
            role: Mutex::new(()),
            applying: Mutex::new(()),
            runtime: OnceLock::new(),
            no_replicas_since_ms: AtomicI64::new(0),
            good_replicas: AtomicU64::new(0),
        }
    }

    /// True when effects must be appended: to the log, or, where another node's is followed, to the append-only file alone.
    pub fn is_logging(&self) -> bool {
        self.logging.load(Ordering::Acquire)
    }

    /// True when this node writes a log that goes on here, with no master's.
    fn writes_its_own_log(&self) -> bool {
        self.is_logging() && !self.is_replica()
    }

    /// After a change of the role or of who reads the log. The caller holds all shards, so that nothing is written between.
    fn refresh_logging(&self) {
        let log = self.lock_log();
        let logging = if self.is_replica() { log.has_file() } else { log.is_written() };
        self.logging.store(logging, Ordering::Release);
    }

    /// True when this node copies another one.
    pub fn is_replica(&self) -> bool {
        self.replica.load(Ordering::Acquire)
    }

    /// As a master: bytes written to the log. As a replica: bytes of it applied.
    pub fn offset(&self) -> LogPosition {
        self.offset.load(Ordering::Acquire)
    }

    /// Where the append-only file is to come to.
    pub fn file_end(&self) -> FilePlace {
        self.file_end.load(Ordering::Acquire)
    }

    pub fn standing(&self) -> ReplicationStanding {
        let (link_up, last_contact_ms) = self.upstream.contact();
        // While a copy takes the place of the data, there are none that the offset could be of.
        let has_none = self.is_replica() && !self.upstream.is_in_sync();
        let offset = if has_none { 0 } else { self.offset() };
        ReplicationStanding { offset, link_up: link_up && self.is_replica(), last_contact_ms }
    }

    /// Appends effects as one contiguous piece, and returns where the log ends now. The caller holds the lock
    /// of the slot's shard (of all shards when `slot` is `None`), so that the log's order is the order of the
    /// effects. The replicas' links are told.
    pub fn append<'a>(&self, database: usize, commands: impl Iterator<Item = Args<'a>>) -> LogPosition {
        let end = self.append_of_client(commands.map(|command| (Some(database), command)));
        self.tell_readers();
        end
    }

    /// The same for the effects of a client's command, each in its own database or in any: its connection calls
    /// [`Replication::forward`] in any case, so nobody is woken for them.
    pub fn append_of_client<'a>(
        &self,
        commands: impl Iterator<Item = (Option<usize>, Args<'a>)>,
    ) -> LogPosition {
        if !self.is_logging() {
            return self.offset();
        }
        if self.is_replica() {
            return self.append_beside_the_master(commands);
        }
        self.change_log(|log| log.append_each(commands))
    }

    /// The same where replicas and the append-only file do not get the same.
    pub fn append_parted<'a>(
        &self,
        for_replicas: impl Iterator<Item = (Option<usize>, Args<'a>)>,
        for_file: impl Iterator<Item = (Option<usize>, Args<'a>)>,
    ) -> LogPosition {
        if !self.is_logging() {
            return self.offset();
        }
        if self.is_replica() {
            return self.append_beside_the_master(for_file);
        }
        self.change_log(|log| log.append_parted(for_replicas, for_file))
    }

    /// What a client of a replica wrote is of no history: only the append-only file gets it, in the order in which it and the
    /// master's stream were logged.
    #[cold]
    fn append_beside_the_master<'a>(
        &self,
        commands: impl Iterator<Item = (Option<usize>, Args<'a>)>,
    ) -> LogPosition {
        let stream_database = self.upstream.database();
        self.change_log(|log| {
            let then = log.database().unwrap_or(stream_database);
            log.append_alone(commands, Some(then));
            log.end()
        })
    }

    pub fn has_effects_to_forward(&self) -> bool {
        self.forwarded.load(Ordering::Acquire) != self.file_end()
    }

    /// Sends what was written to all replicas that follow the stream, as far as their sockets take it, and to the append-only
    /// file, as far as that is no wait for the disk. Before this returns, everything that the caller appended is with the system, or
    /// the file's writer knows of it. The caller holds no shard.
    pub fn forward(&self, node: &Node) {
        if !self.has_effects_to_forward() {
            return;
        }
        let end = self.file_end();
        let mut needs_help = false;
        for link in self.lock_links().iter() {
            // Who is being disconnected gets nothing more.
            needs_help |= !link.handle.mailbox.is_killed() && link.outgoing.forward(node);
        }
        let is_in_file = aof::write_at_once(node);
        self.forwarded.store(end, Ordering::Release);
        if !is_in_file {
            self.bell.ring();
        }
        if needs_help {
            self.grew.notify_waiters();
        }
    }

    /// `repl-backlog-size`, from now on.
    pub fn resize_backlog(&self, bytes: usize) {
        self.lock_log().set_backlog_bytes(bytes as u64);
    }

    /// Changes the log; readers hear of it.
    fn with_log<R>(&self, change: impl FnOnce(&mut ReplicationLog) -> R) -> R {
        let result = self.change_log(change);
        self.tell_readers();
        result
    }

    fn tell_readers(&self) {
        self.grew.notify_waiters();
        self.bell.ring();
    }

    fn change_log<R>(&self, change: impl FnOnce(&mut ReplicationLog) -> R) -> R {
        let mut log = self.lock_log();
        let result = change(&mut log);
        self.offset.store(log.end(), Ordering::Release);
        self.file_end.store(log.file_end(), Ordering::Release);
        result
    }

    fn lock_log(&self) -> MutexGuard<'_, ReplicationLog> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What comes next for a reader of the log; only what comes after that is kept for it.
    pub(crate) fn take_from_log(
        &self,
        reader: u64,
        position: LogPosition,
        limit: usize,
    ) -> Option<Vec<Bytes>> {
        let mut log = self.lock_log();
        let pieces = log.read(position, limit)?;
        // What is on its way stays until more is asked for: so all that replicas hold is in the log.
        log.move_pin(reader, position);
        Some(pieces)
    }

    /// What comes next for the append-only file, up to `until` at the most, and where it goes on. `None` when that is not kept.
    pub(crate) fn take_for_file(
        &self,
        place: FilePlace,
        until: FilePlace,
        limit: usize,
    ) -> Option<(Vec<DataPiece>, FilePlace)> {
        self.lock_log().read_data(place, until, limit)
    }

    /// The append-only file has all before `place` for good. Where in the log that is.
    pub(crate) fn release_for_file(&self, place: FilePlace) -> LogPosition {
        self.lock_log().release_for_file(place)
    }

    /// From here on everything is written for the append-only file. The caller holds all shards. Returns where that is, and the
    /// database that the log is in there.
    pub(crate) fn attach_file(&self, tells_times: bool) -> (FilePlace, Option<usize>) {
        let (end, database) = self.with_log(|log| {
            log.attach_file(tells_times);
            (log.file_end(), log.database())
        });
        self.refresh_logging();
        let database = if self.is_replica() { Some(self.upstream.database()) } else { database };
        (end, database)
    }

    /// The append-only file is written no more.
    pub(crate) fn detach_file(&self) {
        self.with_log(ReplicationLog::detach_file);
        self.refresh_logging();
    }

    pub(crate) fn tell_times_in_file(&self, tells_times: bool) {
        self.lock_log().tell_times(tells_times);
    }

    /// Taken before the shards by who needs data and offset of a replica to agree.
    pub fn lock_applying(&self) -> MutexGuard<'_, ()> {
        self.applying.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_links(&self) -> MutexGuard<'_, Vec<Arc<ReplicaLink>>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change_links(&self, change: impl FnOnce(&mut Vec<Arc<ReplicaLink>>)) {
        let mut links = self.lock_links();
        change(&mut links);
        self.link_count.store(links.len() as u64, Ordering::Release);
        self.told_of_field_expiries.store(false, Ordering::Release);
    }

    /// A field was given an expiry, which goes into the log as HPEXPIREAT: the replicas that may not know it are named, once.
    /// Their data stay right, since the end of a field is logged as HDEL.
    pub fn tell_of_field_expiries(&self) {
        if self.told_of_field_expiries.swap(true, Ordering::AcqRel) {
            return;
        }
        for link in self.lock_links().iter().filter(|link| !link.knows_field_expiries) {
            tracing::warn!(
                replica = %link.ip, port = link.port,
                "a field of a hash was given an expiry, which this replica may not know (Redis does from 7.4, Valkey from 9 on): \
                 it keeps the field until it is deleted here, and for good if it is promoted; a full copy with such fields it refuses"
            );
        }
    }

    /// How many replicas are connected, in whatever state.
    pub fn replica_count(&self) -> u64 {
        self.link_count.load(Ordering::Acquire)
    }

    /// The replicas that are connected, in the order in which they came; without those that are being disconnected.
    pub fn links(&self) -> Vec<Arc<ReplicaLink>> {
        self.lock_links().iter().filter(|link| !link.is_leaving()).cloned().collect()
    }

    /// Where the log stands, for the header of a snapshot. The caller holds `applying` and all shards.
    pub fn point(&self) -> LogPoint {
        let log = self.lock_log();
        let database = if self.is_replica() { Some(self.upstream.database()) } else { log.database() };
        LogPoint { id: log.history().id, offset: log.end(), database, is_active: log.is_active() }
    }

    /// After loading a file that says which history it belongs to: other nodes of that history may go on from
    /// here, and this node elsewhere, without a full copy.
    pub fn resume(&self, id: ReplicationId, offset: LogPosition, stream_database: usize) {
        self.upstream.set_database(stream_database);
        self.with_log(|log| {
            let history = History::new(id).continued_as(new_id(), offset);
            log.restart_at(history, offset, None);
        });
        self.refresh_logging();
    }

    /// Starts the thread that drives the links. Once, when the node starts.
    pub fn start(&self, node: &Arc<Node>) -> io::Result<()> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        if self.runtime.set(runtime.handle().clone()).is_err() {
            return Ok(());
        }
        let node = node.clone();
        let body = move || {
            runtime.block_on(async {
                tokio::join!(
                    cron::run(node.clone()),
                    full_sync::run(node.clone()),
                    wait::ask_for_acknowledgements(node)
                );
            });
        };
        std::thread::Builder::new().name("replication".to_owned()).spawn(body)?;
        Ok(())
    }

    /// Follows `host:port` from now on; done on the replication thread, so that the caller never waits.
    pub fn follow(&self, node: &Arc<Node>, host: &str, port: u16) {
        let (node, host) = (node.clone(), host.to_owned());
        self.spawn(async move {
            role::follow(&node, &host, port);
        });
    }

    /// Done on the replication thread. False when it does not run (a node in memory, under a test).
    pub fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) -> bool {
        match self.runtime.get() {
            Some(runtime) => {
                runtime.spawn(future);
                true
            }
            None => false,
        }
    }

    /// What the log takes in memory, with what is on its way to replicas; and whether somebody reads it.
    pub fn log_memory(&self) -> (usize, bool) {
        let queues: usize = self.lock_links().iter().map(|link| link.outgoing.queue_bytes()).sum();
        let log = self.lock_log();
        (log.memory_bytes() + queues, log.reader_count() > 0)
    }

    /// A replica's client is being closed: the log keeps nothing for it any more.
    pub fn forget_reader(&self, client: u64) {
        self.lock_log().unpin(client);
    }

    /// The same, and it is sent nothing of what is logged from here on.
    pub fn forget_replica(&self, client: u64) {
        if let Some(link) = self.lock_links().iter().find(|link| link.id == client) {
            link.outgoing.end();
        }
        self.forget_reader(client);
    }

    pub fn is_running(&self) -> bool {
        self.runtime.get().is_some()
    }

    /// How the link to the master stands.
    pub fn view(&self) -> UpstreamView {
        self.upstream.view()
    }

    /// True when a replica has not acknowledged all of the log.
    pub fn has_lagging_replicas(&self) -> bool {
        let offset = self.offset();
        self.lock_links()
            .iter()
            .any(|link| link.is_online() && !link.is_legacy && link.acknowledged() < offset)
    }

    /// Each replica says at once where it is, instead of within a second.
    pub fn ask_for_acknowledgements(&self) {
        self.waiters.ask();
    }

    /// All replicas come anew: the ids of the history changed, or the history itself. When this returns, they get nothing more of
    /// the log; the caller sees to it that nothing is appended before.
    fn disconnect_replicas(&self) {
        let links = self.lock_links().clone();
        for link in links {
            link.outgoing.end();
            link.handle.mailbox.kill();
        }
    }
}

/// Where the log stands at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogPoint {
    pub id: ReplicationId,
    pub offset: LogPosition,
    /// The database that the stream is in from there on; `None` when it will say so.
    pub database: Option<usize>,
    /// False when nobody could go on from here.
    pub is_active: bool,
}

/// An id that no other history has.
fn new_id() -> ReplicationId {
    let mut bytes = [0u8; 20];
    if let Err(error) = getrandom::fill(&mut bytes) {
        tracing::error!(%error, "the system gives no random bytes; the replication id is made of the time");
        let time = crate::clock::now_us().to_le_bytes();
        bytes.iter_mut().zip(time.iter().cycle()).for_each(|(byte, time)| *byte = *time);
    }
    ReplicationId::from_random(bytes)
}
