//! A node as a process of its own, on one of the tests' disks: the tests' own program, started again.
//!
//! The disk is told by lines on the process's standard input what to do, and answers by lines on its standard output:
//!
//! ```text
//!   begin [POINT FAULT;…] count the calls, and fail there    → ok
//!   hits                  how often something did            → a number
//!   met                   the calls since                    → POINT;POINT;…
//!   end                   nothing fails any more             → how often something did
//!   cut CALLS             lose power before that call        → cut, when it has
//!   (a fault that halts)                                     → halted, when it has
//! ```
//!
//! When its standard input ends, as it does with the test, so does the process.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use rcl_proto::resp::Reply;

use crate::disks::faulty::{Fault, FaultyDisk, Point};
use crate::disks::power::PowerDisk;
use crate::harness::server::Client;
use crate::harness::{Folder, PATIENCE, free_port, wait_until};

const ARGUMENTS: &str = "RCL_NODE_TEST_ARGUMENTS";
const DISK: &str = "RCL_NODE_TEST_DISK";
const FAULT: &str = "RCL_NODE_TEST_FAULT";

/// What nodes leave behind for each other: their folder, and beside it what is not on the disk that is tested.
pub struct Home {
    root: Folder,
    pub port: u16,
}

impl Home {
    pub fn new() -> Home {
        let root = Folder::new();
        std::fs::create_dir(root.0.join("data")).unwrap();
        Home { root, port: free_port() }
    }

    /// The node's folder.
    pub fn data(&self) -> PathBuf {
        self.root.0.join("data")
    }

    pub fn beside(&self, name: &str) -> PathBuf {
        self.root.0.join(name)
    }

    pub fn log(&self) -> String {
        let read = |name| std::fs::read(self.beside(name)).unwrap_or_default();
        String::from_utf8_lossy(&[read("log"), read("errors")].concat()).into_owned()
    }

    /// What was logged so far. No node is at work.
    pub fn forget_log(&self) {
        for name in ["log", "errors"] {
            std::fs::write(self.beside(name), "").unwrap();
        }
    }

    /// The names in the node's folder and its folders, in order.
    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        collect_names(&self.data(), "", &mut names);
        names.sort();
        names
    }

    /// It stays when this value goes, to be looked at.
    pub fn keep(&mut self) -> PathBuf {
        std::mem::take(&mut self.root.0)
    }

    /// Another home with a copy of the node's folder.
    pub fn copy(&self) -> Home {
        let copy = Home::new();
        copy_folder(&self.data(), &copy.data());
        copy
    }
}

fn collect_names(folder: &Path, before: &str, names: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{before}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            collect_names(&entry.path(), &format!("{name}/"), names);
        }
        names.push(name);
    }
}

fn copy_folder(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy_folder(&entry.path(), &target);
        } else {
            match std::fs::copy(entry.path(), target) {
                // What no manifest needs any more is deleted in the background.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                copied => drop(copied.unwrap()),
            }
        }
    }
}

/// What is under a node.
#[derive(Clone, Debug)]
pub enum Under {
    /// The system's files, and a fault from the start on.
    Real(Option<(Point, Fault)>),
    /// A disk that can lose power.
    Power { seed: u64 },
    /// No node of ours, but a redis-server.
    Redis,
}

pub struct Node {
    process: Child,
    input: ChildStdin,
    answers: Receiver<String>,
    port: u16,
}

