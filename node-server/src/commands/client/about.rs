//! What a connection says of itself, and the list of all.

use rcl_proto::resp::Args;

use crate::client::{ClientKind, ReplyMode, client_flag};
use crate::command::parse::{self, is};
use crate::command::{CommandError, CommandResult, Context, Outcome};
use crate::commands::connection::client_name;

pub fn id(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    context.reply.integer(context.session.handle.id as i64);
    Ok(Outcome::Done)
}

pub fn getname(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    let name = context.session.handle.texts().name;
    if name.is_empty() {
        context.reply.null()
    } else {
        context.reply.bulk(name.as_bytes())
    }
    Ok(Outcome::Done)
}

pub fn setname(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let name = client_name(&args[2])?;
    context.session.handle.with_texts(|texts| texts.name = name);
    context.reply.ok();
    Ok(Outcome::Done)
}

pub fn setinfo(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (option, value) = (&args[2], &args[3]);
    let option_text = String::from_utf8_lossy(option).to_ascii_lowercase();
    let Ok(value) = client_name(value) else {
        let text = format!("ERR {option_text} cannot contain spaces, newlines or special characters.");
        return Err(CommandError::new(text));
    };
    if is(option, "LIB-NAME") {
        context.session.handle.with_texts(|texts| texts.library_name = value);
    } else if is(option, "LIB-VER") {
        context.session.handle.with_texts(|texts| texts.library_version = value);
    } else {
        let option = String::from_utf8_lossy(option);
        return Err(CommandError::new(format!("ERR Unrecognized option '{option}'")));
    }
    context.reply.ok();
    Ok(Outcome::Done)
}

pub fn reply(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let word = &args[2];
    if is(word, "ON") {
        context.session.reply_mode = ReplyMode::On;
        context.reply.ok();
    } else if is(word, "OFF") {
        context.session.reply_mode = ReplyMode::Off;
    } else if is(word, "SKIP") {
        if context.session.reply_mode == ReplyMode::On {
            context.session.reply_mode = ReplyMode::SkipNext;
        }
    } else {
        return Err(CommandError::SYNTAX);
    }
    Ok(Outcome::Done)
}

pub fn no_evict(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    switch(context, &args[2], client_flag::NO_EVICT)
}

pub fn no_touch(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    switch(context, &args[2], client_flag::NO_TOUCH)
}

fn switch(context: &mut Context<'_>, word: &[u8], flag: u32) -> CommandResult {
    let on = is(word, "ON");
    if !on && !is(word, "OFF") {
        return Err(CommandError::SYNTAX);
    }
    context.session.handle.set_flag(flag, on);
    context.reply.ok();
    Ok(Outcome::Done)
}

pub fn info(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    let line = context.session.handle.line(context.data.now_ms);
    context.reply.verbatim("txt", format!("{line}\n").as_bytes());
    Ok(Outcome::Done)
}

pub fn list(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let chosen = chosen(args)?;
    let now_ms = context.data.now_ms;
    let mut text = String::new();
    for client in context.node.clients.all() {
        let is_chosen = match &chosen {
            Chosen::All => true,
            Chosen::Kind(kind) => client.kind() == *kind,
            Chosen::Ids(ids) => ids.contains(&client.id),
        };
        // Whose end was asked for is gone, even if its connection does not know yet.
        if is_chosen && !client.mailbox.is_killed() {
            text.push_str(&client.line(now_ms));
            text.push('\n');
        }
    }
    context.reply.verbatim("txt", text.as_bytes());
    Ok(Outcome::Done)
}

enum Chosen {
    All,
    Kind(ClientKind),
    Ids(Vec<u64>),
}

fn chosen(args: Args<'_>) -> Result<Chosen, CommandError> {
    match (args.get(2), args.len()) {
        (None, _) => Ok(Chosen::All),
        (Some(word), 4) if is(word, "TYPE") => Ok(Chosen::Kind(kind(&args[3])?)),
        (Some(word), 4..) if is(word, "ID") => args
            .from(3)
            .iter()
            .map(|id| match parse::integer(id) {
                // A number that no client has is none of them.
                Ok(id) => Ok(u64::try_from(id).unwrap_or(0)),
                Err(_) => Err(CommandError::fixed("ERR Invalid client ID")),
            })
            .collect::<Result<_, _>>()
            .map(Chosen::Ids),
        _ => Err(CommandError::SYNTAX),
    }
}

pub fn kind(name: &[u8]) -> Result<ClientKind, CommandError> {
    let kinds = [ClientKind::Normal, ClientKind::Replica, ClientKind::Master, ClientKind::PubSub];
    let named = kinds.into_iter().find(|kind| is(name, kind.name()));
    named.or(is(name, "slave").then_some(ClientKind::Replica)).ok_or_else(|| {
        let name = String::from_utf8_lossy(name);
        CommandError::new(format!("ERR Unknown client type '{name}'"))
    })
}
