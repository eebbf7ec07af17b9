//! How fast a replica applies its master's stream.
//!
//! The master is the bench itself: it gives an empty copy, and once that is acknowledged the whole stream over the same
//! connection, as fast as the replica takes it. Replica and master are a cluster, so that the stream goes to many slots: the
//! cluster's node is a real one, which announces the bench's port as its own.
//!
//! ```text
//! seconds       from the stream's first byte until the replica acknowledges the last one
//! CPU seconds   of the replica meanwhile, per million commands
//! ```
//!
//! Both sides' replicas are compared with each other afterwards.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rcl_proto::resp::{Limits, Parsed, RequestParser, encode_request};

use crate::Scale;
use crate::client::Client;
use crate::figures::{Figures, Target};
use crate::node::{Both, Node, Side};
use crate::serve::{key, start};
use crate::snapshot::meet;

const PATIENCE: Duration = Duration::from_secs(120);
const ID: &str = "0123456789012345678901234567890123456789";
/// Version 9, no data, and no checksum.
const EMPTY_COPY: &[u8] = b"REDIS0009\xff\0\0\0\0\0\0\0\0";
const QUESTION: [&[u8]; 3] = [b"REPLCONF", b"GETACK", b"*"];
const KEYS_OF_A_KIND: u64 = 50_000;
/// How many keys of each kind are compared.
const COMPARED: u64 = 2_000;

pub fn measure(scale: Scale, figures: &mut Figures) -> anyhow::Result<()> {
    let (rounds, commands) = scale.of((5, 2_000_000), (2, 300_000));
    eprintln!("stream: {commands} commands, {rounds} rounds");
    let stream = stream_of(commands);
    for round in 0..rounds {
        let mut runs: Both<Option<Run>> = Both::default();
        for side in Side::in_turn(round) {
            *runs.of(side) = Some(run(side, &stream, commands)?);
        }
        let (Some(ours), Some(theirs)) = (runs.ours, runs.theirs) else { bail!("a side did not run") };
        compare(&ours.replica, &theirs.replica)?;
        let title = "a replica applies its master's stream: seconds";
        figures.add("stream_s", title, Target::AtMost(1.0), ours.seconds, theirs.seconds);
        let title = "the same: CPU s per million commands";
        figures.add("stream_cpu", title, Target::AtMost(1.0), ours.cpu, theirs.cpu);
    }
    Ok(())
}

struct Run {
    seconds: f64,
    cpu: f64,
    replica: Node,
}

fn run(side: Side, stream: &[u8], commands: u64) -> anyhow::Result<Run> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let announced = listener.local_addr()?.port().to_string();
    let master = start(side, &["--cluster-announce-port", &announced])?;
    let replica = Node::start_many(side, 1, &[])?.pop().context("one node was started")?;
    meet(&master, &replica)?;
    let id = master.client()?.text(&["CLUSTER", "MYID"])?;
    replica.client()?.call(&["CLUSTER", "REPLICATE", &id])?;
    let mut link = Link::accept(&listener)?;
    link.give_copy()?;
    let cpu_before = replica.cpu_seconds()?;
    let began = Instant::now();
    link.give_stream(stream)?;
    let seconds = began.elapsed().as_secs_f64();
    let cpu = (replica.cpu_seconds()? - cpu_before) / commands as f64 * 1e6;
    // It follows a master that is gone now, and serves what it has.
    Ok(Run { seconds, cpu, replica })
}

/// Commands on keys of several types, each drawn anew.
fn stream_of(commands: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_request(&mut bytes, [b"SELECT".as_slice(), b"0"]);
    let mut state = 1u64;
    for number in 1..commands {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let index = (state >> 33) % KEYS_OF_A_KIND;
        let value = format!("{:064x}", state ^ number);
        let (value, short) = (value.as_bytes(), &value.as_bytes()[48..]);
        let named = |kind| named(kind, index);
        match (state >> 20) % 20 {
            0..10 => encode_request(&mut bytes, [b"SET".as_slice(), &named('s'), value]),
            10..13 => encode_request(&mut bytes, [b"INCRBY".as_slice(), &named('n'), b"7"]),
            13..16 => encode_request(&mut bytes, [b"HSET".as_slice(), &named('h'), short, value]),
            16..18 => encode_request(&mut bytes, [b"RPUSH".as_slice(), &named('l'), short]),
            18 => encode_request(&mut bytes, [b"SADD".as_slice(), &named('t'), short]),
            _ => encode_request(&mut bytes, [b"ZADD".as_slice(), &named('z'), b"1.5", short]),
        }
    }
    bytes
}

fn named(kind: char, index: u64) -> Vec<u8> {
    [kind.to_string().as_bytes(), &key(index as usize)].concat()
}

