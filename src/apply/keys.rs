//! The keys of slots, from one node to another, with MIGRATE.
//!
//! ```text
//! loop   what lies in the slots (survey.rs), until no slot has a key
//!   MIGRATE host port "" 0 timeout [REPLACE] [AUTH2 user password] KEYS k1 … kn      one slot a call
//!   several calls in one write, as much as the source can pass on in a few milliseconds (window.rs)
//! ```
//!
//! A key that exists on the target is an error (`BUSYKEY`), for its value there may be newer. Three exceptions: the target had no key of the slot when it was
//! opened, and the source is what it was then (history.rs); the values are the same (settle.rs); and after an I/O error between source and
//! target, when the source may have been told nothing of a key that the target has stored. What the source still holds it still serves, so its value is the right one, and the second
//! attempt replaces. Before that the target must be known to be in its place still (place.rs); then calls go one a write, and have more time
//! (patience.rs).

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rcl_proto::resp::Reply;
use rcl_proto::{Address, Slot};
use tokio::sync::{Notify, Semaphore};

use super::beat::Beat;
use super::failover::node_timeout;
use super::history::Origin;
use super::patience::Patience;
use super::place::{Doubt, Place};
use super::slots::first_error;
use super::survey::{self, Found, Survey};
use super::turn::{Turn, in_turn};
use super::window::{Call, Window, next_write};
use super::{BigKeys, Conduct, Settings, settle};
use crate::cli::{Failure, Kind, Session};
use crate::connect::{Cluster, Connector, Link, LinkError, Pipeline, Words};
use crate::journal::Sole;
use crate::plan::NodeRef;

/// How often an I/O error between source and target is met with another attempt.
const ATTEMPTS: usize = 4;

/// By how much the second of two writes begins after the first: sent at once they are read and answered at once, and the node idles until the next two.
const STAGGER: Duration = Duration::from_millis(1);

/// How keys go from one source to one target; shared by the lanes of a pair.
#[derive(Debug)]
pub struct KeyPath {
    pub source: Link,
    target: Link,
    /// Where the source reaches the target.
    target_address: Address,
    connector: Connector,
    place: Place,
    origin: Origin,
    patience: Patience,
    settings: Settings,
    conduct: Conduct,
    window: Mutex<Window>,
    /// Where writes are limited.
    beat: Option<Beat>,
    /// Shared by all that write to this source, or to this target.
    pub of_source: Turn,
    pub of_target: Turn,
    /// Of the lanes of a pair one sends keys, while others look, open and close.
    sends: Semaphore,
}

/// What is to be sent, and how it goes.
struct Sending<'a> {
    left: VecDeque<Call<'a>>,
    moved: u64,
    failure: Option<Failure>,
}

impl KeyPath {
    pub async fn between(
        session: &Session,
        cluster: &Cluster,
        (source, target): (&NodeRef, &NodeRef),
        settings: Settings,
        conduct: &Conduct,
    ) -> Result<KeyPath, Failure> {
        let (from, to) = (cluster.link(source.id)?.clone(), cluster.link(target.id)?.clone());
        let rests = settings.limits.max_latency.is_some();
        let window = Window::new(settings.limits.max_latency);
        let ours = session.connector.time_limit;
        Ok(KeyPath {
            patience: Patience::new(settings.migrate_timeout_ms, ours, node_timeout(&from).await),
            place: Place::new(cluster, source.id, target.id),
            origin: Origin::of(cluster, source.id, target.id).await?,
            source: from,
            target: to,
            target_address: target.address.clone(),
            connector: session.connector.clone(),
            settings,
            conduct: conduct.clone(),
            beat: rests.then(|| Beat::new(window.aim())),
            window: Mutex::new(window),
            of_source: Turn::new(rests),
            of_target: Turn::new(rests),
            sends: Semaphore::new(1),
        })
    }

    /// Takes turns with all others that have these.
    #[must_use]
    pub fn in_turn(mut self, of_source: Turn, of_target: Turn) -> KeyPath {
        (self.of_source, self.of_target) = (of_source, of_target);
        self
    }

