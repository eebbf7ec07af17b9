//! A node dies, fails over or is cut off in the middle of a move: `rcl` says so, `rcl resume` finishes what is left with
//! whoever took over, and every key is there.

use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::harness::*;
use rcl_proto::nodes_text::{NodeFlags, NodeLine};
use rcl_proto::resp::Reply;

const KEYS: usize = 20_000;
/// Of three masters with a replica each.
const SOURCE: usize = 0;
const TARGET: usize = 1;

struct Field {
    servers: Vec<Server>,
    /// How many slots a reshard moves.
    slots: &'static str,
    state: PathBuf,
}

impl Field {
    fn new(kind: Kind, name: &str, node_timeout_ms: &str) -> Field {
        let settings = ["--appendonly", "yes", "--cluster-node-timeout", node_timeout_ms];
        let servers = Server::start_many(kind, 6, &settings);
        create(&servers, 1);
        fill(servers[0].port, KEYS);
        for server in &servers[..3] {
            server.link().call(&["WAIT", "1", "10000"]);
        }
        eventually("the replicas are in sync", || findings(&servers[2]) == (0, vec![]));
        Field { servers, slots: "5000", state: state_folder(kind, name) }
    }

    /// Five masters, of which the source alone has a replica, the last: three can vote for it when source and target are silent.
    fn of_many_masters(kind: Kind, name: &str, node_timeout_ms: &str) -> Field {
        let settings = ["--cluster-node-timeout", node_timeout_ms];
        let servers = Server::start_many(kind, 6, &settings);
        create(&servers[..5], 0);
        fill(servers[0].port, KEYS);
        let (new, entry, master) = (servers[5].address(), servers[2].address(), servers[SOURCE].address());
        rcl_ok(&["add-replica", &new, &entry, "--master", &master, "--yes"]);
        let is_up = |info: Reply| text(&info).contains("master_link_status:up");
        eventually("the replica is in sync", || {
            is_up(servers[5].link().call(&["INFO", "replication"])) && findings(&servers[2]).0 == 0
        });
        Field { servers, slots: "3000", state: state_folder(kind, name) }
    }

    fn with_state<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        ["--state-dir", self.state.to_str().unwrap()].iter().chain(arguments).copied().collect()
    }

    fn owned(&self, index: usize) -> usize {
        self.myself(index).slots.len()
    }

    /// Slots that the source is about to give.
    fn migrating(&self) -> Vec<String> {
        self.myself(SOURCE).migrating.iter().map(|(slot, _)| slot.to_string()).collect()
    }

    fn myself(&self, index: usize) -> NodeLine {
        let nodes = text(&self.servers[index].link().call(&["CLUSTER", "NODES"]));
        let nodes = rcl_proto::nodes_text::parse(&nodes).unwrap();
        nodes.into_iter().find(|line| line.flags.contains(NodeFlags::MYSELF)).unwrap()
    }

    /// A reshard of most of the source's slots, slowed down, and under way. A third node is its entry.
    fn reshard_under_way(&self) -> Child {
        self.reshard_under_way_at("4000")
    }

    fn reshard_under_way_at(&self, keys_per_second: &str) -> Child {
        let (entry, from, to) =
            (self.servers[2].address(), self.servers[SOURCE].id(), self.servers[TARGET].id());
        let before = self.owned(TARGET);
        let arguments = [
            "reshard",
            &entry,
            "--from",
            &from,
            "--to",
            &to,
            "--slots",
            self.slots,
            "--yes",
            "--timeout",
            "3",
            "--max-keys-per-second",
            keys_per_second,
        ];
        let mut command = rcl_command(&self.with_state(&arguments));
        let running = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        eventually("slots begin to arrive", || self.owned(TARGET) > before);
        running
    }

    /// With the target and its replica together: a Redis whose replica takes over just when it gets a slot that the replica has not
    /// heard of stays the master of that one, and of those that come after.
    fn assert_all_arrived(&self) {
        let moved = self.owned(TARGET) + self.owned(TARGET + 3);
        assert!(moved >= 5461 + 5000, "all have arrived: {moved}");
    }

    fn signal(&self, index: usize, signal: libc::c_int) {
        // SAFETY: a signal to a process that this test started and has not ended.
        let sent = unsafe { libc::kill(self.servers[index].pid() as libc::pid_t, signal) };
        assert_eq!(sent, 0);
    }

    /// CLUSTER FAILOVER, until the replica of `victim` has taken over: voters refuse one that asks for a slot which they know to
    /// have gone to the target a moment before, and it is given up after five seconds.
    fn hand_over(&self, victim: usize) {
        const GIVEN_UP: Duration = Duration::from_secs(6);
        let mut ordered: Option<Instant> = None;
        eventually("its replica takes over", || {
            if ordered.is_none_or(|at| at.elapsed() > GIVEN_UP) {
                let answer = self.servers[victim + 3].link().call(&["CLUSTER", "FAILOVER"]);
                if answer == ok() {
                    ordered = Some(Instant::now());
                }
            }
            self.owned(victim + 3) > 0
        });
    }

    /// Goes on until it gets through: while nobody has taken over yet it is refused, and says so.
    fn resume(&self) {
        let resume = self.with_state(&["resume", "--yes", "--timeout", "5"]);
        let mut said = String::new();
        for _ in 0..60 {
            let (code, stdout, stderr) = rcl(&resume);
            said = format!("{stdout}{stderr}");
            if code == 0 {
                return;
            }
            assert!([3, 4, 5].contains(&code), "{code}: {said}");
            std::thread::sleep(Duration::from_millis(500));
        }
        panic!("it does not get through: {said}");
    }

    fn assert_well(&self, by: usize) {
        let limit = Instant::now() + Duration::from_secs(60);
        // A node that has just begun to load may end a check without a verdict.
        while rcl(&["check", &self.servers[by].address()]).0 != 0 {
            assert!(Instant::now() < limit, "{:?}", rcl(&["check", &self.servers[by].address()]));
            std::thread::sleep(Duration::from_millis(100));
        }
        verify(self.servers[by].port, KEYS);
    }
}

