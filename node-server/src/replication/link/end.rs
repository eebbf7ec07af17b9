//! Why a replica's link ended.

use std::io;

#[derive(Debug)]
pub enum End {
    Closed,
    Killed,
    Broken(io::Error),
    Silent,
    TooSlow {
        behind: u64,
    },
    /// It reads too slowly for what the log keeps.
    Overrun,
    NoSnapshot,
    Protocol(String),
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            End::Closed => f.write_str("it closed it"),
            End::Killed => f.write_str("disconnected by this node"),
            End::Broken(error) => error.fmt(f),
            End::Silent => f.write_str("nothing was heard of it for repl-timeout"),
            End::TooSlow { behind } => {
                write!(f, "it is {behind} bytes behind, over its limit (client-output-buffer-limit replica)")
            }
            End::Overrun => f.write_str("what it needs next is no longer kept"),
            End::NoSnapshot => f.write_str("the snapshot for it failed"),
            End::Protocol(what) => write!(f, "it does not speak the protocol: {what}"),
        }
    }
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> End {
        End::Broken(error)
    }
}
