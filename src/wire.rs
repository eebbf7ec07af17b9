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
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use rcl_proto::Address;
use rcl_proto::resp::{Reply, encode_request};

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

impl From<io::Error> for WireError {
    fn from(error: io::Error) -> WireError {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => WireError::Closed,
            _ => WireError::Io(error),
        }
    }
}

/// The system's own words, without the `(os error 111)` that Rust adds.
fn plain_text(error: &io::Error) -> String {
    let text = error.to_string();
    match text.rfind(" (os error") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

/// An open connection.
pub struct Wire {
    stream: Stream,
    /// What was read and not yet returned.
    buffer: Vec<u8>,
    frame: FrameEnd,
}

enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Wire {
    /// Connects. `timeout` bounds the connect and each wait for bytes; without it a read waits for ever,
    /// as a blocking command or a subscription needs.
    pub fn connect(endpoint: &Endpoint, timeout: Option<Duration>) -> Result<Wire, WireError> {
        let stream = match endpoint {
            Endpoint::Tcp(address) => Stream::Tcp(connect_tcp(address, timeout)?),
            Endpoint::Unix(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(timeout)?;
                stream.set_write_timeout(timeout)?;
                Stream::Unix(stream)
            }
        };
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
        match &mut self.stream {
            Stream::Tcp(stream) => stream.write_all(&request)?,
            Stream::Unix(stream) => stream.write_all(&request)?,
        }
        Ok(())
    }

    /// Waits for the next reply or push.
    pub fn receive(&mut self) -> Result<Reply, WireError> {
        let mut chunk = vec![0; 64 * 1024];
        loop {
            if let Some(end) = self.frame.advance(&self.buffer)? {
                let parsed = Reply::parse(&self.buffer).map_err(|error| WireError::NotResp(error.0))?;
                self.buffer.drain(..end);
                self.frame = FrameEnd::default();
                let (reply, _) = parsed.ok_or_else(|| WireError::NotResp("a broken frame".into()))?;
                return Ok(reply);
            }
            let count = match &mut self.stream {
                Stream::Tcp(stream) => stream.read(&mut chunk),
                Stream::Unix(stream) => stream.read(&mut chunk),
            };
            match count {
                Ok(0) => return Err(WireError::Closed),
                Ok(count) => self.buffer.extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// The first of the host's addresses that answers. `timeout` bounds the connect and each read and write.
pub fn connect_tcp(address: &Address, timeout: Option<Duration>) -> io::Result<TcpStream> {
    let mut last_error = None;
    for candidate in (address.host.as_str(), address.port).to_socket_addrs()? {
        let attempt = match timeout {
            Some(timeout) => TcpStream::connect_timeout(&candidate, timeout),
            None => TcpStream::connect(candidate),
        };
        match attempt {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_read_timeout(timeout)?;
                stream.set_write_timeout(timeout)?;
                return Ok(stream);
            }
            Err(error) => last_error = Some(error),
        }
    }
    Err(last_error.unwrap_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address")))
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
