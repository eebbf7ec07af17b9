//! The redis-cli dialect beside the real redis-cli: the same command lines to the same real server, and
//! stdout, stderr and exit code compared to the byte.

mod cluster;
mod modes;
mod prompt;
mod server;
mod tls;

use std::io::Write;
use std::process::{Command, Output, Stdio};

use self::server::Server;
use crate::harness::skip;
use rcl_proto::resp::Reply;

/// Runs `program` as redis-cli, with `input` on its stdin.
fn run(program: Program, arguments: &[&str], input: &[u8], environment: &[(&str, &str)]) -> Output {
    let mut command = match program {
        Program::Real => Command::new("redis-cli"),
        Program::Ours => {
            let mut command = Command::new(env!("CARGO_BIN_EXE_rcl"));
            command.arg("redis-cli");
            command
        }
    };
    let mut process = command
        .args(arguments)
        .env_remove("REDISCLI_AUTH")
        .env("HOME", "/nonexistent")
        .env("TERM", "dumb")
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that does not read its input closes it: no matter.
    let _ = process.stdin.take().unwrap().write_all(input);
    process.wait_with_output().unwrap()
}

#[derive(Clone, Copy)]
enum Program {
    Real,
    Ours,
}

fn has_redis_cli() -> bool {
    let there = Command::new("redis-cli").arg("--version").stdout(Stdio::null()).status().is_ok();
    if !there {
        skip("the comparison with redis-cli", "no redis-cli on this machine");
    }
    there
}

#[track_caller]
fn assert_same(arguments: &[&str], input: &[u8], environment: &[(&str, &str)]) {
    let real = run(Program::Real, arguments, input, environment);
    let ours = run(Program::Ours, arguments, input, environment);
    let shown = |output: &Output| {
        format!(
            "exit {:?}\nstdout:\n{}\nstderr:\n{}",
            output.status.code(),
            output.stdout.escape_ascii().to_string().replace("\\n", "\n"),
            String::from_utf8_lossy(&output.stderr)
        )
    };
    assert_eq!(shown(&ours), shown(&real), "{arguments:?} with input {:?}", input.escape_ascii().to_string());
}

/// Commands whose replies have all shapes; they leave the data as they found it for the next form.
const COMMANDS: &[&[&str]] = &[
    &["PING"],
    &["ECHO", "a \"quoted\" \\ \n\t\x07 text \x7f ü"],
    &["GET", "missing"],
    &["GET", "string"],
    &["INCRBY", "zero", "0"],
    &["LRANGE", "list", "0", "-1"],
    &["LRANGE", "missing", "0", "-1"],
    &["HGETALL", "hash"],
    &["SMEMBERS", "one"],
    &["ZRANGE", "sorted", "0", "-1", "WITHSCORES"],
    &["ZSCORE", "sorted", "b"],
    &["MGET", "string", "missing"],
    &["NOSUCH", "command"],
    &["GET"],
    &["LPUSH", "string", "x"],
    &["COMMAND", "INFO", "get", "nosuch"],
    &["COMMAND", "DOCS", "get"],
    &["XRANGE", "stream", "-", "+"],
    &["EVAL", "return {1,{2,{3,'a'}},{},false}", "0"],
    &["EVAL", "return redis.error_reply('MY err')", "0"],
    &["CONFIG", "GET", "maxmemory*"],
    &["OBJECT", "ENCODING", "string"],
    &["CLIENT", "GETNAME"],
    &["LATENCY", "DOCTOR"],
    &["DEBUG", "PROTOCOL", "double"],
    &["DEBUG", "PROTOCOL", "attrib-free"],
    &["DEBUG", "PROTOCOL", "map"],
    &["DEBUG", "PROTOCOL", "set"],
    &["DEBUG", "PROTOCOL", "true"],
    &["DEBUG", "PROTOCOL", "verbatim"],
    &["DEBUG", "PROTOCOL", "null"],
    &["CLUSTER", "INFO"],
    &["CLUSTER", "NODES"],
];

fn populated(options: &[&str]) -> Option<Server> {
    let server = Server::start(options)?;
    for line in [
        "SET string abc",
        "SET zero 0",
        "RPUSH list 1 2 3 4 5 6 7 8 9 10 11",
        "HSET hash f1 v1 f2 v2",
        "SADD one member",
        "ZADD sorted 1 a 2.5 b 1e30 c",
        "XADD stream 1-1 f v",
        "XADD stream 2-1 f v g w",
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        assert!(!matches!(server.call(&words), Reply::Error(_)), "{line}");
    }
    Some(server)
}

