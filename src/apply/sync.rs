//! Waiting until a replica has its master's data.
//!
//! ```text
//!   unlinked ─▶ asking ─▶ copying ─▶ loading ─▶ in sync
//!      ▲           └─────────┴──────────┘ breaks off, and begins anew
//!      └──────────────────────┘
//! ```
//!
//! It takes as long as the data take. What is bounded is how long nothing comes, and how often a copy breaks off: one that is cut
//! off at the same limit each time (`client-output-buffer-limit replica` of a master that is written to) would never end.

use std::time::{Duration, Instant};

use super::Stop;
use crate::cli::{Failure, Kind, Session};
use crate::connect::{Cluster, Fields, Words};
use crate::output::{Progress, bytes};
use crate::plan::NodeRef;

const POLL: Duration = Duration::from_millis(10);
/// How long a replica may get nothing.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often its copy may break off.
const MOST_BREAKS: u32 = 5;

/// Waits, as long as it takes, until the replica has its master's data. Its copy's progress is shown.
pub async fn await_in_sync(
    session: &Session,
    cluster: &Cluster,
    replica: &NodeRef,
    master: &NodeRef,
    stop: &Stop,
) -> Result<(), Failure> {
    let link = cluster.link(replica.id)?;
    let mut course = Course::new(Instant::now());
    let mut shown: Option<Progress> = None;
    loop {
        let fields = Fields::of(&link.call(Words::of(&["INFO"])).await?);
        let stage = Stage::of(&fields);
        if stage == Stage::InSync {
            shown.iter().for_each(Progress::finish);
            return Ok(());
        }
        if stop.requested() {
            return Err(Failure::new(Kind::Interrupted, "interrupted"));
        }
        if let Stage::Copying { done, total } | Stage::Loading { done, total } = stage {
            let progress = shown.get_or_insert_with(|| session.output.progress(total, "bytes"));
            progress.message(format!("{} copies its master's data", replica.address));
            progress.show(done, total);
        }
        if let Err(why) = course.note(stage, is_fed(&fields), Instant::now()) {
            let what = format!("{} is not in sync with its master {}: {why}", replica.name(), master.name());
            return Err(Failure::new(Kind::Stopped, what).next(
                "the logs of both say why: a password (masterauth), a firewall, or client-output-buffer-limit are the usual reasons",
            ));
        }
        tokio::time::sleep(POLL).await;
    }
}

/// How far a replica is, by its INFO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It does not say that it is a replica.
    Master,
    Unlinked,
    /// It is to get a copy, of which nothing has come.
    Asking,
    Copying {
        done: u64,
        total: u64,
    },
    Loading {
        done: u64,
        total: u64,
    },
    InSync,
}

impl Stage {
    fn of(fields: &Fields) -> Stage {
        let (read, loaded) = (fields.number("master_sync_read_bytes"), fields.number("loading_loaded_bytes"));
        if fields.get("role") == Some("master") {
            Stage::Master
        } else if fields.get("master_link_status") == Some("up") {
            Stage::InSync
        } else if loaded > 0 {
            Stage::Loading { done: loaded, total: fields.number("loading_total_bytes") }
        } else if read > 0 {
            Stage::Copying { done: read, total: fields.number("master_sync_total_bytes") }
        } else if fields.get("master_sync_in_progress") == Some("1") {
            Stage::Asking
        } else {
            Stage::Unlinked
        }
    }

    /// What came of a copy, whether it is still coming or is being loaded; `None` where there is none.
    fn copied(self) -> Option<u64> {
        match self {
            Stage::Master | Stage::Unlinked | Stage::InSync => None,
            Stage::Asking => Some(0),
            // It has come as a whole, or is loaded as it comes.
            Stage::Loading { .. } => Some(u64::MAX),
            Stage::Copying { done, .. } => Some(done),
        }
    }
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let of = |total: &u64| if *total > 0 { format!(", of {}", bytes(*total)) } else { String::new() };
        match self {
            Stage::Master => f.write_str("it says that it is a master itself"),
            Stage::Unlinked => f.write_str("it has no link to it"),
            Stage::Asking => f.write_str("it asked for a copy and got nothing"),
            Stage::Copying { done, total } => write!(f, "{} of its copy came{}", bytes(*done), of(total)),
            Stage::Loading { done, total } => {
                write!(f, "{} of its copy are loaded{}", bytes(*done), of(total))
            }
            Stage::InSync => f.write_str("it is in sync"),
        }
    }
}

