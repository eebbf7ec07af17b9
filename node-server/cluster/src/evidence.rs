//! What says that a node's process is gone, short of silence: how our connections with it ended, and what its host says
//! to new ones. Of nearly all nodes there is none, and none takes one word.

/// For so long packets may come that were sent before a connection ended.
const LATE_MS: u64 = 100;

#[derive(Clone, Debug, Default)]
pub(crate) struct Evidence(Option<Box<Signs>>);

#[derive(Clone, Debug, Default)]
struct Signs {
    /// When its host ended our connection to it, which was open.
    lost_ms: Option<u64>,
    /// When a connection of the pair was closed in order, which no firewall does.
    ended_ms: Option<u64>,
    /// Since when its host has refused every connection.
    refused_since_ms: Option<u64>,
    /// For the whole grace, but it may be a firewall that says so.
    refuses: bool,
}

impl Evidence {
    pub fn lost(&mut self, now_ms: u64) {
        self.0.get_or_insert_default().lost_ms = Some(now_ms);
    }

    pub fn ended(&mut self, now_ms: u64) {
        self.0.get_or_insert_default().ended_ms = Some(now_ms);
    }

    /// Since when it has been refused, this time included.
    pub fn refused(&mut self, now_ms: u64) -> u64 {
        *self.0.get_or_insert_default().refused_since_ms.get_or_insert(now_ms)
    }

    pub fn refuses_for_long(&mut self) {
        self.0.get_or_insert_default().refuses = true;
    }

    /// Its host did not answer: that is no refusal.
    pub fn no_answer(&mut self) {
        if let Some(signs) = &mut self.0 {
            signs.refused_since_ms = None;
        }
    }

    /// Its host ended our connection, and nothing came from it since.
    pub fn was_lost(&self) -> bool {
        self.0.as_ref().is_some_and(|signs| signs.lost_ms.is_some())
    }

    /// A connection was closed in order, and nothing came from it since.
    pub fn has_ended(&self) -> bool {
        self.0.as_ref().is_some_and(|signs| signs.ended_ms.is_some())
    }

    pub fn refuses(&self) -> bool {
        self.0.as_ref().is_some_and(|signs| signs.refuses)
    }

    /// It lives.
    pub fn clear(&mut self) {
        self.0 = None;
    }

    /// Its host does not refuse us. It need not live: of a process that ends, the door may be shut last.
    pub fn took_a_connection(&mut self) {
        if let Some(signs) = &mut self.0 {
            (signs.refuses, signs.refused_since_ms) = (false, None);
        }
    }

    /// A packet came from it: it lives, unless a connection of the pair ended a moment ago. What was on its way by the
    /// other one comes after that, and is no sign of life.
    pub fn gave_a_sign_of_life(&mut self, now_ms: u64) {
        let Some(signs) = &self.0 else { return };
        let ended_just_now = |at_ms: Option<u64>| at_ms.is_some_and(|at| now_ms.saturating_sub(at) < LATE_MS);
        if !ended_just_now(signs.lost_ms) && !ended_just_now(signs.ended_ms) {
            self.clear();
        }
    }
}
