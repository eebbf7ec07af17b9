//! The keys of slots, from one node to another, with MIGRATE.
//!
//! ```text
//! loop   GETKEYSINSLOT of all slots, one write
//!        until no slot has a key
//!   MIGRATE host port "" 0 timeout [REPLACE] [AUTH2 user password] KEYS k1 … kn      one slot a call
//!   several calls in one write, as many keys as the source can pass on in a few milliseconds
//! ```
//!
//! MIGRATE stops the source while it waits for the target, so what is sent in one write is kept small: the
//! number of keys follows the time that the last write took.
//!
//! A key that exists on the target is an error (`BUSYKEY`), for its value there may be newer, with one
//! exception: after an I/O error between source and target the source may have been told nothing of a key that
//! the target has stored. What the source still holds it still serves, so its value is the right one, and the
//! second attempt replaces.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rcl_proto::resp::Reply;
use rcl_proto::{Address, Slot};
use tokio::sync::Semaphore;

use super::slots::first_error;
use crate::cli::{Failure, Kind};
use crate::connect::{Connector, Link, LinkError, Pipeline, Words};

/// What one write of MIGRATE calls may take before the next is smaller, and below which it is larger.
const LONG: Duration = Duration::from_millis(10);
const SHORT: Duration = Duration::from_millis(4);
/// How many keys of a slot are asked for at once.
const KEYS_ASKED: &str = "1000";
/// How many writes a target gets at once. It takes one after the other anyway, and a source that waits for its
/// turn in MIGRATE serves nobody; two keep the target busy.
pub const TURNS: usize = 2;
/// How often an I/O error between source and target is met with another attempt.
const ATTEMPTS: usize = 4;

/// How keys go from one source to one target; shared by the lanes of a pair.
#[derive(Debug)]
pub struct KeyPath {
    pub source: Link,
    target: Address,
    connector: Connector,
    replace: bool,
    keys_per_call: usize,
    /// How many keys one write holds, now.
    window: AtomicUsize,
    /// Shared by all that write to this target.
    turns: Arc<Semaphore>,
}

impl KeyPath {
    pub fn new(
        source: Link,
        target: Address,
        connector: Connector,
        replace: bool,
        keys_per_call: usize,
    ) -> KeyPath {
        let keys_per_call = keys_per_call.max(1);
        let window = AtomicUsize::new(keys_per_call);
        let turns = Arc::new(Semaphore::new(TURNS));
        KeyPath { source, target, connector, replace, keys_per_call, window, turns }
    }

    /// Takes turns with all others that have these.
    #[must_use]
    pub fn in_turn(mut self, turns: Arc<Semaphore>) -> KeyPath {
        self.turns = turns;
        self
    }

    /// Until the source holds no key of `slots`; how many were moved.
    pub async fn drain(&self, slots: &[Slot]) -> Result<u64, Failure> {
        let mut moved = 0;
        let mut slots = slots.to_vec();
        loop {
            let found = self.keys_of(&slots).await?;
            if found.is_empty() {
                return Ok(moved);
            }
            slots = found.iter().map(|(slot, _)| *slot).collect();
            moved += self.migrate_all(found).await?;
        }
    }

    /// The slots that have keys, with the first thousand of them.
    async fn keys_of(&self, slots: &[Slot]) -> Result<Vec<(Slot, Vec<Vec<u8>>)>, Failure> {
        let ask =
            |slot: &Slot| Words::of(&["CLUSTER", "GETKEYSINSLOT"]).and(slot.to_string()).and(KEYS_ASKED);
        let replies = self.source.all(&slots.iter().map(ask).collect::<Pipeline>()).await?;
        let mut found = Vec::new();
        for (slot, reply) in slots.iter().zip(replies) {
            let Reply::Array(names) = reply else {
                return Err(self.source.unexpected(&ask(slot), &reply).into());
            };
            let names: Vec<Vec<u8>> = names
                .into_iter()
                .filter_map(|name| if let Reply::Bulk(bytes) = name { Some(bytes) } else { None })
                .collect();
            if !names.is_empty() {
                found.push((*slot, names));
            }
        }
        Ok(found)
    }

    async fn migrate_all(&self, found: Vec<(Slot, Vec<Vec<u8>>)>) -> Result<u64, Failure> {
        let mut calls: VecDeque<Call<'_>> = VecDeque::new();
        for (slot, names) in &found {
            calls.extend(names.chunks(self.keys_per_call).map(|keys| (*slot, keys)));
        }
        let mut moved = 0;
        while !calls.is_empty() {
            let write = next_write(&mut calls, self.window.load(Ordering::Relaxed).max(1));
            self.migrate(&write).await?;
            moved += write.iter().map(|(_, keys)| keys.len() as u64).sum::<u64>();
        }
        Ok(moved)
    }

