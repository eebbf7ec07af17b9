//! What a load counts between two looks at it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use super::LANES;

/// How many wrong answers are told in full.
const EXAMPLES: usize = 5;

#[derive(Clone, Debug)]
pub struct Phase {
    started: Instant,
    pub reads: u64,
    pub writes: u64,
    /// Of the reads, those of sweeps, which come at full speed.
    pub swept: u64,
    pub moved: u64,
    pub asked: u64,
    pub tried_again: u64,
    /// Error replies that are no redirect, by their first words, and connections that failed.
    pub errors: BTreeMap<String, u64>,
    /// Writes whose answer was lost.
    pub ambiguous: u64,
    /// Acknowledged writes that are gone.
    pub lost: u64,
    pub wrong: u64,
    pub examples: Vec<String>,
    last_acknowledged: [Instant; LANES],
    longest_gap: [Duration; LANES],
}

impl Phase {
    pub fn new() -> Phase {
        Phase::after([Instant::now(); LANES])
    }

    fn after(last_acknowledged: [Instant; LANES]) -> Phase {
        Phase {
            started: Instant::now(),
            reads: 0,
            writes: 0,
            swept: 0,
            moved: 0,
            asked: 0,
            tried_again: 0,
            errors: BTreeMap::new(),
            ambiguous: 0,
            lost: 0,
            wrong: 0,
            examples: Vec::new(),
            last_acknowledged,
            longest_gap: [Duration::ZERO; LANES],
        }
    }

    /// Ends this phase and begins the next.
    pub fn take(&mut self) -> Phase {
        let next = Phase::after(self.last_acknowledged);
        std::mem::replace(self, next)
    }

    pub fn write_acknowledged(&mut self, lane: usize) {
        let now = Instant::now();
        self.writes += 1;
        let gap = now.duration_since(self.last_acknowledged[lane]);
        self.longest_gap[lane] = self.longest_gap[lane].max(gap);
        self.last_acknowledged[lane] = now;
    }

    pub fn error(&mut self, text: &str) {
        let class: Vec<&str> = text.split_whitespace().take(4).collect();
        *self.errors.entry(class.join(" ")).or_default() += 1;
    }

    pub fn wrong(&mut self, what: String) {
        self.wrong += 1;
        self.example(what);
    }

    pub fn example(&mut self, what: String) {
        if self.examples.len() < EXAMPLES {
            self.examples.push(what);
        }
    }

    /// The longest time in which no write of the lane was acknowledged, the time since the last one included.
    pub fn longest_gap(&self, lane: usize) -> Duration {
        self.longest_gap[lane]
    }

    pub fn redirects(&self) -> u64 {
        self.moved + self.asked + self.tried_again
    }

    /// Clients saw nothing but redirects, and nothing was lost.
    pub fn assert_clean(&self, what: &str) {
        self.assert_right(what);
        assert_eq!(self.lost, 0, "{what}: acknowledged writes are lost: {self}");
        assert!(self.errors.is_empty(), "{what}: clients saw errors: {self}");
    }

    /// No value that nobody wrote, and work was done.
    pub fn assert_right(&self, what: &str) {
        assert_eq!(self.wrong, 0, "{what}: wrong values: {self}");
        assert!(self.writes > 0 && self.reads > 0, "{what}: the load did run: {self}");
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.started.elapsed().as_secs_f64();
        let (reads, writes, swept) = (self.reads, self.writes, self.swept);
        let rate = (reads + writes) as f64 / seconds.max(0.001);
        write!(f, "{seconds:.1} s, {reads} reads ({swept} in sweeps) + {writes} writes = {rate:.0}/s")?;
        write!(f, "; MOVED {}, ASK {}, TRYAGAIN {}", self.moved, self.asked, self.tried_again)?;
        write!(f, "; lost {}, wrong {}, ambiguous {}", self.lost, self.wrong, self.ambiguous)?;
        let gaps = self.longest_gap.map(|gap| gap.as_millis());
        write!(f, "; longest gap without a write, by lane: {gaps:?} ms; errors {:?}", self.errors)?;
        self.examples.iter().try_for_each(|example| write!(f, "\n    {example}"))
    }
}
