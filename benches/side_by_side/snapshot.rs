//! What a snapshot costs whoever is served meanwhile: BGSAVE and a replica's full sync, under writes.
//!
//! ```text
//! one node, 64-byte values, 2000 requests a second of random keys, four fifths of them SET
//!   idle          the slowest in a thousand requests, before anything is begun
//!   busy          the same while another program computes on one core: what any work on this machine costs
//!   BGSAVE        its time, the same latency, and by how much memory grows (PSS with children: what fork shares counts once)
//!   locks         the longest time that BGSAVE and full sync held one; to judge it by, a round ends with the longest time for which the
//!                 machine itself took the processor from a thread that did nothing but read the clock, and that no ordinary thread could interrupt
//!   full sync     a second node joins as its replica: until its offset is near the master's; then both have the same
//! one node with 10M keys (KEYS=n: so many; alone: the part snapshot-start)
//!   BGSAVE        the longest request of the first fifth of a second, beside the longest of as long a time before
//! ```
//!
//! The slowest in a thousand of a second's requests are two: so saves are repeated until they took some seconds in all, and
//! some replicas come one after the other. A request counts for each time that it touches, from when it was due to its answer:
//! one that was due just before a BGSAVE waits for the fork, too; so there is a rest between one time and the next. Memory is watched during one more of each: to ask the system for it holds the node up.
//! Those who ask for keys are on the same machine as the node, where real ones are not: so their threads wake up before others
//! that want a processor (where the system can do that). Times and latencies mean little where others wait for a core too; ratios of one
//! round say more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use rcl_proto::resp::Reply;

use crate::Scale;
use crate::client::{Client, field};
use crate::figures::{Figures, Target, median};
use crate::node::{Both, Node, Side, await_that};
use crate::serve::{fill, key, start};

const LOADERS: usize = 2;
const PAUSE_BETWEEN: Duration = Duration::from_micros(1000);
const REQUESTS_AT_ONCE: usize = 1000;
/// How many keys of a replica are compared with the master's.
const COMPARED: usize = 200_000;
/// The longest that a snapshot may hold a lock.
const LONGEST_HOLD_US: f64 = 1000.0;
const AT_THE_START: Duration = Duration::from_millis(200);
const IDLE: Duration = Duration::from_secs(8);
/// So long nothing is measured between one time and the next.
const REST: Duration = Duration::from_millis(200);
/// Saves are repeated until they took so long, and no more often than so many times.
const SAVING: Duration = Duration::from_secs(8);
const MOST_SAVES: usize = 10;
const SYNCS: usize = 4;

pub fn measure(scale: Scale, figures: &mut Figures) -> anyhow::Result<()> {
    let (rounds, keys) = scale.of((3, 2_000_000), (1, 200_000));
    eprintln!("snapshot: {keys} keys, {rounds} rounds");
    for round in 0..rounds {
        let mut runs: Both<Run> = Both::default();
        for side in Side::in_turn(round) {
            let run = run(side, keys)?;
            eprintln!("  {side:?}: {run}");
            *runs.of(side) = run;
        }
        report(figures, &runs.ours, &runs.theirs);
    }
    Ok(())
}

pub fn measure_start(scale: Scale, figures: &mut Figures) -> anyhow::Result<()> {
    let keys = match std::env::var("KEYS") {
        Ok(keys) => keys.parse().with_context(|| format!("KEYS={keys} is no number"))?,
        Err(_) => scale.of(10_000_000, 1_000_000),
    };
    eprintln!("snapshot-start: the start of BGSAVE with {keys} keys");
    let mut pauses: Both<f64> = Both::default();
    for side in Side::in_turn(0) {
        *pauses.of(side) = pause_at_the_start(side, keys)?;
    }
    let title = "BGSAVE of many keys: longest request of its start, ms";
    figures.add("start_pause", title, Target::AtMost(0.5), pauses.ours, pauses.theirs);
    Ok(())
}

