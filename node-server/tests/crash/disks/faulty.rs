//! A disk that fails some calls: the n-th of its kind on a kind of file, with ENOSPC, EIO, or in the middle of a write; or that halts
//! before it, for the process to be killed there.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::fs::TryLockError;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rcl_node::disk::{Disk, DiskFile, Open, RealDisk};

use super::kind_of;
use super::power::PowerDisk;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    Open,
    Read,
    Write,
    Sync,
    SetLen,
    SetMode,
    Lock,
    Rename,
    Remove,
    CreateFolder,
    List,
    SyncFolder,
}

const CALLS: [(Call, &str); 12] = [
    (Call::Open, "open"),
    (Call::Read, "read"),
    (Call::Write, "write"),
    (Call::Sync, "sync"),
    (Call::SetLen, "set-len"),
    (Call::SetMode, "set-mode"),
    (Call::Lock, "lock"),
    (Call::Rename, "rename"),
    (Call::Remove, "remove"),
    (Call::CreateFolder, "create-folder"),
    (Call::List, "list"),
    (Call::SyncFolder, "sync-folder"),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    NoSpace,
    Io,
    /// A write takes half of the bytes; what follows works. No fault at all, for who reads the manual.
    Short,
    /// A write takes half of the bytes, and the next on that kind of file fails with ENOSPC.
    Torn,
    /// The call never comes to its end, nor to the disk. Standard output says so.
    Halt,
}

const FAULTS: [(Fault, &str); 5] = [
    (Fault::NoSpace, "ENOSPC"),
    (Fault::Io, "EIO"),
    (Fault::Short, "short"),
    (Fault::Torn, "torn"),
    (Fault::Halt, "halt"),
];

impl Fault {
    /// Those that a call can fail with.
    pub fn of(call: Call) -> &'static [Fault] {
        match call {
            Call::Write => &[Fault::NoSpace, Fault::Io, Fault::Short, Fault::Torn],
            Call::Read | Call::Lock | Call::List | Call::Remove | Call::SetMode => &[Fault::Io],
            _ => &[Fault::NoSpace, Fault::Io],
        }
    }

    fn error(self) -> io::Error {
        const EIO: i32 = 5;
        const ENOSPC: i32 = 28;
        io::Error::from_raw_os_error(if self == Fault::Io { EIO } else { ENOSPC })
    }
}

/// A call on the way to the disk: the `nth` (from 0) of its kind on a kind of file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Point {
    pub call: Call,
    pub file: String,
    pub nth: usize,
}

