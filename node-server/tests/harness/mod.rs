//! What tests with real processes share: folders, [`ports`], patience, and single servers ([`server`]).

#[allow(dead_code, reason = "labs and walks of rcl need more of it")]
#[path = "../../../tests/harness/ports.rs"]
pub mod ports;
pub mod server;

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

pub use ports::free_port;

/// Far longer than anything takes: it only ends a test that fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A folder that goes with the value.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("rcl-node-test-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Whether this machine has a redis-server; says it loudly when not.
pub fn has_redis(test: &str) -> bool {
    let there = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status().is_ok();
    if !there {
        let _ = writeln!(std::io::stderr(), "SKIPPED: {test}: no redis-server on this machine");
    }
    there
}

pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "never happened: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
