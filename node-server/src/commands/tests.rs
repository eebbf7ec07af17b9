//! What the commands that have no folder of their own answer, and what all containers have in common.

use crate::client::ReplyMode;
use crate::command::{self, Known};
use crate::executor::in_memory::{Client, WAITS, clients, converse, node_with};

#[test]
fn every_container_explains_itself() {
    let mut client = Client::new(&node_with(&["--cluster-enabled", "yes"], ""));
    let has_help = |known: &Known| known.subcommands().any(|sub| sub.spec.name == "help");
    let containers: Vec<Known> = command::each_known().filter(has_help).collect();
    assert!(containers.len() > 8);
    for container in containers {
        let name = container.spec.name.to_uppercase();
        let request = [name.as_bytes(), b"HELP"];
        let reply = String::from_utf8(client.request(&request).unwrap()).unwrap();
        let mut lines = reply.split("\r\n");
        let count = lines.next().and_then(|line| line.strip_prefix('*')?.parse::<usize>().ok());
        let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
        assert_eq!(Some(lines.len()), count, "{name}: {reply}");
        let title = format!("+{name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
        assert_eq!(lines[0], title);
        for sub in container.subcommands() {
            let begins = |line: &&str| {
                let word = line[1..].split([' ', '(']).next().unwrap_or_default();
                word.eq_ignore_ascii_case(sub.spec.name)
            };
            let is_old_name = sub.spec.deprecated.is_some();
            assert!(is_old_name || lines.iter().any(begins), "{name} HELP is silent about {}", sub.spec.name);
        }
        let more = client.request(&[name.as_bytes(), b"HELP", b"me"]).unwrap();
        let expected =
            format!("-ERR wrong number of arguments for '{}|help' command\r\n", container.spec.name);
        assert_eq!(String::from_utf8(more).unwrap(), expected);
    }
}

#[test]
fn transactions() {
    clients!(_node: client);
    converse(
        &mut client,
        &[
            ("DISCARD", "-ERR DISCARD without MULTI"),
            ("MULTI", "+OK"),
            ("SET k v", "+QUEUED"),
            ("DISCARD", "+OK"),
            ("GET k", "$-1"),
            ("EXEC", "-ERR EXEC without MULTI"),
            ("WATCH k", "+OK"),
            ("UNWATCH", "+OK"),
            ("MULTI", "+OK"),
            ("UNWATCH", "+QUEUED"),
            ("GET k", "+QUEUED"),
            ("EXEC", "*2 +OK $-1"),
        ],
    );
}

#[test]
fn unwatch_forgets_what_was_watched() {
    clients!(_node: client, other);
    assert_eq!(client.ask("WATCH k"), "+OK");
    assert_eq!(other.ask("SET k v"), "+OK");
    assert_eq!(client.ask("UNWATCH"), "+OK");
    converse(&mut client, &[("MULTI", "+OK"), ("GET k", "+QUEUED"), ("EXEC", "*1 $1 v")]);
}

#[test]
fn restoring_what_is_no_dump() {
    clients!(_node: client);
    converse(
        &mut client,
        &[
            ("RESTORE k 0 x", "-ERR DUMP payload version or checksum are wrong"),
            ("RESTORE k -1 x", "-ERR Invalid TTL value, must be >= 0"),
            ("RESTORE-ASKING k 0 x", "-ERR DUMP payload version or checksum are wrong"),
            ("SET k v", "+OK"),
            ("RESTORE k 0 x", "-BUSYKEY Target key name already exists."),
        ],
    );
    let dump = client.request(&["DUMP", "k"]).unwrap();
    let payload = &dump[dump.iter().position(|&byte| byte == b'\n').unwrap() + 1..dump.len() - 2];
    for (command, key) in [("RESTORE", "a"), ("RESTORE-ASKING", "b")] {
        let request = [command.as_bytes(), key.as_bytes(), b"0", payload];
        assert_eq!(client.request(&request).unwrap(), b"+OK\r\n");
    }
    assert_eq!(client.ask("MGET a b"), "*2 $1 v $1 v");
}

#[test]
fn what_pubsub_tells() {
    clients!(_node: client, other);
    converse(
        &mut client,
        &[
            ("PUBSUB NUMPAT", ":0"),
            ("PUBSUB NUMSUB a b", "*4 $1 a :0 $1 b :0"),
            ("PUBSUB SHARDNUMSUB a", "*2 $1 a :0"),
            ("PUBSUB SHARDCHANNELS", "*0"),
            ("PUBSUB CHANNELS", "*0"),
            ("PSUBSCRIBE p*", "*3 $10 psubscribe $2 p* :1"),
            ("PSUBSCRIBE q*", "*3 $10 psubscribe $2 q* :2"),
            ("SUBSCRIBE a ab", "*3 $9 subscribe $1 a :3 *3 $9 subscribe $2 ab :4"),
            ("SSUBSCRIBE s", "*3 $10 ssubscribe $1 s :1"),
        ],
    );
    converse(
        &mut other,
        &[
            ("PUBSUB NUMPAT", ":2"),
            ("PUBSUB NUMSUB a b", "*4 $1 a :1 $1 b :0"),
            ("PUBSUB CHANNELS a?", "*1 $2 ab"),
            ("PUBSUB SHARDNUMSUB s t", "*4 $1 s :1 $1 t :0"),
            ("PUBSUB SHARDCHANNELS s*", "*1 $1 s"),
        ],
    );
}

#[test]
fn what_command_tells_of_keys() {
    clients!(_node: client);
    converse(
        &mut client,
        &[
            ("COMMAND GETKEYSANDFLAGS SET k v", "*1 *2 $1 k *2 +OW +update"),
            ("COMMAND GETKEYSANDFLAGS SET k v GET", "*1 *2 $1 k *3 +RW +access +update"),
            ("COMMAND GETKEYSANDFLAGS COPY a b", "*2 *2 $1 a *2 +RO +access *2 $1 b *2 +OW +update"),
            ("COMMAND GETKEYSANDFLAGS PING", "-ERR The command has no key arguments"),
            ("COMMAND GETKEYSANDFLAGS NOSUCH x", "-ERR Invalid command specified"),
        ],
    );
}

#[test]
fn the_slow_log() {
    clients!(_node: client);
    converse(
        &mut client,
        &[
            ("CONFIG SET slowlog-log-slower-than -1", "+OK"),
            ("SLOWLOG RESET", "+OK"),
            ("SLOWLOG LEN", ":0"),
            ("CONFIG SET slowlog-log-slower-than 0", "+OK"),
            ("PING", "+PONG"),
            ("SLOWLOG LEN", ":2"),
            ("SLOWLOG GET 0", "*0"),
            ("SLOWLOG GET -2", "-ERR count should be greater than or equal to -1"),
            ("SLOWLOG RESET", "+OK"),
        ],
    );
    assert!(client.ask("SLOWLOG GET -1").contains("$7 SLOWLOG $5 RESET"));
}

#[test]
fn the_time_and_the_last_save() {
    clients!(_node: client);
    let time = client.ask("TIME");
    let words: Vec<&str> = time.split(' ').collect();
    let seconds: u64 = words[2].parse().unwrap();
    assert!(words[0] == "*2" && words.len() == 5 && words[4].parse::<u32>().unwrap() < 1_000_000, "{time}");
    let last: u64 = client.ask("LASTSAVE").strip_prefix(':').unwrap().parse().unwrap();
    assert!(last <= seconds && seconds > 1_600_000_000);
}

#[test]
fn what_a_connection_says_of_itself() {
    clients!(_node: client, other);
    converse(
        &mut client,
        &[
            ("CLIENT SETNAME me", "+OK"),
            ("CLIENT GETNAME", "$2 me"),
            ("CLIENT SETINFO LIB-NAME lib", "+OK"),
            ("CLIENT SETINFO lib-ver 1.2", "+OK"),
            ("CLIENT SETINFO nosuch x", "-ERR Unrecognized option 'nosuch'"),
            ("CLIENT NO-EVICT ON", "+OK"),
            ("CLIENT NO-EVICT maybe", "-ERR syntax error"),
            ("CLIENT NO-TOUCH ON", "+OK"),
            ("CLIENT NO-TOUCH maybe", "-ERR syntax error"),
            ("CLIENT LIST ID", "-ERR syntax error"),
            ("CLIENT LIST ID x", "-ERR Invalid client ID"),
            ("CLIENT LIST ID 0", "$0"),
            ("CLIENT LIST TYPE nosuch", "-ERR Unknown client type 'nosuch'"),
            ("CLIENT LIST TYPE pubsub", "$0"),
            ("CLIENT LIST nosuch", "-ERR syntax error"),
        ],
    );
    assert_eq!(
        client.ask_words(&["CLIENT", "SETINFO", "lib-name", "a b"]),
        "-ERR lib-name cannot contain spaces, newlines or special characters."
    );
    let line = client.ask("CLIENT INFO");
    for part in [" name=me ", " flags=UeT ", " cmd=client|info user=default ", " lib-name=lib lib-ver=1.2"] {
        assert!(line.contains(part), "{line}");
    }
    let list = client.ask("CLIENT LIST");
    assert!(list.contains(" cmd=client|list ") && list.contains(" name= "), "{list}");
    let id = other.session.id();
    assert!(client.ask(&format!("CLIENT LIST ID {id} 999")).contains(&format!("id={id} ")));
    assert_eq!(client.ask("CLIENT LIST TYPE normal").matches("id=").count(), 2);
    other.ask("SUBSCRIBE c");
    assert_eq!(client.ask("CLIENT LIST TYPE normal").matches("id=").count(), 1);
    assert_eq!(client.ask("CLIENT LIST TYPE PubSub").matches(" sub=1 ").count(), 1);
}

#[test]
fn connections_are_closed_by_what_they_are() {
    clients!(node: admin, other);
    converse(
        &mut admin,
        &[
            ("CLIENT KILL nosuch", "-ERR No such client"),
            ("CLIENT KILL ID 0", "-ERR client-id should be greater than 0"),
            ("CLIENT KILL ID x", "-ERR client-id should be greater than 0"),
            ("CLIENT KILL ID 99999", ":0"),
            ("CLIENT KILL TYPE nosuch", "-ERR Unknown client type 'nosuch'"),
            ("CLIENT KILL USER nobody", "-ERR No such user 'nobody'"),
            ("CLIENT KILL ADDR 1.2.3.4:5 LADDR 1.2.3.4:5", ":0"),
            ("CLIENT KILL SKIPME maybe", "-ERR syntax error"),
            ("CLIENT KILL ID 1 TYPE", "-ERR syntax error"),
            ("ACL SETUSER alice on nopass +@all ~*", "+OK"),
            ("CLIENT KILL USER alice", ":0"),
        ],
    );
    assert_eq!(other.ask("AUTH alice x"), "+OK");
    assert_eq!(admin.ask("CLIENT KILL USER alice TYPE pubsub"), ":0");
    assert!(!other.is_killed());
    assert_eq!(admin.ask("CLIENT KILL USER alice"), ":1");
    assert!(other.is_killed() && !admin.closed);
    let third = Client::new(&node);
    assert_eq!(admin.ask(&format!("CLIENT KILL ID {} TYPE normal SKIPME no", third.session.id())), ":1");
    assert!(third.is_killed());
    let own = admin.session.id();
    assert_eq!(admin.ask(&format!("CLIENT KILL ID {own}")), ":0");
    assert_eq!(admin.ask(&format!("CLIENT KILL ID {own} SKIPME no")), ":1");
    assert!(admin.closed);
}

#[test]
fn a_pause_holds_writes_or_everything() {
    clients!(_node: admin, client);
    converse(
        &mut admin,
        &[
            ("CLIENT PAUSE x", "-ERR timeout is not an integer or out of range"),
            ("CLIENT PAUSE -1", "-ERR timeout is negative"),
            ("CLIENT PAUSE 0 SOME", "-ERR CLIENT PAUSE mode must be WRITE or ALL"),
            ("CLIENT PAUSE 100000 WRITE", "+OK"),
        ],
    );
    converse(&mut client, &[("GET k", "$-1"), ("SET k v", WAITS)]);
    converse(&mut admin, &[("CLIENT UNPAUSE", "+OK"), ("SET k v", "+OK"), ("CLIENT PAUSE 100000", "+OK")]);
    assert_eq!(client.ask("GET k"), WAITS);
    assert_eq!(admin.ask("CLIENT UNPAUSE"), "+OK");
    assert_eq!(client.ask("GET k"), "$1 v");
}

#[test]
fn replies_are_left_out() {
    clients!(_node: client);
    converse(
        &mut client,
        &[
            ("CLIENT REPLY maybe", "-ERR syntax error"),
            ("CLIENT REPLY SKIP", ""),
            ("SET k v", ""),
            ("GET k", "$1 v"),
            ("CLIENT REPLY OFF", ""),
            ("SET k w", ""),
            ("GET k", ""),
            ("CLIENT REPLY ON", "+OK"),
            ("GET k", "$1 w"),
        ],
    );
    assert_eq!(client.session.reply_mode, ReplyMode::On);
}

#[test]
fn a_connection_that_quits() {
    clients!(_node: client);
    assert_eq!(client.ask("QUIT"), "+OK");
    assert!(client.closed);
}

#[test]
fn what_a_key_takes_in_memory() {
    clients!(_node: client);
    converse(&mut client, &[("MEMORY USAGE none", "$-1"), ("SET k v", "+OK")]);
    let bytes: u64 = client.ask("MEMORY USAGE k").strip_prefix(':').unwrap().parse().unwrap();
    assert!((1..200).contains(&bytes));
}
