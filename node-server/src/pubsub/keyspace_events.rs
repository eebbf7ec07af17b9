//! Keyspace events: what happened to a key, published to whoever wants to know.
//!
//! ```text
//! __keyspace@<db>__:<key>     <event>      with K
//! __keyevent@<db>__:<event>   <key>        with E
//! ```
//!
//! `notify-keyspace-events` says which classes of events are published, in which of the two forms. A handler tells what it
//! did ([`Data::notify`](crate::command::Data::notify)) in Redis's words and order; the message is in the subscribers'
//! mailboxes before the shard is let go, so all see the events of a key in the order in which they happened. They stay on
//! this node: neither the cluster's bus nor the replicas get them (a replica tells of what it applies itself).

use std::sync::atomic::{AtomicU32, Ordering};

use super::PubSub;

/// The two forms, and the classes of events, as bits.
const KEYSPACE: u32 = 1 << 0;
const KEYEVENT: u32 = 1 << 1;

/// What kind of event it is: one letter of `notify-keyspace-events`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum EventClass {
    /// `g`: what all types have: del, expire, rename_from, …
    Generic = 1 << 2,
    /// `$`
    String = 1 << 3,
    /// `l`
    List = 1 << 4,
    /// `s`
    Set = 1 << 5,
    /// `h`
    Hash = 1 << 6,
    /// `z`
    SortedSet = 1 << 7,
    /// `t`
    Stream = 1 << 8,
    /// `x`: a key's time came.
    Expired = 1 << 9,
    /// `e`: a key had to go for want of memory.
    Evicted = 1 << 10,
    /// `n`: a key came into being.
    New = 1 << 11,
    /// `m`: a key was read that is not there.
    KeyMiss = 1 << 12,
    /// `d`: events of modules, of which there are none.
    Module = 1 << 13,
}

const LETTERS: [(u8, u32); 14] = [
    (b'K', KEYSPACE),
    (b'E', KEYEVENT),
    (b'g', EventClass::Generic as u32),
    (b'$', EventClass::String as u32),
    (b'l', EventClass::List as u32),
    (b's', EventClass::Set as u32),
    (b'h', EventClass::Hash as u32),
    (b'z', EventClass::SortedSet as u32),
    (b't', EventClass::Stream as u32),
    (b'x', EventClass::Expired as u32),
    (b'e', EventClass::Evicted as u32),
    (b'n', EventClass::New as u32),
    (b'm', EventClass::KeyMiss as u32),
    (b'd', EventClass::Module as u32),
];

/// `A` stands for all classes but these two.
const NOT_IN_A: u32 = EventClass::New as u32 | EventClass::KeyMiss as u32;

/// A set of classes and forms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventClasses(u32);

impl EventClasses {
    /// As `notify-keyspace-events` says it; `None` when a letter means nothing.
    pub fn parse(text: &[u8]) -> Option<EventClasses> {
        text.iter().try_fold(EventClasses::default(), |EventClasses(bits), letter| {
            let found = match letter {
                b'A' => Some(EventClasses::all_of_a()),
                _ => LETTERS.iter().find(|(known, _)| known == letter).map(|(_, bit)| *bit),
            };
            found.map(|more| EventClasses(bits | more))
        })
    }

    fn all_of_a() -> u32 {
        LETTERS.iter().fold(0, |bits, (_, bit)| bits | bit) & !(KEYSPACE | KEYEVENT | NOT_IN_A)
    }

    /// The shortest text that parses as this, its letters in Redis's order.
    pub fn text(self) -> Vec<u8> {
        let mut text = Vec::new();
        let mut left = self.0;
        let all = EventClasses::all_of_a();
        if left & all == all {
            text.push(b'A');
            left &= !all;
        }
        // Redis drops `n` beside `A`; here it stays, so that a rewritten file says what was set.
        const ORDER: &[u8] = b"g$lshzxetdnKEm";
        let is_left = |letter: &&u8| LETTERS.iter().any(|(known, bit)| known == *letter && left & bit != 0);
        text.extend(ORDER.iter().filter(is_left));
        text
    }
}

/// Which events this node publishes: one word that every write looks at.
#[derive(Debug, Default)]
pub struct KeyspaceEvents(AtomicU32);

impl KeyspaceEvents {
    pub fn new(classes: EventClasses) -> KeyspaceEvents {
        KeyspaceEvents(AtomicU32::new(classes.0))
    }

    pub fn set(&self, classes: EventClasses) {
        self.0.store(classes.0, Ordering::Relaxed);
    }

    /// Publishes what happened to a key, if that is wanted. The caller holds the key's shard.
    #[inline]
    pub fn tell(&self, pubsub: &PubSub, class: EventClass, event: &str, database: usize, key: &[u8]) {
        let wanted = self.0.load(Ordering::Relaxed);
        if wanted & class as u32 != 0 {
            publish(wanted, pubsub, event, database, key);
        }
    }
}

#[cold]
fn publish(wanted: u32, pubsub: &PubSub, event: &str, database: usize, key: &[u8]) {
    if wanted & KEYSPACE != 0 {
        let channel = [format!("__keyspace@{database}__:").as_bytes(), key].concat();
        pubsub.publish(&channel, event.as_bytes());
    }
    if wanted & KEYEVENT != 0 {
        let channel = format!("__keyevent@{database}__:{event}");
        pubsub.publish(channel.as_bytes(), key);
    }
}

#[cfg(test)]
mod tests;
