//! What lies in slots, before they are opened: the keys, and what each weighs.
//!
//! ```text
//! COUNTKEYSINSLOT           five hundred slots a write
//! GETKEYSINSLOT s count     as many slots a write as have a thousand keys together
//! MEMORY USAGE key          two hundred a write
//! ```
//!
//! A write of them takes a node a quarter of a millisecond or so.
//!
//! MEMORY USAGE looks at five elements of a collection and counts the rest: it stalls nobody, whatever the key. What MIGRATE
//! would take with a key follows from its bytes. A key that would keep its node from serving for longer than is allowed is *big*.
//!
//! GETKEYSINSLOT has no cursor, so it is asked for ten thousand keys of a slot at most; what comes after is looked at when
//! these are gone, with the slot open.

use std::time::Duration;

use rcl_proto::Slot;
use rcl_proto::resp::Reply;

use super::turn::{Turn, beside};
use super::window::Weighed;
use crate::cli::{Failure, Kind};
use crate::connect::{Link, LinkError, Pipeline, Words};
use crate::output::bytes;

const COUNTED_PER_WRITE: usize = 500;
const NAMES_PER_WRITE: u64 = 1000;
const NAMES_PER_SLOT: u64 = 10_000;
const WEIGHED_PER_WRITE: usize = 200;
/// How many keys of several slots are looked at, and opened, together.
const KEYS_TOGETHER: u64 = 20_000;
/// How long a key may stall its node where the user sets no limit.
pub const USUAL_STALL: Duration = Duration::from_millis(100);
/// How many big keys are told by name.
const NAMED: usize = 8;

/// The keys of slots that have some.
pub type Found = Vec<(Slot, Vec<Weighed>)>;

/// A node that is asked for what lies in its slots.
#[derive(Clone, Copy, Debug)]
pub struct Survey<'a> {
    pub source: &'a Link,
    /// Questions keep it busy, too.
    pub turn: Option<&'a Turn>,
}

impl<'a> Survey<'a> {
    pub fn of(source: &'a Link) -> Survey<'a> {
        Survey { source, turn: None }
    }

    async fn ask(self, questions: &Pipeline) -> Result<Vec<Reply>, LinkError> {
        beside(self.turn.as_slice(), self.source.pipeline(questions)).await
    }

    /// How many keys each slot has.
    pub async fn count(self, slots: &[Slot]) -> Result<Vec<(Slot, u64)>, Failure> {
        let ask = |slot: &Slot| Words::of(&["CLUSTER", "COUNTKEYSINSLOT"]).and(slot.to_string());
        let mut counted = Vec::with_capacity(slots.len());
        for some in slots.chunks(COUNTED_PER_WRITE) {
            let replies = self.ask(&some.iter().map(ask).collect()).await?;
            for (slot, reply) in some.iter().zip(replies) {
                match reply {
                    Reply::Integer(count) => counted.push((*slot, u64::try_from(count).unwrap_or(0))),
                    reply => return Err(self.source.wrong(&ask(slot), reply).into()),
                }
            }
        }
        Ok(counted)
    }
}

/// Runs of slots that have no more keys together than are looked at at once, or of one slot.
pub fn parts(counts: &[(Slot, u64)]) -> Vec<&[(Slot, u64)]> {
    runs(counts, KEYS_TOGETHER)
}

fn runs(counts: &[(Slot, u64)], most: u64) -> Vec<&[(Slot, u64)]> {
    let mut runs = Vec::new();
    let (mut start, mut sum) = (0, 0u64);
    for (index, (_, count)) in counts.iter().enumerate() {
        sum = sum.saturating_add(*count);
        if sum > most && index > start {
            runs.push(&counts[start..index]);
            (start, sum) = (index, *count);
        }
    }
    if start < counts.len() {
        runs.push(&counts[start..]);
    }
    runs
}

impl Survey<'_> {
    /// The keys of these slots, each with its weight.
    pub async fn look(self, counts: &[(Slot, u64)]) -> Result<Found, Failure> {
        let with_keys: Vec<(Slot, u64)> = counts
            .iter()
            .filter(|(_, keys)| *keys > 0)
            .map(|(slot, keys)| (*slot, (*keys).min(NAMES_PER_SLOT)))
            .collect();
        let mut found = Vec::new();
        for run in runs(&with_keys, NAMES_PER_WRITE) {
            let ask = |(slot, count): &(Slot, u64)| {
                Words::of(&["CLUSTER", "GETKEYSINSLOT"]).and(slot.to_string()).and(count.to_string())
            };
            let replies = self.ask(&run.iter().map(ask).collect()).await?;
            for (asked, reply) in run.iter().zip(replies) {
                let names = match reply {
                    Reply::Array(names) => names,
                    reply => return Err(self.source.wrong(&ask(asked), reply).into()),
                };
                let named = names.into_iter().filter_map(|name| match name {
                    Reply::Bulk(name) => Some(Weighed { name, bytes: 0 }),
                    _ => None,
                });
                let names: Vec<Weighed> = named.collect();
                if !names.is_empty() {
                    found.push((asked.0, names));
                }
            }
        }
        let mut keys: Vec<&mut Weighed> = found.iter_mut().flat_map(|(_, keys)| keys).collect();
        for some in keys.chunks_mut(WEIGHED_PER_WRITE) {
            self.weigh(some).await?;
        }
        Ok(found)
    }

