//! The config file: clusters by name, so that nobody has to remember or type where they are and how to get in.
//!
//! ```yaml
//! clusters:
//!   prod:
//!     entry: [10.0.0.1:7001, 10.0.0.2:7001]      # asked in this order until one answers
//!     user: ops
//!     password_command: pass show redis/prod     # or password_file, password_env, ask_password: true
//!     tls:                                       # {} is TLS with the CAs of the system
//!       ca: prod-ca.pem
//!       cert: ops.pem
//!       key: ops.key
//!     map: ["10.0.0.*=bastion.example.com"]      # as --map
//!     timeout: 30
//!     connect_timeout: 3
//! ```
//!
//! Paths are relative to the file's folder; `~/` is the user's home. A password itself has no place in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rcl_proto::Address;
use serde::Deserialize;

use super::Failure;
use super::login::PasswordSource;
use crate::connect::{Rule, TlsSettings, address};

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(default)]
    pub clusters: BTreeMap<String, NamedCluster>,
    #[serde(skip)]
    folder: PathBuf,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedCluster {
    entry: OneOrMany,
    user: Option<String>,
    password_file: Option<PathBuf>,
    password_command: Option<String>,
    password_env: Option<String>,
    #[serde(default)]
    ask_password: bool,
    tls: Option<TlsTable>,
    #[serde(default)]
    map: Vec<String>,
    timeout: Option<u64>,
    connect_timeout: Option<u64>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl Default for OneOrMany {
    fn default() -> OneOrMany {
        OneOrMany::Many(Vec::new())
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct TlsTable {
    ca: Option<PathBuf>,
    ca_dir: Option<PathBuf>,
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    sni: Option<String>,
    #[serde(default)]
    any_name: bool,
    #[serde(default)]
    insecure: bool,
}

/// What the file says of a cluster, read and complete.
#[derive(Clone, Debug, Default)]
pub struct Known {
    pub entries: Vec<Address>,
    pub user: Option<String>,
    pub password: Option<PasswordSource>,
    pub tls: Option<TlsSettings>,
    pub map: Vec<Rule>,
    pub timeout: Option<u64>,
    pub connect_timeout: Option<u64>,
}

/// `--config`, else where the user's programs keep their settings.
pub fn path(named: Option<&Path>) -> Option<PathBuf> {
    if let Some(path) = named {
        return Some(path.to_owned());
    }
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")))?;
    Some(folder.join("rcl/config.yaml"))
}

impl Config {
    pub fn read(named: Option<&Path>) -> Result<Config, Failure> {
        let path = path(named)
            .ok_or_else(|| Failure::usage("there is no home folder to look for a config file in"))?;
        let bad = |why: String| {
            Failure::usage(format!("{}: {why}", path.display()))
                .next("rcl help config shows how it is written")
        };
        let text = std::fs::read_to_string(&path).map_err(|error| bad(error.to_string()))?;
        Config::parse(&text, path.parent().unwrap_or(Path::new(""))).map_err(bad)
    }

    fn parse(text: &str, folder: &Path) -> Result<Config, String> {
        // An empty file is a null.
        let config: Option<Config> = serde_yaml::from_str(text).map_err(|error| match error.to_string() {
            text if text.contains("unknown field `password`") => {
                format!("{text}; a password has no place in it: use password_file, password_command or password_env")
            }
            text => text,
        })?;
        let config = Config { folder: folder.to_owned(), ..config.unwrap_or_default() };
        for name in config.clusters.keys() {
            config.known(name)?;
        }
        Ok(config)
    }

    pub fn cluster(&self, name: &str) -> Result<Known, Failure> {
        if self.clusters.contains_key(name) {
            return self.known(name).map_err(Failure::usage);
        }
        let names: Vec<&str> = self.clusters.keys().map(String::as_str).collect();
        let names =
            if names.is_empty() { "it names none".into() } else { format!("it names {}", names.join(", ")) };
        Err(Failure::usage(format!("no cluster '{name}' in the config file: {names}")))
    }

    fn known(&self, name: &str) -> Result<Known, String> {
        let cluster = self.clusters.get(name).cloned().unwrap_or_default();
        let bad = |why: String| format!("cluster {name}: {why}");
        let texts = match cluster.entry {
            OneOrMany::One(text) => vec![text],
            OneOrMany::Many(texts) => texts,
        };
        let entries: Vec<Address> =
            texts.iter().map(|text| address::read(text)).collect::<Result<_, _>>().map_err(bad)?;
        if entries.is_empty() {
            return Err(bad("its entry is empty".into()));
        }
        let sources = [
            cluster.password_file.map(|path| PasswordSource::File(self.resolved(&path))),
            cluster.password_command.map(PasswordSource::Command),
            cluster.password_env.map(PasswordSource::Environment),
            cluster.ask_password.then_some(PasswordSource::Prompt),
        ];
        let mut sources = sources.into_iter().flatten();
        let password = sources.next();
        if sources.next().is_some() {
            return Err(bad("it says more than once where its password is".into()));
        }
        if [cluster.timeout, cluster.connect_timeout].contains(&Some(0)) {
            return Err(bad("a time limit is at least a second".into()));
        }
        Ok(Known {
            entries,
            user: cluster.user,
            password,
            tls: cluster.tls.map(|table| self.tls(table)),
            map: cluster.map.iter().map(|rule| rule.parse()).collect::<Result<_, String>>().map_err(bad)?,
            timeout: cluster.timeout,
            connect_timeout: cluster.connect_timeout,
        })
    }

    fn tls(&self, table: TlsTable) -> TlsSettings {
        let resolved = |path: Option<PathBuf>| path.map(|path| self.resolved(&path));
        TlsSettings {
            ca_file: resolved(table.ca),
            ca_folder: resolved(table.ca_dir),
            certificate: resolved(table.cert),
            key: resolved(table.key),
            server_name: table.sni,
            any_name: table.any_name,
            insecure: table.insecure,
        }
    }

    fn resolved(&self, path: &Path) -> PathBuf {
        match (path.strip_prefix("~"), std::env::var_os("HOME")) {
            (Ok(rest), Some(home)) => PathBuf::from(home).join(rest),
            _ => self.folder.join(path),
        }
    }
}

/// What `rcl help config` shows.
pub const EXAMPLE: &str = "\
clusters:
  prod:
    entry: [10.0.0.1:7001, 10.0.0.2:7001]    # asked in this order until one answers
    user: ops                                # an ACL user; without it the default user
    password_command: pass show redis/prod   # or password_file, password_env, ask_password: true
    tls:                                     # {} is TLS with the CAs of the system
      ca: prod-ca.pem                        # or ca_dir
      cert: ops.pem
      key: ops.key                           # also sni, any_name: true, insecure: true
    map: [\"10.0.0.*=bastion.example.com\"]    # announced=reachable, as --map
    timeout: 30                              # seconds
    connect_timeout: 3
  lab:
    entry: 127.0.0.1:7001
";

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, Path::new("/etc/rcl"))
    }

    #[test]
    fn the_example_is_read_as_it_is_meant() {
        let prod = parse(EXAMPLE).unwrap().cluster("prod").unwrap();
        assert_eq!(prod.entries, [Address::new("10.0.0.1", 7001), Address::new("10.0.0.2", 7001)]);
        assert_eq!(prod.password, Some(PasswordSource::Command("pass show redis/prod".into())));
        assert_eq!(prod.tls.unwrap().ca_file, Some("/etc/rcl/prod-ca.pem".into()));
        assert_eq!((prod.map.len(), prod.timeout, prod.connect_timeout), (1, Some(30), Some(3)));
        assert_eq!(parse(EXAMPLE).unwrap().cluster("lab").unwrap().entries.len(), 1);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_place() {
        for (text, why) in [
            ("clusters:\n  a:\n    entry: h:1\n    password: secret", "has no place"),
            ("clusters:\n  a:\n    entry: h:1\n    pasword_file: x", "line 4"),
            ("clusters:\n  a: {user: x}", "entry"),
            ("clusters:\n  a: {entry: []}", "entry is empty"),
            ("clusters:\n  a: {entry: 'h:0'}", "not an address"),
            ("clusters:\n  a: {entry: 'h:1', password_env: X, ask_password: true}", "more than once"),
            ("clusters:\n  a: {entry: 'h:1', map: ['x']}", "ANNOUNCED=REACHABLE"),
            ("clusters:\n  a: {entry: 'h:1', timeout: 0}", "at least a second"),
            ("cluster: {}", "unknown field"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(why) && !error.contains("secret"), "{text}\n{error}");
        }
    }

    #[test]
    fn a_name_that_is_not_there_is_answered_with_those_that_are() {
        let error = parse(EXAMPLE).unwrap().cluster("prd").unwrap_err();
        assert!(error.what.contains("lab, prod"), "{}", error.what);
        assert!(parse("").unwrap().cluster("x").unwrap_err().what.contains("it names none"));
    }
}
