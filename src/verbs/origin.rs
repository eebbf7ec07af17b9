//! Where data come from, for verbs that work with two data sets: another cluster or server, with a login of its own.

use std::path::PathBuf;

use rcl_proto::Address;

use crate::cli::{Failure, Session, read_password};
use crate::connect::{Connector, Credentials};
use crate::keys::Keyspace;

/// The login there. Without any of these it is the same as at the other side, and so is TLS.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Login at the source")]
pub struct Login {
    /// The ACL user at the source
    #[arg(long, value_name = "NAME")]
    pub from_user: Option<String>,

    /// A file whose first line is the password at the source (or set RCL_FROM_AUTH)
    #[arg(long, value_name = "FILE")]
    pub from_password_file: Option<PathBuf>,

    /// The source is this cluster of the config file, which also says where it is and how it is reached
    #[arg(long, value_name = "NAME", conflicts_with_all = ["from_user", "from_password_file", "from_no_auth"])]
    pub from_cluster: Option<String>,

    /// Does not log in at the source
    #[arg(long, conflicts_with_all = ["from_user", "from_password_file"])]
    pub from_no_auth: bool,

    /// The database of a source that is one server
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub from_db: u32,

    /// The login that the redis-cli dialect took from its own options
    #[arg(skip)]
    pub given: Option<Credentials>,
}

impl Login {
    pub fn connector(&self, session: &Session) -> Result<Connector, Failure> {
        if let Some(name) = &self.from_cluster {
            return session.connection.connector_of(name);
        }
        let here = Connector { entries: Vec::new(), ..session.connector.clone() };
        if self.given.is_some() {
            return Ok(here.logged_in_as(self.given.clone()));
        }
        if self.from_no_auth {
            return Ok(here.logged_in_as(None));
        }
        let password = match &self.from_password_file {
            Some(path) => Some(read_password(path)?),
            None => std::env::var("RCL_FROM_AUTH").ok().filter(|password| !password.is_empty()),
        };
        match (password, &self.from_user) {
            (Some(password), user) => {
                Ok(here.logged_in_as(Some(Credentials { user: user.clone(), password })))
            }
            (None, None) => Ok(here),
            (None, Some(user)) => Err(Failure::usage(format!("--from-user {user} needs a password"))
                .next("set RCL_FROM_AUTH, or use --from-password-file")),
        }
    }

    pub async fn open(&self, session: &Session, source: &Address) -> Result<Keyspace, Failure> {
        Keyspace::open(&self.connector(session)?.patient(), source, self.from_db).await
    }
}
