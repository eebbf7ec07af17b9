//! Reading an RDB file into the shards: the one of the last save when the node starts, or the one that a master
//! sends.
//!
//! A file that is torn or corrupt stops the start: data are missing, and only people can say whether the node
//! shall go on without them.

mod cutting;
mod inserting;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use rcl_store::keyspace::{Flushed, Keyspace};
use rcl_store::rdb::{Item, RdbError};

use crate::clock;
use crate::command::CommandError;
use crate::disk::Open;
use crate::executor::{Held, node_state};
use crate::node::Node;
use crate::persistence::save;
use crate::replication::ReplicationId;
use crate::scheduling;
use crate::scripting::functions::Functions;
use crate::shard::Shards;
use crate::tracking;
use cutting::{Cutting, Watcher};
use inserting::Target;

/// So much of a file is read at once.
const READ_BYTES: usize = 256 * 1024;

/// A load that takes no longer is seen by nobody: clients wait for its end. (Redis, with its one thread, answers nobody
/// until it has loaded 2 MB.)
pub const SHORT: Duration = Duration::from_millis(300);
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// What INFO shows of a load.
#[derive(Debug, Default)]
pub struct Progress {
    pub started_ms: AtomicI64,
    pub total_bytes: AtomicU64,
    pub loaded_bytes: AtomicU64,
    pub keys_loaded: AtomicU64,
    pub keys_expired: AtomicU64,
    /// Keys with an empty collection, which old servers wrote by mistake, and which are left out.
    pub empty_keys: AtomicU64,
}

impl Progress {
    pub fn begin(&self, total_bytes: u64) {
        self.started_ms.store(clock::now_ms(), Ordering::Relaxed);
        self.total_bytes.store(total_bytes, Ordering::Relaxed);
        self.loaded_bytes.store(0, Ordering::Relaxed);
        self.keys_loaded.store(0, Ordering::Relaxed);
        self.keys_expired.store(0, Ordering::Relaxed);
        self.empty_keys.store(0, Ordering::Relaxed);
    }

    /// Returns when the node does not load any more, or has done so for longer than a short load takes.
    pub fn wait_for_a_short_one(&self, node: &Node) {
        let is_new = || {
            let age_ms = clock::now_ms() - self.started_ms.load(Ordering::Relaxed);
            (0..SHORT.as_millis() as i64).contains(&age_ms)
        };
        while node.state() & node_state::LOADING != 0 && is_new() {
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

/// Why a data set cannot be loaded. The path is there where it is of a file.
#[derive(Debug)]
pub enum LoadError {
    Open {
        path: PathBuf,
        error: std::io::Error,
    },
    Rdb {
        path: Option<PathBuf>,
        error: RdbError,
    },
    /// What stands there is as it should be, but not for this node.
    Refused {
        path: Option<PathBuf>,
        offset: u64,
        why: Refusal,
    },
}

#[derive(Debug)]
pub enum Refusal {
    /// It has more databases than this node.
    NoSuchDatabase { number: u64, there_are: usize },
    /// A library of functions in it cannot be created.
    Library(CommandError),
    /// There is such a key already.
    KeyIsThere { key: Vec<u8> },
}

impl LoadError {
    fn in_file(self, path: &Path) -> LoadError {
        let path = Some(path.to_owned());
        match self {
            LoadError::Rdb { error, .. } => LoadError::Rdb { path, error },
            LoadError::Refused { offset, why, .. } => LoadError::Refused { path, offset, why },
            LoadError::Open { .. } => self,
        }
    }
}

impl std::fmt::Display for LoadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let of_file = |f: &mut std::fmt::Formatter<'_>, path: &Option<PathBuf>| match path {
            Some(path) => write!(f, "'{}' cannot be loaded: ", path.display()),
            None => Ok(()),
        };
        match self {
            LoadError::Open { path, error } => write!(f, "cannot open '{}': {error}", path.display()),
            LoadError::Rdb { path, error } => {
                of_file(f, path)?;
                error.fmt(f)
            }
            LoadError::Refused { path, offset, why } => {
                of_file(f, path)?;
                write!(f, "at byte {offset}: {why}")
            }
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refusal::NoSuchDatabase { number, there_are } => {
                write!(f, "a key of database {number}, but this node has {there_are} (directive databases)")
            }
            Refusal::Library(error) => {
                let text = error.text().trim_start_matches("ERR ");
                write!(f, "a library of functions that cannot be created: {text}")
            }
            Refusal::KeyIsThere { key } => {
                write!(f, "there is a key '{}' already", String::from_utf8_lossy(key))
            }
        }
    }
}

impl std::error::Error for LoadError {}

impl From<RdbError> for LoadError {
    fn from(error: RdbError) -> LoadError {
        LoadError::Rdb { path: None, error }
    }
}

/// What failed, and where in the file.
#[derive(Debug)]
struct Failure {
    offset: u64,
    error: LoadError,
}

impl Failure {
    fn refused(offset: u64, why: Refusal) -> Failure {
        Failure { offset, error: LoadError::Refused { path: None, offset, why } }
    }
}

