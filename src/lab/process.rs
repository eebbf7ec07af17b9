//! Processes that outlive us: started detached, known by pid and lock, ended by signal.
//!
//! A pid alone names a process only while it lives; the system gives it away again. So a process is started
//! with a lock that is its own: between fork and exec it takes a record lock (fcntl) on `process.lock` through
//! a descriptor that stays open in it. The system drops the lock when the process ends, however it ends, and
//! tells whoever asks which pid holds it. A zombie holds none, so it counts as gone. /proc, which an empty root
//! does not have, only adds who has the pid now.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A process that was started here or by an earlier `rcl`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    pub pid: i32,
    /// The file that it holds a lock on while it lives.
    pub lock: PathBuf,
}

/// What became of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    Running,
    Gone,
    /// Its pid belongs to another process now, of this name. Without /proc, that is no more than gone.
    Replaced(String),
}

/// How a process is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// It may save and say goodbye.
    Terminate,
    /// It may not.
    Kill,
}

impl Process {
    /// Starts `program` in a session of its own, without a terminal; what it prints goes to `output`. It holds
    /// `lock` while it lives; that another process holds it already is an error.
    pub fn start(
        program: &Path,
        arguments: &[&OsStr],
        directory: &Path,
        output: &Path,
        lock: &Path,
    ) -> io::Result<Process> {
        let output = OpenOptions::new().create(true).append(true).open(output)?;
        let lock_file = OpenOptions::new().create(true).append(true).open(lock)?;
        let descriptor = lock_file.as_raw_fd();
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(directory)
            // A pipe that ends at once: an empty root has no /dev/null.
            .stdin(Stdio::piped())
            .stdout(output.try_clone()?)
            .stderr(output);
        // SAFETY: between fork and exec only setsid and fcntl run, which are async-signal-safe and take no
        // memory; the descriptor is open, since `lock_file` outlives the spawn.
        unsafe {
            command.pre_exec(move || {
                if libc::setsid() == -1 {
                    return Err(io::Error::last_os_error());
                }
                hold(descriptor)
            });
        }
        let mut child = command.spawn()?;
        drop(child.stdin.take());
        drop(lock_file);
        let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
        Ok(Process { pid, lock: lock.to_owned() })
    }

    pub fn fate(&self) -> Fate {
        match holder(&self.lock) {
            Some(pid) if pid == self.pid => Fate::Running,
            _ => living(self.pid).map_or(Fate::Gone, Fate::Replaced),
        }
    }

    pub fn is_running(&self) -> bool {
        self.fate() == Fate::Running
    }

    /// Sends the signal, if the process is still itself.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        if !self.is_running() {
            return Ok(());
        }
        let number = match signal {
            Signal::Terminate => libc::SIGTERM,
            Signal::Kill => libc::SIGKILL,
        };
        // SAFETY: kill takes two numbers; the pid is positive, so it names one process and no group.
        match unsafe { libc::kill(self.pid, number) } {
            0 => Ok(()),
            _ => match io::Error::last_os_error() {
                error if error.raw_os_error() == Some(libc::ESRCH) => Ok(()),
                error => Err(error),
            },
        }
    }

    /// Whether it was gone before `time_limit` was over.
    pub fn wait_until_gone(&self, time_limit: Duration) -> bool {
        let give_up = Instant::now() + time_limit;
        while self.is_running() {
            if Instant::now() >= give_up {
                return false;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        true
    }
}

/// A write lock on the whole file.
fn whole_file() -> libc::flock {
    // SAFETY: flock is plain numbers, for which all zeros is a value: from the start, to the end.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = libc::F_WRLCK as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    lock
}

/// Takes the lock for this process and lets the descriptor stay open over exec. Runs between fork and exec.
fn hold(descriptor: RawFd) -> io::Result<()> {
    let lock = whole_file();
    // SAFETY: the descriptor is open, and fcntl reads `lock`, which lives over the call.
    let taken = unsafe {
        libc::fcntl(descriptor, libc::F_SETLK, &lock) != -1 && libc::fcntl(descriptor, libc::F_SETFD, 0) != -1
    };
    if taken { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The pid of the process that holds the lock.
fn holder(path: &Path) -> Option<i32> {
    let file = File::open(path).ok()?;
    let mut lock = whole_file();
    // SAFETY: the descriptor is open while `file` lives, and fcntl writes into `lock`, which is ours.
    let asked = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GETLK, &mut lock) };
    (asked != -1 && i32::from(lock.l_type) != libc::F_UNLCK).then_some(lock.l_pid)
}

/// The name of the living process of this pid, where there is a /proc that tells.
fn living(pid: i32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // `pid (name) state …`. The name may hold blanks and parentheses; the last `)` ends it.
    let (head, tail) = stat.rsplit_once(')')?;
    let (_, name) = head.split_once('(')?;
    let is_dead = tail.trim_start().starts_with(['Z', 'X', 'x']);
    (!is_dead).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder for locks that is gone when the test is.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let path = std::env::temp_dir().join(format!("rcl-lab-process-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Folder(path)
        }

        fn sleeper(&self, lock: &str) -> io::Result<Process> {
            let (output, lock) = (Path::new("/dev/null"), self.0.join(lock));
            Process::start(Path::new("sleep"), &["600".as_ref()], &self.0, output, &lock)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn is_gone(process: &Process) -> bool {
        process.wait_until_gone(Duration::from_secs(60))
    }

    #[test]
    fn it_runs_in_its_own_session_until_it_is_ended() {
        let folder = Folder::new("ended");
        for signal in [Signal::Terminate, Signal::Kill] {
            let process = folder.sleeper("process.lock").unwrap();
            assert_eq!(process.fate(), Fate::Running);
            // SAFETY: getsid takes a number and gives one.
            assert_eq!(unsafe { libc::getsid(process.pid) }, process.pid);
            process.signal(signal).unwrap();
            assert!(is_gone(&process));
            assert_eq!(process.fate(), Fate::Gone);
            process.signal(signal).unwrap();
        }
    }

    #[test]
    fn another_process_of_the_same_pid_is_not_it_and_is_left_alone() {
        let folder = Folder::new("other");
        let process = folder.sleeper("process.lock").unwrap();
        let stale = Process { pid: process.pid, lock: folder.0.join("stale.lock") };
        for _ in 0..2 {
            assert_eq!(stale.fate(), Fate::Replaced("sleep".into()));
            stale.signal(Signal::Kill).unwrap();
            assert_eq!(process.fate(), Fate::Running);
            // Without the lock's file, and with one that nobody holds.
            fs::write(&stale.lock, "").unwrap();
        }
        process.signal(Signal::Kill).unwrap();
        assert!(is_gone(&process));
    }

    #[test]
    fn a_second_process_for_one_lock_does_not_start() {
        let folder = Folder::new("second");
        let process = folder.sleeper("process.lock").unwrap();
        assert!(folder.sleeper("process.lock").is_err());
        assert_eq!(process.fate(), Fate::Running);
        process.signal(Signal::Kill).unwrap();
        assert!(is_gone(&process));
    }

    #[test]
    fn numbers_that_are_no_pid_name_nothing() {
        for pid in [0, -1, i32::MAX] {
            let process = Process { pid, lock: PathBuf::from("/nowhere/process.lock") };
            assert_eq!(process.fate(), Fate::Gone);
        }
    }
}
