//! What is too long for a page: each text in an allocation of its own, which copies of the page share.

use std::sync::Arc;

#[derive(Clone, Default)]
pub(super) struct Outside {
    /// A number names its place; one that is free is used again.
    texts: Vec<Option<Arc<[u8]>>>,
    text_bytes: usize,
}

impl Outside {
    pub(super) fn get(&self, number: u32) -> &[u8] {
        self.shared(number).map_or(&[], |text| text)
    }

    pub(super) fn shared(&self, number: u32) -> Option<&Arc<[u8]>> {
        self.texts.get(number as usize)?.as_ref()
    }

    /// The number that it has now.
    pub(super) fn put(outside: &mut Option<Arc<Outside>>, text: Arc<[u8]>) -> u32 {
        let outside = Arc::make_mut(outside.get_or_insert_default());
        outside.text_bytes += text.len();
        let place = match outside.texts.iter().position(Option::is_none) {
            Some(free) => free,
            None => {
                outside.texts.push(None);
                outside.texts.len() - 1
            }
        };
        outside.texts[place] = Some(text);
        place as u32
    }

    pub(super) fn take(outside: &mut Option<Arc<Outside>>, number: u32) {
        let Some(shared) = outside else { return };
        let texts = Arc::make_mut(shared);
        if let Some(text) = texts.texts.get_mut(number as usize).and_then(Option::take) {
            texts.text_bytes -= text.len();
        }
        if texts.texts.iter().all(Option::is_none) {
            *outside = None;
        }
    }

    pub(super) fn allocated_bytes(&self) -> usize {
        let each = 2 * size_of::<usize>();
        let taken = self.texts.iter().flatten().count();
        size_of::<Outside>() + each + self.texts.capacity() * each + taken * each + self.text_bytes
    }
}
