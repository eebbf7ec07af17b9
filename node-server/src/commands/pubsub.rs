//! Publish and subscribe, and what PUBSUB tells of it.

use rcl_proto::resp::{Args, ReplyWriter};

use crate::client::{Message, ReplyMode, Session};
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Channels, Group, KeySpec, Kind, flag, key_flag};
use crate::command::{CommandResult, CommandSpec, Context, Handler, Outcome};

use crate::node::Node;
use crate::pubsub::ChannelKind;
use crate::shard::SlotUse;

pub const COMMANDS: &[CommandSpec] =
    &[PSUBSCRIBE, PUBLISH, PUBSUB, PUNSUBSCRIBE, SPUBLISH, SSUBSCRIBE, SUBSCRIBE, SUNSUBSCRIBE, UNSUBSCRIBE];

const SUBSCRIBE: CommandSpec = CommandSpec {
    name: "subscribe",
    arity: -2,
    flags: flag::PUBSUB | flag::NOSCRIPT | flag::LOADING | flag::STALE,
    channels: Channels::All,
    since: "2.0.0",
    group: Group::PubSub,
    complexity: "O(N) where N is the number of channels to subscribe to.",
    summary: "Listens to channels.",
    arguments: &[Argument { name: "channel", multiple: true, ..ARGUMENT }],
    handler: Handler::Run(subscribe),
    ..COMMAND
};

fn subscribe(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    subscribe_all(context, args, ChannelKind::Channel, b"subscribe")
}

const PSUBSCRIBE: CommandSpec = CommandSpec {
    name: "psubscribe",
    arity: -2,
    flags: flag::PUBSUB | flag::NOSCRIPT | flag::LOADING | flag::STALE,
    channels: Channels::AllPatterns,
    since: "2.0.0",
    group: Group::PubSub,
    complexity: "O(N) where N is the number of patterns to subscribe to.",
    summary: "Listens to all channels that fit patterns.",
    arguments: &[Argument { name: "pattern", kind: Kind::Pattern, multiple: true, ..ARGUMENT }],
    handler: Handler::Run(psubscribe),
    ..COMMAND
};

fn psubscribe(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    subscribe_all(context, args, ChannelKind::Pattern, b"psubscribe")
}

const SSUBSCRIBE: CommandSpec = CommandSpec {
    name: "ssubscribe",
    arity: -2,
    flags: flag::PUBSUB | flag::NOSCRIPT | flag::LOADING | flag::STALE,
    keys: &[KeySpec::range(1, -1, 1, key_flag::NOT_KEY)],
    channels: Channels::All,
    since: "7.0.0",
    group: Group::PubSub,
    complexity: "O(N) where N is the number of shard channels to subscribe to.",
    summary: "Listens to sharded channels.",
    arguments: &[Argument { name: "shardchannel", multiple: true, ..ARGUMENT }],
    handler: Handler::Run(ssubscribe),
    ..COMMAND
};

fn ssubscribe(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    subscribe_all(context, args, ChannelKind::Shard, b"ssubscribe")
}

const UNSUBSCRIBE: CommandSpec = CommandSpec {
    name: "unsubscribe",
    arity: -1,
    flags: flag::PUBSUB | flag::NOSCRIPT | flag::LOADING | flag::STALE,
    since: "2.0.0",
    group: Group::PubSub,
    complexity: "O(N) where N is the number of channels to unsubscribe.",
    summary: "Stops listening to channels, or to all of them.",
    arguments: &[Argument { name: "channel", optional: true, multiple: true, ..ARGUMENT }],
    handler: Handler::Run(unsubscribe),
    ..COMMAND
};

fn unsubscribe(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    unsubscribe_all(context, args, ChannelKind::Channel, b"unsubscribe")
}

