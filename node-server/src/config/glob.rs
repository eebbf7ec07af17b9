//! Redis's glob patterns (KEYS, SCAN, PSUBSCRIBE, CONFIG GET, ACL), on bytes.
//!
//! ```text
//! *        any bytes, also none          [abc]  one of these      [a-c]  one of the range (either way round)
//! ?        one byte                      [^a]   any but these     \x     x itself, inside brackets too
//! ```
//!
//! Odd corners, as Redis has them: a bracket that is never closed ends with the pattern; `^` negates only in first
//! place; `[]` matches nothing, `[^]` any byte; a range's end may be `]` itself, so `[a-]` is the range from `]` to `a` and
//! isn't closed; a lone `\` at the end is itself; an empty text is matched by the empty pattern alone, not by `*`.
//!
//! The matcher keeps only the last `*` to come back to, which is enough: were an earlier one to take more, the last
//! could take that much less. So it needs no recursion, and its cost is at most the product of the lengths.

/// Redis gives up behind so many stars.
const MOST_STARS: usize = 1000;

/// Whether the pattern matches the whole text.
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    matches_folded(pattern, text, false)
}

/// The same, with ASCII letters alike in both cases.
pub fn matches_ignoring_case(pattern: &[u8], text: &[u8]) -> bool {
    matches_folded(pattern, text, true)
}

/// Whether a name is a pattern at all, as CONFIG GET tells it.
pub fn is_pattern(name: &[u8]) -> bool {
    name.iter().any(|byte| b"[*?".contains(byte))
}

fn matches_folded(pattern: &[u8], text: &[u8], ignore_case: bool) -> bool {
    if text.is_empty() {
        return pattern.is_empty();
    }
    let mut pattern = pattern;
    let mut text = text;
    // What follows the last star, and the text that the star hasn't swallowed yet.
    let mut retry: Option<(&[u8], &[u8])> = None;
    let mut stars = 0;
    loop {
        if let [b'*', rest @ ..] = pattern {
            if rest.iter().all(|byte| *byte == b'*') {
                return true;
            }
            stars += 1;
            if stars > MOST_STARS {
                return false;
            }
            pattern = rest;
            retry = Some((rest, text));
            continue;
        }
        let step = match text {
            [] if pattern.is_empty() => return true,
            [] => return false,
            [byte, text_rest @ ..] => match_one(pattern, *byte, ignore_case).map(|rest| (rest, text_rest)),
        };
        (pattern, text) = match (step, retry) {
            (Some(next), _) => next,
            (None, Some((after_star, [_, swallowed_one_more @ ..]))) => {
                retry = Some((after_star, swallowed_one_more));
                (after_star, swallowed_one_more)
            }
            (None, _) => return false,
        };
    }
}

/// Matches one byte against the head of the pattern; gives the rest of the pattern.
fn match_one(pattern: &[u8], byte: u8, ignore_case: bool) -> Option<&[u8]> {
    match pattern {
        [] => None,
        [b'?', rest @ ..] => Some(rest),
        [b'[', rest @ ..] => match_bracket(rest, byte, ignore_case),
        [b'\\', literal, rest @ ..] | [literal, rest @ ..] => {
            same(*literal, byte, ignore_case).then_some(rest)
        }
    }
}

fn match_bracket(bracket: &[u8], byte: u8, ignore_case: bool) -> Option<&[u8]> {
    let (negated, mut rest) = match bracket {
        [b'^', rest @ ..] => (true, rest),
        _ => (false, bracket),
    };
    let mut found = false;
    loop {
        rest = match rest {
            [] => break,
            [b'\\', literal, rest @ ..] => {
                // Redis compares an escaped byte exactly, whatever the case.
                found |= *literal == byte;
                rest
            }
            [b']', tail @ ..] => {
                rest = tail;
                break;
            }
            [start, b'-', end, rest @ ..] => {
                found |= in_range(*start, *end, byte, ignore_case);
                rest
            }
            [literal, rest @ ..] => {
                found |= same(*literal, byte, ignore_case);
                rest
            }
        }
    }
    (found != negated).then_some(rest)
}

fn in_range(start: u8, end: u8, byte: u8, ignore_case: bool) -> bool {
    let (low, high) = (start.min(end), start.max(end));
    if ignore_case {
        (low.to_ascii_lowercase()..=high.to_ascii_lowercase()).contains(&byte.to_ascii_lowercase())
    } else {
        (low..=high).contains(&byte)
    }
}

fn same(left: u8, right: u8, ignore_case: bool) -> bool {
    if ignore_case { left.eq_ignore_ascii_case(&right) } else { left == right }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_redis() {
        for (pattern, text, expected) in [
            ("*", "", false),
            ("", "", true),
            ("*", "a", true),
            ("", "a", false),
            ("h?llo", "hello", true),
            ("h*llo", "heeeello", true),
            ("h[ae]llo", "hallo", true),
            ("h[^e]llo", "hello", false),
            ("h[b-a]llo", "hallo", true),
            ("a[", "a[", false),
            ("[abc", "c", true),
            ("[a-]", "-", false),
            ("[a-]", "_", true),
            ("[a-", "-", true),
            ("[]", "a", false),
            ("[^]", "a", true),
            (r"\*", "*", true),
            (r"\*", "a", false),
            (r"[\]]", "]", true),
            (r"a\", r"a\", true),
            ("*a*b*c", "xxaxxbxxcxxc", true),
            ("*a*b*c", "xxaxxbxx", false),
            ("a**", "a", true),
            ("a?", "a", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} on {text}");
        }
        assert!(matches_ignoring_case(b"MAXm[E-F]*", b"maxmemory"));
        assert!(!matches(b"MAX*", b"maxmemory"));
    }

    /// A matcher that tries every length for every star would not come back from this one.
    #[test]
    fn an_abusive_pattern_costs_little() {
        let pattern = b"a*".repeat(2000);
        assert!(!matches(&[&pattern[..], b"b"].concat(), &b"a".repeat(10_000)));
    }

    #[test]
    fn a_pattern_of_very_many_stars_fits_nothing() {
        let text = vec![b'a'; 5000];
        assert!(matches(&b"*?".repeat(1000), &text));
        assert!(!matches(&b"*?".repeat(1001), &text));
        assert!(!matches(&b"*?".repeat(5000), &text));
    }
}
