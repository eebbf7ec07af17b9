//! An `rcl` whose lines are read as they come.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Instant;

use crate::harness::PATIENCE;

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
