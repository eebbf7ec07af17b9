//! One listpack entry: written, read, and its length read backwards. The format is drawn in the parent.

use crate::types::{Element, parse_integer};

/// A value ready to be written: encoding bytes, data, backlen.
pub(super) struct Encoded<'a> {
    head: [u8; 9],
    head_length: usize,
    data: &'a [u8],
}

impl<'a> Encoded<'a> {
    pub(super) fn of(value: &'a [u8]) -> Encoded<'a> {
        match parse_integer(value) {
            Some(number) => Encoded::of_integer(number),
            None => Encoded::of_string(value),
        }
    }

    pub(super) fn of_element(value: Element<'a>) -> Encoded<'a> {
        match value {
            Element::Int(number) => Encoded::of_integer(number),
            Element::Bytes(bytes) => Encoded::of(bytes),
        }
    }

    fn of_integer(number: i64) -> Encoded<'a> {
        let bytes = number.to_le_bytes();
        let mut head = [0; 9];
        let data_length = match number {
            0..=127 => {
                head[0] = number as u8;
                return Encoded { head, head_length: 1, data: &[] };
            }
            -4096..=4095 => {
                let thirteen_bits = number as u16 & 0x1FFF;
                head[..2].copy_from_slice(&(0xC000 | thirteen_bits).to_be_bytes());
                return Encoded { head, head_length: 2, data: &[] };
            }
            -0x8000..=0x7FFF => 2,
            -0x80_0000..=0x7F_FFFF => 3,
            -0x8000_0000..=0x7FFF_FFFF => 4,
            _ => 8,
        };
        head[0] = match data_length {
            2 => 0xF1,
            3 => 0xF2,
            4 => 0xF3,
            _ => 0xF4,
        };
        head[1..=data_length].copy_from_slice(&bytes[..data_length]);
        Encoded { head, head_length: 1 + data_length, data: &[] }
    }

    fn of_string(data: &'a [u8]) -> Encoded<'a> {
        let mut head = [0; 9];
        let length = data.len();
        let head_length = match length {
            0..64 => {
                head[0] = 0x80 | length as u8;
                1
            }
            64..4096 => {
                head[..2].copy_from_slice(&(0xE000 | length as u16).to_be_bytes());
                2
            }
            _ => {
                head[0] = 0xF0;
                head[1..5].copy_from_slice(&(length as u32).to_le_bytes());
                5
            }
        };
        Encoded { head, head_length, data }
    }

    pub(super) fn len(&self) -> usize {
        let length = self.head_length + self.data.len();
        length + backlen_size(length)
    }

    /// `out` is as long as `len` says.
    pub(super) fn write(&self, out: &mut [u8]) {
        let length = self.head_length + self.data.len();
        out[..self.head_length].copy_from_slice(&self.head[..self.head_length]);
        out[self.head_length..length].copy_from_slice(self.data);
        write_backlen(length, &mut out[length..]);
    }
}

/// The entry that `bytes` begin with, and the length of its encoding and data. Only for bytes that were validated.
#[inline]
pub(super) fn decode(bytes: &[u8]) -> (Element<'_>, usize) {
    let string =
        |start: usize, length: usize| (Element::Bytes(&bytes[start..start + length]), start + length);
    match bytes[0] {
        first @ 0..0x80 => (Element::Int(i64::from(first)), 1),
        first @ 0x80..0xC0 => string(1, usize::from(first & 0x3F)),
        first @ 0xC0..0xE0 => {
            // 13 bits moved to the top of 16, then back down with their sign.
            let shifted = (u16::from_be_bytes([first, bytes[1]]) << 3) as i16;
            (Element::Int(i64::from(shifted >> 3)), 2)
        }
        first @ 0xE0..0xF0 => string(2, usize::from(first & 0x0F) << 8 | usize::from(bytes[1])),
        0xF0 => string(5, u32::from_le_bytes([bytes[1], bytes[2], bytes[3], bytes[4]]) as usize),
        first => {
            let length = integer_length(first);
            (Element::Int(signed_little_endian(&bytes[1..1 + length])), 1 + length)
        }
    }
}

/// Bytes of the integer behind encodings 0xF1 to 0xF4.
pub(super) fn integer_length(first: u8) -> usize {
    match first {
        0xF1 => 2,
        0xF2 => 3,
        0xF3 => 4,
        _ => 8,
    }
}

fn signed_little_endian(bytes: &[u8]) -> i64 {
    let mut wide = [0; 8];
    wide[8 - bytes.len()..].copy_from_slice(bytes);
    i64::from_le_bytes(wide) >> (64 - 8 * bytes.len() as u32)
}

/// How many bytes the backlen of `length` takes. The limits are one less than 7 bits a byte would hold from two bytes on:
/// that is how the format's first writer has them.
#[inline]
pub(super) fn backlen_size(length: usize) -> usize {
    match length {
        0..=127 => 1,
        128..16_383 => 2,
        16_383..2_097_151 => 3,
        2_097_151..268_435_455 => 4,
        _ => 5,
    }
}

fn write_backlen(length: usize, out: &mut [u8]) {
    let size = backlen_size(length);
    for (index, byte) in out[..size].iter_mut().enumerate() {
        let seven_bits = (length >> (7 * (size - 1 - index))) as u8 & 0x7F;
        *byte = if index == 0 { seven_bits } else { seven_bits | 0x80 };
    }
}

/// The backlen that `bytes` end with.
#[inline]
pub(super) fn read_backlen(bytes: &[u8]) -> usize {
    let mut length = 0;
    for (index, &byte) in bytes.iter().rev().take(5).enumerate() {
        length |= usize::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            break;
        }
    }
    length
}
