//! Bits of a string: bit 0 is the highest one of the first byte. What lies behind the end is zero.

use std::ops::Range;

/// How BITOP combines strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BitOperation {
    And,
    Or,
    Xor,
    Not,
}

pub fn bit(bytes: &[u8], offset: u64) -> bool {
    let byte = usize::try_from(offset / 8).ok().and_then(|index| bytes.get(index));
    byte.is_some_and(|byte| byte & mask(offset) != 0)
}

/// Changes a bit within the string, and gives what it was.
pub fn set_bit(bytes: &mut [u8], offset: u64, value: bool) -> bool {
    let Some(byte) = usize::try_from(offset / 8).ok().and_then(|index| bytes.get_mut(index)) else {
        return false;
    };
    let before = *byte & mask(offset) != 0;
    *byte = if value { *byte | mask(offset) } else { *byte & !mask(offset) };
    before
}

fn mask(offset: u64) -> u8 {
    0x80 >> (offset % 8)
}

/// How many bits of a range within the string are set.
pub fn count(bytes: &[u8], bits: Range<u64>) -> u64 {
    let (head, whole, tail) = parts(bytes, bits);
    let edges = [head, tail].into_iter().flatten();
    edges.map(|edge| u64::from((edge.byte & edge.mask).count_ones())).sum::<u64>() + count_all(whole)
}

fn count_all(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let of_words: u64 = words.iter().map(|word| u64::from(u64::from_ne_bytes(*word).count_ones())).sum();
    of_words + rest.iter().map(|byte| u64::from(byte.count_ones())).sum::<u64>()
}

/// The first bit of this value in a range within the string.
pub fn position(bytes: &[u8], value: bool, bits: Range<u64>) -> Option<u64> {
    let (head, whole, tail) = parts(bytes, bits.clone());
    // Looked for is a set bit, so a clear one is turned into one.
    let flip = if value { 0 } else { 0xff };
    let in_edge = |edge: Option<Edge>| {
        let edge = edge?;
        let wanted = (edge.byte ^ flip) & edge.mask;
        (wanted != 0).then(|| edge.index as u64 * 8 + u64::from(wanted.leading_zeros()))
    };
    let start = bits.start.div_ceil(8) * 8;
    in_edge(head)
        .or_else(|| first_set(whole, flip).map(|position| start + position))
        .or_else(|| in_edge(tail))
}

fn first_set(bytes: &[u8], flip: u8) -> Option<u64> {
    let (words, rest) = bytes.as_chunks::<8>();
    let flip_word = u64::from_ne_bytes([flip; 8]);
    let in_words = words.iter().position(|word| u64::from_ne_bytes(*word) != flip_word);
    if let Some(index) = in_words {
        let word = words.get(index).map_or(0, |word| u64::from_be_bytes(*word) ^ flip_word);
        return Some(index as u64 * 64 + u64::from(word.leading_zeros()));
    }
    let index = rest.iter().position(|&byte| byte != flip)?;
    let byte = rest.get(index)? ^ flip;
    Some((words.len() * 8 + index) as u64 * 8 + u64::from(byte.leading_zeros()))
}

/// A byte that is only partly in a range, and which of its bits are.
struct Edge {
    index: usize,
    byte: u8,
    mask: u8,
}

/// A range of bits as the byte it begins in the middle of, the whole bytes, and the byte it ends in the middle of.
fn parts(bytes: &[u8], bits: Range<u64>) -> (Option<Edge>, &[u8], Option<Edge>) {
    let end = bits.end.min(bytes.len() as u64 * 8);
    let start = bits.start.min(end);
    let from_start = 0xff_u8 >> (start % 8);
    let to_end = !(0xff_u8.checked_shr((end % 8) as u32).unwrap_or(0));
    let edge = |index: u64, mask: u8| {
        let index = index as usize;
        bytes.get(index).map(|&byte| Edge { index, byte, mask })
    };
    if start / 8 == end / 8 {
        return (edge(start / 8, from_start & to_end), &[], None);
    }
    let head = if start.is_multiple_of(8) { None } else { edge(start / 8, from_start) };
    let tail = if end.is_multiple_of(8) { None } else { edge(end / 8, to_end) };
    (head, bytes.get(start.div_ceil(8) as usize..(end / 8) as usize).unwrap_or(&[]), tail)
}

/// As long as the longest of the strings; shorter ones are as if filled up with zeroes. NOT takes the first alone.
pub fn combine(operation: BitOperation, sources: &[&[u8]]) -> Vec<u8> {
    let length = sources.iter().map(|source| source.len()).max().unwrap_or(0);
    let Some((first, others)) = sources.split_first() else { return Vec::new() };
    let mut result = Vec::with_capacity(length);
    result.extend_from_slice(first);
    result.resize(length, 0);
    if operation == BitOperation::Not {
        result.iter_mut().for_each(|byte| *byte = !*byte);
    }
    for source in others {
        let (both, beyond) = result.split_at_mut(source.len().min(length));
        let pairs = both.iter_mut().zip(*source);
        match operation {
            BitOperation::And => {
                pairs.for_each(|(byte, other)| *byte &= other);
                beyond.fill(0);
            }
            BitOperation::Or => pairs.for_each(|(byte, other)| *byte |= other),
            BitOperation::Xor => pairs.for_each(|(byte, other)| *byte ^= other),
            BitOperation::Not => {}
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bits_of(bytes: &[u8]) -> Vec<bool> {
        (0..bytes.len() as u64 * 8).map(|offset| bit(bytes, offset)).collect()
    }

    #[test]
    fn bits_count_from_the_highest_of_the_first_byte() {
        let mut bytes = *b"\x80\x01";
        assert!(bit(&bytes, 0) && bit(&bytes, 15));
        assert!(!bit(&bytes, 1) && !bit(&bytes, 16) && !bit(&bytes, u64::MAX));
        assert!(set_bit(&mut bytes, 0, false));
        assert!(!set_bit(&mut bytes, 9, true));
        assert_eq!(bytes, *b"\x00\x41");
    }

    #[test]
    fn shorter_strings_are_filled_up_with_zeroes() {
        let sources: &[&[u8]] = &[b"\xf0\xff", b"\xaa"];
        assert_eq!(combine(BitOperation::And, sources), b"\xa0\x00");
        assert_eq!(combine(BitOperation::Or, sources), b"\xfa\xff");
        assert_eq!(combine(BitOperation::Xor, sources), b"\x5a\xff");
        assert_eq!(combine(BitOperation::Not, &sources[..1]), b"\x0f\x00");
        assert_eq!(combine(BitOperation::And, &[b"", b"\xff"]), b"\x00");
    }

    proptest! {
        #[test]
        fn ranges_are_as_if_looked_at_bit_by_bit(
            bytes in proptest::collection::vec(prop_oneof![Just(0u8), Just(255u8), any::<u8>()], 0..40),
            start in 0u64..330, end in 0u64..330,
        ) {
            let bits = bits_of(&bytes);
            let range = start.min(bits.len() as u64)..end.min(bits.len() as u64);
            let inside: Vec<(usize, bool)> = bits
                .iter()
                .copied()
                .enumerate()
                .filter(|(offset, _)| range.contains(&(*offset as u64)))
                .collect();
            if start <= end {
                let set = inside.iter().filter(|(_, bit)| *bit).count();
                prop_assert_eq!(count(&bytes, start..end), set as u64);
                for value in [true, false] {
                    let first = inside.iter().find(|(_, bit)| *bit == value).map(|(offset, _)| *offset as u64);
                    prop_assert_eq!(position(&bytes, value, start..end), first);
                }
            }
        }
    }
}
