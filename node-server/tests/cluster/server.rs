//! Processes: a node of ours or a redis-server, in a folder and on ports of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rcl_proto::resp::Reply;

use super::client::Client;
use crate::harness::{Folder, PATIENCE, free_port, has_redis};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Ours,
    /// Ours, without a cluster.
    Alone,
    Redis,
}

pub struct Server {
    pub kind: Kind,
    pub port: u16,
    pub bus_port: u16,
    pub folder: Arc<Folder>,
    options: Vec<String>,
    child: Child,
    log: Arc<Mutex<String>>,
    client: Option<Client>,
}

impl Server {
    /// Starts one and waits until it answers. Where somebody took the ports meanwhile, on others.
    pub fn start(kind: Kind) -> Server {
        Server::start_with(kind, &[])
    }

    /// With further directives, as of a command line.
    pub fn start_with(kind: Kind, options: &[&str]) -> Server {
        for _ in 0..10 {
            let ports = (free_port(), free_port());
            let server = Server::spawn_with(kind, Arc::new(Folder::new()), ports, options);
            if let Some(server) = server.wait_for_answer() {
                return server;
            }
        }
        panic!("no free ports");
    }

    pub fn start_in(kind: Kind, folder: Arc<Folder>, ports: (u16, u16)) -> Server {
        Server::spawn(kind, folder, ports).wait_for_answer().expect("its ports were taken meanwhile")
    }

