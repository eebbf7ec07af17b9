//! The append-only file.

use rcl_proto::resp::Reply;

use super::{
    Deed, Subject, every_call_after_a_fault_fails, every_call_fails, killed_after_a_fault, points_of,
    subject_with_all,
};
use crate::child::{Home, Node, Under};
use crate::disks::faulty::{Call, Fault, Point};
use crate::harness::wait_until;

const ALWAYS: [&str; 6] = ["--save", "", "--appendonly", "yes", "--appendfsync", "always"];

fn wait_until_well(subject: &mut Subject) {
    wait_until("the disk is well again", || subject.info("aof_last_write_status") == "ok");
}

fn begin_with_a_key(subject: &mut Subject, number: u64) {
    wait_until_well(subject);
    if number == 1 {
        subject.said(&["SET", "foo", "value"]).unwrap();
    }
}

/// How often the log said that something is wrong.
fn reported(subject: &Subject) -> usize {
    let log = subject.home.log();
    log.matches(" ERROR ").count() + log.matches(" WARN ").count()
}

fn wait_until_rewritten(subject: &mut Subject) {
    wait_until("it is rewritten", || {
        subject.info("aof_rewrite_in_progress") == "0" && subject.info("aof_rewrite_scheduled") == "0"
    });
}

/// What the manifest names as to be deleted is deleted.
fn wait_until_tidy(subject: &Subject) {
    let manifest = subject.home.data().join("appendonlydir/appendonly.aof.manifest");
    wait_until("the history is deleted", || {
        !std::fs::read_to_string(&manifest).unwrap_or_default().contains(" type h")
    });
}

/// Sets it; is answered when it is kept.
fn set_state(subject: &mut Subject, number: u64) -> Result<(), String> {
    subject.client.send(&["SET", "state", &number.to_string()]);
    match subject.client.reply_or_end() {
        Some(Reply::Error(text)) => Err(text),
        Some(_) => Ok(()),
        None => {
            subject.client = subject.node.try_connect().expect("it goes on");
            Err("it closed the connection".to_owned())
        }
    }
}

/// What a node has that starts on a copy of the folder.
fn state_on_disk(home: &Home) -> Option<u64> {
    let copy = home.copy();
    let arguments = ALWAYS.map(str::to_owned);
    let (_node, mut client) = Node::serve(&copy, &Under::Real(None), &arguments)
        .unwrap_or_else(|| panic!("it does not start: {}", copy.log()));
    assert_eq!(client.call(&["GET", "foo"]), Reply::Bulk(b"value".to_vec()));
    let Reply::Bulk(state) = client.call(&["GET", "state"]) else { panic!("it is lost") };
    Some(String::from_utf8(state).unwrap().parse().unwrap())
}

const DURABLE_WRITE: Deed = Deed {
    name: "a write with appendfsync always",
    arguments: &ALWAYS,
    change: begin_with_a_key,
    keep: |subject| {
        let before = reported(subject);
        let said = set_state(subject, subject.asked);
        wait_until("the log says why", || said.is_ok() || reported(subject) > before);
        said
    },
    kept: state_on_disk,
};

const WRITE: Deed = Deed {
    name: "a write with appendfsync everysec",
    arguments: &["--save", "", "--appendonly", "yes", "--appendfsync", "everysec"],
    change: begin_with_a_key,
    keep: |subject| {
        let before = reported(subject);
        set_state(subject, subject.asked)?;
        subject.said(&["WAITAOF", "1", "0", "0"])?;
        // It is kept, if at the second attempt.
        subject.kept = subject.asked;
        if reported(subject) > before { Err("the log said it".to_owned()) } else { Ok(()) }
    },
    kept: state_on_disk,
};

#[test]
fn every_write_is_durable() {
    every_call_fails(&DURABLE_WRITE, None);
}

#[test]
fn writes_are_durable_every_second() {
    every_call_fails(&WRITE, None);
}

#[test]
fn two_faults_in_a_row() {
    every_call_after_a_fault_fails(&DURABLE_WRITE, wait_until_well);
    every_call_after_a_fault_fails(&WRITE, wait_until_well);
}

