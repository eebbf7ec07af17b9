//! How a cluster is reached: options that every verb takes, over what the config file says of a cluster (`-C NAME`).
//!
//! ```text
//! an option  ►  its variable in the environment  ►  the cluster's place in the config file  ►  the default
//! ```
//!
//! The login is different, since a password belongs to its cluster: options, then the config file, and only then
//! REDISCLI_AUTH with RCL_USER.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rcl_proto::Address;

use super::Failure;
use super::config::{Config, Known};
use super::login::{PasswordSource, from_environment};
use crate::connect::{AddressMap, CONNECT_LIMIT, Connector, Credentials, Rule, Tls, TlsSettings, Transport};

const TIME_LIMIT_SECONDS: u64 = 15;

#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Connection options")]
pub struct Connection {
    /// A cluster of the config file; it takes the place of the verb's HOST:PORT
    #[arg(short = 'C', long, global = true, value_name = "NAME", env = "RCL_CLUSTER")]
    pub cluster: Option<String>,

    /// The config file; ~/.config/rcl/config.yaml when not given (rcl help config)
    #[arg(long, global = true, value_name = "FILE", env = "RCL_CONFIG", hide_short_help = true)]
    pub config: Option<PathBuf>,

    /// A node of the cluster, where a verb takes a node id
    #[arg(long, global = true, value_name = "HOST:PORT", env = "RCL_ENTRY")]
    pub entry: Option<Address>,

    /// The ACL user to log in as
    #[arg(long, global = true, value_name = "NAME")]
    pub user: Option<String>,

    /// A file whose first line is the password (or set REDISCLI_AUTH)
    #[arg(long, global = true, value_name = "FILE")]
    pub password_file: Option<PathBuf>,

    /// A command whose first line is the password, as 'pass show redis/prod'
    #[arg(
        long,
        global = true,
        value_name = "COMMAND",
        conflicts_with = "password_file",
        hide_short_help = true
    )]
    pub password_command: Option<String>,

    /// Asks for the password
    #[arg(long, global = true, conflicts_with_all = ["password_file", "password_command"])]
    pub askpass: bool,

    /// Refused: every user of this machine could read it
    #[arg(short = 'a', long, global = true, hide = true, value_parser = refuse_password)]
    pub password: Option<String>,

    /// The login that the redis-cli dialect took from its own options
    #[arg(skip)]
    pub login: Option<Credentials>,

    #[command(flatten)]
    pub tls: TlsOptions,

    /// Where a node is reached that announces another address: ANNOUNCED=REACHABLE, host or host:port; * stands for any text
    #[arg(
        long = "map",
        global = true,
        value_name = "A=R",
        env = "RCL_MAP",
        value_delimiter = ',',
        hide_short_help = true
    )]
    pub map: Vec<Rule>,

    /// How long a node may take to answer, in seconds [default: 15]
    #[arg(long, global = true, value_name = "SECONDS", env = "RCL_TIMEOUT", hide_short_help = true,
          value_parser = clap::value_parser!(u64).range(1..=86400))]
    pub timeout: Option<u64>,

    /// How long a connection may take to come up, in seconds [default: 5]
    #[arg(long, global = true, value_name = "SECONDS", env = "RCL_CONNECT_TIMEOUT", hide_short_help = true,
          value_parser = clap::value_parser!(u64).range(1..=86400))]
    pub connect_timeout: Option<u64>,
}

/// Named as redis-cli names them. Any of them turns TLS on.
#[derive(Clone, Debug, Default, PartialEq, clap::Args)]
pub struct TlsOptions {
    /// Connects by TLS
    #[arg(long, global = true, env = "RCL_TLS", value_parser = clap::builder::FalseyValueParser::new())]
    pub tls: bool,

    /// TLS: the CAs to trust, a PEM file; those of the system when not given
    #[arg(long = "cacert", global = true, value_name = "FILE", env = "RCL_CACERT", hide_short_help = true)]
    pub tls_ca_file: Option<PathBuf>,

