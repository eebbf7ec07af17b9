//! Writing or syncing the append-only file fails, until it works again.
//!
//! Writes are refused meanwhile, and reads go on; the log tells it when it begins, every half minute, and when it ends.

use std::io;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{Aof, lock};
use crate::clock;
use crate::executor::node_state;
use crate::node::Node;

/// A failure that lasts is logged as often as Redis does.
const LOG_EVERY: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
pub struct Failure {
    /// What the system said of it.
    reason: String,
    logged: Option<Instant>,
}

impl Aof {
    /// Writing or syncing failed, and has not succeeded since.
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// What refuses writes while the disk fails, in Redis's words.
    pub fn failure_text(&self) -> String {
        format!("MISCONF Errors writing to the AOF file: {}", lock(&self.failure).reason)
    }
}

/// `what` (write, fsync) failed.
pub fn note(node: &Node, what: &str, error: &io::Error) {
    let aof = &node.persistence.aof;
    aof.writes_at_once.store(false, Ordering::Release);
    let is_to_be_logged = {
        let mut failure = lock(&aof.failure);
        failure.reason = reason(error);
        let now = clock::monotonic();
        let is_old = failure.logged.is_none_or(|logged| now - logged > LOG_EVERY);
        let is_to_be_logged = !aof.has_failed() || is_old;
        if is_to_be_logged {
            failure.logged = Some(now);
        }
        is_to_be_logged
    };
    node.set_state(node_state::AOF_FAILED, true);
    let woken = aof.publish_failed(true);
    if !is_to_be_logged {
        return;
    }
    let doing = if what == "write" { "Error writing to the AOF file" } else { "Fail to fsync the AOF file" };
    tracing::error!("{doing}: {}. No more writes are acknowledged until it works again", reason(error));
    if woken > 0 {
        tracing::error!(
            "of {woken} clients that wait for the AOF file, those are closed without an answer whose writes are not known to be kept"
        );
    }
}

/// It works again.
pub fn is_over(node: &Node) {
    let aof = &node.persistence.aof;
    if aof.has_failed() {
        tracing::warn!("AOF write error looks solved. The node can write again.");
        lock(&aof.failure).logged = None;
        node.set_state(node_state::AOF_FAILED, false);
        aof.publish_failed(false);
    }
}

/// What the system says of an error, as C's `strerror`.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}
