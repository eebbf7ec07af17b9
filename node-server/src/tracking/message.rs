//! What a client is told.
//!
//! ```text
//! > invalidate [key …]                       RESP3; null instead of keys: all of them
//! message __redis__:invalidate [key …]       a subscriber of RESP2 to whom another client redirects
//! > tracking-redir-broken id                 to a client of RESP3 whose messages have nowhere to go
//! ```

use std::sync::atomic::Ordering;

use rcl_proto::resp::{Protocol, ReplyWriter};

use crate::client::{ClientHandle, client_flag};
use crate::node::Node;

#[derive(Clone, Copy)]
pub enum Changed<'a> {
    Keys(&'a [&'a [u8]]),
    All,
}

/// Posts to the client, or to the one to whom it redirects.
pub fn send(node: &Node, client: &ClientHandle, changed: Changed<'_>) {
    let redirect = client.tracking_redirect.load(Ordering::Relaxed);
    if redirect == 0 {
        if client.speaks() == Protocol::Resp3 {
            post_invalidation(client, changed);
        }
        // RESP2 has no way to say it.
        return;
    }
    let is_closing = client_flag::CLOSE_AFTER_REPLY | client_flag::CLOSE_ASAP;
    match node.clients.get(redirect).filter(|other| !other.has_flag(is_closing)) {
        Some(other) if other.speaks() == Protocol::Resp3 => post_invalidation(&other, changed),
        Some(other) if other.has_flag(client_flag::PUBSUB) => {
            post(&other, |reply| {
                reply.push(3);
                reply.bulk(b"message");
                reply.bulk(b"__redis__:invalidate");
                write(reply, changed);
            });
        }
        Some(_) => {}
        None => {
            client.set_flag(client_flag::TRACKING_BROKEN_REDIRECT, true);
            if client.speaks() == Protocol::Resp3 {
                post(client, |reply| {
                    reply.push(2);
                    reply.bulk(b"tracking-redir-broken");
                    reply.integer(redirect as i64);
                });
            }
        }
    }
}

fn post_invalidation(client: &ClientHandle, changed: Changed<'_>) {
    post(client, |reply| {
        reply.push(2);
        reply.bulk(b"invalidate");
        write(reply, changed);
    });
}

fn write(reply: &mut ReplyWriter<'_>, changed: Changed<'_>) {
    match changed {
        Changed::Keys(keys) => {
            reply.array(keys.len());
            keys.iter().for_each(|key| reply.bulk(key));
        }
        Changed::All => reply.null(),
    }
}

fn post(client: &ClientHandle, write: impl FnOnce(&mut ReplyWriter<'_>)) {
    let mut bytes = Vec::new();
    write(&mut ReplyWriter::new(&mut bytes, client.speaks()));
    client.mailbox.post_invalidation(bytes.into());
}