/// Latencies are those of the slowest in a thousand requests.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    idle_ms: f64,
    busy_ms: f64,
    save_s: f64,
    save_ms: f64,
    save_growth: f64,
    sync_s: f64,
    sync_ms: f64,
    sync_growth: f64,
    holds: Holds,
    machine_us: f64,
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Run { idle_ms, busy_ms, save_ms, sync_ms, machine_us, .. } = self;
        let (save, sync) = (save_ms / idle_ms, sync_ms / idle_ms);
        write!(
            f,
            "p99.9 idle {idle_ms:.3} ms, with a busy core {busy_ms:.3}, BGSAVE {save_ms:.3} ({save:.2} times idle's), "
        )?;
        write!(f, "full sync {sync_ms:.3} ({sync:.2} times), the machine was gone for {machine_us:.0} µs")
    }
}

/// The longest times that our own node's snapshots held a lock, and had a processor meanwhile.
#[derive(Clone, Copy, Debug, Default)]
struct Holds {
    longest_us: f64,
    longest_cpu_us: f64,
}

fn report(figures: &mut Figures, ours: &Run, theirs: &Run) {
    let mut add = |name, title, target, ours, theirs| figures.add(name, title, target, ours, theirs);
    let most = Target::AtMost;
    add("bgsave_s", "BGSAVE under writes: seconds", most(1.0), ours.save_s, theirs.save_s);
    add(
        "bgsave_growth",
        "the same: growth of memory at its peak, MB",
        most(0.3),
        ours.save_growth,
        theirs.save_growth,
    );
    add(
        "bgsave_p999",
        "the same: p99.9 of requests, ms, ours beside ours when idle",
        most(2.0),
        ours.save_ms,
        ours.idle_ms,
    );
    add(
        "bgsave_p999_busy",
        "the same: p99.9 of requests, ms, ours beside ours with a busy core",
        most(1.5),
        ours.save_ms,
        ours.busy_ms,
    );
    add(
        "bgsave_p999_theirs",
        "the same: p99.9 of requests, ms, beside theirs",
        most(1.0),
        ours.save_ms,
        theirs.save_ms,
    );
    add("sync_s", "full sync under writes: seconds", most(0.6), ours.sync_s, theirs.sync_s);
    add(
        "sync_growth",
        "the same: growth of the master's memory at its peak, MB",
        most(0.3),
        ours.sync_growth,
        theirs.sync_growth,
    );
    add(
        "sync_p999",
        "the same: p99.9 of requests, ms, ours beside ours when idle",
        most(2.0),
        ours.sync_ms,
        ours.idle_ms,
    );
    add(
        "sync_p999_busy",
        "the same: p99.9 of requests, ms, ours beside ours with a busy core",
        most(1.5),
        ours.sync_ms,
        ours.busy_ms,
    );
    add(
        "sync_p999_theirs",
        "the same: p99.9 of requests, ms, beside theirs",
        most(1.0),
        ours.sync_ms,
        theirs.sync_ms,
    );
    let title = "longest time that a snapshot held a lock, µs, ours beside 1 ms";
    add("longest_hold", title, most(1.0), ours.holds.longest_us, LONGEST_HOLD_US);
    let title = "the same: what it had a processor for";
    add("longest_hold_cpu", title, most(1.0), ours.holds.longest_cpu_us, LONGEST_HOLD_US);
}

