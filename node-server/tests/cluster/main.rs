//! Nodes of a cluster as processes: ours alone, and ours beside redis-server.
//!
//! What needs a redis-server says `SKIPPED` loudly where the machine has none.

mod both;
mod bus;
mod busy;
mod client;
mod failover;
mod files;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "../harness/mod.rs"]
mod harness;
mod loading;
mod mixed;
mod own;
mod replies;
mod routing;
mod server;
mod setslot;
mod sharded_channels;
mod slot_stats;
mod waiting;
