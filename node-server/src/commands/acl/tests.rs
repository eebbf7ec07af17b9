//! ACL in a node in memory: the commands' replies, and what they do to the connections that are there.

use std::sync::Arc;

use crate::client::Session;
use crate::executor::in_memory::{Client, WAITS, clients, node_with};
use crate::node::Node;

/// A client that logged in as a user of these rules.
fn client_as(node: &Arc<Node>, name: &str, rules: &str) -> Client {
    let mut client = Client::new(node);
    assert_eq!(client.ask(&format!("ACL SETUSER {name} on >pw {rules}")), "+OK");
    assert_eq!(client.ask(&format!("AUTH {name} pw")), "+OK");
    client
}

/// A field of the newest entry of the log.
fn logged(client: &mut Client, field: &str) -> String {
    let log = client.ask("ACL LOG 1");
    let words: Vec<&str> = log.split(' ').collect();
    let place = words.iter().position(|word| *word == field).unwrap_or_else(|| panic!("{log}"));
    words[place + if words[place + 1].starts_with('$') { 2 } else { 1 }].to_owned()
}

#[test]
fn setuser_takes_all_rules_or_none() {
    clients!(_node: admin);
    assert_eq!(admin.ask("ACL SETUSER alice on nopass +get ~k"), "+OK");
    let before = admin.ask("ACL GETUSER alice");
    assert_eq!(
        admin.ask("ACL SETUSER alice off +set onn"),
        "-ERR Error in ACL SETUSER modifier 'onn': Syntax error"
    );
    assert_eq!(
        admin.ask("ACL SETUSER alice off (+set (+get"),
        "-ERR Unmatched parenthesis in acl selector starting at '(+set'."
    );
    assert_eq!(admin.ask("ACL GETUSER alice"), before);
    assert_eq!(
        admin.ask("ACL SETUSER bob +nosuch").split(": ").last(),
        Some("Unknown command or category name in ACL")
    );
    assert_eq!(admin.ask("ACL GETUSER bob"), "$-1");
    assert_eq!(
        admin.ask_words(&["ACL", "SETUSER", "a b"]),
        "-ERR Usernames can't contain spaces or null characters"
    );
}

#[test]
fn getuser_list_and_users() {
    clients!(_node: admin);
    assert_eq!(admin.ask("ACL SETUSER alice on nopass %R~a +@read &c (+set ~b)"), "+OK");
    assert_eq!(
        admin.ask("ACL GETUSER alice"),
        "*12 $5 flags *3 $2 on $6 nopass $16 sanitize-payload $9 passwords *0 $8 commands $12 -@all +@read $4 keys $4 %R~a \
         $8 channels $2 &c $9 selectors *1 *6 $8 commands $10 -@all +set $4 keys $2 ~b $8 channels $0"
    );
    admin.ask("HELLO 3");
    assert!(admin.ask("ACL GETUSER alice").starts_with("%6 $5 flags ~3 "));
    assert!(admin.ask("ACL GETUSER alice").contains(" *1 %3 $8 commands"));
    assert_eq!(admin.ask("ACL USERS"), "*2 $5 alice $7 default");
    let lines = admin.ask("ACL LIST");
    for line in [
        "user alice on nopass sanitize-payload %R~a resetchannels &c -@all +@read (~b resetchannels -@all +set)",
        "user default on nopass sanitize-payload ~* &* +@all",
    ] {
        assert!(lines.contains(line), "{lines}");
    }
}

