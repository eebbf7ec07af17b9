//! Scripts that are debugged, in real processes: what the client is told, beside a `redis-server`, and what is left of it.

use std::io::Write;
use std::process::{Command, Stdio};

use rcl_proto::resp::Reply;

use super::{busy_server, code};
use crate::harness::server::{Client, Server};
use crate::harness::{has_redis, wait_until};

/// A script, its keys and arguments, and what its client says; the words of a request are parted by spaces, all that follows
/// `e` is one word.
struct Dialogue {
    script: &'static str,
    keys: &'static [&'static str],
    arguments: &'static [&'static str],
    says: &'static [&'static str],
}

const fn dialogue(script: &'static str, says: &'static [&'static str]) -> Dialogue {
    Dialogue { script, keys: &[], arguments: &[], says }
}

/// Not among them: `help`, whose text is our own, and evaluations that raise a table, on which Redis 7.0 crashes.
const DIALOGUES: &[Dialogue] = &[
    Dialogue {
        script: "local a=1\nlocal b='x'\nlocal t={1,2,{3,k='v'}}\nredis.call('set',KEYS[1],a)\n\
                 redis.call('get',KEYS[1])\nreturn b",
        keys: &["k1"],
        arguments: &["arg"],
        says: &[
            "s",
            "N",
            "p",
            "p a",
            "print b",
            "p nosuch",
            "p KEYS",
            "p ARGV",
            "p a b",
            "l",
            "list 1",
            "l 1 1",
            "l 0 1",
            "l x -1",
            "w",
            "b",
            "b 5",
            "b 0",
            "b 5 6",
            "break -5",
            "b -3",
            "b 99",
            "b x",
            "b",
            "t",
            "m",
            "m 10",
            "maxlen 100",
            "m x",
            "m -7",
            "e 1+1",
            "e 'a\"b'",
            "e x=",
            "e return {1,2}",
            "e redis.call('get','k1')",
            "e error('boo')",
            "e {a=1}",
            "e nil",
            "e 1/3",
            "e 10000000",
            "e local x=1",
            "r get k1",
            "r nosuch",
            "r set k1",
            "r hgetall k1",
            "r mget a b c d e f g h i j k l m",
            "zz",
            "r",
            "s",
            "s",
            "s",
            "c",
        ],
    },
    dialogue("redis.call('nosuch')\nreturn 1", &["s"]),
    dialogue(
        "redis.call('set','l','x')\nlocal r=redis.pcall('lpush','l','x')\nlocal q=redis.pcall('nosuch')\n\
         redis.error_reply('My Err')\nredis.error_reply('-MyErr x')\nredis.error_reply()\n\
         local z=redis.status_reply('OK')\nreturn redis.error_reply('end')",
        &["s", "s", "s", "s", "s", "s", "s", "p z", "s"],
    ),
    dialogue(
        "local function f(x)\n  local y=x+1\n  return y\nend\nredis.debug('a',1,{1,{2}},nil,f)\nredis.breakpoint()\n\
         local z=f(2)\nfor i=1,3 do\n  z=z+i\nend\nreturn {z,true,{1,2}}",
        &["b 2", "c", "p", "c", "t", "p x", "p z", "p f", "b 0", "b 9", "c", "c", "c", "c"],
    ),
    dialogue("return 1", &["a"]),
    // No word is empty.
    dialogue("return 1", &["b", ""]),
    dialogue(
        "local t={}\nfor i=1,200 do t[i]=i end\nlocal d={} d.d=d\nlocal e={{{{{{{{{{{{1}}}}}}}}}}}}\n\
         local s=string.rep('x',300)\nreturn 1",
        &["b 3", "c", "s", "s", "s", "p", "p t", "p d", "p s", "m 0", "p t", "s"],
    ),
    dialogue("syntax error here", &[]),
    dialogue("#!lua flags=no-writes\nredis.call('set','k','v')", &["s"]),
    dialogue("error('bad')", &["s"]),
    dialogue("local x = nosuchvar", &["s"]),
    dialogue("\n\nlocal a = 1\r\nreturn a\n\n", &["w", "s", "s"]),
    dialogue(
        "redis.setresp(3)\nredis.call('hset','h','f','v')\nredis.call('hgetall','h')\nredis.call('smembers','nos')\n\
         redis.call('get','nos')\nredis.call('zadd','z','1.5','a')\nredis.call('zscore','z','a')\nreturn 1",
        &["s", "s", "s", "s", "s", "s", "s", "s"],
    ),
    dialogue("redis.sha1hex()\n", &["s"]),
    dialogue("redis.log(1)\n", &["s"]),
    dialogue("redis.setresp(7)\n", &["s"]),
    dialogue("redis.call()\n", &["s"]),
    dialogue("redis.call({})\n", &["s"]),
    dialogue("for i=1,3 do redis.call('incr','c') end return redis.call('get','c')", &["s", "s", "s", "c"]),
    dialogue(
        "redis.call('set','ro','1') return redis.call('keys','*')",
        &["r set x y", "r eval x 0", "r subscribe x", "r del k1 x", "r dbsize", "s"],
    ),
    dialogue(
        "local s='a\\nb\\0c'\nredis.debug(s)\nreturn s",
        &["p s", "s", "p s", "r set bin a\nb", "r get bin", "s", "s"],
    ),
    dialogue("pcall(function() redis.call('nosuch') end)\nreturn 5", &["s", "s", "s"]),
    dialogue(
        "local co=coroutine.create(function(a)\n local q=a\n coroutine.yield(q)\n return 2\nend)\n\
         local ok,v=coroutine.resume(co,7)\nreturn v",
        &["s", "s", "p", "p q", "t", "s", "s", "p q", "p v", "s", "s", "s"],
    ),
];

/// One session, as lines. What differs from process to process is left out.
fn transcript(server: &Server, mode: &str, dialogue: &Dialogue) -> Vec<String> {
    let mut client = server.connect();
    client.call(&["FLUSHALL"]);
    let mut lines = vec![told(&client.call(&["SCRIPT", "DEBUG", mode]))];
    client.send(&words_of_eval(dialogue));
    let mut says = dialogue.says.iter();
    loop {
        let reply = told(&client.reply());
        let is_last = reply.ends_with("<endsession>");
        lines.push(reply);
        if is_last {
            break;
        }
        let request = says.next().unwrap_or_else(|| panic!("it has not ended: {lines:#?}"));
        lines.push(format!("> {request}"));
        client.send(&match request.split_once(' ') {
            Some(("e", code)) => vec!["e", code],
            _ => request.split(' ').collect(),
        });
    }
    assert_eq!(says.next(), None, "{lines:#?}");
    lines.push(told(&client.reply()));
    assert!(is_closed(client), "the session's end closes the connection");
    lines
}

fn words_of_eval(dialogue: &Dialogue) -> Vec<&'static str> {
    let count = ["0", "1"][dialogue.keys.len()];
    [&["EVAL", dialogue.script, count], dialogue.keys, dialogue.arguments].concat()
}