    async fn weigh(self, keys: &mut [&mut Weighed]) -> Result<(), Failure> {
        let ask = |key: &&mut Weighed| Words::of(&["MEMORY", "USAGE"]).and(&key.name);
        let replies = self.ask(&keys.iter().map(ask).collect()).await?;
        for (key, reply) in keys.iter_mut().zip(replies) {
            match reply {
                Reply::Integer(bytes) => key.bytes = u64::try_from(bytes).unwrap_or(0),
                // Without the right to ask nobody knows what would stall.
                Reply::Error(error) if error.starts_with("NOPERM") || error.contains("unknown") => {
                    let address = self.source.address().clone();
                    return Err(Failure::from(LinkError::Server {
                    address,
                    command: "MEMORY USAGE".into(),
                    error,
                })
                .next(
                    "the user needs the right to MEMORY USAGE: it tells which keys would stall their node",
                ));
                }
                // It went meanwhile.
                _ => key.bytes = 0,
            }
        }
        Ok(())
    }

    /// Those of `found` that would stall the source for longer than `limit`.
    pub async fn big_keys(self, found: &Found, limit: Duration) -> Result<Vec<BigKey>, Failure> {
        let mut big = Vec::new();
        for (slot, keys) in found {
            for key in keys.iter().filter(|key| key.stall() > limit) {
                let kind = self.source.raw(&Words::of(&["TYPE"]).and(&key.name)).await?;
                let kind = kind
                    .as_bytes()
                    .map_or_else(String::new, |kind| String::from_utf8_lossy(kind).into_owned());
                big.push(BigKey {
                    slot: *slot,
                    key: key.clone(),
                    source: self.source.address().to_string(),
                    kind,
                });
            }
        }
        Ok(big)
    }
}

/// A key that would stall its node.
#[derive(Clone, Debug)]
pub struct BigKey {
    pub slot: Slot,
    pub key: Weighed,
    pub source: String,
    pub kind: String,
}

/// What is said of big keys that are not moved.
pub fn refusal(big: &[BigKey], limit: Duration) -> Failure {
    let slots: std::collections::BTreeSet<Slot> = big.iter().map(|big| big.slot).collect();
    let are = if slots.len() == 1 { "slot is" } else { "slots are" };
    let mut what = format!(
        "{} {are} not moved, for a key would stall its node for more than {} ms:",
        slots.len(),
        limit.as_millis()
    );
    for big in big.iter().take(NAMED) {
        what.push_str(&format!(
            "\n  '{}' in slot {} on {}: {}, {}, about {} ms",
            big.key.name.escape_ascii(),
            big.slot,
            big.source,
            big.kind,
            bytes(big.key.bytes),
            big.key.stall().as_millis()
        ));
    }
    if big.len() > NAMED {
        what.push_str(&format!("\n  and {} more", big.len() - NAMED));
    }
    Failure::new(Kind::Stopped, what).next(
        "--big-keys move moves them all the same: each stalls its node, and the target, for about so long; \
         or make them smaller, or delete them",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(keys: &[u64]) -> Vec<(Slot, u64)> {
        Slot::all().zip(keys.iter().copied()).collect()
    }

    #[test]
    fn slots_are_looked_at_together_while_they_have_few_keys() {
        let lengths = |keys: &[u64], most| -> Vec<usize> {
            runs(&counts(keys), most).into_iter().map(<[_]>::len).collect()
        };
        assert_eq!(lengths(&[], 10), Vec::<usize>::new());
        assert_eq!(lengths(&[0; 64], 10), [64]);
        assert_eq!(lengths(&[3, 3, 3, 3], 10), [3, 1]);
        assert_eq!(lengths(&[50, 3, u64::MAX, 1], 10), [1, 1, 1, 1]);
    }

    #[test]
    fn big_keys_are_named_with_what_they_weigh_and_the_way_out() {
        let big = |number: u8| BigKey {
            slot: Slot::MIN,
            key: Weighed { name: vec![b'k', number], bytes: 18 << 20 },
            source: "h:1".into(),
            kind: "hash".into(),
        };
        let said = refusal(&(0..10).map(big).collect::<Vec<_>>(), USUAL_STALL);
        assert!(
            said.what.starts_with("1 slot is not moved") && said.what.contains("more than 100 ms"),
            "{}",
            said.what
        );
        assert!(
            said.what.contains(r"'k\x00' in slot 0 on h:1: hash, 18.0 MiB, about 294 ms"),
            "{}",
            said.what
        );
        assert!(said.what.ends_with("and 2 more") && said.next.unwrap().contains("--big-keys move"));
    }
}
