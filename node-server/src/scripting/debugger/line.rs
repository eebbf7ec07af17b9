//! The socket of a debugging client, on the session's thread: it waits for the next request, and looks from time to time
//! whether there is something else to end it.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use super::request::{self, Parsed};
use crate::client::ClientHandle;
use crate::net::DetachedStream;

const LOOK_EVERY: Duration = Duration::from_millis(50);
/// A client that takes nothing for so long has gone.
const SEND_PATIENCE: Duration = Duration::from_secs(5);
const READ_BYTES: usize = 4096;
/// Longer requests are none of a debugger.
const MOST_INPUT_BYTES: usize = 1 << 20;

pub struct Line {
    stream: DetachedStream,
    /// What came and is not a whole request yet.
    input: Vec<u8>,
    client: Arc<ClientHandle>,
    is_gone: bool,
}

/// What comes of waiting for the client.
#[derive(Debug)]
pub enum Heard {
    Words(Vec<Vec<u8>>),
    /// It talks nonsense.
    Wrong(&'static str),
    Gone,
    /// Somebody else ends the wait.
    Interrupted,
}

impl Line {
    pub fn new(stream: DetachedStream, input: Vec<u8>, client: Arc<ClientHandle>) -> io::Result<Line> {
        stream.block(LOOK_EVERY, SEND_PATIENCE)?;
        Ok(Line { stream, input, client, is_gone: false })
    }

    /// The client's next request.
    pub fn listen(&mut self, mut is_interrupted: impl FnMut() -> bool) -> Heard {
        loop {
            if is_interrupted() {
                return Heard::Interrupted;
            }
            if self.is_gone || self.client.mailbox.is_killed() {
                return Heard::Gone;
            }
            match request::parse(&self.input) {
                Parsed::Words(words, used) => {
                    self.input.drain(..used);
                    return Heard::Words(words);
                }
                Parsed::Wrong => return Heard::Wrong("protocol error"),
                Parsed::Half if self.input.len() > MOST_INPUT_BYTES => {
                    return Heard::Wrong("max client buffer reached");
                }
                Parsed::Half => self.read(),
            }
        }
    }

    fn read(&mut self) {
        let mut bytes = [0; READ_BYTES];
        match self.stream.read(&mut bytes) {
            Ok(0) => self.is_gone = true,
            Ok(read) => self.input.extend_from_slice(&bytes[..read]),
            Err(error) => {
                let again = [ErrorKind::WouldBlock, ErrorKind::TimedOut, ErrorKind::Interrupted];
                self.is_gone = !again.contains(&error.kind());
            }
        }
    }

    /// To a client that is gone nothing is sent.
    pub fn send(&mut self, bytes: &[u8]) {
        self.is_gone = self.is_gone || self.stream.write_all(bytes).is_err();
    }
}

/// Lines as an array of statuses; what would end one within is a space.
pub fn encode(lines: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", lines.len()).into_bytes();
    for line in lines {
        bytes.push(b'+');
        bytes.extend(line.iter().map(|byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { *byte }));
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    fn line() -> (Line, UnixStream) {
        let (own, client) = UnixStream::pair().unwrap();
        let handle = Arc::new(ClientHandle::new(1, None, String::new(), -1, 0));
        (Line::new(DetachedStream::Unix(own), b"*1\r\n$1\r\ns\r\n*1\r\n".to_vec(), handle).unwrap(), client)
    }

    #[test]
    fn requests_are_heard_one_by_one_until_the_client_goes() {
        let (mut line, mut client) = line();
        assert!(matches!(line.listen(|| false), Heard::Words(words) if words == [b"s"]));
        client.write_all(b"$1\r\nt\r\n").unwrap();
        assert!(matches!(line.listen(|| false), Heard::Words(words) if words == [b"t"]));
        let mut looks = 0;
        let is_third_look = || {
            looks += 1;
            looks == 3
        };
        assert!(matches!(line.listen(is_third_look), Heard::Interrupted));
        client.write_all(b"nonsense").unwrap();
        assert!(matches!(line.listen(|| false), Heard::Wrong("protocol error")));
        let (mut line, client) = self::line();
        drop(client);
        assert!(matches!(line.listen(|| false), Heard::Words(_)));
        assert!(matches!(line.listen(|| false), Heard::Gone));
        line.send(b"nobody hears it");
    }

    #[test]
    fn a_client_that_was_killed_is_gone() {
        let (mut line, _client) = line();
        line.client.mailbox.kill();
        assert!(matches!(line.listen(|| false), Heard::Gone));
    }

    #[test]
    fn requests_without_an_end_are_refused() {
        let (mut line, _client) = line();
        line.input = [b"*1\r\n$1".as_slice(), &vec![b'1'; MOST_INPUT_BYTES]].concat();
        assert!(matches!(line.listen(|| false), Heard::Wrong("max client buffer reached")));
    }

    #[test]
    fn lines_are_statuses() {
        assert_eq!(encode(&[b"a\r\nb".to_vec(), Vec::new()]), b"*2\r\n+a  b\r\n+\r\n");
    }
}
