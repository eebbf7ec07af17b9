//! `rcl backup`: the data of all masters, each by a replica's full copy, with a manifest.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rcl_proto::Address;
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::backup::{
    FORMAT, FileRecord, Folder, FunctionRecord, Manifest, NodeRecord, Source, VERSION, now_ms, take,
};
use crate::cli::{Failure, Kind, Session};
use crate::connect::Cluster;
use crate::output::{Paint, Report, bytes, count, number_of, paint, table};
use crate::topology::{Node, Topology, first_moved_slot};

/// Copies the data of all masters into a folder, with a manifest
///
/// All masters are asked at once, each as by a replica that wants its data: an RDB file of each, checked as it comes. Each file is
/// of one moment of its master, which the manifest names; different masters have different moments. Slots that are on their way
/// are refused, and a cluster whose slots moved meanwhile gives no backup. The manifest is written last; until then the folder is
/// marked INCOMPLETE.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Any node of the cluster
    #[arg(value_name = "HOST:PORT", env = "RCL_ENTRY")]
    pub entry: Address,

    /// A folder that is empty or not there
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,

    /// Writes the files with gzip; zcat and rcl restore read them
    #[arg(long)]
    pub compress: bool,

    /// Asks a replica that is in sync instead of its master
    #[arg(long)]
    pub from_replicas: bool,

    /// How many nodes are asked at once; all by default
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..))]
    pub parallel: Option<u16>,
}

/// What was written, for people and machines; the manifest has the rest.
#[derive(Debug, Serialize)]
struct Backup {
    folder: String,
    keys: u64,
    bytes: u64,
    seconds: f64,
    files: Vec<FileRecord>,
    functions: Vec<FunctionRecord>,
    notes: Vec<String>,
}

impl Report for Backup {
    fn text(&self) -> String {
        let cells = self.files.iter().map(|file| {
            let taken = file.taken_from.split(' ').next().unwrap_or_default().to_owned();
            [
                file.name.clone(),
                taken,
                count(file.keys),
                bytes(file.bytes),
                file.replication_offset.to_string(),
            ]
        });
        let table = table(&["file", "taken from", ">keys", ">size", ">at offset"], cells);
        let notes: String =
            self.notes.iter().map(|note| format!("\n{}: {note}", paint(Paint::Warn, "note"))).collect();
        format!(
            "{table}\n{}, {} in {:.1} s: {}{notes}",
            number_of(self.keys, "key"),
            bytes(self.bytes),
            self.seconds,
            self.folder
        )
    }
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let cluster = Cluster::observe(&session.connector, &args.entry).await?;
    refuse_what_is_not_whole(&cluster)?;
    let sources = sources(&cluster, args.from_replicas)?;
    let folder = Folder::create(&args.folder)?;
    let made = make(session, args, &cluster, sources, &folder).await;
    if let Err(failure) = &made {
        folder.note_incomplete(&failure.what);
    }
    session.output.print(&made?);
    Ok(())
}

