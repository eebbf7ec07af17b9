//! A blocking connection to one node: send a command, wait for its reply.
//!
//! This is what stands under the parts of `rcl` that ask one node one thing at a time and have nothing else
//! to do meanwhile: the redis-cli dialect, the lab's PING, the demos, a sample of the watch screen. The
//! verbs that talk to many nodes at once have the asynchronous connections of `connect`.
//!
//! A reply is parsed once, when its last byte is there: [`FrameEnd`] walks over the lengths and lines as
//! they arrive and remembers how far it came, so that a reply of many megabytes costs one pass, not one
//! for each read.

use std::fmt;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::path::PathBuf;
use std::time::Duration;

use rcl_proto::Address;
use rcl_proto::resp::{Reply, encode_request};

use crate::cli::system_words;
use crate::connect::{BlockingStream, Transport, address, explain};

/// Where to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    Tcp(Address),
    Unix(PathBuf),
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Tcp(address) => address.fmt(f),
            Endpoint::Unix(path) => path.display().fmt(f),
        }
    }
}

/// Why a connection did not come up or did not last.
#[derive(Debug)]
pub enum WireError {
    Io(io::Error),
    /// The server closed the connection.
    Closed,
    /// What came is not RESP.
    NotResp(String),
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WireError::Io(error) => f.write_str(&plain_text(error)),
            WireError::Closed => f.write_str("Server closed the connection"),
            WireError::NotResp(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for WireError {}

impl Endpoint {
    fn address(&self) -> Address {
        match self {
            Endpoint::Tcp(address) => address.clone(),
            Endpoint::Unix(path) => Address::new(format!("{}{}", address::UNIX, path.display()), 0),
        }
    }
}

impl From<io::Error> for WireError {
    fn from(error: io::Error) -> WireError {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => WireError::Closed,
            _ => WireError::Io(error),
        }
    }
}

/// The system's own words; what is wrong with TLS in ours.
fn plain_text(error: &io::Error) -> String {
    explain(error).unwrap_or_else(|| system_words(&error.to_string()))
}

/// An open connection.
pub struct Wire {
    stream: BlockingStream,
    /// What was read and not yet returned.
    buffer: Vec<u8>,
    frame: FrameEnd,
}

impl Wire {
    /// Connects. `timeout` bounds the connect and each wait for bytes; without it a read waits for ever,
    /// as a blocking command or a subscription needs.
    pub fn connect(endpoint: &Endpoint, timeout: Option<Duration>) -> Result<Wire, WireError> {
        Wire::connect_by(&Transport::default(), endpoint, timeout)
    }

    /// The same by another way: through TLS, or to where the transport's map says that the endpoint is reached.
    pub fn connect_by(
        transport: &Transport,
        endpoint: &Endpoint,
        timeout: Option<Duration>,
    ) -> Result<Wire, WireError> {
        let stream = transport.open_blocking(&endpoint.address(), timeout)?;
        Ok(Wire { stream, buffer: Vec::new(), frame: FrameEnd::default() })
    }

    /// Sends a command and waits for its reply. A push that arrives first is skipped.
    pub fn call<A: AsRef<[u8]>>(&mut self, arguments: &[A]) -> Result<Reply, WireError> {
        self.send(arguments)?;
        loop {
            match self.receive()? {
                Reply::Push(_) => {}
                reply => return Ok(reply),
            }
        }
    }

    /// Sends a command without waiting.
    pub fn send<A: AsRef<[u8]>>(&mut self, arguments: &[A]) -> Result<(), WireError> {
        let mut request = Vec::new();
        encode_request(&mut request, arguments.iter().map(AsRef::as_ref));
        Ok(self.stream.write_all(&request)?)
    }

    /// Waits for the next reply or push.
    pub fn receive(&mut self) -> Result<Reply, WireError> {
        loop {
            if let Some(reply) = self.take_received()? {
                return Ok(reply);
            }
            self.read_more()?;
        }
    }

    /// The next reply or push, if it comes within `limit`.
    pub fn receive_within(&mut self, limit: Duration) -> Result<Option<Reply>, WireError> {
        if let Some(reply) = self.take_received()? {
            return Ok(Some(reply));
        }
        self.set_time_limit(Some(limit))?;
        let received = self.receive();
        self.set_time_limit(None)?;
        match received {
            Err(WireError::Io(error))
                if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) =>
            {
                Ok(None)
            }
            received => received.map(Some),
        }
    }

    /// The next reply, if all of it is here already.
    pub fn take_received(&mut self) -> Result<Option<Reply>, WireError> {
        let Some(end) = self.frame.advance(&self.buffer)? else { return Ok(None) };
        let parsed = Reply::parse(&self.buffer).map_err(|error| WireError::NotResp(error.0))?;
        self.buffer.drain(..end);
        self.frame = FrameEnd::default();
        let (reply, _) = parsed.ok_or_else(|| WireError::NotResp("a broken frame".into()))?;
        Ok(Some(reply))
    }