#[test]
fn a_change_holds_for_connections_that_are_there() {
    clients!(node: admin);
    let mut alice = client_as(&node, "alice", "~k +get +set");
    assert_eq!(alice.ask("SET k v"), "+OK");
    assert_eq!(admin.ask("ACL SETUSER alice -set"), "+OK");
    assert_eq!(alice.ask("SET k v"), "-NOPERM User alice has no permissions to run the 'set' command");
    assert_eq!(alice.ask("GET other"), "-NOPERM No permissions to access a key");
    assert_eq!(
        alice.ask("PUBLISH c m"),
        "-NOPERM User alice has no permissions to run the 'publish' command"
    );
    assert_eq!(
        alice.ask("ACL WHOAMI"),
        "-NOPERM User alice has no permissions to run the 'acl|whoami' command"
    );
    assert_eq!(admin.ask("ACL SETUSER alice allcommands allkeys"), "+OK");
    assert_eq!(alice.ask("ACL WHOAMI"), "$5 alice");
    assert_eq!(alice.ask("PUBLISH c m"), "-NOPERM No permissions to access a channel");
    assert_eq!(admin.ask("ACL SETUSER alice off"), "+OK");
    assert_eq!(alice.ask("GET other"), "$-1", "who is in stays in");
    assert_eq!(admin.ask("AUTH alice pw"), "-WRONGPASS invalid username-password pair or user is disabled.");
}

#[test]
fn a_deleted_users_connections_end() {
    clients!(node: admin);
    let mut alice = client_as(&node, "alice", "+@all ~*");
    assert_eq!(admin.ask("ACL DELUSER alice default"), "-ERR The 'default' user cannot be removed");
    assert_eq!(admin.ask("ACL DELUSER nobody"), ":0");
    assert!(!alice.is_killed());
    assert_eq!(admin.ask("ACL DELUSER nobody alice"), ":1");
    assert!(alice.is_killed() && !admin.is_killed());
    assert!(alice.ask("GET k").starts_with("-NOPERM"), "what it still sends is not run");
    let mut bob = client_as(&node, "bob", "+acl");
    assert_eq!(bob.ask("ACL DELUSER bob"), ":1");
    assert!(bob.closed);
}

#[test]
fn who_may_not_hear_a_channel_any_more_is_cut_off() {
    clients!(node: admin);
    let mut listeners = ["SUBSCRIBE a", "PSUBSCRIBE a*", "SSUBSCRIBE a", "SUBSCRIBE b"].map(|line| {
        let mut client = client_as(&node, "alice", "+@all &a &a* &b");
        client.ask(line);
        client
    });
    assert_eq!(admin.ask("ACL SETUSER alice &more"), "+OK");
    assert_eq!(listeners.each_ref().map(Client::is_killed), [false; 4]);
    assert_eq!(admin.ask("ACL SETUSER alice resetchannels &a &b"), "+OK");
    assert_eq!(listeners.each_ref().map(Client::is_killed), [false, true, false, false]);
    assert_eq!(admin.ask("ACL SETUSER alice resetchannels &b"), "+OK");
    assert_eq!(listeners.each_ref().map(Client::is_killed), [true, true, true, false]);
    assert_eq!(listeners[3].ask("PING"), "*2 $4 pong $0");
}

#[test]
fn a_transaction_is_checked_when_queued_and_when_run() {
    clients!(node: admin);
    let mut alice = client_as(&node, "alice", "+@all ~k &c");
    assert_eq!(alice.ask("MULTI"), "+OK");
    assert_eq!(alice.ask("GET other"), "-NOPERM No permissions to access a key");
    assert_eq!(logged(&mut admin, "context"), "multi");
    assert_eq!(alice.ask("EXEC"), "-EXECABORT Transaction discarded because of previous errors.");
    assert_eq!(alice.ask("MULTI"), "+OK");
    for queued in ["SET k 1", "GET k", "PUBLISH c m", "INCR k"] {
        assert_eq!(alice.ask(queued), "+QUEUED");
    }
    assert_eq!(admin.ask("ACL SETUSER alice -set resetchannels"), "+OK");
    let changed = "-NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. \
                   This command is no longer allowed for the following reason: ";
    assert_eq!(
        alice.ask("EXEC"),
        format!(
            "*4 {changed}no permission to execute the command or subcommand $-1 \
             {changed}no permission to access one of the channels used as arguments to the command :1"
        )
    );
    alice.ask("MULTI");
    alice.ask("GET k");
    assert_eq!(admin.ask("ACL SETUSER alice resetkeys"), "+OK");
    assert_eq!(alice.ask("EXEC"), format!("*1 {changed}no permission to touch the specified keys"));
}

