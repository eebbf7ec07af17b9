//! How a client tracks keys: what CLIENT TRACKING said last.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use crate::client::{Session, client_flag};
use crate::node::Node;

/// What its own thread knows; what others need to know is in its handle.
#[derive(Clone, Debug, Default)]
pub struct TrackingMode {
    /// 0: to itself.
    pub redirect: u64,
    pub broadcast: bool,
    pub opt_in: bool,
    pub opt_out: bool,
    pub no_loop: bool,
    /// CLIENT CACHING was said: YES with OPTIN, NO with OPTOUT. It holds for one command, or one transaction.
    pub caching: bool,
    /// Of BCAST.
    pub prefixes: BTreeSet<Box<[u8]>>,
}

impl TrackingMode {
    /// Whether the keys that it reads now are remembered.
    pub fn remembers(&self) -> bool {
        let is_wanted = if self.opt_in { self.caching } else { !(self.opt_out && self.caching) };
        is_wanted && !self.broadcast
    }
}

/// What a prefix takes beside its bytes, here and in the list of all, about.
const PREFIX_BYTES: usize = 96;

/// From now on the client tracks in this mode, which has the prefixes of before too.
pub fn start(node: &Node, session: &mut Session, mode: TrackingMode) {
    let handle = &session.handle;
    let mut prefix_bytes = 0;
    for prefix in &mode.prefixes {
        node.tracking.broadcasts.add(prefix, handle);
        prefix_bytes += prefix.len() + PREFIX_BYTES;
    }
    handle.prefix_bytes.store(prefix_bytes, Ordering::Relaxed);
    handle.tracking_redirect.store(mode.redirect, Ordering::Relaxed);
    handle.set_flag(client_flag::TRACKING_BROKEN_REDIRECT, false);
    handle.set_flag(client_flag::TRACKING_BROADCAST, mode.broadcast);
    handle.set_flag(client_flag::TRACKING_NO_LOOP, mode.no_loop);
    handle.set_flag(client_flag::TRACKING, true);
    if session.tracking.replace(Box::new(mode)).is_none() {
        node.tracking.clients.fetch_add(1, Ordering::Relaxed);
    }
}

pub fn stop(node: &Node, session: &mut Session) {
    let Some(mode) = session.tracking.take() else { return };
    for prefix in &mode.prefixes {
        node.tracking.broadcasts.remove(prefix, session.id());
    }
    session.handle.prefix_bytes.store(0, Ordering::Relaxed);
    session.handle.set_flag(
        client_flag::TRACKING
            | client_flag::TRACKING_BROADCAST
            | client_flag::TRACKING_NO_LOOP
            | client_flag::TRACKING_BROKEN_REDIRECT,
        false,
    );
    node.tracking.clients.fetch_sub(1, Ordering::Relaxed);
}
