//! What a move may cost: keys that would stall are named first, rates and pauses are kept, a target without room is
//! refused, and a key on both sides with one value stops nobody.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::harness::*;
use rcl_proto::key_slot;
use rcl_proto::resp::Reply;

/// Its slot lies far from where one of three masters ends.
const BIG: &str = "{big}key";
const FIELDS: usize = 200_000;

fn put_big_hash(server: &Server) {
    let mut link = server.link();
    for start in (0..FIELDS).step_by(1000) {
        let fields: Vec<String> = (start..start + 1000)
            .flat_map(|field| [format!("field:{field:07}"), format!("value-{field}")])
            .collect();
        let mut words = vec!["HSET", BIG];
        words.extend(fields.iter().map(String::as_str));
        assert_eq!(link.call(&words), Reply::Integer(1000));
    }
}

/// Who of the servers owns the key's slot.
fn owner_of(servers: &[Server], key: &str) -> usize {
    let owns = |server: &Server| !matches!(server.link().call(&["EXISTS", key]), Reply::Error(_));
    servers.iter().position(owns).unwrap()
}

#[test]
fn a_key_that_would_stall_is_named_and_stays_and_all_else_moves() {
    with_each_kind(|kind| {
        let servers = Server::start_many(kind, 3, &[]);
        create(&servers, 0);
        fill(servers[0].port, 1000);
        let (source, slot) = (owner_of(&servers, BIG), key_slot(BIG.as_bytes()).number());
        put_big_hash(&servers[source]);
        let target = (source + 1) % 3;
        let (entry, to) = (servers[0].address(), servers[target].address());
        let around = format!("{}-{}", slot - 20, slot + 20);
        let reshard = ["reshard", &entry, "--to", &to, "--slot-ranges", &around, "--yes"];
        let (code, stdout, stderr) = rcl(&reshard);
        assert_eq!(code, 5, "{stdout}{stderr}");
        for word in
            [&format!("'{BIG}' in slot {slot}"), "hash", "MiB", "--big-keys move", "1 slot is not moved"]
        {
            assert!(stderr.contains(word), "no '{word}' in {stderr}");
        }
        assert_eq!(findings(&servers[0]).0, 0, "nothing was opened");
        assert_eq!(owner_of(&servers, BIG), source);
        let neighbour = rcl_json(&["nodes", &entry]);
        let of_target =
            neighbour.as_array().unwrap().iter().find(|row| row["address"] == to.as_str()).unwrap();
        assert_eq!(of_target["slot_count"], rcl_proto::SLOT_COUNT as u64 / 3 + 40 + u64::from(target == 1));

        let moves: Vec<&str> = reshard.iter().copied().chain(["--big-keys", "move"]).collect();
        rcl_ok(&moves);
        assert_eq!(owner_of(&servers, BIG), target);
        assert_eq!(servers[target].link().call(&["HLEN", BIG]), Reply::Integer(FIELDS as i64));
        verify(servers[0].port, 1000);
    });
}

#[test]
fn a_move_is_paused_by_a_signal_and_goes_on_by_another() {
    let servers = Server::start_many(Kind::Ours, 3, &[]);
    create(&servers, 0);
    fill(servers[0].port, 6000);
    let (entry, to) = (servers[0].address(), servers[1].address());
    let size = || match servers[1].link().call(&["DBSIZE"]) {
        Reply::Integer(size) => size,
        other => panic!("{other:?}"),
    };
    let before = size();
    let arguments =
        ["reshard", &entry, "--to", &to, "--slots", "6000", "--yes", "--max-keys-per-second", "1000"];
    let mut running = rcl_command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    eventually("keys begin to arrive", || size() > before);
    let pid = running.id() as libc::pid_t;
    let signal = |signal| {
        // SAFETY: a signal to a process that this test started and has not waited for yet.
        assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
    };
    signal(libc::SIGUSR1);
    let mut said = BufReader::new(running.stderr.take().unwrap()).lines();
    let is_paused = |line: std::io::Result<String>| line.unwrap().starts_with("paused");
    assert!(said.by_ref().any(is_paused), "it says so");
    // What had been sent is through in a moment; then nothing more comes.
    let mut held = size();
    eventually("no key moves", || {
        std::thread::sleep(std::time::Duration::from_millis(100));
        let now = size();
        std::mem::replace(&mut held, now) == now
    });
    assert!(held < before + 2200, "it was held on its way: {held}");
    verify(servers[0].port, 6000);
    signal(libc::SIGUSR2);
    assert!(said.any(|line| line.unwrap() == "going on"));
    assert!(running.wait().unwrap().success());
    verify(servers[0].port, 6000);
    assert_eq!(findings(&servers[0]).0, 0);
}

#[test]
fn who_has_no_room_gets_nothing() {
    with_each_kind(|kind| {
        let servers = Server::start_many(kind, 3, &[]);
        create(&servers, 0);
        fill(servers[0].port, 3000);
        let (entry, to) = (servers[0].address(), servers[1].address());
        let used = text(&servers[1].link().call(&["INFO", "memory"]));
        let used: u64 =
            used.lines().find_map(|line| line.strip_prefix("used_memory:")?.parse().ok()).unwrap();
        let limit = (used + 10_000).to_string();
        let mut link = servers[1].link();
        assert_eq!(link.call(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]), ok());
        assert_eq!(link.call(&["CONFIG", "SET", "maxmemory", &limit]), ok());
        let reshard = ["reshard", &entry, "--to", &to, "--slots", "5000", "--yes"];
        rcl_refused(3, "below its maxmemory", &reshard);
        assert_eq!(findings(&servers[0]).0, 0);
        assert_eq!(link.call(&["CONFIG", "SET", "maxmemory", "0"]), ok());
        rcl_ok(&reshard);
    });
}

#[test]
fn a_key_with_one_value_on_both_sides_stops_nobody() {
    with_each_kind(|kind| {
        let servers = Server::start_many(kind, 3, &[]);
        create(&servers, 0);
        let source = owner_of(&servers, "{twin}");
        let target = (source + 1) % 3;
        let slot = key_slot(b"{twin}").number().to_string();
        let mut here = servers[source].link();
        let mut there = servers[target].link();
        there.call(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &servers[source].id()]);
        let fields: Vec<String> = (0..1000).map(|field| format!("f{field}")).collect();
        for (link, order) in [(&mut here, false), (&mut there, true)] {
            let mut words = vec!["SADD", "{twin}set"];
            words.extend(fields.iter().map(String::as_str));
            if order {
                words[2..].reverse();
            }
            for command in [&["SET", "{twin}string", "one"][..], &words] {
                link.call(&["ASKING"]);
                assert!(!matches!(link.call(command), Reply::Error(_)));
            }
        }
        here.call(&["SET", "{twin}other", "x"]);
        let (entry, to) = (servers[0].address(), servers[target].address());
        rcl_ok(&["reshard", &entry, "--to", &to, "--slot-ranges", &slot, "--yes"]);
        assert_eq!(there.call(&["SCARD", "{twin}set"]), Reply::Integer(1000));
        assert_eq!(there.call(&["GET", "{twin}string"]), Reply::Bulk(b"one".to_vec()));
        assert_eq!(here.call(&["DBSIZE"]), Reply::Integer(0));
    });
}
