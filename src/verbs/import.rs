//! `rcl import`: keys of a server or another cluster, while it serves.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use rcl_proto::Address;
use serde::Serialize;
use tokio::task::JoinSet;

use super::origin::Login;
use crate::cli::{Failure, Kind, Manners, Session};
use crate::connect::Fields;
use crate::import::{Conflict, Copied, Copier, Cursor, Follower, Job};
use crate::keys::{Filter, Holder, Keyspace, Rate, Walk};
use crate::output::{Paint, Progress, Report, bytes, count, number_of, paint};
use crate::topology::first_moved_slot;

/// How many keys are asked for at once of each node.
const BATCH: usize = 250;

/// Copies or moves the keys of a server, or of another cluster, into a cluster
///
/// Both sides serve meanwhile. With --follow, what is written at the source is followed until Ctrl-C, so that an application can be
/// led over with a short stop of its writers; without it, what is written behind the walk is not. A key that the target has with the same value is taken as copied, so that the same
/// command may be repeated; with --cursor FILE an interrupted one goes on where it was.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A server, or any node of the cluster, to take keys from
    #[arg(value_name = "SOURCE")]
    pub source: Address,

    /// Any node of the cluster that gets them
    #[arg(value_name = "HOST:PORT", env = "RCL_ENTRY")]
    pub entry: Address,

    /// Deletes each key at the source when the target has it, unless it has changed since
    #[arg(long = "move")]
    pub moves: bool,

    #[command(flatten)]
    pub filter: Filter,

    /// Overwrites keys that the target has with another value
    #[arg(long, conflicts_with = "keep_existing")]
    pub replace: bool,

    /// Leaves keys that the target has with another value
    #[arg(long)]
    pub keep_existing: bool,

    /// Then follows what is written at the source, until Ctrl-C: the target has what the source has
    #[arg(long, conflicts_with_all = ["moves", "cursor", "of_type"])]
    pub follow: bool,

    /// Keeps in this file how far it has come
    #[arg(long, value_name = "FILE")]
    pub cursor: Option<PathBuf>,

    /// No more than so many keys a second
    #[arg(long, value_name = "KEYS", value_parser = clap::value_parser!(u64).range(1..))]
    pub rate: Option<u64>,

    #[command(flatten)]
    pub login: Login,
}

/// What is about to be done.
#[derive(Debug, Serialize)]
struct Plan {
    source: String,
    source_nodes: usize,
    source_keys: u64,
    target: String,
    target_keys: u64,
    moves: bool,
    existing: &'static str,
    /// Keys that an interrupted run has brought over.
    done_before: u64,
}

impl Report for Plan {
    fn text(&self) -> String {
        let verb = if self.moves { "move" } else { "copy" };
        let mut lines = vec![
            format!(
                "{verb} the keys of {}: {}, {}",
                self.source,
                number_of(self.source_nodes, "node"),
                number_of(self.source_keys, "key")
            ),
            format!(
                "  into    the cluster of {}, which has {}",
                self.target,
                number_of(self.target_keys, "key")
            ),
            format!("  keys that it has with another value: {}", self.existing),
        ];
        if self.done_before > 0 {
            lines.push(format!("  {} keys are done already", count(self.done_before)));
        }
        lines.join("\n")
    }
}

#[derive(Debug, Serialize)]
struct Imported {
    copied: u64,
    /// Written at the source meanwhile.
    copied_again: u64,
    /// Deleted at the source meanwhile.
    deleted_again: u64,
    same: u64,
    kept: u64,
    gone: u64,
    removed_at_source: u64,
    left_at_source: u64,
    bytes: u64,
    seconds: f64,
}

impl Report for Imported {
    fn text(&self) -> String {
        let rate = if self.seconds > 0.0 { self.copied as f64 / self.seconds } else { 0.0 };
        let mut lines = vec![format!(
            "{}: {}, {} in {:.1} s ({} keys/s)",
            paint(Paint::Good, "imported"),
            number_of(self.copied, "key"),
            bytes(self.bytes),
            self.seconds,
            count(rate as u64)
        )];
        for (number, what) in [
            (self.copied_again, "times a key was copied again, since it was written at the source"),
            (self.deleted_again, "times a key went, since it was deleted at the source"),
            (self.same, "keys were there already"),
            (self.kept, "keys were there with another value, which stayed"),
            (self.gone, "keys went away at the source meanwhile"),
            (self.removed_at_source, "keys were deleted at the source"),
            (
                self.left_at_source,
                "keys changed too often at the source: they are copied, and are still there",
            ),
        ] {
            if number > 0 {
                lines.push(format!("{} {what}", count(number)));
            }
        }
        lines.join("\n")
    }
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let source = Arc::new(args.login.open(session, &args.source).await?);
    let target = Arc::new(Keyspace::open(&session.connector.patient(), &args.entry, 0).await?);
    refuse_itself(args, &source, &target)?;
    let holders = source.holders(false)?;
    let job = Job {
        source: args.source.to_string(),
        database: args.login.from_db,
        target: args.entry.to_string(),
        pattern: args.filter.pattern.clone(),
        of_type: args.filter.of_type.clone(),
        moves: args.moves,
    };
    let cursor = Cursor::open(args.cursor.as_deref(), job)?;
    let mut walks = Vec::new();
    for holder in holders {
        let server = Fields::of_section(&holder.link, "server").await?;
        let run_id = server.get("run_id").unwrap_or_default().to_owned();
        walks.push((holder, run_id));
    }
    let done_before = walks.iter().map(|(holder, run_id)| cursor.start(&holder.id, run_id).1).sum();
    let plan = plan(args, &walks, &target, done_before)?;
    if !session.show_and_confirm(&plan, "Go ahead?", Manners::MustConfirm)? {
        return Ok(());
    }
    let before = source.cluster();
    let started = Instant::now();
    let progress = session.output.progress(plan.source_keys, "keys");
    progress.message(if args.moves { "moving" } else { "copying" });
    progress.add(done_before);
    let follower = match args.follow {
        true => {
            let holders: Vec<Holder> = walks.iter().map(|(holder, _)| holder.clone()).collect();
            let connector = args.login.connector(session)?;
            Some(Follower::start(&connector, &holders, &args.filter, args.login.from_db).await?)
        }
        false => None,
    };
    let copier = Copier::new(Arc::clone(&source), target, conflict(args), args.moves);
    let copied = copy_all(args, &copier, walks, cursor, &progress).await?;
    progress.finish();
    let followed = match &follower {
        Some(follower) => follower.follow(&copier, &session.output, &enough_on_ctrl_c()).await?,
        None => Copied::default(),
    };
    session.output.print(&Imported {
        copied: copied.copied,
        copied_again: followed.copied,
        deleted_again: followed.gone,
        same: copied.same,
        kept: copied.kept,
        gone: copied.gone,
        removed_at_source: copied.removed,
        left_at_source: copied.left,
        bytes: copied.bytes,
        seconds: started.elapsed().as_secs_f64(),
    });
    let Some(before) = before else { return Ok(()) };
    let after = source.observe_again().await?;
    match first_moved_slot(&before.topology, &after.topology) {
        None => Ok(()),
        Some(slot) => Err(Failure::new(
            Kind::Stopped,
            format!(
                "slots of the source moved meanwhile (slot {slot} is one): keys in them may have been missed"
            ),
        )
        .next("run the same command again when nothing moves; what is there already is seen as the same")),
    }
}

