//! Which arguments are secrets: the slow log and MONITOR show `(redacted)` in their place.

use rcl_proto::resp::{Args, OwnedArgs};

use super::CommandSpec;
use super::parse::is;
use crate::config::table;

const REDACTED: &[u8] = b"(redacted)";

/// The request as others may see it; `None` when there is nothing to hide.
pub fn redacted(spec: &CommandSpec, args: Args<'_>) -> Option<OwnedArgs> {
    let hidden = (spec.secrets?)(args);
    if hidden.is_empty() {
        return None;
    }
    let shown = |(index, arg)| if hidden.contains(&index) { REDACTED } else { arg };
    Some(OwnedArgs::new(args.iter().enumerate().map(shown)))
}

/// AUTH: all arguments.
pub fn of_auth(args: Args<'_>) -> Vec<usize> {
    (1..args.len()).collect()
}

/// ACL SETUSER: the user's name too.
pub fn of_setuser(args: Args<'_>) -> Vec<usize> {
    (2..args.len()).collect()
}

/// `HELLO … AUTH user password`
pub fn of_hello(args: Args<'_>) -> Vec<usize> {
    after_word(args, 2, "AUTH", 2)
}

/// `MIGRATE … AUTH password`, `AUTH2 user password`
pub fn of_migrate(args: Args<'_>) -> Vec<usize> {
    let both = after_word(args, 6, "AUTH2", 2);
    both.into_iter().chain(after_word(args, 6, "AUTH", 1)).collect()
}

/// The values of CONFIG SET's directives that are secrets.
pub fn of_config_set(args: Args<'_>) -> Vec<usize> {
    let is_secret =
        |name: &usize| table::find(&args[*name]).is_some_and(|(_, directive)| directive.sensitive);
    (2..args.len()).step_by(2).filter(is_secret).map(|name| name + 1).collect()
}

/// So many arguments behind each such word.
fn after_word(args: Args<'_>, from: usize, word: &str, count: usize) -> Vec<usize> {
    let words = (from..args.len()).filter(|index| is(&args[*index], word));
    words.flat_map(|index| index + 1..=index + count).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Lookup, find};
    use super::*;

    fn shown(line: &str) -> Option<String> {
        let args = OwnedArgs::new(line.split(' ').map(str::as_bytes));
        let Lookup::Found(command) = find(args.as_args()) else { panic!("{line}") };
        let redacted = redacted(command.spec, args.as_args())?;
        let words = redacted.as_args().iter().map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ");
        Some(words.replace("(redacted)", "*"))
    }

    #[test]
    fn secrets_are_hidden_and_the_rest_is_not() {
        for (line, expected) in [
            ("AUTH pw", "AUTH *"),
            ("auth alice pw", "auth * *"),
            ("ACL SETUSER alice on >pw", "ACL SETUSER * * *"),
            ("HELLO 3 AUTH alice pw SETNAME me", "HELLO 3 AUTH * * SETNAME me"),
            ("CONFIG SET port 1 requirepass pw masteruser u", "CONFIG SET port 1 requirepass * masteruser *"),
            ("MIGRATE h 1 k 0 9 COPY AUTH pw", "MIGRATE h 1 k 0 9 COPY AUTH *"),
            ("MIGRATE h 1  0 9 AUTH2 u pw KEYS k", "MIGRATE h 1  0 9 AUTH2 * * KEYS k"),
        ] {
            assert_eq!(shown(line).as_deref(), Some(expected), "{line}");
        }
        for line in ["GET pw", "HELLO 3", "CONFIG SET port 1", "ACL GETUSER alice", "MIGRATE h 1 k 0 9"] {
            assert_eq!(shown(line), None, "{line}");
        }
    }
}
