use super::*;
use crate::command::spec::{COMMAND, KeySpec};
use rcl_proto::nodes_text::NodeFlags;
use rcl_proto::{NodeId, SLOT_COUNT};

const READ: CommandSpec = CommandSpec { name: "get", keys: &[KeySpec::first(0)], ..COMMAND };
const WRITE: CommandSpec =
    CommandSpec { name: "set", flags: flag::WRITE, keys: &[KeySpec::first(0)], ..COMMAND };
const MIGRATE: CommandSpec =
    CommandSpec { name: "migrate", flags: flag::WRITE, keys: &[KeySpec::at(3, 0)], ..COMMAND };
const RESTORE: CommandSpec = CommandSpec {
    name: "restore-asking",
    flags: flag::WRITE | flag::ASKING,
    keys: &[KeySpec::first(0)],
    ..COMMAND
};
static SPECS: [CommandSpec; 4] = [READ, WRITE, MIGRATE, RESTORE];

fn node(number: u8, port: u16, master: Option<u16>) -> MapNode {
    MapNode {
        id: NodeId::from_bits([number; 20]),
        ip: "127.0.0.1".into(),
        hostname: format!("host-{number}").into(),
        port,
        second_port: 0,
        bus_port: port + 10000,
        flags: if master.is_some() { NodeFlags::REPLICA } else { NodeFlags::MASTER },
        master: master.map(NodeIndex),
    }
}

/// Slot 0 is ours, slot 1 is the other master's (7002), slot 2 nobody's.
fn map() -> ClusterMap {
    let mut owners = Box::new([ClusterMap::NOBODY; SLOT_COUNT]);
    owners[0] = 0;
    owners[1] = 1;
    ClusterMap {
        version: 1,
        state: ClusterState::Ok,
        allow_reads_when_down: false,
        allow_pubsubshard_when_down: true,
        myself: NodeIndex(0),
        nodes: vec![node(1, 7001, None), node(2, 7002, None)],
        owners,
        migrating: Vec::new(),
        importing: Vec::new(),
    }
}

fn ask(map: &ClusterMap, name: &str, slot: u16, asker: Asker, keys: (usize, usize)) -> Result<(), String> {
    let spec = SPECS.iter().find(|spec| spec.name == name).unwrap();
    let question = Question {
        spec,
        is_write: spec.is_write(),
        slot: Slot::new(slot).unwrap(),
        is_channel: false,
        asker,
        endpoint: EndpointType::Ip,
    };
    route(map, &question, || keys).map_err(|error| error.text().to_owned())
}

const NOBODY: Asker = Asker { asking: false, readonly: false };
const ASKING: Asker = Asker { asking: true, readonly: false };
const READONLY: Asker = Asker { asking: false, readonly: true };
const TRY_AGAIN_TEXT: &str = "TRYAGAIN Multiple keys request during rehashing of slot";

#[test]
fn who_owns_the_slot_answers() {
    let map = map();
    assert_eq!(ask(&map, "get", 0, NOBODY, (1, 1)), Ok(()));
    assert_eq!(ask(&map, "get", 1, NOBODY, (1, 1)), Err("MOVED 1 127.0.0.1:7002".into()));
    assert_eq!(ask(&map, "get", 2, NOBODY, (1, 1)), Err("CLUSTERDOWN Hash slot not served".into()));
}

#[test]
fn the_endpoint_is_written_as_configured() {
    let map = map();
    let node = &map.nodes[1];
    assert_eq!(host(node, EndpointType::Hostname), "host-2");
    assert_eq!(host(&MapNode { hostname: "".into(), ..node.clone() }, EndpointType::Hostname), "?");
    assert_eq!(host(node, EndpointType::UnknownEndpoint), "");
}

#[test]
fn a_migrating_slot_answers_for_the_keys_that_are_still_here() {
    let mut map = map();
    map.migrating.push((Slot::MIN, NodeIndex(1)));
    assert_eq!(ask(&map, "get", 0, NOBODY, (1, 0)), Ok(()));
    assert_eq!(ask(&map, "get", 0, NOBODY, (1, 1)), Err("ASK 0 127.0.0.1:7002".into()));
    assert_eq!(ask(&map, "get", 0, NOBODY, (2, 2)), Err("ASK 0 127.0.0.1:7002".into()));
    assert_eq!(ask(&map, "get", 0, NOBODY, (2, 1)), Err(TRY_AGAIN_TEXT.into()));
    assert_eq!(ask(&map, "migrate", 0, NOBODY, (1, 1)), Ok(()));
}

