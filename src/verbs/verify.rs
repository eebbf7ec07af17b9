//! `rcl verify`: whether two data sets are the same, key by key.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use rcl_proto::Address;
use rcl_proto::key_slot;
use rcl_store::rdb::{Item, RawKey, Step};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::origin::Login;
use crate::backup::{FileRecord, Folder, Manifest, open_file, slots_of};
use crate::cli::{Failure, Kind, Session};
use crate::connect::address;
use crate::keys::{Filter, Keyspace, Rate, Walk, key_text};
use crate::output::{Paint, Progress, Report, count, number_of, paint};
use crate::verify::{
    BIG_BYTES, Comparison, Contents, Difference, Found, Given, Head, Outcome, Sample, hash_of,
};

/// How many keys are asked about at once of each node.
const BATCH: usize = 250;

/// Compares two clusters, or a backup with a cluster, key by key
///
/// Types, values and times to live, whatever the versions and encodings of the two sides; then what only the second has. A key
/// that differs is looked at again before it is reported, since living data change meanwhile. Exits with 1 when there are
/// differences.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A node of the first cluster, a server that is none, or the folder of a backup
    #[arg(value_name = "SOURCE")]
    pub source: String,

    /// A node of the second cluster, or a server that is none
    #[arg(value_name = "HOST:PORT", env = "RCL_ENTRY")]
    pub entry: Address,

    /// Looks at about so many keys only, which their names decide
    #[arg(long, value_name = "KEYS", value_parser = clap::value_parser!(u64).range(1..))]
    pub sample: Option<u64>,

    #[command(flatten)]
    pub filter: Filter,

    /// How far two times to live may be apart, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 1000)]
    pub ttl_tolerance: u64,

    /// How many keys to name of each kind of difference
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    pub show: usize,

    /// No more than so many keys a second
    #[arg(long, value_name = "KEYS", value_parser = clap::value_parser!(u64).range(1..))]
    pub rate: Option<u64>,

    #[command(flatten)]
    pub login: Login,
}

#[derive(Debug, Serialize)]
struct Verdict {
    same: bool,
    /// Keys of the first side.
    compared: u64,
    /// Keys of the second side that were looked for on the first.
    looked_for: u64,
    /// Of how many keys one was looked at.
    sampled_one_of: u64,
    differences: BTreeMap<Difference, Found>,
    notes: Vec<String>,
}

impl Report for Verdict {
    fn text(&self) -> String {
        let mut lines = Vec::new();
        for (difference, found) in &self.differences {
            lines.push(format!("{} {}", paint(Paint::Bad, count(found.count)), difference.text()));
            lines.extend(found.keys.iter().map(|key| format!("  {key}")));
            let more = found.count.saturating_sub(found.keys.len() as u64);
            if more > 0 {
                lines.push(format!("  and {} more (--show)", count(more)));
            }
        }
        lines.extend(self.notes.iter().map(|note| format!("{}: {note}", paint(Paint::Warn, "note"))));
        let verdict = if self.same { paint(Paint::Good, "the same") } else { paint(Paint::Bad, "different") };
        let sampled = match self.sampled_one_of {
            1 => String::new(),
            one_of => format!(" (one of {})", count(one_of)),
        };
        lines.push(format!(
            "{verdict}: {} compared{sampled}, {} looked for on the first",
            number_of(self.compared, "key"),
            count(self.looked_for)
        ));
        lines.join("\n")
    }
}

/// What all parts of the work share.
#[derive(Clone)]
struct Work {
    second: Arc<Keyspace>,
    sample: Sample,
    filter: Filter,
    ttl_tolerance_ms: u64,
    show: usize,
    rate: Arc<Rate>,
    progress: Progress,
}

impl Work {
    fn comparison<'a>(&'a self, first: Option<&'a Keyspace>) -> Comparison<'a> {
        Comparison { first, second: &self.second, ttl_tolerance_ms: self.ttl_tolerance_ms, show: self.show }
    }
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let second = Arc::new(Keyspace::open(&session.connector.patient(), &args.entry, 0).await?);
    let on_second = keys_of(&second)?;
    let path = Path::new(&args.source);
    let verdict = if path.is_dir() {
        let (folder, manifest) = Folder::open(path)?;
        let work = work(session, args, second, manifest.keys, manifest.keys + on_second);
        with_backup(&work, &folder, &manifest).await?
    } else {
        let source = address::read(&args.source).map_err(|_| {
            Failure::usage(format!("'{}' is no folder of a backup and no host:port", args.source))
        })?;
        let first = Arc::new(args.login.open(session, &source).await?);
        let keys = keys_of(&first)?;
        let work = work(session, args, second, keys, keys + on_second);
        with_living(&work, first).await?
    };
    let same = verdict.same;
    session.output.print(&verdict);
    if same { Ok(()) } else { Err(Failure::new(Kind::Unhealthy, "")) }
}

