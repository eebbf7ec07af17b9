//! What a session remembers of the commands that succeeded, and how its prompt shows it.

use rcl_proto::resp::Reply;

use super::{Session, Trouble};
use crate::dialect::options::ProtocolChoice;
use crate::wire::Endpoint;

impl Session<'_> {
    /// `127.0.0.1:7001[2](TX)> `.
    pub fn prompt(&self) -> String {
        if self.debugging.is_on() {
            return "lua debugger> ".into();
        }
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
        let subscribed = if self.subscribed { "(subscribed mode)" } else { "" };
        format!("{place}{database}{transaction}{subscribed}> ")
    }

    /// What a command's success changes for the prompt and for the next connection.
    pub(super) fn remember(&mut self, command: &[Vec<u8>], reply: &Reply) -> Result<(), Trouble> {
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
                self.speaks_resp3 = false;
                self.subscribed = false;
            }
            (b"hello", _) if !failed => self.speaks_resp3 = matches!(reply, Reply::Map(_)),
            _ => {}
        }
        Ok(())
    }
}
