//! What an operator changes while the node runs, and how it ends: with real processes.

use std::io::Write;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use crate::harness::server::{Client, Server};
use crate::harness::{Folder, free_port, has_redis, wait_until};
use rcl_proto::resp::Reply;

fn value(server: &mut Server, directive: &str) -> String {
    let Reply::Array(pair) = server.call(&format!("CONFIG GET {directive}")) else { panic!("no array") };
    String::from_utf8_lossy(pair[1].as_bytes().unwrap()).into_owned()
}

fn set(server: &mut Server, words: &[&str]) -> Reply {
    server.client.call(&[&["CONFIG", "SET"], words].concat())
}

#[test]
fn the_port_changes_and_clients_stay() {
    let mut server = Server::ours(&[]);
    let (old, new) = (server.port, free_port());
    assert_eq!(set(&mut server, &["port", &new.to_string()]), Reply::Simple("OK".into()));
    assert_eq!(server.text("PING"), "PONG", "who is in stays in");
    assert_eq!(server.info("tcp_port"), new.to_string());
    assert!(TcpStream::connect(("127.0.0.1", old)).is_err());
    assert_eq!(Client::connect(new).unwrap().call(&["PING"]), Reply::Simple("PONG".into()));
}

/// Also of what was done already before the port's turn came.
#[test]
fn a_port_that_is_taken_undoes_the_whole_config_set() {
    let (mut server, other) = (Server::ours(&[]), Server::ours(&[]));
    let score = |server: &Server| {
        std::fs::read_to_string(format!("/proc/{}/oom_score_adj", server.pid())).unwrap_or_default()
    };
    let before = score(&server);
    let words = ["oom-score-adj-values", "7 7 7", "oom-score-adj", "yes", "timeout", "9", "port"];
    let taken = other.port.to_string();
    let answer = set(&mut server, &[&words[..], &[&taken, "tcp-keepalive", "5"]].concat());
    let expected = "ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this port. \
                    Check server logs.";
    assert_eq!(answer, Reply::Error(expected.into()));
    assert_eq!(score(&server), before);
    for (directive, kept) in [("oom-score-adj", "no"), ("timeout", "0"), ("tcp-keepalive", "300")] {
        assert_eq!(value(&mut server, directive), kept, "{directive}");
    }
    assert_eq!(value(&mut server, "port"), server.port.to_string());
    assert_eq!(server.connect().call(&["PING"]), Reply::Simple("PONG".into()));
    let answer = set(&mut server, &["bind", "999.999.999.999"]);
    let expected = "ERR CONFIG SET failed (possibly related to argument 'bind') - Failed to bind to specified addresses.";
    assert_eq!(answer, Reply::Error(expected.into()));
}

#[test]
fn the_score_of_the_kernel_follows_the_settings_and_the_role() {
    let mut server = Server::ours(&[]);
    let path = format!("/proc/{}/oom_score_adj", server.pid());
    let score = || std::fs::read_to_string(&path).unwrap().trim().parse::<i64>().unwrap();
    let before = score();
    set(&mut server, &["oom-score-adj-values", "3 5 7"]);
    assert_eq!(score(), before, "it is off");
    set(&mut server, &["oom-score-adj", "relative"]);
    assert_eq!((score(), value(&mut server, "oom-score-adj").as_str()), (before + 3, "yes"));
    server.text("REPLICAOF 127.0.0.1 1");
    assert_eq!(score(), before + 5);
    server.text("REPLICAOF no one");
    assert_eq!(score(), before + 3);
    set(&mut server, &["oom-score-adj", "no"]);
    assert_eq!(score(), before);
}

