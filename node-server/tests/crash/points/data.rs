//! RDB files, saved and sent.

use std::io::Read as _;

use rcl_proto::resp::Reply;

use super::{Deed, Subject, every_call_fails, points_of};
use crate::child::{Home, Node, Under};
use crate::harness::wait_until;

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
        let saves = subject.info("rdb_saves");
        subject.said(&["BGSAVE"]).unwrap();
        wait_until("it is saved or not", || {
            subject.info("rdb_saves") != saves || subject.info("rdb_last_bgsave_status") == "err"
        });
        wait_until("it has ended", || subject.info("rdb_bgsave_in_progress") == "0");
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

/// A replica that needs a file's length in front gets one from a file that has no name.
#[test]
fn spooled_copy() {
    every_call_fails(
        &Deed {
            name: "a spooled copy for a replica",
            arguments: &["--save", "", "--rdbcompression", "no"],
            change: change_data,
            keep: |subject| {
                let failures =
                    |subject: &Subject| subject.home.log().matches("snapshot for replicas failed").count();
                let before = failures(subject);
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
                wait_until("the log says why", || failures(subject) > before);
                Err("it closed the connection".to_owned())
            },
            kept: |_| None,
        },
        None,
    );
}
