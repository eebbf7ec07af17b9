//! Copies without the data: REPLCONF `rdb-filter-only`.
//!
//! ```text
//!   rdb-filter-only functions    the copy holds the libraries of functions   (redis-cli --functions-rdb)
//!   rdb-filter-only ""           it holds nothing; the stream goes on after it (redis-cli --replica)
//! ```
//!
//! There is no key in it, so no snapshot is made: it is written at once, and nobody waits for others.

use std::sync::Arc;

use bytes::Bytes;
use rcl_proto::words;
use tokio::sync::{mpsc, oneshot};

use super::full_sync::{Payload, Start, open_log};
use super::link::ReplicaLink;
use super::new_id;
use crate::executor::Held;
use crate::node::Node;
use crate::persistence::snapshot;

/// What of a copy is wanted although the data are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filter {
    functions: bool,
}

impl Filter {
    /// The words of REPLCONF; the error is the reply.
    pub fn parse(text: &[u8]) -> Result<Filter, String> {
        let words = words::split(text).ok_or("ERR Missing rdb-filter-only values")?;
        match words.iter().find(|word| !word.eq_ignore_ascii_case(b"functions")) {
            None => Ok(Filter { functions: !words.is_empty() }),
            Some(other) => {
                let other = String::from_utf8_lossy(other);
                Err(format!("ERR Unsupported rdb-filter-only option: {other}"))
            }
        }
    }
}

/// Makes such a copy on a thread of its own, since it has to lock all shards for its place in the log.
pub(super) fn send(node: &Arc<Node>, link: &Arc<ReplicaLink>, filter: Filter, start: oneshot::Sender<Start>) {
    let (node, link) = (node.clone(), link.clone());
    let body = move || {
        let Some((begun, way, copy)) = begin(&node, &link, filter) else { return };
        if start.send(begun).is_err() {
            // The replica is gone already.
            return node.replication.forget_reader(link.id);
        }
        // What fails here fails with the link, which says so itself.
        let _ = way.blocking_send(copy).and_then(|()| way.blocking_send(Bytes::new()));
    };
    if let Err(error) = std::thread::Builder::new().name("snapshot".to_owned()).spawn(body) {
        tracing::error!(%error, "no thread for a copy without data could be started");
    }
}

/// The place where the stream goes on, the way that the copy takes, and the copy. `None` where our own copy is not whole.
fn begin(node: &Node, link: &ReplicaLink, filter: Filter) -> Option<(Start, mpsc::Sender<Bytes>, Bytes)> {
    let applying = node.replication.lock_applying();
    let held = Held::all_at_once(&node.shards);
    let mut point = node.replication.point();
    let mut log = open_log(node, &mut point)?;
    log.pin(link.id, point.offset);
    drop(log);
    let functions = Arc::clone(&node.scripting.functions());
    drop(held);
    drop(applying);
    let copy = snapshot::without_keys(node, &point, filter.functions.then_some(&*functions));
    let (way, chunks) = mpsc::channel(1);
    let payload = Payload::Stream { mark: new_id().to_string(), chunks };
    Some((Start { id: point.id, offset: point.offset, payload }, way, copy.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_filter_leaves() {
        let of = |text: &str| Filter::parse(text.as_bytes());
        assert_eq!(of(""), Ok(Filter { functions: false }));
        assert_eq!(of("functions"), Ok(Filter { functions: true }));
        assert_eq!(of("Functions FUNCTIONS"), Ok(Filter { functions: true }));
        assert_eq!(of("functions keys").unwrap_err(), "ERR Unsupported rdb-filter-only option: keys");
        assert_eq!(of("\"functions").unwrap_err(), "ERR Missing rdb-filter-only values");
    }
}