/// The server closes it, after what is still to come.
fn is_closed(mut client: Client) -> bool {
    std::io::Read::read_to_end(&mut client.stream, &mut Vec::new()).is_ok()
}

/// A reply as text; where a function lies differs.
fn told(reply: &Reply) -> String {
    match reply {
        Reply::Simple(text) => match text.split_once("@0x") {
            Some((before, after)) => {
                format!("{before}@{}", after.trim_start_matches(|c: char| c.is_ascii_hexdigit()))
            }
            None => text.clone(),
        },
        Reply::Array(lines) => lines.iter().map(told).collect::<Vec<_>>().join("\n"),
        other => format!("{other:?}"),
    }
}

#[test]
fn sessions_are_as_with_redis() {
    if !has_redis("sessions_are_as_with_redis") {
        return;
    }
    let (ours, redis) = (Server::ours(&[]), Server::redis(&[]));
    for dialogue in DIALOGUES {
        for mode in ["yes", "sync"] {
            let expected = transcript(&redis, mode, dialogue);
            assert_eq!(transcript(&ours, mode, dialogue), expected, "{mode}: {}", dialogue.script);
        }
    }
}

/// Both ways of `redis-cli` to debug a script, beside Redis's.
#[test]
fn redis_cli_debugs_scripts() {
    if !has_redis("redis_cli_debugs_scripts") {
        return;
    }
    let (mut ours, mut redis) = (Server::ours(&[]), Server::redis(&[]));
    for (mode, stays) in [("--ldb", false), ("--ldb-sync-mode", true)] {
        let shown = [&mut ours, &mut redis].map(|server| {
            let file = server.folder.0.join("script.lua");
            std::fs::write(&file, "local a = ARGV[1]\nredis.call('set', KEYS[1], a)\nreturn a\n").unwrap();
            let mut cli = Command::new("redis-cli");
            cli.args(["-p", &server.port.to_string(), mode, "--eval"]).arg(&file).args(["k", ",", "v"]);
            let mut cli = cli.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
            cli.stdin
                .take()
                .unwrap()
                .write_all(b"s\nprint a\nwhole\nbreak 3\nc\nredis get k\nc\nquit\n")
                .unwrap();
            let output = cli.wait_with_output().unwrap();
            assert_eq!(server.call("EXISTS k"), Reply::Integer(i64::from(stays)), "{mode}");
            String::from_utf8(output.stdout).unwrap()
        });
        assert!(shown[0].contains("Stopped at 3, stop reason = break point"), "{}", shown[0]);
        assert_eq!(shown[0], shown[1], "{mode}");
    }
}

