//! A small cluster of our nodes that is the same in each run but for its ports: nodes get ids by the file that they keep them in.

use std::path::{Path, PathBuf};

use crate::harness::{self, Kind, Server};

/// `aaaa…` is the first node, on what the snapshots call 127.0.0.1:17001.
const DIGITS: &str = "abcdef0123456789";

pub struct Cluster {
    pub servers: Vec<Server>,
    /// Removed at the end.
    pub folder: PathBuf,
}

impl Cluster {
    /// So many nodes that know nobody.
    pub fn of_strangers(name: &str, count: usize) -> Cluster {
        let folder = std::env::temp_dir().join(format!("rcl-terminal-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        // What is sorted by address is in the order of the nodes.
        let servers = loop {
            let servers: Vec<Server> = (0..count).map(|number| start(&folder, number)).collect();
            if servers.is_sorted_by_key(|server| server.port) {
                break servers;
            }
        };
        Cluster { servers, folder }
    }

    pub fn address(&self, number: usize) -> String {
        self.servers[number - 1].address()
    }

    /// The first `members` nodes become a cluster with so many replicas for each master.
    pub fn create(&self, members: usize, replicas: &str) {
        let addresses: Vec<String> = self.servers[..members].iter().map(Server::address).collect();
        // Clusters of other tests have nodes of the same ids, and would be held for this one in a journal of all.
        let mut create = vec!["create", "--yes", "--no-journal", "--replicas", replicas];
        create.extend(addresses.iter().map(String::as_str));
        harness::rcl_ok(&create);
        self.await_no_errors();
    }

    /// Waits until `rcl check` calls the cluster healthy; it may warn.
    pub fn await_no_errors(&self) {
        harness::eventually("rcl check finds no error", || harness::findings(&self.servers[0]).0 == 0);
    }

    pub fn await_health(&self) {
        harness::eventually("nothing is to be found", || harness::findings(&self.servers[0]) == (0, vec![]));
    }

    /// What differs from run to run, and what it is called. A node that was reset has an id that nobody gave it.
    pub fn known(&self) -> Vec<(String, String)> {
        let ports = self.servers.iter().enumerate().flat_map(|(index, server)| {
            let port = |base: usize| (base + index + 1).to_string();
            [(server.port.to_string(), port(17000)), ((server.port + 10000).to_string(), port(27000))]
        });
        let ids = self.servers.iter().enumerate().flat_map(|(index, server)| {
            let Ok(stream) = std::net::TcpStream::connect(("127.0.0.1", server.port)) else {
                return Vec::new();
            };
            let id = harness::text(&harness::Link::over(stream).call(&["CLUSTER", "MYID"]));
            let name = DIGITS[index..=index].repeat(40);
            vec![(id.clone(), name.clone()), (id[..8].to_owned(), name[..8].to_owned())]
        });
        let ports: Vec<_> = ids.chain(ports).collect();
        let folder = (self.folder.display().to_string(), "/lab".to_owned());
        let home = std::env::var("HOME").unwrap_or_default();
        ports
            .into_iter()
            .chain([folder])
            .chain((!home.is_empty()).then(|| (home + "/", "/home/".to_owned())))
            .collect()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn start(folder: &Path, number: usize) -> Server {
    let id = DIGITS[number..=number].repeat(40);
    let file = folder.join(format!("nodes-{number}.conf"));
    let known = format!("{id} :0@0 myself,master - 0 0 0 connected\nvars currentEpoch 0 lastVoteEpoch 0\n");
    std::fs::write(&file, known).unwrap();
    // For hotkeys.
    let counting = ["--maxmemory-policy", "allkeys-lfu"];
    Server::start(Kind::Ours, &[&["--cluster-config-file", file.to_str().unwrap()][..], &counting].concat())
}