fn run(side: Side, keys: usize) -> anyhow::Result<Run> {
    let master =
        start(side, &["--repl-backlog-size", "64mb", "--client-output-buffer-limit", "replica 0 0 0"])?;
    fill(&master, keys)?;
    let mut run = Run::default();
    let load = Load::start(&master, keys)?;
    std::thread::sleep(Duration::from_secs(1));
    run.idle_ms = load.slowest_ms(&[Span::of_nothing(IDLE)?], 0.999)?;
    run.busy_ms = load.slowest_ms(&[Span::of_computing(IDLE)?], 0.999)?;

    let mut client = master.client()?;
    let mut saves = Vec::new();
    while saves.len() < MOST_SAVES && saves.iter().map(Span::length).sum::<Duration>() < SAVING {
        saves.push(Span::of(|| save(&mut client))?);
        run.holds.add(side, &mut client)?;
    }
    run.save_growth = growth(&master, || save(&mut client))?;
    run.save_s = median(saves.iter().map(|save| save.length().as_secs_f64()));
    run.save_ms = load.slowest_ms(&saves, 0.999)?;

    let (mut syncs, mut last) = (Vec::new(), None::<Node>);
    for number in 0..=SYNCS {
        if let Some(before) = last.take() {
            let id = before.client()?.text(&["CLUSTER", "MYID"])?;
            drop(before);
            client.call(&["CLUSTER", "FORGET", &id])?;
        }
        let replica = Node::start_many(side, 1, &[])?.pop().context("one node was started")?;
        meet(&master, &replica)?;
        if number < SYNCS {
            syncs.push(Span::of(|| follow(&master, &replica))?);
            run.holds.add(side, &mut client)?;
        } else {
            run.sync_growth = growth(&master, || follow(&master, &replica))?;
        }
        last = Some(replica);
    }
    run.sync_s = median(syncs.iter().map(|sync| sync.length().as_secs_f64()));
    run.sync_ms = load.slowest_ms(&syncs, 0.999)?;

    load.end()?;
    run.machine_us = longest_gap(IDLE).as_secs_f64() * 1e6;
    compare(&master, last.as_ref().context("a replica came")?, keys)?;
    Ok(run)
}

fn pause_at_the_start(side: Side, keys: usize) -> anyhow::Result<f64> {
    let node = start(side, &[])?;
    fill(&node, keys)?;
    let load = Load::start(&node, keys)?;
    std::thread::sleep(Duration::from_secs(1));
    let mut client = node.client()?;
    let idle = Span::of_nothing(AT_THE_START)?;
    let start = Span::of(|| {
        let began = Instant::now();
        client.call(&["BGSAVE"])?;
        std::thread::sleep(AT_THE_START.saturating_sub(began.elapsed()));
        Ok(())
    })?;
    let (idle_ms, start_ms) = (load.slowest_ms(&[idle], 1.0)?, load.slowest_ms(&[start], 1.0)?);
    eprintln!("  {side:?}: longest request idle {idle_ms:.3} ms, at the start of BGSAVE {start_ms:.3}");
    load.end()?;
    Ok(start_ms)
}

fn save(client: &mut Client) -> anyhow::Result<()> {
    let is = |client: &mut Client, name: &str, value: &str| -> anyhow::Result<bool> {
        Ok(field(&client.text(&["INFO", "persistence"])?, name) == Some(value))
    };
    client.call(&["BGSAVE"])?;
    await_that("BGSAVE is through", || is(client, "rdb_bgsave_in_progress", "0"))?;
    ensure!(is(client, "rdb_last_bgsave_status", "ok")?, "BGSAVE failed");
    Ok(())
}

impl Holds {
    /// By the node's own account of the snapshot that was made last: at the point in time, and at each visit of a shard.
    fn add(&mut self, side: Side, client: &mut Client) -> anyhow::Result<()> {
        if side == Side::Theirs {
            return Ok(());
        }
        let info = client.text(&["INFO", "persistence"])?;
        let line = |name: &str| field(&info, name).with_context(|| format!("no {name}"));
        let (visits, cpu) = (line("snapshot_locks_usec")?, line("snapshot_locks_cpu_usec")?);
        let point: f64 = line("snapshot_point_usec")?.parse()?;
        eprintln!(
            "  the snapshot's locks, in µs: point {point}, visits {visits}; their processor time {cpu}"
        );
        let longest = |text: &str| -> anyhow::Result<f64> {
            Ok(text.rsplit_once("longest=").context("no longest")?.1.parse()?)
        };
        self.longest_us = self.longest_us.max(point).max(longest(visits)?);
        self.longest_cpu_us = self.longest_cpu_us.max(longest(cpu)?);
        Ok(())
    }
}

/// When something was done.
#[derive(Clone, Copy, Debug)]
struct Span {
    from: Instant,
    to: Instant,
}

