//! One connection to one node, over the `redis` crate's multiplexed connection.
//!
//! Clones share the connection: what several tasks send is pipelined on one socket, each gets its own replies.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rcl_proto::Address;
use rcl_proto::resp::Reply;
use redis::aio::MultiplexedConnection;

use super::tls::WANTS_CERTIFICATE;
use super::{Credentials, Transport, explain};
use crate::cli::{Failure, Kind, system_words};

/// A command: its name and arguments. Clones share them: what is sent once more is not copied for that.
#[derive(Clone, Default)]
pub struct Words(Arc<redis::Cmd>);

impl Words {
    pub fn of(words: &[&str]) -> Words {
        // What comes after is mostly a key or a number.
        let bytes: usize = words.iter().map(|word| word.len()).sum();
        let mut cmd = redis::Cmd::with_capacity(words.len() + 2, bytes + 32);
        words.iter().for_each(|word| {
            cmd.arg(word);
        });
        Words(Arc::new(cmd))
    }

    #[must_use]
    pub fn and(mut self, word: impl AsRef<[u8]>) -> Words {
        Arc::make_mut(&mut self.0).arg(word.as_ref());
        self
    }

    /// The first two words, which name the command and hold no secret and no key.
    fn name(&self) -> String {
        name(&self.0)
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(words(&self.0).map(|word| word.escape_ascii().to_string())).finish()
    }
}

fn words(cmd: &redis::Cmd) -> impl Iterator<Item = &[u8]> {
    cmd.args_iter().filter_map(|word| if let redis::Arg::Simple(word) = word { Some(word) } else { None })
}

fn name(cmd: &redis::Cmd) -> String {
    let count =
        if words(cmd).next().is_some_and(|word| word.eq_ignore_ascii_case(b"CLUSTER")) { 2 } else { 1 };
    let words: Vec<_> = words(cmd).take(count).map(String::from_utf8_lossy).collect();
    words.join(" ")
}

/// Commands sent in one write, whose replies come in order.
#[derive(Clone)]
pub struct Pipeline(redis::Pipeline);

impl Default for Pipeline {
    fn default() -> Pipeline {
        Pipeline::with_capacity(0)
    }
}

impl Pipeline {
    fn with_capacity(count: usize) -> Pipeline {
        let mut packed = redis::Pipeline::with_capacity(count);
        // They are replies as all others.
        packed.ignore_errors();
        Pipeline(packed)
    }

    pub fn add(&mut self, command: Words) {
        self.0.add_command(Arc::unwrap_or_clone(command.0));
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.cmd_iter().map(|cmd| Words(Arc::new(cmd.clone())))).finish()
    }
}

impl FromIterator<Words> for Pipeline {
    fn from_iter<I: IntoIterator<Item = Words>>(commands: I) -> Pipeline {
        let commands = commands.into_iter();
        let mut pipeline = Pipeline::with_capacity(commands.size_hint().0);
        commands.for_each(|command| pipeline.add(command));
        pipeline
    }
}

/// Why a node did not do what it was told. Every variant says which node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkError {
    /// Nobody listens there, or the connection broke, or it took too long.
    Unreachable { address: Address, why: String },
    /// It wants a password, or another one.
    Denied { address: Address, why: String },
    /// It answered a command with an error.
    Server { address: Address, command: String, error: String },
    /// It answered what this command never answers.
    Unexpected { address: Address, command: String, reply: String },
}

impl LinkError {
    /// The text of an error reply.
    pub fn server_error(&self) -> Option<&str> {
        match self {
            LinkError::Server { error, .. } => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LinkError::Unreachable { address, why } => write!(f, "cannot reach {address}: {why}"),
            LinkError::Denied { address, why } => write!(f, "{address} does not let us in: {why}"),
            LinkError::Server { address, command, error } => {
                write!(f, "{address} answered {command} with: {error}")
            }
            LinkError::Unexpected { address, command, reply } => {
                write!(f, "{address} answered {command} with what it should not: {reply}")
            }
        }
    }
}

impl std::error::Error for LinkError {}

