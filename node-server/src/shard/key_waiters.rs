//! Who waits for something to come to which key of a shard (BLPOP and its kin).
//!
//! ```text
//!   key ──► its waiters, who came first in front        waiter ──► what it waits for, and its request
//! ```
//!
//! A client waits once at a time, for all the keys of one request. Serving it, its time-out, CLIENT UNBLOCK, its going away
//! and the leaving of its slot all take it out of here, under the shard's lock; so it gets one answer, and nothing that was
//! taken out of a key for it is lost to another end of the wait.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rcl_proto::Slot;
use rcl_proto::resp::{OwnedArgs, Protocol};
use rcl_store::types::ValueRef;

use crate::access::User;
use crate::client::WakeHandle;
use crate::command::waiting::Serve;
use crate::command::{CommandError, CommandSpec};

/// The type of value that can serve a waiter; a key of another type leaves it waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    List,
    SortedSet,
}

impl Wanted {
    /// What this value is to those who wait.
    pub fn of(value: ValueRef<'_>) -> Option<Wanted> {
        match value {
            ValueRef::List(_) => Some(Wanted::List),
            ValueRef::SortedSet(_) => Some(Wanted::SortedSet),
            _ => None,
        }
    }
}

/// A client that waits, and what is to be done for it.
#[derive(Debug)]
pub struct KeyWaiter {
    pub client: u64,
    /// Whom it acts as.
    pub user: Arc<User>,
    pub wait: WakeHandle,
    pub protocol: Protocol,
    /// False when it switched replies off.
    pub is_heard: bool,
    /// All its keys lie in it.
    pub slot: Slot,
    pub database: usize,
    pub keys: Vec<Box<[u8]>>,
    pub wanted: Wanted,
    pub serve: Serve,
    pub spec: &'static CommandSpec,
    pub args: OwnedArgs,
}

/// Numbers of arrival, in each shard.
type Arrival = u64;

/// Clients by their arrival.
type Queue = BTreeMap<Arrival, u64>;

#[derive(Debug, Default)]
pub struct KeyWaiters {
    by_client: HashMap<u64, (Arrival, KeyWaiter)>,
    by_key: HashMap<(usize, Box<[u8]>), Queue>,
    last_arrival: Arrival,
}

impl KeyWaiters {
    pub fn is_empty(&self) -> bool {
        self.by_client.is_empty()
    }

    pub fn add(&mut self, waiter: KeyWaiter) {
        self.last_arrival += 1;
        for key in &waiter.keys {
            let queue = self.by_key.entry((waiter.database, key.clone())).or_default();
            queue.insert(self.last_arrival, waiter.client);
        }
        self.by_client.insert(waiter.client, (self.last_arrival, waiter));
    }

    /// Ends the wait of a client; whoever gets it answers the client. `None` when somebody else did.
    pub fn remove(&mut self, client: u64) -> Option<KeyWaiter> {
        let (arrival, waiter) = self.by_client.remove(&client)?;
        for key in &waiter.keys {
            let place = (waiter.database, key.clone());
            if let Some(queue) = self.by_key.get_mut(&place) {
                queue.remove(&arrival);
                if queue.is_empty() {
                    self.by_key.remove(&place);
                }
            }
        }
        Some(waiter)
    }

    /// True when somebody waits for this key.
    pub fn has_key(&self, database: usize, key: &[u8]) -> bool {
        !self.is_empty() && self.by_key.contains_key(&(database, key.into()))
    }

    /// Of those who wait for this key with a value of this type, the first who came.
    pub fn first(&self, database: usize, key: &[u8], wanted: Wanted) -> Option<u64> {
        let queue = self.by_key.get(&(database, key.into()))?;
        let is_one =
            |client: &&u64| self.by_client.get(client).is_some_and(|(_, waiter)| waiter.wanted == wanted);
        queue.values().find(is_one).copied()
    }

    /// The keys that somebody waits for, in this database.
    pub fn keys_in(&self, database: usize) -> impl Iterator<Item = &[u8]> {
        self.by_key.keys().filter(move |(of, _)| *of == database).map(|(_, key)| &**key)
    }

    pub fn key_count(&self) -> usize {
        self.by_key.len()
    }

