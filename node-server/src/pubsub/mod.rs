//! Publish and subscribe: channels, patterns and sharded channels.
//!
//! A message goes out as bytes posted to each subscriber's mailbox; its own thread sends them.
//!
//! ```text
//! message  channel payload           to subscribers of the channel
//! pmessage pattern channel payload   to subscribers of a pattern that fits it
//! smessage channel payload           to subscribers of the sharded channel
//! ```
//!
//! In RESP2 these are arrays, in RESP3 push messages.

mod keyspace_events;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rcl_proto::resp::{Protocol, ReplyWriter};
use rcl_proto::{Slot, key_slot};

pub use keyspace_events::{EventClass, EventClasses, KeyspaceEvents};

use crate::client::{ClientHandle, Message};
use crate::config::glob;

/// What one client subscribed to.
#[derive(Debug, Default)]
pub struct Subscriptions {
    pub channels: BTreeSet<Box<[u8]>>,
    pub patterns: BTreeSet<Box<[u8]>>,
    pub shard_channels: BTreeSet<Box<[u8]>>,
}

impl Subscriptions {
    /// How SUBSCRIBE and PSUBSCRIBE count them.
    pub fn count(&self) -> usize {
        self.channels.len() + self.patterns.len()
    }

    pub fn is_empty(&self) -> bool {
        self.count() + self.shard_channels.len() == 0
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelKind {
    Channel,
    Pattern,
    Shard,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, Default)]
pub struct Delivered {
    pub receivers: usize,
    /// Sent to all of them together.
    pub bytes: u64,
}

type Subscribers = HashMap<u64, Arc<ClientHandle>>;

/// Who subscribed to what, on this node.
#[derive(Debug, Default)]
pub struct PubSub {
    channels: Mutex<HashMap<Box<[u8]>, Subscribers>>,
    patterns: Mutex<HashMap<Box<[u8]>, Subscribers>>,
    shard_channels: Mutex<HashMap<Box<[u8]>, Subscribers>>,
}

impl PubSub {
    fn table(&self, kind: ChannelKind) -> MutexGuard<'_, HashMap<Box<[u8]>, Subscribers>> {
        let table = match kind {
            ChannelKind::Channel => &self.channels,
            ChannelKind::Pattern => &self.patterns,
            ChannelKind::Shard => &self.shard_channels,
        };
        table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn subscribe(&self, kind: ChannelKind, name: &[u8], client: &Arc<ClientHandle>) {
        self.table(kind).entry(name.into()).or_default().insert(client.id, client.clone());
    }

    pub fn unsubscribe(&self, kind: ChannelKind, name: &[u8], client: u64) {
        let mut table = self.table(kind);
        if let Some(subscribers) = table.get_mut(name) {
            subscribers.remove(&client);
            if subscribers.is_empty() {
                table.remove(name);
            }
        }
    }

    /// A client that goes away takes its subscriptions with it.
    pub fn forget(&self, client: u64, subscriptions: &Subscriptions) {
        subscriptions.channels.iter().for_each(|name| self.unsubscribe(ChannelKind::Channel, name, client));
        subscriptions.patterns.iter().for_each(|name| self.unsubscribe(ChannelKind::Pattern, name, client));
        subscriptions
            .shard_channels
            .iter()
            .for_each(|name| self.unsubscribe(ChannelKind::Shard, name, client));
    }

    /// Sends to the subscribers of `channel` and of the patterns that fit it; how many there were.
    pub fn publish(&self, channel: &[u8], payload: &[u8]) -> usize {
        let mut receivers = 0;
        if let Some(subscribers) = self.table(ChannelKind::Channel).get(channel) {
            receivers += deliver(subscribers, &[b"message", channel, payload]).receivers;
        }
        for (pattern, subscribers) in self.table(ChannelKind::Pattern).iter() {
            if glob::matches(pattern, channel) {
                receivers += deliver(subscribers, &[b"pmessage", pattern, channel, payload]).receivers;
            }
        }
        receivers
    }

    pub fn publish_to_shard(&self, channel: &[u8], payload: &[u8]) -> Delivered {
        let table = self.table(ChannelKind::Shard);
        let subscribers = table.get(channel);
        subscribers.map(|to| deliver(to, &[b"smessage", channel, payload])).unwrap_or_default()
    }

    /// Ends all subscriptions to sharded channels of slots that left this node, and tells the clients.
    pub fn drop_shard_channels(&self, gone: impl Fn(Slot) -> bool) {
        let mut table = self.table(ChannelKind::Shard);
        table.retain(|channel, subscribers| {
            if !gone(key_slot(channel)) {
                return true;
            }
            for client in subscribers.values() {
                client.mailbox.post(Message::ShardUnsubscribed(channel.clone()));
            }
            false
        });
    }

    /// Names that `pattern` fits (all when `None`), sorted.
    pub fn names(&self, kind: ChannelKind, pattern: Option<&[u8]>) -> Vec<Box<[u8]>> {
        let table = self.table(kind);
        let fits = |name: &[u8]| pattern.is_none_or(|pattern| glob::matches(pattern, name));
        let mut names: Vec<_> = table.keys().filter(|name| fits(name)).cloned().collect();
        names.sort();
        names
    }

    /// Who listens to names that are as asked for.
    pub fn subscribers(
        &self,
        kind: ChannelKind,
        is_asked_for: impl Fn(&[u8]) -> bool,
    ) -> Vec<Arc<ClientHandle>> {
        let table = self.table(kind);
        let names = table.iter().filter(|(name, _)| is_asked_for(name));
        names.flat_map(|(_, subscribers)| subscribers.values().cloned()).collect()
    }

    pub fn subscriber_count(&self, kind: ChannelKind, name: &[u8]) -> usize {
        self.table(kind).get(name).map_or(0, HashMap::len)
    }

    pub fn name_count(&self, kind: ChannelKind) -> usize {
        self.table(kind).len()
    }
}

/// The bytes are made once for each version of the protocol, whoever many subscribers there are.
fn deliver(subscribers: &Subscribers, parts: &[&[u8]]) -> Delivered {
    let mut delivered = Delivered { receivers: subscribers.len(), bytes: 0 };
    let (mut resp2, mut resp3) = (None, None);
    for client in subscribers.values() {
        let protocol = client.speaks();
        let bytes = if protocol == Protocol::Resp3 { &mut resp3 } else { &mut resp2 };
        let bytes = bytes.get_or_insert_with(|| message(protocol, parts)).clone();
        delivered.bytes += bytes.len() as u64;
        client.mailbox.post(Message::Push(bytes));
    }
    delivered
}

fn message(protocol: Protocol, parts: &[&[u8]]) -> Arc<[u8]> {
    let mut out = Vec::new();
    let mut reply = ReplyWriter::new(&mut out, protocol);
    reply.push(parts.len());
    parts.iter().for_each(|part| reply.bulk(part));
    out.into()
}
