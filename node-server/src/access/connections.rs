//! What a change of users does to connections that are there.

use std::sync::Arc;

use super::User;
use crate::client::ClientHandle;
use crate::node::Node;
use crate::pubsub::ChannelKind;

/// Ends all connections of a user but this one; true when this one is among them.
pub fn close_all_of(node: &Node, user: &Arc<User>, own_id: u64) -> bool {
    let clients = node.clients.all();
    let of_user = clients.iter().filter(|client| client.acts_as(user));
    close(of_user, own_id)
}

/// Ends the connections that listen to what their user may hear no more; true when this one is among them.
pub fn close_subscribers_without_permission(node: &Node, user: &Arc<User>, own_id: u64) -> bool {
    let mut is_own = false;
    for kind in [ChannelKind::Channel, ChannelKind::Pattern, ChannelKind::Shard] {
        let is_pattern = kind == ChannelKind::Pattern;
        let subscribers = node.pubsub.subscribers(kind, |name| !user.may_use_channel(name, is_pattern));
        is_own |= close(subscribers.iter().filter(|client| client.acts_as(user)), own_id);
    }
    is_own
}

fn close<'a>(clients: impl Iterator<Item = &'a Arc<ClientHandle>>, own_id: u64) -> bool {
    let mut is_own = false;
    for client in clients {
        if client.id == own_id {
            is_own = true;
        } else {
            client.mailbox.kill();
        }
    }
    is_own
}