fn keys_of(keyspace: &Keyspace) -> Result<u64, Failure> {
    Ok(keyspace.holders(false)?.iter().map(|holder| holder.keys).sum())
}

fn work(session: &Session, args: &Args, second: Arc<Keyspace>, keys: u64, steps: u64) -> Work {
    let progress = session.output.progress(steps, "keys");
    progress.message("comparing");
    Work {
        second,
        sample: Sample::new(args.sample, keys),
        filter: args.filter.clone(),
        ttl_tolerance_ms: args.ttl_tolerance,
        show: args.show,
        rate: Arc::new(Rate::new(args.rate)),
        progress,
    }
}

/// What came of all tasks together.
async fn gather(mut tasks: JoinSet<Result<Outcome, Failure>>, show: usize) -> Result<Outcome, Failure> {
    let mut all = Outcome::default();
    while let Some(task) = tasks.join_next().await {
        let outcome = task.map_err(|error| Failure::new(Kind::Internal, error.to_string()))??;
        all.merge(outcome, show);
    }
    Ok(all)
}

fn verdict(work: &Work, outcome: Outcome, notes: Vec<String>) -> Verdict {
    work.progress.finish();
    Verdict {
        same: outcome.is_same(),
        compared: outcome.compared,
        looked_for: outcome.looked_for,
        sampled_one_of: work.sample.one_of(),
        differences: outcome.differences,
        notes,
    }
}

async fn with_living(work: &Work, first: Arc<Keyspace>) -> Result<Verdict, Failure> {
    let owners = |keyspace: &Keyspace| keyspace.cluster().map(|cluster| cluster.topology.clone());
    let (first_before, second_before) = (owners(&first), owners(&work.second));
    let mut tasks = JoinSet::new();
    for holder in first.holders(false)? {
        let (work, first) = (work.clone(), Arc::clone(&first));
        let mut walk = Walk::new(holder.link, work.filter.clone(), BATCH);
        tasks.spawn(async move {
            let mut all = Outcome::default();
            while let Some(keys) = walk.next().await? {
                work.progress.add(keys.len() as u64);
                let keys = keys.into_iter().filter(|key| work.sample.takes(key));
                let given: Vec<Given> = keys.map(|key| Given { key, kept: None }).collect();
                work.rate.take(given.len()).await;
                all.merge(work.comparison(Some(&first)).batch(given).await?, work.show);
            }
            Ok(all)
        });
    }
    for holder in work.second.holders(false)? {
        let (work, first) = (work.clone(), Arc::clone(&first));
        let mut walk = Walk::new(holder.link, work.filter.clone(), BATCH);
        tasks.spawn(async move {
            let mut all = Outcome::default();
            while let Some(keys) = walk.next().await? {
                work.progress.add(keys.len() as u64);
                let keys: Vec<Vec<u8>> = keys.into_iter().filter(|key| work.sample.takes(key)).collect();
                work.rate.take(keys.len()).await;
                all.merge(work.comparison(Some(&first)).extra(&first, keys).await?, work.show);
            }
            Ok(all)
        });
    }
    let outcome = gather(tasks, work.show).await?;
    let mut notes = Vec::new();
    for (keyspace, before) in [(&first, first_before), (&work.second, second_before)] {
        let Some(before) = before else { continue };
        let after = keyspace.observe_again().await?;
        if crate::topology::first_moved_slot(&before, &after.topology).is_some() {
            notes.push(format!(
                "slots of the cluster of {} moved meanwhile: keys in them may not have been looked at",
                keyspace.entry
            ));
        }
    }
    Ok(verdict(work, outcome, notes))
}

