//! The kernel's out-of-memory score of this process (`oom-score-adj`): the higher it is, the sooner the process is ended when
//! the machine runs short of memory. A master and a replica may have different ones.
//!
//! `relative` (or `yes`) adds to the score that the process had before the node first changed it, `no` gives that back.
//! Redis gives its saving child a third one; here nothing is forked.

use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::config::{OomScoreAdj, Settings};
use crate::node::Node;

const FILE: &str = "/proc/self/oom_score_adj";
const SCORES: std::ops::RangeInclusive<i64> = -1000..=1000;

#[derive(Debug, Default)]
pub struct OomScore {
    /// The score from before, while it is changed.
    before: Mutex<Option<i64>>,
}

/// Brings the score up to date with the settings and the node's role. A failure is an error of the log.
pub fn adjust(node: &Node, settings: &Settings) -> io::Result<()> {
    let is_replica = node.replication.is_replica();
    let adjusted = node.oom_score.adjust(Path::new(FILE), settings, is_replica);
    if let Err(error) = &adjusted {
        tracing::error!(%error, "the out-of-memory score ({FILE}) could not be set");
    }
    adjusted
}

impl OomScore {
    fn adjust(&self, file: &Path, settings: &Settings, is_replica: bool) -> io::Result<()> {
        let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
        if settings.oom_score_adj == OomScoreAdj::No {
            return before.take().map_or(Ok(()), |score| write(file, score));
        }
        let base = match *before {
            Some(score) => score,
            None => *before.insert(read(file)?),
        };
        let [of_master, of_replica, _] = settings.oom_score_adj_values;
        let own = if is_replica { of_replica } else { of_master };
        let score = if settings.oom_score_adj == OomScoreAdj::Relative { base + own } else { own };
        write(file, score.clamp(*SCORES.start(), *SCORES.end()))
    }
}

fn read(file: &Path) -> io::Result<i64> {
    std::fs::read_to_string(file)?.trim().parse().map_err(io::Error::other)
}

fn write(file: &Path, score: i64) -> io::Result<()> {
    // In one piece: the kernel takes each for a score.
    std::fs::write(file, format!("{score}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(mode: OomScoreAdj, values: [i64; 3]) -> Settings {
        Settings { oom_score_adj: mode, oom_score_adj_values: values, ..Settings::defaults() }
    }

    #[test]
    fn the_score_is_set_by_role_and_given_back() {
        let file = std::env::temp_dir().join(format!("oom-score-{}", std::process::id()));
        std::fs::write(&file, "5\n").unwrap();
        let score = OomScore::default();
        let after = |mode, values, is_replica| {
            score.adjust(&file, &settings(mode, values), is_replica).unwrap();
            read(&file).unwrap()
        };
        assert_eq!(after(OomScoreAdj::No, [10, 20, 30], false), 5);
        assert_eq!(after(OomScoreAdj::Relative, [10, 20, 30], false), 15);
        assert_eq!(after(OomScoreAdj::Relative, [10, 20, 30], true), 25);
        assert_eq!(after(OomScoreAdj::Relative, [2000, 20, 30], false), 1000);
        assert_eq!(after(OomScoreAdj::Absolute, [10, -2000, 30], false), 10);
        assert_eq!(after(OomScoreAdj::Absolute, [10, -2000, 30], true), -1000);
        assert_eq!(after(OomScoreAdj::No, [10, 20, 30], true), 5);
        // What somebody else wrote meanwhile is the base from then on, and is left alone while this is off.
        std::fs::write(&file, "22\n").unwrap();
        assert_eq!(after(OomScoreAdj::No, [9, 9, 9], false), 22);
        assert_eq!(after(OomScoreAdj::Relative, [9, 9, 9], false), 31);
        std::fs::remove_file(&file).unwrap();
        let unread = OomScore::default();
        assert!(unread.adjust(&file, &settings(OomScoreAdj::Absolute, [1, 2, 3]), false).is_err());
    }
}
