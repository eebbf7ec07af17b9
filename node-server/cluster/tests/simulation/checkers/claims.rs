//! One owner: no two nodes claim a slot as masters by the same config epoch; and a claim is on disk before it is sent.
//!
//! Where operators make epochs without asking the majority (TAKEOVER, SETSLOT NODE, BUMPEPOCH) this holds for two
//! epochs that were both won in elections: who claims by an epoch in which it asked for votes, of voters who came by
//! their own slots so, too. Who took slots without asking is a voter to those alone that heard of it, and one whom he
//! replaced is a voter to the others: then both sides of a partition can find a majority. Others may collide until one
//! of the two takes a new epoch; that they do is [`super::agreement`]'s matter.

use std::collections::{BTreeMap, HashMap, HashSet};

use rcl_cluster::Persistent;
use rcl_proto::{NodeId, SlotSet};

use super::peek::Peek;

#[derive(Default)]
pub struct Claims {
    pub without_consensus: bool,
    /// Who asked for votes in which epoch.
    pub elections: HashSet<(NodeId, u64)>,
    /// Those in which somebody voted who had his slots without consensus.
    unfounded: HashSet<(NodeId, u64)>,
    /// Claims of the time before operators were let loose.
    early: HashSet<(NodeId, u64)>,
    /// By epoch, who claimed what.
    by_epoch: BTreeMap<u64, Vec<(NodeId, SlotSet)>>,
    /// What each machine claimed last: nearly always what it claims next.
    last: HashMap<usize, (NodeId, u64, Box<[u8; SlotSet::BYTES]>)>,
}

impl Claims {
    pub fn is_news(&mut self, machine: usize, who: NodeId, peek: &Peek<'_>) -> bool {
        let (epoch, slots) = (peek.config_epoch(), peek.slot_bytes());
        let last = self.last.get(&machine);
        if last.is_some_and(|(id, last_epoch, last)| *id == who && *last_epoch == epoch && **last == *slots) {
            return false;
        }
        self.last.insert(machine, (who, epoch, Box::new(*slots)));
        true
    }

    /// A machine's vote.
    pub fn voted(&mut self, machine: usize, candidate: NodeId, epoch: u64) {
        let last = self.last.get(&machine).map(|(id, epoch, _)| (*id, *epoch));
        if self.without_consensus && last.is_none_or(|claim| !self.is_founded(claim)) {
            self.unfounded.insert((candidate, epoch));
        }
    }

    /// The majority gave it that epoch, or it had it before operators were let loose.
    fn is_founded(&self, claim: (NodeId, u64)) -> bool {
        self.early.contains(&claim) || self.elections.contains(&claim) && !self.unfounded.contains(&claim)
    }

    pub fn claimed(
        &mut self,
        who: NodeId,
        epoch: u64,
        slots: &SlotSet,
        durable: Option<&str>,
    ) -> Vec<String> {
        let mut found = Vec::new();
        if !is_stored(who, epoch, slots, durable) {
            found.push(format!("{who:?} claims {slots} by epoch {epoch} before that is on disk"));
        }
        let claims = self.by_epoch.entry(epoch).or_default();
        if !self.without_consensus {
            self.early.insert((who, epoch));
        }
        let is_elected =
            |id: NodeId| self.elections.contains(&(id, epoch)) && !self.unfounded.contains(&(id, epoch));
        let counts = |other: NodeId| !self.without_consensus || (is_elected(who) && is_elected(other));
        if let Some((other, _)) =
            claims.iter().find(|(id, set)| *id != who && counts(*id) && !set.intersection(slots).is_empty())
        {
            found.push(format!("epoch {epoch}: {who:?} and {other:?} both claim some of {slots}"));
        }
        match claims.iter_mut().find(|(id, _)| *id == who) {
            Some((_, set)) if slots.is_subset(set) => {}
            Some((_, set)) => *set = set.union(slots),
            None => claims.push((who, slots.clone())),
        }
        found
    }
}

