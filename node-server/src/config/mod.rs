//! Configuration as Redis takes it: the same names, defaults, files and commands.
//!
//! ```text
//! redis.conf ─┐                        ┌─ Settings: typed, for the node
//! stdin       ├─ load ─▶ Config ───────┼─ get:      CONFIG GET
//! --directive ┘   ▲       values by    └─ rewrite:  CONFIG REWRITE ─▶ file::replace
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
mod reader;
mod settings;
pub mod table;
pub mod value;
pub mod words;

pub use choices::{EndpointType, LogLevel, MaxmemoryPolicy, ProtectedAction};
pub use settings::{OutputBufferLimits, Secret, Settings, ShutdownFlags};
pub use value::{OutputBufferLimit, SavePoint};

use directive::Directive;
use std::path::Path;
use value::{ParseContext, Value};

/// The value of every directive.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    values: Vec<Value>,
    defaults: Vec<Value>,
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
}

/// A default is a fact of ours: one that doesn't parse is a bug, and a test parses them all.
fn default(directive: &Directive, directory: &Path) -> Value {
    if matches!(directive.kind, directive::Kind::Directory) {
        use std::os::unix::ffi::OsStrExt;
        let absolute = std::fs::canonicalize(directory).unwrap_or_else(|_| directory.to_path_buf());
        return Value::Text(absolute.as_os_str().as_bytes().to_vec());
    }
    let words = if directive.kind.takes_words() {
        words::split(directive.default.as_bytes()).unwrap_or_default()
    } else {
        vec![directive.default.as_bytes().to_vec()]
    };
    let context = ParseContext { current: &Value::YesNo(false), directory };
    value::parse(directive.kind, &words, &context)
        .unwrap_or_else(|error| panic!("the default of '{}' is not valid: {error}", directive.name))
}

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
