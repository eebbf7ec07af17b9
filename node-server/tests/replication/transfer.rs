//! The copy: under writes, for replicas that know less, and when it is torn.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rcl_proto::resp::{Parsed, Reply, RequestParser};
use rcl_store::rdb::{FileDecoder, Item};
use rcl_store::types::Limits;

use super::data::{assert_same, fill};
use crate::harness::server::Server;
use crate::harness::{Folder, has_redis, wait_until};

/// Commands that are wrong if they are applied twice or not at all, while copies are taken.
fn copies_are_points_in_time(master_kind: &str, replica_kind: &str) {
    let mut master = Server::of(master_kind, &[]);
    let mut replicas: Vec<Server> = (0..3).map(|_| Server::of(replica_kind, &[])).collect();
    fill(&mut master);
    let mut client = master.connect();
    for number in 0..20_000 {
        client.send(&["SET", &format!("key:{number}"), "0"]);
    }
    for _ in 0..20_000 {
        client.reply();
    }
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..2)
        .map(|writer| {
            let (stop, mut client) = (stop.clone(), master.connect());
            std::thread::spawn(move || {
                let mut number = writer * 7919;
                while !stop.load(Ordering::Relaxed) {
                    for _ in 0..50 {
                        number = (number * 31 + 17) % 20_011;
                        let key = format!("key:{number}");
                        match number % 5 {
                            0 => client.send(&["DEL", &key]),
                            1 => client.send(&["APPEND", &key, "1"]),
                            2 => client.send(&["RPUSH", "biglist", &key]),
                            3 => client.send(&["HSET", "bighash", &key, &number.to_string()]),
                            _ => client.send(&["INCRBY", &format!("count:{}", number % 100), "3"]),
                        }
                    }
                    for _ in 0..50 {
                        client.reply();
                    }
                }
            })
        })
        .collect();
    for replica in &mut replicas {
        replica.sync_with(master.port);
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.join().unwrap();
    }
    for replica in &mut replicas {
        assert_same(&mut master, replica);
    }
}

#[test]
fn copies_of_ours_under_writes() {
    copies_are_points_in_time("ours", "ours");
}

#[test]
fn copies_of_ours_under_writes_for_redis() {
    if has_redis("copies_of_ours_under_writes_for_redis") {
        copies_are_points_in_time("ours", "redis");
    }
}

#[test]
fn copies_of_redis_under_writes() {
    if has_redis("copies_of_redis_under_writes") {
        copies_are_points_in_time("redis", "ours");
    }
}

