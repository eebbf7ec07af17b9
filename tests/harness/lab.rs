//! A lab for tests: nodes of either kind as `rcl lab` runs them, on ports of its own, ended and removed with the
//! value. When a test fails, the end of each node's log is shown.

#![allow(dead_code, reason = "each test file uses its part")]

use std::net::TcpListener;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rcl_proto::nodes_text::{NodeFlags, NodeLine};

use crate::harness::{Kind, Link, SERVER, findings_at, rcl, rcl_ok};

/// How long any one wait may take before the test is given up.
const LIMIT: Duration = Duration::from_secs(90);
const LOG_LINES: usize = 25;

/// Bus ports stay below 32768, where the system's own choice of ports begins.
const FIRST_PORT: u16 = 21_000;
const LAST_PORT: u16 = 22_700;

#[derive(Debug)]
pub struct TestLab {
    directory: PathBuf,
    base_port: u16,
    kinds: Vec<Kind>,
}

impl TestLab {
    /// Starts the first `count` of `kinds`; the rest is for [`add`](Self::add).
    pub fn start(kinds: &[Kind], count: usize) -> TestLab {
        let base_port = free_block(kinds.len() as u16);
        let directory = std::env::temp_dir().join(format!("rcl-lab-{}-{base_port}", std::process::id()));
        let lab = TestLab { directory, base_port, kinds: kinds.to_vec() };
        let first = kinds[0];
        if kinds[..count].iter().all(|kind| *kind == first) {
            let (nodes, port) = (count.to_string(), base_port.to_string());
            lab.rcl_lab(&["start", "--nodes", &nodes, "--base-port", &port], first);
            (1..=count).for_each(|number| lab.hurry(number));
        } else {
            (1..=count).for_each(|number| lab.add(number));
        }
        lab
    }

    /// Starts the node of this number, from 1.
    pub fn add(&self, number: usize) {
        let (node, port) = (number.to_string(), self.base_port.to_string());
        self.rcl_lab(&["add", &node, "--base-port", &port], self.kinds[number - 1]);
        self.hurry(number);
    }

    pub fn kill(&self, number: usize) {
        self.rcl_lab(&["kill", &number.to_string()], Kind::Ours);
    }

    pub fn restart(&self, number: usize) {
        self.rcl_lab(&["restart", &number.to_string()], Kind::Ours);
        self.hurry(number);
    }

    pub fn stop(&self) {
        self.rcl_lab(&["stop"], Kind::Ours);
    }

    fn rcl_lab(&self, words: &[&str], kind: Kind) {
        let mut arguments = vec!["lab", "--dir", self.directory.to_str().unwrap()];
        arguments.extend(words);
        if kind == Kind::Redis {
            arguments.extend(["--server", SERVER]);
        }
        rcl_ok(&arguments);
    }

    /// Redis waits 5 s for more replicas before it sends a snapshot; nobody else comes here.
    fn hurry(&self, number: usize) {
        self.link(number).call(&["CONFIG", "SET", "repl-diskless-sync-delay", "0"]);
    }

    pub fn kind(&self, number: usize) -> Kind {
        self.kinds[number - 1]
    }

    pub fn port(&self, number: usize) -> u16 {
        self.base_port + number as u16 - 1
    }

    pub fn address(&self, number: usize) -> String {
        format!("127.0.0.1:{}", self.port(number))
    }

    pub fn link(&self, number: usize) -> Link {
        Link::over(std::net::TcpStream::connect(("127.0.0.1", self.port(number))).unwrap())
    }

    /// CLUSTER NODES as the node sees it; empty when it does not answer.
    pub fn view(&self, number: usize) -> Vec<NodeLine> {
        let answer = self.try_text(number, &["CLUSTER", "NODES"]);
        answer.map_or_else(Vec::new, |answer| rcl_proto::nodes_text::parse(&answer).unwrap())
    }

    pub fn myself(&self, number: usize) -> Option<NodeLine> {
        self.view(number).into_iter().find(|line| line.flags.contains(NodeFlags::MYSELF))
    }

