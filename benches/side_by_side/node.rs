//! Nodes to measure: processes on ports of our own, with nothing on disk but nodes.conf.
//!
//! A node is ended by its process, when the value that started it goes.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use crate::client::{Client, field};
use crate::tool;

/// Whose program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Ours,
    Theirs,
}

impl Side {
    /// Who goes first changes from round to round.
    pub fn in_turn(round: usize) -> [Side; 2] {
        if round.is_multiple_of(2) { [Side::Theirs, Side::Ours] } else { [Side::Ours, Side::Theirs] }
    }

    fn server(self) -> Command {
        match self {
            Side::Theirs => Command::new("redis-server"),
            Side::Ours => {
                let mut command = Command::new(env!("CARGO_BIN_EXE_rcl"));
                command.arg("node");
                command
            }
        }
    }
}

/// A value for each side.
#[derive(Clone, Copy, Debug, Default)]
pub struct Both<T> {
    pub ours: T,
    pub theirs: T,
}

impl<T> Both<T> {
    pub fn of(&mut self, side: Side) -> &mut T {
        match side {
            Side::Ours => &mut self.ours,
            Side::Theirs => &mut self.theirs,
        }
    }
}

#[derive(Debug)]
pub struct Node {
    pub port: u16,
    directory: PathBuf,
    process: Child,
}

impl Node {
    /// `more` are directives beyond what all nodes here have, each followed by its value.
    pub fn start_many(side: Side, count: usize, more: &[&str]) -> anyhow::Result<Vec<Node>> {
        let mut nodes = (0..count).map(|_| Node::spawn(side, more)).collect::<anyhow::Result<Vec<Node>>>()?;
        nodes.iter_mut().try_for_each(|node| node.await_answer(Duration::from_secs(30)))?;
        Ok(nodes)
    }

    fn spawn(side: Side, more: &[&str]) -> anyhow::Result<Node> {
        Node::spawn_on(side, more, |_| Ok(()))
    }

    /// On a folder that was filled before. It may take long until it answers.
    pub fn spawn_on(
        side: Side,
        more: &[&str],
        fill: impl FnOnce(&Path) -> anyhow::Result<()>,
    ) -> anyhow::Result<Node> {
        let port = free_port()?;
        let directory = std::env::temp_dir().join(format!("rcl-bench-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&directory)?;
        fill(&directory)?;
        let mut command = side.server();
        command
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"])
            .arg(&directory)
            .args(["--cluster-enabled", "yes", "--cluster-node-timeout", "5000", "--appendonly", "no"])
            .args(["--repl-diskless-sync-delay", "0"])
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = command.spawn().with_context(|| format!("{command:?} does not start"))?;
        Ok(Node { port, directory, process })
    }

    pub fn await_answer(&mut self, patience: Duration) -> anyhow::Result<()> {
        let limit = Instant::now() + patience;
        while Instant::now() < limit {
            if let Some(status) = self.process.try_wait()? {
                bail!("the node on port {} ended: {status}", self.port);
            }
            if let Ok(mut client) = Client::connect(self.port)
                && client.call(&["PING"]).is_ok()
            {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        bail!("the node on port {} does not answer", self.port)
    }

    /// Where it keeps its files; they go with it.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn client(&self) -> anyhow::Result<Client> {
        Client::connect(self.port).with_context(|| format!("the node on port {}", self.port))
    }

    /// User and system time of all its threads so far.
    pub fn cpu_seconds(&self) -> anyhow::Result<f64> {
        /// Clock ticks a second in /proc; Linux's constant on all machines of today.
        const USER_HZ: f64 = 100.0;
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        let (_, after_name) = stat.rsplit_once(')').context("no name in /proc/PID/stat")?;
        // The state, field 3, is the first after the name; utime and stime are fields 14 and 15.
        let ticks: Vec<f64> =
            after_name.split_whitespace().skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
        ensure!(ticks.len() == 2, "/proc/PID/stat is short");
        Ok(ticks.iter().sum::<f64>() / USER_HZ)
    }

    /// The same of the threads that are there now, by the nanosecond.
    fn cpu_seconds_of_threads(&self) -> anyhow::Result<f64> {
        let mut nanoseconds = 0.0;
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.process.id()))? {
            // With a processor, without one, and how often it got one.
            let account = std::fs::read_to_string(thread?.path().join("schedstat"))?;
            let with = account.split_whitespace().next().context("an empty schedstat")?;
            nanoseconds += with.parse::<f64>()?;
        }
        Ok(nanoseconds / 1e9)
    }

    /// Its CPU seconds per million of the requests that redis-benchmark sends from 50 connections, as `more` words say.
    pub fn cpu_per_million(&self, requests: usize, more: impl FnOnce(&mut Command)) -> anyhow::Result<f64> {
        let mut client = self.client()?;
        let mut handled = || -> anyhow::Result<u64> {
            let info = client.text(&["INFO", "stats"])?;
            Ok(field(&info, "total_commands_processed").context("no total_commands_processed")?.parse()?)
        };
        let (handled_before, cpu_before) = (handled()?, self.cpu_seconds_of_threads()?);
        let mut command = Command::new("redis-benchmark");
        command.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-c", "50", "-q"]);
        command.args(["-n", &requests.to_string()]);
        more(&mut command);
        tool::run(command)?;
        let (cpu, handled) = (self.cpu_seconds_of_threads()? - cpu_before, handled()? - handled_before);
        ensure!(handled >= requests as u64, "{handled} of {requests} requests were handled");
        Ok(cpu / requests as f64 * 1e6)
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    pub fn shared_bytes(&self) -> anyhow::Result<f64> {
        shared_bytes(self.pid())
    }

    pub fn resident_bytes(&self) -> anyhow::Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kilobytes: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kilobytes * 1024.0)
    }
}

/// Memory of a process and its children, of which pages that they share count once.
pub fn shared_bytes(pid: u32) -> anyhow::Result<f64> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let mut sum = 0.0;
    for pid in std::iter::once(Some(pid)).chain(children.split_whitespace().map(|pid| pid.parse().ok())) {
        let Some(pid) = pid else { continue };
        let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).context("no Pss")?;
        sum += line.trim().trim_end_matches("kB").trim().parse::<f64>()? * 1024.0;
    }
    Ok(sum)
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// A port that is free now, and whose bus port is. None is given twice: a port of a node that just ended may still
/// hold connections that are closing.
fn free_port() -> anyhow::Result<u16> {
    const FIRST: u16 = 23000;
    const LAST: u16 = 23999;
    static NEXT: AtomicU16 = AtomicU16::new(FIRST);
    let free = |port| TcpListener::bind(("127.0.0.1", port)).is_ok();
    loop {
        let port = NEXT.fetch_add(1, Ordering::Relaxed);
        ensure!(port <= LAST, "no free port is left from {FIRST} to {LAST}");
        if free(port) && free(port + 10000) {
            return Ok(port);
        }
    }
}

/// Waits until `done`, at most half a minute, asking every two milliseconds.
pub fn await_that(what: &str, mut done: impl FnMut() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let limit = Instant::now() + Duration::from_secs(30);
    while !done()? {
        ensure!(Instant::now() < limit, "did not come true: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}
