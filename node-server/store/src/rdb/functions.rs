//! Function libraries as FUNCTION DUMP gives them and FUNCTION RESTORE takes them: as they stand in an RDB file, one behind
//! the other, with DUMP's footer.

use std::fmt;

use super::dump::{Checksum, footer, split_footer};
use super::reader::Reader;
use super::source::Slice;
use super::value_writer::write_string;
use super::{VERSION, opcode};

/// Why a payload has no libraries to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FunctionsError {
    VersionOrChecksum,
    BeforeRelease,
    NotAFunction,
    Broken,
}

impl fmt::Display for FunctionsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            FunctionsError::VersionOrChecksum => "DUMP payload version or checksum are wrong",
            FunctionsError::BeforeRelease => "Pre-GA function format not supported",
            FunctionsError::NotAFunction => "given type is not a function",
            FunctionsError::Broken => "failed loading the given functions payload",
        })
    }
}

impl std::error::Error for FunctionsError {}

/// The payload of these sources.
pub fn dump_functions<'a>(sources: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut payload = Vec::new();
    for source in sources {
        payload.push(opcode::FUNCTION);
        write_string(source, false, &mut payload);
    }
    footer(VERSION, &mut payload);
    payload
}

/// The sources in a payload from outside.
pub fn restore_functions(payload: &[u8]) -> Result<Vec<Vec<u8>>, FunctionsError> {
    let (body, _) = split_footer(payload, Checksum::Compared).ok_or(FunctionsError::VersionOrChecksum)?;
    let mut reader = Reader::new(Slice::new(body, 0));
    let mut sources = Vec::new();
    while reader.source.left() > 0 {
        match reader.byte() {
            Ok(opcode::FUNCTION) => sources.push(reader.string().map_err(|_| FunctionsError::Broken)?),
            Ok(opcode::FUNCTION_BEFORE_RELEASE) => return Err(FunctionsError::BeforeRelease),
            _ => return Err(FunctionsError::NotAFunction),
        }
    }
    Ok(sources)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_come_back_as_they_went() {
        let sources: [&[u8]; 2] = [b"#!lua name=a\ncode", b"#!lua name=b\n\0\xFF"];
        let payload = dump_functions(sources.into_iter());
        assert_eq!(restore_functions(&payload).unwrap(), sources);
        assert!(restore_functions(&dump_functions(std::iter::empty())).unwrap().is_empty());
    }

    #[test]
    fn what_is_wrong_is_an_error() {
        let payload = dump_functions([&b"#!lua name=a\ncode"[..]].into_iter());
        for length in 0..payload.len() {
            assert!(restore_functions(&payload[..length]).is_err());
        }
        let signed = |body: &[u8]| {
            let mut payload = body.to_vec();
            footer(VERSION, &mut payload);
            restore_functions(&payload)
        };
        assert_eq!(signed(&[opcode::FUNCTION_BEFORE_RELEASE]), Err(FunctionsError::BeforeRelease));
        assert_eq!(signed(&[0]), Err(FunctionsError::NotAFunction));
        assert_eq!(signed(&[opcode::FUNCTION, 5, b'a']), Err(FunctionsError::Broken));
    }
}