#[test]
fn every_form_of_every_reply_is_redis_cli_s() {
    if !has_redis_cli() {
        return;
    }
    let Some(server) = populated(&["--enable-debug-command", "yes"]) else { return };
    let port = server.port.to_string();
    for form in [
        &[] as &[&str],
        &["--no-raw"],
        &["--raw"],
        &["--csv"],
        &["--json"],
        &["--quoted-json"],
        &["-3", "--no-raw"],
        &["-3", "--raw"],
        &["-3", "--csv"],
        &["-2", "--json"],
        &["-d", ";", "-D", "|"],
        &["-e"],
    ] {
        for command in COMMANDS {
            let mut arguments = vec!["-p", &port];
            arguments.extend_from_slice(form);
            arguments.extend_from_slice(command);
            assert_same(&arguments, b"", &[]);
        }
    }
}

#[test]
fn lines_from_stdin_are_read_as_redis_cli_reads_them() {
    if !has_redis_cli() {
        return;
    }
    let Some(server) = populated(&[]) else { return };
    let port = server.port.to_string();
    let lines: &[&[u8]] = &[
        b"PING\nECHO \"a b\"\n\n  \nECHO 'it\\'s'\nECHO \"\\x41\\n\\\"\"\n",
        b"ECHO \"unbalanced\nECHO 'x'y\nPING\n",
        b"3 ECHO x\n0 PING\n-1 PING\n2\n",
        b"SELECT 1\nSET a b\nMULTI\nGET a\nINCR a\nEXEC\nDEL a\n",
        b"MULTI\nPING\nDISCARD\nNOSUCH\nRESET\n",
        b"GET missing\nquit\nPING\n",
        b"ECHO last-without-newline",
    ];
    for input in lines {
        for form in [&[] as &[&str], &["--no-raw"], &["--csv"]] {
            let mut arguments = vec!["-p", &port];
            arguments.extend_from_slice(form);
            assert_same(&arguments, input, &[]);
        }
    }
    assert_same(&["-p", &port], b"PING\n", &[("FAKETTY", "1")]);
}

#[test]
fn arguments_from_stdin_repeats_scans_and_scripts() {
    if !has_redis_cli() {
        return;
    }
    let Some(server) = populated(&[]) else { return };
    let port = server.port.to_string();
    let script = std::env::temp_dir().join(format!("rcl-dialect-script-{}.lua", std::process::id()));
    std::fs::write(&script, "return {KEYS, ARGV}").unwrap();
    let socket = server.socket();
    let uri = format!("redis://127.0.0.1:{port}/1");
    let cases: &[&[&str]] = &[
        &["-p", &port, "-x", "ECHO"],
        &["-p", &port, "-X", "TAG", "ECHO", "TAG"],
        &["-p", &port, "-X", "TAG", "ECHO", "other"],
        &["-p", &port, "-r", "3", "-i", "0.001", "ECHO", "again"],
        &["-p", &port, "-n", "1", "SET", "in-one", "1"],
        &["-u", &uri, "GET", "in-one"],
        &["-p", &port, "-n", "99", "PING"],
        &["-s", socket.to_str().unwrap(), "GET", "string"],
        &["-p", &port, "--quoted-input", "ECHO", "\"\\x00\\n\""],
        &["-p", &port, "--quoted-input", "ECHO", "\"a"],
        &["-p", &port, "--scan"],
        &["-p", &port, "--scan", "--pattern", "s*"],
        &["-p", &port, "--no-raw", "--scan", "--quoted-pattern", "\"l\\x69st\""],
        &["-p", &port, "--eval", script.to_str().unwrap(), "k1", "k2", ",", "a1"],
        &["-p", &port, "--no-such-flag"],
        &["-p", &port, "-2", "-3", "PING"],
        &["-p", "1", "PING"],
        &["-p", "1", "-c", "PING"],
        &["-s", "/nonexistent/sock", "PING"],
        &["-p", &port, "SUBSCRIBE"],
    ];
    for arguments in cases {
        assert_same(arguments, b"from stdin\n", &[]);
    }
    std::fs::remove_file(&script).unwrap();
}

