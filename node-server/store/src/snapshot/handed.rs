//! What was handed over: by the walk, and by writers who came first.

use crate::entry::Entry;
use crate::table::Table;

/// So many wait together. To hand over one more moves none of the others, and to take them along moves a pointer for each
/// such lot.
const LOT: usize = 128;

/// What a call of the walk gives. Filled again and again it is allocated once.
#[derive(Debug, Default)]
pub struct Handed {
    pub(super) walked: Vec<HandedOver>,
    pub(super) queued: Queue,
}

/// What writers have handed over.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// None of them is empty.
    lots: Vec<Vec<HandedOver>>,
}

impl Queue {
    pub(super) fn push(&mut self, piece: HandedOver) {
        match self.lots.last_mut() {
            Some(lot) if lot.len() < LOT => lot.push(piece),
            _ => {
                let mut lot = Vec::with_capacity(LOT);
                lot.push(piece);
                self.lots.push(lot);
            }
        }
    }

    pub(super) fn append(&mut self, other: &mut Queue) {
        self.lots.append(&mut other.lots);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lots.is_empty()
    }
}

impl Handed {
    /// With room for what a walk brings, so that it allocates none under its lock.
    pub fn with_room_for(entries: usize) -> Handed {
        Handed { walked: Vec::with_capacity(entries), queued: Queue::default() }
    }

    pub fn len(&self) -> usize {
        self.walked.len() + self.queued.lots.iter().map(Vec::len).sum::<usize>()
    }

    pub fn is_empty(&self) -> bool {
        self.walked.is_empty() && self.queued.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &HandedOver> {
        self.walked.iter().chain(self.queued.lots.iter().flatten())
    }

    /// Frees what was handed over. How much of the snapshot's [`Room`](super::Room) is free again.
    pub fn clear(&mut self) -> usize {
        let room_bytes = self.iter().map(|piece| piece.room_bytes).sum();
        self.walked.clear();
        self.queued.lots.clear();
        room_bytes
    }
}

/// A piece of the snapshot.
#[derive(Debug)]
pub struct HandedOver {
    /// The number of the database at the point.
    pub db: usize,
    /// What of the snapshot's room is free again when this is gone.
    pub(super) room_bytes: usize,
    pub(super) piece: Piece,
}

#[derive(Debug)]
pub(super) enum Piece {
    Entry(Entry),
    Flushed(Box<FlushedTables>),
}

#[derive(Debug)]
pub(super) struct FlushedTables {
    pub(super) tables: Vec<Table<Entry>>,
    /// Entries of this epoch are none of the snapshot's.
    pub(super) epoch: u8,
}

impl FlushedTables {
    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.tables.iter().flat_map(Table::iter).filter(|entry| entry.epoch() != self.epoch)
    }
}

impl HandedOver {
    /// The entries as they were at the point, expired ones too.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        let (one, flushed) = match &self.piece {
            Piece::Entry(entry) => (Some(entry), None),
            Piece::Flushed(flushed) => (None, Some(flushed.entries())),
        };
        one.into_iter().chain(flushed.into_iter().flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_goes_along_by_the_lot() {
        let piece =
            || HandedOver { db: 0, room_bytes: 3, piece: Piece::Entry(Entry::new_string(b"k", b"v", None)) };
        let (mut handed, mut queue) = (Handed::default(), Queue::default());
        for pushed in 1..=3 * LOT + 1 {
            queue.push(piece());
            assert_eq!(queue.lots.len(), pushed.div_ceil(LOT));
        }
        assert!(queue.lots.iter().all(|lot| lot.capacity() == LOT));
        handed.queued.append(&mut queue);
        assert!(queue.is_empty());
        queue.push(piece());
        handed.queued.append(&mut queue);
        handed.walked.push(piece());
        assert_eq!(handed.len(), 3 * LOT + 3);
        assert_eq!(handed.clear(), 3 * (3 * LOT + 3));
        assert!(handed.is_empty());
    }
}
