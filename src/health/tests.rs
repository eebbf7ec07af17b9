use std::collections::BTreeMap;

use rcl_proto::{NodeId, Slot};

use super::*;
use crate::topology::merge;
use crate::topology::tests_of_merge::{id, view};
use crate::topology::{Facts, View};

const CALM: [&str; 3] = ["1 7001 master - 1 0-8191", "2 7002 master - 2 8192-16383", "3 7003 slave 1 1"];

fn seen(lines: &[&str], viewers: &[u8]) -> Topology {
    let views: Vec<View> = viewers.iter().map(|viewer| view(*viewer, lines)).collect();
    merge(&views, &BTreeMap::from([(id(2), "gone".to_owned())]))
}

fn found(topology: &Topology) -> Vec<Finding> {
    structure(topology, &Strays::default(), "h:1")
}

fn codes(lines: &[&str], viewers: &[u8]) -> Vec<Code> {
    found(&seen(lines, viewers)).iter().map(|finding| finding.code).collect()
}

#[test]
fn a_healthy_cluster_has_no_findings() {
    assert_eq!(codes(&["1 7001 master - 1 0-16383", "3 7003 slave 1 1"], &[1, 3]), []);
}

#[test]
fn each_ailment_has_its_word() {
    let uncovered = ["1 7001 master - 1 0-16382", "3 7003 slave 1 1"];
    assert_eq!(codes(&uncovered, &[1, 3]), [Code::UncoveredSlots]);
    assert_eq!(codes(&["1 7001 master - 1 0-16383"], &[1]), [Code::NoReplica]);
    let lost = ["1 7001 master - 1 0-8191", "2 7002 master,fail - 2 8192-16383", "3 7003 slave 1 1"];
    assert_eq!(codes(&lost, &[1, 3]), [Code::LostShard, Code::NoReplica]);
    let silent = ["1 7001 master - 1 0-8191", "2 7002 master,fail - 2 8192-16383", "3 7003 slave 2 2"];
    assert_eq!(codes(&silent, &[1, 3]), [Code::MasterSilent, Code::NoReplica]);
    let twins = ["1 7001 master - 1 0-8191", "3 7003 master - 1 8192-16383"];
    assert!(codes(&twins, &[1, 3]).contains(&Code::EpochCollision));
    let open = ["1 7001 master - 1 0-8191 [7->-#3]", "3 7003 master - 2 8192-16383"];
    assert!(codes(&open, &[1, 3]).contains(&Code::UnfinishedMove));
    let odd = ["1 7001 master - 1 0-8191 [7-<-#3]", "3 7003 master - 2 8192-16383"];
    assert!(codes(&odd, &[1, 3]).contains(&Code::OpenSlot));
}

#[test]
fn slots_that_are_open_alike_are_one_finding_with_each_node_s_word() {
    let lines = [
        "1 7001 master - 1 0-16383 [5->-#2] [6->-#2] [9->-#2] [7->-#2]",
        "2 7002 master - 2 [7-<-#3]",
        "3 7003 master - 3",
    ];
    let found = found(&seen(&lines, &[1, 2, 3]));
    let open: Vec<&Finding> = found
        .iter()
        .filter(|finding| matches!(finding.code, Code::OpenSlot | Code::UnfinishedMove))
        .collect();
    assert_eq!(open.len(), 2);
    assert!(open[0].what.contains("1 slot: 7 open") && open[0].evidence.len() == 2, "{:?}", open[0]);
    assert!(open[0].evidence[1].says.contains("importing from 127.0.0.1:7003"), "{:?}", open[0]);
    assert!(open[1].what.contains("3 slots: 5-6 9"), "{:?}", open[1]);
    assert_eq!(open[1].evidence[0].says, "migrating 3");
}

