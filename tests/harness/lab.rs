//! A lab for tests: nodes of either kind as `rcl lab` runs them, on ports of its own, ended and removed with the
//! value. When a test fails, the end of each node's log is shown.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rcl_proto::nodes_text::{NodeFlags, NodeLine};

use super::ports::Ports;
use super::{Kind, Link, PATIENCE, SERVER, findings_at, rcl, rcl_ok};

const LOG_LINES: usize = 25;

#[derive(Debug)]
pub struct Lab {
    pub directory: PathBuf,
    ports: Ports,
    kinds: Vec<Kind>,
}

impl Lab {
    /// Without a node yet.
    pub fn empty(kinds: &[Kind]) -> Lab {
        let ports = Ports::take(kinds.len() as u16);
        let name = format!("rcl-lab-{}-{}", std::process::id(), ports.first());
        Lab { directory: std::env::temp_dir().join(name), ports, kinds: kinds.to_vec() }
    }

    /// Starts the first `count` of `kinds`; the rest is for [`add`](Self::add).
    pub fn start(kinds: &[Kind], count: usize) -> Lab {
        let lab = Lab::empty(kinds);
        let first = kinds[0];
        if kinds[..count].iter().all(|kind| *kind == first) {
            lab.verb(&["start", "--nodes", &count.to_string()]);
            (1..=count).for_each(|number| lab.hurry(number));
        } else {
            (1..=count).for_each(|number| lab.add(number));
        }
        lab
    }

    /// Three masters with a replica each, all of them in sync.
    pub fn cluster(kind: Kind) -> Lab {
        let lab = Lab::start(&[kind; 6], 6);
        let addresses = lab.addresses();
        let mut arguments = vec!["create", "--replicas", "1", "--yes"];
        arguments.extend(addresses.iter().map(String::as_str));
        rcl_ok(&arguments);
        lab.await_service();
        lab
    }

    /// Starts the node of this number, from 1.
    pub fn add(&self, number: usize) {
        self.verb(&["add", &number.to_string()]);
        self.hurry(number);
    }

    pub fn kill(&self, number: usize) {
        self.verb(&["kill", &number.to_string()]);
    }

    pub fn restart(&self, number: usize) {
        self.verb(&["restart", &number.to_string()]);
        self.hurry(number);
    }

    pub fn stop(&self) {
        self.verb(&["stop"]);
    }

    /// Runs `rcl lab`, which must succeed; its stdout.
    #[track_caller]
    pub fn verb(&self, words: &[&str]) -> String {
        let (code, stdout, stderr) = self.run(words);
        assert_eq!(code, 0, "rcl lab {words:?}\n{stdout}{stderr}");
        stdout
    }

    /// Runs `rcl lab`, which must fail with `code`; what it said on stderr.
    #[track_caller]
    pub fn refuses(&self, words: &[&str], code: i32) -> String {
        let (got, stdout, stderr) = self.run(words);
        assert_eq!(got, code, "rcl lab {words:?}\n{stdout}{stderr}");
        stderr
    }

    /// With the ports and the server behind the verbs that start nodes, where the words name none.
    fn run(&self, words: &[&str]) -> (i32, String, String) {
        let (directory, port) = (self.directory.display().to_string(), self.ports.first().to_string());
        let mut arguments = vec!["lab", "--dir", &directory];
        arguments.extend(words);
        if words.iter().any(|word| ["start", "add"].contains(word)) {
            if !words.contains(&"--base-port") {
                arguments.extend(["--base-port", &port]);
            }
            let number = words.iter().find_map(|word| word.parse().ok()).filter(|_| words.contains(&"add"));
            if self.kinds[number.unwrap_or(1) - 1] == Kind::Redis && !words.contains(&"--server") {
                arguments.extend(["--server", SERVER]);
            }
        }
        rcl(&arguments)
    }

    /// Redis waits 5 s for more replicas before it sends a snapshot; nobody else comes here.
    fn hurry(&self, number: usize) {
        self.link(number).call(&["CONFIG", "SET", "repl-diskless-sync-delay", "0"]);
    }

    pub fn kind(&self, number: usize) -> Kind {
        self.kinds[number - 1]
    }

    pub fn port(&self, number: usize) -> u16 {
        self.ports.first() + number as u16 - 1
    }

    pub fn address(&self, number: usize) -> String {
        format!("127.0.0.1:{}", self.port(number))
    }

    pub fn addresses(&self) -> Vec<String> {
        (1..=self.kinds.len()).map(|number| self.address(number)).collect()
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

    /// Waits until every node finds the cluster well, and every replica has its master's data.
    pub fn await_service(&self) {
        self.wait_for("the cluster serves", || {
            (1..=self.kinds.len()).all(|number| {
                let in_sync = self.replication(number, "role") == "master"
                    || self.replication(number, "master_link_status") == "up";
                in_sync && self.state_is_ok(number)
            })
        });
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
        let limit = Instant::now() + PATIENCE;
        while !done() {
            if Instant::now() >= limit {
                let (_, check, why) = rcl(&["check", &self.address(2)]);
                panic!("did not come true: {what}\n{check}{why}");
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

impl Drop for Lab {
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