/// Whether the claim would survive a crash: a later epoch covers it, too.
fn is_stored(who: NodeId, epoch: u64, slots: &SlotSet, durable: Option<&str>) -> bool {
    let known = durable.and_then(|text| Persistent::parse(text).ok().flatten());
    let line = known.as_ref().and_then(|known| known.nodes.iter().find(|line| line.id == who));
    line.is_some_and(|line| line.config_epoch >= epoch && slots.is_subset(&line.slots))
}

/// Planted faults.
mod tests {
    use super::*;
    use crate::world::range;

    fn id(number: u8) -> NodeId {
        NodeId::from_bits([number; 20])
    }

    fn slots(first: usize, last: usize) -> SlotSet {
        SlotSet::from_iter([range(first, last)])
    }

    fn disk(number: u8, epoch: u64, slots: &str) -> String {
        format!("{} 10.0.0.1:7000@17000 myself,master - 0 0 {epoch} connected {slots}\n", id(number))
    }

    #[test]
    fn two_owners_of_a_slot_in_one_epoch_are_found() {
        let mut claims = Claims::default();
        for (number, epoch, first, last, found) in
            [(1, 5, 0, 10, 0), (2, 5, 11, 20, 0), (2, 6, 0, 20, 0), (3, 5, 10, 11, 1)]
        {
            let durable = disk(number, epoch, &format!("{first}-{last}"));
            let violations = claims.claimed(id(number), epoch, &slots(first, last), Some(&durable));
            assert_eq!(violations.len(), found, "{violations:?}");
        }
    }

    #[test]
    fn among_epochs_without_consensus_those_of_two_elections_are_found() {
        let mut claims = Claims { without_consensus: true, ..Claims::default() };
        for (number, elected, found) in [(1, true, 0), (2, false, 0), (3, true, 1)] {
            if elected {
                claims.elections.insert((id(number), 5));
            }
            let violations = claims.claimed(id(number), 5, &slots(0, 9), Some(&disk(number, 5, "0-9")));
            assert_eq!(violations.len(), found, "{violations:?}");
        }
    }

    #[test]
    fn an_election_counts_when_its_voters_have_their_slots_by_consensus() {
        // Before operators are let loose one has slots. Then one takes some, and one wins them with its vote or the
        // other's.
        for (voter, found) in [(1, 1), (2, 0)] {
            let mut claims = Claims::default();
            let claim = |claims: &mut Claims, number: u8, epoch: u64, first: usize| {
                let set = slots(first, first + 9);
                claims.last.insert(usize::from(number), (id(number), epoch, Box::new(set.to_bytes())));
                let durable = disk(number, epoch, &format!("{first}-{}", first + 9));
                claims.claimed(id(number), epoch, &set, Some(&durable))
            };
            assert_eq!(claim(&mut claims, 1, 1, 0), [""; 0]);
            claims.without_consensus = true;
            assert_eq!(claim(&mut claims, 2, 2, 10), [""; 0]);
            for number in [3, 4] {
                claims.elections.insert((id(number), 5));
                claims.voted(if number == 3 { 1 } else { voter }, id(number), 5);
            }
            assert_eq!(claim(&mut claims, 3, 5, 20), [""; 0]);
            assert_eq!(claim(&mut claims, 4, 5, 20).len(), found, "by the vote of {voter}");
        }
    }

    #[test]
    fn a_claim_that_is_not_on_disk_is_found() {
        let mut claims = Claims::default();
        let older = disk(4, 8, "0-1");
        assert_eq!(claims.claimed(id(4), 9, &slots(0, 1), Some(&older)).len(), 1);
        let fewer = disk(4, 9, "0-1");
        assert_eq!(claims.claimed(id(4), 9, &slots(0, 2), Some(&fewer)).len(), 1);
        assert_eq!(claims.claimed(id(4), 9, &slots(0, 1), Some(&fewer)).len(), 0);
    }
}
