//! Replication: REPLICAOF, SLAVEOF, ROLE, WAIT, WAITAOF, and what replicas say (REPLCONF, PSYNC, SYNC).

use std::sync::Arc;

use rcl_proto::resp::Args;
use rcl_store::types::parse_integer;

use crate::client::client_flag;
use crate::clock;
use crate::command::arguments::word;
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, Kind, Locks, category, flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome, Park};
use crate::executor;
use crate::node::Node;
use crate::persistence::aof;
use crate::replication::failover::{self, FailoverOrder};
use crate::replication::{self, Filter, Phase, ReplicaSession, SyncRequest};

pub const COMMANDS: &[CommandSpec] =
    &[REPLICAOF, SLAVEOF, FAILOVER, ROLE, WAIT, WAITAOF, REPLCONF, PSYNC, SYNC];

const MASTER_OR_NO_ONE: &[Argument] = &[Argument {
    name: "args",
    kind: Kind::OneOf,
    arguments: &[
        Argument {
            name: "host-port",
            kind: Kind::Block,
            arguments: &[
                Argument { name: "host", ..ARGUMENT },
                Argument { name: "port", kind: Kind::Integer, ..ARGUMENT },
            ],
            ..ARGUMENT
        },
        Argument {
            name: "no-one",
            kind: Kind::Block,
            arguments: &[word("no", "NO"), word("one", "ONE")],
            ..ARGUMENT
        },
    ],
    ..ARGUMENT
}];

const REPLICAOF: CommandSpec = CommandSpec {
    name: "replicaof",
    arity: 3,
    flags: flag::NO_ASYNC_LOADING | flag::ADMIN | flag::NOSCRIPT | flag::STALE,
    since: "5.0.0",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Makes the node a replica of another one, or a master.",
    arguments: MASTER_OR_NO_ONE,
    locks: Locks::Role,
    handler: Handler::Run(replicaof),
    ..COMMAND
};

const SLAVEOF: CommandSpec = CommandSpec {
    name: "slaveof",
    since: "1.0.0",
    summary: "Makes the node a replica of another one, or a master; the older name of REPLICAOF.",
    deprecated: Some(("5.0.0", "`REPLICAOF`")),
    ..REPLICAOF
};

fn replicaof(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if context.node.is_cluster() {
        return Err(CommandError::fixed("ERR REPLICAOF not allowed in cluster mode."));
    }
    if !context.node.replication.failover.is_idle() {
        return Err(CommandError::fixed("ERR REPLICAOF not allowed while failing over."));
    }
    // In a transaction: what came before was done in the role that there was.
    executor::log_what_was_done(context);
    if args[1].eq_ignore_ascii_case(b"no") && args[2].eq_ignore_ascii_case(b"one") {
        replication::lead_in_command(context.node);
        context.reply.ok();
        return Ok(Outcome::Done);
    }
    let port = parse_integer(&args[2])
        .and_then(|port| u16::try_from(port).ok())
        .ok_or(CommandError::fixed("ERR Invalid master port"))?;
    let host = String::from_utf8_lossy(&args[1]).into_owned();
    match replication::follow_in_command(context.node, &mut context.data, &host, port) {
        replication::Followed::Begun => context.reply.ok(),
        replication::Followed::Already => context.reply.simple("OK Already connected to specified master"),
    }
    Ok(Outcome::Done)
}

/// EXEC holds shards, which a failover needs: inside it that begins when EXEC lets them go, and the reply comes then.
fn change_role(
    context: &mut Context<'_>,
    change: impl FnOnce(&Arc<Node>) -> Result<&'static str, CommandError> + Send + 'static,
) -> CommandResult {
    match context.reply_later() {
        None => context.reply.simple(change(context.node)?),
        Some(later) => {
            let node = context.node.clone();
            context.node.replication.spawn(async move {
                let reply = match change(&node) {
                    Ok(text) => format!("+{text}\r\n"),
                    Err(error) => format!("-{}\r\n", error.text()),
                };
                later.give(reply.into_bytes());
            });
        }
    }
    Ok(Outcome::Done)
}