    /// One write of MIGRATE calls, with further attempts for those that met an I/O error.
    async fn migrate(&self, calls: &[Call<'_>]) -> Result<(), Failure> {
        // Nobody closes it, so this is no error.
        let _turn = self.turns.acquire().await.ok();
        let started = Instant::now();
        let mut left: Vec<Call<'_>> = calls.to_vec();
        for attempt in 0..ATTEMPTS {
            let replace = self.replace || attempt > 0;
            let pipeline: Pipeline = left.iter().map(|(_, keys)| self.command(keys, replace)).collect();
            let replies = self.source.pipeline(&pipeline).await?;
            let mut failed = Vec::new();
            let mut why = String::new();
            for (call, reply) in left.iter().zip(&replies) {
                let Reply::Error(error) = reply else { continue };
                if !(error.starts_with("IOERR") || error.contains("TRYAGAIN")) {
                    return Err(self.refused(call.0, error));
                }
                why.clone_from(error);
                failed.push(*call);
            }
            if failed.is_empty() {
                self.adapt(started.elapsed());
                return Ok(());
            }
            left = failed;
            if attempt + 1 == ATTEMPTS {
                return Err(self.refused(left[0].0, &why));
            }
            tokio::time::sleep(Duration::from_millis(100 << attempt)).await;
        }
        Ok(())
    }

    fn command(&self, keys: &[Vec<u8>], replace: bool) -> Words {
        // Shorter than our own patience, so that the source can still tell us which side was silent.
        let timeout_ms = (self.connector.time_limit.as_millis() as u64 / 2).max(1000).to_string();
        let mut words = Words::of(&["MIGRATE", &self.target.host])
            .and(self.target.port.to_string())
            .and("")
            .and("0")
            .and(timeout_ms);
        if replace {
            words = words.and("REPLACE");
        }
        if let Some(credentials) = &self.connector.credentials {
            words = match &credentials.user {
                Some(user) => words.and("AUTH2").and(user).and(&credentials.password),
                None => words.and("AUTH").and(&credentials.password),
            };
        }
        keys.iter().fold(words.and("KEYS"), |words, key| words.and(key))
    }

    fn adapt(&self, took: Duration) {
        let window = self.window.load(Ordering::Relaxed);
        if took > LONG {
            self.window.store((window / 2).max(1), Ordering::Relaxed);
        } else if took < SHORT {
            self.window.store((window * 2).min(self.keys_per_call * 2), Ordering::Relaxed);
        }
    }

    fn refused(&self, slot: Slot, error: &str) -> Failure {
        let source = self.source.address();
        if error.contains("BUSYKEY") {
            return Failure::new(
                Kind::Stopped,
                format!("a key of slot {slot} exists on {source} and on {} too", self.target),
            )
            .next(format!(
                "if the value on {source}, which serves the slot, is the right one, run again with --replace"
            ));
        }
        let error =
            LinkError::Server { address: source.clone(), command: "MIGRATE".into(), error: error.into() };
        Failure::new(Kind::Stopped, format!("{error} (slot {slot}, to {})", self.target))
            .next("run the same command again, or rcl fix: the slot stays open until then")
    }
}

/// The keys of one MIGRATE, all of one slot.
type Call<'a> = (Slot, &'a [Vec<u8>]);

/// Calls of at most `window` keys together; of a call that alone has more, only so many.
fn next_write<'a>(calls: &mut VecDeque<Call<'a>>, window: usize) -> Vec<Call<'a>> {
    let (mut write, mut keys) = (Vec::new(), 0);
    while let Some((slot, names)) = calls.pop_front() {
        if !write.is_empty() && keys + names.len() > window {
            calls.push_front((slot, names));
            break;
        }
        let (now, later) = names.split_at(names.len().min(window));
        keys += now.len();
        write.push((slot, now));
        if !later.is_empty() {
            calls.push_front((slot, later));
            break;
        }
    }
    write
}

/// Lets a batch fail on the first error reply.
pub fn check(link: &Link, command: &str, replies: &[Reply]) -> Result<(), Failure> {
    match first_error(replies) {
        None => Ok(()),
        Some(error) => Err(LinkError::Server {
            address: link.address().clone(),
            command: command.into(),
            error: error.into(),
        }
        .into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_holds_no_more_keys_than_its_window() {
        let keys: Vec<Vec<u8>> = (0..50u8).map(|key| vec![key]).collect();
        let mut calls: VecDeque<Call> = [(Slot::MIN, &keys[..18]), (Slot::MAX, &keys[18..36])].into();
        assert_eq!(next_write(&mut calls, 20).len(), 1);
        assert_eq!(next_write(&mut calls, 100).len(), 1);
        let mut calls: VecDeque<Call> = [(Slot::MIN, &keys[..18]), (Slot::MAX, &keys[18..36])].into();
        let sizes: Vec<usize> = std::iter::from_fn(|| {
            let write = next_write(&mut calls, 7);
            (!write.is_empty()).then(|| write.iter().map(|(_, keys)| keys.len()).sum())
        })
        .collect();
        assert_eq!(sizes, [7, 7, 4, 7, 7, 4]);
    }
}
