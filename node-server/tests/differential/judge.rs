//! Whether two replies mean the same.

use rcl_proto::resp::Reply;

use crate::generator::Request;
use crate::streams::without_times;

/// How the replies to a command are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    Exact,
    /// In any order.
    Unordered,
    /// Flat in RESP2: each two belong together.
    UnorderedPairs,
    /// A cursor and what was found, which is everything here.
    Scan,
    /// In order; scores by their value, since 7.0 writes them with 17 digits.
    Scores,
    /// Drawn at random from what the request before showed.
    Drawn,
    /// A random one, or none on both sides.
    Shape,
    /// Milliseconds or seconds, and the clock goes on between the two servers.
    Time,
    /// Of a stream: in order, but for times and for what only 7.2 tells.
    StreamTimes,
}

fn rule(name: &str, words: &[Vec<u8>]) -> Rule {
    match name {
        "smembers" | "sinter" | "sunion" | "sdiff" | "hkeys" | "hvals" | "keys" => Rule::Unordered,
        "hgetall" => Rule::UnorderedPairs,
        "hscan" | "sscan" | "zscan" => Rule::Scan,
        "srandmember" | "hrandfield" | "zrandmember" => Rule::Drawn,
        "spop" | "randomkey" => Rule::Shape,
        "sort" | "sort_ro" if !sorts(words) => {
            if words.iter().any(|word| word.eq_ignore_ascii_case(b"LIMIT")) {
                Rule::Shape
            } else {
                Rule::Unordered
            }
        }
        "ttl" | "pttl" | "expiretime" | "pexpiretime" => Rule::Time,
        "xinfo" | "xpending" => Rule::StreamTimes,
        "hincrbyfloat" | "incrbyfloat" => Rule::Exact,
        _ if (name.starts_with('z') || name.starts_with("bz")) && words.len() > 1 => Rule::Scores,
        _ => Rule::Exact,
    }
}

/// A set that SORT leaves unsorted is in an order of its own.
fn sorts(words: &[Vec<u8>]) -> bool {
    let mut patterns = words.windows(2).filter(|two| two[0].eq_ignore_ascii_case(b"BY"));
    patterns.all(|two| two[1].contains(&b'*'))
}

/// Sets and lists have no listpack in 7.0. (A string that INCRBYFLOAT left may be a number here and text there.)
pub fn compares_encoding(kind: &[u8]) -> bool {
    matches!(kind, b"hash" | b"zset")
}

/// Compares the replies to `requests[index]`; `before` is what the node replied to the request before it.
pub fn judge(
    requests: &[Request],
    index: usize,
    redis: &Reply,
    node: &Reply,
    before: Option<&Reply>,
) -> Result<(), String> {
    let request = &requests[index];
    match (redis, node) {
        (Reply::Array(of_redis), Reply::Array(of_node)) if request.name() == "exec" => {
            let queued = queued_before(requests, index);
            if of_redis.len() != of_node.len() || of_redis.len() != queued.len() {
                return Err("another number of replies".into());
            }
            queued.iter().zip(of_redis.iter().zip(of_node)).try_for_each(|(request, (redis, node))| {
                judge_one(request, redis, node, None).map_err(|why| format!("{why} to {request} in EXEC"))
            })
        }
        _ => judge_one(request, redis, node, before),
    }
}

/// The requests that an EXEC runs.
fn queued_before(requests: &[Request], exec: usize) -> &[Request] {
    let begin = requests[..exec].iter().rposition(|request| request.name() == "multi");
    begin.map_or(&[], |begin| &requests[begin + 1..exec])
}

fn judge_one(request: &Request, redis: &Reply, node: &Reply, before: Option<&Reply>) -> Result<(), String> {
    if redis == node || is_known_difference(request) {
        return Ok(());
    }
    if let (Reply::Error(_), Reply::Error(_)) = (redis, node) {
        return Err("another error".into());
    }
    let rule = rule(&request.name(), &request.words);
    let same = match rule {
        Rule::Exact => false,
        Rule::Unordered => same_unordered(redis, node, 1),
        Rule::UnorderedPairs => same_unordered(redis, node, 2),
        Rule::Scores => same_with_scores(redis, node),
        // Where a mangled request asks for less than everything, each goes on in an order of its own.
        Rule::Scan if !scans_all(request) => same_kind(redis, node),
        Rule::Scan => same_scan(redis, node, if request.name() == "sscan" { 1 } else { 2 }),
        Rule::Drawn => same_shape(redis, node) && is_drawn_from(node, before),
        Rule::Shape => same_shape(redis, node),
        Rule::Time => same_time(redis, node),
        Rule::StreamTimes => without_times(redis) == without_times(node),
    };
    if same { Ok(()) } else { Err(format!("another reply ({rule:?})")) }
}

fn scans_all(request: &Request) -> bool {
    request.words.get(2).is_some_and(|cursor| cursor == b"0")
        && request.words.iter().any(|word| word == b"10000")
}

