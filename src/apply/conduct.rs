//! How slots are moved, and what all moves of a run share.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Stop;
use super::pace::Pace;
use super::pause::Pause;
use super::survey::USUAL_STALL;
use crate::cli::Session;
use crate::journal::Journal;
use crate::output::Meter;

#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// A key that exists on both sides: the source's wins.
    pub replace: bool,
    /// A target may get more than its maxmemory has room for.
    pub overfill: bool,
    /// At most so many keys in one MIGRATE; the executor takes fewer when calls take long.
    pub keys_per_call: usize,
    /// The time limit of each MIGRATE; what patience.rs says when `None`.
    pub migrate_timeout_ms: Option<u64>,
    /// How many pairs of nodes move slots at the same time.
    pub parallel: usize,
    pub method: Method,
    pub limits: Limits,
    /// How long nodes get to come to know each other.
    pub join_limit: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            replace: false,
            overfill: false,
            keys_per_call: 100,
            migrate_timeout_ms: None,
            parallel: 8,
            method: Method::Auto,
            limits: Limits::default(),
            join_limit: Duration::from_secs(30),
        }
    }
}

/// What a move may cost those who use the cluster meanwhile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// How long one write may keep its source from serving.
    pub max_latency: Option<Duration>,
    pub big_keys: BigKeys,
    pub keys_per_second: Option<u64>,
    pub bytes_per_second: Option<u64>,
}

impl Limits {
    /// How many slots are opened, moved and closed together. When such a batch has a new owner, its source and every other master that hears of it
    /// write their `nodes.conf` with fsync, all at once, and serve nobody meanwhile: so where it matters what a move costs, that is to be seldom.
    pub fn batch_slots(&self) -> usize {
        if self.max_latency.is_some() { 512 } else { 128 }
    }

    /// Some of them can be held only key by key.
    pub fn hold_a_pace(&self) -> bool {
        self.max_latency.is_some() || self.keys_per_second.is_some() || self.bytes_per_second.is_some()
    }

    /// How long a key may stall its node.
    pub fn stall(&self) -> Duration {
        self.max_latency.unwrap_or(USUAL_STALL)
    }
}

/// How slots go from node to node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Method {
    /// Handed over by the nodes where both can and no rate or latency is set; else key by key
    #[default]
    Auto,
    /// Key by key, with MIGRATE
    Keys,
    /// Handed over by the nodes; refused where they cannot
    Handover,
}

/// What is done about keys that would stall their node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum BigKeys {
    /// Their slots stay where they are, and they are named
    #[default]
    Refuse,
    /// They are moved all the same
    Move,
}

/// Shared by all who move something in one run.
#[derive(Clone, Debug)]
pub struct Conduct {
    pub stop: Stop,
    pub pause: Pause,
    pub pace: Arc<Pace>,
    pub meter: Meter,
    pub journal: Journal,
}

impl Conduct {
    /// Must be called within the runtime.
    pub fn new(session: &Session, limits: Limits, journal: Journal) -> Conduct {
        let pace = Pace::new(limits.keys_per_second, limits.bytes_per_second, Instant::now());
        Conduct {
            stop: Stop::on_ctrl_c(),
            pause: Pause::listen(),
            pace: Arc::new(pace),
            meter: session.output.meter(),
            journal,
        }
    }
}
