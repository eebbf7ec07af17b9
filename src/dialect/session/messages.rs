//! What comes unasked: pushes of RESP3, messages of subscriptions, the commands of MONITOR.
//!
//! | where | SUBSCRIBE | MONITOR |
//! |---|---|---|
//! | on the command line | messages are printed until the end | commands are printed until the end |
//! | at the prompt | messages are printed while nothing is typed; any key brings the prompt | Ctrl-C brings the prompt |
//!
//! At the prompt a SUBSCRIBE is answered when each of its channels is confirmed, as redis-cli 7.2 has it. In
//! RESP2 a message is an array whose first element ends in `message` or `subscribe`.

use std::time::Duration;

use rcl_proto::resp::Reply;

use super::kind::Kind;
use super::{Next, Session, Trouble};
use crate::dialect::format::Form;
use crate::dialect::terminal;
use crate::output::Typing;
use crate::wire::WireError;

/// How soon Ctrl-C is seen.
const LOOK: Duration = Duration::from_millis(100);

/// Clears the rest of a terminal's line.
const ERASE: &[u8] = b"\x1b[K";

impl Session<'_> {
    pub fn is_subscribed(&self) -> bool {
        self.subscribed
    }

    /// The answer to `command`, and whether it was printed already: what comes unasked is, where it is to be
    /// shown, and a subscription is answered by what comes unasked.
    pub(super) fn receive_answer(
        &mut self,
        command: &[Vec<u8>],
        kind: Kind,
    ) -> Result<(Reply, bool), Trouble> {
        let mut unconfirmed = match kind {
            Kind::Subscribe | Kind::Unsubscribe => (command.len() - 1).max(1),
            _ => 0,
        };
        loop {
            let reply = self.receive_any()?;
            let awaited = self.subscribed || unconfirmed > 0;
            if awaited && self.is_message(&reply) {
                self.print_unasked(&reply)?;
                if unconfirmed == 0 || !confirms(&reply, &command[0]) {
                    continue;
                }
                self.subscribed |= kind == Kind::Subscribe;
                unconfirmed -= 1;
                if unconfirmed == 0 {
                    return Ok((reply, true));
                }
            } else if matches!(reply, Reply::Push(_)) {
                if awaited || self.show_pushes {
                    self.print_unasked(&reply)?;
                }
            } else {
                return Ok((reply, false));
            }
        }
    }

    /// Subscriptions on the command line: prints what comes until an error or the end.
    pub(super) fn print_messages(&mut self) -> Result<Next, Trouble> {
        if self.form != Form::Raw {
            self.emit(b"Reading messages... (press Ctrl-C to quit)\n")?;
        }
        self.print_stream(Kind::Subscribe)
    }

    pub(super) fn print_monitor(&mut self) -> Result<Next, Trouble> {
        self.print_stream(Kind::Monitor)
    }

    fn print_stream(&mut self, kind: Kind) -> Result<Next, Trouble> {
        let interrupt = self.interrupt.clone();
        let caught = interrupt.as_ref().map(|interrupt| interrupt.catch());
        loop {
            let Some(reply) = self.receive_or_look()? else {
                if caught.as_ref().is_some_and(|caught| caught.came()) {
                    return Err(self.interrupted());
                }
                continue;
            };
            if self.redirected_by(&reply)? {
                return Ok(Next::Redirected);
            }
            self.print_reply(&reply, kind)?;
            if matches!(reply, Reply::Error(_)) {
                return Ok(Next::Done);
            }
        }
    }

    /// Prints messages until a key is pressed (a line comes, where stdin is no terminal; `typed` is what was
    /// read of it already).
    pub fn print_until_typed(&mut self, typed: bool) -> Result<(), Trouble> {
        let shows = self.form != Form::Raw && self.on_terminal;
        let interrupt = self.interrupt.clone();
        let caught = interrupt.as_ref().map(|interrupt| interrupt.catch());
        let _keys = Typing::by_key();
        while self.subscribed {
            while let Some(reply) = self.received()? {
                self.print_unasked(&reply)?;
            }
            if typed {
                return Ok(());
            }
            if shows {
                self.emit(reading().as_bytes())?;
            }
            let woken = loop {
                let woken = match &self.wire {
                    Some(wire) => terminal::wait_for_input(wire, LOOK),
                    None => return Ok(()),
                };
                if woken.any() || caught.as_ref().is_some_and(|caught| caught.came()) {
                    break woken;
                }
            };
            if shows {
                self.emit(ERASE)?;
            }
            if caught.as_ref().is_some_and(|caught| caught.came()) {
                self.subscribed = false;
                return self.connect();
            }
            if woken.connection {
                let reply = self.receive_any()?;
                self.print_unasked(&reply)?;
            } else if woken.stdin {
                return Ok(());
            }
        }
        Ok(())
    }

    fn print_unasked(&mut self, reply: &Reply) -> Result<(), Trouble> {
        match invalidated(reply) {
            Some(line) if self.form == Form::Standard && !self.subscribed => self.emit(line.as_bytes()),
            _ => self.print_reply(reply, Kind::Plain),
        }
    }

    fn is_message(&self, reply: &Reply) -> bool {
        let elements = match reply {
            Reply::Push(elements) if self.speaks_resp3 => elements,
            Reply::Array(elements) if !self.speaks_resp3 => elements,
            _ => return false,
        };
        let first = elements.first().and_then(Reply::as_bytes).unwrap_or_default();
        elements.len() >= 3 && (first.ends_with(b"message") || first.ends_with(b"subscribe"))
    }

    /// The next reply; `None` when none came for a moment.
    fn receive_or_look(&mut self) -> Result<Option<Reply>, Trouble> {
        let received = match &mut self.wire {
            Some(wire) if self.interrupt.is_some() => wire.receive_within(LOOK),
            Some(wire) => wire.receive().map(Some),
            None => Err(WireError::Closed),
        };
        received.map_err(|error| self.lost(&error))
    }

    fn received(&mut self) -> Result<Option<Reply>, Trouble> {
        let received = match &mut self.wire {
            Some(wire) => wire.take_received(),
            None => Err(WireError::Closed),
        };
        received.map_err(|error| self.lost(&error))
    }

    /// The server goes on talking: only a new connection is quiet.
    fn interrupted(&mut self) -> Trouble {
        let _ = self.connect();
        Trouble::Interrupted
    }
}