const PUNSUBSCRIBE: CommandSpec = CommandSpec {
    name: "punsubscribe",
    arity: -1,
    flags: flag::PUBSUB | flag::NOSCRIPT | flag::LOADING | flag::STALE,
    since: "2.0.0",
    group: Group::PubSub,
    complexity: "O(N) where N is the number of patterns to unsubscribe.",
    summary: "Stops listening to patterns, or to all of them.",
    arguments: &[Argument {
        name: "pattern",
        kind: Kind::Pattern,
        optional: true,
        multiple: true,
        ..ARGUMENT
    }],
    handler: Handler::Run(punsubscribe),
    ..COMMAND
};

fn punsubscribe(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    unsubscribe_all(context, args, ChannelKind::Pattern, b"punsubscribe")
}

const SUNSUBSCRIBE: CommandSpec = CommandSpec {
    name: "sunsubscribe",
    arity: -1,
    flags: flag::PUBSUB | flag::NOSCRIPT | flag::LOADING | flag::STALE,
    keys: &[KeySpec::range(1, -1, 1, key_flag::NOT_KEY)],
    since: "7.0.0",
    group: Group::PubSub,
    complexity: "O(N) where N is the number of shard channels to unsubscribe.",
    summary: "Stops listening to sharded channels, or to all of them.",
    arguments: &[Argument { name: "shardchannel", optional: true, multiple: true, ..ARGUMENT }],
    handler: Handler::Run(sunsubscribe),
    ..COMMAND
};

fn sunsubscribe(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    unsubscribe_all(context, args, ChannelKind::Shard, b"sunsubscribe")
}

type Names = std::collections::BTreeSet<Box<[u8]>>;

fn names(session: &mut Session, kind: ChannelKind) -> &mut Names {
    match kind {
        ChannelKind::Channel => &mut session.subscriptions.channels,
        ChannelKind::Pattern => &mut session.subscriptions.patterns,
        ChannelKind::Shard => &mut session.subscriptions.shard_channels,
    }
}

/// Channels and patterns are counted together, sharded channels by themselves.
fn count(session: &Session, kind: ChannelKind) -> i64 {
    let count = match kind {
        ChannelKind::Shard => session.subscriptions.shard_channels.len(),
        ChannelKind::Channel | ChannelKind::Pattern => session.subscriptions.count(),
    };
    count as i64
}

/// Each channel gets an answer of its own, a push message where the protocol has them: like a message of the channel it
/// comes even to who wants no replies.
fn answer(context: &mut Context<'_>, kind: ChannelKind, word: &[u8], name: Option<&[u8]>) {
    let count = count(context.session, kind);
    if context.session.reply_mode == ReplyMode::On {
        write_answer(&mut context.reply, word, name, count);
    } else {
        let mut bytes = Vec::new();
        write_answer(&mut ReplyWriter::new(&mut bytes, context.session.protocol), word, name, count);
        context.session.handle.mailbox.post(Message::Push(bytes.into()));
    }
}

fn write_answer(reply: &mut ReplyWriter<'_>, word: &[u8], name: Option<&[u8]>, count: i64) {
    reply.push(3);
    reply.bulk(word);
    match name {
        Some(name) => reply.bulk(name),
        None => reply.null(),
    }
    reply.integer(count);
}

fn subscribe_all(context: &mut Context<'_>, args: Args<'_>, kind: ChannelKind, word: &[u8]) -> CommandResult {
    for name in args.from(1).iter() {
        if names(context.session, kind).insert(name.into()) {
            context.node.pubsub.subscribe(kind, name, &context.session.handle);
        }
        answer(context, kind, word, Some(name));
    }
    context.session.show_subscriptions();
    close_without_permission(context, args, kind);
    Ok(Outcome::Done)
}

/// The user's rules may have changed since the gate looked at them, and who changed them may have looked at the subscribers
/// before this one was among them.
fn close_without_permission(context: &mut Context<'_>, args: Args<'_>, kind: ChannelKind) {
    let user = &context.session.user;
    let may_hear = |name: &[u8]| user.may_use_channel(name, kind == ChannelKind::Pattern);
    context.close |= !args.from(1).iter().all(may_hear);
}

