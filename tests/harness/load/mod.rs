//! A load that knows the one right answer to every read, and so can say what a cluster lost.
//!
//! Each key has one writer, which writes numbered values one after another and remembers the last number that was
//! acknowledged. A write whose answer was lost is ambiguous until its repetition is acknowledged: the old value
//! and the new one are both right. Everything else than those is a lost write (an older number) or a wrong value.
//!
//! ```text
//! lane      a third of the slots, as the cluster's first three masters own them; four workers each, so that
//!           an outage in one leaves the others writing
//! worker    one task with a connection to each node; one operation at a time, at its share of the rate
//! item      one key (SET … GET, GET) or, every fourth, two keys of one hash tag (MSET, MGET), which must agree
//! phase     what was counted since the last look: operations, redirects, errors, lost, wrong, the longest gap
//! ```
//!
//! It follows MOVED, ASK, TRYAGAIN and CLUSTERDOWN as a good client does (see `client`).

#![allow(dead_code, unused_imports, reason = "each test file uses its part")]

mod client;
mod item;
mod phase;
mod worker;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use client::Routes;
pub use item::{Item, Verdict};
pub use phase::Phase;
use worker::Worker;

pub const LANES: usize = 3;
const WORKERS_PER_LANE: usize = 4;
pub const WORKERS: usize = LANES * WORKERS_PER_LANE;

/// How much is written and read.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub items_per_worker: usize,
    /// Operations a second of all workers together.
    pub rate: u64,
}

impl Size {
    pub const USUAL: Size = Size { items_per_worker: 600, rate: 3000 };
}

/// How long a wait for the load itself may take before the test is given up.
const LIMIT: Duration = Duration::from_secs(120);

/// What the workers and the test share.
pub struct Shared {
    counts: Mutex<Phase>,
    stop: AtomicBool,
    /// How many times the test asked for everything to be read; each worker follows.
    sweeps_wanted: AtomicU64,
    sweeps_done: [AtomicU64; WORKERS],
}

pub struct Load {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<Vec<Item>>>,
}

impl Load {
    /// Starts, writes every item once, and goes on from there.
    pub fn start(entries: &[u16]) -> Load {
        Load::start_of(Size::USUAL, entries)
    }

    pub fn start_of(size: Size, entries: &[u16]) -> Load {
        let shared = Arc::new(Shared {
            counts: Mutex::new(Phase::new()),
            stop: AtomicBool::new(false),
            sweeps_wanted: AtomicU64::new(0),
            sweeps_done: [const { AtomicU64::new(0) }; WORKERS],
        });
        let (inner, entries) = (shared.clone(), entries.to_vec());
        let thread = std::thread::Builder::new().name("load".into());
        let thread = thread.spawn(move || run(size, inner, entries)).unwrap();
        let load = Load { shared, thread: Some(thread) };
        load.sweep();
        load
    }

    /// Has every item read, and waits until that is done.
    pub fn sweep(&self) {
        let wanted = self.shared.sweeps_wanted.fetch_add(1, Ordering::SeqCst) + 1;
        let limit = Instant::now() + LIMIT;
        let done = |sweeps: &AtomicU64| sweeps.load(Ordering::SeqCst) >= wanted;
        while !self.shared.sweeps_done.iter().all(done) {
            let ended = self.thread.as_ref().is_none_or(JoinHandle::is_finished);
            assert!(!ended, "the load ended by itself");
            assert!(
                Instant::now() < limit,
                "the load does not get through: {}",
                self.shared.counts.lock().unwrap()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Goes on until enough was counted since the last phase ended.
    pub fn wait_until(&self, what: &str, is_enough: impl Fn(&Phase) -> bool) {
        let limit = Instant::now() + LIMIT;
        while !is_enough(&self.shared.counts.lock().unwrap()) {
            assert!(Instant::now() < limit, "not in time: {what}: {}", self.shared.counts.lock().unwrap());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What was counted since the last phase ended, everything written until now having been read.
    pub fn end_phase(&self) -> Phase {
        self.sweep();
        self.shared.counts.lock().unwrap().take()
    }

    /// Reads everything back and stops. Also the items, each with the number that it must have.
    pub fn stop(mut self) -> (Phase, Vec<Item>) {
        let phase = self.end_phase();
        self.shared.stop.store(true, Ordering::SeqCst);
        let items = self.thread.take().unwrap().join().unwrap();
        (phase, items)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(size: Size, shared: Arc<Shared>, entries: Vec<u16>) -> Vec<Item> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let tasks = tokio::task::LocalSet::new();
    tasks.block_on(&runtime, async {
        let routes = Rc::new(RefCell::new(Routes::new(entries)));
        let refresher = tokio::task::spawn_local(client::keep_fresh(routes.clone()));
        let interval = Duration::from_micros(1_000_000 * WORKERS as u64 / size.rate);
        let workers: Vec<_> = (0..WORKERS)
            .map(|number| {
                let worker = Worker::new(number, size.items_per_worker, shared.clone(), routes.clone());
                tokio::task::spawn_local(worker.run(interval))
            })
            .collect();
        let mut items = Vec::new();
        for worker in workers {
            items.extend(worker.await.unwrap());
        }
        refresher.abort();
        items
    })
}
