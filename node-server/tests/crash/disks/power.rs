//! A disk that can lose power: what was not synced is gone then, or a part of it, by seed.
//!
//! ```text
//!   a file's bytes      those at its last sync; by seed, so many more of those that were written since
//!                       those at a sync that failed are zeros then, whatever was synced later: unless they were written again
//!   a folder's names    those at its last sync; by seed, the first few of the changes since (created, renamed, removed), or of
//!                       each name the first few: what was done to one name may be there without what was done to another before
//! ```
//!
//! It works in a real folder, so that the next node can start on what is left. Every file has a second name in a folder
//! beside, so that nothing is gone that a power cut would bring back. After the cut the disk never answers again; the
//! process is to be killed.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rcl_node::disk::{Disk, DiskFile, Open, RealDisk, folder_of};

use super::random_below;

#[derive(Clone, Debug)]
pub struct PowerDisk(Arc<Mutex<State>>);

type Inode = u64;

#[derive(Debug)]
struct State {
    folder: PathBuf,
    /// Every file that has, had or may get back a name, under its inode's number.
    shadow: PathBuf,
    contents: HashMap<Inode, Durable>,
    names: BTreeMap<PathBuf, Inode>,
    folders: BTreeSet<PathBuf>,
    /// Changes of names that are not durable, in their order.
    changes: Vec<Change>,
    random: u64,
    calls_to_the_cut: Option<u64>,
}

/// What a file has after a power cut: so many of its bytes, and then those that were cut off since.
#[derive(Clone, Debug, Default)]
struct Durable {
    bytes: u64,
    tail: Vec<u8>,
    /// The system has given up writing these to the disk.
    given_up: Vec<Range<u64>>,
}

impl Durable {
    fn new(bytes: u64) -> Durable {
        Durable { bytes, ..Durable::default() }
    }

    /// The file ends there now.
    fn cut_off(&mut self, bytes: u64) {
        self.given_up.retain_mut(|range| {
            range.end = range.end.min(bytes);
            range.start < range.end
        });
    }
}

#[derive(Clone, Debug)]
enum Change {
    Created(PathBuf, Inode),
    CreatedFolder(PathBuf),
    Renamed(PathBuf, PathBuf),
    Removed(PathBuf),
}

impl Change {
    fn is_in(&self, folder: &Path) -> bool {
        let path = match self {
            Change::Created(path, _) | Change::CreatedFolder(path) | Change::Removed(path) => path,
            Change::Renamed(_, to) => to,
        };
        folder_of(path) == folder
    }

    /// The names that it is about.
    fn names(&self) -> Vec<&PathBuf> {
        match self {
            Change::Created(path, _) | Change::CreatedFolder(path) | Change::Removed(path) => vec![path],
            Change::Renamed(from, to) => vec![from, to],
        }
    }
}

impl PowerDisk {
    /// All that is in the folder is durable.
    pub fn new(folder: &Path, seed: u64) -> PowerDisk {
        let folder = fs::canonicalize(folder).unwrap();
        let shadow = folder.with_extension("shadow");
        let _ = fs::remove_dir_all(&shadow);
        fs::create_dir(&shadow).unwrap();
        let mut state = State {
            folder: folder.clone(),
            shadow,
            contents: HashMap::new(),
            names: BTreeMap::new(),
            folders: BTreeSet::new(),
            changes: Vec::new(),
            random: seed,
            calls_to_the_cut: None,
        };
        state.adopt(&folder);
        PowerDisk(Arc::new(Mutex::new(state)))
    }

    /// The power goes now, or before the so many-th call from now. Standard output says when it has.
    pub fn cut_after(&self, calls: u64) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.calls_to_the_cut = Some(calls);
        if calls == 0 {
            state.cut();
        }
    }

    /// Does not return when the power is going: a process that ends by itself then must not end before it has.
    pub fn wait_for_a_cut(&self) {
        drop(self.0.lock());
    }

    /// The system has told that it could not write something of the file: that was once. It takes it for written now.
    pub fn sync_failed(&self, path: &Path) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(metadata) = fs::metadata(path) else { return };
        if let Some(durable) = state.contents.get_mut(&metadata.ino()) {
            durable.given_up.push(durable.bytes..metadata.len().max(durable.bytes));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut state.calls_to_the_cut {
            Some(0) => state.cut(),
            Some(calls) => *calls -= 1,
            None => {}
        }
        state
    }
}

