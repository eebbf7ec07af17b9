//! The arguments of the CLUSTER subcommands, with Redis's error texts.

use rcl_proto::resp::Args;
use rcl_proto::{Slot, SlotRange};
use rcl_store::types::parse_integer;

use crate::command::CommandError;

const BAD_SLOT: CommandError = CommandError::fixed("ERR Invalid or out of range slot");

pub fn slot(text: &[u8]) -> Result<Slot, CommandError> {
    parse_integer(text).and_then(slot_number).ok_or(BAD_SLOT)
}

pub fn slot_number(number: i64) -> Option<Slot> {
    u16::try_from(number).ok().and_then(Slot::new)
}

pub fn integer(text: &[u8]) -> Result<i64, CommandError> {
    parse_integer(text).ok_or(CommandError::NOT_INTEGER)
}

/// Single slots, from argument 2 on.
pub fn slots(args: Args<'_>) -> Result<Vec<SlotRange>, CommandError> {
    args.from(2)
        .iter()
        .map(|text| slot(text).and_then(|slot| SlotRange::new(slot, slot).ok_or(BAD_SLOT)))
        .collect()
}

/// Pairs of a first and a last slot, from argument 2 on.
pub fn slot_ranges(args: Args<'_>) -> Result<Vec<SlotRange>, CommandError> {
    let numbers = args.from(2).iter().map(slot).collect::<Result<Vec<_>, _>>()?;
    let pairs = numbers.chunks(2).map(|pair| match *pair {
        [first, last] => SlotRange::new(first, last).ok_or_else(|| {
            let text = format!("ERR start slot number {first} is greater than end slot number {last}");
            CommandError::new(text)
        }),
        _ => Err(BAD_SLOT),
    });
    pairs.collect()
}

/// More arguments than the subcommand takes.
pub fn too_many(subcommand: &[u8]) -> CommandError {
    let name = String::from_utf8_lossy(subcommand.get(..128).unwrap_or(subcommand));
    CommandError::new(format!(
        "ERR unknown subcommand or wrong number of arguments for '{name}'. Try CLUSTER HELP."
    ))
}
