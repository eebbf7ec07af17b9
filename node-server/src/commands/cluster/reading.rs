//! The subcommands that read the cluster's state.

use rcl_cluster::Command;
use rcl_proto::resp::Args;

use super::ask;
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, flag};
use crate::command::{CommandResult, CommandSpec, Context, Handler};

const NODE_ID: &[Argument] = &[Argument { name: "node-id", ..ARGUMENT }];

/// The id of a node that the argument after the subcommand gives.
fn node_id(args: Args<'_>) -> Vec<u8> {
    args.get(2).unwrap_or_default().to_vec()
}

fn read(context: &mut Context<'_>, command: Command) -> CommandResult {
    ask::must_be_cluster(context)?;
    ask::read(context, command)
}

pub const INFO: CommandSpec = CommandSpec {
    name: "info",
    arity: 2,
    flags: flag::STALE,
    since: "3.0.0",
    group: Group::Cluster,
    complexity: "O(1)",
    summary: "Answers the state of the cluster as this node sees it.",
    tips: &["nondeterministic_output"],
    handler: Handler::Run(info),
    ..COMMAND
};

fn info(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    read(context, Command::Info)
}

pub const NODES: CommandSpec = CommandSpec {
    name: "nodes",
    arity: 2,
    flags: flag::STALE,
    since: "3.0.0",
    group: Group::Cluster,
    complexity: "O(N) where N is the total number of Cluster nodes",
    summary: "Answers all nodes that this node knows, one a line.",
    tips: &["nondeterministic_output"],
    handler: Handler::Run(nodes),
    ..COMMAND
};

fn nodes(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    read(context, Command::Nodes)
}

pub const SLOTS: CommandSpec = CommandSpec {
    name: "slots",
    arity: 2,
    flags: flag::LOADING | flag::STALE,
    since: "3.0.0",
    group: Group::Cluster,
    complexity: "O(N) where N is the total number of Cluster nodes",
    summary: "Answers which nodes serve which ranges of slots.",
    tips: &["nondeterministic_output"],
    deprecated: Some(("7.0.0", "`CLUSTER SHARDS`")),
    handler: Handler::Run(slots),
    ..COMMAND
};

fn slots(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    read(context, Command::Slots)
}

pub const SHARDS: CommandSpec = CommandSpec {
    name: "shards",
    arity: 2,
    flags: flag::LOADING | flag::STALE,
    since: "7.0.0",
    group: Group::Cluster,
    complexity: "O(N) where N is the total number of cluster nodes",
    summary: "Answers the masters with their slots and replicas.",
    tips: &["nondeterministic_output"],
    handler: Handler::Run(shards),
    ..COMMAND
};

fn shards(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    read(context, Command::Shards)
}

pub const LINKS: CommandSpec = CommandSpec {
    name: "links",
    arity: 2,
    flags: flag::STALE,
    since: "7.0.0",
    group: Group::Cluster,
    complexity: "O(N) where N is the total number of Cluster nodes",
    summary: "Answers the connections of the cluster bus to and from other nodes.",
    tips: &["nondeterministic_output"],
    handler: Handler::Run(links),
    ..COMMAND
};

fn links(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    read(context, Command::Links)
}

pub const MYID: CommandSpec = CommandSpec {
    name: "myid",
    arity: 2,
    flags: flag::STALE,
    since: "3.0.0",
    group: Group::Cluster,
    complexity: "O(1)",
    summary: "Answers the id of this node.",
    handler: Handler::Run(myid),
    ..COMMAND
};

fn myid(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    read(context, Command::MyId)
}

pub const MYSHARDID: CommandSpec = CommandSpec {
    name: "myshardid",
    arity: 2,
    flags: flag::STALE,
    since: "7.2.0",
    group: Group::Cluster,
    complexity: "O(1)",
    summary: "Answers the id of the shard that this node belongs to.",
    tips: &["nondeterministic_output"],
    handler: Handler::Run(myshardid),
    ..COMMAND
};

fn myshardid(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    read(context, Command::MyShardId)
}

pub const REPLICAS: CommandSpec = CommandSpec {
    name: "replicas",
    arity: 3,
    flags: flag::ADMIN | flag::STALE,
    since: "5.0.0",
    group: Group::Cluster,
    complexity: "O(N) where N is the number of replicas.",
    summary: "Answers the replicas of a master, one a line as CLUSTER NODES.",
    arguments: NODE_ID,
    tips: &["nondeterministic_output"],
    handler: Handler::Run(replicas),
    ..COMMAND
};

fn replicas(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    read(context, Command::Replicas { node: node_id(args) })
}

pub const SLAVES: CommandSpec = CommandSpec {
    name: "slaves",
    arity: 3,
    flags: flag::ADMIN | flag::STALE,
    since: "3.0.0",
    group: Group::Cluster,
    complexity: "O(N) where N is the number of replicas.",
    summary: "The older name of CLUSTER REPLICAS.",
    arguments: NODE_ID,
    tips: &["nondeterministic_output"],
    deprecated: Some(("5.0.0", "`CLUSTER REPLICAS`")),
    handler: Handler::Run(replicas),
    ..COMMAND
};

pub const COUNT_FAILURE_REPORTS: CommandSpec = CommandSpec {
    name: "count-failure-reports",
    arity: 3,
    flags: flag::ADMIN | flag::STALE,
    since: "3.0.0",
    group: Group::Cluster,
    complexity: "O(N) where N is the number of failure reports",
    summary: "Answers how many masters report a node as failing.",
    arguments: NODE_ID,
    tips: &["nondeterministic_output"],
    handler: Handler::Run(count_failure_reports),
    ..COMMAND
};

fn count_failure_reports(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    read(context, Command::CountFailureReports { node: node_id(args) })
}
