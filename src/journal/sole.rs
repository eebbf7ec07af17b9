//! Of which slots one node had the only keys when they were opened.
//!
//! A MIGRATE whose answer came too late leaves a key on both sides, and clients go on writing to the source. Which value is newer? The source's, when
//! there was no key of the slot at the target before, and the source has not been restarted nor replaced since: only a node that fell back to an older
//! state, or lost what it had deleted, can have a key that the target has had from it.

use rcl_proto::{NodeId, Slot, SlotSet};
use serde::{Deserialize, Serialize};

use super::record::Batch;
use crate::plan::text_form;

/// While both are the same, a node's data came from nowhere but its clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// Another with each start.
    pub run_id: String,
    /// Another with each promotion.
    pub replication_id: String,
}

/// Slots of which the target had no key, and the source that had them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sole {
    #[serde(with = "text_form")]
    pub slots: SlotSet,
    #[serde(flatten)]
    pub history: History,
}

/// Of the slots that are on their way.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Soles(Vec<(NodeId, NodeId, Sole)>);

impl Soles {
    /// Opened once more the same way, there may be keys at the target: what was known before goes on to hold.
    pub fn opened(&mut self, batch: &Batch, sole: Option<&Sole>) {
        self.drop_all(&batch.slots, |source, target| (source, target) != (batch.source, batch.target));
        if let Some(sole) = sole {
            self.drop_all(&sole.slots, |_, _| true);
            self.0.push((batch.source, batch.target, sole.clone()));
        }
    }

    pub fn moved(&mut self, slots: &SlotSet) {
        self.drop_all(slots, |_, _| true);
    }

    pub fn of(&self, source: NodeId, target: NodeId, slot: Slot) -> Option<&History> {
        let is_it = |(from, to, sole): &&(NodeId, NodeId, Sole)| {
            (*from, *to) == (source, target) && sole.slots.contains(slot)
        };
        self.0.iter().find(is_it).map(|(_, _, sole)| &sole.history)
    }

    fn drop_all(&mut self, slots: &SlotSet, which: impl Fn(NodeId, NodeId) -> bool) {
        for (source, target, sole) in &mut self.0 {
            if which(*source, *target) {
                sole.slots = sole.slots.difference(slots);
            }
        }
        self.0.retain(|(_, _, sole)| !sole.slots.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::rebalance::tests::id;

    #[test]
    fn what_was_known_at_the_first_opening_holds_until_the_slot_has_moved_or_goes_another_way() {
        let slots = |text: &str| text.parse::<SlotSet>().unwrap();
        let batch =
            |source, target, text| Batch { source: id(source), target: id(target), slots: slots(text) };
        let sole = |text: &str, run: &str| {
            let history = History { run_id: run.to_owned(), replication_id: "r".to_owned() };
            Sole { slots: slots(text), history }
        };
        let slot = Slot::new(5).unwrap();
        let known =
            |soles: &Soles, from, to| soles.of(id(from), id(to), slot).map(|history| history.run_id.clone());
        let mut soles = Soles::default();
        soles.opened(&batch(1, 2, "0-9"), Some(&sole("2-9", "a")));
        assert_eq!(known(&soles, 1, 2).as_deref(), Some("a"));
        assert_eq!(known(&soles, 2, 1), None);
        assert_eq!(soles.of(id(1), id(2), Slot::MIN), None, "the target had a key of it");
        soles.opened(&batch(1, 2, "5"), None);
        assert_eq!(known(&soles, 1, 2).as_deref(), Some("a"), "there are keys at the target by now");
        soles.opened(&batch(1, 2, "5"), Some(&sole("5", "b")));
        assert_eq!(known(&soles, 1, 2).as_deref(), Some("b"));
        let mut back = soles.clone();
        back.opened(&batch(2, 1, "5"), None);
        assert_eq!((known(&back, 1, 2), known(&back, 2, 1)), (None, None));
        soles.moved(&slots("0-5"));
        assert_eq!(known(&soles, 1, 2), None);
        assert!(soles.of(id(1), id(2), Slot::new(6).unwrap()).is_some());
    }
}
