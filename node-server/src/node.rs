//! What all threads of a node share.
//!
//! Nothing in here is a lock around everything: the data lie in the shards, each behind its own lock; the rest
//! are small registers and counters.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwap;
use rcl_proto::resp::{Args, OwnedArgs};
use rcl_proto::{Slot, key_slot};

use rcl_store::keyspace::{Key, KeyHasher};
use rcl_store::types::{LIST_PACKED_THRESHOLD, Limits};

use crate::access::{Access, User};
use crate::allocator;
use crate::client::{ClientRegistry, Session};
use crate::clock;
use crate::command::spec::flag;
use crate::command::{self, CommandNames, CommandSpec};
use crate::command_stats::CommandStats;
use crate::config::{Config, Settings};
use crate::control::{ControlHandle, ControlMessage};
use crate::disk::{Disk, RealDisk};
use crate::eviction::{self, Eviction};
use crate::expiry::replica_keys::ReplicaKeys;
use crate::latency::LatencyMonitor;
use crate::lazy_free::LazyFree;
use crate::migration::IdleConnections;
use crate::monitor::Monitors;
use crate::net::{TcpDoors, Workers};
use crate::oom_score::OomScore;
use crate::pause::PauseControl;
use crate::persistence::Persistence;
use crate::process_title::ProcessTitle;
use crate::pubsub::{KeyspaceEvents, PubSub};
use crate::replication::Replication;
use crate::scripting::Scripting;
use crate::shard::Shards;
use crate::sleep::Sleep;
use crate::slowlog::SlowLog;
use crate::stats::{ErrorCounts, Stats};
use crate::tracking::Tracking;
use crate::watchdog::Watchdog;

pub struct Node {
    /// 40 hexadecimal digits, new at each start.
    pub run_id: String,
    pub started: Instant,
    pub started_ms: i64,
    /// Where the configuration came from, for CONFIG REWRITE and INFO.
    pub config_file: Option<std::path::PathBuf>,
    pub config: Mutex<Config>,
    /// Where all is kept.
    pub disk: Arc<dyn Disk>,
    settings: ArcSwap<Settings>,
    limits: ArcSwap<Limits>,
    /// Another number with each change of them.
    limits_version: AtomicU64,
    /// Only DEBUG changes it.
    list_packed_threshold: AtomicUsize,
    /// Random, so that nobody outside can choose keys that collide.
    pub hash_seed: u64,
    pub hasher: KeyHasher,
    /// What clients call the commands.
    pub commands: CommandNames,
    pub access: Access,
    pub shards: Shards,
    cluster_enabled: bool,
    /// `cluster-slot-stats-enabled`, in a cluster; looked at by every command.
    counts_slots: AtomicBool,
    pub clients: ClientRegistry,
    pub pubsub: PubSub,
    /// Which keyspace events are published; looked at by every write.
    pub events: KeyspaceEvents,
    pub monitors: Monitors,
    pub tracking: Tracking,
    pub scripting: Scripting,
    pub pause: PauseControl,
    pub replication: Replication,
    pub persistence: Persistence,
    pub stats: Stats,
    pub slowlog: Mutex<SlowLog>,
    /// `slowlog-log-slower-than` in nanoseconds, negative for never; looked at by every command.
    slow_from_ns: AtomicI64,
    pub peak_memory_bytes: AtomicU64,
    /// What was in use before the first client came.
    pub startup_memory_bytes: AtomicU64,
    pub eviction: Eviction,
    pub replica_keys: ReplicaKeys,
    pub lazy_free: LazyFree,
    pub latency: LatencyMonitor,
    pub command_stats: CommandStats,
    pub errors: ErrorCounts,
    pub watchdog: Watchdog,
    pub worker_count: AtomicUsize,
    /// The bits of `executor::node_state`.
    state: AtomicU32,
    /// The way to the control thread; there once it runs.
    pub control: OnceLock<ControlHandle>,
    pub workers: OnceLock<Arc<Workers>>,
    /// Where clients come in by TCP; there once they may.
    pub doors: OnceLock<TcpDoors>,
    pub oom_score: OomScore,
    /// `None` where it is not to be set, or the node is no process of its own.
    pub process_title: Option<ProcessTitle>,
    pub idle_migrations: IdleConnections,
    /// DEBUG SLEEP.
    pub sleep: Sleep,
    shutdown: Mutex<Option<tokio::sync::mpsc::UnboundedSender<ShutdownRequest>>>,
    pub is_shutting_down: AtomicBool,
    /// Keys expire even if nobody looks at them; DEBUG can switch that off.
    pub expires_actively: AtomicBool,
    /// DEBUG PAUSE-CRON.
    pub cron_is_paused: AtomicBool,
}

/// Somebody asked the node to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShutdownRequest {
    /// Whether to save first; `None`: when save points are configured.
    pub save: Option<bool>,
    /// End even if saving fails.
    pub force: bool,
    /// Do not wait for replicas that lag.
    pub now: bool,
    /// A master of a cluster hands over to a replica first.
    pub failover: bool,
}