impl From<LinkError> for Failure {
    fn from(error: LinkError) -> Failure {
        let what = error.to_string();
        match error {
            LinkError::Unreachable { .. } => Failure::new(Kind::Unreachable, what)
                .next("is the node running, and is this its address? (redis-cli -h HOST -p PORT PING)"),
            LinkError::Denied { .. } => Failure::new(Kind::Unreachable, what)
                .next("set REDISCLI_AUTH, or use --password-file or --askpass, and --user for an ACL user"),
            LinkError::Server { .. } | LinkError::Unexpected { .. } => Failure::new(Kind::Internal, what),
        }
    }
}

/// A connection to the node at `address`.
#[derive(Clone)]
pub struct Link {
    address: Address,
    connection: Arc<Mutex<MultiplexedConnection>>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Link to {}", self.address)
    }
}

impl Link {
    pub async fn open(
        address: &Address,
        credentials: Option<&Credentials>,
        time_limit: Duration,
        transport: &Transport,
    ) -> Result<Link, LinkError> {
        let mut settings = redis::RedisConnectionInfo::default().set_skip_set_lib_name();
        if let Some(credentials) = credentials {
            settings = settings.set_password(credentials.password.as_str());
            if let Some(user) = &credentials.user {
                settings = settings.set_username(user.as_str());
            }
        }
        let unreachable = |why: String| LinkError::Unreachable { address: address.clone(), why };
        let stream = transport.open(address, time_limit).await;
        let why = |error| explain(&error).unwrap_or_else(|| system_words(&error.to_string()));
        let stream = stream.map_err(|error| unreachable(why(error)))?;
        let config = redis::AsyncConnectionConfig::new().set_response_timeout(Some(time_limit));
        let connected = MultiplexedConnection::new_with_config(&settings, stream, config);
        let connected = tokio::time::timeout(time_limit, connected).await;
        let (connection, driver) = connected
            .map_err(|_| unreachable(NO_ANSWER.to_owned()))?
            .map_err(|error| first_refusal(address, transport, &error))?;
        // It ends when the last clone of the connection is gone.
        tokio::spawn(driver);
        Ok(Link { address: address.clone(), connection: Arc::new(Mutex::new(connection)) })
    }

    pub fn address(&self) -> &Address {
        &self.address
    }

