//! The control thread: it runs the cluster core and the bus, and never waits for a shard, a disk or a client.
//!
//! ```text
//!  workers ── commands, publishes ──▶┌──────────────────┐── maps, pauses, deletions ──▶ applier thread
//!  bus links ── packets ────────────▶│  control thread   │◀── applied, paused ──────────
//!  time ────────────────────────────▶│  rcl_cluster's    │── nodes.conf ──────────────▶ disk thread
//!  replication ── facts ────────────▶│  Member           │◀── persisted ────────────────
//!                                    └──────────────────┘── published messages ──────▶ delivery thread
//! ```
//!
//! It starts before the data are loaded, so that a node is there for its peers all the time; what it decides about data
//! waits for them in the applier.
//!
//! So a slow command, a slow disk or a flood of clients never delays a heartbeat. What waits for a shard or a
//! disk in the rules of the protocol (a slot gained, a vote given) waits for the acknowledgement only, in the
//! core.
//!
//! - [`bus`]: doors and links of the bus; - `driver`: the loop and what is done with the core's outputs;
//! - [`applier`], [`disk`], `delivery`: the other threads; - [`nodes_file`]: nodes.conf's lock and first reading;
//! - `settings`, `replicating`: what the core is told of the configuration and of replication.

mod applier;
mod bus;
mod byte_gauge;
mod delivery;
mod disk;
mod driver;
mod nodes_file;
mod replicating;
mod settings;

use std::io;
use std::sync::{Arc, mpsc};
use std::thread;

use rcl_cluster::packet::HEADER_BYTES;
use rcl_cluster::{Command, Input, Member, Reply};
use rcl_proto::SlotSet;
use rcl_proto::resp::{Protocol, ReplyWriter};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

pub use bus::{LinkBuffers, LinkTable};
pub use nodes_file::{NodesFile, NodesFileError};

use crate::client::WakeHandle;
use crate::clock::SteadyClock;
use crate::config::Settings;
use crate::disk::Disk;
use crate::net::{BindError, TcpDoors, places};
use crate::node::Node;
use bus::BusListeners;
use byte_gauge::{ByteGauge, HeldBytes};

/// The way to the control thread.
#[derive(Clone, Debug)]
pub struct ControlHandle {
    sender: UnboundedSender<ControlMessage>,
    bus_memory: ByteGauge,
    doors: Arc<TcpDoors>,
}

/// What other threads tell it.
pub enum ControlMessage {
    /// Run a CLUSTER command, and give its answer to `answer`.
    Command { command: Command, answer: Answer },
    /// PUBLISH or SPUBLISH was called here.
    Publish { channel: Vec<u8>, payload: Vec<u8>, sharded: bool, held: HeldBytes },
    /// The data of the last save are in the shards.
    Loaded { answer: Answer },
    /// CONFIG SET changed something.
    SettingsChanged,
}

/// What is done with a command's answer, on the control thread: it must not wait.
pub type Answer = Box<dyn FnOnce(&Reply, &LinkTable) + Send>;

impl ControlHandle {
    /// False when the control thread has ended.
    pub fn send(&self, message: ControlMessage) -> bool {
        self.sender.send(message).is_ok()
    }

    /// A message for subscribers on other nodes; it counts as the bus's from now on.
    pub fn publication(&self, channel: &[u8], payload: &[u8], sharded: bool) -> ControlMessage {
        let held = self.bus_memory.hold(HEADER_BYTES + channel.len() + payload.len());
        ControlMessage::Publish { channel: channel.to_vec(), payload: payload.to_vec(), sharded, held }
    }

    /// The bus's doors are where the settings say from now on, or stay where they were. Links stay in any case.
    pub fn move_doors(&self, settings: &Settings) -> Result<(), StartError> {
        let port = settings.bus_port().ok_or(StartError::NoBusPort { port: settings.port })?;
        let places = places(&settings.bind, port).map_err(StartError::Bind)?;
        self.doors.change(&places).map_err(StartError::Bind)
    }

    /// What the bus's links hold in memory, in bytes.
    pub fn bus_bytes(&self) -> usize {
        self.bus_memory.bytes()
    }

