//! bigkeys, keys-in-slot, hotkeys.

use super::keys::fill;
use crate::harness::*;
use rcl_proto::key_slot;

#[test]
fn the_biggest_keys_of_all_masters_are_found() {
    with_each_kind(|kind| {
        let servers = Server::start_many(kind, 3, &[]);
        create(&servers, 0);
        fill(&servers, 1000);
        let address = servers[0].address();
        let found = rcl_json(&["bigkeys", &address, "--top", "2"]);
        assert_eq!(found["keys"], 1000);
        let types = found["types"].as_array().unwrap();
        let names: Vec<&str> = types.iter().map(|of| of["type"].as_str().unwrap()).collect();
        assert_eq!(names, ["hash", "list", "set", "stream", "string", "zset"]);
        for (name, key, elements) in
            [("hash", "key:3", 701), ("list", "key:1", 701), ("string", "key:0", 350_000)]
        {
            let of = types.iter().find(|of| of["type"] == name).unwrap();
            let biggest = &of["most_elements"][0];
            assert_eq!((&biggest["key"], &biggest["elements"]), (&key.into(), &elements.into()), "{of}");
            assert_eq!(biggest["slot"], key_slot(key.as_bytes()).number());
            assert!(of["most_bytes"][0]["bytes"].as_u64().unwrap() > 3000, "{of}");
            assert_eq!(of["most_bytes"].as_array().unwrap().len(), 2);
        }
        let alone = Server::start(kind, &["--cluster-enabled", "no"]);
        alone.link().call(&["RPUSH", "list", "a", "b"]);
        let found = rcl_json(&["bigkeys", &alone.address()]);
        assert_eq!(
            found["types"][0]["most_elements"][0]["elements"], 2,
            "a server that is no cluster has keys, too"
        );
        let only = rcl_json(&["bigkeys", &address, "--type", "zset", "--pattern", "key:1*"]);
        assert_eq!(only["types"].as_array().unwrap().len(), 1);
        let text = rcl_ok(&["bigkeys", &address]);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    });
}

#[test]
fn keys_of_a_slot_are_shown_wherever_they_lie() {
    with_each_kind(|kind| {
        let servers = Server::start_many(kind, 3, &[]);
        create(&servers, 0);
        let half = half_moved::leave_half_moved(&servers);
        let address = servers[0].address();
        let found = rcl_json(&["keys-in-slot", &address, &half.slot]);
        assert_eq!(
            found["owner"].as_str().unwrap().split(' ').next().unwrap(),
            servers[half.source].address()
        );
        let nodes = found["nodes"].as_array().unwrap();
        let on = |owner: bool| nodes.iter().find(|node| node["is_owner"] == owner).unwrap();
        assert_eq!((&on(true)["count"], &on(false)["count"]), (&13.into(), &7.into()), "{found}");
        let by_key = rcl_json(&["keys-in-slot", &address, "--of-key", "{half}x", "--limit", "3"]);
        assert_eq!(by_key["slot"], half.slot.parse::<u16>().unwrap());
        assert_eq!(by_key["nodes"][0]["keys"].as_array().unwrap().len(), 3);
        let text = rcl_ok(&["keys-in-slot", &address, &half.slot, "--limit", "5"]);
        assert!(text.contains("does not own the slot") && text.contains("and 8 more"), "{text}");
        rcl_refused(2, "from 0 to 16383", &["keys-in-slot", &address, "16384"]);
    });
}

#[test]
fn hot_keys_are_found_by_counters_or_by_listening() {
    with_each_kind(|kind| {
        let servers = Server::start_many(kind, 3, &[]);
        create(&servers, 0);
        let (address, entry) = (servers[0].address(), servers[0].port);
        rcl_refused(3, "--monitor", &["hotkeys", &address]);
        rcl_ok(&["call", &address, "CONFIG", "SET", "maxmemory-policy", "allkeys-lfu"]);
        let mut client = Client::new(entry);
        (0..50).for_each(|number| client.set(&format!("cold:{number}"), "v").unwrap());
        (0..3000).for_each(|_| drop(client.get("cold:7").unwrap()));
        let found = rcl_json(&["hotkeys", &address, "--top", "3"]);
        assert_eq!((&found["by"], &found["keys"][0]["key"]), (&"lfu".into(), &"cold:7".into()), "{found}");
        assert_eq!(found["keys"].as_array().unwrap().len(), 3);

        let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let load = super::keys::load(entry, std::sync::Arc::clone(&stop));
        let heard = rcl_json(&["hotkeys", &address, "--monitor", "1"]);
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(load.join().unwrap() > 0);
        assert!(heard["commands"].as_u64().unwrap() > 0, "{heard}");
        assert!(heard["keys"][0]["key"].as_str().unwrap().starts_with("load:"), "{heard}");
    });
}
