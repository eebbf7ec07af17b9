//! `rcl` is killed at random moments of what it does, and `rcl resume` or `rcl undo` is all that follows: the cluster checks
//! clean, every key is there once, and clients saw nothing but redirects.
//!
//! ```text
//! a round    one of deeds.rs, by the dice; kill -9 within the time that it takes
//!            one in three: what resumes it is killed, too
//!            resume or undo, by the dice; an import is asked for again
//! after it   no open slot, no disagreement; undone: each slot where it was; all keys with their values, none twice
//! ```
//!
//! `RCL_KILL_SEED` and `RCL_KILL_ROUNDS` say which and how many (`make kill-rcl SEED=7 ROUNDS=200`).

mod deeds;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use self::deeds::{DEEDS, Deed, TakenUp};
use crate::harness::load::{Load, Size};
use crate::harness::*;
use rcl_proto::resp::Reply;

const KEYS: usize = 3000;
/// How many an import brings.
const MORE_KEYS: usize = 400;
/// A deed is killed no later than after so long.
const LONGEST: Duration = Duration::from_secs(5);
/// A third Redis that hears of a demotion before it hears of who took over has slots of nobody until then, and calls the cluster down for a few
/// milliseconds, whoever orders the failover. Our nodes leave slots with whom they were.
const DEMOTION_HEARD_FIRST: &str = "CLUSTERDOWN The cluster is";
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
        let deed = field.dice.throw(DEEDS.len() as u64) as usize;
        field.round(round, deed);
    }
    field.end();
}