    /// Ends the waits that `verdict` gives an error for.
    pub fn refuse(&mut self, verdict: impl Fn(&KeyWaiter) -> Result<(), CommandError>) {
        let refused =
            self.by_client.values().filter_map(|(_, waiter)| Some((waiter.client, verdict(waiter).err()?)));
        for (client, error) in refused.collect::<Vec<_>>() {
            if let Some(waiter) = self.remove(client) {
                waiter.wait.refuse(error.text());
            }
        }
    }

    /// Ends all waits and the connections of those who wait.
    pub fn disconnect_all(&mut self, text: &str) {
        self.by_key.clear();
        for (_, (_, waiter)) in self.by_client.drain() {
            waiter.wait.refuse_and_close(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::client::{Mailbox, Message};
    use crate::command::spec::COMMAND;

    static SPEC: CommandSpec = CommandSpec { name: "blpop", ..COMMAND };

    fn waiter(client: u64, keys: &[&str], wanted: Wanted, mailbox: &Arc<Mailbox>) -> KeyWaiter {
        KeyWaiter {
            client,
            user: User::superuser(),
            wait: WakeHandle::new(mailbox.clone(), client),
            protocol: Protocol::Resp2,
            is_heard: true,
            slot: Slot::MIN,
            database: 0,
            keys: keys.iter().map(|key| key.as_bytes().into()).collect(),
            wanted,
            serve: |_, _, _, _| Ok(false),
            spec: &SPEC,
            args: OwnedArgs::new([b"blpop".as_slice()]),
        }
    }

    fn first(waiters: &KeyWaiters, key: &str, wanted: Wanted) -> Option<u64> {
        waiters.first(0, key.as_bytes(), wanted)
    }

    #[test]
    fn each_key_has_its_waiters_in_the_order_of_their_coming() {
        let mailbox = Arc::default();
        let mut waiters = KeyWaiters::default();
        waiters.add(waiter(7, &["a", "b", "a"], Wanted::List, &mailbox));
        waiters.add(waiter(3, &["b"], Wanted::SortedSet, &mailbox));
        waiters.add(waiter(5, &["b"], Wanted::List, &mailbox));
        assert_eq!((waiters.key_count(), waiters.keys_in(0).count(), waiters.keys_in(1).count()), (2, 2, 0));
        assert!(waiters.has_key(0, b"a") && !waiters.has_key(1, b"a"));
        assert_eq!(first(&waiters, "a", Wanted::List), Some(7));
        assert_eq!(first(&waiters, "b", Wanted::SortedSet), Some(3));
        assert_eq!(first(&waiters, "b", Wanted::List), Some(7));
        waiters.remove(7);
        assert_eq!(first(&waiters, "b", Wanted::List), Some(5));
        assert_eq!(first(&waiters, "a", Wanted::List), None);
    }

    #[test]
    fn who_was_taken_out_waits_for_none_of_its_keys() {
        let mailbox = Arc::default();
        let mut waiters = KeyWaiters::default();
        waiters.add(waiter(7, &["a", "b"], Wanted::List, &mailbox));
        waiters.add(waiter(5, &["b"], Wanted::List, &mailbox));
        assert_eq!(waiters.remove(7).map(|waiter| waiter.client), Some(7));
        assert!(waiters.remove(7).is_none());
        assert_eq!((first(&waiters, "b", Wanted::List), waiters.key_count()), (Some(5), 1));
        waiters.remove(5);
        assert!(waiters.is_empty() && waiters.key_count() == 0);
    }

    #[test]
    fn only_those_with_an_error_are_refused() {
        let mailbox = Arc::<Mailbox>::default();
        let mut waiters = KeyWaiters::default();
        waiters.add(waiter(1, &["a"], Wanted::List, &mailbox));
        waiters.add(waiter(2, &["b"], Wanted::List, &mailbox));
        waiters.refuse(|waiter| if waiter.client == 1 { Err(CommandError::SYNTAX) } else { Ok(()) });
        let posted = mailbox.take();
        let [Message::Reply { wait: 1, reply }] = posted.as_slice() else { panic!("{posted:?}") };
        assert_eq!((reply.bytes.as_slice(), reply.closes), (&b"-ERR syntax error\r\n"[..], false));
        waiters.disconnect_all("UNBLOCKED all");
        let posted = mailbox.take();
        assert!(
            matches!(posted.as_slice(), [Message::Reply { wait: 2, reply }] if reply.closes),
            "{posted:?}"
        );
        assert!(waiters.is_empty());
    }
}
