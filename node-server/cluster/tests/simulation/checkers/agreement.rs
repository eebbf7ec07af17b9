//! Agreement: once faults have stopped, all nodes show the same cluster, and a whole one. By their CLUSTER NODES:
//!
//! - each lists all nodes that are up and no others, none of them suspected;
//! - role, master and slots of each node are the same in all lists, and so is the config epoch of who has slots (that of
//!   others means nothing: a replica shows its master's, and forgets its own when it restarts);
//! - every slot has one owner, no slot is half moved, and no two owners have the same config epoch;
//! - no master with slots is without a replica that it can have, see [`orphan`].

use std::collections::BTreeMap;

use rcl_proto::nodes_text::{self, NodeFlags, NodeLine};
use rcl_proto::{NodeId, SLOT_COUNT};

/// Why they don't agree, if so; `texts` are the answers of all nodes that are up. `may_migrate` says of a replica
/// whether it considers a master to be one that replicas may come to.
pub fn disagreement(
    texts: &BTreeMap<NodeId, String>,
    may_migrate: impl Fn(NodeId, NodeId) -> bool,
) -> Option<String> {
    let mut first: Option<(NodeId, Vec<NodeLine>)> = None;
    for (&observer, text) in texts {
        let mut lines = match nodes_text::parse(text) {
            Ok(lines) => lines,
            Err(error) => return Some(format!("{observer}: {error}")),
        };
        lines.sort_by_key(|line| line.id);
        if let Some(problem) = incomplete(&lines, texts) {
            return Some(format!("{observer}: {problem}"));
        }
        let Some((other, expected)) = &first else {
            first = Some((observer, lines));
            continue;
        };
        let differs = |(ours, theirs): &(&NodeLine, &NodeLine)| facts(ours) != facts(theirs);
        if let Some((ours, theirs)) = lines.iter().zip(expected).find(differs) {
            return Some(format!("{observer} shows '{ours}', {other} shows '{theirs}'"));
        }
    }
    let (_, lines) = first?;
    same_epoch(&lines).or_else(|| orphan(&lines, may_migrate))
}

/// What all must agree on.
fn facts(line: &NodeLine) -> impl PartialEq + use<'_> {
    let epoch = if line.slots.is_empty() { 0 } else { line.config_epoch };
    (line.id, line.flags.contains(NodeFlags::MASTER), line.master, epoch, &line.slots)
}

fn incomplete(lines: &[NodeLine], texts: &BTreeMap<NodeId, String>) -> Option<String> {
    if let Some(line) = lines.iter().find(|line| !texts.contains_key(&line.id)) {
        return Some(format!("knows {}, who is not there", line.id));
    }
    if lines.len() < texts.len() {
        return Some(format!("knows {} of {} nodes", lines.len(), texts.len()));
    }
    let bad = NodeFlags::PFAIL.with(NodeFlags::FAIL).with(NodeFlags::HANDSHAKE).with(NodeFlags::NOADDR);
    if let Some(line) = lines.iter().find(|line| line.flags.intersects(bad)) {
        return Some(format!("finds {} {}", line.id, line.flags));
    }
    if let Some(line) = lines.iter().find(|line| !line.migrating.is_empty() || !line.importing.is_empty()) {
        return Some(format!("{} has slots that are half moved", line.id));
    }
    let owned: usize = lines.iter().map(|line| line.slots.len()).sum();
    (owned != SLOT_COUNT).then(|| format!("{owned} slots have an owner"))
}

fn same_epoch(lines: &[NodeLine]) -> Option<String> {
    let mut epochs = BTreeMap::new();
    lines.iter().filter(|line| !line.slots.is_empty()).find_map(|line| {
        let other = epochs.insert(line.config_epoch, line.id)?;
        Some(format!("{other} and {} have the same config epoch {}", line.id, line.config_epoch))
    })
}

/// A master without replicas that one could come to: the replica with the smallest id of those whose masters have the
/// most, two at least. It comes only to a master that had a replica once, or got its first slots when others had some.
fn orphan(lines: &[NodeLine], may_migrate: impl Fn(NodeId, NodeId) -> bool) -> Option<String> {
    let count = |id: NodeId| lines.iter().filter(|line| line.master == Some(id)).count();
    let masters_count = |line: &NodeLine| line.master.map_or(0, count);
    let most = lines.iter().map(masters_count).max().filter(|&most| most > 1)?;
    let candidate = lines.iter().filter(|line| masters_count(line) == most).map(|line| line.id).min()?;
    let is_orphan = |line: &&NodeLine| !line.slots.is_empty() && count(line.id) == 0;
    let orphan = lines.iter().filter(is_orphan).find(|line| may_migrate(candidate, line.id))?;
    Some(format!("{} has no replica and {candidate}, one of {most}, does not come", orphan.id))
}

/// Planted faults.
mod tests {
    use super::*;

    fn id(number: u8) -> NodeId {
        NodeId::from_bits([number; 20])
    }

    /// Three masters, and replicas of those named.
    fn text(masters: &[u8]) -> String {
        let mut lines = String::new();
        for (number, slots) in [(1, "0-5000"), (2, "5001-10000"), (3, "10001-16383")] {
            lines += &format!("{} 10.0.0.1:1@2 master - 0 0 {number} connected {slots}\n", id(number));
        }
        for (number, master) in masters.iter().enumerate() {
            let replica = id(number as u8 + 4);
            lines += &format!("{replica} 10.0.0.1:1@2 slave {} 0 0 {master} connected\n", id(*master));
        }
        lines
    }

    fn judge(text: &str, change: impl Fn(&str) -> String) -> Option<String> {
        let ids = text.lines().map(|line| line[..40].parse::<NodeId>().unwrap());
        let mut texts: BTreeMap<NodeId, String> = ids.map(|id| (id, text.to_owned())).collect();
        texts.insert(id(2), change(text));
        disagreement(&texts, |_, master| master != id(2))
    }

    #[test]
    fn every_kind_of_disagreement_is_found() {
        let whole = text(&[1, 2, 3]);
        assert_eq!(judge(&whole, str::to_owned), None);
        for (from, to) in [
            ("master - 0 0 2", "master - 0 0 7"),
            ("5001-10000", "5001-9999"),
            ("master - 0 0 3", "master,fail - 0 0 3"),
            ("slave 0303", "slave 0101"),
            (" connected 0-5000", " connected 0-5000 [7->-0202020202020202020202020202020202020202]"),
            ("0606060606060606060606060606060606060606", "0909090909090909090909090909090909090909"),
        ] {
            assert!(judge(&whole, |text| text.replacen(from, to, 1)).is_some(), "{from} -> {to}");
        }
        let cut = |text: &str| text.lines().take(5).map(|line| format!("{line}\n")).collect();
        assert!(judge(&whole, cut).is_some());
    }

    #[test]
    fn two_owners_with_one_epoch_and_an_orphan_are_found() {
        let collision = text(&[1, 2, 3]).replace("master - 0 0 2", "master - 0 0 1");
        assert!(judge(&collision, str::to_owned).unwrap().contains("same config epoch 1"));
        assert!(judge(&text(&[1, 1, 2]), str::to_owned).unwrap().contains("has no replica"));
        assert_eq!(judge(&text(&[1, 1, 3]), str::to_owned), None, "it never had one");
        assert_eq!(judge(&text(&[1, 2]), str::to_owned), None, "nobody has one to spare");
    }
}