fn unsubscribe_all(
    context: &mut Context<'_>,
    args: Args<'_>,
    kind: ChannelKind,
    word: &[u8],
) -> CommandResult {
    let chosen: Vec<Box<[u8]>> = if args.len() > 1 {
        args.from(1).iter().map(Box::from).collect()
    } else {
        names(context.session, kind).iter().cloned().collect()
    };
    if chosen.is_empty() {
        answer(context, kind, word, None);
    }
    for name in chosen {
        if names(context.session, kind).remove(&name) {
            context.node.pubsub.unsubscribe(kind, &name, context.session.id());
        }
        answer(context, kind, word, Some(&name));
    }
    context.session.show_subscriptions();
    Ok(Outcome::Done)
}

const PUBLISH: CommandSpec = CommandSpec {
    name: "publish",
    arity: 3,
    flags: flag::PUBSUB | flag::LOADING | flag::STALE | flag::FAST | flag::MAY_REPLICATE,
    channels: Channels::First,
    since: "2.0.0",
    group: Group::PubSub,
    complexity: "O(N+M) where N is the number of clients subscribed to the receiving channel and M is the total number of subscribed patterns (by any client).",
    summary: "Sends a message to a channel, in the whole cluster.",
    arguments: &[Argument { name: "channel", ..ARGUMENT }, Argument { name: "message", ..ARGUMENT }],
    handler: Handler::Run(publish),
    ..COMMAND
};

fn publish(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let receivers = context.node.pubsub.publish(&args[1], &args[2]);
    spread(context, &args[1], &args[2], false);
    context.reply.integer(receivers as i64);
    Ok(Outcome::Done)
}

const SPUBLISH: CommandSpec = CommandSpec {
    name: "spublish",
    arity: 3,
    flags: flag::PUBSUB | flag::LOADING | flag::STALE | flag::FAST | flag::MAY_REPLICATE,
    keys: &[KeySpec::first(key_flag::NOT_KEY)],
    channels: Channels::First,
    since: "7.0.0",
    group: Group::PubSub,
    complexity: "O(N) where N is the number of clients subscribed to the receiving shard channel.",
    summary: "Sends a message to a sharded channel.",
    arguments: &[Argument { name: "shardchannel", ..ARGUMENT }, Argument { name: "message", ..ARGUMENT }],
    handler: Handler::Run(spublish),
    ..COMMAND
};

fn spublish(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let delivered = context.node.pubsub.publish_to_shard(&args[1], &args[2]);
    if context.node.counts_slots() {
        let slot = context.data.slot;
        if let Some(shard) = context.data.shard() {
            shard.slot_stats.add(slot, SlotUse { bytes_out: delivered.bytes, ..SlotUse::default() });
        }
    }
    spread(context, &args[1], &args[2], true);
    context.reply.integer(delivered.receivers as i64);
    Ok(Outcome::Done)
}

/// In a cluster the message goes over the bus, else to the replicas.
fn spread(context: &mut Context<'_>, channel: &[u8], payload: &[u8], sharded: bool) {
    match context.node.control.get() {
        Some(control) => context.publications.push(control.publication(channel, payload, sharded)),
        None => context.propagate_as_received(),
    }
}

