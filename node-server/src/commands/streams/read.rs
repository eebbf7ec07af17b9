//! XREAD and XREADGROUP: what came to several streams after given ids, now or later.
//!
//! Reading for a group gives each entry to one consumer, for which it is pending from then on; what a consumer has pending it
//! reads again by an id in place of `>`. Nothing of that is logged as it was asked for, but by what it came to.

use rcl_proto::resp::{Args, OwnedArgs, Protocol, ReplyWriter};
use rcl_store::types::StreamId;

use super::read_groups::{self, GroupRead};
use super::{CONSUMER, GROUP, IDS, ids, no_key_or_group, write_entry};
use crate::command::arguments::{COUNT, KEYS, word};
use crate::command::spec::{
    ARGUMENT, Argument, Begin, COMMAND, Find, Group, KeySpec, Kind, category, flag, key_flag,
};
use crate::command::waiting::{self, KeysWait, NULL_ARRAY};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Data, Handler, Outcome, parse};
use crate::shard::Wanted;

const BLOCK: Argument =
    Argument { name: "milliseconds", kind: Kind::Integer, token: "BLOCK", optional: true, ..ARGUMENT };
const STREAMS: Argument =
    Argument { name: "streams", kind: Kind::Block, token: "STREAMS", arguments: &[KEYS, IDS], ..ARGUMENT };
const fn keys_after_streams(from: i32) -> KeySpec {
    KeySpec {
        begin: Begin::Keyword { word: "STREAMS", from },
        find: Find::Range { last: -1, step: 1, limit: 2 },
        flags: key_flag::RO | key_flag::ACCESS,
        notes: "",
    }
}

pub const XREAD: CommandSpec = CommandSpec {
    name: "xread",
    arity: -4,
    flags: flag::READONLY | flag::BLOCKING,
    categories: category::STREAM,
    keys: &[keys_after_streams(1)],
    since: "5.0.0",
    group: Group::Stream,
    summary: "Returns the entries of streams after given ids; waits until there are some, if it is to.",
    arguments: &[COUNT, BLOCK, STREAMS],
    handler: Handler::Run(xread),
    ..COMMAND
};
fn xread(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    read_or_wait(context, args, &XREAD)
}

pub const XREADGROUP: CommandSpec = CommandSpec {
    name: "xreadgroup",
    arity: -7,
    flags: flag::WRITE | flag::BLOCKING,
    categories: category::STREAM,
    keys: &[keys_after_streams(4)],
    since: "5.0.0",
    group: Group::Stream,
    complexity: "For each stream mentioned: O(M) with M being the number of elements returned. If M is constant (e.g. always asking for the first 10 elements with COUNT), you can consider it O(1). On the other side when XREADGROUP blocks, XADD will pay the O(N) time in order to serve the N clients blocked on the stream getting new data.",
    summary: "Returns entries of streams that no consumer of a group got yet, or those that this one has pending; waits until there are some, if it is to.",
    arguments: &[
        Argument {
            name: "group-block",
            kind: Kind::Block,
            token: "GROUP",
            arguments: &[GROUP, CONSUMER],
            ..ARGUMENT
        },
        COUNT,
        BLOCK,
        Argument { optional: true, ..word("noack", "NOACK") },
        STREAMS,
    ],
    handler: Handler::Run(xreadgroup),
    ..COMMAND
};
fn xreadgroup(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    read_or_wait(context, args, &XREADGROUP)
}

fn read_or_wait(context: &mut Context<'_>, args: Args<'_>, spec: &'static CommandSpec) -> CommandResult {
    let request = ReadRequest::parse(args, context.data.now_ms, !context.in_script)?;
    let starts = request.starts(&mut context.data)?;
    if request.read(&mut context.data, &mut context.reply, &starts) {
        return Ok(Outcome::Done);
    }
    let Some(deadline_ms) = request.block else {
        context.reply.null_array();
        return Ok(Outcome::Done);
    };
    // `$` means the end as it is now, not as it is when somebody wakes the client.
    let first_id = args.len() - starts.len();
    let fixed = args.iter().enumerate().map(|(index, word)| match index.checked_sub(first_id) {
        Some(at) if word == b"$" => starts[at].to_string().into_bytes(),
        _ => word.to_vec(),
    });
    let words: Vec<Vec<u8>> = fixed.collect();
    let wait = KeysWait {
        spec,
        keys: request.keys,
        deadline_ms,
        wanted: Wanted::Stream,
        serve: |data, reply, _, args| {
            let request = ReadRequest::parse(args, data.now_ms, true)?;
            let starts = request.starts(data)?;
            Ok(request.read(data, reply, &starts))
        },
        gone: request.group.is_some().then_some(stream_is_gone),
        nothing: NULL_ARRAY,
    };
    context.wait_for_keys(OwnedArgs::new(words.iter().map(Vec::as_slice)), wait)
}

/// What a client gets that waits for a group of a stream that is there no more.
fn stream_is_gone(key: &[u8], args: Args<'_>) -> CommandError {
    match ReadRequest::parse(args, 0, true) {
        Ok(ReadRequest { group: Some(group), .. }) => no_such_group(key, &group),
        Ok(_) => CommandError::NO_SUCH_KEY,
        Err(error) => error,
    }
}

fn no_such_group(key: &[u8], group: &GroupRead<'_>) -> CommandError {
    no_key_or_group(key, group.name, " in XREADGROUP with GROUP option")
}

