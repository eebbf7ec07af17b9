//! MEMORY: what takes how much.

use rcl_proto::resp::{Args, ReplyWriter};

use crate::allocator;
use crate::command::arguments::KEY;
use crate::command::parse::{self, is};
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, Locks, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome};
use crate::info::KeyspaceCounts;
use crate::info::memory::{Figures, human};
use crate::persistence::aof;

const TIPS: &[&str] = &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"];

pub const MEMORY: CommandSpec = CommandSpec {
    name: "memory",
    arity: -2,
    since: "4.0.0",
    group: Group::Server,
    complexity: "Depends on subcommand.",
    summary: "Tells what takes how much memory.",
    subcommands: &[
        CommandSpec {
            name: "doctor",
            arity: 2,
            since: "4.0.0",
            group: Group::Server,
            complexity: "O(1)",
            summary: "Says in words whether there is something wrong with the memory.",
            tips: TIPS,
            locks: Locks::EachShard,
            handler: Handler::Run(doctor),
            ..COMMAND
        },
        CommandSpec {
            name: "help",
            arity: 2,
            flags: flag::LOADING | flag::STALE,
            since: "4.0.0",
            group: Group::Server,
            complexity: "O(1)",
            summary: "Explains MEMORY.",
            handler: Handler::Run(help),
            ..COMMAND
        },
        CommandSpec {
            name: "malloc-stats",
            arity: 2,
            since: "4.0.0",
            group: Group::Server,
            complexity: "Depends on how much memory is allocated, could be slow",
            summary: "Returns what the allocator says of itself.",
            tips: TIPS,
            handler: Handler::Run(malloc_stats),
            ..COMMAND
        },
        CommandSpec {
            name: "purge",
            arity: 2,
            since: "4.0.0",
            group: Group::Server,
            complexity: "Depends on how much memory is allocated, could be slow",
            summary: "Gives free memory back to the system.",
            tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
            handler: Handler::Run(purge),
            ..COMMAND
        },
        CommandSpec {
            name: "stats",
            arity: 2,
            since: "4.0.0",
            group: Group::Server,
            complexity: "O(1)",
            summary: "Returns what takes how much memory.",
            tips: TIPS,
            locks: Locks::EachShard,
            handler: Handler::Run(stats),
            ..COMMAND
        },
        CommandSpec {
            name: "usage",
            arity: -3,
            flags: flag::READONLY,
            keys: &[KeySpec::at(2, key_flag::RO)],
            since: "4.0.0",
            group: Group::Server,
            complexity: "O(N) where N is the number of samples.",
            summary: "Estimates how many bytes a key and its value take.",
            arguments: &[
                KEY,
                Argument { name: "count", kind: Kind::Integer, token: "SAMPLES", optional: true, ..ARGUMENT },
            ],
            handler: Handler::Run(usage),
            ..COMMAND
        },
    ],
    ..COMMAND
};

fn usage(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let mut index = 3;
    while let Some(word) = args.get(index) {
        let number = args.get(index + 1).ok_or(CommandError::SYNTAX)?;
        if !is(word, "SAMPLES") || parse::integer(number)? < 0 {
            return Err(CommandError::SYNTAX);
        }
        // Sizes are known without samples.
        index += 2;
    }
    match context.data.peek(&args[2]) {
        Some(entry) => context.reply.integer(entry.memory_usage() as i64),
        None => context.reply.null(),
    }
    Ok(Outcome::Done)
}

fn figures(context: &mut Context<'_>) -> Figures {
    let mut counts = KeyspaceCounts::default();
    context.data.each_shard(|shard| counts.add(shard));
    Figures::of(context.node, &counts)
}

fn stats(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    let figures = figures(context);
    let reply = &mut context.reply;
    let place = reply.deferred_map();
    let mut fields = 0;
    let mut number = |reply: &mut ReplyWriter<'_>, name: &str, value: i64| {
        reply.bulk(name.as_bytes());
        reply.integer(value);
        fields += 1;
    };
    number(reply, "peak.allocated", figures.peak as i64);
    number(reply, "total.allocated", figures.used as i64);
    number(reply, "startup.allocated", figures.startup as i64);
    number(reply, "replication.backlog", figures.backlog as i64);
    number(reply, "clients.slaves", figures.replicas as i64);
    number(reply, "clients.normal", figures.clients as i64);
    number(reply, "cluster.links", figures.cluster_links as i64);
    number(reply, "aof.buffer", aof::waiting_bytes(context.node) as i64);
    number(reply, "overhead.total", figures.overhead() as i64);
    number(reply, "keys.count", figures.key_count() as i64);
    number(reply, "keys.bytes-per-key", figures.bytes_per_key() as i64);
    number(reply, "dataset.bytes", figures.dataset() as i64);
    number(reply, "allocator.allocated", figures.used as i64);
    number(reply, "allocator.active", figures.resident as i64);
    number(reply, "allocator.resident", figures.resident as i64);
    number(reply, "allocator-fragmentation.bytes", figures.fragmentation_bytes());
    number(reply, "fragmentation.bytes", figures.fragmentation_bytes());
    for (database, _, table_bytes) in &figures.databases {
        reply.bulk(format!("db.{database}").as_bytes());
        reply.map(3);
        // Keys with an expiry, and those of a slot, are found in the same tables.
        for (name, bytes) in [("main", *table_bytes), ("expires", 0), ("slot-to-keys", 0)] {
            reply.bulk(format!("overhead.hashtable.{name}").as_bytes());
            reply.integer(bytes as i64);
        }
    }
    let shares = [
        ("dataset.percentage", figures.dataset_percent()),
        ("peak.percentage", figures.peak_percent()),
        ("allocator-fragmentation.ratio", figures.fragmentation()),
        ("fragmentation", figures.fragmentation()),
    ];
    for (name, share) in shares {
        reply.bulk(name.as_bytes());
        reply.double(share);
    }
    let count = fields + figures.databases.len() + shares.len();
    reply.set_length(place, count);
    Ok(Outcome::Done)
}

