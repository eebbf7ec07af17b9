//! `rcl restore`: a backup into a cluster, of as many masters as it has.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use rcl_proto::Address;
use serde::Serialize;
use tokio::task::JoinSet;

use crate::backup::{
    Existing, Folder, Libraries, Loaded, Loader, Manifest, Readable, check_sum, functions, refuse_too_long,
};
use crate::cli::{Failure, Kind, Manners, Session};
use crate::connect::Cluster;
use crate::keys::{Keyspace, Rate};
use crate::output::{Paint, Report, bytes, count, number_of, paint};

/// Restores a backup into a cluster, with any number of masters
///
/// Each key goes to the owner of its slot, with its time to live; function libraries go to all masters. A cluster with keys is
/// refused, unless --replace or --into-non-empty says what becomes of them. Files that are damaged, and values that the target
/// cannot take, are refused before anything is written. Interrupted, it goes on with --into-non-empty.
///
/// Into a lab: rcl lab start, rcl create, rcl restore.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder of the backup
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,

    /// Any node of the cluster
    #[arg(value_name = "HOST:PORT", env = "RCL_ENTRY")]
    pub entry: Address,

    /// Overwrites keys and libraries that exist; other keys of the cluster stay
    #[arg(long, conflicts_with = "into_non_empty")]
    pub replace: bool,

    /// Leaves keys and libraries that exist as they are
    #[arg(long)]
    pub into_non_empty: bool,

    /// No more than so many keys a second
    #[arg(long, value_name = "KEYS", value_parser = clap::value_parser!(u64).range(1..))]
    pub rate: Option<u64>,
}

impl Args {
    fn existing(&self) -> Existing {
        match (self.replace, self.into_non_empty) {
            (true, _) => Existing::Replace,
            (_, true) => Existing::Keep,
            _ => Existing::Refuse,
        }
    }
}

/// What is about to be done.
#[derive(Debug, Serialize)]
struct Plan {
    folder: String,
    /// Unix milliseconds.
    taken_ms: u64,
    keys: u64,
    bytes: u64,
    files: usize,
    functions: Vec<String>,
    target: String,
    target_masters: usize,
    target_keys: u64,
    existing: &'static str,
}

impl Report for Plan {
    fn text(&self) -> String {
        let mut lines = vec![format!(
            "restore {} ({} in {})\n  from    {}\n  into    the cluster of {}: {}, {}",
            number_of(self.keys, "key"),
            bytes(self.bytes),
            number_of(self.files, "file"),
            self.folder,
            self.target,
            number_of(self.target_masters, "master"),
            number_of(self.target_keys, "key")
        )];
        if !self.functions.is_empty() {
            lines.push(format!("  load    the function libraries {}", self.functions.join(", ")));
        }
        if self.target_keys > 0 {
            lines.push(format!(
                "  {}",
                paint(Paint::Warn, format!("keys that exist there are {}", self.existing))
            ));
        }
        lines.join("\n")
    }
}

#[derive(Debug, Serialize)]
struct Restored {
    keys: u64,
    kept: u64,
    expired: u64,
    keys_elsewhere: u64,
    bytes: u64,
    seconds: f64,
    libraries_loaded: usize,
    entry: String,
    folder: String,
}

impl Report for Restored {
    fn text(&self) -> String {
        let rate = if self.seconds > 0.0 { self.keys as f64 / self.seconds } else { 0.0 };
        let mut lines = vec![format!(
            "{}: {}, {} in {:.1} s ({} keys/s)",
            paint(Paint::Good, "restored"),
            number_of(self.keys, "key"),
            bytes(self.bytes),
            self.seconds,
            count(rate as u64)
        )];
        for (number, what) in [
            (self.kept, "keys existed and were left as they are"),
            (self.expired, "keys expired since the backup was taken"),
            (self.keys_elsewhere, "keys were of slots that their node did not own, and were left out"),
        ] {
            if number > 0 {
                lines.push(format!("{} {what}", count(number)));
            }
        }
        lines.push(format!("to compare: rcl verify {} {}", self.folder, self.entry));
        lines.join("\n")
    }
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let (folder, manifest) = Folder::open(&args.folder)?;
    refuse_what_cannot_be_restored(&manifest)?;
    let cluster = Arc::new(Cluster::observe(&session.connector.patient(), &args.entry).await?);
    let target_keys: u64 = cluster.topology.masters().iter().map(|node| node.keys()).sum();
    refuse_target(args, &cluster, target_keys)?;
    let readable = readable(&manifest, &cluster).await?;
    refuse_too_long(&cluster, &manifest.files).await?;
    check_files(session, &folder, &manifest).await?;
    let libraries = libraries(args, &folder, &manifest, &cluster).await?;
    let plan = Plan {
        folder: folder.path().display().to_string(),
        taken_ms: manifest.begun_ms,
        keys: manifest.keys,
        bytes: manifest.bytes,
        files: manifest.files.len(),
        functions: manifest.functions.iter().map(|function| function.name.clone()).collect(),
        target: args.entry.to_string(),
        target_masters: cluster.topology.masters().len(),
        target_keys,
        existing: if args.replace { "overwritten" } else { "left as they are" },
    };
    if !session.show_and_confirm(&plan, "Go ahead?", Manners::MustConfirm)? {
        return Ok(());
    }
    let started = Instant::now();
    let libraries_loaded = libraries.load().await?;
    let loaded = load(session, args, &folder, &manifest, &cluster, readable).await?;
    session.output.print(&Restored {
        keys: loaded.restored,
        kept: loaded.kept,
        expired: loaded.expired,
        keys_elsewhere: loaded.elsewhere,
        bytes: loaded.bytes,
        seconds: started.elapsed().as_secs_f64(),
        libraries_loaded,
        entry: args.entry.to_string(),
        folder: folder.path().display().to_string(),
    });
    Ok(())
}

