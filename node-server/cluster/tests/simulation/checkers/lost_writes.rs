//! What clients were told holds, as far as asynchronous replication can: of the acknowledged writes only those may be
//! lost that a master had acknowledged and the replica that was elected in its place had not got.
//!
//! - A manual failover (the replica got its master's final offset, and its master had not failed) loses nothing: the new
//!   master has all that the old one acknowledged, and the old one acknowledges nothing more, as soon as most masters
//!   know of it.
//! - After any other failover the old master may go on for a while, until it hears of it, or finds itself in a minority:
//!   its ping may be half a node timeout late and waits for a whole one. Beyond [`LostWrites::bound_ms`] that is a fault.
//! - The time counts from when a majority of the masters knows the new one. An election that is won by a node that is cut
//!   off or dies before it can say so leaves the old master in its place, and if it is reached again the majority goes on
//!   with it; when the winner comes back, its greater epoch wins, and what was written meanwhile is lost. That is a
//!   weakness of the protocol itself: voters do not learn what came of their votes.
//! - Who stands for election without an operator's order has fresh enough data, by the validity factor.
//! - A write that is lost without such a failover is a fault. (Where two replicas of one master are elected at nearly the
//!   same time, by operators' orders, the one with the greater epoch wins over the other, by a manual failover, too: it
//!   has all that their master had, and nothing that the other wrote.)
//!
//! Where operators may give slots away without asking anybody, writes are lost by their orders; there the last rule says
//! nothing.

use std::collections::{HashMap, HashSet};

use crate::clients::{Ledger, Write};
use crate::data::{HOT_SLOTS, NOTHING};

/// A replica took a slot over from its master.
#[derive(Clone, Copy, Debug)]
pub struct Succession {
    pub hot: usize,
    pub old: usize,
    pub new: usize,
    pub at_ms: u64,
    pub by_hand: bool,
    /// What the new master has of the slot.
    pub has: u32,
    /// In which the new master was elected.
    pub epoch: u64,
}

#[derive(Default)]
pub struct LostWrites {
    pub bound_ms: u64,
    pub without_consensus: bool,
    successions: Vec<Succession>,
    /// By slot, the succession with the greatest epoch so far.
    leading: HashMap<usize, Succession>,
    /// (slot, machine) → who replaced it there, and when, while it has not become the master again.
    replaced: HashMap<(usize, usize), Succession>,
    /// Acknowledged by a master that had just been replaced.
    excused: HashSet<u32>,
    /// The longest that a master wrote on after it had been replaced.
    pub longest_ms: u64,
}

impl LostWrites {
    /// `old_has` is the last write that the old master acknowledged.
    pub fn succeeded(&mut self, succession: Succession, old_has: u32) -> Option<String> {
        let Succession { hot, old, new, by_hand, has, epoch, at_ms } = succession;
        self.replaced.remove(&(hot, new));
        self.replace(succession);
        // Two replicas of one master may both be elected, one after the other: the greater epoch wins, whatever the
        // smaller one has written by then.
        if let Some(&rival) = self.leading.get(&hot).filter(|rival| rival.new != new && rival.new != old) {
            let (loser, winner) = if rival.epoch < epoch { (rival.new, succession) } else { (new, rival) };
            self.replace(Succession { old: loser, by_hand: false, at_ms, ..winner });
        }
        if self.leading.get(&hot).is_none_or(|leading| leading.epoch < epoch) {
            self.leading.insert(hot, succession);
        }
        (by_hand && has != old_has && old_has != NOTHING)
            .then(|| format!("by a manual failover {new} has write {has} of {hot}, {old} had {old_has}"))
    }

    /// A master came back as the replica that it was before: its promotion had not got to its disk. What it took meanwhile
    /// goes with it, as with any master that crashes before its writes are anywhere else.
    pub fn undone(&mut self, machine: usize, hot: usize, now_ms: u64) {
        let is_it = |succession: &&Succession| succession.hot == hot && succession.new == machine;
        let Some(&promotion) = self.successions.iter().rev().find(is_it) else { return };
        self.successions.push(Succession { old: machine, by_hand: false, at_ms: now_ms, ..promotion });
        self.replaced.retain(|(slot, _), succession| *slot != hot || succession.new != machine);
        if self.leading.get(&hot).is_some_and(|leading| leading.new == machine) {
            self.leading.remove(&hot);
        }
    }

    fn replace(&mut self, succession: Succession) {
        self.successions.push(succession);
        self.replaced.insert((succession.hot, succession.old), succession);
    }

    /// A write was acknowledged. `majority_knows` says of a succession whether most masters have heard of it.
    pub fn acknowledged(
        &mut self,
        write: u32,
        facts: Write,
        majority_knows: impl FnOnce(&Succession) -> bool,
    ) -> Option<String> {
        let Write { machine, hot, at_ms, .. } = facts;
        let succession = self.replaced.get_mut(&(hot, machine)).filter(|_| !self.without_consensus)?;
        if !majority_knows(succession) {
            (succession.at_ms, succession.by_hand) = (at_ms, false);
            self.excused.insert(write);
            return None;
        }
        let since_ms = at_ms - succession.at_ms;
        if succession.by_hand {
            return Some(format!("{machine} takes writes of {hot} {since_ms} ms after it was handed over"));
        }
        self.longest_ms = self.longest_ms.max(since_ms);
        self.excused.insert(write);
        let new = succession.new;
        (since_ms > self.bound_ms)
            .then(|| format!("{machine} takes writes of {hot} {since_ms} ms after {new} replaced it"))
    }

