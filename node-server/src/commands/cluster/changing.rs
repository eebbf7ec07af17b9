//! The subcommands that change the cluster's nodes: who is in it, who replicates whom, epochs.

use rcl_cluster::{Command, FailoverMode};
use rcl_proto::resp::Args;

use super::{CHANGES, ask, parse};
use crate::command::arguments::word;
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, Kind, flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Locks};

const NODE_ID: &[Argument] = &[Argument { name: "node-id", ..ARGUMENT }];

/// True when this node holds no key at all.
pub fn keyspace_is_empty(context: &mut Context<'_>) -> bool {
    let mut keys = 0;
    context.data.each_shard(|shard| keys += shard.keyspace.key_count(0));
    keys == 0
}

pub const MEET: CommandSpec = CommandSpec {
    name: "meet",
    arity: -4,
    flags: CHANGES,
    since: "3.0.0",
    group: Group::Cluster,
    complexity: "O(1)",
    summary: "Joins this node and another one.",
    arguments: &[
        Argument { name: "ip", ..ARGUMENT },
        Argument { name: "port", kind: Kind::Integer, ..ARGUMENT },
        Argument {
            name: "cluster-bus-port",
            kind: Kind::Integer,
            optional: true,
            since: "4.0.0",
            ..ARGUMENT
        },
    ],
    handler: Handler::Run(meet),
    ..COMMAND
};

fn meet(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    ask::must_be_cluster(context)?;
    if args.len() > 5 {
        return Err(parse::too_many(&args[1]));
    }
    let (ip, port) = (&args[2], &args[3]);
    let number = |kind: &str, text: &[u8]| {
        let number = parse::integer(text).map_err(|_| {
            let text = String::from_utf8_lossy(text);
            CommandError::new(format!("ERR Invalid {kind} port specified: {text}"))
        })?;
        // 0 is no port, and what is no port at all becomes that.
        Ok(u16::try_from(number).unwrap_or(0))
    };
    let port_number = number("base", port)?;
    let bus_port = args.get(4).map(|text| number("bus", text)).transpose()?;
    if port_number == 0 || bus_port == Some(0) {
        let (ip, port) = (String::from_utf8_lossy(ip), String::from_utf8_lossy(port));
        return Err(CommandError::new(format!("ERR Invalid node address specified: {ip}:{port}")));
    }
    let ip = String::from_utf8_lossy(ip).into_owned();
    ask::change(context, Command::Meet { ip, port: port_number, bus_port })
}

pub const FORGET: CommandSpec = CommandSpec {
    name: "forget",
    arity: 3,
    flags: CHANGES,
    since: "3.0.0",
    group: Group::Cluster,
    complexity: "O(1)",
    summary: "Removes a node from this node's view of the cluster.",
    arguments: NODE_ID,
    handler: Handler::Run(forget),
    ..COMMAND
};

fn forget(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    ask::must_be_cluster(context)?;
    ask::change(context, Command::Forget { node: args[2].to_vec() })
}

pub const REPLICATE: CommandSpec = CommandSpec {
    name: "replicate",
    arity: 3,
    flags: CHANGES,
    since: "3.0.0",
    group: Group::Cluster,
    complexity: "O(1)",
    summary: "Makes this node a replica of a master.",
    arguments: NODE_ID,
    locks: Locks::EachShard,
    handler: Handler::Run(replicate),
    ..COMMAND
};

fn replicate(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    ask::must_be_cluster(context)?;
    let keyspace_empty = keyspace_is_empty(context);
    ask::change(context, Command::Replicate { node: args[2].to_vec(), keyspace_empty })
}

pub const FAILOVER: CommandSpec = CommandSpec {
    name: "failover",
    arity: -2,
    flags: CHANGES,
    since: "3.0.0",
    group: Group::Cluster,
    complexity: "O(1)",
    summary: "Makes this replica take over from its master.",
    arguments: &[Argument {
        name: "options",
        kind: Kind::OneOf,
        optional: true,
        arguments: &[word("force", "FORCE"), word("takeover", "TAKEOVER")],
        ..ARGUMENT
    }],
    handler: Handler::Run(failover),
    ..COMMAND
};

