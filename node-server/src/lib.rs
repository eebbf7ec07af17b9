//! The node: the server around the pure crates `proto`, `cluster` and `store`.

pub mod config;
