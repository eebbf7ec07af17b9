//! Connecting, logging in, selecting a database, agreeing on the protocol; and doing it again.

use std::thread;
use std::time::Duration;

use rcl_proto::Address;
use rcl_proto::resp::Reply;

use super::{Session, Trouble};
use crate::dialect::options::ProtocolChoice;
use crate::wire::{Endpoint, Wire, WireError};

impl Session<'_> {
    /// Opens a connection to where the session points, and logs in. A refused login is said, and the
    /// connection stays: the server will say what may be done without.
    pub fn connect(&mut self) -> Result<(), Trouble> {
        self.connect_and(|place, error| eprintln!("Could not connect to Redis at {place}: {error}"))
    }

    /// The same, without a word when nobody answers.
    pub fn connect_quietly(&mut self) -> Result<(), Trouble> {
        self.connect_and(|_, _| {})
    }

    fn connect_and(&mut self, say: impl Fn(&Endpoint, &WireError)) -> Result<(), Trouble> {
        self.wire = None;
        self.transaction = None;
        self.selected_database = 0;
        self.speaks_resp3 = false;
        self.subscribed = false;
        let wire = Wire::connect_by(&self.options.transport, &self.place, self.options.connect_limit)
            .map_err(|error| {
                say(&self.place, &error);
                Trouble::NoConnection
            })?;
        // The limit is for connecting: a blocking command may take as long as it likes.
        wire.set_time_limit(None).map_err(|_| Trouble::NoConnection)?;
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
            ProtocolChoice::Resp3 | ProtocolChoice::PreferResp3 => {
                let accepted = self.set_up("HELLO 3", &[b"HELLO", b"3"])?;
                self.speaks_resp3 = accepted;
                Ok(())
            }
        }
    }

    /// Points the session elsewhere (the prompt's `connect HOST PORT`).
    pub fn connect_to(&mut self, address: Address) -> Result<(), Trouble> {
        self.place = Endpoint::Tcp(address);
        self.connect()
    }

    /// The same for a mode that goes on for long: a connection that is lost is tried again each second, and that
    /// is said.
    pub fn ask_patiently<A: AsRef<[u8]>>(&mut self, command: &[A]) -> Result<Reply, Trouble> {
        const LEFT_EDGE_AND_CLEAR: &str = "\r\x1b[0K";
        let mut tries = 0;
        loop {
            let sent = match &mut self.wire {
                Some(wire) => wire.call(command),
                None => Err(WireError::Closed),
            };
            match sent {
                Ok(reply) => {
                    if tries > 0 {
                        self.emit(LEFT_EDGE_AND_CLEAR.as_bytes())?;
                    }
                    return Ok(reply);
                }
                Err(WireError::NotResp(what)) => return Err(self.lost(&WireError::NotResp(what))),
                Err(_) => {
                    tries += 1;
                    self.emit(format!("{LEFT_EDGE_AND_CLEAR}Reconnecting... {tries}\r").as_bytes())?;
                    if self.connect_quietly().is_err() {
                        thread::sleep(Duration::from_secs(1));
                    }
                }
            }
        }
    }

    pub(super) fn select_wanted(&mut self) -> Result<(), Trouble> {
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

    /// A step of the set-up; whether the server took it. Its refusal is said and is no trouble in itself: what
    /// then is not allowed, the server says.
    pub(super) fn set_up(&mut self, name: &str, request: &[&[u8]]) -> Result<bool, Trouble> {
        let reply = self.ask(request)?;
        if let Reply::Error(text) = &reply {
            eprintln!("{name} failed: {text}");
        }
        Ok(!matches!(reply, Reply::Error(_)))
    }
}
