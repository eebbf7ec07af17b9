//! CLUSTER SLOT-STATS, as Valkey 8 has it, with Redis 8's memory-bytes.
//!
//! ```text
//!   [ [slot, {key-count, memory-bytes, cpu-usec, network-bytes-in, network-bytes-out}], … ]
//! ```
//!
//! Only slots of this node's shard are listed: its own, or as a replica those of its master. While
//! `cluster-slot-stats-enabled` is off only key-count is shown. What is counted how: `shard/slot_stats.rs`;
//! memory-bytes is measured when it is asked for ([`rcl_store::keyspace::Keyspace::bytes_in_slot`]).

use rcl_proto::resp::{Args, ReplyWriter};
use rcl_proto::{SLOT_COUNT, Slot};

use super::ask::must_be_cluster;
use super::parse;
use crate::command::arguments::word;
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, Kind, flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Locks, Outcome};
use crate::shard::{Shard, SlotUse};

/// A cluster has this database alone.
const DATABASE: usize = 0;

pub const SLOT_STATS: CommandSpec = CommandSpec {
    name: "slot-stats",
    arity: -4,
    flags: flag::STALE | flag::LOADING,
    since: "8.0.0",
    group: Group::Cluster,
    complexity: "O(N) where N is the total number of slots based on arguments. O(N*log(N)) with ORDERBY subcommand.",
    summary: "Answers what the slots of this node's shard hold and cost.",
    arguments: &[Argument {
        name: "filter",
        kind: Kind::OneOf,
        arguments: &[
            Argument {
                name: "slotsrange",
                token: "SLOTSRANGE",
                kind: Kind::Block,
                arguments: &[
                    Argument { name: "start-slot", kind: Kind::Integer, ..ARGUMENT },
                    Argument { name: "end-slot", kind: Kind::Integer, ..ARGUMENT },
                ],
                ..ARGUMENT
            },
            Argument {
                name: "orderby",
                token: "ORDERBY",
                kind: Kind::Block,
                arguments: &[
                    Argument { name: "metric", ..ARGUMENT },
                    Argument {
                        name: "limit",
                        token: "LIMIT",
                        kind: Kind::Integer,
                        optional: true,
                        ..ARGUMENT
                    },
                    Argument {
                        name: "order",
                        kind: Kind::OneOf,
                        optional: true,
                        arguments: &[word("asc", "ASC"), word("desc", "DESC")],
                        ..ARGUMENT
                    },
                ],
                ..ARGUMENT
            },
        ],
        ..ARGUMENT
    }],
    tips: &["nondeterministic_output", "request_policy:all_shards"],
    locks: Locks::EachShard,
    handler: Handler::Run(slot_stats),
    ..COMMAND
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Metric {
    KeyCount,
    MemoryBytes,
    CpuUsec,
    NetworkBytesIn,
    NetworkBytesOut,
}

impl Metric {
    /// In the order in which they are shown.
    const ALL: [Metric; 5] = [
        Metric::KeyCount,
        Metric::MemoryBytes,
        Metric::CpuUsec,
        Metric::NetworkBytesIn,
        Metric::NetworkBytesOut,
    ];

    const fn name(self) -> &'static str {
        match self {
            Metric::KeyCount => "key-count",
            Metric::MemoryBytes => "memory-bytes",
            Metric::CpuUsec => "cpu-usec",
            Metric::NetworkBytesIn => "network-bytes-in",
            Metric::NetworkBytesOut => "network-bytes-out",
        }
    }

    /// Those that there are while the statistics are on or off.
    fn shown(enabled: bool) -> &'static [Metric] {
        if enabled { &Metric::ALL } else { &Metric::ALL[..1] }
    }
}

/// What is known of one slot.
#[derive(Clone, Copy, Debug)]
struct SlotFacts {
    slot: Slot,
    keys: usize,
    /// `None` until it is measured.
    bytes: Option<usize>,
    used: SlotUse,
}

