//! Configuration as Redis takes it: the same names, defaults, files and commands.
//!
//! ```text
//! redis.conf ─┐                        ┌─ Settings: typed, for the node
//! stdin       ├─ load ─▶ Config ───────┼─ get:      CONFIG GET
//! --directive ┘   ▲       values by    └─ rewrite:  CONFIG REWRITE ─▶ disk::replace
//!                 │       row of the
//!               table ◀── table ◀── set: CONFIG SET
//! ```
//!
//! The table (`table/`) holds every fact about a directive once. `Config` holds a value for each row. A change is
//! made on all rows or on none; applying it (opening another port, …) is the caller's, who keeps a clone to go back
//! to.
//!
//! What a node is told it either does, or names once in its log as without effect, or refuses.

pub mod choices;
pub mod directive;
pub mod glob;
mod include;
pub mod load;
mod print;
mod reader;
mod rewrite;
mod set;
mod settings;
pub mod table;
mod title_template;
pub mod value;

pub use choices::{
    AppendFsync, DisklessLoad, EndpointType, LogLevel, MaxmemoryPolicy, OomScoreAdj, ProtectedAction,
    SanitizeDump,
};
pub use load::{LoadError, Loaded, Origin, load};
pub use set::{Changes, ClientOrigin, SetError};
pub use settings::{OutputBufferLimits, Secret, Settings, ShutdownFlags};
pub use title_template::expand as expand_title_template;
pub use value::{OutputBufferLimit, SavePoint, parse_memory};

use directive::{Directive, Kind};
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use value::{ParseContext, Value};

/// The value of every directive.
#[derive(Clone, PartialEq)]
pub struct Config {
    values: Vec<Value>,
    defaults: Vec<Value>,
}

/// What is not the default, without the secrets.
impl fmt::Debug for Config {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = formatter.debug_map();
        for (row, directive) in
            table::directives().iter().enumerate().filter(|(row, _)| !self.is_default(*row))
        {
            let value = if directive.sensitive { b"(secret)".to_vec() } else { self.print(row, directive) };
            map.entry(&directive.name, &String::from_utf8_lossy(&value));
        }
        map.finish()
    }
}

/// A directive that the node takes but does nothing with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WithoutEffect {
    pub name: &'static str,
    pub why: &'static str,
}

impl Config {
    /// All defaults; `directory` is where the node was started.
    pub fn new(directory: &Path) -> Config {
        let defaults: Vec<Value> =
            table::directives().iter().map(|directive| default(directive, directory)).collect();
        Config { values: defaults.clone(), defaults }
    }

    pub fn settings(&self) -> Settings {
        Settings::build(&self.values)
    }

    /// What CONFIG GET answers for one of its arguments. A name (in any case) gives that directive, under the name as
    /// it was asked for; a pattern gives all that match, aliases too, but none that are hidden.
    pub fn get(&self, name_or_pattern: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
        if !glob::is_pattern(name_or_pattern) {
            let found = table::find(name_or_pattern);
            let pair = |(row, directive)| (name_or_pattern.to_vec(), self.print(row, directive));
            return found.map(pair).into_iter().collect();
        }
        let mut pairs = Vec::new();
        for (row, directive) in
            table::directives().iter().enumerate().filter(|(_, directive)| !directive.hidden)
        {
            for name in [Some(directive.name), directive.alias].into_iter().flatten() {
                if glob::matches_ignoring_case(name_or_pattern, name.as_bytes()) {
                    pairs.push((name.as_bytes().to_vec(), self.print(row, directive)));
                }
            }
        }
        pairs
    }

    /// Notes a master that REPLICAOF named (or none), for CONFIG GET and REWRITE.
    pub fn record_replica_of(&mut self, master: Option<(&str, u16)>) {
        if let Some((row, _)) = table::find(b"replicaof") {
            self.put(row, Value::ReplicaOf(master.map(|(host, port)| (host.as_bytes().to_vec(), port))));
        }
    }

    fn print(&self, row: table::Row, directive: &Directive) -> Vec<u8> {
        self.values.get(row).map(|value| value.print(directive.kind)).unwrap_or_default()
    }

