//! Where a command of a stream may be applied.

use rcl_proto::resp::Args;

use crate::client::Session;
use crate::command::spec::{KeySpec, flag};
use crate::command::{CommandSpec, Known, Locks, Lookup};
use crate::executor::slot_of_keys;
use crate::node::Node;

#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// All that it reads and writes is in this shard.
    Shard(usize, Known),
    /// MULTI.
    Begin(Known),
    /// EXEC.
    End(Known),
    /// By the stream's own session.
    Here,
}

/// For a session that is in no particular state.
pub fn place(node: &Node, lookup: Lookup, args: Args<'_>) -> Place {
    let Lookup::Found(known) = lookup else { return Place::Here };
    let spec = known.spec;
    if !spec.accepts(args.len()) {
        Place::Here
    } else if is_about_its_keys(spec) {
        shard_of(node, spec, args).map_or(Place::Here, |shard| Place::Shard(shard, known))
    } else if is_named(known, "multi") {
        Place::Begin(known)
    } else if spec.locks == Locks::Transaction {
        Place::End(known)
    } else {
        Place::Here
    }
}

/// It writes keys that it names, and changes nothing else: neither the session nor the node.
fn is_about_its_keys(spec: &CommandSpec) -> bool {
    spec.locks == Locks::Keys
        && spec.has(flag::WRITE)
        && !spec.keys.is_empty()
        && !spec.keys.iter().any(KeySpec::is_channel)
}

/// `None` where the keys lie in several slots, or are not to be found.
fn shard_of(node: &Node, spec: &CommandSpec, args: Args<'_>) -> Option<usize> {
    if node.is_cluster() { Some(node.shards.index_of(slot_of_keys(spec, args).ok()??)) } else { Some(0) }
}

/// What is run touches nothing but the session.
pub fn is_about_the_session(session: &Session, lookup: Lookup) -> bool {
    let Lookup::Found(known) = lookup else { return false };
    let is_queued = session.in_transaction() && known.spec.locks != Locks::Transaction;
    is_queued || is_named(known, "select") || is_named(known, "multi")
}

fn is_named(known: Known, name: &str) -> bool {
    known.container.is_none() && known.spec.name == name
}