/// As long as the disk fails.
#[test]
fn writes_are_refused_meanwhile_and_reads_go_on() {
    let mut subject = subject_with_all(&DURABLE_WRITE);
    let point = |nth| Point { call: Call::Sync, file: "appendonly.aof.#.incr.aof".to_owned(), nth };
    // It is tried again some times a second.
    let faults: Vec<_> = (0..100).map(|nth| (point(nth), Fault::Io)).collect();
    subject.node.begin(&faults);
    assert!(set_state(&mut subject, 2).is_err(), "nobody knows whether it is kept");
    let refused = set_state(&mut subject, 3).unwrap_err();
    assert!(refused.starts_with("MISCONF Errors writing to the AOF file"), "{refused}");
    assert_eq!(subject.text(&["GET", "foo"]), "value");
    subject.node.end();
    wait_until_well(&mut subject);
    assert_eq!(set_state(&mut subject, 4), Ok(()));
    assert_eq!(state_on_disk(&subject.home), Some(4));
}

/// What a failed write or sync has cut off is written again: the process is killed before that, or in the middle of it.
#[test]
fn killed_while_it_makes_good_for_a_fault() {
    let begin = |subject: &mut Subject| {
        subject.client.send(&["SET", "state", &subject.asked.to_string()]);
    };
    killed_after_a_fault(&DURABLE_WRITE, wait_until_well, begin);
    killed_after_a_fault(&WRITE, wait_until_well, begin);
}

/// What comes until then, and what follows: the deletion of what the manifest does not name any more.
fn parted_where_the_manifest_is_replaced(times: usize, mut points: Vec<Point>) -> (Vec<Point>, Vec<Point>) {
    let last = |point: &Point| {
        point.call == Call::Rename && point.file == "appendonly.aof.manifest" && point.nth == times - 1
    };
    let end = points.iter().position(last).expect("it is replaced so often");
    // The folder is synced after it.
    let rest = points.split_off(end + 2);
    (points, rest)
}

const REWRITE: Deed = Deed {
    name: "BGREWRITEAOF",
    arguments: &ALWAYS,
    change: |subject, number| {
        wait_until_well(subject);
        subject.said(&["SET", "foo", "value"]).unwrap();
        set_state(subject, number).unwrap();
        subject.kept = number;
    },
    keep: |subject| {
        let before = reported(subject);
        subject.said(&["BGREWRITEAOF"])?;
        wait_until_rewritten(subject);
        match subject.info("aof_last_bgrewrite_status").as_str() {
            "ok" if reported(subject) == before => Ok(()),
            "ok" => Err("the log said it".to_owned()),
            status => Err(status.to_owned()),
        }
    },
    kept: state_on_disk,
};

/// Once that the next incremental file is in the manifest, once that the base is; and then what is history is deleted.
fn points_of_a_rewrite() -> (Vec<Point>, Vec<Point>) {
    parted_where_the_manifest_is_replaced(2, points_of(&mut subject_with_all(&REWRITE), &REWRITE))
}

#[test]
fn rewrite() {
    every_call_fails(&REWRITE, Some(points_of_a_rewrite().0));
}

#[test]
fn history_is_deleted() {
    let points = points_of_a_rewrite().1;
    assert!(points.iter().filter(|point| point.call == Call::Remove).count() == 2, "{points:?}");
    every_call_fails(&Deed { name: "the end of BGREWRITEAOF", ..REWRITE }, Some(points));
}

/// Switched off, and on again while the node runs.
#[test]
fn switched_on() {
    let deed = Deed {
        name: "CONFIG SET appendonly yes",
        arguments: &ALWAYS,
        change: |subject, number| {
            wait_until_well(subject);
            wait_until_tidy(subject);
            subject.said(&["SET", "foo", "value"]).unwrap();
            set_state(subject, number).unwrap();
            subject.said(&["CONFIG", "SET", "appendonly", "no"]).unwrap();
        },
        keep: |subject| {
            let before = reported(subject);
            subject.said(&["CONFIG", "SET", "appendonly", "yes"])?;
            wait_until_rewritten(subject);
            // What failed is tried again by itself.
            wait_until("it is on", || subject.said(&["WAITAOF", "1", "0", "0"]).is_ok());
            subject.kept = subject.asked;
            if reported(subject) > before { Err("the log said it".to_owned()) } else { Ok(()) }
        },
        kept: state_on_disk,
    };
    let points = points_of(&mut subject_with_all(&deed), &deed);
    every_call_fails(&deed, Some(parted_where_the_manifest_is_replaced(1, points).0));
}
