//! `--pipe`: what stdin holds goes to the server as it is, and the replies are counted meanwhile.
//!
//! 1. A second thread copies stdin to the connection, so that a server that waits for its replies to be taken
//!    never waits in vain. Through TLS one thread does both in turn: Redis reads on while replies wait.
//! 2. Behind the last byte an ECHO of twenty random bytes is sent; its reply is the last.
//! 3. Errors are said on stderr as they come; a single one makes the exit code 1.

use std::io::{self, Read, Write};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rand::RngExt as _;
use rcl_proto::resp::{Reply, encode_request};

use super::super::session::{Session, Trouble};
use super::emit;
use crate::cli::system_words;
use crate::wire::{Wire, WireError};

/// How soon the end of stdin and of patience are seen.
const LOOK: Duration = Duration::from_millis(100);

pub fn run(mut session: Session<'_>, patience: Option<Duration>) -> Result<(), Trouble> {
    session.connect()?;
    let mut wire = session.into_wire()?;
    let magic: [u8; 20] = rand::rng().random();
    let mut counts = Counts::default();
    let (sent, outcome) = mpsc::channel();
    match wire.writer() {
        Ok(writer) => {
            thread::spawn(move || sent.send(copy(io::stdin().lock(), writer, &magic)));
        }
        Err(_) => {
            let mut in_turn = InTurn { wire: &mut wire, counts: &mut counts, magic };
            let copied = copy(io::stdin().lock(), &mut in_turn, &magic);
            let _ = sent.send(copied);
        }
    }
    let mut all_sent = false;
    let mut last_reply = Instant::now();
    while !counts.done {
        if !all_sent && let Ok(copied) = outcome.try_recv() {
            copied.map_err(|text| {
                eprintln!("{text}");
                Trouble::NoConnection
            })?;
            emit("All data transferred. Waiting for the last reply...\n")?;
            (all_sent, last_reply) = (true, Instant::now());
        }
        match receive(&mut wire)? {
            Some(reply) => {
                last_reply = Instant::now();
                counts.take(reply, &magic);
            }
            None if all_sent && patience.is_some_and(|patience| last_reply.elapsed() > patience) => {
                let seconds = patience.unwrap_or_default().as_secs();
                eprintln!("No replies for {seconds} seconds: exiting.");
                counts.errors += 1;
                break;
            }
            None => {}
        }
    }
    if !all_sent {
        emit("All data transferred. Waiting for the last reply...\n")?;
    }
    if counts.done {
        emit("Last reply received from server.\n")?;
    }
    emit(&format!("errors: {}, replies: {}\n", counts.errors, counts.replies))?;
    if counts.errors > 0 { Err(Trouble::ErrorReply) } else { Ok(()) }
}

#[derive(Debug, Default)]
struct Counts {
    errors: u64,
    replies: u64,
    /// The reply of the ECHO came.
    done: bool,
}

impl Counts {
    fn take(&mut self, reply: Reply, magic: &[u8]) {
        match reply {
            Reply::Bulk(bytes) if bytes == magic => {
                self.done = true;
                return;
            }
            Reply::Error(text) => {
                eprintln!("{text}");
                self.errors += 1;
            }
            _ => {}
        }
        self.replies += 1;
    }
}

/// Writes, and takes the replies that are there after each piece.
struct InTurn<'a> {
    wire: &'a mut Wire,
    counts: &'a mut Counts,
    magic: [u8; 20],
}

impl Write for InTurn<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.wire.write_all(bytes)?;
        let soon = Duration::from_millis(1);
        while let Some(reply) = self.wire.receive_within(soon).map_err(io::Error::other)? {
            self.counts.take(reply, &self.magic);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn receive(wire: &mut Wire) -> Result<Option<Reply>, Trouble> {
    wire.receive_within(LOOK).map_err(|error| {
        match error {
            WireError::NotResp(_) => eprintln!("Error reading replies from server"),
            error => eprintln!("Error reading from the server: {error}"),
        }
        Trouble::NoConnection
    })
}

/// All of `from`, then the ECHO. A line's end before it ends whatever garbage came before.
fn copy(mut from: impl Read, mut to: impl Write, magic: &[u8]) -> Result<(), String> {
    let mut chunk = vec![0; 64 * 1024];
    loop {
        match from.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => {
                to.write_all(&chunk[..count]).map_err(|error| {
                    format!("Error writing to the server: {}", system_words(&error.to_string()))
                })?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                return Err(format!("Error reading from stdin: {}", system_words(&error.to_string())));
            }
        }
    }
    let mut last = b"\r\n".to_vec();
    encode_request(&mut last, [b"ECHO".as_slice(), magic]);
    to.write_all(&last)
        .map_err(|error| format!("Error writing to the server: {}", system_words(&error.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_echo_ends_it_and_is_not_counted() {
        let mut counts = Counts::default();
        counts.take(Reply::Simple("OK".into()), b"magic");
        counts.take(Reply::Error("ERR no".into()), b"magic");
        counts.take(Reply::Bulk(b"other".to_vec()), b"magic");
        assert!(!counts.done);
        counts.take(Reply::Bulk(b"magic".to_vec()), b"magic");
        assert_eq!((counts.errors, counts.replies, counts.done), (1, 3, true));
    }

    #[test]
    fn what_is_copied_is_followed_by_an_echo() {
        let mut to = Vec::new();
        copy(&b"*1\r\n$4\r\nPING\r\n"[..], &mut to, b"m").unwrap();
        assert_eq!(to, b"*1\r\n$4\r\nPING\r\n\r\n*2\r\n$4\r\nECHO\r\n$1\r\nm\r\n");
    }
}
