//! Big clusters: what it takes from the first MEET to one agreed map, how much the nodes say to each other when nothing
//! happens, and what it takes until a third of all masters, killed at once, are replaced. `make sim-scale` prints it for
//! several sizes, each in a process of its own; `cargo test` tries a small one.
//!
//! Half of the machines are masters, the rest their replicas. Time, packets and bytes are the simulation's. CPU is the
//! process's, by the share of the time that was spent in the members themselves.

#![allow(
    clippy::disallowed_methods,
    reason = "this one measures: it reads the clock and what the system says"
)]

use std::time::{Duration, Instant};

use rcl_cluster::packet::{GOSSIP_BYTES, HEADER_BYTES};
use rcl_cluster::{ClusterMap, ClusterState, Command, Config};

use crate::world::{World, range};

const SMALL: usize = 40;
/// Strangers are met at this pace.
const MEET_EVERY_MS: u64 = 3;
/// Who starts to replicate tells everybody: as many at once would be more than one machine's memory.
const REPLICATE_EVERY_MS: u64 = 10;
const LOOK_EVERY_MS: u64 = 20;
const PATIENCE_MS: u64 = 300_000;

/// What a while cost.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    virtual_ms: u64,
    packets: u64,
    bytes: u64,
    member_cpu_ns: f64,
}

struct Run {
    world: World,
    masters: usize,
    timeout_ms: u64,
}

#[derive(Clone, Debug)]
struct Row {
    nodes: usize,
    timeout_ms: u64,
    /// From the first MEET on.
    met_ms: u64,
    agreed_ms: u64,
    quiet: Cost,
    /// From the kill on.
    failed_ms: u64,
    healed: Cost,
    bytes_in_theory: f64,
    memory: usize,
    violations: Vec<String>,
}

/// The stages of a big cluster's life, and what each took.
fn measure(nodes: usize, seed: u64) -> Row {
    let config = Config::default();
    let mut world = World::new(seed, 0, &config);
    world.is_lean = true;
    (world.checkers.skip_gossip, world.checkers.skip_texts) = (true, true);
    world.client_period_ms = 0;
    world.replication_period_ms = 1_000;
    // Not in one instant, or all would do their periodic work in the same one ever after.
    for _ in 0..nodes {
        world.add_machine(&config);
        world.run_for(1);
    }
    let mut run = Run { world, masters: nodes / 2, timeout_ms: config.node_timeout_ms };

    progress(nodes, "started");
    let started_ms = run.world.now_ms;
    run.meet();
    let met_ms = run.world.now_ms - started_ms;
    progress(nodes, "met");
    run.replicate();
    let agreed_ms = run.world.now_ms - started_ms;
    progress(nodes, &format!("agreed after {agreed_ms} ms"));

    // A ping to each and one from each goes out within half the timeout.
    run.world.run_for(run.timeout_ms / 2);
    let quiet_ms = run.timeout_ms / 2;
    let quiet = run.cost(|run| run.world.run_for(quiet_ms));
    progress(nodes, "was quiet");
    let memory = resident_bytes();

    let dead: Vec<usize> = (0..run.masters).step_by(3).collect();
    dead.iter().for_each(|&index| run.world.crash(index));
    let killed_ms = run.world.now_ms;
    let mut failed_ms = 0;
    let healed = run.cost(|run| {
        run.wait_for("every dead master is in FAIL everywhere, or replaced", |run, map| run.knows_dead(map));
        failed_ms = run.world.now_ms - killed_ms;
        progress(nodes, &format!("all failed after {failed_ms} ms"));
        run.wait_for("every shard is healed", |run, map| run.is_healed(map));
    });
    progress(nodes, &format!("healed after {} ms", healed.virtual_ms));
    let entries = (nodes / 10).max(3);
    let bytes_a_packet = HEADER_BYTES + GOSSIP_BYTES * entries;
    let packets_a_second = 4.0 * nodes as f64 / (run.timeout_ms as f64 / 1_000.0);
    Row {
        nodes,
        timeout_ms: run.timeout_ms,
        met_ms,
        agreed_ms,
        quiet,
        failed_ms,
        healed,
        bytes_in_theory: packets_a_second * bytes_a_packet as f64,
        memory: memory.max(resident_bytes()),
        violations: run.world.checkers.violations.clone(),
    }
}

