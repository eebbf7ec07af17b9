//! Sockets, clients and their limits, and TLS.

use super::checks;
use crate::config::directive::*;

const TLS: Standing = refused("TLS is not there yet");
const INT_MAX: i64 = i32::MAX as i64;
const LONG_MAX: u64 = i64::MAX as u64;

pub const DIRECTIVES: &[Directive] = &[
    integer("port", 0, 65535, "6379", EFFECT),
    Directive::new("bind", Kind::Bind, "* -::*", EFFECT),
    checked_text("bind-source-addr", checks::optional_address, "", EFFECT),
    integer("socket-mark-id", 0, u32::MAX as i64, "0", refused("sockets can't be marked yet")).immutable(),
    text("unixsocket", "", EFFECT).immutable(),
    Directive::new(
        "unixsocketperm",
        Kind::Number { notation: Notation::Octal, low: 0, high: 0o777 },
        "0",
        EFFECT,
    )
    .immutable(),
    integer("timeout", 0, INT_MAX, "0", EFFECT),
    integer("tcp-keepalive", 0, INT_MAX, "300", EFFECT),
    integer("tcp-backlog", 0, INT_MAX, "511", EFFECT).immutable(),
    integer("maxclients", 1, u32::MAX as i64, "10000", EFFECT),
    memory("proto-max-bulk-len", 1 << 20, LONG_MAX, "512mb", EFFECT),
    memory("client-query-buffer-limit", 1 << 20, LONG_MAX, "1gb", EFFECT),
    Directive::new(
        "client-output-buffer-limit",
        Kind::OutputBufferLimit,
        "normal 0 0 0 replica 256mb 64mb 60 pubsub 32mb 8mb 60",
        EFFECT,
    ),
    Directive::new(
        "maxmemory-clients",
        Kind::Number { notation: Notation::MemoryOrPercent, low: -100, high: i64::MAX as i128 },
        "0",
        EFFECT,
    ),
    integer("tracking-table-max-keys", 0, i64::MAX, "1000000", EFFECT),
    integer("tls-port", 0, 65535, "0", TLS),
    integer("tls-session-cache-size", 0, INT_MAX, "20480", TLS),
    integer("tls-session-cache-timeout", 0, INT_MAX, "300", TLS),
    yes_no("tls-cluster", "no", TLS),
    yes_no("tls-replication", "no", TLS),
    choice("tls-auth-clients", &["no", "yes", "optional"], "yes", TLS),
    yes_no("tls-prefer-server-ciphers", "no", TLS),
    yes_no("tls-session-caching", "yes", TLS),
    text("tls-cert-file", "", TLS),
    text("tls-key-file", "", TLS),
    text("tls-key-file-pass", "", TLS).sensitive(),
    text("tls-client-cert-file", "", TLS),
    text("tls-client-key-file", "", TLS),
    text("tls-client-key-file-pass", "", TLS).sensitive(),
    text("tls-dh-params-file", "", TLS),
    text("tls-ca-cert-file", "", TLS),
    text("tls-ca-cert-dir", "", TLS),
    text("tls-protocols", "", TLS),
    text("tls-ciphers", "", TLS),
    text("tls-ciphersuites", "", TLS),
];
