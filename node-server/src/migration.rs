//! The courier of MIGRATE: carries serialised keys to another node while nobody waits with a lock in hand.
//!
//! ```text
//! under the lock   keys serialised and marked as departing  (reads go on, writes of just these keys wait)
//! without it       connect, AUTH, SELECT, RESTORE… , read the answers
//! under the lock   what the target confirmed is deleted and logged, all marks go, who waited runs again
//! ```
//!
//! Whatever happens in between (the target dies, the timeout comes, this process is killed), a key is deleted here
//! only after the target said that it has it: it may be in two places for a while, but never in none.
//!
//! Connections are kept for ten seconds of idleness, as Redis keeps them.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rcl_proto::Slot;
use rcl_proto::resp::{Reply, encode_request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::WakeHandle;
use crate::clock;
use crate::executor::internal;
use crate::node::Node;
use crate::pause::PauseLevel;

/// A key on its way.
#[derive(Debug)]
pub struct Parcel {
    pub key: Box<[u8]>,
    /// 0: it lives for ever.
    pub remaining_ms: i64,
    pub payload: Vec<u8>,
}

pub struct Credentials {
    pub user: Option<Vec<u8>>,
    pub password: Vec<u8>,
}

/// One MIGRATE.
pub struct Job {
    pub target: (String, u16),
    pub target_database: usize,
    pub database: usize,
    pub slot: Slot,
    /// For each step of the conversation.
    pub timeout_ms: u64,
    pub copy: bool,
    pub replace: bool,
    pub credentials: Option<Credentials>,
    pub parcels: Vec<Parcel>,
    pub wait: WakeHandle,
}

/// Starts the job on the calling thread's runtime.
pub fn send(node: Arc<Node>, job: Job) {
    tokio::spawn(async move {
        let answer = deliver(&node, &job).await;
        finish(&node, &job, &answer).await;
        let reply = match answer.error {
            None => "+OK\r\n".to_owned(),
            Some(error) => format!("-{}\r\n", error.replace(['\r', '\n'], " ")),
        };
        job.wait.reply(reply.into_bytes());
    });
}

/// What the target said.
#[derive(Default)]
struct Answer {
    /// By their place in the job, the keys that the target has.
    delivered: Vec<usize>,
    /// The first thing that went wrong.
    error: Option<String>,
}

const CONNECTION_IDLE: Duration = Duration::from_secs(10);
/// So many to one target, and to all.
const KEPT_FOR_A_TARGET: usize = 4;
const KEPT: usize = 64;

struct Connection {
    stream: TcpStream,
    database: Option<usize>,
    is_fresh: bool,
}

/// Connections that nobody uses at the moment.
#[derive(Debug, Default)]
pub struct IdleConnections {
    connections: Mutex<Vec<Idle>>,
}

#[derive(Debug)]
struct Idle {
    target: (String, u16),
    stream: std::net::TcpStream,
    database: Option<usize>,
    since: Instant,
}

impl IdleConnections {
    fn lock(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As INFO tells it.
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    /// Closes those that nobody used for a while. Called from time to time.
    pub fn close_old(&self, now: Instant) {
        self.lock().retain(|idle| now.saturating_duration_since(idle.since) < CONNECTION_IDLE);
    }

    fn take(&self, target: &(String, u16)) -> Option<Idle> {
        let mut connections = self.lock();
        let found = connections.iter().rposition(|idle| idle.target == *target)?;
        Some(connections.remove(found))
    }

    /// The oldest one goes when there are too many.
    fn put(&self, idle: Idle) {
        let mut connections = self.lock();
        let of_target = |other: &Idle| other.target == idle.target;
        if connections.iter().filter(|other| of_target(other)).count() >= KEPT_FOR_A_TARGET {
            return;
        }
        if connections.len() >= KEPT {
            connections.remove(0);
        }
        connections.push(idle);
    }
}

async fn deliver(node: &Node, job: &Job) -> Answer {
    loop {
        let mut connection = match connect(node, job).await {
            Ok(connection) => connection,
            Err(error) => return Answer { error: Some(error), ..Answer::default() },
        };
        let was_fresh = connection.is_fresh;
        match converse(node, job, &mut connection).await {
            Ok(answer) => {
                give_back(node, job, connection);
                return answer;
            }
            // The target may have closed a connection that lay idle, so a new one is tried. A target that is silent is another
            // thing: it may do yet what it was sent, and would find its own work in the way of the second attempt.
            Err(Broken { was_closed: true, .. }) if !was_fresh => {}
            Err(broken) => return broken.answer,
        }
    }
}

async fn connect(node: &Node, job: &Job) -> Result<Connection, String> {
    if let Some(idle) = node.idle_migrations.take(&job.target)
        && let Ok(stream) = TcpStream::from_std(idle.stream)
    {
        return Ok(Connection { stream, database: idle.database, is_fresh: false });
    }
    let (host, port) = &job.target;
    let connected =
        timeout(Duration::from_millis(job.timeout_ms), TcpStream::connect((host.as_str(), *port))).await;
    let stream = Silence::in_time(connected).map_err(|silence| {
        format!("IOERR error or timeout connecting to the client: {host}:{port}: {silence}")
    })?;
    // Fails only on a connection that is gone.
    let _ = stream.set_nodelay(true);
    Ok(Connection { stream, database: None, is_fresh: true })
}

fn give_back(node: &Node, job: &Job, connection: Connection) {
    // With credentials the connection is somebody's; the next MIGRATE may be somebody else's.
    if job.credentials.is_some() {
        return;
    }
    // Another runtime may use it next.
    if let Ok(stream) = connection.stream.into_std() {
        let (target, database) = (job.target.clone(), connection.database);
        node.idle_migrations.put(Idle { target, stream, database, since: clock::monotonic() });
    }
}

/// A conversation that ended before its end.
struct Broken {
    /// Before anything was answered.
    was_closed: bool,
    answer: Answer,
}

async fn converse(node: &Node, job: &Job, connection: &mut Connection) -> Result<Answer, Broken> {
    let mut request = Vec::new();
    let mut preamble = 0;
    if let Some(credentials) = &job.credentials {
        let user = credentials.user.as_deref();
        let words: Vec<&[u8]> = std::iter::once(&b"AUTH"[..])
            .chain(user)
            .chain(std::iter::once(&credentials.password[..]))
            .collect();
        encode_request(&mut request, words);
        preamble += 1;
    }
    if connection.database != Some(job.target_database)
        && (job.target_database != 0 || connection.database.is_some())
    {
        encode_request(&mut request, [b"SELECT".as_slice(), job.target_database.to_string().as_bytes()]);
        preamble += 1;
    }
    let command: &[u8] = if node.is_cluster() { b"RESTORE-ASKING" } else { b"RESTORE" };
    for parcel in &job.parcels {
        let remaining = parcel.remaining_ms.to_string();
        let words = [command, &parcel.key, remaining.as_bytes(), &parcel.payload, b"REPLACE"];
        encode_request(&mut request, words[..if job.replace { 5 } else { 4 }].iter().copied());
    }
    let limit = Duration::from_millis(job.timeout_ms);
    let mut answer = Answer::default();
    let failed = |doing: &str, silence: &Silence| {
        let (host, port) = &job.target;
        format!("IOERR error or timeout {doing} target instance {host}:{port}: {silence}")
    };
    let written = timeout(limit, connection.stream.write_all(&request)).await;
    if let Err(silence) = Silence::in_time(written) {
        answer.error = Some(failed("writing to", &silence));
        return Err(Broken { was_closed: silence.is_end(), answer });
    }
    let mut replies = Replies { stream: &mut connection.stream, bytes: Vec::new(), used: 0 };
    let mut nothing_came = true;
    for number in 0..preamble + job.parcels.len() {
        let reply = match replies.next(limit).await {
            Ok(reply) => reply,
            Err(silence) => {
                answer.error.get_or_insert_with(|| failed("reading from", &silence));
                return Err(Broken { was_closed: nothing_came && silence.is_end(), answer });
            }
        };
        nothing_came = false;
        match (reply, number.checked_sub(preamble)) {
            (Reply::Error(error), None) => {
                answer.error.get_or_insert(format!("ERR Target instance replied with error: {error}"));
                // Not logged in or in the wrong database: what follows was refused or is not to be trusted.
                connection.database = None;
                return Err(Broken { was_closed: false, answer });
            }
            (Reply::Error(error), Some(_)) => {
                answer.error.get_or_insert(format!("ERR Target instance replied with error: {error}"));
            }
            (_, Some(index)) => answer.delivered.push(index),
            (_, None) => {}
        }
    }
    connection.database = Some(job.target_database);
    Ok(answer)
}

/// Why nothing more comes from the target, or goes to it.
#[derive(Debug)]
enum Silence {
    TimedOut,
    Ended(io::Error),
    /// What it says is no reply.
    Garbled(String),
}

impl Silence {
    fn in_time<T>(result: Result<io::Result<T>, tokio::time::error::Elapsed>) -> Result<T, Silence> {
        result.map_err(|_| Silence::TimedOut)?.map_err(Silence::Ended)
    }

    fn is_end(&self) -> bool {
        matches!(self, Silence::Ended(_))
    }
}

impl fmt::Display for Silence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Silence::TimedOut => out.write_str("timeout"),
            Silence::Ended(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                out.write_str("the target closed the connection")
            }
            Silence::Ended(error) => error.fmt(out),
            Silence::Garbled(why) => out.write_str(why),
        }
    }
}