    /// When all is over: how many were lost, and which of them should not have been. `last` is what each slot's owner
    /// has.
    pub fn judge(&self, ledger: &Ledger, last: [u32; HOT_SLOTS]) -> (usize, Vec<String>) {
        let mut kept = vec![false; ledger.writes.len()];
        for write in last.into_iter().filter(|&write| write != NOTHING).flat_map(|last| ledger.history(last))
        {
            kept[write as usize] = true;
        }
        let lost: Vec<u32> = (0..kept.len() as u32).filter(|&write| !kept[write as usize]).collect();
        let faults = lost.iter().filter(|&&write| !self.without_consensus && !self.is_excused(ledger, write));
        let faults = faults.map(|&write| {
            let facts = ledger.writes[write as usize];
            format!("{} acknowledged write {write} of {} at {}: lost", facts.machine, facts.hot, facts.at_ms)
        });
        (lost.len(), faults.take(5).collect())
    }

    /// Somebody was elected later who had not got it, or its master had been replaced just before.
    fn is_excused(&self, ledger: &Ledger, write: u32) -> bool {
        let facts = ledger.writes[write as usize];
        let is_reason = |succession: &Succession| {
            let lacks = || !ledger.history(succession.has).any(|has| has == write);
            let later = succession.at_ms >= facts.at_ms;
            succession.hot == facts.hot && !succession.by_hand && later && lacks()
        };
        self.excused.contains(&write) || self.successions.iter().any(is_reason)
    }
}

/// Planted faults.
mod tests {
    use super::*;

    fn succession(by_hand: bool, has: u32) -> Succession {
        Succession { hot: 0, old: 1, new: 2, at_ms: 1_000, by_hand, has, epoch: 7 }
    }

    /// Machine 1 wrote 0 and 1, machine 2 wrote 2 on top of 0.
    fn ledger() -> (Ledger, [u32; HOT_SLOTS]) {
        let mut ledger = Ledger::default();
        let first = ledger.write(1, 0, NOTHING, 900);
        ledger.write(1, 0, first, 950);
        let mut last = [NOTHING; HOT_SLOTS];
        last[0] = ledger.write(2, 0, first, 1_100);
        (ledger, last)
    }

    fn write(machine: usize, at_ms: u64) -> Write {
        Write { machine, hot: 0, at_ms, on: NOTHING }
    }

    #[test]
    fn a_write_that_is_lost_without_an_election_is_found() {
        let (ledger, last) = ledger();
        let mut checker = LostWrites { bound_ms: 100, ..LostWrites::default() };
        let (lost, faults) = checker.judge(&ledger, last);
        assert_eq!((lost, faults.len()), (1, 1), "{faults:?}");
        assert_eq!(checker.succeeded(succession(false, 0), 1), None);
        assert_eq!(checker.judge(&ledger, last).1, Vec::<String>::new());
    }

    #[test]
    fn a_manual_failover_that_loses_is_found() {
        let mut checker = LostWrites { bound_ms: 100, ..LostWrites::default() };
        assert_eq!(checker.succeeded(succession(true, 1), 1), None);
        assert!(checker.succeeded(succession(true, 0), 1).is_some());
        assert!(checker.acknowledged(7, write(1, 1_001), |_| true).is_some(), "it wrote on");
        let (ledger, last) = ledger();
        assert_eq!(checker.judge(&ledger, last).1.len(), 1, "no election excuses it");
    }

    #[test]
    fn a_replaced_master_that_writes_on_for_too_long_is_found() {
        let mut checker = LostWrites { bound_ms: 100, ..LostWrites::default() };
        assert_eq!(checker.succeeded(succession(false, 0), 1), None);
        assert_eq!(checker.acknowledged(7, write(1, 1_100), |_| true), None);
        assert!(checker.acknowledged(7, write(1, 1_101), |_| true).is_some());
        assert_eq!(checker.acknowledged(7, write(1, 1_500), |_| false), None, "who should tell it?");
        assert_eq!(checker.acknowledged(7, write(1, 1_600), |_| true), None);
        assert_eq!(checker.acknowledged(7, write(2, 5_000), |_| true), None, "the new one may");
        let back = Succession { old: 2, new: 1, epoch: 8, ..succession(false, 0) };
        assert_eq!(checker.succeeded(back, 0), None);
        assert_eq!(checker.acknowledged(7, write(1, 5_000), |_| true), None, "it is the master again");
    }

    #[test]
    fn of_two_that_are_elected_at_once_the_greater_epoch_stays() {
        for (first, second, loser, winner) in [(7, 8, 2, 3), (8, 7, 3, 2)] {
            let mut checker = LostWrites { bound_ms: 100, ..LostWrites::default() };
            let two = Succession { epoch: first, ..succession(false, 0) };
            let three = Succession { new: 3, epoch: second, at_ms: 1_050, ..succession(true, 0) };
            assert_eq!((checker.succeeded(two, 0), checker.succeeded(three, 0)), (None, None));
            assert_eq!(checker.acknowledged(7, write(loser, 1_060), |_| true), None);
            assert!(checker.acknowledged(8, write(loser, 1_200), |_| true).is_some());
            assert_eq!(checker.acknowledged(9, write(winner, 1_200), |_| true), None);
        }
    }
}
