//! HyperLogLog: counting different elements in a few kilobytes.

mod count;
mod debug;

use rcl_store::entry::Entry;
use rcl_store::types::ValueRef;
use rcl_store::types::hyperloglog::{self, Corrupt, Form};

use crate::command::{CommandError, CommandSpec};

pub const COMMANDS: &[CommandSpec] =
    &[count::PFADD, count::PFCOUNT, count::PFMERGE, debug::PFDEBUG, debug::PFSELFTEST];

const NOT_ONE: CommandError = CommandError::fixed("WRONGTYPE Key is not a valid HyperLogLog string value.");

fn corrupt(_: Corrupt) -> CommandError {
    CommandError::fixed("INVALIDOBJ Corrupted HLL object detected")
}

/// The bytes of a string that has the header of a HyperLogLog.
fn of_entry(entry: &Entry) -> Result<(&[u8], Form), CommandError> {
    match entry.value() {
        ValueRef::String(bytes) => hyperloglog::form(bytes).map(|form| (bytes, form)).ok_or(NOT_ONE),
        ValueRef::Int(_) => Err(NOT_ONE),
        _ => Err(CommandError::WRONG_TYPE),
    }
}

#[cfg(test)]
mod tests;
