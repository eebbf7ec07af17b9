//! The commands: each a const literal beside its handler, in families.

use crate::command::CommandSpec;

pub mod connection;
pub mod strings;

/// All commands. A new family is added here, and nowhere else.
pub const FAMILIES: &[&[CommandSpec]] = &[connection::COMMANDS, strings::COMMANDS];