impl From<RdbError> for Failure {
    fn from(error: RdbError) -> Failure {
        Failure { offset: error.offset(), error: error.into() }
    }
}

/// What a file said, and what was loaded.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    pub keys: u64,
    pub expired: u64,
    pub empty: u64,
    /// Where the file ends.
    pub bytes: u64,
    /// Where the data stand in a history, when the file says so.
    pub id: Option<ReplicationId>,
    pub offset: Option<u64>,
    pub stream_database: Option<usize>,
}

/// Loads the file of the last save, if there is one. `None` when there is none.
pub fn load_file(node: &Arc<Node>) -> Result<Option<Loaded>, LoadError> {
    let settings = node.settings().clone();
    let path = settings.resolve(&settings.dbfilename);
    let file = match node.disk.open(&path, Open::Read) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(LoadError::Open { path, error }),
    };
    let began = clock::monotonic();
    let bytes = file.len().unwrap_or(0);
    node.persistence.loading.begin(bytes);
    let mut loader = Loader::new(node, BufReader::with_capacity(READ_BYTES, file), leads(node));
    loader.resumes_history = true;
    let loaded = loader.load_all(|| Ok(())).map_err(|error| error.in_file(&path))?;
    tracing::info!(
        path = %path.display(),
        bytes,
        ms = began.elapsed().as_millis() as u64,
        "keys loaded: {}, keys expired: {}, empty keys skipped: {}",
        loaded.keys,
        loaded.expired,
        loaded.empty
    );
    Ok(Some(loaded))
}

/// Whether this node is a master for sure, before it has followed anybody. A replica keeps what has expired: its master may have
/// written since that it does not. In a cluster that is the other members' to say, and what has expired goes a moment later.
fn leads(node: &Node) -> bool {
    !node.is_cluster() && node.settings().replicaof.is_none()
}

/// What DEBUG RELOAD does.
pub struct Reload {
    pub saves: bool,
    pub flushes: bool,
    /// What is in the file takes the place of what is there. Otherwise that is an error.
    pub merges: bool,
}

/// Saves, forgets all, and loads the file. Meanwhile others are told to wait, as at the start. The caller holds no shard.
pub fn reload(node: &Arc<Node>, reload: &Reload) -> Result<(), String> {
    if reload.saves {
        save::save(node).map_err(|error| error.unwrap_or("a save is in progress".to_owned()))?;
    }
    let settings = node.settings().clone();
    let path = settings.resolve(&settings.dbfilename);
    let file = node.disk.open(&path, Open::Read).map_err(|error| error.to_string())?;
    node.persistence.loading.begin(file.len().unwrap_or(0));
    node.set_state(node_state::LOADING, true);
    if reload.flushes {
        drop(flush(node));
    }
    let mut loader =
        Loader::new(node, BufReader::with_capacity(READ_BYTES, file), !node.replication.is_replica());
    loader.target.replaces_keys = reload.merges;
    loader.replaces_libraries = reload.merges;
    let loaded = loader.load_all(|| Ok(()));
    node.set_state(node_state::LOADING, false);
    loaded.map(|_| ()).map_err(|error| error.to_string())
}

/// Puts a file's items into the shards.
pub struct Loader<'a, R> {
    target: Target<'a>,
    source: Option<R>,
    /// Libraries of functions, where they are not to be the node's yet.
    functions: Option<Functions>,
    loaded: Loaded,
    replaces_libraries: bool,
    /// The log goes on where the file says that its data are, before the first of them is looked at: so what is dropped here is
    /// dropped by replicas too.
    resumes_history: bool,
}

/// The beginning of a file that can be read.
pub struct First<R>(Cutting<R>);

