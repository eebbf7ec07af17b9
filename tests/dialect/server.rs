//! A real `redis-server` of its own for a test, ended by its process when the test is over.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::ports::Ports;
use crate::harness::skip;
use rcl::wire::{Endpoint, Wire};
use rcl_proto::Address;
use rcl_proto::resp::Reply;

pub struct Server {
    pub port: u16,
    _ports: Ports,
    directory: PathBuf,
    process: Child,
}

impl Server {
    /// Starts one; `None`, said loudly, where there is no `redis-server`.
    pub fn start(options: &[&str]) -> Option<Server> {
        let ports = Ports::take(1);
        let port = ports.first();
        let directory = std::env::temp_dir().join(format!("rcl-dialect-{}-{port}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        // A configuration file, so that CONFIG REWRITE has one to write.
        let configuration = directory.join("redis.conf");
        fs::write(&configuration, "").unwrap();
        let process = Command::new("redis-server")
            .arg(&configuration)
            .args(["--port", &port.to_string(), "--save", "", "--bind", "127.0.0.1"])
            .args(["--unixsocket", directory.join("sock").to_str().unwrap()])
            .args(options)
            .current_dir(&directory)
            .stdout(Stdio::null())
            .spawn();
        let Ok(process) = process else {
            skip("the redis-cli dialect's end-to-end test", "no redis-server on this machine");
            return None;
        };
        let server = Server { port, _ports: ports, directory, process };
        server.wait_until("it answers", |wire| wire.call(&["PING"]).is_ok());
        Some(server)
    }

    pub fn socket(&self) -> PathBuf {
        self.directory.join("sock")
    }

    pub fn call(&self, line: &[&str]) -> Reply {
        self.connect().unwrap().call(line).unwrap()
    }

    pub fn wait_until(&self, what: &str, condition: impl Fn(&mut Wire) -> bool) {
        let give_up = Instant::now() + Duration::from_secs(60);
        while !self.connect().is_some_and(|mut wire| condition(&mut wire)) {
            assert!(Instant::now() < give_up, "waited in vain until {what}, port {}", self.port);
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn connect(&self) -> Option<Wire> {
        let endpoint = Endpoint::Tcp(Address::new("127.0.0.1", self.port));
        Wire::connect(&endpoint, Some(Duration::from_secs(10))).ok()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}
