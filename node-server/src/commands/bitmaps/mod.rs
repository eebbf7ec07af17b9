//! Strings as arrays of bits and of integers of any width.

mod bits;
mod combine;
mod field;
mod range;

use crate::command::{CommandError, CommandSpec, Data};

pub const COMMANDS: &[CommandSpec] = &[
    range::BITCOUNT,
    field::BITFIELD,
    field::BITFIELD_RO,
    combine::BITOP,
    range::BITPOS,
    bits::GETBIT,
    bits::SETBIT,
];

/// Lets `change` edit a string that reaches to the byte `last`: one that is shorter, or not there, is filled up with
/// zeroes first. Says too whether it was.
fn edit<T>(
    data: &mut Data<'_>,
    key: &[u8],
    last: u64,
    change: impl FnOnce(&mut [u8]) -> T,
) -> Result<(T, bool), CommandError> {
    let length = usize::try_from(last).map_or(usize::MAX, |last| last.saturating_add(1));
    if let Some(entry) = data.find_mut(key) {
        let old_length = entry.value().as_string().ok_or(CommandError::WRONG_TYPE)?.len();
        if old_length >= length
            && let Some(bytes) = entry.string_bytes_mut()
        {
            return Ok((change(bytes), false));
        }
    } else {
        let mut bytes = Vec::new();
        fill_up(&mut bytes, length)?;
        let answer = change(&mut bytes);
        data.put_raw(key, bytes);
        return Ok((answer, true));
    }
    let edited = data.find_mut(key).and_then(|entry| {
        entry.edit_string(|bytes| {
            let grows = bytes.len() < length;
            fill_up(bytes, length)?;
            Ok((change(bytes), grows))
        })
    });
    edited.unwrap_or(Err(CommandError::WRONG_TYPE))
}

/// What a master asks for is not bounded by a limit, only by memory.
fn fill_up(bytes: &mut Vec<u8>, length: usize) -> Result<(), CommandError> {
    if bytes.len() < length {
        bytes.try_reserve(length - bytes.len()).map_err(|_| CommandError::STRING_TOO_LONG)?;
        bytes.resize(length, 0);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
