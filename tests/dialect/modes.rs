//! What redis-cli does besides sending commands, beside the real one where its output is the same each time.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use super::server::Server;
use super::{Program, assert_same, has_redis_cli, populated, run};

fn said(arguments: &[&str], input: &[u8]) -> (Option<i32>, String, String) {
    let output = run(Program::Ours, arguments, input, &[]);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_biggest_and_the_hottest_keys_are_redis_cli_s() {
    if !has_redis_cli() {
        return;
    }
    let Some(server) = populated(&["--maxmemory-policy", "allkeys-lfu"]) else { return };
    let port = server.port.to_string();
    for mode in [
        &["--bigkeys"] as &[&str],
        &["--bigkeys", "--pattern", "*"],
        &["--memkeys"],
        &["--memkeys-samples", "2"],
        &["--hotkeys"],
        &["-i", "0.001", "--bigkeys"],
    ] {
        assert_same(&[&["-p", &port], mode].concat(), b"", &[]);
    }
    server.call(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    assert_same(&["-p", &port, "--hotkeys"], b"", &[]);
    // What redis-cli 7.0 does not have yet.
    let scan = |arguments: &[&str]| said(&[&["-p", &port, "--scan"], arguments].concat(), b"").1;
    assert_eq!(scan(&["--type", "hash"]), "hash\n");
    assert_eq!(scan(&["--count", "1000"]).lines().count(), 7);
}

#[test]
fn what_is_piped_is_sent_and_counted_as_redis_cli_does() {
    if !has_redis_cli() {
        return;
    }
    let Some(server) = populated(&[]) else { return };
    let port = server.port.to_string();
    for input in [
        &b""[..],
        b"SET a 1\r\nGET a\r\n",
        b"*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$2\r\n\x00\n\r\n*2\r\n$5\r\nLPUSH\r\n$1\r\nb\r\nNOSUCH\r\n",
    ] {
        assert_same(&["-p", &port, "--pipe"], input, &[]);
    }
    // More than the buffers of both sides hold, so that whoever only writes would wait for ever.
    let line = format!("ECHO {}\r\n", "x".repeat(10_000));
    let (code, out, _) = said(&["-p", &port, "--pipe"], line.repeat(2000).as_bytes());
    assert_eq!(code, Some(0));
    assert!(out.ends_with("Last reply received from server.\nerrors: 0, replies: 2000\n"), "{out}");
    // A server that does not answer: what is debugged sleeps longer than we are patient.
    let (code, out, errors) =
        said(&["-p", &port, "--pipe", "--pipe-timeout", "0.3"], b"BLPOP never-there 0\r\n");
    assert_eq!(code, Some(1), "{out}");
    assert!(errors.contains("No replies for 0 seconds: exiting."), "{errors}");
}

#[test]
fn a_data_set_is_taken_as_a_file_that_a_server_reads() {
    let Some(server) = populated(&[]) else { return };
    server.call(&[
        "FUNCTION",
        "LOAD",
        "#!lua name=lib\nredis.register_function('f', function() return 1 end)",
    ]);
    let port = server.port.to_string();
    let file = std::env::temp_dir().join(format!("rcl-dialect-rdb-{}", std::process::id()));
    let name = file.to_str().unwrap();
    for diskless in ["no", "yes"] {
        server.call(&["CONFIG", "SET", "repl-diskless-sync", diskless, "repl-diskless-sync-delay", "0"]);
        for (flag, has_keys) in [("--rdb", true), ("--functions-rdb", false)] {
            let (code, _, errors) = said(&["-p", &port, flag, name], b"");
            assert_eq!(code, Some(0), "{errors}");
            assert!(errors.contains("Transfer finished with success"), "{errors}");
            let bytes = std::fs::read(&file).unwrap();
            assert!(bytes.starts_with(b"REDIS0010"), "{diskless} {flag}");
            // The checksum is the last: nothing is missing, and nothing of the stream is behind it.
            let checked = Command::new("redis-check-rdb").arg(&file).output();
            if let Ok(checked) = checked {
                assert!(checked.status.success(), "{diskless} {flag}: {checked:?}");
            }
            let holds = |what: &[u8]| bytes.windows(what.len()).any(|window| window == what);
            assert_eq!(holds(b"sorted"), has_keys, "{diskless} {flag}");
            assert!(holds(b"register_function"), "{diskless} {flag}");
        }
    }
    std::fs::remove_file(&file).unwrap();
}

/// A mode that goes on for ever, whose lines are read one by one.
struct Going {
    process: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Going {
    fn start(arguments: &[&str]) -> Going {
        let mut process = Command::new(env!("CARGO_BIN_EXE_rcl"))
            .arg("redis-cli")
            .args(arguments)
            .env("TERM", "dumb")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Going { process, lines }
    }

    fn next(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }

    fn say(&mut self, line: &str) {
        let stdin = self.process.stdin.as_mut().unwrap();
        stdin.write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn figures_and_latencies_come_line_by_line() {
    let Some(server) = populated(&[]) else { return };
    let port = server.port.to_string();
    let mut stat = Going::start(&["-p", &port, "-i", "0.01", "--stat"]);
    assert_eq!(stat.next(), "------- data ------ --------------------- load -------------------- - child -");
    assert!(stat.next().starts_with("keys       mem"));
    assert!(stat.next().starts_with("7 "));
    assert!(stat.next().contains("(+1)"));
    let numbers =
        |line: &str, by: char| line.split(by).filter(|number| number.parse::<f64>().is_ok()).count();
    let once = said(&["-p", &port, "-i", "0.05", "--latency"], b"").1;
    assert_eq!(numbers(once.trim(), ' '), 4, "{once}");
    let mut history = Going::start(&["-p", &port, "--csv", "--latency-history"]);
    let line = history.next();
    assert_eq!(numbers(&line, ','), 4, "{line}");
    let mut distribution = Going::start(&["-p", &port, "-i", "0.05", "--latency-dist", "--mono"]);
    let legend: Vec<String> = (0..8).map(|_| distribution.next()).collect();
    assert!(legend[7].starts_with('-') && distribution.next().ends_with("?\x1b[0m"), "{legend:?}");
    let mut lru = Going::start(&["-p", &port, "--lru-test", "100"]);
    assert!(lru.next().contains(" Gets/sec | Hits: "));
    let intrinsic = said(&["--intrinsic-latency", "1"], b"").1;
    assert!(intrinsic.contains(" total runs (avg latency: "), "{intrinsic}");
}

#[test]
fn a_replica_is_shown_what_is_written() {
    let Some(server) = populated(&["--repl-diskless-sync-delay", "0"]) else { return };
    let port = server.port.to_string();
    let mut replica = Going::start(&["-p", &port, "--replica"]);
    server.wait_until("the replica is there", |wire| {
        let reply = wire.call(&["INFO", "replication"]).unwrap();
        String::from_utf8_lossy(reply.as_bytes().unwrap_or_default()).contains("state=online")
    });
    server.call(&["SET", "written", "a \"b\""]);
    let mut line = replica.next();
    while !line.contains("written") {
        line = replica.next();
    }
    assert_eq!(line, r#""SET","written","a \"b\"""#);
}

#[test]
fn a_subscription_at_the_prompt_leaves_room_to_type() {
    let Some(server) = populated(&[]) else { return };
    let port = server.port.to_string();
    let mut cli = Going::start(&["-p", &port, "-3"]);
    cli.say("SUBSCRIBE one two");
    let lines: Vec<String> = (0..6).map(|_| cli.next()).collect();
    assert_eq!(lines, ["subscribe", "one", "1", "subscribe", "two", "2"]);
    server.call(&["PUBLISH", "two", "hello"]);
    assert_eq!([cli.next(), cli.next(), cli.next()], ["message", "two", "hello"]);
    cli.say("GET string");
    assert_eq!(cli.next(), "abc");
    cli.say("UNSUBSCRIBE one");
    assert_eq!([cli.next(), cli.next(), cli.next()], ["unsubscribe", "one", "1"]);
    cli.say("RESET");
    assert_eq!(cli.next(), "RESET");
    cli.say("PING");
    assert_eq!(cli.next(), "PONG");
}

#[test]
fn scripts_are_debugged_as_with_redis_cli() {
    if !has_redis_cli() {
        return;
    }
    let Some(server) = populated(&[]) else { return };
    let port = server.port.to_string();
    let script = std::env::temp_dir().join(format!("rcl-dialect-ldb-{}.lua", std::process::id()));
    std::fs::write(&script, "local a = redis.call('get', KEYS[1])\nlocal b = a + 1\nreturn b\n").unwrap();
    let path = script.to_str().unwrap();
    for (mode, input) in [
        ("--ldb", &b"n\np a\nc\nGET zero\nquit\n"[..]),
        ("--ldb-sync-mode", b"s\nhelp\nabort\nPING\n"),
        ("--ldb", b"restart\nquit\n"),
    ] {
        assert_same(&["-p", &port, "--eval", path, mode, "zero", ",", "x"], input, &[]);
    }
    std::fs::remove_file(&script).unwrap();
}

#[test]
fn hints_come_from_the_server_or_from_our_own_table() {
    let Some(server) = populated(&[]) else { return };
    let port = server.port.to_string();
    let hint = |place: &str, line: &str| said(&["-p", place, "--test_hint", line], b"").1;
    assert_eq!(hint(&port, "SCAN 0 COUNT "), "count [MATCH pattern] [TYPE type]\n");
    assert_eq!(hint("1", "SCAN 0 COUNT "), "count [MATCH pattern] [TYPE type]\n");
    // One who may not ask the server gets what we know of its version.
    server.call(&["ACL", "SETUSER", "narrow", "on", "nopass", "+@all", "-command|docs"]);
    let narrow = ["-p", &port, "--user", "narrow", "-a", "x", "--no-auth-warning", "--test_hint"];
    assert_eq!(said(&[&narrow[..], &["SET k v GET "]].concat(), b"").1, hint(&port, "SET k v GET "));
    assert_eq!(said(&[&narrow[..], &["HEXPIRE "]].concat(), b"").1, "\n", "7.0 does not have it");
}

#[test]
fn help_is_redis_cli_s() {
    if !has_redis_cli() {
        return;
    }
    let Some(server) = Server::start(&[]) else { return };
    let port = server.port.to_string();
    for words in
        [&["help", "get"] as &[&str], &["help", "ping"], &["help", "nonsense"], &["?", "config", "set"]]
    {
        assert_same(&[&["-p", &port], words].concat(), b"", &[]);
    }
    let (code, text, _) = said(&["-p", &port, "help", "@hyperloglog"], b"");
    assert_eq!((code, text.matches("summary:").count()), (Some(0), 5), "{text}");
}
