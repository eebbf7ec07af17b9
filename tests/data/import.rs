//! Keys of a server and of another cluster, copied and moved.

use super::keys::fill;
use crate::harness::*;

fn standalone(kind: Kind, keys: usize) -> Server {
    let server = Server::start(kind, &["--cluster-enabled", "no"]);
    let mut link = server.link();
    for number in 0..keys {
        let (key, value) = (format!("key:{number}"), format!("value {number}"));
        match number % 3 {
            0 => link.call(&["SET", &key, &value, "PX", "3600000"]),
            1 => link.call(&["HSET", &key, "f", &value]),
            _ => link.call(&["RPUSH", &key, "a", &value]),
        };
    }
    server
}

#[test]
fn a_server_s_keys_are_copied_with_filters_and_repeated_without_harm() {
    with_each_kind(|kind| {
        let source = standalone(kind, 700);
        let servers = Server::start_many(kind, 3, &[]);
        create(&servers, 0);
        let (from, to) = (source.address(), servers[0].address());
        let first = rcl_json(&["import", &from, &to, "--yes", "--pattern", "key:1*", "--type", "hash"]);
        let expected = (0..700).filter(|n: &usize| n % 3 == 1 && n.to_string().starts_with('1')).count();
        assert_eq!(first["copied"], expected, "{first}");
        let rest = rcl_json(&["import", &from, &to, "--yes"]);
        assert_eq!((&rest["copied"], &rest["same"]), (&(700 - expected).into(), &expected.into()), "{rest}");
        assert_eq!(rcl_json(&["verify", &from, &to, "--ttl-tolerance", "60000"])["same"], true);

        Client::new(servers[0].port).call("key:1", &["HSET", "key:1", "f", "other"]).unwrap();
        rcl_refused(5, "'key:1'", &["import", &from, &to, "--yes"]);
        let kept = rcl_json(&["import", &from, &to, "--yes", "--keep-existing"]);
        assert_eq!((&kept["kept"], &kept["same"]), (&1.into(), &699.into()), "{kept}");
        let replaced = rcl_json(&["import", &from, &to, "--yes", "--replace"]);
        assert_eq!(replaced["copied"], 700, "{replaced}");
        assert_eq!(rcl_json(&["verify", &from, &to, "--ttl-tolerance", "60000"])["same"], true);
        rcl_refused(3, "are the same", &["import", &to, &to, "--yes"]);
        rcl_refused(3, "are the same", &["import", &servers[1].address(), &to, "--yes"]);
    });
}

#[test]
fn a_database_of_a_server_is_moved_away_and_the_others_stay() {
    with_each_kind(|kind| {
        let source = standalone(kind, 30);
        let mut link = source.link();
        link.call(&["SELECT", "3"]);
        (0..200).for_each(|number| drop(link.call(&["SET", &format!("third:{number}"), "v"])));
        let servers = Server::start_many(kind, 3, &[]);
        create(&servers, 0);
        let moved = rcl_json(&[
            "import",
            &source.address(),
            &servers[0].address(),
            "--yes",
            "--move",
            "--from-db",
            "3",
        ]);
        assert_eq!((&moved["copied"], &moved["removed_at_source"]), (&200.into(), &200.into()), "{moved}");
        assert_eq!(link.call(&["DBSIZE"]), rcl_proto::resp::Reply::Integer(0));
        assert_eq!(source.link().call(&["DBSIZE"]), rcl_proto::resp::Reply::Integer(30));
        assert_eq!(rcl_json(&["info", &servers[0].address()])["keys"], 200);
    });
}

#[test]
fn what_is_written_meanwhile_is_followed_until_it_is_enough() {
    with_each_kind(|kind| {
        let source = Server::start(kind, &["--cluster-enabled", "no"]);
        let servers = Server::start_many(kind, 3, &[]);
        create(&servers, 0);
        let mut link = source.link();
        (0..300).for_each(|number| drop(link.call(&["SET", &format!("key:{number}"), "before"])));
        let (from, to) = (source.address(), servers[0].address());
        let follower = rcl_command(&["-o", "json", "import", &from, &to, "--yes", "--follow"])
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let mut client = Client::new(servers[0].port);
        eventually("the keys are copied", || client.get("key:299").unwrap().is_some());
        // Commands of all kinds: keys in many slots, keys at odd places, deletions, transactions.
        for words in [
            "MSET key:1 a key:2 b new:1 c",
            "DEL key:3 key:4",
            "RENAME key:5 key:6",
            "RPUSH list 3 1 2",
            "SORT list STORE sorted",
            "SADD one a b",
            "SADD two b c",
            "SUNIONSTORE both one two",
            "MULTI",
            "SET key:7 in",
            "EXEC",
            "XADD stream 1-1 f v",
            "XGROUP CREATE stream group 0",
            "PEXPIRE key:8 3600000",
            "EVAL return~redis.call('set',KEYS[1],'script') 1 key:9",
        ] {
            let words: Vec<String> = words.split(' ').map(|word| word.replace('~', " ")).collect();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let reply = link.call(&words);
            assert!(!matches!(reply, rcl_proto::resp::Reply::Error(_)), "{words:?}: {reply:?}");
        }
        eventually("the last write is followed", || {
            client.get("key:9").unwrap().as_deref() == Some("script")
        });
        for number in 0..2000 {
            link.call(&["SET", &format!("key:{}", number % 250 + 10), &number.to_string()]);
        }
        let ended = std::process::Command::new("kill").args(["-INT", &follower.id().to_string()]).status();
        assert!(ended.unwrap().success());
        let (code, stdout, _) = outcome(follower.wait_with_output().unwrap());
        assert_eq!(code, 0, "{stdout}");
        let compared = rcl(&["-o", "json", "verify", &from, &to, "--ttl-tolerance", "60000"]);
        assert_eq!(compared.0, 0, "{}", compared.1);
        let said: serde_json::Value = serde_json::from_str(&stdout).unwrap();
        assert!(said["copied_again"].as_u64().unwrap() > 250, "{said}");
    });
}

#[test]
fn a_cluster_is_moved_into_another_and_goes_on_when_it_was_killed() {
    with_each_kind(|kind| {
        const KEYS: usize = 2500;
        let (from, to) = (Server::start_many(kind, 3, &[]), Server::start_many(kind, 4, &[]));
        create(&from, 0);
        create(&to, 0);
        fill(&from, KEYS);
        let (source, target) = (from[0].address(), to[0].address());
        let cursor = std::env::temp_dir().join(format!("rcl-import-{}-{kind:?}", std::process::id()));
        let cursor = cursor.to_str().unwrap();
        let arguments = ["import", &source, &target, "--yes", "--move", "--cursor", cursor];
        let mut slow = rcl_command(&[&arguments[..], &["--rate", "500"]].concat()).spawn().unwrap();
        let keys = |address: &str| rcl_json(&["info", address])["keys"].as_u64().unwrap();
        eventually("some keys are there", || keys(&target) > 300 || slow.try_wait().unwrap().is_some());
        slow.kill().unwrap();
        slow.wait().unwrap();
        let there = keys(&target);
        assert!((1..KEYS as u64).contains(&there), "{there}");
        rcl_refused(3, "another import", &["import", &source, &target, "--yes", "--cursor", cursor]);
        let rest = rcl_json(&arguments);
        assert!(rest["copied"].as_u64().unwrap() < KEYS as u64, "{rest}");
        assert_eq!((keys(&source), keys(&target)), (0, KEYS as u64));
        assert!(!std::path::Path::new(cursor).exists(), "it is done");
    });
}
