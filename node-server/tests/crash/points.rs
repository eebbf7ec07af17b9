//! Every call on the way to the disk fails in turn: it is reported, reads go on, and nothing that was kept is lost.
//!
//! A deed (SAVE, CONFIG REWRITE, …) is done once with a count of its calls. Then for each of these calls and each way in which
//! it can fail, the deed is done again with that fault, and after it without. What a node that starts on the folder after the fault
//! has must be the last state that was acknowledged, or a newer one that was asked for.

mod aof;
mod data;
mod files;
mod start;

use std::time::{Duration, Instant};

use rcl_proto::resp::Reply;

use crate::child::{Home, Node, Under};
use crate::disks::faulty::{Call, Fault, Point};
use crate::disks::kind_of;
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
    /// Makes the state with this number, before anything fails.
    change: fn(&mut Subject, u64),
    /// Keeps it, while a call fails; an error when it is said that it could not be kept.
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

    fn try_it(&mut self, deed: &Deed, faults: &[(Point, Fault)]) -> Result<(), String> {
        self.asked += 1;
        (deed.change)(self, self.asked);
        self.node.begin(faults);
        let said = (deed.keep)(self);
        if said.is_ok() {
            self.kept = self.asked;
        }
        said
    }

    /// What is in the folder, but for numbers in names.
    fn names(&self) -> Vec<String> {
        let mut kinds: Vec<_> = self.home.names().iter().map(|name| kind_of(name.as_ref())).collect();
        kinds.sort();
        kinds
    }
}

fn resolve(deed: &Deed, home: &Home) -> Vec<String> {
    let data = home.data().into_os_string().into_string().unwrap();
    deed.arguments.iter().map(|argument| argument.replace("DATA", &data)).collect()
}

/// Each call that can fail while the deed is done.
fn points_of(subject: &mut Subject, deed: &Deed) -> Vec<Point> {
    subject.try_it(deed, &[]).expect("nothing is wrong");
    if subject.node.has_ended() {
        // Nobody is left to ask: the deed is the same as one that leaves the node there.
        subject.go_on();
        return Vec::new();
    }
    let mut points = subject.node.met();
    points.retain(|point| point.call != Call::Read);
    points
}

/// When nothing changes any more.
fn settled_names(subject: &Subject) -> Vec<String> {
    let mut names = subject.names();
    let mut since = Instant::now();
    wait_until("nothing is left to do", || {
        let now = subject.names();
        if now != names {
            (names, since) = (now, Instant::now());
        }
        since.elapsed() > Duration::from_millis(300)
    });
    names
}

/// Does what the header says; gives the number of faults.
fn every_call_fails(deed: &Deed, points: Option<Vec<Point>>) -> usize {
    let mut subject = subject_with_all(deed);
    let points = points.unwrap_or_else(|| points_of(&mut subject, deed));
    assert!(!points.is_empty());
    let names = settled_names(&subject);
    let mut count = 0;
    for point in &points {
        for &fault in Fault::of(point.call) {
            fails_and_goes_on(&mut subject, deed, &[(point.clone(), fault)], &names);
            count += 1;
        }
    }
    println!("{}: {} calls on the way to the disk, failed in {count} ways", deed.name, points.len());
    count
}

/// A call fails, and then each that is made to make good for it.
fn every_call_after_a_fault_fails(deed: &Deed, until_well: fn(&mut Subject)) {
    let mut subject = subject_with_all(deed);
    let names = settled_names(&subject);
    let mut count = 0;
    for (first, later) in faults_and_what_follows(&mut subject, deed, until_well) {
        for second in later {
            fails_and_goes_on(&mut subject, deed, &[first.clone(), (second, Fault::Io)], &names);
            count += 1;
        }
    }
    println!("{}: {count} pairs of calls on the way to the disk failed", deed.name);
}

