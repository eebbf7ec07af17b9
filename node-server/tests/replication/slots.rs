//! A master and its replicas in a cluster, where what is about different slots is applied by several threads: under load, with faults
//! drawn from a seed that make the stream come in gusts, and break off in the middle of them. Whenever it is quiet, all have the
//! same data, key by key.
//!
//! `SEED` and `ROUNDS` as for the chains in `chaos`.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::chaos::number_of;
use super::load::{Load, assert_the_same};
use super::proxy::Proxy;
use crate::harness::server::Server;
use crate::harness::{Folder, free_port, has_redis, wait_until};

const MEMBERS: usize = 3;

struct Member {
    kind: &'static str,
    server: Option<Server>,
    proxy: Proxy,
    bus_port: u16,
    arguments: Vec<String>,
    was_heir: bool,
}

impl Member {
    fn start(kind: &'static str) -> Member {
        let bus_port = free_port();
        let words = [
            "--cluster-enabled yes --cluster-node-timeout 20000 --repl-backlog-size 256mb --cluster-port",
            &bus_port.to_string(),
        ];
        let mut arguments: Vec<String> = words
            .iter()
            .flat_map(|words| words.split(' '))
            .chain(["--save", "3600 1"])
            .map(str::to_owned)
            .collect();
        let given: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut server = Server::of(kind, &given);
        let proxy = Proxy::to(server.port);
        assert_eq!(server.text(&format!("CONFIG SET cluster-announce-port {}", proxy.port)), "OK");
        arguments.extend(["--cluster-announce-port".to_owned(), proxy.port.to_string()]);
        Member { kind, server: Some(server), proxy, bus_port, arguments, was_heir: false }
    }

    fn server(&mut self) -> &mut Server {
        self.server.as_mut().expect("it is up")
    }

    /// It ends as told, and comes back as what it was.
    fn restart(&mut self, end: impl FnOnce(Server) -> Folder) {
        let server = self.server.take().expect("it is up");
        let port = server.port;
        let folder = end(server);
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        self.server = Some(Server::of_at(self.kind, folder, port, &arguments));
        self.server().wait_for_service();
    }
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    Hold,
    Break,
    Cut,
    Kill,
    Restart,
    FailOver,
}

const FAULTS: [Fault; 6] =
    [Fault::Hold, Fault::Break, Fault::FailOver, Fault::Cut, Fault::Restart, Fault::Kill];

struct Star {
    rng: StdRng,
    members: Vec<Member>,
    master: usize,
    load: Load,
}

