//! Reading the append-only file at start: the base, then the incremental files, through the executor.
//!
//! Commands run as those of a master: they are logged nowhere, nothing expires meanwhile, and a limit that a client would meet is
//! not theirs. One thread reads and parses, others apply ([`crate::applying`]); what is wrong with a file is told when all before it
//! is applied, as if one had done it all. The last file may end inside a command, or inside a transaction, as a crash leaves it: with `aof-load-truncated` it
//! is cut off there. All else that is wrong ends the start, since data would be missing; the log says so in Redis's words.

use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rcl_proto::resp::Args;
use rcl_store::aof::{CommandReader, Manifest, ReadError};

use super::files::{Files, is_absent, shown};
use super::{lock, reason, switch};
use crate::applying::{Applier, Shape, Source};
use crate::client::ClientHandle;
use crate::clock;
use crate::command::{self, Lookup};
use crate::disk::{self, DiskFile, Open};
use crate::executor::{Held, node_state};
use crate::node::Node;
use crate::persistence::load::{self, Loader};
use crate::persistence::slow_down;

const BUFFER_BYTES: usize = 256 * 1024;
/// The progress is shown after so many commands.
const LOOK_EVERY: u64 = 1024;

/// The append-only file cannot be loaded; the log says why.
#[derive(Debug)]
pub struct Unloadable;

impl std::fmt::Display for Unloadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the append-only file cannot be loaded: see the log")
    }
}

impl std::error::Error for Unloadable {}

/// How a file ends.
enum Ended {
    Whole,
    /// Inside a command or a transaction; before that it is good.
    CutOff {
        good: u64,
    },
}

/// Reads the manifest, and with `appendonly` what it names. False when there is no append-only file.
pub fn load_at_start(node: &Arc<Node>) -> Result<bool, Unloadable> {
    let aof = &node.persistence.aof;
    if let Err(error) = lock(&aof.files).read_manifest(&*node.disk) {
        tracing::error!("{error}");
        return Err(Unloadable);
    }
    if !node.settings().appendonly {
        return Ok(false);
    }
    migrate_single_file(node, &mut lock(&aof.files)).map_err(|error| {
        tracing::error!("the old append-only file cannot be moved into the folder of the new one: {error}");
        Unloadable
    })?;
    let manifest = lock(&aof.files).manifest.clone();
    if manifest.is_empty() {
        return Ok(false);
    }
    load_files(node, &manifest)?;
    // What was run is no doing of clients.
    node.command_stats.reset();
    Ok(true)
}

/// `DEBUG LOADAOF`: forgets all, and reads the files again. The caller holds no shard.
pub fn reload(node: &Arc<Node>) -> Result<(), String> {
    node.set_state(node_state::LOADING, true);
    let expired = node.expires_actively.swap(false, Ordering::AcqRel);
    // Whoever was let in before that is through.
    drop(Held::all(&node.shards));
    let result = switch::flush(node, Duration::from_secs(60)).and_then(|()| {
        drop(load::flush(node));
        let manifest = lock(&node.persistence.aof.files).manifest.clone();
        load_files(node, &manifest)
            .map_err(|_| "ERR Error trying to load the AOF files, check server logs.".to_owned())
    });
    node.expires_actively.store(expired, Ordering::Release);
    node.set_state(node_state::LOADING, false);
    result
}