/// A call fails, and the process is killed before each that is made to make good for it. `begin` has the newest state kept, and is
/// not answered.
fn killed_after_a_fault(deed: &Deed, until_well: fn(&mut Subject), begin: fn(&mut Subject)) {
    let mut subject = subject_with_all(deed);
    let names = settled_names(&subject);
    let mut count = 0;
    for (first, later) in faults_and_what_follows(&mut subject, deed, until_well) {
        for second in later {
            let what = format!("{}: {} with {}, then killed before {second}", deed.name, first.0, first.1);
            subject.asked += 1;
            let number = subject.asked;
            (deed.change)(&mut subject, number);
            subject.node.begin(&[first.clone(), (second, Fault::Halt)]);
            begin(&mut subject);
            wait_until(&what, || subject.node.has_halted());
            assert!(!subject.node.has_ended(), "{what}: it ended by itself");
            subject.node.kill();
            let (on_disk, kept) = ((deed.kept)(&subject.home).unwrap(), subject.kept);
            assert!(
                (kept..=subject.asked).contains(&on_disk),
                "{what}: state {on_disk} is on the disk, {kept} was acknowledged"
            );
            subject.go_on();
            assert_eq!(subject.try_it(deed, &[]), Ok(()), "{what}: it works again");
            wait_until(&format!("{what}: nothing but {names:?} is left"), || subject.names() == names);
            count += 1;
        }
    }
    println!("{}: killed at {count} places behind a call that failed", deed.name);
}

/// Each call that fails, with those that are made to make good for it.
fn faults_and_what_follows(
    subject: &mut Subject,
    deed: &Deed,
    until_well: fn(&mut Subject),
) -> Vec<((Point, Fault), Vec<Point>)> {
    let mut all = Vec::new();
    for point in points_of(subject, deed) {
        let is_write = point.call == Call::Write;
        let first = (point.clone(), if is_write { Fault::Torn } else { Fault::Io });
        let said = subject.try_it(deed, std::slice::from_ref(&first));
        assert!(said.is_err(), "{point}: nobody was told");
        until_well(subject);
        // A write that is torn fails at the next call.
        let own = if is_write { 2 } else { 1 };
        let later = subject.node.met().into_iter().skip_while(|met| *met != point).skip(own);
        let later: Vec<Point> = later.filter(|point| point.call != Call::Read).collect();
        assert!(!later.is_empty(), "{point}: it was not made good");
        all.push((first, later));
    }
    all
}

/// With what is created once only.
fn subject_with_all(deed: &Deed) -> Subject {
    let mut subject = Subject::new(deed);
    subject.try_it(deed, &[]).expect("nothing is wrong");
    if subject.node.has_ended() {
        subject.go_on();
    }
    subject
}

fn fails_and_goes_on(subject: &mut Subject, deed: &Deed, faults: &[(Point, Fault)], names: &[String]) {
    let shown: Vec<_> = faults.iter().map(|(point, fault)| format!("{point} with {fault}")).collect();
    let what = format!("{}: {}", deed.name, shown.join(", then "));
    let said = subject.try_it(deed, faults);
    if faults.iter().all(|(_, fault)| *fault == Fault::Short) {
        assert_eq!(said, Ok(()), "{what}: the rest could be written");
    } else {
        assert!(said.is_err(), "{what}: nobody was told");
    }
    if subject.node.has_ended() {
        assert_eq!(said, Ok(()), "{what}: it ended");
        subject.go_on();
    } else {
        assert_eq!(subject.text(&["GET", "foo"]), "value", "{what}: reads go on");
        wait_until(&format!("{what}: all were met"), || subject.node.hits() == faults.len());
        assert_eq!(subject.node.end(), faults.len(), "{what}: they were met");
    }
    if let Some(on_disk) = (deed.kept)(&subject.home) {
        let acknowledged = subject.kept;
        assert!(
            (acknowledged..=subject.asked).contains(&on_disk),
            "{what}: state {on_disk} is on the disk, {acknowledged} was acknowledged"
        );
    }
    assert_eq!(subject.try_it(deed, &[]), Ok(()), "{what}: it works again");
    if subject.node.has_ended() {
        subject.go_on();
    }
    if let Some(on_disk) = (deed.kept)(&subject.home) {
        assert_eq!(on_disk, subject.kept, "{what}: after it");
    }
    if faults.iter().any(|(point, _)| point.call == Call::Remove) {
        // What could not be removed is there until the next start.
        subject.node.kill();
        subject.go_on();
    }
    // Some of it goes in the background.
    wait_until(&format!("{what}: nothing but {names:?} is left"), || subject.names() == names);
}
