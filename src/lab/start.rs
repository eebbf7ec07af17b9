//! Starting nodes: nothing is started before it is known that all can be, and nothing is done to those
//! that run.
//!
//! 1. For each node: it runs (its recorded process is itself), or it is to be started.
//! 2. All ports of those to be started are looked at; what is in the way is said, all of it at once.
//! 3. Each is started, and its process recorded before the next.
//! 4. All must answer PING; one that ended meanwhile is reported with the end of its log.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::layout::{Lab, failed};
use super::ports;
use super::process::Process;
use crate::cli::{Failure, Kind};

/// How long a node may take until it answers. Loading a big dump is worth waiting for.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// How many lines of a log are shown for a node that did not come up.
const LOG_LINES: usize = 8;

/// Starts those of `numbers` that do not run. `server` replaces the program of those that are started.
pub fn nodes(lab: &mut Lab, numbers: &[u16], server: Option<&Path>) -> Result<(), Failure> {
    let server = server.map(resolve).transpose()?;
    let mut missing = Vec::new();
    for &number in numbers {
        lab.port(number)?;
        lab.node_or_new(number);
        if !lab.runs(lab.node(number)?) {
            missing.push(number);
        }
    }
    refuse_taken_ports(lab, &missing)?;
    for &number in &missing {
        if let Some(server) = &server {
            lab.node_or_new(number).server = Some(server.clone());
        }
        start_one(lab, number)?;
    }
    let give_up = Instant::now() + TIME_LIMIT;
    numbers.iter().try_for_each(|&number| wait_for_answer(lab, number, give_up))
}

fn refuse_taken_ports(lab: &Lab, numbers: &[u16]) -> Result<(), Failure> {
    let mut obstacles = Vec::new();
    for &number in numbers {
        if let Some(obstacle) = ports::obstacle(lab.port(number)?) {
            obstacles.push(format!("node {number}: {obstacle}"));
        }
    }
    if obstacles.is_empty() {
        return Ok(());
    }
    Err(Failure::refused(obstacles.join("\n       "))
        .next("end what listens there, or use another folder and other ports: rcl lab --dir DIR start --base-port PORT"))
}

fn start_one(lab: &mut Lab, number: u16) -> Result<(), Failure> {
    let configuration = lab.prepare(number)?;
    let directory = lab.node_directory(number);
    let output = directory.join("output.log");
    let (program, arguments): (PathBuf, Vec<&OsStr>) = match &lab.node_or_new(number).server {
        Some(server) => (server.clone(), vec![configuration.as_os_str()]),
        None => (this_binary()?, vec![OsStr::new("node"), configuration.as_os_str()]),
    };
    let lock = lab.process_lock(number);
    let process = Process::start(&program, &arguments, &directory, &output, &lock)
        .map_err(|error| failed("run", &program, &error))?;
    lab.node_or_new(number).pid = Some(process.pid);
    lab.save()
}

/// The system tells it by /proc; where there is none, it is the name that this program was called by.
fn this_binary() -> Result<PathBuf, Failure> {
    std::env::current_exe().or_else(|_| {
        let name = std::env::args_os().next().unwrap_or_default();
        resolve(Path::new(&name))
    })
}

/// A name without a slash is looked up in PATH now, since it must mean the same at the next restart.
fn resolve(server: &Path) -> Result<PathBuf, Failure> {
    let candidates: Vec<PathBuf> = if server.components().count() > 1 {
        vec![server.to_owned()]
    } else {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).map(|directory| directory.join(server)).collect()
    };
    let found = candidates.iter().find(|path| path.is_file()).and_then(|path| std::path::absolute(path).ok());
    found.ok_or_else(|| {
        Failure::refused(format!("there is no program {}", server.display()))
            .next("give the path of a server program")
    })
}

fn wait_for_answer(lab: &Lab, number: u16, give_up: Instant) -> Result<(), Failure> {
    let port = lab.port(number)?;
    while !ports::answers_ping(port) {
        if !lab.runs(lab.node(number)?) {
            return Err(did_not_come_up(lab, number, "ended at once"));
        }
        if Instant::now() >= give_up {
            return Err(did_not_come_up(lab, number, "runs but does not answer PING"));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

fn did_not_come_up(lab: &Lab, number: u16, what: &str) -> Failure {
    let directory = lab.node_directory(number);
    let log = ["output.log", "node.log"].map(|name| last_lines(&directory.join(name))).concat();
    let said =
        if log.is_empty() { "; it said nothing".into() } else { format!("; the end of its log:\n{log}") };
    Failure::new(Kind::Stopped, format!("node {number} {what}{said}"))
        .next(format!("its configuration and its log are in {}", directory.display()))
}

fn last_lines(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let start = lines.len().saturating_sub(LOG_LINES);
    lines.iter().skip(start).map(|line| format!("  | {line}\n")).collect()
}
