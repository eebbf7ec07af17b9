//! Slots that the nodes hand over by themselves, all at once, where both can.
//!
//! | | Redis 8.4 and later | Valkey 9 and later |
//! |---|---|---|
//! | who is asked | the target | the source |
//! | begin | `CLUSTER MIGRATION IMPORT a b …`, answers a task's id | `CLUSTER MIGRATESLOTS SLOTSRANGE a b … NODE target` |
//! | look | `CLUSTER MIGRATION STATUS ID task` | `CLUSTER GETSLOTMIGRATIONS`, by the job's name |
//! | ends | `completed`, `failed`, `canceled` | `success`, `failed`, `cancelled` |
//! | call off | `CLUSTER MIGRATION CANCEL ID task` | `CLUSTER CANCELSLOTMIGRATIONS`: all jobs of the source |
//!
//! What both can is asked of COMMAND INFO. The source streams the slots' keys and the writes to them, pauses writes for a
//! moment, and hands over: clients see no ASK, and no key stalls anybody. A job goes on when `rcl` ends; so jobs between the
//! two that are under way are waited for before one is begun. (Sources: the two projects' documentation of these commands.)

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rcl_proto::resp::Reply;
use rcl_proto::{NodeId, SlotSet};
use tokio::time::sleep;

use super::Conduct;
use super::join::view_lines;
use crate::cli::{Failure, Kind};
use crate::connect::{Link, Words};

/// How many slots one job has: between two jobs a move can be paused and stopped.
pub const SLOTS_PER_JOB: usize = 1024;
const POLL: Duration = Duration::from_millis(100);
/// How long the source may take to see what it has handed over.
const SEEN_LIMIT: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Dialect {
    Redis,
    Valkey,
}

/// The way between two nodes that can.
#[derive(Debug)]
pub struct Handover {
    dialect: Dialect,
    source: Link,
    target: Link,
    source_id: NodeId,
    target_id: NodeId,
}

impl Handover {
    /// `None` when one of them cannot.
    pub async fn between(
        (source, source_id): (&Link, NodeId),
        (target, target_id): (&Link, NodeId),
    ) -> Result<Option<Handover>, Failure> {
        let both: BTreeSet<Dialect> = dialects(source).await?;
        let dialect = both.intersection(&dialects(target).await?).next().copied();
        let (source, target) = (source.clone(), target.clone());
        Ok(dialect.map(|dialect| Handover { dialect, source, target, source_id, target_id }))
    }

    /// False when it was called off on the user's wish: then none of the slots has moved.
    pub async fn run(&self, slots: &SlotSet, conduct: &Conduct) -> Result<bool, Failure> {
        while self.jobs().await?.iter().any(|job| !job.has_ended()) {
            if conduct.stop.requested() {
                return Ok(false);
            }
            sleep(POLL).await;
        }
        let slots = slots.difference(&self.of_target().await?);
        if slots.is_empty() {
            return Ok(true);
        }
        let name = self.begin(&slots).await?;
        let mut called_off = false;
        loop {
            sleep(POLL).await;
            let job = self.job(&name).await?;
            match job.state.as_str() {
                "completed" | "success" => break,
                "canceled" | "cancelled" if called_off => return Ok(false),
                "failed" | "canceled" | "cancelled" => return Err(self.failed(&job)),
                _ if conduct.stop.requested() && !called_off => {
                    called_off = true;
                    self.call_off(&name).await?;
                }
                _ => {}
            }
        }
        let ended = Instant::now();
        while !slots.is_subset(&self.of_target().await?) {
            if ended.elapsed() > SEEN_LIMIT {
                let what = format!("{} does not see what it handed over", self.source.address());
                return Err(Failure::new(Kind::Stopped, what).next("rcl check says who sees what"));
            }
            sleep(POLL).await;
        }
        Ok(true)
    }

    /// What the target owns, by the source's word.
    async fn of_target(&self) -> Result<SlotSet, Failure> {
        let lines = view_lines(&self.source).await?;
        let target = lines.into_iter().find(|line| line.id == self.target_id);
        Ok(target.map(|line| line.slots).unwrap_or_default())
    }

    async fn begin(&self, slots: &SlotSet) -> Result<String, Failure> {
        let ranges = |words: Words| {
            slots
                .ranges()
                .into_iter()
                .fold(words, |words, range| words.and(range.start().to_string()).and(range.end().to_string()))
        };
        match self.dialect {
            Dialect::Redis => {
                let command = ranges(Words::of(&["CLUSTER", "MIGRATION", "IMPORT"]));
                let reply = self.target.call(command.clone()).await?;
                match reply.as_bytes() {
                    Some(task) => Ok(String::from_utf8_lossy(task).into_owned()),
                    None => Err(self.target.unexpected(&command, &reply).into()),
                }
            }
            Dialect::Valkey => {
                let before: BTreeSet<String> = self.jobs().await?.into_iter().map(|job| job.name).collect();
                let command = ranges(Words::of(&["CLUSTER", "MIGRATESLOTS", "SLOTSRANGE"]));
                self.source.call(command.and("NODE").and(self.target_id.to_string())).await?;
                let new = self.jobs().await?.into_iter().find(|job| !before.contains(&job.name));
                new.map(|job| job.name).ok_or_else(|| {
                    let what = format!("{} began a migration and does not list it", self.source.address());
                    Failure::new(Kind::Internal, what)
                })
            }
        }
    }