/// As far as the file goes.
fn fill_with_zeros(file: &mut File, ranges: &[Range<u64>]) -> io::Result<()> {
    let length = file.metadata()?.len();
    for range in ranges {
        let (start, end) = (range.start.min(length), range.end.min(length));
        file.seek(SeekFrom::Start(start))?;
        file.write_all(&vec![0; (end - start) as usize])?;
    }
    Ok(())
}

fn absolute(path: &Path) -> PathBuf {
    // The node's folder is where it works.
    let path = std::path::absolute(path).unwrap();
    match (fs::canonicalize(folder_of(&path)), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path,
    }
}

impl State {
    fn adopt(&mut self, folder: &Path) {
        self.folders.insert(folder.to_owned());
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.adopt(&path);
                continue;
            }
            let bytes = fs::metadata(&path).unwrap().len();
            let inode = self.follow(&path);
            self.contents.insert(inode, Durable::new(bytes));
            self.names.insert(path, inode);
        }
    }

    /// The file at `path` stays, whatever becomes of its name.
    fn follow(&mut self, path: &Path) -> Inode {
        let inode = fs::metadata(path).unwrap().ino();
        if self.contents.contains_key(&inode) {
            return inode;
        }
        fs::hard_link(path, self.shadow.join(inode.to_string())).unwrap();
        self.contents.insert(inode, Durable::default());
        inode
    }

    fn shadow_of(&self, inode: Inode) -> PathBuf {
        self.shadow.join(inode.to_string())
    }

    /// What is durable will be cut off: it is kept.
    fn keep_tail(&mut self, inode: Inode, from: u64) -> io::Result<()> {
        let shadow = self.shadow_of(inode);
        let Some(durable) = self.contents.get_mut(&inode) else { return Ok(()) };
        durable.cut_off(from);
        if from >= durable.bytes {
            return Ok(());
        }
        let mut file = File::open(shadow)?;
        file.seek(SeekFrom::Start(from))?;
        let mut tail = Vec::new();
        file.take(durable.bytes - from).read_to_end(&mut tail)?;
        tail.append(&mut durable.tail);
        (durable.bytes, durable.tail) = (from, tail);
        Ok(())
    }

    fn apply(&mut self, change: Change) {
        match change {
            Change::Created(path, inode) => drop(self.names.insert(path, inode)),
            Change::CreatedFolder(path) => drop(self.folders.insert(path)),
            Change::Removed(path) => drop(self.names.remove(&path)),
            Change::Renamed(from, to) => {
                if let Some(inode) = self.names.remove(&from) {
                    self.names.insert(to, inode);
                }
            }
        }
    }

    fn sync_folder(&mut self, folder: &Path) {
        let (durable, others) =
            std::mem::take(&mut self.changes).into_iter().partition(|change| change.is_in(folder));
        self.changes = others;
        for change in durable {
            self.apply(change);
        }
        self.forget_the_nameless();
    }

    /// Files that no name leads to, and that none will lead to after a cut.
    fn forget_the_nameless(&mut self) {
        let coming = self.changes.iter().filter_map(|change| match change {
            Change::Created(_, inode) => Some(*inode),
            _ => None,
        });
        let named: HashSet<Inode> = self.names.values().copied().chain(coming).collect();
        let gone: Vec<Inode> = self.contents.keys().filter(|inode| !named.contains(inode)).copied().collect();
        for inode in gone {
            let shadow = self.shadow_of(inode);
            if fs::metadata(&shadow).is_ok_and(|metadata| metadata.nlink() == 1) {
                let _ = fs::remove_file(shadow);
                self.contents.remove(&inode);
            }
        }
    }

    /// Leaves the folder as it is after a power cut, and never returns.
    fn cut(&mut self) -> ! {
        // Half of the cuts lose all that may be lost.
        let loses_all = random_below(&mut self.random, 2) == 0;
        if !loses_all {
            for change in self.changes_that_stay() {
                self.apply(change);
            }
        }
        let contents = std::mem::take(&mut self.contents);
        for (inode, durable) in contents {
            self.lose(inode, &durable, loses_all).unwrap();
        }
        self.name_again().unwrap();
        println!("\ndisk: cut");
        loop {
            std::thread::park();
        }
    }

    fn changes_that_stay(&mut self) -> Vec<Change> {
        let mut changes = std::mem::take(&mut self.changes);
        if random_below(&mut self.random, 2) == 0 {
            changes.truncate(random_below(&mut self.random, changes.len() as u64 + 1) as usize);
            return changes;
        }
        let mut lost: HashSet<PathBuf> = HashSet::new();
        changes.retain(|change| {
            let stays = random_below(&mut self.random, 2) == 0
                && change.names().iter().all(|name| !lost.contains(*name));
            if !stays {
                lost.extend(change.names().into_iter().cloned());
            }
            stays
        });
        changes
    }

    fn lose(&mut self, inode: Inode, durable: &Durable, loses_all: bool) -> io::Result<()> {
        let mut file = File::options().read(true).write(true).open(self.shadow_of(inode))?;
        let now = file.metadata()?.len();
        if !loses_all && (durable.tail.is_empty() || random_below(&mut self.random, 2) == 0) {
            // The file goes on no further than what the system has given up: that is where it would have grown.
            let beyond =
                durable.given_up.iter().map(|range| range.start).filter(|&start| start >= durable.bytes);
            let end = beyond.min().unwrap_or(now).min(now);
            let kept = durable.bytes.min(now)
                + random_below(&mut self.random, end.saturating_sub(durable.bytes) + 1);
            file.set_len(kept)?;
            return fill_with_zeros(&mut file, &durable.given_up);
        }
        file.set_len(durable.bytes)?;
        fill_with_zeros(&mut file, &durable.given_up)?;
        file.seek(SeekFrom::End(0))?;
        file.write_all(&durable.tail)
    }

    fn name_again(&mut self) -> io::Result<()> {
        fs::remove_dir_all(&self.folder)?;
        for folder in &self.folders {
            // One that is in a folder that is gone is gone as well.
            if *folder == self.folder || folder_of(folder).is_dir() {
                fs::create_dir(folder)?;
            }
        }
        for (path, inode) in &self.names {
            if folder_of(path).is_dir() {
                fs::hard_link(self.shadow.join(inode.to_string()), path)?;
            }
        }
        Ok(())
    }
}

