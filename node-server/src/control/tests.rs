//! A control thread with its node, in this process: what it waits for and what it does not.

use std::path::PathBuf;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use rcl_proto::{Slot, SlotRange};

use super::*;
use crate::clock;
use crate::config::Config;
use crate::disk::RealDisk;

/// Far longer than anything takes: it only ends a test that fails.
const PATIENCE: Duration = Duration::from_secs(60);

struct Running {
    node: Arc<Node>,
    control: ControlHandle,
    folder: PathBuf,
}

impl Running {
    fn start(name: &str) -> Running {
        let folder = std::env::temp_dir().join(format!("rcl-control-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let arguments = ["--cluster-enabled", "yes", "--bind", "127.0.0.1", "--port", "1", "--dir"];
        let mut arguments: Vec<std::ffi::OsString> = arguments.iter().map(Into::into).collect();
        arguments.push(folder.clone().into());
        let loaded = crate::config::load(&arguments, &folder, &mut std::io::empty()).unwrap();
        let mut settings = loaded.config.settings();
        // The kernel chooses the bus's port; nobody connects to it here.
        let disk: Arc<dyn Disk> = Arc::new(RealDisk);
        let prepared = loop {
            settings.cluster_port = free_port();
            match Prepared::open(&settings, &disk) {
                Ok(prepared) => break prepared,
                Err(StartError::Bind(_)) => continue,
                Err(error) => panic!("{error}"),
            }
        };
        let config: Config = loaded.config;
        let node = Arc::new(Node::new(config, None, "0".repeat(40), 0, 1));
        let control = prepared.start(&node).unwrap();
        Running { node, control, folder }
    }

    fn data_are_there(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(self.control.data_are_there());
    }

    fn load_a_key(&self, slot: Slot) {
        let mut shard = self.node.shards.lock_slot(slot);
        let key = shard.keyspace.hasher().key_in_slot(b"key", slot);
        shard.keyspace.insert(0, &key, rcl_store::types::Value::Int(1), None);
    }

    fn ask(&self, command: Command) -> Receiver<Reply> {
        let (sender, answered) = mpsc::channel();
        let answer: Answer = Box::new(move |reply, _| drop(sender.send(reply.clone())));
        assert!(self.control.send(ControlMessage::Command { command, answer }));
        answered
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn add_slot(number: u16) -> Command {
    let slot = Slot::new(number).unwrap();
    Command::AddSlots(vec![SlotRange::new(slot, slot).unwrap()])
}

#[test]
fn every_shard_has_a_map_when_the_start_is_over() {
    let running = Running::start("start");
    running.node.shards.each(|shard| assert!(shard.map.is_some()));
}

#[test]
fn a_change_is_answered_when_every_shard_and_the_disk_have_it() {
    let running = Running::start("change");
    let answered = running.ask(add_slot(5));
    assert_eq!(answered.recv_timeout(PATIENCE), Ok(Reply::Ok));
    let slot = Slot::new(5).unwrap();
    running.node.shards.each(|shard| {
        assert_eq!(shard.map.as_ref().unwrap().owner(slot), rcl_cluster::SlotOwner::Myself);
    });
    let text = std::fs::read_to_string(running.folder.join("nodes.conf")).unwrap();
    assert!(text.contains(" connected 5\n"), "{text}");
}

#[test]
fn a_shard_that_is_busy_holds_up_changes_but_not_the_cluster() {
    let running = Running::start("busy");
    let shard = running.node.shards.lock(0);
    let change = running.ask(add_slot(7));
    for _ in 0..100 {
        let Ok(Reply::Text(text)) = running.ask(Command::Info).recv_timeout(PATIENCE) else { panic!() };
        assert!(text.contains("cluster_slots_assigned:1"), "{text}");
    }
    assert!(change.try_recv().is_err(), "answered although a shard does not know");
    drop(shard);
    assert_eq!(change.recv_timeout(PATIENCE), Ok(Reply::Ok));
}

#[test]
fn a_shard_that_is_busy_keeps_no_news_from_the_others() {
    let running = Running::start("news");
    let busy = running.node.shards.lock(0);
    let mut changes = Vec::new();
    // The second map comes while the first one still waits for the busy shard.
    for number in [7, 9] {
        changes.push(running.ask(add_slot(number)));
        let slot = Slot::new(number).unwrap();
        let is_known = |index: usize| {
            let map = running.node.shards.lock(index).map.clone();
            map.is_some_and(|map| map.owner(slot) == rcl_cluster::SlotOwner::Myself)
        };
        let start = clock::monotonic();
        while !(1..running.node.shards.count()).all(is_known) {
            assert!(start.elapsed() < PATIENCE);
            thread::yield_now();
        }
    }
    assert!(changes.iter().all(|change| change.try_recv().is_err()));
    drop(busy);
    assert!(changes.iter().all(|change| change.recv_timeout(PATIENCE) == Ok(Reply::Ok)));
}

#[test]
fn a_disk_that_fails_is_told_and_tried_again() {
    let running = Running::start("disk");
    // After it the disk thread has nothing to do, so the obstacle is not in the way of the start's state.
    assert_eq!(running.ask(Command::SaveConfig).recv_timeout(PATIENCE), Ok(Reply::Ok));
    let obstacle = running.folder.join("nodes.conf.new");
    std::fs::create_dir(&obstacle).unwrap();
    let answered = running.ask(add_slot(9)).recv_timeout(PATIENCE);
    let Ok(Reply::Error(text)) = answered else { panic!("{answered:?}") };
    assert!(text.starts_with("ERR error saving the cluster node config: "), "{text}");
    assert!(matches!(running.ask(Command::Info).recv_timeout(PATIENCE), Ok(Reply::Text(_))));
    std::fs::remove_dir(&obstacle).unwrap();
    assert_eq!(running.ask(Command::SaveConfig).recv_timeout(PATIENCE), Ok(Reply::Ok));
    let text = std::fs::read_to_string(running.folder.join("nodes.conf")).unwrap();
    assert!(text.contains(" connected 9\n"), "{text}");
}

#[test]
fn slots_of_keys_that_were_loaded_are_taken_when_the_data_are_there() {
    let running = Running::start("adopt");
    let nodes = || match running.ask(Command::Nodes).recv_timeout(PATIENCE) {
        Ok(Reply::Text(text)) => text,
        answer => panic!("{answer:?}"),
    };
    running.load_a_key(Slot::new(11).unwrap());
    assert!(nodes().ends_with(" connected\n"), "{}", nodes());
    running.data_are_there();
    assert!(nodes().ends_with(" connected 11\n"), "{}", nodes());
    let is_served = |shard: &mut crate::shard::Shard| {
        let map = shard.map.as_ref().unwrap();
        assert_eq!(map.owner(Slot::new(11).unwrap()), rcl_cluster::SlotOwner::Myself);
    };
    running.node.shards.each(is_served);
}

#[test]
fn what_is_about_data_waits_until_they_are_loaded() {
    let running = Running::start("load");
    let slot = Slot::new(3).unwrap();
    let has_key = || running.node.shards.lock_slot(slot).holds(0, slot, b"key", 0);
    let (acknowledge, mut acknowledgements) = unbounded_channel();
    let jobs = applier::start(running.node.clone(), acknowledge).unwrap();
    running.load_a_key(slot);
    jobs.send(applier::Job::FlushData).unwrap();
    let map = running.node.shards.lock(0).map.clone().unwrap();
    jobs.send(applier::Job::Map(map)).unwrap();
    let next = acknowledgements.blocking_recv();
    assert!(matches!(next, Some(Acknowledgement::Applied { .. })), "{next:?}");
    assert!(has_key());
    jobs.send(applier::Job::Loaded).unwrap();
    match acknowledgements.blocking_recv() {
        Some(Acknowledgement::Loaded { slots }) => assert!(slots.is_empty(), "{slots}"),
        next => panic!("{next:?}"),
    }
    assert!(!has_key());
}
