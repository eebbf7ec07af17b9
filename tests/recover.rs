//! What an interruption leaves: named by check, finished by the next run, with no key lost.

use std::process::Stdio;

use crate::harness::half_moved::{self, HalfMoved, leave_half_moved};
use crate::harness::*;
use rcl_proto::key_slot;
use rcl_proto::resp::Reply;

/// How many slots a node says it owns.
fn owned(server: &Server) -> usize {
    let nodes = rcl_proto::nodes_text::parse(&text(&server.link().call(&["CLUSTER", "NODES"]))).unwrap();
    let me = nodes.iter().find(|line| line.flags.contains(rcl_proto::nodes_text::NodeFlags::MYSELF)).unwrap();
    me.slots.len()
}

#[test]
fn a_reshard_that_is_killed_is_finished_by_the_next() {
    with_each_kind(|kind| {
        const KEYS: usize = 30_000;
        let servers = Server::start_many(kind, 3, &[]);
        create(&servers, 0);
        let (address, target) = (servers[0].address(), servers[1].id());
        fill(servers[0].port, KEYS);
        let before = owned(&servers[1]);
        let arguments =
            ["reshard", &address, "--from", &servers[0].id(), "--to", &target, "--slots", "5000", "--yes"];
        // Until it dies with slots open; it may also die between two batches, which leaves none open.
        let mut left_open = false;
        for attempt in 0..20 {
            let seen = owned(&servers[1]);
            let mut running =
                rcl_command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            while owned(&servers[1]) == seen && running.try_wait().unwrap().is_none() {}
            running.kill().unwrap();
            running.wait().unwrap();
            let (code, codes) = findings(&servers[0]);
            left_open = codes.contains(&"unfinished-move".to_owned());
            if left_open {
                assert_eq!(code, 1);
                break;
            }
            assert!(attempt < 19 && owned(&servers[0]) > 0, "it was never caught in the middle");
            let back = ["reshard", &address, "--from", &target, "--to", &servers[0].id(), "--slots"];
            let moved = (owned(&servers[1]) - before).to_string();
            if moved != "0" {
                rcl_ok(&back.iter().copied().chain([moved.as_str(), "--yes"]).collect::<Vec<_>>());
            }
        }
        assert!(left_open);
        verify(servers[0].port, KEYS);
        rcl_ok(&["reshard", &address, "--from", &servers[0].id(), "--to", &target, "--slots", "10", "--yes"]);
        let (code, codes) = findings(&servers[0]);
        assert_eq!(code, 0, "{codes:?}");
        verify(servers[0].port, KEYS);
    });
}

#[test]
fn ctrl_c_stops_a_reshard_with_nothing_left_open() {
    with_each_kind(|kind| {
        const KEYS: usize = 20_000;
        let servers = Server::start_many(kind, 3, &[]);
        create(&servers, 0);
        let (address, target) = (servers[0].address(), servers[1].id());
        fill(servers[0].port, KEYS);
        let before = owned(&servers[1]);
        let arguments = ["reshard", &address, "--to", &target, "--slots", "8000", "--yes"];
        let mut command = rcl_command(&arguments);
        let running = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        eventually("slots begin to arrive", || owned(&servers[1]) > before);
        // SAFETY: a signal to a process that this test started and has not waited for yet.
        let sent = unsafe { libc::kill(running.id() as libc::pid_t, libc::SIGINT) };
        assert_eq!(sent, 0);
        let (code, stdout, stderr) = outcome(running.wait_with_output().unwrap());
        assert_eq!(code, 130, "{stdout}{stderr}");
        assert!(
            stderr.contains("none is left open") && stderr.contains("run the same command again"),
            "{stderr}"
        );
        let (code, codes) = findings(&servers[0]);
        assert_eq!(code, 0, "{codes:?}");
        assert!(owned(&servers[1]) < before + 8000);
        verify(servers[0].port, KEYS);
    });
}

#[test]
fn fix_finishes_a_half_moved_slot_and_covers_one_without_an_owner() {
    with_each_kind(|kind| {
        let servers = Server::start_many(kind, 3, &[]);
        create(&servers, 0);
        let address = servers[0].address();
        let HalfMoved { slot, target, .. } = leave_half_moved(&servers);
        let mut target_link = servers[target].link();
        assert!(findings(&servers[0]).1.contains(&"unfinished-move".to_owned()));
        rcl_ok(&["fix", &address, "--yes"]);
        assert!(!findings(&servers[0]).1.contains(&"unfinished-move".to_owned()));
        for index in 0..half_moved::KEYS {
            assert_eq!(
                target_link.call(&["GET", &half_moved::key(index)]),
                Reply::Bulk(index.to_string().into_bytes())
            );
        }

        // The same slot loses its owner everywhere; its keys still lie on one node, which gets it back.
        for server in &servers {
            server.link().call(&["CLUSTER", "DELSLOTS", &slot]);
        }
        eventually("the slot has no owner", || {
            findings(&servers[0]).1.contains(&"uncovered-slots".to_owned())
        });
        rcl_ok(&["fix", &address, "--yes"]);
        eventually("all is well", || findings(&servers[0]).0 == 0);
        assert_eq!(target_link.call(&["GET", "{half}7"]), Reply::Bulk(b"7".to_vec()));
    });
}

#[test]
fn a_key_on_both_sides_stops_the_move_until_the_user_decides() {
    with_each_kind(|kind| {
        let servers = Server::start_many(kind, 3, &[]);
        create(&servers, 0);
        let ids: Vec<String> = servers.iter().map(Server::id).collect();
        let slot = key_slot(b"twin").number().to_string();
        let owner =
            servers.iter().position(|server| server.link().call(&["SET", "twin", "right"]) == ok()).unwrap();
        let target = (owner + 1) % 3;
        let mut link = servers[target].link();
        link.call(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &ids[owner]]);
        link.call(&["ASKING"]);
        assert_eq!(link.call(&["SET", "twin", "stale"]), ok());
        let address = servers[0].address();
        let reshard = ["reshard", &address, "--to", &ids[target], "--slot-ranges", &slot, "--yes"];
        rcl_refused(5, "--replace", &reshard);
        assert_eq!(
            servers[owner].link().call(&["GET", "twin"]),
            Reply::Bulk(b"right".to_vec()),
            "still there"
        );
        rcl_ok(&reshard.iter().copied().chain(["--replace"]).collect::<Vec<_>>());
        assert_eq!(link.call(&["GET", "twin"]), Reply::Bulk(b"right".to_vec()));
    });
}