const FAILOVER: CommandSpec = CommandSpec {
    name: "failover",
    arity: -1,
    flags: flag::ADMIN | flag::NOSCRIPT | flag::STALE,
    since: "6.2.0",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Makes a replica that has everything the master, and this master its replica.",
    arguments: &[
        Argument {
            name: "target",
            kind: Kind::Block,
            token: "TO",
            optional: true,
            arguments: &[
                Argument { name: "host", ..ARGUMENT },
                Argument { name: "port", kind: Kind::Integer, ..ARGUMENT },
                Argument { name: "force", kind: Kind::PureToken, token: "FORCE", optional: true, ..ARGUMENT },
            ],
            ..ARGUMENT
        },
        Argument { name: "abort", kind: Kind::PureToken, token: "ABORT", optional: true, ..ARGUMENT },
        Argument { name: "milliseconds", kind: Kind::Integer, token: "TIMEOUT", optional: true, ..ARGUMENT },
    ],
    handler: Handler::Run(failover),
    ..COMMAND
};

fn failover(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if context.node.is_cluster() {
        return Err(CommandError::fixed(
            "ERR FAILOVER not allowed in cluster mode. Use CLUSTER FAILOVER command instead.",
        ));
    }
    if args.len() == 2 && args[1].eq_ignore_ascii_case(b"abort") {
        return change_role(context, |node| match failover::abort(node, "Failover manually aborted") {
            true => Ok("OK"),
            false => Err(CommandError::fixed("ERR No failover in progress.")),
        });
    }
    let order = failover_order(args)?;
    change_role(context, move |node| failover::begin(node, order).map(|()| "OK"))
}

fn failover_order(args: Args<'_>) -> Result<FailoverOrder, CommandError> {
    let mut order = FailoverOrder::default();
    let mut index = 1;
    while let Some(word) = args.get(index) {
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        match (args.get(index + 1), args.get(index + 2)) {
            (Some(timeout), _) if is("timeout") && order.timeout_ms.is_none() => {
                let timeout = parse_integer(timeout).ok_or(CommandError::NOT_INTEGER)?;
                let timeout = u64::try_from(timeout).ok().filter(|&timeout| timeout > 0);
                order.timeout_ms =
                    Some(timeout.ok_or(CommandError::fixed("ERR FAILOVER timeout must be greater than 0"))?);
                index += 2;
            }
            (Some(host), Some(port)) if is("to") && order.target.is_none() => {
                let port = parse_integer(port).ok_or(CommandError::NOT_INTEGER)?;
                // A port that there is not is nobody's, which is found out like that of any other stranger.
                let port = u16::try_from(port).unwrap_or(0);
                order.target = Some((String::from_utf8_lossy(host).into_owned(), port));
                index += 3;
            }
            _ if is("force") && !order.force => {
                order.force = true;
                index += 1;
            }
            _ => return Err(CommandError::SYNTAX),
        }
    }
    Ok(order)
}

const ROLE: CommandSpec = CommandSpec {
    name: "role",
    arity: 1,
    flags: flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::FAST,
    categories: category::ADMIN | category::DANGEROUS,
    since: "2.8.12",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Says whether the node is a master or a replica, and how its replication stands.",
    handler: Handler::Run(role),
    ..COMMAND
};

fn role(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    let replication = &context.node.replication;
    let reply = &mut context.reply;
    if replication.is_replica() {
        let view = replication.view();
        reply.array(5);
        reply.bulk(b"slave");
        reply.bulk(view.host.as_bytes());
        reply.integer(i64::from(view.port));
        reply.bulk(view.phase.name().as_bytes());
        reply.integer(if view.phase == Phase::Connected { replication.offset() as i64 } else { -1 });
        return Ok(Outcome::Done);
    }
    let online: Vec<_> = replication.links().into_iter().filter(|link| link.is_online()).collect();
    reply.array(3);
    reply.bulk(b"master");
    reply.integer(replication.offset() as i64);
    reply.array(online.len());
    for link in online {
        reply.array(3);
        reply.bulk(link.ip.as_bytes());
        reply.bulk_integer(i64::from(link.port));
        reply.bulk_integer(link.acknowledged() as i64);
    }
    Ok(Outcome::Done)
}

const WAIT: CommandSpec = CommandSpec {
    name: "wait",
    arity: 3,
    categories: category::CONNECTION,
    since: "3.0.0",
    group: Group::Generic,
    complexity: "O(1)",
    summary: "Waits until so many replicas have what this client wrote, and answers how many have.",
    arguments: &[
        Argument { name: "numreplicas", kind: Kind::Integer, ..ARGUMENT },
        Argument { name: "timeout", kind: Kind::Integer, ..ARGUMENT },
    ],
    tips: &["request_policy:all_shards", "response_policy:agg_min"],
    handler: Handler::Run(wait),
    ..COMMAND
};

