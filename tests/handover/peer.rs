//! Three masters that are only as real as `rcl` can see: they answer what it asks, and hand slots over as Redis 8.4 or
//! Valkey 9 do. A job ends after it has been looked at three times, in the way that the test wants.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use rcl_proto::SlotSet;
use rcl_proto::resp::Reply;

use crate::harness::free_port;

const NODES: usize = 3;
const LOOKS: usize = 3;
const KEYS_PER_SLOT: usize = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Redis,
    Valkey,
    Neither,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Done,
    Failed,
    Never,
}

struct Job {
    source: usize,
    target: usize,
    slots: SlotSet,
    looks: usize,
    state: &'static str,
}

struct World {
    dialect: Dialect,
    ports: Vec<u16>,
    owned: Vec<SlotSet>,
    jobs: Vec<Job>,
    /// By the job's number; `Done` where nothing is said.
    ends: BTreeMap<usize, End>,
    said: Vec<String>,
    /// `cluster-slot-stats-enabled`.
    counts: bool,
    /// How often each node was asked what its slots cost.
    asked: [u64; NODES],
}

pub struct Peers(Arc<Mutex<World>>);

impl Peers {
    pub fn start(dialect: Dialect) -> Peers {
        let listeners: Vec<TcpListener> =
            (0..NODES).map(|_| TcpListener::bind(("127.0.0.1", free_port())).unwrap()).collect();
        let ports = listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
        let owned = ["0-5460", "5461-10921", "10922-16383"].map(|text| text.parse().unwrap()).to_vec();
        let (jobs, ends, said) = (Vec::new(), BTreeMap::new(), Vec::new());
        let (counts, asked) = (true, [0; NODES]);
        let world = World { dialect, ports, owned, jobs, ends, said, counts, asked };
        let world = Arc::new(Mutex::new(world));
        for (number, listener) in listeners.into_iter().enumerate() {
            let world = Arc::clone(&world);
            // They end with the test program.
            std::thread::spawn(move || {
                for stream in listener.incoming() {
                    let world = Arc::clone(&world);
                    std::thread::spawn(move || serve(number, stream.unwrap(), &world));
                }
            });
        }
        Peers(world)
    }

    pub fn address(&self, number: usize) -> String {
        format!("127.0.0.1:{}", self.0.lock().unwrap().ports[number])
    }

    pub fn id(&self, number: usize) -> String {
        id(&self.0.lock().unwrap().ports, number)
    }

    pub fn owned(&self, number: usize) -> usize {
        self.0.lock().unwrap().owned[number].len()
    }

    pub fn let_jobs_end(&self, from: usize, end: End) {
        let mut world = self.0.lock().unwrap();
        (from..from + 10).for_each(|number| {
            world.ends.insert(number, end);
        });
    }

    pub fn count_no_more(&self) {
        self.0.lock().unwrap().counts = false;
    }

    /// What happened that begins so.
    pub fn said(&self, beginning: &str) -> Vec<String> {
        self.0.lock().unwrap().said.iter().filter(|line| line.starts_with(beginning)).cloned().collect()
    }
}

/// No other peers have it: those of all tests are there at the same time.
fn id(ports: &[u16], number: usize) -> String {
    format!("{:020x}{:020x}", ports[0], number + 1)
}

