//! The guide, typed: every command of its `console` blocks runs in order, on real `redis-server` processes in a
//! lab of its own, and must succeed; at the turns of the story what it prints is looked at.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use crate::guide::{Block, Guide};

/// The first of this walk's ports, in the place of 7001.
const BASE_PORT: u16 = 13_401;

struct Walk {
    directory: PathBuf,
    path: String,
}

impl Walk {
    fn new() -> Walk {
        let rcl = PathBuf::from(env!("CARGO_BIN_EXE_rcl"));
        let path =
            format!("{}:{}", rcl.parent().unwrap().display(), std::env::var("PATH").unwrap_or_default());
        let directory = std::env::temp_dir().join(format!("rcl-workshop-{}", std::process::id()));
        Walk { directory, path }
    }

    /// Runs a line as typed, but for the ports.
    fn run(&self, line: &str) -> Output {
        let mut line = line.to_owned();
        for number in (1..=8).rev() {
            line = line.replace(&format!("700{number}"), &(BASE_PORT + number - 1).to_string());
        }
        Command::new("sh")
            .args(["-c", &line])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("PATH", &self.path)
            .env("RCL", env!("CARGO_BIN_EXE_rcl"))
            .env("LAB_DIR", &self.directory)
            .env("LAB_BASE_PORT", BASE_PORT.to_string())
            .env("SERVER", "redis-server")
            .env_remove("MAKEFLAGS")
            .env_remove("RCL_ENTRY")
            .stdin(Stdio::null())
            .output()
            .unwrap()
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
        let _ = self.run("make --silent clean");
    }
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
        _ => &[],
    }
}

#[test]
fn the_guide_is_walked_through() {
    for needed in ["redis-server", "make"] {
        if Command::new(needed).arg("--version").stdout(Stdio::null()).status().is_err() {
            let _ = writeln!(
                std::io::stderr(),
                "SKIPPED: the walk through the workshop: no {needed} on this machine"
            );
            return;
        }
    }
    let guide = Guide::read(&crate::read("docs/workshop.md"));
    let walk = Walk::new();
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
