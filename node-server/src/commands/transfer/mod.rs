//! Keys as bytes: DUMP and RESTORE, and MIGRATE, which moves keys to another node.

mod dump;
mod migrate;

use crate::command::CommandSpec;

pub const COMMANDS: &[CommandSpec] = &[dump::DUMP, migrate::MIGRATE, dump::RESTORE, dump::RESTORE_ASKING];
