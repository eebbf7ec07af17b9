//! Planted faults: whole worlds in which a member, its disk or its data plane does what it must not, and the checker whose
//! rule that is finds it. (Each checker has the small ones beside it.)

use std::sync::Arc;

use rcl_cluster::packet::{Flags, HEADER_BYTES, Kind};
use rcl_cluster::{Config, Output};

use crate::checkers::peek::Peek;
use crate::faults::Fault;
use crate::life::{self, Lot};
use crate::world::World;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plant {
    /// The disk says that it wrote, and did not.
    DiskLies,
    /// All votes are in one epoch.
    VotesAgain,
    /// The first machine claims the first slots by everybody's epoch.
    ClaimsAll,
    /// The first machine says FAIL of a node of which nobody gossiped.
    FailsAlone,
    /// nodes.conf lacks a line.
    LosesText,
    /// Writes go on during a manual failover.
    NeverPauses,
    /// A master takes writes whatever it finds of the cluster.
    WritesInAMinority,
    /// A replica that is cut off from its master says that it heard of it just now.
    DataAlwaysFresh,
    /// The first machine hears nothing.
    Deaf,
}

impl Plant {
    /// What comes of a member's output.
    pub fn change(self, index: usize, output: Output) -> Output {
        match (self, output) {
            (Plant::LosesText, Output::Persist { seq, text }) => {
                let other = |line: &&str| line.contains("connected") && !line.contains("myself");
                let lost = text.lines().find(other).unwrap_or_default();
                Output::Persist { seq, text: text.replacen(lost, "", 1) }
            }
            (_, Output::Send { link, bytes }) => {
                let mut changed = bytes.to_vec();
                self.change_packet(index, &mut changed);
                Output::Send { link, bytes: Arc::from(changed) }
            }
            (_, output) => output,
        }
    }

    fn change_packet(self, index: usize, bytes: &mut Vec<u8>) {
        let peek = Peek(bytes);
        let heartbeat = matches!(peek.kind(), Some(Kind::Ping | Kind::Pong));
        match self {
            Plant::VotesAgain if peek.kind() == Some(Kind::AuthAck) => {
                bytes[16..24].copy_from_slice(&1_000_u64.to_be_bytes());
            }
            Plant::ClaimsAll if heartbeat && index == 0 && peek.flags().any(Flags::MASTER) => {
                bytes[24..32].copy_from_slice(&2_u64.to_be_bytes());
                bytes[80 + 1_000] |= 1;
            }
            Plant::FailsAlone if heartbeat && index == 0 && peek.gossip_count() > 0 => {
                let about = bytes[HEADER_BYTES..HEADER_BYTES + 40].to_vec();
                bytes.truncate(HEADER_BYTES);
                bytes.extend(about);
                let length = bytes.len() as u32;
                bytes[4..8].copy_from_slice(&length.to_be_bytes());
                bytes[12..16].copy_from_slice(&[0, Kind::Fail as u8, 0, 0]);
                bytes[2253] = 0;
            }
            _ => {}
        }
    }
}

/// Lives seeds with the plant until a checker speaks of it.
fn is_found(plant: Plant, faults: &[Fault], words: &str) {
    let mut others = Vec::new();
    for seed in 1..=12 {
        let lot = Lot { seed, nodes: (6, 8), faults: faults.to_vec() };
        let mut world = World::new(seed, 0, &Config::default());
        life::live_with(&mut world, &lot, |world| world.plant = Some(plant));
        if world.checkers.violations.iter().any(|violation| violation.contains(words)) {
            return;
        }
        others.extend(world.checkers.violations);
    }
    panic!("nobody spoke of {plant:?}, only: {others:#?}");
}

const CRASHES: [Fault; 2] = [Fault::Crash, Fault::Failover];

/// A cluster of three masters and their replicas.
fn cluster(plant: Plant) -> World {
    let config = Config { node_timeout_ms: 1_000, replica_validity_factor: 1, ..Config::default() };
    let mut world = World::new(1, 6, &config);
    world.create(3);
    world.plant = Some(plant);
    world.run_for(1_000);
    world
}

fn assert_found(world: &World, words: &str) {
    let violations = &world.checkers.violations;
    assert!(violations.iter().any(|violation| violation.contains(words)), "{violations:#?}");
}

#[test]
fn a_disk_that_lies_is_found_out() {
    is_found(Plant::DiskLies, &CRASHES, "on disk");
}

#[test]
fn two_votes_in_one_epoch_are_found() {
    is_found(Plant::VotesAgain, &CRASHES, " voted for ");
}

#[test]
fn two_owners_by_one_epoch_are_found() {
    is_found(Plant::ClaimsAll, &CRASHES, "both claim");
}

#[test]
fn a_fail_without_reports_is_found() {
    is_found(Plant::FailsAlone, &CRASHES, "says FAIL of");
}

#[test]
fn a_nodes_conf_that_lacks_a_line_is_found() {
    is_found(Plant::LosesText, &CRASHES, "in the map");
}

#[test]
fn a_manual_failover_during_which_writes_go_on_is_found() {
    is_found(Plant::NeverPauses, &[Fault::Failover], "manual failover");
}

#[test]
fn a_master_that_writes_on_in_a_minority_is_found() {
    let mut world = cluster(Plant::WritesInAMinority);
    (1..6).for_each(|other| world.network.cut_both(0, other));
    world.run_for(20_000);
    assert_found(&world, "ms after 3 replaced it");
}

#[test]
fn a_candidate_with_old_data_is_found() {
    let mut world = cluster(Plant::DataAlwaysFresh);
    world.network.cut_both(0, 3);
    world.run_for(40_000);
    world.crash(0);
    world.run_for(20_000);
    assert_found(&world, "3 stands for election with data of");
}

#[test]
fn a_node_that_does_not_come_to_agree_is_found() {
    is_found(Plant::Deaf, &CRASHES, "no agreement");
}