    async fn job(&self, name: &str) -> Result<Job, Failure> {
        let job = self.jobs().await?.into_iter().find(|job| job.name == name);
        job.ok_or_else(|| {
            let what = format!("{} knows nothing of its migration {name} any more", self.asked().address());
            Failure::new(Kind::Stopped, what).next("run the same command again: what has moved stays")
        })
    }

    /// All jobs from this source to this target, as the node that is asked lists them.
    async fn jobs(&self) -> Result<Vec<Job>, Failure> {
        let command: &[&str] = match self.dialect {
            Dialect::Redis => &["CLUSTER", "MIGRATION", "STATUS", "ALL"],
            Dialect::Valkey => &["CLUSTER", "GETSLOTMIGRATIONS"],
        };
        let command = Words::of(command);
        let reply = self.asked().call(command.clone()).await?;
        let Reply::Array(jobs) = &reply else { return Err(self.asked().unexpected(&command, &reply).into()) };
        let ours =
            |job: &Job| job.source == self.source_id.to_string() && job.target == self.target_id.to_string();
        Ok(jobs.iter().map(Job::of).filter(ours).collect())
    }

    async fn call_off(&self, name: &str) -> Result<(), Failure> {
        let command = match self.dialect {
            Dialect::Redis => Words::of(&["CLUSTER", "MIGRATION", "CANCEL", "ID"]).and(name),
            Dialect::Valkey => Words::of(&["CLUSTER", "CANCELSLOTMIGRATIONS"]),
        };
        // It may have ended just now, which is seen by its state.
        self.asked().raw(&command).await?;
        Ok(())
    }

    fn asked(&self) -> &Link {
        match self.dialect {
            Dialect::Redis => &self.target,
            Dialect::Valkey => &self.source,
        }
    }

    fn failed(&self, job: &Job) -> Failure {
        let what = format!(
            "the migration {} from {} to {} ended as {}: {}",
            job.name,
            self.source.address(),
            self.target.address(),
            job.state,
            if job.why.is_empty() { "no reason is given" } else { &job.why }
        );
        Failure::new(Kind::Stopped, what)
            .next("run the same command again, or with --method keys, which moves key by key")
    }
}

/// What the node knows of the two.
async fn dialects(link: &Link) -> Result<BTreeSet<Dialect>, Failure> {
    let ask = Words::of(&["COMMAND", "INFO", "cluster|migration", "cluster|migrateslots"]);
    // Who does not know the question does not know these.
    let Reply::Array(known) = link.raw(&ask).await? else { return Ok(BTreeSet::new()) };
    let knows = |(dialect, info): (Dialect, &Reply)| {
        matches!(info, Reply::Array(facts) if !facts.is_empty()).then_some(dialect)
    };
    Ok([Dialect::Redis, Dialect::Valkey].into_iter().zip(&known).filter_map(knows).collect())
}

/// A job, as its node tells it.
#[derive(Debug, PartialEq, Eq)]
struct Job {
    name: String,
    source: String,
    target: String,
    state: String,
    why: String,
}

impl Job {
    /// A map, or its names and values in turn. Redis and Valkey name the fields each in its own way.
    fn of(reply: &Reply) -> Job {
        let text = |reply: &Reply| {
            reply.as_bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default()
        };
        let fields: BTreeMap<String, String> = match reply {
            Reply::Map(pairs) => pairs.iter().map(|(name, value)| (text(name), text(value))).collect(),
            Reply::Array(parts) => {
                parts.chunks_exact(2).map(|pair| (text(&pair[0]), text(&pair[1]))).collect()
            }
            _ => BTreeMap::new(),
        };
        let field =
            |names: [&str; 2]| names.iter().find_map(|name| fields.get(*name).cloned()).unwrap_or_default();
        Job {
            name: field(["id", "name"]),
            source: field(["source", "source_node"]),
            target: field(["dest", "target_node"]),
            state: field(["state", "state"]).to_ascii_lowercase(),
            why: field(["last_error", "message"]),
        }
    }

    fn has_ended(&self) -> bool {
        ["completed", "success", "failed", "canceled", "cancelled"].contains(&self.state.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_tell_of_a_job_are_read() {
        let bulk = |text: &str| Reply::Bulk(text.as_bytes().to_vec());
        let redis = Reply::Array(
            ["id", "t1", "slots", "0-9", "source", "a", "dest", "b", "state", "failed", "last_error", "full"]
                .map(bulk)
                .to_vec(),
        );
        let job = Job::of(&redis);
        let all = [&job.name, &job.source, &job.target, &job.state, &job.why];
        assert_eq!(all, ["t1", "a", "b", "failed", "full"]);
        assert!(job.has_ended());
        let valkey = Reply::Map(
            [
                ("name", "n"),
                ("source_node", "a"),
                ("target_node", "b"),
                ("state", "streaming"),
                ("message", ""),
            ]
            .map(|(name, value)| (bulk(name), bulk(value)))
            .to_vec(),
        );
        let job = Job::of(&valkey);
        assert_eq!((job.name.as_str(), job.source.as_str(), job.has_ended()), ("n", "a", false));
    }
}
