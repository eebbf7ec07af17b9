//! The options of all verbs that move slots: what a move may cost those who use the cluster meanwhile.

use std::time::Duration;

use crate::apply::{BigKeys, Limits, Method, Settings};

#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "How slots are moved")]
pub struct MoveArgs {
    /// How slots go from node to node: Redis from 8.4 on and Valkey from 9 on hand them over
    #[arg(long, value_enum, default_value_t)]
    pub method: Method,

    /// Overwrites keys that exist on the target too, with another value
    #[arg(long)]
    pub replace: bool,

    /// How long a call may keep a node from serving, as 5ms; calls are made smaller until they fit
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub max_latency: Option<Duration>,

    /// Keys that would stall their node for longer (than 100 ms, without --max-latency)
    #[arg(long, value_enum, default_value_t)]
    pub big_keys: BigKeys,

    /// Moves no more than so many keys a second
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_keys_per_second: Option<u64>,

    /// Moves no more than so many bytes a second, as 10mb
    #[arg(long, value_name = "BYTES", value_parser = parse_bytes)]
    pub max_bytes_per_second: Option<u64>,

    /// Moves also what the target has no room for below its maxmemory
    #[arg(long)]
    pub overfill: bool,

    /// The most keys in one MIGRATE, and its time limit, as the redis-cli dialect was told
    #[arg(skip)]
    pub keys_per_call: Option<usize>,
    #[arg(skip)]
    pub migrate_timeout_ms: Option<u64>,
}

impl MoveArgs {
    pub fn settings(&self) -> Settings {
        let limits = Limits {
            max_latency: self.max_latency,
            big_keys: self.big_keys,
            keys_per_second: self.max_keys_per_second,
            bytes_per_second: self.max_bytes_per_second,
        };
        let (replace, overfill, method) = (self.replace, self.overfill, self.method);
        let usual = Settings::default();
        let keys_per_call = self.keys_per_call.unwrap_or(usual.keys_per_call);
        let migrate_timeout_ms = self.migrate_timeout_ms;
        Settings { replace, overfill, method, limits, keys_per_call, migrate_timeout_ms, ..usual }
    }
}

pub fn parse_time(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text);
    let us_each = match unit {
        "us" => 1,
        "ms" => 1000,
        "s" => 1_000_000,
        _ => 0,
    };
    let us =
        number.and_then(|number| number.checked_mul(us_each)).filter(|us| (500..=60_000_000).contains(us));
    us.map(Duration::from_micros).ok_or_else(|| "expected a time from 500us to 60s, as 5ms".to_owned())
}

/// Units as in redis.conf: k is 1000, kb is 1024.
fn parse_bytes(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text);
    let each = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" => 1000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => 0,
    };
    let bytes = number.and_then(|number| number.checked_mul(each)).filter(|bytes| *bytes > 0);
    bytes.ok_or_else(|| "expected a number of bytes, as 10mb".to_owned())
}

fn split(text: &str) -> (Option<u64>, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (text[..end].parse().ok(), text[end..].trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_have_units() {
        assert_eq!(parse_time("5ms"), Ok(Duration::from_millis(5)));
        assert_eq!(parse_time("1s"), Ok(Duration::from_secs(1)));
        assert_eq!(parse_bytes("10mb"), Ok(10 << 20));
        assert_eq!(parse_bytes("2k"), Ok(2000));
        assert_eq!(parse_bytes("77"), Ok(77));
        for bad in ["", "5", "5m", "0ms", "400us", "61s", "99999999999999999999s", "-1ms"] {
            assert!(parse_time(bad).is_err(), "{bad}");
        }
        for bad in ["", "mb", "0", "10x", "99999999999gb", "-5"] {
            assert!(parse_bytes(bad).is_err(), "{bad}");
        }
    }
}
