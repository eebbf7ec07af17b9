//! A lab of its own for a test, run by the real binary, and ended with the test.

use std::io::Write as _;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use rcl::wire::{Endpoint, Wire};
use rcl_proto::Address;
use rcl_proto::resp::Reply;

/// Long enough for a busy machine; nothing asserts how long it took.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Lab {
    pub directory: PathBuf,
    base_port: u16,
}

pub fn rcl(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rcl"))
        .args(arguments)
        .env_remove("RCL_ENTRY")
        .env_remove("REDISCLI_AUTH")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[track_caller]
pub fn rcl_succeeds(arguments: &[&str]) -> String {
    let output = rcl(arguments);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{arguments:?}\n{said}\n{}", String::from_utf8_lossy(&output.stderr));
    said
}

impl Lab {
    /// An empty lab whose nodes will be `redis-server`; `None`, said loudly, where there is none.
    pub fn new(base_port: u16) -> Option<Lab> {
        if Command::new("redis-server").arg("--version").stdout(Stdio::null()).status().is_err() {
            let _ = writeln!(
                std::io::stderr(),
                "SKIPPED: a test on a lab of real nodes: no redis-server on this machine"
            );
            return None;
        }
        let directory = std::env::temp_dir().join(format!("rcl-face-{base_port}-{}", std::process::id()));
        Some(Lab { directory, base_port })
    }

    pub fn port(&self, number: u16) -> u16 {
        self.base_port + number - 1
    }

    pub fn address(&self, number: u16) -> String {
        format!("127.0.0.1:{}", self.port(number))
    }

    #[track_caller]
    pub fn succeed(&self, arguments: &[&str]) -> String {
        let arguments = self.arguments(arguments);
        rcl_succeeds(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Fails with this exit code; what it said on stderr.
    #[track_caller]
    pub fn fail(&self, arguments: &[&str], exit_code: i32) -> String {
        let all = self.arguments(arguments);
        let output = rcl(&all.iter().map(String::as_str).collect::<Vec<_>>());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(exit_code), "{arguments:?}\n{said}");
        said
    }

    /// `lab --dir …` before the words, and the server and the ports behind the verbs that start nodes.
    fn arguments(&self, words: &[&str]) -> Vec<String> {
        let mut arguments = vec!["lab".to_owned(), "--dir".into(), self.directory.display().to_string()];
        arguments.extend(words.iter().map(|&word| word.to_owned()));
        if words.iter().any(|word| ["start", "add"].contains(word)) {
            arguments.extend(["--base-port".into(), self.base_port.to_string()]);
            if !words.contains(&"--server") {
                arguments.extend(["--server".into(), "redis-server".into()]);
            }
        }
        arguments
    }

    /// Each node's state and pid, from the JSON form.
    pub fn states(&self, json: &str) -> Vec<(String, Option<u64>)> {
        let status: serde_json::Value = serde_json::from_str(json).unwrap();
        let nodes = status["nodes"].as_array().unwrap();
        nodes.iter().map(|node| (node["state"].as_str().unwrap().to_owned(), node["pid"].as_u64())).collect()
    }

    pub fn wait_for_state(&self, state: &str) -> Vec<(String, Option<u64>)> {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let states = self.states(&self.succeed(&["-o", "json", "status"]));
            if states[0].0 == state {
                return states;
            }
            assert!(Instant::now() < give_up, "waited in vain for {state}: {states:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// A command to a node; a connection that ends is the reply to SHUTDOWN.
    pub fn call(&self, number: u16, command: &[&str]) -> Reply {
        let endpoint = Endpoint::Tcp(Address::new("127.0.0.1", self.port(number)));
        let mut wire = Wire::connect(&endpoint, Some(Duration::from_secs(10))).unwrap();
        wire.call(command).unwrap_or(Reply::Null)
    }

    pub fn wait_until_ok(&self) {
        let give_up = Instant::now() + PATIENCE;
        let is_ok = |number| {
            let reply = self.call(number, &["CLUSTER", "INFO"]);
            String::from_utf8_lossy(reply.as_bytes().unwrap_or_default()).contains("cluster_state:ok")
        };
        while !(1..=6).all(is_ok) {
            assert!(Instant::now() < give_up, "waited in vain for cluster_state:ok");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = rcl(&["lab", "--dir", &self.directory.display().to_string(), "clean"]);
    }
}

/// A `rcl` whose lines are read as they come.
pub struct Follower {
    process: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Follower {
    pub fn start(arguments: &[&str]) -> Follower {
        let mut process = Command::new(env!("CARGO_BIN_EXE_rcl"))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Follower { process, lines, seen: Vec::new() }
    }

    /// Reads on until a line holds `text`.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let left = give_up.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("waited in vain for: {text}\n{}", self.seen.join("\n"))
            };
            let found = line.contains(text);
            self.seen.push(line);
            if found {
                return;
            }
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
