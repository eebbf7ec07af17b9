//! From what each node said to one topology.

use std::collections::{BTreeMap, BTreeSet};

use rcl_proto::nodes_text::{NodeFlags, NodeLine};
use rcl_proto::{Address, NodeId, SLOT_COUNT, Slot, SlotSet};

use super::{Disagreement, Node, Role, Sight, SlotUse, Topology, View};

/// `silent` are the nodes that did not answer, and why.
pub fn merge(views: &[View], silent: &BTreeMap<NodeId, String>) -> Topology {
    let mut nodes = BTreeMap::new();
    for id in known_ids(views) {
        if let Some(node) = merge_node(id, views, silent) {
            nodes.insert(id, node);
        }
    }
    let owners = settle_owners(&mut nodes);
    let sights = views.iter().flat_map(sights).collect();
    let handshakes = views.iter().flat_map(handshakes).collect();
    let slot_use = SlotUse::default();
    let mut topology = Topology { nodes, disagreements: Vec::new(), slot_use, sights, handshakes, owners };
    topology.disagreements = views.iter().flat_map(|view| disagreements(view, &topology)).collect();
    topology
}

fn sights(view: &View) -> impl Iterator<Item = Sight> + '_ {
    let others = view.lines.iter().filter(|line| line.id != view.viewer);
    let others = others.filter(|line| !line.flags.contains(NodeFlags::HANDSHAKE));
    others.map(|line| Sight {
        viewer: view.viewer,
        node: line.id,
        link_up: line.link_connected,
        flags: line.flags,
    })
}

fn handshakes(view: &View) -> impl Iterator<Item = (NodeId, Address)> + '_ {
    let new = view.lines.iter().filter(|line| line.flags.contains(NodeFlags::HANDSHAKE));
    new.map(|line| (view.viewer, Address::new(line.endpoint.ip.clone(), line.endpoint.port)))
}

/// A node in handshake has a name of the moment only, so it is none yet.
fn known_ids(views: &[View]) -> BTreeSet<NodeId> {
    let lines = views.iter().flat_map(|view| &view.lines);
    lines.filter(|line| !line.flags.contains(NodeFlags::HANDSHAKE)).map(|line| line.id).collect()
}

fn merge_node(id: NodeId, views: &[View], silent: &BTreeMap<NodeId, String>) -> Option<Node> {
    let said = |view: &View| view.lines.iter().find(|line| line.id == id).cloned();
    let own = views.iter().find(|view| view.viewer == id);
    // Of a silent node, the line with the newest epoch is the best word there is.
    let line: NodeLine = match own.and_then(said) {
        Some(line) => line,
        None => views.iter().filter_map(said).max_by_key(|line| line.config_epoch)?,
    };
    let others: Vec<NodeLine> = views.iter().filter(|view| view.viewer != id).filter_map(said).collect();
    let announced = others.iter().find(|line| !line.endpoint.ip.is_empty() && line.endpoint.port != 0);
    let announced = announced.map(|line| Address::new(line.endpoint.ip.clone(), line.endpoint.port));
    let reached = own.map(|view| view.address.clone());
    let mut flags = line.flags.without(NodeFlags::MYSELF);
    for flag in [NodeFlags::FAIL, NodeFlags::PFAIL] {
        let voices = others.iter().filter(|line| line.flags.contains(flag)).count();
        flags = if voices > 0 && voices * 2 >= others.len() { flags.with(flag) } else { flags.without(flag) };
    }
    let role = match line.master {
        Some(master) => Role::ReplicaOf(master),
        None => Role::Master,
    };
    Some(Node {
        id,
        address: announced
            .or_else(|| reached.clone())
            .unwrap_or_else(|| Address::new(line.endpoint.ip.clone(), line.endpoint.port)),
        reached,
        bus_port: line.endpoint.bus_port,
        role,
        config_epoch: line.config_epoch,
        slots: line.slots,
        migrating: line.migrating,
        importing: line.importing,
        flags,
        facts: own.map(|view| view.facts.clone()),
        silence: own.is_none().then(|| {
            silent.get(&id).cloned().unwrap_or_else(|| "the nodes that answer know no address of it".into())
        }),
    })
}

