//! What comes of a handler: its reply is written, or the client waits, or its connection becomes something else.

use crate::client::WakeHandle;
use crate::net::DetachedConnection;

/// How a handler ended.
pub enum Outcome {
    /// The reply was written to the context's writer.
    Done,
    /// Nothing was written; the client is parked until what it waits for has come.
    Park(Park),
    /// The connection leaves its worker (a replica's link).
    HandOver(Box<dyn FnOnce(DetachedConnection) + Send>),
}

/// A client that waits. No later request of its is looked at until it is woken or its time is up.
///
/// Whoever ends the wait holds a clone of `wait`: it answers in the client's place, or has the request run
/// again.
#[derive(Debug)]
pub struct Park {
    pub wait: WakeHandle,
    /// It waits on keys, where its own connection may give it up too.
    pub keys: Option<KeyWait>,
    /// The client's next requests of the same command may be run meanwhile; replies keep their order.
    pub pipelined: bool,
}

/// Where a client waits on keys, and until when.
#[derive(Clone, Copy, Debug)]
pub struct KeyWait {
    pub shard: usize,
    /// When it is given up, Unix time in milliseconds; `None` waits for ever.
    pub deadline_ms: Option<i64>,
}

impl Park {
    /// Until `wait` is ended; no later request of the client is run meanwhile.
    pub fn until(wait: WakeHandle) -> Park {
        Park { wait, keys: None, pipelined: false }
    }

    /// As [`until`](Self::until), but further requests of the same command are run meanwhile.
    pub fn pipelined(wait: WakeHandle) -> Park {
        Park { wait, keys: None, pipelined: true }
    }
}

impl std::fmt::Debug for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Outcome::Done => f.write_str("Done"),
            Outcome::Park(park) => park.fmt(f),
            Outcome::HandOver(_) => f.write_str("HandOver"),
        }
    }
}