    /// Bytes that are no replies, as of a replication stream; 0: the server closed the connection.
    pub fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.buffer.is_empty() {
            return self.stream.read(bytes);
        }
        let count = bytes.len().min(self.buffer.len());
        bytes[..count].copy_from_slice(&self.buffer[..count]);
        self.buffer.drain(..count);
        self.frame = FrameEnd::default();
        Ok(count)
    }

    /// Bytes as they are.
    pub fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// How long each wait for bytes may take from now on.
    pub fn set_time_limit(&self, limit: Option<Duration>) -> io::Result<()> {
        self.stream.set_read_timeout(limit)
    }

    /// A second hand on the connection, which writes while this one reads.
    pub fn writer(&self) -> io::Result<Box<dyn Write + Send>> {
        self.stream.writer()
    }

    fn read_more(&mut self) -> Result<(), WireError> {
        let start = self.buffer.len();
        self.buffer.resize(start + READ_BYTES, 0);
        let count = loop {
            match self.stream.read(&mut self.buffer[start..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.buffer.truncate(start + *count.as_ref().unwrap_or(&0));
        match count? {
            0 => Err(WireError::Closed),
            _ => Ok(()),
        }
    }
}

const READ_BYTES: usize = 64 * 1024;

impl AsRawFd for Wire {
    fn as_raw_fd(&self) -> RawFd {
        self.stream.as_raw_fd()
    }
}

/// How far the first reply of a buffer has been measured.
struct FrameEnd {
    /// Where the next line or string of the reply starts.
    position: usize,
    /// How many elements are still to come, the whole reply counting as one.
    missing: u64,
    /// Up to where the current line was searched for its end.
    searched: usize,
}

impl Default for FrameEnd {
    fn default() -> FrameEnd {
        FrameEnd { position: 0, missing: 1, searched: 0 }
    }
}

impl FrameEnd {
    /// Where the reply ends, once all of it is in `buffer`, which must have only grown since the last call.
    fn advance(&mut self, buffer: &[u8]) -> Result<Option<usize>, WireError> {
        while self.missing > 0 {
            let start = self.position.max(self.searched);
            let found = buffer.get(start..).and_then(|rest| rest.windows(2).position(|two| two == b"\r\n"));
            let Some(offset) = found else {
                self.searched = buffer.len().saturating_sub(1);
                return Ok(None);
            };
            let line = &buffer[self.position..start + offset];
            let after_line = start + offset + 2;
            let end = match line.first() {
                Some(b'$' | b'=' | b'!') => match length_of(line)? {
                    Some(length) => after_line.saturating_add(length).saturating_add(2),
                    None => after_line,
                },
                Some(b'*' | b'~' | b'>') => {
                    self.missing = self.missing.saturating_add(length_of(line)?.unwrap_or(0) as u64);
                    after_line
                }
                Some(b'%') => {
                    let elements = (length_of(line)?.unwrap_or(0) as u64).saturating_mul(2);
                    self.missing = self.missing.saturating_add(elements);
                    after_line
                }
                _ => after_line,
            };
            if end > buffer.len() {
                // The line is read again when its string is complete; it is short.
                self.searched = 0;
                return Ok(None);
            }
            self.missing -= 1;
            self.position = end;
        }
        Ok(Some(self.position))
    }
}

/// The length in the first line of a string or an aggregate; `None` for the null of RESP2.
fn length_of(line: &[u8]) -> Result<Option<usize>, WireError> {
    let text = std::str::from_utf8(&line[1..]).unwrap_or("");
    match text.parse::<i64>() {
        Ok(-1) => Ok(None),
        Ok(length) if length >= 0 => Ok(Some(length as usize)),
        _ => Err(WireError::NotResp(format!("'{}' is no length", line.escape_ascii()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_measured_however_it_arrives() {
        let text = b"*4\r\n$3\r\nabc\r\n:12\r\n%1\r\n+a\r\n*-1\r\n$-1\r\n+next\r\n";
        let whole = text.len() - b"+next\r\n".len();
        let mut frame = FrameEnd::default();
        for end in 0..whole {
            assert_eq!(frame.advance(&text[..end]).unwrap(), None, "{end} bytes");
        }
        assert_eq!(frame.advance(text).unwrap(), Some(whole));
        assert_eq!(FrameEnd::default().advance(text).unwrap(), Some(whole));
        assert_eq!(Reply::parse(text).unwrap().unwrap().1, whole);
    }

    #[test]
    fn garbage_is_refused() {
        for bad in ["$x\r\n", "*-2\r\n", "%\r\n"] {
            assert!(FrameEnd::default().advance(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn errors_speak_as_the_system_does() {
        let refused = io::Error::from_raw_os_error(libc::ECONNREFUSED);
        assert_eq!(WireError::from(refused).to_string(), "Connection refused");
    }

    proptest::proptest! {
        #[test]
        fn what_is_measured_is_what_is_parsed(bytes in "[-+:$*%~>_#,(=!0-9a\r\n]{0,60}") {
            let measured = FrameEnd::default().advance(bytes.as_bytes());
            if let Ok(Some((_, consumed))) = Reply::parse(bytes.as_bytes()) {
                assert_eq!(measured.unwrap(), Some(consumed));
            }
        }
    }
}