impl Span {
    fn of(what: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Span> {
        std::thread::sleep(REST);
        let from = Instant::now();
        what()?;
        Ok(Span { from, to: Instant::now() })
    }

    /// Waits so long.
    fn of_nothing(length: Duration) -> anyhow::Result<Span> {
        Span::of(|| {
            std::thread::sleep(length);
            Ok(())
        })
    }

    /// Computes so long.
    fn of_computing(length: Duration) -> anyhow::Result<Span> {
        Span::of(|| {
            let from = Instant::now();
            while from.elapsed() < length {}
            Ok(())
        })
    }

    fn length(&self) -> Duration {
        self.to - self.from
    }
}

pub fn meet(master: &Node, replica: &Node) -> anyhow::Result<()> {
    replica.client()?.call(&["CLUSTER", "MEET", "127.0.0.1", &master.port.to_string()])?;
    await_that("the two know each other", || {
        for node in [master, replica] {
            let nodes = node.client()?.text(&["CLUSTER", "NODES"])?;
            if nodes.lines().count() != 2 || nodes.contains("handshake") {
                return Ok(false);
            }
        }
        Ok(true)
    })
}

/// Until the replica is but a moment behind.
fn follow(master: &Node, replica: &Node) -> anyhow::Result<()> {
    const NEAR_BYTES: i64 = 200_000;
    let mut to_master = master.client()?;
    let mut to_replica = replica.client()?;
    let id = to_master.text(&["CLUSTER", "MYID"])?;
    await_that("the replica is one", || Ok(to_replica.call(&["CLUSTER", "REPLICATE", &id]).is_ok()))?;
    await_that("the full sync is through", || {
        let info = to_replica.text(&["INFO", "replication"])?;
        if field(&info, "master_link_status") != Some("up") {
            return Ok(false);
        }
        let at = field(&info, "slave_repl_offset").context("no slave_repl_offset")?.parse::<i64>()?;
        Ok(offset(&mut to_master)? - at < NEAR_BYTES)
    })
}

fn offset(client: &mut Client) -> anyhow::Result<i64> {
    let info = client.text(&["INFO", "replication"])?;
    Ok(field(&info, "master_repl_offset").context("no master_repl_offset")?.parse()?)
}

/// Both have as many keys, and those of a part of the range are the same.
fn compare(master: &Node, replica: &Node, keys: usize) -> anyhow::Result<()> {
    let (mut to_master, mut to_replica) = (master.client()?, replica.client()?);
    await_that("the replica has all", || Ok(offset(&mut to_master)? == offset(&mut to_replica)?))?;
    to_replica.call(&["READONLY"])?;
    let sizes = (to_master.number(&["DBSIZE"])?, to_replica.number(&["DBSIZE"])?);
    ensure!(sizes.0 == sizes.1, "the master has {} keys, the replica {}", sizes.0, sizes.1);
    for from in (0..keys.min(COMPARED)).step_by(REQUESTS_AT_ONCE) {
        let names: Vec<Vec<u8>> = (from..keys.min(from + REQUESTS_AT_ONCE)).map(key).collect();
        let requests: Vec<[&[u8]; 2]> = names.iter().map(|name| [b"GET", &name[..]]).collect();
        ensure!(
            to_master.pipeline(&requests)? == to_replica.pipeline(&requests)?,
            "keys from {from} on differ"
        );
    }
    Ok(())
}

/// When a request was due and when it was answered.
type Sample = (Instant, Instant);

/// Requests at a steady pace from some connections.
struct Load {
    ends: Arc<AtomicBool>,
    samples: Arc<std::sync::Mutex<Vec<Sample>>>,
    loaders: Vec<JoinHandle<anyhow::Result<()>>>,
}

impl Load {
    fn start(node: &Node, keys: usize) -> anyhow::Result<Load> {
        let mut load = Load { ends: Arc::default(), samples: Arc::default(), loaders: Vec::new() };
        for number in 0..LOADERS {
            let (mut client, ends, samples) = (node.client()?, load.ends.clone(), load.samples.clone());
            load.loaders.push(std::thread::spawn(move || {
                let _short = rcl_node::scheduling::ShortWork::begin();
                let mut random = number as u64 + 1;
                let mut due = Instant::now();
                while !ends.load(Ordering::Relaxed) {
                    random = random
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    let name = key((random >> 33) as usize % keys);
                    // By when it was due: who is held up has held up those behind it, too.
                    let reply = if (random >> 20).is_multiple_of(5) {
                        client.pipeline(&[[b"GET", &name[..]]])?
                    } else {
                        client.pipeline(&[[b"SET", &name[..], &value(random)]])?
                    };
                    ensure!(!matches!(reply[..], [Reply::Error(_)]), "{reply:?}");
                    let now = Instant::now();
                    samples.lock().map_err(|_| anyhow!("a loader panicked"))?.push((due, now));
                    due += PAUSE_BETWEEN;
                    match due.checked_duration_since(now) {
                        Some(wait) => std::thread::sleep(wait),
                        // What was missed is not made up for.
                        None => due = now,
                    }
                }
                Ok(())
            }));
        }
        Ok(load)
    }

