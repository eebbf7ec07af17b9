//! What operators do, step by step: failovers by hand, moved slots, forgotten and reset nodes, published
//! messages; and what the cluster does by itself: failover of a dead master, replica migration, a stale
//! master's way back.

use rcl_cluster::{
    ClusterState, Command, Config, DownReason, FailoverMode, Reply, SetSlot, SetSlotStage, SlotFacts,
    SlotOwner,
};
use rcl_proto::Slot;

use crate::redis_view::RedisView;
use crate::world::{World, range};

const TIMEOUT_MS: u64 = 2_000;
/// For how long a peer is refused before it counts as gone, and for how long an election waits, at that timeout.
const GRACE_MS: u64 = 300;
const DELAY_MS: u64 = TIMEOUT_MS / 30;

fn cluster(seed: u64, masters: usize, count: usize) -> World {
    let config = Config { node_timeout_ms: TIMEOUT_MS, ..Config::default() };
    let mut world = World::new(seed, count, &config);
    world.create(masters);
    world.run_for(3_000);
    world
}

fn name(world: &World, index: usize) -> Vec<u8> {
    world.id(index).expect("it is up").to_string().into_bytes()
}

fn owner_of(world: &World, observer: usize, slot: u16) -> Option<usize> {
    let map = world.machines[observer].map.as_ref()?;
    match map.owner(Slot::new(slot)?) {
        SlotOwner::Nobody => None,
        SlotOwner::Myself => Some(observer),
        SlotOwner::Other(at) => world.by_id(map.node(at)?.id),
    }
}

fn everybody_sees(world: &World, slot: u16, owner: usize) -> bool {
    world.up().collect::<Vec<_>>().into_iter().all(|observer| owner_of(world, observer, slot) == Some(owner))
}

fn error(text: &str) -> Reply {
    Reply::Error(text.to_owned())
}

/// As a resharding tool would, but without waiting for each answer.
fn give_all_slots_away(world: &mut World, source: usize, target: usize) {
    let (source_name, target_name) = (name(world, source), name(world, target));
    let slots: Vec<u16> = (0..=16383).filter(|&slot| owner_of(world, source, slot) == Some(source)).collect();
    for &slot in &slots {
        let slot = Slot::new(slot).unwrap();
        let facts = SlotFacts::default();
        for (index, what) in [
            (target, SetSlot::Importing(source_name.clone())),
            (target, SetSlot::Node(target_name.clone())),
            (source, SetSlot::Node(target_name.clone())),
        ] {
            world.order(index, Command::SetSlot { slot, what, facts, stage: SetSlotStage::Run });
        }
    }
}

#[test]
fn a_dead_master_is_replaced_in_redis_s_time_and_comes_back_as_a_replica() {
    // A ping waits for the timeout, then comes the election; the rest is gossip.
    a_dead_master_is_replaced(false, TIMEOUT_MS + DELAY_MS..TIMEOUT_MS + 2_500);
}

#[test]
fn a_master_whose_process_is_gone_is_replaced_after_the_grace() {
    a_dead_master_is_replaced(true, GRACE_MS + DELAY_MS..GRACE_MS + DELAY_MS * 2 + 300);
}

fn a_dead_master_is_replaced(fast_suspicion: bool, in_ms: std::ops::Range<u64>) {
    for seed in 1..=20 {
        let mut world = cluster(seed, 3, 6);
        for index in 0..6 {
            world.configure(index, |config| config.fast_suspicion = fast_suspicion);
        }
        let died_ms = world.now_ms;
        world.crash(0);
        assert!(
            world.run_until_true(20_000, |world| everybody_sees(world, 0, 3)),
            "seed {seed}: nobody took over"
        );
        let took_ms = world.now_ms - died_ms;
        assert!(in_ms.contains(&took_ms), "seed {seed}: {took_ms} ms");
        assert!(
            world.run_until_true(5_000, |world| world.disagreement().is_none()),
            "{:?}",
            world.disagreement()
        );
        world.start(0);
        let master = world.id(3);
        let follows = |world: &World| world.machines[0].following == master && world.disagreement().is_none();
        assert!(world.run_until_true(10_000, follows), "seed {seed}: {:?}", world.disagreement());
        world.checkers.assert_clean(seed);
    }
}

