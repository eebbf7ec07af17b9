//! Nodes as processes, of our kind and of Redis's, the `rcl` under test, and a client that follows redirects.
//!
//! Servers are ended by their process, with the value that started them.

pub mod certificates;
pub mod half_moved;
pub mod lab;
pub mod load;
pub mod ports;
pub mod pty;

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rcl_proto::key_slot;
use rcl_proto::resp::{Reply, encode_request};

use ports::Ports;
pub use ports::free_port;

/// Long enough for a busy machine: it only ends a test that fails.
pub const PATIENCE: Duration = Duration::from_secs(120);
pub const SERVER: &str = "redis-server";
/// How much of a node's log is shown when a test fails.
const LOG_LINES: usize = 15;

pub fn ok() -> Reply {
    Reply::Simple("OK".into())
}

/// Says past the test runner's capture that a test did not run. Where peers are required, that is a failure.
pub fn skip(what: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what}: {why}");
    assert!(std::env::var_os("RCL_REQUIRE_PEERS").is_none(), "{what} may not be skipped here: {why}");
}

/// Whether there is a server to test against; otherwise the test is skipped.
pub fn have_server() -> bool {
    let found = Command::new(SERVER).arg("--version").stdout(Stdio::null()).status().is_ok();
    if !found {
        skip(&test_name(), "no redis-server on this machine");
    }
    found
}

fn test_name() -> String {
    std::thread::current().name().unwrap_or("this test").to_owned()
}

/// Which program a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Ours,
    Redis,
}

impl Kind {
    fn command(self) -> Command {
        match self {
            Kind::Redis => Command::new(SERVER),
            Kind::Ours => {
                let mut command = Command::new(env!("CARGO_BIN_EXE_rcl"));
                command.arg("node");
                command
            }
        }
    }
}

/// Runs a test with our nodes, and then with Redis's where there is one.
pub fn with_each_kind(test: impl Fn(Kind)) {
    test(Kind::Ours);
    if have_server() {
        test(Kind::Redis);
    }
}

#[derive(Debug)]
pub struct Server {
    pub kind: Kind,
    pub port: u16,
    _ports: Ports,
    directory: PathBuf,
    process: Child,
    more: Vec<String>,
}

impl Server {
    /// In cluster mode, with a short node timeout. `more` are further directives and win.
    pub fn start(kind: Kind, more: &[&str]) -> Server {
        let more: Vec<String> = more.iter().map(|word| (*word).to_owned()).collect();
        for _ in 0..10 {
            let ports = Ports::take(1);
            let port = ports.first();
            let directory = std::env::temp_dir().join(format!("rcl-test-{}-{port}", std::process::id()));
            std::fs::create_dir_all(&directory).unwrap();
            let process = spawn(kind, port, &directory, &more);
            let mut server = Server { kind, port, _ports: ports, directory, process, more: more.clone() };
            // Another suite may have taken the port in between: then the server ends and the next port is tried.
            if server.answers() {
                return server;
            }
        }
        panic!("{kind:?} does not start");
    }

    pub fn start_many(kind: Kind, count: usize, more: &[&str]) -> Vec<Server> {
        (0..count).map(|_| Server::start(kind, more)).collect()
    }

    /// Once more in the same folder, after [`kill`](Self::kill).
    pub fn start_again(&mut self) {
        self.process = spawn(self.kind, self.port, &self.directory, &self.more);
        assert!(self.answers(), "it does not start again:\n{}", self.log());
    }