impl Node {
    pub fn new(
        config: Config,
        config_file: Option<std::path::PathBuf>,
        run_id: String,
        hash_seed: u64,
        threads: usize,
    ) -> Node {
        let settings = config.settings();
        let cluster_enabled = settings.cluster_enabled;
        let hasher = KeyHasher::new(hash_seed);
        let shards = if cluster_enabled {
            Shards::for_cluster(threads, &hasher)
        } else {
            Shards::standalone(settings.databases as usize, &hasher)
        };
        let node = Node {
            replication: Replication::new(&run_id, &settings),
            persistence: Persistence::new(clock::now_ms(), &settings),
            run_id,
            started: clock::monotonic(),
            started_ms: clock::now_ms(),
            config_file,
            config: Mutex::new(config),
            disk: Arc::new(RealDisk),
            limits: ArcSwap::from_pointee(limits(&settings, hash_seed)),
            limits_version: AtomicU64::new(new_version()),
            list_packed_threshold: AtomicUsize::new(LIST_PACKED_THRESHOLD),
            counts_slots: AtomicBool::new(cluster_enabled && settings.cluster_slot_stats_enabled),
            hash_seed,
            hasher,
            commands: CommandNames::default(),
            access: Access::new(settings.password()),
            shards,
            cluster_enabled,
            clients: ClientRegistry::default(),
            pubsub: PubSub::default(),
            events: KeyspaceEvents::new(settings.notify_keyspace_events),
            settings: ArcSwap::from_pointee(settings),
            monitors: Monitors::default(),
            tracking: Tracking::default(),
            scripting: Scripting::default(),
            pause: PauseControl::default(),
            stats: Stats::default(),
            slowlog: Mutex::default(),
            slow_from_ns: AtomicI64::new(0),
            peak_memory_bytes: AtomicU64::new(0),
            startup_memory_bytes: AtomicU64::new(0),
            eviction: Eviction::default(),
            replica_keys: ReplicaKeys::default(),
            lazy_free: LazyFree::default(),
            latency: LatencyMonitor::default(),
            command_stats: CommandStats::default(),
            errors: ErrorCounts::default(),
            watchdog: Watchdog::default(),
            worker_count: AtomicUsize::new(threads),
            state: AtomicU32::new(0),
            control: OnceLock::new(),
            workers: OnceLock::new(),
            doors: OnceLock::new(),
            idle_migrations: IdleConnections::default(),
            oom_score: OomScore::default(),
            process_title: None,
            sleep: Sleep::default(),
            shutdown: Mutex::new(None),
            is_shutting_down: AtomicBool::new(false),
            expires_actively: AtomicBool::new(true),
            cron_is_paused: AtomicBool::new(false),
        };
        node.adopt(&node.settings());
        node
    }

    pub fn is_cluster(&self) -> bool {
        self.cluster_enabled
    }