/// A single file of a server before 7.0 becomes the base. A kill in between is gone on from: the manifest then names a base that
/// is not in the folder yet.
fn migrate_single_file(node: &Node, files: &mut Files) -> io::Result<()> {
    let settings = node.settings();
    let (disk, old) = (&*node.disk, settings.resolve(&settings.appendfilename));
    let is_there = |path: &Path| match disk.open(path, Open::Read) {
        Ok(_) => Ok(true),
        Err(error) if is_absent(&error) => Ok(false),
        Err(error) => Err(io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
    };
    let prefix = files.prefix().to_vec();
    let names_only_it = |manifest: &Manifest| {
        manifest.incremental.is_empty() && manifest.base.as_ref().is_some_and(|base| base.name == prefix)
    };
    let is_wanted =
        files.manifest.is_empty() || (names_only_it(&files.manifest) && !is_there(&files.path(&prefix))?);
    if !is_wanted || !is_there(&old)? {
        return Ok(());
    }
    files.ensure_folder(disk)?;
    let mut manifest = files.manifest.clone();
    manifest.adopt_single_file(&prefix);
    files.persist(disk, manifest)?;
    disk.rename(&old, &files.path(&prefix))?;
    disk.sync_folder(files.folder())?;
    disk.sync_folder(disk::folder_of(&old))?;
    tracing::info!(
        "Successfully migrated an old-style AOF file ({}) into the AOF directory ({}).",
        shown(&prefix),
        files.folder().display()
    );
    Ok(())
}

fn load_files(node: &Arc<Node>, manifest: &Manifest) -> Result<(), Unloadable> {
    let aof = &node.persistence.aof;
    let began = clock::monotonic();
    let mut total = 0;
    for entry in manifest.files() {
        total += size_of_file(node, &entry.name)?;
    }
    node.persistence.loading.begin(total);
    let mut done = 0;
    let mut files = manifest.files().peekable();
    while let Some(entry) = files.next() {
        let is_last = files.peek().is_none();
        let is_base = manifest.base.as_ref() == Some(entry);
        let started = clock::monotonic();
        let name = shown(&entry.name);
        let path = lock(&aof.files).path(&entry.name);
        let is_single = entry.name == lock(&aof.files).prefix();
        OneFile { node, name: &name, path: &path, is_last, done_before: done }
            .load(is_single, Shape::of(node))?;
        let size = size_of_file(node, &entry.name)?;
        done += size;
        if is_base {
            aof.sizes.base.store(size, Ordering::Release);
        }
        let kind = if is_base { "base" } else { "incr" };
        tracing::info!("DB loaded from {kind} file {name}: {:.3} seconds", started.elapsed().as_secs_f64());
    }
    if aof.is_off() {
        aof.sizes.closed.store(done, Ordering::Release);
    }
    tracing::info!("DB loaded from append only file: {:.3} seconds", began.elapsed().as_secs_f64());
    Ok(())
}

fn size_of_file(node: &Node, name: &[u8]) -> Result<u64, Unloadable> {
    lock(&node.persistence.aof.files).size(&*node.disk, name).map_err(|error| {
        tracing::error!("Unable to obtain the AOF file {} length. stat: {}", shown(name), reason(&error));
        Unloadable
    })
}

/// One of the files.
struct OneFile<'a> {
    node: &'a Arc<Node>,
    name: &'a str,
    path: &'a Path,
    is_last: bool,
    /// The size of those before it.
    done_before: u64,
}

impl OneFile<'_> {
    fn open(&self) -> Result<Box<dyn DiskFile>, Unloadable> {
        self.node.disk.open(self.path, Open::Read).map_err(|error| {
            let name = self.name;
            if is_absent(&error) {
                tracing::error!("The append log file {name} doesn't exist: {}", reason(&error));
            } else {
                tracing::error!(
                    "Fatal error: can't open the append log file {name} for reading: {}",
                    reason(&error)
                );
            }
            Unloadable
        })
    }

    fn load(&self, is_single: bool, shape: Shape) -> Result<(), Unloadable> {
        let mut start = [0; 5];
        let is_rdb = match self.open()?.read_exact(&mut start) {
            Ok(()) => start == *b"REDIS",
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => false,
            Err(error) => return Err(self.unrecoverable(&error)),
        };
        let mut source = BufReader::with_capacity(BUFFER_BYTES, self.open()?);
        let mut offset = 0;
        if is_rdb {
            offset = self.load_rdb(&mut source, is_single)?;
            if is_single {
                tracing::info!("Reading the remaining AOF tail...");
            }
        }
        let mut replay = Replay::new(self, shape);
        let ended = replay.run_all(CommandReader::new(source, offset));
        replay.applier.drain();
        match ended? {
            Ended::Whole => Ok(()),
            Ended::CutOff { good } => self.truncate(good),
        }
    }

    fn show_progress(&self, good: u64) {
        let loaded = self.done_before + good;
        self.node.persistence.loading.loaded_bytes.store(loaded, Ordering::Relaxed);
    }

    fn unrecoverable(&self, error: &io::Error) -> Unloadable {
        tracing::error!("Unrecoverable error reading the append only file {}: {}", self.name, reason(error));
        Unloadable
    }

    /// Returns where it ends; nothing behind that is taken from the source.
    fn load_rdb(
        &self,
        source: &mut BufReader<Box<dyn DiskFile>>,
        is_single: bool,
    ) -> Result<u64, Unloadable> {
        let what = if is_single { "preamble from AOF file..." } else { "base file on AOF loading..." };
        tracing::info!("Reading RDB {what}");
        // A later command may take away that a key has expired.
        let mut loader = Loader::new(self.node, source, false);
        let loaded = loader.load_all(|| Ok(())).map_err(|error| {
            let what = if is_single { "preamble of the AOF file" } else { "base file" };
            tracing::error!("Error reading the RDB {what} {}, AOF loading aborted: {error}", self.name);
            Unloadable
        })?;
        Ok(loaded.bytes)
    }

    /// It ends where something should follow; up to `good` it is good. Only the end of all may be cut off: Redis cuts off any file
    /// before it refuses one that others come after, and loads it the next time.
    fn truncate(&self, good: u64) -> Result<(), Unloadable> {
        let name = self.name;
        if self.node.settings().aof_load_truncated && !self.is_last {
            tracing::error!(offset = good, "Fatal error: the truncated file is not the last file");
            return Err(Unloadable);
        }
        if self.node.settings().aof_load_truncated {
            tracing::warn!("!!! Warning: short read while loading the AOF file {name}!!!");
            tracing::warn!("!!! Truncating the AOF {name} at offset {good} !!!");
            let cut = self.node.disk.open(self.path, Open::Append).and_then(|mut file| {
                file.set_len(good)?;
                file.sync_all()
            });
            match cut {
                Ok(()) => {
                    tracing::warn!("AOF {name} loaded anyway because aof-load-truncated is enabled");
                    return Ok(());
                }
                Err(error) => {
                    tracing::error!("Error truncating the AOF file {name}: {}", reason(&error));
                }
            }
        }
        tracing::error!(
            "Unexpected end of file reading the append only file {name}. You can: 1) Make a backup of your AOF file, then use ./redis-check-aof --fix <filename.manifest>. 2) Alternatively you can set the 'aof-load-truncated' configuration option to yes and restart the server."
        );
        Err(Unloadable)
    }
}

