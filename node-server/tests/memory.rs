//! Limits on memory, on a node as a process: keys are evicted, clients are closed, big values are freed elsewhere.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::harness::server::Server;
use crate::harness::{PATIENCE, wait_until};

fn number(server: &mut Server, field: &str) -> u64 {
    server.info(field).parse().unwrap()
}

fn raw(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// The connection is closed by the other side, and nothing came before.
fn is_closed_without_a_word(stream: &mut TcpStream) -> bool {
    !matches!(stream.read(&mut [0; 1024]), Ok(1..))
}

/// A master of a whole cluster, whose keys lie in many shards, and its replica.
#[test]
fn keys_are_evicted_over_all_shards_and_replicas_follow() {
    let mut master = Server::ours(&["--cluster-enabled", "yes", "--worker-threads", "2"]);
    assert_eq!(master.text("CLUSTER ADDSLOTSRANGE 0 16383"), "OK");
    wait_until("it serves all slots", || master.text("SET first x") == "OK");
    let limit = number(&mut master, "used_memory") + (8 << 20);
    let limits = format!("CONFIG SET maxmemory {limit} maxmemory-policy allkeys-lru");
    assert_eq!(master.text(&limits), "OK");
    let value = "x".repeat(20_000);
    for name in 0..2000 {
        assert_eq!(master.text(&format!("SET key:{name} {value}")), "OK");
    }
    let evicted = number(&mut master, "evicted_keys");
    let left: u64 = master.text("DBSIZE").parse().unwrap();
    assert_eq!(evicted + left, 2001);
    assert!((100..700).contains(&left), "{left} keys are left");
    assert_eq!(master.text(&format!("SET key:1999 {value}")), "OK", "the newest is still there");
    assert!(number(&mut master, "used_memory") < limit + (1 << 20));
}

#[test]
fn a_replica_evicts_what_its_master_evicts_and_nothing_by_itself() {
    let mut master = Server::ours(&[]);
    let mut replica = Server::ours(&["--maxmemory", "1mb", "--maxmemory-policy", "allkeys-random"]);
    replica.sync_with(master.port);
    let value = "x".repeat(100_000);
    for name in 0..50 {
        assert_eq!(master.text(&format!("SET key:{name} {value}")), "OK");
    }
    wait_until("the replica has all", || replica.offset() == master.offset());
    assert_eq!(replica.text("DBSIZE"), "50");
    assert_eq!(replica.info("evicted_keys"), "0");
    assert_eq!(master.text("CONFIG SET maxmemory 2mb maxmemory-policy allkeys-random"), "OK");
    // Nobody asks the master for anything meanwhile.
    wait_until("the master evicts in the background", || replica.text("DBSIZE").parse::<u64>().unwrap() < 20);
    wait_until("they are the same", || master.text("DBSIZE") == replica.text("DBSIZE"));
    assert_eq!(replica.info("evicted_keys"), "0");
}

#[test]
fn idle_times_and_frequencies_outlive_a_restart() {
    let mut server = Server::ours(&["--maxmemory-policy", "allkeys-lfu", "--lfu-log-factor", "0"]);
    server.call("SET often x");
    (0..50).for_each(|_| _ = server.call("GET often"));
    assert_eq!(server.text("OBJECT FREQ often"), "55");
    assert_eq!(server.text("SAVE"), "OK");
    let folder = server.kill();
    let mut server = Server::ours_in(folder, &["--maxmemory-policy", "volatile-lfu"]);
    assert_eq!(server.text("OBJECT FREQ often"), "55");
    assert_eq!(server.text("CONFIG SET maxmemory-policy allkeys-lru"), "OK");
    assert_eq!(server.text("SET new x"), "OK");
    assert_eq!(server.text("OBJECT IDLETIME new"), "0");
}

/// As programs do that send a whole pipeline before they read the first answer.
#[test]
fn a_long_pipeline_may_be_sent_before_an_answer_is_read() {
    let mut server = Server::ours(&[]);
    let value = "x".repeat(10_000);
    assert_eq!(server.text(&format!("SET key {value}")), "OK");
    let mut client = raw(&server);
    let requests = 10_000;
    let padding = " ".repeat(1000);
    for _ in 0..requests {
        client.write_all(format!("GET{padding}key\r\n").as_bytes()).unwrap();
    }
    let mut left = requests * (value.len() + "$10000\r\n\r\n".len());
    let mut buffer = vec![0; 1 << 16];
    while left > 0 {
        let read = client.read(&mut buffer).unwrap();
        assert!(read > 0 && read <= left);
        left -= read;
    }
}

#[test]
fn a_client_over_its_output_limit_is_closed_without_an_answer() {
    let mut server = Server::ours(&["--client-output-buffer-limit", "normal 100kb 0 0"]);
    let value = "x".repeat(200_000);
    assert_eq!(server.text(&format!("SET big {value}")), "OK");
    assert_eq!(server.text("HSET hash field value"), "1");
    for request in ["GET big\r\n", "HRANDFIELD hash -1000000000\r\n", "MULTI\r\nGET big\r\nEXEC\r\n"] {
        let mut client = raw(&server);
        client.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        _ = client.read_to_end(&mut answer);
        assert!(answer.is_empty() || answer == b"+OK\r\n+QUEUED\r\n", "{request}");
    }
    assert_eq!(server.info("client_output_buffer_limit_disconnections"), "3");
    // The soft limit gives it time.
    server.client.call(&["CONFIG", "SET", "client-output-buffer-limit", "normal 0 100kb 1"]);
    let mut client = raw(&server);
    (0..200).for_each(|_| client.write_all(b"GET big\r\n").unwrap());
    wait_until("it is closed", || server.info("client_output_buffer_limit_disconnections") == "4");
}

/// All in one batch: what is answered counts before the batch is through.
#[test]
fn a_client_that_does_not_read_goes_before_any_key() {
    let mut server = Server::ours(&["--maxmemory-policy", "allkeys-lru", "--maxmemory-clients", "8mb"]);
    let value = "x".repeat(100_000);
    (0..20).for_each(|name| assert_eq!(server.text(&format!("SET key:{name} {value}")), "OK"));
    let limit = number(&mut server, "used_memory") + (40 << 20);
    assert_eq!(server.text(&format!("CONFIG SET maxmemory {limit}")), "OK");
    let mut client = raw(&server);
    client.write_all("GET key:1\r\n".repeat(2000).as_bytes()).unwrap();
    wait_until("it is closed", || server.info("evicted_clients") == "1");
    assert_eq!((server.info("evicted_keys").as_str(), server.text("DBSIZE").as_str()), ("0", "20"));
}

/// The room for what a client sends is there while it sends, and shrinks when it sends less.
#[test]
fn room_for_long_requests_is_kept_while_they_come() {
    let mut server = Server::ours(&["--enable-debug-command", "yes"]);
    assert_eq!(server.text("DEBUG PAUSE-CRON 1"), "OK");
    let mut client = raw(&server);
    let mut ask = |request: String| {
        client.write_all(request.as_bytes()).unwrap();
        client.read_exact(&mut [0; 5]).unwrap();
    };
    ask("CLIENT SETNAME sender\r\n".to_owned());
    let room = |server: &mut Server| {
        let list = server.text("CLIENT LIST");
        let line = list.lines().find(|line| line.contains(" name=sender ")).unwrap().to_owned();
        let figure = line.split(' ').find_map(|field| field.strip_prefix("qbuf-free="));
        figure.unwrap().parse::<usize>().unwrap()
    };
    wait_until("its request is through", || room(&mut server) == 16_384);
    ask(format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$400000\r\n{}\r\n", "v".repeat(400_000)));
    assert!(room(&mut server) > 400_000);
    assert_eq!(server.text("DEBUG PAUSE-CRON 0"), "OK");
    wait_until("it shrinks", || room(&mut server) <= 16_384);
}

#[test]
fn clients_that_take_too_much_are_closed_unless_they_are_spared() {
    let mut server = Server::ours(&["--maxmemory-clients", "2mb"]);
    let half = format!("*1\r\n$3000000\r\n{}", "v".repeat(2_900_000));
    let mut client = raw(&server);
    // The end may come while it still sends.
    _ = client.write_all(half.as_bytes());
    assert!(is_closed_without_a_word(&mut client));
    assert_eq!(server.info("evicted_clients"), "1");
    let mut spared = raw(&server);
    spared.write_all(b"CLIENT NO-EVICT on\r\n").unwrap();
    let mut answer = [0; 5];
    spared.read_exact(&mut answer).unwrap();
    spared.write_all(half.as_bytes()).unwrap();
    wait_until("all of it came", || server.text("CLIENT LIST").contains(" qbuf=2900000 "));
    assert_eq!(server.info("evicted_clients"), "1");
}

#[test]
fn big_values_are_freed_elsewhere_where_they_shall() {
    let mut server = Server::ours(&[]);
    let members: Vec<String> = (0..200).map(|member| format!("member:{member}")).collect();
    let fill = format!("SADD set {}", members.join(" "));
    let mut expected = 0;
    let mut freed = |server: &mut Server, command: &str, lazily: u64| {
        assert_eq!(server.text(&fill), "200");
        server.call(command);
        expected += lazily;
        wait_until("it is freed", || server.info("lazyfree_pending_objects") == "0");
        assert_eq!(number(server, "lazyfreed_objects"), expected, "{command}");
    };
    freed(&mut server, "DEL set", 0);
    freed(&mut server, "UNLINK set", 1);
    freed(&mut server, "SET set x", 0);
    server.call("DEL set");
    freed(&mut server, "FLUSHALL ASYNC", 1);
    server.call(
        "CONFIG SET lazyfree-lazy-user-del yes lazyfree-lazy-server-del yes lazyfree-lazy-user-flush yes",
    );
    freed(&mut server, "DEL set", 1);
    freed(&mut server, "SET set x", 1);
    server.call("DEL set");
    freed(&mut server, "FLUSHALL", 1);
    server.call("SET other x");
    freed(&mut server, "RENAME other set", 1);
}
