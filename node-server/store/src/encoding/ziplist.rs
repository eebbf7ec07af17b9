//! Ziplist, what small collections were packed in before Redis 7.0. Only read, into a listpack.
//!
//! ```text
//! total bytes u32 LE | offset of the last entry u32 LE | elements u16 LE | entry … | 0xFF
//! entry:     length of the entry before: u8, or 0xFE and u32 LE | encoding | data
//! encoding:  00llllll                 string up to 63 bytes
//!            01llllll llllllll        string up to 16383 bytes
//!            0x80 u32 BE              longer string
//!            0xC0 i16  0xD0 i32  0xE0 i64  0xF0 i24  0xFE i8    LE
//!            0xF1 … 0xFD              integer 0 … 12
//! ```

use super::{Listpack, Malformed};
use crate::types::Element;

const HEADER: usize = 10;
const END: u8 = 0xFF;

pub fn to_listpack(bytes: &[u8]) -> Result<Listpack, Malformed> {
    let malformed = |offset, expected| Malformed { offset, expected };
    let total: Option<[u8; 4]> = bytes.first_chunk().copied();
    if total.map(u32::from_le_bytes).is_none_or(|total| total as usize != bytes.len()) {
        return Err(malformed(0, "the ziplist's own length"));
    }
    let Some(&[_, _, _, _, last @ .., count_low, count_high]) = bytes.first_chunk::<HEADER>() else {
        return Err(malformed(0, "a ziplist header of 10 bytes"));
    };
    let (last, count) = (u32::from_le_bytes(last) as usize, u16::from_le_bytes([count_low, count_high]));
    let mut listpack = Listpack::new();
    let mut position = HEADER;
    let mut elements: usize = 0;
    let (mut length_before, mut position_before) = (0, None);
    loop {
        match bytes.get(position) {
            None => return Err(malformed(position, "the ziplist's end byte 0xFF")),
            Some(&END) => break,
            Some(_) => {}
        }
        let entry = bytes.get(position..).and_then(read_entry);
        let Entry { length_of_previous, element, length } =
            entry.ok_or(malformed(position, "a whole ziplist entry"))?;
        if length_of_previous != length_before {
            return Err(malformed(position, "the length of the ziplist entry before"));
        }
        (length_before, position_before) = (length, Some(position));
        listpack.push_back_element(element);
        position += length;
        elements += 1;
    }
    if position + 1 != bytes.len() {
        return Err(malformed(position, "the ziplist's end byte 0xFF at its end"));
    }
    if position_before.is_some_and(|before| before != last) {
        return Err(malformed(4, "the offset of the last ziplist entry"));
    }
    if count != u16::MAX && usize::from(count) != elements {
        return Err(malformed(8, "the ziplist's element count"));
    }
    Ok(listpack)
}

struct Entry<'a> {
    length_of_previous: usize,
    element: Element<'a>,
    /// All of it.
    length: usize,
}

/// The entry that `bytes` begin with.
fn read_entry(bytes: &[u8]) -> Option<Entry<'_>> {
    let (length_of_previous, head) = match *bytes.first()? {
        0xFE => (u32::from_le_bytes(bytes.get(1..5)?.try_into().ok()?) as usize, 5),
        length => (usize::from(length), 1),
    };
    let rest = bytes.get(head..)?;
    let string = |start: usize, length: usize| {
        let end = start.checked_add(length)?;
        Some((Element::Bytes(rest.get(start..end)?), end))
    };
    let integer = |length: usize| {
        let mut wide = [0; 8];
        wide.get_mut(8 - length..)?.copy_from_slice(rest.get(1..1 + length)?);
        Some((Element::Int(i64::from_le_bytes(wide) >> (64 - 8 * length)), 1 + length))
    };
    let first = *rest.first()?;
    let (element, length) = match first {
        0..0x40 => string(1, first.into()),
        0x40..0x80 => string(2, usize::from(first & 0x3F) << 8 | usize::from(*rest.get(1)?)),
        0x80 => string(5, u32::from_be_bytes(rest.get(1..5)?.try_into().ok()?) as usize),
        0xC0 => integer(2),
        0xD0 => integer(4),
        0xE0 => integer(8),
        0xF0 => integer(3),
        0xFE => integer(1),
        0xF1..=0xFD => Some((Element::Int(i64::from(first & 0x0F) - 1), 1)),
        _ => None,
    }?;
    Some(Entry { length_of_previous, element, length: head + length })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Its last entry has so many bytes.
    fn ziplist(entries: &[u8], last: usize, count: u16) -> Vec<u8> {
        let end = HEADER as u32 + entries.len() as u32;
        let last = (end - last as u32).to_le_bytes();
        [&(end + 1).to_le_bytes()[..], &last, &count.to_le_bytes(), entries, &[END]].concat()
    }

    #[test]
    fn every_encoding() {
        let entries = [
            &[0, 2, b'h', b'i'][..],
            &[4, 0xF1],
            &[2, 0xFD],
            &[2, 0xFE, 0xFF],
            &[3, 0xC0, 0x00, 0x80],
            &[4, 0xF0, 1, 0, 0x80],
            &[5, 0xD0, 0, 0, 0, 0x80],
            &[6, 0xE0, 1, 0, 0, 0, 0, 0, 0, 0],
            &[0xFE, 10, 0, 0, 0, 0x40, 3, b'a', b'b', b'c'],
            &[10, 0x80, 0, 0, 0, 1, b'z'],
        ]
        .concat();
        let listpack = to_listpack(&ziplist(&entries, 7, 10)).unwrap();
        let values: Vec<String> = listpack.iter().map(|value| format!("{value:?}")).collect();
        assert_eq!(values.join(" "), r#""hi" 0 12 -1 -32768 -8388607 -2147483648 1 "abc" "z""#);
        assert!(to_listpack(&ziplist(&entries, 7, 9)).is_err());
        assert!(to_listpack(&ziplist(&entries[..entries.len() - 1], 6, 10)).is_err());
        let error = to_listpack(&ziplist(&entries, 8, 10)).unwrap_err();
        assert_eq!(error.expected, "the offset of the last ziplist entry");
        for (at, wrong) in [(0, 1), (4, 5), (5 + 1, 3)] {
            let mut entries = entries.clone();
            entries[at] = wrong;
            let error = to_listpack(&ziplist(&entries, 7, 10)).unwrap_err();
            assert_eq!(error.expected, "the length of the ziplist entry before", "{at}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(entries in proptest::collection::vec(any::<u8>(), 0..60), count in 0u16..9) {
            let _ = to_listpack(&ziplist(&entries, entries.len().min(2), count));
            let _ = to_listpack(&entries);
        }
    }
}