fn doctor(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    let text = diagnosis(&figures(context));
    context.reply.verbatim("txt", text.as_bytes());
    Ok(Outcome::Done)
}

/// Below this there is nothing to say.
const LITTLE: u64 = 5 << 20;

/// By Redis's rules.
fn diagnosis(figures: &Figures) -> String {
    if figures.used < LITTLE {
        return format!("Only {} are in use: too little to say anything about.\n", human(figures.used));
    }
    let mut findings = Vec::new();
    if figures.peak as f64 > figures.used as f64 * 1.5 {
        findings.push(format!(
            "At its peak {} were in use, now it is {}. The allocator may keep what lies between; that is no leak, and it is \
             used again. MEMORY PURGE gives back what it can.",
            human(figures.peak),
            human(figures.used)
        ));
    }
    if figures.fragmentation() > 1.4 && figures.fragmentation_bytes() > 10 << 20 {
        findings.push(format!(
            "There are {:.2} bytes in memory for each that is in use. The heap is fragmented, or has been larger: MEMORY PURGE \
             gives back what it can, a restart (or a failover to a fresh replica) the rest.",
            figures.fragmentation()
        ));
    }
    if figures.client_count > 0 && figures.clients / figures.client_count > 200 << 10 {
        findings.push(format!(
            "Each client takes {} on average. Some send faster than they read, or send very large requests: CLIENT LIST shows \
             them in tot-mem; maxmemory-clients and client-output-buffer-limit bound them.",
            human(figures.clients / figures.client_count)
        ));
    }
    if figures.replicas > 10 << 20 {
        findings.push(format!(
            "Replicas that lag behind make the replication log keep {} beyond its size.",
            human(figures.replicas)
        ));
    }
    match findings.as_slice() {
        [] => "Nothing is wrong with the memory.\n".to_owned(),
        _ => findings.iter().map(|finding| format!("* {finding}\n")).collect(),
    }
}

fn malloc_stats(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    let heap = allocator::heap();
    let text = format!(
        "glibc's heap, in bytes\n\
         in use, as counted here:             {}\n\
         in use, as glibc counts:             {}\n\
         free, held by glibc:                 {}\n\
         of that at the end of the heap:      {}\n\
         taken from the system for the heap:  {}\n\
         in mappings of their own:            {} ({} of them)\n",
        allocator::used_bytes(),
        heap.used + heap.mapped,
        heap.free,
        heap.free_at_end,
        heap.taken,
        heap.mapped,
        heap.mappings,
    );
    context.reply.verbatim("txt", text.as_bytes());
    Ok(Outcome::Done)
}

fn purge(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    allocator::give_free_memory_back();
    context.reply.ok();
    Ok(Outcome::Done)
}

fn help(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    super::super::help(
        context,
        "MEMORY",
        &[
            ("DOCTOR", "Say in words whether there is something wrong with the memory."),
            ("MALLOC-STATS", "Return what the allocator says of itself."),
            ("PURGE", "Give free memory back to the system."),
            ("STATS", "Return what takes how much memory."),
            (
                "USAGE <key> [SAMPLES <count>]",
                "Return an estimate of the bytes that <key> and its value take.",
            ),
        ],
    );
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::in_memory::clients;

    const MB: u64 = 1 << 20;

    #[test]
    fn the_doctor_finds_what_is_out_of_proportion_and_nothing_else() {
        let healthy = Figures { used: 100 * MB, peak: 110 * MB, resident: 120 * MB, ..Figures::default() };
        assert!(diagnosis(&healthy).starts_with("Nothing"));
        assert!(
            diagnosis(&Figures { used: MB, peak: 9 * MB, ..Figures::default() }).starts_with("Only 1.00M")
        );
        assert!(diagnosis(&Figures { peak: 200 * MB, ..healthy.clone() }).contains("At its peak 200.00M"));
        assert!(diagnosis(&Figures { resident: 150 * MB, ..healthy.clone() }).contains("1.50 bytes"));
        assert!(diagnosis(&Figures { replicas: 20 * MB, ..healthy.clone() }).contains("keep 20.00M"));
        let clients = Figures { clients: 10 * MB, client_count: 2, ..healthy };
        assert!(diagnosis(&clients).contains("Each client takes 5.00M"));
    }

    #[test]
    fn figures_add_up() {
        let figures = Figures {
            used: 1000,
            startup: 100,
            backlog: 50,
            clients: 40,
            databases: vec![(0, 3, 10), (4, 6, 20)],
            ..Figures::default()
        };
        assert_eq!((figures.overhead(), figures.dataset()), (220, 780));
        assert_eq!((figures.key_count(), figures.bytes_per_key()), (9, 100));
    }

    #[test]
    fn every_subcommand_answers() {
        clients!(_node: client);
        client.ask("set key value");
        assert!(client.ask("memory stats").contains("db.0 *6 $23 overhead.hashtable.main :"));
        assert!(client.ask("memory doctor").starts_with('$'));
        assert!(client.ask("memory malloc-stats").contains("taken from the system"));
        assert_eq!(client.ask("memory purge"), "+OK");
        assert!(client.ask("memory usage key samples 0").starts_with(':'));
        assert_eq!(client.ask("memory usage nothing"), "$-1");
        assert!(client.ask("memory help").contains("DOCTOR"));
        assert_eq!(client.ask("memory usage key samples -1"), "-ERR syntax error");
    }
}
