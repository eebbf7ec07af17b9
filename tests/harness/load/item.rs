//! What a worker knows of its keys, and how it judges what it reads.
//!
//! ```text
//! acknowledged = 6, attempted = 6:   6 is right, less is lost, all else is wrong
//! acknowledged = 6, attempted = 7:   the answer of 7 is still out: 6 and 7 are right
//! ```

use rcl_proto::{SLOT_COUNT, Slot, key_slot};

use super::LANES;

/// Long enough that a value is moved and not just its key.
const PADDING_BYTES: usize = 100;

#[derive(Clone, Debug)]
pub struct Item {
    /// One key, or two of one slot that are written together.
    pub keys: Vec<String>,
    pub slot: Slot,
    /// The number of the last acknowledged write; 0: there was none.
    pub acknowledged: u64,
    /// The number of the last write sent.
    pub attempted: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Right,
    /// So many acknowledged writes are gone.
    Lost(u64),
    Wrong(String),
}

impl Item {
    /// The `number`th item whose slot lies in `lane`, of those named after `worker`.
    pub fn in_lane(lane: usize, worker: usize, number: usize) -> Item {
        // Names are tried until one falls into the lane: three tries on average.
        for attempt in 0.. {
            let name = format!("load:{worker}:{number}:{attempt}");
            let slot = key_slot(name.as_bytes());
            if lane_of(slot) == lane {
                let keys = match number % 4 {
                    3 => vec![format!("{{{name}}}:left"), format!("{{{name}}}:right")],
                    _ => vec![name],
                };
                return Item { keys, slot, acknowledged: 0, attempted: 0 };
            }
        }
        unreachable!("some name falls into each lane")
    }

    pub fn is_pair(&self) -> bool {
        self.keys.len() == 2
    }

    /// Judges values read together, one for each key. What was lost is counted once.
    pub fn judge(&mut self, values: &[Option<Vec<u8>>]) -> Verdict {
        let [first, rest @ ..] = values else { return Verdict::Wrong("no value".into()) };
        if values.len() != self.keys.len() || rest.iter().any(|value| number(value) != number(first)) {
            return Verdict::Wrong(format!("{}: halves of a write: {values:?}", self.keys[0]));
        }
        let Some(seen) = number(first) else {
            return Verdict::Wrong(format!("{}: not a value of ours: {first:?}", self.keys[0]));
        };
        for (key, value) in self.keys.iter().zip(values) {
            if seen > 0 && value.as_deref() != Some(value_of(key, seen).as_slice()) {
                return Verdict::Wrong(format!("{key}: a damaged value: {value:?}"));
            }
        }
        if seen == self.acknowledged || seen == self.attempted {
            return Verdict::Right;
        }
        if seen < self.acknowledged {
            let lost = self.acknowledged - seen;
            self.acknowledged = seen;
            return Verdict::Lost(lost);
        }
        Verdict::Wrong(format!(
            "{}: {seen} where {} was acknowledged and {} sent",
            self.keys[0], self.acknowledged, self.attempted
        ))
    }
}

/// Which third of the slots.
pub fn lane_of(slot: Slot) -> usize {
    slot.index() * LANES / SLOT_COUNT
}

/// The `number`th value of `key`.
pub fn value_of(key: &str, number: u64) -> Vec<u8> {
    let filling = key.bytes().cycle().take(PADDING_BYTES);
    format!("{number}:").into_bytes().into_iter().chain(filling).collect()
}

/// The number in a value; 0 when there is no value; `None` when it is none of ours.
fn number(value: &Option<Vec<u8>>) -> Option<u64> {
    let Some(value) = value else { return Some(0) };
    let end = value.iter().position(|&byte| byte == b':')?;
    std::str::from_utf8(&value[..end]).ok()?.parse().ok().filter(|&number| number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(acknowledged: u64, attempted: u64) -> Item {
        Item { acknowledged, attempted, ..Item::in_lane(1, 0, 0) }
    }

    #[test]
    fn the_acknowledged_value_is_right_and_so_is_one_whose_answer_is_out() {
        let mut item = item(6, 7);
        let key = item.keys[0].clone();
        for number in [6, 7] {
            assert_eq!(item.judge(&[Some(value_of(&key, number))]), Verdict::Right);
        }
        assert_eq!(item.judge(&[Some(value_of(&key, 4))]), Verdict::Lost(2));
        assert_eq!(item.judge(&[Some(value_of(&key, 4))]), Verdict::Right, "counted once");
        assert!(matches!(item.judge(&[Some(value_of(&key, 5))]), Verdict::Wrong(_)));
        assert_eq!(item.judge(&[None]), Verdict::Lost(4));
    }

    #[test]
    fn what_was_never_written_is_wrong() {
        let mut item = item(6, 6);
        let key = item.keys[0].clone();
        for value in [value_of(&key, 7), value_of("other", 6), b"6".to_vec(), b"0:".to_vec(), b"x:".to_vec()]
        {
            assert!(matches!(item.judge(&[Some(value)]), Verdict::Wrong(_)));
        }
    }

    #[test]
    fn two_keys_written_together_must_agree() {
        let mut item = Item { acknowledged: 2, attempted: 2, ..Item::in_lane(0, 0, 3) };
        assert!(item.is_pair());
        let [left, right] = [0, 1].map(|at| item.keys[at].clone());
        assert_eq!(key_slot(left.as_bytes()), item.slot);
        assert_eq!(key_slot(right.as_bytes()), item.slot);
        let both = [Some(value_of(&left, 2)), Some(value_of(&right, 2))];
        assert_eq!(item.judge(&both), Verdict::Right);
        let torn = [Some(value_of(&left, 2)), Some(value_of(&right, 1))];
        assert!(matches!(item.judge(&torn), Verdict::Wrong(_)));
    }
}
