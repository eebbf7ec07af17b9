//! What happened between two looks.

use std::collections::BTreeMap;

use rcl_proto::NodeId;
use serde::Serialize;

use super::sample::{NodeSample, Sample, State};
use crate::output::{count, number_of};

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    pub kind: EventKind,
    pub text: String,
}

/// How an event is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    Good,
    Change,
    Bad,
}

/// The events that turn `before` into `after`, the cluster's own first.
pub fn between(before: &Sample, after: &Sample) -> Vec<Event> {
    let mut events = Vec::new();
    let mut say = |kind, text: String| events.push(Event { kind, text });
    match (before.state_ok, after.state_ok) {
        (true, false) => {
            say(EventKind::Bad, "the cluster is down: not every node says cluster_state:ok".into())
        }
        (false, true) => say(EventKind::Good, "the cluster is ok again".into()),
        _ => {}
    }
    if before.slots_covered != after.slots_covered {
        let better = after.slots_covered > before.slots_covered;
        let kind = if better { EventKind::Good } else { EventKind::Bad };
        say(
            kind,
            format!("{} of 16384 slots have an owner, before {}", after.slots_covered, before.slots_covered),
        );
    }
    let old: BTreeMap<NodeId, &NodeSample> = before.nodes.iter().map(|node| (node.id, node)).collect();
    for node in &after.nodes {
        match old.get(&node.id) {
            None => say(EventKind::Change, format!("{} joined as a {}", node.address, role(node))),
            Some(old) => compare(old, node, &mut say),
        }
    }
    // Moves of slots raise it, too; then it is no news.
    let moves = |sample: &Sample| sample.nodes.iter().any(|node| node.moving_slots > 0);
    if after.epoch > before.epoch && !moves(before) && !moves(after) {
        let winner = after.nodes.iter().find(|node| node.config_epoch == after.epoch);
        let by = winner.map_or(String::new(), |node| format!(": {} has it", node.address));
        say(EventKind::Change, format!("the epoch is {}, before {}{by}", after.epoch, before.epoch));
    }
    for node in &before.nodes {
        if !after.nodes.iter().any(|other| other.id == node.id) {
            say(EventKind::Change, format!("{} left the cluster", node.address));
        }
    }
    events
}

fn role(node: &NodeSample) -> &'static str {
    if node.replica_of.is_some() { "replica" } else { "master" }
}

fn compare(old: &NodeSample, new: &NodeSample, say: &mut impl FnMut(EventKind, String)) {
    let name = &new.address;
    // A promotion ends a broken link too, and speaks for itself.
    let promoted_from_broken_link = old.state == State::LinkDown && new.replica_of.is_none();
    if old.state != new.state && !(new.state == State::Ok && promoted_from_broken_link) {
        let (kind, what) = match new.state {
            State::Ok if old.state == State::LinkDown => (EventKind::Good, "is linked to its master again"),
            State::Ok => (EventKind::Good, "is back"),
            State::LinkDown => (EventKind::Bad, "has lost the link to its master"),
            State::Failed => (EventKind::Bad, "answers, but the other masters say it failed"),
            State::Silent => (EventKind::Bad, "does not answer"),
            State::Down => (EventKind::Bad, "is down: the masters agree that it failed (FAIL)"),
        };
        say(kind, format!("{name} {what}"));
    }
    let is_over = matches!(new.state, State::Down | State::Failed);
    match (old.suspected, new.suspected) {
        (false, true) if !is_over => {
            say(EventKind::Bad, format!("{name} is suspected by the others (PFAIL)"))
        }
        (true, false) if !is_over => say(EventKind::Good, format!("{name} is not suspected any more")),
        _ => {}
    }
    match (&old.replica_of, &new.replica_of) {
        (Some(master), None) => {
            say(EventKind::Change, format!("{name} is promoted: it was a replica of {master}"))
        }
        (None, Some(master)) => say(EventKind::Change, format!("{name} is now a replica of {master}")),
        (Some(old), Some(new)) if old != new => {
            say(EventKind::Change, format!("{name} follows {new} now, before {old}"));
        }
        _ => {}
    }
    // While slots move, only how it began and ended is news.
    match (old.moving_slots > 0, new.moving_slots > 0) {
        (false, true) => say(EventKind::Change, format!("{name} moves slots; it had {}", shown(old.slots))),
        (true, false) => {
            say(EventKind::Good, format!("{name} moves no slots any more; it has {}", shown(new.slots)))
        }
        (false, false) if old.slots != new.slots => {
            say(
                EventKind::Change,
                format!("{name} owns {}, before {}", number_of(new.slots, "slot"), shown(old.slots)),
            );
        }
        _ => {}
    }
}

