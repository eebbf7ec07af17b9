//! The node: a server for Redis's client protocol, replication protocol and cluster bus, around the pure crates
//! `rcl-proto` (words), `rcl-cluster` (the cluster core) and `rcl-store` (the data).
//!
//! ```text
//!  net        sockets, worker threads, connections        ─┐
//!  control    the cluster core's driver, bus, cron          │ the edge
//!  persistence, replication/…                             ─┘
//!     │ a request's bytes
//!  executor   look up → gate → lock → run → log the effects
//!     │
//!  commands   the handlers, free of I/O   (command: what a command is)
//!     │
//!  shard      data, map, waiters behind one lock
//! ```

pub mod access;
pub mod allocator;
pub mod applying;
pub mod client;
pub mod clock;
pub mod command;
pub mod command_stats;
pub mod commands;
pub mod config;
pub mod control;
mod crash;
mod cron;
pub mod disk;
pub mod eviction;
pub mod executor;
pub mod expiry;
mod hand_over;
mod histogram;
pub mod info;
mod latency;
mod lazy_free;
mod logging;
pub mod migration;
pub mod monitor;
pub mod net;
pub mod node;
mod oom_score;
pub mod pause;
pub mod persistence;
mod process_title;
pub mod pubsub;
mod reconfigure;
pub mod replication;
pub mod routing;
pub mod scheduling;
pub mod scripting;
pub mod server;
pub mod shard;
mod shutdown;
mod sleep;
pub mod slowlog;
pub mod stats;
pub mod tracking;
pub mod watchdog;

pub use server::{main_on_disk, main_with_args};

/// The version of Redis whose commands and replies the node follows, as INFO and HELLO say it.
pub const REDIS_VERSION: &str = "7.2.6";
