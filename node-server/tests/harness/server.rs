//! Real processes: nodes of ours and `redis-server`, each in a folder of its own, ended with the value.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rcl_proto::resp::{Reply, encode_request};

use super::{Folder, PATIENCE, free_port, wait_until};

pub struct Server {
    pub port: u16,
    pub folder: Folder,
    child: Child,
    pub client: Client,
}

const COMMON: [&str; 6] = ["--bind", "127.0.0.1", "--repl-diskless-sync-delay", "0", "--save", ""];

impl Server {
    pub fn ours(arguments: &[&str]) -> Server {
        Server::ours_in(Folder::new(), arguments)
    }

    pub fn ours_in(folder: Folder, arguments: &[&str]) -> Server {
        Server::start(env!("CARGO_BIN_EXE_rcl-node").as_ref(), folder, arguments)
    }

    pub fn redis(arguments: &[&str]) -> Server {
        Server::redis_in(Folder::new(), arguments)
    }

    pub fn redis_in(folder: Folder, arguments: &[&str]) -> Server {
        Server::start("redis-server".as_ref(), folder, arguments)
    }

    /// Of a kind by name, so that a test runs with both.
    pub fn of(kind: &str, arguments: &[&str]) -> Server {
        if kind == "redis" { Server::redis(arguments) } else { Server::ours(arguments) }
    }

    fn start(program: &Path, mut folder: Folder, arguments: &[&str]) -> Server {
        for _ in 0..20 {
            let port = free_port();
            let mut child = command(program, &folder, port, arguments).spawn().unwrap();
            if let Some(client) = connect_while_it_lives(&mut child, port) {
                let mut server = Server { port, folder, child, client };
                server.wait_for_service();
                // Another test's server may have been first at this port; who wants a password says nothing.
                let process = server.info("process_id");
                if process.is_empty() || process == server.pid().to_string() {
                    return server;
                }
                folder = server.kill();
            }
        }
        panic!("{} ends at once with {arguments:?}", program.display());
    }

    /// At a port that was ours a moment ago.
    pub fn ours_at(folder: Folder, port: u16, arguments: &[&str]) -> Server {
        Server::of_at("ours", folder, port, arguments)
    }

    pub fn of_at(kind: &str, folder: Folder, port: u16, arguments: &[&str]) -> Server {
        let program = if kind == "redis" { "redis-server" } else { env!("CARGO_BIN_EXE_rcl-node") };
        let mut child = command(program.as_ref(), &folder, port, arguments).spawn().unwrap();
        let client = connect_while_it_lives(&mut child, port).expect("the port is free again");
        Server { port, folder, child, client }
    }

    /// Until it has loaded what it has.
    pub fn wait_for_service(&mut self) {
        wait_until(
            "it serves",
            || !matches!(self.call("PING"), Reply::Error(text) if text.starts_with("LOADING")),
        );
    }