fn begin(server: &Server, mode: &str, script: &str, keys: &[&str]) -> Client {
    let mut client = server.connect();
    assert_eq!(code(&client.call(&["SCRIPT", "DEBUG", mode])), "OK");
    let count = keys.len().to_string();
    client.send(&[&["EVAL", script, &count], keys].concat());
    assert!(told(&client.reply()).starts_with("* Stopped at 1"));
    client
}

fn say(client: &mut Client, words: &[&str]) -> String {
    told(&client.call(words))
}

#[test]
fn a_session_on_a_copy_stands_in_nobodys_way_and_leaves_nothing() {
    for cluster in ["no", "yes"] {
        let mut server = busy_server(&["--cluster-enabled", cluster, "--io-threads", "1"]);
        if cluster == "yes" {
            server.call("CLUSTER ADDSLOTSRANGE 0 16383");
            wait_until("the cluster is up", || server.text("CLUSTER INFO").contains("cluster_state:ok"));
        }
        for pair in ["a 1", "b 2", "c 3"] {
            server.call(&format!("SET {pair}"));
        }
        server.call("HSET h f v");
        server.call("PEXPIRE b 1000000");
        let mut other = server.connect();
        other.call(&["SUBSCRIBE", "channel"]);
        let mut client = begin(&server, "yes", "return redis.call('get', 'a')", &[]);
        for (words, expected) in [
            (["r", "set", "a", "own"].as_slice(), "<redis> set a own\n<reply> \"+OK\""),
            (&["r", "hset", "h", "g", "w"], "<redis> hset h g w\n<reply> 1"),
            (&["r", "hlen", "h"], "<redis> hlen h\n<reply> 2"),
            (&["r", "del", "b"], "<redis> del b\n<reply> 1"),
            (&["r", "publish", "channel", "x"], "<redis> publish channel x\n<reply> 0"),
        ] {
            assert_eq!(say(&mut client, words), expected);
        }
        // Others go on, and what they do the script sees as far as it has not looked before.
        assert_eq!(server.text("SET a theirs"), "OK");
        assert_eq!(server.text("SET c theirs"), "OK");
        assert_eq!(server.text("SCRIPT KILL"), "NOTBUSY No scripts in execution right now.");
        assert_eq!(say(&mut client, &["r", "get", "c"]), "<redis> get c\n<reply> \"theirs\"");
        assert_eq!(say(&mut client, &["r", "dbsize"]), "<redis> dbsize\n<reply> 3");
        assert_eq!(say(&mut client, &["r", "flushall"]), "<redis> flushall\n<reply> \"+OK\"");
        assert_eq!(say(&mut client, &["r", "dbsize"]), "<redis> dbsize\n<reply> 0");
        assert_eq!(say(&mut client, &["r", "set", "a", "own"]), "<redis> set a own\n<reply> \"+OK\"");
        assert!(say(&mut client, &["c"]).ends_with("<endsession>"));
        assert_eq!(client.reply(), Reply::Bulk(b"own".to_vec()));
        assert!(is_closed(client));
        for (line, expected) in
            [("GET a", "theirs"), ("GET b", "2"), ("GET c", "theirs"), ("HLEN h", "1"), ("DBSIZE", "4")]
        {
            assert_eq!(server.text(line), expected, "{line}");
        }
        assert!(server.text("PTTL b").parse::<i64>().unwrap() > 0);
        wait_until("the client is forgotten", || server.info("connected_clients") == "2");
        // Nothing was published to anybody.
        server.call("PUBLISH channel real");
        assert_eq!(super::texts(&other.reply()), "message channel real");
    }
}

