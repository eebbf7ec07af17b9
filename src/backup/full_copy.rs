//! A master's data as it gives them to a replica.
//!
//! ```text
//! AUTH …                            (with a password)
//! PING
//! REPLCONF rdb-only 1               from Redis 7.0 on: it keeps no stream of writes for us; others refuse it, which is no harm
//! REPLCONF capa eof capa psync2
//! PSYNC ? -1            ◄─ +FULLRESYNC id offset          the data will be those at this offset of this stream
//!                       ◄─ \n …                           "I am still here", while the snapshot is made
//!                       ◄─ $length\r\n  that many bytes           from a file
//!                       ◄─ $EOF:mark\r\n  bytes, the mark again   from memory (diskless)
//! ```
//!
//! Nothing is acknowledged: the node never counts us among those that have its writes. Blocking, since each copy has a thread of
//! its own that does nothing else than what the bytes need. Sources of the facts: replication.c of Redis 7.0.15.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rcl_proto::Address;
use rcl_proto::resp::encode_request;

use crate::cli::{Failure, Kind};
use crate::connect::{BlockingStream, Connector, LinkError, explain};

/// A line that has not ended after so many bytes is none.
const LONGEST_LINE: u64 = 64 * 1024;
/// While a snapshot is made, nodes say something each second; a slow disk may hold one up for longer.
const LEAST_PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked whether the copy is still wanted.
const GLANCE: Duration = Duration::from_millis(500);
const BUFFER: usize = 256 * 1024;

/// The bytes of the RDB file are what is read from it.
#[derive(Debug)]
pub struct FullCopy {
    address: Address,
    stream: BufReader<Patient>,
    pub replication_id: String,
    pub offset: u64,
    end: End,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The data at one point.
    Copy,
    /// The data, and then all that is written.
    CopyAndStream,
}

/// How it is known that all bytes came.
#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    /// So many are still to come.
    Left(u64),
    /// This follows them.
    Mark(Vec<u8>),
}

impl FullCopy {
    /// Returns when the first byte of the copy is about to come, which may take as long as the node needs for a snapshot. Once
    /// `stop` is true, reading fails.
    pub fn open(
        connector: &Connector,
        address: &Address,
        stop: &Arc<AtomicBool>,
        wanted: Wanted,
    ) -> Result<FullCopy, Failure> {
        let unreachable = |error: io::Error| lost(address, &error);
        let stream = connector.open_blocking(address).map_err(unreachable)?;
        stream.set_read_timeout(Some(GLANCE)).map_err(unreachable)?;
        let patience = connector.time_limit.max(LEAST_PATIENCE);
        let patient = Patient { stream, patience, stop: Arc::clone(stop) };
        let mut talk = Talk { address, stream: BufReader::with_capacity(BUFFER, patient) };
        if let Some(credentials) = &connector.credentials {
            let user = credentials.user.as_deref();
            let words: Vec<&str> = ["AUTH"].into_iter().chain(user).chain([&*credentials.password]).collect();
            talk.call(&words)?;
        }
        talk.call(&["PING"])?;
        if wanted == Wanted::Copy {
            // Who does not know it answers with an error, and keeps a stream for us that we do not read.
            talk.ask(&["REPLCONF", "rdb-only", "1"])?;
        }
        talk.call(&["REPLCONF", "capa", "eof", "capa", "psync2"])?;
        let answer = talk.call(&["PSYNC", "?", "-1"])?;
        let words: Vec<&str> = answer.split(' ').collect();
        let ["FULLRESYNC", replication_id, offset] = words.as_slice() else {
            return Err(talk.wrong("PSYNC", &answer));
        };
        let offset = offset.parse().map_err(|_| talk.wrong("PSYNC", &answer))?;
        let head = talk.line()?;
        let end = parse_head(&head).ok_or_else(|| talk.wrong("PSYNC", &head))?;
        let (address, replication_id) = (address.clone(), (*replication_id).to_owned());
        Ok(FullCopy { address, replication_id, offset, end, stream: talk.stream })
    }

    /// All bytes were read: whether the node thinks so, too. What follows is its stream.
    pub fn finish(mut self) -> Result<BufReader<Patient>, Failure> {
        let says = |what: String| {
            Failure::new(
                Kind::Internal,
                format!("the copy of {} does not end where it should: {what}", self.address),
            )
        };
        match &self.end {
            End::Left(0) => Ok(self.stream),
            End::Left(left) => Err(says(format!("{left} bytes are left"))),
            End::Mark(mark) => {
                let mut found = vec![0; mark.len()];
                self.stream.read_exact(&mut found).map_err(|error| lost(&self.address, &error))?;
                if found == *mark { Ok(self.stream) } else { Err(says("its end mark is missing".into())) }
            }
        }
    }
}

impl Read for FullCopy {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let End::Left(left) = &mut self.end else { return self.stream.read(into) };
        let most = usize::try_from(*left).unwrap_or(usize::MAX).min(into.len());
        let count = self.stream.read(&mut into[..most])?;
        *left -= count as u64;
        Ok(count)
    }
}

