//! A cluster client as a good one works: it learns the map of slots, follows redirects at once and asks for the
//! whole map again after one, waits a little where waiting is the answer, and tries another node when one is gone.
//!
//! ```text
//! MOVED slot host:port   the map is stale: there now, and the map again soon
//! ASK slot host:port     there once, after ASKING; the map stays
//! TRYAGAIN               a few keys are on each side: the same again
//! CLUSTERDOWN, LOADING   wait, the map again
//! a broken connection    whether it was done is not known: wait, the map again
//! ```

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rcl_proto::resp::{Reply, encode_request};
use rcl_proto::{SLOT_COUNT, Slot};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Shared;

const ANSWER_LIMIT: Duration = Duration::from_secs(15);
const RETRY_PAUSE: Duration = Duration::from_millis(10);
const REFRESH_PAUSE: Duration = Duration::from_millis(20);
const PAUSES_UNTIL_AGAIN: u32 = 10;

/// Who owns which slot, by what was last heard; shared by all workers. All nodes are on 127.0.0.1.
#[derive(Debug)]
pub struct Routes {
    owners: Vec<Option<u16>>,
    nodes: BTreeSet<u16>,
    stale: bool,
}

impl Routes {
    pub fn new(entries: Vec<u16>) -> Routes {
        Routes { owners: vec![None; SLOT_COUNT], nodes: entries.into_iter().collect(), stale: true }
    }

    fn owner(&self, slot: Slot) -> u16 {
        self.owners[slot.index()].unwrap_or_else(|| *self.nodes.first().unwrap())
    }

    /// Whom to ask for the map: those who own slots first, since a node that just came back may be behind.
    fn informants(&self) -> Vec<u16> {
        let owners: BTreeSet<u16> = self.owners.iter().flatten().copied().collect();
        let others = self.nodes.difference(&owners).copied();
        owners.iter().copied().chain(others).collect()
    }

    fn learn(&mut self, reply: &Reply) -> bool {
        let Reply::Array(ranges) = reply else { return false };
        let mut learned = false;
        for range in ranges {
            let Reply::Array(fields) = range else { return false };
            let [Reply::Integer(first), Reply::Integer(last), nodes @ ..] = fields.as_slice() else {
                return false;
            };
            let ports: Vec<u16> = nodes.iter().filter_map(port_of).collect();
            let Some(&owner) = ports.first() else { continue };
            self.nodes.extend(&ports);
            for owned in &mut self.owners[*first as usize..=*last as usize] {
                *owned = Some(owner);
            }
            learned = true;
        }
        learned
    }
}

fn port_of(node: &Reply) -> Option<u16> {
    let Reply::Array(fields) = node else { return None };
    let Some(Reply::Integer(port)) = fields.get(1) else { return None };
    u16::try_from(*port).ok()
}

/// Asks for the map whenever somebody found it stale, and once more a little later: the first who is asked may
/// not have heard of the change yet, and nobody would notice before a key of those slots is wanted again.
pub async fn keep_fresh(routes: Rc<RefCell<Routes>>) {
    let mut connections = Connections::default();
    let mut pauses_until_again = 0;
    loop {
        if routes.borrow().stale {
            pauses_until_again = PAUSES_UNTIL_AGAIN;
        } else {
            pauses_until_again = pauses_until_again.saturating_sub(1);
        }
        if routes.borrow().stale || pauses_until_again == 1 {
            let informants = routes.borrow().informants();
            for port in informants {
                let answer = connections.exchange(port, false, &request(&["CLUSTER", "SLOTS"])).await;
                let learned = answer.is_ok_and(|reply| routes.borrow_mut().learn(&reply));
                if learned {
                    routes.borrow_mut().stale = false;
                    break;
                }
            }
        }
        tokio::time::sleep(REFRESH_PAUSE).await;
    }
}

pub struct Client {
    shared: Arc<Shared>,
    routes: Rc<RefCell<Routes>>,
    connections: Connections,
}

impl Client {
    pub fn new(shared: Arc<Shared>, routes: Rc<RefCell<Routes>>) -> Client {
        Client { shared, routes, connections: Connections::default() }
    }

