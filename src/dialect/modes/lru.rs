//! `--lru-test KEYS`: how well a cache of one node holds a load of which a fifth of the keys gets most.
//!
//! Half SETs and half GETs, in pipelines; each second the share of GETs that found their key is told. It writes
//! keys named `lru:NUMBER` until it is ended.

use std::time::{Duration, Instant};

use rand::RngExt as _;
use rcl_proto::resp::Reply;

use super::super::session::{Session, Trouble};
use super::emit;

const PIPELINE: usize = 250;
const CYCLE: Duration = Duration::from_secs(1);

/// The power of the distribution: with 6.2 a fifth of the keys gets four fifths of the load.
const ALPHA: f64 = 6.2;

pub fn run(mut session: Session<'_>, keys: u64) -> Result<(), Trouble> {
    session.connect()?;
    let mut random = rand::rng();
    loop {
        let began = Instant::now();
        let (mut hits, mut misses) = (0_u64, 0_u64);
        while began.elapsed() < CYCLE {
            let mut name = || format!("lru:{}", key(keys, random.random())).into_bytes();
            let write = |name| vec![b"SET".to_vec(), name, b"value".to_vec()];
            let writes: Vec<_> = (0..PIPELINE).map(|_| write(name())).collect();
            let reads: Vec<_> = (0..PIPELINE).map(|_| vec![b"GET".to_vec(), name()]).collect();
            session.ask_all(&writes)?;
            for reply in session.ask_all(&reads)? {
                match reply {
                    Reply::Error(text) => eprintln!("{text}"),
                    Reply::Null => misses += 1,
                    _ => hits += 1,
                }
            }
        }
        emit(&line(hits, misses))?;
    }
}

fn line(hits: u64, misses: u64) -> String {
    let all = hits + misses;
    let percent = |part: u64| part as f64 / all.max(1) as f64 * 100.0;
    format!(
        "{all} Gets/sec | Hits: {hits} ({:.2}%) | Misses: {misses} ({:.2}%)\n",
        percent(hits),
        percent(misses)
    )
}

/// A number from 1 to `keys`, low ones often; `random` is from 0 to 1.
fn key(keys: u64, random: f64) -> u64 {
    let power = ALPHA + 1.0;
    let most = (keys as f64 + 1.0).powf(power);
    let value = ((most - 1.0) * random + 1.0).powf(1.0 / power);
    (keys - (value as u64).clamp(1, keys.max(1)) + 1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_of_the_keys_gets_most() {
        let drawn: Vec<u64> = (0..1000).map(|n| key(100, f64::from(n) / 1000.0)).collect();
        assert!(drawn.iter().all(|key| (1..=100).contains(key)));
        let low = drawn.iter().filter(|key| **key <= 20).count();
        assert!((700..900).contains(&low), "{low}");
        assert_eq!(key(1, 0.5), 1);
        assert_eq!(line(3, 1), "4 Gets/sec | Hits: 3 (75.00%) | Misses: 1 (25.00%)\n");
    }
}
