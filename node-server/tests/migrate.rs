//! MIGRATE, option by option and fault by fault: whatever the target does, a key is here or there, never nowhere.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};

use crate::harness::server::Server;
use crate::harness::wait_until;
use rcl_proto::resp::{Limits, Parsed, RequestParser};

/// A target that shows each request it gets and answers only what it is told to.
struct Puppet {
    port: u16,
    requests: Receiver<Vec<String>>,
    answers: Sender<Option<&'static [u8]>>,
}

impl Puppet {
    fn new() -> Puppet {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (show, requests) = channel();
        let (answers, told) = channel();
        std::thread::spawn(move || {
            // The node may try a second time on a new connection.
            for stream in listener.incoming() {
                if play(stream.unwrap(), &show, &told).is_none() {
                    return;
                }
            }
        });
        Puppet { port, requests, answers }
    }

    fn request(&self) -> Vec<String> {
        self.requests.recv().unwrap()
    }

    fn answer(&self, bytes: &'static [u8]) {
        self.answers.send(Some(bytes)).unwrap();
    }

    /// Closes the connection instead of an answer.
    fn hang_up(&self) {
        self.answers.send(None).unwrap();
    }
}

/// `None` when the test is over.
fn play(
    mut stream: TcpStream,
    show: &Sender<Vec<String>>,
    told: &Receiver<Option<&'static [u8]>>,
) -> Option<()> {
    let limits = Limits { max_bulk_bytes: 1 << 20, authenticated: true };
    let (mut parser, mut bytes) = (RequestParser::new(), Vec::new());
    loop {
        while let Ok(Parsed::Request { consumed }) = parser.parse(&bytes, limits) {
            let words = parser.args(&bytes).iter().map(|word| String::from_utf8_lossy(word).into_owned());
            show.send(words.collect()).ok()?;
            bytes.drain(..consumed);
            match told.recv().ok()? {
                Some(answer) => stream.write_all(answer).ok()?,
                None => return Some(()),
            }
        }
        let mut piece = [0; 4096];
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return Some(()),
            Ok(read) => bytes.extend_from_slice(&piece[..read]),
        }
    }
}

fn node() -> Server {
    let mut node = Server::ours(&[]);
    assert_eq!(node.text("SET k v"), "OK");
    node
}