/// Each asks in its turn: who loses votes to another shard's replica would wait for four node timeouts.
#[test]
fn masters_that_die_together_are_replaced_together() {
    for seed in 1..=10 {
        let mut world = cluster(seed, 10, 20);
        (0..4).for_each(|master| world.crash(master));
        let all_healed = |world: &World| {
            (0..4).all(|master| everybody_sees(world, (master * 16_384 / 10 + 1) as u16, 10 + master))
        };
        assert!(world.run_until_true(2 * TIMEOUT_MS, all_healed), "seed {seed}");
        world.checkers.assert_clean(seed);
    }
}

#[test]
fn a_manual_failover_is_quick_and_loses_nothing() {
    for seed in 1..=20 {
        let mut world = cluster(seed, 3, 6);
        let started_ms = world.now_ms;
        assert_eq!(world.command(3, Command::Failover(FailoverMode::Graceful)), Reply::Ok);
        assert!(world.run_until_true(5_000, |world| everybody_sees(world, 0, 3)), "seed {seed}");
        assert!(world.now_ms - started_ms < 1_000, "seed {seed}: {} ms", world.now_ms - started_ms);
        // The old master took no write that the new one has not, and is not paused any more.
        assert!(world.run_until_true(1_000, |world| !world.machines[0].paused));
        assert_eq!(world.machines[0].following, world.id(3));
        assert_eq!(world.machines[3].promoted_at, Some(world.machines[0].written));
        world.checkers.assert_clean(seed);
    }
}

/// What a driver goes by that looks at the offset more often then.
#[test]
fn a_replica_says_while_its_master_waits_for_it() {
    let mut world = cluster(1, 3, 6);
    world.replication_period_ms = 500;
    world.run_for(600);
    let catches_up =
        |world: &World| world.machines[3].member.as_ref().is_some_and(|member| member.is_catching_up());
    assert!(!catches_up(&world));
    world.order(3, Command::Failover(FailoverMode::Graceful));
    assert!(world.run_until_true(400, catches_up));
    assert!(world.run_until_true(1_000, |world| !catches_up(world)));
    assert!(world.run_until_true(1_000, |world| everybody_sees(world, 0, 3)));
}

/// An operator wants the old master back, and then changes his mind: the masters voted about this shard a moment ago.
#[test]
fn right_after_an_automatic_failover_an_operator_may_have_it_both_ways() {
    for seed in 1..=20 {
        let mut world = cluster(seed, 3, 6);
        world.crash(0);
        assert!(world.run_until_true(20_000, |world| everybody_sees(world, 0, 3)), "seed {seed}");
        world.start(0);
        for (index, old) in [(0, 3), (3, 0)] {
            let follows = |world: &World| {
                world.machines[index].following == world.id(old) && world.disagreement().is_none()
            };
            assert!(world.run_until_true(10_000, follows), "seed {seed}: {:?}", world.disagreement());
            assert_eq!(world.command(index, Command::Failover(FailoverMode::Graceful)), Reply::Ok);
            assert!(world.run_until_true(1_000, |world| everybody_sees(world, 0, index)), "seed {seed}");
        }
        world.checkers.assert_clean(seed);
    }
}

/// It was replaced, and can't know.
#[test]
fn a_master_that_starts_where_it_is_cut_off_serves_nobody() {
    let mut world = cluster(1, 3, 6);
    (1..6).for_each(|other| world.network.cut_both(0, other));
    assert!(world.run_until_true(20_000, |world| owner_of(world, 1, 0) == Some(3)));
    world.crash(0);
    world.start(0);
    let serves =
        |world: &World| world.machines[0].map.as_ref().is_some_and(|map| map.state == ClusterState::Ok);
    assert!(!world.run_until_true(10_000, serves));
    world.network.cut.clear();
    assert!(world.run_until_true(20_000, |world| world.disagreement().is_none()));
    assert_eq!(world.machines[0].following, world.id(3));
}