async fn make(
    session: &Session,
    args: &Args,
    cluster: &Cluster,
    sources: Vec<Source>,
    folder: &Folder,
) -> Result<Backup, Failure> {
    let begun_ms = now_ms();
    let keys = cluster.topology.masters().iter().map(|node| node.keys()).sum();
    let progress = session.output.progress(keys, "keys");
    progress.message("backup");
    let lanes = Arc::new(Semaphore::new(args.parallel.map_or(sources.len(), usize::from).max(1)));
    let stop = Arc::new(AtomicBool::new(false));
    let mut taken = JoinSet::new();
    for (number, source) in sources.into_iter().enumerate() {
        let (connector, folder, progress) = (cluster.connector.clone(), folder.clone(), progress.clone());
        let (lanes, stop, compress) = (Arc::clone(&lanes), Arc::clone(&stop), args.compress);
        taken.spawn(async move {
            // Nobody closes it, so this is no error.
            let _lane = lanes.acquire().await.ok();
            let work = move || take(&connector, &source, &folder, compress, &progress, &stop);
            let file = tokio::task::spawn_blocking(work).await;
            (number, file.unwrap_or_else(|error| Err(Failure::new(Kind::Internal, error.to_string()))))
        });
    }
    let (mut files, mut failed) = (Vec::new(), None);
    while let Some(file) = taken.join_next().await {
        match file.map_err(|error| Failure::new(Kind::Internal, error.to_string()))? {
            (number, Ok(file)) => files.push((number, file)),
            (_, Err(failure)) => {
                // The others' copies are worth nothing without this one. What they end with because of that is not the reason.
                stop.store(true, Ordering::Relaxed);
                failed.get_or_insert(failure);
            }
        }
    }
    progress.finish();
    if let Some(failure) = failed {
        return Err(failure);
    }
    files.sort_by_key(|(number, _)| *number);
    let files: Vec<FileRecord> = files.into_iter().map(|(_, file)| file).collect();
    let after = Cluster::observe(&session.connector, &args.entry).await?;
    if let Some(difference) = moved(&cluster.topology, &after.topology) {
        return Err(Failure::new(
            Kind::Stopped,
            format!("the cluster changed while it was copied: {difference}"),
        )
        .next("take the backup again when nothing moves; what is in the folder is not whole"));
    }
    let manifest = manifest(&cluster.topology, begun_ms, files);
    folder.complete(&manifest)?;
    let notes = notes(&manifest);
    Ok(Backup {
        folder: folder.path().display().to_string(),
        keys: manifest.keys,
        bytes: manifest.bytes,
        seconds: (manifest.ended_ms.saturating_sub(manifest.begun_ms)) as f64 / 1000.0,
        files: manifest.files,
        functions: manifest.functions,
        notes,
    })
}

fn refuse_what_is_not_whole(cluster: &Cluster) -> Result<(), Failure> {
    let topology = &cluster.topology;
    let (open, uncovered) = (topology.open_slots(), topology.uncovered());
    if let Some(first) = open.first() {
        return Err(Failure::refused(format!(
            "{} slots are on their way between nodes, the first is {}: their keys would be in two files or in none",
            open.len(),
            first.slot
        ))
        .next(format!("wait until the move is done, or finish it: rcl fix {}", cluster.entry)));
    }
    if !uncovered.is_empty() {
        return Err(Failure::refused(format!(
            "nobody owns {} ({uncovered}): what was in them could not be copied",
            number_of(uncovered.len(), "slot")
        ))
        .next(format!("rcl check {} says more", cluster.entry)));
    }
    Ok(())
}

/// One for each master that owns slots.
fn sources(cluster: &Cluster, from_replicas: bool) -> Result<Vec<Source>, Failure> {
    let topology = &cluster.topology;
    let owners = topology.masters().into_iter().filter(|node| !node.slots.is_empty());
    let source = |master: &Node| {
        let asked = topology.replica_in_sync(master.id).filter(|_| from_replicas).unwrap_or(master);
        Ok(Source {
            node: master.id.to_string(),
            slots: master.slots.clone(),
            address: cluster.link(asked.id)?.address().clone(),
            taken_from: asked.name(),
        })
    };
    owners.map(source).collect()
}

/// What makes the copies of different masters not fit together.
fn moved(before: &Topology, after: &Topology) -> Option<String> {
    let slot = first_moved_slot(before, after)?;
    let name = |owner: Option<_>| owner.map_or_else(|| "nobody".to_owned(), |owner| before.name(owner));
    if before.owner(slot) == after.owner(slot) {
        return Some(format!("slot {slot} is on its way"));
    }
    Some(format!(
        "slot {slot} belonged to {} and now belongs to {}",
        name(before.owner(slot)),
        name(after.owner(slot))
    ))
}