#[test]
fn keys_move_with_their_expiry_and_copy_leaves_them() {
    let (mut source, mut target) = (node(), Server::ours(&[]));
    source.text("RPUSH list a b c");
    source.text("SET short v PX 100000");
    let port = target.port;
    assert_eq!(source.text(&format!("MIGRATE 127.0.0.1 {port} k 0 5000 COPY")), "OK");
    assert_eq!((source.text("GET k"), target.text("GET k")), ("v".into(), "v".into()));
    let mut words: Vec<String> = format!("MIGRATE 127.0.0.1 {port} _ 0 5000 KEYS list short nothing k")
        .split(' ')
        .map(|word| if word == "_" { String::new() } else { word.to_owned() })
        .collect();
    let call = |source: &mut Server, words: &[String]| {
        format!("{:?}", source.client.call(&words.iter().map(String::as_str).collect::<Vec<_>>()))
    };
    let answer = call(&mut source, &words);
    assert!(answer.contains("ERR Target instance replied with error: BUSYKEY"), "{answer}");
    assert_eq!(source.text("EXISTS list short"), "0", "what the target took is gone here");
    assert_eq!(source.text("GET k"), "v", "what it refused is not");
    assert_eq!(target.text("LRANGE list 0 -1"), r#"Array([Bulk([97]), Bulk([98]), Bulk([99])])"#);
    let remaining: i64 = target.text("PTTL short").parse().unwrap();
    assert!(remaining > 0 && remaining <= 100_000, "{remaining}");
    words.insert(6, "REPLACE".into());
    assert_eq!(call(&mut source, &words), r#"Simple("OK")"#);
    assert_eq!(source.text("DBSIZE"), "0");
    assert_eq!(source.text(&format!("MIGRATE 127.0.0.1 {port} k 0 5000")), "NOKEY");
}

#[test]
fn the_target_may_want_a_password() {
    let (mut source, mut target) = (node(), Server::ours(&["--requirepass", "secret"]));
    let port = target.port;
    let answer = source.text(&format!("MIGRATE 127.0.0.1 {port} k 0 5000"));
    assert!(answer.contains("NOAUTH"), "{answer}");
    let answer = source.text(&format!("MIGRATE 127.0.0.1 {port} k 0 5000 AUTH wrong"));
    assert!(answer.contains("WRONGPASS"), "{answer}");
    assert_eq!(source.text("GET k"), "v");
    assert_eq!(source.text(&format!("MIGRATE 127.0.0.1 {port} k 0 5000 AUTH2 default secret")), "OK");
    assert_eq!(target.text("AUTH secret"), "OK");
    assert_eq!(target.text("GET k"), "v");
}

#[test]
fn while_a_key_travels_it_is_read_and_not_written() {
    let mut source = node();
    let puppet = Puppet::new();
    let (mut reader, mut writer, mut other) = (source.connect(), source.connect(), source.connect());
    source.client.send(&["MIGRATE", "127.0.0.1", &puppet.port.to_string(), "k", "0", "5000"]);
    assert_eq!(puppet.request()[..2], ["RESTORE", "k"]);
    assert_eq!(format!("{:?}", reader.call(&["GET", "k"])), "Bulk([118])");
    assert_eq!(format!("{:?}", other.call(&["SET", "another", "v"])), r#"Simple("OK")"#);
    writer.send(&["APPEND", "k", "w"]);
    let mut transaction = source.connect();
    transaction.call(&["MULTI"]);
    transaction.call(&["APPEND", "k", "x"]);
    transaction.send(&["EXEC"]);
    wait_until("both writers wait", || {
        let info =
            format!("{:?}", String::from_utf8_lossy(reader.call(&["INFO", "clients"]).as_bytes().unwrap()));
        info.contains("blocked_clients:2")
    });
    // The target says no: the key stays, and the writers find it as it was.
    puppet.answer(b"-OOM no\r\n");
    assert!(format!("{:?}", source.client.reply()).contains("OOM no"));
    writer.reply();
    transaction.reply();
    let value = String::from_utf8_lossy(reader.call(&["GET", "k"]).as_bytes().unwrap()).into_owned();
    assert!(value == "vwx" || value == "vxw", "{value}");
}

#[test]
fn a_target_that_dies_or_babbles_or_is_not_there_costs_no_key() {
    let mut source = node();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let answer = source.text(&format!("MIGRATE 127.0.0.1 {nobody} k 0 5000"));
    assert!(answer.starts_with("IOERR error or timeout connecting"), "{answer}");
    let puppet = Puppet::new();
    let line = format!("MIGRATE 127.0.0.1 {} k 0 300", puppet.port);
    for (say, expected) in [
        (Some(&b"hello there\r\n"[..]), "IOERR error or timeout reading"),
        (None, "IOERR error or timeout reading"),
    ] {
        let mut client = source.connect();
        client.send(&line.split(' ').collect::<Vec<_>>());
        puppet.request();
        match say {
            Some(bytes) => puppet.answer(bytes),
            None => puppet.hang_up(),
        }
        let answer = format!("{:?}", client.reply());
        assert!(answer.contains(expected), "{answer}");
        assert_eq!(source.text("GET k"), "v");
        assert_eq!(source.text("APPEND k 1").parse::<usize>().unwrap(), 2, "nobody has to wait any more");
        source.text("SET k v");
    }
    // It takes the request and says nothing: the time limit ends it.
    let mut client = source.connect();
    client.send(&line.split(' ').collect::<Vec<_>>());
    puppet.request();
    let answer = format!("{:?}", client.reply());
    assert!(answer.contains("IOERR error or timeout reading") && answer.contains("timeout"), "{answer}");
    assert_eq!(source.text("GET k"), "v");
    let stats = source.text("INFO commandstats");
    let line = stats.lines().find(|line| line.starts_with("cmdstat_migrate:")).unwrap();
    assert!(line.contains("calls=4,") && line.ends_with("rejected_calls=0,failed_calls=4"), "{line}");
    assert!(source.text("INFO errorstats").contains("errorstat_IOERR:count=4"));
}

#[test]
fn a_source_that_is_killed_before_the_answer_still_has_the_key() {
    let mut source = Server::ours(&["--save", "3600 1"]);
    source.text("SET k v");
    assert_eq!(source.text("SAVE"), "OK");
    let puppet = Puppet::new();
    let mut client = source.connect();
    client.send(&["MIGRATE", "127.0.0.1", &puppet.port.to_string(), "k", "0", "5000"]);
    puppet.request();
    let port = source.port;
    let folder = source.kill();
    let mut again = Server::ours_at(folder, port, &["--save", "3600 1"]);
    wait_until("it has loaded", || again.text("PING") == "PONG");
    assert_eq!(again.text("GET k"), "v");
}

/// As in Redis: what is not answered in time may be done yet, and a second RESTORE would find the first one's key in its way.
#[test]
fn what_was_not_answered_in_time_is_not_sent_once_more() {
    let mut source = node();
    source.text("SET another v");
    let puppet = Puppet::new();
    let migrate = |source: &mut Server, key: &str, limit: &str| {
        let mut client = source.connect();
        client.send(&["MIGRATE", "127.0.0.1", &puppet.port.to_string(), key, "0", limit, "COPY"]);
        client
    };
    // A connection that is kept.
    let mut client = migrate(&mut source, "k", "5000");
    puppet.request();
    puppet.answer(b"+OK\r\n");
    assert_eq!(format!("{:?}", client.reply()), r#"Simple("OK")"#);
    let mut client = migrate(&mut source, "k", "200");
    puppet.request();
    let answer = format!("{:?}", client.reply());
    assert!(answer.contains("IOERR error or timeout reading") && answer.contains("timeout"), "{answer}");
    puppet.hang_up();
    let mut client = migrate(&mut source, "another", "5000");
    assert_eq!(puppet.request()[1], "another");
    puppet.answer(b"+OK\r\n");
    assert_eq!(format!("{:?}", client.reply()), r#"Simple("OK")"#);
}
