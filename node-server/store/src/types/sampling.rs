//! Fair choices: an index below a number, and distinct indexes.

use rand::Rng;

/// A number below `limit`, which is not 0. By multiplication, whose bias of one in 2⁶⁴ nobody can see.
pub(super) fn below(limit: usize, rng: &mut dyn Rng) -> usize {
    ((u128::from(rng.next_u64()) * limit as u128) >> 64) as usize
}

/// Keeps `count` of `length` items that are fed in one by one, every subset of that size being equally likely.
pub(super) struct Selection {
    wanted: usize,
    left: usize,
}

impl Selection {
    pub(super) fn new(count: usize, length: usize) -> Selection {
        Selection { wanted: count.min(length), left: length }
    }

    pub(super) fn takes(&mut self, rng: &mut dyn Rng) -> bool {
        let Some(left) = self.left.checked_sub(1) else { return false };
        let take = self.wanted > 0 && below(self.left, rng) < self.wanted;
        self.left = left;
        self.wanted -= usize::from(take);
        take
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn a_selection_has_its_size_and_is_even() {
        let mut rng = rand::rngs::StdRng::seed_from_u64(1);
        let mut hits = [0; 10];
        for _ in 0..10_000 {
            let mut selection = Selection::new(3, 10);
            let taken: Vec<usize> = (0..10).filter(|_| selection.takes(&mut rng)).collect();
            assert_eq!(taken.len(), 3);
            taken.into_iter().for_each(|index| hits[index] += 1);
        }
        assert!(hits.iter().all(|&hit| (2700..3300).contains(&hit)), "{hits:?}");
    }
}