    /// Runs a CLUSTER command whose answer ends `wait`, written by `render`.
    pub fn run(
        &self,
        command: Command,
        protocol: Protocol,
        wait: WakeHandle,
        render: impl FnOnce(&Reply, &LinkTable, &mut ReplyWriter<'_>) + Send + 'static,
    ) -> bool {
        let answer: Answer = Box::new(move |reply, links| {
            let mut bytes = Vec::new();
            render(reply, links, &mut ReplyWriter::new(&mut bytes, protocol));
            wait.reply(bytes);
        });
        self.send(ControlMessage::Command { command, answer })
    }

    /// The data of the last save are in the shards: slots with keys and without an owner are ours from now on. Returns
    /// when the shards act by that, and by all that the cluster decided meanwhile.
    pub async fn data_are_there(&self) {
        let (done, all_done) = oneshot::channel();
        let answer: Answer = Box::new(move |_, _| done.send(()).unwrap_or_default());
        self.send(ControlMessage::Loaded { answer });
        // Fails only when the control thread has ended.
        let _ = all_done.await;
    }
}

/// A control thread that can start: its doors are open and its nodes.conf is read and locked.
#[derive(Debug)]
pub struct Prepared {
    listeners: BusListeners,
    file: NodesFile,
    persistent: Option<rcl_cluster::Persistent>,
    settings: Settings,
}

/// Why a node can't be part of a cluster.
#[derive(Debug)]
pub enum StartError {
    /// The client port leaves no room for port + 10000, and `cluster-port` is not set.
    NoBusPort {
        port: u16,
    },
    Bind(BindError),
    File(NodesFileError),
    Thread(io::Error),
    Entropy(String),
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            StartError::NoBusPort { port } => write!(
                f,
                "the cluster bus needs port {port} + 10000, which there is not: choose a port below 55536 or set 'cluster-port'"
            ),
            StartError::Bind(error) => write!(f, "the cluster bus: {error}"),
            StartError::File(error) => error.fmt(f),
            StartError::Thread(error) => {
                write!(f, "a thread of the cluster's control cannot be started: {error}")
            }
            StartError::Entropy(error) => write!(f, "the system gives no random bytes: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

impl Prepared {
    /// Opens the bus's doors, and locks and reads nodes.conf. Nothing is changed yet but the lock.
    pub fn open(settings: &Settings, disk: &Arc<dyn Disk>) -> Result<Prepared, StartError> {
        let port = settings.bus_port().ok_or(StartError::NoBusPort { port: settings.port })?;
        let listeners = BusListeners::open(settings, port).map_err(StartError::Bind)?;
        let path = settings.resolve(&settings.cluster_config_file);
        let (file, persistent) = NodesFile::open(disk, &path).map_err(StartError::File)?;
        Ok(Prepared { listeners, file, persistent, settings: settings.clone() })
    }

    /// Starts the threads: from here on the bus answers. When it returns, every shard has the first map. The data come
    /// after that, and who brought them says so by [`ControlHandle::data_are_there`].
    pub fn start(self, node: &Arc<Node>) -> Result<ControlHandle, StartError> {
        let mut seed = [0; 8];
        getrandom::fill(&mut seed).map_err(|error| StartError::Entropy(error.to_string()))?;
        let clock = SteadyClock::start();
        let config = settings::core_config(&self.settings);
        let mut member = Member::new(config, self.persistent, u64::from_ne_bytes(seed), clock.now_ms());
        member.step(clock.now_ms(), Input::Loading(true));
        let (sender, messages) = unbounded_channel();
        let (acknowledge, acknowledgements) = unbounded_channel();
        let (ready_sender, ready) = mpsc::channel();
        let bus_memory = ByteGauge::default();
        let driver = driver::Driver::new(
            driver::Parts {
                node: node.clone(),
                member,
                clock,
                applier: applier::start(node.clone(), acknowledge.clone()).map_err(StartError::Thread)?,
                disk: disk::start(self.file, acknowledge).map_err(StartError::Thread)?,
                delivery: delivery::start(node.clone()).map_err(StartError::Thread)?,
                bus_memory: bus_memory.clone(),
            },
            ready_sender,
        );
        let inbox = Inbox { messages, acknowledgements };
        let doors = start_driver(driver, self.listeners, inbox).map_err(StartError::Thread)?;
        // The sender lives in the thread: when that ends early, so does this wait.
        ready
            .recv()
            .map_err(|_| StartError::Thread(io::Error::other("the control thread ended at its start")))?;
        Ok(ControlHandle { sender, bus_memory, doors: Arc::new(doors) })
    }
}

/// What comes to the control thread from other threads.
struct Inbox {
    messages: UnboundedReceiver<ControlMessage>,
    acknowledgements: UnboundedReceiver<Acknowledgement>,
}

/// What the applier and the disk thread report.
#[derive(Debug)]
enum Acknowledgement {
    Applied {
        version: u64,
    },
    /// All that waited for the data is done; these slots have keys.
    Loaded {
        slots: Box<SlotSet>,
    },
    WritesPaused {
        offset: u64,
    },
    Persisted {
        seq: u64,
    },
    /// The newest state is not on the disk yet; the disk thread goes on trying.
    NotPersisted {
        reason: String,
    },
}

fn start_driver(driver: driver::Driver, listeners: BusListeners, inbox: Inbox) -> io::Result<TcpDoors> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let doors = listeners.serve(runtime.handle(), driver.bus_events())?;
    start_thread("control", move || runtime.block_on(driver.run(inbox)))?;
    Ok(doors)
}

fn start_thread(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let guarded = move || {
        let _guard = EndWithTheThread;
        body();
    };
    thread::Builder::new().name(name.to_owned()).spawn(guarded)?;
    Ok(())
}

/// A node whose control is dead by a bug would serve by an old map for ever, while its cluster replaces it: two
/// masters. It must end instead.
struct EndWithTheThread;

impl Drop for EndWithTheThread {
    fn drop(&mut self) {
        if thread::panicking() {
            tracing::error!("a thread of the cluster's control panicked: the node ends");
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests;
