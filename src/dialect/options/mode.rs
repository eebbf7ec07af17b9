//! What redis-cli is to do with its connection, when that is not to send the command that follows.

use std::path::PathBuf;

use super::{Options, Refusal, Words, text};

#[derive(Clone, Debug, Default, PartialEq)]
pub enum Mode {
    /// Sends the command, or reads commands when there is none.
    #[default]
    Commands,
    Scan,
    Pipe,
    BigKeys,
    /// `samples`: how many elements of a key MEMORY USAGE looks at; `None`: as many as the server likes.
    MemKeys {
        samples: Option<u32>,
    },
    HotKeys,
    Latency {
        history: bool,
    },
    LatencyDist,
    Stat,
    LruTest {
        keys: u64,
    },
    IntrinsicLatency {
        seconds: u64,
    },
    Replica,
    Rdb {
        file: PathBuf,
        functions_only: bool,
    },
    /// Tells the hint for one line that is being typed.
    Hint(Vec<u8>),
    /// Holds a file of lines and expected hints against what is hinted.
    HintFile(PathBuf),
}

impl Mode {
    /// Whether it goes through the keys with SCAN.
    pub fn scans(&self) -> bool {
        matches!(self, Mode::Scan | Mode::BigKeys | Mode::MemKeys { .. } | Mode::HotKeys)
    }
}

impl Options {
    /// A flag that names a mode; `false` when it is none.
    pub(super) fn take_mode(&mut self, flag: &[u8], words: &mut Words<'_>) -> Result<bool, Refusal> {
        let mode = match flag {
            b"--scan" => Mode::Scan,
            b"--pipe" => Mode::Pipe,
            b"--bigkeys" => Mode::BigKeys,
            b"--memkeys" => Mode::MemKeys { samples: None },
            b"--memkeys-samples" => {
                let samples: u32 = words.number(flag)?;
                Mode::MemKeys { samples: (samples > 0).then_some(samples) }
            }
            b"--hotkeys" => Mode::HotKeys,
            b"--latency" => Mode::Latency { history: false },
            b"--latency-history" => Mode::Latency { history: true },
            b"--latency-dist" => Mode::LatencyDist,
            b"--stat" => Mode::Stat,
            b"--lru-test" => Mode::LruTest { keys: words.number(flag)? },
            b"--intrinsic-latency" => Mode::IntrinsicLatency { seconds: words.number(flag)? },
            b"--replica" | b"--slave" => Mode::Replica,
            b"--rdb" => Mode::Rdb { file: text(words.value(flag)?)?.into(), functions_only: false },
            b"--functions-rdb" => Mode::Rdb { file: text(words.value(flag)?)?.into(), functions_only: true },
            b"--test_hint" => Mode::Hint(words.value(flag)?.to_vec()),
            b"--test_hint_file" => Mode::HintFile(text(words.value(flag)?)?.into()),
            _ => return Ok(false),
        };
        let (before, after) = (std::mem::take(&mut self.mode), mode);
        self.mode = match (before, after) {
            (Mode::Commands, after) => after,
            (Mode::Latency { history: one }, Mode::Latency { history: other }) => {
                Mode::Latency { history: one || other }
            }
            (Mode::MemKeys { samples: one }, Mode::MemKeys { samples: other }) => {
                Mode::MemKeys { samples: other.or(one) }
            }
            (Mode::Rdb { functions_only: one, .. }, Mode::Rdb { functions_only: other, .. })
                if one != other =>
            {
                return Err(Refusal::Wrong(
                    "Option --functions-rdb and --rdb are mutually exclusive.".into(),
                ));
            }
            (before, after) if before == after => after,
            _ => {
                return Err(Refusal::Wrong(format!(
                    "{} does not go with the option of another mode before it",
                    flag.escape_ascii()
                )));
            }
        };
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::parse;
    use super::*;

    #[test]
    fn modes_that_are_one_go_together_and_others_do_not() {
        let mode = |line: &str| parse(line).map(|options| options.mode);
        assert_eq!(mode("--latency --latency-history"), Ok(Mode::Latency { history: true }));
        assert_eq!(mode("--memkeys-samples 5 --memkeys"), Ok(Mode::MemKeys { samples: Some(5) }));
        assert_eq!(mode("--memkeys-samples 0"), Ok(Mode::MemKeys { samples: None }));
        assert_eq!(mode("--slave --replica"), Ok(Mode::Replica));
        assert!(mode("--scan --stat").is_err());
        assert_eq!(
            mode("--rdb a --functions-rdb b"),
            Err(Refusal::Wrong("Option --functions-rdb and --rdb are mutually exclusive.".into()))
        );
        assert!(mode("--lru-test x").is_err());
        assert!(mode("--rdb").is_err());
    }

    #[test]
    fn what_a_scan_is_told_goes_with_a_scan() {
        for good in
            ["--scan --pattern x* --count 100 --type hash", "--count 5 --bigkeys", "--hotkeys --pattern x"]
        {
            assert!(parse(good).is_ok(), "{good}");
        }
        for bad in ["--pattern x GET k", "--count 10", "--count 0 --scan", "--pipe --type hash"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
