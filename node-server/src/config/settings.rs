//! The settings as typed plain data, cheap to read. Whoever serves holds them behind an `Arc` that is swapped when
//! CONFIG SET changes something, and copies what is hot into its own state.
//!
//! Units are in the names: `_s`, `_ms`, `_us`; sizes without a unit are bytes. Directives that the node does nothing
//! with have no field here (the table says why).

use crate::client::ClientKind;
use crate::pubsub::EventClasses;

use super::choices::{
    AppendFsync, ChannelDefault, DisklessLoad, EndpointType, LogLevel, MaxmemoryPolicy, OomScoreAdj,
    ProtectedAction, SanitizeDump,
};
use super::reader::Reader;
use super::value::{OutputBufferLimit, SavePoint, Value};
use std::ffi::OsString;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    // Network and clients.
    /// 0: no TCP listener.
    pub port: u16,
    /// A leading `-` allows the address not to be there; `*` is every IPv4, `::*` every IPv6 one.
    pub bind: Vec<String>,
    /// Where connections to other nodes come from; `None`: as the system chooses.
    pub bind_source_addr: Option<IpAddr>,
    pub unixsocket: Option<PathBuf>,
    /// 0: as the umask says.
    pub unixsocketperm: u32,
    /// Idle clients are closed after it; 0: never.
    pub timeout_s: u64,
    /// 0: off.
    pub tcp_keepalive_s: u64,
    pub tcp_backlog: u32,
    pub maxclients: u32,
    pub proto_max_bulk_len: usize,
    pub client_query_buffer_limit: usize,
    /// 0: no limit.
    pub tracking_table_max_keys: usize,
    pub maxmemory_clients: Share,
    pub output_buffer_limits: OutputBufferLimits,
    pub protected_mode: bool,
    pub requirepass: Option<Secret>,
    /// Where the users are kept; then no `user` lines are.
    pub aclfile: Option<PathBuf>,
    /// Whether new users may use all channels.
    pub acl_pubsub_default_all: bool,
    pub acllog_max_len: usize,
    pub enable_protected_configs: ProtectedAction,
    pub enable_debug_command: ProtectedAction,
    pub enable_module_command: ProtectedAction,
    // Process.
    /// 0: as many as there are cores.
    pub worker_threads: usize,
    pub oom_score_adj: OomScoreAdj,
    /// As a master, as a replica, and as a child that saves, which there is none of.
    pub oom_score_adj_values: [i64; 3],
    pub set_proc_title: bool,
    pub proc_title_template: Vec<u8>,
    pub pidfile: Option<PathBuf>,
    pub loglevel: LogLevel,
    /// None: standard output.
    pub logfile: Option<PathBuf>,
    /// Whether a crash leaves a report in the log.
    pub crash_log_enabled: bool,
    /// Within 1 to 500.
    pub hz: u32,
    /// How long a shutdown waits for lagging replicas.
    pub shutdown_timeout_s: u64,
    pub shutdown_on_sigint: ShutdownFlags,
    pub shutdown_on_sigterm: ShutdownFlags,
    /// -1: off; 0: every command.
    pub slowlog_log_slower_than_us: i64,
    pub busy_reply_threshold_ms: i64,
    pub slowlog_max_len: usize,
    /// How long a thread or a lock may be stuck before the log says so; 0: for ever.
    pub watchdog_period_ms: u64,
    /// 0: off.
    pub latency_monitor_threshold_ms: u64,
    pub latency_tracking: bool,
    pub latency_tracking_info_percentiles: Vec<f64>,
    // Persistence.
    /// Absolute. Relative paths of other settings are relative to it.
    pub dir: PathBuf,
    pub dbfilename: OsString,
    /// Empty: no snapshots by themselves, nor at shutdown.
    pub save: Vec<SavePoint>,
    pub rdbcompression: bool,
    /// Added to the load of each key, to test what happens meanwhile. Negative: one microsecond for so many keys.
    pub key_load_delay_us: i64,
    /// The same for the save of each key.
    pub rdb_save_incremental_fsync: bool,
    pub rdb_key_save_delay_us: i64,
    pub rdbchecksum: bool,
    /// Whose payloads of RESTORE are counted as checked in depth, which all are.
    pub sanitize_dump_payload: SanitizeDump,
    pub stop_writes_on_bgsave_error: bool,
    pub appendonly: bool,
    /// By which the names of its files begin.
    pub appendfilename: OsString,
    /// The folder of its files.
    pub appenddirname: OsString,
    pub appendfsync: AppendFsync,
    /// While a snapshot is made, nothing is synced.
    pub no_appendfsync_on_rewrite: bool,
    /// 0: no rewrites by themselves.
    pub auto_aof_rewrite_percentage: u64,
    pub auto_aof_rewrite_min_size: u64,
    pub aof_load_truncated: bool,
    pub aof_use_rdb_preamble: bool,
    pub aof_timestamp_enabled: bool,
    /// A base is synced while it is written, and not at its end alone.
    pub aof_rewrite_incremental_fsync: bool,
    /// Files that are of no use any more stay.
    pub aof_disable_auto_gc: bool,
    // Replication.
    /// What the configuration said at the start, or was recorded since.
    pub replicaof: Option<(String, u16)>,
    pub masterauth: Option<Secret>,
    pub masteruser: Option<Secret>,
    pub replica_serve_stale_data: bool,
    pub replica_read_only: bool,
    pub replica_priority: u32,
    pub replica_announced: bool,
    pub replica_announce_ip: Option<String>,
    /// 0: the port.
    pub replica_announce_port: u16,
    pub replica_lazy_flush: bool,
    pub repl_diskless_sync: bool,
    pub repl_diskless_sync_delay_s: u64,
    /// 0: wait out the delay.
    pub repl_diskless_sync_max_replicas: u32,
    pub repl_diskless_load: DisklessLoad,
    pub repl_disable_tcp_nodelay: bool,
    pub repl_backlog_size: usize,
    /// A replica evicts nothing by itself.
    pub replica_ignore_maxmemory: bool,
    /// 0: the backlog is never freed.
    pub repl_backlog_ttl_s: u64,
    pub repl_timeout_s: u64,
    pub repl_ping_replica_period_s: u64,
    pub min_replicas_to_write: u32,
    pub min_replicas_max_lag_s: u64,
    // Cluster.
    pub cluster_enabled: bool,
    pub cluster_config_file: OsString,
    pub cluster_node_timeout_ms: u64,
    /// 0: half the node timeout.
    pub cluster_ping_interval_ms: u64,
    /// 0: the port plus 10000.
    pub cluster_port: u16,
    pub cluster_announce_ip: Option<String>,
    pub cluster_announce_hostname: Option<String>,
    pub cluster_announce_human_nodename: Option<String>,
    /// 0: the port.
    pub cluster_announce_port: u16,
    pub cluster_announce_tls_port: u16,
    /// 0: the bus port.
    pub cluster_announce_bus_port: u16,
    pub cluster_require_full_coverage: bool,
    pub cluster_allow_reads_when_down: bool,
    pub cluster_allow_pubsubshard_when_down: bool,
    /// 0: a replica's data is never too old.
    pub cluster_replica_validity_factor: u32,
    pub cluster_migration_barrier: u32,
    pub cluster_allow_replica_migration: bool,
    pub cluster_replica_no_failover: bool,
    pub cluster_fast_suspicion: bool,
    pub cluster_slot_stats_enabled: bool,
    pub cluster_bus_port_protected_mode: bool,
    pub availability_zone: Option<String>,
    /// Before it goes down, a master hands over to a replica.
    pub auto_failover_on_shutdown: bool,
    /// 0: none.
    pub cluster_link_sendbuf_limit: u64,
    pub cluster_preferred_endpoint_type: EndpointType,
    // Data.
    /// 1 in cluster mode.
    pub databases: u32,
    /// 0: no limit.
    pub maxmemory: u64,
    pub maxmemory_policy: MaxmemoryPolicy,
    pub maxmemory_samples: usize,
    /// 0 to 100.
    pub maxmemory_eviction_tenacity: u32,
    pub lfu_log_factor: u32,
    /// In minutes.
    pub lfu_decay_time: u32,
    /// 1 to 10.
    pub active_expire_effort: u32,
    pub notify_keyspace_events: EventClasses,
    pub lazyfree_lazy_eviction: bool,
    pub lazyfree_lazy_expire: bool,
    pub lazyfree_lazy_server_del: bool,
    pub lazyfree_lazy_user_del: bool,
    pub lazyfree_lazy_user_flush: bool,
    pub hash_max_listpack_entries: usize,
    pub hash_max_listpack_value: usize,
    /// Entries when positive; -1 to -5: 4 kb to 64 kb.
    pub list_max_listpack_size: i32,
    pub set_max_intset_entries: usize,
    pub set_max_listpack_entries: usize,
    pub set_max_listpack_value: usize,
    pub zset_max_listpack_entries: usize,
    pub zset_max_listpack_value: usize,
    pub hll_sparse_max_bytes: usize,
    pub stream_node_max_bytes: usize,
    pub stream_node_max_entries: i64,
}

