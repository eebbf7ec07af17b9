//! How a table is filled, for who looks for faults in it.

use super::Table;
use super::segment::Segment;

/// Places that are the home of at least so many entries are counted together.
pub const LONGEST_COUNTED: usize = 50;

pub type HashOf<'h, E> = &'h dyn Fn(&E) -> u64;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    pub places: usize,
    pub entries: usize,
    pub marked: usize,
    /// How many places are the home of 0, 1, 2, … entries. Empty when nobody asked.
    pub homes: Vec<usize>,
    pub most_in_one_home: usize,
}

impl Shape {
    pub fn add(&mut self, other: &Shape) {
        self.places += other.places;
        self.entries += other.entries;
        self.marked += other.marked;
        self.most_in_one_home = self.most_in_one_home.max(other.most_in_one_home);
        self.homes.resize(self.homes.len().max(other.homes.len()), 0);
        self.homes.iter_mut().zip(&other.homes).for_each(|(sum, count)| *sum += count);
    }
}

impl<E> Table<E> {
    /// With a hash function also where the entries' homes are, which takes a walk over all of them.
    pub fn shape(&self, hash_of: Option<HashOf<'_, E>>) -> Shape {
        let mut shape = Shape { entries: self.len(), marked: self.marked(), ..Shape::default() };
        for segment in (0..self.segment_count()).filter_map(|number| self.segment(number)) {
            shape.places += segment.capacity();
            if let Some(hash_of) = hash_of {
                shape.add(&homes(segment, hash_of));
            }
        }
        shape
    }
}

fn homes<E>(segment: &Segment<E>, hash_of: HashOf<'_, E>) -> Shape {
    let mut entries_at = vec![0usize; segment.capacity()];
    segment.iter().for_each(|entry| {
        if let Some(count) = entries_at.get_mut(segment.home_of(hash_of(entry))) {
            *count += 1;
        }
    });
    let mut shape = Shape { homes: vec![0; LONGEST_COUNTED + 1], ..Shape::default() };
    for count in entries_at {
        shape.homes[count.min(LONGEST_COUNTED)] += 1;
        shape.most_in_one_home = shape.most_in_one_home.max(count);
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sixteen in the highest bits, so that they are as many homes.
    fn spread(number: &u64) -> u64 {
        number << 60
    }

    #[test]
    fn every_entry_is_counted_at_its_home() {
        let mut table: Table<u64> = Table::new();
        assert_eq!(table.shape(Some(&spread)), Shape::default());
        (0..8).for_each(|number| _ = table.insert(spread(&number), number, spread));
        (8..10).for_each(|number| _ = table.insert(spread(&0), number, |_| 0));
        let place = table.find(spread(&3), |entry| *entry == 3).unwrap();
        table.set_mark(place, true);
        let quick = table.shape(None);
        assert_eq!((quick.entries, quick.marked, quick.homes.len()), (10, 1, 0));
        let full = table.shape(Some(&|number: &u64| if *number < 8 { spread(number) } else { 0 }));
        assert_eq!((full.places, full.entries), (quick.places, 10));
        assert_eq!(full.homes.iter().sum::<usize>(), full.places);
        let entries: usize = full.homes.iter().enumerate().map(|(length, count)| length * count).sum();
        assert_eq!(entries, 10);
        assert!(full.most_in_one_home >= 3);
    }

    #[test]
    fn a_table_of_many_segments_is_one_sum() {
        let hash = |number: &u64| number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut table: Table<u64> = Table::new();
        (0..5000).for_each(|number| _ = table.insert(hash(&number), number, hash));
        let shape = table.shape(Some(&hash));
        assert!(shape.places >= 5000 && shape.places < 20_000, "{}", shape.places);
        assert_eq!(shape.homes.iter().sum::<usize>(), shape.places);
        let entries: usize = shape.homes.iter().enumerate().map(|(length, count)| length * count).sum();
        assert_eq!(entries, 5000);
    }
}
