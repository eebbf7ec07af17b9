//! The last figures, and how they look as a line: `▁▂▃▅▇`; and which master had which letter.

use std::collections::{BTreeMap, VecDeque};

use rcl_proto::NodeId;

use super::sample::Sample;
use super::slot_map::Letters;

/// As many as the widest terminal could show.
const KEPT: usize = 240;
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

#[derive(Clone, Debug, Default)]
pub struct History {
    /// Commands a second of all nodes.
    pub ops: Series,
    /// The furthest that any replica is behind, in bytes.
    pub lag: Series,
    pub ops_of: BTreeMap<NodeId, Series>,
    pub letters: Letters,
}

impl History {
    pub fn add(&mut self, sample: &Sample) {
        self.letters.add(sample);
        self.ops.add(sample.ops());
        self.lag.add(sample.nodes.iter().filter_map(|node| node.lag).max().unwrap_or(0));
        self.ops_of.retain(|id, _| sample.nodes.iter().any(|node| node.id == *id));
        for node in &sample.nodes {
            self.ops_of.entry(node.id).or_default().add(node.ops);
        }
    }
}

/// One figure over time, the newest last.
#[derive(Clone, Debug, Default)]
pub struct Series(VecDeque<u64>);

impl Series {
    fn add(&mut self, value: u64) {
        self.0.push_back(value);
        if self.0.len() > KEPT {
            self.0.pop_front();
        }
    }

    /// The newest `width` values, as heights between 0 and the highest of them; blanks where there is nothing yet.
    pub fn sparkline(&self, width: usize) -> String {
        let shown = self.0.len().min(width);
        let newest = self.0.iter().skip(self.0.len() - shown);
        let highest = newest.clone().copied().max().unwrap_or(0).max(1);
        let level = |value: &u64| LEVELS[(value * 7).div_ceil(highest).min(7) as usize];
        let line: String = newest.map(level).collect();
        format!("{}{line}", " ".repeat(width - shown))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_are_those_of_what_is_seen() {
        let mut series = Series::default();
        assert_eq!(series.sparkline(3), "   ");
        [100, 0, 0, 1, 5, 10].into_iter().for_each(|value| series.add(value));
        assert_eq!(series.sparkline(5), "▁▁▂▅█");
        assert_eq!(series.sparkline(8).chars().count(), 8);
        (0..1000).for_each(|value| series.add(value));
        assert_eq!(series.sparkline(500).trim_start().chars().count(), KEPT);
    }
}
