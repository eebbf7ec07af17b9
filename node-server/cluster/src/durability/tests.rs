//! What is given out when, by a member whose disk and shards answer when they are told to.

use crate::command::{Command, Reply};
use crate::crowd::{NOW_MS, member};
use crate::{Config, Input, Member, Output};
use rcl_proto::{Slot, SlotRange};

#[derive(Debug, Default, PartialEq, Eq)]
struct Given {
    states: Vec<u64>,
    maps: Vec<u64>,
    replies: Vec<u64>,
}

fn step(member: &mut Member, now_ms: u64, input: Input) -> Given {
    member.step(now_ms, input);
    given(member)
}

fn given(member: &mut Member) -> Given {
    let mut given = Given::default();
    while let Some(output) = member.poll_output() {
        match output {
            Output::Persist { seq, .. } => given.states.push(seq),
            Output::PublishMap(map) => given.maps.push(map.version),
            Output::CommandReply { token, reply } => {
                assert!(matches!(reply, Reply::Ok | Reply::Status(_)), "{reply:?}");
                given.replies.push(token);
            }
            _ => {}
        }
    }
    given
}

fn add_slot(token: u64) -> Input {
    let slot = Slot::new(1_000 + token as u16).unwrap();
    let command = Box::new(Command::AddSlots(vec![SlotRange::new(slot, slot).unwrap()]));
    Input::Command { token, command }
}

#[test]
fn one_state_at_a_time_is_under_way_and_what_waits_for_the_next_waits() {
    let mut member = member(101);
    assert_eq!(given(&mut member), Given { states: vec![1], maps: vec![1], replies: vec![] });
    // Our own part of the map changes: each of these is given out at once.
    for token in 2..=4 {
        let now = step(&mut member, NOW_MS, add_slot(token));
        assert_eq!(now, Given { states: vec![], maps: vec![token], replies: vec![] });
    }
    assert_eq!(step(&mut member, NOW_MS, Input::Applied { version: 4 }), Given::default());
    let now = step(&mut member, NOW_MS, Input::Persisted { seq: 1 });
    assert_eq!(now.states, [4], "the newest, for all that wait");
    assert!(now.replies.is_empty());
    let now = step(&mut member, NOW_MS, Input::Persisted { seq: 4 });
    assert_eq!(now.replies, [2, 3, 4]);
}

#[test]
fn a_state_that_nothing_waits_for_comes_a_moment_later() {
    let mut member = member(101);
    given(&mut member);
    step(&mut member, NOW_MS, Input::Applied { version: 1 });
    step(&mut member, NOW_MS, Input::Persisted { seq: 1 });
    let config = Config { hostname: "host.example".to_owned(), ..Config::default() };
    let now = step(&mut member, NOW_MS + 10, Input::Configure(config));
    assert!(now.states.is_empty() && now.maps.len() == 1, "{now:?}");
    assert!(step(&mut member, NOW_MS + 90, Input::Tick).states.is_empty());
    assert_eq!(step(&mut member, NOW_MS + 110, Input::Tick).states, [2]);
}

#[test]
fn in_a_small_cluster_nothing_waits() {
    let mut member = member(100);
    given(&mut member);
    for token in 2..=4 {
        let now = step(&mut member, NOW_MS, add_slot(token));
        assert_eq!(now, Given { states: vec![token], maps: vec![token], replies: vec![] });
    }
}