    pub fn is_master(&self, number: usize) -> bool {
        self.myself(number).is_some_and(|line| line.flags.contains(NodeFlags::MASTER))
    }

    /// The number of the node that `number` replicates.
    pub fn master_of(&self, number: usize) -> Option<usize> {
        let lines = self.view(number);
        let master = lines.iter().find(|line| line.flags.contains(NodeFlags::MYSELF))?.master?;
        let master = lines.iter().find(|line| line.id == master)?;
        (1..=self.kinds.len()).find(|&other| self.port(other) == master.endpoint.port)
    }

    /// A field of INFO replication; empty when there is none.
    pub fn replication(&self, number: usize, field: &str) -> String {
        let info = self.try_text(number, &["INFO", "replication"]).unwrap_or_default();
        let value = info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        value.unwrap_or_default().trim().to_owned()
    }

    pub fn state_is_ok(&self, number: usize) -> bool {
        self.try_text(number, &["CLUSTER", "INFO"]).is_some_and(|info| info.contains("cluster_state:ok"))
    }

    fn try_text(&self, number: usize, words: &[&str]) -> Option<String> {
        let stream = std::net::TcpStream::connect(("127.0.0.1", self.port(number))).ok()?;
        let reply = Link::over(stream).try_call(words).ok()?;
        reply.as_bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// Waits until `rcl check` finds nothing.
    pub fn await_health(&self, entry: usize) {
        self.wait_for("rcl check finds nothing", || findings_at(&self.address(entry)) == (0, vec![]));
    }

    /// Waits until all that the master sent until now is on its replica.
    pub fn await_in_sync(&self, replica: usize) {
        self.wait_for(&format!("node {replica} follows its master"), || {
            self.replication(replica, "master_link_status") == "up"
        });
        let master = self.master_of(replica).unwrap();
        let offset = |number, field| self.replication(number, field).parse::<u64>().unwrap_or(0);
        let sent = offset(master, "master_repl_offset");
        self.wait_for(&format!("node {replica} has caught up with node {master}"), || {
            offset(replica, "slave_repl_offset") >= sent
        });
    }

    pub fn wait_for(&self, what: &str, mut done: impl FnMut() -> bool) {
        let limit = Instant::now() + LIMIT;
        while !done() {
            if Instant::now() >= limit {
                let (_, check, why) = rcl(&["check", &self.address(2)]);
                panic!("did not come true in {LIMIT:?}: {what}\n{check}{why}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn show_logs(&self) {
        for number in 1..=self.kinds.len() {
            for name in ["output.log", "node.log"] {
                let path = self.directory.join(format!("node-{number}")).join(name);
                let Ok(bytes) = std::fs::read(&path) else { continue };
                let log = String::from_utf8_lossy(&bytes).into_owned();
                let lines: Vec<&str> = log.lines().collect();
                let tail = &lines[lines.len().saturating_sub(LOG_LINES)..];
                eprintln!("--- node {number} ({:?}) {name}\n{}", self.kind(number), tail.join("\n"));
            }
            if let Some(nodes) = self.try_text(number, &["CLUSTER", "NODES"]) {
                eprintln!("--- node {number} CLUSTER NODES\n{nodes}");
            }
        }
    }
}

impl Drop for TestLab {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.show_logs();
        }
        let (code, _, stderr) = rcl(&["lab", "--dir", self.directory.to_str().unwrap(), "clean"]);
        if code != 0 && !std::thread::panicking() {
            panic!("rcl lab clean: {stderr}");
        }
    }
}

/// The first of `count` ports in a row that are free, and whose bus ports are.
fn free_block(count: u16) -> u16 {
    let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    let blocks = (LAST_PORT - FIRST_PORT) / count;
    let start = (std::process::id() % u32::from(blocks)) as u16;
    (0..blocks)
        .map(|block| FIRST_PORT + (start + block) % blocks * count)
        .find(|first| (*first..first + count).all(|port| free(port) && free(port + 10_000)))
        .unwrap_or_else(|| panic!("no {count} free ports in a row from {FIRST_PORT} to {LAST_PORT}"))
}