/// Without `$EOF:` the copy's length is known before it comes.
#[test]
fn a_replica_that_knows_no_eof() {
    let mut master = Server::ours(&[]);
    fill(&mut master);
    let mut replica = master.connect();
    replica.send(&["SYNC"]);
    let line = replica.line();
    let length: usize = line.strip_prefix('$').and_then(|length| length.parse().ok()).expect(&line);
    let copy = replica.exactly(length);
    assert!(copy.starts_with(b"REDIS0010"));
    master.call("SET after copy");
    let stream = replica
        .exactly(b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$5\r\nafter\r\n$4\r\ncopy\r\n".len());
    assert!(stream.ends_with(b"$5\r\nafter\r\n$4\r\ncopy\r\n"), "{}", String::from_utf8_lossy(&stream));
    assert_eq!(
        std::fs::read_dir(&master.folder.0).unwrap().count(),
        1,
        "nothing but the log stays in the folder"
    );
}

/// And when it is gone, nobody makes the copy any more.
#[test]
fn a_replica_waits_until_its_copy_is_made() {
    for diskless in ["yes", "no"] {
        let mut master = Server::ours(&[
            "--repl-diskless-sync",
            diskless,
            "--repl-diskless-sync-delay",
            "0",
            "--save",
            "",
        ]);
        master.call("MSET a 1 b 2");
        // As long as a test that fails takes.
        assert_eq!(master.text("CONFIG SET rdb-key-save-delay 1000000000"), "OK");
        let mut replica = master.connect();
        assert_eq!(replica.call(&["REPLCONF", "capa", "eof"]), Reply::Simple("OK".into()));
        replica.send(&["PSYNC", "?", "-1"]);
        assert!(replica.line().starts_with("+FULLRESYNC "));
        assert!(master.info("slave0").contains("state=wait_bgsave"), "{diskless}");
        assert_eq!(master.info("rdb_bgsave_in_progress"), "1");
        drop(replica);
        wait_until("nobody makes it", || master.info("rdb_bgsave_in_progress") == "0");
    }
}

/// `redis-cli --functions-rdb` wants the functions alone, `redis-cli --replica` only what comes after the copy.
#[test]
fn a_copy_without_the_data() {
    let mut master = Server::ours(&[]);
    fill(&mut master);
    let library = "#!lua name=lib\nredis.register_function('f', function() return 1 end)";
    assert_eq!(master.client.call(&["FUNCTION", "LOAD", library]), Reply::Bulk(b"lib".into()));
    for (number, (filter, libraries)) in [("functions", 1), ("", 0)].into_iter().enumerate() {
        let mut replica = master.connect();
        let ok = Reply::Simple("OK".into());
        assert_eq!(replica.call(&["REPLCONF", "rdb-filter-only", filter]), ok);
        let refused = Reply::Error("ERR Filtered replica requires EOF capability".into());
        assert_eq!(replica.call(&["PSYNC", "?", "-1"]), refused);
        assert_eq!(replica.call(&["REPLCONF", "capa", "eof"]), ok);
        replica.send(&["PSYNC", "?", "-1"]);
        assert!(replica.line().starts_with("+FULLRESYNC "));
        let line = replica.line();
        let mark = line.strip_prefix("$EOF:").expect(&line);
        let mut copy = Vec::new();
        while !copy.ends_with(mark.as_bytes()) {
            copy.extend(replica.exactly(1));
        }
        let mut decoder = FileDecoder::new(&copy[..copy.len() - mark.len()], Limits::default());
        let mut found = 0;
        loop {
            match decoder.next_item().unwrap() {
                Item::Function(code) => found += usize::from(code == library.as_bytes()),
                Item::Aux { .. } => {}
                Item::End => break,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(found, libraries, "{filter}");
        replica.send(&["REPLCONF", "ACK", "0"]);
        let stream =
            format!("*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$5\r\nafter\r\n$1\r\n{number}\r\n");
        master.call(&format!("SET after {number}"));
        assert_eq!(String::from_utf8_lossy(&replica.exactly(stream.len())), stream);
    }
}

#[test]
fn redis_cli_takes_a_copy() {
    if !has_redis("redis_cli_takes_a_copy") {
        return;
    }
    let mut master = Server::ours(&[]);
    fill(&mut master);
    let folder = Folder::new();
    let file = folder.0.join("copy.rdb");
    let run = |program: &str, arguments: &[&str]| {
        let output = std::process::Command::new(program).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let path = file.to_str().unwrap();
    for what in ["--rdb", "--functions-rdb"] {
        run("redis-cli", &["-p", &master.port.to_string(), what, path]);
        assert!(run("redis-check-rdb", &[path]).contains("RDB looks OK"));
    }
}

/// A replica whose master sends through a file.
#[test]
fn a_copy_by_length_from_redis() {
    if !has_redis("a_copy_by_length_from_redis") {
        return;
    }
    let mut master = Server::redis(&["--repl-diskless-sync", "no"]);
    fill(&mut master);
    let mut replica = Server::ours(&[]);
    replica.sync_with(master.port);
    assert_same(&mut master, &mut replica);
}

/// A master that plays its part up to a point.
struct FalseMaster {
    stream: TcpStream,
    parser: RequestParser,
    input: Vec<u8>,
}

impl FalseMaster {
    fn accept(listener: &TcpListener) -> FalseMaster {
        let (stream, _) = listener.accept().unwrap();
        FalseMaster { stream, parser: RequestParser::new(), input: Vec::new() }
    }

    /// The next command's words.
    fn command(&mut self) -> Vec<String> {
        let limits = rcl_proto::resp::Limits { max_bulk_bytes: 1 << 20, authenticated: true };
        loop {
            if let Parsed::Request { consumed } = self.parser.parse(&self.input, limits).unwrap() {
                let args = self.parser.args(&self.input);
                let words = args.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
                self.input.drain(..consumed);
                return words;
            }
            let mut buffer = [0; 4096];
            let count = self.stream.read(&mut buffer).unwrap();
            assert!(count > 0);
            self.input.extend_from_slice(&buffer[..count]);
        }
    }

    fn say(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Everything up to PSYNC, whose arguments it returns.
    fn handshake(&mut self) -> Vec<String> {
        loop {
            let words = self.command();
            match words.first().map(String::as_str) {
                Some("PING") => self.say(b"+PONG\r\n"),
                Some("PSYNC") => return words,
                _ => self.say(b"+OK\r\n"),
            }
        }
    }
}

#[test]
fn a_torn_copy_is_taken_again() {
    // Any whole file will do.
    let mut source = Server::ours(&[]);
    fill(&mut source);
    source.call("SAVE");
    let whole = std::fs::read(source.folder.0.join("dump.rdb")).unwrap();
    let keys = source.text("DBSIZE");

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut replica = Server::ours(&[]);
    replica.call(&format!("REPLICAOF 127.0.0.1 {port}"));
    let id = "a".repeat(40);
    let mark = "m".repeat(40);
    let greeting = format!("+FULLRESYNC {id} 1000\r\n\n$EOF:{mark}\r\n");

    // Not an RDB file.
    let mut master = FalseMaster::accept(&listener);
    assert_eq!(master.handshake()[1..], ["?", "-1"]);
    master.say(greeting.as_bytes());
    master.say(b"GARBAGE GARBAGE GARBAGE");
    let mut master = FalseMaster::accept(&listener);
    master.handshake();

    // Half a file: what came of it is dropped, and the replica knows that it has no data.
    master.say(greeting.as_bytes());
    master.say(&whole[..whole.len() / 2]);
    drop(master);
    let mut master = FalseMaster::accept(&listener);
    assert_eq!(master.handshake()[1..], ["?", "-1"]);
    wait_until("the torn copy is dropped", || replica.text("DBSIZE") == "0");

    // A flipped bit: the checksum says so.
    let mut flipped = whole.clone();
    let middle = flipped.len() - 20;
    flipped[middle] ^= 1;
    master.say(greeting.as_bytes());
    master.say(&flipped);
    master.say(mark.as_bytes());
    let mut master = FalseMaster::accept(&listener);
    assert_eq!(master.handshake()[1..], ["?", "-1"]);
    wait_until("the corrupt copy is dropped", || replica.text("DBSIZE") == "0");

    // At last a whole one, in small pieces.
    master.say(greeting.as_bytes());
    for piece in whole.chunks(777) {
        master.say(piece);
    }
    master.say(mark.as_bytes());
    assert_eq!(master.command(), ["REPLCONF", "ACK", "1000"]);
    assert_eq!(replica.text("DBSIZE"), keys);
    replica.wait_for_link();

    // The stream comes in pieces too, and a transaction counts as a whole.
    let transaction = b"*1\r\n$5\r\nMULTI\r\n*2\r\n$4\r\nINCR\r\n$1\r\na\r\n*2\r\n$4\r\nINCR\r\n$1\r\nb\r\n";
    master.say(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n7\r\n");
    master.say(transaction);
    wait_until("the first command is applied", || replica.text("GET a") == "7");
    assert_eq!(replica.offset(), 1000 + 27);
    drop(master);
    let mut master = FalseMaster::accept(&listener);
    assert_eq!(master.handshake()[1..], [id.as_str(), "1028"]);
    master.say(b"+CONTINUE\r\n");
    master.say(transaction);
    master.say(b"*1\r\n$4\r\nEXEC\r\n");
    wait_until("the transaction is applied once", || replica.text("GET a") == "8");
    assert_eq!(replica.text("GET b"), "1");
    let end = 1000 + 27 + transaction.len() as u64 + 14;
    assert_eq!(replica.offset(), end);

    // Now there are data, which stay, and their place in their history too, until another copy is whole.
    for torn in [&whole[..whole.len() / 2], &flipped] {
        drop(master);
        master = FalseMaster::accept(&listener);
        assert_eq!(master.handshake()[1..], [id.as_str(), &(end + 1).to_string()]);
        let other = "b".repeat(40);
        master.say(format!("+FULLRESYNC {other} 5\r\n$EOF:{mark}\r\n").as_bytes());
        master.say(torn);
    }
    assert_eq!(replica.text("GET a"), "8");
    // Now the wrong one has come to its end, too.
    master.say(mark.as_bytes());
    let mut master = FalseMaster::accept(&listener);
    assert_eq!(master.handshake()[1..], [id.as_str(), &(end + 1).to_string()]);
    assert_eq!(replica.text("GET a"), "8");
    assert!(replica.log().contains("its checksum is wrong"), "{}", replica.log());
}

#[test]
fn a_master_that_wants_a_password() {
    let mut master = Server::ours(&["--requirepass", "secret"]);
    assert_eq!(master.text("AUTH secret"), "OK");
    wait_until("it has loaded", || master.text("SET a b") == "OK");
    let mut replica = Server::ours(&[]);
    replica.follow(&master);
    wait_until("the log says why", || replica.log().contains("masterauth is not set"));
    assert_eq!(replica.text("CONFIG SET masterauth wrong"), "OK");
    wait_until("the log says why", || replica.log().contains("WRONGPASS"));
    assert_eq!(replica.text("CONFIG SET masterauth secret"), "OK");
    replica.wait_for_link();
    assert_eq!(replica.text("GET a"), "b");
}
