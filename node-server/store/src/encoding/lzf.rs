//! LZF, the compression of long strings in an RDB file.
//!
//! ```text
//! 000lllll                     l + 1 literal bytes follow          (1 to 32)
//! lllooooo oooooooo            copy l + 2 bytes from o + 1 back    (l 1 to 6: 3 to 8 bytes)
//! 111ooooo llllllll oooooooo   copy l + 9 bytes from o + 1 back    (9 to 264 bytes)
//! ```
//!
//! A copy may overlap what it makes. The offset is at most 8192.

use super::Malformed;

const MAX_LITERALS: usize = 32;
const MAX_COPY: usize = 264;
const MAX_OFFSET: usize = 8192;
/// Inputs up to this length are looked through with a table on the stack.
const SHORT: usize = 256;
const SHORT_BITS: u32 = 8;
const MOST_BITS: u32 = 14;
/// After so many bytes without a copy every second place is looked at, and so on: what does not shrink is soon through.
const PATIENCE: usize = 128;

/// The compressed bytes, or `None` when they would be no shorter than `input` by more than 4 bytes, as Redis asks.
pub fn compress(input: &[u8]) -> Option<Vec<u8>> {
    if input.len() <= SHORT {
        return compress_with(input, &mut ShortSeen([0; 1 << SHORT_BITS]));
    }
    // As large as the input is long, so that to clear it costs no more than to read that.
    let bits = (usize::BITS - input.len().leading_zeros()).min(MOST_BITS);
    compress_with(input, &mut LongSeen { places: vec![0; 1 << bits], shift: u32::BITS - bits })
}

/// Where three bytes were seen last.
trait Seen {
    /// The place where these three bytes may have been before `position`, which takes its place.
    fn swap(&mut self, bytes: u32, position: usize) -> Option<usize>;
}

/// The bytes, and above them the place in eight bits: who compares looks nowhere else. All 0 is never.
struct ShortSeen([u32; 1 << SHORT_BITS]);

impl Seen for ShortSeen {
    #[inline(always)]
    fn swap(&mut self, bytes: u32, position: usize) -> Option<usize> {
        let cell = &mut self.0[usize::from((mix(bytes) >> 24) as u8)];
        let before = std::mem::replace(cell, bytes | (position as u32) << 24);
        (before & 0xFF_FFFF == bytes && before != 0).then_some((before >> 24) as usize)
    }
}

/// The place plus one; 0 is never. Other bytes may have the same hash.
struct LongSeen {
    places: Vec<u32>,
    shift: u32,
}

impl Seen for LongSeen {
    #[inline(always)]
    fn swap(&mut self, bytes: u32, position: usize) -> Option<usize> {
        let place = self.places.get_mut((mix(bytes) >> self.shift) as usize)?;
        (std::mem::replace(place, position as u32 + 1) as usize).checked_sub(1)
    }
}

#[inline(always)]
fn mix(bytes: u32) -> u32 {
    bytes.wrapping_mul(0x9E37_79B1)
}

fn compress_with(input: &[u8], seen: &mut impl Seen) -> Option<Vec<u8>> {
    let most = input.len().checked_sub(5)?;
    let mut output = Vec::new();
    let mut literals_from = 0;
    let mut position = 0;
    while let Some(&[first, second, third]) = input.get(position..).and_then(<[u8]>::first_chunk) {
        let bytes = u32::from_le_bytes([first, second, third, 0]);
        let copy = match seen.swap(bytes, position) {
            Some(earlier) if position - earlier <= MAX_OFFSET => {
                let length = common_length(input, earlier, position);
                (length >= 3).then_some((earlier, length))
            }
            _ => None,
        };
        let Some((earlier, length)) = copy else {
            position += 1 + (position - literals_from) / PATIENCE;
            continue;
        };
        write_literals(&input[literals_from..position], &mut output);
        write_copy(position - earlier - 1, length, &mut output);
        position += length;
        literals_from = position;
        if output.len() > most {
            return None;
        }
    }
    // Each byte that is left stands for itself.
    if output.len() + (input.len() - literals_from) > most {
        return None;
    }
    write_literals(&input[literals_from..], &mut output);
    (output.len() <= most).then_some(output)
}

fn common_length(input: &[u8], earlier: usize, position: usize) -> usize {
    let most = MAX_COPY.min(input.len() - position);
    let (left, right) = (&input[earlier..earlier + most], &input[position..position + most]);
    let words = left.as_chunks::<8>().0.iter().zip(right.as_chunks::<8>().0);
    let same = 8 * words.take_while(|(left, right)| left == right).count();
    same + left[same..].iter().zip(&right[same..]).take_while(|(left, right)| left == right).count()
}

fn write_literals(literals: &[u8], output: &mut Vec<u8>) {
    for run in literals.chunks(MAX_LITERALS) {
        output.push(run.len() as u8 - 1);
        output.extend_from_slice(run);
    }
}

/// `distance` is the offset less one.
fn write_copy(distance: usize, length: usize, output: &mut Vec<u8>) {
    let [low, high] = (distance as u16).to_le_bytes();
    match length - 2 {
        short @ 1..7 => output.push((short as u8) << 5 | high),
        long => output.extend_from_slice(&[0xE0 | high, (long - 7) as u8]),
    }
    output.push(low);
}

