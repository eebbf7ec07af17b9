//! What lies in each slot and what it costs: asked of the masters, all at once.
//!
//! ```text
//!            where the node has CLUSTER SLOT-STATS      elsewhere
//! keys       key-count                                  COUNTKEYSINSLOT
//! memory     memory-bytes (Redis)                       MEMORY USAGE of up to ten keys a slot, by how many there are
//! cpu        cpu-usec, asked twice                      refused
//! traffic    network-bytes-in and -out, asked twice     refused
//! ```
//!
//! SLOT-STATS comes with Redis 8.2 and Valkey 8; all of it but key-count is counted only while `cluster-slot-stats-enabled` is on. The counters
//! of time and traffic begin when a slot comes to its node, so that those of two slots are not of the same time: what counts is how
//! they grow while we look.

use std::time::Duration;

use rcl_proto::resp::Reply;
use rcl_proto::{SLOT_COUNT, Slot, SlotSet};
use tokio::task::JoinSet;

use crate::apply::survey::Survey;
use crate::cli::{Failure, Kind, Session};
use crate::connect::{Cluster, Link, Words};
use crate::topology::Measure;

/// How many keys of a slot are weighed, where its node does not know what the slot takes.
const SAMPLE: u64 = 10;
/// How many slots are sampled between two looks at the progress.
const SLOTS_TOGETHER: usize = 512;

/// Counts the keys of each slot: what plans cost follows from it.
pub async fn count_keys(cluster: &mut Cluster) -> Result<(), Failure> {
    let asked = of_masters(cluster, |link, slots| async move { keys(&link, &slots).await }).await?;
    cluster.topology.slot_use.set(Measure::Keys, asked.into_iter().flatten());
    Ok(())
}

/// Measures what is asked for, and the keys. What grows with time is looked at for as long as `over`.
pub async fn measure(
    session: &Session,
    cluster: &mut Cluster,
    by: Measure,
    over: Duration,
) -> Result<(), Failure> {
    count_keys(cluster).await?;
    match by {
        Measure::Slots | Measure::Keys => Ok(()),
        Measure::Memory => memory(session, cluster).await,
        Measure::Cpu | Measure::Traffic => rates(session, cluster, by, over).await,
    }
}

/// Asks each master that owns slots and answers.
async fn of_masters<T, Asked>(
    cluster: &Cluster,
    ask: impl Fn(Link, Vec<Slot>) -> Asked,
) -> Result<Vec<T>, Failure>
where
    T: Send + 'static,
    Asked: Future<Output = Result<T, Failure>> + Send + 'static,
{
    let mut asked = JoinSet::new();
    for node in cluster.topology.masters() {
        if let Some(link) = cluster.links.get(&node.id).filter(|_| !node.slots.is_empty()) {
            asked.spawn(ask(link.clone(), node.slots.iter().collect()));
        }
    }
    let mut answers = Vec::new();
    while let Some(answer) = asked.join_next().await {
        answers.push(answer.map_err(|error| Failure::new(Kind::Internal, error.to_string()))??);
    }
    Ok(answers)
}

async fn keys(link: &Link, slots: &[Slot]) -> Result<Vec<(Slot, u64)>, Failure> {
    match stats(link, slots, &["key-count"]).await? {
        Stats::Known(found) if found.len() == slots.len() => Ok(found),
        _ => Survey::of(link).count(slots).await,
    }
}

/// What SLOT-STATS says of slots.
enum Stats {
    Known(Vec<(Slot, u64)>),
    /// The node has the command, and does not count this.
    Off,
    Unknown,
}

