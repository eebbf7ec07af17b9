//! Replication, the RDB file and the append-only file, with real processes: nodes of ours beside `redis-server`, each as a master and as a
//! replica of the other.

mod access;
mod append_only;
mod append_only_forms;
mod chaos;
mod cluster;
mod data;
mod field_expiry;
mod files;
mod forms;
mod limits;
mod load;
mod proxy;
mod resync;
mod slots;
mod streams;
mod transfer;
mod waiting;
mod words;
