//! Keys that exist on both sides of a move.
//!
//! While a slot is open its source serves what it holds, and clients are sent to the target only for what it does not hold. So
//! a key that both have is the source's; the target's cannot change until it is gone there. How does it get there?
//!
//! - The source was killed between storing it on the target and deleting it, or a replica took over that had not heard of the
//!   deletion: then the values are the same, and moving the source's once more loses nothing. That is done.
//! - The values differ: clients wrote to the one or the other since. Which of them is right nobody can tell from here, so the
//!   key is named and the user decides.

use std::collections::BTreeSet;

use rcl_proto::Slot;
use rcl_proto::resp::Reply;

use super::window::{Call, Weighed};
use crate::cli::{Failure, Kind};
use crate::connect::{Link, Pipeline, Words};

/// Version and checksum at the end of every DUMP.
const FOOTER_BYTES: usize = 10;

/// Looks at all keys of a call. `Ok`: those that are on the target hold the same there, and may be replaced.
pub async fn same_on_both(source: &Link, target: &Link, call: Call<'_>) -> Result<(), Failure> {
    for key in call.1 {
        let here = ask(source, &["DUMP"], key).await?;
        let there = ask(target, &["DUMP"], key).await?;
        let (Reply::Bulk(here), Reply::Bulk(there)) = (here, there) else { continue };
        let payload = |dump: &[u8]| dump[..dump.len().saturating_sub(FOOTER_BYTES)].to_vec();
        if payload(&here) != payload(&there) && !same_elements(source, target, key).await? {
            return Err(differs(source, target, call.0, key));
        }
    }
    Ok(())
}

/// Whether a move stopped since both sides hold a key, with different values.
pub fn is_difference(failure: &Failure) -> bool {
    failure.what.contains(ANOTHER_VALUE)
}

const ANOTHER_VALUE: &str = "with another value";

/// What the node holds of a key. ASKING is for a target that imports the slot; others do not mind.
async fn ask(link: &Link, command: &[&str], key: &Weighed) -> Result<Reply, Failure> {
    let both: Pipeline = [Words::of(&["ASKING"]), Words::of(command).and(&key.name)].into_iter().collect();
    Ok(link.pipeline(&both).await?.pop().unwrap_or(Reply::Null))
}

/// Hashes and sets are serialised in an order that is each node's own.
async fn same_elements(source: &Link, target: &Link, key: &Weighed) -> Result<bool, Failure> {
    for (kind, command, of_each) in [("hash", "HGETALL", 2), ("set", "SMEMBERS", 1)] {
        let kind = Some(kind.as_bytes());
        if ask(source, &["TYPE"], key).await?.as_bytes() == kind
            && ask(target, &["TYPE"], key).await?.as_bytes() == kind
        {
            let here = elements(ask(source, &[command], key).await?, of_each);
            return Ok(here.is_some() && here == elements(ask(target, &[command], key).await?, of_each));
        }
    }
    Ok(false)
}

fn elements(reply: Reply, of_each: usize) -> Option<BTreeSet<Vec<Vec<u8>>>> {
    let Reply::Array(parts) = reply else { return None };
    let parts: Vec<Vec<u8>> = parts.iter().filter_map(|part| part.as_bytes().map(<[u8]>::to_vec)).collect();
    Some(parts.chunks(of_each).map(<[Vec<u8>]>::to_vec).collect())
}

fn differs(source: &Link, target: &Link, slot: Slot, key: &Weighed) -> Failure {
    let (source, target) = (source.address(), target.address());
    let name = key.name.escape_ascii();
    let what = format!("'{name}' of slot {slot} exists on {source} and, {ANOTHER_VALUE}, on {target}");
    Failure::new(Kind::Stopped, what).next(format!(
        "if the value on {source}, which serves the slot, is the right one, run again with --replace"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_compared_without_their_order() {
        let reply = |words: &[&str]| {
            Reply::Array(words.iter().map(|word| Reply::Bulk(word.as_bytes().to_vec())).collect())
        };
        assert_eq!(elements(reply(&["a", "1", "b", "2"]), 2), elements(reply(&["b", "2", "a", "1"]), 2));
        assert_ne!(elements(reply(&["a", "1", "b", "2"]), 2), elements(reply(&["a", "2", "b", "1"]), 2));
        assert_eq!(elements(Reply::Null, 1), None);
    }
}