#[test]
fn who_waits_on_a_key_is_refused_when_it_comes_too_late() {
    clients!(node: admin);
    let mut alice = client_as(&node, "alice", "+@all ~*");
    assert_eq!(alice.ask("BLPOP list 0"), WAITS);
    assert_eq!(admin.ask("ACL SETUSER alice resetkeys"), "+OK");
    assert_eq!(admin.ask("LPUSH list v"), ":1");
    assert_eq!(alice.got(), "run it again");
    assert_eq!(alice.ask("BLPOP list 0"), "-NOPERM No permissions to access a key");
    assert_eq!(admin.ask("LLEN list"), ":1", "nothing was taken for it");
}

#[test]
fn the_log_tells_what_was_denied() {
    clients!(node: admin);
    let mut alice = client_as(&node, "alice", "+get +publish ~k &c");
    assert_eq!(admin.ask("ACL LOG"), "*0");
    for (line, reason, object) in [
        ("SET k v", "command", "set"),
        ("CLIENT ID", "command", "client|id"),
        ("GET other", "key", "other"),
        ("PUBLISH d m", "channel", "d"),
    ] {
        assert!(alice.ask(line).starts_with("-NOPERM"), "{line}");
        assert_eq!(logged(&mut admin, "reason"), reason);
        assert_eq!(logged(&mut admin, "object"), object);
        assert_eq!(logged(&mut admin, "username"), "alice");
        assert_eq!(logged(&mut admin, "context"), "toplevel");
        assert_eq!(logged(&mut admin, "count"), ":1");
    }
    alice.ask("PUBLISH d m");
    assert_eq!(logged(&mut admin, "count"), ":2");
    assert_eq!(logged(&mut admin, "entry-id"), ":3");
    assert!(admin.ask("ACL LOG 1").contains(" cmd=publish user=alice "));
    assert!(admin.ask("ACL LOG 2").starts_with("*2 *20 $5 count :2 "));
    assert!(admin.ask("ACL LOG").starts_with("*4 "));
    assert_eq!(admin.ask("ACL LOG -1"), "*0");
    assert_eq!(admin.ask("ACL LOG many"), "-ERR value is not an integer or out of range");
    assert_eq!(admin.ask("ACL LOG RESET"), "+OK");
    assert_eq!(admin.ask("ACL LOG"), "*0");
    for line in ["AUTH alice wrong", "hello 3 auth alice wrong"] {
        assert_eq!(admin.ask(line), "-WRONGPASS invalid username-password pair or user is disabled.");
        assert_eq!(logged(&mut admin, "reason"), "auth");
        assert_eq!(logged(&mut admin, "object"), line.split(' ').next().unwrap());
        assert_eq!(logged(&mut admin, "username"), "alice");
    }
    let stats = admin.ask("INFO stats");
    for line in ["_auth:2", "_cmd:2", "_key:1", "_channel:2"] {
        assert!(stats.contains(&format!("acl_access_denied{line} ")), "{stats}");
    }
    admin.ask("CONFIG SET acllog-max-len 1");
    assert!(alice.ask("GET x").starts_with("-NOPERM"));
    assert!(admin.ask("ACL LOG").starts_with("*1 "));
}

