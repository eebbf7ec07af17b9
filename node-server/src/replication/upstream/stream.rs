//! Applying the master's stream.
//!
//! ```text
//!   input  │ applied and logged │ MULTI … (kept back)   │ half a command
//!                               ▲ logged                ▲ parsed
//! ```
//!
//! Commands run as the master's, on all cores where they are about different shards ([`Applier`]); a few alone are run by the
//! thread that read them. When all that came complete is applied, it goes into the log verbatim, under the same offsets: so what
//! is acknowledged, or passed on to replicas and the append-only file, is what every thread has applied. A transaction counts
//! only as a whole: until its EXEC ran, the log (and what is acknowledged) stands before its MULTI; if the link breaks meanwhile,
//! the master sends all of it again.

use std::convert::Infallible;
use std::ops::Range;
use std::sync::Arc;

use rcl_proto::resp::{Args, Limits, Parsed, RequestParser, encode_request};

use super::connection::{Connection, LinkError};
use crate::applying::{Applier, Shape, Source};
use crate::client::ClientHandle;
use crate::commands::cluster::setslot_from_master;
use crate::node::Node;

/// A master may send what no client may; the parser's own limit remains.
const LIMITS: Limits = Limits { max_bulk_bytes: u32::MAX as usize, authenticated: true };

/// While CLIENT PAUSE holds writes back, so much of the stream is taken in, and the master keeps the rest.
const PAUSED_INPUT_BYTES: usize = 64 * 1024 * 1024;

struct Stream {
    node: Arc<Node>,
    applier: Applier,
    parser: RequestParser,
    parsed: usize,
    logged: usize,
    wants_acknowledgement: bool,
    /// What is to be logged next holds a SETSLOT.
    has_setslot: bool,
    /// Where what is to be logged next is about no data.
    apart: Vec<Range<usize>>,
}

pub fn apply(connection: &mut Connection) -> Result<Infallible, LinkError> {
    let node = connection.node.clone();
    let mut stream = Stream::new(&node, connection.handle.clone(), Shape::of(&node));
    loop {
        let is_paused = node.pause.is_by_operator();
        if !is_paused {
            stream.apply_what_came(connection)?;
        }
        if stream.wants_acknowledgement || connection.is_time_to_speak() {
            stream.wants_acknowledgement = false;
            acknowledge(connection)?;
        }
        if is_paused && connection.input.len() >= PAUSED_INPUT_BYTES {
            connection.rest()?;
        } else {
            connection.fill()?;
        }
        node.replication.upstream.note_waiting(connection.input.len());
    }
}

fn acknowledge(connection: &mut Connection) -> Result<(), LinkError> {
    let mut request = Vec::new();
    let offset = connection.node.replication.offset().to_string();
    match connection.node.persistence.aof.durable() {
        Some(durable) => {
            let durable = durable.to_string();
            let words: [&[u8]; 5] = [b"REPLCONF", b"ACK", offset.as_bytes(), b"FACK", durable.as_bytes()];
            encode_request(&mut request, words);
        }
        None => encode_request(&mut request, [b"REPLCONF".as_slice(), b"ACK", offset.as_bytes()]),
    }
    connection.send(&request)
}

impl Stream {
    fn new(node: &Arc<Node>, handle: Arc<ClientHandle>, shape: Shape) -> Stream {
        let mut applier = Applier::new(node, handle, Source::Master, shape);
        applier.set_database(node.replication.upstream.database());
        Stream {
            node: node.clone(),
            applier,
            parser: RequestParser::new(),
            parsed: 0,
            logged: 0,
            wants_acknowledgement: true,
            has_setslot: false,
            apart: Vec::new(),
        }
    }

    fn apply_what_came(&mut self, connection: &mut Connection) -> Result<(), LinkError> {
        if self.parsed == connection.input.len() {
            return Ok(());
        }
        let replication = &self.node.clone().replication;
        let _applying = replication.lock_applying();
        if !connection.is_current() {
            return Err(LinkError::Superseded);
        }
        let result = self.apply_and_log(&mut connection.input);
        replication.upstream.update(connection.generation, |inner| inner.database = self.applier.database());
        result
    }

    /// What is complete at the beginning of the input is applied, logged, and taken away. The caller holds `applying`.
    fn apply_and_log(&mut self, input: &mut Vec<u8>) -> Result<(), LinkError> {
        let result = self.apply_complete_requests(input);
        // Nothing is logged before all threads are through.
        self.applier.drain();
        if let Some(bytes) = input.get(..self.logged) {
            self.node.replication.with_log(|log| {
                log.append_stream(bytes, self.applier.database(), &self.apart);
                if std::mem::take(&mut self.has_setslot) {
                    log.note_setslot();
                }
            });
        }
        self.apart.clear();
        input.drain(..self.logged);
        self.parsed -= self.logged;
        self.logged = 0;
        result
    }

    fn apply_complete_requests(&mut self, input: &[u8]) -> Result<(), LinkError> {
        // Who watches sees them in the master's order.
        let is_watched = !self.node.monitors.is_empty();
        loop {
            let rest = input.get(self.parsed..).unwrap_or_default();
            match self.parser.parse(rest, LIMITS) {
                Ok(Parsed::Incomplete { .. }) => return Ok(()),
                Err(error) => return Err(LinkError::Protocol(error.to_string())),
                Ok(Parsed::Request { consumed }) => {
                    let place = self.parsed..self.parsed + consumed;
                    self.parsed = place.end;
                    let is_alone = place == (0..input.len());
                    self.take(rest, place, is_alone || is_watched);
                    if !self.applier.in_transaction() {
                        self.logged = self.parsed;
                    }
                }
            }
        }
    }

    /// The request that was parsed just now, to be applied by this thread or by whichever.
    fn take(&mut self, rest: &[u8], place: Range<usize>, here: bool) {
        let args = self.parser.args(rest);
        if !is_about_no_data(args) {
            let lookup = self.node.commands.find(args);
            return match here {
                true => self.applier.run_here(args, lookup, place.len()),
                false => self.applier.apply(args, lookup, place.len()),
            };
        }
        let is =
            |index: usize, word: &[u8]| args.get(index).is_some_and(|arg| arg.eq_ignore_ascii_case(word));
        if is(0, b"replconf") {
            self.wants_acknowledgement |= is(1, b"getack");
        } else if self.applier.in_transaction() && !args.is_empty() {
            self.applier.apply(args, self.node.commands.find(args), place.len());
        } else if is_setslot(args) {
            // It looks at the keys that are there.
            self.applier.drain();
            setslot_from_master(&self.node, args);
            self.has_setslot = true;
        }
        if !self.applier.in_transaction() {
            self.apart.push(place);
        }
    }
}

/// Such a request is for replicas alone.
fn is_about_no_data(args: Args<'_>) -> bool {
    let is = |word: &[u8]| args.name().eq_ignore_ascii_case(word);
    args.is_empty() || is(b"ping") || is(b"replconf") || is_setslot(args)
}

fn is_setslot(args: Args<'_>) -> bool {
    let is = |index: usize, word: &[u8]| args.get(index).is_some_and(|arg| arg.eq_ignore_ascii_case(word));
    is(0, b"cluster") && is(1, b"setslot")
}

#[cfg(test)]
mod tests;
