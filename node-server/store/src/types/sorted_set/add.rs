//! ZADD and ZINCRBY for one member.

use super::{Form, Limits, SortedSet, packed};

/// ZADD's conditions. All false: add or update.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AddCondition {
    /// NX
    pub only_new: bool,
    /// XX
    pub only_existing: bool,
    /// GT
    pub only_greater: bool,
    /// LT
    pub only_less: bool,
    /// INCR, ZINCRBY: the score given is added to the one there.
    pub increment: bool,
}

/// What ZADD did with one member; with the score it has now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AddOutcome {
    Added(f64),
    Updated(f64),
    Unchanged(f64),
    /// A condition forbade it.
    Refused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddError {
    /// The score given, or the sum, is not a number.
    NotANumber,
}

impl AddCondition {
    /// What comes of a member's new score where that changes nothing; `None` where the score has to be stored. The member
    /// has the score `current` now, or is not there.
    pub(crate) fn outcome_without_change(
        &self,
        current: Option<f64>,
        score: f64,
    ) -> Result<Option<AddOutcome>, AddError> {
        if score.is_nan() {
            return Err(AddError::NotANumber);
        }
        let Some(current) = current else {
            return Ok(self.only_existing.then_some(AddOutcome::Refused));
        };
        if self.only_new {
            return Ok(Some(AddOutcome::Refused));
        }
        let score = self.score_after(current, score);
        if score.is_nan() {
            return Err(AddError::NotANumber);
        }
        if !self.allows_update(current, score) {
            return Ok(Some(AddOutcome::Refused));
        }
        Ok((score == current).then_some(AddOutcome::Unchanged(current)))
    }

    /// What becomes of a member that has the score `current`: another score, if it gets one, and the outcome.
    fn change(&self, current: f64, score: f64) -> (Option<f64>, Result<AddOutcome, AddError>) {
        match self.outcome_without_change(Some(current), score) {
            Err(error) => (None, Err(error)),
            Ok(Some(outcome)) => (None, Ok(outcome)),
            Ok(None) => {
                let score = self.score_after(current, score);
                (Some(score), Ok(AddOutcome::Updated(score)))
            }
        }
    }

    fn score_after(&self, current: f64, score: f64) -> f64 {
        if self.increment { current + score } else { score }
    }

    /// Whether a member with score `current` may get `score`. GT and LT do not hinder new members.
    fn allows_update(&self, current: f64, score: f64) -> bool {
        !(self.only_greater && score <= current || self.only_less && score >= current)
    }
}

impl SortedSet {
    pub fn add(
        &mut self,
        score: f64,
        member: &[u8],
        condition: AddCondition,
        limits: &Limits,
    ) -> Result<AddOutcome, AddError> {
        let outcome = match &mut self.0 {
            Form::Packed(members) => {
                let current = packed::score(members.view(), member);
                current.map(|current| {
                    let (changed, outcome) = condition.change(current, score);
                    if let Some(score) = changed {
                        packed::remove(members, member);
                        packed::insert(members, score, member);
                    }
                    outcome
                })
            }
            Form::Ranked(ranked) => ranked.change_score(member, |current| condition.change(current, score)),
        };
        match outcome {
            Some(outcome) => outcome,
            None if score.is_nan() => Err(AddError::NotANumber),
            None if condition.only_existing => Ok(AddOutcome::Refused),
            None => {
                self.insert_new(score, member, limits);
                Ok(AddOutcome::Added(score))
            }
        }
    }

    fn insert_new(&mut self, score: f64, member: &[u8], limits: &Limits) {
        if let Form::Packed(members) = &mut self.0 {
            let fits = members.len() / 2 < limits.zset_max_listpack_entries
                && member.len() <= limits.zset_max_listpack_value;
            if fits && members.has_room_for(member.len()) {
                return packed::insert(members, score, member);
            }
            self.unpack(limits);
        }
        if let Form::Ranked(ranked) = &mut self.0 {
            ranked.insert(score, member);
        }
    }
}
