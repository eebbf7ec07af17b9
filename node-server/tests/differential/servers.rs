//! A `redis-server` and a node of ours, each on a unix socket in a folder of its own.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use super::client::Client;

pub struct Servers {
    folder: PathBuf,
    redis: Child,
    node: Child,
}

impl Servers {
    /// Two servers that know nothing of each other. `None`, said loudly, where there is no `redis-server`.
    pub fn start(name: &str, options: &[&str]) -> Option<Servers> {
        let options: Vec<String> =
            [&["--port", "0"], options].concat().iter().map(|word| word.to_string()).collect();
        Servers::start_with(name, &options, &options)
    }

    /// The `redis-server` as a replica of the node.
    pub fn start_replicating(name: &str) -> Option<Servers> {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.expect("a free port").port();
        let words = |text: String| text.split(' ').map(str::to_owned).collect::<Vec<String>>();
        let of_node = words(format!("--port {port} --bind 127.0.0.1 --repl-diskless-sync-delay 0"));
        Servers::start_with(name, &words(format!("--port 0 --replicaof 127.0.0.1 {port}")), &of_node)
    }

    fn start_with(name: &str, of_redis: &[String], of_node: &[String]) -> Option<Servers> {
        if Command::new("redis-server").arg("--version").stdout(Stdio::null()).status().is_err() {
            let _ = writeln!(
                std::io::stderr(),
                "SKIPPED: the comparison with Redis ({name}): no redis-server on this machine"
            );
            return None;
        }
        let folder = std::env::temp_dir().join(format!("rcl-differential-{}-{name}", std::process::id()));
        let start = |program: &str, which: &str, options: &[String]| {
            let folder = folder.join(which);
            fs::create_dir_all(&folder).expect("a folder in the temporary one");
            Command::new(program)
                .args(["--save", "", "--enable-debug-command", "yes", "--unixsocket"])
                .arg(folder.join("socket"))
                .arg("--dir")
                .arg(&folder)
                .args(options)
                .stdout(fs::File::create(folder.join("log")).expect("a log file"))
                .stderr(Stdio::inherit())
                .spawn()
                .expect("the server starts")
        };
        Some(Servers {
            node: start(env!("CARGO_BIN_EXE_rcl-node"), "node", of_node),
            redis: start("redis-server", "redis", of_redis),
            folder,
        })
    }

    pub fn redis(&self) -> Client {
        connect(&self.folder.join("redis/socket"))
    }

    pub fn node(&self) -> Client {
        connect(&self.folder.join("node/socket"))
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for child in [&mut self.redis, &mut self.node] {
            let _ = child.kill();
            let _ = child.wait();
        }
        // What the servers said is kept when the test failed.
        if !thread::panicking() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// Waits until the socket is there.
fn connect(path: &Path) -> Client {
    for _ in 0..500 {
        if let Ok(stream) = UnixStream::connect(path) {
            return Client::new(stream);
        }
        thread::sleep(Duration::from_millis(20));
    }
    panic!("nobody listens on {}", path.display());
}
