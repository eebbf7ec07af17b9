//! The smallest driver: one thread that steps the member, one that accepts, one a link that reads.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcl_cluster::packet::frame_length;
use rcl_cluster::{Command, Config, Input, LinkEnd, LinkId, Member, Output, ReplicationFacts, Reply};

use crate::redis::BUS_PORT_OFFSET;

enum Message {
    Input(Input),
    Accepted(TcpStream),
    Opened(LinkId, Option<TcpStream>),
    Call(Command, Sender<Reply>),
    Stop,
}

#[derive(Default)]
struct Seen {
    published: Vec<Vec<u8>>,
    nodes_conf: String,
    received: Vec<Vec<u8>>,
}

pub struct Driver {
    sender: Sender<Message>,
    seen: Arc<Mutex<Seen>>,
    thread: Option<std::thread::JoinHandle<()>>,
    offset: Arc<AtomicI64>,
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as u64
}

impl Driver {
    pub fn start(port: u16) -> Driver {
        let hostname = "ours.example".to_owned();
        let config = Config {
            port,
            bus_port: port + BUS_PORT_OFFSET,
            node_timeout_ms: 1500,
            hostname,
            ..Config::default()
        };
        let listener = TcpListener::bind(("127.0.0.1", config.bus_port)).expect("the bus port is free");
        let (sender, receiver) = channel();
        let accepted = sender.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if accepted.send(Message::Accepted(stream)).is_err() {
                    return;
                }
            }
        });
        let seen = Arc::new(Mutex::new(Seen::default()));
        let offset = Arc::new(AtomicI64::new(-1));
        let member = Member::new(config, None, u64::from(port) ^ now_ms(), now_ms());
        let state = Loop {
            member,
            sender: sender.clone(),
            links: HashMap::new(),
            calls: HashMap::new(),
            next: 1,
            seen: Arc::clone(&seen),
            offset: Arc::clone(&offset),
        };
        let thread = std::thread::spawn(move || state.run(&receiver));
        Driver { sender, seen, thread: Some(thread), offset }
    }

    pub fn command(&self, command: Command) -> Reply {
        let (sender, receiver) = channel();
        self.sender.send(Message::Call(command, sender)).expect("the loop runs");
        receiver.recv_timeout(Duration::from_secs(10)).expect("an answer")
    }

    pub fn id(&self) -> String {
        match self.command(Command::MyId) {
            Reply::Id(id) => id.to_string(),
            other => panic!("{other:?}"),
        }
    }

    pub fn info(&self) -> String {
        match self.command(Command::Info) {
            Reply::Text(text) => text,
            other => panic!("{other:?}"),
        }
    }

    pub fn published(&self) -> Vec<Vec<u8>> {
        self.seen.lock().unwrap().published.clone()
    }

    pub fn nodes_conf(&self) -> String {
        self.seen.lock().unwrap().nodes_conf.clone()
    }

    /// Every packet that came in, raw.
    pub fn received(&self) -> Vec<Vec<u8>> {
        self.seen.lock().unwrap().received.clone()
    }

    /// From now on the data are as recent as can be.
    pub fn pretend_to_replicate(&self, offset: i64) {
        self.offset.store(offset, Ordering::Relaxed);
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.sender.send(Message::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Loop {
    member: Member,
    sender: Sender<Message>,
    links: HashMap<LinkId, TcpStream>,
    calls: HashMap<u64, Sender<Reply>>,
    next: u64,
    seen: Arc<Mutex<Seen>>,
    offset: Arc<AtomicI64>,
}

impl Loop {
    fn run(mut self, receiver: &Receiver<Message>) {
        self.drain();
        loop {
            let wait_ms = self.member.next_deadline().unwrap_or(u64::MAX).saturating_sub(now_ms()).min(100);
            match receiver.recv_timeout(Duration::from_millis(wait_ms)) {
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(message) => self.take(message),
                Err(RecvTimeoutError::Timeout) => {
                    let offset = self.offset.load(Ordering::Relaxed);
                    if let Ok(offset) = u64::try_from(offset) {
                        let last_master_contact_ms = Some(now_ms());
                        let facts = ReplicationFacts { offset, master_link_up: true, last_master_contact_ms };
                        self.step(Input::Replication(facts));
                    }
                    self.step(Input::Tick);
                }
            }
        }
        self.links.values().for_each(|stream| {
            let _ = stream.shutdown(Shutdown::Both);
        });
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Input(input) => {
                if let Input::Packet { bytes, .. } = &input {
                    self.seen.lock().unwrap().received.push(bytes.clone());
                }
                if let Input::LinkClosed { link, .. } = &input
                    && self.links.remove(link).is_none()
                {
                    return;
                }
                self.step(input);
            }
            Message::Accepted(stream) => {
                let link = LinkId::new(self.next);
                self.next += 1;
                let peer_ip = stream.peer_addr().map(|at| at.ip().to_string()).unwrap_or_default();
                let local_ip = stream.local_addr().map(|at| at.ip().to_string()).unwrap_or_default();
                self.keep(link, stream);
                self.step(Input::InboundAccepted { link, peer_ip, local_ip });
            }
            Message::Opened(link, Some(stream)) => {
                let local_ip = stream.local_addr().map(|at| at.ip().to_string()).unwrap_or_default();
                self.keep(link, stream);
                self.step(Input::LinkOpened { link, local_ip });
            }
            Message::Opened(link, None) => self.step(Input::LinkClosed { link, end: LinkEnd::Failed }),
            Message::Call(command, answer) => {
                let token = self.next;
                self.next += 1;
                self.calls.insert(token, answer);
                self.step(Input::Command { token, command: Box::new(command) });
            }
            Message::Stop => {}
        }
    }

    fn keep(&mut self, link: LinkId, stream: TcpStream) {
        let reader = stream.try_clone().expect("a second handle");
        self.links.insert(link, stream);
        let sender = self.sender.clone();
        std::thread::spawn(move || read(link, reader, &sender));
    }

    fn step(&mut self, input: Input) {
        self.member.step(now_ms(), input);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.member.poll_output() {
            match output {
                Output::Connect { link, ip, port } => {
                    let stream = TcpStream::connect((ip.as_str(), port)).ok();
                    let _ = self.sender.send(Message::Opened(link, stream));
                }
                Output::Send { link, bytes } => {
                    if let Some(stream) = self.links.get_mut(&link) {
                        let _ = stream.write_all(&bytes);
                    }
                }
                Output::Close { link } => {
                    if let Some(stream) = self.links.remove(&link) {
                        let _ = stream.shutdown(Shutdown::Both);
                    }
                }
                Output::Persist { seq, text } => {
                    self.seen.lock().unwrap().nodes_conf = text;
                    let _ = self.sender.send(Message::Input(Input::Persisted { seq }));
                }
                Output::PublishMap(map) => {
                    let _ = self.sender.send(Message::Input(Input::Applied { version: map.version }));
                }
                Output::PauseWrites { .. } => {
                    let offset = self.offset.load(Ordering::Relaxed).max(0) as u64;
                    let _ = self.sender.send(Message::Input(Input::WritesPaused { offset }));
                }
                Output::DeliverPublish { message, .. } => self.seen.lock().unwrap().published.push(message),
                Output::CommandReply { token, reply } => {
                    if let Some(answer) = self.calls.remove(&token) {
                        let _ = answer.send(reply);
                    }
                }
                Output::Log { level, text } => eprintln!("{level:?} {text}"),
                Output::ReplicateFrom { .. }
                | Output::StopReplicating
                | Output::ResumeWrites
                | Output::DropSlots(_)
                | Output::FlushData => {}
            }
        }
    }
}

fn read(link: LinkId, mut stream: TcpStream, sender: &Sender<Message>) {
    let mut pending = Vec::new();
    let mut buffer = [0; 65536];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        pending.extend_from_slice(&buffer[..count]);
        while let Ok(Some(length)) = frame_length(&pending) {
            if pending.len() < length {
                break;
            }
            let bytes = pending.drain(..length).collect();
            if sender.send(Message::Input(Input::Packet { link, bytes })).is_err() {
                return;
            }
        }
    }
    let _ = sender.send(Message::Input(Input::LinkClosed { link, end: LinkEnd::Lost }));
}
