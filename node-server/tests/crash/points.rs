//! Every call on the way to the disk fails in turn: it is reported, reads go on, and nothing that was kept is lost.
//!
//! A deed (SAVE, CONFIG REWRITE, …) is done once with a count of its calls. Then for each of these calls and each way in which
//! it can fail, the deed is done again with that fault, and after it without. What a node that starts on the folder after the fault
//! has must be the last state that was acknowledged, or a newer one that was asked for.

use std::io::Read as _;

use rcl_proto::resp::Reply;

use crate::child::{Home, Node, Under};
use crate::disks::faulty::{Call, Fault, Point};
use crate::harness::server::Client;
use crate::harness::wait_until;

/// A node, and what it must have kept.
struct Subject {
    home: Home,
    node: Node,
    client: Client,
    arguments: Vec<String>,
    /// The newest state that was asked to be kept; they are numbered.
    asked: u64,
    /// The newest that was acknowledged as kept.
    kept: u64,
}

/// What is done, and how it is told that it failed.
struct Deed {
    name: &'static str,
    /// Directives, or a file and directives.
    arguments: &'static [&'static str],
    /// Makes the state with this number, in memory.
    change: fn(&mut Subject, u64),
    /// Keeps it; an error when it says that it could not.
    keep: fn(&mut Subject) -> Result<(), String>,
    /// The number of the state that is on the disk, if it is to stay there.
    kept: fn(&Home) -> Option<u64>,
}

impl Subject {
    fn new(deed: &Deed) -> Subject {
        let home = Home::new();
        std::fs::write(home.data().join("redis.conf"), "# a comment\ntimeout 0\n").unwrap();
        std::fs::write(home.data().join("users.acl"), "user default on nopass ~* &* +@all\n").unwrap();
        let arguments = resolve(deed, &home);
        let (node, client) = Node::serve(&home, &Under::Real(None), &arguments).expect("it starts");
        Subject { home, node, client, arguments, asked: 0, kept: 0 }
    }

