//! LATENCY: what took long, by event, and how long each command takes.

use std::fmt::Write as _;

use rcl_proto::resp::Args;

use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, flag};
use crate::command::{self, CommandError, CommandResult, CommandSpec, Context, Handler, Known, Outcome};
use crate::command_stats::CommandTotals;
use crate::latency::Series;
use crate::{clock, node::Node};

const FLAGS: u32 = flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE;
const TIPS: &[&str] = &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"];

pub const LATENCY: CommandSpec = CommandSpec {
    name: "latency",
    arity: -2,
    since: "2.8.13",
    group: Group::Server,
    complexity: "Depends on subcommand.",
    summary: "Tells what took long.",
    subcommands: &[
        CommandSpec {
            name: "doctor",
            arity: 2,
            flags: FLAGS,
            since: "2.8.13",
            group: Group::Server,
            complexity: "O(1)",
            summary: "Says in words what took long, and what can be done about it.",
            tips: TIPS,
            handler: Handler::Run(doctor),
            ..COMMAND
        },
        CommandSpec {
            name: "graph",
            arity: 3,
            flags: FLAGS,
            since: "2.8.13",
            group: Group::Server,
            complexity: "O(1)",
            summary: "Draws how long an event took over time.",
            arguments: &[Argument { name: "event", ..ARGUMENT }],
            tips: TIPS,
            handler: Handler::Run(graph),
            ..COMMAND
        },
        CommandSpec {
            name: "help",
            arity: 2,
            flags: flag::LOADING | flag::STALE,
            since: "2.8.13",
            group: Group::Server,
            complexity: "O(1)",
            summary: "Explains LATENCY.",
            handler: Handler::Run(help),
            ..COMMAND
        },
        CommandSpec {
            name: "histogram",
            arity: -2,
            flags: FLAGS,
            since: "7.0.0",
            group: Group::Server,
            complexity: "O(N) where N is the number of commands with latency information being retrieved.",
            summary: "Returns how the latencies of commands are distributed.",
            arguments: &[Argument { name: "COMMAND", optional: true, multiple: true, ..ARGUMENT }],
            tips: TIPS,
            handler: Handler::Run(histogram),
            ..COMMAND
        },
        CommandSpec {
            name: "history",
            arity: 3,
            flags: FLAGS,
            since: "2.8.13",
            group: Group::Server,
            complexity: "O(1)",
            summary: "Returns when an event took long, and how long.",
            arguments: &[Argument { name: "event", ..ARGUMENT }],
            tips: TIPS,
            handler: Handler::Run(history),
            ..COMMAND
        },
        CommandSpec {
            name: "latest",
            arity: 2,
            flags: FLAGS,
            since: "2.8.13",
            group: Group::Server,
            complexity: "O(1)",
            summary: "Returns the last time that each event took long, and the worst.",
            tips: TIPS,
            handler: Handler::Run(latest),
            ..COMMAND
        },
        CommandSpec {
            name: "reset",
            arity: -2,
            flags: FLAGS,
            since: "2.8.13",
            group: Group::Server,
            complexity: "O(1)",
            summary: "Forgets what took long.",
            arguments: &[Argument { name: "event", optional: true, multiple: true, ..ARGUMENT }],
            tips: &["request_policy:all_nodes", "response_policy:agg_sum"],
            handler: Handler::Run(reset),
            ..COMMAND
        },
    ],
    ..COMMAND
};

fn history(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let samples = context.node.latency.event(&args[2]).map(|(_, series)| series.samples).unwrap_or_default();
    context.reply.array(samples.len());
    for sample in samples {
        context.reply.array(2);
        context.reply.integer(sample.time_s);
        context.reply.integer(sample.latency_ms as i64);
    }
    Ok(Outcome::Done)
}

fn latest(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    let events = context.node.latency.events();
    context.reply.array(events.len());
    for (name, series) in events {
        let last = series.samples.back();
        context.reply.array(4);
        context.reply.bulk(name.as_bytes());
        context.reply.integer(last.map_or(0, |sample| sample.time_s));
        context.reply.integer(last.map_or(0, |sample| sample.latency_ms) as i64);
        context.reply.integer(series.worst_ms as i64);
    }
    Ok(Outcome::Done)
}

fn reset(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let latency = &context.node.latency;
    let forgotten: usize = match args.len() {
        2 => latency.reset(None),
        _ => args.from(2).iter().map(|name| latency.reset(Some(name))).sum(),
    };
    context.reply.integer(forgotten as i64);
    Ok(Outcome::Done)
}

