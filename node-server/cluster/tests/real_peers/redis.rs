//! A redis-server process, and redis-cli to talk to it.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The usual 10000 would lie among the ports that the kernel gives to connections, which then hold it now and
/// then.
pub const BUS_PORT_OFFSET: u16 = 200;

pub fn is_here() -> bool {
    let here = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status().is_ok();
    if !here {
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: a member among real peers: no redis-server on this machine"
        );
    }
    here
}

pub struct Redis {
    port: u16,
    dir: PathBuf,
    child: Option<Child>,
}

impl Redis {
    pub fn start(port: u16) -> Redis {
        Redis::start_with_nodes(port, "")
    }

    pub fn start_with_nodes(port: u16, nodes: &str) -> Redis {
        let dir = std::env::temp_dir().join(format!("rcl-cluster-test-{}-{port}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).expect("a folder for the test");
        std::fs::write(dir.join("nodes.conf"), nodes).expect("nodes.conf");
        let mut redis = Redis { port, dir, child: None };
        redis.restart();
        redis
    }

    pub fn restart(&mut self) {
        let (port, bus_port) = (self.port.to_string(), (self.port + BUS_PORT_OFFSET).to_string());
        let child = Command::new("redis-server")
            .args([
                "--port",
                &port,
                "--cluster-enabled",
                "yes",
                "--cluster-node-timeout",
                "1500",
                "--save",
                "",
            ])
            .args(["--cluster-port", &bus_port])
            .args([
                "--repl-diskless-sync-delay",
                "0",
                "--bind",
                "127.0.0.1",
                "--enable-module-command",
                "local",
            ])
            .arg("--dir")
            .arg(&self.dir)
            .stdout(std::fs::File::create(self.dir.join("log")).expect("a log file"))
            .spawn()
            .expect("redis-server starts");
        self.child = Some(child);
        wait_for("redis-server answers", Duration::from_secs(10), || self.call("PING").contains("PONG"));
    }

    /// A command's answer as redis-cli prints it; empty when there is none.
    pub fn call(&self, command: &str) -> String {
        let output = Command::new("redis-cli")
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string()])
            .args(command.split(' '))
            .output()
            .expect("redis-cli runs");
        String::from_utf8_lossy(&output.stdout).replace('\r', "")
    }

    pub fn meet(&self, port: u16) {
        self.call(&format!("CLUSTER MEET 127.0.0.1 {port} {}", port + BUS_PORT_OFFSET));
    }

    pub fn id(&self) -> String {
        self.call("CLUSTER MYID").trim().to_owned()
    }

    pub fn nodes_conf(&self) -> String {
        self.call("CLUSTER SAVECONFIG");
        std::fs::read_to_string(self.dir.join("nodes.conf")).expect("nodes.conf")
    }

    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.dir.join("log")).unwrap_or_default();
            eprintln!("--- the log of redis-server {}:\n{log}", self.port);
        }
        self.kill();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

pub fn meet_all(first: &Redis, others: &[Redis]) {
    for other in others {
        first.meet(other.port);
    }
}

pub fn wait_for(what: &str, most: Duration, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < most, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