/// Gives each slot to the claimant with the highest epoch (the lower id on a tie, as it keeps its epoch on the
/// bus), and takes it from the others.
fn settle_owners(nodes: &mut BTreeMap<NodeId, Node>) -> Vec<Option<NodeId>> {
    let mut owners: Vec<Option<(u64, NodeId)>> = vec![None; SLOT_COUNT];
    for node in nodes.values() {
        for slot in node.slots.iter() {
            if let Some(owner) = owners.get_mut(slot.index())
                && owner.is_none_or(|(epoch, _)| node.config_epoch > epoch)
            {
                *owner = Some((node.config_epoch, node.id));
            }
        }
    }
    let owners: Vec<Option<NodeId>> = owners.into_iter().map(|owner| owner.map(|(_, id)| id)).collect();
    for node in nodes.values_mut() {
        node.slots = Slot::all().zip(&owners).filter(|(_, o)| **o == Some(node.id)).map(|(s, _)| s).collect();
    }
    owners
}

fn disagreements(view: &View, topology: &Topology) -> Vec<Disagreement> {
    let viewer = view.viewer;
    let mut found = Vec::new();
    let known: BTreeMap<NodeId, &NodeLine> = view.lines.iter().map(|line| (line.id, line)).collect();
    for node in topology.nodes.values() {
        match known.get(&node.id) {
            None => found.push(Disagreement::Unknown { viewer, node: node.id }),
            Some(line) => {
                let says = line.master.map_or(Role::Master, Role::ReplicaOf);
                if says != node.role {
                    found.push(Disagreement::Role { viewer, node: node.id, says });
                }
            }
        }
    }
    let mut said: Vec<Option<NodeId>> = vec![None; SLOT_COUNT];
    for line in &view.lines {
        for slot in line.slots.iter() {
            if let Some(owner) = said.get_mut(slot.index()) {
                *owner = Some(line.id);
            }
        }
    }
    let mut groups: BTreeMap<(Option<NodeId>, Option<NodeId>), SlotSet> = BTreeMap::new();
    for (slot, says) in Slot::all().zip(said) {
        let owner = topology.owner(slot);
        if says != owner {
            groups.entry((says, owner)).or_default().insert(slot);
        }
    }
    let owner = |((says, owner), slots)| Disagreement::Owner { viewer, says, owner, slots: Box::new(slots) };
    found.extend(groups.into_iter().map(owner));
    found
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::topology::Facts;

    pub fn id(number: u8) -> NodeId {
        NodeId::from_bits([number; 20])
    }

    /// A view of `viewer` from lines `number port flags master epoch slots`, `-` for no master.
    pub fn view(viewer: u8, lines: &[&str]) -> View {
        let expand = |line: &&str| {
            let words: Vec<&str> = line.split(' ').collect();
            let number: u8 = words[0].parse().unwrap();
            let master = words[3].parse().map_or("-".to_owned(), |master: u8| id(master).to_string());
            let myself = if number == viewer { "myself," } else { "" };
            let rest = words[5..].join(" ");
            let rest = (1..=9).fold(rest, |rest, n| rest.replace(&format!("#{n}"), &id(n).to_string()));
            let port = words[1];
            let text = format!(
                "{} 127.0.0.1:{port}@1{port} {myself}{} {master} 0 0 {} connected {rest}",
                id(number),
                words[2],
                words[4]
            );
            text.parse().unwrap()
        };
        let lines: Vec<NodeLine> = lines.iter().map(expand).collect();
        let me = lines.iter().find(|line| line.id == id(viewer)).unwrap();
        let address = Address::new("127.0.0.1", me.endpoint.port);
        let facts = Facts { state_ok: true, link_up: true, ..Facts::default() };
        View { viewer: id(viewer), address, lines, facts }
    }

    const CALM: [&str; 3] = ["1 7001 master - 1 0-8191", "2 7002 master - 2 8192-16383", "3 7003 slave 1 1"];

    #[test]
    fn views_that_agree_leave_no_disagreement() {
        let views = [view(1, &CALM), view(2, &CALM), view(3, &CALM)];
        let topology = merge(&views, &BTreeMap::new());
        assert_eq!(topology.disagreements, []);
        assert_eq!(topology.masters().len(), 2);
        assert_eq!(topology.replicas_of(id(1))[0].id, id(3));
        assert!(topology.uncovered().is_empty());
    }

    #[test]
    fn the_higher_epoch_owns_what_two_claim_and_the_other_disagrees() {
        let first = view(1, &["1 7001 master - 1 0-9000", "2 7002 master - 2 9001-16383"]);
        let second = view(2, &["1 7001 master - 1 0-8191", "2 7002 master - 2 8192-16383"]);
        let topology = merge(&[first, second], &BTreeMap::new());
        assert_eq!(topology.owner(Slot::new(9000).unwrap()), Some(id(2)));
        let slots: SlotSet = (8192..=9000).filter_map(Slot::new).collect();
        assert_eq!(
            topology.disagreements,
            [Disagreement::Owner {
                viewer: id(1),
                says: Some(id(1)),
                owner: Some(id(2)),
                slots: Box::new(slots)
            }]
        );
    }

    #[test]
    fn a_silent_node_is_known_by_the_word_of_the_others() {
        let lines = ["1 7001 master - 1 0-8191", "2 7002 master,fail - 2 8192-16383", "3 7003 slave 1 1"];
        let topology = merge(&[view(1, &lines), view(3, &lines)], &BTreeMap::from([(id(2), "gone".into())]));
        let silent = topology.node(id(2)).unwrap();
        assert!(!silent.answers() && silent.flags.contains(NodeFlags::FAIL));
        assert_eq!(silent.silence.as_deref(), Some("gone"));
        assert_eq!(silent.slots.len(), 8192);
    }

    #[test]
    fn the_address_is_the_one_that_the_other_nodes_use_and_ours_is_known_too() {
        let mut first = view(1, &CALM);
        first.address = Address::new("localhost", 7001);
        let topology = merge(&[first.clone(), view(2, &CALM), view(3, &CALM)], &BTreeMap::new());
        let node = topology.node(id(1)).unwrap();
        assert_eq!(node.address, Address::new("127.0.0.1", 7001));
        assert!(node.is_at(&Address::new("localhost", 7001)) && node.is_at(&node.address));
        let alone = merge(&[first], &BTreeMap::new());
        assert_eq!(alone.node(id(1)).unwrap().address.host, "localhost", "nobody else has a word on it");
    }

    #[test]
    fn an_open_slot_that_fits_one_move_is_told_from_one_that_does_not() {
        let lines = |first: &'static str, second: &'static str| {
            let views = [view(1, &[first, CALM[1]]), view(2, &[CALM[0], second])];
            merge(&views, &BTreeMap::new()).open_slots()
        };
        let both = lines("1 7001 master - 1 0-8191 [5->-#2]", "2 7002 master - 2 8192-16383 [5-<-#1]");
        assert_eq!(both.len(), 1);
        assert_eq!(both[0].half_done_move(), Some((id(1), id(2))));
        let only_target = lines("1 7001 master - 1 0-8191", "2 7002 master - 2 8192-16383 [5-<-#1]");
        assert_eq!(only_target[0].half_done_move(), Some((id(1), id(2))));
        let closing = lines("1 7001 master - 1 0-8191 [9000->-#2]", "2 7002 master - 2 8192-16383");
        assert_eq!(closing[0].half_done_move(), Some((id(1), id(2))), "given, and not closed on the giver");
        let stale = lines("1 7001 master - 1 0-8191", "2 7002 master - 2 8192-16383 [9000-<-#1]");
        assert_eq!(stale[0].half_done_move(), None, "the importer owns the slot already");

        let owned = "2 7002 master - 2 5 8192-16383";
        let replica = "3 7003 slave 2 2 [5-<-#1]";
        let late = [
            view(1, &["1 7001 master - 1 0-4 6-8191", owned, "3 7003 slave 2 2"]),
            view(3, &[owned, replica, "1 7001 master - 1 0-4 6-8191"]),
        ];
        let late = merge(&late, &BTreeMap::new());
        assert_eq!(late.node(id(3)).unwrap().importing.len(), 1);
        assert_eq!(late.open_slots(), [], "a replica that hears of the end a moment later");
    }
}
