//! What a member is started with: settings of redis.conf, and what nodes.conf remembers.

/// The settings that the cluster core reads. Defaults are Redis's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The client port that is announced (`cluster-announce-port`, else `port`; the TLS port with
    /// `tls-cluster`).
    pub port: u16,
    /// The plaintext port beside a TLS `port`; 0 when there is no second one.
    pub second_port: u16,
    /// The bus port that is announced (`cluster-announce-bus-port`, else `cluster-port`, else port + 10000).
    pub bus_port: u16,
    /// `cluster-announce-ip`; `None` lets peers go by the address they see.
    pub announce_ip: Option<String>,
    /// `cluster-announce-hostname`; empty for none.
    pub hostname: String,
    /// `cluster-announce-human-nodename`; empty for none.
    pub human_name: String,
    /// The availability zone that we are in, to be shown to clients. Empty: none.
    pub zone: String,
    /// `cluster-node-timeout`.
    pub node_timeout_ms: u64,
    /// `cluster-ping-interval`: a node whose last pong is older is pinged. `None`: half the node timeout.
    pub ping_interval_ms: Option<u64>,
    /// `cluster-replica-validity-factor`; 0 means that a replica's data never count as too old.
    pub replica_validity_factor: u64,
    /// `repl-ping-replica-period`, for how old a replica's data may be.
    pub replica_ping_period_ms: u64,
    /// `cluster-migration-barrier`.
    pub migration_barrier: usize,
    /// `cluster-allow-replica-migration`.
    pub allow_replica_migration: bool,
    /// `cluster-require-full-coverage`.
    pub require_full_coverage: bool,
    /// `cluster-allow-reads-when-down`.
    pub allow_reads_when_down: bool,
    /// `cluster-allow-pubsubshard-when-down`.
    pub allow_pubsubshard_when_down: bool,
    /// `cluster-replica-no-failover`.
    pub replica_no_failover: bool,
    /// `cluster-fast-suspicion`: a peer whose process is known to be gone is suspected before the node timeout.
    pub fast_suspicion: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            port: 6379,
            second_port: 0,
            bus_port: 16379,
            announce_ip: None,
            hostname: String::new(),
            human_name: String::new(),
            zone: String::new(),
            node_timeout_ms: 15_000,
            ping_interval_ms: None,
            replica_validity_factor: 10,
            replica_ping_period_ms: 10_000,
            migration_barrier: 1,
            allow_replica_migration: true,
            require_full_coverage: true,
            allow_reads_when_down: false,
            allow_pubsubshard_when_down: true,
            replica_no_failover: false,
            fast_suspicion: true,
        }
    }
}

/// What nodes.conf holds, checked. See `nodes_conf` for the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Persistent {
    /// Every node's line; just one has the `myself` flag.
    pub nodes: Vec<rcl_proto::nodes_text::NodeLine>,
    pub current_epoch: u64,
    pub last_vote_epoch: u64,
    /// Our shard's id, if the file has it.
    pub shard_id: Option<rcl_proto::NodeId>,
    /// Our own config epoch, where our line shows our master's.
    pub config_epoch: Option<u64>,
}

/// What is wrong with a nodes.conf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersistentError {
    /// From 1; 0 when the whole file is meant.
    pub line: usize,
    pub reason: String,
}

impl std::fmt::Display for PersistentError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            0 => write!(f, "corrupted cluster config file: {}", self.reason),
            line => write!(f, "corrupted cluster config file, line {line}: {}", self.reason),
        }
    }
}

impl std::error::Error for PersistentError {}

impl Persistent {
    /// Parses the text of a nodes.conf, ours or Redis's. `Ok(None)` for an empty one.
    pub fn parse(text: &str) -> Result<Option<Persistent>, PersistentError> {
        crate::nodes_conf::parse(text)
    }
}
