//! DEBUG's subcommands for who tests a node or a cluster.

use std::sync::atomic::Ordering;
use std::time::Duration;

use rcl_cluster::{Command, LinkDirection};
use rcl_proto::resp::Args;

use super::{debug_data, debug_digest, debug_layout, debug_protocol, debug_tables};

use crate::command::parse::{self, is};
use crate::command::spec::{COMMAND, Group, Locks, flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome};
use crate::commands::cluster;
use crate::config::ProtectedAction;
use crate::config::glob;
use crate::crash;
use crate::sleep::Sleep;

pub const DEBUG: CommandSpec = CommandSpec {
    name: "debug",
    arity: -2,
    flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::PROTECTED,
    since: "1.0.0",
    group: Group::Server,
    complexity: "Depends on subcommand.",
    summary: "Does what is of use only to who looks for faults.",
    // Some look at all keys, or at keys that they do not declare.
    locks: Locks::EachShard,
    handler: Handler::Run(debug),
    ..COMMAND
};

fn debug(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let allowed = match context.node.settings().enable_debug_command {
        ProtectedAction::Yes => true,
        ProtectedAction::No => false,
        ProtectedAction::Local => context.session.handle.is_local(),
    };
    if !allowed {
        return Err(CommandError::fixed(
            "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.",
        ));
    }
    let subcommand = args.get(1).unwrap_or_default();
    match args.len() {
        2 if is(subcommand, "HELP") => help_on_debug(context),
        3 if is(subcommand, "SLEEP") => sleep(context, &args[2]),
        2 if is(subcommand, "SEGFAULT") => {
            crash::crash();
            Ok(Outcome::Done)
        }
        2 if is(subcommand, "PANIC") => panic!("DEBUG PANIC was called"),
        2 if is(subcommand, "CHANGE-REPL-ID") => {
            context.node.replication.begin_anew();
            context.reply.ok();
            Ok(Outcome::Done)
        }
        3 if is(subcommand, "AOF-FLUSH-SLEEP") => {
            let sleep_us = leading_number(&args[2]).max(0) as u64;
            context.node.persistence.aof.flush_sleep_us.store(sleep_us, Ordering::Relaxed);
            context.reply.ok();
            Ok(Outcome::Done)
        }
        2 if is(subcommand, "LOADAOF") => debug_data::load_aof(context),
        2 if is(subcommand, "DIGEST") => debug_digest::digest(context),
        _ if is(subcommand, "DIGEST-VALUE") => debug_digest::digest_value(context, args.from(2)),
        3 if is(subcommand, "OBJECT") => debug_layout::object(context, &args[2]),
        3 if is(subcommand, "LISTPACK") => debug_layout::listpack(context, &args[2]),
        3 | 4 if is(subcommand, "QUICKLIST") => {
            let with_elements = args.get(3).is_some_and(|level| leading_number(level) != 0);
            debug_layout::quicklist(context, &args[2], with_elements)
        }
        3.. if is(subcommand, "HTSTATS") => debug_tables::of_database(context, args.from(2)),
        3 if is(subcommand, "ERROR") => {
            context.reply.error(&String::from_utf8_lossy(&args[2]));
            Ok(Outcome::Done)
        }
        _ if is(subcommand, "REPLICATE") && args.len() > 2 => {
            context.data.effects.propagate_instead(args.from(2).to_owned());
            context.reply.ok();
            Ok(Outcome::Done)
        }
        3 if is(subcommand, "QUICKLIST-PACKED-THRESHOLD") => packed_threshold(context, &args[2]),
        3..=5 if is(subcommand, "POPULATE") => debug_data::populate(context, args.from(2)),
        _ if is(subcommand, "RELOAD") => debug_data::reload(context, args.from(2)),
        4 if is(subcommand, "STRINGMATCH-LEN") => {
            let length = parse::integer(&args[2])?;
            let length = usize::try_from(length).ok().filter(|&length| length <= 1 << 24);
            let text = vec![b'a'; length.ok_or(CommandError::NOT_INTEGER)?];
            // It is about how long that takes.
            glob::matches(&args[3], &text);
            context.reply.ok();
            Ok(Outcome::Done)
        }
        3 if is(subcommand, "LOG") => {
            tracing::warn!("DEBUG LOG: {}", String::from_utf8_lossy(&args[2]));
            context.reply.ok();
            Ok(Outcome::Done)
        }
        2 if is(subcommand, "CONFIG-REWRITE-FORCE-ALL") => super::config::rewrite_file(context, true),
        3 if is(subcommand, "PROTOCOL") => debug_protocol::reply(context, &args[2]),
        3 if is(subcommand, "SET-ACTIVE-EXPIRE") => {
            context.node.expires_actively.store(leading_number(&args[2]) != 0, Ordering::Relaxed);
            context.reply.ok();
            Ok(Outcome::Done)
        }
        3 if is(subcommand, "SET-SKIP-CHECKSUM-VALIDATION") => {
            let skips = leading_number(&args[2]) != 0;
            context.node.persistence.skips_checksums.store(skips, Ordering::Relaxed);
            context.reply.ok();
            Ok(Outcome::Done)
        }
        3 if is(subcommand, "SET-DISABLE-DENY-SCRIPTS") => {
            let allows = leading_number(&args[2]) != 0;
            context.node.scripting.allows_all_commands.store(allows, Ordering::Relaxed);
            context.reply.ok();
            Ok(Outcome::Done)
        }
        3 if is(subcommand, "PAUSE-CRON") => {
            context.node.cron_is_paused.store(leading_number(&args[2]) != 0, Ordering::Relaxed);
            context.reply.ok();
            Ok(Outcome::Done)
        }
        4 if is(subcommand, "REPLYBUFFER") && is(&args[2], "PEAK-RESET-TIME") => {
            let rooms = &context.node.clients.reply_rooms;
            match &args[3] {
                word if is(word, "NEVER") => rooms.reset_peaks_after(None),
                word if is(word, "RESET") => rooms.reset_peaks_as_usual(),
                number => rooms.reset_peaks_after(Some(parse::integer(number)?)),
            }
            context.reply.ok();
            Ok(Outcome::Done)
        }
        4 if is(subcommand, "REPLYBUFFER") && is(&args[2], "RESIZING") => {
            let follow = leading_number(&args[3]) != 0;
            context.node.clients.reply_rooms.follow_use.store(follow, Ordering::Relaxed);
            context.reply.ok();
            Ok(Outcome::Done)
        }
        3 if is(subcommand, "DROP-CLUSTER-PACKET-FILTER") => {
            let kind = parse::integer(&args[2])?;
            ask_core(context, Command::DropPackets(kind))
        }
        3 if is(subcommand, "CLOSE-CLUSTER-LINK-ON-PACKET-DROP") => {
            ask_core(context, Command::CloseLinkOnDrop(leading_number(&args[2]) != 0))
        }
        5 if is(subcommand, "CLUSTERLINK") && is(&args[2], "KILL") => {
            kill_links(context, &args[3], args[4].to_vec())
        }
        _ => {
            let word = String::from_utf8_lossy(subcommand);
            Err(CommandError::new(format!(
                "ERR unknown subcommand or wrong number of arguments for '{word}'. Try DEBUG HELP."
            )))
        }
    }
}

