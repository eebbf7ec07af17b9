//! All links of a member, in the order of their numbers: first those that peers opened, then ours.
//!
//! Numbers count up, so a new link goes to the end of its half. Two lists in order are small, quick to search, and as
//! quick to walk through: what is sent to everybody is sent in this order.

use crate::io::LinkId;
use crate::links::Link;

/// By so much a list grows at most: two of them doubled are a lot where all members are in one process.
const MORE: usize = 128;

type List = Vec<(LinkId, Link)>;

#[derive(Clone, Debug, Default)]
pub(crate) struct LinkTable {
    inbound: List,
    outbound: List,
}

impl LinkTable {
    pub fn get(&self, id: LinkId) -> Option<&Link> {
        let list = if id.is_outbound() { &self.outbound } else { &self.inbound };
        find(list, id).ok().map(|place| &list[place].1)
    }

    pub fn contains(&self, id: LinkId) -> bool {
        self.get(id).is_some()
    }

    pub fn get_mut(&mut self, id: LinkId) -> Option<&mut Link> {
        let list = self.list_of(id);
        find(list, id).ok().map(|place| &mut list[place].1)
    }

    /// A link of the same number, which there should be none of, is replaced.
    pub fn insert(&mut self, id: LinkId, link: Link) {
        let list = self.list_of(id);
        match find(list, id) {
            Ok(place) => list[place].1 = link,
            Err(place) => {
                if list.len() == list.capacity() {
                    list.reserve_exact(MORE.min(list.len().max(4)));
                }
                list.insert(place, (id, link));
            }
        }
    }

    pub fn remove(&mut self, id: LinkId) -> Option<Link> {
        let list = self.list_of(id);
        find(list, id).ok().map(|place| list.remove(place).1)
    }

    pub fn iter(&self) -> impl Iterator<Item = (LinkId, &Link)> {
        self.inbound.iter().chain(&self.outbound).map(|(id, link)| (*id, link))
    }

    fn list_of(&mut self, id: LinkId) -> &mut List {
        if id.is_outbound() { &mut self.outbound } else { &mut self.inbound }
    }
}

fn find(list: &List, id: LinkId) -> Result<usize, usize> {
    list.binary_search_by_key(&id, |(id, _)| *id)
}
