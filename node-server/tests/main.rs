//! A node in real processes, alone, with others, and beside `redis-server`. One program for all themes but `crash`, whose nodes
//! are processes of the tests' own program, so that it has to be a small one.
//!
//! `cargo test -p rcl-node --test node` runs all, `cargo test -p rcl-node --test node -- replication::` this theme.

mod harness;
#[path = "../../tests/harness/load/mod.rs"]
mod load;

mod cluster;
mod crash_report;
mod differential;
mod facts;
mod memory;
mod migrate;
mod reconfigure;
mod replication;
mod scripting;