/// The commands of one file.
struct Replay<'a> {
    file: &'a OneFile<'a>,
    applier: Applier,
    /// Where the last MULTI begins.
    before_transaction: u64,
}

impl Replay<'_> {
    fn new<'a>(file: &'a OneFile<'a>, shape: Shape) -> Replay<'a> {
        let node = file.node;
        let handle = ClientHandle::new(node.clients.next_id(), None, String::new(), -1, clock::now_ms());
        let applier = Applier::new(node, Arc::new(handle), Source::AppendOnlyFile, shape);
        Replay { file, applier, before_transaction: 0 }
    }

    fn run_all(&mut self, mut reader: CommandReader<impl Read>) -> Result<Ended, Unloadable> {
        let OneFile { node, name, .. } = self.file;
        let mut delay_us = node.settings().key_load_delay_us;
        let mut good = reader.offset();
        let mut count = 0u64;
        loop {
            match reader.advance() {
                Ok(true) => {}
                Ok(false) if self.applier.in_transaction() => {
                    tracing::warn!("Revert incomplete MULTI/EXEC transaction in AOF file {name}");
                    return Ok(Ended::CutOff { good: self.before_transaction });
                }
                Ok(false) => {
                    self.file.show_progress(good);
                    return Ok(Ended::Whole);
                }
                Err(ReadError::Truncated) => {
                    let is_open = self.applier.in_transaction();
                    return Ok(Ended::CutOff { good: if is_open { self.before_transaction } else { good } });
                }
                Err(ReadError::Format) => {
                    tracing::error!(
                        offset = reader.offset(),
                        "Bad file format reading the append only file {name}: make a backup of your AOF file, then use ./redis-check-aof --fix <filename.manifest>"
                    );
                    return Err(Unloadable);
                }
                Err(ReadError::Read(error)) => return Err(self.file.unrecoverable(&error)),
            }
            let request_bytes = (reader.offset() - good) as usize;
            self.run(reader.args(), good, request_bytes)?;
            good = reader.offset();
            count += 1;
            if count.is_multiple_of(LOOK_EVERY) || delay_us != 0 {
                self.file.show_progress(good);
                delay_us = node.settings().key_load_delay_us;
            }
            slow_down(delay_us, count);
        }
    }

    fn run(&mut self, args: Args<'_>, starts_at: u64, request_bytes: usize) -> Result<(), Unloadable> {
        let OneFile { node, name, .. } = self.file;
        let lookup = node.commands.find(args);
        let is_known = |lookup: &Lookup| matches!(lookup, Lookup::Found(_));
        if !is_known(&lookup) && !is_known(&command::find(args)) {
            let command = String::from_utf8_lossy(args.name()).into_owned();
            tracing::error!("Unknown command '{command}' reading the append only file {name}");
            return Err(Unloadable);
        }
        if !self.applier.in_transaction() {
            self.before_transaction = starts_at;
        }
        self.applier.apply(args, lookup, request_bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
