//! The lab's folder: its list of nodes, its lock, and each node's configuration.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rcl_proto::Address;
use serde::{Deserialize, Serialize};

use super::process::Process;
use crate::cli::{Failure, Kind};

/// All nodes of a lab listen here.
pub const HOST: &str = "127.0.0.1";

/// How far the bus port lies above the client port, as the protocol has it.
pub const BUS_PORT_OFFSET: u16 = 10_000;

/// A process that was just started has the lock of who started it until it runs its own program.
const HELD_ON: Duration = Duration::from_millis(200);
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// A lab on disk. While it is open for change, its lock is held.
#[derive(Debug)]
pub struct Lab {
    directory: PathBuf,
    pub record: Record,
    lock: Option<File>,
}

/// What lab.json holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub base_port: u16,
    pub nodes: Vec<NodeRecord>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRecord {
    /// From 1.
    pub number: u16,
    /// The program that runs it; `None`: this binary.
    pub server: Option<PathBuf>,
    /// The process last started for it; `None` once it was ended here.
    pub pid: Option<i32>,
}

impl Lab {
    /// The lab in `directory`, made if there is none.
    pub fn open_or_create(directory: &Path, base_port: u16) -> Result<Lab, Failure> {
        fs::create_dir_all(directory).map_err(|error| failed("create", directory, &error))?;
        let lock = lock(directory)?;
        let mut lab = Lab {
            directory: absolute(directory)?,
            record: Record { base_port, nodes: Vec::new() },
            lock: Some(lock),
        };
        match lab.read()? {
            Some(record) => lab.record = record,
            None => lab.save()?,
        }
        Ok(lab)
    }

    /// The lab in `directory`, which must be there.
    pub fn open(directory: &Path) -> Result<Lab, Failure> {
        Lab::open_if_there(directory)?.ok_or_else(|| no_lab(directory))
    }

    pub fn open_if_there(directory: &Path) -> Result<Option<Lab>, Failure> {
        if !directory.join("lab.json").exists() {
            return Ok(None);
        }
        let lock = lock(directory)?;
        let mut lab = Lab::look_at(directory)?;
        lab.lock = Some(lock);
        Ok(Some(lab))
    }

    /// Without its lock, only to look.
    pub fn look_at(directory: &Path) -> Result<Lab, Failure> {
        if !directory.join("lab.json").exists() {
            return Err(no_lab(directory));
        }
        let record = Record { base_port: 0, nodes: Vec::new() };
        let mut lab = Lab { directory: absolute(directory)?, record, lock: None };
        lab.record = lab.read()?.ok_or_else(|| no_lab(directory))?;
        Ok(lab)
    }

    pub fn node(&self, number: u16) -> Result<&NodeRecord, Failure> {
        self.record.nodes.iter().find(|node| node.number == number).ok_or_else(|| {
            let last = self.record.nodes.len();
            Failure::refused(format!("the lab has no node {number}; it has {last} nodes"))
                .next("rcl lab status shows them, rcl lab add starts one more")
        })
    }

    /// The node's record, made if there is none.
    pub fn node_or_new(&mut self, number: u16) -> &mut NodeRecord {
        let nodes = &mut self.record.nodes;
        let place = match nodes.binary_search_by_key(&number, |node| node.number) {
            Ok(place) => place,
            Err(place) => {
                nodes.insert(place, NodeRecord { number, server: None, pid: None });
                place
            }
        };
        &mut nodes[place]
    }

    pub fn next_number(&self) -> u16 {
        self.record.nodes.iter().map(|node| node.number).max().unwrap_or(0).saturating_add(1)
    }

    /// The node's port; an error when there is no such port, or none for its bus.
    pub fn port(&self, number: u16) -> Result<u16, Failure> {
        let port = u32::from(self.record.base_port) + u32::from(number) - 1;
        u16::try_from(port).ok().filter(|port| port.checked_add(BUS_PORT_OFFSET).is_some()).ok_or_else(|| {
            Failure::refused(format!(
                "node {number} would listen on port {port}, and there is no port {BUS_PORT_OFFSET} above it for its bus"
            ))
            .next("choose a lower --base-port or fewer nodes")
        })
    }

    pub fn address(&self, number: u16) -> Result<Address, Failure> {
        Ok(Address::new(HOST, self.port(number)?))
    }

    pub fn node_directory(&self, number: u16) -> PathBuf {
        self.directory.join(format!("node-{number}"))
    }

    /// The process last started for the node, unless it was ended here.
    pub fn process(&self, node: &NodeRecord) -> Option<Process> {
        node.pid.map(|pid| Process { pid, lock: self.process_lock(node.number) })
    }

    pub fn runs(&self, node: &NodeRecord) -> bool {
        self.process(node).is_some_and(|process| process.is_running())
    }

    pub fn process_lock(&self, number: u16) -> PathBuf {
        self.node_directory(number).join("process.lock")
    }

    /// Makes the node's folder and its configuration, unless they are there. Returns the configuration.
    pub fn prepare(&self, number: u16) -> Result<PathBuf, Failure> {
        let directory = self.node_directory(number);
        fs::create_dir_all(&directory).map_err(|error| failed("create", &directory, &error))?;
        let path = directory.join("node.conf");
        if !path.exists() {
            let text = configuration(self.port(number)?, &directory);
            write_whole(&path, &text).map_err(|error| failed("write", &path, &error))?;
        }
        Ok(path)
    }

    /// Writes lab.json.
    pub fn save(&self) -> Result<(), Failure> {
        let path = self.directory.join("lab.json");
        let text = serde_json::to_string_pretty(&self.record)
            .map_err(|error| Failure::new(Kind::Internal, format!("cannot write lab.json: {error}")))?;
        write_whole(&path, &format!("{text}\n")).map_err(|error| failed("write", &path, &error))
    }

