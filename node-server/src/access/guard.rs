//! The question before each command, and what is noted when the answer is no.

use super::check::{Denied, Reason};
use super::log::{Cause, Event, Place};
use crate::client::Session;
use crate::clock;
use crate::command::CommandError;
use crate::executor::Request;
use crate::node::Node;

/// The error for a client that may not run the request.
pub fn check(
    node: &Node,
    session: &Session,
    request: &Request<'_>,
    place: Place,
) -> Result<(), CommandError> {
    match refusal(node, session, request, place) {
        None => Ok(()),
        Some(denied) => Err(CommandError::new(format!("NOPERM {}", denied.text(&session.user, request)))),
    }
}

/// Why the client may not run the request, which is noted then; `None` when it may.
pub fn refusal(node: &Node, session: &Session, request: &Request<'_>, place: Place) -> Option<Denied> {
    let denied = session.user.may(request).err()?;
    let (cause, object) = match denied.reason {
        Reason::Command => (Cause::Command, request.full_name().into_bytes()),
        Reason::Key => (Cause::Key, denied.object(request).to_vec()),
        Reason::Channel => (Cause::Channel, denied.object(request).to_vec()),
    };
    note(node, session, Event { cause, place, object, user: session.user.name.to_vec() });
    Some(denied)
}

/// A log-in as that user failed; `command` is what the client said to try it.
pub fn note_failed_log_in(node: &Node, session: &Session, user: &[u8], command: &[u8]) {
    let place = if session.in_transaction() { Place::Multi } else { Place::TopLevel };
    let event = Event { cause: Cause::Auth, place, object: command.to_vec(), user: user.to_vec() };
    note(node, session, event);
}

fn note(node: &Node, session: &Session, event: Event) {
    node.access.denials.of(event.cause).add(1);
    let now_ms = clock::now_ms();
    let client = session.handle.line(now_ms);
    let most = node.settings().acllog_max_len;
    node.access.lock_log().add(event, client, now_ms, most);
}
