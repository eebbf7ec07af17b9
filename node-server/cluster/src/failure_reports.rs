//! Who says of one node that it fails, and when each said so last.
//!
//! When a third of a big cluster dies, every member holds a report of every master about every one of them, and every
//! gossip entry about one of them touches one. So a report is 4 bytes, its reporter and the tenth of a second in which
//! it came, in the order of reporters: found by bisection, and two hundred thousand take less than a megabyte.
//!
//! A report is counted as valid for not longer than is asked for, and for less than a tenth of a second less. Tenths
//! wrap after 109 minutes: those that are past their time must be dropped before.

use crate::node::NodeRef;

/// The longest that a report can be valid.
const LONGEST_MS: u64 = 3_600_000;
const TENTH_MS: u64 = 100;

/// Of nearly all nodes there are none, and every gossip entry asks: that is answered by the pointer alone.
#[derive(Clone, Debug, Default)]
pub(crate) struct FailureReports(Option<Box<InOrder>>);

#[derive(Clone, Debug, Default)]
struct InOrder(Vec<Report>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Report {
    from: NodeRef,
    tenth: u16,
}

impl FailureReports {
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub fn len(&self) -> usize {
        self.reports().len()
    }

    pub fn reporters(&self) -> impl Iterator<Item = NodeRef> + '_ {
        self.reports().iter().map(|report| report.from)
    }

    /// True when it had none of the reporter.
    pub fn add(&mut self, from: NodeRef, now_ms: u64) -> bool {
        let report = Report { from, tenth: tenth(now_ms) };
        let found = self.find(from);
        let InOrder(reports) = &mut **self.0.get_or_insert_default();
        match found {
            Ok(place) => reports[place] = report,
            Err(place) => reports.insert(place, report),
        }
        found.is_err()
    }

    /// True when it had one.
    pub fn remove(&mut self, from: NodeRef) -> bool {
        let found = self.find(from);
        if found.is_ok() {
            self.retain(|report| report.from != from);
        }
        found.is_ok()
    }

    /// Drops those that are older.
    pub fn expire(&mut self, now_ms: u64, valid_ms: u64) {
        let valid_tenths = (valid_ms.min(LONGEST_MS) / TENTH_MS).max(1) as u16;
        self.retain(|report| tenth(now_ms).wrapping_sub(report.tenth) < valid_tenths);
    }

    fn retain(&mut self, is_kept: impl Fn(&Report) -> bool) {
        let Some(InOrder(reports)) = self.0.as_deref_mut() else { return };
        reports.retain(is_kept);
        if reports.is_empty() {
            self.0 = None;
        }
    }

    fn reports(&self) -> &[Report] {
        self.0.as_ref().map_or(&[], |list| &list.0)
    }

    fn find(&self, from: NodeRef) -> Result<usize, usize> {
        self.reports().binary_search_by_key(&from, |report| report.from)
    }
}

fn tenth(time_ms: u64) -> u16 {
    (time_ms / TENTH_MS) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_of_one_reporter_and_lasts_for_its_time() {
        // Close to where tenths wrap.
        let start_ms = 65_536 * TENTH_MS * 1_000_000 - 250;
        let mut reports = FailureReports::default();
        reports.add(NodeRef(7), start_ms);
        reports.add(NodeRef(3), start_ms);
        reports.add(NodeRef(7), start_ms + 500);
        assert_eq!(reports.reporters().collect::<Vec<_>>(), [NodeRef(3), NodeRef(7)]);
        reports.expire(start_ms + 1_800, 2_000);
        assert_eq!(reports.len(), 2);
        reports.expire(start_ms + 2_000, 2_000);
        assert_eq!(reports.reporters().collect::<Vec<_>>(), [NodeRef(7)]);
        reports.remove(NodeRef(3));
        assert_eq!(reports.len(), 1);
        reports.expire(start_ms + 2_500, 2_000);
        assert!(reports.is_empty());
    }

    #[test]
    fn the_longest_time_is_below_where_tenths_wrap() {
        assert!(LONGEST_MS / TENTH_MS < u64::from(u16::MAX) / 2 * 2);
        let mut reports = FailureReports::default();
        reports.add(NodeRef(1), 0);
        reports.expire(LONGEST_MS - 1_000, u64::MAX);
        assert_eq!(reports.len(), 1);
        reports.expire(LONGEST_MS, u64::MAX);
        assert!(reports.is_empty());
    }
}
