//! `rcl`, the operator's tool of a Redis or Valkey Cluster, as a library.
//!
//! ```text
//! verbs      one file a verb: its arguments, and the order of what it does
//!   topology   the cluster as all its nodes see it, merged; pure
//!   health     what is wrong with it, and what mends that; pure
//!   plan       topology + wish -> steps; pure
//!   apply      carries the steps out
//! describe   a cluster as a file describes it; pure
//! keys       the keys of a living cluster: found, asked about, measured
//!   backup     copies of all masters in a folder, and back
//!   verify     whether two data sets are the same
//!   import     keys from elsewhere
//!   journal    what is written down meanwhile, for going on and taking back
//! preflight  whether nodes can become a cluster
//! connect    one connection to one node
//! output     tables, JSON, YAML, progress
//! key_slot, demo    where keys live; what the workshop shows of it
//! watch      the cluster as it changes
//! metrics    its figures, for Prometheus
//! lab        nodes on this machine
//! dialect    rcl under the name of redis-cli
//! wire       a blocking connection, for what asks one node one thing at a time
//! cli        the command line: global options, exit codes, the question before a change
//! ```
//!
//! Every verb that changes a cluster observes, plans, shows, confirms, applies, in this order.

pub mod apply;
pub mod backup;
pub mod cli;
pub mod connect;
pub mod demo;
pub mod describe;
pub mod dialect;
pub mod health;
pub mod import;
pub mod journal;
pub mod key_slot;
pub mod keys;
pub mod lab;
pub mod metrics;
pub mod output;
pub mod plan;
pub mod preflight;
pub mod topology;
pub mod verbs;
pub mod verify;
pub mod watch;
pub mod wire;
