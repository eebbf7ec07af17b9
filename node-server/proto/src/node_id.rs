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
        let digits: &[u8; 40] = text.try_into().ok()?;
        let mut bits = [0; 20];
        for (byte, pair) in bits.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(NodeId(bits))
    }

    /// Its 40 lower-case hexadecimal digits.
    pub fn text(&self) -> [u8; 40] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 40];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        text
    }
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
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
    fn refuses_what_is_no_id() {
        for bad in ["", "07c3", "07C37DFEB235213A872192D90877D0CD55635B91", &"g".repeat(40), &"0".repeat(41)]
        {
            assert!(bad.parse::<NodeId>().is_err(), "{bad}");
        }
    }
}
