//! ACL LOG.

use rcl_proto::resp::Args;

use super::usage_error;
use crate::access::log::Entry;
use crate::command::parse::{self, is};
use crate::command::{CommandResult, Context, Outcome};

const USUAL_COUNT: i64 = 10;

pub fn log(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let mut log = context.node.access.lock_log();
    let count = match (args.get(2), args.len()) {
        (None, _) => USUAL_COUNT,
        (Some(word), 3) if is(word, "RESET") => {
            log.reset();
            context.reply.ok();
            return Ok(Outcome::Done);
        }
        (Some(count), 3) => parse::integer(count)?,
        _ => return Err(usage_error(args)),
    };
    let entries: Vec<Entry> = log.entries().take(count.max(0) as usize).cloned().collect();
    drop(log);
    context.reply.array(entries.len());
    entries.iter().for_each(|entry| describe(context, entry));
    Ok(Outcome::Done)
}

fn describe(context: &mut Context<'_>, entry: &Entry) {
    let reply = &mut context.reply;
    reply.map(10);
    reply.bulk(b"count");
    reply.integer(entry.count as i64);
    for (name, text) in [
        ("reason", entry.event.cause.name().as_bytes()),
        ("context", entry.event.place.name().as_bytes()),
        ("object", &entry.event.object),
        ("username", &entry.event.user),
    ] {
        reply.bulk(name.as_bytes());
        reply.bulk(text);
    }
    reply.bulk(b"age-seconds");
    // The entry may be younger than this command's idea of now.
    let age_ms = (context.data.now_ms - entry.updated_ms).max(0);
    reply.double(age_ms as f64 / 1000.0);
    reply.bulk(b"client-info");
    reply.bulk(entry.client.as_bytes());
    for (name, number) in [
        ("entry-id", entry.id as i64),
        ("timestamp-created", entry.created_ms),
        ("timestamp-last-updated", entry.updated_ms),
    ] {
        reply.bulk(name.as_bytes());
        reply.integer(number);
    }
}