/// The sum of these metrics for each of these slots.
async fn stats(link: &Link, slots: &[Slot], metrics: &[&str]) -> Result<Stats, Failure> {
    let last = (SLOT_COUNT - 1).to_string();
    let ask = Words::of(&["CLUSTER", "SLOT-STATS", "SLOTSRANGE", "0", &last]);
    let Reply::Array(entries) = link.raw(&ask).await? else { return Ok(Stats::Unknown) };
    let asked: SlotSet = slots.iter().copied().collect();
    let mut found = Vec::new();
    for entry in &entries {
        let Some((slot, figures)) = read(entry) else { return Ok(Stats::Unknown) };
        if !asked.contains(slot) {
            continue;
        }
        let figure =
            |metric: &&str| figures.iter().find(|(name, _)| name == metric).map(|(_, figure)| *figure);
        match metrics.iter().map(figure).sum::<Option<u64>>() {
            Some(figure) => found.push((slot, figure)),
            None => return Ok(Stats::Off),
        }
    }
    Ok(Stats::Known(found))
}

/// `[slot, [name, figure, …]]`.
fn read(entry: &Reply) -> Option<(Slot, Vec<(&str, u64)>)> {
    let Reply::Array(entry) = entry else { return None };
    let [Reply::Integer(slot), Reply::Array(pairs)] = entry.as_slice() else { return None };
    let slot = u16::try_from(*slot).ok().and_then(Slot::new)?;
    Some((slot, pairs.chunks(2).filter_map(figure).collect()))
}

fn figure(pair: &[Reply]) -> Option<(&str, u64)> {
    let [name, Reply::Integer(figure)] = pair else { return None };
    Some((std::str::from_utf8(name.as_bytes()?).ok()?, u64::try_from(*figure).unwrap_or(0)))
}

async fn memory(session: &Session, cluster: &mut Cluster) -> Result<(), Failure> {
    let with_keys = cluster.topology.slot_use.of(Measure::Keys).map(<[u64]>::to_vec).unwrap_or_default();
    let count = with_keys.iter().filter(|keys| **keys > 0).count() as u64;
    let progress = session.output.progress(count, "slots");
    progress.message("weighing");
    let with_keys = std::sync::Arc::new(with_keys);
    let asked = of_masters(cluster, |link, slots| {
        let (progress, with_keys) = (progress.clone(), with_keys.clone());
        async move {
            if let Stats::Known(found) = stats(&link, &slots, &["memory-bytes"]).await? {
                return Ok(found);
            }
            let counts: Vec<(Slot, u64)> = slots
                .iter()
                .map(|slot| (*slot, with_keys[slot.index()]))
                .filter(|(_, keys)| *keys > 0)
                .collect();
            let mut found = Vec::new();
            for part in counts.chunks(SLOTS_TOGETHER) {
                found.extend(sample(&link, part).await?);
                progress.add(part.len() as u64);
            }
            Ok(found)
        }
    })
    .await;
    progress.finish();
    cluster.topology.slot_use.set(Measure::Memory, asked?.into_iter().flatten());
    Ok(())
}

/// Of each slot some keys are weighed, and taken for all.
async fn sample(link: &Link, counts: &[(Slot, u64)]) -> Result<Vec<(Slot, u64)>, Failure> {
    let some: Vec<(Slot, u64)> = counts.iter().map(|(slot, keys)| (*slot, (*keys).min(SAMPLE))).collect();
    let weighed = Survey::of(link).look(&some).await?;
    let of_slot = |(slot, names): (Slot, Vec<crate::apply::Weighed>)| {
        let keys = counts.iter().find(|(other, _)| *other == slot).map_or(0, |(_, keys)| *keys);
        let bytes: u64 = names.iter().map(|key| key.bytes).sum();
        (slot, whole(bytes, names.len() as u64, keys))
    };
    Ok(weighed.into_iter().map(of_slot).collect())
}

/// What all take, where some take so much.
fn whole(bytes: u64, some: u64, all: u64) -> u64 {
    u64::try_from(u128::from(bytes) * u128::from(all) / u128::from(some.max(1))).unwrap_or(u64::MAX)
}

