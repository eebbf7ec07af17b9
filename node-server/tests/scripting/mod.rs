//! Scripts that run too long, in real processes: everybody else is told so, and they can be ended, also from the worker that
//! they keep busy. And functions as a part of the data set.

mod debugger;

use crate::harness::server::{Client, Server};
use crate::harness::wait_until;
use rcl_proto::resp::Reply;

const ENDLESS: &str = "while true do pcall(function() error('x') end) end";

fn busy_server(more: &[&str]) -> Server {
    let mut arguments = vec!["--busy-reply-threshold", "20"];
    arguments.extend_from_slice(more);
    Server::ours(&arguments)
}

fn code(reply: &Reply) -> String {
    match reply {
        Reply::Error(text) => text.split(' ').next().unwrap_or_default().to_owned(),
        Reply::Simple(text) => text.clone(),
        other => format!("{other:?}"),
    }
}

/// All texts in a reply.
fn texts(reply: &Reply) -> String {
    match reply {
        Reply::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Reply::Array(elements) => elements.iter().map(texts).collect::<Vec<_>>().join(" "),
        _ => String::new(),
    }
}

fn wait_until_busy(client: &mut Client) {
    wait_until("others are told that a script runs", || code(&client.call(&["GET", "k"])) == "BUSY");
}

#[test]
fn a_script_that_runs_too_long_is_told_of_and_killed() {
    // With one worker all clients are the busy one's.
    let server = busy_server(&["--io-threads", "1"]);
    let (mut running, mut other) = (server.connect(), server.connect());
    for script in [
        ENDLESS,
        "xpcall(function() while true do end end, function() while true do end end)",
        "local c = coroutine.wrap(function() while true do end end) while true do pcall(c) end",
    ] {
        running.send(&["EVAL", script, "0"]);
        wait_until_busy(&mut other);
        // Who comes now gets in, too.
        let mut late = server.connect();
        assert_eq!(code(&late.call(&["SET", "k", "v"])), "BUSY");
        assert_eq!(code(&late.call(&["FUNCTION", "KILL"])), "BUSY");
        assert_eq!(code(&other.call(&["SHUTDOWN"])), "BUSY");
        assert_eq!(code(&late.call(&["SCRIPT", "KILL"])), "OK");
        let Reply::Error(text) = running.reply() else { panic!("it was not killed: {script}") };
        assert!(text.starts_with("ERR Script killed by user"), "{text}");
        wait_until("all is as before", || code(&other.call(&["SET", "k", "v"])) == "OK");
    }
    assert_eq!(running.call(&["EVAL", "return redis.call('GET', 'k')", "0"]), Reply::Bulk(b"v".to_vec()));
    assert_eq!(code(&other.call(&["SCRIPT", "KILL"])), "NOTBUSY");
}

#[test]
fn what_has_written_is_not_killed_but_the_node_can_be_ended() {
    let server = busy_server(&[]);
    let (mut running, mut other) = (server.connect(), server.connect());
    running.send(&["EVAL", "redis.call('SET', 'k', 1) while true do end", "0"]);
    wait_until_busy(&mut other);
    assert_eq!(code(&other.call(&["SCRIPT", "KILL"])), "UNKILLABLE");
    other.send(&["SHUTDOWN", "NOSAVE"]);
    server.wait_for_its_end();
}

#[test]
fn functions_are_killed_by_their_own_command() {
    let server = busy_server(&[]);
    let (mut running, mut other) = (server.connect(), server.connect());
    let library = "#!lua name=l\nredis.register_function('f', function() while true do end end)";
    assert_eq!(other.call(&["FUNCTION", "LOAD", library]), Reply::Bulk(b"l".to_vec()));
    running.send(&["FCALL", "f", "0", "argument"]);
    wait_until_busy(&mut other);
    let stats = texts(&other.call(&["FUNCTION", "STATS"]));
    assert!(stats.contains("duration_ms"), "{stats}");
    assert_eq!(code(&other.call(&["SCRIPT", "KILL"])), "BUSY");
    assert_eq!(code(&other.call(&["FUNCTION", "KILL"])), "OK");
    assert!(matches!(running.reply(), Reply::Error(text) if text.contains("killed by user")));
}

#[test]
fn a_script_that_wants_too_much_memory_fails_alone() {
    let mut server = Server::ours(&[]);
    for script in [
        "return string.rep('x', 1e10)",
        "local t = {} while true do t[#t + 1] = ('x'):rep(1e6) .. #t end",
        "local s = 'x' while true do s = s .. s end",
        "redis.call('SETRANGE', 'big', 1e7, 'x')
         local t, good, error_text = {}, true, nil
         while good do
           good, error_text = pcall(function() t[#t + 1] = redis.call('GETRANGE', 'big', #t, -1) end)
         end
         return redis.error_reply(error_text)",
    ] {
        let Reply::Error(text) = server.client.call(&["EVAL", script, "0"]) else { panic!("{script}") };
        assert!(text.contains("not enough memory"), "{text}");
        assert_eq!(server.client.call(&["EVAL", "return 1", "0"]), Reply::Integer(1));
    }
}

#[test]
fn functions_are_replicated_copied_and_saved() {
    let library = |name: &str| {
        format!("#!lua name={name}\nredis.register_function('{name}', function() return '{name}' end)")
    };
    let mut master = Server::ours(&["--save", "3600 1", "--enable-debug-command", "yes"]);
    master.client.call(&["FUNCTION", "LOAD", &library("one")]);
    let mut replica = Server::ours(&[]);
    replica.client.call(&["FUNCTION", "LOAD", &library("own")]);
    replica.sync_with(master.port);
    assert_eq!(code(&replica.client.call(&["FCALL", "one", "0"])), "READONLY");
    assert_eq!(replica.info("number_of_libraries"), "1");
    master.client.call(&["FUNCTION", "LOAD", &library("two")]);
    master.client.call(&["FUNCTION", "DELETE", "one"]);
    wait_until("the replica has the change", || {
        let listed = texts(&replica.client.call(&["FUNCTION", "LIST", "WITHCODE"]));
        listed.contains("name=two") && !listed.contains("name=one")
    });
    assert_eq!(master.text("SAVE"), "OK");
    // What is there already is refused or replaced.
    let Reply::Error(text) = master.client.call(&["DEBUG", "RELOAD", "NOSAVE", "NOFLUSH"]) else { panic!() };
    assert!(text.contains("a library of functions that cannot be created: "), "{text}");
    master.client.call(&["FUNCTION", "LOAD", &library("three")]);
    assert_eq!(master.text("DEBUG RELOAD NOSAVE NOFLUSH MERGE"), "OK");
    assert_eq!(master.info("number_of_libraries"), "2");
    master.client.call(&["FUNCTION", "FLUSH"]);
    master.client.call(&["SET", "k", "v"]);
    assert_eq!(master.text("SAVE"), "OK");
    let Reply::Error(text) = master.client.call(&["DEBUG", "RELOAD", "NOSAVE", "NOFLUSH"]) else { panic!() };
    assert!(text.ends_with("there is a key 'k' already"), "{text}");
    assert_eq!(master.text("DEBUG RELOAD NOFLUSH MERGE"), "OK");
    master.client.call(&["FUNCTION", "LOAD", &library("two")]);
    assert_eq!(master.text("SAVE"), "OK");
    let folder = master.terminate();
    let mut again = Server::ours_in(folder, &[]);
    assert_eq!(again.client.call(&["FCALL", "two", "0"]), Reply::Bulk(b"two".to_vec()));
}
