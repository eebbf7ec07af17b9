//! Who may do what, and the directives that only a file (or the command line) may hold.

use crate::config::choices::{ChannelDefault, ProtectedAction};
use crate::config::directive::*;

pub const DIRECTIVES: &[Directive] = &[
    yes_no("protected-mode", "yes", EFFECT),
    text("requirepass", "", EFFECT).sensitive(),
    text("aclfile", "", EFFECT).immutable(),
    choice("acl-pubsub-default", ChannelDefault::WORDS, "resetchannels", EFFECT),
    integer("acllog-max-len", 0, i64::MAX, "128", EFFECT),
    choice("enable-protected-configs", ProtectedAction::WORDS, "no", EFFECT).immutable(),
    choice("enable-debug-command", ProtectedAction::WORDS, "no", EFFECT).immutable(),
    choice("enable-module-command", ProtectedAction::WORDS, "no", EFFECT).immutable(),
];

/// A directive that is no setting: CONFIG GET doesn't know it.
pub struct FileDirective {
    pub name: &'static str,
    pub standing: Standing,
}

pub const FILE_DIRECTIVES: &[FileDirective] = &[
    FileDirective { name: "include", standing: EFFECT },
    FileDirective { name: "rename-command", standing: EFFECT },
    FileDirective { name: "user", standing: EFFECT },
    FileDirective { name: "loadmodule", standing: refused("modules can't be loaded") },
    FileDirective { name: "sentinel", standing: refused("this is a node, not a Sentinel") },
    // Redis itself accepts these three and does nothing.
    FileDirective {
        name: "list-max-ziplist-entries",
        standing: no_effect("list-max-listpack-size took its place"),
    },
    FileDirective {
        name: "list-max-ziplist-value",
        standing: no_effect("list-max-listpack-size took its place"),
    },
    FileDirective {
        name: "lua-replicate-commands",
        standing: no_effect("scripts always replicate their effects"),
    },
];
