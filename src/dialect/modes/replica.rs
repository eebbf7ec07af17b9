//! `--replica`: shows what a master writes, as its replicas get it; and the transfer that comes before, which `--rdb` keeps.
//!
//! ```text
//! SYNC -> $<length>\r\n<that many bytes>                         then commands
//!      -> $EOF:<40 bytes>\r\n<bytes, ended by the same 40>       then commands
//! PSYNC id offset -> +FULLRESYNC <id> <offset>\r\n, then as above
//!                 -> +CONTINUE [<id>]\r\n                        then commands
//! ```
//!
//! Empty lines before the first are signs of life.

use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use rcl_proto::resp::Reply;

use super::super::format::{self, Delimiters, Form};
use super::super::session::{Session, Trouble};
use super::emit;
use crate::cli::system_words;
use crate::wire::Wire;

const MARK_BYTES: usize = 40;

/// How the data before the commands ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    Bytes(u64),
    UntilMark(Vec<u8>),
    /// A partial resynchronisation.
    None,
}

/// What a master answers to SYNC or PSYNC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    pub payload: Payload,
}

pub fn run(mut session: Session<'_>) -> Result<(), Trouble> {
    session.connect()?;
    configure(&mut session, "capa", "eof")?;
    // Nothing of the data is shown, so nothing of it has to be sent.
    configure(&mut session, "rdb-filter-only", "")?;
    let mut wire = session.into_wire()?;
    wire.write_all(b"SYNC\r\n").map_err(|_| {
        eprintln!("Error writing to master");
        Trouble::NoConnection
    })?;
    follow(wire)
}

/// Sends REPLCONF; whether the server took it. An old server may not know it.
pub fn configure(session: &mut Session<'_>, name: &str, value: &str) -> Result<bool, Trouble> {
    eprintln!("sending REPLCONF {name} {value}");
    match session.ask(&[b"REPLCONF", name.as_bytes(), value.as_bytes()])? {
        Reply::Error(text) => {
            eprintln!("REPLCONF {name} error: {text}");
            Ok(false)
        }
        _ => Ok(true),
    }
}

/// After SYNC or PSYNC: leaves the data out and prints the commands that follow, until the connection ends.
pub fn follow(mut wire: Wire) -> Result<(), Trouble> {
    let Opening { payload } = payload(&mut wire)?;
    match &payload {
        Payload::None => eprintln!("Partial resync with master..."),
        Payload::Bytes(count) => {
            eprintln!("Full resync with master, discarding {count} bytes of bulk transfer...");
        }
        Payload::UntilMark(_) => {
            eprintln!("Full resync with master, discarding bytes of bulk transfer until EOF marker...");
        }
    }
    let count = transfer(&mut wire, &payload, &mut io::sink())?;
    match &payload {
        Payload::UntilMark(mark) => {
            let whole = count + mark.len() as u64;
            eprintln!("Full resync done after {whole} bytes. Logging commands from master.");
            acknowledge(&mut wire)?;
        }
        Payload::Bytes(_) => eprintln!("Full resync done. Logging commands from master."),
        Payload::None => eprintln!("Partial resync done. Logging commands from master."),
    }
    let newline = Delimiters { element: b"\n".to_vec(), reply: b"\n".to_vec() };
    loop {
        let reply = wire.receive().map_err(|error| {
            eprintln!("Error: {error}");
            Trouble::NoConnection
        })?;
        let mut line = Vec::new();
        format::print(&mut line, &reply, Form::Csv, &newline);
        emit(&String::from_utf8_lossy(&line))?;
    }
}

/// A diskless master takes its replica as online only once that has said where it is, and not at once.
fn acknowledge(wire: &mut Wire) -> Result<(), Trouble> {
    thread::sleep(Duration::from_secs(1));
    eprintln!("sending REPLCONF ACK 0");
    // It is not answered.
    wire.send(&[b"REPLCONF".as_slice(), b"ACK", b"0"]).map_err(|error| {
        eprintln!("Error: {error}");
        Trouble::NoConnection
    })
}

/// Reads the lines before the data.
pub fn payload(wire: &mut Wire) -> Result<Opening, Trouble> {
    let mut line = read_line(wire)?;
    if line.starts_with("+FULLRESYNC") || line.starts_with("+CONTINUE") {
        eprintln!("PSYNC replied {line}");
        if line.starts_with("+CONTINUE") {
            return Ok(Opening { payload: Payload::None });
        }
        line = read_line(wire)?;
    }
    if line.starts_with('-') {
        eprintln!("SYNC with master failed: {line}");
        return Err(Trouble::ErrorReply);
    }
    match parse(&line) {
        Some(payload) => Ok(Opening { payload }),
        None => {
            eprintln!("SYNC with master failed: it answered '{line}'");
            Err(Trouble::ErrorReply)
        }
    }
}

