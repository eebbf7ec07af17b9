//! The start: a file, standard input and the command line, in this order, later lines over earlier ones.
//!
//! ```text
//! rcl-node [/path/redis.conf] [-] [--directive value …] … [-]
//! ```
//!
//! The first argument is a file unless it starts with `-`. A lone `-`, first or last, reads standard input. The words
//! after `--directive` are its values until the next word with `--`; at least one belongs to it even when it starts
//! with `--`, except after `--save`, where it means that there is none. `"--port 7000"` in one word works too.
//!
//! `save` lines add up, also over files and the command line; the first one drops the default, and `save ""` drops
//! all before it. `rename-command` lines are done in their order. A line that can't be taken stops the start, and the
//! error says where it stands and what was expected.

use super::directive::{Kind, Standing};
use super::table::{self, FILE_DIRECTIVES, Row};
use super::value::Value;
use crate::access::{DEFAULT, Rules, has_spaces, merge_selectors};
use crate::command::CommandNames;
use rcl_proto::words;

use super::{Config, Settings, WithoutEffect, include};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What a start has read.
#[derive(Debug)]
pub struct Loaded {
    pub config: Config,
    /// What `rename-command` makes of the names of the commands.
    pub commands: CommandNames,
    /// The `user` lines.
    pub users: Vec<(Vec<u8>, Rules)>,
    /// The file that CONFIG REWRITE rewrites, absolute.
    pub file: Option<PathBuf>,
    /// The directives that were given and do nothing; the log names them once.
    pub without_effect: Vec<WithoutEffect>,
    pub warnings: Vec<String>,
}

/// Where a line stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    File { path: PathBuf, line: usize },
    StandardInput { line: usize },
    CommandLine,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// A line that can't be taken. `text` hides a secret's value.
    Line {
        origin: Origin,
        text: String,
        why: String,
    },
    Unreadable {
        what: String,
        why: String,
    },
    /// Everything that the node can't promise yet, in one go, so that one edit of the file is enough.
    Refused(Vec<(Option<Origin>, &'static str, &'static str)>),
    Contradiction(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::File { path, line } => write!(formatter, "{}, line {line}", path.display()),
            Origin::StandardInput { line } => write!(formatter, "standard input, line {line}"),
            Origin::CommandLine => formatter.write_str("command line"),
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Line { origin, text, why } => write!(formatter, "{origin}: '{text}': {why}"),
            LoadError::Unreadable { what, why } => write!(formatter, "can't read {what}: {why}"),
            LoadError::Refused(refusals) => {
                for (index, (origin, name, why)) in refusals.iter().enumerate() {
                    let separator = if index > 0 { "\n" } else { "" };
                    let origin = origin.as_ref().map(|origin| format!("{origin}: ")).unwrap_or_default();
                    write!(formatter, "{separator}{origin}'{name}' can only have its default: {why}")?;
                }
                Ok(())
            }
            LoadError::Contradiction(why) => formatter.write_str(why),
        }
    }
}

impl std::error::Error for LoadError {}

/// Reads the configuration that the arguments (without the program's name) ask for. `directory` is the folder that
/// the node was started in.
pub fn load(arguments: &[OsString], directory: &Path, stdin: &mut dyn Read) -> Result<Loaded, LoadError> {
    let sources = split_arguments(arguments);
    let mut loader = Loader::new(directory);
    let file = sources.file.map(|path| directory.join(path));
    if let Some(path) = &file {
        loader.read_file(path)?;
    }
    if sources.stdin {
        let mut text = Vec::new();
        stdin.read_to_end(&mut text).map_err(|error| unreadable("standard input", &error))?;
        loader.read_text(&text, |line| Origin::StandardInput { line })?;
    }
    for line in sources.options {
        loader.read_line(&line, &Origin::CommandLine)?;
    }
    loader.finish(file)
}

struct Sources {
    file: Option<PathBuf>,
    stdin: bool,
    /// The options as lines of a redis.conf.
    options: Vec<Vec<u8>>,
}

fn split_arguments(arguments: &[OsString]) -> Sources {
    let first_is_file = arguments.first().is_some_and(|first| !first.as_bytes().starts_with(b"-"));
    let file = if first_is_file { arguments.first().map(PathBuf::from) } else { None };
    let words: Vec<&[u8]> = arguments.iter().map(|argument| argument.as_bytes()).collect();
    let mut stdin = false;
    let mut options: Vec<Vec<u8>> = Vec::new();
    // Whether the option so far has the value that it needs.
    let mut complete = true;
    for (index, word) in words.iter().enumerate().skip(usize::from(first_is_file)) {
        let next = words.get(index + 1);
        if *word == b"-" && (index == 0 || next.is_none()) {
            stdin = true;
            continue;
        }
        match word.strip_prefix(b"--").filter(|_| complete) {
            Some(option) => {
                let mut line = option.to_vec();
                complete = words::split(option).is_none_or(|words| words.len() != 1);
                let no_value_follows = next.is_none_or(|next| next.starts_with(b"--"));
                if option.eq_ignore_ascii_case(b"save") && no_value_follows {
                    line.extend_from_slice(b" \"\"");
                    complete = true;
                }
                options.push(line);
            }
            None => {
                let quoted = words::quote(word);
                match options.last_mut() {
                    Some(line) => line.extend_from_slice(format!(" {quoted}").as_bytes()),
                    None => options.push(quoted.into_bytes()),
                }
                complete = true;
            }
        }
    }
    Sources { file, stdin, options }
}