/// From how many bytes on an element of a list is alone in its node; 0: the usual number.
fn packed_threshold(context: &mut Context<'_>, size: &[u8]) -> CommandResult {
    let size = crate::config::parse_memory(size).and_then(|size| usize::try_from(size).ok());
    let Some(size) = size.filter(|&size| size < 1 << 32) else {
        return Err(CommandError::fixed(
            "ERR argument must be a memory value bigger than 1 and smaller than 4gb",
        ));
    };
    context.node.set_list_packed_threshold(size);
    context.reply.ok();
    Ok(Outcome::Done)
}

/// As C's `atoi`, by which Redis reads switches: no number is 0.
fn leading_number(text: &[u8]) -> i64 {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&text[..digits]).ok().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

fn sleep(context: &mut Context<'_>, seconds: &[u8]) -> CommandResult {
    let seconds = parse::double(seconds)?.clamp(0.0, 3600.0);
    Sleep::sleep(context.node, Duration::from_secs_f64(seconds));
    context.reply.ok();
    Ok(Outcome::Done)
}

fn kill_links(context: &mut Context<'_>, direction: &[u8], node: Vec<u8>) -> CommandResult {
    let direction = match direction {
        word if is(word, "TO") => LinkDirection::To,
        word if is(word, "FROM") => LinkDirection::From,
        word if is(word, "ALL") => LinkDirection::All,
        word => {
            let word = String::from_utf8_lossy(word);
            return Err(CommandError::new(format!("ERR Unknown direction {word}")));
        }
    };
    ask_core(context, Command::KillLinks { node, direction })
}

fn ask_core(context: &mut Context<'_>, command: Command) -> CommandResult {
    if !context.node.is_cluster() {
        return Err(CommandError::fixed("ERR Debug option only available for cluster mode enabled setup!"));
    }
    cluster::ask_core(context, command)
}