/// A number of bytes, or a share of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    Bytes(u64),
    Percent(u64),
}

/// A password or a user name: it never shows in a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub Vec<u8>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputBufferLimits {
    pub normal: OutputBufferLimit,
    pub replica: OutputBufferLimit,
    pub pubsub: OutputBufferLimit,
}

/// What a signal asks of the shutdown; all false: save if there are save points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ShutdownFlags {
    pub save: bool,
    pub nosave: bool,
    pub now: bool,
    pub force: bool,
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("(secret)")
    }
}

impl Settings {
    /// Redis's defaults, with `dir` the folder `.`.
    pub fn defaults() -> Settings {
        super::Config::new(std::path::Path::new(".")).settings()
    }

    /// `requirepass`; empty when there is none.
    pub fn password(&self) -> &[u8] {
        self.requirepass.as_ref().map_or(&[], |secret| secret.0.as_slice())
    }

    /// Reads the values of all rows of the table, in its order.
    pub(super) fn build(values: &[Value]) -> Settings {
        Settings::read(&Reader::new(values))
    }

    pub(super) fn read(reader: &Reader) -> Settings {
        Settings {
            port: reader.number("port"),
            bind: reader.addresses("bind"),
            bind_source_addr: reader.address("bind-source-addr"),
            unixsocket: reader.path("unixsocket"),
            unixsocketperm: reader.number("unixsocketperm"),
            timeout_s: reader.number("timeout"),
            tcp_keepalive_s: reader.number("tcp-keepalive"),
            tcp_backlog: reader.number("tcp-backlog"),
            maxclients: reader.number("maxclients"),
            proto_max_bulk_len: reader.number("proto-max-bulk-len"),
            client_query_buffer_limit: reader.number("client-query-buffer-limit"),
            tracking_table_max_keys: reader.number("tracking-table-max-keys"),
            maxmemory_clients: reader.share("maxmemory-clients"),
            output_buffer_limits: reader.output_limits("client-output-buffer-limit"),
            protected_mode: reader.yes_no("protected-mode"),
            requirepass: reader.secret("requirepass"),
            aclfile: reader.path("aclfile"),
            acl_pubsub_default_all: reader.choice(
                "acl-pubsub-default",
                ChannelDefault::ALL,
                ChannelDefault::word,
            ) == ChannelDefault::AllChannels,
            acllog_max_len: reader.number("acllog-max-len"),
            enable_protected_configs: reader.choice(
                "enable-protected-configs",
                ProtectedAction::ALL,
                ProtectedAction::word,
            ),
            enable_debug_command: reader.choice(
                "enable-debug-command",
                ProtectedAction::ALL,
                ProtectedAction::word,
            ),
            enable_module_command: reader.choice(
                "enable-module-command",
                ProtectedAction::ALL,
                ProtectedAction::word,
            ),
            worker_threads: reader.number("worker-threads"),
            oom_score_adj: reader.choice("oom-score-adj", OomScoreAdj::ALL, OomScoreAdj::word),
            set_proc_title: reader.yes_no("set-proc-title"),
            proc_title_template: reader.bytes("proc-title-template"),
            oom_score_adj_values: reader.oom_scores("oom-score-adj-values"),
            pidfile: reader.path("pidfile"),
            crash_log_enabled: reader.yes_no("crash-log-enabled"),
            loglevel: reader.choice("loglevel", LogLevel::ALL, LogLevel::word),
            logfile: reader.path("logfile"),
            hz: reader.number("hz"),
            shutdown_timeout_s: reader.number("shutdown-timeout"),
            shutdown_on_sigint: reader.flags("shutdown-on-sigint"),
            shutdown_on_sigterm: reader.flags("shutdown-on-sigterm"),
            slowlog_log_slower_than_us: reader.number("slowlog-log-slower-than"),
            busy_reply_threshold_ms: reader.number("busy-reply-threshold"),
            slowlog_max_len: reader.number("slowlog-max-len"),
            watchdog_period_ms: reader.number("watchdog-period"),
            latency_monitor_threshold_ms: reader.number("latency-monitor-threshold"),
            latency_tracking: reader.yes_no("latency-tracking"),
            latency_tracking_info_percentiles: reader.percentiles("latency-tracking-info-percentiles"),
            dir: reader.directory("dir"),
            dbfilename: reader.file_name("dbfilename"),
            save: reader.save_points("save"),
            key_load_delay_us: reader.number("key-load-delay"),
            rdb_save_incremental_fsync: reader.yes_no("rdb-save-incremental-fsync"),
            rdb_key_save_delay_us: reader.number("rdb-key-save-delay"),
            rdbcompression: reader.yes_no("rdbcompression"),
            sanitize_dump_payload: reader.choice(
                "sanitize-dump-payload",
                SanitizeDump::ALL,
                SanitizeDump::word,
            ),
            rdbchecksum: reader.yes_no("rdbchecksum"),
            stop_writes_on_bgsave_error: reader.yes_no("stop-writes-on-bgsave-error"),
            appendonly: reader.yes_no("appendonly"),
            appendfilename: reader.file_name("appendfilename"),
            appenddirname: reader.file_name("appenddirname"),
            appendfsync: reader.choice("appendfsync", AppendFsync::ALL, AppendFsync::word),
            no_appendfsync_on_rewrite: reader.yes_no("no-appendfsync-on-rewrite"),
            auto_aof_rewrite_percentage: reader.number("auto-aof-rewrite-percentage"),
            auto_aof_rewrite_min_size: reader.number("auto-aof-rewrite-min-size"),
            aof_load_truncated: reader.yes_no("aof-load-truncated"),
            aof_use_rdb_preamble: reader.yes_no("aof-use-rdb-preamble"),
            aof_timestamp_enabled: reader.yes_no("aof-timestamp-enabled"),
            aof_rewrite_incremental_fsync: reader.yes_no("aof-rewrite-incremental-fsync"),
            aof_disable_auto_gc: reader.yes_no("aof-disable-auto-gc"),
            replicaof: reader.master("replicaof"),
            masterauth: reader.secret("masterauth"),
            masteruser: reader.secret("masteruser"),
            replica_serve_stale_data: reader.yes_no("replica-serve-stale-data"),
            replica_read_only: reader.yes_no("replica-read-only"),
            replica_priority: reader.number("replica-priority"),
            replica_announced: reader.yes_no("replica-announced"),
            replica_announce_ip: reader.optional_text("replica-announce-ip"),
            replica_announce_port: reader.number("replica-announce-port"),
            replica_lazy_flush: reader.yes_no("replica-lazy-flush"),
            repl_diskless_sync: reader.yes_no("repl-diskless-sync"),
            repl_diskless_sync_delay_s: reader.number("repl-diskless-sync-delay"),
            repl_diskless_sync_max_replicas: reader.number("repl-diskless-sync-max-replicas"),
            repl_diskless_load: reader.choice("repl-diskless-load", DisklessLoad::ALL, DisklessLoad::word),
            repl_disable_tcp_nodelay: reader.yes_no("repl-disable-tcp-nodelay"),
            repl_backlog_size: reader.number("repl-backlog-size"),
            replica_ignore_maxmemory: reader.yes_no("replica-ignore-maxmemory"),
            repl_backlog_ttl_s: reader.number("repl-backlog-ttl"),
            repl_timeout_s: reader.number("repl-timeout"),
            repl_ping_replica_period_s: reader.number("repl-ping-replica-period"),
            min_replicas_to_write: reader.number("min-replicas-to-write"),
            min_replicas_max_lag_s: reader.number("min-replicas-max-lag"),
            cluster_enabled: reader.yes_no("cluster-enabled"),
            cluster_config_file: reader.file_name("cluster-config-file"),
            cluster_node_timeout_ms: reader.number("cluster-node-timeout"),
            cluster_ping_interval_ms: reader.number("cluster-ping-interval"),
            cluster_port: reader.number("cluster-port"),
            cluster_announce_ip: reader.optional_text("cluster-announce-ip"),
            cluster_announce_hostname: reader.optional_text("cluster-announce-hostname"),
            cluster_announce_human_nodename: reader.optional_text("cluster-announce-human-nodename"),
            cluster_announce_port: reader.number("cluster-announce-port"),
            cluster_announce_tls_port: reader.number("cluster-announce-tls-port"),
            cluster_announce_bus_port: reader.number("cluster-announce-bus-port"),
            cluster_require_full_coverage: reader.yes_no("cluster-require-full-coverage"),
            cluster_allow_reads_when_down: reader.yes_no("cluster-allow-reads-when-down"),
            cluster_allow_pubsubshard_when_down: reader.yes_no("cluster-allow-pubsubshard-when-down"),
            cluster_replica_validity_factor: reader.number("cluster-replica-validity-factor"),
            cluster_migration_barrier: reader.number("cluster-migration-barrier"),
            cluster_allow_replica_migration: reader.yes_no("cluster-allow-replica-migration"),
            cluster_replica_no_failover: reader.yes_no("cluster-replica-no-failover"),
            cluster_fast_suspicion: reader.yes_no("cluster-fast-suspicion"),
            cluster_slot_stats_enabled: reader.yes_no("cluster-slot-stats-enabled"),
            cluster_bus_port_protected_mode: reader.yes_no("cluster-bus-port-protected-mode"),
            availability_zone: reader.optional_text("availability-zone"),
            auto_failover_on_shutdown: reader.yes_no("auto-failover-on-shutdown"),
            cluster_link_sendbuf_limit: reader.number("cluster-link-sendbuf-limit"),
            cluster_preferred_endpoint_type: reader.choice(
                "cluster-preferred-endpoint-type",
                EndpointType::ALL,
                EndpointType::word,
            ),
            databases: reader.number("databases"),
            maxmemory: reader.number("maxmemory"),
            maxmemory_policy: reader.choice("maxmemory-policy", MaxmemoryPolicy::ALL, MaxmemoryPolicy::word),
            maxmemory_samples: reader.number("maxmemory-samples"),
            maxmemory_eviction_tenacity: reader.number("maxmemory-eviction-tenacity"),
            lfu_log_factor: reader.number("lfu-log-factor"),
            lfu_decay_time: reader.number("lfu-decay-time"),
            active_expire_effort: reader.number("active-expire-effort"),
            notify_keyspace_events: reader.event_classes("notify-keyspace-events"),
            lazyfree_lazy_eviction: reader.yes_no("lazyfree-lazy-eviction"),
            lazyfree_lazy_expire: reader.yes_no("lazyfree-lazy-expire"),
            lazyfree_lazy_server_del: reader.yes_no("lazyfree-lazy-server-del"),
            lazyfree_lazy_user_del: reader.yes_no("lazyfree-lazy-user-del"),
            lazyfree_lazy_user_flush: reader.yes_no("lazyfree-lazy-user-flush"),
            hash_max_listpack_entries: reader.number("hash-max-listpack-entries"),
            hash_max_listpack_value: reader.number("hash-max-listpack-value"),
            list_max_listpack_size: reader.number("list-max-listpack-size"),
            set_max_intset_entries: reader.number("set-max-intset-entries"),
            set_max_listpack_entries: reader.number("set-max-listpack-entries"),
            set_max_listpack_value: reader.number("set-max-listpack-value"),
            zset_max_listpack_entries: reader.number("zset-max-listpack-entries"),
            zset_max_listpack_value: reader.number("zset-max-listpack-value"),
            hll_sparse_max_bytes: reader.number("hll-sparse-max-bytes"),
            stream_node_max_bytes: reader.number("stream-node-max-bytes"),
            stream_node_max_entries: reader.number("stream-node-max-entries"),
        }
    }