/// A `user` line.
struct UserLine {
    origin: Origin,
    name: Vec<u8>,
    /// Selectors are in one piece each.
    rules: Vec<Vec<u8>>,
}

struct Loader {
    config: Config,
    commands: CommandNames,
    directory: PathBuf,
    /// Where each directive was last given.
    given: BTreeMap<Row, Origin>,
    refused: Vec<(Option<Origin>, &'static str, &'static str)>,
    without_effect: Vec<WithoutEffect>,
    /// The files that are being read, outermost first.
    open_files: Vec<PathBuf>,
    users: Vec<UserLine>,
}

impl Loader {
    fn new(directory: &Path) -> Loader {
        Loader {
            config: Config::new(directory),
            commands: CommandNames::default(),
            directory: directory.to_path_buf(),
            given: BTreeMap::new(),
            refused: Vec::new(),
            without_effect: Vec::new(),
            open_files: Vec::new(),
            users: Vec::new(),
        }
    }

    fn read_file(&mut self, path: &Path) -> Result<(), LoadError> {
        let name = path.display().to_string();
        let real = std::fs::canonicalize(path).map_err(|error| unreadable(&name, &error))?;
        if self.open_files.contains(&real) {
            return Err(LoadError::Unreadable { what: name, why: "it includes itself".to_string() });
        }
        let text = std::fs::read(&real).map_err(|error| unreadable(&name, &error))?;
        self.open_files.push(real);
        self.read_text(&text, |line| Origin::File { path: path.to_path_buf(), line })?;
        self.open_files.pop();
        Ok(())
    }