fn shown(slots: usize) -> String {
    count(slots as u64)
}

#[cfg(test)]
pub mod tests {
    use rcl_proto::SlotSet;

    use super::*;

    pub fn node(digit: &str, replica_of: Option<&str>, slots: usize) -> NodeSample {
        NodeSample {
            id: digit.repeat(40).parse().unwrap(),
            address: format!("127.0.0.1:700{digit}"),
            replica_of: replica_of.map(|digit| format!("127.0.0.1:700{digit}")),
            slots,
            moving_slots: 0,
            owned: SlotSet::default(),
            moving: SlotSet::default(),
            config_epoch: 1,
            suspected: false,
            keys: 1000,
            ops: 10,
            used_memory_bytes: 1 << 20,
            offset: 500,
            lag: replica_of.map(|_| 0),
            state: State::Ok,
        }
    }

    pub fn sample(nodes: Vec<NodeSample>) -> Sample {
        Sample { unix_ms: 1_700_000_000_123, slots_covered: 16384, state_ok: true, epoch: 6, nodes }
    }

    fn texts(before: &Sample, after: &Sample) -> Vec<String> {
        between(before, after).into_iter().map(|event| event.text).collect()
    }

    #[test]
    fn nothing_happened() {
        let mut after = sample(vec![node("1", None, 8192), node("2", Some("1"), 0)]);
        let before = after.clone();
        after.nodes[0].keys = 5;
        after.nodes[0].ops = 5;
        assert_eq!(texts(&before, &after), [""; 0], "traffic is no event");
    }

    #[test]
    fn a_failover_reads_as_a_story() {
        let healthy = sample(vec![node("1", None, 16384), node("2", Some("1"), 0)]);
        let mut silent = healthy.clone();
        silent.nodes[0].state = State::Silent;
        silent.nodes[1].state = State::LinkDown;
        assert_eq!(
            texts(&healthy, &silent),
            ["127.0.0.1:7001 does not answer", "127.0.0.1:7002 has lost the link to its master"]
        );
        let mut promoted = sample(vec![node("1", None, 0), node("2", None, 16384)]);
        promoted.nodes[0].state = State::Down;
        assert_eq!(
            texts(&silent, &promoted),
            [
                "127.0.0.1:7001 is down: the masters agree that it failed (FAIL)",
                "127.0.0.1:7001 owns 0 slots, before 16,384",
                "127.0.0.1:7002 is promoted: it was a replica of 127.0.0.1:7001",
                "127.0.0.1:7002 owns 16,384 slots, before 0",
            ]
        );
        let recovered = sample(vec![node("1", Some("2"), 0), node("2", None, 16384)]);
        assert_eq!(
            texts(&promoted, &recovered),
            ["127.0.0.1:7001 is back", "127.0.0.1:7001 is now a replica of 127.0.0.1:7002"]
        );
    }

    #[test]
    fn suspicions_and_elections_are_told() {
        let healthy = sample(vec![node("1", None, 16384), node("2", Some("1"), 0)]);
        let mut suspected = healthy.clone();
        suspected.nodes[0].suspected = true;
        assert_eq!(texts(&healthy, &suspected), ["127.0.0.1:7001 is suspected by the others (PFAIL)"]);
        assert_eq!(texts(&suspected, &healthy), ["127.0.0.1:7001 is not suspected any more"]);
        let mut elected = healthy.clone();
        elected.epoch = 7;
        elected.nodes[1].config_epoch = 7;
        assert_eq!(texts(&healthy, &elected), ["the epoch is 7, before 6: 127.0.0.1:7002 has it"]);
        elected.nodes[0].moving_slots = 1;
        assert_eq!(texts(&healthy, &elected), ["127.0.0.1:7001 moves slots; it had 16,384"]);
    }

    #[test]
    fn coming_going_and_moving() {
        let before = sample(vec![node("1", None, 16384), node("2", Some("1"), 0)]);
        let mut after = sample(vec![node("1", None, 16000), node("3", None, 300)]);
        after.nodes[0].moving_slots = 2;
        after.slots_covered = 16300;
        after.state_ok = false;
        assert_eq!(
            texts(&before, &after),
            [
                "the cluster is down: not every node says cluster_state:ok",
                "16300 of 16384 slots have an owner, before 16384",
                "127.0.0.1:7001 moves slots; it had 16,384",
                "127.0.0.1:7003 joined as a master",
                "127.0.0.1:7002 left the cluster",
            ]
        );
    }
}