impl<'a, R: BufRead> Loader<'a, R> {
    pub fn new(node: &'a Node, source: R, drops_expired: bool) -> Loader<'a, R> {
        let target =
            Target { node, shards: &node.shards, drops_expired, replaces_keys: false, gives_way: false };
        Loader::into(target, source)
    }

    /// Of the data that the node's master has, and serves.
    pub fn from_master(node: &'a Node, source: R) -> Loader<'a, R> {
        Loader::into(Target::of_master(node, &node.shards), source)
    }

    /// The same, into shards beside the node's; nothing of the node changes until [`swap`].
    pub fn beside(node: &'a Node, shards: &'a Shards, source: R) -> Loader<'a, R> {
        let functions = Some(Functions::default());
        Loader { functions, ..Loader::into(Target::of_master(node, shards), source) }
    }

    fn into(target: Target<'a>, source: R) -> Loader<'a, R> {
        Loader {
            target,
            source: Some(source),
            functions: None,
            loaded: Loaded::default(),
            replaces_libraries: false,
            resumes_history: false,
        }
    }

    /// The libraries of a load beside the node's data.
    pub fn functions(&mut self) -> Functions {
        self.functions.take().unwrap_or_default()
    }

    /// The header: when it is right, there is a file, and nothing was changed yet.
    pub fn first(&mut self) -> Result<First<R>, LoadError> {
        let Some(source) = self.source.take() else { unreachable!("a file is begun once") };
        Ok(First(Cutting::begin(source)?))
    }

    /// Everything; `between` is called now and then, and may end it.
    pub fn load_all(&mut self, between: impl FnMut() -> Result<(), RdbError>) -> Result<Loaded, LoadError> {
        let first = self.first()?;
        self.load_from(first, between)
    }

    pub fn load_from(
        &mut self,
        first: First<R>,
        between: impl FnMut() -> Result<(), RdbError>,
    ) -> Result<Loaded, LoadError> {
        let target = self.target;
        let First(mut cutting) = first;
        let mut rest = Rest { loader: self, between };
        scheduling::with_long_slices(|| cutting::load_all(&mut cutting, target, &mut rest))?;
        let progress = &target.node.persistence.loading;
        let counted = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        self.loaded.keys = counted(&progress.keys_loaded);
        self.loaded.expired = counted(&progress.keys_expired);
        self.loaded.empty = counted(&progress.empty_keys);
        self.loaded.bytes = cutting.end();
        Ok(std::mem::take(&mut self.loaded))
    }

    fn resume_history(&self) {
        if let (Some(id), Some(offset)) = (self.loaded.id, self.loaded.offset) {
            let database = self.loaded.stream_database.unwrap_or(0);
            self.target.node.replication.resume(id, offset, database);
        }
    }

    fn take(&mut self, item: Item) -> Result<(), Refusal> {
        match item {
            Item::Aux { name, value } => self.note_aux(&name, &value),
            Item::Function(code) => {
                let (node, replace) = (self.target.node, self.replaces_libraries);
                match &mut self.functions {
                    None => node.scripting.load(node, &code, replace).map_err(Refusal::Library)?,
                    Some(functions) => {
                        let more = node.scripting.with_library(node, functions, &code, replace);
                        *functions = more.map_err(Refusal::Library)?;
                    }
                }
            }
            Item::ModuleAux { module } => {
                tracing::warn!(module, "a module's data beside the keys are not loaded");
            }
            Item::DatabaseSize { .. } | Item::Key(_) | Item::EmptyKey { .. } | Item::End => {}
        }
        Ok(())
    }

    fn note_aux(&mut self, name: &[u8], value: &[u8]) {
        let number = || std::str::from_utf8(value).ok().and_then(|text| text.parse::<u64>().ok());
        match name {
            b"repl-id" => self.loaded.id = ReplicationId::parse(value),
            b"repl-offset" => self.loaded.offset = number(),
            b"repl-stream-db" => self.loaded.stream_database = number().map(|number| number as usize),
            _ => {}
        }
    }
}

/// A loader that looks at what is no key.
struct Rest<'l, 'a, R, F> {
    loader: &'l mut Loader<'a, R>,
    between: F,
}

impl<R: BufRead, F: FnMut() -> Result<(), RdbError>> Watcher for Rest<'_, '_, R, F> {
    fn take(&mut self, item: Item) -> Result<(), Refusal> {
        self.loader.take(item)
    }

    fn before_keys(&mut self) {
        if std::mem::take(&mut self.loader.resumes_history) {
            self.loader.resume_history();
        }
    }

    fn between(&mut self, offset: u64) -> Result<(), RdbError> {
        self.loader.target.node.persistence.loading.loaded_bytes.store(offset, Ordering::Relaxed);
        (self.between)()
    }
}

/// What was loaded beside takes the place of all data and functions, at one instant. The caller has seen to it that no snapshot
/// runs.
pub fn swap(node: &Node, beside: Shards, functions: Functions) {
    let mut old = Vec::new();
    {
        let mut held = Held::all(&node.shards);
        for (index, keyspace) in beside.into_keyspaces().enumerate() {
            let Some(shard) = held.get(index) else { continue };
            old.push(std::mem::replace(&mut shard.keyspace, keyspace));
            shard.watchers.touch_where(|_, _| true);
            shard.tracked.clear(&node.tracking.counts);
        }
        tracking::all_changed(node);
        node.scripting.set_functions(functions);
    }
    let keys = |keyspace: &Keyspace| -> usize {
        (0..keyspace.database_count()).map(|database| keyspace.key_count(database)).sum()
    };
    node.lazy_free.elsewhere(old.iter().map(keys).sum(), Box::new(old));
}

/// Empties all shards, and forgets all functions, at one instant. What was in them is the caller's to drop.
#[must_use = "dropping it frees all entries here and now"]
pub fn flush(node: &Node) -> Vec<Flushed> {
    let mut flushed = Vec::new();
    {
        let mut held = Held::all(&node.shards);
        for index in 0..node.shards.count() {
            let Some(shard) = held.get(index) else { continue };
            flushed.push(shard.keyspace.flush_all());
            shard.watchers.touch_where(|_, _| true);
            shard.tracked.clear(&node.tracking.counts);
        }
        tracking::all_changed(node);
        node.scripting.set_functions(Functions::default());
    }
    flushed
}

#[cfg(test)]
mod tests;