impl Node {
    /// Starts it, and does not wait.
    pub fn start(home: &Home, under: &Under, arguments: &[String]) -> Node {
        let text = |path: PathBuf| path.into_os_string().into_string().unwrap();
        let mut all: Vec<String> = Vec::new();
        // A file of directives comes first.
        let (file, directives) = match arguments.split_first() {
            Some((file, rest)) if !file.starts_with("--") => (Some(file.clone()), rest),
            _ => (None, arguments),
        };
        all.extend(file);
        for (name, value) in [
            ("--port", home.port.to_string()),
            ("--bind", "127.0.0.1".to_owned()),
            ("--dir", text(home.data())),
            ("--logfile", text(home.beside("log"))),
        ] {
            all.extend([name.to_owned(), value]);
        }
        all.extend_from_slice(directives);
        let mut command = match under {
            Under::Redis => Command::new("redis-server"),
            _ => Command::new(std::env::current_exe().unwrap()),
        };
        match under {
            Under::Redis => drop(command.args(&all)),
            _ => {
                command.args(["--exact", "child::process_of_a_node", "--ignored", "--nocapture", "--quiet"]);
                command.env(ARGUMENTS, all.join("\n"));
            }
        }
        match under {
            Under::Redis => {}
            Under::Real(fault) => {
                command.env(DISK, "real");
                if let Some((point, fault)) = fault {
                    command.env(FAULT, format!("{point} {fault}"));
                }
            }
            Under::Power { seed } => drop(command.env(DISK, format!("power {seed}"))),
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(File::options().create(true).append(true).open(home.beside("errors")).unwrap());
        let mut process = command.spawn().unwrap();
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            let lines = output.lines().map_while(Result::ok);
            for answer in lines.filter_map(|line| line.strip_prefix("disk: ").map(str::to_owned)) {
                if sender.send(answer).is_err() {
                    return;
                }
            }
        });
        Node { process, input, answers, port: home.port }
    }

    /// Starts it, and waits until it answers with what it has loaded; `None` when it ended by itself.
    pub fn serve(home: &Home, under: &Under, arguments: &[String]) -> Option<(Node, Client)> {
        let mut node = Node::start(home, under, arguments);
        let mut answer = None;
        wait_until("the node serves or ends", || {
            answer = node.has_ended().then_some(None).or_else(|| node.try_connect().map(Some));
            answer.is_some()
        });
        answer.flatten().map(|client| (node, client))
    }

    /// Once it has loaded its data.
    pub fn try_connect(&self) -> Option<Client> {
        let mut client = Client::connect(self.port).ok()?;
        // It may end just now.
        client.stream.write_all(b"PING\r\n").ok()?;
        match client.reply_or_end()? {
            Reply::Simple(text) if text == "PONG" => Some(client),
            _ => None,
        }
    }

    pub fn process(&self) -> u32 {
        self.process.id()
    }

    pub fn has_ended(&mut self) -> bool {
        self.process.try_wait().unwrap().is_some()
    }

    /// By kill -9.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    fn tell(&mut self, line: &str) {
        // One that has ended says so otherwise.
        let _ = writeln!(self.input, "{line}");
    }

    fn ask(&mut self, line: &str) -> String {
        self.tell(line);
        self.answers.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("no answer to {line}: {error}"))
    }

    pub fn begin(&mut self, faults: &[(Point, Fault)]) {
        let words: Vec<_> = faults.iter().map(|(point, fault)| format!("{point} {fault}")).collect();
        assert_eq!(self.ask(&format!("begin {}", words.join(";"))), "ok");
    }

    pub fn hits(&mut self) -> usize {
        self.ask("hits").parse().unwrap()
    }

    pub fn met(&mut self) -> Vec<Point> {
        self.ask("met").split_terminator(';').map(|point| point.parse().unwrap()).collect()
    }

    pub fn end(&mut self) -> usize {
        self.ask("end").parse().unwrap()
    }

    /// The power goes before the so many-th call from now.
    pub fn cut_after(&mut self, calls: u64) {
        self.tell(&format!("cut {calls}"));
    }

    /// It stands before a call that will never be made; or it ended.
    pub fn has_halted(&mut self) -> bool {
        self.answers.try_recv().is_ok_and(|answer| answer == "halted") || self.has_ended()
    }

    /// The power is gone, or the process ended.
    pub fn is_cut(&mut self) -> bool {
        self.answers.try_recv().is_ok_and(|answer| answer == "cut") || self.has_ended()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
#[ignore = "no test: what the others start as a process"]
fn process_of_a_node() {
    let Ok(arguments) = std::env::var(ARGUMENTS) else { return };
    let arguments: Vec<_> = arguments.split('\n').map(Into::into).collect();
    let disk = std::env::var(DISK).unwrap();
    let power = disk.strip_prefix("power ").map(|seed| {
        let at = arguments.iter().position(|argument| argument == "--dir").unwrap();
        PowerDisk::new(Path::new(&arguments[at + 1]), seed.parse().unwrap())
    });
    let faulty = FaultyDisk::new(power.clone());
    if let Ok(fault) = std::env::var(FAULT) {
        faulty.begin(vec![parse_fault(&fault)]);
    }
    let (told, told_power) = (faulty.clone(), power.clone());
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if let Some(answer) = obey(&line, &told, told_power.as_ref()) {
                println!("\ndisk: {answer}");
            }
        }
        std::process::exit(1);
    });
    let success = rcl_node::main_on_disk(arguments, Arc::new(faulty)) == ExitCode::SUCCESS;
    if let Some(power) = &power {
        power.wait_for_a_cut();
    }
    std::process::exit(if success { 0 } else { 1 });
}

fn obey(line: &str, faulty: &FaultyDisk, power: Option<&PowerDisk>) -> Option<String> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    match word {
        "begin" => {
            faulty.begin(rest.split_terminator(';').map(parse_fault).collect());
            Some("ok".to_owned())
        }
        "hits" => Some(faulty.hits().to_string()),
        "met" => Some(faulty.met().iter().map(|point| format!("{point};")).collect()),
        "end" => Some(faulty.end().to_string()),
        "cut" => {
            power.unwrap().cut_after(rest.parse().unwrap());
            None
        }
        _ => panic!("'{line}' is not understood"),
    }
}

fn parse_fault(text: &str) -> (Point, Fault) {
    let (point, fault) = text.rsplit_once(' ').unwrap();
    (point.parse().unwrap(), fault.parse().unwrap())
}
