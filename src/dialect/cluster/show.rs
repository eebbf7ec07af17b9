//! What redis-cli shows of a cluster: its nodes, its keys, and what its check finds.
//!
//! ```text
//! 127.0.0.1:7001 (07c37dfe...) -> 12 keys | 5461 slots | 1 slaves.
//! [OK] 12 keys in 3 masters.
//! M: 07c37dfeb235213a872192d90877d0cd55635b91 127.0.0.1:7001
//!    slots:[0-5460] (5461 slots) master
//!    1 additional replica(s)
//! ```
//!
//! The nodes stand in the order in which the node that was named lists them, itself first; those that do not
//! answer are left out.

use rcl_proto::resp::Reply;
use rcl_proto::{Address, NodeId, SLOT_COUNT, Slot, SlotSet, nodes_text};

use super::Done;
use super::told::{self, bad, good, info, warning};
use crate::cli::Failure;
use crate::connect::{Cluster, Pipeline, Words};
use crate::plan::NodeRef;
use crate::topology::{Disagreement, Node};

/// A cluster as one of its nodes lists it.
pub struct Picture {
    pub cluster: Cluster,
    entry: Address,
    order: Vec<NodeId>,
}

impl Picture {
    pub async fn of(cluster: Cluster, entry: &Address) -> Result<Picture, Failure> {
        let first = cluster.topology.nodes.values().find(|node| node.reached.as_ref() == Some(entry));
        let mut order: Vec<NodeId> = first.map(|node| node.id).into_iter().collect();
        if let Some(first) = first {
            let text = cluster.link(first.id)?.text(&["CLUSTER", "NODES"]).await?;
            let listed = nodes_text::parse(&text).unwrap_or_default();
            order.extend(listed.into_iter().map(|line| line.id).filter(|id| *id != first.id));
        }
        order.retain(|id| cluster.topology.node(*id).is_some_and(Node::answers));
        Ok(Picture { cluster, entry: entry.clone(), order })
    }

    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.order.iter().filter_map(|id| self.cluster.topology.node(*id))
    }

    /// The address under which it is shown: of the node that was named, what was named.
    pub fn address<'a>(&'a self, node: &'a Node) -> &'a Address {
        if node.reached.as_ref() == Some(&self.entry) { &self.entry } else { &node.address }
    }

    /// Keys, slots and replicas of each master.
    pub fn info(&self) -> String {
        let (mut text, mut keys, mut masters) = (String::new(), 0, 0);
        for node in self.nodes().filter(|node| node.is_master()) {
            text.push_str(&format!(
                "{} ({:.8}...) -> {} keys | {} slots | {} slaves.\n",
                self.address(node),
                node.id,
                node.keys(),
                node.slots.len(),
                self.replicas(node.id)
            ));
            keys += node.keys();
            masters += 1;
        }
        text.push_str(&good(&format!("[OK] {keys} keys in {masters} masters.\n")));
        text + &format!("{:.2} keys per slot on average.\n", keys as f64 / SLOT_COUNT as f64)
    }

    pub fn check(&self) -> Check {
        let mut check = Check { ok: true, text: String::new() };
        check.say(info(&format!(">>> Performing Cluster Check (using node {})\n", self.entry)));
        for node in self.nodes() {
            check.say(self.node(node, "") + "\n");
        }
        let differs = |said: &Disagreement| matches!(said, Disagreement::Owner { viewer, .. } if self.order.contains(viewer));
        if self.cluster.topology.disagreements.iter().any(differs) {
            check.find(bad("[ERR] Nodes don't agree about configuration!\n"));
        } else {
            check.say(good("[OK] All nodes agree about slots configuration.\n"));
        }
        check.say(info(">>> Check for open slots...\n"));
        self.open_slots(&mut check);
        check.say(info(">>> Check slots coverage...\n"));
        let covered: SlotSet = self.nodes().flat_map(|node| node.slots.iter()).collect();
        if covered.len() == SLOT_COUNT {
            check.say(good("[OK] All 16384 slots covered.\n"));
        } else {
            check.find(bad("[ERR] Not all 16384 slots are covered by nodes.\n\n"));
        }
        check
    }

    fn open_slots(&self, check: &mut Check) {
        let mut open: Vec<Slot> = Vec::new();
        for node in self.nodes() {
            for (state, slots) in [("migrating", &node.migrating), ("importing", &node.importing)] {
                if slots.is_empty() {
                    continue;
                }
                let slots: Vec<Slot> = slots.iter().map(|(slot, _)| *slot).collect();
                let address = self.address(node);
                check.find(bad(&format!(
                    "[WARNING] Node {address} has slots in {state} state {}.\n",
                    joined(&slots)
                )));
                open.extend(slots);
            }
        }
        open.sort_unstable();
        open.dedup();
        if !open.is_empty() {
            check.find(bad(&format!("[WARNING] The following slots are open: {}.\n", joined(&open))));
        }
    }

    /// A node and what it has; `indent` stands before each line.
    pub fn node(&self, node: &Node, indent: &str) -> String {
        let (letter, role) = if node.is_master() { ('M', "master") } else { ('S', "slave") };
        let mut text = format!(
            "{indent}{letter}: {} {}\n{indent}   slots:{} ({} slots) {role}",
            node.id,
            self.address(node),
            ranges(&node.slots),
            node.slots.len()
        );
        let replicas = self.replicas(node.id);
        if let Some(master) = node.master() {
            text.push_str(&format!("\n{indent}   replicates {master}"));
        } else if replicas > 0 {
            text.push_str(&format!("\n{indent}   {replicas} additional replica(s)"));
        }
        text
    }

    fn replicas(&self, master: NodeId) -> usize {
        self.nodes().filter(|node| node.master() == Some(master)).count()
    }
}