#[test]
fn dryrun_tells_and_runs_nothing() {
    clients!(_node: admin);
    assert_eq!(admin.ask("ACL SETUSER alice +@all -set ~k &c"), "+OK");
    for (line, expected) in [
        ("nobody GET k", "-ERR User 'nobody' not found"),
        ("alice nosuch k", "-ERR Command 'nosuch' not found"),
        ("alice CONFIG nosuch", "-ERR Command 'CONFIG' not found"),
        ("alice GET", "-ERR wrong number of arguments for 'get' command"),
        ("alice GET k", "+OK"),
        ("alice DEL k", "+OK"),
        ("alice SET k v", "$56 User alice has no permissions to run the 'set' command"),
        ("alice GET x", "$54 User alice has no permissions to access the 'x' key"),
        ("alice PUBLISH d m", "$58 User alice has no permissions to access the 'd' channel"),
    ] {
        let reply = admin.ask(&format!("ACL DRYRUN {line}"));
        let text = |reply: &str| reply.split_once(' ').map_or(reply.to_owned(), |(_, text)| text.to_owned());
        if expected.starts_with('$') {
            assert_eq!(text(&reply), text(expected), "{line}");
        } else {
            assert_eq!(reply, expected, "{line}");
        }
    }
    assert_eq!(admin.ask("ACL LOG"), "*0");
}

#[test]
fn categories() {
    clients!(_node: admin);
    let all = admin.ask("ACL CAT");
    assert!(all.starts_with("*21 $8 keyspace $4 read $5 write $3 set "), "{all}");
    let transaction = admin.ask("ACL CAT Transaction");
    for name in ["multi", "exec", "discard", "watch", "unwatch"] {
        assert!(transaction.contains(&format!(" {name}")), "{transaction}");
    }
    assert!(admin.ask("ACL CAT admin").contains(" acl|setuser"));
    assert_eq!(admin.ask("ACL CAT nosuch"), "-ERR Unknown category 'nosuch'");
    assert_eq!(
        admin.ask("ACL CAT a b"),
        "-ERR unknown subcommand or wrong number of arguments for 'CAT'. Try ACL HELP."
    );
}

#[test]
fn passwords_from_genpass() {
    clients!(_node: admin);
    let digits = |reply: String| reply.split(' ').nth(1).unwrap().to_owned();
    let password = digits(admin.ask("ACL GENPASS"));
    assert!(password.len() == 64 && password.bytes().all(|byte| b"0123456789abcdef".contains(&byte)));
    assert_ne!(digits(admin.ask("ACL GENPASS")), password);
    for (bits, length) in [(1, 1), (4, 1), (5, 2), (4096, 1024)] {
        assert_eq!(digits(admin.ask(&format!("ACL GENPASS {bits}"))).len(), length);
    }
    for bits in ["0", "-236", "4097", "5000"] {
        assert!(
            admin
                .ask(&format!("ACL GENPASS {bits}"))
                .starts_with("-ERR ACL GENPASS argument must be the number of bits")
        );
    }
}

#[test]
fn the_password_of_the_default_user_is_requirepass() {
    let node = node_with(&["--requirepass", "secret"], "");
    let mut client = stranger(&node);
    assert_eq!(client.ask("GET k"), "-NOAUTH Authentication required.");
    assert_eq!(client.ask("AUTH wrong"), "-WRONGPASS invalid username-password pair or user is disabled.");
    assert_eq!(client.ask("AUTH secret"), "+OK");
    assert_eq!(client.ask("ACL SETUSER default >second -debug"), "+OK");
    assert_eq!(stranger(&node).ask("AUTH default second"), "+OK");
    assert_eq!(client.ask("CONFIG SET maxclients 100"), "+OK");
    assert_eq!(stranger(&node).ask("AUTH second"), "+OK", "other directives leave the user alone");
    assert_eq!(client.ask("CONFIG SET requirepass third"), "+OK");
    assert!(stranger(&node).ask("AUTH second").starts_with("-WRONGPASS"));
    assert_eq!(stranger(&node).ask("AUTH third"), "+OK");
    assert!(client.ask("DEBUG SET-ACTIVE-EXPIRE 1").starts_with("-NOPERM"), "only the password changed");
    let mut waiting = stranger(&node);
    assert_eq!(client.ask("CONFIG SET requirepass "), "+OK");
    assert_eq!(waiting.ask("GET k"), "$-1", "nobody needs to log in any more");
    assert!(waiting.ask("AUTH x").starts_with("-ERR AUTH <password> called without any password configured"));
    assert_eq!(waiting.ask("AUTH default whatever"), "+OK");
    assert_eq!(client.ask("ACL SETUSER default off"), "+OK");
    assert_eq!(stranger(&node).ask("GET k"), "-NOAUTH Authentication required.");
}

