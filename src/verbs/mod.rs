//! One file a verb: its arguments (the doc comments are the help) and the order of what it does.

pub mod add_node;
pub mod add_replica;
pub mod call;
mod change;
pub mod check;
pub mod create;
pub mod failover;
pub mod fix;
pub mod info;
mod newcomer;
pub mod nodes;
pub mod rebalance;
pub mod replace_node;
pub mod reshard;
pub mod scale_down;
pub mod slot_info;
