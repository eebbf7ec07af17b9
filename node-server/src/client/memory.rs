//! What clients take in memory, and `maxmemory-clients`: when all of them take more, the largest are closed until they don't.
//!
//! A client's figures are in its handle, written by its own thread; whoever asks adds them up ([`ClientHandle::memory_bytes`]).
//! While there is a limit, a client's thread also carries its share over into the sum of all at the end of each turn, so that
//! to look whether there is too much costs one comparison. Clients of the kinds that are never evicted (replicas, the link to
//! the master, those that said CLIENT NO-EVICT) are not in that sum.

use std::sync::atomic::Ordering;

use super::{ClientHandle, ClientKind, ClientRegistry, Session, client_flag};
use crate::node::Node;

/// A connection keeps its room for answers if it is no more than this: most answer little, again and again. It is counted whether it is
/// there or not, so that what a client takes does not go by its last answer.
pub const KEPT_OUTPUT_BYTES: usize = 512;

/// What a subscription takes beside its name, here and in the register of all, about.
const SUBSCRIPTION_BYTES: usize = 96;

impl ClientHandle {
    /// All that the client takes: its buffers, what is queued or waits for it, and what it said of itself.
    pub fn memory_bytes(&self) -> usize {
        let subscriptions = [&self.channels, &self.patterns, &self.shard_channels];
        let subscribed: usize = subscriptions.iter().map(|count| count.load(Ordering::Relaxed)).sum();
        size_of::<ClientHandle>()
            + size_of::<Session>()
            + self.input_capacity.load(Ordering::Relaxed)
            + self.output_capacity.load(Ordering::Relaxed).max(KEPT_OUTPUT_BYTES)
            + self.mailbox.pending_bytes()
            + self.multi_bytes.load(Ordering::Relaxed)
            + self.watched_bytes.load(Ordering::Relaxed)
            + self.prefix_bytes.load(Ordering::Relaxed)
            + subscribed * SUBSCRIPTION_BYTES
    }

    /// What waits to be sent to it.
    pub fn waiting_output(&self) -> usize {
        self.output_bytes.load(Ordering::Relaxed) + self.mailbox.pending_bytes()
    }

    fn is_evictable(&self) -> bool {
        matches!(self.kind(), ClientKind::Normal | ClientKind::PubSub)
            && !self.has_flag(client_flag::NO_EVICT)
            && !self.mailbox.is_killed()
    }
}

impl ClientRegistry {
    pub fn set_memory_limit(&self, limit: u64) {
        self.memory_limit.store(limit, Ordering::Relaxed);
    }

    /// Carries the client's figures over into the sum. True when all together take too much.
    pub fn recount(&self, client: &ClientHandle) -> bool {
        let limit = self.memory_limit.load(Ordering::Relaxed);
        if limit == 0 {
            return false;
        }
        let now = if client.is_evictable() { client.memory_bytes() } else { 0 };
        let before = client.counted_bytes.swap(now, Ordering::Relaxed);
        let change = now as i64 - before as i64;
        let sum = self.counted_bytes.fetch_add(change, Ordering::Relaxed) + change;
        sum > limit as i64
    }
}

/// Closes the largest clients until the rest takes no more than `maxmemory-clients`.
pub fn evict_clients(node: &Node) {
    let limit = node.clients.memory_limit.load(Ordering::Relaxed);
    if limit == 0 {
        return;
    }
    let mut clients: Vec<_> = node
        .clients
        .all()
        .into_iter()
        .inspect(|client| _ = node.clients.recount(client))
        .filter(|client| client.is_evictable())
        .map(|client| (client.memory_bytes(), client))
        .collect();
    let mut sum: usize = clients.iter().map(|(bytes, _)| bytes).sum();
    clients.sort_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
    for (bytes, client) in clients {
        if sum as u64 <= limit {
            return;
        }
        sum -= bytes;
        // Gone for everybody from now on; its own thread ends it in a moment. Another thread may have come first.
        if node.clients.remove(client.id) {
            tracing::info!(client = %client.address(), bytes, "client is evicted: all take more than maxmemory-clients");
            client.set_flag(client_flag::CLOSE_ASAP, true);
            client.mailbox.kill();
            node.stats.evicted_clients.add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::in_memory::{Client, clients};

    fn takes(client: &Client, bytes: usize) {
        client.session.handle.input_capacity.store(bytes, Ordering::Relaxed);
    }

    #[test]
    fn the_largest_go_first_and_no_more_than_must() {
        clients!(node: small, middle, large, spared);
        spared.ask("client no-evict on");
        middle.ask("ping");
        large.ask("ping");
        [(&small, 10_000), (&middle, 100_000), (&large, 1_000_000), (&spared, 9_000_000)]
            .iter()
            .for_each(|(client, bytes)| takes(client, *bytes));
        small.ask("config set maxmemory-clients 150000");
        let is_there = |client: &Client| node.clients.get(client.session.id()).is_some();
        assert_eq!([&small, &middle, &large, &spared].map(is_there), [true, true, false, true]);
        assert!(large.session.handle.mailbox.is_killed());
        assert_eq!(node.stats.evicted_clients.get(), 1);
        small.ask("config set maxmemory-clients 50000");
        assert_eq!([&small, &middle, &large, &spared].map(is_there), [true, false, false, true]);
    }

    #[test]
    fn who_is_evicted_by_several_threads_at_once_is_counted_once() {
        clients!(node: first);
        let others: Vec<_> = (0..200).map(|_| Client::new(&node)).collect();
        others.iter().for_each(|client| takes(client, 1_000_000));
        node.clients.memory_limit.store(1_000_000, Ordering::Relaxed);
        std::thread::scope(|scope| (0..4).for_each(|_| _ = scope.spawn(|| evict_clients(&node))));
        let killed = others.iter().filter(|client| client.session.handle.mailbox.is_killed()).count();
        assert!(killed >= 199, "{killed}");
        assert_eq!(node.stats.evicted_clients.get(), killed as u64);
        first.ask("ping");
    }

    #[test]
    fn a_client_is_counted_as_it_is_now_and_no_more_when_it_is_gone() {
        clients!(node: first, second);
        first.ask("config set maxmemory-clients 1000000");
        second.ask("ping");
        takes(&second, 500_000);
        assert!(!node.clients.recount(&second.session.handle));
        takes(&second, 1_100_000);
        assert!(node.clients.recount(&second.session.handle));
        node.clients.remove(second.session.id());
        assert!(!node.clients.recount(&first.session.handle));
    }

    #[test]
    fn a_limit_may_be_a_share_of_maxmemory() {
        clients!(node: client);
        client.ask("config set maxmemory 1000000000 maxmemory-clients 7%");
        assert_eq!(node.settings().client_memory_limit(), 70_000_000);
        client.ask("config set maxmemory 0");
        assert_eq!(node.settings().client_memory_limit(), 0);
        client.ask("config set maxmemory-clients 5mb");
        assert_eq!(node.settings().client_memory_limit(), 5 << 20);
    }
}