/// Exactly `length` bytes from untrusted `input`. Memory grows with what is really there, and no input byte makes more than
/// 264 bytes: a `length` beyond that is refused at once.
pub fn decompress(input: &[u8], length: usize) -> Result<Vec<u8>, Malformed> {
    let expected_length =
        Malformed { offset: input.len(), expected: "compressed data of the length announced" };
    if length > input.len().saturating_mul(MAX_COPY) {
        return Err(expected_length);
    }
    let mut output = Output { bytes: vec![0; length.min(input.len().saturating_mul(8))], end: 0, length };
    let mut position = 0;
    while let Some(&control) = input.get(position) {
        let cut = Malformed { offset: position, expected: "a whole LZF run" };
        position += 1;
        let is_in_length = if control < 32 {
            let run = usize::from(control) + 1;
            let literals = input.get(position..).filter(|left| left.len() >= run).ok_or(cut)?;
            position += run;
            output.append(literals, run)
        } else {
            let mut take = || {
                let byte = input.get(position).copied().map(usize::from).ok_or(cut);
                position += 1;
                byte
            };
            let mut run = usize::from(control >> 5) + 2;
            if run == 9 {
                run += take()?;
            }
            let offset = (usize::from(control & 0x1F) << 8 | take()?) + 1;
            let malformed = Malformed { expected: "an LZF offset within the output", ..cut };
            let start = output.end.checked_sub(offset).ok_or(malformed)?;
            output.append_again(start, run)
        };
        if !is_in_length {
            return Err(expected_length);
        }
    }
    if output.end == length { Ok(output.bytes) } else { Err(expected_length) }
}

/// What was decompressed so far. Runs are short: it is faster to copy a few bytes more than are wanted, where there is room for
/// them, than to copy just as many. What comes behind them is written over the rest.
struct Output {
    /// At most `length`; it grows with what is really there.
    bytes: Vec<u8>,
    end: usize,
    length: usize,
}

impl Output {
    /// The first `run` of these bytes. False where that is beyond the length.
    #[inline(always)]
    fn append(&mut self, literals: &[u8], run: usize) -> bool {
        let end = self.end + run;
        if end > self.bytes.len() && !self.grow(end) {
            return false;
        }
        let place = &mut self.bytes[self.end..];
        match (place.first_chunk_mut::<MAX_LITERALS>(), literals.first_chunk()) {
            (Some(place), Some(literals)) => *place = *literals,
            _ => place[..run].copy_from_slice(&literals[..run]),
        }
        self.end = end;
        true
    }

    /// `run` bytes from `start` on, of which some may come by this very copying.
    #[inline(always)]
    fn append_again(&mut self, start: usize, run: usize) -> bool {
        const WORD: usize = 8;
        let end = self.end + run;
        if end > self.bytes.len() && !self.grow(end) {
            return false;
        }
        let (mut from, mut to) = (start, self.end);
        while to < end && to - from >= WORD && to + WORD <= self.bytes.len() {
            self.bytes.copy_within(from..from + WORD, to);
            (from, to) = (from + WORD, to + WORD);
        }
        while to < end {
            self.bytes[to] = self.bytes[from];
            (from, to) = (from + 1, to + 1);
        }
        self.end = end;
        true
    }

    #[cold]
    fn grow(&mut self, end: usize) -> bool {
        if end <= self.length {
            self.bytes.resize(self.length.min(2 * end), 0);
        }
        end <= self.length
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_run_of_one_byte() {
        let input = [b'a'; 300];
        let packed = compress(&input).unwrap();
        assert_eq!(packed[..5], [0, b'a', 0xE0, 255, 0]);
        assert_eq!(decompress(&packed, 300).unwrap(), input);
    }

    #[test]
    fn what_does_not_shrink_is_left() {
        assert_eq!(compress(b""), None);
        assert_eq!(compress(b"abcdefghijklmnopqrstuvwxyz"), None);
    }

    #[test]
    fn hostile_streams() {
        // Before the start, cut literals, cut copy, too long, too short, a length that nothing could fill.
        for (input, length) in [
            (&[0x20, 0x00][..], 3),
            (&[5, b'a'], 6),
            (&[0, b'a', 0xE0, 1], 10),
            (&[0, b'a', 0xE0, 255, 0], 10),
            (&[0, b'a'], 2),
            (&[0, b'a'], usize::MAX),
        ] {
            assert!(decompress(input, length).is_err(), "{input:?}");
        }
    }

    proptest! {
        #[test]
        fn round_trip(input in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..300),
            proptest::collection::vec(0u8..3, 0..20_000),
            (proptest::collection::vec(any::<u8>(), 1..9), 1usize..2000).prop_map(|(unit, times)| unit.repeat(times)),
        ]) {
            if let Some(packed) = compress(&input) {
                prop_assert!(packed.len() + 4 < input.len());
                prop_assert_eq!(decompress(&packed, input.len()).unwrap(), input);
            }
        }

        #[test]
        fn any_bytes_are_read_without_panic(
            input in proptest::collection::vec(any::<u8>(), 0..200),
            length in 0usize..2000,
        ) {
            if let Ok(output) = decompress(&input, length) {
                prop_assert_eq!(output.len(), length);
            }
        }
    }
}