/// A move onto itself would copy each key over itself and delete it.
fn refuse_itself(args: &Args, source: &Keyspace, target: &Keyspace) -> Result<(), Failure> {
    let ids = |keyspace: &Keyspace| -> Result<Vec<String>, Failure> {
        Ok(keyspace.holders(false)?.into_iter().map(|holder| holder.id).collect())
    };
    let there = ids(target)?;
    if args.source == args.entry || ids(source)?.iter().any(|id| there.contains(id)) {
        return Err(Failure::refused(format!("{} and {} are the same", args.source, args.entry)));
    }
    Ok(())
}

fn plan(
    args: &Args,
    walks: &[(Holder, String)],
    target: &Keyspace,
    done_before: u64,
) -> Result<Plan, Failure> {
    Ok(Plan {
        source: args.source.to_string(),
        source_nodes: walks.len(),
        source_keys: walks.iter().map(|(holder, _)| holder.keys).sum(),
        target: args.entry.to_string(),
        target_keys: target.holders(false)?.iter().map(|holder| holder.keys).sum(),
        moves: args.moves,
        existing: match conflict(args) {
            Conflict::Refuse => "the work ends there",
            Conflict::Replace => "they are overwritten",
            Conflict::Keep => "they stay",
        },
        done_before,
    })
}

fn conflict(args: &Args) -> Conflict {
    match (args.replace, args.keep_existing) {
        (true, _) => Conflict::Replace,
        (_, true) => Conflict::Keep,
        _ => Conflict::Refuse,
    }
}

/// Becomes true with the first Ctrl-C; the second ends the program.
fn enough_on_ctrl_c() -> Arc<AtomicBool> {
    let enough = Arc::new(AtomicBool::new(false));
    let heard = Arc::clone(&enough);
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            heard.store(true, Ordering::Relaxed);
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(i32::from(Kind::Interrupted.code()));
        }
    });
    enough
}

async fn copy_all(
    args: &Args,
    copier: &Copier,
    walks: Vec<(Holder, String)>,
    cursor: Cursor,
    progress: &Progress,
) -> Result<Copied, Failure> {
    let (cursor, rate) = (Arc::new(Mutex::new(cursor)), Arc::new(Rate::new(args.rate)));
    let mut tasks = JoinSet::new();
    for (holder, run_id) in walks {
        let (copier, cursor, rate) = (copier.clone(), Arc::clone(&cursor), Arc::clone(&rate));
        let (filter, progress) = (args.filter.clone(), progress.clone());
        tasks.spawn(async move {
            let locked = || cursor.lock().unwrap_or_else(PoisonError::into_inner);
            let (start, mut keys_done) = locked().start(&holder.id, &run_id);
            let mut walk = Walk::new(holder.link.clone(), filter, BATCH).from(start);
            let mut all = Copied::default();
            while let Some(keys) = walk.next().await? {
                rate.take(keys.len()).await;
                let count = keys.len() as u64;
                all.add(copier.batch(keys).await?);
                keys_done += count;
                progress.add(count);
                locked().advance(&holder.id, &run_id, walk.cursor(), keys_done)?;
            }
            Ok::<Copied, Failure>(all)
        });
    }
    let mut all = Copied::default();
    while let Some(part) = tasks.join_next().await {
        all.add(part.map_err(|error| Failure::new(Kind::Internal, error.to_string()))??);
    }
    cursor.lock().unwrap_or_else(PoisonError::into_inner).remove();
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_happened_is_told() {
        let imported = Imported {
            copied: 5000,
            copied_again: 0,
            deleted_again: 0,
            same: 12,
            kept: 0,
            gone: 0,
            removed_at_source: 5012,
            left_at_source: 0,
            bytes: 1 << 20,
            seconds: 2.0,
        };
        assert_eq!(
            anstream::adapter::strip_str(&imported.text()).to_string(),
            "imported: 5,000 keys, 1.0 MiB in 2.0 s (2,500 keys/s)\n12 keys were there already\n\
             5,012 keys were deleted at the source"
        );
    }
}
