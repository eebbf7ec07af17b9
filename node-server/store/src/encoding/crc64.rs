//! CRC-64 as RDB files and DUMP payloads end with: the "Jones" polynomial 0xad93d23594c935a9, bits reflected, starting
//! at 0 and not inverted. Eight bytes a step, by eight tables made at compile time; of many bytes four parts side by side, since
//! a step has to wait for the one before.

/// The polynomial with its bits mirrored.
const POLYNOMIAL: u64 = 0x95AC_9329_AC4B_C9B5;

static TABLES: [[u64; 256]; 8] = tables();

/// From so many bytes on it pays to put parts together.
const MANY: usize = 32 * 1024;
const PARTS: usize = 4;

/// The checksum of what gave `crc` (0 for nothing) and then `bytes`.
pub fn crc64(crc: u64, bytes: &[u8]) -> u64 {
    if bytes.len() < MANY {
        return crc64_of_few(crc, bytes);
    }
    let (words, rest) = bytes.as_chunks::<8>();
    let part = words.len() / PARTS;
    let (first, others) = words.split_at(part);
    let (second, others) = others.split_at(part);
    let (third, others) = others.split_at(part);
    let (fourth, left) = others.split_at(part);
    let mut sums = [crc, 0, 0, 0];
    for (((first, second), third), fourth) in first.iter().zip(second).zip(third).zip(fourth) {
        let [one, two, three, four] = sums;
        sums = [step(one, first), step(two, second), step(three, third), step(four, fourth)];
    }
    let [first, others @ ..] = sums;
    let sum = others.iter().fold(first, |sum, other| crc64_of_both(sum, *other, 8 * part as u64));
    crc64_of_few(crc64_of_few(sum, left.as_flattened()), rest)
}

fn crc64_of_few(crc: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let crc = words.iter().fold(crc, step);
    rest.iter().fold(crc, |crc, byte| TABLES[0][usize::from(crc as u8 ^ byte)] ^ (crc >> 8))
}

#[inline(always)]
fn step(crc: u64, word: &[u8; 8]) -> u64 {
    let mixed = (crc ^ u64::from_le_bytes(*word)).to_le_bytes();
    (0..8).fold(0, |sum, index| sum ^ TABLES[7 - index][usize::from(mixed[index])])
}

/// The checksum of two runs of bytes, one behind the other, from each one's own; `second_bytes` is the length of the second.
///
/// A checksum is what is left of the bytes as a polynomial, divided. So the first one is multiplied by x^(8 × length), and the
/// second added.
pub fn crc64_of_both(first: u64, second: u64, second_bytes: u64) -> u64 {
    let mut shifted = first;
    // x^8, squared once for each bit of the length. The highest bit is the lowest power.
    let mut power = 1 << (63 - 8);
    let mut length = second_bytes;
    while length > 0 {
        if length & 1 == 1 {
            shifted = product(shifted, power);
        }
        power = product(power, power);
        length >>= 1;
    }
    shifted ^ second
}

/// Of two polynomials, modulo the one that everything is divided by.
fn product(left: u64, right: u64) -> u64 {
    let (mut sum, mut shifted) = (0, right);
    for bit in (0..64).rev() {
        if left >> bit & 1 == 1 {
            sum ^= shifted;
        }
        shifted = (shifted >> 1) ^ if shifted & 1 == 1 { POLYNOMIAL } else { 0 };
    }
    sum
}

const fn tables() -> [[u64; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut table = 1;
    while table < 8 {
        byte = 0;
        while byte < 256 {
            let crc = tables[table - 1][byte];
            tables[table][byte] = tables[0][(crc & 0xFF) as usize] ^ (crc >> 8);
            byte += 1;
        }
        table += 1;
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_check_value() {
        assert_eq!(crc64(0, b"123456789"), 0xe9c6_d914_c4b8_d9ca);
    }

    #[test]
    fn pieces_give_what_the_whole_gives() {
        let bytes: Vec<u8> = (0..100).map(|index| (index * 37 + 11) as u8).collect();
        for cut in 0..bytes.len() {
            assert_eq!(crc64(crc64(0, &bytes[..cut]), &bytes[cut..]), crc64(0, &bytes));
            let (first, second) = bytes.split_at(cut);
            let both = crc64_of_both(crc64(0, first), crc64(0, second), second.len() as u64);
            assert_eq!(both, crc64(0, &bytes));
        }
    }

    #[test]
    fn many_bytes_give_what_their_pieces_give() {
        let bytes: Vec<u8> = (0..3 * MANY).map(|index| (index * 37 + index / 251) as u8).collect();
        for length in [MANY - 1, MANY, MANY + 1, MANY + 8, MANY + 31, 2 * MANY + 13, 3 * MANY] {
            let bytes = &bytes[..length];
            let in_pieces = bytes.chunks(1000).fold(7, crc64);
            assert_eq!(crc64(7, bytes), in_pieces, "{length}");
        }
    }
}