    fn read_text(&mut self, text: &[u8], origin: impl Fn(usize) -> Origin) -> Result<(), LoadError> {
        for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
            self.read_line(line, &origin(index + 1))?;
        }
        Ok(())
    }

    fn read_line(&mut self, line: &[u8], origin: &Origin) -> Result<(), LoadError> {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            return Ok(());
        }
        let fail = |name: &[u8], why: String| LoadError::Line {
            origin: origin.clone(),
            text: shown(line, name),
            why,
        };
        let Some(words) = words::split(line) else {
            let name = line.split(u8::is_ascii_whitespace).next().unwrap_or_default();
            return Err(fail(name, "the quotes don't balance".to_string()));
        };
        let Some((name, values)) = words.split_first() else { return Ok(()) };
        match table::find(name) {
            Some((row, _)) => {
                self.assign(row, values).map_err(|why| fail(name, why))?;
                self.given.insert(row, origin.clone());
                Ok(())
            }
            _ => self.read_file_directive(name, values, origin, &fail),
        }
    }

    fn assign(&mut self, row: Row, values: &[Vec<u8>]) -> Result<(), String> {
        let Some(directive) = table::directives().get(row) else { return Ok(()) };
        let split;
        let values = match values {
            [only] if directive.kind.takes_words() && !only.is_empty() => {
                split = words::split(only).ok_or("the quotes don't balance")?;
                &split
            }
            _ => values,
        };
        let before = self.config.values.get(row).cloned();
        self.config.assign(row, directive, values)?;
        let first = !self.given.contains_key(&row);
        match (directive.kind, before, self.config.values.get_mut(row)) {
            (Kind::Save, Some(Value::Save(before)), Some(Value::Save(points)))
                if !first && !points.is_empty() =>
            {
                points.splice(0..0, before);
            }
            _ => {}
        }
        if let (true, Standing::NoEffect { why }) = (first, directive.standing) {
            self.without_effect.push(WithoutEffect { name: directive.name, why });
        }
        Ok(())
    }

    fn read_file_directive(
        &mut self,
        name: &[u8],
        values: &[Vec<u8>],
        origin: &Origin,
        fail: &dyn Fn(&[u8], String) -> LoadError,
    ) -> Result<(), LoadError> {
        let known =
            FILE_DIRECTIVES.iter().find(|directive| directive.name.as_bytes().eq_ignore_ascii_case(name));
        match (known.map(|directive| (directive.name, directive.standing)), values) {
            (Some(("include", _)), [path]) => self.include(path).map_err(|error| match error {
                LoadError::Unreadable { what, why } => fail(name, format!("can't read {what}: {why}")),
                other => other,
            }),
            (Some(("rename-command", _)), [old, new]) => {
                self.commands.rename(old, new).map_err(|why| fail(name, why.to_owned()))
            }
            (Some(("include" | "rename-command", _)), _) => {
                Err(fail(name, "wrong number of arguments".to_string()))
            }
            (Some(("user", _)), _) => self.add_user(values, origin).map_err(|why| fail(name, why)),
            (Some((name, Standing::NoEffect { why })), _) => {
                self.without_effect.push(WithoutEffect { name, why });
                Ok(())
            }
            (Some((name, Standing::RefusedUnlessDefault { why })), _) => {
                self.refused.push((Some(origin.clone()), name, why));
                Ok(())
            }
            _ if name.contains(&b'.') => {
                Err(fail(name, "modules can't be loaded, so they have no settings".to_string()))
            }
            _ => {
                let name_text = String::from_utf8_lossy(name);
                let hint = table::nearest_name(&name_text).map(|near| format!("; did you mean '{near}'?"));
                // In Redis's words, and in plain ones.
                let why = "Bad directive or wrong number of arguments: unknown directive";
                Err(fail(name, why.to_owned() + &hint.unwrap_or_default()))
            }
        }
    }

    fn add_user(&mut self, values: &[Vec<u8>], origin: &Origin) -> Result<(), String> {
        let Some((name, rules)) = values.split_first() else {
            return Err("wrong number of arguments".to_owned());
        };
        if has_spaces(name) {
            return Err("Spaces not allowed in ACL usernames".to_owned());
        }
        if self.users.iter().any(|user| user.name == *name) {
            return Err("Duplicate user found. A user can only be defined once in config files".to_owned());
        }
        let rules = merge_selectors(rules.iter().map(Vec::as_slice))
            .map_err(|_| "Unmatched parenthesis in selector definition".to_owned())?;
        self.users.push(UserLine { origin: origin.clone(), name: name.clone(), rules });
        Ok(())
    }

    /// When everything is read: `acl-pubsub-default` may come after the users.
    fn read_users(
        &self,
        settings: &Settings,
        warnings: &mut Vec<String>,
    ) -> Result<Vec<(Vec<u8>, Rules)>, LoadError> {
        if settings.aclfile.is_some() && !self.users.is_empty() {
            return Err(LoadError::Contradiction(
                "users are described by 'user' lines and by 'aclfile': use one of the two",
            ));
        }
        let mut users = Vec::new();
        for user in &self.users {
            let name = String::from_utf8_lossy(&user.name);
            let mut rules = Rules::new(settings.acl_pubsub_default_all);
            rules.apply_all(&user.rules, settings.acl_pubsub_default_all).map_err(|(_, error)| {
                let text = format!("user {name} (rules hidden)");
                LoadError::Line { origin: user.origin.clone(), text, why: error.text().to_owned() }
            })?;
            if !rules.enabled {
                warnings.push(format!("the user '{name}' is disabled: its rules have no 'on'"));
            }
            if user.name == DEFAULT && rules.no_password && settings.requirepass.is_some() {
                warnings.push("the line 'user default' says nopass, so requirepass has no effect".to_owned());
            }
            users.push((user.name.clone(), rules));
        }
        Ok(users)
    }

    fn include(&mut self, pattern: &[u8]) -> Result<(), LoadError> {
        let directory = match self.config.value("dir") {
            Some(Value::Text(path)) => PathBuf::from(OsStr::from_bytes(path)),
            _ => self.directory.clone(),
        };
        for path in include::expand(pattern, &directory) {
            self.read_file(&path)?;
        }
        Ok(())
    }

    fn finish(mut self, file: Option<PathBuf>) -> Result<Loaded, LoadError> {
        for (row, directive) in table::directives().iter().enumerate() {
            if let (Standing::RefusedUnlessDefault { why }, false) =
                (directive.standing, self.config.is_default(row))
            {
                self.refused.push((self.given.get(&row).cloned(), directive.name, why));
            }
        }
        if !self.refused.is_empty() {
            return Err(LoadError::Refused(self.refused));
        }
        let mut warnings = self.config.settle();
        let settings = self.config.settings();
        if settings.cluster_enabled && settings.replicaof.is_some() {
            return Err(LoadError::Contradiction("replicaof directive not allowed in cluster mode"));
        }
        if settings.bus_protection_is_unmet() {
            return Err(LoadError::Contradiction(
                "cluster-bus-port-protected-mode is enabled but tls-cluster is disabled: anybody who reaches the bus port could join the cluster. If only trusted hosts reach it (firewall, VPN, private network), say 'cluster-bus-port-protected-mode no'",
            ));
        }
        let users = self.read_users(&settings, &mut warnings)?;
        let file = file.map(|file| std::fs::canonicalize(&file).unwrap_or(file));
        Ok(Loaded {
            config: self.config,
            commands: self.commands,
            users,
            file,
            without_effect: self.without_effect,
            warnings,
        })
    }
}

/// The line as an error may show it: a secret's value is hidden, also behind a mistyped name.
fn shown(line: &[u8], name: &[u8]) -> String {
    let name_text = String::from_utf8_lossy(name);
    let meant = table::nearest_name(&name_text).unwrap_or_default();
    let secret =
        table::find(meant.as_bytes()).is_some_and(|(_, directive)| directive.sensitive) || meant == "user";
    if secret { format!("{name_text} (value hidden)") } else { String::from_utf8_lossy(line).into_owned() }
}

fn unreadable(what: &str, error: &std::io::Error) -> LoadError {
    LoadError::Unreadable { what: what.to_string(), why: error.to_string() }
}
