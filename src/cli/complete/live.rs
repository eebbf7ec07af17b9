//! What only the config file, the journals or the cluster itself know: names, jobs, nodes with what they own.
//!
//! A cluster is asked once, for a moment, by the login that needs nobody: no question, no command is run. What is not there in time is not
//! offered.

use std::ffi::OsString;
use std::sync::mpsc;
use std::time::Duration;

use clap::Arg;
use rcl_proto::Address;
use rcl_proto::nodes_text::{self, NodeFlags, NodeLine};
use rcl_proto::resp::Reply;

use super::candidates::Candidate;
use super::place::{At, Place, is_address};
use crate::cli::Connection;
use crate::cli::config::Config;
use crate::connect::{Connector, address};
use crate::journal::{Found, StateFolder};
use crate::wire::{Endpoint, Wire};

/// How long all of it may take; a connection and each answer take at most half.
const PATIENCE: Duration = Duration::from_millis(400);

pub fn candidates(place: &Place<'_>) -> Vec<Candidate> {
    let At::Value(arg) = place.at else { return Vec::new() };
    match kind(arg) {
        Some(Kind::Cluster) => clusters(place),
        Some(Kind::Job) => in_time(jobs(place)),
        Some(Kind::Node { by_id }) => in_time(nodes(place, by_id)),
        None => Vec::new(),
    }
}

enum Kind {
    Cluster,
    Job,
    /// By address, and by id where that is taken, too.
    Node {
        by_id: bool,
    },
}

fn kind(arg: &Arg) -> Option<Kind> {
    let is_named =
        |name: &str| arg.get_value_names().is_some_and(|names| names.iter().any(|known| known == name));
    match arg.get_id().as_str() {
        "cluster" | "from_cluster" => Some(Kind::Cluster),
        "job" => Some(Kind::Job),
        // It is about to join: no cluster knows it.
        "new" | "nodes" => None,
        _ if is_address(arg) => Some(Kind::Node { by_id: false }),
        _ if is_named("NODE") || is_named("OLD") => Some(Kind::Node { by_id: true }),
        _ => None,
    }
}

fn config(place: &Place<'_>) -> Option<Config> {
    let named = place
        .said("config")
        .map(Into::into)
        .or_else(|| std::env::var_os("RCL_CONFIG").map(std::path::PathBuf::from));
    Config::read(named.as_deref()).ok()
}

fn clusters(place: &Place<'_>) -> Vec<Candidate> {
    let Some(config) = config(place) else { return Vec::new() };
    let names = config.clusters.keys();
    let entry = |name: &str| config.cluster(name).ok()?.entries.first().map(ToString::to_string);
    names.map(|name| Candidate::new(name, entry(name).unwrap_or_default())).collect()
}

/// The folder may be locked for a moment, as by a job that begins.
fn jobs(place: &Place<'_>) -> impl FnOnce() -> Option<Vec<Candidate>> + Send + 'static {
    let named = place.said("state_dir").map(OsString::from).or_else(|| std::env::var_os("RCL_STATE_DIR"));
    move || {
        let folder = named.map(StateFolder::at).or_else(StateFolder::usual)?;
        let found = folder.jobs().ok()?;
        let about = |found: &Found| found.job.as_ref().map(|(job, _)| job.title.clone()).unwrap_or_default();
        Some(found.iter().map(|found| Candidate::new(found.id.clone(), about(found))).collect())
    }
}

/// The work on a thread of its own, whose answer is waited for as long as a user waits for a Tab.
fn in_time(work: impl FnOnce() -> Option<Vec<Candidate>> + Send + 'static) -> Vec<Candidate> {
    let (sender, answer) = mpsc::channel();
    std::thread::spawn(move || {
        // Nobody may listen any more.
        let _ = sender.send(work().unwrap_or_default());
    });
    answer.recv_timeout(PATIENCE).unwrap_or_default()
}

/// The nodes of the cluster that the words name, else the environment.
fn nodes(place: &Place<'_>, by_id: bool) -> impl FnOnce() -> Option<Vec<Candidate>> + Send + 'static {
    let own = |id: &str| place.said(id).map(str::to_owned);
    let of_environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let connection = Connection {
        cluster: own("cluster").or_else(|| of_environment("RCL_CLUSTER")),
        config: own("config").or_else(|| of_environment("RCL_CONFIG")).map(Into::into),
        entry: own("entry")
            .or_else(|| of_environment("RCL_ENTRY"))
            .and_then(|text| address::read(&text).ok()),
        ..Connection::default()
    };
    move || {
        let connector = connection.silent_connector()?;
        let lines = connector.entries.iter().find_map(|entry| lines(&connector, entry))?;
        let known =
            lines.iter().filter(|line| !line.flags.contains(NodeFlags::HANDSHAKE) && line.endpoint.port != 0);
        let by_address =
            known.clone().map(|line| Candidate::new(address_of(line, &connector.entries[0]), about(line)));
        let ids = known.clone().filter(|_| by_id);
        let by_id = ids.map(|line| {
            let about = format!("{} {}", address_of(line, &connector.entries[0]), about(line));
            Candidate::new(line.id.to_string(), about)
        });
        Some(by_address.chain(by_id).collect())
    }
}

fn lines(connector: &Connector, entry: &Address) -> Option<Vec<NodeLine>> {
    let limit = PATIENCE / 2;
    let endpoint = Endpoint::Tcp(entry.clone());
    let mut wire = Wire::connect_by(&connector.transport, &endpoint, Some(limit)).ok()?;
    if let Some(credentials) = &connector.credentials {
        let user = credentials.user.as_deref();
        let words: Vec<&str> = ["AUTH"].into_iter().chain(user).chain([&*credentials.password]).collect();
        wire.call(&words).ok()?;
    }
    let reply = wire.call(&["CLUSTER", "NODES"]).ok().filter(|reply| !matches!(reply, Reply::Error(_)))?;
    nodes_text::parse(&String::from_utf8_lossy(reply.as_bytes()?)).ok()
}

fn address_of(line: &NodeLine, entry: &Address) -> String {
    let host = if line.endpoint.ip.is_empty() { &entry.host } else { &line.endpoint.ip };
    Address::new(host.clone(), line.endpoint.port).to_string()
}

fn about(line: &NodeLine) -> String {
    let failed = if line.flags.contains(NodeFlags::FAIL) { ", failed" } else { "" };
    match &line.master {
        Some(master) => format!("replica of {master:.8}{failed}"),
        None if line.slots.is_empty() => format!("master without slots{failed}"),
        None => format!("master of {}{failed}", line.slots),
    }
}