/// Ids come by chance.
#[test]
fn the_same_trouble_reads_the_same_whatever_ids_the_nodes_have() {
    let told = |order: [u8; 3]| {
        let [a, b, c] = order;
        let lines = [
            format!("{a} 7001 master - 1 0-8191 [5000-<-#{c}] [5-<-#{b}] [7->-#{c}] [8->-#{b}]"),
            format!("{b} 7002 master - 2 8192-16383 [9000-<-#{a}]"),
            format!("{c} 7003 master - 3 [5-<-#{b}]"),
        ];
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let found = found(&seen(&lines, &[1, 2, 3]));
        let mut text = String::new();
        for finding in found {
            text.push_str(&format!("{}\n", finding.what));
            finding.evidence.iter().for_each(|word| text.push_str(&format!("{} {}\n", word.node, word.says)));
        }
        // Without the ids.
        text.split(" (").map(|part| part.split_once(')').map_or(part, |(_, rest)| rest)).collect::<String>()
    };
    let first = told([1, 2, 3]);
    assert!(
        first.contains("127.0.0.1:7001 importing from 127.0.0.1:7002\n127.0.0.1:7003 importing"),
        "{first}"
    );
    for order in [[2, 1, 3], [3, 1, 2], [3, 2, 1], [1, 3, 2], [2, 3, 1]] {
        assert_eq!(told(order), first, "{order:?}");
    }
}

#[test]
fn a_slot_with_two_owners_is_told_once_with_both_epochs() {
    let first = view(1, &["1 7001 master - 1 0-9000", "2 7002 master - 2 9001-16383"]);
    let second = view(2, &["1 7001 master - 1 0-8191", "2 7002 master - 2 8192-16383"]);
    let found = found(&merge(&[first, second], &BTreeMap::new()));
    let two = found.iter().find(|finding| finding.code == Code::TwoOwners).unwrap();
    assert!(two.what.contains("809 slots: 8192-9000"), "{two:?}");
    assert_eq!(two.evidence[0].says, "mine, by epoch 2");
    assert!(!found.iter().any(|finding| finding.code == Code::ViewsDifferOwner));
}

#[test]
fn a_dead_node_that_only_some_forgot_is_a_ghost() {
    let whole = ["1 7001 master - 1 0-16383", "2 7002 slave,fail 1 1", "3 7003 slave 1 1"];
    let without = ["1 7001 master - 1 0-16383", "3 7003 slave 1 1"];
    let topology = merge(&[view(1, &whole), view(3, &without)], &BTreeMap::from([(id(2), "gone".into())]));
    let found = found(&topology);
    assert_eq!(found.iter().map(|finding| finding.code).collect::<Vec<_>>(), [Code::GhostNode]);
    assert!(found[0].evidence.iter().any(|said| said.says == "failed"), "{found:?}");
    assert_eq!(codes(&whole, &[1, 3]), [Code::NodeSilent]);
}

#[test]
fn links_that_are_down_are_told_by_who_has_them() {
    let down = |mut view: View, to: u8| {
        view.lines.iter_mut().filter(|line| line.id == id(to)).for_each(|line| line.link_connected = false);
        view
    };
    let one_way = [down(view(1, &CALM), 2), view(2, &CALM), view(3, &CALM)];
    let links = |views: &[View]| -> Vec<String> {
        let found = found(&merge(views, &BTreeMap::new()));
        found
            .iter()
            .filter(|finding| finding.code == Code::LinkDown)
            .map(|finding| finding.what.clone())
            .collect()
    };
    let told = links(&one_way);
    assert_eq!(told.len(), 1);
    assert!(
        told[0].contains("7001") && told[0].contains("does not reach the bus of 127.0.0.1:7002"),
        "{told:?}"
    );
    let both = links(&[down(view(1, &CALM), 2), down(view(2, &CALM), 1), view(3, &CALM)]);
    assert!(both.len() == 2 && both[0].ends_with("nor it them"), "{both:?}");
    let all = links(&[down(view(1, &CALM), 2), view(2, &CALM), down(view(3, &CALM), 2)]);
    assert!(all[0].starts_with("no other node reaches"), "{all:?}");
}