    fn put(&mut self, row: table::Row, value: Value) {
        if let Some(place) = self.values.get_mut(row) {
            *place = value;
        }
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.values.get(table::find(name.as_bytes())?.0)
    }

    fn is_default(&self, row: table::Row) -> bool {
        self.values.get(row) == self.defaults.get(row)
    }

    /// Parses the words for a row and puts the value there.
    fn assign(&mut self, row: table::Row, directive: &Directive, words: &[Vec<u8>]) -> Result<(), String> {
        let directory = match self.value("dir") {
            Some(Value::Text(path)) => Path::new(OsStr::from_bytes(path)).to_path_buf(),
            _ => PathBuf::new(),
        };
        let current = self.values.get(row).unwrap_or(&Value::YesNo(false));
        let value = value::parse(directive.kind, words, &ParseContext { current, directory: &directory })?;
        self.put(row, value);
        Ok(())
    }

    /// The rules between directives: `hz` is kept within 1 to 500, and a cluster has one database. Tells what it
    /// changed that the operator should know.
    fn settle(&mut self) -> Vec<String> {
        let mut warnings = Vec::new();
        if let (Some((row, _)), Some(Value::Number(hz))) = (table::find(b"hz"), self.value("hz")) {
            let within = (*hz).clamp(1, 500);
            self.put(row, Value::Number(within));
        }
        let in_cluster = self.value("cluster-enabled") == Some(&Value::YesNo(true));
        if let (true, Some((row, _)), Some(Value::Number(count @ 2..))) =
            (in_cluster, table::find(b"databases"), self.value("databases"))
        {
            warnings.push(format!("databases goes from {count} to 1, since a cluster has one database"));
            self.put(row, Value::Number(1));
        }
        warnings
    }
}

/// A default is a fact of ours: one that doesn't parse is a bug, and a test parses them all.
fn default(directive: &Directive, directory: &Path) -> Value {
    if matches!(directive.kind, Kind::Directory) {
        let absolute = std::fs::canonicalize(directory).unwrap_or_else(|_| directory.to_path_buf());
        return Value::Text(absolute.as_os_str().as_bytes().to_vec());
    }
    let words = if directive.kind.takes_words() {
        rcl_proto::words::split(directive.default.as_bytes()).unwrap_or_default()
    } else {
        vec![directive.default.as_bytes().to_vec()]
    };
    let context = ParseContext { current: &Value::YesNo(false), directory };
    value::parse(directive.kind, &words, &context)
        .unwrap_or_else(|error| panic!("the default of '{}' is not valid: {error}", directive.name))
}

#[cfg(test)]
mod load_tests;
#[cfg(test)]
mod real_redis;
#[cfg(test)]
mod real_redis_tests;
#[cfg(test)]
mod set_tests;

#[cfg(test)]
mod tests {
    use super::directive::Standing;
    use super::*;

    #[test]
    fn the_settings_read_what_the_table_says_has_effect() {
        let config = Config::new(Path::new("/"));
        let reader = reader::Reader::new(&config.values);
        Settings::read(&reader);
        let read = reader.names_read();
        for directive in table::directives() {
            let is_read = read.contains(&directive.name);
            match directive.standing {
                Standing::Effect => assert!(is_read, "{} has effect, but no setting", directive.name),
                Standing::NoEffect { .. } => {
                    assert!(!is_read, "{} is read, but without effect", directive.name)
                }
                Standing::RefusedUnlessDefault { .. } => {}
            }
        }
    }

    #[test]
    fn defaults_are_those_of_redis() {
        let settings = Settings::defaults();
        assert_eq!(settings.port, 6379);
        assert_eq!(settings.bus_port(), Some(16379));
        assert_eq!(settings.bind, ["*", "-::*"]);
        assert_eq!(settings.cluster_node_timeout_ms, 15000);
        assert_eq!(settings.proto_max_bulk_len, 512 << 20);
        assert_eq!(settings.output_buffer_limits.replica.hard_bytes, 256 << 20);
        assert_eq!(settings.save.len(), 3);
        assert_eq!(settings.replicaof, None);
        assert!(!settings.cluster_enabled && settings.protected_mode && settings.requirepass.is_none());
    }
}
