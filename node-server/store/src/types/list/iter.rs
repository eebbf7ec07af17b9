//! A run of a list's elements, from both ends.

use super::ListRef;
use crate::encoding::listpack;
use crate::types::Element;

pub(super) struct Elements<'a> {
    list: ListRef<'a>,
    /// Offset of the next element at the front, and of the one after the last at the back.
    front: usize,
    back: usize,
    front_node: Option<listpack::Iter<'a>>,
    back_node: Option<listpack::Iter<'a>>,
}

impl<'a> Elements<'a> {
    pub(super) fn new(list: ListRef<'a>, offset: usize, count: usize) -> Elements<'a> {
        Elements { list, front: offset, back: offset + count, front_node: None, back_node: None }
    }

    /// The rest of the front's node, from the front on.
    fn open_front(&self) -> Option<listpack::Iter<'a>> {
        let (node, within) = self.list.node_at(self.front)?;
        Some(node.iter_between(node.seek(within)?, node.end()))
    }

    /// The back's node up to the back.
    fn open_back(&self) -> Option<listpack::Iter<'a>> {
        let (node, within) = self.list.node_at(self.back.checked_sub(1)?)?;
        Some(node.iter_between(node.first()?, node.seek(within + 1).unwrap_or(node.end())))
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        if self.front >= self.back {
            return None;
        }
        let element = match self.front_node.as_mut().and_then(Iterator::next) {
            Some(element) => element,
            None => {
                self.front_node = self.open_front();
                self.front_node.as_mut()?.next()?
            }
        };
        self.front += 1;
        Some(element)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.back.saturating_sub(self.front), Some(self.back.saturating_sub(self.front)))
    }
}

impl<'a> DoubleEndedIterator for Elements<'a> {
    fn next_back(&mut self) -> Option<Element<'a>> {
        if self.front >= self.back {
            return None;
        }
        let element = match self.back_node.as_mut().and_then(DoubleEndedIterator::next_back) {
            Some(element) => element,
            None => {
                self.back_node = self.open_back();
                self.back_node.as_mut()?.next_back()?
            }
        };
        self.back -= 1;
        Some(element)
    }
}
