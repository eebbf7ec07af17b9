//! Nodes emptied and filled, slots moved by name, balance by keys: on our nodes and on Redis's.

use crate::harness::*;
use rcl_proto::resp::Reply;

const KEYS: usize = 1500;

/// Of a node: its role, how many slots it owns, whom it follows.
fn row(entry: &Server, server: &Server) -> (String, u64, Option<String>) {
    let nodes = rcl_json(&["nodes", &entry.address()]);
    let row =
        nodes.as_array().unwrap().iter().find(|row| row["address"] == server.address().as_str()).unwrap();
    let master = row["master"].as_str().map(str::to_owned);
    (row["role"].as_str().unwrap().to_owned(), row["slot_count"].as_u64().unwrap(), master)
}

fn empty_master() -> (String, u64, Option<String>) {
    ("master".to_owned(), 0, None)
}

fn slots_of(entry: &Server, server: &Server) -> String {
    let nodes = rcl_json(&["nodes", &entry.address()]);
    let row =
        nodes.as_array().unwrap().iter().find(|row| row["address"] == server.address().as_str()).unwrap();
    row["slots"].as_str().unwrap().to_owned()
}

/// A state folder of the test's own, so that `rcl undo` finds its job.
fn in_folder<'a>(state: &'a std::path::Path, arguments: &[&'a str]) -> Vec<&'a str> {
    ["--state-dir", state.to_str().unwrap()].iter().chain(arguments).copied().collect()
}

#[test]
fn a_node_is_drained_comes_back_by_undo_and_a_replica_gives_up_its_role() {
    with_each_kind(|kind| {
        let servers = Server::start_many(kind, 5, &[]);
        create(&servers[..4], 0);
        fill(servers[1].port, KEYS);
        let (node, replica) = (&servers[0], &servers[4]);
        let entry = &servers[1];
        rcl_ok(&["add-replica", &replica.address(), &entry.address(), "--master", &node.id()]);
        let state = std::env::temp_dir().join(format!("rcl-drain-{}-{kind:?}", std::process::id()));
        let slots = slots_of(entry, node);

        let plan = rcl_json(&["drain", &node.address(), "--dry-run"]);
        assert_eq!(plan["cost"]["slots"], 4096, "{plan}");
        let outcome = rcl_json(&in_folder(&state, &["drain", &node.address(), "--yes"]));
        assert_eq!(outcome["moved_slots"], 4096, "{outcome}");
        assert_eq!(row(entry, node), empty_master(), "it is in the cluster, and nothing else");
        assert_eq!(node.link().call(&["DBSIZE"]), Reply::Integer(0));
        let (role, _, master) = row(entry, replica);
        assert!(role == "replica" && master != Some(node.id()), "its replica has another master: {master:?}");
        eventually("all is well", || findings(entry).0 == 0);
        verify(entry.port, KEYS);
        assert!(rcl_ok(&["drain", &node.address(), "--entry", &entry.address()]).contains("nothing to do"));

        rcl_ok(&in_folder(&state, &["undo", "--yes"]));
        assert_eq!(slots_of(entry, node), slots, "it has its slots again");
        assert_eq!(row(entry, replica).2, Some(node.id()), "and its replica");
        verify(entry.port, KEYS);

        rcl_ok(&in_folder(&state, &["drain", &replica.address(), "--entry", &entry.address()]));
        assert_eq!(row(entry, replica), empty_master());
        assert_eq!(replica.link().call(&["DBSIZE"]), Reply::Integer(0));
        eventually("all is well", || findings(entry).0 == 0);
        rcl_ok(&in_folder(&state, &["undo", "--yes"]));
        assert_eq!(row(entry, replica).2, Some(node.id()));
        let _ = std::fs::remove_dir_all(state);
    });
}

#[test]
fn slots_are_moved_by_name_and_keys_evened_out() {
    with_each_kind(|kind| {
        let servers = Server::start_many(kind, 4, &[]);
        create(&servers[..3], 0);
        let [first, second, third, spare] = [0, 1, 2, 3].map(|number| &servers[number]);
        // The slots of these two have most of the keys; both are with the first.
        let (one, other) = ("{user:3}", "{user:7}");
        let mut client = Client::new(first.port);
        for tag in [one, other] {
            (0..400).for_each(|number| client.set(&format!("{tag}:{number}"), "v").unwrap());
        }
        fill(first.port, 300);
        let count = |server: &Server| match server.link().call(&["DBSIZE"]) {
            Reply::Integer(count) => count,
            other => panic!("{other:?}"),
        };
        let slots = format!("0-100,{}", rcl_proto::key_slot(one.as_bytes()));
        rcl_ok(&["move-slots", &slots, "--to", &second.address(), "--yes"]);
        let owned = slots_of(first, second);
        assert!(owned.starts_with("0-100 "), "{owned}");
        assert!(
            rcl_ok(&["move-slots", &slots, "--to", &second.address(), "--yes"]).contains("nothing to do")
        );
        rcl_refused(
            3,
            "not among the sources",
            &["move-slots", "0-5", "--from", &third.address(), "--to", &first.address(), "--yes"],
        );

        rcl_ok(&["add-node", &spare.address(), &first.address()]);
        rcl_ok(&["move-slots", "--from", &third.address(), "--to", &spare.address(), "--yes"]);
        assert_eq!(row(first, spare).1, 5461);
        eventually("all is well", || findings(first).0 == 0);

        let arguments = ["rebalance", &first.address(), "--by", "keys", "--yes", "--threshold", "5"];
        let plan = rcl_ok(&["rebalance", &first.address(), "--by", "keys", "--threshold", "5", "--dry-run"]);
        assert!(plan.contains("after") && plan.contains("share"), "{plan}");
        rcl_ok(&arguments);
        let (_, again, why) = rcl(&arguments);
        assert!(again.contains("nothing to do") && why.contains("slot 2780 alone is 100 %"), "{again}{why}");
        let counts = [first, second, spare].map(count);
        assert_eq!(counts, [400, 400, 300], "the two heavy slots stay, all else goes to who has neither");
        verify(first.port, 300);
    });
}
