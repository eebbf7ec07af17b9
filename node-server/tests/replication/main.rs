//! Replication and the RDB file, with real processes: nodes of ours beside `redis-server`, each as a master and as a
//! replica of the other.

mod cluster;
mod data;
mod files;
mod limits;
mod server;
mod streams;
mod transfer;
mod words;
