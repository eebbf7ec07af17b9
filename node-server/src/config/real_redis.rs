//! A real `redis-server` to compare with; it runs as long as the value lives.

use rcl_proto::resp::{Reply, encode_request};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

pub struct RealRedis {
    child: Child,
    stream: TcpStream,
    received: Vec<u8>,
    _directory: TestDirectory,
}

enum Started {
    Running(RealRedis),
    Absent,
    Ended,
}

impl RealRedis {
    /// `None`, said loudly, when this machine has no redis-server.
    pub fn start(test: &str, arguments: &[&str]) -> Option<RealRedis> {
        // A port that somebody takes meanwhile shows as a server that ends at once; then another one is tried.
        for _ in 0..20 {
            match RealRedis::try_start(test, arguments) {
                Started::Running(redis) => return Some(redis),
                Started::Absent => {
                    say_skipped(&format!("{test}: no redis-server on this machine"));
                    return None;
                }
                Started::Ended => {}
            }
        }
        panic!("redis-server ends at once with {arguments:?}");
    }

    fn try_start(test: &str, arguments: &[&str]) -> Started {
        let directory = TestDirectory::new(test);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let spawned = Command::new("redis-server")
            .args(arguments)
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--dir"])
            .arg(&directory.0)
            .stdout(Stdio::null())
            .stdin(Stdio::null())
            .spawn();
        let Ok(mut child) = spawned else { return Started::Absent };
        loop {
            if let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) {
                return Started::Running(RealRedis {
                    child,
                    stream,
                    received: Vec::new(),
                    _directory: directory,
                });
            }
            if child.try_wait().unwrap().is_some() {
                return Started::Ended;
            }
            std::thread::yield_now();
        }
    }

    pub fn ask(&mut self, words: &[&[u8]]) -> Reply {
        let mut request = Vec::new();
        encode_request(&mut request, words.iter().copied());
        self.stream.write_all(&request).unwrap();
        loop {
            if let Some((reply, length)) = Reply::parse(&self.received).unwrap() {
                self.received.drain(..length);
                return reply;
            }
            let mut chunk = [0; 16384];
            let count = self.stream.read(&mut chunk).unwrap();
            assert_ne!(count, 0, "redis-server closed the connection");
            self.received.extend_from_slice(&chunk[..count]);
        }
    }

    /// CONFIG GET, as pairs.
    pub fn config_get(&mut self, pattern: &[u8]) -> Vec<(String, String)> {
        let Reply::Array(items) = self.ask(&[b"CONFIG", b"GET", pattern]) else { panic!("no array") };
        let texts: Vec<String> =
            items.iter().map(|item| String::from_utf8_lossy(item.as_bytes().unwrap()).into_owned()).collect();
        texts.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
    }
}

/// Past the test harness, which swallows what a passing test prints.
pub fn say_skipped(what: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what}");
}

impl Drop for RealRedis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder of one test; gone with the value.
pub struct TestDirectory(pub PathBuf);

impl TestDirectory {
    pub fn new(test: &str) -> TestDirectory {
        static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("rcl-config-{test}-{}-{count}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        TestDirectory(std::fs::canonicalize(path).unwrap())
    }

    /// Writes a file into the folder.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for TestDirectory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
