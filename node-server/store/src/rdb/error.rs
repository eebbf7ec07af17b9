//! Why an RDB file or a DUMP payload cannot be read.

use crate::encoding::Malformed;
use std::{fmt, io};

#[derive(Debug)]
pub enum RdbError {
    /// The source failed; `offset` bytes had been read.
    Read {
        offset: u64,
        error: io::Error,
    },
    /// The bytes end where more was expected.
    Truncated {
        offset: u64,
    },
    /// The bytes at `offset` are not what they should be. For the inside of a packed value, `within` is the offset there.
    Malformed {
        offset: u64,
        within: Option<usize>,
        expected: &'static str,
    },
    /// Not written by a server that this one can read.
    UnsupportedVersion(u16),
    /// A kind of value or data that is not supported, by name.
    Unsupported {
        offset: u64,
        what: String,
    },
    Checksum {
        computed: u64,
        stored: u64,
    },
}

impl RdbError {
    /// Where in the data it is; of errors in many runs the first one counts.
    pub fn offset(&self) -> u64 {
        match self {
            RdbError::Read { offset, .. }
            | RdbError::Truncated { offset }
            | RdbError::Malformed { offset, .. }
            | RdbError::Unsupported { offset, .. } => *offset,
            RdbError::UnsupportedVersion(_) => 0,
            RdbError::Checksum { .. } => u64::MAX,
        }
    }

    pub(super) fn malformed(offset: u64, expected: &'static str) -> RdbError {
        RdbError::Malformed { offset, within: None, expected }
    }

    pub(super) fn packed(offset: u64, malformed: Malformed) -> RdbError {
        RdbError::Malformed { offset, within: Some(malformed.offset), expected: malformed.expected }
    }

    pub(super) fn unsupported(offset: u64, what: impl Into<String>) -> RdbError {
        RdbError::Unsupported { offset, what: what.into() }
    }
}

impl fmt::Display for RdbError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RdbError::Read { offset, error } => write!(formatter, "reading failed at byte {offset}: {error}"),
            RdbError::Truncated { offset } => {
                write!(formatter, "the data end at byte {offset}, where more was expected")
            }
            RdbError::Malformed { offset, within: None, expected } => {
                write!(formatter, "at byte {offset}: expected {expected}")
            }
            RdbError::Malformed { offset, within: Some(within), expected } => {
                write!(formatter, "in the value at byte {offset}, at its byte {within}: expected {expected}")
            }
            RdbError::UnsupportedVersion(version) => {
                write!(
                    formatter,
                    "RDB version {version} is not supported, only 1 to {}, and Valkey's {} to {}",
                    super::NEWEST_READ,
                    super::OLDEST_OF_VALKEY,
                    super::NEWEST_OF_VALKEY
                )
            }
            RdbError::Unsupported { offset, what } => write!(formatter, "at byte {offset}: {what}"),
            RdbError::Checksum { computed, stored } => {
                write!(
                    formatter,
                    "CRC error: the checksum of the data is {computed:016x}, and they say {stored:016x}"
                )
            }
        }
    }
}

impl std::error::Error for RdbError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            RdbError::Read { error, .. } => Some(error),
            _ => None,
        }
    }
}