/// As a new connection is: nobody has logged in.
fn stranger(node: &Arc<Node>) -> Client {
    let mut client = Client::new(node);
    let authenticated = node.access.default_user().needs_no_log_in();
    client.session = Session::new(client.session.handle.clone(), node.default_user(), authenticated);
    client
}

#[test]
fn hello_logs_in_by_the_last_credentials() {
    clients!(node: admin);
    assert_eq!(admin.ask("ACL SETUSER alice on >pw +@all ~*"), "+OK");
    assert!(admin.ask("HELLO 2 AUTH nobody x AUTH alice pw").starts_with("*14 "));
    assert_eq!(admin.ask("ACL WHOAMI"), "$5 alice");
    assert!(
        admin
            .ask("HELLO 2 AUTH alice pw AUTH default x SETNAME a AUTH alice wrong")
            .starts_with("-WRONGPASS")
    );
    assert_eq!(admin.ask("CLIENT GETNAME"), "$-1");
    assert!(node.access.get(b"alice").is_some());
}

#[test]
fn users_of_the_configuration() {
    let conf =
        "user default on nopass ~* +@all\nuser alice on >pw (+get ~k)\nacl-pubsub-default resetchannels\n";
    let node = node_with(&[], conf);
    let mut client = Client::new(&node);
    assert_eq!(client.ask("SUBSCRIBE c"), "-NOPERM No permissions to access a channel");
    assert_eq!(client.ask("AUTH alice pw"), "+OK");
    assert_eq!(client.ask("GET k"), "$-1");
    assert_eq!(client.ask("GET l"), "-NOPERM No permissions to access a key");
    let node = node_with(&["--acl-pubsub-default", "allchannels"], "user bob on nopass +@all\n");
    let mut client = Client::new(&node);
    assert_eq!(client.ask("AUTH bob x"), "+OK");
    assert_eq!(client.ask("PUBLISH c m"), ":0");
}

#[test]
fn without_an_acl_file_there_is_nothing_to_load_and_save() {
    clients!(_node: admin);
    for line in ["ACL LOAD", "ACL SAVE"] {
        let expected = "-ERR This Redis instance is not configured to use an ACL file.";
        assert!(admin.ask(line).starts_with(expected));
    }
}