    /// `None` when its ports are another's.
    fn wait_for_answer(mut self) -> Option<Server> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                let log = self.log();
                assert!(log.to_lowercase().contains("in use"), "ended with {status}; its log:\n{log}");
                return None;
            }
            if self.answers() {
                return Some(self);
            }
            assert!(start.elapsed() < PATIENCE, "no answer; its log:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// True when it is there, and it is this one that answers.
    fn answers(&self) -> bool {
        let Ok(mut client) = Client::connect(self.port) else { return false };
        let mut is =
            |line: &str, expected: &Reply| client.try_ask(line).is_ok_and(|answer| answer == *expected);
        let bulk = |text: &str| Reply::Bulk(text.into());
        let folder = Reply::Array(vec![bulk("dir"), bulk(&self.folder.0.display().to_string())]);
        // While it loads it does not say PONG.
        is("CONFIG GET dir", &folder) && is("PING", &Reply::Simple("PONG".into()))
    }

    /// Starts one and does not wait.
    pub fn spawn(kind: Kind, folder: Arc<Folder>, ports: (u16, u16)) -> Server {
        Server::spawn_with(kind, folder, ports, &[])
    }

    fn spawn_with(kind: Kind, folder: Arc<Folder>, (port, bus_port): (u16, u16), options: &[&str]) -> Server {
        let program = match kind {
            Kind::Ours | Kind::Alone => env!("CARGO_BIN_EXE_rcl-node"),
            Kind::Redis => "redis-server",
        };
        let mut child = Command::new(program)
            .args(["--bind", "127.0.0.1", "--save", "", "--cluster-node-timeout", "2000"])
            .args(["--cluster-enabled", if kind == Kind::Alone { "no" } else { "yes" }])
            .args(["--repl-diskless-sync-delay", "0", "--enable-debug-command", "yes"])
            .args(["--port", &port.to_string(), "--cluster-port", &bus_port.to_string(), "--dir"])
            .arg(&folder.0)
            .args(options)
            .current_dir(&folder.0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::<Mutex<String>>::default();
        collect(child.stdout.take().unwrap(), log.clone());
        collect(child.stderr.take().unwrap(), log.clone());
        let options = options.iter().map(|word| (*word).to_owned()).collect();
        Server { kind, port, bus_port, folder, options, child, log, client: None }
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until the log says it; lines come a moment after what they tell.
    pub fn wait_for_log(&self, words: &str) {
        let start = Instant::now();
        while !self.log().contains(words) {
            assert!(start.elapsed() < PATIENCE, "no '{words}' in its log:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn ask(&mut self, line: &str) -> Reply {
        if self.client.is_none() {
            self.client = Client::connect(self.port).ok();
        }
        let client = self.client.as_mut().unwrap_or_else(|| panic!("{line}: not connected"));
        client.try_ask(line).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    pub fn text(&mut self, line: &str) -> String {
        let reply = self.ask(line);
        let bytes = reply.as_bytes().unwrap_or_else(|| panic!("{line}: {reply:?}"));
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    pub fn must(&mut self, line: &str) {
        assert_eq!(self.ask(line), Reply::Simple("OK".into()), "{line}");
    }

    /// Asks until the answer is as wanted.
    pub fn wait_for(&mut self, line: &str, is_wanted: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        loop {
            let text = self.text(line);
            if is_wanted(&text) {
                return text;
            }
            assert!(start.elapsed() < PATIENCE, "{line} of {:?} on {} stays\n{text}", self.kind, self.port);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until the line of this node in its CLUSTER NODES is as wanted.
    pub fn wait_for_node(&mut self, id: &str, is_wanted: impl Fn(&str) -> bool) -> String {
        let text = self.wait_for("CLUSTER NODES", |text| line_of(text, id).is_some_and(&is_wanted));
        line_of(&text, id).unwrap_or_default().to_owned()
    }

    pub fn wait_for_master_link(&mut self) {
        self.wait_for("INFO replication", |text| text.contains("master_link_status:up"));
    }

    /// A field of INFO, as a number.
    pub fn count(&mut self, section: &str, field: &str) -> u64 {
        let text = self.text(&format!("INFO {section}"));
        let value = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {field} in {text}"))
    }

    /// The value of a field of CLUSTER INFO.
    pub fn info(&mut self, field: &str) -> String {
        let text = self.text("CLUSTER INFO");
        let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        line.unwrap_or_else(|| panic!("no {field} in {text}")).to_owned()
    }

    pub fn id(&mut self) -> String {
        self.text("CLUSTER MYID")
    }

    pub fn nodes_conf(&self) -> String {
        std::fs::read_to_string(self.folder.0.join("nodes.conf")).unwrap()
    }

    /// Ends it without a warning, as a power cut would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.client = None;
    }

    /// Kills it and starts it again with the same folder and ports.
    pub fn kill_and_restart(self) -> Server {
        self.kill_and_respawn(&[]).wait_for_answer().expect("its ports were taken meanwhile")
    }

    /// The same, and with more options; does not wait until it answers.
    pub fn kill_and_respawn(mut self, more: &[&str]) -> Server {
        self.kill();
        let (kind, folder, ports) = (self.kind, self.folder.clone(), (self.port, self.bus_port));
        let options = std::mem::take(&mut self.options);
        drop(self);
        let options: Vec<&str> = options.iter().map(String::as_str).chain(more.iter().copied()).collect();
        Server::spawn_with(kind, folder, ports, &options)
    }

    /// Waits until it says this to `line`, or closes the door on who is too early.
    pub fn wait_for_answer_of(&mut self, line: &str, is_wanted: impl Fn(&Reply) -> bool) {
        let start = Instant::now();
        loop {
            let answer = Client::connect(self.port).and_then(|mut client| client.try_ask(line));
            if answer.as_ref().is_ok_and(&is_wanted) {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "{line}: {answer:?}; its log:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Kills it and starts a program of `kind`, maybe the other one, on its folder.
    pub fn kill_and_restart_as(mut self, kind: Kind, ports: (u16, u16)) -> Server {
        self.kill();
        let (folder, options) = (self.folder.clone(), std::mem::take(&mut self.options));
        drop(self);
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let started = Server::spawn_with(kind, folder, ports, &options).wait_for_answer();
        started.expect("its ports were taken meanwhile")
    }

    /// Stops it in the middle of whatever it does; to the others it is as if it were cut off.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.pid().to_string()]).status();
        assert!(status.is_ok_and(|status| status.success()), "kill {signal}");
    }

    /// Waits until it has ended by itself; false for a failure.
    pub fn wait_for_end(&mut self) -> bool {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.success();
            }
            assert!(start.elapsed() < PATIENCE, "does not end; its log:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the log of {:?} on {}\n{}", self.kind, self.port, self.log());
        }
    }
}

fn collect(stream: impl std::io::Read + Send + 'static, log: Arc<Mutex<String>>) {
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let mut log = log.lock().unwrap();
            log.push_str(&line);
            log.push('\n');
        }
    });
}

/// The line of a node in the text of CLUSTER NODES.
pub fn line_of<'a>(nodes: &'a str, id: &str) -> Option<&'a str> {
    nodes.lines().find(|line| line.starts_with(id))
}

/// Meets them all with the first, and waits until each knows each.
pub fn meet_all(servers: &mut [Server]) {
    let ports: Vec<(u16, u16)> = servers.iter().map(|server| (server.port, server.bus_port)).collect();
    for (port, bus_port) in &ports[1..] {
        servers[0].must(&format!("CLUSTER MEET 127.0.0.1 {port} {bus_port}"));
    }
    let count = servers.len();
    for server in servers {
        server.wait_for("CLUSTER NODES", |text| text.lines().count() == count && !text.contains("handshake"));
    }
}

/// Gives the first `masters` servers an equal part of the slots each, and waits for `cluster_state:ok` everywhere.
pub fn share_slots(servers: &mut [Server], masters: usize) {
    for (number, server) in servers[..masters].iter_mut().enumerate() {
        let (first, last) = (number * 16384 / masters, (number + 1) * 16384 / masters - 1);
        server.must(&format!("CLUSTER ADDSLOTSRANGE {first} {last}"));
    }
    for server in servers {
        server.wait_for("CLUSTER INFO", |text| text.contains("cluster_state:ok"));
    }
}

/// A cluster of one kind, of which the first `masters` share the slots.
pub fn cluster_of(kind: Kind, count: usize, masters: usize) -> Vec<Server> {
    let mut servers: Vec<Server> = (0..count).map(|_| Server::start(kind)).collect();
    meet_all(&mut servers);
    share_slots(&mut servers, masters);
    servers
}

/// A master of all slots and its replica, which may take over.
pub fn master_and_replica(kind: Kind) -> Vec<Server> {
    let mut servers = cluster_of(kind, 2, 1);
    let master = servers[0].id();
    servers[1].must(&format!("CLUSTER REPLICATE {master}"));
    servers[1].wait_for("INFO replication", |text| text.contains("master_link_status:up"));
    // A master takes a request to hand over from a replica that it knows, which is a heartbeat later.
    servers[0].wait_for("CLUSTER NODES", |text| text.contains(" slave "));
    servers
}

/// With nodes of ours, and with redis-server where this machine has it.
pub fn with_both(test: &str, play: impl Fn(Kind)) {
    play(Kind::Ours);
    if has_redis(test) {
        play(Kind::Redis);
    }
}

/// Masters with an equal part of the slots each, and then replicas, each with the number of its master.
pub fn cluster(masters: &[Kind], replicas: &[(Kind, usize)]) -> Vec<Server> {
    cluster_with(masters, replicas, &[])
}

/// The same with further directives.
pub fn cluster_with(masters: &[Kind], replicas: &[(Kind, usize)], options: &[&str]) -> Vec<Server> {
    let kinds = masters.iter().chain(replicas.iter().map(|(kind, _)| kind));
    let mut servers: Vec<Server> = kinds.map(|&kind| Server::start_with(kind, options)).collect();
    meet_all(&mut servers);
    share_slots(&mut servers, masters.len());
    for (number, (_, master)) in replicas.iter().enumerate() {
        let master = servers[*master].id();
        let replica = &mut servers[masters.len() + number];
        replica.must(&format!("CLUSTER REPLICATE {master}"));
        replica.wait_for_master_link();
        // A master takes a request to hand over from a replica that it knows, which is a heartbeat later.
        let id = replica.id();
        for server in &mut servers {
            server.wait_for_node(&id, |line| line.contains(&format!("slave {master}")));
        }
    }
    servers
}

/// Who has which slots, as a server sees it: id and ranges, sorted.
pub fn slots_seen_by(server: &mut Server) -> Vec<String> {
    let text = server.text("CLUSTER NODES");
    let mut lines: Vec<String> = text
        .lines()
        .filter_map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            let ranges = words.get(8..)?.iter().filter(|word| !word.starts_with('['));
            let ranges: Vec<&str> = ranges.copied().collect();
            (!ranges.is_empty()).then(|| format!("{} {}", words[0], ranges.join(" ")))
        })
        .collect();
    lines.sort();
    lines
}
