//! What goes wrong in an operator's day, on our nodes and on Redis's: each fault gets a clear word, nothing is lost
//! by it, and once it is mended the same command goes through.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use crate::harness::half_moved::{self, HalfMoved, leave_half_moved};
use crate::harness::load::Load;
use crate::harness::*;
use rcl_proto::resp::Reply;

/// What CLUSTER INFO says of the field.
fn cluster_info(server: &Server, field: &str) -> String {
    let info = text(&server.link().call(&["CLUSTER", "INFO"]));
    let value = info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    value.unwrap_or_else(|| panic!("no {field} in {info}")).to_owned()
}

fn assert_untouched(server: &Server) {
    assert_eq!(cluster_info(server, "cluster_known_nodes"), "1");
    assert_eq!(cluster_info(server, "cluster_slots_assigned"), "0");
    assert_eq!(cluster_info(server, "cluster_my_epoch"), "0");
}

#[test]
fn a_dead_node_is_named_and_nothing_is_touched() {
    with_each_kind(|kind| {
        let mut servers = Server::start_many(kind, 4, &[]);
        let addresses: Vec<String> = servers.iter().map(Server::address).collect();
        let a: Vec<&str> = addresses.iter().map(String::as_str).collect();
        servers[3].kill();
        let cannot_reach = format!("cannot reach {}", a[3]);
        rcl_refused(4, &cannot_reach, &["create", a[0], a[1], a[2], a[3], "--yes"]);
        rcl_refused(4, &cannot_reach, &["check", a[3]]);
        servers[..3].iter().for_each(assert_untouched);

        rcl_ok(&["create", a[0], a[1], a[2], "--yes"]);
        rcl_refused(4, &cannot_reach, &["add-node", a[3], a[0], "--yes"]);
        assert_eq!(cluster_info(&servers[0], "cluster_known_nodes"), "3");
        servers[2].kill();
        let (code, said, _) = rcl(&["check", a[0]]);
        assert_eq!(code, 1);
        let line = said.lines().find(|line| line.contains("lost-shard"));
        assert!(line.is_some_and(|line| line.contains(a[2])), "{said}");
        rcl_refused(4, "cannot reach", &["check", a[2]]);
        servers[2].start_again();
        eventually("all is well again", || findings(&servers[0]).0 == 0);
    });
}

#[test]
fn a_wrong_password_is_said_by_the_tool_and_by_the_replica() {
    with_each_kind(|kind| {
        let settings = ["--requirepass", "sesame", "--masterauth", "sesame"];
        let servers = Server::start_many(kind, 4, &settings);
        let a: Vec<String> = servers.iter().map(Server::address).collect();
        let command = |password: Option<&str>, arguments: &[&str]| {
            let mut command = rcl_command(arguments);
            if let Some(password) = password {
                command.env("REDISCLI_AUTH", password);
            }
            command
        };
        let with = |password, arguments: &[&str]| outcome(command(password, arguments).output().unwrap());
        let create = ["create", &a[0], &a[1], &a[2], "--yes"];
        for password in [None, Some("wrong")] {
            for verb in [&create[..], &["check", &a[0]]] {
                let (code, said, why) = with(password, verb);
                assert_eq!(code, 4, "{said}{why}");
                assert!(why.contains("does not let us in") && why.contains("REDISCLI_AUTH"), "{why}");
                assert!(!why.contains("wrong") || password.is_none(), "a password is never printed: {why}");
            }
        }
        let right = |arguments: &[&str]| {
            let (code, said, why) = with(Some("sesame"), arguments);
            assert_eq!(code, 0, "{said}{why}");
        };
        right(&create);

        // A replica that has the wrong password for its master: it says so, and so does check. Who adds it waits until that is mended.
        let mut replica = servers[3].link();
        assert_eq!(replica.call(&["AUTH", "sesame"]), ok());
        assert_eq!(replica.call(&["CONFIG", "SET", "masterauth", "wrong"]), ok());
        let mut adding = command(Some("sesame"), &["add-replica", &a[3], &a[0], "--yes"]);
        let adding = adding.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let check = || with(Some("sesame"), &["check", &a[0]]).1;
        eventually("check says that the replica is not in sync", || check().contains("replica-link-down"));
        eventually("its log says why", || servers[3].log().contains("WRONGPASS"));
        assert_eq!(replica.call(&["CONFIG", "SET", "masterauth", "sesame"]), ok());
        let (code, said, why) = outcome(adding.wait_with_output().unwrap());
        assert_eq!(code, 0, "{said}{why}");
        assert!(!check().contains("replica-link-down"));
    });
}