/// It reaches the others, but nobody can connect to it: the news must come on its own links.
#[test]
fn a_replaced_master_that_refuses_connections_still_hears_of_it() {
    for seed in 1..=5 {
        let mut world = cluster(seed, 3, 6);
        world.crash(0);
        assert!(world.run_until_true(20_000, |world| owner_of(world, 1, 0) == Some(3)), "seed {seed}");
        world.network.refusing.insert(0);
        world.start(0);
        let follows = |world: &World| world.machines[0].following == world.id(3);
        assert!(world.run_until_true(2_000, follows), "seed {seed}");
    }
}

/// Most nodes hear from the old master that it is a replica now before they hear from the new one what it has.
#[test]
fn a_planned_hand_over_is_no_outage_of_the_cluster() {
    let is_down = |world: &World| {
        world.up().any(|at| world.machines[at].map.as_ref().unwrap().state != ClusterState::Ok)
    };
    for seed in 1..=40 {
        let mut world = cluster(seed, 3, 6);
        assert!(!is_down(&world));
        assert_eq!(world.command(3, Command::Failover(FailoverMode::Graceful)), Reply::Ok);
        assert!(!world.run_until_true(2_000, is_down), "seed {seed}");
        assert!(everybody_sees(&world, 0, 3), "seed {seed}");
    }
}

/// Who steps down tells everybody first who has its slots: so no peer, however strict, is left with slots of nobody.
#[test]
fn who_steps_down_names_the_winner_first() {
    let hand_over = |world: &mut World| {
        assert_eq!(world.command(3, Command::Failover(FailoverMode::Graceful)), Reply::Ok);
    };
    let give_away = |world: &mut World| give_all_slots_away(world, 0, 1);
    type Act = fn(&mut World);
    let ways: [(Act, usize, u64); 2] = [(hand_over, 3, 40), (give_away, 1, 1)];
    for (act, winner, seeds) in ways {
        for seed in 1..=seeds {
            let mut world = cluster(seed, 3, 6);
            let maps: Vec<_> = world.machines.iter().map(|machine| machine.map.clone().unwrap()).collect();
            world.keep_packets = true;
            world.run_for(2 * TIMEOUT_MS);
            act(&mut world);
            let agreed = |world: &World| {
                world.machines[0].following == world.id(winner) && world.disagreement().is_none()
            };
            assert!(world.run_until_true(20_000, agreed), "seed {seed}: {:?}", world.disagreement());
            for (index, map) in maps.iter().enumerate() {
                let mut view = RedisView::new(map);
                world.kept.iter().filter(|(to, ..)| *to == index).for_each(|(_, _, bytes)| view.take(bytes));
                let loser = world.id(0).unwrap();
                assert!(!view.orphaned.contains(&loser), "seed {seed}: node {index}, winner {winner}");
            }
        }
    }
}

/// A slot that is given up for good is an outage, if only a little later.
#[test]
fn a_slot_whose_owner_became_a_replica_and_that_nobody_claims_is_noticed() {
    let mut world = cluster(1, 3, 6);
    // Its replica is gone, so nobody takes its slots when it is made a replica of another.
    world.crash(3);
    assert!(everybody_sees(&world, 0, 0));
    let last = (0..16384).rev().find(|&slot| owner_of(&world, 0, slot) == Some(0)).unwrap();
    assert_eq!(world.command(0, Command::DelSlots(vec![range(0, last as usize)])), Reply::Ok);
    let replicate = Command::Replicate { node: name(&world, 1), keyspace_empty: true };
    assert_eq!(world.command(0, replicate), Reply::Ok);
    let is_down = |world: &World| world.machines[2].map.as_ref().unwrap().state != ClusterState::Ok;
    assert!(world.run_until_true(5_000, is_down));
}

#[test]
fn a_manual_failover_whose_replica_dies_is_given_up_and_writes_go_on() {
    let mut world = cluster(1, 3, 6);
    world.order(3, Command::Failover(FailoverMode::Graceful));
    assert!(world.run_until_true(1_000, |world| world.machines[0].paused));
    world.crash(3);
    world.run_for(4_000);
    assert!(world.machines[0].paused);
    assert!(world.run_until_true(2_000, |world| !world.machines[0].paused), "the pause must end");
    assert_eq!(owner_of(&world, 0, 0), Some(0));
}