#[test]
fn a_replica_apart_from_its_master_is_asked_for_only_where_there_is_another_place() {
    let beside = |other: &str| {
        let mut topology = seen(
            &["1 7001 master - 1 0-8191", "4 7004 master - 2 8192-16383", "3 7003 slave 1 1"],
            &[1, 3, 4],
        );
        topology.nodes.get_mut(&id(4)).unwrap().address.host = other.into();
        found(&topology).iter().any(|finding| finding.code == Code::ReplicaBesideMaster)
    };
    assert!(!beside("127.0.0.1") && beside("10.0.0.2"));
    let in_zone = |zones: [&str; 3]| {
        let mut topology = seen(
            &["1 7001 master - 1 0-8191", "4 7004 master - 2 8192-16383", "3 7003 slave 1 1"],
            &[1, 3, 4],
        );
        for (number, zone) in [1, 3, 4].into_iter().zip(zones) {
            topology.nodes.get_mut(&id(number)).unwrap().facts.as_mut().unwrap().zone =
                (!zone.is_empty()).then(|| zone.into());
        }
        found(&topology).iter().any(|finding| finding.code == Code::ReplicaInMasterZone)
    };
    assert!(
        in_zone(["a", "a", "b"])
            && !in_zone(["a", "b", "b"])
            && !in_zone(["", "", ""])
            && !in_zone(["a", "a", "a"])
    );
}

#[test]
fn a_replica_is_late_when_the_backlog_does_not_reach_it() {
    let late = |behind: u64| {
        let mut topology = seen(&CALM, &[1, 2, 3]);
        let facts = |node: &mut crate::topology::Node, offset| {
            node.facts = Some(Facts {
                replication_offset: offset,
                backlog_bytes: 1000,
                ..node.facts.clone().unwrap()
            });
        };
        facts(topology.nodes.get_mut(&id(1)).unwrap(), 5000);
        facts(topology.nodes.get_mut(&id(3)).unwrap(), 5000 - behind);
        found(&topology).iter().any(|finding| finding.code == Code::ReplicaLag)
    };
    assert!(!late(1000) && late(1001));
}

#[test]
fn stray_keys_are_those_of_slots_that_others_own_and_a_replica_s_are_its_master_s() {
    let topology = seen(&CALM, &[1, 2, 3]);
    let foreign = Strays::foreign(&topology, topology.node(id(3)).unwrap());
    assert_eq!(foreign.len(), 8192);
    assert!(foreign.contains(Slot::MAX));
    let keys = |slot: u16| BTreeMap::from([(Slot::new(slot).unwrap(), 3)]);
    let told = |strays: &[(u8, u16)]| {
        let strays = Strays(strays.iter().map(|(node, slot)| (id(*node), keys(*slot))).collect());
        structure(&topology, &strays, "h:1")
            .into_iter()
            .filter(|finding| finding.code == Code::OrphanKeys)
            .collect::<Vec<_>>()
    };
    let both = told(&[(1, 9000), (3, 9000)]);
    assert_eq!(both.len(), 1);
    assert!(
        both[0].what.contains("holds 3 keys") && both[0].mend.contains("--choose orphan-keys=return"),
        "{both:?}"
    );
    let alone = told(&[(3, 9000)]);
    assert!(alone[0].what.starts_with("the replica"), "{alone:?}");
}

fn ground(settings: &[(&str, &str)]) -> NodeGround {
    NodeGround {
        settings: Some(settings.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()),
        info: BTreeMap::new(),
        lets_everybody_in: false,
        missing_commands: Vec::new(),
        client_door: Door::Open,
        bus_door: Door::Open,
        slowest_ping_ms: 1,
        written_bytes_per_second: 0,
    }
}

fn founded(change: impl Fn(NodeId, &mut NodeGround)) -> Vec<Code> {
    let topology = seen(&CALM, &[1, 2, 3]);
    let mut all = Ground::default();
    for number in 1..=3 {
        let mut here = ground(&[
            ("maxmemory", "1000000"),
            ("maxmemory-policy", "noeviction"),
            ("tls-cluster", "yes"),
            ("repl-backlog-size", "1048576"),
            ("save", "3600 1"),
            ("appendonly", "no"),
            ("min-replicas-to-write", "1"),
            ("cluster-node-timeout", "15000"),
            ("client-output-buffer-limit", "normal 0 0 0 slave 268435456 67108864 60"),
        ]);
        change(id(number), &mut here);
        all.0.insert(id(number), here);
    }
    foundation(&topology, &all, "h:1").iter().map(|finding| finding.code).collect()
}

fn set(here: &mut NodeGround, name: &str, value: &str) {
    here.settings.as_mut().unwrap().insert(name.into(), value.into());
}