/// `$length`, or `$EOF:` and forty characters.
fn parse_head(line: &str) -> Option<End> {
    let rest = line.strip_prefix('$')?;
    match rest.strip_prefix("EOF:") {
        Some(mark) => (mark.len() == 40).then(|| End::Mark(mark.as_bytes().to_vec())),
        None => rest.parse().ok().map(End::Left),
    }
}

/// A socket that may be silent for a while, unless nobody wants any more what it has to say.
#[derive(Debug)]
pub struct Patient {
    stream: BlockingStream,
    patience: Duration,
    stop: Arc<AtomicBool>,
}

impl Patient {
    /// Says how far the stream was read, which keeps the node from giving us up.
    pub fn acknowledge(&mut self, offset: u64) -> io::Result<()> {
        let mut request = Vec::new();
        let offset = offset.to_string();
        encode_request(&mut request, [&b"REPLCONF"[..], b"ACK", offset.as_bytes()]);
        self.stream.write_all(&request)
    }

    /// What has come, which may be nothing yet: it waits for a moment only.
    pub fn glance(&mut self, into: &mut [u8]) -> io::Result<Option<usize>> {
        match self.stream.read(into) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => Ok(Some(count)),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

impl Read for Patient {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let started = Instant::now();
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Err(io::Error::other("it is not wanted any more"));
            }
            match self.stream.read(into) {
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
                        && started.elapsed() < self.patience => {}
                outcome => return outcome,
            }
        }
    }
}

/// The handshake.
struct Talk<'a> {
    address: &'a Address,
    stream: BufReader<Patient>,
}

impl Talk<'_> {
    /// The answer, an error being `Err`.
    fn call(&mut self, words: &[&str]) -> Result<String, Failure> {
        let answer = self.ask(words)?;
        match (answer.strip_prefix('+'), answer.strip_prefix('-')) {
            (Some(text), _) => Ok(text.to_owned()),
            (_, Some(error)) => Err(self.refused(words[0], error)),
            _ => Err(self.wrong(words[0], &answer)),
        }
    }

    fn ask(&mut self, words: &[&str]) -> Result<String, Failure> {
        let mut request = Vec::new();
        encode_request(&mut request, words.iter().map(|word| word.as_bytes()));
        self.stream.get_mut().stream.write_all(&request).map_err(|error| lost(self.address, &error))?;
        self.line()
    }

    /// The next line that is not empty, without its end.
    fn line(&mut self) -> Result<String, Failure> {
        loop {
            let mut line = Vec::new();
            let read = (&mut self.stream).take(LONGEST_LINE).read_until(b'\n', &mut line);
            read.map_err(|error| lost(self.address, &error))?;
            if line.last() != Some(&b'\n') {
                return Err(lost(self.address, &io::ErrorKind::UnexpectedEof.into()));
            }
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            if let Some(error) = text.strip_prefix('-').filter(|_| text.contains("BGSAVE failed")) {
                return Err(self.refused("PSYNC", error));
            }
            if !text.is_empty() {
                return Ok(text);
            }
        }
    }

    fn refused(&self, command: &str, error: &str) -> Failure {
        let address = self.address.clone();
        if error.starts_with("NOPERM") {
            let denied = LinkError::Denied { address, why: error.to_owned() };
            return Failure::new(Kind::Unreachable, denied.to_string())
                .next("a backup needs a user with the rights of a replica: +psync +replconf +ping");
        }
        if ["NOAUTH", "WRONGPASS"].iter().any(|code| error.starts_with(code)) {
            return LinkError::Denied { address, why: error.to_owned() }.into();
        }
        let error = LinkError::Server { address, command: command.to_owned(), error: error.to_owned() };
        Failure::new(Kind::Stopped, error.to_string())
    }

    fn wrong(&self, command: &str, reply: &str) -> Failure {
        let reply = reply.chars().take(200).collect();
        LinkError::Unexpected { address: self.address.clone(), command: command.to_owned(), reply }.into()
    }
}

/// The connection of a copy or a stream broke.
pub fn lost(address: &Address, error: &io::Error) -> Failure {
    let why = match error.kind() {
        io::ErrorKind::UnexpectedEof => "it closed the connection".to_owned(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => "it is silent".to_owned(),
        _ => explain(error).unwrap_or_else(|| error.to_string()),
    };
    Failure::new(Kind::Unreachable, format!("the copy of {address} broke off: {why}"))
        .next("the node's log says why it ended it, if it did; then take the backup again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_heads_are_known_and_nothing_else() {
        let mark = "0123456789012345678901234567890123456789";
        assert_eq!(parse_head("$17"), Some(End::Left(17)));
        assert_eq!(parse_head(&format!("$EOF:{mark}")), Some(End::Mark(mark.into())));
        for bad in ["", "$", "$-1", "$EOF:", "$EOF:short", "+17", "17"] {
            assert_eq!(parse_head(bad), None, "{bad}");
        }
    }
}