/// Where 7.2 says something else than 7.0.
pub fn is_known_difference(request: &Request) -> bool {
    let has = |word: &[u8]| request.words.iter().any(|other| other == word);
    match request.name().as_str() {
        // WITHSCORE came with 7.2, and with it another complaint about a word too many.
        "zrank" | "zrevrank" => request.words.len() > 3,
        // 7.2 refuses the rank that has no positive counterpart.
        "lpos" => has(b"-9223372036854775808"),
        // A time-out that does not fit is called negative by 7.0, out of range by 7.2.
        "blpop" | "brpop" | "blmpop" | "blmove" | "brpoplpush" | "bzpopmin" | "bzpopmax" | "bzmpop" => {
            [&b"inf"[..], b"1e400", b"9223372036854775807", b"9223372036854775808"].into_iter().any(has)
        }
        // 7.2 names the command in its complaint.
        "xread" | "xreadgroup" => {
            let streams =
                request.words.iter().rev().take_while(|word| !word.eq_ignore_ascii_case(b"streams"));
            streams.count() % 2 == 1
        }
        _ => false,
    }
}

fn elements(reply: &Reply) -> Option<Vec<Reply>> {
    match reply {
        Reply::Array(elements) | Reply::Set(elements) => Some(elements.clone()),
        Reply::Map(pairs) => {
            Some(pairs.iter().flat_map(|(key, value)| [key.clone(), value.clone()]).collect())
        }
        _ => None,
    }
}

fn sorted(reply: &Reply, group: usize) -> Option<Vec<String>> {
    let elements = elements(reply)?;
    let mut groups: Vec<String> = elements.chunks(group).map(|group| format!("{group:?}")).collect();
    groups.sort();
    Some(groups)
}

fn same_kind(left: &Reply, right: &Reply) -> bool {
    std::mem::discriminant(left) == std::mem::discriminant(right)
}

fn same_unordered(left: &Reply, right: &Reply, group: usize) -> bool {
    same_kind(left, right)
        && (left == right || (sorted(left, group).is_some() && sorted(left, group) == sorted(right, group)))
}

fn same_with_scores(left: &Reply, right: &Reply) -> bool {
    match (left, right) {
        (Reply::Array(left), Reply::Array(right)) => {
            left.len() == right.len()
                && left.iter().zip(right).all(|(left, right)| same_with_scores(left, right))
        }
        (Reply::Bulk(left), Reply::Bulk(right)) => {
            left == right || (number(left).is_some() && number(left) == number(right))
        }
        _ => left == right,
    }
}

fn number(text: &[u8]) -> Option<f64> {
    let number: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    // Which zero it is, is lost where a score is packed as an integer.
    Some(number + 0.0)
}

fn same_scan(left: &Reply, right: &Reply, group: usize) -> bool {
    let (Some(left), Some(right)) = (elements(left), elements(right)) else { return left == right };
    left.first() == right.first() && scanned(&left[1], group) == scanned(&right[1], group)
}

/// What a scan found, scores by their value: 7.0 writes those of big sorted sets with 17 digits.
fn scanned(found: &Reply, group: usize) -> Vec<String> {
    let text = |reply: &Reply| match reply {
        Reply::Bulk(text) if number(text).is_some() => format!("{:?}", number(text)),
        other => format!("{other:?}"),
    };
    let elements = elements(found).unwrap_or_default();
    let mut groups: Vec<String> = elements
        .chunks(group)
        .map(|group| match group {
            [member, beside] => format!("{member:?} {}", text(beside)),
            other => format!("{other:?}"),
        })
        .collect();
    groups.sort();
    groups
}

/// The same kinds and lengths, whatever the elements.
fn same_shape(left: &Reply, right: &Reply) -> bool {
    match (elements(left), elements(right)) {
        (Some(left_elements), Some(right_elements)) => {
            same_kind(left, right)
                && left_elements.len() == right_elements.len()
                && left_elements.iter().zip(&right_elements).all(|(left, right)| same_shape(left, right))
        }
        _ => same_kind(left, right),
    }
}

fn is_drawn_from(drawn: &Reply, from: Option<&Reply>) -> bool {
    fn flat(reply: &Reply) -> Vec<Reply> {
        match elements(reply) {
            Some(elements) => elements.iter().flat_map(flat).collect(),
            None => vec![reply.clone()],
        }
    }
    let from = from.map(flat).unwrap_or_default();
    matches!(drawn, Reply::Null) || flat(drawn).iter().all(|element| from.contains(element))
}

const CLOCK_TOLERANCE_MS: i64 = 30_000;

fn same_time(left: &Reply, right: &Reply) -> bool {
    match (left, right) {
        (Reply::Integer(left), Reply::Integer(right)) => {
            // Redis's rounding to seconds runs over where ours stops.
            let runs_over = *right == i64::MAX / 1000 && *left < 0;
            left == right
                || runs_over
                || (*left > 0 && *right > 0 && (left - right).abs() <= CLOCK_TOLERANCE_MS)
        }
        _ => left == right,
    }
}

/// A reply as people read it.
pub fn show(reply: &Reply) -> String {
    let all = |open: &str, elements: &[Reply], close: &str| {
        let shown: Vec<String> = elements.iter().map(show).collect();
        format!("{open}{}{close}", shown.join(", "))
    };
    match reply {
        Reply::Bulk(text) => format!("\"{}\"", text.escape_ascii()),
        Reply::Array(elements) => all("[", elements, "]"),
        Reply::Set(elements) => all("~[", elements, "]"),
        Reply::Map(_) => all("{", &elements(reply).unwrap_or_default(), "}"),
        other => format!("{other:?}"),
    }
}
