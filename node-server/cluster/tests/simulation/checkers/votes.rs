//! One vote: no node votes for two nodes in one epoch, also across restarts; a vote is on disk before it is sent, and
//! so is the epoch that votes are asked for in.

use std::collections::BTreeMap;

use rcl_proto::NodeId;

#[derive(Default)]
pub struct Votes {
    given: BTreeMap<(NodeId, u64), NodeId>,
    pub seen: u64,
}

impl Votes {
    pub fn voted(
        &mut self,
        voter: NodeId,
        epoch: u64,
        candidate: NodeId,
        durable: Option<&str>,
    ) -> Vec<String> {
        self.seen += 1;
        let mut found = Vec::new();
        let before = *self.given.entry((voter, epoch)).or_insert(candidate);
        if before != candidate {
            found.push(format!("{voter:?} voted for {before:?} and {candidate:?} in epoch {epoch}"));
        }
        let stored = variable(durable, "lastVoteEpoch");
        if stored < Some(epoch) {
            found.push(format!("{voter:?} voted in epoch {epoch} with {stored:?} on disk"));
        }
        found
    }

    pub fn asked(&mut self, candidate: NodeId, epoch: u64, durable: Option<&str>) -> Option<String> {
        let stored = variable(durable, "currentEpoch");
        (stored < Some(epoch))
            .then(|| format!("{candidate:?} asked for votes in epoch {epoch} with {stored:?} on disk"))
    }
}

fn variable(durable: Option<&str>, name: &str) -> Option<u64> {
    let words = durable.unwrap_or_default().split_ascii_whitespace();
    words.skip_while(|word| *word != name).nth(1).and_then(|word| word.parse().ok())
}

/// Planted faults.
mod tests {
    use super::*;

    #[test]
    fn a_second_vote_in_an_epoch_and_unstored_epochs_are_found() {
        let id = |number: u8| NodeId::from_bits([number; 20]);
        let disk = |epoch: u64| format!("vars currentEpoch 9 lastVoteEpoch {epoch}\n");
        let mut votes = Votes::default();
        for (epoch, candidate, stored, found) in
            [(5, 7, 5, 0), (5, 7, 5, 0), (6, 8, 6, 0), (6, 7, 6, 1), (7, 7, 6, 1)]
        {
            let violations = votes.voted(id(1), epoch, id(candidate), Some(&disk(stored)));
            assert_eq!(violations.len(), found, "{violations:?}");
        }
        assert_eq!(votes.asked(id(1), 9, Some(&disk(0))), None);
        assert!(votes.asked(id(1), 10, Some(&disk(0))).is_some());
    }
}
