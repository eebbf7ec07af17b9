//! Reading an RDB file into the shards: the one of the last save when the node starts, or the one that a master
//! sends.
//!
//! A file that is torn or corrupt stops the start: data are missing, and only people can say whether the node
//! shall go on without them.

use std::io::{BufReader, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use rcl_proto::resp::OwnedArgs;
use rcl_proto::{Slot, key_slot};
use rcl_store::keyspace::{Flushed, Keyspace};
use rcl_store::rdb::{FileDecoder, Item, KeyItem, RdbError};

use crate::clock;
use crate::command::CommandError;
use crate::disk::Open;
use crate::eviction;
use crate::executor::{Held, node_state};
use crate::node::Node;
use crate::persistence::save;
use crate::replication::ReplicationId;
use crate::scripting::functions::Functions;
use crate::shard::Shards;
use crate::tracking;

/// What INFO shows of a load.
#[derive(Debug, Default)]
pub struct Progress {
    pub started_ms: AtomicI64,
    pub total_bytes: AtomicU64,
    pub loaded_bytes: AtomicU64,
    pub keys_loaded: AtomicU64,
    pub keys_expired: AtomicU64,
}

impl Progress {
    pub fn begin(&self, total_bytes: u64) {
        self.started_ms.store(clock::now_ms(), Ordering::Relaxed);
        self.total_bytes.store(total_bytes, Ordering::Relaxed);
        self.loaded_bytes.store(0, Ordering::Relaxed);
        self.keys_loaded.store(0, Ordering::Relaxed);
        self.keys_expired.store(0, Ordering::Relaxed);
    }
}

/// Why a data set cannot be loaded.
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
    /// It has more databases than this node.
    NoSuchDatabase {
        number: u64,
        there_are: usize,
    },
    /// A library of functions in it cannot be created.
    Library(CommandError),
    /// There is such a key already.
    KeyIsThere {
        key: Vec<u8>,
    },
}

impl std::fmt::Display for LoadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LoadError::Open { path, error } => write!(f, "cannot open '{}': {error}", path.display()),
            LoadError::Rdb { path: Some(path), error } => {
                write!(f, "'{}' cannot be loaded: {error}", path.display())
            }
            LoadError::Rdb { path: None, error } => error.fmt(f),
            LoadError::NoSuchDatabase { number, there_are } => {
                write!(
                    f,
                    "it has keys in database {number}, but this node has {there_are} (directive databases)"
                )
            }
            LoadError::Library(error) => {
                let text = error.text().trim_start_matches("ERR ");
                write!(f, "a library of functions in it cannot be created: {text}")
            }
            LoadError::KeyIsThere { key } => {
                write!(f, "there is a key '{}' already", String::from_utf8_lossy(key))
            }
        }
    }
}

impl std::error::Error for LoadError {}

/// What a file said, and what was loaded.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    pub keys: u64,
    pub expired: u64,
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
    let mut loader = Loader::new(node, BufReader::with_capacity(256 * 1024, file), leads(node));
    loader.resumes_history = true;
    let loaded = loader.load_all(|| Ok(())).map_err(|error| match error {
        LoadError::Rdb { error, .. } => LoadError::Rdb { path: Some(path.clone()), error },
        error => error,
    })?;
    tracing::info!(
        path = %path.display(),
        keys = loaded.keys,
        expired = loaded.expired,
        bytes,
        ms = began.elapsed().as_millis() as u64,
        "loaded"
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
    node.set_state(node_state::LOADING, true);
    if reload.flushes {
        drop(flush(node));
    }
    let mut loader = Loader::new(node, BufReader::new(file), !node.replication.is_replica());
    loader.replaces_keys = reload.merges;
    loader.replaces_libraries = reload.merges;
    let loaded = loader.load_all(|| Ok(()));
    node.set_state(node_state::LOADING, false);
    loaded.map(|_| ()).map_err(|error| error.to_string())
}

/// Puts a file's items into the shards.
pub struct Loader<'a, R> {
    node: &'a Node,
    shards: &'a Shards,
    /// Libraries of functions, where they are not to be the node's yet.
    functions: Option<Functions>,
    decoder: FileDecoder<R>,
    loaded: Loaded,
    /// A master drops what has expired; a replica keeps it until its master says so.
    drops_expired: bool,
    /// Keys and libraries that are there already give way. It is an error otherwise.
    replaces_keys: bool,
    replaces_libraries: bool,
    /// The log goes on where the file says that its data are, before the first of them is looked at: so what is dropped here is
    /// dropped by replicas too.
    resumes_history: bool,
    database_count: usize,
    delay_us: i64,
}

impl<'a, R: Read> Loader<'a, R> {
    pub fn new(node: &'a Node, source: R, drops_expired: bool) -> Loader<'a, R> {
        Loader::into_shards(node, &node.shards, source, drops_expired)
    }

    /// Into shards beside the node's; nothing of the node changes until [`swap`].
    pub fn beside(node: &'a Node, shards: &'a Shards, source: R) -> Loader<'a, R> {
        Loader { functions: Some(Functions::default()), ..Loader::into_shards(node, shards, source, false) }
    }

