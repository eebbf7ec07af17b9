//! Why a replica's link ended.

use std::io;

use rcl_proto::resp::Args;

use super::ReplicaLink;
use crate::command::Lookup;
use crate::command::spec::{Flags, flag};
use crate::node::Node;

const ABOUT_DATA: Flags = flag::READONLY | flag::WRITE | flag::MAY_REPLICATE;

#[derive(Debug)]
pub enum End {
    Closed,
    Killed,
    Broken(io::Error),
    /// For `repl-timeout`; before its copy was whole, or after.
    Silent {
        in_copy: bool,
    },
    TooSlow {
        behind: u64,
    },
    /// It reads too slowly for what the log keeps.
    Overrun,
    NoSnapshot,
    /// It said something that it would get an answer to, which has no place between what it is sent.
    Asked {
        command: String,
    },
    Protocol(String),
}

impl End {
    /// A replica gets no answers between what it is sent: who wants one is none, and is let go. In Redis's words.
    pub fn asked(node: &Node, link: &ReplicaLink, args: Args<'_>) -> End {
        let known = match node.commands.find(args) {
            Lookup::Found(known) => Some(known),
            Lookup::Unknown | Lookup::UnknownSubcommand(_) => None,
        };
        let unknown = || String::from_utf8_lossy(args.name()).into_owned();
        let command = known.map_or_else(unknown, |known| known.full_name());
        if known.is_some_and(|known| known.spec.has(ABOUT_DATA)) {
            tracing::warn!(
                "== CRITICAL == This master is sending an error to its replica: \
                 'Replica can't interact with the keyspace' after processing the command '{command}'"
            );
        }
        let (ip, port) = (&link.ip, link.port);
        tracing::warn!("Replica generated a reply to command '{command}', disconnecting it: {ip}:{port}");
        End::Asked { command }
    }
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            End::Closed => f.write_str("it closed it"),
            End::Killed => f.write_str("disconnected by this node"),
            End::Broken(error) => error.fmt(f),
            End::Silent { in_copy } => {
                // Redis's words, and what they stand for.
                let when = if *in_copy { "full sync" } else { "streaming sync" };
                write!(f, "Disconnecting timedout replica ({when}): it was silent for repl-timeout")
            }
            End::TooSlow { behind } => {
                write!(f, "it is {behind} bytes behind, over its limit (client-output-buffer-limit replica)")
            }
            End::Overrun => f.write_str("what it needs next is no longer kept"),
            End::NoSnapshot => f.write_str("the snapshot for it failed"),
            End::Asked { command } => write!(f, "it said '{command}', which it cannot be answered"),
            End::Protocol(what) => write!(f, "it does not speak the protocol: {what}"),
        }
    }
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> End {
        End::Broken(error)
    }
}
