//! The guide and the runbook, typed: every command of their `console` blocks runs in order, on real `redis-server`
//! processes in a lab of its own, and must succeed; at the turns of the story what it prints is looked at.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::guide::{Block, Guide};
use crate::harness::ports::Ports;
use crate::harness::skip;

struct Walk {
    /// In the place of 7001 to 7008.
    ports: Ports,
    /// Where commands are typed.
    at: PathBuf,
    /// Of the lab.
    directory: PathBuf,
    path: String,
    /// How the lab ends.
    clean: &'static str,
}

impl Walk {
    /// The guide, in the project's folder.
    fn of_guide() -> Walk {
        let directory = std::env::temp_dir().join(format!("rcl-workshop-{}", std::process::id()));
        let at = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        Walk { ports: Ports::take_numbered(8), at, directory, path: path(), clean: "make --silent clean" }
    }

    /// The runbook, in a folder of its own.
    fn of_runbook() -> Walk {
        let at = std::env::temp_dir().join(format!("rcl-runbook-{}", std::process::id()));
        std::fs::create_dir_all(&at).unwrap();
        Walk {
            ports: Ports::take_numbered(8),
            directory: at.join(".lab"),
            at,
            path: path(),
            clean: "rcl lab clean",
        }
    }

    /// Runs a line as typed, but for the ports.
    fn run(&self, line: &str) -> Output {
        Command::new("sh")
            .args(["-c", &self.with_ports(line)])
            .current_dir(&self.at)
            .env("PATH", &self.path)
            .env("RCL", env!("CARGO_BIN_EXE_rcl"))
            .env("LAB_DIR", &self.directory)
            .env("LAB_BASE_PORT", self.ports.first().to_string())
            .env("RCL_STATE_DIR", self.directory.with_extension("state"))
            .env("SERVER", "redis-server")
            .env_remove("MAKEFLAGS")
            .env_remove("RCL_ENTRY")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// The line with this walk's ports in the place of the documents'.
    fn with_ports(&self, line: &str) -> String {
        let mut parts = line.split("700");
        let mut typed = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            match part.chars().next().and_then(|digit| digit.to_digit(10)) {
                Some(number @ 1..=8) => {
                    typed.push_str(&(self.ports.first() + number as u16 - 1).to_string());
                    typed.push_str(&part[1..]);
                }
                _ => typed.extend(["700", part]),
            }
        }
        typed
    }

    /// The dead are called so only after the node timeout; until then it is refused.
    fn await_success(&self, line: &str) {
        let limit = Instant::now() + Duration::from_secs(60);
        let dry = format!("{line} --dry-run");
        while !self.run(&dry).status.success() {
            assert!(Instant::now() < limit, "$ {dry}\n{:?}", self.run(&dry));
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn succeed(&self, line: &str) -> String {
        let output = self.run(line);
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "$ {line}\n{stdout}\n{stderr}\n{}", output.status);
        stdout
    }
}

impl Drop for Walk {
    fn drop(&mut self) {
        let _ = self.run(self.clean);
        let _ = std::fs::remove_dir_all(self.directory.with_extension("state"));
        if self.at.starts_with(std::env::temp_dir()) {
            let _ = std::fs::remove_dir_all(&self.at);
        }
    }
}

/// With the `rcl` under test first.
fn path() -> String {
    let rcl = PathBuf::from(env!("CARGO_BIN_EXE_rcl"));
    format!("{}:{}", rcl.parent().unwrap().display(), std::env::var("PATH").unwrap_or_default())
}

/// False, with a loud line, where something that the walk needs is missing.
fn can_walk(what: &str) -> bool {
    for needed in ["redis-server", "make"] {
        if Command::new(needed).arg("--version").stdout(Stdio::null()).status().is_err() {
            skip(what, &format!("no {needed} on this machine"));
            return false;
        }
    }
    true
}

/// What the output of a command must show.
fn expectations(line: &str) -> &'static [&'static str] {
    match line {
        "make start" => {
            &["cluster_state:ok", "cluster_slots_assigned:16384", "cluster_known_nodes:6", "cluster_size:3"]
        }
        "rcl redis-cli -p 7001 CLUSTER KEYSLOT user:1001" => &["5712"],
        "rcl redis-cli -p 7001 SET user:1001 Ada" => &["MOVED 5712"],
        "rcl redis-cli -c -p 7001 GET user:1001" => &["Ada"],
        "make hash-tag-demo" | "make cross-slot-demo" => &["CROSSSLOT", "OK"],
        "make scale-up" => &["4,096  25.0 %"],
        "make scale-add-replica" => &["role:slave", "master_link_status:up"],
        "make failover" => &["node 1 is a master", "failed"],
        "make recover" => &["role:slave", "master_link_status:up"],
        "rcl redis-cli -c -p 7002 GET {test}:data" => &["critical"],
        "make scale-down" => &["33.3 %"],
        "rcl redis-cli -c -p 7001 GET {cut}50" => &["50"],
        _ => &[],
    }
}

#[test]
fn the_guide_is_walked_through() {
    if !can_walk("the walk through the workshop") {
        return;
    }
    let guide = Guide::read(&super::read("docs/workshop.md"));
    let walk = Walk::of_guide();
    let mut terminal: Vec<&str> = Vec::new();
    let mut checked = 0;
    for (block, line) in &guide.commands {
        match block {
            Block::Docker => continue,
            // What runs in the second terminal is looked at as soon as there is a cluster.
            Block::Terminal => terminal.push(line),
            // The walk has its own path.
            Block::Console if line.starts_with("export ") => continue,
            Block::Console => {
                let said = walk.succeed(line);
                for expected in expectations(line) {
                    assert!(said.contains(expected), "$ {line}\nlacks {expected}:\n{said}");
                    checked += 1;
                }
                for line in terminal.drain(..) {
                    let said = walk.run(&format!("timeout 3 {line} 2>&1"));
                    let said = String::from_utf8_lossy(&said.stdout).into_owned();
                    assert!(said.contains("state=ok slots=16384 masters=3"), "$ {line}\n{said}");
                }
            }
        }
    }
    assert!(checked >= 20, "the guide has lost commands whose output is looked at");
    assert!(!walk.directory.exists(), "make clean is the end");
}

#[test]
fn the_runbook_is_walked_through() {
    if !can_walk("the walk through the runbook") {
        return;
    }
    let runbook = Guide::read(&super::read("docs/operations.md"));
    let walk = Walk::of_runbook();
    for (block, line) in &runbook.commands {
        assert_eq!(*block, Block::Console, "{line}");
        if line.starts_with("rcl forget") {
            walk.await_success(line);
        }
        let said = walk.succeed(line);
        for expected in expectations(line) {
            assert!(said.contains(expected), "$ {line}\nlacks {expected}:\n{said}");
        }
        if line.starts_with("timeout -s KILL") {
            assert!(said.contains("cut off"), "it came to its end: {said}");
        }
    }
    assert!(!walk.directory.exists(), "rcl lab clean is the end");
}
