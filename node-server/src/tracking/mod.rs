//! Client-side caching: a client keeps what it read, and is told when that changed.
//!
//! ```text
//! CLIENT TRACKING ON         who read a key is told of its next change     the key's shard remembers who (`table`)
//! CLIENT TRACKING ON BCAST   told of all keys that begin with a prefix     one list for the node (`broadcast`)
//! ```
//!
//! 1. A command that only reads leaves its keys in the table of their shard, under the lock under which it read: no change
//!    slips in between. (OPTIN and OPTOUT: where CLIENT CACHING says so.)
//! 2. Who changes a key takes it out of the table, under the same lock, and posts an invalidation to each client that
//!    is in there. A client takes its mail between two replies, so it has the reply with the old value, and its own
//!    reply to the change, before the invalidation.
//! 3. Keys for prefixes are gathered while a command (a transaction, a script) runs, and told at its end.
//! 4. What goes away as a whole (FLUSHALL, a new copy of the master's data) is told as a null: all keys.
//!
//! In RESP3 the message is a push. A client of RESP2 lets another connection have its messages (REDIRECT), which is
//! subscribed to `__redis__:invalidate`. Redirected to a client that is gone, the first one hears that instead.
//!
//! A table does not forget a client that went away or switched tracking off: its keys do, one by one as they change. More than
//! `tracking-table-max-keys` are not remembered: keys drawn at random are told as changed and forgotten.

mod broadcast;
mod message;
mod mode;
mod table;

use std::sync::atomic::{AtomicUsize, Ordering};

use rcl_proto::resp::Args;

pub use broadcast::Broadcasts;
pub use mode::{TrackingMode, start, stop};
pub use table::TrackedKeys;

use crate::client::client_flag;
use crate::command::spec::{Group, flag};
use crate::command::{CommandSpec, Context, find_keys};
use crate::node::Node;
use message::Changed;

/// For changes that no client made.
pub const NOBODY: u64 = 0;

/// So many keys are forgotten at once for want of room.
const FORGOTTEN_AT_ONCE: usize = 100;

/// What concerns all shards.
#[derive(Debug, Default)]
pub struct Tracking {
    clients: AtomicUsize,
    /// In the tables of all shards together.
    pub(crate) counts: table::Counts,
    pub broadcasts: Broadcasts,
}

impl Tracking {
    pub fn client_count(&self) -> usize {
        self.clients.load(Ordering::Relaxed)
    }

    /// Keys that somebody is to be told of.
    pub fn key_count(&self) -> usize {
        self.counts.keys.load(Ordering::Relaxed)
    }

    /// Pairs of a key and a client.
    pub fn item_count(&self) -> usize {
        self.counts.items.load(Ordering::Relaxed)
    }
}

/// A key changed: who read it is told, and who wants to know of its prefix will be. `by` is the client that did it.
pub fn key_changed(node: &Node, tracked: &mut TrackedKeys, key: &[u8], by: u64) {
    node.tracking.broadcasts.note(key, by);
    forget(node, tracked, key, by);
}

/// Takes a key out of the table, and tells who is in there.
fn forget(node: &Node, tracked: &mut TrackedKeys, key: &[u8], by: u64) {
    for client in tracked.take(&node.tracking.counts, |key| node.hasher.hash(key), key) {
        // Who has switched over to prefixes since is told by those.
        let is_told = client.has_flag(client_flag::TRACKING)
            && !client.has_flag(client_flag::TRACKING_BROADCAST)
            && !(client.id == by && client.has_flag(client_flag::TRACKING_NO_LOOP));
        if is_told {
            message::send(node, &client, Changed::Keys(&[key]));
        }
    }
}

/// Remembers which keys a command read, if its client wants to be told of them. The client keeps its shard locked.
pub fn remember_keys(context: &mut Context<'_>, spec: &CommandSpec, args: Args<'_>) {
    let Some(mode) = &context.session.tracking else { return };
    // A script's commands are remembered, not the script.
    let reads = spec.has(flag::READONLY) && spec.group != Group::Scripting;
    if !reads || !mode.remembers() {
        return;
    }
    let client = context.session.handle.clone();
    let node = context.node.clone();
    let most = node.settings().tracking_table_max_keys;
    let Some(shard) = context.data.shard() else { return };
    for position in find_keys(spec, args).unwrap_or_default() {
        let key = &args[position.index];
        let hash_of = |key: &[u8]| node.hasher.hash(key);
        shard.tracked.remember(&node.tracking.counts, hash_of, key, &client);
    }
    make_room(&node, &mut shard.tracked, most);
}

/// Forgets keys of this shard as long as all shards have too many. False when it could not forget enough.
fn make_room(node: &Node, tracked: &mut TrackedKeys, most: usize) -> bool {
    let is_over = || most > 0 && node.tracking.key_count() > most;
    for _ in 0..FORGOTTEN_AT_ONCE {
        if !is_over() {
            return true;
        }
        let Some(key) = tracked.random_key(&mut rand::rng()) else { return false };
        forget(node, tracked, &key, NOBODY);
    }
    !is_over()
}

/// From time to time, and when `tracking-table-max-keys` may have been lowered.
pub fn tick(node: &Node) {
    let most = node.settings().tracking_table_max_keys;
    if most == 0 || node.tracking.key_count() <= most {
        return;
    }
    for index in 0..node.shards.count() {
        loop {
            // Who is busy with it (or the caller itself, in a transaction) lets it be until the next time.
            let Some(mut shard) = node.shards.try_lock(index) else { break };
            if make_room(node, &mut shard.tracked, most) || shard.tracked.is_empty() {
                break;
            }
        }
    }
}

/// All keys are gone, and the tables of all shards with them: the caller has emptied those and still holds the shards.
pub fn all_changed(node: &Node) {
    if node.tracking.client_count() == 0 {
        return;
    }
    for client in node.clients.all() {
        if client.has_flag(client_flag::TRACKING) {
            message::send(node, &client, Changed::All);
        }
    }
}

#[cfg(test)]
mod tests;
