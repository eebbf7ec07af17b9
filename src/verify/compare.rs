//! One batch of keys on both sides.

use std::time::Duration;

use super::live::{Contents, Head, contents, heads, readable};
use super::outcome::{Difference, Outcome};
use crate::backup::now_ms;
use crate::cli::Failure;
use crate::keys::{Keyspace, key_text};

/// After how long what differs on living data is looked at again.
const AGAIN: [Duration; 3] =
    [Duration::from_millis(50), Duration::from_millis(250), Duration::from_millis(1000)];

/// A key of the first side: asked for, or as a backup has it.
#[derive(Clone, Debug)]
pub struct Given {
    pub key: Vec<u8>,
    /// `None`: the first side is alive, and is asked.
    pub kept: Option<(Head, Contents)>,
}

/// The two sides, and how exact they must be the same.
#[derive(Clone, Copy, Debug)]
pub struct Comparison<'a> {
    /// `None`: a backup.
    pub first: Option<&'a Keyspace>,
    pub second: &'a Keyspace,
    pub ttl_tolerance_ms: u64,
    /// How many names are kept of each kind of difference.
    pub show: usize,
}

impl Comparison<'_> {
    /// Keys of the first side against the second.
    pub async fn batch(&self, keys: Vec<Given>) -> Result<Outcome, Failure> {
        let mut outcome = Outcome { compared: keys.len() as u64, ..Outcome::default() };
        let mut differing = self.look(keys).await?;
        for pause in AGAIN {
            if differing.is_empty() || self.first.is_none() {
                break;
            }
            tokio::time::sleep(pause).await;
            differing = self.look(differing.into_iter().map(|(given, _)| given).collect()).await?;
        }
        for (given, difference) in differing {
            outcome.note(key_text(&given.key), difference, self.show);
        }
        Ok(outcome)
    }

    /// Keys of the second side that the first, which is alive, has not.
    pub async fn extra(&self, first: &Keyspace, keys: Vec<Vec<u8>>) -> Result<Outcome, Failure> {
        let mut outcome = Outcome { looked_for: keys.len() as u64, ..Outcome::default() };
        let mut left = keys;
        for pause in [Duration::ZERO].into_iter().chain(AGAIN) {
            if left.is_empty() {
                break;
            }
            tokio::time::sleep(pause).await;
            let names: Vec<&[u8]> = left.iter().map(Vec::as_slice).collect();
            let (on_first, on_second) = tokio::try_join!(heads(first, &names), heads(self.second, &names))?;
            let only_there =
                on_first.iter().zip(&on_second).map(|(first, second)| first.is_none() && second.is_some());
            left =
                left.iter().zip(only_there).filter(|(_, only)| *only).map(|(key, _)| key.clone()).collect();
        }
        left.iter().for_each(|key| outcome.note(key_text(key), Difference::Extra, self.show));
        Ok(outcome)
    }

    /// Those that differ now.
    async fn look(&self, keys: Vec<Given>) -> Result<Vec<(Given, Difference)>, Failure> {
        let names: Vec<&[u8]> = keys.iter().map(|given| given.key.as_slice()).collect();
        let on_first = async {
            match self.first {
                Some(first) => heads(first, &names).await,
                None => {
                    Ok(keys.iter().map(|given| given.kept.as_ref().map(|(head, _)| head.clone())).collect())
                }
            }
        };
        let (on_first, on_second) = tokio::try_join!(on_first, heads(self.second, &names))?;
        let mut found: Vec<Option<Difference>> = Vec::with_capacity(keys.len());
        let mut both = Vec::new();
        for (number, heads) in on_first.iter().zip(&on_second).enumerate() {
            let (difference, candidate) = self.by_heads(heads.0.as_ref(), heads.1.as_ref());
            found.push(difference);
            both.extend(candidate.map(|(first, second)| (number, first, second)));
        }
        for (number, difference) in self.by_contents(&keys, &both).await? {
            found[number] = Some(difference);
        }
        let differing = keys.into_iter().zip(found);
        Ok(differing.filter_map(|(given, found)| found.map(|difference| (given, difference))).collect())
    }

    /// What is seen without the values; both heads, when these are to be compared.
    fn by_heads<'h>(
        &self,
        first: Option<&'h Head>,
        second: Option<&'h Head>,
    ) -> (Option<Difference>, Option<(&'h Head, &'h Head)>) {
        let (first, second) = match (first, second) {
            (None, None) => return (None, None),
            (None, Some(_)) => return (Some(Difference::Extra), None),
            (Some(first), None) => {
                let is_over =
                    first.expiry_ms.is_some_and(|expiry| u64::try_from(expiry).unwrap_or(0) <= now_ms());
                return ((!is_over).then_some(Difference::Missing), None);
            }
            (Some(first), Some(second)) => (first, second),
        };
        // What a module calls its type is not in a file.
        if first.of_type != second.of_type && first.of_type != "module" {
            return (Some(Difference::Type), None);
        }
        let is_off = match (first.expiry_ms, second.expiry_ms) {
            (Some(first), Some(second)) => first.abs_diff(second) > self.ttl_tolerance_ms,
            (None, None) => false,
            _ => true,
        };
        (is_off.then_some(Difference::TimeToLive), Some((first, second)))
    }

    async fn by_contents(
        &self,
        keys: &[Given],
        both: &[(usize, &Head, &Head)],
    ) -> Result<Vec<(usize, Difference)>, Failure> {
        let key = |number: usize| keys[number].key.as_slice();
        let of_first: Vec<(&[u8], &Head)> =
            both.iter().map(|(number, head, _)| (key(*number), *head)).collect();
        let of_second: Vec<(&[u8], &Head)> =
            both.iter().map(|(number, _, head)| (key(*number), *head)).collect();
        let on_first = async {
            match self.first {
                Some(first) => contents(first, &of_first).await,
                None => {
                    let kept = |(number, ..): &(usize, &Head, &Head)| keys[*number].kept.clone();
                    Ok(both.iter().map(|both| kept(both).map_or(Contents::Gone, |(_, kept)| kept)).collect())
                }
            }
        };
        let (on_first, on_second) = tokio::try_join!(on_first, contents(self.second, &of_second))?;
        let mut found = Vec::new();
        for ((both, first), second) in both.iter().zip(on_first).zip(on_second) {
            let (number, first_head, second_head) = *both;
            let mut same = first.is_same(&second);
            if same.is_none() {
                let second = readable(self.second, key(number), second_head, second).await?;
                let first = match self.first {
                    Some(keyspace) => readable(keyspace, key(number), first_head, first).await?,
                    None => first,
                };
                same = first.is_same(&second);
            }
            match same {
                Some(true) => {}
                Some(false) => found.push((number, Difference::Value)),
                None => found.push((number, Difference::NotCompared)),
            }
        }
        Ok(found)
    }
}
