//! Nodes of a cluster as processes: ours alone, and ours beside redis-server.
//!
//! What needs a redis-server says `SKIPPED` loudly where the machine has none.

mod addresses;
mod both;
mod bus;
mod busy;
mod client;
mod failover;
mod files;
mod folders;
mod hand_over;
mod handover;
mod loading;
mod messages;
mod mixed;
mod moves;
mod own;
mod partition;
mod replicas;
mod replies;
mod routing;
mod scripts;
mod server;
mod setslot;
mod sharded_channels;
mod slot_stats;
mod typed;
mod waiting;
