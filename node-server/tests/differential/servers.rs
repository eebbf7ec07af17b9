//! A `redis-server` and a node of ours, each on a unix socket in a folder of its own.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::client::Client;

pub struct Servers {
    folder: PathBuf,
    redis: Child,
    node: Child,
}

impl Servers {
    /// `None`, said loudly, where there is no `redis-server`.
    pub fn start(name: &str, options: &[&str]) -> Option<Servers> {
        if Command::new("redis-server").arg("--version").stdout(Stdio::null()).status().is_err() {
            eprintln!("SKIPPED: the comparison with Redis ({name}): no redis-server on this machine");
            return None;
        }
        let folder = std::env::temp_dir().join(format!("rcl-differential-{}-{name}", std::process::id()));
        let start = |program: &str, which: &str| {
            let folder = folder.join(which);
            fs::create_dir_all(&folder).expect("a folder in the temporary one");
            Command::new(program)
                .args(["--port", "0", "--save", "", "--unixsocket"])
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
            redis: start("redis-server", "redis"),
            node: start(env!("CARGO_BIN_EXE_rcl-node"), "node"),
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