/// The replica has won just before they are cut off from each other; its master cannot know.
#[test]
fn a_master_that_is_cut_off_in_a_manual_failover_takes_no_write_after_it() {
    for seed in 1..=10 {
        let config = Config { node_timeout_ms: 5_000, ..Config::default() };
        let mut world = World::new(seed, 6, &config);
        world.create(3);
        world.run_for(3_000);
        world.order(3, Command::Failover(FailoverMode::Graceful));
        let has_won =
            |world: &World| world.machines[3].member.as_ref().is_none_or(rcl_cluster::Member::is_master);
        assert!(world.run_until_true(3_000, has_won), "seed {seed}");
        (1..6).for_each(|other| world.network.cut_both(0, other));
        if world.machines[0].following.is_some() {
            continue;
        }
        world.run_for(15_000);
        world.network.cut.clear();
        assert!(world.run_until_true(60_000, |world| world.disagreement().is_none()), "seed {seed}");
        let (lost, faults) = world.checkers.lost_writes.judge(&world.ledger, world.held_by_owners());
        assert_eq!((lost, faults), (0, Vec::new()), "seed {seed}");
        world.checkers.assert_clean(seed);
    }
}

#[test]
fn a_takeover_needs_nobody() {
    let mut world = cluster(1, 3, 6);
    // Two of three masters are gone: no majority, no election.
    world.crash(0);
    world.crash(1);
    world.run_for(10_000);
    let state = world.machines[2].map.as_ref().unwrap().state;
    assert_eq!(state, ClusterState::Down(DownReason::Minority));
    let refused = world.command(3, Command::Failover(FailoverMode::Graceful));
    assert_eq!(refused, error("ERR Master is down or failed, please use CLUSTER FAILOVER FORCE"));
    assert_eq!(world.command(3, Command::Failover(FailoverMode::Takeover)), Reply::Ok);
    assert_eq!(world.command(4, Command::Failover(FailoverMode::Takeover)), Reply::Ok);
    assert!(
        world.run_until_true(10_000, |world| everybody_sees(world, 0, 3) && everybody_sees(world, 6000, 4))
    );
    assert!(
        world.run_until_true(10_000, |world| world.disagreement().is_none()),
        "{:?}",
        world.disagreement()
    );
}

#[test]
fn slots_move_as_resharding_tools_move_them() {
    let mut world = cluster(3, 3, 6);
    let (source, target) = (name(&world, 0), name(&world, 1));
    let set = |slot: u16, what: SetSlot, holds_keys: bool| Command::SetSlot {
        slot: Slot::new(slot).unwrap(),
        what,
        facts: SlotFacts { holds_keys },
        stage: SetSlotStage::Run,
    };
    for slot in 0..20 {
        assert_eq!(world.command(1, set(slot, SetSlot::Importing(source.clone()), false)), Reply::Ok);
        assert_eq!(world.command(0, set(slot, SetSlot::Migrating(target.clone()), true)), Reply::Ok);
        let refused = world.command(0, set(slot, SetSlot::Node(target.clone()), true));
        assert_eq!(
            refused,
            error(&format!(
                "ERR Can't assign hashslot {slot} to a different node while I still hold keys for this hash slot."
            ))
        );
        let map = world.machines[0].map.clone().unwrap();
        assert_eq!(
            map.migrating_to(Slot::new(slot).unwrap()).and_then(|at| map.node(at)).unwrap().id,
            world.id(1).unwrap()
        );
        assert_eq!(world.command(1, set(slot, SetSlot::Node(target.clone()), false)), Reply::Ok);
        assert_eq!(world.command(0, set(slot, SetSlot::Node(target.clone()), false)), Reply::Ok);
    }
    let moved = |world: &World| (0..20).all(|slot| everybody_sees(world, slot, 1));
    assert!(world.run_until_true(3_000, moved));
    assert!(world.disagreement().is_none(), "{:?}", world.disagreement());
    world.checkers.assert_clean(3);
}

#[test]
fn a_master_that_gives_its_last_slot_away_follows_the_new_owner() {
    let mut world = cluster(4, 3, 6);
    give_all_slots_away(&mut world, 0, 1);
    let master = world.id(1);
    let follow = |world: &World| {
        [0, 3].iter().all(|&index| world.machines[index].following == master)
            && world.disagreement().is_none()
    };
    assert!(world.run_until_true(20_000, follow), "{:?}", world.disagreement());
}

