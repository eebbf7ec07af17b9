//! What the commands that name a range have in common: by rank, score or text, forwards or backwards, a part of it.

use std::ops::Range;

use rcl_proto::resp::Args;
use rcl_store::types::{LexRange, ScoreRange, SortedSetRef};

use super::{lex_range, score_range};
use crate::command::{CommandError, parse};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum By {
    Rank,
    Score,
    Lex,
}

/// What a command's name says already; what it does not, its options may.
#[derive(Clone, Copy)]
pub struct Form {
    pub by: Option<By>,
    pub reverse: Option<bool>,
    pub may_show_scores: bool,
}

#[derive(Clone, Copy, Debug)]
enum Bounds<'a> {
    Ranks(i64, i64),
    Scores(ScoreRange),
    Lex(LexRange<'a>),
}

/// A range as a request names it.
#[derive(Clone, Copy, Debug)]
pub struct RangeQuery<'a> {
    bounds: Bounds<'a>,
    pub reverse: bool,
    pub with_scores: bool,
    offset: i64,
    /// Negative: no limit.
    limit: i64,
}

impl<'a> RangeQuery<'a> {
    /// `args` are the two bounds, and the options after them.
    pub fn parse(args: Args<'a>, form: Form) -> Result<RangeQuery<'a>, CommandError> {
        let Form { mut by, mut reverse, may_show_scores } = form;
        let (mut offset, mut limit, mut with_scores) = (0, -1, false);
        let mut index = 2;
        while let Some(word) = args.get(index) {
            if may_show_scores && parse::is(word, "withscores") {
                with_scores = true;
            } else if parse::is(word, "limit") && index + 2 < args.len() {
                (offset, limit) = (parse::integer(&args[index + 1])?, parse::integer(&args[index + 2])?);
                index += 2;
            } else if form.reverse.is_none() && reverse.is_none() && parse::is(word, "rev") {
                reverse = Some(true);
            } else if by.is_none() && parse::is(word, "bylex") {
                by = Some(By::Lex);
            } else if by.is_none() && parse::is(word, "byscore") {
                by = Some(By::Score);
            } else {
                return Err(CommandError::SYNTAX);
            }
            index += 1;
        }
        let (by, reverse) = (by.unwrap_or(By::Rank), reverse.unwrap_or(false));
        if limit != -1 && by == By::Rank {
            return Err(CommandError::fixed(
                "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
            ));
        }
        if with_scores && by == By::Lex {
            return Err(CommandError::fixed(
                "ERR syntax error, WITHSCORES not supported in combination with BYLEX",
            ));
        }
        Ok(RangeQuery { bounds: Bounds::parse(args, by, reverse)?, reverse, with_scores, offset, limit })
    }

    /// The ranks that it comes to, lowest first whichever way they are walked.
    pub fn ranks(&self, sorted_set: SortedSetRef<'_>) -> Range<usize> {
        let length = sorted_set.len();
        match self.bounds {
            Bounds::Ranks(start, stop) => {
                let ranks = sorted_set.ranks(start, stop);
                if self.reverse && !ranks.is_empty() {
                    length - ranks.end..length - ranks.start
                } else {
                    ranks
                }
            }
            Bounds::Scores(range) => self.limited(sorted_set.ranks_by_score(&range)),
            Bounds::Lex(range) => self.limited(sorted_set.ranks_by_lex(&range)),
        }
    }

    /// LIMIT, counted from the end that is walked from. A negative offset leaves nothing.
    fn limited(&self, ranks: Range<usize>) -> Range<usize> {
        if ranks.is_empty() {
            return 0..0;
        }
        let offset = usize::try_from(self.offset).unwrap_or(usize::MAX).min(ranks.len());
        let count = usize::try_from(self.limit).unwrap_or(usize::MAX).min(ranks.len() - offset);
        if self.reverse {
            let end = ranks.end - offset;
            end - count..end
        } else {
            let start = ranks.start + offset;
            start..start + count
        }
    }
}

impl<'a> Bounds<'a> {
    fn parse(args: Args<'a>, by: By, reverse: bool) -> Result<Bounds<'a>, CommandError> {
        let (Some(first), Some(second)) = (args.get(0), args.get(1)) else {
            return Err(CommandError::SYNTAX);
        };
        // Walked backwards, a range is given from its upper end; ranks count from the end that is walked from.
        let (min, max) = if reverse { (second, first) } else { (first, second) };
        Ok(match by {
            By::Rank => Bounds::Ranks(parse::integer(first)?, parse::integer(second)?),
            By::Score => Bounds::Scores(score_range(min, max)?),
            By::Lex => Bounds::Lex(lex_range(min, max)?),
        })
    }
}
