//! Whether two replies mean the same.

use rcl_proto::resp::Reply;

use super::request::Request;
use super::streams::without_times;

/// How the replies to a command are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    Exact,
    /// In any order.
    Unordered,
    /// Flat in RESP2: each two belong together.
    UnorderedPairs,
    /// A cursor and what was found, which is everything here, in groups of so many.
    Scan(usize),
    /// Of references to a value. Redis's copies of a shared integer are not shared, and a request that is queued holds its words.
    Count,
    /// How a value is kept: lists and sets have a listpack only from 7.2 on.
    Encoding,
    /// In order; scores by their value, since 7.0 writes them with 17 digits.
    Scores,
    /// In the order of texts, which for Redis end at their first zero byte.
    ByText,
    /// A HyperLogLog's runs. Of one that was cut off Redis shows more than there is.
    Sparse,
    /// Drawn at random from what the request before showed.
    Drawn,
    /// A random one, or none on both sides.
    Shape,
    /// So many, whichever they are.
    Length,
    /// Milliseconds or seconds, and the clock goes on between the two servers.
    Time,
    /// For how many seconds a key was not used.
    Idle,
    /// Of a stream: in order, but for times and for what only 7.2 tells.
    StreamTimes,
}

fn rule(name: &str, words: &[Vec<u8>]) -> Rule {
    match name {
        "smembers" | "sinter" | "sunion" | "sdiff" | "hkeys" | "hvals" | "keys" => Rule::Unordered,
        "hgetall" => Rule::UnorderedPairs,
        "scan" | "sscan" => Rule::Scan(1),
        "hscan" | "zscan" => Rule::Scan(2),
        "object" => match words.get(1).map(|word| word.to_ascii_lowercase()).as_deref() {
            Some(b"encoding") => Rule::Encoding,
            Some(b"idletime") => Rule::Idle,
            Some(b"refcount") => Rule::Count,
            _ => Rule::Exact,
        },
        // What is written may differ: that it means the same is seen where it is restored.
        "dump" => Rule::Shape,
        "srandmember" | "hrandfield" | "zrandmember" => Rule::Drawn,
        "spop" | "randomkey" => Rule::Shape,
        "sort" | "sort_ro" if !sorts(words) => {
            if words.iter().any(|word| word.eq_ignore_ascii_case(b"LIMIT")) {
                Rule::Length
            } else {
                Rule::Unordered
            }
        }
        "ttl" | "pttl" | "expiretime" | "pexpiretime" => Rule::Time,
        "xinfo" | "xpending" => Rule::StreamTimes,
        "hincrbyfloat" | "incrbyfloat" => Rule::Exact,
        "pfdebug" => Rule::Sparse,
        "eval" | "evalsha" | "eval_ro" => Rule::Scores,
        "sort" | "sort_ro" if is_by_text(words) => Rule::ByText,
        _ if (name.starts_with('z') || name.starts_with("bz")) && words.len() > 1 => Rule::Scores,
        _ => Rule::Exact,
    }
}

/// A set that SORT leaves unsorted is in an order of its own.
fn sorts(words: &[Vec<u8>]) -> bool {
    let mut patterns = words.windows(2).filter(|two| two[0].eq_ignore_ascii_case(b"BY"));
    patterns.all(|two| two[1].contains(&b'*'))
}

fn is_by_text(words: &[Vec<u8>]) -> bool {
    words.iter().any(|word| word.eq_ignore_ascii_case(b"ALPHA"))
}