fn histogram(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let named = args.from(2).iter().filter_map(command::by_full_name);
    let chosen: Vec<Known> = if args.len() == 2 {
        command::each_known().collect()
    } else {
        // A container stands for its subcommands.
        named.flat_map(|known| std::iter::once(known).chain(known.subcommands())).collect()
    };
    let found: Vec<(Known, CommandTotals)> = chosen
        .into_iter()
        .map(|known| (known, context.node.command_stats.totals(known.spec)))
        .filter(|(_, totals)| totals.remembered() > 0)
        .collect();
    let reply = &mut context.reply;
    reply.map(found.len());
    for (known, totals) in found {
        reply.bulk(known.full_name().as_bytes());
        reply.map(2);
        reply.bulk(b"calls");
        reply.integer(totals.remembered() as i64);
        reply.bulk(b"histogram_usec");
        let powers = totals.powers_us();
        reply.map(powers.len());
        for (microseconds, count) in powers {
            reply.integer(microseconds as i64);
            reply.integer(count as i64);
        }
    }
    Ok(Outcome::Done)
}

fn graph(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let Some((name, series)) = context.node.latency.event(&args[2]) else {
        let name = String::from_utf8_lossy(&args[2]).into_owned();
        return Err(CommandError::new(format!("ERR No samples available for event '{name}'")));
    };
    let text = drawn(name, &series, clock::now_ms() / 1000);
    context.reply.verbatim("txt", text.as_bytes());
    Ok(Outcome::Done)
}

const GRAPH_COLUMNS: usize = 80;
const GRAPH_ROWS: u64 = 4;