impl Star {
    fn start(seed: u64, kinds: &[&'static str]) -> Star {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut any = || kinds[rng.random_range(0..kinds.len())];
        // One of ours at least is a replica.
        let mut members: Vec<Member> = [any(), any(), "ours"].into_iter().map(Member::start).collect();
        assert_eq!(members[0].server().text("CLUSTER ADDSLOTSRANGE 0 16383"), "OK");
        for index in 1..MEMBERS {
            let (port, bus_port) = (members[index].server().port, members[index].bus_port);
            assert_eq!(members[0].server().text(&format!("CLUSTER MEET 127.0.0.1 {port} {bus_port}")), "OK");
        }
        let id = members[0].server().text("CLUSTER MYID");
        for replica in &mut members[1..] {
            let replica = replica.server();
            wait_until("it is a replica", || replica.text(&format!("CLUSTER REPLICATE {id}")) == "OK");
            replica.wait_for_link();
        }
        wait_until("the cluster is up", || {
            let all = |member: &mut Member| {
                member.server().text("CLUSTER INFO").contains("cluster_state:ok")
                    && member.server().text("CLUSTER NODES").matches("slave").count() == MEMBERS - 1
            };
            members.iter_mut().all(all)
        });
        let load = Load::start_in_cluster(seed, members[0].server().port);
        Star { rng, members, master: 0, load }
    }

    fn any_replica(&mut self) -> usize {
        (self.master + self.rng.random_range(1..MEMBERS)) % MEMBERS
    }

    fn let_write(&self, requests: u64) {
        let before = self.load.written();
        wait_until("the load goes on", || self.load.written() >= before + requests);
    }

    fn cause(&mut self, fault: Fault) {
        let master = self.master;
        let requests = self.rng.random_range(200..2000);
        match fault {
            Fault::Hold => {
                self.members[master].proxy.hold();
                self.let_write(requests);
                self.members[master].proxy.mend();
            }
            // What was held back comes at once, and breaks off.
            Fault::Break => {
                self.members[master].proxy.hold();
                self.let_write(requests);
                self.members[master].proxy.mend();
                self.members[master].proxy.break_links();
            }
            Fault::Cut => {
                self.members[master].proxy.cut();
                self.let_write(requests);
                self.members[master].proxy.mend();
            }
            Fault::Kill => {
                let replica = self.any_replica();
                self.members[replica].restart(Server::kill);
            }
            Fault::Restart => {
                let replica = self.any_replica();
                self.members[replica].restart(Server::terminate);
            }
            Fault::FailOver => self.fail_over(),
        }
    }

    /// A Redis takes over once: told again within twice the node timeout it takes the votes of last time for new ones.
    fn fail_over(&mut self) {
        let may_lead = |member: &Member| member.kind == "ours" || !member.was_heir;
        let heirs: Vec<usize> =
            (0..MEMBERS).filter(|&index| index != self.master && may_lead(&self.members[index])).collect();
        if heirs.is_empty() {
            return;
        }
        let heir = heirs[self.rng.random_range(0..heirs.len())];
        self.members[heir].was_heir = true;
        self.settle();
        let server = self.members[heir].server();
        let full_before = server.info("sync_full");
        wait_until("it may take over", || server.text("CLUSTER FAILOVER") == "OK");
        wait_until("it serves the slots", || server.text("SET heir leads") == "OK");
        for (counter, count) in self.load.counted() {
            let there = server.text(&format!("GET {counter}"));
            assert!(there.parse().unwrap_or(0) >= count, "{counter} was {count}, and is {there}");
        }
        self.master = heir;
        self.load.set_master(self.members[heir].server().port);
        wait_until("the others follow it", || self.members[heir].server().info("connected_slaves") == "2");
        self.settle();
        assert_eq!(self.members[heir].server().info("sync_full"), full_before);
    }

    fn settle(&mut self) {
        for index in (0..MEMBERS).filter(|&index| index != self.master) {
            self.members[index].server().wait_for_link();
        }
    }

    fn compare(&mut self, story: &str) {
        self.load.pause();
        self.settle();
        for index in (0..MEMBERS).filter(|&index| index != self.master) {
            let Ok([master, replica]) = self.members.get_disjoint_mut([self.master, index]) else { continue };
            let (master, replica) = (master.server(), replica.server());
            wait_until("it is where the master is", || master.offset() == replica.offset());
            assert_the_same(master, replica, story);
            assert!(!replica.log().contains("== CRITICAL =="), "{story}");
        }
        self.load.resume();
    }
}

#[test]
fn by_seed() {
    let kinds: &[&str] = if has_redis("slots::by_seed") { &["ours", "redis"] } else { &["ours"] };
    let (seed, rounds) = (number_of("SEED", 1), number_of("ROUNDS", 6) as usize);
    let mut star = Star::start(seed, kinds);
    let names: Vec<&str> = star.members.iter().map(|member| member.kind).collect();
    let mut story = format!("seed {seed}: {names:?}");
    star.compare(&story);
    for round in 0..rounds {
        let fault = match FAULTS.get(round) {
            Some(fault) => *fault,
            None => FAULTS[star.rng.random_range(0..FAULTS.len())],
        };
        story.push_str(&format!("\n{fault:?}"));
        println!("{fault:?}");
        star.cause(fault);
        star.compare(&story);
    }
}