/// What a check says, and whether it found nothing.
pub struct Check {
    pub ok: bool,
    pub text: String,
}

impl Check {
    fn say(&mut self, text: String) {
        self.text.push_str(&text);
    }

    fn find(&mut self, text: String) {
        self.ok = false;
        self.say(text);
    }
}

/// `[0-5460],[7000]`; nothing for no slots.
pub fn ranges(slots: &SlotSet) -> String {
    slots.ranges().iter().map(|range| format!("[{range}]")).collect::<Vec<_>>().join(",")
}

fn joined(slots: &[Slot]) -> String {
    slots.iter().map(Slot::to_string).collect::<Vec<_>>().join(",")
}

/// Slots that more than one master owns or has keys of.
pub async fn multiple_owners(picture: &Picture) -> Done {
    told::say(&info(">>> Check for multiple slot owners...\n"));
    let mut owners: Vec<Vec<&Node>> = vec![Vec::new(); SLOT_COUNT];
    for node in picture.nodes().filter(|node| node.is_master()) {
        let count = |slot: Slot| Words::of(&["CLUSTER", "COUNTKEYSINSLOT"]).and(slot.to_string());
        let link = picture.cluster.link(node.id)?;
        let replies = link.all(&Slot::all().map(count).collect::<Pipeline>()).await?;
        for (slot, reply) in Slot::all().zip(replies) {
            if node.slots.contains(slot) || matches!(reply, Reply::Integer(1..)) {
                owners[slot.index()].push(node);
            }
        }
    }
    let mut none = true;
    for (slot, owners) in owners.iter().enumerate().filter(|(_, owners)| owners.len() > 1) {
        none = false;
        let mut text = format!("[WARNING] Slot {slot} has {} owners:\n", owners.len());
        for node in owners {
            text.push_str(&format!("    {}\n", picture.address(node)));
        }
        told::say(&bad(&text));
    }
    if none {
        told::say(&good("[OK] No multiple owners found.\n"));
    }
    Ok(none)
}

/// redis-cli's del-node takes only what has no slots; `rcl scale-down` would move them off first.
pub fn may_be_removed(picture: &Picture, id: &str) -> Done {
    let id = id.to_ascii_lowercase();
    let Some(node) = picture.cluster.topology.nodes.values().find(|node| node.id.to_string() == id) else {
        told::say(&bad(&format!("[ERR] No such node ID {id}\n")));
        return Ok(false);
    };
    if node.slots.is_empty() {
        return Ok(true);
    }
    let address = picture.address(node);
    told::say(&bad(&format!("[ERR] Node {address} is not empty! Reshard data away and try again.\n")));
    told::say(&warning(&format!("rcl scale-down {address} does both.\n")));
    Ok(false)
}

/// Those that name a replica: a master that lost its last slot may have become one since a script learnt its id.
pub fn replicas_among(picture: &Picture, names: &[String]) -> Vec<String> {
    let is_replica = |name: &&String| picture.cluster.find(name).is_ok_and(|node| !node.is_master());
    names.iter().filter(is_replica).cloned().collect()
}

/// The cluster's functions are copied to a newcomer, which must not have others.
pub async fn has_no_functions(picture: &Picture, new: &Address) -> Done {
    let link = picture.cluster.connector.connect(new).await?;
    match link.raw(&Words::of(&["FUNCTION", "LIST"])).await? {
        Reply::Array(libraries) if !libraries.is_empty() => {
            told::say(&bad(">>> New node already contains functions and can not be added to the cluster. \
                 Use FUNCTION FLUSH and try again.\n"));
            Ok(false)
        }
        // A server without functions has none.
        _ => Ok(true),
    }
}

/// A node of a plan, which may not be in the picture yet.
pub fn named(node: &NodeRef) -> String {
    format!("{} {}", node.id, node.address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_stand_in_brackets() {
        let slots = |numbers: &[u16]| -> SlotSet {
            numbers.iter().map(|number| Slot::all().nth(usize::from(*number)).unwrap()).collect()
        };
        assert_eq!(ranges(&slots(&[0, 1, 2, 7])), "[0-2],[7]");
        assert_eq!(ranges(&SlotSet::EMPTY), "");
    }
}