    /// Removes what the lab made, and the folder if nothing else is in it.
    pub fn remove(self) -> Result<(), Failure> {
        for node in &self.record.nodes {
            let directory = self.node_directory(node.number);
            match fs::remove_dir_all(&directory) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(failed("remove", &directory, &error));
                }
                _ => {}
            }
        }
        for name in ["lab.json", "lab.lock"] {
            let path = self.directory.join(name);
            fs::remove_file(&path).map_err(|error| failed("remove", &path, &error))?;
        }
        // Not empty: somebody keeps something there, which is not ours to remove.
        let _ = fs::remove_dir(&self.directory);
        Ok(())
    }

    fn read(&self) -> Result<Option<Record>, Failure> {
        let path = self.directory.join("lab.json");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("read", &path, &error)),
        };
        serde_json::from_str(&text).map(Some).map_err(|error| {
            Failure::refused(format!("{} is not what a lab wrote: {error}", path.display()))
                .next("end its nodes by hand and remove the folder")
        })
    }
}

/// What a node of the lab needs to be told; all else is the server's default.
fn configuration(port: u16, directory: &Path) -> String {
    let directory = directory.display();
    format!(
        "# A node of rcl's lab. Written once: change it here, and restart the node.\n\
         port {port}\n\
         bind {HOST}\n\
         cluster-enabled yes\n\
         cluster-config-file nodes.conf\n\
         cluster-node-timeout 5000\n\
         appendonly no\n\
         repl-diskless-sync-delay 0\n\
         dir \"{directory}\"\n\
         logfile \"{directory}/node.log\"\n\
         pidfile \"{directory}/node.pid\"\n"
    )
}

/// By rename, with file and folder synced, so that it is never half there.
fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let mut file = File::create(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

/// Takes the lab's lock, or says that somebody has it. It goes with the file, so also with a killed process.
fn lock(directory: &Path) -> Result<File, Failure> {
    let path = directory.join("lab.lock");
    let file = File::create(&path).map_err(|error| failed("create", &path, &error))?;
    let started = Instant::now();
    loop {
        // SAFETY: flock takes no pointer, and the descriptor is open while `file` lives.
        let taken = unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) };
        if taken == 0 {
            return Ok(file);
        }
        if started.elapsed() > HELD_ON {
            let what = format!("another rcl is at work on the lab in {}", directory.display());
            return Err(Failure::refused(what).next("wait until it is done"));
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

fn absolute(directory: &Path) -> Result<PathBuf, Failure> {
    directory.canonicalize().map_err(|error| failed("find", directory, &error))
}

fn no_lab(directory: &Path) -> Failure {
    Failure::refused(format!("there is no lab in {}", directory.display())).next("rcl lab start makes one")
}

pub fn failed(deed: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::new(Kind::Stopped, format!("cannot {deed} {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that is gone when the test is.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let path = std::env::temp_dir().join(format!("rcl-lab-layout-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            Folder(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_lab_is_kept_and_its_base_port_stays() {
        let folder = Folder::new("kept");
        let mut lab = Lab::open_or_create(&folder.0, 27_900).unwrap();
        lab.node_or_new(2).server = Some("redis-server".into());
        lab.node_or_new(1);
        lab.save().unwrap();
        let record = lab.record.clone();
        drop(lab);
        let lab = Lab::open_or_create(&folder.0, 7001).unwrap();
        assert_eq!(lab.record, record);
        assert_eq!(lab.record.nodes.iter().map(|node| node.number).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(lab.port(2).unwrap(), 27_901);
        assert_eq!(lab.next_number(), 3);
    }

    #[test]
    fn two_may_not_change_it_at_once() {
        let folder = Folder::new("lock");
        let lab = Lab::open_or_create(&folder.0, 7001).unwrap();
        let refused = Lab::open(&folder.0).unwrap_err();
        assert!(refused.what.contains("another rcl"), "{refused}");
        assert!(Lab::look_at(&folder.0).is_ok(), "looking needs no lock");
        drop(lab);
        assert!(Lab::open(&folder.0).is_ok());
    }

    #[test]
    fn a_configuration_is_written_once_and_removed_with_the_lab() {
        let folder = Folder::new("conf");
        let mut lab = Lab::open_or_create(&folder.0, 27_900).unwrap();
        lab.node_or_new(1);
        let path = lab.prepare(1).unwrap();
        assert!(fs::read_to_string(&path).unwrap().contains("\nport 27900\n"));
        fs::write(&path, "changed").unwrap();
        lab.prepare(1).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "changed");
        fs::write(folder.0.join("mine"), "").unwrap();
        lab.remove().unwrap();
        assert!(!path.exists());
        assert!(folder.0.join("mine").exists(), "what the lab did not make stays");
    }

    #[test]
    fn ports_without_room_for_the_bus_are_refused() {
        let folder = Folder::new("ports");
        let lab = Lab::open_or_create(&folder.0, 55_530).unwrap();
        assert_eq!(lab.port(6).unwrap(), 55_535);
        assert!(lab.port(7).is_err());
        assert!(lab.port(u16::MAX).is_err());
    }

    #[test]
    fn what_is_no_lab_is_not_touched() {
        let folder = Folder::new("none");
        fs::create_dir_all(&folder.0).unwrap();
        assert!(Lab::open(&folder.0).is_err());
        assert!(Lab::open_if_there(&folder.0).unwrap().is_none());
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 0);
        fs::write(folder.0.join("lab.json"), "{}").unwrap();
        assert!(Lab::open(&folder.0).unwrap_err().what.contains("is not what a lab wrote"));
    }
}
