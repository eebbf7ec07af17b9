//! Looks at every byte of a listpack from outside, so that all other code may trust it.

use super::entry::{backlen_size, integer_length, read_backlen};
use super::{COUNT_UNKNOWN, END, HEADER};
use crate::encoding::Malformed;

pub(super) fn validate(bytes: &[u8]) -> Result<(), Malformed> {
    let malformed = |offset, expected| Err(Malformed { offset, expected });
    let [t0, t1, t2, t3, c0, c1, ..] = *bytes else { return malformed(0, "a listpack header of 6 bytes") };
    if u32::from_le_bytes([t0, t1, t2, t3]) as usize != bytes.len() {
        return malformed(0, "the listpack's own length");
    }
    let end = match bytes.split_last() {
        Some((&END, rest)) if rest.len() >= HEADER => rest.len(),
        _ => return malformed(bytes.len().saturating_sub(1), "the listpack's end byte 0xFF"),
    };
    let mut position = HEADER;
    let mut elements: usize = 0;
    while position < end {
        position = validate_entry(&bytes[..end], position)?;
        elements += 1;
    }
    let claimed = u16::from_le_bytes([c0, c1]);
    if claimed != COUNT_UNKNOWN && usize::from(claimed) != elements {
        return malformed(4, "the listpack's element count");
    }
    Ok(())
}

/// The position after the entry at `position`.
fn validate_entry(bytes: &[u8], position: usize) -> Result<usize, Malformed> {
    let malformed = |expected| Malformed { offset: position, expected };
    let cut = || malformed("a whole listpack entry");
    let rest = &bytes[position..];
    let byte = |index: usize| rest.get(index).copied().map(usize::from).ok_or_else(cut);
    let first = *rest.first().ok_or_else(cut)?;
    let length = match first {
        0..0x80 => 1,
        0x80..0xC0 => 1 + usize::from(first & 0x3F),
        0xC0..0xE0 => 2,
        0xE0..0xF0 => 2 + (usize::from(first & 0x0F) << 8 | byte(1)?),
        0xF0 => 5usize.saturating_add(byte(1)? | byte(2)? << 8 | byte(3)? << 16 | byte(4)? << 24),
        0xF1..=0xF4 => 1 + integer_length(first),
        _ => return Err(malformed("a listpack encoding")),
    };
    let whole = length.saturating_add(backlen_size(length));
    let entry = rest.get(..whole).ok_or_else(cut)?;
    if read_backlen(entry) != length {
        return Err(malformed("a listpack entry whose backlen is its length"));
    }
    Ok(position + whole)
}