#[test]
fn the_checklist_finds_each_of_its_points_and_nothing_where_all_is_well() {
    assert_eq!(founded(|_, _| ()), []);
    type Change = fn(&mut NodeGround);
    let table: &[(Code, Change)] = &[
        (Code::NoMaxmemory, |here| set(here, "maxmemory", "0")),
        (Code::MemoryNearlyFull, |here| drop(here.info.insert("used_memory".into(), "900000".into()))),
        (Code::NoPersistence, |here| set(here, "save", "")),
        (Code::PersistenceFailed, |here| {
            drop(here.info.insert("aof_last_write_status".into(), "err".into()))
        }),
        (Code::BacklogSmall, |here| here.written_bytes_per_second = 100_000),
        (Code::ReplicaBufferSmall, |here| {
            set(here, "client-output-buffer-limit", "normal 0 0 0 replica 5 5 5")
        }),
        (Code::MinReplicas, |here| set(here, "min-replicas-to-write", "0")),
        (Code::NodeTimeout, |here| set(here, "cluster-node-timeout", "500")),
        (Code::BusUnauthenticated, |here| set(here, "tls-cluster", "no")),
        (Code::NoPassword, |here| here.lets_everybody_in = true),
        (Code::CommandMissing, |here| here.missing_commands.push("MIGRATE".into())),
        (Code::SettingsHidden, |here| here.settings = None),
        (Code::AnnouncedAddress, |here| here.client_door = Door::Shut("nobody answers".into())),
        (Code::BusPortBlocked, |here| here.bus_door = Door::Shut("refused".into())),
        (Code::SlowAnswers, |here| here.slowest_ping_ms = 200),
        (Code::FullCoverage, |here| {
            set(here, "cluster-require-full-coverage", "yes");
            set(here, "cluster-allow-reads-when-down", "no");
        }),
        (Code::ReplTimeout, |here| {
            set(here, "repl-timeout", "10");
            set(here, "repl-ping-replica-period", "10");
        }),
        (Code::Keepalive, |here| {
            set(here, "tcp-keepalive", "0");
            set(here, "timeout", "0");
        }),
    ];
    for (code, change) in table {
        let found = founded(|_, here| change(here));
        assert!(!found.is_empty() && found.iter().all(|found| found == code), "{code:?}: {found:?}");
    }
}

#[test]
fn what_differs_between_nodes_is_found() {
    let differ = |name: &'static str, value: &'static str| {
        founded(|node, here| {
            if node == id(3) {
                set(here, name, value);
            }
        })
    };
    assert_eq!(differ("cluster-node-timeout", "5000"), [Code::SettingsDiffer]);
    assert_eq!(differ("maxmemory-policy", "allkeys-lru"), [Code::SettingsDiffer]);
    assert_eq!(differ("logfile", "elsewhere"), [], "that is each node's own");
    let versions = founded(|node, here| {
        let version = if node == id(1) { "7.0.15" } else { "7.2.6" };
        here.info.insert("redis_version".into(), version.into());
    });
    assert_eq!(versions, [Code::VersionSkew]);
    let masterauth = founded(|node, here| {
        set(here, "requirepass", "x");
        set(here, "masterauth", if node == id(2) { "" } else { "x" });
    });
    assert_eq!(masterauth, [Code::MasterauthMissing]);
}

#[test]
fn a_bus_port_that_is_shut_from_here_alone_is_a_notice() {
    let severity = |link_up: bool| {
        let mut topology = seen(&CALM, &[1, 2, 3]);
        topology
            .sights
            .iter_mut()
            .filter(|sight| sight.node == id(2))
            .for_each(|sight| sight.link_up = link_up);
        let shut = NodeGround { bus_door: Door::Shut("refused".into()), ..ground(&[("tls-cluster", "yes")]) };
        foundation(&topology, &Ground(BTreeMap::from([(id(2), shut)])), "h:1")[0].severity
    };
    assert_eq!((severity(true), severity(false)), (Severity::Notice, Severity::Warning));
}

#[test]
fn the_guide_has_every_code() {
    let guide = include_str!("../../docs/health.md");
    for code in <Code as clap::ValueEnum>::value_variants() {
        let word = clap::ValueEnum::to_possible_value(code).unwrap();
        assert!(guide.contains(&format!("`{}`", word.get_name())), "{code:?}");
        assert_eq!(serde_json::to_value(code).unwrap(), word.get_name(), "one word in all formats");
    }
}