    /// TLS: a folder of such files
    #[arg(
        long = "cacertdir",
        global = true,
        value_name = "DIR",
        env = "RCL_CACERTDIR",
        hide_short_help = true
    )]
    pub tls_ca_folder: Option<PathBuf>,

    /// TLS: our own certificate, a PEM file
    #[arg(long = "cert", global = true, value_name = "FILE", env = "RCL_CERT", hide_short_help = true)]
    pub tls_certificate: Option<PathBuf>,

    /// TLS: the key of our certificate, a PEM file
    #[arg(long = "key", global = true, value_name = "FILE", env = "RCL_KEY", hide_short_help = true)]
    pub tls_key: Option<PathBuf>,

    /// TLS: the name that nodes' certificates must have, in place of the host
    #[arg(long = "sni", global = true, value_name = "NAME", env = "RCL_SNI", hide_short_help = true)]
    pub tls_server_name: Option<String>,

    /// TLS: takes a certificate whatever name it is for, as redis-cli does
    #[arg(long, global = true, hide_short_help = true)]
    pub tls_any_name: bool,

    /// TLS: takes any certificate: who answers is not known
    #[arg(long = "insecure", global = true, hide_short_help = true)]
    pub tls_insecure: bool,
}

fn refuse_password(_: &str) -> Result<String, String> {
    Err("a password in the arguments can be read by every user of this machine; \
         set REDISCLI_AUTH, or use --password-file, --password-command or --askpass"
        .into())
}

impl Connection {
    /// What the config file says of the cluster that is named; nothing when none is.
    pub fn known(&self) -> Result<Known, Failure> {
        match &self.cluster {
            Some(name) => Config::read(self.config.as_deref())?.cluster(name),
            None => Ok(Known::default()),
        }
    }

    /// For verbs that may connect: asks for a password where that is wished.
    pub fn connector(&self) -> Result<Connector, Failure> {
        let known = self.known()?;
        let mut connector = Connector::new(self.credentials(&known)?, self.time_limit(&known));
        connector.transport = self.transport(&known)?;
        connector.entries = self.entries(known.entries);
        Ok(connector)
    }

    /// For the shell's completion: nobody is asked for a password and no command is run for one, and nothing that is wrong is said.
    pub fn silent_connector(&self) -> Option<Connector> {
        let known = self.known().ok()?;
        let password = match &known.password {
            Some(source @ (PasswordSource::File(_) | PasswordSource::Environment(_))) => source.read().ok(),
            Some(_) => None,
            None => from_environment("REDISCLI_AUTH"),
        };
        let credentials = password.map(|password| Credentials { user: known.user.clone(), password });
        let mut connector = Connector::new(credentials, self.time_limit(&known));
        connector.transport = self.transport(&known).ok()?;
        connector.entries = self.entries(known.entries);
        Some(connector).filter(|connector| !connector.entries.is_empty())
    }

    /// Another cluster of the config file, with nothing of what is said of ours.
    pub fn connector_of(&self, name: &str) -> Result<Connector, Failure> {
        let other = Connection {
            cluster: Some(name.to_owned()),
            config: self.config.clone(),
            ..Connection::default()
        };
        other.connector()
    }

    /// The entry that is named, and those beside it when it is one of them.
    fn entries(&self, mut known: Vec<Address>) -> Vec<Address> {
        let Some(entry) = &self.entry else { return known };
        if !known.contains(entry) {
            return vec![entry.clone()];
        }
        known.sort_by_key(|other| other != entry);
        known
    }

    /// Gives nodes no less time than this to answer.
    pub fn at_least(&mut self, seconds: u64) {
        self.timeout = Some(self.timeout.unwrap_or(TIME_LIMIT_SECONDS).max(seconds));
    }

    fn time_limit(&self, known: &Known) -> Duration {
        Duration::from_secs(self.timeout.or(known.timeout).unwrap_or(TIME_LIMIT_SECONDS))
    }

    fn transport(&self, known: &Known) -> Result<Transport, Failure> {
        let rules = self.map.iter().chain(&known.map).cloned().collect();
        let limit = self.connect_timeout.or(known.connect_timeout).map_or(CONNECT_LIMIT, Duration::from_secs);
        Ok(Transport {
            tls: self.tls.over(known.tls.clone()).map(|settings| Tls::new(&settings)).transpose()?,
            map: Arc::new(AddressMap::new(rules)),
            connect_limit: limit,
        })
    }