/// Four masters and a node that waits, under load; and a server of which more keys come.
struct Field {
    seed: u64,
    dice: Dice,
    servers: Vec<Server>,
    origin: Server,
    /// How many keys came.
    imported: usize,
    load: Option<Load>,
    state: PathBuf,
    /// How long each deed took when nobody killed it, as far as that is known.
    took: Vec<Duration>,
    killed: BTreeMap<&'static str, u32>,
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
        let origin = Server::start(kind, &["--cluster-enabled", "no"]);
        Field {
            seed,
            dice: Dice(seed),
            servers,
            origin,
            imported: 0,
            load: Some(load),
            state,
            took: vec![Duration::from_millis(400); DEEDS.len()],
            killed: BTreeMap::new(),
        }
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
        }
        // One that was drained is there, and has nothing.
        if self.owners().iter().any(|row| row.ends_with(' ')) {
            self.rcl_ok(&["rebalance", &self.address(members[0]), "--use-empty-masters", "--yes"]);
        }
    }

    /// Two members.
    fn two(&mut self) -> (String, String) {
        let (members, _) = self.sides();
        let one = members[self.dice.throw(members.len() as u64) as usize];
        let others: Vec<usize> = members.into_iter().filter(|&member| member != one).collect();
        let other = others[self.dice.throw(others.len() as u64) as usize];
        (self.address(one), self.address(other))
    }

    fn spare(&self) -> String {
        self.address(self.sides().1[0])
    }

    /// Keys that are in no cluster yet, and a file for how far their import has come.
    fn origin_of_more(&mut self) -> (String, String) {
        let mut link = self.origin.link();
        for number in self.imported..self.imported + MORE_KEYS {
            link.call(&["SET", &more_key(number), &more_value(number)]);
        }
        self.imported += MORE_KEYS;
        std::fs::create_dir_all(&self.state).unwrap();
        let cursor = self.state.join(format!("cursor-{}", self.imported));
        (self.origin.address(), cursor.to_str().unwrap().to_owned())
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

    fn round(&mut self, round: u64, number: usize) {
        let deed = &DEEDS[number];
        let arguments = (deed.words)(self);
        let before = self.owners();
        let story = format!("seed {} round {round}: rcl {}", self.seed, arguments.join(" "));
        eprintln!("{story}");
        let limit = self.took[number];
        let took = self.kill_within(&arguments, limit);
        self.took[number] = took.unwrap_or(limit.mul_f64(1.2)).clamp(Duration::from_millis(50), LONGEST);
        match deed.taken_up {
            TakenUp::ByItsJob => self.take_job_up(deed, limit, &before, &story),
            TakenUp::AskedAgain => self.ask_again(deed, took.is_some(), limit, &arguments),
        }
        self.assert_well(deed, &story);
        assert!(self.unfinished().is_none(), "{story}");
    }

    fn ask_again(&mut self, deed: &Deed, was_through: bool, limit: Duration, arguments: &[String]) {
        if was_through {
            return;
        }
        *self.killed.entry(deed.name).or_default() += 1;
        if self.dice.throw(3) == 0 {
            self.kill_within(arguments, limit);
        }
        self.rcl_ok(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    }

    fn take_job_up(&mut self, deed: &Deed, limit: Duration, before: &[String], story: &str) {
        // Else it was through, or had not begun.
        let Some(job) = self.unfinished() else { return };
        *self.killed.entry(deed.name).or_default() += 1;
        if self.dice.throw(3) == 0 {
            let again = ["resume".to_owned(), job.clone(), "--yes".to_owned()];
            self.kill_within(&again, limit);
        }
        let undoes = self.dice.throw(2) == 0;
        if self.unfinished().is_none() {
            return;
        }
        if undoes {
            let (code, stdout, stderr) = self.rcl(&["undo", &job, "--yes"]);
            if code == 0 {
                eprintln!("    undo took it back");
                self.assert_well(deed, story);
                assert_eq!(self.owners(), before, "{story}");
                return;
            }
            assert!(code == 3 && stderr.contains("what it was is gone"), "{story}\nundo: {stdout}{stderr}");
            eprintln!("    undo was too late");
        }
        self.rcl_ok(&["resume", &job, "--yes"]);
        eprintln!("    resumed");
    }

    /// A file that describes the members with weights by the dice, and a directive.
    fn describe(&mut self) -> String {
        let (members, _) = self.sides();
        let mut text = format!("settings: {{hz: {}}}\nmasters:\n", 10 + self.dice.throw(5));
        for member in members {
            text.push_str(&format!(
                "- {{node: '{}', weight: {}}}\n",
                self.address(member),
                1 + self.dice.throw(3)
            ));
        }
        std::fs::create_dir_all(&self.state).unwrap();
        let file = self.state.join("cluster.yaml");
        std::fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    }

    /// Kills it at some moment within `limit`; how long it took if it was through before.
    /// Kills it at some moment within `limit`; how long it took, if it was through before.
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
        None
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

    fn assert_well(&self, deed: &Deed, story: &str) {
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
        let mut client = Client::new(entry.port);
        for number in 0..self.imported {
            let value = client.get(&more_key(number)).unwrap();
            assert_eq!(value, Some(more_value(number)), "{story}: {}", more_key(number));
        }
        let phase = self.load.as_ref().unwrap().end_phase();
        let demotes = self.servers[0].kind == Kind::Redis && deed.name == "replace-node";
        let errors = phase.errors.keys().filter(|error| !(demotes && *error == DEMOTION_HEARD_FIRST)).count();
        assert!(phase.lost == 0 && phase.wrong == 0 && errors == 0, "{story}: {phase}");
    }

    /// No key is in two places, and none is left over.
    fn end(mut self) {
        eprintln!("seed {}: killed on their way: {:?}", self.seed, self.killed);
        let (phase, items) = self.load.take().unwrap().stop();
        assert!(phase.lost == 0 && phase.wrong == 0, "seed {}: {phase}", self.seed);
        let written: usize =
            items.iter().filter(|item| item.acknowledged > 0).map(|item| item.keys.len()).sum();
        let size = |server: &Server| match server.link().call(&["DBSIZE"]) {
            Reply::Integer(size) => size as usize,
            other => panic!("{other:?}"),
        };
        assert_eq!(size(&self.origin), 0, "seed {}: what was moved here is still there", self.seed);
        let held: usize = self.servers.iter().map(size).sum();
        assert_eq!(
            held,
            KEYS + written + self.imported,
            "seed {}: keys are there twice, or lie where nobody looks",
            self.seed
        );
        let _ = std::fs::remove_dir_all(&self.state);
    }
}

fn more_key(number: usize) -> String {
    format!("more:{number}")
}

fn more_value(number: usize) -> String {
    format!("more {number}")
}
