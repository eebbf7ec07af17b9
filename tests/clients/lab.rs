//! A cluster of six of our nodes, or one alone, on ports of its own, and the programs of other people that are run against it.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

/// Long enough for a busy machine; nothing asserts how long it took.
const PATIENCE: Duration = Duration::from_secs(120);
const NODES: u16 = 6;
const FIRST_PORT: u16 = 19_000;
const LAST_PORT: u16 = 19_800;

/// Says past the test runner's capture that a test did not run. Where peers are required, that is a failure.
pub fn skip(what: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what}: {why}");
    assert!(std::env::var_os("RCL_REQUIRE_PEERS").is_none(), "{what} may not be skipped here: {why}");
}

/// Whether `program` is on this machine; otherwise `what` is skipped.
pub fn have(program: &str, what: &str) -> bool {
    let found = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !found {
        skip(what, &format!("no {program} on this machine"));
    }
    found
}

/// Nodes that the lab of `rcl` runs; ended and removed with the value.
pub struct Lab {
    directory: PathBuf,
    base_port: u16,
}

impl Lab {
    /// Six nodes that do not know each other.
    pub fn start() -> Lab {
        let base_port = free_block();
        let directory = std::env::temp_dir().join(format!("rcl-clients-{}-{base_port}", std::process::id()));
        let lab = Lab { directory, base_port };
        let (nodes, port) = (NODES.to_string(), base_port.to_string());
        lab.rcl(&["lab", "--dir", &lab.folder(), "start", "--nodes", &nodes, "--base-port", &port]);
        lab
    }

    /// A cluster of three masters with a replica each, all of them in sync.
    pub fn cluster() -> Lab {
        let lab = Lab::start();
        let addresses = lab.addresses();
        let mut arguments = vec!["create", "--replicas", "1", "--yes"];
        arguments.extend(addresses.iter().map(String::as_str));
        lab.rcl(&arguments);
        lab.wait_until_well();
        lab
    }

    fn folder(&self) -> String {
        self.directory.display().to_string()
    }

    /// The port of a node, from 1.
    pub fn port(&self, number: u16) -> String {
        (self.base_port + number - 1).to_string()
    }

    pub fn address(&self, number: u16) -> String {
        format!("127.0.0.1:{}", self.port(number))
    }

    pub fn addresses(&self) -> Vec<String> {
        (1..=NODES).map(|number| self.address(number)).collect()
    }

    /// Runs `rcl`, which must succeed; its stdout.
    #[track_caller]
    pub fn rcl(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rcl"));
        succeed(command.args(arguments).env_remove("RCL_ENTRY").env_remove("REDISCLI_AUTH"))
    }

    /// One command to one node, whatever it answers.
    pub fn call(&self, number: u16, words: &[&str]) -> String {
        let port = self.port(number);
        self.rcl(&[&["redis-cli", "-p", &port][..], words].concat())
    }

    /// Whether `rcl check` finds nothing to say, also no node that gossip has not told all others of yet.
    pub fn finds_all_well(&self) -> bool {
        let mut check = Command::new(env!("CARGO_BIN_EXE_rcl"));
        check.args(["check", &self.address(1)]).output().unwrap().status.success()
    }

    /// Waits until every node finds the cluster well, and every replica has its master's data.
    pub fn wait_until_well(&self) {
        eventually("the cluster is well", || {
            (1..=NODES).all(|number| {
                let replication = self.call(number, &["INFO", "replication"]);
                let in_sync =
                    replication.contains("role:master") || replication.contains("master_link_status:up");
                in_sync && self.call(number, &["CLUSTER", "INFO"]).contains("cluster_state:ok")
            })
        });
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for number in 1..=NODES {
                let log = self.directory.join(format!("node-{number}/node.log"));
                let log = std::fs::read_to_string(log).unwrap_or_default();
                let lines: Vec<&str> = log.lines().collect();
                eprintln!("node {number}:\n{}", lines[lines.len().saturating_sub(15)..].join("\n"));
            }
        }
        let mut clean = Command::new(env!("CARGO_BIN_EXE_rcl"));
        let _ = clean.args(["lab", "--dir", &self.folder(), "clean"]).output();
    }
}

static NEXT_BLOCK: AtomicU16 = AtomicU16::new(0);

/// The first of as many ports as a lab needs that are free now, and whose bus ports are.
fn free_block() -> u16 {
    let blocks = (LAST_PORT - FIRST_PORT) / NODES;
    let start = (std::process::id() % u32::from(blocks)) as u16;
    let free = |port| TcpListener::bind(("127.0.0.1", port)).is_ok();
    for _ in 0..blocks {
        let block = (start + NEXT_BLOCK.fetch_add(1, Ordering::Relaxed)) % blocks;
        let first = FIRST_PORT + block * NODES;
        if (first..first + NODES).all(|port| free(port) && free(port + 10_000)) {
            return first;
        }
    }
    panic!("no {NODES} free ports from {FIRST_PORT} to {LAST_PORT}");
}

/// One of our nodes without a cluster; ended with the value.
pub struct Standalone {
    directory: PathBuf,
    port: u16,
    process: Child,
}

impl Standalone {
    pub fn start() -> Standalone {
        let port = free_block();
        let directory = std::env::temp_dir().join(format!("rcl-clients-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_rcl"))
            .args(["node", "--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"])
            .arg(&directory)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let node = Standalone { directory, port, process };
        eventually("the node takes connections", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        node
    }

    pub fn port(&self) -> String {
        self.port.to_string()
    }
}

impl Drop for Standalone {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// The script of this name beside this file, on the server of this port.
pub fn python(script: &str, port: String) -> Command {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(script);
    let mut command = Command::new("python3");
    command.arg(path).arg(port).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// Runs a program, which must succeed; its stdout.
#[track_caller]
pub fn succeed(command: &mut Command) -> String {
    let (stdout, stderr) = said(&command.stdin(Stdio::null()).output().unwrap(), command);
    assert!(!stderr.contains("Traceback"), "{command:?}\n{stdout}{stderr}");
    stdout
}

/// What a program said on stdout and stderr; it must have succeeded.
#[track_caller]
pub fn said(output: &Output, command: &Command) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{stdout}{stderr}", output.status);
    (stdout, stderr)
}

/// A program at work: its output is read line by line, and it is told to end by the end of its input.
pub struct AtWork {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl AtWork {
    pub fn start(command: &mut Command) -> AtWork {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        AtWork { input: process.stdin.take(), process, output }
    }

    /// The next line; it waits for it. An empty string is the end.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    pub fn end_input(&mut self) {
        self.input = None;
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Waits until `done`.
#[track_caller]
pub fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let give_up = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < give_up, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
