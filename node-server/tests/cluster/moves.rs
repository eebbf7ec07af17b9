//! Slots move between our nodes and redis-server, as redis-cli moves them, while clients write.

use rcl_proto::resp::Reply;

use super::client::Client;
use super::handover::start_load;
use super::server::{Kind, Server, cluster};
use super::typed;
use crate::harness::has_redis;
use crate::load::{Item, Load};
use Kind::{Ours, Redis};

/// Slots of the first master in which the load has keys.
fn moving() -> Vec<u16> {
    let mut slots: Vec<u16> = (0..40).map(|number| Item::in_lane(0, 0, number).slot.number()).collect();
    slots.sort_unstable();
    slots.dedup();
    slots
}

fn open(servers: &mut [Server], from: usize, to: usize, slot: u16) {
    let (source, target) = (servers[from].id(), servers[to].id());
    servers[to].must(&format!("CLUSTER SETSLOT {slot} IMPORTING {source}"));
    servers[from].must(&format!("CLUSTER SETSLOT {slot} MIGRATING {target}"));
}

/// Some of a slot's keys go over; false when there was none left.
fn carry(servers: &mut [Server], from: usize, to: usize, slot: u16) -> bool {
    let Reply::Array(keys) = servers[from].ask(&format!("CLUSTER GETKEYSINSLOT {slot} 10")) else {
        panic!("GETKEYSINSLOT")
    };
    if keys.is_empty() {
        return false;
    }
    let names: Vec<_> = keys.iter().map(|key| String::from_utf8_lossy(key.as_bytes().unwrap())).collect();
    let port = servers[to].port;
    let answer = servers[from].ask(&format!("MIGRATE 127.0.0.1 {port}  0 10000 KEYS {}", names.join(" ")));
    assert!(matches!(&answer, Reply::Simple(word) if word == "OK" || word == "NOKEY"), "{answer:?}");
    true
}

/// The target first: from then on it takes what the source sends on.
fn close(servers: &mut [Server], from: usize, to: usize, slot: u16) {
    let target = servers[to].id();
    let others = (0..servers.len()).filter(|at| ![from, to].contains(at));
    for at in [to, from].into_iter().chain(others) {
        servers[at].must(&format!("CLUSTER SETSLOT {slot} NODE {target}"));
    }
}

/// All are open until the keys are over and a client was sent after them.
fn move_slots(servers: &mut [Server], from: usize, to: usize, load: &Load) {
    let slots = moving();
    slots.iter().for_each(|&slot| open(servers, from, to, slot));
    slots.iter().for_each(|&slot| while carry(servers, from, to, slot) {});
    load.wait_until("a client is sent after its key", |phase| phase.asked > 0);
    slots.iter().for_each(|&slot| close(servers, from, to, slot));
}

fn contents(server: &Server) -> Vec<String> {
    let mut client = Client::connect(server.port).unwrap();
    moving().into_iter().flat_map(|slot| typed::contents(&mut client, slot)).collect()
}

/// Those of the load change; those that were filled in before stay as they are.
fn filled(contents: Vec<String>) -> Vec<String> {
    contents.into_iter().filter(|line| line.starts_with("{t")).collect()
}

/// There, back and there again, between the first two.
fn back_and_forth(kinds: [Kind; 3]) {
    let mut servers = cluster(&kinds, &[]);
    let tags = typed::tags(&moving());
    let mut client = Client::connect(servers[0].port).unwrap();
    tags.iter().for_each(|tag| typed::fill(&mut client, tag));
    let before = filled(contents(&servers[0]));
    assert!(before.len() > 300, "{}", before.len());
    let load = start_load(&servers);
    for (from, to) in [(0, 1), (1, 0), (0, 1)] {
        let channel = format!("{{{}}}:sharded", tags[0]);
        let mut listener = Client::connect(servers[from].port).unwrap();
        let mut bystander = Client::connect(servers[from].port).unwrap();
        listener.try_ask(&format!("SSUBSCRIBE {channel}")).unwrap();
        bystander.try_ask("PSUBSCRIBE *").unwrap();

        move_slots(&mut servers, from, to, &load);
        let phase = load.end_phase();
        phase.assert_clean(&format!("from {:?} to {:?}", kinds[from], kinds[to]));
        assert!(phase.asked > 0 && phase.moved > 0, "nobody was redirected: {phase}");
        assert_eq!(filled(contents(&servers[to])), before);
        assert_eq!(contents(&servers[from]), [""; 0], "they are not there any more");

        // Whoever listened to a channel of the slot is told that it is not there any more.
        let told = [Reply::Bulk("sunsubscribe".into()), Reply::Bulk(channel.into()), Reply::Integer(0)];
        assert_eq!(listener.read().unwrap(), Reply::Array(told.to_vec()));
        assert_eq!(servers[from].ask("PUBLISH any thing"), Reply::Integer(1), "the pattern stays");
    }
    load.stop().0.assert_clean("at the end");
}

#[test]
fn slots_move_from_ours_to_redis_and_back_under_writes() {
    if has_redis("slots_move_from_ours_to_redis_and_back_under_writes") {
        back_and_forth([Ours, Redis, Redis]);
    }
}

#[test]
fn slots_move_from_redis_to_ours_and_back_under_writes() {
    if has_redis("slots_move_from_redis_to_ours_and_back_under_writes") {
        back_and_forth([Redis, Ours, Ours]);
    }
}