#[test]
fn a_node_that_is_not_in_cluster_mode_is_refused() {
    with_each_kind(|kind| {
        let servers = Server::start_many(kind, 3, &[]);
        let alone = Server::start(kind, &["--cluster-enabled", "no"]);
        let a: Vec<String> = servers.iter().chain([&alone]).map(Server::address).collect();
        let what = format!("{} is not in cluster mode", a[3]);
        rcl_refused(3, &what, &["create", &a[0], &a[1], &a[3], "--yes"]);
        rcl_refused(3, &what, &["check", &a[3]]);
        servers.iter().for_each(assert_untouched);
        rcl_ok(&["create", &a[0], &a[1], &a[2], "--yes"]);
        rcl_refused(3, &what, &["add-node", &a[3], &a[0], "--yes"]);
        rcl_refused(3, &what, &["add-replica", &a[3], &a[0], "--yes"]);
        assert_eq!(findings(&servers[0]).0, 0);
    });
}

/// Half of a slot's keys on each side, as a move leaves them that died.
#[test]
fn a_half_moved_slot_is_named_by_check_and_finished_by_fix() {
    with_each_kind(|kind| {
        let servers = Server::start_many(kind, 3, &[]);
        create(&servers, 0);
        let address = servers[0].address();
        let HalfMoved { slot, source, target } = leave_half_moved(&servers);
        let (code, said, _) = rcl(&["check", &address]);
        assert_eq!(code, 1);
        let line =
            said.lines().find(|line| line.contains("unfinished-move")).unwrap_or_else(|| panic!("{said}"));
        for needed in [&slot, &servers[source].address(), &servers[target].address()] {
            assert!(line.contains(needed.as_str()), "{line}");
        }
        assert!(said.contains(&format!("rcl fix {address}")), "{said}");
        // Clients find every key meanwhile.
        let mut client = Client::new(servers[source].port);
        for index in 0..half_moved::KEYS {
            assert_eq!(client.get(&half_moved::key(index)).unwrap(), Some(index.to_string()));
        }
        rcl_ok(&["fix", &address, "--yes"]);
        assert_eq!(findings(&servers[0]).0, 0);
        for index in 0..half_moved::KEYS {
            assert_eq!(
                servers[target].link().call(&["GET", &half_moved::key(index)]),
                Reply::Bulk(index.to_string().into_bytes())
            );
        }
    });
}

/// No file of the process may grow beyond so many bytes: a full disk, as far as it can see.
fn limit_file_size(server: &Server, bytes: &str) {
    let limits = [format!("--pid={}", server.pid()), format!("--fsize={bytes}:unlimited")];
    let status = Command::new("prlimit").args(limits).status();
    assert!(status.is_ok_and(|status| status.success()), "prlimit (util-linux) is needed");
}

