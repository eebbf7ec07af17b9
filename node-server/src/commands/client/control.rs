//! What is done to connections: CLIENT KILL, PAUSE, UNPAUSE, UNBLOCK.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rcl_proto::resp::Args;

use super::about::kind;
use crate::access::User;
use crate::client::{ClientHandle, ClientKind, NO_SHARD};
use crate::command::parse::{self, is};
use crate::command::{CommandError, CommandResult, Context, Outcome};
use crate::executor;
use crate::node::Node;
use crate::pause::PauseLevel;
use crate::replication;

#[derive(Debug, Default)]
struct KillFilter {
    id: Option<u64>,
    address: Option<String>,
    local_address: Option<String>,
    kind: Option<ClientKind>,
    user: Option<Arc<User>>,
    spare_self: bool,
}

impl KillFilter {
    fn fits(&self, client: &ClientHandle, own_id: u64) -> bool {
        self.id.is_none_or(|id| id == client.id)
            && self.address.as_ref().is_none_or(|address| *address == client.address())
            && self.local_address.as_ref().is_none_or(|address| *address == client.local)
            && self.kind.is_none_or(|kind| kind == client.kind())
            && self.user.as_ref().is_none_or(|user| client.acts_as(user))
            && !(self.spare_self && client.id == own_id)
    }
}

pub fn kill(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let old_form = args.len() == 3;
    let filter = if old_form {
        KillFilter { address: Some(text(&args[2])), ..KillFilter::default() }
    } else {
        kill_filter(context.node, args)?
    };
    let own_id = context.session.id();
    let mut killed = 0;
    for client in context.node.clients.all() {
        let is_gone = context.session.kills.iter().any(|killed| killed.id == client.id);
        if filter.fits(&client, own_id) && !is_gone {
            killed += 1;
            if client.id == own_id {
                context.close = true;
            } else if client.is_replica() {
                kill_replica(context, client);
            } else {
                client.mailbox.kill();
            }
        }
    }
    match (old_form, killed) {
        (false, _) => context.reply.integer(killed),
        (true, 0) => return Err(CommandError::fixed("ERR No such client")),
        (true, _) => context.reply.ok(),
    }
    Ok(Outcome::Done)
}

/// It gets nothing more, and the log keeps nothing for it. Its connection ends when what this command, or the transaction that it
/// is a part of, does is logged: so it comes back to a log that has all of it.
fn kill_replica(context: &mut Context<'_>, client: Arc<ClientHandle>) {
    context.node.replication.forget_replica(client.id);
    match context.exec_start {
        Some(_) => context.session.kills.push(client),
        None => client.mailbox.kill(),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn kill_filter(node: &Node, args: Args<'_>) -> Result<KillFilter, CommandError> {
    let mut filter = KillFilter { spare_self: true, ..KillFilter::default() };
    let words: Vec<&[u8]> = args.from(2).iter().collect();
    if !words.len().is_multiple_of(2) {
        return Err(CommandError::SYNTAX);
    }
    for pair in words.chunks_exact(2) {
        let (word, value) = (pair[0], pair[1]);
        if is(word, "ID") {
            let id = parse::integer(value).ok().and_then(|id| u64::try_from(id).ok()).filter(|&id| id > 0);
            filter.id = Some(id.ok_or(CommandError::fixed("ERR client-id should be greater than 0"))?);
        } else if is(word, "ADDR") {
            filter.address = Some(text(value));
        } else if is(word, "LADDR") {
            filter.local_address = Some(text(value));
        } else if is(word, "TYPE") {
            filter.kind = Some(kind(value)?);
        } else if is(word, "USER") {
            let unknown = || CommandError::new(format!("ERR No such user '{}'", text(value)));
            filter.user = Some(node.access.get(value).ok_or_else(unknown)?);
        } else if is(word, "SKIPME") && is(value, "YES") {
            filter.spare_self = true;
        } else if is(word, "SKIPME") && is(value, "NO") {
            filter.spare_self = false;
        } else {
            return Err(CommandError::SYNTAX);
        }
    }
    Ok(filter)
}

pub fn pause(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let level = match (args.get(3), args.len()) {
        (None, _) => PauseLevel::All,
        (Some(word), 4) if is(word, "ALL") => PauseLevel::All,
        (Some(word), 4) if is(word, "WRITE") => PauseLevel::Writes,
        _ => return Err(CommandError::fixed("ERR CLIENT PAUSE mode must be WRITE or ALL")),
    };
    let timeout = parse::integer(&args[2])
        .map_err(|_| CommandError::fixed("ERR timeout is not an integer or out of range"))?;
    if timeout < 0 {
        return Err(CommandError::fixed("ERR timeout is negative"));
    }
    let until_ms = context.data.now_ms.saturating_add(timeout);
    context.node.pause.pause_by_client(&mut context.data, level, until_ms);
    context.reply.ok();
    Ok(Outcome::Done)
}

pub fn unpause(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    context.node.pause.resume_by_client(&mut context.data);
    context.reply.ok();
    Ok(Outcome::Done)
}

pub fn unblock(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let with_error = match (args.get(3), args.len()) {
        (None, _) => false,
        (Some(_), 5..) => {
            let word = text(&args[1]);
            return Err(CommandError::new(format!(
                "ERR unknown subcommand or wrong number of arguments for '{word}'. Try CLIENT HELP."
            )));
        }
        (Some(word), _) if is(word, "TIMEOUT") => false,
        (Some(word), _) if is(word, "ERROR") => true,
        _ => return Err(CommandError::fixed("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")),
    };
    let id = parse::integer(&args[2])?;
    let error = with_error.then_some("UNBLOCKED client unblocked via CLIENT UNBLOCK");
    let client = u64::try_from(id).ok().and_then(|id| context.node.clients.get(id));
    let unblocked = client.is_some_and(|client| {
        unblock_from_keys(context, &client, error) || replication::unblock(context.node, client.id, error)
    });
    context.reply.integer(i64::from(unblocked));
    Ok(Outcome::Done)
}

fn unblock_from_keys(context: &mut Context<'_>, client: &ClientHandle, error: Option<&str>) -> bool {
    let (node, shard) = (context.node, client.waits_in_shard.load(Ordering::Relaxed));
    shard != NO_SHARD
        && context.data.with_shard(shard, |shard| executor::end_wait(node, shard, client.id, error))
}

#[cfg(test)]
mod tests {
    use crate::executor::in_memory::{WAITS, clients, converse};

    /// EXEC holds what a pause has to be told to.
    #[test]
    fn a_pause_inside_a_transaction_begins_at_its_end() {
        clients!(node: one, other);
        let lines = [
            ("MULTI", "+OK"),
            ("SET a 1", "+QUEUED"),
            ("CLIENT PAUSE 100000 WRITE", "+QUEUED"),
            ("SET b 2", "+QUEUED"),
            ("EXEC", "*3 +OK +OK +OK"),
            ("GET b", "$1 2"),
        ];
        converse(&mut one, &lines);
        assert_eq!(other.ask("SET c 3"), WAITS);
        let lines =
            [("MULTI", "+OK"), ("GET a", "+QUEUED"), ("CLIENT UNPAUSE", "+QUEUED"), ("EXEC", "*2 $1 1 +OK")];
        converse(&mut one, &lines);
        assert_eq!(other.got(), "run it again");
        assert_eq!(node.pause.level(), crate::pause::PauseLevel::None);
        assert_eq!(one.ask("SET c 3"), "+OK");
    }
}