#[test]
fn a_spare_replica_migrates_to_an_orphaned_master() {
    // Masters 0, 1, 2; replicas 3, 6 of 0; 4 of 1; 5 of 2.
    let mut world = cluster(5, 3, 7);
    world.crash(5);
    let orphan = world.id(2);
    let migrated = |world: &World| [3, 6].iter().any(|&index| world.machines[index].following == orphan);
    assert!(world.run_until_true(30_000, migrated));
    let both = [3, 6].iter().all(|&index| world.machines[index].following == orphan);
    assert!(!both, "one is enough");
}

#[test]
fn how_many_replicas_a_master_keeps_is_asked_anew_when_it_changes() {
    let mut world = cluster(5, 3, 7);
    let spare = [3, 6];
    for index in spare {
        world.configure(index, |config| config.migration_barrier = 2);
    }
    world.crash(5);
    let orphan = world.id(2);
    let migrated = move |world: &World| spare.iter().any(|&index| world.machines[index].following == orphan);
    assert!(!world.run_until_true(30_000, migrated), "its master would keep one, not two");
    for index in spare {
        world.configure(index, |config| {
            config.migration_barrier = 1;
            config.allow_replica_migration = false;
        });
    }
    assert!(!world.run_until_true(30_000, migrated), "it may not");
    for index in spare {
        world.configure(index, |config| config.allow_replica_migration = true);
    }
    assert!(world.run_until_true(30_000, migrated));
}

#[test]
fn a_replica_that_may_not_replace_its_master_does_so_once_it_may() {
    let mut world = cluster(8, 3, 6);
    world.configure(3, |config| config.replica_no_failover = true);
    world.crash(0);
    assert!(!world.run_until_true(20_000, |world| owner_of(world, 1, 0) == Some(3)));
    world.configure(3, |config| config.replica_no_failover = false);
    assert!(world.run_until_true(20_000, |world| owner_of(world, 1, 0) == Some(3)));
}

#[test]
fn a_forgotten_node_stays_forgotten_for_a_minute() {
    let mut world = cluster(6, 3, 7);
    world.crash(6);
    let gone = {
        let map = world.machines[0].map.as_ref().unwrap();
        let known: Vec<_> = (0..6).filter_map(|index| world.id(index)).collect();
        map.nodes.iter().map(|node| node.id).find(|id| !known.contains(id)).unwrap()
    };
    let node = gone.to_string().into_bytes();
    assert_eq!(world.command(0, Command::Forget { node: node.clone() }), Reply::Ok);
    let unknown = error(&format!("ERR Unknown node {gone}"));
    assert_eq!(world.command(0, Command::Replicate { node: node.clone(), keyspace_empty: true }), unknown);
    assert_eq!(world.command(0, Command::Forget { node: node.clone() }), Reply::Ok, "as it was just now");
    let knows = |world: &World, index: usize| {
        world.machines[index].map.as_ref().unwrap().nodes.iter().any(|node| node.id == gone)
    };
    world.run_for(20_000);
    assert!(!knows(&world, 0), "the others still gossip of it, but it is barred");
    for index in 1..6 {
        // Those that were told by the first forgot it already.
        assert_eq!(world.command(index, Command::Forget { node: node.clone() }), Reply::Ok);
    }
    world.run_for(100_000);
    assert!((0..6).all(|index| !knows(&world, index)));
    assert_eq!(world.command(0, Command::Forget { node }), unknown);
    let me = name(&world, 0);
    assert_eq!(
        world.command(0, Command::Forget { node: me }),
        error("ERR I tried hard but I can't forget myself...")
    );
}

#[test]
fn a_reset_node_is_fresh() {
    let mut world = cluster(7, 3, 6);
    let before = world.id(5);
    assert_eq!(
        world.command(0, Command::Reset { hard: true, keyspace_empty: false }),
        error("ERR CLUSTER RESET can't be called with master nodes containing keys")
    );
    assert_eq!(world.command(5, Command::Reset { hard: true, keyspace_empty: false }), Reply::Ok);
    assert_ne!(world.id(5), before);
    let Reply::Text(text) = world.command(5, Command::Nodes) else { panic!() };
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains(" myself,master - 0 0 0 connected\n"), "{text}");
    assert_eq!(world.machines[5].following, None);
}

