//! Applying the master's stream.
//!
//! ```text
//!   input  │ applied and logged │ MULTI … (queued)   │ half a command
//!                               ▲ logged             ▲ parsed
//! ```
//!
//! Commands run through the executor as the master's. What was applied goes into the log verbatim, under the
//! same offsets. A transaction counts only as a whole: until its EXEC ran, the log (and what is acknowledged)
//! stands before its MULTI; if the link breaks meanwhile, the master sends all of it again.

use std::convert::Infallible;
use std::ops::Range;
use std::sync::Arc;

use rcl_proto::resp::{Args, Limits, Parsed, RequestParser, encode_request};

use super::connection::{Connection, LinkError};
use crate::access::User;
use crate::client::Session;
use crate::commands::cluster::setslot_from_master;
use crate::executor::{self, Batch, Flow};

/// A master may send what no client may; the parser's own limit remains.
const LIMITS: Limits = Limits { max_bulk_bytes: u32::MAX as usize, authenticated: true };

/// While CLIENT PAUSE holds writes back, so much of the stream is taken in, and the master keeps the rest.
const PAUSED_INPUT_BYTES: usize = 64 * 1024 * 1024;

struct Applier {
    session: Session,
    parser: RequestParser,
    parsed: usize,
    logged: usize,
    output: Vec<u8>,
    wants_acknowledgement: bool,
    /// What is to be logged next holds a SETSLOT.
    has_setslot: bool,
    /// Where what is to be logged next is about no data.
    apart: Vec<Range<usize>>,
}

pub fn apply(connection: &mut Connection) -> Result<Infallible, LinkError> {
    let mut session = Session::new(connection.handle.clone(), User::superuser(), true);
    session.is_master_link = true;
    session.set_database(connection.node.replication.upstream.database());
    let mut applier = Applier {
        session,
        parser: RequestParser::new(),
        parsed: 0,
        logged: 0,
        output: Vec::new(),
        wants_acknowledgement: true,
        has_setslot: false,
        apart: Vec::new(),
    };
    let node = connection.node.clone();
    loop {
        let is_paused = node.pause.is_by_operator();
        if !is_paused {
            applier.apply_what_came(connection)?;
        }
        if applier.wants_acknowledgement || connection.is_time_to_speak() {
            applier.wants_acknowledgement = false;
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

impl Applier {
    fn apply_what_came(&mut self, connection: &mut Connection) -> Result<(), LinkError> {
        if self.parsed == connection.input.len() {
            return Ok(());
        }
        let node = connection.node.clone();
        let mut batch = Batch::start(Arc::default());
        let applying = node.replication.lock_applying();
        if !connection.is_current() {
            return Err(LinkError::Superseded);
        }
        let result = self.run_complete_requests(connection, &mut batch);
        if let Some(bytes) = connection.input.get(..self.logged) {
            node.replication.with_log(|log| {
                log.append_stream(bytes, self.session.database, &self.apart);
                if std::mem::take(&mut self.has_setslot) {
                    log.note_setslot();
                }
            });
        }
        node.replication
            .upstream
            .update(connection.generation, |inner| inner.database = self.session.database);
        drop(applying);
        self.apart.clear();
        batch.stats.flush_into(&node.stats);
        connection.input.drain(..self.logged);
        self.parsed -= self.logged;
        self.logged = 0;
        result
    }

    fn run_complete_requests(&mut self, connection: &Connection, batch: &mut Batch) -> Result<(), LinkError> {
        loop {
            let rest = connection.input.get(self.parsed..).unwrap_or_default();
            match self.parser.parse(rest, LIMITS) {
                Ok(Parsed::Incomplete { .. }) => return Ok(()),
                Err(error) => return Err(LinkError::Protocol(error.to_string())),
                Ok(Parsed::Request { consumed }) => {
                    let args = self.parser.args(rest);
                    batch.request_bytes = consumed;
                    if is_about_no_data(args) && !self.session.in_transaction() {
                        self.apart.push(self.parsed..self.parsed + consumed);
                    }
                    if is_setslot(args) && !self.session.in_transaction() {
                        setslot_from_master(&connection.node, args);
                        self.has_setslot = true;
                    } else {
                        let wants = run(connection, &mut self.session, args, &mut self.output, batch);
                        self.wants_acknowledgement |= wants;
                    }
                    self.parsed += consumed;
                    if !self.session.in_transaction() {
                        self.logged = self.parsed;
                    }
                }
            }
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

/// Runs one command of the master; true when it wants to know where we are.
fn run(
    connection: &Connection,
    session: &mut Session,
    args: Args<'_>,
    output: &mut Vec<u8>,
    batch: &mut Batch,
) -> bool {
    let is = |index: usize, word: &[u8]| args.get(index).is_some_and(|arg| arg.eq_ignore_ascii_case(word));
    if args.is_empty() || (is(0, b"ping") && !session.in_transaction()) {
        return false;
    }
    if is(0, b"replconf") {
        return is(1, b"getack");
    }
    output.clear();
    let flow = executor::process(&connection.node, session, args, output, batch);
    if let Some(b'-') = output.first() {
        let command = String::from_utf8_lossy(args.name()).into_owned();
        let reply = String::from_utf8_lossy(output).trim_end().to_owned();
        tracing::error!(
            command,
            reply,
            "== CRITICAL == the master's command failed here: this copy may differ from the master"
        );
    }
    if !matches!(flow, Flow::Next) {
        let command = String::from_utf8_lossy(args.name()).into_owned();
        tracing::error!(command, "the master's command would wait or end the link: it was not applied");
    }
    false
}
