//! Processes that outlive us: started detached, known by pid and start time, ended by signal.
//!
//! A pid alone names a process only while it lives; the system gives it away again. The start time
//! (field 22 of /proc/PID/stat, in clock ticks since boot) tells the two apart. A zombie counts as gone:
//! its parent has only not asked yet.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// A process, told apart from any other that ever had its pid since the machine started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessId {
    pub pid: i32,
    pub started_ticks: u64,
}

/// What became of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    Running,
    Gone,
    /// Its pid belongs to another process now, of this name.
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

impl ProcessId {
    /// Starts `program` in a session of its own, without a terminal; what it prints goes to `output`.
    pub fn start(
        program: &Path,
        arguments: &[&OsStr],
        directory: &Path,
        output: &Path,
    ) -> io::Result<ProcessId> {
        let output = OpenOptions::new().create(true).append(true).open(output)?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        // SAFETY: between fork and exec only setsid runs, which is async-signal-safe and takes no memory.
        unsafe {
            command.pre_exec(|| match libc::setsid() {
                -1 => Err(io::Error::last_os_error()),
                _ => Ok(()),
            });
        }
        let child = command.spawn()?;
        let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
        // One that died at once is a zombie of ours and has its start time still.
        let stat = Stat::read(pid).ok_or_else(|| io::Error::other("it ended at once"))?;
        Ok(ProcessId { pid, started_ticks: stat.started_ticks })
    }

    pub fn fate(self) -> Fate {
        match Stat::read(self.pid) {
            Some(stat) if stat.started_ticks != self.started_ticks => Fate::Replaced(stat.name),
            Some(stat) if !stat.is_dead => Fate::Running,
            _ => Fate::Gone,
        }
    }

    pub fn is_running(self) -> bool {
        self.fate() == Fate::Running
    }

    /// Sends the signal, if the process is still itself.
    pub fn signal(self, signal: Signal) -> io::Result<()> {
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
    pub fn wait_until_gone(self, time_limit: Duration) -> bool {
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

/// What /proc says of a pid.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    name: String,
    is_dead: bool,
    started_ticks: u64,
}

impl Stat {
    fn read(pid: i32) -> Option<Stat> {
        if pid <= 0 {
            return None;
        }
        Stat::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// `pid (name) state ppid …`. The name may hold blanks and parentheses; the last `)` ends it.
    fn parse(text: &str) -> Option<Stat> {
        let (head, tail) = text.rsplit_once(')')?;
        let (_, name) = head.split_once('(')?;
        let mut fields = tail.split_ascii_whitespace();
        let state = fields.next()?;
        // The state is field 3, the start time field 22.
        let started_ticks = fields.nth(18)?.parse().ok()?;
        Some(Stat { name: name.to_owned(), is_dead: matches!(state, "Z" | "X" | "x"), started_ticks })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper() -> ProcessId {
        let directory = std::env::temp_dir();
        ProcessId::start(Path::new("sleep"), &["600".as_ref()], &directory, Path::new("/dev/null")).unwrap()
    }

    #[test]
    fn a_stat_line_with_an_odd_name() {
        let text = "42 (a) b (c)) S 1 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987 1 2 3";
        let stat = Stat::parse(text).unwrap();
        assert_eq!(stat, Stat { name: "a) b (c)".into(), is_dead: false, started_ticks: 987 });
        for bad in ["", "42", "42 (a", "42 (a) S 1"] {
            assert_eq!(Stat::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn it_runs_in_its_own_session_until_it_is_ended() {
        for signal in [Signal::Terminate, Signal::Kill] {
            let process = sleeper();
            assert_eq!(process.fate(), Fate::Running);
            let stat = fs::read_to_string(format!("/proc/{}/stat", process.pid)).unwrap();
            let session = stat.rsplit_once(')').unwrap().1.split_ascii_whitespace().nth(3).unwrap();
            assert_eq!(session, process.pid.to_string());
            process.signal(signal).unwrap();
            assert!(process.wait_until_gone(Duration::from_secs(60)));
            assert_eq!(process.fate(), Fate::Gone);
            process.signal(signal).unwrap();
        }
    }

    #[test]
    fn another_process_of_the_same_pid_is_not_it_and_is_left_alone() {
        let process = sleeper();
        let stale = ProcessId { started_ticks: process.started_ticks - 1, ..process };
        assert_eq!(stale.fate(), Fate::Replaced("sleep".into()));
        stale.signal(Signal::Kill).unwrap();
        assert_eq!(process.fate(), Fate::Running);
        process.signal(Signal::Kill).unwrap();
        assert!(process.wait_until_gone(Duration::from_secs(60)));
    }

    #[test]
    fn numbers_that_are_no_pid_name_nothing() {
        for pid in [0, -1, i32::MAX] {
            assert_eq!(ProcessId { pid, started_ticks: 0 }.fate(), Fate::Gone);
        }
    }
}
