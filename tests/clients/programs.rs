//! The programs of other people, and what they are run against besides a lab: a node alone.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};

use crate::harness::lab::Lab;
use crate::harness::ports::Ports;
use crate::harness::{eventually, rcl_ok, skip};

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

/// One command to one node, whatever it answers.
pub fn answer(lab: &Lab, number: usize, words: &[&str]) -> String {
    let port = lab.port(number).to_string();
    rcl_ok(&[&["redis-cli", "-p", &port][..], words].concat())
}

/// One of our nodes without a cluster; ended with the value.
pub struct Standalone {
    directory: PathBuf,
    ports: Ports,
    process: Child,
}

impl Standalone {
    pub fn start() -> Standalone {
        let ports = Ports::take(1);
        let port = ports.first();
        let directory = std::env::temp_dir().join(format!("rcl-clients-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_rcl"))
            .args(["node", "--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"])
            .arg(&directory)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let node = Standalone { directory, ports, process };
        eventually("the node takes connections", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        node
    }

    pub fn port(&self) -> u16 {
        self.ports.first()
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
pub fn python(script: &str, port: u16) -> Command {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(script);
    let mut command = Command::new("python3");
    command.arg(path).arg(port.to_string()).env("PYTHONDONTWRITEBYTECODE", "1");
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