    /// A key with the slot that it lies in; without a cluster that is the first one.
    pub fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
        let slot = if self.cluster_enabled { key_slot(bytes) } else { Slot::MIN };
        self.hasher.key_in_slot(bytes, slot)
    }

    /// Whether commands count what they cost their slot.
    pub fn counts_slots(&self) -> bool {
        self.counts_slots.load(Ordering::Relaxed)
    }

    pub fn settings(&self) -> arc_swap::Guard<Arc<Settings>> {
        self.settings.load()
    }

    /// After a change of the configuration: the new values hold from here on.
    pub fn settings_changed(&self, settings: Settings) {
        if self.settings().password() != settings.password() {
            self.access.set_default_password(settings.password());
        }
        let list_packed_threshold = self.list_packed_threshold.load(Ordering::Relaxed);
        self.set_limits(Limits { list_packed_threshold, ..limits(&settings, self.hash_seed) });
        let counts_slots = self.cluster_enabled && settings.cluster_slot_stats_enabled;
        self.counts_slots.store(counts_slots, Ordering::Relaxed);
        self.events.set(settings.notify_keyspace_events);
        self.adopt(&settings);
        self.replication.resize_backlog(settings.repl_backlog_size);
        self.settings.store(Arc::new(settings));
        crate::client::evict_clients(self);
        crate::tracking::tick(self);
        crate::replication::refresh_state(self);
        crate::persistence::save::refresh_state(self);
        crate::persistence::aof::settings_changed(self);
        if let Some(control) = self.control.get() {
            control.send(ControlMessage::SettingsChanged);
        }
    }

    /// What is kept at hand for every command.
    fn adopt(&self, settings: &Settings) {
        self.eviction.adopt(settings);
        self.clients.set_memory_limit(settings.client_memory_limit());
        self.latency.set_threshold(settings.latency_monitor_threshold_ms);
        self.command_stats.track_latency(settings.latency_tracking);
        self.persistence.aof.adopt(settings);
        let slow_from_ns = settings.slowlog_log_slower_than_us.saturating_mul(1000);
        self.slow_from_ns.store(slow_from_ns, Ordering::Relaxed);
    }

    /// 0: the usual number.
    pub fn set_list_packed_threshold(&self, bytes: usize) {
        let bytes = if bytes == 0 { LIST_PACKED_THRESHOLD } else { bytes };
        self.list_packed_threshold.store(bytes, Ordering::Relaxed);
        self.set_limits(Limits { list_packed_threshold: bytes, ..self.limits() });
    }

    fn set_limits(&self, limits: Limits) {
        self.limits.store(Arc::new(limits));
        self.limits_version.store(new_version(), Ordering::Release);
    }

    /// Up to where collections stay packed. Each thread keeps a copy, since most writes ask for them.
    pub fn limits(&self) -> Limits {
        thread_local! {
            static KEPT: Cell<Option<(u64, Limits)>> = const { Cell::new(None) };
        }
        let version = self.limits_version.load(Ordering::Acquire);
        match KEPT.get() {
            Some((kept, limits)) if kept == version => limits,
            _ => {
                let limits = **self.limits.load();
                KEPT.set(Some((version, limits)));
                limits
            }
        }
    }

    pub fn default_user(&self) -> Arc<User> {
        self.access.default_user().clone()
    }

    pub fn lock_config(&self) -> MutexGuard<'_, Config> {
        self.config.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn lock_slowlog(&self) -> MutexGuard<'_, SlowLog> {
        self.slowlog.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bits of [`executor::node_state`](crate::executor::node_state) that hold.
    pub fn state(&self) -> u32 {
        self.state.load(Ordering::Acquire)
    }

    pub fn set_state(&self, bit: u32, on: bool) {
        if on {
            self.state.fetch_or(bit, Ordering::AcqRel);
        } else {
            self.state.fetch_and(!bit, Ordering::AcqRel);
        }
    }

    /// More memory is used than `maxmemory` allows.
    pub fn is_out_of_memory(&self) -> bool {
        eviction::is_over_limit(self)
    }

    /// The most that was in use at any time, as far as it was looked; now included.
    pub fn note_peak_memory(&self) -> u64 {
        let used = allocator::used_bytes();
        self.peak_memory_bytes.fetch_max(used, Ordering::Relaxed).max(used)
    }

    pub fn uptime_s(&self) -> u64 {
        (clock::monotonic() - self.started).as_secs()
    }

    /// A command ran for so long: its statistics, the latency monitor and the slow log hear of it.
    pub fn note_call(
        &self,
        session: &Session,
        spec: &'static CommandSpec,
        args: Args<'_>,
        took_ns: u64,
        failed: bool,
    ) {
        self.command_stats.ran(spec, took_ns, failed);
        self.note_slow(session, spec, args, took_ns);
    }

    /// The latency monitor and the slow log keep it if it was slow.
    pub fn note_slow(&self, session: &Session, spec: &CommandSpec, args: Args<'_>, took_ns: u64) {
        self.latency.note_ns(if spec.has(flag::FAST) { "fast-command" } else { "command" }, took_ns);
        let threshold = self.slow_from_ns.load(Ordering::Relaxed);
        if threshold >= 0 && took_ns as i64 >= threshold && !spec.has(flag::SKIP_SLOWLOG) {
            self.record_slow(session, spec, args, took_ns / 1000);
        }
    }

    #[cold]
    fn record_slow(&self, session: &Session, spec: &CommandSpec, args: Args<'_>, duration_us: u64) {
        let client = (session.handle.address(), session.handle.texts().name);
        let time_s = clock::now_ms() / 1000;
        let redacted = command::secrets::redacted(spec, args);
        let args = redacted.as_ref().map_or(args, OwnedArgs::as_args);
        self.lock_slowlog().record(args, duration_us, time_s, client, self.settings().slowlog_max_len);
    }

    /// Who is told when somebody asks for the node's end.
    pub fn on_shutdown(&self, sender: tokio::sync::mpsc::UnboundedSender<ShutdownRequest>) {
        *self.shutdown.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
    }

    /// False when the node is not running as a process of its own (under a test).
    pub fn request_shutdown(&self, request: ShutdownRequest) -> bool {
        let sender = self.shutdown.lock().unwrap_or_else(PoisonError::into_inner);
        sender.as_ref().is_some_and(|sender| sender.send(request).is_ok())
    }
}

/// A number that was never given before, to any node of this process.
fn new_version() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn limits(settings: &Settings, hash_seed: u64) -> Limits {
    Limits {
        hash_max_listpack_entries: settings.hash_max_listpack_entries,
        hash_max_listpack_value: settings.hash_max_listpack_value,
        list_max_listpack_size: settings.list_max_listpack_size,
        list_packed_threshold: LIST_PACKED_THRESHOLD,
        set_max_intset_entries: settings.set_max_intset_entries,
        set_max_listpack_entries: settings.set_max_listpack_entries,
        set_max_listpack_value: settings.set_max_listpack_value,
        zset_max_listpack_entries: settings.zset_max_listpack_entries,
        zset_max_listpack_value: settings.zset_max_listpack_value,
        stream_node_max_bytes: settings.stream_node_max_bytes,
        stream_node_max_entries: settings.stream_node_max_entries,
        hash_seed,
    }
}
