//! `rcl` is killed at random moments of what it does, and `rcl resume` or `rcl undo` is all that follows: the cluster checks
//! clean, every key is there once, and clients saw nothing but redirects.
//!
//! ```text
//! a round    reshard, rebalance, scale-down, replace-node or apply, by the dice; kill -9 within the time that it takes
//!            one in three: what resumes it is killed, too
//!            resume or undo, by the dice
//! after it   no open slot, no disagreement; undone: each slot where it was; all keys with their values, none twice
//! ```
//!
//! `RCL_KILL_SEED` and `RCL_KILL_ROUNDS` say which and how many (`make kill-rcl SEED=7 ROUNDS=200`).

mod harness;
mod load;

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use harness::*;
use load::{Load, Size};
use rcl_proto::resp::Reply;

const KEYS: usize = 3000;
const LOAD: Size = Size { items_per_worker: 40, rate: 600 };

#[test]
fn our_nodes_survive_a_killed_rcl() {
    rounds(Kind::Ours);
}

#[test]
fn redis_survives_a_killed_rcl() {
    if have_server() {
        rounds(Kind::Redis);
    }
}

fn number_of(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn rounds(kind: Kind) {
    let seed = number_of("RCL_KILL_SEED", u64::from(std::process::id()));
    // Each kind of node gets half of them.
    let rounds = number_of("RCL_KILL_ROUNDS", 4).div_ceil(2);
    let mut field = Field::new(kind, seed);
    for round in 0..rounds {
        field.fill_up();
        field.round(round);
    }
    field.end();
}

/// Four masters and a node that waits, under load.
struct Field {
    seed: u64,
    dice: Dice,
    servers: Vec<Server>,
    load: Option<Load>,
    state: PathBuf,
    /// How long the five deeds took when nobody killed them, as far as that is known.
    took: [Duration; 5],
    killed: u32,
}

struct Dice(u64);

impl Dice {
    /// From 0 up, below `sides`.
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % sides
    }
}

