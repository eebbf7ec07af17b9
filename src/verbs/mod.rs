//! One file a verb: its arguments (the doc comments are the help) and the order of what it does.

pub mod add_node;
pub mod add_replica;
pub mod backup;
pub mod bigkeys;
pub mod call;
mod change;
pub mod check;
pub mod create;
pub mod failover;
pub mod fix;
pub mod hotkeys;
pub mod import;
pub mod info;
pub mod keys_in_slot;
mod newcomer;
pub mod nodes;
mod origin;
pub mod rebalance;
pub mod replace_node;
pub mod reshard;
pub mod restore;
pub mod scale_down;
pub mod slot_info;
pub mod verify;
