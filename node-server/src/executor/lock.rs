//! The shards that a command holds while it runs.
//!
//! Always taken in the order of their numbers, all at once before the command runs; so no two threads ever
//! wait for each other.

use std::convert::Infallible;

use parking_lot::MutexGuard;

use crate::node::Node;
use crate::replication::RoleHeld;
use crate::shard::{HeldLong, Shard, Shards};

/// How often all locks are tried at once.
const ATTEMPTS: usize = 1000;

/// Locked shards.
#[derive(Debug, Default)]
pub enum Held<'a> {
    #[default]
    None,
    One(usize, MutexGuard<'a, Shard>),
    /// Another one's, for as long as a command runs.
    Lent(usize, &'a mut Shard),
    /// In the order of their numbers.
    Many(Vec<(usize, MutexGuard<'a, Shard>)>),
    /// All of them, and the node's role.
    AllAndRole(Box<AllAndRole<'a>>),
}

#[derive(Debug)]
pub struct AllAndRole<'a> {
    // Let go in this order.
    shards: Held<'a>,
    _role: RoleHeld<'a>,
}

/// Which shards a request needs.
#[derive(Debug, PartialEq, Eq)]
pub enum Wanted {
    None,
    One(usize),
    /// In any order and with repetitions.
    Several(Vec<usize>),
    All,
    /// See [`Held::all_and_role`].
    AllAndRole,
}

impl<'a> Held<'a> {
    pub fn all(shards: &'a Shards) -> Held<'a> {
        Held::Many((0..shards.count()).map(|index| (index, shards.lock(index))).collect())
    }

    /// For a request that changes the role; the caller holds none. `None` while a copy of the master's data is loaded.
    #[cold]
    pub fn all_and_role(node: &'a Node) -> Option<Result<Held<'a>, HeldLong>> {
        let role = RoleHeld::take(node)?;
        let shards = Held::several(&node.shards, Wanted::All);
        Some(shards.map(|shards| Held::AllAndRole(Box::new(AllAndRole { shards, _role: role }))))
    }

    /// All of them, none held while another is waited for: who is slow with one holds nobody else up. Where that does not
    /// come to an end they are taken one after the other.
    pub fn all_at_once(shards: &'a Shards) -> Held<'a> {
        let mut busy = 0;
        for _ in 0..ATTEMPTS {
            match Held::all_around(shards, busy) {
                Ok(held) => return held,
                Err(index) => busy = index,
            }
        }
        Held::all(shards)
    }

    /// Waits for the one that was busy, and takes the others if all are free. Else it says which one is not.
    fn all_around(shards: &'a Shards, busy: usize) -> Result<Held<'a>, usize> {
        let mut waited_for = Some(shards.lock(busy));
        let mut lock = |index| match index == busy {
            true => waited_for.take().ok_or(index),
            false => shards.try_lock(index).ok_or(index),
        };
        let held: Result<Vec<_>, usize> =
            (0..shards.count()).map(|index| Ok((index, lock(index)?))).collect();
        held.map(Held::Many)
    }

    /// For a request: a shard that a script holds for long is not waited for.
    #[inline(always)]
    pub fn for_request(shards: &'a Shards, wanted: Wanted) -> Result<Held<'a>, HeldLong> {
        match wanted {
            Wanted::None => Ok(Held::None),
            Wanted::One(index) => Ok(Held::One(index, shards.lock_unless_held_long(index)?)),
            several => Held::several(shards, several),
        }
    }

    /// The same for the stream of the master, which waits for a script.
    #[cold]
    pub fn for_master(shards: &'a Shards, wanted: Wanted) -> Held<'a> {
        let Ok(held) = Held::locked(shards, wanted, |index| Ok::<_, Infallible>(shards.lock(index)));
        held
    }

    /// These shards, if it is the one that is held already; else that one is let go first.
    #[inline(always)]
    pub fn or_lock(&mut self, shards: &'a Shards, wanted: Wanted) -> Result<Held<'a>, HeldLong> {
        match (&*self, &wanted) {
            // In a line of its own: so what most commands without keys need is not copied from here to there.
            (Held::None, Wanted::None) => return Ok(Held::None),
            (Held::None, _) => {}
            (Held::One(index, _), Wanted::One(same)) if index == same => return Ok(std::mem::take(self)),
            _ => *self = Held::None,
        }
        Held::for_request(shards, wanted)
    }

    #[inline(never)]
    fn several(shards: &'a Shards, wanted: Wanted) -> Result<Held<'a>, HeldLong> {
        Held::locked(shards, wanted, |index| shards.lock_unless_held_long(index))
    }

    /// What is wanted, each locked by `lock`, in the order of their numbers.
    fn locked<E>(
        shards: &'a Shards,
        wanted: Wanted,
        lock: impl Fn(usize) -> Result<MutexGuard<'a, Shard>, E>,
    ) -> Result<Held<'a>, E> {
        let with_index = |index| Ok((index, lock(index)?));
        let many =
            |indexes: &mut dyn Iterator<Item = usize>| indexes.map(with_index).collect::<Result<Vec<_>, E>>();
        Ok(match wanted {
            Wanted::None => Held::None,
            Wanted::One(index) => Held::One(index, lock(index)?),
            // Whoever wants the role has it already.
            Wanted::All | Wanted::AllAndRole => Held::Many(many(&mut (0..shards.count()))?),
            Wanted::Several(mut indexes) => {
                indexes.sort_unstable();
                indexes.dedup();
                match indexes.as_slice() {
                    [] => Held::None,
                    [index] => Held::One(*index, lock(*index)?),
                    _ => Held::Many(many(&mut indexes.into_iter())?),
                }
            }
        })
    }

    /// For a command that may be followed by one about the same shard: one alone is lent, others are given.
    #[inline(always)]
    pub fn lend(&mut self) -> Held<'_> {
        match self {
            Held::One(index, shard) => Held::Lent(*index, shard),
            _ => std::mem::take(self),
        }
    }

    /// Another one, which is not among them. False where what is held is lent, and ends with its command.
    pub fn add(&mut self, index: usize, shard: MutexGuard<'a, Shard>) -> bool {
        let mut shards = match std::mem::take(self) {
            Held::None => Vec::new(),
            Held::One(index, shard) => vec![(index, shard)],
            Held::Many(shards) => shards,
            other @ (Held::Lent(..) | Held::AllAndRole(_)) => {
                *self = other;
                return false;
            }
        };
        let place = shards.partition_point(|(held, _)| *held < index);
        shards.insert(place, (index, shard));
        *self = Held::Many(shards);
        true
    }

    /// Their numbers.
    pub fn indexes(&self) -> Vec<usize> {
        match self {
            Held::None => Vec::new(),
            Held::One(index, _) | Held::Lent(index, _) => vec![*index],
            Held::Many(shards) => shards.iter().map(|(index, _)| *index).collect(),
            Held::AllAndRole(all) => all.shards.indexes(),
        }
    }

    pub fn is_none(&self) -> bool {
        matches!(self, Held::None)
    }

    /// True when `is` holds for one of them.
    pub fn any(&self, is: impl Fn(&Shard) -> bool) -> bool {
        match self {
            Held::None => false,
            Held::One(_, shard) => is(shard),
            Held::Lent(_, shard) => is(shard),
            Held::Many(shards) => shards.iter().any(|(_, shard)| is(shard)),
            Held::AllAndRole(all) => all.shards.any(is),
        }
    }

    /// Shows `visit` each of them.
    pub fn each(&mut self, mut visit: impl FnMut(&mut Shard)) {
        match self {
            Held::None => {}
            Held::One(_, shard) => visit(shard),
            Held::Lent(_, shard) => visit(shard),
            Held::Many(shards) => shards.iter_mut().for_each(|(_, shard)| visit(shard)),
            Held::AllAndRole(all) => all.shards.each(visit),
        }
    }

    pub fn get(&mut self, index: usize) -> Option<&mut Shard> {
        match self {
            Held::One(held, shard) if *held == index => Some(shard),
            Held::Lent(held, shard) if *held == index => Some(shard),
            Held::Many(shards) => {
                let at = shards.binary_search_by_key(&index, |(held, _)| *held).ok()?;
                shards.get_mut(at).map(|(_, shard)| &mut **shard)
            }
            Held::AllAndRole(all) => all.shards.get(index),
            Held::None | Held::One(..) | Held::Lent(..) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcl_store::keyspace::KeyHasher;

    #[test]
    fn while_one_is_waited_for_no_other_is_held() {
        let shards = Shards::for_cluster(1, &KeyHasher::new(1));
        let busy = shards.lock(5);
        assert!(matches!(Held::all_around(&shards, 0), Err(5)));
        assert!(
            (0..shards.count()).filter(|&index| index != 5).all(|index| shards.try_lock(index).is_some())
        );
        drop(busy);
        let held = Held::all_around(&shards, 5).unwrap_or_default();
        assert_eq!(held.indexes(), (0..shards.count()).collect::<Vec<_>>());
        drop(held);
        assert_eq!(Held::all_at_once(&shards).indexes().len(), shards.count());
    }
}
