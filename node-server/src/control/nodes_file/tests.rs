//! nodes.conf in a folder of the test's own.

use std::fs::File;

use super::*;
use crate::disk::RealDisk;

/// A folder that goes with its owner.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("rcl-nodes-file-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    fn nodes_conf(&self) -> PathBuf {
        self.0.join("nodes.conf")
    }
}

fn open(folder: &Folder) -> Result<(NodesFile, Option<Persistent>), NodesFileError> {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    NodesFile::open(&disk, &folder.nodes_conf())
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const TEXT: &str = "0123456789012345678901234567890123456789 127.0.0.1:7000@17000 myself,master - 0 0 3 connected 0-5\n\
                    vars currentEpoch 3 lastVoteEpoch 2\n";

#[test]
fn a_new_node_has_none_and_then_reads_what_it_wrote() {
    let folder = Folder::new("new");
    let (mut file, persistent) = open(&folder).unwrap();
    assert_eq!(persistent, None);
    file.replace(TEXT).unwrap();
    file.replace(TEXT).unwrap();
    drop(file);
    let (_file, persistent) = open(&folder).unwrap();
    let persistent = persistent.unwrap();
    assert_eq!((persistent.current_epoch, persistent.last_vote_epoch, persistent.nodes.len()), (3, 2, 1));
}

#[test]
fn a_second_owner_is_refused_before_and_after_a_replacement() {
    let folder = Folder::new("second");
    let (mut file, _) = open(&folder).unwrap();
    for _ in 0..2 {
        let second = open(&folder);
        assert!(matches!(second, Err(NodesFileError::InUse { .. })), "{second:?}");
        file.replace(TEXT).unwrap();
    }
}

#[test]
fn the_file_itself_is_locked_as_a_redis_server_locks_it() {
    let folder = Folder::new("flock");
    let (mut file, _) = open(&folder).unwrap();
    for _ in 0..2 {
        let other = File::open(folder.nodes_conf()).unwrap();
        assert!(matches!(other.try_lock(), Err(TryLockError::WouldBlock)));
        file.replace(TEXT).unwrap();
    }
    drop(file);
    File::open(folder.nodes_conf()).unwrap().try_lock().unwrap();
}

#[test]
fn a_file_that_another_server_holds_is_refused() {
    let folder = Folder::new("held");
    let other = File::create(folder.nodes_conf()).unwrap();
    other.try_lock().unwrap();
    let opened = open(&folder);
    assert!(matches!(opened, Err(NodesFileError::InUse { .. })), "{opened:?}");
}

#[test]
fn what_is_wrong_is_said_with_its_file_and_line() {
    let folder = Folder::new("corrupt");
    std::fs::write(folder.nodes_conf(), format!("{TEXT}not a node\n")).unwrap();
    let error = open(&folder).unwrap_err().to_string();
    assert!(error.contains("nodes.conf") && error.contains("line 3"), "{error}");
    std::fs::write(folder.nodes_conf(), b"\xff\xfe").unwrap();
    let error = open(&folder).unwrap_err().to_string();
    assert!(error.contains("not text"), "{error}");
}

#[test]
fn a_failure_leaves_the_old_content() {
    let folder = Folder::new("failure");
    let (mut file, _) = open(&folder).unwrap();
    file.replace(TEXT).unwrap();
    // A folder stands where the new file would be written.
    std::fs::create_dir(folder.0.join("nodes.conf.new")).unwrap();
    assert!(file.replace("other").is_err());
    assert_eq!(std::fs::read_to_string(folder.nodes_conf()).unwrap(), TEXT);
    std::fs::remove_dir(folder.0.join("nodes.conf.new")).unwrap();
    file.replace("other").unwrap();
    assert_eq!(std::fs::read_to_string(folder.nodes_conf()).unwrap(), "other");
}