    /// `cluster-bus-port-protected-mode` wants a bus that knows its peers by their certificates (`tls-cluster`), which
    /// this node has not got.
    pub fn bus_protection_is_unmet(&self) -> bool {
        self.cluster_enabled && self.cluster_bus_port_protected_mode
    }

    /// The port of the cluster bus.
    pub fn bus_port(&self) -> Option<u16> {
        if self.cluster_port != 0 { Some(self.cluster_port) } else { self.port.checked_add(10000) }
    }

    /// What client-output-buffer-limit says of this kind of client.
    pub fn output_buffer_limit(&self, kind: ClientKind) -> OutputBufferLimit {
        match kind {
            ClientKind::Normal | ClientKind::Master => self.output_buffer_limits.normal,
            ClientKind::Replica => self.output_buffer_limits.replica,
            ClientKind::PubSub => self.output_buffer_limits.pubsub,
        }
    }

    /// What `maxmemory-clients` comes to in bytes; 0: no limit.
    pub fn client_memory_limit(&self) -> u64 {
        match self.maxmemory_clients {
            Share::Percent(percent) => (u128::from(self.maxmemory) * u128::from(percent) / 100) as u64,
            Share::Bytes(bytes) => bytes,
        }
    }

    /// How many threads serve clients.
    pub fn worker_thread_count(&self) -> usize {
        match self.worker_threads {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            count => count,
        }
    }

    /// A path of the settings, made absolute.
    pub fn resolve(&self, path: impl AsRef<std::path::Path>) -> PathBuf {
        self.dir.join(path)
    }
}
