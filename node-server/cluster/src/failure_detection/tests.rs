use super::PROBES;
use crate::packet::Flags;
use crate::pair::Pair;
use crate::{Input, LinkEnd, LinkId, crowd};

fn grace_ms(pair: &Pair) -> u64 {
    pair.members[0].grace_ms()
}

/// What the first member thinks of the second.
fn is_suspected(pair: &Pair) -> bool {
    let member = &pair.members[0];
    member.nodes.iter().any(|(_, node)| node.flags.any(Flags::PFAIL.or(Flags::FAIL)))
}

fn suspected_after_the_grace(mut pair: Pair, ends: LinkEnd) -> bool {
    pair.cut(ends);
    let grace_ms = grace_ms(&pair);
    pair.pass(grace_ms - 100);
    assert!(!is_suspected(&pair), "not within the grace");
    pair.pass(300);
    is_suspected(&pair)
}

#[test]
fn a_connection_closed_in_order_and_a_shut_door_are_a_process_s_end() {
    assert!(suspected_after_the_grace(Pair::met(), LinkEnd::Lost));
}

#[test]
fn resets_alone_may_be_a_firewall_s() {
    assert!(!suspected_after_the_grace(Pair::met(), LinkEnd::Reset));
    assert!(!suspected_after_the_grace(Pair::met(), LinkEnd::Failed));
}

/// The kernel closes what a killed process had open one after the other, and its door may be the last.
#[test]
fn a_connection_that_only_the_door_took_is_no_sign_of_life() {
    let mut pair = Pair::met();
    pair.silence(1);
    let link = pair.outbound_link(0);
    pair.step(0, Input::LinkClosed { link, end: LinkEnd::Lost });
    assert!(suspected_after_the_grace(pair, LinkEnd::Reset));
}

/// It closed one connection by itself, and talked on: that is no proof of anything a while later.
#[test]
fn a_packet_takes_the_proof_back() {
    let mut pair = Pair::met();
    let link = pair.outbound_link(0);
    pair.step(0, Input::LinkClosed { link, end: LinkEnd::Lost });
    pair.pass(10_000);
    assert!(!suspected_after_the_grace(pair, LinkEnd::Reset));
}

/// Many die at once: everybody would ask everybody, for each of the dead.
#[test]
fn of_the_others_only_some_are_asked_in_a_tenth_of_a_second() {
    let mut member = crowd::member(400);
    let (links, _) = crowd::connect(&mut member);
    let (start_ms, most) = (crowd::NOW_MS + 5_000, PROBES + 40);
    // The first pings are answered, a while ago.
    for at in member.nodes.refs() {
        (member.nodes[at].ping_sent_ms, member.nodes[at].pong_received_ms) = (0, crowd::NOW_MS);
    }
    let mut lose = |links: &[LinkId], now_ms: u64| {
        let lost = links.iter().map(|&link| Input::LinkClosed { link, end: LinkEnd::Lost });
        lost.for_each(|input| member.step(now_ms, input));
        crowd::sent(&mut member).len()
    };
    assert_eq!(lose(&links[..1], start_ms), PROBES, "one link: some are asked");
    assert_eq!(
        lose(&links[1..100], start_ms + 50),
        most - PROBES,
        "a hundred: no more than a tenth of all voters"
    );
    assert_eq!(lose(&links[100..130], start_ms + 99), 0);
    assert!(lose(&links[130..133], start_ms + 100) > 0, "later the next ones");
}
