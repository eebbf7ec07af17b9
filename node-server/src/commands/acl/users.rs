//! ACL SETUSER, DELUSER, GETUSER, LIST, USERS, WHOAMI, DRYRUN.

use rcl_proto::resp::{Args, ReplyWriter};

use crate::access::{self, Selector, has_spaces, hash_text};
use crate::command::{CommandError, CommandResult, Context, Lookup, Outcome};
use crate::executor::Request;

pub fn setuser(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (node, name) = (context.node, &args[2]);
    if has_spaces(name) {
        return Err(CommandError::fixed("ERR Usernames can't contain spaces or null characters"));
    }
    let all_channels = node.settings().acl_pubsub_default_all;
    let user = node
        .access
        .set_user(name, args.from(3).iter(), all_channels)
        .map_err(|error| CommandError::new(format!("ERR {error}")))?;
    context.close |= access::close_subscribers_without_permission(node, &user, context.session.id());
    context.reply.ok();
    Ok(Outcome::Done)
}

pub fn deluser(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let names = args.from(2);
    if names.iter().any(|name| name == access::DEFAULT) {
        return Err(CommandError::fixed("ERR The 'default' user cannot be removed"));
    }
    let mut deleted = 0;
    for name in names.iter() {
        if let Some(user) = context.node.access.delete(name) {
            deleted += 1;
            context.close |= access::close_all_of(context.node, &user, context.session.id());
        }
    }
    context.reply.integer(deleted);
    Ok(Outcome::Done)
}

pub fn getuser(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let reply = &mut context.reply;
    let Some(user) = context.node.access.get(&args[2]) else {
        reply.null();
        return Ok(Outcome::Done);
    };
    let rules = user.rules();
    reply.map(6);
    reply.bulk(b"flags");
    let flags = rules.flags();
    reply.set(flags.len());
    flags.iter().for_each(|flag| reply.bulk(flag.as_bytes()));
    reply.bulk(b"passwords");
    reply.array(rules.passwords.len());
    rules.passwords.iter().for_each(|hash| reply.bulk(hash_text(hash).as_bytes()));
    let (own, further) = rules.selectors().split_at(1);
    own.iter().for_each(|selector| describe(reply, selector));
    reply.bulk(b"selectors");
    reply.array(further.len());
    for selector in further {
        reply.map(3);
        describe(reply, selector);
    }
    Ok(Outcome::Done)
}

/// Three fields of a map.
fn describe(reply: &mut ReplyWriter<'_>, selector: &Selector) {
    let commands = selector.commands.to_string().into_bytes();
    let fields: [(&[u8], Vec<u8>); 3] =
        [(b"commands", commands), (b"keys", selector.keys_text()), (b"channels", selector.channels_text())];
    for (name, text) in fields {
        reply.bulk(name);
        reply.bulk(&text);
    }
}

pub fn list(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    let lines = context.node.access.lines();
    context.reply.array(lines.len());
    lines.iter().for_each(|line| context.reply.bulk(line));
    Ok(Outcome::Done)
}

pub fn users(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    let users = context.node.access.all();
    context.reply.array(users.len());
    users.iter().for_each(|user| context.reply.bulk(&user.name));
    Ok(Outcome::Done)
}

pub fn whoami(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    context.reply.bulk(&context.session.user.name);
    Ok(Outcome::Done)
}

pub fn dryrun(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (name, request) = (&args[2], args.from(3));
    let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let user = context.node.access.get(name);
    let user = user.ok_or_else(|| CommandError::new(format!("ERR User '{}' not found", shown(name))))?;
    let Lookup::Found(known) = context.node.commands.find(request) else {
        return Err(CommandError::new(format!("ERR Command '{}' not found", shown(&request[0]))));
    };
    if !known.spec.accepts(request.len()) {
        return Err(CommandError::wrong_arity(&known.full_name()));
    }
    let request = Request::new(known, request);
    match user.may(&request) {
        Ok(()) => context.reply.ok(),
        Err(denied) => context.reply.bulk(denied.verbose_text(&user, &request).as_bytes()),
    }
    Ok(Outcome::Done)
}
