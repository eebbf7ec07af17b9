//! Zipmap, what small hashes were packed in before Redis 2.6. Only read, into a listpack of pairs.
//!
//! ```text
//! pairs u8 (254 and more: count them) | length field | length unused u8 value, unused bytes | … | 0xFF
//! length: u8 below 254, or 0xFE and u32 LE
//! ```

use super::{Listpack, Malformed};

pub fn to_listpack(bytes: &[u8]) -> Result<Listpack, Malformed> {
    let mut listpack = Listpack::new();
    let mut position = 1;
    loop {
        match bytes.get(position..) {
            Some([0xFF]) => return Ok(listpack),
            Some([_, ..]) => {}
            _ => {
                return Err(Malformed {
                    offset: position,
                    expected: "the zipmap's end byte 0xFF at its end",
                });
            }
        }
        let pair = bytes.get(position..).and_then(read_pair);
        let (field, value, length) =
            pair.ok_or(Malformed { offset: position, expected: "a whole zipmap pair" })?;
        listpack.push_back(field);
        listpack.push_back(value);
        position += length;
    }
}

/// Field, value, and the length of the pair.
fn read_pair(bytes: &[u8]) -> Option<(&[u8], &[u8], usize)> {
    let (field_length, rest) = read_length(bytes)?;
    let (field, rest) = rest.split_at_checked(field_length)?;
    let (value_length, rest) = read_length(rest)?;
    let (&unused, rest) = rest.split_first()?;
    let (value, rest) = rest.split_at_checked(value_length)?;
    let rest = rest.get(usize::from(unused)..)?;
    Some((field, value, bytes.len() - rest.len()))
}

fn read_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    match *bytes {
        [0xFE, b0, b1, b2, b3, ref rest @ ..] => Some((u32::from_le_bytes([b0, b1, b2, b3]) as usize, rest)),
        [length @ 0..0xFE, ref rest @ ..] => Some((length.into(), rest)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_with_unused_bytes() {
        let zipmap = b"\x02\x03foo\x03\x00bar\x05hello\x05\x02world??\xFF";
        let values: Vec<Vec<u8>> = to_listpack(zipmap).unwrap().iter().map(|value| value.to_vec()).collect();
        assert_eq!(values, [&b"foo"[..], b"bar", b"hello", b"world"]);
        for end in 0..zipmap.len() {
            assert!(to_listpack(&zipmap[..end]).is_err());
        }
    }
}
