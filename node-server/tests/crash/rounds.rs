//! Rounds: a node under load ends at a random moment, and the next one on its folder is asked what it has.
//!
//! ```text
//!   start ─▶ read all columns, judge ─▶ load, and saves and rewrites meanwhile ─▶ kill -9, or the power goes ─▶ start …
//! ```
//!
//! Some nodes are ended again while they load. What must be there depends on what was promised:
//! - saves: all that was acknowledged before a save was asked for that then succeeded;
//! - an append-only file: all that was acknowledged, if the process was killed;
//! - if the power went: with `appendfsync always` all that was acknowledged, also where a sync failed just before; with `everysec`
//!   all that was acknowledged two seconds before the end; with `no` nothing;
//! - where the file is switched off and on meanwhile: all that was acknowledged while it was on, before it was switched off.
//!
//! In every case nothing is there that was not sent, each key shows a number of its writes that its state can have, and all keys of
//! a writer show one moment between two of its writes.
//!
//! `SEED` and `ROUNDS` choose; a failure tells the words that repeat it (as far as the clock is a part of it, in spirit).

use std::time::{Duration, Instant};

use rcl_proto::resp::Reply;

use crate::child::{Home, Node, Under};
use crate::columns::{Column, KINDS, Kind};
use crate::disks::faulty::{Call, Fault, Point};
use crate::disks::{next_random, random_below};
use crate::harness::server::Client;
use crate::harness::{has_redis, wait_until};
use crate::load::Writer;

const WRITERS: usize = 4;
const DEFAULT_ROUNDS: u64 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Promise {
    Saved,
    Always,
    EverySecond,
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Kill,
    Power,
}

#[derive(Clone, Copy, Debug)]
struct Variant {
    name: &'static str,
    promise: Promise,
    end: End,
    cluster: bool,
    redis: bool,
    /// `appendonly` is switched off and on.
    switches: bool,
    /// A sync of the append-only file fails just before the end.
    fails: bool,
}

impl Variant {
    fn arguments(self) -> Vec<String> {
        let promised: &[&str] = match self.promise {
            Promise::Saved => &["--appendonly", "no"],
            Promise::Always => &["--appendonly", "yes", "--appendfsync", "always"],
            Promise::EverySecond => &["--appendonly", "yes", "--appendfsync", "everysec"],
            Promise::Never => &["--appendonly", "yes", "--appendfsync", "no"],
        };
        let cluster: &[&str] = if self.cluster { &["--cluster-enabled", "yes"] } else { &[] };
        let all = [&["--save", "", "--enable-debug-command", "yes"], promised, cluster].concat();
        all.into_iter().map(str::to_owned).collect()
    }

    fn has(self, kind: Kind) -> bool {
        match kind {
            Kind::OtherDatabase => !self.cluster,
            // Redis has these since 7.4.
            Kind::FieldExpiry => !self.redis,
            _ => true,
        }
    }

    /// All that was acknowledged by then must be there, if the end came at `ended` and the file was on.
    fn keeps_until(self, ended: Instant) -> Option<Instant> {
        let before = ended.checked_sub(Duration::from_secs(2));
        match (self.promise, self.end) {
            (Promise::Saved, _) => None,
            (Promise::Always, _) => Some(Instant::now()),
            // Redis answers before it writes, while a sync takes its time.
            (Promise::EverySecond, End::Kill) if self.redis => before,
            (_, End::Kill) => Some(Instant::now()),
            (Promise::EverySecond, End::Power) => before,
            (Promise::Never, End::Power) => None,
        }
    }

    fn under(self, seed: u64) -> Under {
        match (self.redis, self.end) {
            (true, _) => Under::Redis,
            (false, End::Kill) => Under::Real(None),
            (false, End::Power) => Under::Power { seed },
        }
    }
}

/// What goes on from round to round.
struct Course {
    variant: Variant,
    home: Home,
    writers: Vec<Writer>,
    random: u64,
    /// The append-only file is known to be on.
    file_is_on: bool,
    ends_while_loading: u64,
}

