//! A conversation with a server as redis-cli holds it: connect, log in, select, send, follow a redirect,
//! print the reply.
//!
//! 1. A command is sent on the open connection, or on a new one: AUTH, SELECT and HELLO 3 come first, as
//!    the options ask.
//! 2. With `-c`, MOVED and ASK are followed: a new connection to the node they name, ASKING first for ASK.
//! 3. The reply is printed in the form asked for; what a server writes for people (INFO, CLUSTER NODES, …)
//!    is printed as it is.
//! 4. SELECT, MULTI, EXEC, DISCARD and RESET change what the prompt shows, so their outcome is remembered.
//!
//! What comes unasked is in [`messages`]: pushes, subscriptions, MONITOR. An error reply is output like any
//! other and leaves the exit code 0, unless `-e` is given: that is how redis-cli behaves and scripts know it. A
//! connection that can't be had or breaks is exit code 1.

mod connect;
mod debugger;
mod kind;
mod messages;
mod redirect;
mod state;

use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use rcl_proto::Address;
use rcl_proto::resp::Reply;

use self::debugger::Debugging;
use self::kind::Kind;
use self::redirect::Redirect;
use super::format::{self, Form};
use super::interrupt::Interrupt;
use super::modes::replica;
use super::options::{Options, ProtocolChoice};
use crate::wire::{Endpoint, Wire, WireError};

/// More redirects than a healthy cluster ever sends for one command.
const MAX_REDIRECTS: usize = 32;

/// Why a command was not carried out; it has been said on stderr.
#[derive(Debug)]
pub enum Trouble {
    /// No connection, or it broke. The next command tries again.
    NoConnection,
    /// An error reply, with `-e`.
    ErrorReply,
    /// Nobody reads our output any more.
    OutputClosed,
    /// Ctrl-C, while what comes unasked was shown.
    Interrupted,
}

pub struct Session<'a> {
    options: &'a Options,
    form: Form,
    show_pushes: bool,
    on_terminal: bool,
    /// Reads lines and says where it was redirected to; an error does not end it.
    pub interactive: bool,
    wire: Option<Wire>,
    place: Endpoint,
    protocol: ProtocolChoice,
    wanted_database: i64,
    selected_database: i64,
    /// While in MULTI: the database selected when it began.
    transaction: Option<i64>,
    asking: bool,
    /// Pushes are pushes, and not arrays like any other.
    speaks_resp3: bool,
    /// Messages of subscriptions come, and typing goes on.
    subscribed: bool,
    debugging: Debugging,
    interrupt: Option<Interrupt>,
}

