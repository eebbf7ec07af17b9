//! The static binary in a root that holds nothing else, as the image from the Dockerfile does: no shell, no
//! libraries, no /etc, and, sterner than any container, no /proc and no /dev.
//!
//! `make static` builds the binary, which takes minutes; the test runs on what it left, or on the one that
//! RCL_STATIC names. Entering another root needs to be root. Else it is skipped, loudly.

use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::harness::ports::Ports;
use serde_yaml::Value;

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn the_image_s_binary_works_in_an_empty_root() {
    let Some(root) = Root::new() else { return };
    the_compose_file_s_node_serves(&root);
    a_lab_of_its_own(&root);
    names_are_looked_up(&root);
}

/// The command of redis-1 and its health check, on a port of the test's.
fn the_compose_file_s_node_serves(root: &Root) {
    let compose: Value = serde_yaml::from_str(&read("docker-compose.yml")).unwrap();
    let service = &compose["services"]["redis-1"];
    let ports = Ports::take(1);
    let port = ports.first().to_string();
    let words = |value: &Value| -> Vec<String> {
        let words = value.as_sequence().unwrap().iter().map(|word| word.as_str().unwrap());
        words.map(|word| word.replace("7001", &port)).collect()
    };
    let mut arguments = vec!["/bin/rcl".to_owned()];
    arguments.extend(words(&service["command"]));
    let node = Running(root.command(&arguments).stdout(Stdio::null()).spawn().unwrap());
    let health: Vec<String> = words(&service["healthcheck"]["test"]);
    assert_eq!((health[0].as_str(), health[1].as_str()), ("CMD", "redis-cli"));
    root.wait_until_says(&health[1..], "PONG");
    // The workshop's own lines, in the container.
    let assigned = root.succeed(&["redis-cli", "-p", &port, "CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    assert_eq!(assigned, "OK\n");
    root.wait_until_says(&["redis-cli", "-p", &port, "CLUSTER", "INFO"], "cluster_state:ok");
    let set = root.succeed(&["redis-cli", "-c", "-p", &port, "SET", "{test}:data", "critical"]);
    assert_eq!(set, "OK\n");
    assert!(root.succeed(&["redis-cli", "-p", &port, "INFO", "server"]).contains("process_id:"));
    assert_eq!(root.succeed(&["redis-cli", "-p", &port, "SAVE"]), "OK\n");
    drop(node);
    assert!(root.folder.join("data/dump.rdb").exists() && root.folder.join("data/nodes.conf").exists());
}

fn a_lab_of_its_own(root: &Root) {
    let ports = Ports::take(3);
    let port = |number: u16| (ports.first() + number - 1).to_string();
    let lab = |words: &[&str]| root.succeed(&[&["rcl", "lab", "--dir", "/data/lab"][..], words].concat());
    // Whatever happens below, the nodes end.
    let _nodes = LabEnds(root);
    let started = lab(&["start", "--nodes", "3", "--base-port", &port(1)]);
    assert_eq!(started.matches("  running").count(), 3, "{started}");
    let again = lab(&["start", "--nodes", "3", "--base-port", &port(1)]);
    assert_eq!(again, started, "those that run are left alone");
    let addresses = [1, 2, 3].map(|number| format!("127.0.0.1:{}", port(number)));
    let create = ["rcl", "create", &addresses[0], &addresses[1], &addresses[2], "--yes"];
    root.succeed(&create);
    root.succeed(&["rcl", "check", &addresses[1]]);
    for number in 1..=3 {
        assert_eq!(
            root.succeed(&["redis-cli", "-c", "-p", &port(number), "SET", "user:1001", "Ada"]),
            "OK\n"
        );
        assert_eq!(root.succeed(&["redis-cli", "-c", "-p", &port(4 - number), "GET", "user:1001"]), "Ada\n");
    }
    lab(&["kill", "2"]);
    let status = lab(&["status"]);
    assert_eq!(status.matches("  running").count(), 2, "{status}");
    let restarted = lab(&["restart", "2"]);
    assert_eq!(restarted.matches("  running").count(), 3, "{restarted}");
    let stopped = lab(&["stop"]);
    assert_eq!(stopped.matches("  stopped").count(), 3, "{stopped}");
    lab(&["clean"]);
    assert!(!root.folder.join("data/lab").exists());
}

/// A container's names are in its /etc/hosts, which the engine writes.
fn names_are_looked_up(root: &Root) {
    let ports = Ports::take(1);
    let port = ports.first().to_string();
    let node = root.command(&["rcl", "node", "--port", &port, "--save", ""]).stdout(Stdio::null()).spawn();
    let _node = Running(node.unwrap());
    root.wait_until_says(&["redis-cli", "-p", &port, "PING"], "PONG");
    std::fs::create_dir(root.folder.join("etc")).unwrap();
    std::fs::write(root.folder.join("etc/hosts"), "127.0.0.1 redis-1\n").unwrap();
    assert_eq!(root.succeed(&["redis-cli", "-h", "redis-1", "-p", &port, "PING"]), "PONG\n");
}

/// The folder that is the root of what runs in it, filled as the Dockerfile fills the image.
struct Root {
    folder: PathBuf,
    chroot: PathBuf,
    user: String,
}

impl Root {
    fn new() -> Option<Root> {
        let Some(binary) = static_binary() else {
            return skip("there is no static binary; make static builds it");
        };
        // SAFETY: geteuid takes nothing and cannot fail.
        if unsafe { libc::geteuid() } != 0 {
            return skip("entering another root needs to be root");
        }
        let chroot = ["/usr/sbin/chroot", "/usr/bin/chroot", "/sbin/chroot"].map(PathBuf::from);
        let Some(chroot) = chroot.into_iter().find(|path| path.exists()) else {
            return skip("there is no chroot on this machine");
        };
        let dockerfile = read("Dockerfile");
        for line in
            ["ln -s rcl /image/bin/redis-cli", "ENV PATH=/bin", "WORKDIR /data", "ENTRYPOINT [\"/bin/rcl\"]"]
        {
            assert!(dockerfile.contains(line), "this test is of another image than the Dockerfile's: {line}");
        }
        let user = dockerfile.lines().find_map(|line| line.strip_prefix("USER ")).unwrap().to_owned();
        let folder = std::env::temp_dir().join(format!("rcl-root-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("bin")).unwrap();
        std::fs::copy(binary, folder.join("bin/rcl")).unwrap();
        symlink("rcl", folder.join("bin/redis-cli")).unwrap();
        std::fs::create_dir(folder.join("data")).unwrap();
        let id = user.split(':').next().and_then(|id| id.parse().ok());
        chown(folder.join("data"), id, id).unwrap();
        for path in [&folder, &folder.join("bin"), &folder.join("bin/rcl")] {
            std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
        }
        Some(Root { folder, chroot, user })
    }

    /// A program in the root, by the image's PATH and as its user.
    fn command<Word: AsRef<str>>(&self, words: &[Word]) -> Command {
        let mut command = Command::new(&self.chroot);
        command.arg(format!("--userspec={}", self.user)).arg(&self.folder);
        command.args(words.iter().map(AsRef::as_ref)).env_clear().env("PATH", "/bin").stdin(Stdio::null());
        command
    }

    fn run<Word: AsRef<str>>(&self, words: &[Word]) -> (bool, String, String) {
        let Output { status, stdout, stderr } = self.command(words).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        (status.success(), text(stdout), text(stderr))
    }

    #[track_caller]
    fn succeed(&self, words: &[&str]) -> String {
        let (success, stdout, stderr) = self.run(words);
        assert!(success, "{words:?}\n{stdout}{stderr}");
        stdout
    }

    #[track_caller]
    fn wait_until_says<Word: AsRef<str>>(&self, words: &[Word], text: &str) {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let (_, stdout, stderr) = self.run(words);
            if stdout.contains(text) {
                return;
            }
            assert!(Instant::now() < give_up, "waited in vain for {text}\n{stdout}{stderr}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A lab in the root that ends with the test.
struct LabEnds<'a>(&'a Root);

impl Drop for LabEnds<'_> {
    fn drop(&mut self) {
        let _ = self.0.run(&["rcl", "lab", "--dir", "/data/lab", "clean"]);
    }
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn skip(why: &str) -> Option<Root> {
    crate::harness::skip("the static binary in an empty root", why);
    None
}

fn static_binary() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("RCL_STATIC") {
        let named = PathBuf::from(named);
        assert!(named.is_file(), "RCL_STATIC names no file: {}", named.display());
        return Some(named);
    }
    // Beside the profile's own folder: target/debug/rcl, target/TRIPLE/release/rcl.
    let target = Path::new(env!("CARGO_BIN_EXE_rcl")).parent()?.parent()?;
    let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let built = target.join(triple).join("release/rcl");
    built.is_file().then_some(built)
}

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