impl Run {
    fn meet(&mut self) {
        let count = self.world.machines.len();
        for index in 0..count {
            if index < self.masters {
                let share = |index: usize| index * 16_384 / self.masters;
                let slots = range(share(index), share(index + 1) - 1);
                self.world.order(index, Command::AddSlots(vec![slots]));
            }
            self.world.order(index, Command::SetConfigEpoch(index as u64 + 1));
        }
        for index in 1..count {
            let command = self.world.meet(0);
            self.world.order(index, command);
            self.world.run_for(MEET_EVERY_MS);
        }
        self.wait_for("all have met", move |_, map| map.nodes.len() == count);
    }

    fn replicate(&mut self) {
        for index in self.masters..self.world.machines.len() {
            let master = self.world.id(index - self.masters).expect("it is up");
            let node = master.to_string().into_bytes();
            self.world.order(index, Command::Replicate { node, keyspace_empty: true });
            self.world.run_for(REPLICATE_EVERY_MS);
        }
        self.wait_for("all agree", |run, map| run.is_agreed(map));
    }

    /// Until the maps of all machines that are up are so.
    fn wait_for(&mut self, what: &str, is_so: impl Fn(&Run, &ClusterMap) -> bool) {
        let end_ms = self.world.now_ms + PATIENCE_MS;
        // Who was the last to be behind is asked first.
        let mut behind = 0;
        let count = self.world.machines.len();
        loop {
            let is_behind = |&index: &usize| {
                let map = self.world.machines[index].map.as_ref();
                self.world.machines[index].is_up() && !map.is_some_and(|map| is_so(self, map))
            };
            match (behind..count).chain(0..behind).find(is_behind) {
                None => return,
                Some(index) => behind = index,
            }
            assert!(self.world.now_ms < end_ms, "not in time: {what}; {behind} is behind");
            self.world.run_for(LOOK_EVERY_MS);
        }
    }

    fn machine_of(&self, map: &ClusterMap, index: usize) -> Option<usize> {
        map.nodes.get(index).and_then(|node| self.world.by_id(node.id))
    }

    /// One map: every slot with its first master, every replica with its own.
    fn is_agreed(&self, map: &ClusterMap) -> bool {
        let machines: Vec<Option<usize>> =
            (0..map.nodes.len()).map(|index| self.machine_of(map, index)).collect();
        let master_of = |machine: usize| machine.checked_sub(self.masters);
        map.state == ClusterState::Ok
            && self.owners_are(map, &machines, |master| master)
            && map.nodes.iter().zip(&machines).all(|(node, machine)| {
                let master = node.master.and_then(|at| machines[usize::from(at.0)]);
                machine.is_some_and(|machine| master == master_of(machine))
            })
    }

    /// Every slot of a dead master is its replica's.
    fn is_healed(&self, map: &ClusterMap) -> bool {
        let machines: Vec<Option<usize>> =
            (0..map.nodes.len()).map(|index| self.machine_of(map, index)).collect();
        let heir = |master: usize| {
            if self.world.machines[master].is_up() { master } else { master + self.masters }
        };
        map.state == ClusterState::Ok && self.owners_are(map, &machines, heir)
    }

    fn owners_are(
        &self,
        map: &ClusterMap,
        machines: &[Option<usize>],
        owner: impl Fn(usize) -> usize,
    ) -> bool {
        (0..self.masters).all(|master| {
            let expected = owner(master);
            let slots = master * 16_384 / self.masters..(master + 1) * 16_384 / self.masters;
            map.owners[slots].iter().all(|&index| {
                machines.get(usize::from(index)).is_some_and(|machine| *machine == Some(expected))
            })
        })
    }

    /// No slot is left with a master that is dead and not known to be.
    fn knows_dead(&self, map: &ClusterMap) -> bool {
        use rcl_proto::nodes_text::NodeFlags;
        map.nodes
            .iter()
            .all(|node| node.flags.contains(NodeFlags::FAIL) || self.world.by_id(node.id).is_some())
    }

