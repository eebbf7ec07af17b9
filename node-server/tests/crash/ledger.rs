//! What a writer sent and what was acknowledged, and whether what is there after a crash agrees with it.

use std::time::Instant;

use crate::columns::Found;

/// One writer's book of one round.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    columns: Vec<Count>,
    /// The columns of the writes of this round, in the order in which they were sent.
    order: Vec<usize>,
    /// So many of these must be there.
    demanded: usize,
    /// When the answers to these came; a writer's answers come in order.
    acknowledged: Vec<Instant>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    /// At the beginning of the round.
    base: u64,
    sent: u64,
    /// What must be there in any case.
    floor: u64,
}

impl Ledger {
    /// All at the beginning: what is there was read just now, from what is on the disk.
    pub fn new(counts: &[u64]) -> Ledger {
        let count = |&base: &u64| Count { base, sent: base, floor: base };
        Ledger { columns: counts.iter().map(count).collect(), ..Ledger::default() }
    }

    /// The number of the next write to a column, which is about to be sent.
    pub fn send(&mut self, column: usize) -> u64 {
        self.order.push(column);
        self.columns[column].sent += 1;
        self.columns[column].sent
    }

    /// The next of those that were sent was answered.
    pub fn acknowledge(&mut self, now: Instant) {
        self.acknowledged.push(now);
    }

    pub fn acknowledged_count(&self) -> usize {
        self.acknowledged.len()
    }

    /// The first so many writes of the round must be there from now on.
    pub fn demand(&mut self, writes: usize) {
        for column in self.order.get(self.demanded..writes).unwrap_or_default() {
            self.columns[*column].floor += 1;
        }
        self.demanded = self.demanded.max(writes);
    }

    /// Those that were acknowledged by then must be there.
    pub fn demand_acknowledged_by(&mut self, time: Instant) {
        self.demand(self.acknowledged.partition_point(|&at| at <= time));
    }

    /// Holds what is there against the book; gives the counts with which the next round begins.
    pub fn judge(&self, found: &[Found]) -> Result<Vec<u64>, String> {
        let mut counts = Vec::new();
        for (column, (count, &found)) in self.columns.iter().zip(found).enumerate() {
            let even = count.floor + count.floor % 2;
            let now = match found {
                Found::Exactly(now) => now,
                Found::AnyEven if even > count.sent => {
                    return Err(format!("column {column}: it is gone, of {count:?}"));
                }
                Found::AnyEven => even,
                Found::Any => count.sent,
            };
            if now > count.sent {
                return Err(format!("column {column}: {now} was never sent, of {count:?}"));
            }
            if now < count.floor {
                return Err(format!("column {column}: only {now} is there, of {count:?}"));
            }
            counts.push(now);
        }
        self.judge_order(found)?;
        Ok(counts)
    }

    /// All that is there is what one moment between two writes showed.
    fn judge_order(&self, found: &[Found]) -> Result<(), String> {
        // The moment lies after that many writes at least, and at most.
        let (mut at_least, mut at_most) = ((0, 0), (self.order.len(), 0));
        for (column, (count, found)) in self.columns.iter().zip(found).enumerate() {
            let Found::Exactly(now) = *found else { continue };
            let mut places =
                (1..).zip(&self.order).filter(|&(_, &other)| other == column).map(|(place, _)| place);
            let writes = (now - count.base) as usize;
            let last = if writes == 0 { 0 } else { places.nth(writes - 1).unwrap_or(0) };
            let next = places.next().unwrap_or(self.order.len() + 1);
            at_least = at_least.max((last, column));
            at_most = at_most.min((next - 1, column));
        }
        if at_least.0 > at_most.0 {
            return Err(format!(
                "column {} has write {} of its writer, column {} has not write {}",
                at_least.1,
                at_least.0,
                at_most.1,
                at_most.0 + 1
            ));
        }
        Ok(())
    }
}

#[test]
fn what_is_lost_or_was_never_sent_is_told() {
    use Found::{Any, AnyEven, Exactly};
    let mut ledger = Ledger::new(&[5, 0]);
    for column in [0, 1, 0, 1, 0] {
        ledger.send(column);
    }
    ledger.demand(2);
    let judge = |found: [Found; 2]| ledger.judge(&found);
    assert_eq!(judge([Exactly(6), Exactly(1)]).unwrap(), [6, 1]);
    assert_eq!(judge([Exactly(7), Exactly(1)]).unwrap(), [7, 1]);
    assert_eq!(judge([Exactly(8), Exactly(2)]).unwrap(), [8, 2]);
    assert_eq!(judge([Exactly(8), AnyEven]).unwrap(), [8, 2]);
    assert_eq!(judge([Exactly(6), Any]).unwrap(), [6, 2]);
    for (found, error) in [
        ([Exactly(5), Exactly(1)], "column 0: only 5 is there"),
        ([Exactly(6), Exactly(0)], "column 1: only 0 is there"),
        ([Exactly(9), Exactly(2)], "column 0: 9 was never sent"),
        ([Exactly(8), Exactly(1)], "column 0 has write 5 of its writer, column 1 has not write 4"),
        ([Exactly(6), Exactly(2)], "column 1 has write 4 of its writer, column 0 has not write 3"),
    ] {
        let told = judge(found).unwrap_err();
        assert!(told.starts_with(error), "{told}");
    }
    let now = Instant::now();
    let mut ledger = Ledger::new(&[0]);
    ledger.send(0);
    assert_eq!(ledger.judge(&[AnyEven]).unwrap(), [0]);
    ledger.acknowledge(now);
    ledger.demand_acknowledged_by(now);
    assert!(ledger.judge(&[AnyEven]).unwrap_err().starts_with("column 0: it is gone"));
}
