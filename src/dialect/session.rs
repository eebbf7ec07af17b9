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
//! An error reply is output like any other and leaves the exit code 0, unless `-e` is given: that is how
//! redis-cli behaves and scripts know it. A connection that can't be had or breaks is exit code 1.

use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use rcl_proto::Address;
use rcl_proto::resp::Reply;

use super::format::{self, Form};
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
}

pub struct Session<'a> {
    options: &'a Options,
    form: Form,
    show_pushes: bool,
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
}

impl<'a> Session<'a> {
    pub fn new(options: &'a Options, on_terminal: bool) -> Session<'a> {
        let default_form = if on_terminal { Form::Standard } else { Form::Raw };
        Session {
            options,
            form: options.form.unwrap_or(default_form),
            show_pushes: options.show_pushes.unwrap_or(on_terminal),
            interactive: false,
            wire: None,
            place: options.endpoint(),
            protocol: options.protocol,
            wanted_database: options.database,
            selected_database: 0,
            transaction: None,
            asking: false,
        }
    }

    pub fn form(&self) -> Form {
        self.form
    }

    /// `127.0.0.1:7001[2](TX)> `.
    pub fn prompt(&self) -> String {
        if self.wire.is_none() {
            return "not connected> ".into();
        }
        let place = match &self.place {
            Endpoint::Unix(path) => format!("redis {}", path.display()),
            Endpoint::Tcp(address) if address.host.contains(':') => {
                format!("[{}]:{}", address.host, address.port)
            }
            Endpoint::Tcp(address) => address.to_string(),
        };
        let database = match self.selected_database {
            0 => String::new(),
            number => format!("[{number}]"),
        };
        let transaction = if self.transaction.is_some() { "(TX)" } else { "" };
        format!("{place}{database}{transaction}> ")
    }

    /// Opens a connection to where the session points, and logs in. A refused login is said, and the
    /// connection stays: the server will say what may be done without.
    pub fn connect(&mut self) -> Result<(), Trouble> {
        self.wire = None;
        self.transaction = None;
        self.selected_database = 0;
        let wire = Wire::connect(&self.place, None).map_err(|error| {
            eprintln!("Could not connect to Redis at {}: {error}", self.place);
            Trouble::NoConnection
        })?;
        self.wire = Some(wire);
        if let Some(password) = &self.options.password {
            let mut request: Vec<&[u8]> = vec![b"AUTH"];
            request.extend(self.options.user.as_deref());
            request.push(password);
            self.set_up("AUTH", &request)?;
        }
        self.select_wanted()?;
        match self.protocol {
            ProtocolChoice::Default | ProtocolChoice::Resp2 => Ok(()),
            ProtocolChoice::Resp3 => self.set_up("HELLO 3", &[b"HELLO", b"3"]),
            ProtocolChoice::PreferResp3 => {
                let _ = self.set_up("HELLO 3", &[b"HELLO", b"3"]);
                Ok(())
            }
        }
    }

    /// Points the session elsewhere (the prompt's `connect HOST PORT`).
    pub fn connect_to(&mut self, address: Address) -> Result<(), Trouble> {
        self.place = Endpoint::Tcp(address);
        self.connect()
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

    /// Writes output and flushes it, since a reader may wait for each line.
    pub fn emit(&self, bytes: &[u8]) -> Result<(), Trouble> {
        let mut out = io::stdout().lock();
        out.write_all(bytes).and_then(|()| out.flush()).map_err(|_| Trouble::OutputClosed)
    }

    fn send_repeatedly(&mut self, command: &[Vec<u8>], repeat: i64) -> Result<Next, Trouble> {
        let kind = Kind::of(command);
        let mut left = repeat;
        while left != 0 {
            left = if left > 0 { left - 1 } else { left };
            self.send(command)?;
            if matches!(kind, Kind::Messages | Kind::Monitor) {
                if let Next::Redirected = self.print_stream(kind)? {
                    return Ok(Next::Redirected);
                }
                continue;
            }
            if kind == Kind::Shutdown {
                return self.finish_shutdown();
            }
            let reply = self.receive()?;
            if self.redirected_by(&reply)? {
                return Ok(Next::Redirected);
            }
            self.print_reply(&reply, kind)?;
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

    /// The next reply; pushes on the way are printed, where they are shown at all.
    fn receive(&mut self) -> Result<Reply, Trouble> {
        loop {
            match self.receive_any()? {
                push @ Reply::Push(_) => {
                    if self.show_pushes {
                        self.print_reply(&push, Kind::Plain)?;
                    }
                }
                reply => return Ok(reply),
            }
        }
    }

    fn receive_any(&mut self) -> Result<Reply, Trouble> {
        let received = match &mut self.wire {
            Some(wire) => wire.receive(),
            None => Err(WireError::Closed),
        };
        received.map_err(|error| self.lost(&error))
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

    /// MONITOR and subscriptions: prints what comes until an error or the end.
    fn print_stream(&mut self, kind: Kind) -> Result<Next, Trouble> {
        if self.form != Form::Raw && kind == Kind::Messages {
            self.emit(b"Reading messages... (press Ctrl-C to quit)\n")?;
        }
        loop {
            let reply = self.receive_any()?;
            if self.redirected_by(&reply)? {
                return Ok(Next::Redirected);
            }
            self.print_reply(&reply, kind)?;
            if matches!(reply, Reply::Error(_)) {
                return Ok(Next::Done);
            }
        }
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

    /// What a command's success changes for the prompt and for the next connection.
    fn remember(&mut self, command: &[Vec<u8>], reply: &Reply) -> Result<(), Trouble> {
        let Some((name, arguments)) = command.split_first() else { return Ok(()) };
        let failed = matches!(reply, Reply::Error(_));
        let name = name.to_ascii_lowercase();
        match (name.as_slice(), arguments) {
            (b"select", [database]) if !failed => {
                let number = std::str::from_utf8(database).ok().and_then(|text| text.parse().ok());
                self.selected_database = number.unwrap_or(self.selected_database);
                self.wanted_database = self.selected_database;
            }
            (b"auth", [_] | [_, _]) => self.select_wanted()?,
            (b"multi", []) if !failed => self.transaction = Some(self.selected_database),
            (b"exec", []) => {
                let before = self.transaction.take();
                if let (Some(before), Reply::Error(_) | Reply::Null) = (before, reply) {
                    self.selected_database = before;
                    self.wanted_database = before;
                }
            }
            (b"discard", []) if !failed => {
                if let Some(before) = self.transaction.take() {
                    self.selected_database = before;
                    self.wanted_database = before;
                }
            }
            (b"reset", []) if !failed => {
                self.transaction = None;
                self.selected_database = 0;
                self.wanted_database = 0;
                self.protocol = ProtocolChoice::Default;
            }
            _ => {}
        }
        Ok(())
    }

    fn select_wanted(&mut self) -> Result<(), Trouble> {
        let wanted = self.wanted_database;
        if wanted == self.selected_database {
            return Ok(());
        }
        let number = wanted.to_string();
        match self.ask(&[b"SELECT", number.as_bytes()])? {
            Reply::Error(text) => eprintln!("SELECT {wanted} failed: {text}"),
            _ => self.selected_database = wanted,
        }
        Ok(())
    }

    /// A step of the set-up. Its refusal is said and is no trouble in itself: what then is not allowed, the
    /// server says.
    fn set_up(&mut self, name: &str, request: &[&[u8]]) -> Result<(), Trouble> {
        if let Reply::Error(text) = self.ask(request)? {
            eprintln!("{name} failed: {text}");
        }
        Ok(())
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

/// How a command's reply is read and printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plain,
    /// The server's text for people, printed as it is.
    Text,
    /// Messages of subscriptions keep coming.
    Messages,
    /// The commands of all clients keep coming.
    Monitor,
    /// The connection ends without a reply.
    Shutdown,
}

impl Kind {
    fn of(command: &[Vec<u8>]) -> Kind {
        let lower =
            |index: usize| command.get(index).map(|word| word.to_ascii_lowercase()).unwrap_or_default();
        let (name, subcommand) = (lower(0), lower(1));
        match (name.as_slice(), subcommand.as_slice(), command.len()) {
            (b"info" | b"lolwut", _, _)
            | (b"debug", b"htstats" | b"htstats-key" | b"client-eviction", _)
            | (b"memory", b"malloc-stats" | b"doctor", _)
            | (b"cluster", b"nodes" | b"info", 2)
            | (b"client", b"list" | b"info", _)
            | (b"latency", b"graph", 3)
            | (b"latency", b"doctor", 2)
            | (b"proxy", b"info", _) => Kind::Text,
            (b"subscribe" | b"psubscribe" | b"ssubscribe", _, _) => Kind::Messages,
            (b"monitor", _, _) => Kind::Monitor,
            (b"shutdown", _, _) => Kind::Shutdown,
            _ => Kind::Plain,
        }
    }
}

/// `MOVED 3999 127.0.0.1:6381` or `ASK …`.
struct Redirect {
    slot: String,
    host: String,
    port: u16,
    asking: bool,
}

impl Redirect {
    fn parse(text: &str) -> Option<Redirect> {
        let mut words = text.split(' ');
        let asking = match words.next()? {
            "MOVED" => false,
            "ASK" => true,
            _ => return None,
        };
        let slot = words.next()?.to_owned();
        let (host, port) = words.next()?.rsplit_once(':')?;
        Some(Redirect { slot, host: host.to_owned(), port: port.parse().ok()?, asking })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_are_read() {
        let moved = Redirect::parse("MOVED 3999 127.0.0.1:6381").unwrap();
        assert_eq!((moved.slot.as_str(), moved.host.as_str(), moved.port), ("3999", "127.0.0.1", 6381));
        assert!(!moved.asking);
        let ask = Redirect::parse("ASK 1 ::1:7002").unwrap();
        assert!(ask.asking);
        assert_eq!(ask.host, "::1");
        assert_eq!(Redirect::parse("MOVED 5 :7001").unwrap().host, "");
        for no in ["ERR x", "MOVED", "MOVED 1", "MOVED 1 host", "MOVED 1 host:x", "ASKING 1 a:1"] {
            assert!(Redirect::parse(no).is_none(), "{no}");
        }
    }

    #[test]
    fn texts_for_people_are_known_by_their_command() {
        let kind = |line: &str| {
            let words: Vec<Vec<u8>> = line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
            Kind::of(&words)
        };
        assert_eq!(kind("info"), Kind::Text);
        assert_eq!(kind("CLUSTER nodes"), Kind::Text);
        assert_eq!(kind("cluster slots"), Kind::Plain);
        assert_eq!(kind("latency graph"), Kind::Plain);
        assert_eq!(kind("SUBSCRIBE a"), Kind::Messages);
        assert_eq!(kind("get info"), Kind::Plain);
    }
}