/// Its line in nodes.conf shows its master's epoch; and its peers know it by no smaller one than it had.
#[test]
fn a_replica_that_restarts_still_has_its_own_config_epoch() {
    let mut world = cluster(7, 3, 6);
    assert_eq!(world.command(3, Command::Failover(FailoverMode::Graceful)), Reply::Ok);
    let follows = |world: &World| world.machines[0].following == world.id(3);
    assert!(world.run_until_true(5_000, follows));
    world.run_for(1_000);
    world.crash(0);
    world.start(0);
    world.run_for(1_000);
    assert_eq!(world.command(0, Command::Reset { hard: false, keyspace_empty: false }), Reply::Ok);
    let Reply::Text(text) = world.command(0, Command::Nodes) else { panic!() };
    assert!(text.contains(" myself,master - 0 0 1 connected\n"), "{text}");
}

/// Its peers connect to the address as they did, and somebody else answers.
#[test]
fn who_takes_over_the_address_of_another_is_not_taken_for_it() {
    for seed in 1..=5 {
        let mut world = cluster(seed, 3, 6);
        let gone = world.id(0).unwrap();
        world.crash(0);
        world.crash(2);
        let ip = world.machines[0].ip.clone();
        world.move_to(2, ip, 7000);
        world.start(2);
        world.run_for(10_000);
        for observer in [1, 3, 4, 5] {
            let Reply::Text(text) = world.command(observer, Command::Nodes) else { panic!() };
            let line = text.lines().find(|line| line.starts_with(&gone.to_string())).unwrap();
            assert_eq!(line.split(' ').nth(6), Some("1"), "seed {seed}: {line}");
        }
        assert!(everybody_sees(&world, 16_383, 2), "seed {seed}");
    }
}

#[test]
fn a_slot_that_was_given_to_a_replica_goes_to_whoever_claims_it() {
    let mut world = cluster(1, 3, 6);
    assert_eq!(world.command(3, Command::Failover(FailoverMode::Graceful)), Reply::Ok);
    assert!(world.run_until_true(5_000, |world| everybody_sees(world, 0, 3)));
    // The replica's own epoch is greater than that of the slot's owner.
    assert_eq!(world.command(0, Command::Failover(FailoverMode::Graceful)), Reply::Ok);
    assert!(world.run_until_true(5_000, |world| everybody_sees(world, 0, 0)));
    let slots = vec![range(16_000, 16_100)];
    assert_eq!(world.command(3, Command::DelSlots(slots.clone())), Reply::Ok);
    assert_eq!(world.command(3, Command::AddSlots(slots)), Reply::Ok);
    assert!(world.run_until_true(5_000, |world| everybody_sees(world, 16_000, 2)));
}

#[test]
fn messages_reach_whom_they_are_for() {
    let mut world = cluster(8, 3, 6);
    world.publish(0, b"to all", false);
    world.publish(0, b"to my shard", true);
    world.run_for(100);
    for index in 1..6 {
        let mut expected = vec![b"to all".to_vec()];
        if index == 3 {
            expected.push(b"to my shard".to_vec());
        }
        assert_eq!(world.machines[index].published, expected, "machine {index}");
    }
}