    fn cost(&mut self, live: impl FnOnce(&mut Run)) -> Cost {
        let world = &mut self.world;
        world.member_time = Duration::ZERO;
        let (at_ms, packets, bytes) = (world.now_ms, world.packets, world.bytes);
        let (cpu_ns, started) = (process_cpu_ns(), Instant::now());
        live(self);
        let world = &self.world;
        let share = world.member_time.as_secs_f64() / started.elapsed().as_secs_f64();
        Cost {
            virtual_ms: world.now_ms - at_ms,
            packets: world.packets - packets,
            bytes: world.bytes - bytes,
            member_cpu_ns: (process_cpu_ns() - cpu_ns) as f64 * share,
        }
    }
}

impl Cost {
    /// Of each of so many nodes, each second: packets, bytes and milliseconds of CPU.
    fn a_second(&self, nodes: usize) -> (f64, f64, f64) {
        let node_seconds = nodes as f64 * self.virtual_ms as f64 / 1_000.0;
        let cpu_ms = self.member_cpu_ns / 1_000_000.0;
        (self.packets as f64 / node_seconds, self.bytes as f64 / node_seconds, cpu_ms / node_seconds)
    }
}

impl Row {
    const HEAD: &str = "\
 nodes  met ms  agreed   fail  healed |  quiet: packets   bytes/s of theory  cpu ms/s  ns/entry | storm: packets   bytes/s of theory  cpu ms/s | memory/node /pair";

    fn entries(&self) -> usize {
        (self.nodes / 10).max(3)
    }
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (packets, bytes, cpu_ms) = self.quiet.a_second(self.nodes);
        // A packet's entries are written once and merged once.
        let entry_ns = self.quiet.member_cpu_ns / self.quiet.packets as f64 / self.entries() as f64;
        write!(
            f,
            "{:>6} {:>7} {:>7} {:>6} {:>7} | {:>15.1} {:>9.0} {:>9.2} {:>9.2} {:>9.1} |",
            self.nodes,
            self.met_ms,
            self.agreed_ms,
            self.failed_ms,
            self.healed.virtual_ms,
            packets,
            bytes,
            bytes / self.bytes_in_theory,
            cpu_ms,
            entry_ns,
        )?;
        let alive = self.nodes - (self.nodes / 2).div_ceil(3);
        let (packets, bytes, cpu_ms) = self.healed.a_second(alive);
        let memory = self.memory / self.nodes;
        write!(
            f,
            " {:>14.1} {:>9.0} {:>9.2} {:>9.2} | {:>11} {:>5}",
            packets,
            bytes,
            bytes / self.bytes_in_theory,
            cpu_ms,
            memory,
            memory / self.nodes,
        )
    }
}

/// `make sim-scale SIZES=n` for one size.
#[test]
fn what_a_size_needs() {
    let asked = std::env::var("NODES").ok().and_then(|text| text.parse::<usize>().ok());
    let row = measure(asked.unwrap_or(SMALL), 1);
    println!("{}\n{row}", Row::HEAD);
    assert!(row.violations.is_empty(), "{:#?}", row.violations);
    let (_, bytes, _) = row.quiet.a_second(row.nodes);
    assert!(bytes < row.bytes_in_theory * 1.1, "{bytes} bytes a second, {} in theory", row.bytes_in_theory);
    // Nobody lost an election to another shard's replica: who does waits for four node timeouts.
    assert!(row.healed.virtual_ms < 2 * row.timeout_ms, "healed after {} ms", row.healed.virtual_ms);
}

fn progress(nodes: usize, what: &str) {
    if nodes > SMALL {
        eprintln!(
            "{nodes}: {what}; {} MB, {} s of CPU",
            resident_bytes() >> 20,
            process_cpu_ns() / 1_000_000_000
        );
    }
}

pub fn time_of(work: impl FnOnce()) -> Duration {
    let started = Instant::now();
    work();
    started.elapsed()
}

/// What this thread was given so far.
fn process_cpu_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    text.split(' ').next().and_then(|word| word.parse().ok()).expect("nanoseconds")
}

fn resident_bytes() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: usize = text.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("pages");
    pages * 4096
}
