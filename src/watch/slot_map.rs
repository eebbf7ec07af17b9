//! All slots on a few lines: who owns them, which are on the way, which nobody has. Pure: the size is an argument.
//!
//! ```text
//! AAAAAAAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBBBBBBCCCCCCCCCCCCCCCCCCCCCC      64 cells a line
//! AAAAAAAAAAAAAAAAAAAAABBBBBBBBbbbbBBBBBBBBBCCCCCCCCC...CCCCCCCCCC
//! ```
//!
//! A cell stands for as many slots as fall to it. Each master has a letter, and a colour where there are colours; a small letter says
//! that some of the cell's slots are being moved, a dot that some have no owner, a ! that their owner does not answer.

use rcl_proto::{NodeId, SLOT_COUNT, Slot};

use super::frame::Line;
use super::sample::{Sample, State};
use crate::output::Paint;

/// The letter of the n-th master; of many, some share one.
pub fn letter(master: usize) -> char {
    char::from(b'A' + (master % 26) as u8)
}

pub fn paint(master: usize) -> Paint {
    Paint::Owner((master % 6) as u8)
}

/// Which master has which letter. It keeps it for as long as it owns slots, wherever these are; who takes its place gets it next.
#[derive(Clone, Debug, Default)]
pub struct Letters(Vec<Option<NodeId>>);

impl Letters {
    pub fn of(sample: &Sample) -> Letters {
        let mut letters = Letters::default();
        letters.add(sample);
        letters
    }

    pub fn add(&mut self, sample: &Sample) {
        let masters: Vec<NodeId> = sample.masters_in_order().map(|master| master.id).collect();
        for place in &mut self.0 {
            *place = place.filter(|id| masters.contains(id));
        }
        for id in masters {
            if self.place(id).is_none() {
                match self.0.iter_mut().find(|place| place.is_none()) {
                    Some(free) => *free = Some(id),
                    None => self.0.push(Some(id)),
                }
            }
        }
    }

    /// The first has place 0, and the letter A.
    pub fn place(&self, id: NodeId) -> Option<usize> {
        self.0.iter().position(|place| *place == Some(id))
    }
}

/// `rows` lines of `columns` cells.
pub fn lines(sample: &Sample, letters: &Letters, columns: usize, rows: usize) -> Vec<Line> {
    let cells = columns * rows;
    if cells == 0 {
        return Vec::new();
    }
    let mut owners: Vec<Option<usize>> = vec![None; SLOT_COUNT];
    let mut silent = Vec::new();
    for master in sample.masters_in_order() {
        let place = letters.place(master.id);
        for slot in master.owned.iter() {
            owners[slot.index()] = place;
        }
        silent.extend(place.filter(|_| matches!(master.state, State::Silent | State::Down)));
    }
    let moves = |slot: usize| {
        Slot::new(slot as u16).is_some_and(|slot| sample.nodes.iter().any(|node| node.moving.contains(slot)))
    };
    let cell = |index: usize| {
        let from = index * SLOT_COUNT / cells;
        let to = ((index + 1) * SLOT_COUNT / cells).clamp(from + 1, SLOT_COUNT);
        of_cell(&owners[from..to], &silent, (from..to).any(moves))
    };
    (0..rows).map(|row| together((row * columns..(row + 1) * columns).map(cell))).collect()
}

/// A cell's colour and letter.
fn of_cell(owners: &[Option<usize>], silent: &[usize], moves: bool) -> (Option<Paint>, char) {
    if owners.contains(&None) {
        return (Some(Paint::Bad), '.');
    }
    if owners.iter().flatten().any(|owner| silent.contains(owner)) {
        return (Some(Paint::Bad), '!');
    }
    let of = |owner: usize| owners.iter().filter(|other| **other == Some(owner)).count();
    let Some(owner) = owners.iter().flatten().copied().max_by_key(|owner| of(*owner)) else {
        return (Some(Paint::Bad), '.');
    };
    match moves {
        true => (Some(Paint::Warn), letter(owner).to_ascii_lowercase()),
        false => (Some(paint(owner)), letter(owner)),
    }
}

/// Neighbours of one colour are one piece.
fn together(cells: impl Iterator<Item = (Option<Paint>, char)>) -> Line {
    let mut line = Line::new();
    for (paint, letter) in cells {
        match line.last_mut() {
            Some((last, text)) if *last == paint => text.push(letter),
            _ => line.push((paint, letter.to_string())),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::super::events::tests::{node, sample};
    use super::super::frame::render;
    use super::*;

    fn shown(sample: &Sample, columns: usize, rows: usize) -> Vec<String> {
        lines(sample, &Letters::of(sample), columns, rows)
            .iter()
            .map(|line| render(line, columns, false))
            .collect()
    }

    #[test]
    fn owners_moves_and_gaps_are_seen() {
        let mut nodes = vec![node("1", None, 8192), node("2", None, 8192), node("3", Some("1"), 0)];
        nodes[0].owned = "0-8191".parse().unwrap();
        nodes[1].owned = "8192-16383".parse().unwrap();
        let mut sample = sample(nodes);
        assert_eq!(shown(&sample, 8, 2), ["AAAAAAAA", "BBBBBBBB"]);
        sample.nodes[1].moving = "9000".parse().unwrap();
        assert_eq!(shown(&sample, 8, 2), ["AAAAAAAA", "bBBBBBBB"]);
        sample.nodes[0].state = State::Silent;
        assert_eq!(shown(&sample, 8, 2), ["!!!!!!!!", "bBBBBBBB"]);
        sample.nodes[0].owned = "0-100".parse().unwrap();
        assert_eq!(shown(&sample, 4, 1), ["..bB"]);
        assert!(shown(&sample, 0, 5).is_empty());
    }

    #[test]
    fn a_letter_stays_with_its_master_and_goes_to_who_takes_its_place() {
        let [one, two, three] =
            ["1", "2", "3"].map(|digit| node(digit, None, 100)).map(|node| (node.id, node));
        let mut letters = Letters::of(&sample(vec![one.1.clone(), two.1.clone()]));
        letters.add(&sample(vec![two.1.clone(), one.1.clone()]));
        assert_eq!(
            [letters.place(one.0), letters.place(two.0)],
            [Some(0), Some(1)],
            "other slots, the same letters"
        );
        letters.add(&sample(vec![three.1, two.1]));
        assert_eq!([one.0, two.0, three.0].map(|id| letters.place(id)), [None, Some(1), Some(0)]);
    }

    #[test]
    fn any_size_is_filled() {
        let sample = sample(vec![node("1", None, 16384)]);
        for (columns, rows) in [(1, 1), (80, 3), (200, 200), (20_000, 1)] {
            let lines = shown(&sample, columns, rows);
            assert!(lines.len() == rows && lines.iter().all(|line| line.chars().count() == columns));
        }
    }
}
