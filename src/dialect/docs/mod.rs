//! What is known of commands while they are typed: their arguments, groups and summaries.
//!
//! The server's own COMMAND DOCS say it. Where it has none (Redis before 7.0, or a user who may not ask), or
//! where there is no server, the table of our own node says it, without what came in a later version than the
//! server's; commands that only the server knows (of modules) are then named with what COMMAND says.

mod built_in;
mod from_server;
pub mod help;
pub mod hint;

pub use built_in::built_in;
pub use from_server::{from_commands, from_docs};

/// One command, or one subcommand of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandDoc {
    /// `CONFIG SET`, in capitals: one word or two.
    pub name: String,
    pub summary: String,
    pub since: String,
    pub group: String,
    /// `None`: not known argument by argument; `usage` is all there is.
    pub arguments: Option<Vec<Argument>>,
    /// The arguments as text, where they are not known one by one.
    pub usage: String,
}

impl CommandDoc {
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.name.split(' ')
    }

    /// All its arguments as they are written in the documentation.
    pub fn parameters(&self) -> String {
        match &self.arguments {
            Some(arguments) => hint::of_all(arguments),
            None => self.usage.clone(),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Argument {
    /// What is shown for it.
    pub shown: String,
    pub kind: Kind,
    /// The word that comes before it, or that it is.
    pub token: Option<String>,
    pub optional: bool,
    pub multiple: bool,
    /// Repeated with its token.
    pub multiple_token: bool,
    pub arguments: Vec<Argument>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// A string, a key, a pattern: any word.
    #[default]
    Word,
    Integer,
    Double,
    /// Its token is all of it.
    PureToken,
    /// One of its arguments.
    OneOf,
    /// All of its arguments.
    Block,
}

impl Kind {
    /// By the name that COMMAND DOCS gives it.
    fn named(name: &str) -> Kind {
        match name {
            "integer" | "unix-time" => Kind::Integer,
            "double" => Kind::Double,
            "pure-token" => Kind::PureToken,
            "oneof" => Kind::OneOf,
            "block" => Kind::Block,
            _ => Kind::Word,
        }
    }
}

/// All that is known, in the order of names.
#[derive(Clone, Debug, Default)]
pub struct Docs {
    pub commands: Vec<CommandDoc>,
}

impl Docs {
    pub fn new(mut commands: Vec<CommandDoc>) -> Docs {
        commands.sort_by(|a, b| a.name.cmp(&b.name));
        Docs { commands }
    }

    /// Those of `others` too that are not here.
    pub fn complete_with(&mut self, others: Vec<CommandDoc>) {
        let new: Vec<CommandDoc> = others.into_iter().filter(|other| !self.knows(&other.name)).collect();
        self.commands.extend(new);
        self.commands.sort_by(|a, b| a.name.cmp(&b.name));
    }

    fn knows(&self, name: &str) -> bool {
        self.commands.binary_search_by(|doc| doc.name.as_str().cmp(name)).is_ok()
    }

    /// The command that most of the first words name.
    pub fn find<W: AsRef<[u8]>>(&self, words: &[W]) -> Option<&CommandDoc> {
        let fits = |doc: &&CommandDoc| {
            let mut given = words.iter();
            doc.words().all(|word| {
                given.next().is_some_and(|given| given.as_ref().eq_ignore_ascii_case(word.as_bytes()))
            })
        };
        self.commands.iter().filter(fits).max_by_key(|doc| doc.words().count())
    }

    /// The names of the groups, each once.
    pub fn groups(&self) -> Vec<&str> {
        let mut groups: Vec<&str> = self.commands.iter().map(|doc| doc.group.as_str()).collect();
        groups.retain(|group| !group.is_empty());
        groups.sort_unstable();
        groups.dedup();
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_name_that_fits_is_found() {
        let docs = built_in(None);
        let name = |words: &[&str]| docs.find(words).map(|doc| doc.name.as_str());
        assert_eq!(name(&["config", "set", "a"]), Some("CONFIG SET"));
        assert_eq!(name(&["config"]), Some("CONFIG"));
        assert_eq!(name(&["get", "set"]), Some("GET"));
        assert_eq!(name(&["nonsense"]), None);
        assert!(docs.groups().contains(&"sorted-set"));
    }

    #[test]
    fn what_is_known_already_is_not_replaced() {
        let mut docs = built_in(None);
        let known = docs.commands.len();
        let get = CommandDoc { name: "GET".into(), ..CommandDoc::default() };
        let module = CommandDoc { name: "A.MODULE".into(), ..CommandDoc::default() };
        docs.complete_with(vec![get, module]);
        assert_eq!(docs.commands.len(), known + 1);
        assert!(docs.find(&["GET"]).is_some_and(|doc| doc.arguments.is_some()));
        assert!(docs.find(&["a.module"]).is_some());
    }
}
