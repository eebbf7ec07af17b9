//! Two members in one process, wired to each other without a network: what one sends the other gets at once, what is
//! to be persisted is persisted, what is to be applied is applied. For tests of a mechanism with a peer.

use std::collections::VecDeque;

use crate::{Command, Config, Input, LinkEnd, LinkId, Member, Output, Reply};

const START_MS: u64 = 1_000_000;
const BUS_PORTS: [u16; 2] = [1, 2];

pub(crate) struct Pair {
    pub now_ms: u64,
    pub members: [Member; 2],
    /// What each wrote into its log.
    pub logs: [Vec<String>; 2],
    /// Messages of the other one's clients, as they were given out: to whom, channel, message, sharded.
    pub delivered: Vec<(usize, Vec<u8>, Vec<u8>, bool)>,
    /// How long the last packet with such a message was.
    pub publish_bytes: usize,
    /// What each wants nodes.conf to be.
    pub files: [String; 2],
    /// Each open connection's two ends: who, and what it calls the link.
    links: Vec<[(usize, LinkId); 2]>,
    inputs: VecDeque<(usize, Input)>,
    replies: [Option<Reply>; 2],
    last_inbound: u64,
    /// Whether what each sends is lost.
    silent: [bool; 2],
    /// New connections are refused.
    is_cut: bool,
}

impl Pair {
    /// Two that have met.
    pub fn met() -> Pair {
        let member = |number: usize| {
            let config = Config { port: 7000, bus_port: BUS_PORTS[number], ..Config::default() };
            Member::new(config, None, number as u64, START_MS)
        };
        let mut pair = Pair {
            now_ms: START_MS,
            members: [member(0), member(1)],
            logs: Default::default(),
            delivered: Vec::new(),
            publish_bytes: 0,
            files: Default::default(),
            links: Vec::new(),
            inputs: VecDeque::new(),
            replies: [None, None],
            last_inbound: 0,
            silent: [false; 2],
            is_cut: false,
        };
        pair.drain();
        let meet = Command::Meet { ip: "127.0.0.1".to_owned(), port: 7000, bus_port: Some(BUS_PORTS[1]) };
        assert_eq!(pair.run(0, meet), Reply::Ok);
        pair.pass(1_000);
        for member in &pair.members {
            let known = member.nodes.iter().filter(|(_, node)| !node.in_handshake()).count();
            assert_eq!(known, 2);
        }
        pair
    }

    /// Lets time pass, a hundredth of a second at a time.
    pub fn pass(&mut self, duration_ms: u64) {
        for _ in 0..duration_ms / 10 {
            self.now_ms += 10;
            self.step(0, Input::Tick);
            self.step(1, Input::Tick);
        }
    }

    pub fn run(&mut self, number: usize, command: Command) -> Reply {
        self.step(number, Input::Command { token: 1, command: command.into() });
        self.replies[number].take().expect("an answer at once")
    }

    pub fn configure(&mut self, number: usize, change: impl FnOnce(&mut Config)) {
        let mut config = self.members[number].config.clone();
        change(&mut config);
        self.step(number, Input::Configure(config));
    }

    pub fn step(&mut self, number: usize, input: Input) {
        self.inputs.push_back((number, input));
        while let Some((number, input)) = self.inputs.pop_front() {
            self.members[number].step(self.now_ms, input);
            self.drain();
        }
    }

    /// What `number` sends is lost from now on; the links stay open.
    pub fn silence(&mut self, number: usize) {
        self.silent[number] = true;
    }

    /// All links end so, and none is opened any more.
    pub fn cut(&mut self, end: LinkEnd) {
        self.is_cut = true;
        for (number, link) in std::mem::take(&mut self.links).into_iter().flatten() {
            self.step(number, Input::LinkClosed { link, end });
        }
    }

    /// The link on which `number` hears the other one's pings.
    pub fn inbound_link(&self, number: usize) -> LinkId {
        self.link_of(number, |link| !link.is_outbound())
    }

    /// The link on which `number` pings the other one.
    pub fn outbound_link(&self, number: usize) -> LinkId {
        self.link_of(number, LinkId::is_outbound)
    }

    fn link_of(&self, number: usize, is_it: impl Fn(LinkId) -> bool) -> LinkId {
        let mut ends = self.links.iter().flatten();
        ends.find(|(who, link)| *who == number && is_it(*link)).expect("they have met").1
    }

    fn drain(&mut self) {
        for number in 0..2 {
            while let Some(output) = self.members[number].poll_output() {
                self.perform(number, output);
            }
        }
    }

    fn perform(&mut self, number: usize, output: Output) {
        let other = 1 - number;
        match output {
            Output::Connect { link, .. } if self.is_cut => {
                self.inputs.push_back((number, Input::LinkClosed { link, end: LinkEnd::Refused }));
            }
            Output::Connect { link, .. } => {
                self.last_inbound += 1;
                let theirs = LinkId::new(self.last_inbound);
                self.links.push([(number, link), (other, theirs)]);
                let ip = || "127.0.0.1".to_owned();
                let accepted = Input::InboundAccepted { link: theirs, peer_ip: ip(), local_ip: ip() };
                self.inputs.push_back((other, accepted));
                self.inputs.push_back((number, Input::LinkOpened { link, local_ip: ip() }));
            }
            Output::Send { .. } if self.silent[number] => {}
            Output::Send { link, bytes } => {
                if matches!(bytes.get(13), Some(4 | 10)) {
                    self.publish_bytes = bytes.len();
                }
                if let Some((to, theirs)) = self.other_end(number, link) {
                    self.inputs.push_back((to, Input::Packet { link: theirs, bytes: bytes.to_vec() }));
                }
            }
            Output::Close { link } => {
                if let Some((to, theirs)) = self.other_end(number, link) {
                    let closed = Input::LinkClosed { link: theirs, end: crate::LinkEnd::Lost };
                    self.inputs.push_back((to, closed));
                }
                self.links.retain(|ends| !ends.contains(&(number, link)));
            }
            Output::Persist { seq, text } => {
                self.files[number] = text;
                self.inputs.push_back((number, Input::Persisted { seq }));
            }
            Output::PublishMap(map) => {
                self.inputs.push_back((number, Input::Applied { version: map.version }));
            }
            Output::Log { text, .. } => self.logs[number].push(text),
            Output::CommandReply { reply, .. } => self.replies[number] = Some(reply),
            Output::ReplicateFrom { .. }
            | Output::StopReplicating
            | Output::PauseWrites { .. }
            | Output::ResumeWrites
            | Output::DropSlots(_)
            | Output::FlushData => {}
            Output::DeliverPublish { channel, message, sharded } => {
                self.delivered.push((number, channel, message, sharded));
            }
        }
    }

    fn other_end(&self, number: usize, link: LinkId) -> Option<(usize, LinkId)> {
        let ends = self.links.iter().find(|ends| ends.contains(&(number, link)))?;
        ends.iter().copied().find(|(who, _)| *who != number)
    }
}