#[test]
fn logins_are_redis_cli_s() {
    if !has_redis_cli() {
        return;
    }
    let Some(server) = Server::start(&[]) else { return };
    let Reply::Simple(_) = server.call(&["ACL", "SETUSER", "alice", "on", ">hush", "+@all", "~*"]) else {
        panic!()
    };
    let Reply::Simple(_) = server.call(&["CONFIG", "SET", "requirepass", "secret"]) else { panic!() };
    let port = server.port.to_string();
    let uri = format!("redis://alice:hush@127.0.0.1:{port}");
    for arguments in [
        &["-p", &port, "PING"] as &[&str],
        &["-p", &port, "-a", "secret", "PING"],
        &["-p", &port, "-a", "secret", "--no-auth-warning", "PING"],
        &["-p", &port, "-a", "wrong", "PING"],
        &["-p", &port, "--user", "alice", "--pass", "hush", "ACL", "WHOAMI"],
        &["-u", &uri, "ACL", "WHOAMI"],
    ] {
        assert_same(arguments, b"", &[]);
    }
    assert_same(&["-p", &port, "PING"], b"", &[("REDISCLI_AUTH", "secret")]);
    assert_same(&["-p", &port, "-a", "wrong", "PING"], b"", &[("REDISCLI_AUTH", "secret")]);
}

#[test]
fn a_shutdown_ends_without_a_word() {
    if !has_redis_cli() {
        return;
    }
    for program in [Program::Real, Program::Ours] {
        let Some(server) = Server::start(&[]) else { return };
        let output = run(program, &["-p", &server.port.to_string(), "SHUTDOWN", "NOSAVE"], b"", &[]);
        assert_eq!((output.status.code(), output.stdout.len(), output.stderr.len()), (Some(0), 0, 0));
    }
}

#[test]
fn redirects_are_followed() {
    if !has_redis_cli() {
        return;
    }
    let Some((first, second)) = two_nodes() else { return };
    let port = first.port.to_string();
    // foo is slot 12182, on the second node; bar is slot 5061, on the first.
    for (arguments, input) in [
        (&["-p", &port, "-c", "SET", "foo", "1"] as &[&str], "" as &str),
        (&["-p", &port, "SET", "foo", "1"], ""),
        (&["-p", &port, "-c", "--no-raw"], "SET foo 2\nGET bar\nGET foo\n3 GET foo\n"),
        (&["-p", &port, "-c", "MSET", "foo", "1", "bar", "2"], ""),
        (&["-p", &port, "-c", "-e", "GET", "foo"], ""),
    ] {
        assert_same(arguments, input.as_bytes(), &[]);
    }
    // ASK: slot 5061 on its way from the first to the second, its key not there any more.
    let id = |server: &Server| match server.call(&["CLUSTER", "MYID"]) {
        Reply::Bulk(id) => String::from_utf8(id).unwrap(),
        other => panic!("{other:?}"),
    };
    second.call(&["CLUSTER", "SETSLOT", "5061", "IMPORTING", &id(&first)]);
    first.call(&["CLUSTER", "SETSLOT", "5061", "MIGRATING", &id(&second)]);
    assert_same(&["-p", &port, "-c", "--no-raw"], b"SET bar asked\n", &[]);
    assert_same(&["-p", &port, "-c", "GET", "bar"], b"", &[]);
}

fn two_nodes() -> Option<(Server, Server)> {
    let options = ["--cluster-enabled", "yes"];
    let first = Server::start(&options)?;
    let second = Server::start(&options)?;
    first.call(&["CLUSTER", "ADDSLOTSRANGE", "0", "8191"]);
    second.call(&["CLUSTER", "ADDSLOTSRANGE", "8192", "16383"]);
    second.call(&["CLUSTER", "SET-CONFIG-EPOCH", "2"]);
    first.call(&["CLUSTER", "MEET", "127.0.0.1", &second.port.to_string()]);
    for server in [&first, &second] {
        server.wait_until("the cluster is ok", |wire| {
            let reply = wire.call(&["CLUSTER", "INFO"]).unwrap();
            let text = String::from_utf8_lossy(reply.as_bytes().unwrap_or_default()).into_owned();
            text.contains("cluster_state:ok") && text.contains("cluster_size:2")
        });
    }
    Some((first, second))
}

#[test]
fn what_is_not_offered_is_refused_with_advice() {
    let output = run(Program::Ours, &["--keystats"], b"", &[]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("--keystats is not offered"), "{said}");
}

#[test]
fn a_link_named_redis_cli_is_the_dialect() {
    let directory = std::env::temp_dir().join(format!("rcl-dialect-link-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let link = directory.join("redis-cli");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_rcl"), &link).unwrap();
    let output = Command::new(&link).arg("--version").output().unwrap();
    std::fs::remove_dir_all(&directory).unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("redis-cli "), "{output:?}");
}
