//! What a node that crashes leaves in its log, and how it ends: with real processes.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use crate::harness::server::Server;
use crate::harness::wait_until;

fn send(server: &Server, signal: &str) {
    assert!(Command::new("kill").args([signal, &server.pid().to_string()]).status().unwrap().success());
}

/// The parts of a report stand in this order.
fn assert_report(log: &str, parts: &[&str]) {
    let mut from = 0;
    for part in parts {
        let place = log[from..].find(part).unwrap_or_else(|| panic!("no '{part}' here on: {}", &log[from..]));
        from += place + part.len();
    }
}

const SIGABRT: i32 = 6;
const SIGSEGV: i32 = 11;
const SIGBUS: i32 = 7;

#[test]
fn a_node_that_is_sent_a_fatal_signal_reports_and_ends_by_it() {
    for (name, number) in [("-SIGABRT", SIGABRT), ("-SIGBUS", SIGBUS)] {
        let server = Server::ours(&[]);
        send(&server, name);
        let (folder, status) = server.wait_for_its_status();
        assert_eq!(status.signal(), Some(number));
        let log = std::fs::read_to_string(folder.0.join("log")).unwrap();
        let crashed = format!("crashed by signal: {number}, {},", &name[1..]);
        assert_report(
            &log,
            &[
                "=== REDIS BUG REPORT START",
                &crashed,
                "Killed by PID: ",
                "------ STACK TRACE ------\n",
                "\n0x",
                "------ STACK TRACE, NAMED ------\n   0: ",
                "src/server.rs:",
                "------ COMMANDS IN HAND ------\n",
                "------ OTHER THREADS ------\n",
                "thread worker-0 (",
                "------ INFO OUTPUT ------\n# Server\n",
                "=== REDIS BUG REPORT END",
            ],
        );
    }
}

#[test]
fn a_command_that_crashes_is_named_with_where_it_was() {
    let mut server = Server::ours(&["--enable-debug-command", "yes"]);
    server.client.send(&["DEBUG", "SEGFAULT"]);
    assert_eq!(server.client.reply_or_end(), None);
    let (folder, status) = server.wait_for_its_status();
    assert_eq!(status.signal(), Some(SIGSEGV));
    let log = std::fs::read_to_string(folder.0.join("log")).unwrap();
    let worker = "in thread worker-";
    let function = "commands/server/debug.rs:";
    let in_hand = [": debug\n", "=== REDIS BUG REPORT END"];
    assert_report(&log, &["crashed by signal: 11", worker, "NAMED ------\n", function]);
    assert_report(&log, &["COMMANDS IN HAND ------\nworker-", in_hand[0], in_hand[1]]);
}

#[test]
fn a_report_can_be_switched_off() {
    let mut server = Server::ours(&["--enable-debug-command", "yes"]);
    assert_eq!(server.text("CONFIG SET crash-log-enabled no"), "OK");
    server.client.send(&["DEBUG", "SEGFAULT"]);
    let (folder, status) = server.wait_for_its_status();
    assert_eq!(status.signal(), Some(SIGSEGV));
    let log = std::fs::read_to_string(folder.0.join("log")).unwrap();
    assert!(log.contains("Ready to accept connections") && !log.contains("BUG REPORT"), "{log}");
}

#[test]
fn a_panic_is_in_the_log_with_its_stack() {
    let mut server = Server::ours(&["--enable-debug-command", "yes"]);
    server.client.send(&["DEBUG", "PANIC"]);
    assert_eq!(server.client.reply_or_end(), None);
    let log = server.log();
    assert_report(&log, &["ERROR thread 'worker-", "DEBUG PANIC was called", "commands/server/debug.rs:"]);
}

#[test]
fn all_threads_tell_where_they_are_on_sigalrm() {
    let mut server = Server::ours(&[]);
    send(&server, "-SIGALRM");
    wait_until("the threads are told of", || server.log().contains("thread watchdog ("));
    let log = server.log();
    assert_report(&log, &["SIGALRM: the stack traces of all threads\nthread ", "thread crash-report ("]);
    assert_report(&log, &["\nthread worker-0 (", "tokio::"]);
    assert!(!log.contains("does not answer"), "{log}");
    assert_eq!(server.text("PING"), "PONG");
}

#[test]
fn the_watchdog_tells_where_a_thread_is_stuck() {
    let mut server = Server::ours(&["--enable-debug-command", "yes", "--watchdog-period", "50"]);
    assert_eq!(server.text("DEBUG SLEEP 0.3"), "OK");
    wait_until("it is told", || server.log().contains("watchdog: where they are"));
    let log = server.log();
    assert_report(&log, &["watchdog: stuck: ", "(debug)", "where they are\nthread worker-", "::sleep"]);
}
