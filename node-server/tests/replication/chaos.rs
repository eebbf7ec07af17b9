//! Chains of our nodes and redis-servers under load, with faults drawn from a seed: kills, cut and held links, overrun backlogs,
//! failovers, other parents, restarts. Whenever it is quiet, all have the same data, key by key.
//!
//! `SEED` says which seed, `ROUNDS` how many faults. Each node is reached by the others through a proxy of its own, under whose
//! port it is known to them.

use std::fmt::Write as _;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::load::{Load, assert_the_same};
use super::proxy::Proxy;
use crate::harness::server::Server;
use crate::harness::{has_redis, wait_until};

const MEMBERS: usize = 5;
const BACKLOG_BYTES: u64 = 128 * 1024;

struct Member {
    kind: &'static str,
    /// `None` while it is down.
    server: Option<Server>,
    proxy: Proxy,
    arguments: Vec<String>,
    parent: Option<usize>,
}

impl Member {
    fn start(kind: &'static str, loads: &str) -> Member {
        let own = ["--repl-backlog-size", &BACKLOG_BYTES.to_string(), "--repl-ping-replica-period", "1"];
        let mut arguments = own.map(str::to_owned).to_vec();
        arguments.extend(["--repl-diskless-load", loads].map(str::to_owned));
        let mut server = Server::of(kind, &borrowed(&arguments));
        let proxy = Proxy::to(server.port);
        assert_eq!(server.text(&format!("CONFIG SET replica-announce-port {}", proxy.port)), "OK");
        arguments.extend(["--replica-announce-port".to_owned(), proxy.port.to_string()]);
        Member { kind, server: Some(server), proxy, arguments, parent: None }
    }

    fn server(&mut self) -> &mut Server {
        self.server.as_mut().expect("only who is up is asked")
    }

    fn number(&mut self, field: &str) -> u64 {
        self.server().info(field).parse().unwrap_or(0)
    }
}