#[test]
fn commands_are_refused_in_redis_s_words() {
    let mut world = cluster(9, 3, 6);
    let nobody = b"0123456789012345678901234567890123456789".to_vec();
    let replica = name(&world, 3);
    let slots = |first, last| vec![range(first, last)];
    for (index, command, text) in [
        (0, Command::AddSlots(slots(0, 0)), "Slot 0 is already busy"),
        (
            0,
            Command::Replicate { node: nobody.clone(), keyspace_empty: true },
            "Unknown node 0123456789012345678901234567890123456789",
        ),
        (0, Command::Replicate { node: name(&world, 0), keyspace_empty: true }, "Can't replicate myself"),
        (
            0,
            Command::Replicate { node: replica.clone(), keyspace_empty: true },
            "I can only replicate a master, not a replica.",
        ),
        (
            0,
            Command::Replicate { node: name(&world, 1), keyspace_empty: true },
            "To set a master the node must be empty and without assigned slots.",
        ),
        (0, Command::Replicas { node: replica }, "The specified node is not a master"),
        (3, Command::Forget { node: name(&world, 0) }, "Can't forget my master!"),
        (0, Command::FlushSlots { keyspace_empty: false }, "DB must be empty to perform CLUSTER FLUSHSLOTS."),
        (
            0,
            Command::SetConfigEpoch(5),
            "The user can assign a config epoch only when the node does not know any other node.",
        ),
        (
            0,
            Command::Meet { ip: "nowhere".to_owned(), port: 7000, bus_port: None },
            "Invalid node address specified: nowhere:7000",
        ),
        (0, Command::Failover(FailoverMode::Force), "You should send CLUSTER FAILOVER to a replica"),
        (
            3,
            Command::SetSlot {
                slot: Slot::MIN,
                what: SetSlot::Stable,
                facts: SlotFacts::default(),
                stage: SetSlotStage::Run,
            },
            "Please use SETSLOT only with masters.",
        ),
        (
            0,
            Command::SetSlot {
                slot: Slot::MAX,
                what: SetSlot::Migrating(nobody.clone()),
                facts: SlotFacts::default(),
                stage: SetSlotStage::Run,
            },
            "I'm not the owner of hash slot 16383",
        ),
        (
            0,
            Command::SetSlot {
                slot: Slot::MIN,
                what: SetSlot::Migrating(nobody.clone()),
                facts: SlotFacts::default(),
                stage: SetSlotStage::Run,
            },
            "I don't know about node 0123456789012345678901234567890123456789",
        ),
    ] {
        assert_eq!(world.command(index, command), error(&format!("ERR {text}")));
    }
    assert_eq!(world.command(0, Command::DelSlots(slots(0, 0))), Reply::Ok);
    assert_eq!(world.command(0, Command::DelSlots(slots(0, 0))), error("ERR Slot 0 is already unassigned"));
    let twice = vec![range(0, 0), range(0, 0)];
    assert_eq!(world.command(0, Command::AddSlots(twice)), error("ERR Slot 0 specified multiple times"));
}

#[test]
fn nodes_of_our_kind_tell_each_other_their_shards() {
    let mut world = cluster(77, 3, 6);
    let replica = (0..6).find(|&index| !world.machines[index].member.as_ref().unwrap().is_master()).unwrap();
    let master = world.machines[replica].following.and_then(|id| world.by_id(id)).unwrap();
    let other = (0..3).find(|&index| index != master).unwrap();
    let mut shard_of = |index| world.command(index, Command::MyShardId);
    assert_eq!(shard_of(replica), shard_of(master));
    assert_ne!(shard_of(replica), shard_of(other));
}

#[test]
fn a_master_that_was_replaced_stays_in_its_shard() {
    let mut world = cluster(78, 3, 6);
    let gone = world.id(0).unwrap();
    world.crash(0);
    let replaced = |world: &World| owner_of(world, 1, 0).is_some_and(|owner| owner >= 3);
    assert!(world.run_until_true(30_000, replaced));
    let Reply::Shards(shards) = world.command(1, Command::Shards) else { panic!("it reads") };
    assert_eq!(shards.len(), 3);
    let shard = shards.iter().find(|shard| shard.nodes.iter().any(|node| node.id == gone)).unwrap();
    assert!(shard.slots.contains(Slot::MIN));
    let shown: Vec<_> = shard.nodes.iter().map(|node| (node.id == gone, node.health)).collect();
    assert_eq!(shown, [(false, "online"), (true, "fail")]);
}

#[test]
fn all_nodes_list_a_master_s_replicas_in_one_order() {
    let mut world = cluster(79, 2, 10);
    let mut listed = |index| {
        let Reply::Slots(entries) = world.command(index, Command::Slots) else { panic!("it reads") };
        let ids =
            |entry: &rcl_cluster::SlotsEntry| entry.nodes.iter().map(|node| node.id).collect::<Vec<_>>();
        entries.iter().map(ids).collect::<Vec<_>>()
    };
    let first = listed(0);
    assert!(first.iter().all(|nodes| nodes.len() == 5 && nodes[1..].is_sorted()), "{first:?}");
    assert!((1..10).all(|index| listed(index) == first));
}
