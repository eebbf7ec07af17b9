//! A writer: a connection that sends batches of writes to its columns until the node is gone.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rcl_proto::resp::{Reply, encode_request};

use crate::columns::Column;
use crate::disks::random_below;
use crate::harness::PATIENCE;
use crate::ledger::Ledger;

const LARGEST_BATCH: u64 = 12;
/// Between two batches, so that not all of the machine's time goes into the load.
const LONGEST_PAUSE_US: u64 = 500;

pub struct Writer {
    pub columns: Vec<Column>,
    ledger: Arc<Mutex<Ledger>>,
    thread: Option<JoinHandle<Result<(), String>>>,
}

impl Writer {
    pub fn new(columns: Vec<Column>) -> Writer {
        let ledger = Arc::new(Mutex::new(Ledger::new(&vec![0; columns.len()])));
        Writer { columns, ledger, thread: None }
    }

    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new round, with so many writes to each column.
    pub fn begin(&self, counts: &[u64]) {
        *self.ledger() = Ledger::new(counts);
    }

    /// Where the disk `fails` it writes one by one, and stops when a write is refused for that.
    pub fn start(&mut self, port: u16, mut seed: u64, fails: bool) {
        let (columns, ledger) = (self.columns.clone(), self.ledger.clone());
        let body = move || {
            let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) else { return Ok(()) };
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream.set_nodelay(true).unwrap();
            let mut connection = Connection { stream, received: Vec::new() };
            while write_batch(&mut connection, &columns, &ledger, &mut seed, fails)? {
                std::thread::sleep(Duration::from_micros(random_below(&mut seed, LONGEST_PAUSE_US)));
            }
            Ok(())
        };
        self.thread = Some(std::thread::spawn(body));
    }

    /// Waits until the connection is closed; an error when an answer was one.
    pub fn join(&mut self) -> Result<(), String> {
        self.thread.take().map_or(Ok(()), |thread| thread.join().unwrap())
    }
}

/// False when the node is gone.
fn write_batch(
    connection: &mut Connection,
    columns: &[Column],
    ledger: &Mutex<Ledger>,
    seed: &mut u64,
    fails: bool,
) -> Result<bool, String> {
    let lock = || ledger.lock().unwrap_or_else(PoisonError::into_inner);
    let mut request = Vec::new();
    // Of each write, how many answers it gets.
    let mut answers = Vec::new();
    {
        let mut ledger = lock();
        let more = random_below(seed, if fails { 1 } else { LARGEST_BATCH });
        for _ in 0..=more {
            let column = random_below(seed, columns.len() as u64) as usize;
            let commands = columns[column].write(ledger.send(column));
            for command in &commands {
                encode_request(&mut request, command.iter().map(String::as_bytes));
            }
            answers.push((commands.len(), column));
        }
    }
    if connection.stream.write_all(&request).is_err() {
        return Ok(false);
    }
    for (count, column) in answers {
        for _ in 0..count {
            let Some(reply) = connection.reply() else { return Ok(false) };
            match error_in(&reply) {
                Some(error) if fails && is_refusal(error) => return Ok(false),
                Some(error) => return Err(format!("{:?} was answered with {error}", columns[column])),
                None => {}
            }
        }
        lock().acknowledge(Instant::now());
    }
    Ok(true)
}

/// Nothing was written: the node knows that it could not be kept. Between MULTI and EXEC it may have come to know it.
fn is_refusal(error: &str) -> bool {
    error.strip_prefix("EXECABORT Transaction discarded because of: ").unwrap_or(error).starts_with("MISCONF")
}

fn error_in(reply: &Reply) -> Option<&str> {
    match reply {
        Reply::Error(text) => Some(text),
        Reply::Array(elements) => elements.iter().find_map(error_in),
        _ => None,
    }
}

struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Connection {
    /// `None` when the node is gone.
    fn reply(&mut self) -> Option<Reply> {
        let mut buffer = [0; 16384];
        loop {
            if let Some((reply, used)) = Reply::parse(&self.received).unwrap() {
                self.received.drain(..used);
                return Some(reply);
            }
            match self.stream.read(&mut buffer) {
                Ok(0) | Err(_) => return None,
                Ok(count) => self.received.extend_from_slice(&buffer[..count]),
            }
        }
    }
}
