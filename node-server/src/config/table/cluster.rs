//! Redis Cluster.

use super::checks;
use crate::config::choices::EndpointType;
use crate::config::directive::*;

const INT_MAX: i64 = i32::MAX as i64;

pub const DIRECTIVES: &[Directive] = &[
    yes_no("cluster-enabled", "no", EFFECT).immutable(),
    text("cluster-config-file", "nodes.conf", EFFECT).immutable(),
    integer("cluster-node-timeout", 0, i64::MAX, "15000", EFFECT),
    // 0: half the node timeout.
    integer("cluster-ping-interval", 0, i64::MAX, "0", EFFECT).hidden(),
    // 0: the client port plus 10000.
    integer("cluster-port", 0, 65535, "0", EFFECT).immutable(),
    text("cluster-announce-ip", "", EFFECT),
    checked_text("cluster-announce-hostname", checks::hostname, "", EFFECT),
    checked_text("cluster-announce-human-nodename", checks::human_nodename, "", EFFECT),
    integer("cluster-announce-port", 0, 65535, "0", EFFECT),
    integer("cluster-announce-tls-port", 0, 65535, "0", EFFECT),
    integer("cluster-announce-bus-port", 0, 65535, "0", EFFECT),
    yes_no("cluster-require-full-coverage", "yes", EFFECT),
    yes_no("cluster-allow-reads-when-down", "no", EFFECT),
    yes_no("cluster-allow-pubsubshard-when-down", "yes", EFFECT),
    integer("cluster-replica-validity-factor", 0, INT_MAX, "10", EFFECT)
        .alias("cluster-slave-validity-factor"),
    integer("cluster-migration-barrier", 0, INT_MAX, "1", EFFECT),
    yes_no("cluster-allow-replica-migration", "yes", EFFECT),
    yes_no("cluster-replica-no-failover", "no", EFFECT).alias("cluster-slave-no-failover"),
    // Ours: a peer whose process is known to be gone is suspected before the node timeout.
    yes_no("cluster-fast-suspicion", "yes", EFFECT),
    // Redis 8's: a bus whose peers are not known by their certificates is refused, at the start and by CONFIG SET.
    yes_no("cluster-bus-port-protected-mode", "no", EFFECT),
    // Valkey's.
    yes_no("cluster-slot-stats-enabled", "no", EFFECT),
    checked_text("availability-zone", checks::zone, "", EFFECT),
    yes_no("auto-failover-on-shutdown", "no", EFFECT),
    memory("cluster-link-sendbuf-limit", 0, u64::MAX, "0", EFFECT),
    choice("cluster-preferred-endpoint-type", EndpointType::WORDS, "ip", EFFECT),
];
