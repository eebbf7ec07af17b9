//! Small scripts that call what the generator made, and return what came of it.
//!
//! The calls' replies are the elements of the script's, each compared by the rule of its own command.

use rcl_node::scripting::digest;

use super::request::Request;

/// Runs what it is given, each request as its number of words and these.
const LIBRARY: &str = "#!lua name=calls
redis.register_function('calls', function(keys, args)
  local replies, at = {}, 1
  while at <= #args do
    local count = tonumber(args[at])
    replies[#replies + 1] = redis.pcall(unpack(args, at + 1, at + count))
    at = at + count + 1
  end
  return replies
end)";

/// What is compared as it stands. The first element of a list is found in what `a1` is.
const LOOKS: &[&str] = &[
    "type(a1)",
    "type(a1) == 'table' and (a1.err or a1.ok or #a1)",
    "a1 == false",
    "#KEYS",
    "#ARGV",
    "redis.sha1hex(ARGV[1])",
    "cjson.encode({#ARGV, 'x', false})",
];

/// Scripts of their own, each with the words of one call at hand.
const ENDS: &[&str] = &[
    "return",
    "return nil",
    "return 3.99",
    "return -3.99",
    "return 2^53",
    "return 1e300",
    "return true",
    "return false",
    "return 'text'",
    "return {1, 2, nil, 4}",
    "return {1, {2, {3, 'x'}}, false, true}",
    "return {}",
    "return {ok = 'FINE'}",
    "return {err = 'BAD made up'}",
    "return {err = 'made up'}",
    "return {'x', {err = 'ERR inner'}, {ok = 'inner'}}",
    "return redis.status_reply('FINE')",
    "return redis.error_reply('made up')",
    "return redis.error_reply('-BAD made up')",
    "return {double = 3.5}",
    "return {big_number = '12345678901234567890'}",
    "return {map = {a = 1}}",
    "return {set = {a = true}}",
    "return {verbatim_string = {format = 'txt', string = 'x'}}",
    "redis.setresp(3) return {double = 3.5}",
    "redis.setresp(3) return redis.call('GET', 'none')",
    "redis.setresp(3) return {redis.call('GET', 'none'), 1}",
    "redis.setresp(3) return type(redis.call('HGETALL', 'none').map)",
    "redis.setresp(3) return redis.call('SMEMBERS', 'none')",
    "redis.setresp(3) return redis.call('ZSCORE', 'z0', 'a')",
    "redis.setresp(2) return redis.call('ZSCORE', 'none', 'a')",
    "redis.setresp(4) return 1",
    "error('made up')",
    "error({err = 'BAD made up'})",
    "error()",
    "return redis.call()",
    "return redis.call('NOSUCH')",
    "return redis.pcall('NOSUCH', 'x')",
    "return redis.call('GET')",
    "return redis.call('MULTI')",
    "return redis.call('SET', 'k0', {})",
    "return redis.call('SET', 'k0', 3.5)",
    "return redis.call('SET', 'k0', 10)",
    "return redis.call(unpack(ARGV)) == nil",
    "local reply = redis.pcall(unpack(ARGV)) return type(reply) == 'table' and reply.err or 'none'",
    "undefined_thing()",
    "undefined_thing = 1",
    "return undefined_thing",
    "return redis.REDIS_VERSION_NUM == nil",
    "return cjson.encode({1, 'x', {a = 1}})",
    "return cjson.decode('[1, \"x\", null, {\"a\": [true]}]')[2]",
    "return cmsgpack.pack({1, 'x', true, -5, 3.5})",
    "return cmsgpack.unpack(cmsgpack.pack({1, 'x', {2}}))",
    "return struct.pack('>Ihs', 1, 2, 'x')",
    "return {struct.unpack('<i4', '\\1\\0\\0\\255')}",
    "return {bit.band(255, 15), bit.bor(1, 2), bit.tohex(-1), bit.lshift(1, 31)}",
    "return {pcall(function() return redis.call('NOSUCH') end)}",
    "return tostring(1e15) .. ' ' .. tostring(0.1) .. ' ' .. 10 / 2",
    "return string.format('%5.2f %d %q', 3.14159, 42, 'x')",
];

/// How a call's words get into the script.
#[derive(Clone, Copy)]
enum Passing {
    /// As ARGV, and the first key as one of KEYS.
    Arguments,
    /// In the script's text.
    Literal,
}

/// A script that runs these and returns a list of their replies; `below` draws a number.
pub fn script(calls: Vec<Request>, below: &mut dyn FnMut(usize) -> usize) -> Vec<Request> {
    if below(4) == 0 {
        return function(calls);
    }
    let passing = if below(3) == 0 { Passing::Literal } else { Passing::Arguments };
    let (mut text, mut keys, mut arguments) = (String::new(), Vec::new(), Vec::new());
    match below(12) {
        0 => text += "#!lua\n",
        1 => text += "#!lua flags=no-writes\n",
        2 | 3 => text += "redis.setresp(3) ",
        _ => {}
    }
    for (index, call) in calls.iter().enumerate() {
        let how = if below(3) == 0 { "call" } else { "pcall" };
        let words: Vec<String> = match passing {
            Passing::Literal => call.words.iter().map(|word| literal(word)).collect(),
            Passing::Arguments => call
                .words
                .iter()
                .enumerate()
                .map(|(at, word)| {
                    let (list, name) = if at == 1 { (&mut keys, "KEYS") } else { (&mut arguments, "ARGV") };
                    list.push(word.clone());
                    format!("{name}[{}]", list.len())
                })
                .collect(),
        };
        text += &format!("local a{} = redis.{how}({}) ", index + 1, words.join(", "));
    }
    let mut elements: Vec<String> = (1..=calls.len()).map(|number| format!("a{number}")).collect();
    let mut calls: Vec<Option<Request>> = calls.into_iter().map(Some).collect();
    if below(2) == 0 {
        elements.push(LOOKS[below(LOOKS.len())].to_owned());
        calls.push(None);
    }
    text += &format!("return {{{}}}", elements.join(", "));
    evaluated(&text, keys, arguments, calls, below)
}

/// A script that has an end of its own.
pub fn end(call: &Request, below: &mut dyn FnMut(usize) -> usize) -> Vec<Request> {
    let text = ENDS[below(ENDS.len())];
    evaluated(text, Vec::new(), call.words.clone(), Vec::new(), below)
}

fn evaluated(
    text: &str,
    keys: Vec<Vec<u8>>,
    arguments: Vec<Vec<u8>>,
    calls: Vec<Option<Request>>,
    below: &mut dyn FnMut(usize) -> usize,
) -> Vec<Request> {
    let count = keys.len().to_string().into_bytes();
    let request = |name: &str, text: &str| {
        let first = [name.as_bytes().to_vec(), text.as_bytes().to_vec(), count.clone()];
        Request {
            words: first.into_iter().chain(keys.clone()).chain(arguments.clone()).collect(),
            calls: calls.clone(),
        }
    };
    match below(8) {
        0 => vec![request("EVAL_RO", text)],
        1 => {
            let name = digest::hex(&digest::of(text.as_bytes()));
            vec![Request::of(&["SCRIPT", "LOAD", text]), request("EVALSHA", &name)]
        }
        _ => vec![request("EVAL", text)],
    }
}

fn function(calls: Vec<Request>) -> Vec<Request> {
    let mut words = [&b"FCALL"[..], b"calls", b"0"].map(<[u8]>::to_vec).to_vec();
    for call in &calls {
        words.push(call.words.len().to_string().into_bytes());
        words.extend(call.words.iter().cloned());
    }
    let call = Request { words, calls: calls.into_iter().map(Some).collect() };
    vec![Request::of(&["FUNCTION", "LOAD", "REPLACE", LIBRARY]), call]
}

/// A string of Lua, every byte by its number but plain letters and digits.
fn literal(word: &[u8]) -> String {
    let byte = |byte: &u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b' ' | b'.' | b'-' => char::from(*byte).to_string(),
        other => format!("\\{other:03}"),
    };
    format!("'{}'", word.iter().map(byte).collect::<String>())
}