#[test]
fn an_importing_slot_answers_only_those_who_ask() {
    let mut map = map();
    map.importing.push((Slot::new(1).unwrap(), NodeIndex(1)));
    assert_eq!(ask(&map, "get", 1, NOBODY, (1, 0)), Err("MOVED 1 127.0.0.1:7002".into()));
    assert_eq!(ask(&map, "get", 1, ASKING, (1, 1)), Ok(()));
    assert_eq!(ask(&map, "get", 1, ASKING, (2, 1)), Err(TRY_AGAIN_TEXT.into()));
    assert_eq!(ask(&map, "get", 1, ASKING, (2, 0)), Ok(()));
    assert_eq!(ask(&map, "restore-asking", 1, NOBODY, (1, 1)), Ok(()));
    assert_eq!(ask(&map, "migrate", 1, NOBODY, (1, 1)), Ok(()));
}

#[test]
fn a_channel_of_an_open_slot_is_not_looked_for() {
    let mut map = map();
    map.migrating.push((Slot::MIN, NodeIndex(1)));
    map.importing.push((Slot::new(1).unwrap(), NodeIndex(1)));
    let ask = |slot, asker| {
        let slot = Slot::new(slot).unwrap();
        let question = Question {
            spec: &READ,
            is_write: false,
            slot,
            is_channel: true,
            asker,
            endpoint: EndpointType::Ip,
        };
        route(&map, &question, || (2, 2)).map_err(|error| error.text().to_owned())
    };
    assert_eq!(ask(0, NOBODY), Ok(()));
    assert_eq!(ask(1, NOBODY), Err("MOVED 1 127.0.0.1:7002".into()));
    assert_eq!(ask(1, ASKING), Ok(()));
}

#[test]
fn a_cluster_that_is_down_answers_nobody_or_readers() {
    let mut map = map();
    map.state = ClusterState::Down(rcl_cluster::DownReason::Minority);
    assert_eq!(ask(&map, "get", 0, NOBODY, (1, 0)), Err("CLUSTERDOWN The cluster is down".into()));
    map.allow_reads_when_down = true;
    assert_eq!(ask(&map, "get", 0, NOBODY, (1, 0)), Ok(()));
    let writes = "CLUSTERDOWN The cluster is down and only accepts read commands";
    assert_eq!(ask(&map, "set", 0, NOBODY, (1, 0)), Err(writes.into()));
}

#[test]
fn a_replica_answers_reads_of_its_master_s_slots_to_who_said_readonly() {
    let mut map = map();
    map.nodes[0] = node(1, 7001, Some(1));
    assert_eq!(ask(&map, "get", 1, READONLY, (1, 0)), Ok(()));
    assert_eq!(ask(&map, "get", 1, NOBODY, (1, 0)), Err("MOVED 1 127.0.0.1:7002".into()));
    assert_eq!(ask(&map, "set", 1, READONLY, (1, 0)), Err("MOVED 1 127.0.0.1:7002".into()));
}

#[test]
fn who_waits_on_a_slot_is_sent_on_when_it_leaves() {
    let mut map = map();
    let verdict = |map: &ClusterMap, slot: u16| {
        route_waiting(map, Slot::new(slot).unwrap(), EndpointType::Ip)
            .map_err(|error| error.text().to_owned())
    };
    map.migrating.push((Slot::MIN, NodeIndex(1)));
    assert_eq!(verdict(&map, 0), Ok(()));
    assert_eq!(verdict(&map, 1), Err("MOVED 1 127.0.0.1:7002".into()));
    assert_eq!(verdict(&map, 2), Err("CLUSTERDOWN Hash slot not served".into()));
    map.importing.push((Slot::new(1).unwrap(), NodeIndex(1)));
    assert_eq!(verdict(&map, 1), Ok(()));
    map.state = ClusterState::Down(rcl_cluster::DownReason::Minority);
    map.allow_reads_when_down = true;
    assert_eq!(verdict(&map, 0), Err("CLUSTERDOWN The cluster is down".into()));
}
