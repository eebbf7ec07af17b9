//! What a node stands on, as it was asked and tried from here.

use std::collections::BTreeMap;

use rcl_proto::NodeId;

use crate::topology::Topology;

/// A port that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Door {
    Open,
    /// Why not.
    Shut(String),
    /// There is no address to try.
    Unknown,
}

/// One node. What it does not tell is empty.
#[derive(Clone, Debug)]
pub struct NodeGround {
    /// CONFIG GET; `None`: it does not let us.
    pub settings: Option<BTreeMap<String, String>>,
    /// INFO.
    pub info: BTreeMap<String, String>,
    /// The default user is on, needs no password, and may do everything.
    pub lets_everybody_in: bool,
    /// Commands that rcl needs, and that it does not know.
    pub missing_commands: Vec<String>,
    /// The address that it announces to clients.
    pub client_door: Door,
    pub bus_door: Door,
    /// The longest of some PINGs.
    pub slowest_ping_ms: u64,
    /// Into its replication stream, while we looked.
    pub written_bytes_per_second: u64,
}

/// All nodes that answer.
#[derive(Clone, Debug, Default)]
pub struct Ground(pub BTreeMap<NodeId, NodeGround>);

impl Ground {
    pub fn by_address(&self, topology: &Topology) -> Vec<(&NodeId, &NodeGround)> {
        let mut nodes: Vec<_> = self.0.iter().collect();
        nodes.sort_by_key(|(id, _)| (topology.node(**id).map(|node| &node.address), **id));
        nodes
    }

    pub fn those(&self, fits: impl Fn(&NodeGround) -> bool) -> Vec<NodeId> {
        self.0.iter().filter(|(_, here)| fits(here)).map(|(id, _)| *id).collect()
    }
}

impl NodeGround {
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings.as_ref()?.get(name).map(String::as_str)
    }

    /// Of a number, in whatever unit the directive has.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.setting(name)?.parse().ok()
    }

    pub fn says(&self, name: &str, value: &str) -> bool {
        self.setting(name) == Some(value)
    }

    pub fn info_number(&self, name: &str) -> u64 {
        self.info.get(name).and_then(|value| value.parse().ok()).unwrap_or(0)
    }

    /// It listens on this machine only, so nobody else gets at it.
    pub fn is_local(&self) -> bool {
        let bind = self.setting("bind").unwrap_or_default();
        let local = |address: &str| {
            let address = address.trim_start_matches('-');
            address == "localhost" || address.parse::<core::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
        };
        !bind.is_empty() && bind.split_whitespace().all(local)
    }

    /// `redis 7.0.15`, `valkey 9.0.1`.
    pub fn server(&self) -> String {
        let field = |name: &str| self.info.get(name).map(String::as_str);
        let version = field("valkey_version").or(field("redis_version")).unwrap_or("unknown");
        format!("{} {version}", field("server_name").unwrap_or("redis"))
    }
}

/// Settings that decide what is kept, what is thrown away, who gets in and how values are laid out: the same everywhere, or somebody
/// decided otherwise. A node that takes another's place takes its settings' place, too.
pub const SETTINGS_OF_NOTE: &[&str] = &[
    "maxmemory",
    "maxmemory-policy",
    "appendonly",
    "appendfsync",
    "save",
    "databases",
    "timeout",
    "tcp-keepalive",
    "maxclients",
    "protected-mode",
    "min-replicas-to-write",
    "min-replicas-max-lag",
    "repl-timeout",
    "repl-backlog-size",
    "repl-diskless-sync",
    "client-output-buffer-limit",
    "proto-max-bulk-len",
    "notify-keyspace-events",
    "cluster-node-timeout",
    "cluster-require-full-coverage",
    "cluster-allow-reads-when-down",
    "cluster-replica-validity-factor",
    "cluster-migration-barrier",
    "cluster-replica-no-failover",
    "tls-cluster",
    "tls-replication",
    "hash-max-listpack-entries",
    "hash-max-listpack-value",
    "list-max-listpack-size",
    "list-compress-depth",
    "set-max-intset-entries",
    "zset-max-listpack-entries",
    "zset-max-listpack-value",
    "lazyfree-lazy-eviction",
    "lazyfree-lazy-expire",
];
