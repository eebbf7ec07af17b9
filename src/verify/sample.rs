//! Which keys are looked at when not all are: the same ones on both sides, since the key alone decides.

use std::hash::{DefaultHasher, Hash, Hasher};

/// Every so many-th key, by its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    one_of: u64,
}

impl Sample {
    /// About `wanted` of `keys` keys; all of them without a wish.
    pub fn new(wanted: Option<u64>, keys: u64) -> Sample {
        Sample { one_of: wanted.map_or(1, |wanted| keys / wanted.max(1)).max(1) }
    }

    pub fn takes(self, key: &[u8]) -> bool {
        self.one_of == 1 || hash_of(key).is_multiple_of(self.one_of)
    }

    /// Of how many keys one is taken.
    pub fn one_of(self) -> u64 {
        self.one_of
    }

    pub fn is_all(self) -> bool {
        self.one_of == 1
    }
}

/// The same in every run.
pub fn hash_of(key: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn about_so_many_as_wanted_are_taken() {
        let sample = Sample::new(Some(1000), 100_000);
        let taken = (0..100_000).filter(|number| sample.takes(format!("key:{number}").as_bytes())).count();
        assert!((800..1200).contains(&taken), "{taken}");
        assert!(Sample::new(None, 100).is_all() && Sample::new(Some(200), 100).is_all());
    }
}
