//! What is written at the source meanwhile, by its replication stream: not the commands are carried over, but which keys they are about.
//! These keys are copied once more, as they are then. So it does not matter what a command does, or that its keys are in many slots.
//!
//! ```text
//! full copy (passed over) ──► stream ──► keys of each command ──► dirty
//! ```
//!
//! Keys that stand at fixed places are taken by these; of all other commands the source itself is asked (COMMAND GETKEYS).

use std::collections::HashSet;
use std::io::BufReader;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rcl_proto::Address;
use rcl_proto::resp::{Limits, Parsed, RequestParser};
use rcl_store::rdb::{FileWalker, Item, Step};

use crate::backup::{FullCopy, Patient, Wanted, lost};
use crate::cli::{Failure, Kind};
use crate::connect::Connector;
use crate::keys::KeyPlaces;

/// Nodes give up a replica that says nothing for a minute.
const ACKNOWLEDGED_EVERY: Duration = Duration::from_secs(1);
const PIECE: usize = 256 * 1024;
/// What changes no key of ours.
const NO_KEYS: [&str; 9] =
    ["ping", "replconf", "multi", "exec", "publish", "spublish", "function", "script", "select"];
/// What changes all of them.
const WHOLE: [&str; 3] = ["flushall", "flushdb", "swapdb"];

/// What one node of the source has told.
#[derive(Debug, Default)]
pub struct Told {
    pub dirty: HashSet<Vec<u8>>,
    /// Commands whose keys the source must be asked for.
    pub unclear: Vec<Vec<Vec<u8>>>,
    /// Up to where the stream was read; `None` before it began.
    pub offset: Option<u64>,
    /// The full copy is behind us, and the stream is read.
    pub is_streaming: bool,
    pub failed: Option<Failure>,
}

#[derive(Clone, Debug, Default)]
pub struct Ear(Arc<Mutex<Told>>);

impl Ear {
    pub fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Blocks until `stop` is true or the stream ends, which is left as `failed`.
    pub fn listen(
        &self,
        connector: &Connector,
        address: &Address,
        places: &KeyPlaces,
        database: u32,
        stop: &Arc<AtomicBool>,
    ) {
        if let Err(failure) = self.follow(connector, address, places, database, stop)
            && !stop.load(Ordering::Relaxed)
        {
            self.told().failed = Some(failure);
        }
    }

    fn follow(
        &self,
        connector: &Connector,
        address: &Address,
        places: &KeyPlaces,
        database: u32,
        stop: &Arc<AtomicBool>,
    ) -> Result<(), Failure> {
        let copy = FullCopy::open(connector, address, stop, Wanted::CopyAndStream)?;
        let mut offset = copy.offset;
        // From here on whatever is written comes by the stream.
        self.told().offset = Some(offset);
        let stream = pass_over(copy, address)?;
        self.told().is_streaming = true;
        let mut buffer = stream.buffer().to_vec();
        let mut socket = stream.into_inner();
        let (mut parser, mut selected) = (RequestParser::new(), database.to_string().into_bytes());
        let limits = Limits { max_bulk_bytes: usize::MAX, authenticated: true };
        let (mut acknowledged, mut piece) = (Instant::now(), vec![0; PIECE]);
        while !stop.load(Ordering::Relaxed) {
            let mut used = 0;
            loop {
                let rest = &buffer[used..];
                let parsed =
                    parser.parse(rest, limits).map_err(|error| broken(address, &error.to_string()))?;
                let Parsed::Request { consumed } = parsed else { break };
                let words: Vec<Vec<u8>> = parser.args(rest).iter().map(<[u8]>::to_vec).collect();
                self.hear(words, places, database, &mut selected, address)?;
                used += consumed;
            }
            buffer.drain(..used);
            offset += used as u64;
            self.told().offset = Some(offset);
            if acknowledged.elapsed() >= ACKNOWLEDGED_EVERY {
                socket.acknowledge(offset).map_err(|error| lost(address, &error))?;
                acknowledged = Instant::now();
            }
            if let Some(count) = socket.glance(&mut piece).map_err(|error| lost(address, &error))? {
                buffer.extend_from_slice(&piece[..count]);
            }
        }
        Ok(())
    }

    fn hear(
        &self,
        words: Vec<Vec<u8>>,
        places: &KeyPlaces,
        database: u32,
        selected: &mut Vec<u8>,
        address: &Address,
    ) -> Result<(), Failure> {
        let Some(name) = words.first().map(|name| String::from_utf8_lossy(name).to_lowercase()) else {
            return Ok(());
        };
        if name == "select" {
            *selected = words.into_iter().nth(1).unwrap_or_default();
            return Ok(());
        }
        if NO_KEYS.contains(&name.as_str()) {
            return Ok(());
        }
        if WHOLE.contains(&name.as_str()) {
            return Err(Failure::new(
                Kind::Stopped,
                format!("{address} was told {}: all its keys changed", name.to_uppercase()),
            )
            .next("decide what the target is to have, and begin anew"));
        }
        // COPY and MOVE name another database: with them the key may come into ours.
        if *selected != database.to_string().into_bytes() && !matches!(name.as_str(), "copy" | "move") {
            return Ok(());
        }
        let mut told = self.told();
        match places.of(&words) {
            Some(keys) => told.dirty.extend(keys.into_iter().map(<[u8]>::to_vec)),
            None => told.unclear.push(words),
        }
        Ok(())
    }
}

/// Reads the full copy to its end: its keys are walked at the source instead, where filters apply.
fn pass_over(copy: FullCopy, address: &Address) -> Result<BufReader<Patient>, Failure> {
    let mut walker = FileWalker::new(copy);
    loop {
        match walker.next_step() {
            Ok(Step::Other(Item::End)) => return walker.into_source().finish(),
            Ok(_) => {}
            Err(error) => return Err(broken(address, &error.to_string())),
        }
    }
}

fn broken(address: &Address, why: &str) -> Failure {
    Failure::new(Kind::Stopped, format!("the stream of {address} cannot be read: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(lines: &[&str], database: u32) -> (Ear, Result<(), Failure>) {
        let (ear, places, mut selected) = (Ear::default(), KeyPlaces::for_tests(), b"0".to_vec());
        let address = Address::new("h", 1);
        let outcome = lines.iter().try_for_each(|line| {
            let words = line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
            ear.hear(words, &places, database, &mut selected, &address)
        });
        (ear, outcome)
    }

    #[test]
    fn the_keys_of_the_database_are_heard() {
        let lines = ["SELECT 0", "SET a 1", "MULTI", "MSET b 1 c 2", "EXEC", "SELECT 5", "SET d 1", "PING"];
        let (ear, outcome) = heard(&lines, 0);
        outcome.unwrap();
        let mut keys: Vec<Vec<u8>> = ear.told().dirty.iter().cloned().collect();
        keys.sort();
        assert_eq!(keys, [b"a", b"b", b"c"]);
        let (ear, _) = heard(&lines, 5);
        assert_eq!(ear.told().dirty.len(), 1);
    }

    #[test]
    fn what_is_unclear_is_asked_for_and_a_flush_ends_it() {
        let (ear, _) = heard(&["SORT list STORE sorted"], 0);
        assert_eq!(ear.told().unclear.len(), 1);
        assert!(heard(&["FLUSHALL"], 0).1.unwrap_err().what.contains("FLUSHALL"));
    }
}
