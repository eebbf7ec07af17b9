//! What a comparison found.

use std::collections::BTreeMap;

use serde::Serialize;

/// How a key differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Difference {
    /// Only the first side has it.
    Missing,
    /// Only the second side has it.
    Extra,
    Type,
    Value,
    /// The same value, which ends at another time.
    TimeToLive,
    /// A value that cannot be read here, and whose bytes differ: it may be the same.
    NotCompared,
}

impl Difference {
    pub const ALL: [Difference; 6] = [
        Difference::Missing,
        Difference::Extra,
        Difference::Type,
        Difference::Value,
        Difference::TimeToLive,
        Difference::NotCompared,
    ];

    pub fn text(self) -> &'static str {
        match self {
            Difference::Missing => "missing on the second",
            Difference::Extra => "only on the second",
            Difference::Type => "of another type",
            Difference::Value => "with another value",
            Difference::TimeToLive => "with another time to live",
            Difference::NotCompared => "could not be compared",
        }
    }
}

#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Keys of the first side that were looked at.
    pub compared: u64,
    /// Keys of the second side that were looked for on the first.
    pub looked_for: u64,
    pub differences: BTreeMap<Difference, Found>,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct Found {
    pub count: u64,
    /// The first of them.
    pub keys: Vec<String>,
}

impl Outcome {
    pub fn note(&mut self, key: String, difference: Difference, show: usize) {
        let found = self.differences.entry(difference).or_default();
        found.count += 1;
        if found.keys.len() < show {
            found.keys.push(key);
        }
    }

    pub fn merge(&mut self, other: Outcome, show: usize) {
        self.compared += other.compared;
        self.looked_for += other.looked_for;
        for (difference, found) in other.differences {
            let mine = self.differences.entry(difference).or_default();
            mine.count += found.count;
            mine.keys.extend(found.keys);
            mine.keys.truncate(show);
        }
    }

    pub fn is_same(&self) -> bool {
        self.differences.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_names_are_kept_and_all_are_counted() {
        let (mut all, mut other) = (Outcome::default(), Outcome::default());
        assert!(all.is_same());
        for number in 0..5 {
            all.note(format!("a{number}"), Difference::Value, 3);
            other.note(format!("b{number}"), Difference::Value, 3);
        }
        all.merge(other, 3);
        let found = &all.differences[&Difference::Value];
        assert_eq!((found.count, found.keys.join(" ")), (10, "a0 a1 a2".to_owned()));
    }
}