impl<'a> Session<'a> {
    pub fn new(options: &'a Options, on_terminal: bool) -> Session<'a> {
        let default_form = if on_terminal { Form::Standard } else { Form::Raw };
        Session {
            options,
            form: if options.debugger.is_some() { Form::Raw } else { options.form.unwrap_or(default_form) },
            show_pushes: options.show_pushes.unwrap_or(on_terminal),
            on_terminal,
            interactive: false,
            wire: None,
            place: options.endpoint(),
            protocol: options.protocol,
            wanted_database: options.database,
            selected_database: 0,
            transaction: None,
            asking: false,
            speaks_resp3: false,
            subscribed: false,
            debugging: Debugging::default(),
            interrupt: None,
        }
    }

    pub fn form(&self) -> Form {
        self.form
    }

    /// From here on lines are read, and Ctrl-C ends what they began instead of the program.
    pub fn begin_interactive(&mut self, interrupt: Interrupt) {
        self.interactive = true;
        self.interrupt = Some(interrupt);
    }

    pub fn is_connected(&self) -> bool {
        self.wire.is_some()
    }

    /// The connection, for what is no conversation in commands and replies any more.
    pub fn into_wire(mut self) -> Result<Wire, Trouble> {
        if self.wire.is_none() {
            self.connect()?;
        }
        self.wire.take().ok_or(Trouble::NoConnection)
    }

    /// Sends `command` `repeat` times (negative: for ever) and prints each reply.
    pub fn run(&mut self, command: &[Vec<u8>], repeat: i64) -> Result<(), Trouble> {
        for _ in 0..MAX_REDIRECTS {
            if self.wire.is_none() {
                self.connect()?;
            }
            if std::mem::take(&mut self.asking) {
                self.set_up("ASKING", &[b"ASKING"])?;
            }
            match self.send_repeatedly(command, repeat)? {
                Next::Done => return Ok(()),
                Next::Redirected => self.wire = None,
            }
        }
        eprintln!("Error: redirected {MAX_REDIRECTS} times, giving up");
        Err(Trouble::NoConnection)
    }

    /// Sends a command whose reply the caller works with; errors of the connection are said here.
    pub fn ask<A: AsRef<[u8]>>(&mut self, command: &[A]) -> Result<Reply, Trouble> {
        if self.wire.is_none() {
            self.connect()?;
        }
        let reply = match &mut self.wire {
            Some(wire) => wire.call(command),
            None => Err(WireError::Closed),
        };
        reply.map_err(|error| self.lost(&error))
    }

    /// Sends all commands at once and gives the reply of each.
    pub fn ask_all(&mut self, commands: &[Vec<Vec<u8>>]) -> Result<Vec<Reply>, Trouble> {
        if self.wire.is_none() {
            self.connect()?;
        }
        for command in commands {
            self.send(command)?;
        }
        let mut replies = Vec::with_capacity(commands.len());
        while replies.len() < commands.len() {
            match self.receive_any()? {
                Reply::Push(_) => {}
                reply => replies.push(reply),
            }
        }
        Ok(replies)
    }

    /// Writes output and flushes it, since a reader may wait for each line.
    pub fn emit(&self, bytes: &[u8]) -> Result<(), Trouble> {
        let mut out = io::stdout().lock();
        out.write_all(bytes).and_then(|()| out.flush()).map_err(|_| Trouble::OutputClosed)
    }

    fn send_repeatedly(&mut self, command: &[Vec<u8>], repeat: i64) -> Result<Next, Trouble> {
        let kind = Kind::of(command);
        self.debugging.notice(command);
        if self.debugging.is_on() {
            self.form = Form::Raw;
        }
        let mut left = repeat;
        while left != 0 {
            left = if left > 0 { left - 1 } else { left };
            self.send(command)?;
            match kind {
                Kind::Monitor => return self.print_monitor(),
                Kind::Subscribe if !self.interactive => return self.print_messages(),
                Kind::Shutdown => return self.finish_shutdown(),
                Kind::Replication => return self.finish_as_replica(),
                _ => {}
            }
            let (reply, printed) = self.receive_answer(command, kind)?;
            if self.redirected_by(&reply)? {
                return Ok(Next::Redirected);
            }
            if !printed {
                self.print_reply(&reply, kind)?;
            }
            self.remember(command, &reply)?;
            if left != 0 && self.options.interval_seconds > 0.0 {
                thread::sleep(Duration::from_secs_f64(self.options.interval_seconds));
            }
        }
        Ok(Next::Done)
    }

    fn send(&mut self, command: &[Vec<u8>]) -> Result<(), Trouble> {
        let sent = match &mut self.wire {
            Some(wire) => wire.send(command),
            None => Err(WireError::Closed),
        };
        sent.map_err(|error| self.lost(&error))
    }

    fn receive_any(&mut self) -> Result<Reply, Trouble> {
        let received = match &mut self.wire {
            Some(wire) => wire.receive(),
            None => Err(WireError::Closed),
        };
        received.map_err(|error| self.lost(&error))
    }

    /// SYNC and PSYNC: the connection is a replica's from here on.
    fn finish_as_replica(&mut self) -> Result<Next, Trouble> {
        self.emit(b"Entering replica output mode...  (press Ctrl-C to quit)\n")?;
        match self.wire.take() {
            Some(wire) => replica::follow(wire),
            None => Err(Trouble::NoConnection),
        }
        .map(|()| Next::Done)
    }

    /// A server that shuts down closes the connection; one that does not says why.
    fn finish_shutdown(&mut self) -> Result<Next, Trouble> {
        let received = match &mut self.wire {
            Some(wire) => wire.receive(),
            None => Err(WireError::Closed),
        };
        match received {
            Ok(reply) => self.print_reply(&reply, Kind::Plain)?,
            Err(_) => self.wire = None,
        }
        Ok(Next::Done)
    }

    fn print_reply(&mut self, reply: &Reply, kind: Kind) -> Result<(), Trouble> {
        if let Reply::Error(text) = reply
            && self.options.exit_with_error
            && !self.interactive
        {
            eprintln!("{text}");
            return Err(Trouble::ErrorReply);
        }
        let mut out = Vec::new();
        match kind {
            Kind::Text => format::print_as_text(&mut out, reply, &self.options.delimiters),
            _ if self.debugging.is_on() => self.debugging.print(&mut out, reply, &self.options.delimiters),
            _ => format::print(&mut out, reply, self.form, &self.options.delimiters),
        }
        self.emit(&out)
    }

    /// With `-c`: points the session to where MOVED or ASK says.
    fn redirected_by(&mut self, reply: &Reply) -> Result<bool, Trouble> {
        let Reply::Error(text) = reply else { return Ok(false) };
        if !self.options.follow_redirects {
            return Ok(false);
        }
        let Some(redirect) = Redirect::parse(text) else { return Ok(false) };
        // An empty host means: where you already are, at another port.
        let host = match (&self.place, redirect.host.is_empty()) {
            (Endpoint::Tcp(address), true) => address.host.clone(),
            _ => redirect.host,
        };
        if self.interactive {
            let line =
                format!("-> Redirected to slot [{}] located at {host}:{}\n", redirect.slot, redirect.port);
            self.emit(line.as_bytes())?;
        }
        self.place = Endpoint::Tcp(Address::new(host, redirect.port));
        self.asking = redirect.asking;
        Ok(true)
    }

    fn lost(&mut self, error: &WireError) -> Trouble {
        eprintln!("Error: {error}");
        self.wire = None;
        Trouble::NoConnection
    }
}

/// What follows a command that was sent.
enum Next {
    Done,
    Redirected,
}