    pub fn is_running(&mut self) -> bool {
        self.process.try_wait().unwrap().is_none()
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    pub fn log(&self) -> String {
        let bytes = std::fs::read(self.directory.join("node.log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn answers(&mut self) -> bool {
        let limit = Instant::now() + Duration::from_secs(20);
        while Instant::now() < limit {
            if self.process.try_wait().unwrap().is_some() {
                return false;
            }
            if let Ok(stream) = TcpStream::connect(("127.0.0.1", self.port)) {
                // Where the port was taken, somebody else's server answers until ours has ended.
                let mine = format!("process_id:{}\r", self.process.id());
                let info = Link::over(stream).try_call(&["INFO", "server"]);
                if info.is_ok_and(|info| matches!(info, Reply::Error(_)) || text(&info).contains(&mine)) {
                    return true;
                }
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn link(&self) -> Link {
        Link::over(TcpStream::connect(("127.0.0.1", self.port)).unwrap())
    }

    pub fn id(&self) -> String {
        text(&self.link().call(&["CLUSTER", "MYID"]))
    }

    /// Like kill -9.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn spawn(kind: Kind, port: u16, directory: &Path, more: &[String]) -> Child {
    kind.command()
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"])
        .arg(directory)
        .args(["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--appendonly", "no"])
        .args(["--repl-diskless-sync-delay", "0", "--logfile"])
        .arg(directory.join("node.log"))
        .args(more)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let tail = &lines[lines.len().saturating_sub(LOG_LINES)..];
            eprintln!("--- {:?} on {}\n{}", self.kind, self.port, tail.join("\n"));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// One connection, one command at a time.
#[derive(Debug)]
pub struct Link {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Link {
    pub fn over(stream: TcpStream) -> Link {
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.set_nodelay(true).unwrap();
        Link { stream, buffer: Vec::new() }
    }

    pub fn try_call(&mut self, words: &[&str]) -> std::io::Result<Reply> {
        let mut request = Vec::new();
        encode_request(&mut request, words.iter().map(|word| word.as_bytes()));
        self.stream.write_all(&request)?;
        self.reply()
    }

    fn send_all<'a>(&mut self, requests: impl Iterator<Item = &'a Vec<String>>) {
        let mut all = Vec::new();
        requests.for_each(|words| encode_request(&mut all, words.iter().map(String::as_bytes)));
        self.stream.write_all(&all).unwrap();
    }

    fn reply(&mut self) -> std::io::Result<Reply> {
        loop {
            let parsed =
                Reply::parse(&self.buffer).map_err(|error| std::io::Error::other(error.to_string()))?;
            if let Some((reply, length)) = parsed {
                self.buffer.drain(..length);
                return Ok(reply);
            }
            let mut bytes = [0; 65536];
            match self.stream.read(&mut bytes)? {
                0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                length => self.buffer.extend_from_slice(&bytes[..length]),
            }
        }
    }

    pub fn call(&mut self, words: &[&str]) -> Reply {
        self.try_call(words).unwrap()
    }

    /// Sends encoded requests in one go, and waits for so many replies, none of which may be an error.
    pub fn pipeline(&mut self, requests: &[u8], replies: usize) {
        self.stream.write_all(requests).unwrap();
        let (mut seen, mut bytes) = (0, [0; 65536]);
        while seen < replies {
            match Reply::parse(&self.buffer).unwrap() {
                Some((Reply::Error(error), _)) => panic!("{error}"),
                Some((_, length)) => {
                    self.buffer.drain(..length);
                    seen += 1;
                }
                None => match self.stream.read(&mut bytes).unwrap() {
                    0 => panic!("closed after {seen} of {replies} replies"),
                    length => self.buffer.extend_from_slice(&bytes[..length]),
                },
            }
        }
    }
}

pub fn text(reply: &Reply) -> String {
    match reply.as_bytes() {
        Some(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        None => panic!("no text: {reply:?}"),
    }
}

/// A client as applications use one: it learns who owns a slot from MOVED, and follows ASK once.
#[derive(Debug)]
pub struct Client {
    links: HashMap<u16, Link>,
    owners: HashMap<u16, u16>,
    entry: u16,
    pub redirects: usize,
}

impl Client {
    pub fn new(entry: u16) -> Client {
        Client { links: HashMap::new(), owners: HashMap::new(), entry, redirects: 0 }
    }

    /// The reply, or the text of an error that is no redirect.
    pub fn call(&mut self, key: &str, words: &[&str]) -> Result<Reply, String> {
        let slot = key_slot(key.as_bytes()).number();
        let mut port = self.owners.get(&slot).copied().unwrap_or(self.entry);
        let mut asking = false;
        for _ in 0..20 {
            let link = self.link(port);
            if asking {
                link.try_call(&["ASKING"]).map_err(|error| error.to_string())?;
            }
            match link.try_call(words).map_err(|error| error.to_string())? {
                Reply::Error(error) if error.starts_with("MOVED ") || error.starts_with("ASK ") => {
                    self.redirects += 1;
                    asking = error.starts_with("ASK ");
                    port = error.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap();
                    if !asking {
                        self.owners.insert(slot, port);
                    }
                }
                // Half of a slot's keys may be on either side; the client tries again.
                Reply::Error(error) if error.starts_with("TRYAGAIN") => {}
                Reply::Error(error) => return Err(error),
                reply => return Ok(reply),
            }
        }
        Err(format!("redirected without end for {key}"))
    }

    /// The answers to many requests, each about the key that is its second word. All are on their way at once; those that are sent
    /// elsewhere go there in their order.
    pub fn call_all(&mut self, requests: &[Vec<String>]) -> Vec<Reply> {
        let mut replies: Vec<Option<Reply>> = requests.iter().map(|_| None).collect();
        // Those whose slot is on its way to another node.
        let mut one_by_one = Vec::new();
        for _ in 0..20 {
            let mut by_port: HashMap<u16, Vec<usize>> = HashMap::new();
            for (index, _) in replies.iter().enumerate().filter(|(_, reply)| reply.is_none()) {
                if one_by_one.contains(&index) {
                    continue;
                }
                let slot = key_slot(requests[index][1].as_bytes()).number();
                let port = self.owners.get(&slot).copied().unwrap_or(self.entry);
                by_port.entry(port).or_default().push(index);
            }
            if by_port.is_empty() {
                break;
            }
            for (&port, indexes) in &by_port {
                self.link(port).send_all(indexes.iter().map(|&index| &requests[index]));
            }
            for (port, indexes) in by_port {
                for index in indexes {
                    match self.link(port).reply().unwrap() {
                        Reply::Error(error) if error.starts_with("MOVED ") => {
                            let slot = key_slot(requests[index][1].as_bytes()).number();
                            let owner = error.rsplit(':').next().and_then(|port| port.parse().ok());
                            self.owners.insert(slot, owner.unwrap());
                            self.redirects += 1;
                        }
                        Reply::Error(error) if error.starts_with("ASK ") || error.starts_with("TRYAGAIN") => {
                            one_by_one.push(index);
                        }
                        reply => replies[index] = Some(reply),
                    }
                }
            }
        }
        for index in one_by_one {
            let words: Vec<&str> = requests[index].iter().map(String::as_str).collect();
            replies[index] = Some(self.call(words[1], &words).unwrap());
        }
        replies.into_iter().map(|reply| reply.expect("redirected without end")).collect()
    }

    fn link(&mut self, port: u16) -> &mut Link {
        self.links.entry(port).or_insert_with(|| Link::over(TcpStream::connect(("127.0.0.1", port)).unwrap()))
    }

    pub fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        self.call(key, &["SET", key, value]).map(|_| ())
    }

    pub fn get(&mut self, key: &str) -> Result<Option<String>, String> {
        match self.call(key, &["GET", key])? {
            Reply::Null => Ok(None),
            reply => Ok(Some(text(&reply))),
        }
    }
}

/// So many requests are on their way at once.
const BATCH: usize = 500;

fn in_batches(count: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    (0..count).step_by(BATCH).map(move |start| start..count.min(start + BATCH))
}

/// Writes `key:0` … with values that follow from them.
pub fn fill(entry: u16, count: usize) {
    let mut client = Client::new(entry);
    for batch in in_batches(count) {
        let set = |index| vec!["SET".to_owned(), format!("key:{index}"), format!("value {index}")];
        let requests: Vec<Vec<String>> = batch.map(set).collect();
        for (request, reply) in requests.iter().zip(client.call_all(&requests)) {
            assert_eq!(reply, ok(), "{request:?}");
        }
    }
}

#[track_caller]
pub fn verify(entry: u16, count: usize) {
    let mut client = Client::new(entry);
    for batch in in_batches(count) {
        let get = |index| vec!["GET".to_owned(), format!("key:{index}")];
        let requests: Vec<Vec<String>> = batch.clone().map(get).collect();
        for (index, reply) in batch.zip(client.call_all(&requests)) {
            let expected = Reply::Bulk(format!("value {index}").into_bytes());
            assert_eq!(reply, expected, "key:{index}");
        }
    }
}

pub fn rcl_command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rcl"));
    command.args(arguments).stdin(Stdio::null());
    command.env_remove("REDISCLI_AUTH").env_remove("RCL_ENTRY");
    command
}

/// Runs `rcl`; its exit code, stdout, stderr.
pub fn rcl(arguments: &[&str]) -> (i32, String, String) {
    outcome(rcl_command(arguments).output().unwrap())
}

pub fn outcome(output: Output) -> (i32, String, String) {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

/// Runs `rcl`, which must succeed; its stdout.
pub fn rcl_ok(arguments: &[&str]) -> String {
    let (code, stdout, stderr) = rcl(arguments);
    assert_eq!(code, 0, "rcl {arguments:?}\n{stdout}{stderr}");
    stdout
}

/// Runs `rcl`, which must fail with `code` and say `word`.
pub fn rcl_refused(code: i32, word: &str, arguments: &[&str]) {
    let (got, stdout, stderr) = rcl(arguments);
    assert_eq!(got, code, "rcl {arguments:?}\n{stdout}{stderr}");
    assert!(stderr.contains(word), "rcl {arguments:?} does not say '{word}':\n{stderr}");
}

/// Runs `rcl -o json`, which must succeed; of verbs whose document is a list, the list.
pub fn rcl_json(arguments: &[&str]) -> serde_json::Value {
    let arguments: Vec<&str> = ["-o", "json"].iter().chain(arguments).copied().collect();
    let mut document: serde_json::Value = serde_json::from_str(&rcl_ok(&arguments)).unwrap();
    let header = document.as_object_mut().unwrap().remove("rcl").unwrap();
    assert_eq!(header["schema"], 1, "{header}");
    match header["verb"].as_str().unwrap() {
        "nodes" => document["nodes"].take(),
        "jobs" => document["jobs"].take(),
        "call" => document["answers"].take(),
        "key-slot" => document["keys"].take(),
        _ => document,
    }
}

/// Makes a cluster of these servers.
pub fn create(servers: &[Server], replicas: usize) {
    let addresses: Vec<String> = servers.iter().map(Server::address).collect();
    let replicas = replicas.to_string();
    let mut arguments = vec!["create", "--yes", "--replicas", &replicas];
    arguments.extend(addresses.iter().map(String::as_str));
    rcl_ok(&arguments);
}

/// The codes of what `rcl check` finds, and its exit code.
pub fn findings(entry: &Server) -> (i32, Vec<String>) {
    findings_at(&entry.address())
}

pub fn findings_at(address: &str) -> (i32, Vec<String>) {
    let (code, stdout, stderr) = rcl(&["-o", "json", "check", address]);
    let verdict: serde_json::Value =
        serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}{stderr}"));
    let codes =
        verdict["findings"].as_array().unwrap().iter().map(|f| f["code"].as_str().unwrap().to_owned());
    (code, codes.collect())
}

/// Waits until `done`.
#[track_caller]
pub fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let limit = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < limit, "did not come true: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