struct ReadRequest<'a> {
    /// `Some(None)`: for ever.
    block: Option<Option<i64>>,
    count: usize,
    keys: Args<'a>,
    ids: Args<'a>,
    group: Option<GroupRead<'a>>,
}

impl<'a> ReadRequest<'a> {
    fn parse(args: Args<'a>, now_ms: i64, may_block: bool) -> Result<ReadRequest<'a>, CommandError> {
        let for_group = args.name().len() == XREADGROUP.name.len();
        let only_for_groups = |option: &str| {
            CommandError::new(format!(
                "ERR The {option} option is only supported by XREADGROUP. You called XREAD instead."
            ))
        };
        let (mut block, mut count, mut group, mut is_acknowledged) = (None, usize::MAX, None, false);
        let mut at = 1;
        let streams = loop {
            let Some(word) = args.get(at) else { return Err(CommandError::SYNTAX) };
            match (args.get(at + 1), args.get(at + 2)) {
                (Some(_), _) if parse::is(word, "block") && !may_block => {
                    let name = String::from_utf8_lossy(args.name());
                    return Err(CommandError::new(format!(
                        "ERR {name} command is not allowed with BLOCK option from scripts"
                    )));
                }
                (Some(ms), _) if parse::is(word, "block") => {
                    block = Some(waiting::deadline_ms(ms, now_ms)?);
                    at += 2;
                }
                (Some(number), _) if parse::is(word, "count") => {
                    let number = usize::try_from(parse::integer(number)?).unwrap_or(0);
                    count = if number == 0 { usize::MAX } else { number };
                    at += 2;
                }
                (Some(_), _) if parse::is(word, "streams") => break args.from(at + 1),
                (Some(name), Some(consumer)) if parse::is(word, "group") => {
                    if !for_group {
                        return Err(only_for_groups("GROUP"));
                    }
                    group = Some((name, consumer));
                    at += 3;
                }
                _ if parse::is(word, "noack") => {
                    if !for_group {
                        return Err(only_for_groups("NOACK"));
                    }
                    is_acknowledged = true;
                    at += 1;
                }
                _ => return Err(CommandError::SYNTAX),
            }
        };
        if !streams.len().is_multiple_of(2) {
            let (name, symbol) = if for_group { ("xreadgroup", '>') } else { ("xread", '$') };
            return Err(CommandError::new(format!(
                "ERR Unbalanced '{name}' list of streams: for each stream key an ID or '{symbol}' must be specified."
            )));
        }
        if for_group && group.is_none() {
            return Err(CommandError::fixed("ERR Missing GROUP option for XREADGROUP"));
        }
        let half = streams.len() / 2;
        let group = group.map(|(name, consumer)| GroupRead { name, consumer, is_acknowledged });
        Ok(ReadRequest { block, count, keys: streams.first(half), ids: streams.from(half), group })
    }

    /// After which id each stream is read; the highest stands for `>`.
    fn starts(&self, data: &mut Data<'_>) -> Result<Vec<StreamId>, CommandError> {
        self.keys.iter().zip(self.ids.iter()).map(|(key, id)| self.start(data, key, id)).collect()
    }

    fn start(&self, data: &mut Data<'_>, key: &[u8], id: &[u8]) -> Result<StreamId, CommandError> {
        let stream = data.stream(key)?;
        if let Some(group) = &self.group
            && stream.and_then(|stream| stream.group(group.name)).is_none()
        {
            return Err(no_such_group(key, group));
        }
        match (id, &self.group) {
            (b"$", None) => Ok(stream.map_or(StreamId::MIN, |stream| stream.log.last_id())),
            (b"$", Some(_)) => Err(CommandError::fixed(
                "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this \
                 consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return \
                 an empty result set.",
            )),
            (b">", Some(_)) => Ok(StreamId::MAX),
            (b">", None) => Err(CommandError::fixed(
                "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.",
            )),
            _ => ids::exact(id),
        }
    }

    /// False, and nothing written, when no stream has anything.
    fn read(&self, data: &mut Data<'_>, reply: &mut ReplyWriter<'_>, starts: &[StreamId]) -> bool {
        if self.group.is_some() {
            data.effects.propagate_nothing();
        }
        let begin = reply.position();
        let is_resp2 = reply.protocol() == Protocol::Resp2;
        let place = if is_resp2 { reply.deferred_array() } else { reply.deferred_map() };
        let mut streams = 0;
        for (key, &start) in self.keys.iter().zip(starts) {
            let before = reply.position();
            if is_resp2 {
                reply.array(2);
            }
            reply.bulk(key);
            let has_some = match &self.group {
                Some(group) => read_groups::read(data, reply, key, group, start, self.count),
                None => self.read_after(data, reply, key, start),
            };
            if has_some {
                streams += 1;
            } else {
                reply.rewind(before);
            }
        }
        if streams == 0 {
            reply.rewind(begin);
            return false;
        }
        reply.set_length(place, streams);
        true
    }

    fn read_after(
        &self,
        data: &mut Data<'_>,
        reply: &mut ReplyWriter<'_>,
        key: &[u8],
        after: StreamId,
    ) -> bool {
        let Ok(Some(stream)) = data.stream(key) else { return false };
        let Some(start) = after.next().filter(|_| stream.log.top_id().is_some_and(|top| top > after)) else {
            return false;
        };
        let place = reply.deferred_array();
        let mut written = 0;
        for entry in stream.log.range(start, StreamId::MAX).take(self.count) {
            write_entry(reply, entry);
            written += 1;
        }
        reply.set_length(place, written);
        true
    }
}
