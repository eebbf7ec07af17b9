//! ACL LOAD and SAVE.

use std::path::PathBuf;

use rcl_proto::resp::Args;

use crate::access::{self, file};
use crate::command::{CommandError, CommandResult, Context, Outcome};
use crate::node::Node;

/// The ACL file that is configured.
fn path(node: &Node) -> Result<PathBuf, CommandError> {
    let settings = node.settings();
    let path = settings.aclfile.as_ref().map(|path| settings.resolve(path));
    path.ok_or(CommandError::fixed(
        "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users in the Redis configuration.",
    ))
}

/// All users are new ones afterwards, so the connections of the old ones end, as in Redis 7.2; only the default user stays.
pub fn load(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    let (node, own_id) = (context.node, context.session.id());
    let users = file::load(&*node.disk, &path(node)?, node.settings().acl_pubsub_default_all)
        .map_err(|errors| CommandError::new(format!("ERR {errors}")))?;
    for user in node.access.replace_all(users) {
        context.close |= access::close_all_of(node, &user, own_id);
    }
    let default_user = node.access.default_user();
    context.close |= access::close_subscribers_without_permission(node, default_user, own_id);
    context.reply.ok();
    Ok(Outcome::Done)
}

pub fn save(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    let path = path(context.node)?;
    file::save(&*context.node.disk, &context.node.access, &path).map_err(|error| {
        tracing::warn!(path = %path.display(), %error, "ACL SAVE failed");
        CommandError::fixed(
            "ERR There was an error trying to save the ACLs. Please check the server logs for more information",
        )
    })?;
    context.reply.ok();
    Ok(Outcome::Done)
}