    fn credentials(&self, known: &Known) -> Result<Option<Credentials>, Failure> {
        if let Some(login) = &self.login {
            return Ok(Some(login.clone()));
        }
        let user = self.user.clone().or_else(|| known.user.clone());
        let (password, user) = match self.password_source().or_else(|| known.password.clone()) {
            Some(source) => (Some(source.read()?), user),
            None => (from_environment("REDISCLI_AUTH"), user.or_else(|| from_environment("RCL_USER"))),
        };
        match (password, user) {
            (Some(password), user) => Ok(Some(Credentials { user, password })),
            (None, None) => Ok(None),
            (None, Some(user)) => Err(Failure::usage(format!("user {user} needs a password"))
                .next("set REDISCLI_AUTH, or use --password-file, --password-command or --askpass")),
        }
    }

    fn password_source(&self) -> Option<PasswordSource> {
        let file = self.password_file.clone().map(PasswordSource::File);
        let command = || self.password_command.clone().map(PasswordSource::Command);
        file.or_else(command).or_else(|| self.askpass.then_some(PasswordSource::Prompt))
    }
}

impl TlsOptions {
    /// These, and where they say nothing what the config file says; `None`: no TLS.
    pub fn over(&self, known: Option<TlsSettings>) -> Option<TlsSettings> {
        let own = TlsSettings {
            ca_file: self.tls_ca_file.clone(),
            ca_folder: self.tls_ca_folder.clone(),
            certificate: self.tls_certificate.clone(),
            key: self.tls_key.clone(),
            server_name: self.tls_server_name.clone(),
            any_name: self.tls_any_name,
            insecure: self.tls_insecure,
        };
        if !self.tls && known.is_none() && own == TlsSettings::default() {
            return None;
        }
        let known = known.unwrap_or_default();
        // CAs are named together, and so are a certificate and its key.
        let (ca_file, ca_folder) = match (own.ca_file, own.ca_folder) {
            (None, None) => (known.ca_file, known.ca_folder),
            named => named,
        };
        let (certificate, key) = match (own.certificate, own.key) {
            (None, None) => (known.certificate, known.key),
            named => named,
        };
        Some(TlsSettings {
            ca_file,
            ca_folder,
            certificate,
            key,
            server_name: own.server_name.or(known.server_name),
            any_name: own.any_name || known.any_name,
            insecure: own.insecure || known.insecure,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_without_a_password_is_refused() {
        let connection = Connection { user: Some("ann".into()), ..Connection::default() };
        if std::env::var_os("REDISCLI_AUTH").is_none() {
            let refused = connection.credentials(&Known::default()).unwrap_err();
            assert_eq!(refused.kind, super::super::Kind::Usage);
        }
    }

    #[test]
    fn the_cluster_s_own_password_goes_before_the_environment_s_and_options_before_both() {
        let known = Known {
            user: Some("ops".into()),
            password: Some(PasswordSource::Command("echo of-the-file".into())),
            ..Known::default()
        };
        let login = |connection: Connection| connection.credentials(&known).unwrap().unwrap();
        let of_the_file = login(Connection::default());
        assert_eq!((of_the_file.user.as_deref(), &*of_the_file.password), (Some("ops"), "of-the-file"));
        let named = login(Connection {
            user: Some("ann".into()),
            password_command: Some("echo named".into()),
            ..Connection::default()
        });
        assert_eq!((named.user.as_deref(), &*named.password), (Some("ann"), "named"));
    }

    #[test]
    fn tls_is_on_when_anything_of_it_is_said() {
        assert_eq!(TlsOptions::default().over(None), None);
        let plain = TlsOptions { tls: true, ..TlsOptions::default() };
        assert_eq!(plain.over(None), Some(TlsSettings::default()));
        let own = TlsOptions { tls_ca_file: Some("own".into()), ..TlsOptions::default() };
        let known = TlsSettings {
            ca_folder: Some("known".into()),
            key: Some("key".into()),
            certificate: Some("certificate".into()),
            ..TlsSettings::default()
        };
        let both = own.over(Some(known)).unwrap();
        assert_eq!((both.ca_file, both.ca_folder), (Some("own".into()), None));
        assert_eq!(both.key, Some("key".into()));
    }
}