impl SlotFacts {
    fn value(&self, metric: Metric) -> u64 {
        match metric {
            Metric::KeyCount => self.keys as u64,
            Metric::MemoryBytes => self.bytes.unwrap_or(0) as u64,
            Metric::CpuUsec => self.used.cpu_ns / 1000,
            Metric::NetworkBytesIn => self.used.bytes_in,
            Metric::NetworkBytesOut => self.used.bytes_out,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Range(Slot, Slot),
    Ordered { by: Metric, limit: usize, descending: bool },
}

fn slot_stats(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    must_be_cluster(context)?;
    let enabled = context.node.counts_slots();
    let mut facts = match parse_wanted(args, enabled)? {
        Wanted::Range(first, last) => {
            let mut facts = collect(context, |slot| (first..=last).contains(&slot));
            facts.sort_unstable_by_key(|facts| facts.slot);
            facts
        }
        Wanted::Ordered { by, limit, descending } => {
            let mut facts = collect(context, |_| true);
            if by == Metric::MemoryBytes {
                measure(context, &mut facts);
            }
            let rank = |facts: &SlotFacts| if descending { !facts.value(by) } else { facts.value(by) };
            facts.sort_unstable_by_key(|facts| (rank(facts), facts.slot));
            facts.truncate(limit);
            facts
        }
    };
    if enabled {
        measure(context, &mut facts);
    }
    context.reply.array(facts.len());
    facts.iter().for_each(|facts| write(facts, enabled, &mut context.reply));
    Ok(Outcome::Done)
}

fn parse_wanted(args: Args<'_>, enabled: bool) -> Result<Wanted, CommandError> {
    let is = |index: usize, word: &str| args[index].eq_ignore_ascii_case(word.as_bytes());
    if args.len() == 5 && is(2, "slotsrange") {
        let (first, last) = (parse::slot(&args[3])?, parse::slot(&args[4])?);
        if first > last {
            let text = format!("ERR Start slot number {first} is greater than end slot number {last}");
            return Err(CommandError::new(text));
        }
        return Ok(Wanted::Range(first, last));
    }
    if !is(2, "orderby") {
        return Err(parse::too_many(&args[1]));
    }
    let by = Metric::shown(enabled).iter().copied().find(|metric| is(3, metric.name()));
    let by = by.ok_or(CommandError::fixed("ERR Unrecognized sort metric for ORDERBY."))?;
    parse_order(args.from(4), by)
}

fn parse_order(args: Args<'_>, by: Metric) -> Result<Wanted, CommandError> {
    const BAD_LIMIT: CommandError =
        CommandError::fixed("ERR Limit has to lie in between 1 and 16384 (maximum number of slots).");
    const REPEATED: CommandError =
        CommandError::fixed("ERR Multiple filters of the same type are disallowed.");
    let (mut limit, mut descending) = (None, None);
    let mut words = args.iter();
    while let Some(word) = words.next() {
        let is = |expected: &[u8]| word.eq_ignore_ascii_case(expected);
        let is_repeated = match is(b"limit").then(|| words.next()).flatten() {
            Some(number) => {
                let number =
                    rcl_store::types::parse_integer(number).and_then(|number| usize::try_from(number).ok());
                let number = number.filter(|number| (1..=SLOT_COUNT).contains(number)).ok_or(BAD_LIMIT)?;
                limit.replace(number).is_some()
            }
            None if is(b"asc") || is(b"desc") => descending.replace(is(b"desc")).is_some(),
            None => return Err(CommandError::SYNTAX),
        };
        if is_repeated {
            return Err(REPEATED);
        }
    }
    Ok(Wanted::Ordered { by, limit: limit.unwrap_or(SLOT_COUNT), descending: descending.unwrap_or(true) })
}

/// The slots of this node's shard that are wanted, one shard of the keyspace after the other.
fn collect(context: &mut Context<'_>, is_wanted: impl Fn(Slot) -> bool) -> Vec<SlotFacts> {
    let shards = context.node.shards.count();
    let mut facts = Vec::new();
    for index in 0..shards {
        let slots = Slot::all().skip(index).step_by(shards).filter(|&slot| is_wanted(slot));
        context.data.with_shard(index, |shard| {
            facts.extend(slots.filter_map(|slot| facts_of(shard, slot)));
        });
    }
    facts
}

/// `None` for a slot that another node's shard serves.
fn facts_of(shard: &Shard, slot: Slot) -> Option<SlotFacts> {
    if !shard.map.as_ref()?.is_of_my_shard(slot) {
        return None;
    }
    Some(SlotFacts {
        slot,
        keys: shard.keyspace.key_count_in_slot(DATABASE, slot),
        bytes: None,
        used: shard.slot_stats.of(slot),
    })
}

/// Fills in the bytes where that has not been done yet; a slot at a time, so that no shard is held long.
fn measure(context: &mut Context<'_>, facts: &mut [SlotFacts]) {
    for facts in facts.iter_mut().filter(|facts| facts.bytes.is_none()) {
        let index = context.node.shards.index_of(facts.slot);
        let bytes =
            context.data.with_shard(index, |shard| shard.keyspace.bytes_in_slot(DATABASE, facts.slot));
        facts.bytes = Some(bytes);
    }
}

fn write(facts: &SlotFacts, enabled: bool, reply: &mut ReplyWriter<'_>) {
    let shown = Metric::shown(enabled);
    reply.array(2);
    reply.integer(i64::from(facts.slot.number()));
    reply.map(shown.len());
    for metric in shown {
        reply.bulk(metric.name().as_bytes());
        reply.integer(i64::try_from(facts.value(*metric)).unwrap_or(i64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcl_proto::resp::OwnedArgs;

    fn parse(line: &str) -> Result<Wanted, String> {
        let args = OwnedArgs::new(line.split(' ').map(str::as_bytes));
        parse_wanted(args.as_args(), !line.ends_with("off")).map_err(|error| error.text().to_owned())
    }

    #[test]
    fn what_is_asked_for() {
        let ordered = |by, limit, descending| Ok(Wanted::Ordered { by, limit, descending });
        let slot = |number| Slot::new(number).unwrap();
        assert_eq!(parse("c s SLOTSRANGE 5 7"), Ok(Wanted::Range(slot(5), slot(7))));
        assert_eq!(parse("c s orderby KEY-count"), ordered(Metric::KeyCount, 16384, true));
        assert_eq!(parse("c s orderby cpu-usec asc limit 3"), ordered(Metric::CpuUsec, 3, false));
        assert_eq!(parse("c s orderby memory-bytes LIMIT 1 DESC"), ordered(Metric::MemoryBytes, 1, true));
    }

    #[test]
    fn what_is_refused() {
        for (line, error) in [
            ("c s SLOTSRANGE 7 5", "ERR Start slot number 7 is greater than end slot number 5"),
            ("c s SLOTSRANGE 0 16384", "ERR Invalid or out of range slot"),
            (
                "c s SLOTSRANGE 0",
                "ERR unknown subcommand or wrong number of arguments for 's'. Try CLUSTER HELP.",
            ),
            ("c s ORDERBY x", "ERR Unrecognized sort metric for ORDERBY."),
            ("c s ORDERBY cpu-usec off", "ERR Unrecognized sort metric for ORDERBY."),
            ("c s ORDERBY key-count x", "ERR syntax error"),
            ("c s ORDERBY key-count LIMIT", "ERR syntax error"),
            (
                "c s ORDERBY key-count DESC LIMIT -1",
                "ERR Limit has to lie in between 1 and 16384 (maximum number of slots).",
            ),
            ("c s ORDERBY key-count ASC DESC", "ERR Multiple filters of the same type are disallowed."),
            (
                "c s ORDERBY key-count LIMIT 1 LIMIT 1",
                "ERR Multiple filters of the same type are disallowed.",
            ),
        ] {
            assert_eq!(parse(line), Err(error.to_owned()), "{line}");
        }
    }
}