fn failover(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    ask::must_be_cluster(context)?;
    if args.len() > 3 {
        return Err(parse::too_many(&args[1]));
    }
    let mode = match args.get(2) {
        None => FailoverMode::Graceful,
        Some(word) if word.eq_ignore_ascii_case(b"force") => FailoverMode::Force,
        Some(word) if word.eq_ignore_ascii_case(b"takeover") => FailoverMode::Takeover,
        Some(_) => return Err(CommandError::SYNTAX),
    };
    ask::change(context, Command::Failover(mode))
}

pub const RESET: CommandSpec = CommandSpec {
    name: "reset",
    arity: -2,
    flags: flag::ADMIN | flag::STALE | flag::NOSCRIPT,
    since: "3.0.0",
    group: Group::Cluster,
    complexity: "O(N) where N is the number of known nodes. The command may execute a FLUSHALL as a side effect.",
    summary: "Takes this node out of its cluster.",
    arguments: &[Argument {
        name: "reset-type",
        kind: Kind::OneOf,
        optional: true,
        arguments: &[word("hard", "HARD"), word("soft", "SOFT")],
        ..ARGUMENT
    }],
    locks: Locks::EachShard,
    handler: Handler::Run(reset),
    ..COMMAND
};

fn reset(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    ask::must_be_cluster(context)?;
    if args.len() > 3 {
        return Err(parse::too_many(&args[1]));
    }
    let hard = match args.get(2) {
        None => false,
        Some(word) if word.eq_ignore_ascii_case(b"soft") => false,
        Some(word) if word.eq_ignore_ascii_case(b"hard") => true,
        Some(_) => return Err(CommandError::SYNTAX),
    };
    let keyspace_empty = keyspace_is_empty(context);
    ask::change(context, Command::Reset { hard, keyspace_empty })
}

pub const BUMPEPOCH: CommandSpec = CommandSpec {
    name: "bumpepoch",
    arity: 2,
    flags: CHANGES,
    since: "3.0.0",
    group: Group::Cluster,
    complexity: "O(1)",
    summary: "Gives this node a new config epoch, unless it has the greatest.",
    tips: &["nondeterministic_output"],
    handler: Handler::Run(bumpepoch),
    ..COMMAND
};

fn bumpepoch(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    ask::must_be_cluster(context)?;
    ask::change(context, Command::BumpEpoch)
}

pub const SET_CONFIG_EPOCH: CommandSpec = CommandSpec {
    name: "set-config-epoch",
    arity: 3,
    flags: CHANGES,
    since: "3.0.0",
    group: Group::Cluster,
    complexity: "O(1)",
    summary: "Sets the config epoch of a new node.",
    arguments: &[Argument { name: "config-epoch", kind: Kind::Integer, ..ARGUMENT }],
    handler: Handler::Run(set_config_epoch),
    ..COMMAND
};

fn set_config_epoch(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    ask::must_be_cluster(context)?;
    let number = parse::integer(&args[2])?;
    let epoch = u64::try_from(number)
        .map_err(|_| CommandError::new(format!("ERR Invalid config epoch specified: {number}")))?;
    ask::change(context, Command::SetConfigEpoch(epoch))
}

pub const SAVECONFIG: CommandSpec = CommandSpec {
    name: "saveconfig",
    arity: 2,
    flags: CHANGES,
    since: "3.0.0",
    group: Group::Cluster,
    complexity: "O(1)",
    summary: "Writes the cluster config file now.",
    handler: Handler::Run(saveconfig),
    ..COMMAND
};

fn saveconfig(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    ask::must_be_cluster(context)?;
    ask::change(context, Command::SaveConfig)
}