impl Field {
    fn new(kind: Kind, seed: u64) -> Field {
        let servers = Server::start_many(kind, 5, &[]);
        create(&servers[..4], 0);
        fill(servers[0].port, KEYS);
        let load =
            Load::start_of(LOAD, &[servers[0].port, servers[1].port, servers[2].port, servers[3].port]);
        let state =
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("kill-{kind:?}-{}", std::process::id()));
        let took = [Duration::from_millis(400); 5];
        Field { seed, dice: Dice(seed), servers, load: Some(load), state, took, killed: 0 }
    }

    /// Those with slots, and those that belong to no cluster.
    fn sides(&self) -> (Vec<usize>, Vec<usize>) {
        (0..self.servers.len()).partition(|&index| {
            let nodes = text(&self.servers[index].link().call(&["CLUSTER", "NODES"]));
            nodes.lines().count() > 1
        })
    }

    fn address(&self, index: usize) -> String {
        self.servers[index].address()
    }

    fn rcl(&self, arguments: &[&str]) -> (i32, String, String) {
        let state = self.state.to_str().unwrap();
        let arguments: Vec<&str> = ["--state-dir", state].iter().chain(arguments).copied().collect();
        rcl(&arguments)
    }

    #[track_caller]
    fn rcl_ok(&self, arguments: &[&str]) -> String {
        let (code, stdout, stderr) = self.rcl(arguments);
        assert_eq!(code, 0, "seed {}: rcl {arguments:?}\n{stdout}{stderr}", self.seed);
        stdout
    }

    /// Back to four masters with slots.
    fn fill_up(&mut self) {
        let (members, spares) = self.sides();
        if members.len() < 4 {
            self.rcl_ok(&["add-node", &self.address(spares[0]), &self.address(members[0]), "--yes"]);
            self.rcl_ok(&["rebalance", &self.address(members[0]), "--use-empty-masters", "--yes"]);
        }
    }

    /// Who owns which slots, by the nodes' own word.
    fn owners(&self) -> Vec<String> {
        let (members, _) = self.sides();
        let nodes = rcl_json(&["nodes", &self.address(members[0])]);
        let mut rows: Vec<String> = nodes
            .as_array()
            .unwrap()
            .iter()
            .map(|row| format!("{} {}", row["address"].as_str().unwrap(), row["slots"].as_str().unwrap()))
            .collect();
        rows.sort();
        rows
    }

    fn round(&mut self, round: u64) {
        let deed = self.dice.throw(5) as usize;
        let arguments = self.arguments(deed);
        let before = self.owners();
        let story = format!("seed {} round {round}: rcl {}", self.seed, arguments.join(" "));
        eprintln!("{story}");
        let limit = self.took[deed];
        if let Some(took) = self.kill_within(&arguments, limit) {
            self.took[deed] = took.max(Duration::from_millis(50));
        }
        let Some(job) = self.unfinished() else {
            // It was through, or had not begun.
            self.assert_well(&story);
            return;
        };
        self.killed += 1;
        if self.dice.throw(3) == 0 {
            let again = ["resume".to_owned(), job.clone(), "--yes".to_owned()];
            self.kill_within(&again, limit);
        }
        let undoes = self.dice.throw(2) == 0;
        let mut undone = false;
        if self.unfinished().is_some() {
            if undoes {
                let (code, stdout, stderr) = self.rcl(&["undo", &job, "--yes"]);
                undone = code == 0;
                // It was forgotten already, or follows who took its last slot.
                let words = ["what it was is gone", "is no master of its own any more"];
                let is_final = words.iter().any(|word| stderr.contains(word));
                assert!(undone || (code == 3 && is_final), "{story}\nundo: {stdout}{stderr}");
                eprintln!("    undo {}", if undone { "took it back" } else { "was too late" });
            }
            if !undone {
                self.rcl_ok(&["resume", &job, "--yes"]);
                eprintln!("    resumed");
            }
        }
        self.assert_well(&story);
        if undone {
            assert_eq!(self.owners(), before, "{story}");
        }
        assert!(self.unfinished().is_none(), "{story}");
    }

    /// A reshard, a rebalance, a scale-down, a replacement, a description: of whom, by the dice.
    fn arguments(&mut self, deed: usize) -> Vec<String> {
        let (members, spares) = self.sides();
        let source = members[self.dice.throw(4) as usize];
        let others: Vec<usize> = members.iter().copied().filter(|&member| member != source).collect();
        let other = others[self.dice.throw(3) as usize];
        let (source, other, spare) = (self.address(source), self.address(other), self.address(spares[0]));
        let count = (100 + self.dice.throw(900)).to_string();
        let weight = format!("{other}={}.5", 1 + self.dice.throw(3));
        let described = self.describe(&members);
        let words: Vec<&str> = match deed {
            0 => vec!["reshard", &other, "--from", &source, "--to", &other, "--slots", &count],
            1 => vec!["rebalance", &other, "--weight", &weight],
            2 => vec!["scale-down", &source, "--entry", &other],
            3 => vec!["apply", &described],
            _ => vec!["replace-node", &source, &spare, "--entry", &other],
        };
        words.into_iter().chain(["--yes"]).map(str::to_owned).collect()
    }

    /// A file that describes the members with weights by the dice, and a directive.
    fn describe(&mut self, members: &[usize]) -> String {
        let mut text = format!("settings: {{hz: {}}}\nmasters:\n", 10 + self.dice.throw(5));
        for member in members {
            text.push_str(&format!(
                "- {{node: '{}', weight: {}}}\n",
                self.address(*member),
                1 + self.dice.throw(3)
            ));
        }
        std::fs::create_dir_all(&self.state).unwrap();
        let file = self.state.join("cluster.yaml");
        std::fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    }

    /// Kills it at some moment within `limit`; how long it took if it was through before.
    fn kill_within(&mut self, arguments: &[String], limit: Duration) -> Option<Duration> {
        let moment = limit.mul_f64(self.dice.throw(1000) as f64 / 1000.0);
        let mut words = vec!["--state-dir", self.state.to_str().unwrap()];
        words.extend(arguments.iter().map(String::as_str));
        let started = Instant::now();
        let mut process = rcl_command(&words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while started.elapsed() < moment {
            if process.try_wait().unwrap().is_some() {
                return Some(started.elapsed());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        process.kill().unwrap();
        process.wait().unwrap();
        // The longer it lives, the later the next may die.
        Some(limit.mul_f64(1.2).min(Duration::from_secs(5)))
    }

    fn unfinished(&self) -> Option<String> {
        let jobs = self.rcl_ok(&["-o", "json", "jobs"]);
        let jobs: serde_json::Value = serde_json::from_str(&jobs).unwrap();
        let open = jobs["jobs"]
            .as_array()
            .unwrap()
            .iter()
            .find(|job| matches!(job["state"].as_str().unwrap(), "interrupted" | "stopped"));
        Some(open?["job"].as_str().unwrap().to_owned())
    }

    fn assert_well(&self, story: &str) {
        let (members, _) = self.sides();
        let entry = &self.servers[members[0]];
        // What the last SETSLOT said is heard by all in a moment.
        let errors = || {
            let (code, codes) = findings(entry);
            (code != 0).then_some(codes)
        };
        let limit = Instant::now() + Duration::from_secs(15);
        while let Some(codes) = errors() {
            assert!(Instant::now() < limit, "{story}: {codes:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
        verify(entry.port, KEYS);
        let phase = self.load.as_ref().unwrap().end_phase();
        assert!(phase.lost == 0 && phase.wrong == 0 && phase.errors.is_empty(), "{story}: {phase}");
    }

    /// No key is in two places, and none is left over.
    fn end(mut self) {
        eprintln!("seed {}: {} runs were killed on their way", self.seed, self.killed);
        let (phase, items) = self.load.take().unwrap().stop();
        assert!(phase.lost == 0 && phase.wrong == 0, "seed {}: {phase}", self.seed);
        let written: usize =
            items.iter().filter(|item| item.acknowledged > 0).map(|item| item.keys.len()).sum();
        let size = |server: &Server| match server.link().call(&["DBSIZE"]) {
            Reply::Integer(size) => size as usize,
            other => panic!("{other:?}"),
        };
        let held: usize = self.servers.iter().map(size).sum();
        assert_eq!(
            held,
            KEYS + written,
            "seed {}: keys are there twice, or lie where nobody looks",
            self.seed
        );
        let _ = std::fs::remove_dir_all(&self.state);
    }
}
