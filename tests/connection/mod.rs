//! Every way to get to a cluster: TLS, logins, names, NAT, sockets, IPv6, and a config file that knows them.

use std::path::{Path, PathBuf};

use crate::harness::certificates::Certificates;
use crate::harness::{Kind, Server, free_port, have_server, outcome, rcl_command};
use serde_json::Value;

/// `rcl` with an environment of its own.
fn rcl(environment: &[(&str, &str)], arguments: &[&str]) -> (i32, String, String) {
    outcome(rcl_command(arguments).envs(environment.iter().copied()).output().unwrap())
}

#[track_caller]
fn succeeds(environment: &[(&str, &str)], arguments: &[&str]) -> String {
    let (code, stdout, stderr) = rcl(environment, arguments);
    assert_eq!(code, 0, "rcl {arguments:?}\n{stdout}{stderr}");
    stdout
}

#[track_caller]
fn fails(environment: &[(&str, &str)], code: i32, words: &str, arguments: &[&str]) {
    let (got, stdout, stderr) = rcl(environment, arguments);
    assert_eq!(got, code, "rcl {arguments:?}\n{stdout}{stderr}");
    assert!(stderr.contains(words), "rcl {arguments:?} does not say '{words}':\n{stderr}");
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// A server with a plain port, by which the harness looks whether it is up, and one for TLS.
fn with_tls(certificates: &Certificates, certificate: &str, clients: &str) -> (Server, u16) {
    let port = free_port();
    let path = |name: &str| certificates.path(name);
    let server = Server::start(
        Kind::Redis,
        &[
            "--tls-port",
            &port.to_string(),
            "--tls-cert-file",
            &path(&format!("{certificate}.pem")),
            "--tls-key-file",
            &path(&format!("{certificate}.key")),
            "--tls-ca-cert-file",
            &path("ca.pem"),
            "--tls-auth-clients",
            clients,
            "--tls-cluster",
            "yes",
            "--tls-replication",
            "yes",
            "--requirepass",
            "of the nodes",
            "--masterauth",
            "of the nodes",
        ],
    );
    (server, port)
}

#[test]
fn a_cluster_behind_tls_is_served_like_any_other() {
    if !have_server() {
        return;
    }
    let Some(made) = Certificates::make("cluster") else { return };
    let nodes: Vec<(Server, u16)> = (0..3).map(|_| with_tls(&made, "node", "yes")).collect();
    let addresses: Vec<String> = nodes.iter().map(|(_, port)| format!("127.0.0.1:{port}")).collect();
    write(made.folder(), "password", "of the nodes\n");
    // The first entry is dead, and everything is named relative to the file.
    let config = write(
        made.folder(),
        "config.yaml",
        &format!(
            "clusters:\n  lab:\n    entry: ['127.0.0.1:9', '{}']\n    password_file: password\n    connect_timeout: 2\n    \
         tls: {{ca: ca.pem, cert: client.pem, key: client.key}}\n",
            addresses[1]
        ),
    );
    let lab = [("RCL_CONFIG", config.as_str()), ("RCL_ENTRY", "127.0.0.1:8"), ("REDISCLI_AUTH", "wrong")];
    let on_lab = |words: &[&str]| succeeds(&lab, &[&["-C", "lab", "--yes"], words].concat());

    on_lab(&["create", &addresses[0], &addresses[1], &addresses[2]]);
    on_lab(&["check"]);
    let info: Value = serde_json::from_str(&on_lab(&["-o", "json", "info"])).unwrap();
    for node in info["nodes"].as_array().unwrap() {
        assert!(
            addresses.contains(&node["address"].as_str().unwrap().to_owned()),
            "by their TLS ports: {node}"
        );
    }

    // Keys move from node to node by TLS, and come out by the replication stream and in again.
    for number in 0..10 {
        set(&lab, &addresses, &format!("{{a}}:{number}"));
    }
    let in_slot = || -> Value {
        serde_json::from_str(&on_lab(&["-o", "json", "keys-in-slot", "--of-key", "{a}"])).unwrap()
    };
    let before = in_slot();
    let nodes_of_info = info["nodes"].as_array().unwrap();
    let is_owner =
        |node: &&Value| before["owner"].as_str().unwrap().contains(node["address"].as_str().unwrap());
    let owner = nodes_of_info.iter().find(is_owner).unwrap();
    let other = nodes_of_info.iter().find(|node| !is_owner(node)).unwrap();
    let [from, to] = [owner, other].map(|node| node["id"].as_str().unwrap());
    on_lab(&["reshard", "--from", from, "--to", to, "--slots", &owner["slot_count"].to_string()]);
    let after = in_slot();
    assert_ne!(before["owner"], after["owner"]);
    assert_eq!((&before["nodes"][0]["count"], &after["nodes"][0]["count"]), (&10.into(), &10.into()));
    let backup = made.path("backup");
    on_lab(&["backup", &backup]);
    on_lab(&["verify", &backup]);

    // What goes wrong is said with the option that helps.
    let entry = addresses[0].as_str();
    let (ca, other_ca) = (made.path("ca.pem"), made.path("other-ca.pem"));
    let (cert, key) = (made.path("client.pem"), made.path("client.key"));
    let login = [("REDISCLI_AUTH", "of the nodes")];
    let ours = ["--cert", &cert, "--key", &key];
    let run = |more: &[&str]| rcl(&login, &[&["info", entry], &ours[..], more].concat());
    assert_eq!(run(&["--cacert", &ca]).0, 0);
    assert_eq!(run(&["--insecure"]).0, 0);
    assert_eq!(run(&["--cacert", &ca, "--sni", "localhost"]).0, 0);
    let (code, _, said) = run(&["--cacert", &other_ca]);
    assert!(code == 4 && said.contains("--cacert"), "{said}");
    let (code, _, said) = run(&["--cacert", &ca, "--sni", "redis.example"]);
    assert!(code == 4 && said.contains("--tls-any-name"), "{said}");
    assert_eq!(run(&["--cacert", &ca, "--sni", "redis.example", "--tls-any-name"]).0, 0);
    assert_eq!(run(&["--cacert", &other_ca, "--tls-any-name"]).0, 4, "the CA is looked at all the same");
    fails(&login, 4, "--cert and --key", &["info", entry, "--cacert", &ca]);
    fails(&login, 4, "--tls", &["info", entry]);
    let plain = nodes[0].0.address();
    // It takes the handshake for the beginning of a line, and waits for its end.
    fails(&login, 4, "--connect-timeout", &["info", &plain, "--cacert", &ca, "--connect-timeout", "1"]);
    fails(&login, 2, "/no/such.pem", &["info", entry, "--cacert", "/no/such.pem"]);
    let by_environment =
        [("REDISCLI_AUTH", "of the nodes"), ("RCL_CACERT", &ca), ("RCL_CERT", &cert), ("RCL_KEY", &key)];
    succeeds(&by_environment, &["info", entry]);
}

/// Through the node that owns the key.
fn set(lab: &[(&str, &str)], addresses: &[String], key: &str) {
    for address in addresses {
        let answer =
            rcl(lab, &["-C", "lab", "--yes", "-o", "json", "call", "--only", address, "SET", key, "value"]);
        if answer.1.contains("\"OK\"") {
            return;
        }
    }
    panic!("nobody takes {key}");
}

#[test]
fn a_certificate_without_names_is_taken_when_that_is_asked_for() {
    if !have_server() {
        return;
    }
    let Some(made) = Certificates::make("nameless") else { return };
    let (_server, port) = with_tls(&made, "nameless", "no");
    let (entry, ca) = (format!("127.0.0.1:{port}"), made.path("ca.pem"));
    let login = [("REDISCLI_AUTH", "of the nodes")];
    fails(&login, 4, "--tls-any-name", &["nodes", &entry, "--cacert", &ca]);
    succeeds(&login, &["nodes", &entry, "--cacert", &ca, "--tls-any-name"]);
    // A folder of CAs, with what else lies there.
    succeeds(
        &login,
        &["nodes", &entry, "--cacertdir", &made.folder().display().to_string(), "--tls-any-name"],
    );
}

#[test]
fn nodes_are_found_behind_nat_by_name_by_socket_and_by_ipv6() {
    if !have_server() {
        return;
    }
    let folder = std::env::temp_dir().join(format!("rcl-ways-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let _remove = Remove(folder.clone());
    let socket = folder.join("redis.sock").display().to_string();
    // They announce client ports that nobody listens on: 3xxxx for 1xxxx.
    let servers: Vec<Server> = (0..3)
        .map(|number| {
            let mut directives = vec!["--bind", "127.0.0.1 ::1", "--requirepass", "secret"];
            if number == 0 {
                directives.extend(["--unixsocket", &socket]);
            }
            let server = Server::start(Kind::Redis, &directives);
            let mut link = server.link();
            link.call(&["AUTH", "secret"]);
            let announced = (server.port + 20_000).to_string();
            link.call(&["CONFIG", "SET", "cluster-announce-port", &announced]);
            link.call(&["ACL", "SETUSER", "ops", "on", ">of ops", "~*", "&*", "+@all"]);
            server
        })
        .collect();
    let port = servers[0].port;
    let map = "127.0.0.1:3*=localhost:1*";
    let config = write(
        &folder,
        "config.yaml",
        &format!(
            "clusters:\n  nat:\n    entry: 127.0.0.1:{port}\n    user: ops\n    password_command: echo of ops\n    map: ['{map}']\n"
        ),
    );
    let nat = [("RCL_CONFIG", config.as_str())];
    let all: Vec<String> = servers.iter().map(Server::address).collect();
    succeeds(&nat, &["-C", "nat", "create", &all[0], &all[1], &all[2], "--yes"]);
    succeeds(&nat, &["-C", "nat", "check"]);
    // An option, an environment of one's own, and without the map nobody is there.
    let login = [("REDISCLI_AUTH", "of ops"), ("RCL_USER", "ops")];
    succeeds(&login, &["check", &all[0], "--map", map]);
    succeeds(&[&login[..], &[("RCL_MAP", map)]].concat(), &["check", &all[0]]);
    fails(&login, 1, "", &["check", &all[0]]);

    // Each way to write where a node is; the answer is that of one node.
    let unix = format!("unix:{socket}");
    let count = |entry: &str| {
        let text = succeeds(&login, &["-o", "json", "info", entry, "--map", map]);
        serde_json::from_str::<Value>(&text).unwrap()["known_nodes"].clone()
    };
    for entry in [format!("localhost:{port}"), format!("[::1]:{port}"), format!("::1:{port}"), unix] {
        assert_eq!(count(&entry), 3, "{entry}");
    }
    // RCL_CLUSTER names the cluster where the verb names none, and the verb's own word goes before it.
    let chosen = [("RCL_CONFIG", config.as_str()), ("RCL_CLUSTER", "nat")];
    succeeds(&chosen, &["check"]);
    succeeds(&chosen, &["check", &all[2]]);
    // A node is named by where it is reached, too.
    let call =
        succeeds(&nat, &["-C", "nat", "-o", "json", "call", "--only", &format!("localhost:{port}"), "PING"]);
    assert!(call.contains("PONG"), "{call}");
    fails(&nat, 2, "it names nat", &["-C", "nta", "check"]);
    fails(&[("RCL_CONFIG", "/no/such.yaml")], 2, "/no/such.yaml", &["-C", "nat", "check"]);
    // Two clusters of the file: the source has its own way.
    succeeds(&nat, &["-C", "nat", "verify", "--from-cluster", "nat"]);
}

struct Remove(PathBuf);

impl Drop for Remove {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