#[test]
fn the_acl_file_is_saved_and_loaded() {
    let folder = std::env::temp_dir().join(format!("rcl-acl-commands-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("users.acl");
    let node = node_with(&["--aclfile", path.to_str().unwrap()], "");
    let mut admin = Client::new(&node);
    let mut alice = client_as(&node, "alice", "+@all ~* &a");
    assert_eq!(admin.ask("ACL SAVE"), "+OK");
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 2);
    std::fs::write(&path, "user alice on nopass ~* -@all\nuser alice on\n").unwrap();
    assert_eq!(
        admin.ask("ACL LOAD"),
        "-ERR WARNING: Duplicate user 'alice' found on line 2. \
         WARNING: ACL errors detected, no change to the previously active ACL rules was performed"
    );
    assert_eq!(alice.ask("ACL WHOAMI"), "$5 alice");
    std::fs::write(&path, "user bob on nopass ~* +@all\nuser default on nopass ~* &a +@all\n").unwrap();
    let mut listener = Client::new(&node);
    listener.ask("SUBSCRIBE b");
    assert_eq!(admin.ask("ACL LOAD"), "+OK");
    assert!(alice.is_killed() && listener.is_killed() && !admin.is_killed());
    assert_eq!(admin.ask("ACL USERS"), "*2 $3 bob $7 default");
    assert_eq!(admin.ask("AUTH bob x"), "+OK");
    assert!(!admin.closed);
    assert_eq!(admin.ask("ACL LOAD"), "+OK");
    assert!(admin.closed);
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(Client::new(&node).ask("ACL LOAD").starts_with("-ERR Error loading ACLs, opening file '"));
    assert!(
        Client::new(&node).ask("ACL SAVE").starts_with("-ERR There was an error trying to save the ACLs.")
    );
}

#[test]
fn secrets_are_not_in_the_slow_log() {
    clients!(_node: admin);
    assert_eq!(admin.ask("CONFIG SET slowlog-log-slower-than 0"), "+OK");
    admin.ask("ACL SETUSER alice on >topsecret +@all");
    admin.ask("AUTH alice topsecret");
    admin.ask("CONFIG SET requirepass topsecret");
    let log = admin.ask("SLOWLOG GET 100");
    assert!(log.contains("SETUSER $10 (redacted)") && !log.contains("topsecret"), "{log}");
}

#[test]
fn who_subscribes_while_the_permission_goes_is_cut_off_too() {
    clients!(node: admin);
    let mut alice = client_as(&node, "alice", "+@all &a");
    assert_eq!(alice.ask("MULTI"), "+OK");
    assert_eq!(alice.ask("SUBSCRIBE a"), "+QUEUED");
    assert_eq!(admin.ask("ACL SETUSER alice (+exec) (+@all &a)"), "+OK");
    alice.ask("EXEC");
    assert!(!alice.closed, "another selector allows it");
    assert_eq!(admin.ask("ACL SETUSER alice clearselectors resetchannels &b"), "+OK");
    assert!(alice.is_killed());
    // The handler alone, as if the gate had let it in a moment before.
    let mut bob = client_as(&node, "bob", "+@all &b");
    let spec = crate::command::by_name(b"subscribe").unwrap().spec;
    let args = rcl_proto::resp::OwnedArgs::new([b"SUBSCRIBE".as_slice(), b"a"]);
    let mut output = Vec::new();
    let held = crate::executor::Held::None;
    let (slot, mut left) = (rcl_proto::Slot::MIN, Default::default());
    let mut context =
        crate::command::Context::new(&node, &mut bob.session, held, slot, &mut output, 0, &mut left);
    context.call(spec, args.as_args()).unwrap();
    assert!(context.close);
}

#[test]
fn users_go_into_the_configuration_file_and_come_back() {
    let folder = std::env::temp_dir().join(format!("rcl-acl-rewrite-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("redis.conf");
    std::fs::write(&path, "# mine\nuser old on nopass\nmaxclients 99\n").unwrap();
    let mut node = node_with(&[], &std::fs::read_to_string(&path).unwrap());
    Arc::get_mut(&mut node).unwrap().config_file = Some(path.clone());
    let mut admin = Client::new(&node);
    for line in [
        "ACL DELUSER old",
        "ACL SETUSER alice on >pw ~a\"b &c'd +@read -get (+set \"%W~\\\"x\")",
        "CONFIG SET requirepass secret",
        "CONFIG REWRITE",
    ] {
        assert!(["+OK", ":1"].contains(&&*admin.ask(line)), "{line}");
    }
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("# mine\nuser alice on ") && !text.contains("user old"), "{text}");
    assert!(text.contains("requirepass \"secret\"\n") && !text.contains("user default"), "{text}");
    let again = node_with(&[], &text);
    assert_eq!(again.access.lines(), node.access.lines());
    assert_eq!(admin.ask("ACL SETUSER default -flushall"), "+OK");
    assert_eq!(admin.ask("CONFIG REWRITE"), "+OK");
    let again = node_with(&[], &std::fs::read_to_string(&path).unwrap());
    assert_eq!(again.access.lines(), node.access.lines());
    std::fs::remove_dir_all(&folder).unwrap();
}