fn confirms(reply: &Reply, command: &[u8]) -> bool {
    let (Reply::Push(elements) | Reply::Array(elements)) = reply else { return false };
    elements.first().and_then(Reply::as_bytes).is_some_and(|first| first.eq_ignore_ascii_case(command))
}

/// `-> invalidate: 'a', 'b'`, for the push of client-side caching.
fn invalidated(reply: &Reply) -> Option<String> {
    let Reply::Push(elements) = reply else { return None };
    let [name, Reply::Array(keys)] = elements.as_slice() else { return None };
    if !name.as_bytes()?.starts_with(b"invalidate") {
        return None;
    }
    let keys =
        keys.iter().map(|key| format!("'{}'", String::from_utf8_lossy(key.as_bytes().unwrap_or_default())));
    Some(format!("-> invalidate: {}\n", keys.collect::<Vec<_>>().join(", ")))
}

/// The line that stands while messages are awaited.
fn reading() -> String {
    let text = "Reading messages... (press Ctrl-C to quit or any key to type command)\r";
    match has_colour() {
        true => format!("\x1b[1;90m{text}\x1b[0m"),
        false => text.to_owned(),
    }
}

pub(super) fn has_colour() -> bool {
    std::env::var("TERM").is_ok_and(|term| term.contains("xterm"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Reply {
        Reply::Bulk(text.as_bytes().to_vec())
    }

    #[test]
    fn keys_that_a_cache_must_forget_are_named() {
        let push = Reply::Push(vec![bulk("invalidate"), Reply::Array(vec![bulk("a"), bulk("b")])]);
        assert_eq!(invalidated(&push).as_deref(), Some("-> invalidate: 'a', 'b'\n"));
        assert_eq!(invalidated(&Reply::Push(vec![bulk("invalidate"), Reply::Null])), None);
        assert_eq!(invalidated(&Reply::Push(vec![bulk("message"), bulk("c"), bulk("m")])), None);
    }

    #[test]
    fn a_confirmation_has_its_command_s_name() {
        let push = Reply::Push(vec![bulk("subscribe"), bulk("c"), Reply::Integer(1)]);
        assert!(confirms(&push, b"SUBSCRIBE"));
        assert!(!confirms(&push, b"unsubscribe"));
    }
}