fn name_of<T: PartialEq>(names: &[(T, &'static str)], wanted: &T) -> &'static str {
    names.iter().find(|(one, _)| one == wanted).map_or("", |(_, name)| name)
}

fn by_name<T: Copy>(names: &[(T, &'static str)], wanted: &str) -> Option<T> {
    names.iter().find(|(_, name)| *name == wanted).map(|(one, _)| *one)
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", name_of(&CALLS, &self.call), self.file, self.nth)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name_of(&FAULTS, self))
    }
}

impl FromStr for Point {
    type Err = String;

    fn from_str(text: &str) -> Result<Point, String> {
        let wrong = || format!("'{text}' is no point");
        let [call, file, nth] = text.split(' ').collect::<Vec<_>>()[..] else { return Err(wrong()) };
        let call = by_name(&CALLS, call).ok_or_else(wrong)?;
        Ok(Point { call, file: file.to_owned(), nth: nth.parse().map_err(|_| wrong())? })
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Fault, String> {
        by_name(&FAULTS, text).ok_or_else(|| format!("'{text}' is no fault"))
    }
}

#[derive(Clone, Debug)]
pub struct FaultyDisk {
    under: Arc<dyn Disk>,
    /// What is under it, if that can lose power.
    power: Option<PowerDisk>,
    plan: Arc<Mutex<Plan>>,
}

#[derive(Debug, Default)]
struct Plan {
    counts: HashMap<(Call, String), usize>,
    met: Vec<Point>,
    faults: Vec<(Point, Fault)>,
    hits: usize,
    /// The kind of file whose next write fails.
    torn: Option<String>,
}

impl FaultyDisk {
    pub fn new(power: Option<PowerDisk>) -> FaultyDisk {
        let under: Arc<dyn Disk> = match &power {
            Some(power) => Arc::new(power.clone()),
            None => Arc::new(RealDisk),
        };
        FaultyDisk { under, power, plan: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts from here on, and fails there.
    pub fn begin(&self, faults: Vec<(Point, Fault)>) {
        *self.lock() = Plan { faults, ..Plan::default() };
    }

    /// How often something failed so far.
    pub fn hits(&self) -> usize {
        self.lock().hits
    }

    /// Nothing fails any more; how often something did.
    pub fn end(&self) -> usize {
        std::mem::take(&mut *self.lock()).hits
    }

    /// All calls since [`FaultyDisk::begin`].
    pub fn met(&self) -> Vec<Point> {
        self.lock().met.clone()
    }

    fn meet(&self, call: Call, path: &Path) -> Option<Fault> {
        let fault = self.note(call, path);
        if fault == Some(Fault::Halt) {
            println!("\ndisk: halted");
            loop {
                std::thread::park();
            }
        }
        fault
    }

    fn note(&self, call: Call, path: &Path) -> Option<Fault> {
        let file = kind_of(path);
        let mut plan = self.lock();
        let count = plan.counts.entry((call, file.clone())).or_default();
        let nth = *count;
        *count += 1;
        let point = Point { call, file, nth };
        let torn = call == Call::Write && plan.torn.as_ref() == Some(&point.file);
        let fault = plan.faults.iter().find(|(at, _)| *at == point).map(|(_, fault)| *fault);
        plan.met.push(point.clone());
        if torn {
            plan.torn = None;
            return Some(Fault::NoSpace);
        }
        if fault.is_some() {
            plan.hits += 1;
        }
        if fault == Some(Fault::Torn) {
            plan.torn = Some(point.file);
        }
        fault
    }

    fn check(&self, call: Call, path: &Path) -> io::Result<()> {
        self.meet(call, path).map_or(Ok(()), |fault| Err(fault.error()))
    }
}

impl Disk for FaultyDisk {
    fn open(&self, path: &Path, open: Open) -> io::Result<Box<dyn DiskFile>> {
        self.check(Call::Open, path)?;
        let file = self.under.open(path, open)?;
        Ok(Box::new(FaultyFile { disk: self.clone(), path: path.to_owned(), file }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.check(Call::Rename, to)?;
        self.under.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.check(Call::Remove, path)?;
        self.under.remove(path)
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.check(Call::CreateFolder, path)?;
        self.under.create_folder(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        self.check(Call::List, folder)?;
        self.under.list(folder)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.check(Call::SyncFolder, folder)?;
        self.under.sync_folder(folder)
    }
}

#[derive(Debug)]
struct FaultyFile {
    disk: FaultyDisk,
    path: PathBuf,
    file: Box<dyn DiskFile>,
}

impl FaultyFile {
    fn check_sync(&self) -> io::Result<()> {
        let checked = self.disk.check(Call::Sync, &self.path);
        if let (Err(_), Some(power)) = (&checked, &self.disk.power) {
            power.sync_failed(&self.path);
        }
        checked
    }
}

impl Read for FaultyFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.disk.check(Call::Read, &self.path)?;
        self.file.read(buffer)
    }
}

impl Write for FaultyFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.disk.meet(Call::Write, &self.path) {
            None => self.file.write(bytes),
            Some(Fault::Short | Fault::Torn) => self.file.write(&bytes[..bytes.len().div_ceil(2)]),
            Some(fault) => Err(fault.error()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl DiskFile for FaultyFile {
    fn sync_data(&self) -> io::Result<()> {
        self.check_sync()?;
        self.file.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.check_sync()?;
        self.file.sync_all()
    }

    fn try_clone(&self) -> io::Result<Box<dyn DiskFile>> {
        let file = self.file.try_clone()?;
        Ok(Box::new(FaultyFile { disk: self.disk.clone(), path: self.path.clone(), file }))
    }

    fn set_len(&mut self, bytes: u64) -> io::Result<()> {
        self.disk.check(Call::SetLen, &self.path)?;
        self.file.set_len(bytes)
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn mode(&self) -> io::Result<u32> {
        self.file.mode()
    }

    fn set_mode(&self, mode: u32) -> io::Result<()> {
        self.disk.check(Call::SetMode, &self.path)?;
        self.file.set_mode(mode)
    }

    fn try_lock(&self) -> Result<(), TryLockError> {
        self.disk.check(Call::Lock, &self.path).map_err(TryLockError::Error)?;
        self.file.try_lock()
    }
}
