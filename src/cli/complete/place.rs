//! Where in a command line the cursor is: behind which verb, in which option's value, at which argument.

use clap::{Arg, ArgAction, Command, ValueHint};
use rcl_proto::Address;

/// What stands at the cursor.
#[derive(Debug)]
pub struct Place<'a> {
    pub root: &'a Command,
    pub verb: &'a Command,
    pub at: At<'a>,
    /// The part of the word that is being completed.
    pub prefix: String,
    /// What stands before it in the same word, as `--output=`.
    pub glued: String,
    /// Values that the words before give, by the ids of their arguments.
    pub said: Vec<(String, String)>,
}

#[derive(Debug)]
pub enum At<'a> {
    /// A verb, or an option.
    Verb,
    /// An option of the verb, or of all.
    Option,
    /// The value of an option, or an argument of the verb.
    Value(&'a Arg),
    /// Nothing that we know.
    Elsewhere,
}

impl<'a> Place<'a> {
    /// `before` are the words up to the one at the cursor, the program's name first.
    pub fn of(root: &'a Command, before: &[String], current: &str) -> Place<'a> {
        let mut walk =
            Walk { root, verb: root, positional: 0, said: Vec::new(), is_named: false, only_words: false };
        let mut waiting = None;
        for word in before.iter().skip(1) {
            waiting = match waiting {
                Some(arg) => {
                    walk.note_option(arg, word);
                    None
                }
                None => walk.word(word),
            };
        }
        let (at, glued, prefix) = match waiting {
            Some(arg) => (At::Value(arg), String::new(), current.to_owned()),
            None => walk.at(current),
        };
        Place { root, verb: walk.verb, at, prefix, glued, said: walk.said }
    }

    pub fn said(&self, id: &str) -> Option<&str> {
        self.said.iter().rev().find(|(said, _)| said == id).map(|(_, value)| value.as_str())
    }

    /// Whether a file or a folder stands there.
    pub fn is_path(&self) -> bool {
        let At::Value(arg) = self.at else { return false };
        let is_path = arg.get_value_parser().type_id() == std::any::TypeId::of::<std::path::PathBuf>();
        is_path
            || matches!(arg.get_value_hint(), ValueHint::FilePath | ValueHint::DirPath | ValueHint::AnyPath)
    }
}

struct Walk<'a> {
    root: &'a Command,
    verb: &'a Command,
    /// How many arguments of the verb have been given.
    positional: usize,
    said: Vec<(String, String)>,
    /// An option has named the cluster, so the verb asks for no entry.
    is_named: bool,
    /// Behind `--` there are no options any more.
    only_words: bool,
}

impl<'a> Walk<'a> {
    /// Takes a finished word; the option whose value comes next, if it is one.
    fn word(&mut self, word: &str) -> Option<&'a Arg> {
        if self.only_words || !word.starts_with('-') || word == "-" {
            self.argument(word);
            return None;
        }
        if word == "--" {
            self.only_words = true;
            return None;
        }
        if let Some(long) = word.strip_prefix("--") {
            let (name, value) =
                long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            let arg = self.option(|arg| arg.get_long() == Some(name))?;
            return self.with_value(arg, value);
        }
        let letters = &word[1..];
        for (at, letter) in letters.char_indices() {
            let arg = self.option(|arg| arg.get_short() == Some(letter))?;
            if arg.get_action().takes_values() {
                let rest = &letters[at + letter.len_utf8()..];
                return self.with_value(arg, (!rest.is_empty()).then(|| rest.trim_start_matches('=')));
            }
        }
        None
    }

    fn with_value(&mut self, arg: &'a Arg, value: Option<&str>) -> Option<&'a Arg> {
        match value {
            _ if !arg.get_action().takes_values() => None,
            None => Some(arg),
            Some(value) => {
                self.note_option(arg, value);
                None
            }
        }
    }

    fn note_option(&mut self, arg: &Arg, value: &str) {
        self.is_named |= ["cluster", "entry"].contains(&arg.get_id().as_str());
        self.note(arg, value);
    }

    fn note(&mut self, arg: &Arg, value: &str) {
        self.said.push((arg.get_id().to_string(), value.to_owned()));
    }

    fn argument(&mut self, word: &str) {
        if let Some(verb) = self.verb.find_subcommand(word) {
            (self.verb, self.positional) = (verb, 0);
            return;
        }
        if let Some(arg) = self.next_argument() {
            self.note(arg, word);
            // The rest of the line is another program's, or any number of the same.
            self.only_words |= arg.is_trailing_var_arg_set();
            self.positional += 1;
        }
    }

    /// The argument that a word would be now.
    fn next_argument(&self) -> Option<&'a Arg> {
        let asked = self.verb.get_positionals().filter(|arg| !(self.is_named && arg.get_id() == "entry"));
        let all: Vec<&Arg> = asked.collect();
        let repeats = |arg: &&&Arg| matches!(arg.get_action(), ArgAction::Append);
        all.get(self.positional).or_else(|| all.last().filter(repeats)).copied()
    }

    fn option(&self, fits: impl Fn(&&'a Arg) -> bool) -> Option<&'a Arg> {
        self.verb.get_arguments().find(&fits).or_else(|| self.root.get_arguments().find(&fits))
    }

    fn at(&self, current: &str) -> (At<'a>, String, String) {
        let whole = |at| (at, String::new(), current.to_owned());
        if !self.only_words && current.starts_with('-') {
            let Some((option, value)) = current.split_once('=') else { return whole(At::Option) };
            let long = option.strip_prefix("--");
            let arg = long.and_then(|long| self.option(|arg| arg.get_long() == Some(long)));
            return match arg {
                Some(arg) => (At::Value(arg), format!("{option}="), value.to_owned()),
                None => whole(At::Elsewhere),
            };
        }
        if self.verb.has_subcommands() {
            return whole(At::Verb);
        }
        whole(self.next_argument().map_or(At::Elsewhere, At::Value))
    }
}

/// Whether a node's address stands there.
pub fn is_address(arg: &Arg) -> bool {
    arg.get_value_parser().type_id() == std::any::TypeId::of::<Address>()
}