    /// Sends until it is answered with neither redirect nor error. `None` when the load is stopped first.
    /// `lost_answer` is called when it is not known whether the request was carried out.
    pub async fn call(&mut self, slot: Slot, request: &[u8], mut lost_answer: impl FnMut()) -> Option<Reply> {
        let mut redirect = None;
        while !self.shared.stop.load(Ordering::SeqCst) {
            let (port, asking) = redirect.take().unwrap_or_else(|| (self.routes.borrow().owner(slot), false));
            match self.connections.exchange(port, asking, request).await {
                Ok(Reply::Error(error)) => redirect = self.follow(slot, &error).await,
                Ok(reply) => return Some(reply),
                Err(failure) => {
                    if failure.was_sent {
                        lost_answer();
                    }
                    self.count_error(&format!("connection: {}", failure.error.kind()));
                    self.routes.borrow_mut().stale = true;
                    tokio::time::sleep(RETRY_PAUSE).await;
                }
            }
        }
        None
    }

    /// What to do about an error reply: the node to go to next and whether to say ASKING there, if it is named.
    async fn follow(&mut self, slot: Slot, error: &str) -> Option<(u16, bool)> {
        let words: Vec<&str> = error.split(' ').collect();
        let named = || words.get(2).and_then(|address| address.rsplit(':').next()?.parse::<u16>().ok());
        match words[0] {
            "MOVED" => {
                self.shared.counts.lock().unwrap().moved += 1;
                let mut routes = self.routes.borrow_mut();
                routes.stale = true;
                routes.owners[slot.index()] = named();
                None
            }
            "ASK" => {
                self.shared.counts.lock().unwrap().asked += 1;
                named().map(|port| (port, true))
            }
            "TRYAGAIN" => {
                self.shared.counts.lock().unwrap().tried_again += 1;
                tokio::time::sleep(Duration::from_millis(1)).await;
                None
            }
            _ => {
                self.count_error(error);
                self.routes.borrow_mut().stale = true;
                tokio::time::sleep(RETRY_PAUSE).await;
                None
            }
        }
    }

    fn count_error(&self, text: &str) {
        self.shared.counts.lock().unwrap().error(text);
    }
}

pub fn request(words: &[&str]) -> Vec<u8> {
    let mut request = Vec::new();
    encode_request(&mut request, words.iter().map(|word| word.as_bytes()));
    request
}

/// Why a request has no answer, and whether it may have been carried out.
struct Failure {
    error: io::Error,
    was_sent: bool,
}

/// One connection to each node, made when it is needed.
#[derive(Default)]
struct Connections(HashMap<u16, Connection>);

impl Connections {
    async fn exchange(&mut self, port: u16, asking: bool, request: &[u8]) -> Result<Reply, Failure> {
        // A node that was restarted while nobody asked it has closed it, as a pool of connections sees, too.
        if self.0.get(&port).is_some_and(Connection::is_closed) {
            self.0.remove(&port);
        }
        let connection = match self.0.entry(port) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                let unsent = |error| Failure { error, was_sent: false };
                entry.insert(Connection::open(port).await.map_err(unsent)?)
            }
        };
        let answer = tokio::time::timeout(ANSWER_LIMIT, connection.exchange(asking, request)).await;
        answer.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(|error| {
            self.0.remove(&port);
            Failure { error, was_sent: true }
        })
    }
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(port: u16) -> io::Result<Connection> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, buffer: Vec::new() })
    }

    fn is_closed(&self) -> bool {
        matches!(self.stream.try_read(&mut [0]), Ok(0))
    }

    async fn exchange(&mut self, asking: bool, request: &[u8]) -> io::Result<Reply> {
        if !asking {
            self.stream.write_all(request).await?;
            return self.reply().await;
        }
        let both = [b"*1\r\n$6\r\nASKING\r\n", request].concat();
        self.stream.write_all(&both).await?;
        self.reply().await?;
        self.reply().await
    }

    async fn reply(&mut self) -> io::Result<Reply> {
        loop {
            let parsed = Reply::parse(&self.buffer).map_err(|error| io::Error::other(error.to_string()))?;
            if let Some((reply, length)) = parsed {
                self.buffer.drain(..length);
                return Ok(reply);
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}