fn wait(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if context.node.replication.is_replica() {
        return Err(CommandError::fixed(
            "ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is configured to be writable (which is not the default) writes to replicas are just local and are not propagated.",
        ));
    }
    let replicas = parse_integer(&args[1]).ok_or(CommandError::NOT_INTEGER)?;
    let timeout_ms = parse_timeout(&args[2])?;
    let offset = context.session.last_write;
    wait_until(context, replication::Wanted { offset, replicas, in_files: None, timeout_ms })
}

fn parse_timeout(timeout: &[u8]) -> Result<u64, CommandError> {
    let timeout =
        parse_integer(timeout).ok_or(CommandError::fixed("ERR timeout is not an integer or out of range"))?;
    let timeout_ms = u64::try_from(timeout).map_err(|_| CommandError::fixed("ERR timeout is negative"))?;
    if clock::now_ms().checked_add(timeout).is_none() {
        return Err(CommandError::fixed("ERR timeout is out of range"));
    }
    Ok(timeout_ms)
}

fn wait_until(context: &mut Context<'_>, wanted: replication::Wanted) -> CommandResult {
    let standing = wanted.standing(context.node);
    if wanted.is_met_by(standing) || !context.may_park {
        wanted.write(standing, &mut context.reply);
        return Ok(Outcome::Done);
    }
    let wait = context.session.begin_wait();
    let client = context.session.id();
    replication::wait_for_replicas(context.node, client, wait.clone(), wanted, None);
    Ok(Outcome::Park(Park::until(wait)))
}

const WAITAOF: CommandSpec = CommandSpec {
    name: "waitaof",
    arity: 4,
    flags: flag::NOSCRIPT,
    categories: category::CONNECTION,
    since: "7.2.0",
    group: Group::Generic,
    complexity: "O(1)",
    summary: "Waits until what this client wrote is in the append-only files of this node and of so many replicas.",
    arguments: &[
        Argument { name: "numlocal", kind: Kind::Integer, ..ARGUMENT },
        Argument { name: "numreplicas", kind: Kind::Integer, ..ARGUMENT },
        Argument { name: "timeout", kind: Kind::Integer, ..ARGUMENT },
    ],
    tips: &["request_policy:all_shards", "response_policy:agg_min"],
    handler: Handler::Run(waitaof),
    ..COMMAND
};

fn waitaof(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let local = parse_integer(&args[1]).ok_or(CommandError::NOT_INTEGER)?;
    if !(0..=1).contains(&local) {
        return Err(CommandError::fixed("ERR value is out of range, value must between 0 and 1"));
    }
    let replicas = parse_integer(&args[2]).ok_or(CommandError::NOT_INTEGER)?;
    if replicas < 0 {
        return Err(CommandError::fixed("ERR value is out of range, must be positive"));
    }
    let timeout_ms = parse_timeout(&args[3])?;
    if context.node.replication.is_replica() {
        return Err(CommandError::fixed(
            "ERR WAITAOF cannot be used with replica instances. Please also note that writes to replicas are just local and are not propagated.",
        ));
    }
    if local > 0 && !context.node.settings().appendonly {
        return Err(CommandError::fixed(aof::NONE_TO_WAIT_FOR));
    }
    let offset = context.session.last_write;
    wait_until(context, replication::Wanted { offset, replicas, in_files: Some(local), timeout_ms })
}

const REPLCONF: CommandSpec = CommandSpec {
    name: "replconf",
    arity: -1,
    flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::ALLOW_BUSY,
    since: "3.0.0",
    group: Group::Server,
    complexity: "O(1)",
    summary: "What a replica tells its master before and while it follows it.",
    handler: Handler::Run(replconf),
    ..COMMAND
};

const NOT_ZERO_OR_ONE: CommandError =
    CommandError::fixed("ERR value is out of range, value must between 0 and 1");
/// As long as Redis allows a host's name to be.
const MAX_ADDRESS_BYTES: usize = 256;

