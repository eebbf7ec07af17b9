use std::collections::BTreeMap;

use rcl_proto::Address;

use super::*;
use crate::topology::tests_of_merge::view;

fn visit(number: u8, answer: Answer) -> Visit {
    let address = Address::new("127.0.0.1", 7000 + u16::from(number));
    Visit { address, addresses: vec![("127.0.0.1".parse().unwrap(), true)], answer, link: None }
}

fn seen(number: u8) -> Seen {
    let view = view(number, &[format!("{number} {} master - 0", 7000 + u16::from(number)).as_str()]);
    let bus = Address::new("127.0.0.1", 17000 + u16::from(number));
    Seen { view, settings: BTreeMap::new(), bus, bus_door: Door::Open, misplaced: None }
}

fn fit(number: u8) -> Visit {
    visit(number, Answer::Node(Box::new(seen(number))))
}

fn changed(number: u8, change: impl Fn(&mut Seen)) -> Visit {
    let mut seen = seen(number);
    change(&mut seen);
    visit(number, Answer::Node(Box::new(seen)))
}

/// What is said when the second of three nodes is this one.
fn said(odd: Visit) -> String {
    let judgement = judge(&[fit(1), odd, fit(3)], &[]);
    assert!(judgement.faults.iter().all(|fault| fault.node == "127.0.0.1:7002"), "{judgement:?}");
    judgement
        .into_failure(3)
        .map(|failure| format!("{} | {}", failure.what, failure.next.unwrap()))
        .unwrap_or_default()
}

#[test]
fn nodes_that_are_fit_are_let_through() {
    assert_eq!(judge(&[fit(1), fit(2), fit(3)], &[]), Judgement::default());
}

#[test]
fn each_obstacle_is_named_with_the_node_and_what_helps() {
    let table: Vec<(Visit, &str, &str)> = vec![
        (visit(2, Answer::UnknownHost("no such host".into())), "cannot be looked up", "spelled right"),
        (visit(2, Answer::Unreachable("refused".into())), "cannot reach 127.0.0.1:7002: refused", "running"),
        (
            visit(2, Answer::OtherSpeech(Speech::Tls)),
            "speaks TLS on this port, and the other nodes do not",
            "plain port",
        ),
        (visit(2, Answer::OtherSpeech(Speech::Plain)), "speaks plain text", "TLS ports"),
        (visit(2, Answer::Mute), "does not answer", "hang"),
        (visit(2, Answer::Denied("WRONGPASS".into())), "does not let us in: WRONGPASS", "--askpass"),
        (visit(2, Answer::Loading), "loading", "wait"),
        (visit(2, Answer::Busy("BUSY".into())), "busy", "SCRIPT KILL"),
        (visit(2, Answer::NotInClusterMode), "not in cluster mode", "cluster-enabled yes"),
        (changed(2, |seen| seen.view.facts.keys = 5), "holds 5 keys", "FLUSHALL"),
        (
            changed(2, |seen| seen.view = view(2, &["2 7002 master - 0 7"])),
            "already owns slots",
            "RESET HARD",
        ),
        (
            changed(2, |seen| seen.view = view(2, &["2 7002 master - 4"])),
            "configuration epoch 4",
            "RESET HARD",
        ),
        (
            changed(2, |seen| seen.view = view(2, &["2 7002 master - 0", "9 7009 master - 0"])),
            "already in a cluster, with 1 other",
            "--only 127.0.0.1:7002",
        ),
        (
            changed(2, |seen| seen.bus_door = Door::Shut("the connection is refused".into())),
            "has its bus at 127.0.0.1:17002, where the connection is refused",
            "--allow bus-port-blocked",
        ),
        (
            changed(2, |seen| seen.misplaced = Some("10.0.0.1:7002: no answer".into())),
            "elsewhere, and is not: 10.0.0.1:7002",
            "--allow announced-address",
        ),
    ];
    for (odd, what, mend) in table {
        let text = said(odd);
        assert!(text.contains(what) && text.contains(mend), "{text}");
    }
}

#[test]
fn what_the_user_knows_better_is_let_through_and_the_rest_is_not() {
    let shut = |number| changed(number, |seen| seen.bus_door = Door::Shut("refused".into()));
    let allowed = [Allow::BusPortBlocked];
    assert_eq!(judge(&[fit(1), shut(2)], &allowed).faults, []);
    let judgement = judge(&[shut(1), visit(2, Answer::Loading)], &allowed);
    assert_eq!(judgement.faults.len(), 1);
}

#[test]
fn all_faults_are_said_at_once_and_the_code_is_that_of_what_comes_first() {
    let judgement =
        judge(&[visit(1, Answer::Loading), visit(2, Answer::Denied("NOAUTH".into())), fit(3)], &[]);
    let failure = judgement.into_failure(3).unwrap();
    assert_eq!(failure.kind, Kind::Refused);
    assert!(failure.what.starts_with("2 of 3 nodes are not fit"), "{}", failure.what);
    assert!(
        failure.what.contains("127.0.0.1:7001 is loading") && failure.what.contains("NOAUTH"),
        "{}",
        failure.what
    );
}

#[test]
fn one_node_by_two_names_is_wrong_usage() {
    let mut twin = fit(1);
    twin.address = Address::new("localhost", 7001);
    let failure = judge(&[fit(1), twin], &[]).into_failure(2).unwrap();
    assert_eq!(failure.kind, Kind::Usage);
    assert!(failure.what.contains("another address too, 127.0.0.1:7001"), "{}", failure.what);
}

#[test]
fn families_machines_and_buses_have_to_be_the_same() {
    let at = |number: u8, ips: &[&str]| {
        let mut visit = fit(number);
        visit.addresses = ips.iter().map(|ip| (ip.parse().unwrap(), true)).collect();
        visit
    };
    let faults = |visits: &[Visit]| -> Vec<String> {
        judge(visits, &[]).faults.into_iter().map(|fault| fault.what).collect()
    };
    let mixed = faults(&[at(1, &["10.0.0.1"]), at(2, &["fd00::2"])]);
    assert!(mixed.len() == 1 && mixed[0].contains("IPv6 only"), "{mixed:?}");
    assert!(faults(&[at(1, &["fd00::1"]), at(2, &["fd00::2"])]).is_empty(), "IPv6 alone is fine");
    assert!(faults(&[at(1, &["10.0.0.1", "fd00::1"]), at(2, &["fd00::2"])]).is_empty());
    let local = faults(&[at(1, &["10.0.0.1"]), at(2, &["127.0.0.1"])]);
    assert!(local.len() == 1 && local[0].contains("an address of this machine"), "{local:?}");
    let tls = changed(1, |seen| drop(seen.settings.insert("tls-cluster".into(), "yes".into())));
    let buses = faults(&[tls, fit(2)]);
    assert!(buses.len() == 1 && buses[0].contains("plain bus"), "{buses:?}");
}

#[test]
fn versions_and_a_missing_masterauth_are_warned_of() {
    let older = changed(1, |seen| seen.view.facts.version = "7.0.15".into());
    let newer = changed(2, |seen| {
        seen.view.facts.version = "7.2.6".into();
        seen.settings.insert("requirepass".into(), "x".into());
        seen.settings.insert("masterauth".into(), String::new());
    });
    let judgement = judge(&[older, newer], &[]);
    assert_eq!(judgement.faults, []);
    assert!(judgement.warnings.iter().any(|text| text.contains("1 of 7.0.15, 1 of 7.2.6")), "{judgement:?}");
    assert!(
        judgement.warnings.iter().any(|text| text.contains("7002 asks for a password and has no masterauth"))
    );
}
