//! Where the keys of a request are, by the command's key specs alone.

use rcl_proto::resp::Args;

use super::spec::{Begin, CommandSpec, Find, KeyFlags, KeySpec};

/// One key of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyPosition {
    pub index: usize,
    pub flags: KeyFlags,
}

/// A request whose keys cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeysError {
    /// A count of keys that is no number, or larger than what follows.
    InvalidCount,
}

/// All keys, in the order of the specs.
pub fn find_keys(spec: &CommandSpec, args: Args<'_>) -> Result<Vec<KeyPosition>, KeysError> {
    if let Some(own_keys) = spec.own_keys {
        return Ok(own_keys(args));
    }
    let mut positions = Vec::new();
    for key_spec in spec.keys {
        if let Some(first) = begin(key_spec.begin, args) {
            find(key_spec, first, args, &mut positions)?;
        }
    }
    Ok(positions)
}

fn begin(begin: Begin, args: Args<'_>) -> Option<usize> {
    match begin {
        Begin::Index(index) => usize::try_from(index).ok().filter(|&index| index < args.len()),
        Begin::Keyword { word, from } => {
            let is_word = |index: &usize| args[*index].eq_ignore_ascii_case(word.as_bytes());
            let found = if from >= 0 {
                (from as usize..args.len()).find(is_word)
            } else {
                let last = args.len().checked_sub(from.unsigned_abs() as usize)?;
                (1..=last).rev().find(is_word)
            };
            found.map(|index| index + 1).filter(|&index| index < args.len())
        }
        Begin::Unknown => None,
    }
}

fn find(
    spec: &KeySpec,
    first: usize,
    args: Args<'_>,
    positions: &mut Vec<KeyPosition>,
) -> Result<(), KeysError> {
    let (first, last, step) = match spec.find {
        Find::Range { last, step, limit } => (first, range_end(first, last, limit, args.len()), step),
        Find::KeyNumber { number, first: offset, step } => {
            let count = args
                .get(first + number as usize)
                .and_then(|text| std::str::from_utf8(text).ok()?.parse::<usize>().ok())
                .ok_or(KeysError::InvalidCount)?;
            let first = first + offset as usize;
            let span = count.checked_mul(step as usize).ok_or(KeysError::InvalidCount)?;
            if count == 0 {
                return Ok(());
            }
            if first.checked_add(span).is_none_or(|end| end > args.len() + step as usize - 1) {
                return Err(KeysError::InvalidCount);
            }
            (first, first + span - step as usize, step)
        }
        Find::Unknown => return Ok(()),
    };
    let step = step.max(1) as usize;
    positions.extend(
        (first..=last)
            .step_by(step)
            .filter(|&index| index < args.len())
            .map(|index| KeyPosition { index, flags: spec.flags }),
    );
    Ok(())
}

fn range_end(first: usize, last: i32, limit: i32, count: usize) -> usize {
    if last >= 0 {
        return first + last as usize;
    }
    if limit <= 1 {
        return count.saturating_sub(last.unsigned_abs() as usize);
    }
    // Of what remains, only the first part: XREAD's streams come before as many ids.
    first
        + (count.saturating_sub(first) / limit as usize + 1).saturating_sub(last.unsigned_abs() as usize + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::spec::COMMAND;
    use rcl_proto::resp::OwnedArgs;

    fn keys(specs: &[KeySpec], line: &str) -> Result<Vec<usize>, KeysError> {
        let args = OwnedArgs::new(line.split(' ').map(str::as_bytes));
        // A spec is a constant of the program, so this one lives for ever too.
        let spec = CommandSpec { keys: Box::leak(specs.into()), ..COMMAND };
        Ok(find_keys(&spec, args.as_args())?.into_iter().map(|key| key.index).collect())
    }

    #[test]
    fn each_form() {
        assert_eq!(keys(&[KeySpec::first(0)], "get k"), Ok(vec![1]));
        assert_eq!(keys(&[KeySpec::range(1, -1, 2, 0)], "mset a 1 b 2"), Ok(vec![1, 3]));
        assert_eq!(keys(&[KeySpec::range(1, -2, 1, 0)], "blpop a b 0"), Ok(vec![1, 2]));
        assert_eq!(
            keys(&[KeySpec::at(1, 0), KeySpec::counted(2, 0)], "zunionstore d 2 a b weights 1 2"),
            Ok(vec![1, 3, 4])
        );
        const STREAMS: KeySpec = KeySpec {
            begin: Begin::Keyword { word: "STREAMS", from: 1 },
            find: Find::Range { last: -1, step: 1, limit: 2 },
            flags: 0,
            notes: "",
        };
        assert_eq!(keys(&[STREAMS], "xread count 2 streams a b 0 0"), Ok(vec![4, 5]));
        const MIGRATE_KEYS: KeySpec = KeySpec {
            begin: Begin::Keyword { word: "KEYS", from: -2 },
            find: Find::Range { last: -1, step: 1, limit: 0 },
            flags: 0,
            notes: "",
        };
        assert_eq!(keys(&[MIGRATE_KEYS], "migrate h 1 _ 0 10 keys a b"), Ok(vec![7, 8]));
    }

    #[test]
    fn a_count_that_lies() {
        let counted = &[KeySpec::counted(1, 0)];
        assert_eq!(keys(counted, "eval 3 a b"), Err(KeysError::InvalidCount));
        assert_eq!(keys(counted, "eval x a b"), Err(KeysError::InvalidCount));
        assert_eq!(keys(counted, "eval 18446744073709551615 a"), Err(KeysError::InvalidCount));
        assert_eq!(keys(counted, "eval 0 a b"), Ok(vec![]));
    }
}