/// A column for each sample, the newest on the right, and under it how long ago that was.
fn drawn(name: &str, series: &Series, now_s: i64) -> String {
    let skipped = series.samples.len().saturating_sub(GRAPH_COLUMNS);
    let samples: Vec<_> = series.samples.iter().skip(skipped).collect();
    let latencies = || samples.iter().map(|sample| sample.latency_ms);
    let (low, high) = (latencies().min().unwrap_or(0), latencies().max().unwrap_or(0));
    let mut text = format!("{name} - high {high} ms, low {low} ms (all time high {} ms)\n", series.worst_ms);
    text.push_str(&"-".repeat(GRAPH_COLUMNS));
    text.push('\n');
    // From 1 (the lowest) to all rows (the highest).
    let height = |latency: u64| 1 + (latency - low) * (GRAPH_ROWS - 1) / (high - low).max(1);
    for row in (1..=GRAPH_ROWS).rev() {
        let line: String = latencies()
            .map(|latency| match height(latency) {
                top if top == row => '#',
                top if top > row => '|',
                _ => ' ',
            })
            .collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text.push('\n');
    let ages: Vec<String> = samples.iter().map(|sample| age(now_s - sample.time_s)).collect();
    for row in 0..ages.iter().map(String::len).max().unwrap_or(0) {
        let line: String = ages.iter().map(|age| age.chars().nth(row).unwrap_or(' ')).collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn age(seconds: i64) -> String {
    match seconds {
        ..60 => format!("{}s", seconds.max(0)),
        60..3600 => format!("{}m", seconds / 60),
        3600..86400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86400),
    }
}

fn doctor(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    let text = diagnosis(context.node);
    context.reply.verbatim("txt", text.as_bytes());
    Ok(Outcome::Done)
}

fn diagnosis(node: &Node) -> String {
    let threshold_ms = node.latency.threshold_ms();
    let events = node.latency.events();
    if threshold_ms == 0 && events.is_empty() {
        return "The latency monitor is off. CONFIG SET latency-monitor-threshold <milliseconds> switches it on.\n"
            .to_owned();
    }
    if events.is_empty() {
        return format!("Nothing took {threshold_ms} ms or longer since the monitor was switched on.\n");
    }
    let mut text = "These took long:\n\n".to_owned();
    for (number, (name, series)) in events.iter().enumerate() {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{}. {name}: {}", number + 1, in_words(series));
    }
    text.push_str("\nWhat can be done:\n\n");
    let settings = node.settings();
    let slowlog_us = settings.slowlog_log_slower_than_us;
    let logs_enough = slowlog_us >= 0 && slowlog_us as u64 <= threshold_ms * 1000;
    for (name, _) in events {
        match name {
            "command" | "fast-command" if !logs_enough => {
                let _ = writeln!(
                    text,
                    "- {name}: CONFIG SET slowlog-log-slower-than {} lets SLOWLOG GET name the commands.",
                    threshold_ms * 1000
                );
            }
            "command" => text.push_str(
                "- command: SLOWLOG GET names the commands. Those that go through whole collections may be \
                 divided into several (SCAN and its kin instead of KEYS, HGETALL or SMEMBERS).\n",
            ),
            "fast-command" => text.push_str(
                "- fast-command: these need little time by themselves, so the process did not get the processor: \
                 look for other load on this machine, and for swapping.\n",
            ),
            "expire-cycle" => text.push_str(
                "- expire-cycle: many or big values expired at once. A higher hz makes the steps smaller, \
                 lazyfree-lazy-expire frees big values elsewhere.\n",
            ),
            "eviction-cycle" | "eviction-del" => {
                let _ = writeln!(
                    text,
                    "- {name}: much had to be evicted at once. Big values are freed elsewhere with \
                     lazyfree-lazy-eviction; a sudden fall of maxmemory is better made in steps."
                );
            }
            other => {
                let _ = writeln!(text, "- {other}: no advice.");
            }
        }
    }
    text
}

fn in_words(series: &Series) -> String {
    let count = series.samples.len().max(1) as u64;
    let latencies = || series.samples.iter().map(|sample| sample.latency_ms);
    let average = latencies().sum::<u64>() / count;
    let deviation = latencies().map(|latency| latency.abs_diff(average)).sum::<u64>() / count;
    let span = match (series.samples.front(), series.samples.back()) {
        (Some(first), Some(last)) => last.time_s - first.time_s,
        _ => 0,
    };
    format!(
        "{count} times within {span} s, {average} ms on average (give or take {deviation} ms), {} ms at worst.",
        series.worst_ms
    )
}

fn help(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    super::super::help(
        context,
        "LATENCY",
        &[
            ("DOCTOR", "Say in words what took long, and what can be done about it."),
            ("GRAPH <event>", "Draw how long an event took over time."),
            (
                "HISTOGRAM [<command> ...]",
                "Return how many calls of each command (all commands unless given) took less than each power of two, in microseconds.",
            ),
            (
                "HISTORY <event>",
                "Return when an event took long (Unix time), and how long (in milliseconds).",
            ),
            (
                "LATEST",
                "Return of each event its last time (Unix time), how long it took then, and the longest (in milliseconds).",
            ),
            ("RESET [<event> ...]", "Forget these events, or all, and return how many were forgotten."),
        ],
    );
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::in_memory::clients;
    use crate::latency::Sample;

    #[test]
    fn a_graph_has_a_column_a_sample_with_its_age() {
        let sample = |time_s, latency_ms| Sample { time_s, latency_ms };
        let series = Series { samples: [sample(0, 10), sample(50, 40), sample(99, 20)].into(), worst_ms: 90 };
        let text = drawn("command", &series, 100);
        let expected = format!(
            "command - high 40 ms, low 10 ms (all time high 90 ms)\n{}\n #\n |\n |#\n#||\n\n151\nm0s\n s\n",
            "-".repeat(80)
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn what_is_slow_is_shown_and_forgotten() {
        clients!(node: client);
        assert!(client.ask("latency doctor").contains("is off"));
        client.ask("config set latency-monitor-threshold 5");
        assert!(client.ask("latency doctor").contains("Nothing took 5 ms"));
        client.ask("debug sleep 0.02");
        assert!(client.ask("latency latest").starts_with("*1 *4 $7 command :"));
        assert!(client.ask("latency history command").starts_with("*1 *2 :"));
        assert!(client.ask("latency graph command").contains("command - high "));
        assert!(client.ask("latency doctor").contains("slowlog-log-slower-than 5000"));
        assert!(client.ask("latency graph nothing").starts_with("-ERR No samples available"));
        assert_eq!(client.ask("latency reset fork"), ":0");
        assert_eq!(client.ask("latency reset"), ":1");
        assert_eq!(client.ask("latency latest"), "*0");
        assert!(node.latency.events().is_empty());
    }

    #[test]
    fn histograms_are_of_what_was_called() {
        clients!(_node: client);
        client.ask("set a b");
        client.ask("set a b");
        client.ask("client id");
        assert!(
            client.ask("latency histogram set").starts_with("*2 $3 set *4 $5 calls :2 $14 histogram_usec *")
        );
        assert!(client.ask("latency histogram client").starts_with("*2 $9 client|id *4 $5 calls :1"));
        assert_eq!(client.ask("latency histogram nothing get"), "*0");
        client.ask("config resetstat");
        assert!(client.ask("latency histogram").starts_with("*2 $16 config|resetstat"));
    }
}