fn borrowed(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

struct Chain {
    rng: StdRng,
    members: Vec<Member>,
    master: usize,
    load: Load,
    story: String,
}

/// What happens to a chain. Each leaves it such that it heals by itself.
#[derive(Clone, Copy, Debug)]
enum Fault {
    BreakLink,
    HoldLink,
    CutForAWhile,
    OverrunBacklog,
    KillReplica,
    RestartReplica,
    KillMaster,
    RestartMaster,
    PromoteBesideMaster,
    PlannedFailover,
    OtherParent,
    Save,
}

const FAULTS: [Fault; 12] = [
    Fault::PlannedFailover,
    Fault::CutForAWhile,
    Fault::KillMaster,
    Fault::OtherParent,
    Fault::KillReplica,
    Fault::OverrunBacklog,
    Fault::RestartMaster,
    Fault::BreakLink,
    Fault::PromoteBesideMaster,
    Fault::RestartReplica,
    Fault::HoldLink,
    Fault::Save,
];

impl Chain {
    fn start(seed: u64, kinds: &[&'static str]) -> Chain {
        let mut rng = StdRng::seed_from_u64(seed);
        let loads = ["disabled", "swapdb", "on-empty-db"];
        let members: Vec<Member> = (0..MEMBERS)
            .map(|_| {
                Member::start(
                    kinds[rng.random_range(0..kinds.len())],
                    loads[rng.random_range(0..loads.len())],
                )
            })
            .collect();
        let load = Load::start(seed, members[0].server.as_ref().unwrap().port);
        let mut chain = Chain { rng, members, master: 0, load, story: String::new() };
        // Two levels at least.
        for (child, parent) in [(1, 0), (2, 0), (3, 1)] {
            chain.follow(child, parent);
        }
        let parent = chain.rng.random_range(0..4);
        chain.follow(4, parent);
        chain
    }

    fn tell(&mut self, what: &str) {
        println!("{what}");
        let _ = writeln!(self.story, "{what}");
    }

    fn name(&self, index: usize) -> String {
        format!("{index} ({})", self.members[index].kind)
    }

    fn follow(&mut self, child: usize, parent: usize) {
        let port = self.members[parent].proxy.port;
        let reply = self.members[child].server().text(&format!("REPLICAOF 127.0.0.1 {port}"));
        assert!(reply.starts_with("OK"), "{reply}");
        self.members[child].parent = Some(parent);
        let (child, parent) = (self.name(child), self.name(parent));
        self.tell(&format!("  {child} follows {parent}"));
    }

    /// Whether the way up from `index` leads through `over`.
    fn is_below(&self, index: usize, over: usize) -> bool {
        let mut at = Some(index);
        while let Some(index) = at {
            if index == over {
                return true;
            }
            at = self.members[index].parent;
        }
        false
    }

    fn replicas(&self) -> Vec<usize> {
        (0..MEMBERS).filter(|&index| index != self.master && self.members[index].server.is_some()).collect()
    }

    fn any_replica(&mut self) -> usize {
        let replicas = self.replicas();
        replicas[self.rng.random_range(0..replicas.len())]
    }

    /// All replicas are in sync, as far as that goes under load.
    fn settle(&mut self) {
        for index in self.replicas() {
            self.members[index].server().wait_for_link();
        }
        for index in 0..MEMBERS {
            self.members[index].server.as_mut().unwrap().wait_for_service();
        }
    }

    /// The load rests, and all replicas have all: they have the same data.
    fn compare(&mut self) {
        self.load.pause();
        self.members.iter().for_each(|member| member.proxy.mend());
        self.settle();
        let master = self.master;
        for index in self.replicas() {
            let what = format!("{} is where the master is; {}", self.name(index), self.story);
            wait_until(&what, || {
                let end = self.members[master].number("master_repl_offset");
                let replica = &mut self.members[index];
                replica.server().info("master_link_status") == "up"
                    && replica.number("master_repl_offset") == end
            });
        }
        for index in self.replicas() {
            let Ok([master, replica]) = self.members.get_disjoint_mut([master, index]) else { continue };
            assert_the_same(master.server(), replica.server(), &self.story);
        }
        self.load.resume();
    }

    fn cause(&mut self, fault: Fault) {
        self.tell(&format!("{fault:?}"));
        match fault {
            Fault::BreakLink => {
                let index = self.rng.random_range(0..MEMBERS);
                self.members[index].proxy.break_links();
            }
            Fault::HoldLink => {
                let index = self.rng.random_range(0..MEMBERS);
                self.members[index].proxy.hold();
                self.let_write(200);
                self.members[index].proxy.mend();
            }
            Fault::CutForAWhile => {
                let index = self.rng.random_range(0..MEMBERS);
                self.members[index].proxy.cut();
                let requests = self.rng.random_range(0..400);
                self.let_write(requests);
                self.members[index].proxy.mend();
            }
            Fault::OverrunBacklog => self.overrun(),
            Fault::KillReplica => {
                let index = self.any_replica();
                let saves = self.rng.random_bool(0.5);
                let kind = self.members[index].kind;
                self.replace(index, |mut server| {
                    if saves {
                        server.text("BGSAVE");
                    }
                    kill(server, kind)
                });
            }
            Fault::RestartReplica => {
                let index = self.any_replica();
                self.replace(index, shut_down);
            }
            Fault::KillMaster => self.kill_master(),
            Fault::RestartMaster => {
                self.settle();
                self.replace(self.master, shut_down);
                self.load.forget_counts();
            }
            Fault::PromoteBesideMaster => {
                let heir = self.any_replica();
                self.settle();
                self.promote(heir);
            }
            Fault::PlannedFailover => self.fail_over(),
            Fault::OtherParent => {
                let index = self.any_replica();
                let parents: Vec<usize> =
                    (0..MEMBERS).filter(|&parent| !self.is_below(parent, index)).collect();
                let parent = parents[self.rng.random_range(0..parents.len())];
                self.follow(index, parent);
            }
            Fault::Save => {
                let index = self.rng.random_range(0..MEMBERS);
                self.members[index].server().text("BGSAVE");
            }
        }
    }

    fn let_write(&self, requests: u64) {
        let before = self.load.written();
        wait_until("the load goes on", || self.load.written() >= before + requests);
    }

    /// A node is cut off until its master has written far more than it keeps.
    fn overrun(&mut self) {
        let master = self.master;
        let before = self.members[master].number("master_repl_offset");
        self.members[master].proxy.cut();
        wait_until("the backlog is overrun", || {
            self.members[master].number("master_repl_offset") > before + 2 * BACKLOG_BYTES
        });
        self.members[master].proxy.mend();
    }

    /// A node ends, and comes back at once as what it was.
    fn replace(&mut self, index: usize, end: impl FnOnce(Server) -> crate::harness::Folder) {
        let name = self.name(index);
        self.tell(&format!("  {name} goes down and comes back"));
        let member = &mut self.members[index];
        let server = member.server.take().expect("it is up");
        let port = server.port;
        let folder = end(server);
        let mut arguments = member.arguments.clone();
        let parent = member.parent;
        if let Some(parent) = parent.filter(|_| self.rng.random_bool(0.5)) {
            let port = self.members[parent].proxy.port;
            arguments.extend(["--replicaof".to_owned(), format!("127.0.0.1 {port}")]);
        }
        let member = &mut self.members[index];
        member.server = Some(Server::of_at(member.kind, folder, port, &borrowed(&arguments)));
        member.server().wait_for_service();
        if let Some(parent) = parent {
            self.follow(index, parent);
        }
    }

    /// The one that has most takes over; the old master comes back as a replica.
    fn kill_master(&mut self) {
        self.settle();
        let dead = self.master;
        let server = self.members[dead].server.take().expect("it is up");
        let port = server.port;
        let folder = kill(server, self.members[dead].kind);
        let heir =
            self.replicas().into_iter().max_by_key(|&index| self.members[index].number("master_repl_offset"));
        self.load.forget_counts();
        self.promote(heir.expect("there are replicas"));
        let member = &mut self.members[dead];
        member.server = Some(Server::of_at(member.kind, folder, port, &borrowed(&member.arguments)));
        member.server().wait_for_service();
        let heir = self.master;
        self.follow(dead, heir);
    }

    /// Everybody whose way up does not lead to the heir follows it.
    fn promote(&mut self, heir: usize) {
        let name = self.name(heir);
        self.tell(&format!("  {name} is promoted"));
        assert_eq!(self.members[heir].server().text("REPLICAOF NO ONE"), "OK");
        self.load.forget_counts();
        self.lead(heir);
    }

    fn lead(&mut self, heir: usize) {
        self.members[heir].parent = None;
        self.master = heir;
        self.load.set_master(self.members[heir].server().port);
        for index in self.replicas() {
            if !self.is_below(index, heir) {
                self.follow(index, heir);
            }
        }
    }

    fn fail_over(&mut self) {
        self.settle();
        let old = self.master;
        let direct: Vec<usize> =
            self.replicas().into_iter().filter(|&index| self.members[index].parent == Some(old)).collect();
        let heir = direct[self.rng.random_range(0..direct.len())];
        let (name, port) = (self.name(heir), self.members[heir].proxy.port);
        self.tell(&format!("  {name} is to take over"));
        // Of the one that steps down: others may still be about a sync of their own.
        let partial = |member: &mut Member| {
            member.server().log().matches("Successful partial resynchronization with master").count()
        };
        let partial_before = partial(&mut self.members[old]);
        // A replica that has just come counts as online a moment later.
        wait_until("it is taken as a replica", || {
            let reply =
                self.members[old].server().text(&format!("FAILOVER TO 127.0.0.1 {port} TIMEOUT 20000"));
            assert!(reply == "OK" || reply.contains("replica"), "{reply}");
            reply == "OK"
        });
        wait_until("the failover is over", || {
            self.members[old].server().info("master_failover_state") == "no-failover"
        });
        assert_eq!(self.members[heir].server().info("role"), "master", "{}", self.story);
        for (counter, count) in self.load.counted() {
            let there: i64 = self.members[heir].server().text(&format!("GET {counter}")).parse().unwrap_or(0);
            assert!(there >= count, "{counter} was {count}, and is {there}: {}", self.story);
        }
        self.members[old].server().wait_for_link();
        assert_eq!(partial(&mut self.members[old]), partial_before + 1, "{}", self.story);
        self.members[old].parent = Some(heir);
        self.lead(heir);
    }
}

/// A Redis that saves leaves a child that goes on, and replaces the file of the next one when that has just taken a copy into it.
fn kill(mut server: Server, kind: &str) -> crate::harness::Folder {
    if kind == "redis" {
        wait_until("it has saved", || server.info("rdb_bgsave_in_progress") == "0");
    }
    server.kill()
}

fn shut_down(server: Server) -> crate::harness::Folder {
    let mut client = server.connect();
    client.send(&["SHUTDOWN", "SAVE"]);
    server.wait_for_its_end()
}

fn run(seed: u64, rounds: usize, kinds: &[&'static str]) {
    let mut chain = Chain::start(seed, kinds);
    let names: Vec<String> = (0..MEMBERS).map(|index| chain.name(index)).collect();
    chain.tell(&format!("seed {seed}: {}", names.join(", ")));
    chain.compare();
    let first = chain.rng.random_range(0..FAULTS.len());
    for round in 0..rounds {
        // Each once before one comes again; then at random.
        let fault = if round < FAULTS.len() {
            FAULTS[(first + round * 5) % FAULTS.len()]
        } else {
            FAULTS[chain.rng.random_range(0..FAULTS.len())]
        };
        chain.cause(fault);
        if chain.rng.random_bool(0.5) {
            chain.let_write(100);
        }
        if round + 1 == rounds || chain.rng.random_bool(0.6) {
            chain.compare();
            let full: u64 = (0..MEMBERS).map(|index| chain.members[index].number("sync_full")).sum();
            let partial: u64 = (0..MEMBERS).map(|index| chain.members[index].number("sync_partial_ok")).sum();
            println!(
                "round {round}: the same on all; since their last starts {partial} partial and {full} full syncs"
            );
        }
    }
}

pub fn number_of(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

#[test]
fn by_seed() {
    let kinds: &[&str] = if has_redis("chaos::by_seed") { &["ours", "redis"] } else { &["ours"] };
    let (seed, rounds) = (number_of("SEED", 1), number_of("ROUNDS", 6));
    run(seed, rounds as usize, kinds);
}
