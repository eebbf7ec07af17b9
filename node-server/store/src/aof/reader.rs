//! Reads the commands of a file one by one, and says how far it is good.
//!
//! ```text
//! *2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n      a command, as a client sends it
//! #TS:1700000000\r\n                     a comment, to be skipped
//! ```
//!
//! A file that a crash cut off ends inside a command or a comment: that is [`ReadError::Truncated`], and all before
//! [`CommandReader::offset`] is good. Anything else that is no command is [`ReadError::Format`]. Transactions are not known
//! here: what of MULTI without EXEC is to be dropped says who runs the commands.

use std::fmt;
use std::io::{self, ErrorKind, Read};
use std::ops::Range;

use rcl_proto::resp::{Args, Limits, Parsed, RequestParser};

/// So much is read at once.
const STEP: usize = 256 * 1024;
/// As long as Redis reads a comment.
const LONGEST_COMMENT: usize = 1024;
/// Who wrote the file had limits of its own.
const LIMITS: Limits = Limits { max_bulk_bytes: u32::MAX as usize, authenticated: true };

#[derive(Debug)]
pub enum ReadError {
    /// It ends where something should follow.
    Truncated,
    /// What comes next is no command.
    Format,
    Read(io::Error),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Truncated => f.write_str("it ends inside a command"),
            ReadError::Format => f.write_str("what comes next is no command"),
            ReadError::Read(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ReadError {}

pub struct CommandReader<R> {
    source: R,
    buffer: Vec<u8>,
    /// Where what was not looked at begins.
    next: usize,
    /// The command that was found last.
    command: Range<usize>,
    parser: RequestParser,
    offset: u64,
}

impl<R: Read> CommandReader<R> {
    /// `offset`: what of the file was read before.
    pub fn new(source: R, offset: u64) -> CommandReader<R> {
        let parser = RequestParser::new();
        CommandReader { source, buffer: Vec::with_capacity(STEP), next: 0, command: 0..0, parser, offset }
    }

    /// Where the last command (or comment) ended; all before is good.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Goes to the next command, whose arguments then are [`args`](Self::args). False at the end.
    pub fn advance(&mut self) -> Result<bool, ReadError> {
        loop {
            let rest = self.buffer.get(self.next..).unwrap_or_default();
            match rest.first() {
                None => {
                    if !self.fill()? {
                        return Ok(false);
                    }
                }
                Some(b'#') => match rest.iter().position(|byte| *byte == b'\n') {
                    Some(end) => self.skip(end + 1),
                    None if rest.len() > LONGEST_COMMENT => return Err(ReadError::Format),
                    None => self.need_more()?,
                },
                Some(b'*') => match self.parser.parse(rest, LIMITS) {
                    Ok(Parsed::Request { consumed }) => {
                        if self.parser.spans().is_empty() {
                            return Err(ReadError::Format);
                        }
                        self.command = self.next..self.next + consumed;
                        self.skip(consumed);
                        return Ok(true);
                    }
                    Ok(Parsed::Incomplete { .. }) => self.need_more()?,
                    Err(_) => return Err(ReadError::Format),
                },
                Some(_) => return Err(ReadError::Format),
            }
        }
    }

    /// The command that was found last.
    pub fn args(&self) -> Args<'_> {
        Args::new(self.buffer.get(self.command.clone()).unwrap_or_default(), self.parser.spans())
    }

    fn skip(&mut self, count: usize) {
        self.next += count;
        self.offset += count as u64;
    }

    fn need_more(&mut self) -> Result<(), ReadError> {
        if self.fill()? { Ok(()) } else { Err(ReadError::Truncated) }
    }

    /// False at the end of the file.
    fn fill(&mut self) -> Result<bool, ReadError> {
        self.buffer.drain(..self.next);
        (self.next, self.command) = (0, 0..0);
        if self.buffer.is_empty() && self.buffer.capacity() > 4 * STEP {
            self.buffer = Vec::with_capacity(STEP);
        }
        let before = self.buffer.len();
        // A long command is read in steps that grow with what of it has come.
        self.buffer.resize(before + before.max(STEP), 0);
        let read = loop {
            match self.source.read(self.buffer.get_mut(before..).unwrap_or_default()) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.buffer.truncate(before + *read.as_ref().unwrap_or(&0));
        read.map(|count| count > 0).map_err(ReadError::Read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rcl_proto::resp::encode_request;

    /// Gives what it has in pieces of such a size.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(into.len()).min(self.0.len());
            into[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    /// The commands, how far the file was good, and how it ended.
    fn read(bytes: &[u8], step: usize) -> (Vec<Vec<Vec<u8>>>, u64, Option<&'static str>) {
        let mut reader = CommandReader::new(Drip(bytes, step), 0);
        let mut commands = Vec::new();
        loop {
            let end = match reader.advance() {
                Ok(true) => {
                    commands.push(reader.args().iter().map(<[u8]>::to_vec).collect());
                    continue;
                }
                Ok(false) => None,
                Err(ReadError::Truncated) => Some("truncated"),
                Err(ReadError::Format) => Some("format"),
                Err(ReadError::Read(error)) => panic!("{error}"),
            };
            return (commands, reader.offset(), end);
        }
    }

    fn encoded(commands: &[Vec<Vec<u8>>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for command in commands {
            encode_request(&mut bytes, command.iter().map(Vec::as_slice));
        }
        bytes
    }

    #[test]
    fn comments_are_skipped() {
        let bytes = b"#TS:1\r\n*1\r\n$4\r\nPING\r\n#TS:2\r\n# x\n*2\r\n$4\r\nECHO\r\n$0\r\n\r\n#TS:3\r\n";
        for step in [1, 7, 1000] {
            let (commands, offset, end) = read(bytes, step);
            assert_eq!(commands, [vec![b"PING".to_vec()], vec![b"ECHO".to_vec(), Vec::new()]]);
            assert_eq!((offset, end), (bytes.len() as u64, None));
        }
    }

    #[test]
    fn what_is_no_command_is_told_by_where_it_begins() {
        let good = b"*1\r\n$4\r\nPING\r\n".as_slice();
        for wrong in [
            "PING\r\n",
            "*0\r\n",
            "*-1\r\n",
            "*x\r\n",
            "*1\r\n4\r\nPING\r\n",
            "*1\r\n$-1\r\n",
            "*1\r\n$x\r\n",
            "\n",
            "!!!",
        ] {
            let (commands, offset, end) = read(&[good, wrong.as_bytes()].concat(), 1000);
            assert_eq!((commands.len(), offset, end), (1, good.len() as u64, Some("format")), "{wrong}");
        }
        let comment = [good, b"#", &[b'x'; LONGEST_COMMENT]].concat();
        assert_eq!(read(&comment, 1000).2, Some("format"));
    }

    proptest! {
        #[test]
        fn a_file_cut_off_anywhere_is_good_up_to_its_last_command(
            commands in prop::collection::vec(prop::collection::vec(prop::collection::vec(any::<u8>(), 0..30), 1..5), 1..6),
            cut: prop::sample::Index,
            step in 1usize..50,
        ) {
            let ends: Vec<usize> = (0..=commands.len()).map(|count| encoded(&commands[..count]).len()).collect();
            let bytes = encoded(&commands);
            let cut = cut.index(bytes.len() + 1);
            let (found, offset, end) = read(&bytes[..cut], step);
            let whole = ends.iter().filter(|end| **end <= cut).count() - 1;
            prop_assert_eq!(&found, &commands[..whole]);
            prop_assert_eq!(offset as usize, ends[whole]);
            prop_assert_eq!(end, (cut != ends[whole]).then_some("truncated"));
        }

        #[test]
        fn no_bytes_break_the_reader(bytes: Vec<u8>, step in 1usize..50) {
            let (_, offset, _) = read(&bytes, step);
            prop_assert!(offset <= bytes.len() as u64);
        }
    }
}