fn help_on_debug(context: &mut Context<'_>) -> CommandResult {
    super::super::help(
        context,
        "DEBUG",
        &[
            (
                "AOF-FLUSH-SLEEP <microseconds>",
                "How long to wait before something is written to the append-only file.",
            ),
            (
                "CLOSE-CLUSTER-LINK-ON-PACKET-DROP <0|1>",
                "Close the link that a packet came on which the filter below drops.",
            ),
            ("CLUSTERLINK KILL <to|from|all> <node-id>", "Close the links of the cluster bus with a node."),
            (
                "DROP-CLUSTER-PACKET-FILTER <packet-type>",
                "Drop packets of this type as they come. -1 lets all of them in.",
            ),
            ("CHANGE-REPL-ID", "Begin a new history: no replica can go on with the one before."),
            ("DIGEST", "Return a number that is the same for the same data, and Redis's own."),
            ("DIGEST-VALUE <key> ...", "Return such a number for each of the values."),
            ("ERROR <message>", "Answer with this error."),
            ("HTSTATS <database> [FULL]", "Tell how the tables of a database are filled."),
            ("LOADAOF", "Write all to the append-only file, forget all data and load them from there."),
            ("LISTPACK <key>", "Write the elements of a small value to the log."),
            ("OBJECT <key>", "Tell how a value is stored."),
            ("QUICKLIST <key> [<0|1>]", "Write the nodes of a list to the log, with 1 their elements too."),
            (
                "QUICKLIST-PACKED-THRESHOLD <size>",
                "From how many bytes on an element of a list is alone in its node. 0 is the usual number.",
            ),
            (
                "POPULATE <count> [<prefix>] [<size>]",
                "Create string keys <prefix>:0, <prefix>:1 and so on, without a prefix key:0. The values are \"value:\" and the number, or <size> bytes that begin so.",
            ),
            ("RELOAD [NOSAVE] [NOFLUSH MERGE]", "Save, forget all data and load them again."),
            ("REPLICATE <command> [<arg> ...]", "Send a command to the replicas that is not run here."),
            (
                "STRINGMATCH-LEN <length> <pattern>",
                "Look whether a pattern fits a text of so many times the letter a.",
            ),
            ("CONFIG-REWRITE-FORCE-ALL", "As CONFIG REWRITE, with a line for each directive."),
            ("LOG <message>", "Write a message to the log."),
            ("PANIC", "Fail as a bug of the node would."),
            ("PAUSE-CRON <0|1>", "Whether what is done from time to time is left undone."),
            (
                "PROTOCOL <type>",
                "Answer with a reply of this type: string, integer, double, bignum, null, array, set, map, attrib, push, verbatim, true or false.",
            ),
            (
                "REPLYBUFFER PEAK-RESET-TIME <NEVER|RESET|milliseconds>",
                "How long the most that a client's replies took at once counts. RESET is the usual time.",
            ),
            ("REPLYBUFFER RESIZING <0|1>", "Whether the room for a client's replies follows what they take."),
            ("SEGFAULT", "Crash, as by an access to memory that is not there."),
            ("SET-ACTIVE-EXPIRE <0|1>", "Whether keys expire that nobody looks at."),
            (
                "SET-DISABLE-DENY-SCRIPTS <0|1>",
                "Whether scripts may call commands that are not allowed from scripts.",
            ),
            (
                "SET-SKIP-CHECKSUM-VALIDATION <0|1>",
                "Whether the checksums of RDB files and of payloads of RESTORE are left aside.",
            ),
            ("SLEEP <seconds>", "Stand still for so long. Decimals are allowed."),
        ],
    );
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use crate::executor::in_memory::{clients, converse, logged};

    #[test]
    fn an_error_is_answered_as_it_is_given() {
        clients!(_node: client);
        assert_eq!(client.ask_words(&["DEBUG", "ERROR", "MINE it is\r\nso"]), "-MINE it is  so");
    }

    #[test]
    fn checksums_may_be_left_aside() {
        clients!(_node: client);
        let unsigned = b"\0\x01v\x0A\0\0\0\0\0\0\0\0\0";
        let restore = [&b"RESTORE"[..], b"k", b"0", unsigned];
        let wrong = b"-ERR DUMP payload version or checksum are wrong\r\n";
        assert_eq!(client.request(&restore).as_deref(), Some(&wrong[..]));
        assert_eq!(client.ask("DEBUG SET-SKIP-CHECKSUM-VALIDATION 1"), "+OK");
        assert_eq!(client.request(&restore).as_deref(), Some(&b"+OK\r\n"[..]));
        assert_eq!(client.request(&[&b"GET"[..], b"k"]).as_deref(), Some(&b"$1\r\nv\r\n"[..]));
    }

    #[test]
    fn a_command_may_be_sent_to_the_replicas_alone() {
        clients!(node: client);
        converse(
            &mut client,
            &[
                ("DEBUG REPLICATE SET k v", "+OK"),
                ("GET k", "$-1"),
                ("DEBUG REPLICATE no-such-command", "+OK"),
            ],
        );
        assert_eq!(logged(&node, 0), ["SET k v", "no-such-command"]);
        assert!(client.ask("DEBUG REPLICATE").starts_with("-ERR unknown subcommand"));
    }
}