    fn into_shards(node: &'a Node, shards: &'a Shards, source: R, drops_expired: bool) -> Loader<'a, R> {
        let decoder = FileDecoder::new(source, node.limits());
        let database_count = shards.lock(0).keyspace.database_count();
        let delay_us = node.settings().key_load_delay_us;
        Loader {
            node,
            shards,
            functions: None,
            decoder,
            loaded: Loaded::default(),
            drops_expired,
            replaces_keys: true,
            replaces_libraries: false,
            resumes_history: false,
            database_count,
            delay_us,
        }
    }

    /// The libraries of a load beside the node's data.
    pub fn functions(&mut self) -> Functions {
        self.functions.take().unwrap_or_default()
    }

    /// The first item: there is one only when the header is right, and nothing was changed yet.
    pub fn first(&mut self) -> Result<Item, LoadError> {
        self.decoder.next_item().map_err(|error| LoadError::Rdb { path: None, error })
    }

    /// Everything; `between` is called now and then, and may end it.
    pub fn load_all(&mut self, between: impl FnMut() -> Result<(), RdbError>) -> Result<Loaded, LoadError> {
        let first = self.first()?;
        self.load_from(first, between)
    }

    pub fn load_from(
        &mut self,
        first: Item,
        mut between: impl FnMut() -> Result<(), RdbError>,
    ) -> Result<Loaded, LoadError> {
        let as_error = |error| LoadError::Rdb { path: None, error };
        let mut item = first;
        let mut count = 0u32;
        loop {
            if !matches!(item, Item::Aux { .. }) && std::mem::take(&mut self.resumes_history) {
                self.resume_history();
            }
            if let Item::End = item {
                self.show_progress();
                return Ok(std::mem::take(&mut self.loaded));
            }
            self.take(item)?;
            count = count.wrapping_add(1);
            self.delay(count);
            if count.is_multiple_of(1024) {
                self.show_progress();
                between().map_err(as_error)?;
            }
            item = self.decoder.next_item().map_err(as_error)?;
        }
    }

    fn resume_history(&self) {
        if let (Some(id), Some(offset)) = (self.loaded.id, self.loaded.offset) {
            self.node.replication.resume(id, offset, self.loaded.stream_database.unwrap_or(0));
        }
    }

    /// `key-load-delay`. While there is none, it is looked up now and then only.
    fn delay(&mut self, count: u32) {
        if self.delay_us == 0 && !count.is_multiple_of(1024) {
            return;
        }
        self.delay_us = self.node.settings().key_load_delay_us;
        super::slow_down(self.delay_us, u64::from(count));
    }

    fn show_progress(&self) {
        let progress = &self.node.persistence.loading;
        progress.loaded_bytes.store(self.decoder.offset(), Ordering::Relaxed);
        progress.keys_loaded.store(self.loaded.keys, Ordering::Relaxed);
        progress.keys_expired.store(self.loaded.expired, Ordering::Relaxed);
    }

    fn take(&mut self, item: Item) -> Result<(), LoadError> {
        match item {
            Item::Aux { name, value } => self.note_aux(&name, &value),
            Item::Function(code) => {
                let (scripting, replace) = (&self.node.scripting, self.replaces_libraries);
                match &mut self.functions {
                    None => scripting.load(self.node, &code, replace).map_err(LoadError::Library)?,
                    Some(functions) => {
                        let more = scripting.with_library(self.node, functions, &code, replace);
                        *functions = more.map_err(LoadError::Library)?;
                    }
                }
            }
            Item::ModuleAux { module } => {
                tracing::warn!(module, "a module's data beside the keys are not loaded");
            }
            Item::EmptyKey { key, .. } => {
                tracing::warn!(key = %String::from_utf8_lossy(&key), "a key with an empty value is not loaded");
            }
            Item::Key(key) => self.insert(key)?,
            Item::DatabaseSize { .. } | Item::End => {}
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

    fn insert(&mut self, item: KeyItem) -> Result<(), LoadError> {
        let database = usize::try_from(item.database)
            .ok()
            .filter(|&database| database < self.database_count)
            .ok_or(LoadError::NoSuchDatabase { number: item.database, there_are: self.database_count })?;
        let slot = if self.node.is_cluster() { key_slot(&item.key) } else { Slot::MIN };
        if self.drops_expired && item.expiry_ms.is_some_and(|expiry_ms| expiry_ms <= clock::now_ms()) {
            self.loaded.expired += 1;
            // Replicas that go on from the file's place have it still.
            let delete = OwnedArgs::new([b"DEL".as_slice(), &item.key]);
            self.node.replication.append(database, Some(slot), std::iter::once(delete.as_args()));
            return Ok(());
        }
        let mut shard = self.shards.lock_slot(slot);
        let key = shard.keyspace.hasher().key_in_slot(&item.key, slot);
        if !self.replaces_keys && shard.keyspace.find(database, &key).is_some() {
            return Err(LoadError::KeyIsThere { key: item.key });
        }
        let now_ms = clock::now_ms();
        shard.keyspace.set_write_access(eviction::write_access(self.node, now_ms));
        shard.keyspace.insert(database, &key, item.value, item.expiry_ms);
        let (idle_s, frequency) = (item.idle_s, item.frequency);
        if idle_s.is_some() || frequency.is_some() {
            let clock = eviction::restored_clock(&self.node.settings(), idle_s, frequency, now_ms);
            if let (Some(clock), Some(entry)) = (clock, shard.keyspace.find_mut(database, &key)) {
                entry.set_access_clock(clock);
            }
        }
        drop(shard);
        self.loaded.keys += 1;
        Ok(())
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
