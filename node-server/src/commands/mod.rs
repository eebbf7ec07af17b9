//! The commands: each a const literal beside its handler, in families.

use crate::command::CommandSpec;

pub mod connection;
pub mod hashes;
pub mod lists;
mod scan_options;
pub mod sets;
pub mod sorted_sets;

/// All commands. A new family is added here, and nowhere else.
pub const FAMILIES: &[&[CommandSpec]] = &[connection::COMMANDS, hashes::COMMANDS, lists::COMMANDS, sets::COMMANDS, sorted_sets::COMMANDS];
