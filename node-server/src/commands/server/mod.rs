//! The node as a whole: its configuration, its data set, what it tells of itself.

mod command_info;
mod config;
mod data_set;
mod debug;
mod debug_data;
mod debug_digest;
mod debug_layout;
mod debug_protocol;
mod debug_tables;
mod info;
mod latency;
mod lolwut;
mod memory;
mod module;
mod monitor;
mod slowlog;

use crate::command::CommandSpec;

pub const COMMANDS: &[CommandSpec] = &[
    command_info::COMMAND_COMMAND,
    config::CONFIG,
    data_set::DBSIZE,
    debug::DEBUG,
    data_set::FLUSHALL,
    data_set::FLUSHDB,
    info::INFO,
    latency::LATENCY,
    lolwut::LOLWUT,
    memory::MEMORY,
    module::MODULE,
    monitor::MONITOR,
    slowlog::SLOWLOG,
    data_set::SWAPDB,
    info::TIME,
];
