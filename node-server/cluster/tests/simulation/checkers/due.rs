//! A failover that wasn't due: FAIL of a node with which all was well for two node timeouts and more, whatever others
//! gossip of it and however eager the suspicion is.

/// What is added to two node timeouts: a host that did not answer is asked again after up to 4 s, and until then it
/// counts as unreachable.
const SLACK_MS: u64 = 10_000;

#[derive(Default)]
pub struct Due {
    pub node_timeout_ms: u64,
    /// Somebody notes what is wrong.
    pub is_on: bool,
    /// When something was wrong with a machine last: its process, its clock, or its way to any other.
    ill_ms: Vec<u64>,
}

impl Due {
    pub fn is_ill(&mut self, machine: usize, now_ms: u64) {
        if self.ill_ms.len() <= machine {
            self.ill_ms.resize(machine + 1, 0);
        }
        self.ill_ms[machine] = now_ms;
    }

    pub fn failed(&self, now_ms: u64, by: usize, about: usize) -> Option<String> {
        let ill_ms = |machine: usize| self.ill_ms.get(machine).copied().unwrap_or_default();
        let well_ms = now_ms - ill_ms(about).max(ill_ms(by));
        (self.is_on && well_ms > self.node_timeout_ms * 2 + SLACK_MS)
            .then(|| format!("{by} says FAIL of {about}, and all was well with both for {well_ms} ms"))
    }
}

/// A planted fault.
mod tests {
    use super::*;

    #[test]
    fn a_fail_of_a_healthy_node_is_found() {
        let mut due = Due { node_timeout_ms: 1_000, is_on: true, ..Due::default() };
        due.is_ill(3, 10_000);
        due.is_ill(2, 1_000);
        assert_eq!(due.failed(22_000, 2, 3), None);
        assert!(due.failed(22_001, 2, 3).is_some());
    }
}