impl Disk for PowerDisk {
    fn open(&self, path: &Path, open: Open) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.lock();
        let path = absolute(path);
        let old = fs::metadata(&path).ok().map(|metadata| metadata.ino());
        if let (Open::Create, Some(inode)) = (open, old) {
            state.keep_tail(inode, 0)?;
        }
        let file = RealDisk.open(&path, open)?;
        let inode = state.follow(&path);
        if old.is_none() {
            state.changes.push(Change::Created(path, inode));
        }
        drop(state);
        Ok(Box::new(PowerFile { disk: self.clone(), inode, file }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.lock();
        let (from, to) = (absolute(from), absolute(to));
        RealDisk.rename(&from, &to)?;
        state.changes.push(Change::Renamed(from, to));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.lock();
        let path = absolute(path);
        RealDisk.remove(&path)?;
        state.changes.push(Change::Removed(path));
        Ok(())
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        let mut state = self.lock();
        let path = absolute(path);
        RealDisk.create_folder(&path)?;
        state.changes.push(Change::CreatedFolder(path));
        Ok(())
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        let _state = self.lock();
        RealDisk.list(folder)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.lock();
        let folder = fs::canonicalize(folder)?;
        state.sync_folder(&folder);
        Ok(())
    }
}

#[derive(Debug)]
struct PowerFile {
    disk: PowerDisk,
    inode: Inode,
    file: Box<dyn DiskFile>,
}

impl Read for PowerFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let _state = self.disk.lock();
        self.file.read(buffer)
    }
}

impl Write for PowerFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _state = self.disk.lock();
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl DiskFile for PowerFile {
    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.disk.lock();
        let bytes = self.file.len()?;
        // A file without a name is not followed.
        if let Some(durable) = state.contents.get_mut(&self.inode) {
            (durable.bytes, durable.tail) = (bytes, Vec::new());
        }
        Ok(())
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn try_clone(&self) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(PowerFile { disk: self.disk.clone(), inode: self.inode, file: self.file.try_clone()? }))
    }

    fn set_len(&mut self, bytes: u64) -> io::Result<()> {
        let mut state = self.disk.lock();
        state.keep_tail(self.inode, bytes)?;
        self.file.set_len(bytes)
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn mode(&self) -> io::Result<u32> {
        self.file.mode()
    }

    fn set_mode(&self, mode: u32) -> io::Result<()> {
        let _state = self.disk.lock();
        self.file.set_mode(mode)
    }

    fn try_lock(&self) -> Result<(), TryLockError> {
        self.file.try_lock()
    }
}