/// The connection to the replica.
struct Link {
    socket: TcpStream,
    received: Vec<u8>,
    parser: RequestParser,
}

impl Link {
    fn accept(listener: &TcpListener) -> anyhow::Result<Link> {
        listener.set_nonblocking(true)?;
        let limit = Instant::now() + PATIENCE;
        let socket = loop {
            match listener.accept() {
                Ok((socket, _)) => break socket,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    ensure!(Instant::now() < limit, "the replica does not come");
                    std::thread::sleep(Duration::from_millis(2));
                }
                Err(error) => return Err(error.into()),
            }
        };
        socket.set_nonblocking(false)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(Link { socket, received: Vec::new(), parser: RequestParser::new() })
    }

    /// Until the replica has acknowledged the copy.
    fn give_copy(&mut self) -> anyhow::Result<()> {
        loop {
            let words = self.next()?;
            let is = |index: usize, word: &str| {
                words.get(index).is_some_and(|given| given.eq_ignore_ascii_case(word.as_bytes()))
            };
            if is(0, "PING") {
                self.socket.write_all(b"+PONG\r\n")?;
            } else if is(0, "PSYNC") {
                write!(self.socket, "+FULLRESYNC {ID} 0\r\n${}\r\n", EMPTY_COPY.len())?;
                self.socket.write_all(EMPTY_COPY)?;
            } else if is(1, "ACK") {
                return Ok(());
            } else {
                self.socket.write_all(b"+OK\r\n")?;
            }
        }
    }

    /// Until the replica has acknowledged all of it. What it answers in the end is where it is before the question itself.
    fn give_stream(&mut self, stream: &[u8]) -> anyhow::Result<()> {
        let mut writer = self.socket.try_clone()?;
        std::thread::scope(|scope| {
            let written = scope.spawn(move || {
                writer.write_all(stream)?;
                let mut question = Vec::new();
                encode_request(&mut question, QUESTION);
                writer.write_all(&question)
            });
            loop {
                let words = self.next()?;
                let offset =
                    words.get(2).and_then(|word| std::str::from_utf8(word).ok()?.parse::<usize>().ok());
                if offset.context("not an acknowledgement")? >= stream.len() {
                    break;
                }
            }
            written.join().ok().context("the writer panicked")??;
            Ok(())
        })
    }

    /// The next request of the replica.
    fn next(&mut self) -> anyhow::Result<Vec<Vec<u8>>> {
        let limits = Limits { max_bulk_bytes: 1 << 20, authenticated: true };
        loop {
            if let Parsed::Request { consumed } = self.parser.parse(&self.received, limits)? {
                let words = self.parser.args(&self.received).iter().map(<[u8]>::to_vec).collect::<Vec<_>>();
                self.received.drain(..consumed);
                if words.is_empty() {
                    continue;
                }
                return Ok(words);
            }
            let mut chunk = [0; 4096];
            let count = self.socket.read(&mut chunk)?;
            ensure!(count > 0, "the replica closed the link");
            self.received.extend_from_slice(&chunk[..count]);
        }
    }
}

/// Both have as many keys, and some of each kind are the same.
fn compare(ours: &Node, theirs: &Node) -> anyhow::Result<()> {
    let mut clients = [ours.client()?, theirs.client()?];
    for client in &mut clients {
        client.call(&["READONLY"])?;
    }
    let [ours, theirs] = &mut clients;
    let sizes = (ours.number(&["DBSIZE"])?, theirs.number(&["DBSIZE"])?);
    ensure!(sizes.0 == sizes.1 && sizes.0 > 0, "our replica has {} keys, theirs {}", sizes.0, sizes.1);
    for kind in ['s', 'n', 'h', 'l', 't', 'z'] {
        let names: Vec<Vec<u8>> = (0..COMPARED).map(|index| named(kind, index)).collect();
        let requests: Vec<Vec<&[u8]>> = names.iter().map(|name| look_at(kind, name)).collect();
        let ask =
            |client: &mut Client| client.pipeline_of(requests.iter().map(|words| words.iter().copied()));
        ensure!(ask(ours)? == ask(theirs)?, "the replicas differ in keys of kind {kind}");
    }
    Ok(())
}

/// What asks for the value, or for its size where there is no order.
fn look_at(kind: char, name: &[u8]) -> Vec<&[u8]> {
    match kind {
        'h' => vec![b"HLEN", name],
        'l' => vec![b"LRANGE", name, b"0", b"-1"],
        't' => vec![b"SCARD", name],
        'z' => vec![b"ZRANGE", name, b"0", b"-1"],
        _ => vec![b"GET", name],
    }
}