async fn with_backup(work: &Work, folder: &Folder, manifest: &Manifest) -> Result<Verdict, Failure> {
    let mut tasks = JoinSet::new();
    let names = Arc::new(std::sync::Mutex::new(HashSet::new()));
    for file in manifest.files.clone() {
        let (work, folder, names) = (work.clone(), folder.clone(), Arc::clone(&names));
        tasks.spawn(async move {
            let (batches, mut ready) = mpsc::channel(2);
            let (sample, filter) = (work.sample, work.filter.clone());
            let read = move || read_file(&folder, &file, sample, &filter, &names, &batches);
            let reader = tokio::task::spawn_blocking(read);
            let mut all = Outcome::default();
            while let Some(given) = ready.recv().await {
                work.rate.take(given.len()).await;
                work.progress.add(given.len() as u64);
                all.merge(work.comparison(None).batch(given).await?, work.show);
            }
            reader.await.map_err(|error| Failure::new(Kind::Internal, error.to_string()))??;
            Ok(all)
        });
    }
    let mut outcome = gather(tasks, work.show).await?;
    let names = std::mem::take(&mut *names.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    let names = Arc::new(names);
    let mut tasks = JoinSet::new();
    for holder in work.second.holders(false)? {
        let (work, names) = (work.clone(), Arc::clone(&names));
        let mut walk = Walk::new(holder.link, work.filter.clone(), BATCH);
        tasks.spawn(async move {
            let mut all = Outcome::default();
            while let Some(keys) = walk.next().await? {
                work.progress.add(keys.len() as u64);
                for key in keys.iter().filter(|key| work.sample.takes(key)) {
                    all.looked_for += 1;
                    if !names.contains(&hash_of(key)) {
                        all.note(key_text(key), Difference::Extra, work.show);
                    }
                }
            }
            Ok(all)
        });
    }
    outcome.merge(gather(tasks, work.show).await?, work.show);
    let notes = vec!["a key that was written since the backup was taken differs from it".to_owned()];
    let notes = if outcome.is_same() { Vec::new() } else { notes };
    Ok(verdict(work, outcome, notes))
}

/// Sends the keys of a file in batches; `names` gets the hashes of all that are looked at.
fn read_file(
    folder: &Folder,
    record: &FileRecord,
    sample: Sample,
    filter: &Filter,
    names: &std::sync::Mutex<HashSet<u64>>,
    batches: &mpsc::Sender<Vec<Given>>,
) -> Result<(), Failure> {
    let (slots, mut file) = (slots_of(record)?, open_file(folder, record)?);
    let (mut batch, mut bytes) = (Vec::new(), 0);
    loop {
        let step = file
            .next_step()
            .map_err(|error| Failure::refused(format!("{} cannot be read: {error}", record.name)))?;
        let has_ended = matches!(step, Step::Other(Item::End));
        if let Step::Key(key) = step
            && filter.takes(&key.key, key.form.type_name())
            && slots.contains(key_slot(&key.key))
            && sample.takes(&key.key)
        {
            bytes += key.value_bytes;
            batch.push(given(key));
        }
        if has_ended || batch.len() >= BATCH || bytes >= 4 * BIG_BYTES {
            let hashes: Vec<u64> = batch.iter().map(|given: &Given| hash_of(&given.key)).collect();
            names.lock().unwrap_or_else(std::sync::PoisonError::into_inner).extend(hashes);
            bytes = 0;
            if batches.blocking_send(std::mem::take(&mut batch)).is_err() || has_ended {
                return Ok(());
            }
        }
    }
}

fn given(key: RawKey) -> Given {
    let head = Head {
        of_type: key.form.type_name().to_owned(),
        expiry_ms: key.expiry_ms,
        is_big: key.value_bytes > BIG_BYTES,
    };
    Given { key: key.key, kept: Some((head, Contents::Payload(Arc::new(key.payload.unwrap_or_default())))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_names_what_differs() {
        let found =
            |count, keys: &[&str]| Found { count, keys: keys.iter().map(|key| (*key).into()).collect() };
        let verdict = Verdict {
            same: false,
            compared: 1_234_567,
            looked_for: 1_234_570,
            sampled_one_of: 100,
            differences: BTreeMap::from([
                (Difference::Value, found(12, &["user:1", "user:2"])),
                (Difference::Missing, found(1, &["a\\x0ab"])),
            ]),
            notes: Vec::new(),
        };
        assert_eq!(
            anstream::adapter::strip_str(&verdict.text()).to_string(),
            "1 missing on the second\n  a\\x0ab\n12 with another value\n  user:1\n  user:2\n  and 10 more (--show)\n\
             different: 1,234,567 keys compared (one of 100), 1,234,570 looked for on the first"
        );
        let json = serde_json::to_string(&verdict.differences).unwrap();
        assert!(json.starts_with(r#"{"missing":{"count":1,"keys":"#), "{json}");
    }
}