fn has_zero_byte(reply: &Reply) -> bool {
    match reply {
        Reply::Bulk(text) => text.contains(&0),
        other => elements(other).is_some_and(|elements| elements.iter().any(has_zero_byte)),
    }
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

/// The requests that an EXEC runs. WATCH and another MULTI are answered at once: by an error that does not end the transaction.
fn queued_before(requests: &[Request], exec: usize) -> Vec<&Request> {
    let ends = |request: &Request| matches!(request.name().as_str(), "exec" | "discard");
    let after_last = requests[..exec].iter().rposition(ends).map_or(0, |end| end + 1);
    let since = requests[after_last..exec].iter();
    let of_transaction = since.skip_while(|request| request.name() != "multi").skip(1);
    of_transaction.filter(|request| !matches!(request.name().as_str(), "watch" | "multi")).collect()
}

fn judge_one(request: &Request, redis: &Reply, node: &Reply, before: Option<&Reply>) -> Result<(), String> {
    if redis == node || is_known_difference(request) {
        return Ok(());
    }
    if let (Reply::Array(of_redis), Reply::Array(of_node)) = (redis, node)
        && !request.calls.is_empty()
    {
        return judge_calls(request, of_redis, of_node);
    }
    if let (Reply::Error(of_redis), Reply::Error(of_node)) = (redis, node) {
        let is_known = quotes_no_text(request)
            && (code(of_redis) == code(of_node) || NO_NUMBER.contains(&of_node.as_str()));
        return if is_known { Ok(()) } else { Err("another error".into()) };
    }
    if let Reply::Error(of_node) = node
        && NO_NUMBER.contains(&of_node.as_str())
        && quotes_no_text(request)
    {
        return Ok(());
    }
    if matches!(redis, Reply::Error(error) if error == STALE_ERRNO) && request.name().starts_with("sort") {
        return Ok(());
    }
    let rule = rule(&request.name(), &request.words);
    let same = match rule {
        Rule::Exact => false,
        Rule::Unordered => same_unordered(redis, node, 1),
        Rule::UnorderedPairs => same_unordered(redis, node, 2),
        Rule::Scores => same_with_scores(redis, node),
        // Where a mangled request asks for less than everything, each goes on in an order of its own.
        Rule::Scan(_) if !scans_all(request) => same_kind(redis, node),
        Rule::Scan(group) => same_scan(redis, node, group),
        Rule::Encoding => same_encoding(redis, node),
        Rule::ByText => has_zero_byte(redis) && same_shape(redis, node),
        Rule::Sparse => matches!(node, Reply::Error(error) if code(error) == "INVALIDOBJ"),
        Rule::Count => matches!((redis, node), (Reply::Integer(1..=2), Reply::Integer(1 | SHARED))),
        Rule::Drawn => same_shape(redis, node) && is_drawn_from(node, before),
        Rule::Shape => same_shape(redis, node),
        Rule::Length => {
            let length = |reply| elements(reply).map(|elements| elements.len());
            length(redis).is_some() && length(redis) == length(node)
        }
        Rule::Time => same_time(redis, node),
        Rule::Idle => matches!((redis, node), (Reply::Integer(left), Reply::Integer(right))
            if (left - right).abs() <= IDLE_TOLERANCE_S),
        Rule::StreamTimes => without_times(redis) == without_times(node),
    };
    if same { Ok(()) } else { Err(format!("another reply ({rule:?})")) }
}

/// What ours says of a number's text with a zero byte in it, behind which C looks no further.
const NO_NUMBER: &[&str] = &["ERR invalid cursor", "ERR min or max is not a float"];

/// What Redis's SORT says when any number before was too large for what it was read as: it looks at C's errno without
/// having cleared it.
const STALE_ERRNO: &str = "ERR One or more scores can't be converted into double";

/// What an error quotes ends at its first zero byte in Redis, and what is no UTF-8 is replaced in ours.
fn quotes_no_text(request: &Request) -> bool {
    request.words.iter().any(|word| word.contains(&0) || std::str::from_utf8(word).is_err())
}

fn code(error: &str) -> &str {
    error.split(' ').next().unwrap_or_default()
}

/// The elements of a script's reply. A list of Lua ends at the first that is nil.
fn judge_calls(script: &Request, of_redis: &[Reply], of_node: &[Reply]) -> Result<(), String> {
    if of_redis.len() != of_node.len() {
        return Err("another number of elements".into());
    }
    script.calls.iter().zip(of_redis.iter().zip(of_node)).try_for_each(|(call, (redis, node))| match call {
        // 7.0 gives a script doubles with 17 digits.
        Some(_) if same_with_scores(redis, node) => Ok(()),
        // Where maps are flat again, nothing tells them from lists.
        Some(_) if speaks_resp3(script) && sorted_deeply(redis) == sorted_deeply(node) => Ok(()),
        Some(call) => judge_one(call, &in_order(redis), &in_order(node), None)
            .map_err(|why| format!("{why} to {call} in a script")),
        None if redis == node => Ok(()),
        None => Err("another element".into()),
    })
}

fn speaks_resp3(script: &Request) -> bool {
    script.words.get(1).is_some_and(|text| text.windows(10).any(|part| part == b"setresp(3)"))
        || script.name() == "evalsha"
}

fn sorted_deeply(reply: &Reply) -> Reply {
    fn sort(reply: Reply) -> Reply {
        match reply {
            Reply::Array(elements) => {
                let mut elements: Vec<Reply> = elements.into_iter().map(sort).collect();
                elements.sort_by_key(|element| format!("{element:?}"));
                Reply::Array(elements)
            }
            other => other,
        }
    }
    sort(without_times(reply))
}

/// What Lua's tables gave in an order of their own.
fn in_order(reply: &Reply) -> Reply {
    match reply {
        Reply::Map(pairs) => {
            let mut pairs: Vec<(Reply, Reply)> =
                pairs.iter().map(|(key, value)| (in_order(key), in_order(value))).collect();
            pairs.sort_by_key(|(key, _)| format!("{key:?}"));
            Reply::Map(pairs)
        }
        Reply::Set(members) => {
            let mut members: Vec<Reply> = members.iter().map(in_order).collect();
            members.sort_by_key(|member| format!("{member:?}"));
            Reply::Set(members)
        }
        Reply::Array(elements) => Reply::Array(elements.iter().map(in_order).collect()),
        other => other.clone(),
    }
}

/// The count of references to what is shared.
const SHARED: i64 = i32::MAX as i64;

fn same_encoding(redis: &Reply, node: &Reply) -> bool {
    match (redis.as_bytes(), node.as_bytes()) {
        // Lists and sets have a listpack from 7.2 on. And Redis's SORT turns a packed sorted set into a skiplist for good.
        (Some(b"quicklist" | b"hashtable" | b"skiplist"), Some(b"listpack")) => true,
        // What INCRBYFLOAT leaves is a number in ours at once, in Redis when it was replicated, or saved and loaded.
        (Some(b"embstr"), Some(b"int")) => true,
        _ => redis == node,
    }
}

fn scans_all(request: &Request) -> bool {
    let cursor = request.words.get(if request.name() == "scan" { 1 } else { 2 });
    let is_large = |two: &[Vec<u8>]| two[0] == b"COUNT" && two[1] == b"10000";
    cursor.is_some_and(|cursor| cursor == b"0") && request.words.windows(2).any(is_large)
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

/// As long as a run takes: Redis's shared integers are as idle as the one of them, at any key, that was used last.
const IDLE_TOLERANCE_S: i64 = 3600;

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