fn parse(line: &str) -> Option<Payload> {
    let text = line.strip_prefix('$')?;
    match text.strip_prefix("EOF:") {
        Some(mark) if mark.len() == MARK_BYTES => Some(Payload::UntilMark(mark.as_bytes().to_vec())),
        Some(_) => None,
        None => text.parse().ok().map(Payload::Bytes),
    }
}

/// The next line that is not empty, without its end.
fn read_line(wire: &mut Wire) -> Result<String, Trouble> {
    let mut line = Vec::new();
    loop {
        let mut byte = [0];
        match wire.read(&mut byte) {
            Ok(1..) if byte[0] != b'\n' && line.len() < 4096 => line.push(byte[0]),
            Ok(1..) if line.is_empty() => {}
            Ok(1..) => return Ok(String::from_utf8_lossy(&line).trim_end().to_owned()),
            _ => {
                eprintln!("Error reading bulk length while SYNCing");
                return Err(Trouble::NoConnection);
            }
        }
    }
}

/// Copies the data; how many bytes they were. A mark at their end is not copied.
pub fn transfer(wire: &mut Wire, payload: &Payload, out: &mut impl Write) -> Result<u64, Trouble> {
    let mut cut = Cut::new(payload);
    let mut chunk = vec![0; 64 * 1024];
    while !cut.done() {
        let most = cut.most().min(chunk.len() as u64) as usize;
        let count = match wire.read(&mut chunk[..most]) {
            Ok(count @ 1..) => count,
            _ => {
                eprintln!("I/O Error reading RDB payload from socket");
                return Err(Trouble::NoConnection);
            }
        };
        cut.take(&chunk[..count], out).map_err(|error| {
            eprintln!("Error writing data to file: {}", system_words(&error.to_string()));
            Trouble::OutputClosed
        })?;
    }
    Ok(cut.written)
}

/// Where data end in a stream that goes on behind them. Up to a mark's length of bytes is held back until it is
/// seen that they are not the mark; a master says nothing behind a mark before it is acknowledged.
struct Cut {
    left: u64,
    mark: Vec<u8>,
    held: Vec<u8>,
    written: u64,
}

impl Cut {
    fn new(payload: &Payload) -> Cut {
        let (left, mark) = match payload {
            Payload::None => (0, Vec::new()),
            Payload::Bytes(count) => (*count, Vec::new()),
            Payload::UntilMark(mark) => (u64::MAX, mark.clone()),
        };
        Cut { left, mark, held: Vec::new(), written: 0 }
    }

    fn done(&self) -> bool {
        self.left == 0
    }

    /// How many bytes may be read at once without reading beyond the end, where the end is known.
    fn most(&self) -> u64 {
        self.left
    }

    fn take(&mut self, bytes: &[u8], out: &mut impl Write) -> io::Result<()> {
        if self.mark.is_empty() {
            self.left -= bytes.len() as u64;
            self.written += bytes.len() as u64;
            return out.write_all(bytes);
        }
        self.held.extend_from_slice(bytes);
        let sure = self.held.len().saturating_sub(self.mark.len());
        if self.held.ends_with(&self.mark) {
            self.left = 0;
        }
        out.write_all(&self.held[..sure])?;
        self.written += sure as u64;
        self.held.drain(..sure);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_before_the_data_says_how_they_end() {
        assert_eq!(parse("$12"), Some(Payload::Bytes(12)));
        let mark = "m".repeat(40);
        assert_eq!(parse(&format!("$EOF:{mark}")), Some(Payload::UntilMark(mark.into_bytes())));
        assert_eq!(parse("$EOF:short"), None);
        assert_eq!(parse("+OK"), None);
    }

    #[test]
    fn a_mark_is_found_however_it_comes() {
        let mark: Vec<u8> = (0..40).collect();
        let data = b"some data that is longer than a mark, or so it seems to be".to_vec();
        let stream = [data.clone(), mark.clone()].concat();
        for size in [1, 3, 39, 40, 41, 1000] {
            let mut cut = Cut::new(&Payload::UntilMark(mark.clone()));
            let mut out = Vec::new();
            for chunk in stream.chunks(size) {
                assert!(!cut.done(), "{size}");
                cut.take(chunk, &mut out).unwrap();
            }
            assert!(cut.done(), "{size}");
            assert_eq!(out, data, "{size}");
            assert_eq!(cut.written, data.len() as u64);
        }
        let mut cut = Cut::new(&Payload::Bytes(3));
        cut.take(b"ab", &mut io::sink()).unwrap();
        assert_eq!((cut.done(), cut.most()), (false, 1));
    }
}