fn number_of(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn run(variant: Variant) {
    let first = number_of("SEED").unwrap_or(1);
    let rounds = number_of("ROUNDS").unwrap_or(DEFAULT_ROUNDS);
    // Only the measure is measured there.
    let rounds = if variant.redis { rounds.min(10) } else { rounds };
    let columns = |writer| {
        let kinds = KINDS.into_iter().filter(|&kind| variant.has(kind));
        kinds.map(|kind| Column::new(kind, writer)).collect()
    };
    let writers = (0..WRITERS).map(|writer| Writer::new(columns(writer))).collect();
    let mut course = Course {
        variant,
        home: Home::new(),
        writers,
        random: first,
        file_is_on: true,
        ends_while_loading: 0,
    };
    let mut writes = 0;
    for round in 0..rounds {
        match course.round() {
            Ok(acknowledged) => writes += acknowledged,
            Err(error) => {
                let kept = course.home.keep();
                panic!(
                    "{} in round {round}: {error}\nrepeat it: SEED={first} ROUNDS={rounds} cargo test -p rcl-node --test crash \
                     rounds::{} -- --nocapture\nthe folder is kept: {}",
                    variant.name,
                    variant.name,
                    kept.display()
                );
            }
        }
    }
    // The last end is judged, too.
    if let Err(error) = course.start().and_then(|(_node, mut client)| course.judge(&mut client)) {
        panic!("{} after the last round: {error}; kept: {}", variant.name, course.home.keep().display());
    }
    println!(
        "{}: {rounds} ends after {writes} acknowledged writes, {} ends while loading",
        variant.name, course.ends_while_loading
    );
}

impl Course {
    fn below(&mut self, end: u64) -> u64 {
        random_below(&mut self.random, end)
    }

    /// One start, load and end. Gives the number of writes that were acknowledged.
    fn round(&mut self) -> Result<usize, String> {
        if self.below(4) == 0 {
            self.end_while_it_starts();
        }
        let (mut node, mut client) = self.start()?;
        self.judge(&mut client)?;
        self.file_is_on = true;
        for writer in &mut self.writers {
            writer.start(self.home.port, next_random(&mut self.random), self.variant.fails);
        }
        let ended = self.live_and_end(&mut node, &mut client);
        drop(node);
        let ended = ended?;
        let mut acknowledged = 0;
        for writer in &mut self.writers {
            writer.join()?;
            let mut ledger = writer.ledger();
            acknowledged += ledger.acknowledged_count();
            if self.file_is_on
                && let Some(time) = self.variant.keeps_until(ended)
            {
                ledger.demand_acknowledged_by(time);
            }
        }
        Ok(acknowledged)
    }

    fn start(&mut self) -> Result<(Node, Client), String> {
        let under = self.variant.under(next_random(&mut self.random));
        let Some((node, mut client)) = Node::serve(&self.home, &under, &self.variant.arguments()) else {
            return Err(format!("it does not start on what is left:\n{}", self.home.log()));
        };
        let mut names = self.home.names();
        let own = node.process().to_string();
        names.retain(|name| (name.contains("temp-") || name.ends_with(".tmp")) && !name.contains(&own));
        if !names.is_empty() && !self.variant.redis {
            return Err(format!("left behind: {names:?}"));
        }
        if self.variant.cluster {
            let text = |reply| {
                if let Reply::Bulk(bytes) = reply {
                    String::from_utf8_lossy(&bytes).into_owned()
                } else {
                    String::new()
                }
            };
            if text(client.call(&["CLUSTER", "INFO"])).contains("cluster_slots_assigned:0\r\n") {
                let said = client.call(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
                if self.writers.iter().any(|writer| writer.ledger().acknowledged_count() > 0) {
                    return Err(format!("it has lost its slots: {said:?}"));
                }
            }
            wait_until("the cluster is well", || {
                text(client.call(&["CLUSTER", "INFO"])).contains("cluster_state:ok")
            });
        }
        Ok((node, client))
    }

    /// Starts a node that is ended before or while it has its data.
    fn end_while_it_starts(&mut self) {
        let under = self.variant.under(next_random(&mut self.random));
        let mut arguments = self.variant.arguments();
        arguments.extend(["--key-load-delay", "200"].map(str::to_owned));
        let mut node = Node::start(&self.home, &under, &arguments);
        let calls = self.below(20);
        let patience = Duration::from_millis(self.below(60));
        match self.variant.end {
            End::Kill => {
                std::thread::sleep(patience);
                node.kill();
            }
            End::Power => cut(&mut node, calls, patience),
        }
        self.ends_while_loading += 1;
    }

    fn judge(&mut self, client: &mut Client) -> Result<(), String> {
        for (number, writer) in self.writers.iter().enumerate() {
            let mut found = Vec::new();
            for column in &writer.columns {
                found.push(column.read(client).map_err(|error| format!("{column:?}: {error}"))?);
            }
            let judged = writer.ledger().judge(&found);
            let kinds: Vec<_> = writer.columns.iter().map(|column| column.kind).enumerate().collect();
            let counts = judged.map_err(|error| format!("{error}\ncolumns of writer {number}: {kinds:?}"))?;
            writer.begin(&counts);
        }
        Ok(())
    }

    /// Saves and rewrites for a while, and then the end, often just after one of these began. When that was.
    fn live_and_end(&mut self, node: &mut Node, client: &mut Client) -> Result<Instant, String> {
        let end = Instant::now() + Duration::from_millis(20 + self.below(400));
        while Instant::now() < end {
            std::thread::sleep(Duration::from_millis(self.below(60)));
            if self.variant.switches && self.below(3) == 0 {
                self.switch(client)?;
            } else {
                self.save(client)?;
            }
        }
        if self.variant.promise == Promise::EverySecond && self.below(4) == 0 {
            // Two seconds are forgiven. No rewrite syncs anything meanwhile.
            std::thread::sleep(Duration::from_millis(2200));
        }
        if self.below(2) == 0 {
            let action = self.choose_action();
            client.send(&[action]);
            std::thread::sleep(Duration::from_micros(self.below(8000)));
        }
        if self.variant.fails {
            self.fail_a_sync(node);
        }
        let ended = Instant::now();
        match self.variant.end {
            End::Kill => node.kill(),
            End::Power => {
                let calls = self.below(40);
                cut(node, calls, Duration::from_millis(300));
            }
        }
        Ok(ended)
    }

    /// One of the next syncs fails, and the node is at work with that for a while.
    fn fail_a_sync(&mut self, node: &mut Node) {
        let file = "appendonly.aof.#.incr.aof".to_owned();
        let point = Point { call: Call::Sync, file, nth: self.below(4) as usize };
        node.begin(&[(point, Fault::Io)]);
        std::thread::sleep(Duration::from_millis(self.below(250)));
    }

    /// Off, and at once or later on again; sometimes nobody waits until it is.
    fn switch(&mut self, client: &mut Client) -> Result<(), String> {
        let counts = |writers: &[Writer]| -> Vec<usize> {
            writers.iter().map(|writer| writer.ledger().acknowledged_count()).collect()
        };
        let mut set = |value: &str| match client.call(&["CONFIG", "SET", "appendonly", value]) {
            Reply::Simple(_) => Ok(()),
            said => Err(format!("appendonly {value} was answered with {said:?}")),
        };
        let before = counts(&self.writers);
        if std::mem::take(&mut self.file_is_on) {
            for (writer, writes) in self.writers.iter().zip(before) {
                writer.ledger().demand(writes);
            }
        }
        set("no")?;
        if self.below(3) > 0 {
            set("yes")?;
        }
        if self.below(2) == 0 {
            set("yes")?;
            // Answered when the file is on.
            client.call(&["WAITAOF", "1", "0", "0"]);
            self.file_is_on = true;
        }
        Ok(())
    }

    fn choose_action(&mut self) -> &'static str {
        let actions: &[&str] = match self.variant.promise {
            Promise::Saved => &["SAVE", "BGSAVE"],
            _ => &["BGREWRITEAOF", "BGREWRITEAOF", "BGSAVE", "SAVE"],
        };
        actions[self.below(actions.len() as u64) as usize]
    }

    /// Makes the node save or rewrite; what was acknowledged before is demanded once it says that it is there.
    fn save(&mut self, client: &mut Client) -> Result<(), String> {
        let action = self.choose_action();
        let before: Vec<usize> =
            self.writers.iter().map(|writer| writer.ledger().acknowledged_count()).collect();
        let said = client.call(&[action]);
        match (action, &said) {
            ("SAVE", Reply::Simple(_)) => {}
            ("BGSAVE", Reply::Simple(_)) => {
                wait_until("it is saved", || info(client, "rdb_bgsave_in_progress") == "0");
                let status = info(client, "rdb_last_bgsave_status");
                if status != "ok" {
                    return Err(format!("BGSAVE failed: {status}"));
                }
            }
            // It goes on in the background; the end may come meanwhile.
            ("BGREWRITEAOF", Reply::Simple(_)) => return Ok(()),
            // A rewrite is running.
            (_, Reply::Error(text)) if text.contains("in progress") || text.contains("is active") => {
                return Ok(());
            }
            _ => return Err(format!("{action} was answered with {said:?}")),
        }
        if self.variant.promise == Promise::Saved {
            for (writer, writes) in self.writers.iter().zip(before) {
                writer.ledger().demand(writes);
            }
        }
        Ok(())
    }
}

/// The power goes before that call, or when there was none for so long.
fn cut(node: &mut Node, calls: u64, patience: Duration) {
    node.cut_after(calls);
    let latest = Instant::now() + patience;
    let mut said = false;
    wait_until("the power is gone", || {
        if !said && Instant::now() > latest {
            node.cut_after(0);
            said = true;
        }
        node.is_cut()
    });
    node.kill();
}

fn info(client: &mut Client, field: &str) -> String {
    let Reply::Bulk(all) = client.call(&["INFO", "persistence"]) else { return String::new() };
    let all = String::from_utf8_lossy(&all).into_owned();
    let line = all.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.unwrap_or_default().to_owned()
}

const SAVES: Variant = Variant {
    name: "saves",
    promise: Promise::Saved,
    end: End::Kill,
    cluster: false,
    redis: false,
    switches: false,
    fails: false,
};

#[test]
fn saves() {
    run(SAVES);
}

#[test]
fn saves_and_power() {
    run(Variant { name: "saves_and_power", end: End::Power, ..SAVES });
}

#[test]
fn saves_in_a_cluster() {
    run(Variant { name: "saves_in_a_cluster", cluster: true, ..SAVES });
}

#[test]
fn saves_in_a_cluster_and_power() {
    run(Variant { name: "saves_in_a_cluster_and_power", end: End::Power, cluster: true, ..SAVES });
}

const ALWAYS: Variant = Variant { name: "always", promise: Promise::Always, ..SAVES };

#[test]
fn always() {
    run(ALWAYS);
}

#[test]
fn always_and_power() {
    run(Variant { name: "always_and_power", end: End::Power, ..ALWAYS });
}

#[test]
fn always_in_a_cluster() {
    run(Variant { name: "always_in_a_cluster", cluster: true, ..ALWAYS });
}

#[test]
fn always_in_a_cluster_and_power() {
    run(Variant { name: "always_in_a_cluster_and_power", end: End::Power, cluster: true, ..ALWAYS });
}

#[test]
fn always_and_power_after_a_failed_sync() {
    run(Variant { name: "always_and_power_after_a_failed_sync", end: End::Power, fails: true, ..ALWAYS });
}

#[test]
fn switched_on_and_off() {
    run(Variant { name: "switched_on_and_off", switches: true, ..ALWAYS });
}

#[test]
fn switched_on_and_off_and_power() {
    run(Variant { name: "switched_on_and_off_and_power", switches: true, end: End::Power, ..ALWAYS });
}

const EVERY_SECOND: Variant = Variant { name: "every_second", promise: Promise::EverySecond, ..SAVES };

#[test]
fn every_second() {
    run(EVERY_SECOND);
}

#[test]
fn every_second_and_power() {
    run(Variant { name: "every_second_and_power", end: End::Power, ..EVERY_SECOND });
}

#[test]
fn every_second_in_a_cluster() {
    run(Variant { name: "every_second_in_a_cluster", cluster: true, ..EVERY_SECOND });
}

#[test]
fn every_second_in_a_cluster_and_power() {
    run(Variant {
        name: "every_second_in_a_cluster_and_power",
        end: End::Power,
        cluster: true,
        ..EVERY_SECOND
    });
}

/// What is not synced yet when it is switched off is synced then.
#[test]
fn switched_on_and_off_every_second_and_power() {
    run(Variant {
        name: "switched_on_and_off_every_second_and_power",
        switches: true,
        end: End::Power,
        ..EVERY_SECOND
    });
}

const NEVER: Variant = Variant { name: "never", promise: Promise::Never, ..SAVES };

#[test]
fn never() {
    run(NEVER);
}

#[test]
fn never_and_power() {
    run(Variant { name: "never_and_power", end: End::Power, ..NEVER });
}

/// The measure is a fair one.
#[test]
fn redis_is_held_to_it_too() {
    if !has_redis("redis_is_held_to_it_too") {
        return;
    }
    for promise in [Promise::Saved, Promise::Always, Promise::EverySecond] {
        run(Variant { name: "redis_is_held_to_it_too", promise, redis: true, ..SAVES });
    }
}
