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
use std::ops::Range;
use std::sync::Arc;

use rcl_proto::Slot;
use rcl_proto::resp::{OwnedArgs, Protocol};
use rcl_store::types::ValueRef;

use crate::access::User;
use crate::client::WakeHandle;
use crate::command::waiting::{Gone, Serve};
use crate::command::{CommandError, CommandSpec};

/// The type of value that can serve a waiter; a key of another type leaves it waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    List,
    SortedSet,
    Stream,
}

impl Wanted {
    /// What this value is to those who wait.
    pub fn of(value: ValueRef<'_>) -> Option<Wanted> {
        match value {
            ValueRef::List(_) => Some(Wanted::List),
            ValueRef::SortedSet(_) => Some(Wanted::SortedSet),
            ValueRef::Stream(_) => Some(Wanted::Stream),
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
    /// Given where the wait ends when a key goes away.
    pub gone: Option<Gone>,
    pub spec: &'static CommandSpec,
    pub args: OwnedArgs,
}

/// Numbers of arrival, in each shard.
pub type Arrival = u64;

/// Clients by their arrival.
type Queue = BTreeMap<Arrival, u64>;

#[derive(Debug, Default)]
pub struct KeyWaiters {
    by_client: HashMap<u64, (Arrival, KeyWaiter)>,
    by_key: HashMap<(usize, Box<[u8]>), Queue>,
    last_arrival: Arrival,
    /// How many of them end their wait when a key goes away.
    mourners: usize,
}

impl KeyWaiters {
    pub fn is_empty(&self) -> bool {
        self.by_client.is_empty()
    }

    pub fn add(&mut self, waiter: KeyWaiter) {
        self.last_arrival += 1;
        self.mourners += usize::from(waiter.gone.is_some());
        for key in &waiter.keys {
            let queue = self.by_key.entry((waiter.database, key.clone())).or_default();
            queue.insert(self.last_arrival, waiter.client);
        }
        self.by_client.insert(waiter.client, (self.last_arrival, waiter));
    }

    /// Ends the wait of a client; whoever gets it answers the client. `None` when somebody else did.
    pub fn remove(&mut self, client: u64) -> Option<KeyWaiter> {
        let (arrival, waiter) = self.by_client.remove(&client)?;
        self.mourners -= usize::from(waiter.gone.is_some());
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

    /// The number of arrival that comes next.
    pub fn next_arrival(&self) -> Arrival {
        self.last_arrival + 1
    }

    /// Of those who wait for this key and came in this time, the first whom it concerns: who waits for a value of the type
    /// that it has, or for a value that it has no more.
    pub fn first(
        &self,
        database: usize,
        key: &[u8],
        came: Range<Arrival>,
        found: Option<Wanted>,
    ) -> Option<(Arrival, u64)> {
        let queue = self.by_key.get(&(database, key.into()))?;
        let is_concerned = |waiter: &KeyWaiter| found == Some(waiter.wanted) || waiter.gone.is_some();
        let mut waiting = queue.range(came).map(|(arrival, client)| (*arrival, *client));
        waiting.find(|(_, client)| self.by_client.get(client).is_some_and(|(_, waiter)| is_concerned(waiter)))
    }

    /// True when somebody waits for this key who gives up when it goes away.
    pub fn is_mourned(&self, database: usize, key: &[u8]) -> bool {
        self.mourners > 0 && self.mourners_of(database, key).next().is_some()
    }

    /// All keys for which `is_gone` holds went away.
    pub fn keys_are_gone(&mut self, is_gone: impl Fn(usize, &[u8]) -> bool) {
        if self.mourners > 0 {
            let keys: Vec<_> =
                self.by_key.keys().filter(|(database, key)| is_gone(*database, key)).cloned().collect();
            keys.iter().for_each(|(database, key)| self.key_is_gone(*database, key));
        }
    }

    /// The key went away, and no command that could serve somebody is the reason: ends the waits of those who give up then.
    pub fn key_is_gone(&mut self, database: usize, key: &[u8]) {
        if self.mourners == 0 {
            return;
        }
        for client in self.mourners_of(database, key).collect::<Vec<_>>() {
            if let Some(waiter) = self.remove(client)
                && let Some(gone) = waiter.gone
            {
                waiter.wait.refuse(gone(key, waiter.args.as_args()).text());
            }
        }
    }

    fn mourners_of(&self, database: usize, key: &[u8]) -> impl Iterator<Item = u64> {
        let queue = self.by_key.get(&(database, key.into()));
        let clients = queue.into_iter().flat_map(|queue| queue.values().copied());
        clients.filter(|client| self.by_client.get(client).is_some_and(|(_, waiter)| waiter.gone.is_some()))
    }

    /// The keys that somebody waits for, in this database.
    pub fn keys_in(&self, database: usize) -> impl Iterator<Item = &[u8]> {
        self.by_key.keys().filter(move |(of, _)| *of == database).map(|(_, key)| &**key)
    }

    pub fn key_count(&self) -> usize {
        self.by_key.len()
    }

    /// The number of keys for which somebody waits who gives up when they go away.
    pub fn mourned_key_count(&self) -> usize {
        if self.mourners == 0 {
            return 0;
        }
        self.by_key.keys().filter(|(database, key)| self.is_mourned(*database, key)).count()
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
        self.mourners = 0;
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
            gone: None,
            spec: &SPEC,
            args: OwnedArgs::new([b"blpop".as_slice()]),
        }
    }

    fn first(waiters: &KeyWaiters, key: &str, wanted: Wanted) -> Option<u64> {
        waiters.first(0, key.as_bytes(), 0..u64::MAX, Some(wanted)).map(|(_, client)| client)
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
    fn who_waits_for_a_key_to_stay_is_told_when_it_goes() {
        let mailbox = Arc::<Mailbox>::default();
        let mut waiters = KeyWaiters::default();
        let gone: Gone = |key, _| CommandError::new(format!("GONE {}", key.escape_ascii()));
        waiters.add(waiter(1, &["a"], Wanted::Stream, &mailbox));
        waiters.add(KeyWaiter { gone: Some(gone), ..waiter(2, &["a", "b"], Wanted::Stream, &mailbox) });
        waiters.add(KeyWaiter { gone: Some(gone), ..waiter(3, &["c"], Wanted::Stream, &mailbox) });
        assert_eq!(waiters.mourned_key_count(), 3);
        assert!(waiters.is_mourned(0, b"b") && !waiters.is_mourned(1, b"b") && !waiters.is_mourned(0, b"d"));
        let concerned = |waiters: &KeyWaiters, came| waiters.first(0, b"a", came, None);
        assert_eq!((concerned(&waiters, 0..3), concerned(&waiters, 3..3)), (Some((2, 2)), None));
        waiters.key_is_gone(0, b"b");
        let posted = mailbox.take();
        let [Message::Reply { wait: 2, reply }] = posted.as_slice() else { panic!("{posted:?}") };
        assert_eq!(reply.bytes.as_slice(), b"-GONE b\r\n");
        assert!(!waiters.is_mourned(0, b"a") && waiters.has_key(0, b"a"));
        waiters.keys_are_gone(|_, key| key != b"c");
        assert!(waiters.is_mourned(0, b"c") && mailbox.is_empty());
        waiters.keys_are_gone(|_, _| true);
        assert!(!waiters.is_mourned(0, b"c") && mailbox.take().len() == 1);
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