/// A master that is still at work on the copy says so from time to time, though nothing of it comes.
fn is_fed(fields: &Fields) -> bool {
    let silent_s = fields.get("master_sync_last_io_seconds_ago").and_then(|text| text.parse::<u64>().ok());
    silent_s.is_some_and(|seconds| seconds < PATIENCE.as_secs())
}

/// How far it was, and since when.
struct Course {
    stage: Stage,
    since: Instant,
    breaks: u32,
}

impl Course {
    fn new(now: Instant) -> Course {
        Course { stage: Stage::Unlinked, since: now, breaks: 0 }
    }

    /// An error says why there is no use in waiting any longer.
    fn note(&mut self, stage: Stage, is_fed: bool, now: Instant) -> Result<(), String> {
        let last = std::mem::replace(&mut self.stage, stage);
        if stage.copied().unwrap_or(0) < last.copied().unwrap_or(0) {
            self.breaks += 1;
            if self.breaks >= MOST_BREAKS {
                return Err(format!("its copy broke off {} times; the last time, {last}", self.breaks));
            }
        }
        if stage != last || is_fed {
            self.since = now;
        }
        let silent = now.saturating_duration_since(self.since);
        if silent > PATIENCE {
            return Err(format!("nothing has changed for {} s: {stage}", silent.as_secs()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rcl_proto::resp::Reply;

    use super::*;

    fn stage(info: &str) -> Stage {
        Stage::of(&Fields::of(&Reply::Bulk(info.replace(' ', "\r\n").into_bytes())))
    }

    #[test]
    fn how_far_a_replica_is_stands_in_its_info() {
        for (info, expected) in [
            ("role:master", Stage::Master),
            ("role:slave master_link_status:down master_sync_in_progress:0", Stage::Unlinked),
            (
                "role:slave master_link_status:down master_sync_in_progress:1 master_sync_read_bytes:0",
                Stage::Asking,
            ),
            (
                "role:slave master_link_status:down master_sync_in_progress:1 master_sync_read_bytes:70 master_sync_total_bytes:100",
                Stage::Copying { done: 70, total: 100 },
            ),
            (
                "loading:1 loading_total_bytes:100 loading_loaded_bytes:9 role:slave master_link_status:down master_sync_read_bytes:100",
                Stage::Loading { done: 9, total: 100 },
            ),
            ("role:slave master_link_status:up", Stage::InSync),
        ] {
            assert_eq!(stage(info), expected, "{info}");
        }
    }

    #[test]
    fn it_is_given_up_when_nothing_comes_for_long_and_not_while_something_does() {
        let began = Instant::now();
        let at = |seconds| began + Duration::from_secs(seconds);
        let mut course = Course::new(began);
        let copying = |done| Stage::Copying { done, total: 2048 };
        assert_eq!(course.note(Stage::Unlinked, false, at(59)), Ok(()));
        assert_eq!(course.note(Stage::Asking, false, at(60)), Ok(()));
        // Its master writes the copy to a file first.
        assert_eq!(course.note(Stage::Asking, true, at(600)), Ok(()));
        assert_eq!(course.note(copying(1), false, at(650)), Ok(()));
        assert_eq!(course.note(copying(1024), false, at(700)), Ok(()));
        assert_eq!(course.note(copying(1024), false, at(760)), Ok(()));
        let why = course.note(copying(1024), false, at(761)).unwrap_err();
        assert_eq!(why, "nothing has changed for 61 s: 1.0 KiB of its copy came, of 2.0 KiB");
        let why = Course::new(began).note(Stage::Unlinked, false, at(61)).unwrap_err();
        assert_eq!(why, "nothing has changed for 61 s: it has no link to it");
    }

    #[test]
    fn a_copy_that_always_breaks_off_is_given_up() {
        let now = Instant::now();
        let mut course = Course::new(now);
        for _ in 1..MOST_BREAKS {
            for stage in [Stage::Asking, Stage::Copying { done: 512, total: 0 }, Stage::Unlinked] {
                assert_eq!(course.note(stage, true, now), Ok(()));
            }
        }
        assert_eq!(course.note(Stage::Copying { done: 512, total: 0 }, true, now), Ok(()));
        let why = course.note(Stage::Unlinked, true, now).unwrap_err();
        assert_eq!(why, "its copy broke off 5 times; the last time, 512 B of its copy came");
    }
}
