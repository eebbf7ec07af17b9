//! Which slot a key lies in.
//!
//! A slot is CRC16 (the XMODEM variant) of the key, modulo 16384. When the key holds a hash tag, only the
//! tag is hashed, so that keys with one tag share a slot. The tag is what stands between the first `{` and
//! the first `}` after it, unless that is nothing. Source: the Redis Cluster specification, "Hash tags".

use std::fmt;
use std::str::FromStr;

/// How many slots a cluster has.
pub const SLOT_COUNT: usize = 16384;

/// A slot number, always below [`SLOT_COUNT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(u16);

impl Slot {
    pub const MIN: Slot = Slot(0);
    pub const MAX: Slot = Slot(SLOT_COUNT as u16 - 1);

    /// `None` when `number` is 16384 or more.
    pub const fn new(number: u16) -> Option<Slot> {
        if (number as usize) < SLOT_COUNT { Some(Slot(number)) } else { None }
    }

    pub const fn number(self) -> u16 {
        self.0
    }

    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// All slots in order.
    pub fn all() -> impl DoubleEndedIterator<Item = Slot> + ExactSizeIterator {
        (0..SLOT_COUNT as u16).map(Slot)
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A text that is no slot number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotError(pub String);

impl fmt::Display for SlotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' is not a slot: expected a number from 0 to 16383", self.0)
    }
}

impl std::error::Error for SlotError {}

impl FromStr for Slot {
    type Err = SlotError;

    fn from_str(text: &str) -> Result<Slot, SlotError> {
        text.parse::<u16>().ok().and_then(Slot::new).ok_or_else(|| SlotError(text.to_owned()))
    }
}

/// The part of `key` that is hashed in its place, if it has a hash tag.
pub fn hash_tag(key: &[u8]) -> Option<&[u8]> {
    let open = key.iter().position(|&byte| byte == b'{')?;
    let inside = &key[open + 1..];
    let length = inside.iter().position(|&byte| byte == b'}')?;
    (length > 0).then(|| &inside[..length])
}

/// CRC16 of what is hashed for `key`: of its hash tag, or of all of it.
pub fn key_hash(key: &[u8]) -> u16 {
    crc16::State::<crc16::XMODEM>::calculate(hash_tag(key).unwrap_or(key))
}

/// The slot that `key` lies in.
pub fn key_slot(key: &[u8]) -> Slot {
    Slot(key_hash(key) % SLOT_COUNT as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specification_s_check_value() {
        assert_eq!(key_hash(b"123456789"), 0x31C3);
    }

    #[test]
    fn known_keys() {
        assert_eq!(key_hash(b"user:1001"), 22096);
        for (key, slot) in [
            ("user:1001", 5712),
            ("event:123", 11704),
            ("event:123:seats", 12311),
            ("event:123:waitlist", 10415),
            ("{test}:data", 6918),
            ("foo", 12182),
            ("", 0),
        ] {
            assert_eq!(key_slot(key.as_bytes()).number(), slot, "{key}");
        }
    }

    #[test]
    fn the_tag_is_between_the_first_brace_and_the_first_closing_one_after_it() {
        let tag = |key: &'static str| hash_tag(key.as_bytes()).map(|t| std::str::from_utf8(t).unwrap());
        assert_eq!(tag("{user1000}.following"), Some("user1000"));
        assert_eq!(tag("foo{}{bar}"), None, "an empty tag counts as none");
        assert_eq!(tag("foo{{bar}}zap"), Some("{bar"));
        assert_eq!(tag("foo{bar}{zap}"), Some("bar"));
        assert_eq!(tag("foo}{bar"), None);
        assert_eq!(tag("}foo{bar}"), Some("bar"));
        assert_eq!(key_slot(b"{user1000}.following"), key_slot(b"{user1000}.followers"));
    }

    #[test]
    fn parses_only_what_is_a_slot() {
        assert_eq!("16383".parse(), Ok(Slot::MAX));
        for bad in ["16384", "-1", "", "1x", "70000"] {
            assert!(bad.parse::<Slot>().is_err(), "{bad}");
        }
    }
}
