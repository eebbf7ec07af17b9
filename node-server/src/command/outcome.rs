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
/// again. When the deadline comes first, the client gets `timeout_reply`, and what the others do later for
/// this wait is dropped.
#[derive(Debug)]
pub struct Park {
    pub wait: WakeHandle,
    /// When it is given up, Unix time in milliseconds; `None` waits for ever.
    pub deadline_ms: Option<i64>,
    pub timeout_reply: Vec<u8>,
    /// The client's next requests of the same command may be run meanwhile; replies keep their order.
    pub pipelined: bool,
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
