//! What a node keeps: the data types with their encodings, the keyspace over them, and the RDB codec.
//!
//! Pure data: no clock, no entropy, no socket and no file. Time in, randomness in, bytes in and out. Which node owns a slot, what is
//! replicated and what a client is told is decided elsewhere.

pub mod aof;
pub mod encoding;
pub mod entry;
pub mod eviction;
pub mod keyspace;
pub mod outlet;
pub mod prefetch;
pub mod rdb;
pub mod snapshot;
pub mod table;
pub mod types;