async fn rates(session: &Session, cluster: &mut Cluster, by: Measure, over: Duration) -> Result<(), Failure> {
    let before = counters(cluster, by).await?;
    session.output.status(&format!("looking at the slots' counters for {} s", over.as_secs_f64()));
    let progress = session.output.progress(over.as_millis() as u64, "ms");
    progress.message("looking");
    let began = tokio::time::Instant::now();
    while began.elapsed() < over {
        tokio::time::sleep((over - began.elapsed().min(over)).min(Duration::from_millis(250))).await;
        progress.show(began.elapsed().as_millis() as u64, over.as_millis() as u64);
    }
    progress.finish();
    let seconds = began.elapsed().as_secs_f64();
    let after = counters(cluster, by).await?;
    let mut earlier = vec![None; SLOT_COUNT];
    before.into_iter().for_each(|(slot, counter)| earlier[slot.index()] = Some(counter));
    // What is counted at all is not nothing a second.
    let rate = |(slot, counter): (Slot, u64)| {
        let grown = earlier[slot.index()].map_or(0, |before| counter.saturating_sub(before));
        (slot, (grown as f64 / seconds).ceil() as u64)
    };
    let rates: Vec<(Slot, u64)> = after.into_iter().map(rate).collect();
    if rates.iter().all(|(_, rate)| *rate == 0) {
        return Err(Failure::refused(format!(
            "no slot was used within {seconds:.1} s: there is nothing to even out"
        ))
        .next("--over looks for longer; --by keys and --by memory do not go by what clients do"));
    }
    cluster.topology.slot_use.set(by, rates);
    Ok(())
}

async fn counters(cluster: &Cluster, by: Measure) -> Result<Vec<(Slot, u64)>, Failure> {
    let (metrics, what): (&'static [&'static str], _) = match by {
        Measure::Cpu => (&["cpu-usec"], "processor time"),
        _ => (&["network-bytes-in", "network-bytes-out"], "traffic"),
    };
    let asked = of_masters(cluster, |link, slots| async move {
        let found = stats(&link, &slots, metrics).await?;
        Ok((link.address().to_string(), found))
    });
    let mut counters = Vec::new();
    for (address, found) in asked.await? {
        let refused = |why: &str, next: String| {
            Err(Failure::refused(format!("{address} does not count {what} by slot: {why}")).next(next))
        };
        match found {
            Stats::Known(found) => counters.extend(found),
            Stats::Off => {
                return refused(
                    "its cluster-slot-stats-enabled is off",
                    format!(
                        "rcl call {} CONFIG SET cluster-slot-stats-enabled yes switches it on everywhere; or use --by \
                         keys or --by memory",
                        cluster.entry
                    ),
                );
            }
            Stats::Unknown => {
                return refused(
                    "it knows no CLUSTER SLOT-STATS",
                    "Redis does from 8.2 on, Valkey from 8 on; use --by keys or --by memory".to_owned(),
                );
            }
        }
    }
    Ok(counters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_of_slot_stats_is_read_and_what_is_none_is_not() {
        let bulk = |text: &str| Reply::Bulk(text.as_bytes().to_vec());
        let pairs = vec![bulk("key-count"), Reply::Integer(7), bulk("cpu-usec"), Reply::Integer(99)];
        let entry = Reply::Array(vec![Reply::Integer(12), Reply::Array(pairs)]);
        let (slot, figures) = read(&entry).unwrap();
        assert_eq!((slot.number(), figures), (12, vec![("key-count", 7), ("cpu-usec", 99)]));
        for bad in [
            Reply::Null,
            Reply::Array(vec![]),
            Reply::Array(vec![Reply::Integer(16384), Reply::Array(vec![])]),
        ] {
            assert!(read(&bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn a_sample_stands_for_the_whole() {
        assert_eq!(whole(1000, 10, 25), 2500);
        assert_eq!(whole(0, 0, 25), 0);
        assert_eq!(whole(u64::MAX, 1, 2), u64::MAX);
    }
}