fn replconf(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if args.len().is_multiple_of(2) {
        return Err(CommandError::SYNTAX);
    }
    let mut told: ReplicaSession = context.session.replica.as_deref().cloned().unwrap_or_default();
    for index in (1..args.len()).step_by(2) {
        let (option, value) = (&args[index], &args[index + 1]);
        let is = |word: &str| option.eq_ignore_ascii_case(word.as_bytes());
        if is("listening-port") {
            let port = parse_integer(value).ok_or(CommandError::NOT_INTEGER)?;
            told.listening_port = u16::try_from(port).map_err(|_| CommandError::OUT_OF_RANGE)?;
        } else if is("ip-address") {
            if value.len() >= MAX_ADDRESS_BYTES {
                return Err(CommandError::new(format!(
                    "ERR REPLCONF ip-address provided by replica instance is too long: {} bytes",
                    value.len()
                )));
            }
            told.announced_ip = String::from_utf8_lossy(value).into_owned();
        } else if is("capa") {
            // What this node does not understand is not used.
            told.understands_eof |= value.eq_ignore_ascii_case(b"eof");
            told.understands_psync2 |= value.eq_ignore_ascii_case(b"psync2");
            told.knows_field_expiries |= value.eq_ignore_ascii_case(b"field-expiry");
        } else if is("version") {
            told.version = replication::setslot::parse_version(value).ok_or_else(|| {
                let value = String::from_utf8_lossy(value).into_owned();
                CommandError::new(format!("ERR Unrecognized version format: {value}"))
            })?;
        } else if is("ack") || is("getack") {
            // Said inside a link only, which answers neither; from a client they mean nothing.
            return Ok(Outcome::Done);
        } else if is("rdb-only") {
            told.rdb_only = match value {
                b"0" => false,
                b"1" => true,
                _ => return Err(NOT_ZERO_OR_ONE),
            };
        } else if is("rdb-filter-only") {
            told.filter = Some(Filter::parse(value).map_err(CommandError::new)?);
        } else {
            let option = String::from_utf8_lossy(option).into_owned();
            return Err(CommandError::new(format!("ERR Unrecognized REPLCONF option: {option}")));
        }
    }
    context.session.replica = Some(Box::new(told));
    context.reply.ok();
    Ok(Outcome::Done)
}

const PSYNC: CommandSpec = CommandSpec {
    name: "psync",
    arity: -3,
    flags: flag::NO_ASYNC_LOADING | flag::ADMIN | flag::NO_MULTI | flag::NOSCRIPT,
    since: "2.8.0",
    group: Group::Server,
    summary: "A replica asks for the stream from an offset of a history, or for a copy.",
    arguments: &[
        Argument { name: "replicationid", ..ARGUMENT },
        Argument { name: "offset", kind: Kind::Integer, ..ARGUMENT },
    ],
    handler: Handler::Run(psync),
    ..COMMAND
};

fn psync(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let hands_over = args.get(3).is_some_and(|word| word.eq_ignore_ascii_case(b"failover"));
    if hands_over {
        failover::check_request(context.node, &args[1])?;
    }
    let offset = parse_integer(&args[2]).ok_or_else(|| {
        let replica = context.session.handle.address();
        tracing::warn!("Replica {replica} asks for synchronization but with a wrong offset");
        CommandError::NOT_INTEGER
    })?;
    become_replica(context, SyncRequest::Psync { id: args[1].to_vec(), offset, hands_over })
}

const SYNC: CommandSpec = CommandSpec {
    name: "sync",
    arity: 1,
    flags: flag::NO_ASYNC_LOADING | flag::ADMIN | flag::NO_MULTI | flag::NOSCRIPT,
    since: "1.0.0",
    group: Group::Server,
    summary: "A replica asks for a copy, and the stream after it.",
    handler: Handler::Run(sync),
    ..COMMAND
};

fn sync(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    become_replica(context, SyncRequest::Sync)
}

fn become_replica(context: &mut Context<'_>, request: SyncRequest) -> CommandResult {
    let replication = &context.node.replication;
    if !replication.failover.is_idle() {
        return Err(CommandError::fixed("NOMASTERLINK Can't SYNC while failing over"));
    }
    let hands_over = matches!(request, SyncRequest::Psync { hands_over: true, .. });
    if !hands_over && replication.is_replica() && replication.view().phase != Phase::Connected {
        return Err(CommandError::fixed("NOMASTERLINK Can't SYNC while not connected with my master"));
    }
    let wants_part = |told: &ReplicaSession| told.filter.is_some() && !told.understands_eof;
    if context.session.replica.as_deref().is_some_and(wants_part) {
        return Err(CommandError::fixed("ERR Filtered replica requires EOF capability"));
    }
    if !replication.is_running() {
        return Err(CommandError::fixed(
            "ERR this node does not replicate: it is shutting down or not started",
        ));
    }
    context.session.handle.set_flag(client_flag::REPLICA, true);
    let node = context.node.clone();
    Ok(Outcome::HandOver(Box::new(move |connection| replication::adopt(&node, connection, request))))
}