#[test]
fn a_session_on_the_data_lets_others_wait_and_is_killed_if_it_has_written_nothing() {
    let server = busy_server(&["--io-threads", "1"]);
    let mut other = server.connect();
    let mut client = begin(&server, "sync", "redis.call('set', 'k', 'v')\nreturn 1", &["k"]);
    super::wait_until_busy(&mut other);
    assert_eq!(code(&other.call(&["SCRIPT", "KILL"])), "OK");
    assert_eq!(told(&client.reply()), "<endsession>");
    let Reply::Error(text) = client.reply() else { panic!("it was not killed") };
    assert!(text.starts_with("ERR Script killed by user"), "{text}");
    assert!(is_closed(client));
    let mut client = begin(&server, "sync", "redis.call('set', 'k', 'v')\nreturn 1", &["k"]);
    assert!(say(&mut client, &["s"]).contains("Stopped at 2"));
    super::wait_until_busy(&mut other);
    assert_eq!(code(&other.call(&["SCRIPT", "KILL"])), "UNKILLABLE");
    assert!(say(&mut client, &["a"]).ends_with("<endsession>"));
    wait_until("the data are free again", || other.call(&["GET", "k"]) == Reply::Bulk(b"v".to_vec()));
    // What an evaluation has no end of is ended too.
    let mut client = begin(&server, "sync", "return 1", &[]);
    client.send(&["e", "while true do pcall(error) end"]);
    super::wait_until_busy(&mut other);
    assert_eq!(code(&other.call(&["SCRIPT", "KILL"])), "OK");
    assert_eq!(told(&client.reply()), "<endsession>");
}

#[test]
fn a_session_ends_with_its_client() {
    let mut server = busy_server(&[]);
    for mode in ["yes", "sync"] {
        let mut client =
            begin(&server, mode, "local n = redis.call('incr', 'n')\nwhile n < 9 do n = n + 1 end", &[]);
        assert!(say(&mut client, &["b", "2"]).contains("#2"));
        drop(client);
        wait_until("it is through", || server.text("INCR m").parse::<i64>().is_ok());
        wait_until("the client is forgotten", || server.info("connected_clients") == "1");
    }
    assert_eq!(server.text("GET n"), "1", "the script ran to its end, once on the data");
    // One that would never end is ended.
    drop(begin(&server, "sync", "while true do end", &[]));
    wait_until("it is through", || server.text("INCR m").parse::<i64>().is_ok());
    // One that is killed while it waits is as good as gone.
    let client = begin(&server, "yes", "return 1", &[]);
    let port = client.stream.local_addr().unwrap().to_string();
    assert_eq!(server.text(&format!("CLIENT KILL {port}")), "OK");
    assert!(is_closed(client));
    wait_until("the client is forgotten", || server.info("connected_clients") == "1");
}

#[test]
fn a_shutdown_waits_for_no_session() {
    for mode in ["yes", "sync"] {
        let server = busy_server(&["--save", "3600 1"]);
        let mut client = begin(&server, mode, "redis.call('set', 'k', 'v')\nreturn 1", &["k"]);
        assert!(say(&mut client, &["s"]).contains("Stopped at 2"));
        let mut again = Server::ours_in(server.terminate(), &[]);
        // What was done on the data had been done.
        assert_eq!(again.call("EXISTS k"), Reply::Integer(i64::from(mode == "sync")));
    }
}