/// Redis's own server exits when it cannot write nodes.conf, so this is for ours.
#[test]
fn a_full_disk_stops_a_reshard_with_its_cause_and_room_lets_it_go_on() {
    let servers = Server::start_many(Kind::Ours, 3, &[]);
    create(&servers, 0);
    let address = servers[0].address();
    let load = Load::start(&[servers[0].port]);
    load.end_phase().assert_clean("before");
    limit_file_size(&servers[1], "10");
    let (from, to) = (servers[0].id(), servers[1].id());
    let reshard = ["reshard", &address, "--from", &from, "--to", &to, "--slots", "200", "--yes"];
    let (code, said, why) = rcl(&reshard);
    assert_ne!(code, 0, "{said}");
    assert!(why.contains("File too large") && why.contains(&servers[1].address()), "{said}{why}");
    assert_eq!(servers[1].link().call(&["PING"]), Reply::Simple("PONG".into()));
    load.end_phase().assert_clean("while the disk is full");

    limit_file_size(&servers[1], "unlimited");
    rcl_ok(&reshard);
    load.end_phase().assert_clean("once there is room");
    let nodes = rcl_json(&["nodes", &address]);
    let rows = nodes.as_array().unwrap();
    let target = rows.iter().find(|row| row["id"] == to.as_str()).unwrap();
    assert!(target["slot_count"].as_u64().unwrap() >= 5461 + 200, "{target}");
    assert_eq!(findings(&servers[0]).0, 0);
    load.stop().0.assert_clean("at the end");
}

/// Numbers that look random and are the same every time.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 56) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// Sends what is no request; the node may answer with an error and hang up, and must live.
fn throw(port: u16, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

#[test]
fn garbage_on_the_client_port_is_answered_and_harms_nobody() {
    let mut servers = Server::start_many(Kind::Ours, 3, &[]);
    create(&servers, 0);
    let load = Load::start(&[servers[0].port]);
    let port = servers[0].port;
    for (bytes, error) in [
        (&b"*3\r\n$99999999999\r\n"[..], "invalid bulk length"),
        (b"*2147483648\r\n", "invalid multibulk length"),
        (b"*1\r\n:5\r\n", "expected '$', got ':'"),
        (b"*1\r\n$-7\r\n", "invalid bulk length"),
        (b"SET \"a\r\n", "unbalanced quotes"),
        (&[b'x'; 70_000], "too big inline request"),
    ] {
        let answer = String::from_utf8_lossy(&throw(port, bytes)).into_owned();
        assert!(answer.starts_with("-ERR Protocol error: ") && answer.contains(error), "{answer:?}");
    }
    for seed in 0..200 {
        throw(port, &noise(seed, 1 + seed as usize * 37));
        let mut cut = b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1000000\r\n".to_vec();
        cut.extend(noise(seed, 100));
        throw(port, &cut[..cut.len().min(1 + seed as usize)]);
    }
    load.stop().0.assert_clean("garbage on the client port");
    assert!(servers[0].is_running());
    assert_eq!(findings(&servers[0]).0, 0);
}

#[test]
fn garbage_on_the_bus_port_harms_nobody() {
    let mut servers = Server::start_many(Kind::Ours, 3, &[]);
    create(&servers, 0);
    let load = Load::start(&[servers[0].port]);
    let bus = servers[0].port + 10_000;
    let frame = |length: u32, version: u16, kind: u16| {
        let mut frame = b"RCmb".to_vec();
        frame.extend(length.to_be_bytes());
        frame.extend(version.to_be_bytes());
        frame.extend(servers[1].port.to_be_bytes());
        frame.extend(kind.to_be_bytes());
        frame
    };
    for seed in 0..100u64 {
        // No packet at all; a right head with noise after it, of each kind; a length that lies; a packet cut off.
        throw(bus, &noise(seed, 1 + seed as usize * 53));
        let mut whole = frame(2256, 1, (seed % 12) as u16);
        whole.extend(noise(seed, 2256 - whole.len()));
        throw(bus, &whole);
        throw(bus, &whole[..seed as usize * 22]);
        let mut lie = frame(if seed % 2 == 0 { u32::MAX } else { 17 }, 1, 0);
        lie.extend(noise(seed, 3000));
        throw(bus, &lie);
    }
    load.stop().0.assert_clean("garbage on the bus port");
    assert!(servers[0].is_running());
    assert_eq!(findings(&servers[0]).0, 0);
    assert_eq!(cluster_info(&servers[0], "cluster_known_nodes"), "3");
}