    fn connection(&self) -> MultiplexedConnection {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A node that was restarted is spoken to over its new connection from now on, also by the clones of this link.
    pub fn renew(&self, fresh: &Link) {
        *self.connection.lock().unwrap_or_else(PoisonError::into_inner) = fresh.connection();
    }

    /// One reply for each command, errors among them; `Err` when the connection itself failed.
    pub async fn pipeline(&self, pipeline: &Pipeline) -> Result<Vec<Reply>, LinkError> {
        if pipeline.is_empty() {
            return Ok(Vec::new());
        }
        let mut connection = self.connection();
        let replies: Vec<redis::Value> =
            pipeline.0.query_async(&mut connection).await.map_err(|error| self.lost(&error))?;
        Ok(replies.into_iter().map(reply).collect())
    }

    /// The reply, an error reply being `Err`.
    pub async fn call(&self, command: Words) -> Result<Reply, LinkError> {
        match self.raw(&command).await? {
            Reply::Error(error) => Err(self.error(command.name(), error)),
            reply => Ok(reply),
        }
    }

    /// The reply, whatever it is.
    pub async fn raw(&self, command: &Words) -> Result<Reply, LinkError> {
        let replies = self.pipeline(&std::iter::once(command.clone()).collect()).await?;
        replies.into_iter().next().ok_or_else(|| self.unexpected(command, &Reply::Null))
    }

    /// Every command must be answered with something else than an error; the first error is `Err`.
    pub async fn all(&self, pipeline: &Pipeline) -> Result<Vec<Reply>, LinkError> {
        let replies = self.pipeline(pipeline).await?;
        for (command, reply) in pipeline.0.cmd_iter().zip(&replies) {
            if let Reply::Error(error) = reply {
                return Err(self.error(name(command), error.clone()));
            }
        }
        Ok(replies)
    }

    /// A reply that is a text, as of `CLUSTER NODES` and `INFO`.
    pub async fn text(&self, words: &[&str]) -> Result<String, LinkError> {
        let command = Words::of(words);
        let reply = self.call(command.clone()).await?;
        match reply.as_bytes() {
            Some(bytes) => Ok(String::from_utf8_lossy(bytes).into_owned()),
            None => Err(self.unexpected(&command, &reply)),
        }
    }

    fn error(&self, command: String, error: String) -> LinkError {
        let address = self.address.clone();
        if ["NOAUTH", "WRONGPASS", "NOPERM"].iter().any(|code| error.starts_with(code)) {
            return LinkError::Denied { address, why: error };
        }
        LinkError::Server { address, command, error }
    }

    /// An error reply, or one that is none, where another was expected.
    pub fn wrong(&self, command: &Words, reply: Reply) -> LinkError {
        match reply {
            Reply::Error(error) => self.error(command.name(), error),
            reply => self.unexpected(command, &reply),
        }
    }

    pub fn unexpected(&self, command: &Words, reply: &Reply) -> LinkError {
        let reply = format!("{reply:?}").chars().take(200).collect();
        LinkError::Unexpected { address: self.address.clone(), command: command.name(), reply }
    }

    fn lost(&self, error: &redis::RedisError) -> LinkError {
        refusal(&self.address, error)
    }
}

const NO_ANSWER: &str = "it did not answer within the time limit (--timeout raises it)";

/// Of the first words that were exchanged: a node that speaks TLS, and we do not, ends there, and so does one that wants a certificate.
fn first_refusal(address: &Address, transport: &Transport, error: &redis::RedisError) -> LinkError {
    let refusal = refusal(address, error);
    match refusal {
        LinkError::Unreachable { address, why } if transport.tls.is_none() && !error.is_timeout() => {
            LinkError::Unreachable { address, why: format!("{why} (does it speak TLS? then --tls)") }
        }
        other => other,
    }
}

fn refusal(address: &Address, error: &redis::RedisError) -> LinkError {
    let address = address.clone();
    // The crate wraps what the connection said, in whatever way.
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    let of_tls = causes.filter_map(|cause| explain(cause.downcast_ref::<std::io::Error>()?)).next();
    let text = system_words(&error.to_string());
    let of_tls =
        of_tls.or_else(|| text.contains("CertificateRequired").then(|| WANTS_CERTIFICATE.to_owned()));
    let why = match of_tls {
        Some(why) => why,
        None if error.is_timeout() => NO_ANSWER.to_owned(),
        None => text,
    };
    match error.kind() {
        redis::ErrorKind::AuthenticationFailed => LinkError::Denied { address, why },
        _ if why.contains("WRONGPASS") || why.contains("NOAUTH") => LinkError::Denied { address, why },
        _ => LinkError::Unreachable { address, why },
    }
}

fn reply(value: redis::Value) -> Reply {
    use redis::Value;
    match value {
        Value::Nil => Reply::Null,
        Value::Int(number) => Reply::Integer(number),
        Value::BulkString(bytes) => Reply::Bulk(bytes),
        Value::SimpleString(text) => Reply::Simple(text),
        Value::Okay => Reply::Simple("OK".into()),
        Value::Array(values) => Reply::Array(values.into_iter().map(reply).collect()),
        Value::Set(values) => Reply::Set(values.into_iter().map(reply).collect()),
        Value::Map(pairs) => {
            Reply::Map(pairs.into_iter().map(|(key, value)| (reply(key), reply(value))).collect())
        }
        Value::Attribute { data, .. } => reply(*data),
        Value::Double(number) => Reply::Double(number),
        Value::Boolean(truth) => Reply::Boolean(truth),
        Value::VerbatimString { text, .. } => {
            Reply::Verbatim { format: "txt".into(), text: text.into_bytes() }
        }
        Value::Push { data, .. } => Reply::Push(data.into_iter().map(reply).collect()),
        Value::BigNumber(digits) => Reply::BigNumber(String::from_utf8_lossy(&digits).into_owned()),
        Value::ServerError(error) => Reply::Error(match error.details() {
            Some(details) => format!("{} {details}", error.code()),
            None => error.code().to_owned(),
        }),
        // The crate marks its enum as open; what it adds is at least not lost silently.
        other => Reply::Simple(format!("{other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_s_name_holds_no_argument() {
        assert_eq!(Words::of(&["AUTH", "secret"]).name(), "AUTH");
        assert_eq!(Words::of(&["CLUSTER", "SETSLOT", "5"]).name(), "CLUSTER SETSLOT");
        assert!(!format!("{:?}", Credentials { user: None, password: "secret".into() }).contains("secret"));
    }
}