const PUBSUB: CommandSpec = CommandSpec {
    name: "pubsub",
    arity: -2,
    since: "2.8.0",
    group: Group::PubSub,
    complexity: "Depends on subcommand.",
    summary: "Tells who listens to what.",
    subcommands: &[
        CommandSpec {
            name: "channels",
            arity: -2,
            flags: flag::PUBSUB | flag::LOADING | flag::STALE,
            since: "2.8.0",
            group: Group::PubSub,
            complexity: "O(N) where N is the number of active channels, and assuming constant time pattern matching (relatively short channels and patterns)",
            summary: "Returns the channels that somebody listens to.",
            arguments: &[Argument { name: "pattern", kind: Kind::Pattern, optional: true, ..ARGUMENT }],
            handler: Handler::Run(channels),
            ..COMMAND
        },
        CommandSpec {
            name: "help",
            arity: 2,
            flags: flag::LOADING | flag::STALE,
            since: "6.2.0",
            group: Group::PubSub,
            complexity: "O(1)",
            summary: "Explains PUBSUB.",
            handler: Handler::Run(help),
            ..COMMAND
        },
        CommandSpec {
            name: "numpat",
            arity: 2,
            flags: flag::PUBSUB | flag::LOADING | flag::STALE,
            since: "2.8.0",
            group: Group::PubSub,
            complexity: "O(1)",
            summary: "Returns how many patterns somebody listens to.",
            handler: Handler::Run(numpat),
            ..COMMAND
        },
        CommandSpec {
            name: "numsub",
            arity: -2,
            flags: flag::PUBSUB | flag::LOADING | flag::STALE,
            since: "2.8.0",
            group: Group::PubSub,
            complexity: "O(N) for the NUMSUB subcommand, where N is the number of requested channels",
            summary: "Returns how many listen to channels.",
            arguments: &[Argument { name: "channel", optional: true, multiple: true, ..ARGUMENT }],
            handler: Handler::Run(numsub),
            ..COMMAND
        },
        CommandSpec {
            name: "shardchannels",
            arity: -2,
            flags: flag::PUBSUB | flag::LOADING | flag::STALE,
            since: "7.0.0",
            group: Group::PubSub,
            complexity: "O(N) where N is the number of active shard channels, and assuming constant time pattern matching (relatively short shard channels).",
            summary: "Returns the sharded channels that somebody listens to.",
            arguments: &[Argument { name: "pattern", kind: Kind::Pattern, optional: true, ..ARGUMENT }],
            handler: Handler::Run(shard_channels),
            ..COMMAND
        },
        CommandSpec {
            name: "shardnumsub",
            arity: -2,
            flags: flag::PUBSUB | flag::LOADING | flag::STALE,
            since: "7.0.0",
            group: Group::PubSub,
            complexity: "O(N) for the SHARDNUMSUB subcommand, where N is the number of requested shard channels",
            summary: "Returns how many listen to sharded channels.",
            arguments: &[Argument { name: "shardchannel", optional: true, multiple: true, ..ARGUMENT }],
            handler: Handler::Run(shard_numsub),
            ..COMMAND
        },
    ],
    ..COMMAND
};

fn channels(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    list_names(context, args, ChannelKind::Channel)
}

fn shard_channels(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    list_names(context, args, ChannelKind::Shard)
}

fn list_names(context: &mut Context<'_>, args: Args<'_>, kind: ChannelKind) -> CommandResult {
    let names = context.node.pubsub.names(kind, args.get(2));
    context.reply.array(names.len());
    names.iter().for_each(|name| context.reply.bulk(name));
    Ok(Outcome::Done)
}

fn numpat(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    let count = context.node.pubsub.name_count(ChannelKind::Pattern);
    context.reply.integer(count as i64);
    Ok(Outcome::Done)
}

fn numsub(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    count_subscribers(&mut context.reply, context.node, args, ChannelKind::Channel)
}

fn shard_numsub(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    count_subscribers(&mut context.reply, context.node, args, ChannelKind::Shard)
}

fn count_subscribers(
    reply: &mut ReplyWriter<'_>,
    node: &Node,
    args: Args<'_>,
    kind: ChannelKind,
) -> CommandResult {
    let names = args.from(2);
    reply.array(names.len() * 2);
    for name in names.iter() {
        reply.bulk(name);
        reply.integer(node.pubsub.subscriber_count(kind, name) as i64);
    }
    Ok(Outcome::Done)
}

fn help(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    super::help(
        context,
        "PUBSUB",
        &[
            ("CHANNELS [<pattern>]", "Return the channels that somebody listens to."),
            ("NUMPAT", "Return how many patterns somebody listens to."),
            ("NUMSUB [<channel> ...]", "Return how many listen to each channel."),
            ("SHARDCHANNELS [<pattern>]", "Return the sharded channels that somebody listens to."),
            ("SHARDNUMSUB [<shardchannel> ...]", "Return how many listen to each sharded channel."),
        ],
    );
    Ok(Outcome::Done)
}