fn state_folder(kind: Kind, name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{kind:?}-{}", std::process::id()))
}

impl Drop for Field {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.state);
    }
}

/// `victim` is killed in mid-move, and its replica takes over; then it comes back.
fn fails_over(kind: Kind, victim: usize) {
    let mut field = Field::new(kind, &format!("fails-over-{victim}"), "2000");
    let running = field.reshard_under_way();
    field.servers[victim].kill();
    let (code, _, stderr) = outcome(running.wait_with_output().unwrap());
    assert_eq!(code, 5, "{stderr}");
    assert!(stderr.contains("rcl resume") && stderr.contains(&field.servers[victim].address()), "{stderr}");
    eventually("its replica takes over", || field.owned(victim + 3) > 0);
    field.resume();
    field.servers[victim].start_again();
    field.assert_well(2);
    field.assert_all_arrived();
}

/// Each of these takes a cluster of six and a node timeout or two: so one kind of node does, unless `RCL_KILL_ROUNDS` asks for
/// more (`make kill-rcl`).
fn with_kinds(usual: Kind, test: impl Fn(Kind)) {
    if std::env::var_os("RCL_KILL_ROUNDS").is_some() {
        with_each_kind(test);
    } else if usual == Kind::Ours || have_server() {
        test(usual);
    }
}

#[test]
fn the_source_fails_over_in_mid_move() {
    with_kinds(Kind::Redis, |kind| fails_over(kind, SOURCE));
}

#[test]
fn the_target_fails_over_in_mid_move() {
    with_kinds(Kind::Ours, |kind| fails_over(kind, TARGET));
}

/// `victim` hands its place to its replica in mid-move, as an operator or a restart makes it.
fn is_failed_over(kind: Kind, victim: usize) {
    let field = Field::new(kind, &format!("handed-over-{victim}"), "5000");
    let running = field.reshard_under_way();
    field.hand_over(victim);
    let (code, _, stderr) = outcome(running.wait_with_output().unwrap());
    // Where the order had to be given again, the move may be over by then.
    assert!(code == 0 || code == 5 && stderr.contains("rcl resume"), "{code}: {stderr}");
    if code != 0 {
        field.resume();
    }
    field.assert_well(2);
    field.assert_all_arrived();
}

#[test]
fn the_source_is_failed_over_by_hand_in_mid_move() {
    with_kinds(Kind::Ours, |kind| is_failed_over(kind, SOURCE));
}

#[test]
fn the_target_is_failed_over_by_hand_in_mid_move() {
    with_kinds(Kind::Redis, |kind| is_failed_over(kind, TARGET));
}

/// Neither `victim`'s clients nor its peers reach it for so long that its replica takes over; then it is back, and believes for
/// a moment that it is what it was.
fn is_cut_off_and_replaced(kind: Kind, victim: usize) {
    let field = Field::new(kind, &format!("replaced-{victim}"), "2000");
    let running = field.reshard_under_way();
    field.signal(victim, libc::SIGSTOP);
    eventually("its replica takes over", || field.owned(victim + 3) > 0);
    field.signal(victim, libc::SIGCONT);
    let (code, _, stderr) = outcome(running.wait_with_output().unwrap());
    assert!(code == 5 && stderr.contains("rcl resume"), "{code}: {stderr}");
    field.resume();
    field.assert_well(2);
    field.assert_all_arrived();
}