    /// This share of the requests of these times took no longer, in milliseconds.
    fn slowest_ms(&self, spans: &[Span], share: f64) -> anyhow::Result<f64> {
        let samples = self.samples.lock().map_err(|_| anyhow!("a loader panicked"))?;
        let touches =
            |due: Instant, answered: Instant| spans.iter().any(|span| due < span.to && span.from < answered);
        let mut took: Vec<Duration> = samples
            .iter()
            .filter(|(due, answered)| touches(*due, *answered))
            .map(|(due, answered)| *answered - *due)
            .collect();
        took.sort_unstable();
        let place = ((took.len() as f64 * share) as usize).min(took.len().saturating_sub(1));
        Ok(took.get(place).context("no request was made")?.as_secs_f64() * 1e3)
    }

    fn end(self) -> anyhow::Result<()> {
        self.ends.store(true, Ordering::Relaxed);
        for loader in self.loaders {
            loader.join().map_err(|_| anyhow!("a loader panicked"))??;
        }
        Ok(())
    }
}

/// For how long a processor was gone at most from under a thread that reads the clock this long and that no ordinary thread interrupts.
/// It does so half of the time, since the system takes one from who never rests.
fn longest_gap(length: Duration) -> Duration {
    const AT_A_TIME: Duration = Duration::from_millis(5);
    let mut short_work = rcl_node::scheduling::ShortWork::begin();
    let (began, mut longest) = (Instant::now(), Duration::ZERO);
    while began.elapsed() < length {
        let undisturbed = short_work.undisturbed();
        let from = Instant::now();
        let mut last = from;
        while last - from < AT_A_TIME {
            let now = Instant::now();
            longest = longest.max(now - last);
            last = now;
        }
        drop(undisturbed);
        std::thread::sleep(AT_A_TIME);
    }
    longest
}

/// 64 bytes that can't be compressed.
fn value(seed: u64) -> Vec<u8> {
    let word =
        |number: u64| (seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (1..=8).flat_map(|number| word(number).to_le_bytes()).collect()
}

/// By how much a node's memory grows at most while something is done, in megabytes.
fn growth(node: &Node, what: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let before = node.shared_bytes()?;
    let peak = Peak::watch(node);
    what()?;
    Ok((peak.end() - before) / 1e6)
}

/// The most memory of a node and its children while it is watched.
struct Peak {
    ends: Arc<AtomicBool>,
    watcher: JoinHandle<f64>,
}

impl Peak {
    fn watch(node: &Node) -> Peak {
        let ends = Arc::new(AtomicBool::new(false));
        let (watched, pid) = (ends.clone(), node.pid());
        let watcher = std::thread::spawn(move || {
            let mut most = 0.0f64;
            while !watched.load(Ordering::Relaxed) {
                // A child may end while it is looked at.
                most = most.max(crate::node::shared_bytes(pid).unwrap_or(0.0));
                std::thread::sleep(Duration::from_millis(150));
            }
            most
        });
        Peak { ends, watcher }
    }

    fn end(self) -> f64 {
        self.ends.store(true, Ordering::Relaxed);
        self.watcher.join().unwrap_or(f64::NAN)
    }
}