fn manifest(topology: &Topology, begun_ms: u64, files: Vec<FileRecord>) -> Manifest {
    let node = |node: &Node| NodeRecord {
        id: node.id.to_string(),
        address: node.address.to_string(),
        master: node.master().map(|master| master.to_string()),
        slots: node.slots.to_string(),
        config_epoch: node.config_epoch,
        server_version: node.facts.as_ref().map(|facts| facts.version.clone()),
    };
    let mut functions: Vec<FunctionRecord> = files.iter().flat_map(|file| file.functions.clone()).collect();
    functions.sort();
    functions.dedup();
    Manifest {
        format: FORMAT.to_owned(),
        version: VERSION,
        rcl_version: env!("CARGO_PKG_VERSION").to_owned(),
        begun_ms,
        ended_ms: now_ms(),
        keys: files.iter().map(|file| file.keys - file.keys_elsewhere).sum(),
        bytes: files.iter().map(|file| file.bytes).sum(),
        nodes: topology.nodes.values().map(node).collect(),
        functions,
        files,
    }
}

fn notes(manifest: &Manifest) -> Vec<String> {
    let mut notes = Vec::new();
    for file in &manifest.files {
        if file.keys_elsewhere > 0 {
            notes.push(format!(
                "{} has {} keys of slots that it does not own; they are in the file, and restore leaves them out",
                file.taken_from,
                count(file.keys_elsewhere)
            ));
        }
        if file.rdb_crc64.is_none() {
            notes.push(format!("{} writes files without a checksum (rdbchecksum no)", file.taken_from));
        }
        if file.functions != manifest.functions {
            notes.push(format!("{} has not the same functions as the others", file.taken_from));
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::{Facts, View, merge};
    use rcl_proto::nodes_text;
    use std::collections::BTreeMap;

    fn topology(first: &str, second: &str) -> Topology {
        let id = |digit: &str| digit.repeat(40);
        let text = format!(
            "{} 127.0.0.1:7001@17001 myself,master - 0 0 1 connected {first}\n\
             {} 127.0.0.1:7002@17002 master - 0 0 2 connected {second}\n",
            id("a"),
            id("b")
        );
        let lines = nodes_text::parse(&text).unwrap();
        let view = View {
            viewer: lines[0].id,
            address: Address::new("127.0.0.1", 7001),
            lines,
            facts: Facts::default(),
        };
        merge(&[view], &BTreeMap::new())
    }

    #[test]
    fn it_reads_well_in_80_columns() {
        let file = FileRecord {
            name: "node-07c37dfe.rdb.gz".into(),
            taken_from: "10.0.0.1:6379 (07c37dfe)".into(),
            keys: 1_234_567,
            bytes: 123 << 20,
            replication_offset: 987_654_321_000,
            ..FileRecord::default()
        };
        let backup = Backup {
            folder: "/srv/backup".into(),
            keys: 1_234_567,
            bytes: 123 << 20,
            seconds: 12.34,
            files: vec![file],
            functions: Vec::new(),
            notes: vec!["something".into()],
        };
        let text = anstream::adapter::strip_str(&backup.text()).to_string();
        assert_eq!(
            text,
            "file                  taken from          keys       size     at offset\n\
             node-07c37dfe.rdb.gz  10.0.0.1:6379  1,234,567  123.0 MiB  987654321000\n\
             1,234,567 keys, 123.0 MiB in 12.3 s: /srv/backup\n\
             note: something"
        );
    }

    #[test]
    fn a_slot_that_changed_hands_or_is_about_to_is_seen() {
        let before = topology("0-8191", "8192-16383");
        assert_eq!(moved(&before, &topology("0-8191", "8192-16383")), None);
        let difference = moved(&before, &topology("0-8190", "8191-16383")).unwrap();
        assert!(difference.starts_with("slot 8191 belonged to 127.0.0.1:7001"), "{difference}");
        let other = "b".repeat(40);
        let open = topology(&format!("0-8191 [5->-{other}]"), "8192-16383");
        assert_eq!(moved(&before, &open).unwrap(), "slot 5 is on its way");
        assert!(moved(&before, &topology("0-8191", "8192-16000")).unwrap().contains("belongs to nobody"));
    }
}