    /// Until the source holds no key of `slots`, of which `found` are known; how many were moved.
    pub async fn drain(&self, slots: &[Slot], mut found: Found) -> Result<u64, Failure> {
        let mut moved = 0;
        let mut slots = slots.to_vec();
        loop {
            moved += self.migrate_all(&found).await?;
            let counts = self.survey().count(&slots).await?;
            if counts.iter().all(|(_, keys)| *keys == 0) {
                return Ok(moved);
            }
            found = self.survey().look(&counts).await?;
            slots = counts.into_iter().filter(|(_, keys)| *keys > 0).map(|(slot, _)| slot).collect();
            self.refuse_big(&found).await?;
        }
    }

    /// Of which of these slots the source has the only keys. To be asked before they are opened.
    pub async fn sole(&self, slots: &[Slot]) -> Result<Option<Sole>, Failure> {
        self.origin.sole(slots, Survey { source: &self.target, turn: Some(&self.of_target) }).await
    }

    /// Looks at the source.
    pub fn survey(&self) -> Survey<'_> {
        Survey { source: &self.source, turn: Some(&self.of_source) }
    }

    /// Only keys that were not there when the slot was opened, or could not be listed then, are met here.
    async fn refuse_big(&self, found: &Found) -> Result<(), Failure> {
        if self.settings.limits.big_keys == BigKeys::Move {
            return Ok(());
        }
        let limit = self.settings.limits.stall();
        let big = self.survey().big_keys(found, limit).await?;
        if big.is_empty() { Ok(()) } else { Err(survey::refusal(&big, limit)) }
    }

    /// Several writes are under way, so that the source has one before it while it answers another.
    async fn migrate_all(&self, found: &Found) -> Result<u64, Failure> {
        let left = found.iter().map(|(slot, keys)| (*slot, keys.as_slice())).collect();
        let sending = Mutex::new(Sending { left, moved: 0, failure: None });
        // Nobody closes it, so this is no error.
        let _sends = self.sends.acquire().await.ok();
        let all_sent = Notify::new();
        let first = async {
            self.send(&sending).await;
            all_sent.notify_one();
        };
        let second = async {
            tokio::select! {
                () = tokio::time::sleep(STAGGER) => self.send(&sending).await,
                () = all_sent.notified() => {}
            }
        };
        tokio::join!(first, second);
        let Sending { moved, failure, .. } = sending.into_inner().unwrap_or_else(PoisonError::into_inner);
        failure.map_or(Ok(moved), Err)
    }

    /// Write after write, until nothing is left or one fails.
    async fn send(&self, sending: &Mutex<Sending<'_>>) {
        let sent = || sending.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            self.conduct.pause.wait(&self.conduct.stop).await;
            let window = self.window.lock().unwrap_or_else(PoisonError::into_inner).weight();
            let (keys_per_call, most_calls) =
                (self.settings.keys_per_call.max(1), self.patience.most_calls());
            let write = next_write(&mut sent().left, window, keys_per_call, most_calls);
            if write.is_empty() {
                return;
            }
            let keys = write.iter().map(|(_, keys)| keys.len() as u64).sum();
            let bytes =
                write.iter().flat_map(|(_, keys)| *keys).map(|key| key.bytes).fold(0, u64::saturating_add);
            self.conduct.pace.take(keys, bytes).await;
            let turns = [&self.of_source, &self.of_target];
            if let Err(failure) = in_turn(&turns, self.good_moment(), self.migrate(&write)).await {
                let mut sending = sent();
                sending.left.clear();
                sending.failure.get_or_insert(failure);
                return;
            }
            self.conduct.meter.add_keys(keys, bytes);
            sent().moved += keys;
        }
    }

    /// The target is not about to be busy with something of its own.
    async fn good_moment(&self) {
        if let Some(beat) = &self.beat {
            beat.pass(&self.target).await;
        }
    }

    /// One write of MIGRATE calls, with further attempts for those that met an I/O error.
    async fn migrate(&self, calls: &[Call<'_>]) -> Result<(), Failure> {
        let started = Instant::now();
        let mut left: Vec<(Call<'_>, bool)> =
            calls.iter().map(|call| (*call, self.settings.replace)).collect();
        let mut why = String::new();
        for attempt in 0..ATTEMPTS {
            if attempt > 0 && !why.contains("BUSYKEY") {
                tokio::time::sleep(Duration::from_millis(50 << attempt)).await;
            }
            if why.starts_with("IOERR") && !self.is_in_place().await? {
                continue;
            }
            let replies = match attempt {
                0 => self.at_once(&left).await?,
                _ => self.one_by_one(&left).await?,
            };
            let mut failed = Vec::new();
            for ((call, replaces), reply) in left.iter().zip(&replies) {
                let Reply::Error(error) = reply else { continue };
                if error.contains("BUSYKEY") && !replaces {
                    self.may_replace(call).await?;
                } else if !(error.starts_with("IOERR") || error.contains("TRYAGAIN")) {
                    return Err(self.refused(call.0, error));
                }
                why.clone_from(error);
                failed.push((*call, true));
            }
            // Not sent, behind one that met an error.
            failed.extend(left.iter().skip(replies.len()));
            if failed.is_empty() {
                if attempt == 0 {
                    self.learn(calls, started, Instant::now());
                }
                return Ok(());
            }
            left = failed;
        }
        Err(self.refused(left[0].0.0, &why))
    }

    /// These were sent and answered then.
    fn learn(&self, calls: &[Call<'_>], sent: Instant, answered: Instant) {
        self.window.lock().unwrap_or_else(PoisonError::into_inner).learn(calls, answered - sent);
        if let Some(beat) = &self.beat {
            beat.written(sent, answered);
        }
    }

    /// The target has a key of this call.
    async fn may_replace(&self, call: &Call<'_>) -> Result<(), Failure> {
        if self.origin.is_newer(call.0, &self.source, &self.conduct.journal).await {
            return Ok(());
        }
        settle::same_on_both(&self.source, &self.target, *call).await
    }

    async fn at_once(&self, calls: &[(Call<'_>, bool)]) -> Result<Vec<Reply>, LinkError> {
        let command = |(call, replace): &(Call<'_>, bool)| self.command(call, *replace, calls.len());
        self.source.pipeline(&calls.iter().map(command).collect::<Pipeline>()).await
    }

    /// Until one meets an I/O error.
    async fn one_by_one(&self, calls: &[(Call<'_>, bool)]) -> Result<Vec<Reply>, LinkError> {
        let mut replies = Vec::new();
        for (call, replace) in calls {
            let reply = self.source.raw(&self.command(call, *replace, 1)).await?;
            let is_over = matches!(&reply, Reply::Error(error) if error.starts_with("IOERR"));
            replies.push(reply);
            if is_over {
                break;
            }
        }
        Ok(replies)
    }

    /// False while that cannot be said.
    async fn is_in_place(&self) -> Result<bool, Failure> {
        match self.place.ask(&self.target).await {
            Ok(()) => Ok(true),
            Err(Doubt::Unclear(_)) => Ok(false),
            Err(Doubt::Replaced(by)) => {
                let what =
                    format!("{} said nothing for a while, and was replaced by {by}", self.target_address);
                Err(Failure::new(Kind::Stopped, what)
                    .next("run the same command again, or rcl fix: slots stay open until then"))
            }
        }
    }

    /// In a write of so many.
    fn command(&self, call: &Call<'_>, replace: bool, calls: usize) -> Words {
        let mut words = Words::of(&["MIGRATE", &self.target_address.host])
            .and(self.target_address.port.to_string())
            .and("")
            .and("0")
            .and(self.patience.timeout_ms(call, calls).to_string());
        if replace {
            words = words.and("REPLACE");
        }
        if let Some(credentials) = &self.connector.credentials {
            words = match &credentials.user {
                Some(user) => words.and("AUTH2").and(user).and(&credentials.password),
                None => words.and("AUTH").and(&credentials.password),
            };
        }
        call.1.iter().fold(words.and("KEYS"), |words, key| words.and(&key.name))
    }

    fn refused(&self, slot: Slot, error: &str) -> Failure {
        let address = self.source.address().clone();
        let error = LinkError::Server { address, command: "MIGRATE".into(), error: error.into() };
        Failure::new(Kind::Stopped, format!("{error} (slot {slot}, to {})", self.target_address))
            .next("run the same command again, or rcl fix: the slot stays open until then")
    }
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
