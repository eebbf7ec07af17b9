//! Our nodes beside redis-server's, each kind a cluster of its own, asked the same. In what is asked, `@0` is the id of the
//! first node; in the answers ids and ports are the nodes' numbers, too.

use rcl_proto::resp::Reply;

use super::server::{Kind, Server, meet_all, share_slots};

pub struct Cluster {
    pub servers: Vec<Server>,
    ids: Vec<String>,
}

pub struct Both {
    pub ours: Cluster,
    pub redis: Cluster,
}

impl Cluster {
    /// Masters, and then as many replicas as asked for, of the masters in turn.
    fn start(kind: Kind, masters: usize, replicas: usize) -> Cluster {
        let mut servers: Vec<Server> = (0..masters + replicas).map(|_| Server::start(kind)).collect();
        meet_all(&mut servers);
        share_slots(&mut servers, masters);
        for number in 0..replicas {
            let master = servers[number % masters].id();
            let replica = &mut servers[masters + number];
            replica.must(&format!("CLUSTER REPLICATE {master}"));
            replica.wait_for("INFO replication", |text| text.contains("master_link_status:up"));
        }
        for server in &mut servers {
            server.wait_for("CLUSTER NODES", |text| text.matches("slave ").count() == replicas);
        }
        let ids = servers.iter_mut().map(Server::id).collect();
        Cluster { servers, ids }
    }

    fn ask(&mut self, number: usize, line: &str) -> String {
        let ids = self.ids.iter().enumerate();
        let line = ids.fold(line.to_owned(), |line, (number, id)| line.replace(&format!("@{number}"), id));
        let mut answer = readable(&self.servers[number].ask(&line));
        for (number, (server, id)) in self.servers.iter().zip(&self.ids).enumerate() {
            answer = answer.replace(id, &format!("@{number}"));
            answer = answer.replace(&format!(":{}", server.port), &format!(":<{number}>"));
        }
        answer
    }

    /// What CLIENT LIST says of the client that asks.
    fn flags(&mut self, number: usize) -> String {
        let text = self.servers[number].text("CLIENT INFO");
        text.split(' ').find_map(|field| field.strip_prefix("flags=")).unwrap().to_owned()
    }
}

/// As somebody reads it.
fn readable(reply: &Reply) -> String {
    match reply {
        Reply::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Reply::Array(elements) => {
            format!("[{}]", elements.iter().map(readable).collect::<Vec<_>>().join(", "))
        }
        other => format!("{other:?}"),
    }
}

impl Both {
    pub fn start(masters: usize, replicas: usize) -> Both {
        let [ours, redis] = [Kind::Ours, Kind::Redis].map(|kind| Cluster::start(kind, masters, replicas));
        Both { ours, redis }
    }

    fn each(&mut self) -> [&mut Cluster; 2] {
        [&mut self.ours, &mut self.redis]
    }

    /// Asks all of it, and both answer the same.
    pub fn same(&mut self, number: usize, lines: &str) {
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let [ours, redis] = self.each().map(|cluster| cluster.ask(number, line));
            assert_eq!(ours, redis, "node {number}: {line}");
        }
    }

    pub fn wait_for(&mut self, number: usize, line: &str, words: &str) {
        for cluster in self.each() {
            cluster.servers[number].wait_for(line, |text| text.contains(words));
        }
    }

    /// What CLIENT LIST says of the clients that ask.
    pub fn flags(&mut self, number: usize) -> [String; 2] {
        self.each().map(|cluster| cluster.flags(number))
    }

    /// Changes a directive and waits until it is in force: then `line` is answered so.
    pub fn set(&mut self, number: usize, directive: &str, line: &str, expected: &str) {
        for cluster in self.each() {
            cluster.servers[number].must(&format!("CONFIG SET {directive}"));
            let start = std::time::Instant::now();
            while !cluster.ask(number, line).contains(expected) {
                assert!(start.elapsed().as_secs() < 60, "{directive}: {line} is never {expected}");
            }
        }
    }
}