    /// Starts a node that is expected to end by itself; what it wrote.
    pub fn ours_that_fails(folder: &Folder, arguments: &[&str]) -> String {
        let program: &Path = env!("CARGO_BIN_EXE_rcl-node").as_ref();
        let output = command(program, folder, free_port(), arguments).output().unwrap();
        assert!(!output.status.success(), "it was to fail");
        let log = std::fs::read_to_string(folder.0.join("log")).unwrap_or_default();
        format!("{log}{}", String::from_utf8_lossy(&output.stderr))
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The words of a command, parted by spaces.
    pub fn call(&mut self, line: &str) -> Reply {
        let words: Vec<&str> = line.split(' ').collect();
        self.client.call(&words)
    }

    pub fn connect(&self) -> Client {
        Client::connect(self.port).unwrap()
    }

    pub fn text(&mut self, line: &str) -> String {
        match self.call(line) {
            Reply::Bulk(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Reply::Simple(text) | Reply::Error(text) => text,
            Reply::Integer(number) => number.to_string(),
            Reply::Null => "(nil)".to_owned(),
            other => format!("{other:?}"),
        }
    }

    /// A field of INFO.
    pub fn info(&mut self, field: &str) -> String {
        let all = self.text("INFO everything");
        let line = all.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        line.unwrap_or_default().to_owned()
    }

    pub fn follow(&mut self, master: &Server) {
        self.follow_port(master.port);
    }

    /// The master at this port, or a proxy in front of it.
    pub fn follow_port(&mut self, port: u16) {
        assert_eq!(self.text(&format!("REPLICAOF 127.0.0.1 {port}")), "OK");
    }

    /// The same, and returns once it is in sync.
    pub fn sync_with(&mut self, port: u16) {
        self.follow_port(port);
        self.wait_for_link();
    }

    pub fn wait_for_link(&mut self) {
        wait_until("the link to the master is up", || self.info("master_link_status") == "up");
    }

    pub fn offset(&mut self) -> u64 {
        self.info("master_repl_offset").parse().unwrap()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.0.join("log")).unwrap_or_default()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn kill(mut self) -> Folder {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::mem::replace(&mut self.folder, Folder(PathBuf::from("/nonexistent")))
    }

    /// Waits until it ends by itself.
    pub fn wait_for_its_end(self) -> Folder {
        self.wait_for_its_status().0
    }

    /// The same with how it ended.
    pub fn wait_for_its_status(mut self) -> (Folder, ExitStatus) {
        let mut status = None;
        wait_until("it ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        let folder = std::mem::replace(&mut self.folder, Folder(PathBuf::from("/nonexistent")));
        (folder, status.unwrap())
    }

    pub fn terminate(self) -> Folder {
        Command::new("kill").args(["-TERM", &self.pid().to_string()]).status().unwrap();
        self.wait_for_its_end()
    }
}

fn command(program: &Path, folder: &Folder, port: u16, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(COMMON).arg("--dir").arg(&folder.0).args(["--port", &port.to_string()]);
    command.arg("--logfile").arg(folder.0.join("log")).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

fn connect_while_it_lives(child: &mut Child, port: u16) -> Option<Client> {
    loop {
        if let Ok(client) = Client::connect(port) {
            return Some(client);
        }
        if child.try_wait().unwrap().is_some() {
            return None;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- log of {}\n{}", self.address(), self.log());
        }
    }
}

pub struct Client {
    pub stream: TcpStream,
    received: Vec<u8>,
}

impl Client {
    pub fn connect(port: u16) -> std::io::Result<Client> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Client { stream, received: Vec::new() })
    }

    pub fn send(&mut self, words: &[&str]) {
        let mut request = Vec::new();
        encode_request(&mut request, words.iter().map(|word| word.as_bytes()));
        self.stream.write_all(&request).unwrap();
    }

    pub fn call(&mut self, words: &[&str]) -> Reply {
        self.send(words);
        self.reply()
    }

    pub fn reply(&mut self) -> Reply {
        loop {
            if let Some((reply, used)) = Reply::parse(&self.received).unwrap() {
                self.received.drain(..used);
                return reply;
            }
            self.read_some();
        }
    }

    /// `None` when it closes the connection instead.
    pub fn reply_or_end(&mut self) -> Option<Reply> {
        let mut buffer = [0; 65536];
        loop {
            if let Some((reply, used)) = Reply::parse(&self.received).unwrap() {
                self.received.drain(..used);
                return Some(reply);
            }
            match self.stream.read(&mut buffer) {
                Ok(0) => return None,
                Ok(count) => self.received.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("no answer in time: {error}"),
            }
        }
    }

    pub fn read_some(&mut self) {
        let mut buffer = [0; 65536];
        let count = self.stream.read(&mut buffer).expect("it answers in time");
        assert!(count > 0, "it closed the connection");
        self.received.extend_from_slice(&buffer[..count]);
    }

    /// The next line, without its end; empty ones are left out.
    pub fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.received.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.received.drain(..=end).collect();
                let text = String::from_utf8_lossy(&line).trim().to_owned();
                if !text.is_empty() {
                    return text;
                }
            } else {
                self.read_some();
            }
        }
    }

    pub fn exactly(&mut self, count: usize) -> Vec<u8> {
        while self.received.len() < count {
            self.read_some();
        }
        self.received.drain(..count).collect()
    }
}
