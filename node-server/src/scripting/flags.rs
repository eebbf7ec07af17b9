//! What a script or a function says of itself: the first line of a script, `#!lua flags=no-writes,allow-stale`, and the
//! flags that a function is registered with.
//!
//! A script without such a line runs as scripts always did: it may be started anywhere, and each of its commands is
//! looked at when it comes. With one, what it may do is known before it starts.

use rcl_proto::words;

use crate::command::CommandError;
use crate::command::spec::{Flags, flag};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScriptFlags(u8);

impl ScriptFlags {
    pub const NO_WRITES: ScriptFlags = ScriptFlags(1 << 0);
    pub const ALLOW_OOM: ScriptFlags = ScriptFlags(1 << 1);
    pub const ALLOW_STALE: ScriptFlags = ScriptFlags(1 << 2);
    pub const NO_CLUSTER: ScriptFlags = ScriptFlags(1 << 3);
    pub const ALLOW_CROSS_SLOT: ScriptFlags = ScriptFlags(1 << 4);
    /// It has no first line that says anything.
    pub const UNDECLARED: ScriptFlags = ScriptFlags(1 << 7);

    /// In the order in which FUNCTION LIST shows them.
    pub const NAMES: [(ScriptFlags, &str); 5] = [
        (ScriptFlags::NO_WRITES, "no-writes"),
        (ScriptFlags::ALLOW_OOM, "allow-oom"),
        (ScriptFlags::ALLOW_STALE, "allow-stale"),
        (ScriptFlags::NO_CLUSTER, "no-cluster"),
        (ScriptFlags::ALLOW_CROSS_SLOT, "allow-cross-slot-keys"),
    ];

    pub fn has(self, any: ScriptFlags) -> bool {
        self.0 & any.0 != 0
    }

    pub fn with(self, more: ScriptFlags) -> ScriptFlags {
        ScriptFlags(self.0 | more.0)
    }

    /// The flag with this name.
    pub fn named(name: &[u8]) -> Option<ScriptFlags> {
        ScriptFlags::NAMES.into_iter().find(|(_, known)| known.as_bytes() == name).map(|(flag, _)| flag)
    }

    /// The flags of the command that runs the script: as if the command itself were what the script says.
    pub fn command_flags(self, of_command: Flags) -> Flags {
        if self.has(ScriptFlags::UNDECLARED) {
            return of_command;
        }
        let mut flags = of_command & !(flag::STALE | flag::DENYOOM | flag::WRITE | flag::MAY_REPLICATE);
        if !self.has(ScriptFlags::ALLOW_OOM.with(ScriptFlags::NO_WRITES)) {
            flags |= flag::DENYOOM;
        }
        if !self.has(ScriptFlags::NO_WRITES) {
            flags |= flag::WRITE;
        }
        if self.has(ScriptFlags::ALLOW_STALE) {
            flags |= flag::STALE;
        }
        flags
    }
}

/// A script's flags, and where its code begins: at the end of the first line, so that line numbers stay right.
pub fn of_script(body: &[u8]) -> Result<(ScriptFlags, usize), CommandError> {
    if !body.starts_with(b"#!") {
        return Ok((ScriptFlags::UNDECLARED, 0));
    }
    let end = body
        .iter()
        .position(|&byte| byte == b'\n')
        .ok_or(CommandError::fixed("ERR Invalid script shebang"))?;
    let parts = words::split(&body[..end]).unwrap_or_default();
    let mut parts = parts.iter();
    let engine = parts.next().ok_or(CommandError::fixed("ERR Invalid engine in script shebang"))?;
    if engine != b"#!lua" {
        return Err(unexpected("Unexpected engine in script shebang", engine));
    }
    let mut flags = ScriptFlags::default();
    for part in parts {
        let Some(listed) = part.strip_prefix(b"flags=") else {
            return Err(unexpected("Unknown lua shebang option", part));
        };
        for name in listed.split(|&byte| byte == b',').filter(|_| !listed.is_empty()) {
            let known = ScriptFlags::named(name);
            flags = flags.with(known.ok_or_else(|| unexpected("Unexpected flag in script shebang", name))?);
        }
    }
    Ok((flags, end))
}

pub(super) fn unexpected(what: &str, given: &[u8]) -> CommandError {
    CommandError::new(format!("ERR {what}: {}", String::from_utf8_lossy(given)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_first_line_says() {
        let flags = |body: &str| of_script(body.as_bytes());
        assert_eq!(flags("return 1"), Ok((ScriptFlags::UNDECLARED, 0)));
        assert_eq!(flags("#!lua\nreturn 1"), Ok((ScriptFlags::default(), 5)));
        let both = ScriptFlags::NO_WRITES.with(ScriptFlags::ALLOW_STALE);
        assert_eq!(flags("#!lua flags=no-writes,allow-stale\nx").map(|(flags, _)| flags), Ok(both));
        for (body, error) in [
            ("#!lua", "ERR Invalid script shebang"),
            ("#!\"\n", "ERR Invalid engine in script shebang"),
            ("#!not-lua\nreturn 1", "ERR Unexpected engine in script shebang: #!not-lua"),
            ("#!lua badger=data\nreturn 1", "ERR Unknown lua shebang option: badger=data"),
            ("#!lua flags=allow-what?\nreturn 1", "ERR Unexpected flag in script shebang: allow-what?"),
        ] {
            assert_eq!(flags(body).unwrap_err().text(), error, "{body}");
        }
    }

    #[test]
    fn a_command_is_what_its_script_says() {
        let of_eval = flag::STALE | flag::MAY_REPLICATE | flag::NOSCRIPT;
        assert_eq!(ScriptFlags::UNDECLARED.command_flags(of_eval), of_eval);
        let written = flag::NOSCRIPT | flag::WRITE | flag::DENYOOM;
        assert_eq!(ScriptFlags::default().command_flags(of_eval), written);
        assert_eq!(ScriptFlags::NO_WRITES.command_flags(of_eval), flag::NOSCRIPT);
        let roomy = ScriptFlags::ALLOW_OOM.with(ScriptFlags::ALLOW_STALE);
        assert_eq!(roomy.command_flags(of_eval), flag::NOSCRIPT | flag::WRITE | flag::STALE);
    }
}
