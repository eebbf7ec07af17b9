//! The commands: each a const literal beside its handler, in families.

use crate::command::CommandSpec;

pub mod cluster;
pub mod connection;

/// All commands. A new family is added here, and nowhere else.
pub const FAMILIES: &[&[CommandSpec]] = &[cluster::COMMANDS, connection::COMMANDS];
