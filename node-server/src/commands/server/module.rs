//! MODULE: modules are libraries for the inside of redis-server. This node has none and loads none, and says so.

use rcl_proto::resp::Args;

use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, Kind, flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome};
use crate::config::ProtectedAction;

const CHANGES: u32 = flag::NO_ASYNC_LOADING | flag::ADMIN | flag::NOSCRIPT | flag::PROTECTED;

pub const MODULE: CommandSpec = CommandSpec {
    name: "module",
    arity: -2,
    since: "4.0.0",
    group: Group::Server,
    complexity: "Depends on subcommand.",
    summary: "Tells of modules, which this node has none of.",
    subcommands: &[
        CommandSpec {
            name: "help",
            arity: 2,
            flags: flag::LOADING | flag::STALE,
            since: "5.0.0",
            group: Group::Server,
            complexity: "O(1)",
            summary: "Explains MODULE.",
            handler: Handler::Run(help),
            ..COMMAND
        },
        CommandSpec {
            name: "list",
            arity: 2,
            flags: flag::ADMIN | flag::NOSCRIPT,
            since: "4.0.0",
            group: Group::Server,
            complexity: "O(N) where N is the number of loaded modules.",
            summary: "Returns the modules that are loaded: none.",
            tips: &["nondeterministic_output_order"],
            handler: Handler::Run(list),
            ..COMMAND
        },
        CommandSpec {
            name: "load",
            arity: -3,
            flags: CHANGES,
            since: "4.0.0",
            group: Group::Server,
            complexity: "O(1)",
            summary: "Loads no module: that is an error here.",
            arguments: &[
                Argument { name: "path", ..ARGUMENT },
                Argument { name: "arg", optional: true, multiple: true, ..ARGUMENT },
            ],
            handler: Handler::Run(load),
            ..COMMAND
        },
        CommandSpec {
            name: "loadex",
            arity: -3,
            flags: CHANGES,
            since: "7.0.0",
            group: Group::Server,
            complexity: "O(1)",
            summary: "Loads no module, with or without settings: that is an error here.",
            arguments: &[
                Argument { name: "path", ..ARGUMENT },
                Argument {
                    name: "configs",
                    kind: Kind::Block,
                    token: "CONFIG",
                    optional: true,
                    multiple: true,
                    multiple_token: true,
                    arguments: &[
                        Argument { name: "name", ..ARGUMENT },
                        Argument { name: "value", ..ARGUMENT },
                    ],
                    ..ARGUMENT
                },
                Argument { name: "args", token: "ARGS", optional: true, multiple: true, ..ARGUMENT },
            ],
            handler: Handler::Run(load),
            ..COMMAND
        },
        CommandSpec {
            name: "unload",
            arity: 3,
            flags: CHANGES,
            since: "4.0.0",
            group: Group::Server,
            complexity: "O(1)",
            summary: "Unloads a module, of which there is none.",
            arguments: &[Argument { name: "name", ..ARGUMENT }],
            handler: Handler::Run(unload),
            ..COMMAND
        },
    ],
    ..COMMAND
};

fn list(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    context.reply.array(0);
    Ok(Outcome::Done)
}

fn load(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    must_be_allowed(context)?;
    let path = String::from_utf8_lossy(&args[2]).into_owned();
    tracing::warn!(path, "a module was not loaded: modules are for the inside of redis-server");
    Err(CommandError::fixed("ERR Error loading the extension. Please check the server logs."))
}

fn unload(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    must_be_allowed(context)?;
    Err(CommandError::fixed("ERR Error unloading module: no such module with that name"))
}

/// `enable-module-command`
fn must_be_allowed(context: &Context<'_>) -> Result<(), CommandError> {
    let allowed = match context.node.settings().enable_module_command {
        ProtectedAction::Yes => true,
        ProtectedAction::No => false,
        ProtectedAction::Local => context.session.handle.is_local(),
    };
    allowed.then_some(()).ok_or(CommandError::fixed(
        "ERR MODULE command not allowed. If the enable-module-command option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.",
    ))
}

fn help(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    super::super::help(
        context,
        "MODULE",
        &[
            ("LIST", "Return the modules that are loaded. There are none."),
            ("LOAD <path> [<arg> ...]", "An error: this node loads no modules."),
            ("LOADEX <path> [CONFIG <name> <value> ...] [ARGS <arg> ...]", "The same."),
            ("UNLOAD <name>", "An error: no module is loaded."),
        ],
    );
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use crate::executor::in_memory::clients;

    #[test]
    fn there_are_no_modules_and_none_is_loaded() {
        clients!(node: one);
        assert_eq!(one.ask("MODULE LIST"), "*0");
        for line in ["MODULE LOAD x.so", "MODULE LOADEX x.so CONFIG a b ARGS c", "MODULE UNLOAD x"] {
            let answer = one.ask(line);
            assert!(answer.starts_with("-ERR MODULE command not allowed."), "{line}: {answer}");
        }
        let settings = crate::config::Settings {
            enable_module_command: crate::config::ProtectedAction::Yes,
            ..crate::config::Settings::clone(&node.settings())
        };
        node.settings_changed(settings);
        let loaded = "-ERR Error loading the extension. Please check the server logs.";
        assert_eq!(one.ask("MODULE LOAD x.so"), loaded);
        assert_eq!(one.ask("MODULE LOADEX x.so"), loaded);
        assert_eq!(one.ask("MODULE UNLOAD x"), "-ERR Error unloading module: no such module with that name");
    }
}