fn refuse_what_cannot_be_restored(manifest: &Manifest) -> Result<(), Failure> {
    match manifest.files.iter().find(|file| file.keys_in_other_databases > 0) {
        None => Ok(()),
        Some(file) => Err(Failure::refused(format!(
            "{} has {} keys of databases other than 0, which only Valkey 9 has in a cluster; rcl does not restore them",
            file.name,
            count(file.keys_in_other_databases)
        ))),
    }
}

fn refuse_target(args: &Args, cluster: &Cluster, keys: u64) -> Result<(), Failure> {
    let uncovered = cluster.topology.uncovered();
    if !uncovered.is_empty() {
        return Err(Failure::refused(format!(
            "nobody owns {} slots of the cluster of {}",
            uncovered.len(),
            args.entry
        ))
        .next(format!("rcl check {} says more", args.entry)));
    }
    if keys > 0 && args.existing() == Existing::Refuse {
        return Err(Failure::refused(format!(
            "the cluster of {} has {}",
            args.entry,
            number_of(keys, "key")
        ))
        .next(
            "--replace overwrites those that are in the backup, --into-non-empty leaves all that exist; \
             to begin with an empty cluster: rcl call HOST:PORT --only-masters FLUSHALL",
        ));
    }
    Ok(())
}

/// Which versions the target reads. Fields with expiries have no older form, so they are refused here.
async fn readable(manifest: &Manifest, cluster: &Arc<Cluster>) -> Result<Readable, Failure> {
    let newest = |file: &crate::backup::FileRecord| file.payload_version;
    // The newest of each file, and the two that older forms have.
    let versions: BTreeSet<u16> =
        manifest.files.iter().map(newest).chain([10, 11]).filter(|v| *v > 0).collect();
    let readable = Readable::ask(cluster, &versions).await?;
    for file in &manifest.files {
        if let Some(who) = readable.who_cannot(file.payload_version).filter(|_| file.payload_version > 11) {
            let key = file.payload_version_key.as_deref().unwrap_or_default();
            return Err(Failure::refused(format!(
                "{who} is too old for '{key}': its fields have expiries, which need payloads of version {}",
                file.payload_version
            ))
            .next("restore into servers of the version that the backup is of, or a newer one"));
        }
    }
    Ok(readable)
}

async fn check_files(session: &Session, folder: &Folder, manifest: &Manifest) -> Result<(), Failure> {
    let progress = session.output.progress(manifest.bytes, "bytes");
    progress.message("checking");
    let (folder, files, counted) = (folder.clone(), manifest.files.clone(), progress.clone());
    let check = move || files.iter().try_for_each(|file| check_sum(&folder, file, |read| counted.add(read)));
    let checked = tokio::task::spawn_blocking(check).await;
    progress.finish();
    checked.map_err(|error| Failure::new(Kind::Internal, error.to_string()))?
}

async fn libraries(
    args: &Args,
    folder: &Folder,
    manifest: &Manifest,
    cluster: &Cluster,
) -> Result<Libraries, Failure> {
    let mut codes: Vec<Vec<u8>> = Vec::new();
    for file in manifest.files.iter().filter(|file| !file.functions.is_empty()) {
        codes.extend(functions(folder, file)?);
    }
    codes.sort();
    codes.dedup();
    if codes.is_empty() {
        return Ok(Libraries::default());
    }
    Libraries::compare(cluster, &codes, args.existing()).await
}

async fn load(
    session: &Session,
    args: &Args,
    folder: &Folder,
    manifest: &Manifest,
    cluster: &Arc<Cluster>,
    readable: Readable,
) -> Result<Loaded, Failure> {
    let progress = session.output.progress(manifest.keys, "keys");
    progress.message("restoring");
    let loader = Loader {
        keyspace: Arc::new(Keyspace::of(Arc::clone(cluster))),
        existing: args.existing(),
        readable: Arc::new(readable),
        rate: Arc::new(Rate::new(args.rate)),
        progress: progress.clone(),
    };
    let mut files = JoinSet::new();
    for file in manifest.files.clone() {
        let (loader, folder) = (loader.clone(), folder.clone());
        files.spawn(async move { loader.load(&folder, &file).await });
    }
    let mut loaded = Loaded::default();
    while let Some(file) = files.join_next().await {
        loaded.add(file.map_err(|error| Failure::new(Kind::Internal, error.to_string()))??);
    }
    progress.finish();
    Ok(loaded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_says_what_becomes_of_what_is_there() {
        let plan = Plan {
            folder: "/srv/backup".into(),
            taken_ms: 0,
            keys: 1_234_567,
            bytes: 123 << 20,
            files: 3,
            functions: vec!["lib".into()],
            target: "10.0.0.1:6379".into(),
            target_masters: 5,
            target_keys: 7,
            existing: "overwritten",
        };
        assert_eq!(
            anstream::adapter::strip_str(&plan.text()).to_string(),
            "restore 1,234,567 keys (123.0 MiB in 3 files)\n  from    /srv/backup\n\
             \x20 into    the cluster of 10.0.0.1:6379: 5 masters, 7 keys\n\
             \x20 load    the function libraries lib\n  keys that exist there are overwritten"
        );
    }
}