#[test]
fn the_source_is_cut_off_and_replaced_in_mid_move() {
    with_kinds(Kind::Ours, |kind| is_cut_off_and_replaced(kind, SOURCE));
}

/// The reshard begins to be answered just when the target has given itself an epoch of which nobody has heard: its replica is elected to
/// the same one. On Redis whose id is greater has the slots then; on our nodes it is who was elected.
#[test]
#[ignore = "a key that the target acknowledged and its replica has not got yet is lost with the target's place; make kill-rcl runs it"]
fn the_target_is_cut_off_and_replaced_in_mid_move() {
    with_each_kind(|kind| is_cut_off_and_replaced(kind, TARGET));
}

/// MIGRATE of Redis holds up its source for as long as the target says nothing.
#[test]
fn a_target_that_is_silent_does_not_cost_its_source_its_place() {
    if !have_server() {
        return;
    }
    let field = Field::of_many_masters(Kind::Redis, "silent", "2000");
    let running = field.reshard_under_way();
    field.signal(TARGET, libc::SIGSTOP);
    let (code, _, stderr) = outcome(running.wait_with_output().unwrap());
    assert!(code == 5 && stderr.contains("rcl resume"), "{code}: {stderr}");
    assert!(stderr.contains(&field.servers[TARGET].address()), "who was silent is named: {stderr}");
    assert_eq!(text(&field.servers[SOURCE].link().call(&["PING"])), "PONG");
    assert!(field.owned(SOURCE) > 0 && field.owned(5) == 0, "{}", field.servers[5].log());
    field.signal(TARGET, libc::SIGCONT);
    field.resume();
    field.assert_well(2);
}

/// A MIGRATE gives up on a silent target, which does what it was sent when it is awake again: keys are on both sides then. Clients have written to those
/// of the source meanwhile, and no `rcl` was there to see it.
fn takes_late_what_it_was_sent(kind: Kind) {
    let field = Field::new(kind, "late", "30000");
    // So slowly that keys are on their way nearly all the time.
    let mut running = field.reshard_under_way_at("300");
    let mut source = field.servers[SOURCE].link();
    let mut told = |section: &str, what: &str| {
        let info = text(&source.call(&["INFO", section]));
        info.lines().find(|line| line.starts_with(what)).map(str::to_owned)
    };
    let before = told("commandstats", "cmdstat_migrate:");
    eventually("a MIGRATE is answered", || told("commandstats", "cmdstat_migrate:") != before);
    field.signal(TARGET, libc::SIGSTOP);
    eventually("another one gives up", || told("errorstats", "errorstat_IOERR").is_some());
    running.kill().unwrap();
    running.wait().unwrap();
    let (mut source, mut newer) = (field.servers[SOURCE].link(), Vec::new());
    for slot in field.migrating() {
        let Reply::Array(keys) = source.call(&["CLUSTER", "GETKEYSINSLOT", &slot, "1000"]) else { panic!() };
        for key in keys.iter().map(text) {
            let value = text(&source.call(&["GET", &key]));
            if source.call(&["SET", &key, "newer"]) == ok() {
                newer.push((key, value));
            }
        }
    }
    field.signal(TARGET, libc::SIGCONT);
    let mut target = field.servers[TARGET].link();
    let mut is_there = |key: &str| {
        target.call(&["ASKING"]);
        target.call(&["EXISTS", key]) == Reply::Integer(1)
    };
    eventually("keys are on both sides", || newer.iter().any(|(key, _)| is_there(key)));
    rcl_ok(&field.with_state(&["resume", "--yes"]));
    let mut client = Client::new(field.servers[2].port);
    for (key, value) in newer {
        assert_eq!(client.get(&key).unwrap().as_deref(), Some("newer"), "{key}");
        client.set(&key, &value).unwrap();
    }
    field.assert_well(2);
    field.assert_all_arrived();
}

#[test]
fn what_a_target_takes_late_does_not_stand_in_the_way_of_what_the_source_has() {
    with_kinds(Kind::Ours, takes_late_what_it_was_sent);
}

#[test]
fn a_node_that_is_cut_off_for_a_while_stops_a_move_and_is_gone_on_with() {
    with_kinds(Kind::Redis, |kind| {
        // Nobody takes over meanwhile: what a master acknowledges after it was replaced is lost, with every cluster.
        let field = Field::new(kind, "cut-off", "30000");
        let running = field.reshard_under_way();
        field.signal(TARGET, libc::SIGSTOP);
        let (code, _, stderr) = outcome(running.wait_with_output().unwrap());
        field.signal(TARGET, libc::SIGCONT);
        assert_eq!(code, 5, "{stderr}");
        field.resume();
        field.assert_well(2);
    });
}
