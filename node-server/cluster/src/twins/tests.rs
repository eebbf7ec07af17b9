use super::*;
use crate::Input;
use crate::packet::Writer;
use crate::pair::Pair;

/// A ping in the second member's name from another port, on a connection of its own; whether it was answered.
fn ping_from_elsewhere(pair: &mut Pair, link: u64) -> bool {
    let mut header = pair.members[1].header();
    (header.port, header.bus_port) = (7777, 17777);
    let bytes = Writer::new(Kind::Ping, &header).finish();
    let (link, ip) = (LinkId::new(link), || "127.0.0.1".to_owned());
    let sent = |pair: &Pair| pair.members[0].traffic.sent[Kind::Pong as usize];
    let before = sent(pair);
    pair.step(0, Input::InboundAccepted { link, peer_ip: ip(), local_ip: ip() });
    pair.step(0, Input::Packet { link, bytes });
    sent(pair) > before
}

fn port(pair: &Pair) -> u16 {
    let member = &pair.members[0];
    let other = member.nodes.find(pair.members[1].id()).unwrap();
    member.nodes[other].port
}

fn told(pair: &Pair) -> usize {
    pair.logs[0].iter().filter(|line| line.starts_with("Two nodes say that they are")).count()
}

#[test]
fn a_twin_is_not_heard_while_the_first_one_answers() {
    let mut pair = Pair::met();
    for number in 0..50 {
        assert!(!ping_from_elsewhere(&mut pair, 1_000 + number));
        pair.pass(100);
        assert_eq!(port(&pair), 7000);
    }
    assert_eq!(told(&pair), 1, "within ten seconds, once: {:?}", pair.logs[0]);
}

#[test]
fn a_node_that_moved_is_believed_when_its_old_address_ends() {
    let mut pair = Pair::met();
    pair.cut(crate::LinkEnd::Lost);
    assert!(ping_from_elsewhere(&mut pair, 1_000));
    assert_eq!((port(&pair), told(&pair)), (7777, 0));
}

#[test]
fn a_node_that_moved_is_believed_when_its_old_address_is_silent() {
    let mut pair = Pair::met();
    pair.silence(1);
    let timeout_ms = pair.members[0].config.node_timeout_ms;
    let start_ms = pair.now_ms;
    while !{
        let link = pair.now_ms;
        ping_from_elsewhere(&mut pair, link)
    } {
        pair.pass(100);
        assert!(pair.now_ms < start_ms + timeout_ms, "it takes too long");
    }
    assert_eq!((port(&pair), told(&pair)), (7777, 0));
}

#[test]
fn a_node_that_announces_another_address_is_believed_when_it_says_so_itself() {
    let mut pair = Pair::met();
    pair.configure(1, |config| config.port = 7777);
    pair.pass(20_000);
    assert_eq!((port(&pair), told(&pair)), (7777, 0));
}
