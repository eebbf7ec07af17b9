//! TLS by redis-cli's flags, beside the real one.

use std::process::Command;

use super::server::Server;
use super::{Program, assert_same, has_redis_cli, run};
use crate::harness::certificates::Certificates;
use crate::harness::free_port;

#[test]
fn flags_of_tls_are_redis_cli_s() {
    let Some(made) = Certificates::make("dialect") else { return };
    let port = free_port().to_string();
    let path = |name: &str| made.path(name);
    let (node, node_key, ca, other_ca) =
        (path("nameless.pem"), path("nameless.key"), path("ca.pem"), path("other-ca.pem"));
    let (cert, key) = (path("client.pem"), path("client.key"));
    let tls = [
        "--tls-port",
        &port,
        "--tls-cert-file",
        &node,
        "--tls-key-file",
        &node_key,
        "--tls-ca-cert-file",
        &ca,
    ];
    let Some(server) = Server::start(&tls) else { return };
    server.call(&["SET", "k", "v"]);
    let way = ["-p", &port, "--tls", "--cert", &cert, "--key", &key];
    let trusting = [&way[..], &["--cacert", &ca]].concat();
    let uri = format!("rediss://127.0.0.1:{port}");
    let by_uri = ["-u", &uri, "--cert", &cert, "--key", &key, "--cacert", &ca, "--no-auth-warning"];
    if has_redis_cli() {
        assert_same(&[&trusting[..], &["GET", "k"]].concat(), b"", &[]);
        assert_same(&[&trusting[..], &["--sni", "a.name", "GET", "k"]].concat(), b"", &[]);
        assert_same(&[&by_uri[..], &["GET", "k"]].concat(), b"", &[]);
        assert_same(&[&way[..], &["--insecure", "GET", "k"]].concat(), b"", &[]);
        assert_same(&[&trusting[..], &["--pipe"]].concat(), b"SET p 1\r\nNOSUCH\r\n", &[]);
        assert_same(&trusting, b"SELECT 1\nSUBSCRIBE\nPING\n", &[]);
    }
    let lines = "ECHO xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n".repeat(20_000);
    let piped = run(Program::Ours, &[&trusting[..], &["--pipe"]].concat(), lines.as_bytes(), &[]);
    let said = String::from_utf8_lossy(&piped.stdout).into_owned();
    assert!(said.ends_with("errors: 0, replies: 20000\n"), "{said}");
    let refused = run(Program::Ours, &[&way[..], &["--cacert", &other_ca, "GET", "k"]].concat(), b"", &[]);
    assert_eq!(refused.status.code(), Some(1), "another CA");
    // And by rcl's own options, before the verb.
    let output = Command::new(env!("CARGO_BIN_EXE_rcl"))
        .current_dir(made.folder())
        .args(["--cacert", "ca.pem", "--cert", &cert, "--key", &key, "--tls-any-name"])
        .args(["cli", &format!("127.0.0.1:{port}"), "GET", "k"])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "v\n", "{output:?}");
}