/// Reads one reply after the other.
struct Replies<'a> {
    stream: &'a mut TcpStream,
    bytes: Vec<u8>,
    used: usize,
}

impl Replies<'_> {
    async fn next(&mut self, limit: Duration) -> Result<Reply, Silence> {
        loop {
            match Reply::parse(&self.bytes[self.used..]) {
                Ok(Some((reply, length))) => {
                    self.used += length;
                    return Ok(reply);
                }
                Ok(None) => {}
                Err(error) => return Err(Silence::Garbled(error.to_string())),
            }
            if Silence::in_time(timeout(limit, self.stream.read_buf(&mut self.bytes)).await)? == 0 {
                return Err(Silence::Ended(io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }
}

/// Deletes what was delivered, and lets the keys go.
async fn finish(node: &Arc<Node>, job: &Job, answer: &Answer) {
    let delivered: Vec<&[u8]> = answer.delivered.iter().map(|&index| &*job.parcels[index].key).collect();
    loop {
        {
            let mut shard = node.shards.lock_slot(job.slot);
            let is_still = shard.pause >= PauseLevel::Writes;
            if !is_still || delivered.is_empty() || job.copy {
                // A node that became a replica meanwhile leaves deleting to its master.
                if !job.copy && !node.replication.is_replica() {
                    internal::delete_keys(node, &mut shard, job.database, job.slot, &delivered);
                }
                job.parcels.iter().for_each(|parcel| shard.departing.unmark(job.database, &parcel.key));
                drop(shard);
                node.tracking.broadcasts.tell(node);
                return;
            }
        }
        // A failover holds writes back: this one waits for its end like every other.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