/// The unix socket is then the only way in.
#[test]
fn all_doors_of_tcp_may_be_closed_and_opened_again() {
    let folder = Folder::new();
    let path = folder.0.join("socket");
    let mut server = Server::ours(&["--unixsocket", path.to_str().unwrap()]);
    assert_eq!(set(&mut server, &["bind", ""]), Reply::Simple("OK".into()));
    assert!(Client::connect(server.port).is_err());
    let mut local = UnixStream::connect(&path).unwrap();
    local.write_all(b"CONFIG SET bind 127.0.0.1\r\n").unwrap();
    wait_until("the door is open again", || Client::connect(server.port).is_ok());
}

#[test]
fn a_replica_comes_from_the_source_address() {
    let (mut master, mut replica) = (Server::ours(&[]), Server::ours(&[]));
    assert_eq!(set(&mut replica, &["bind-source-addr", "127.0.0.2"]), Reply::Simple("OK".into()));
    replica.sync_with(master.port);
    assert!(master.info("slave0").contains("ip=127.0.0.2,"), "{}", master.info("slave0"));
    let answer = set(&mut replica, &["bind-source-addr", "here"]);
    assert!(matches!(&answer, Reply::Error(text) if text.contains("it must be an IP address")), "{answer:?}");
}

#[test]
fn a_role_changes_before_exec_answers() {
    let mut server = Server::ours(&[]);
    for (order, role) in [("REPLICAOF 127.0.0.1 1", "slave"), ("REPLICAOF no one", "master")] {
        for (line, expected) in [("MULTI", "OK"), ("GET k", "QUEUED"), (order, "QUEUED")] {
            assert_eq!(server.text(line), expected);
        }
        let answer = server.call("EXEC");
        assert_eq!(answer, Reply::Array(vec![Reply::Null, Reply::Simple("OK".into())]));
        let Reply::Array(told) = server.call("ROLE") else { panic!("no array") };
        assert_eq!(told[0].as_bytes(), Some(role.as_bytes()));
    }
}

/// Redis counts what came as read, and what was applied as the replica's offset.
#[test]
fn a_paused_replica_takes_the_stream_in_and_applies_it_later() {
    let (mut master, mut replica) = (Server::ours(&[]), Server::ours(&[]));
    replica.sync_with(master.port);
    master.text("SET k 1");
    let applied = master.offset();
    wait_until("it has the first", || replica.info("slave_repl_offset") == applied.to_string());
    replica.text("CLIENT PAUSE 100000 WRITE");
    master.text("SET k 2");
    let written = master.offset();
    wait_until("it has read the second", || replica.info("slave_read_repl_offset") == written.to_string());
    assert_eq!(replica.info("slave_repl_offset"), applied.to_string());
    assert_eq!(replica.text("GET k"), "1");
    replica.text("CLIENT UNPAUSE");
    wait_until("it has applied the second", || replica.text("GET k") == "2");
}

#[test]
fn what_was_flushed_does_not_come_back() {
    let save = ["--save", "3600 1"];
    for flush in [&["FLUSHALL"][..], &["MULTI", "FLUSHALL", "EXEC"]] {
        let mut server = Server::ours(&save);
        server.text("SET k v");
        assert_eq!(server.text("SAVE"), "OK");
        flush.iter().for_each(|line| {
            server.call(line);
        });
        assert_eq!(server.info("rdb_changes_since_last_save"), "0");
        let port = server.port;
        let mut again = Server::ours_at(server.kill(), port, &save);
        wait_until("it has loaded", || again.text("PING") == "PONG");
        assert_eq!(again.text("DBSIZE"), "0", "{flush:?}");
    }
    // A script has its answer at once, also inside a transaction, and the file comes soon.
    let mut server = Server::ours(&save);
    for line in ["SET k v", "MULTI", "EVAL return(redis.call('flushall')) 0"] {
        server.call(line);
    }
    assert_eq!(server.call("EXEC"), Reply::Array(vec![Reply::Simple("OK".into())]));
    wait_until("it is saved", || server.info("rdb_changes_since_last_save") == "0");
}

