//! How big keys are: bytes by MEMORY USAGE, elements by the length command of their type.
//!
//! ```text
//! SCAN ──► TYPE, MEMORY USAGE of each key, one write ──► STRLEN, LLEN, HLEN, … of each, one write
//! ```

use std::collections::BTreeMap;

use rcl_proto::key_slot;
use rcl_proto::resp::Reply;

use super::{Rate, Walk, is_redirect};
use crate::cli::Failure;
use crate::connect::{Link, Pipeline, Words};

/// A key and its size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    pub key: Vec<u8>,
    pub slot: u16,
    pub node: String,
    /// 0 when the node does not tell.
    pub bytes: u64,
    /// Of a string, its length.
    pub elements: u64,
}

/// What was found of one type.
#[derive(Clone, Debug, Default)]
pub struct TypeTally {
    pub keys: u64,
    pub bytes: u64,
    pub elements: u64,
    /// The biggest first.
    pub most_bytes: Vec<Measured>,
    pub most_elements: Vec<Measured>,
}

#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub types: BTreeMap<String, TypeTally>,
    /// Keys that lie on a node which does not own their slot.
    pub elsewhere: u64,
    /// Why a node does not tell bytes.
    pub no_bytes: Option<String>,
}

impl Tally {
    pub fn merge(&mut self, other: Tally, top: usize) {
        self.elsewhere += other.elsewhere;
        self.no_bytes = self.no_bytes.take().or(other.no_bytes);
        for (name, found) in other.types {
            let mine = self.types.entry(name).or_default();
            mine.keys += found.keys;
            mine.bytes += found.bytes;
            mine.elements += found.elements;
            found.most_bytes.into_iter().for_each(|key| keep(&mut mine.most_bytes, key, top, |m| m.bytes));
            found
                .most_elements
                .into_iter()
                .for_each(|key| keep(&mut mine.most_elements, key, top, |m| m.elements));
        }
    }

    fn add(&mut self, of_type: &str, measured: Measured, top: usize) {
        let mine = self.types.entry(of_type.to_owned()).or_default();
        mine.keys += 1;
        mine.bytes += measured.bytes;
        mine.elements += measured.elements;
        keep(&mut mine.most_bytes, measured.clone(), top, |measured| measured.bytes);
        keep(&mut mine.most_elements, measured, top, |measured| measured.elements);
    }
}

/// Puts one among the `top` biggest, if it is one of them. Of equal ones the one whose key is less comes first, so that the order of
/// finding them does not matter.
fn keep(best: &mut Vec<Measured>, one: Measured, top: usize, size: impl Fn(&Measured) -> u64) {
    let comes_before = |other: &Measured| (size(other), &one.key) > (size(&one), &other.key);
    let place = best.partition_point(comes_before);
    if place < top {
        best.insert(place, one);
        best.truncate(top);
    }
}

/// The command that says how many elements a value of this type has.
pub fn length_command(of_type: &str) -> Option<&'static str> {
    Some(match of_type {
        "string" => "STRLEN",
        "list" => "LLEN",
        "set" => "SCARD",
        "zset" => "ZCARD",
        "hash" => "HLEN",
        "stream" => "XLEN",
        _ => return None,
    })
}

/// All keys of a walk. `samples`: how many elements of a collection MEMORY USAGE looks at, 0 for all; `counted` hears how many
/// keys each batch had.
pub async fn measure(
    node: &str,
    link: &Link,
    mut walk: Walk,
    (samples, top): (u32, usize),
    rate: &Rate,
    counted: impl Fn(u64),
) -> Result<Tally, Failure> {
    let mut tally = Tally::default();
    while let Some(keys) = walk.next().await? {
        rate.take(keys.len()).await;
        let mut pipeline = Pipeline::default();
        for key in &keys {
            pipeline.add(Words::of(&["TYPE"]).and(key));
            let memory = Words::of(&["MEMORY", "USAGE"]).and(key);
            pipeline.add(memory.and("SAMPLES").and(samples.to_string()));
        }
        let replies = link.pipeline(&pipeline).await?;
        let mut found: Vec<(&Vec<u8>, String, u64)> = Vec::with_capacity(keys.len());
        for (key, replies) in keys.iter().zip(replies.chunks(2)) {
            let [of_type, bytes] = replies else { continue };
            let of_type = match of_type {
                Reply::Simple(none) if none == "none" => continue,
                Reply::Simple(of_type) => of_type.clone(),
                Reply::Error(error) if is_redirect(error) => {
                    tally.elsewhere += 1;
                    continue;
                }
                other => return Err(link.unexpected(&Words::of(&["TYPE"]), other).into()),
            };
            let bytes = match bytes {
                Reply::Integer(bytes) => u64::try_from(*bytes).unwrap_or(0),
                Reply::Error(error) => {
                    tally.no_bytes.get_or_insert_with(|| format!("{node}: {error}"));
                    0
                }
                _ => 0,
            };
            found.push((key, of_type, bytes));
        }
        let asks =
            found.iter().filter_map(|(key, of_type, _)| length_command(of_type).map(|name| (name, key)));
        let lengths: Pipeline = asks.map(|(name, key)| Words::of(&[name]).and(key)).collect();
        let mut lengths = link.pipeline(&lengths).await?.into_iter();
        for (key, of_type, bytes) in found {
            let length = length_command(&of_type).and_then(|_| lengths.next());
            let elements = match length {
                Some(Reply::Integer(length)) => u64::try_from(length).unwrap_or(0),
                // A module's value; or the key went or changed its type in between.
                _ => 0,
            };
            let slot = key_slot(key).number();
            let measured = Measured { key: key.clone(), slot, node: node.to_owned(), bytes, elements };
            tally.add(&of_type, measured, top);
        }
        counted(keys.len() as u64);
    }
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(key: &str, bytes: u64) -> Measured {
        Measured { key: key.into(), slot: 0, node: "n".into(), bytes, elements: 100 - bytes }
    }

    #[test]
    fn the_biggest_are_kept_whatever_the_order() {
        let sizes = [("a", 5), ("b", 9), ("c", 7), ("d", 9), ("e", 1)];
        let orders = [sizes.to_vec(), sizes.iter().rev().copied().collect()];
        for order in orders {
            let (mut left, mut right) = (Tally::default(), Tally::default());
            for (number, (key, bytes)) in order.into_iter().enumerate() {
                let half = if number % 2 == 0 { &mut left } else { &mut right };
                half.add("hash", measured(key, bytes), 3);
            }
            left.merge(right, 3);
            let hash = &left.types["hash"];
            let names = |best: &[Measured]| {
                best.iter().map(|one| String::from_utf8_lossy(&one.key).into_owned()).collect::<String>()
            };
            assert_eq!((hash.keys, hash.bytes), (5, 31));
            assert_eq!(names(&hash.most_bytes), "bdc");
            assert_eq!(names(&hash.most_elements), "eac");
        }
    }
}