    fn text(&mut self, words: &[&str]) -> String {
        match self.client.call(words) {
            Reply::Simple(text) | Reply::Error(text) => text,
            Reply::Bulk(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            other => format!("{other:?}"),
        }
    }

    fn said(&mut self, words: &[&str]) -> Result<(), String> {
        match self.client.call(words) {
            Reply::Error(text) => Err(text),
            _ => Ok(()),
        }
    }

    fn info(&mut self, field: &str) -> String {
        let all = self.text(&["INFO", "everything"]);
        let line = all.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        line.unwrap_or_default().to_owned()
    }

    /// A deed that ends the node is followed by a new one.
    fn go_on(&mut self) {
        let (node, client) =
            Node::serve(&self.home, &Under::Real(None), &self.arguments).expect("it starts again");
        (self.node, self.client) = (node, client);
    }

    fn try_it(&mut self, deed: &Deed) -> Result<(), String> {
        self.asked += 1;
        (deed.change)(self, self.asked);
        let said = (deed.keep)(self);
        if said.is_ok() {
            self.kept = self.asked;
        }
        said
    }
}

fn resolve(deed: &Deed, home: &Home) -> Vec<String> {
    let data = home.data().into_os_string().into_string().unwrap();
    deed.arguments.iter().map(|argument| argument.replace("DATA", &data)).collect()
}

/// Each call that can fail while the deed is done.
fn points_of(subject: &mut Subject, deed: &Deed) -> Vec<Point> {
    subject.node.begin(None);
    subject.try_it(deed).expect("nothing is wrong");
    if subject.node.has_ended() {
        // Nobody is left to ask: the deed is the same as one that leaves the node there.
        subject.go_on();
        return Vec::new();
    }
    let mut points = subject.node.met();
    points.retain(|point| point.call != Call::Read);
    points
}

/// Does what the header says; gives the number of faults.
fn every_call_fails(deed: &Deed, points: Option<Vec<Point>>) -> usize {
    let mut subject = Subject::new(deed);
    // What is created once only is there.
    subject.try_it(deed).expect("nothing is wrong");
    if subject.node.has_ended() {
        subject.go_on();
    }
    let points = points.unwrap_or_else(|| points_of(&mut subject, deed));
    assert!(!points.is_empty());
    let names = subject.home.names();
    let mut count = 0;
    for point in &points {
        for &fault in Fault::of(point.call) {
            let what = format!("{}: {point} with {fault}", deed.name);
            subject.node.begin(Some((point, fault)));
            let said = subject.try_it(deed);
            if fault == Fault::Short {
                assert_eq!(said, Ok(()), "{what}: the rest could be written");
            } else {
                assert!(said.is_err(), "{what}: nobody was told");
            }
            if subject.node.has_ended() {
                assert_eq!(said, Ok(()), "{what}: it ended");
                subject.go_on();
            } else {
                assert_eq!(subject.text(&["GET", "foo"]), "value", "{what}: reads go on");
                assert_eq!(subject.node.end(), 1, "{what}: it was met");
            }
            if let Some(on_disk) = (deed.kept)(&subject.home) {
                let acknowledged = subject.kept;
                assert!(
                    (acknowledged..=subject.asked).contains(&on_disk),
                    "{what}: state {on_disk} is on the disk, {acknowledged} was acknowledged"
                );
            }
            assert_eq!(subject.try_it(deed), Ok(()), "{what}: it works again");
            if subject.node.has_ended() {
                subject.go_on();
            }
            if let Some(on_disk) = (deed.kept)(&subject.home) {
                assert_eq!(on_disk, subject.kept, "{what}: after it");
            }
            if point.call == Call::Remove {
                // What could not be removed is there until the next start.
                subject.node.kill();
                subject.go_on();
            }
            assert_eq!(subject.home.names(), names, "{what}: nothing is left behind");
            count += 1;
        }
    }
    println!("{}: {} calls on the way to the disk, failed in {count} ways", deed.name, points.len());
    count
}

fn change_data(subject: &mut Subject, number: u64) {
    subject.said(&["SET", "foo", "value"]).unwrap();
    // More than one piece for the disk.
    let filler = format!("{number}-").repeat(60_000);
    subject.said(&["SET", "filler", &filler]).unwrap();
    subject.said(&["SET", "state", &number.to_string()]).unwrap();
}

/// What a node has that starts on a copy of the folder.
fn data_on_disk(home: &Home) -> Option<u64> {
    let copy = home.copy();
    let arguments = ["--save", "", "--rdbcompression", "no"].map(str::to_owned);
    let (_node, mut client) =
        Node::serve(&copy, &Under::Real(None), &arguments).expect("it starts on what is there");
    let Reply::Bulk(state) = client.call(&["GET", "state"]) else { panic!("all is lost") };
    let Reply::Bulk(filler) = client.call(&["GET", "filler"]) else { panic!("a part is lost") };
    let state = String::from_utf8(state).unwrap();
    assert!(filler.starts_with(format!("{state}-").as_bytes()), "one state at a time");
    Some(state.parse().unwrap())
}

const SAVE: Deed = Deed {
    name: "SAVE",
    arguments: &["--save", "", "--rdbcompression", "no"],
    change: change_data,
    keep: |subject| {
        let said = subject.said(&["SAVE"]);
        let status = subject.info("rdb_last_bgsave_status");
        assert_eq!(status, if said.is_ok() { "ok" } else { "err" });
        said
    },
    kept: data_on_disk,
};

#[test]
fn save() {
    every_call_fails(&SAVE, None);
}

#[test]
fn save_in_the_background() {
    let keep = |subject: &mut Subject| {
        subject.said(&["BGSAVE"]).unwrap();
        wait_until("it is saved", || subject.info("rdb_bgsave_in_progress") == "0");
        match subject.info("rdb_last_bgsave_status").as_str() {
            "ok" => Ok(()),
            status => {
                assert!(subject.home.log().contains("saving failed"), "the log says why");
                Err(status.to_owned())
            }
        }
    };
    every_call_fails(&Deed { name: "BGSAVE", keep, ..SAVE }, None);
}

#[test]
fn save_at_the_end() {
    let points = points_of(&mut Subject::new(&SAVE), &SAVE);
    let keep = |subject: &mut Subject| {
        let mut client = subject.node.try_connect().unwrap();
        client.send(&["SHUTDOWN", "SAVE"]);
        match client.reply_or_end() {
            Some(Reply::Error(text)) => Err(text),
            Some(other) => panic!("{other:?}"),
            None => {
                wait_until("it ends", || subject.node.has_ended());
                Ok(())
            }
        }
    };
    every_call_fails(&Deed { name: "SHUTDOWN SAVE", keep, ..SAVE }, Some(points));
}

/// The number after `word` in a text that is whole: but for the number it is that of the beginning.
fn number_after(text: &str, word: &str) -> Option<u64> {
    let after = text.split(word).nth(1).unwrap_or_else(|| panic!("{word} is not in {text}"));
    after.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
}

#[test]
fn configuration() {
    every_call_fails(
        &Deed {
            name: "CONFIG REWRITE",
            arguments: &["DATA/redis.conf", "--save", ""],
            change: |subject, number| {
                subject.said(&["SET", "foo", "value"]).unwrap();
                subject.said(&["CONFIG", "SET", "timeout", &number.to_string()]).unwrap();
            },
            keep: |subject| subject.said(&["CONFIG", "REWRITE"]),
            kept: |home| {
                let text = std::fs::read_to_string(home.data().join("redis.conf")).unwrap();
                assert!(text.starts_with("# a comment\n") && text.ends_with('\n'), "{text}");
                number_after(&text, "\ntimeout ")
            },
        },
        None,
    );
}

#[test]
fn users() {
    every_call_fails(
        &Deed {
            name: "ACL SAVE",
            arguments: &["--aclfile", "DATA/users.acl", "--save", ""],
            change: |subject, number| {
                subject.said(&["SET", "foo", "value"]).unwrap();
                subject.said(&["ACL", "SETUSER", "one", "reset", &format!("~key{number}:*")]).unwrap();
            },
            keep: |subject| subject.said(&["ACL", "SAVE"]),
            kept: |home| {
                let text = std::fs::read_to_string(home.data().join("users.acl")).unwrap();
                assert!(text.contains("user default on ") && text.ends_with('\n'), "{text}");
                number_after(&text, "~key")
            },
        },
        None,
    );
}

#[test]
fn cluster() {
    every_call_fails(
        &Deed {
            name: "nodes.conf",
            arguments: &["--cluster-enabled", "yes", "--save", "", "--cluster-require-full-coverage", "no"],
            change: |subject, number| {
                if number == 1 {
                    subject.said(&["CLUSTER", "ADDSLOTSRANGE", "8000", "16383"]).unwrap();
                    wait_until("it serves", || subject.said(&["SET", "foo", "value"]).is_ok());
                }
            },
            keep: |subject| {
                let slot = subject.asked.to_string();
                subject.said(&["CLUSTER", "ADDSLOTS", &slot])
            },
            kept: |home| {
                let text = std::fs::read_to_string(home.data().join("nodes.conf")).unwrap();
                assert!(text.ends_with('\n') && text.contains("vars currentEpoch"), "{text}");
                let line = text.lines().find(|line| line.contains("myself")).unwrap();
                // As in "… connected 1-7 8000-16383".
                let slots = line.rsplit(' ').nth(1).unwrap();
                Some(slots.rsplit('-').next().unwrap().parse().unwrap())
            },
        },
        None,
    );
}

/// A replica that needs a file's length in front gets one from a file that has no name.
#[test]
fn spooled_copy() {
    every_call_fails(
        &Deed {
            name: "a spooled copy for a replica",
            arguments: &["--save", "", "--rdbcompression", "no"],
            change: change_data,
            keep: |subject| {
                let mut replica = subject.node.try_connect().unwrap();
                replica.send(&["PSYNC", "?", "-1"]);
                let mut received = Vec::new();
                let mut buffer = [0; 65536];
                loop {
                    let text = String::from_utf8_lossy(&received[..received.len().min(200)]).into_owned();
                    let length = text.split_once("\r\n$").and_then(|(before, after)| {
                        let (length, _) = after.split_once("\r\n")?;
                        Some(before.len() + length.len() + 5 + length.parse::<usize>().ok()?)
                    });
                    if length.is_some_and(|length| received.len() >= length) {
                        return Ok(());
                    }
                    match replica.stream.read(&mut buffer) {
                        Ok(0) | Err(_) => break,
                        Ok(count) => received.extend_from_slice(&buffer[..count]),
                    }
                }
                assert!(subject.home.log().contains("snapshot for replicas failed"), "the log says why");
                Err("it closed the connection".to_owned())
            },
            kept: |_| None,
        },
        None,
    );
}

/// What is read at the start cannot be read: the node says which file it is, and leaves it as it is for the next start.
#[test]
fn start() {
    let home = Home::new();
    let users = home.data().join("users.acl").into_os_string().into_string().unwrap();
    std::fs::write(&users, "user default on nopass ~* &* +@all\n").unwrap();
    let arguments = ["--save", "", "--cluster-enabled", "yes", "--aclfile", &users].map(str::to_owned);
    let serve = || Node::serve(&home, &Under::Real(None), &arguments).expect("it starts");
    let (node, mut client) = serve();
    assert!(!matches!(client.call(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]), Reply::Error(_)));
    wait_until("it serves", || !matches!(client.call(&["SET", "foo", "value"]), Reply::Error(_)));
    assert!(!matches!(client.call(&["SAVE"]), Reply::Error(_)));
    drop(node);
    let (mut node, _) = serve();
    let mut points = node.met();
    drop(node);
    points.retain(|point| {
        let is_needed = ["dump.rdb", "nodes.conf", "nodes.conf.lock", "users.acl"].contains(&&*point.file);
        is_needed && [Call::Open, Call::Read, Call::Lock].contains(&point.call)
    });
    let mut count = 0;
    for point in &points {
        for &fault in Fault::of(point.call) {
            let failed = Node::serve(&home, &Under::Real(Some((point.clone(), fault))), &arguments);
            assert!(failed.is_none(), "{point} with {fault}: it starts without what it should have");
            let log = home.log();
            assert!(log.lines().last().unwrap().contains(&point.file), "{point} with {fault}: {log}");
            let (_node, mut client) = serve();
            let served = || client.call(&["GET", "foo"]) == Reply::Bulk(b"value".to_vec());
            wait_until("what was saved is there", served);
            count += 1;
        }
    }
    println!("start: {} calls on the way from the disk, failed in {count} ways", points.len());
}