/// A save that never ends, in the background and at the end: neither holds up who insists, nor leaves a file behind.
#[test]
fn who_insists_ends_a_node_that_saves() {
    let slow = ["--save", "3600 1", "--rdb-key-save-delay", "100000000"];
    let files = |folder: &Folder| {
        let names = std::fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().ends_with(".rdb")).count()
    };
    let mut server = Server::ours(&slow);
    server.text("SET k v");
    server.text("BGSAVE");
    wait_until("it saves", || files(&server.folder) == 1);
    server.client.send(&["SHUTDOWN", "NOSAVE"]);
    assert_eq!(files(&server.wait_for_its_end()), 0);

    let mut server = Server::ours(&slow);
    server.text("SET k v");
    let interrupt = || {
        std::process::Command::new("kill").args(["-INT", &server.pid().to_string()]).status().unwrap();
    };
    interrupt();
    wait_until("it saves", || files(&server.folder) == 1);
    interrupt();
    assert_eq!(files(&server.wait_for_its_end()), 0);
}

/// INFO's names, as a tool that reads them expects.
#[test]
fn connections_of_migrate_are_kept_for_a_while() {
    if !has_redis("connections_of_migrate_are_kept_for_a_while") {
        return;
    }
    let (mut source, target) = (Server::ours(&[]), Server::redis(&[]));
    assert_eq!(source.info("migrate_cached_sockets"), "0");
    for key in ["a", "b"] {
        source.text(&format!("SET {key} v"));
        // From whichever worker: the connection is the node's.
        let migrate = format!("MIGRATE 127.0.0.1 {} {key} 0 5000", target.port);
        let words: Vec<&str> = migrate.split(' ').collect();
        assert_eq!(source.connect().call(&words), Reply::Simple("OK".into()));
        assert_eq!(source.info("migrate_cached_sockets"), "1");
    }
}

/// The command line that the system shows of a process.
fn title(server: &Server) -> String {
    let shown = std::fs::read(format!("/proc/{}/cmdline", server.pid())).unwrap();
    let text = String::from_utf8(shown).unwrap();
    text.trim_end_matches('\0').to_owned()
}

#[test]
fn the_process_is_shown_by_its_title() {
    let program = env!("CARGO_BIN_EXE_rcl-node");
    let mut server = Server::ours(&["--cluster-enabled", "yes"]);
    assert_eq!(title(&server), format!("{program} 127.0.0.1:{} [cluster]", server.port));
    // Shorter than the command line was, as long, and longer.
    for text in ["x", &"y".repeat(250), &"z".repeat(1000)] {
        let template = format!("{text} {{port}}");
        assert_eq!(set(&mut server, &["proc-title-template", &template]), Reply::Simple("OK".into()));
        let shown = format!("{text} {}", server.port);
        assert_eq!(title(&server), shown[..shown.len().min(255)]);
    }
    for template in ["{port", "{none}", "{title}", ""] {
        let Reply::Error(error) = set(&mut server, &["proc-title-template", template]) else { panic!() };
        assert!(error.ends_with("template format is invalid or contains unknown variables"), "{error}");
    }
    let new = free_port();
    assert_eq!(
        set(&mut server, &["proc-title-template", "{listen-addr} {config-file}"]),
        Reply::Simple("OK".into())
    );
    assert_eq!(set(&mut server, &["port", &new.to_string()]), Reply::Simple("OK".into()));
    assert_eq!(title(&server), format!("127.0.0.1:{new} -"));
    let plain = Server::ours(&["--set-proc-title", "no"]);
    assert!(title(&plain).starts_with(&format!("{program}\0--bind")), "{}", title(&plain));
}

/// Who comes back as soon as its connection closes comes to nobody, not to a node that is about to go.
#[test]
fn the_doors_close_before_the_clients_are_let_go() {
    let mut server = Server::ours(&[]);
    server.client.send(&["SHUTDOWN", "NOSAVE"]);
    assert_eq!(server.client.reply_or_end(), None);
    assert!(Client::connect(server.port).is_err());
    server.wait_for_its_end();
}