fn serve(me: usize, mut stream: TcpStream, world: &Mutex<World>) {
    let (mut buffer, mut bytes) = (Vec::new(), [0; 65536]);
    while let Ok(length @ 1..) = stream.read(&mut bytes) {
        buffer.extend_from_slice(&bytes[..length]);
        // A request has the form of a reply: an array of strings.
        while let Some((request, end)) = Reply::parse(&buffer).unwrap() {
            buffer.drain(..end);
            let Reply::Array(words) = request else { return };
            let words: Vec<String> = words
                .iter()
                .map(|word| String::from_utf8_lossy(word.as_bytes().unwrap()).into_owned())
                .collect();
            let answer = world.lock().unwrap().answer(me, &words);
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }
}

fn bulk(text: &str) -> String {
    format!("${}\r\n{text}\r\n", text.len())
}

fn array(parts: &[String]) -> String {
    format!("*{}\r\n{}", parts.len(), parts.concat())
}

impl World {
    fn answer(&mut self, me: usize, words: &[String]) -> String {
        let upper: Vec<String> = words.iter().map(|word| word.to_ascii_uppercase()).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match upper.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["INFO", ..] => {
                bulk("redis_version:9.9.9\r\nrole:master\r\ncluster_enabled:1\r\nused_memory:1000000\r\n")
            }
            ["DBSIZE"] => format!(":{}\r\n", self.owned[me].len() * KEYS_PER_SLOT),
            ["CLUSTER", "INFO"] => bulk("cluster_state:ok\r\ncluster_current_epoch:3\r\n"),
            ["CLUSTER", "NODES"] => bulk(&self.nodes(me)),
            ["CLUSTER", "COUNTKEYSINSLOT", _] => format!(":{KEYS_PER_SLOT}\r\n"),
            ["CLUSTER", "GETKEYSINSLOT", slot, _] => {
                array(&(0..KEYS_PER_SLOT).map(|key| bulk(&format!("{slot}:{key}"))).collect::<Vec<_>>())
            }
            ["MEMORY", "USAGE", key] => {
                let slot = key.split(':').next().and_then(|slot| slot.parse().ok()).unwrap();
                format!(":{}\r\n", bytes_in(slot) / KEYS_PER_SLOT as u64)
            }
            ["CLUSTER", "SLOT-STATS", "SLOTSRANGE", "0", "16383"] if self.dialect != Dialect::Neither => {
                self.slot_stats(me)
            }
            ["COMMAND", "INFO", ..] => {
                let known = |name: &str| array(&[bulk(name), ":-3\r\n".to_owned()]);
                let ask =
                    |dialect, name| if self.dialect == dialect { known(name) } else { "*-1\r\n".to_owned() };
                array(&[
                    ask(Dialect::Redis, "cluster|migration"),
                    ask(Dialect::Valkey, "cluster|migrateslots"),
                ])
            }
            ["CLUSTER", "MIGRATION", "IMPORT", ..] if self.dialect == Dialect::Redis => {
                let slots = slots(&words[3..]);
                let source = (0..NODES).find(|&node| slots.is_subset(&self.owned[node])).unwrap();
                self.begin(me, source, me, slots)
            }
            ["CLUSTER", "MIGRATION", "STATUS", "ALL"] if self.dialect == Dialect::Redis => self.look(me),
            ["CLUSTER", "MIGRATION", "CANCEL", "ID", _] if self.dialect == Dialect::Redis => {
                self.call_off("canceled")
            }
            ["CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", ranges @ .., "NODE", _]
                if self.dialect == Dialect::Valkey =>
            {
                let slots = slots(&words[3..3 + ranges.len()]);
                let target =
                    (0..NODES).find(|&node| id(&self.ports, node) == words[words.len() - 1]).unwrap();
                self.begin(me, me, target, slots);
                "+OK\r\n".to_owned()
            }
            ["CLUSTER", "GETSLOTMIGRATIONS"] if self.dialect == Dialect::Valkey => self.look(me),
            ["CLUSTER", "CANCELSLOTMIGRATIONS"] if self.dialect == Dialect::Valkey => {
                self.call_off("cancelled")
            }
            ["CLIENT", ..] => "+OK\r\n".to_owned(),
            other => {
                self.said.push(other.join(" ").replace("CLUSTER ", ""));
                "-ERR unknown command\r\n".to_owned()
            }
        }
    }

    fn nodes(&self, me: usize) -> String {
        let line = |number: usize| {
            let (port, slots) = (self.ports[number], &self.owned[number]);
            let myself = if number == me { "myself," } else { "" };
            format!(
                "{} 127.0.0.1:{port}@0 {myself}master - 0 0 {} connected {slots}\n",
                id(&self.ports, number),
                number + 1
            )
        };
        (0..NODES).map(line).collect()
    }

    /// Valkey counts no bytes in memory. What a slot cost grows with each time that somebody looks.
    fn slot_stats(&mut self, me: usize) -> String {
        self.asked[me] += 1;
        let entry = |slot: rcl_proto::Slot| {
            let (number, cost) =
                (slot.number(), if is_hot(slot.number()) { 1000 * self.asked[me] } else { 77 });
            let mut figures = vec![("key-count", KEYS_PER_SLOT as u64)];
            if self.counts {
                figures.extend([("cpu-usec", cost), ("network-bytes-in", cost), ("network-bytes-out", cost)]);
            }
            if self.counts && self.dialect == Dialect::Redis {
                figures.push(("memory-bytes", bytes_in(number)));
            }
            let words = figures.iter().flat_map(|(name, figure)| [bulk(name), format!(":{figure}\r\n")]);
            array(&[format!(":{number}\r\n"), array(&words.collect::<Vec<_>>())])
        };
        array(&self.owned[me].iter().map(entry).collect::<Vec<_>>())
    }

    fn begin(&mut self, asked: usize, source: usize, target: usize, slots: SlotSet) -> String {
        assert!(slots.is_subset(&self.owned[source]), "{slots} of {source}");
        self.said.push(format!("began {asked} {slots}"));
        self.jobs.push(Job { source, target, slots, looks: 0, state: "streaming" });
        bulk(&name(self.jobs.len() - 1))
    }

    /// All jobs that `me` has to do with, each a step further.
    fn look(&mut self, me: usize) -> String {
        self.said.push("looked".to_owned());
        let redis = self.dialect == Dialect::Redis;
        let mut told = Vec::new();
        for (number, job) in self.jobs.iter_mut().enumerate() {
            job.looks += 1;
            let end = self.ends.get(&number).copied().unwrap_or(End::Done);
            if job.state == "streaming" && job.looks >= LOOKS {
                job.state = match end {
                    End::Done if redis => "completed",
                    End::Done => "success",
                    End::Failed => "failed",
                    End::Never => "streaming",
                };
                if end == End::Done {
                    self.owned[job.source] = self.owned[job.source].difference(&job.slots);
                    self.owned[job.target] = self.owned[job.target].union(&job.slots);
                }
            }
            if job.source != me && job.target != me {
                continue;
            }
            let names = if redis {
                ["id", "slots", "source", "dest", "state", "last_error"]
            } else {
                ["name", "slot_ranges", "source_node", "target_node", "state", "message"]
            };
            let why = if job.state == "failed" { "out of memory" } else { "" };
            let values = [
                name(number),
                job.slots.to_string(),
                id(&self.ports, job.source),
                id(&self.ports, job.target),
                job.state.into(),
                why.into(),
            ];
            let fields: Vec<String> =
                names.iter().zip(&values).flat_map(|(name, value)| [bulk(name), bulk(value)]).collect();
            told.push(array(&fields));
        }
        array(&told)
    }

    fn call_off(&mut self, state: &'static str) -> String {
        self.said.push("called off".to_owned());
        self.jobs.iter_mut().filter(|job| job.state == "streaming").for_each(|job| job.state = state);
        "+OK\r\n".to_owned()
    }
}

fn name(number: usize) -> String {
    format!("job-{number}")
}

/// From pairs of first and last.
fn slots(words: &[&str]) -> SlotSet {
    let range = |pair: &[&str]| format!("{}-{}", pair[0], pair[1]);
    words.chunks(2).map(range).collect::<Vec<_>>().join(" ").parse().unwrap()
}

/// Six slots, all of the first node.
fn is_hot(slot: u16) -> bool {
    slot.is_multiple_of(1000) && slot < 5461
}

fn bytes_in(slot: u16) -> u64 {
    if is_hot(slot) { 2_000_000 } else { 200 }
}
