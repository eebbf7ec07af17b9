//! What is known of the commands of the server that is talked to, for hints, completion and help.

use std::sync::Arc;

use rcl_proto::resp::Reply;
use rcl_proto::words;

use crate::connect::Fields;
use crate::dialect::docs::{self, Docs, hint};
use crate::dialect::session::Session;

/// Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Known(Arc<Docs>);

impl Known {
    pub fn none() -> Known {
        Known::default()
    }

    /// From the server; where it says nothing, from our own table.
    pub fn ask(session: &mut Session<'_>) -> Known {
        if !session.is_connected() && session.connect_quietly().is_err() {
            return Known(Arc::new(docs::built_in(None)));
        }
        let of_server = session.ask(&[b"COMMAND".as_slice(), b"DOCS"]).ok();
        if let Some(commands) = of_server.as_ref().and_then(docs::from_docs) {
            return Known(Arc::new(Docs::new(commands)));
        }
        let version = session.ask(&[b"INFO".as_slice(), b"server"]).ok();
        let version =
            version.filter(|reply| !matches!(reply, Reply::Error(_))).map(|reply| Fields::of(&reply));
        let version = version.as_ref().and_then(|info| info.get("redis_version"));
        let mut known = docs::built_in(version);
        if let Ok(table) = session.ask(&[b"COMMAND".as_slice()]) {
            known.complete_with(docs::from_commands(&table));
        }
        Known(Arc::new(known))
    }

    pub fn docs(&self) -> &Docs {
        &self.0
    }

    /// What is still to come behind `line`. A word counts once a blank stands behind it.
    pub fn hint(&self, line: &[u8]) -> Option<String> {
        let mut words = words::split(line)?;
        if !line.last().is_some_and(u8::is_ascii_whitespace) {
            words.pop();
        }
        let doc = self.0.find(&words)?;
        hint::after(doc, &words[doc.words().count()..])
    }

    /// How the beginning of a command, or of what is asked for with `help`, can go on: where in `line` that
    /// beginning is, and the whole names.
    pub fn complete(&self, line: &str) -> (usize, Vec<String>) {
        let asks_help = line.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("help "));
        let start = if asks_help { line.len() - line[5..].trim_start().len() } else { 0 };
        let begun = &line[start..];
        let fits = |name: &str| name.get(..begun.len()).is_some_and(|part| part.eq_ignore_ascii_case(begun));
        let mut names: Vec<String> =
            self.0.commands.iter().map(|doc| doc.name.clone()).filter(|name| fits(name)).collect();
        if asks_help {
            let groups = self.0.groups().into_iter().map(|group| format!("@{group}"));
            names.extend(groups.filter(|name| fits(name)));
        }
        (start, names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Known {
        Known(Arc::new(docs::built_in(None)))
    }

    #[test]
    fn a_word_counts_once_it_is_ended() {
        assert_eq!(known().hint(b"GET"), None);
        assert_eq!(known().hint(b"GET ").as_deref(), Some("key"));
        assert_eq!(known().hint(b"GET k").as_deref(), Some("key"));
        assert_eq!(known().hint(b"GET k ").as_deref(), Some(""));
        assert_eq!(known().hint(b"config set ").as_deref(), Some("parameter value [parameter value ...]"));
        assert_eq!(known().hint(b"GET \"unbalanced "), None);
    }

    #[test]
    fn commands_subcommands_and_groups_are_completed() {
        let known = known();
        assert_eq!(
            known.complete("config re"),
            (0, vec!["CONFIG RESETSTAT".into(), "CONFIG REWRITE".into()])
        );
        assert_eq!(known.complete("help  @sorted"), (6, vec!["@sorted-set".into()]));
        assert_eq!(known.complete("é").1, Vec::<String>::new());
        assert!(known.complete("").1.len() > 200);
    }
}
