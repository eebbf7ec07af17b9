//! Masters and their replicas.

use crate::config::choices::DisklessLoad;
use crate::config::directive::*;

const INT_MAX: i64 = i32::MAX as i64;
const ERRORS: Standing = no_effect("what fails on a replica alone is logged, and it follows on");

pub const DIRECTIVES: &[Directive] = &[
    Directive::new("replicaof", Kind::ReplicaOf, "no one", EFFECT).alias("slaveof").immutable(),
    text("masterauth", "", EFFECT).sensitive(),
    text("masteruser", "", EFFECT).sensitive(),
    yes_no("replica-serve-stale-data", "yes", EFFECT).alias("slave-serve-stale-data"),
    yes_no("replica-read-only", "yes", EFFECT).alias("slave-read-only"),
    integer("replica-priority", 0, INT_MAX, "100", EFFECT).alias("slave-priority"),
    yes_no("replica-announced", "yes", EFFECT),
    text("replica-announce-ip", "", EFFECT).alias("slave-announce-ip"),
    integer("replica-announce-port", 0, 65535, "0", EFFECT).alias("slave-announce-port"),
    yes_no("replica-lazy-flush", "no", EFFECT).alias("slave-lazy-flush"),
    yes_no("replica-ignore-maxmemory", "yes", EFFECT).alias("slave-ignore-maxmemory"),
    yes_no("replica-ignore-disk-write-errors", "no", ERRORS),
    choice("propagation-error-behavior", &["ignore", "panic", "panic-on-replicas"], "ignore", ERRORS),
    yes_no("repl-diskless-sync", "yes", EFFECT),
    integer("repl-diskless-sync-delay", 0, INT_MAX, "5", EFFECT),
    integer("repl-diskless-sync-max-replicas", 0, INT_MAX, "0", EFFECT),
    choice("repl-diskless-load", DisklessLoad::WORDS, "disabled", EFFECT).denied_while_loading(),
    yes_no("repl-disable-tcp-nodelay", "no", EFFECT),
    memory("repl-backlog-size", 1, i64::MAX as u64, "1mb", EFFECT),
    integer("repl-backlog-ttl", 0, i64::MAX, "3600", EFFECT),
    integer("repl-timeout", 1, INT_MAX, "60", EFFECT),
    integer("repl-ping-replica-period", 1, INT_MAX, "10", EFFECT).alias("repl-ping-slave-period"),
    integer("min-replicas-to-write", 0, INT_MAX, "0", EFFECT).alias("min-slaves-to-write"),
    integer("min-replicas-max-lag", 0, INT_MAX, "10", EFFECT).alias("min-slaves-max-lag"),
];
