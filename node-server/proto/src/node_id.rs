//! A node's id: 160 random bits, written as 40 lower-case hexadecimal digits.

use std::fmt;
use std::str::FromStr;

/// The id of a node, and also of a shard and of a replication history, which have the same form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId([u8; 20]);

impl NodeId {
    /// How many characters its text has.
    pub const TEXT_LENGTH: usize = 40;

    /// An id of these 160 bits, which the caller took from its source of randomness.
    pub const fn from_bits(bits: [u8; 20]) -> NodeId {
        NodeId(bits)
    }

    pub const fn bits(&self) -> &[u8; 20] {
        &self.0
    }

    /// From its 40 lower-case hexadecimal digits.
    pub fn from_text(text: &[u8]) -> Option<NodeId> {
        let (words, rest) = text.as_chunks::<8>();
        if words.len() != 5 || !rest.is_empty() {
            return None;
        }
        let mut bits = [0; 20];
        for (four, word) in bits.as_chunks_mut::<4>().0.iter_mut().zip(words) {
            *four = values(u64::from_be_bytes(*word))?.to_be_bytes();
        }
        Some(NodeId(bits))
    }

    /// Its 40 lower-case hexadecimal digits.
    pub fn text(&self) -> [u8; 40] {
        let mut text = [0; 40];
        for (word, four) in text.as_chunks_mut::<8>().0.iter_mut().zip(self.0.as_chunks::<4>().0) {
            *word = digits(nibbles(u32::from_be_bytes(*four))).to_be_bytes();
        }
        text
    }
}

// Ids come by the hundred in a packet of the bus, so eight digits are taken at once: each is a byte of a word, the
// first one the highest.

/// A one in each byte: `n * EACH` is n in each.
const EACH: u64 = 0x0101_0101_0101_0101;

/// What eight digits stand for.
fn values(text: u64) -> Option<u32> {
    // A digit's low half is its value; a letter's is 1 to 6, and it has bit 6.
    let nibbles = (text & (15 * EACH)) + ((text >> 6) & EACH) * 9;
    // Of the bytes whose value is below 16 only digits are what that value is written as.
    if nibbles & (0xf0 * EACH) != 0 || digits(nibbles) != text {
        return None;
    }
    let pairs = (nibbles | nibbles >> 4) & 0x00ff_00ff_00ff_00ff;
    let halves = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    Some((halves | halves >> 16) as u32)
}

/// Its eight half bytes, a byte each.
fn nibbles(four: u32) -> u64 {
    let halves = u64::from(four);
    let pairs = (halves | halves << 16) & 0x0000_ffff_0000_ffff;
    let bytes = (pairs | pairs << 8) & 0x00ff_00ff_00ff_00ff;
    (bytes | bytes << 4) & (15 * EACH)
}

/// The digits that eight values below 16 are written as.
fn digits(nibbles: u64) -> u64 {
    let is_letter = ((nibbles + 6 * EACH) >> 4) & EACH;
    nibbles + u64::from(b'0') * EACH + is_letter * u64::from(b'a' - b'0' - 10)
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The text is ASCII by construction.
        f.pad(&String::from_utf8_lossy(&self.text()))
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:.8}")
    }
}

/// A text that is no node id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeIdError(pub String);

impl fmt::Display for NodeIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' is not a node id: expected 40 characters of 0-9 and a-f", self.0)
    }
}

impl std::error::Error for NodeIdError {}

impl FromStr for NodeId {
    type Err = NodeIdError;

    fn from_str(text: &str) -> Result<NodeId, NodeIdError> {
        NodeId::from_text(text.as_bytes()).ok_or_else(|| NodeIdError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_goes_both_ways() {
        let text = "07c37dfeb235213a872192d90877d0cd55635b91";
        let id: NodeId = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
        assert_eq!(format!("{id:.8}"), "07c37dfe");
    }

    #[test]
    fn every_character_in_every_place_is_a_digit_or_refused() {
        let text = *b"07c37dfeb235213a872192d90877d0cd55635b91";
        for (place, character) in
            (0..40).flat_map(|place| (0..=u8::MAX).map(move |character| (place, character)))
        {
            let mut text = text;
            text[place] = character;
            let id = NodeId::from_text(&text);
            let value = match character {
                b'0'..=b'9' => Some(character - b'0'),
                b'a'..=b'f' => Some(character - b'a' + 10),
                _ => None,
            };
            assert_eq!(
                id.map(|id| id.0[place / 2] >> (4 * (1 - place % 2)) & 15),
                value,
                "{character} at {place}"
            );
            assert_eq!(id.map(|id| id.text()), value.map(|_| text));
        }
    }

    #[test]
    fn refuses_what_is_no_id() {
        for bad in ["", "07c3", "07C37DFEB235213A872192D90877D0CD55635B91", &"g".repeat(40), &"0".repeat(41)]
        {
            assert!(bad.parse::<NodeId>().is_err(), "{bad}");
        }
    }
}
