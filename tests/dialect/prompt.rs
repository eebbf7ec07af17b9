//! The prompt on a terminal: hints, completion, history, and what is not kept in it.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::populated;
use super::server::Server;
use crate::harness::pty;

/// A program on a pseudo-terminal of its own.
struct Terminal {
    process: Child,
    ours: File,
    shown: String,
}

impl Terminal {
    fn start(server: &Server, history: &str) -> Terminal {
        let (ours, theirs) = pty::open();
        let end = |file: &File| Stdio::from(file.try_clone().unwrap());
        let process = Command::new(env!("CARGO_BIN_EXE_rcl"))
            .args(["cli", &format!("127.0.0.1:{}", server.port)])
            .env("TERM", "xterm")
            .env("RCL_HISTFILE", history)
            .env("REDISCLI_RCFILE", "/dev/null")
            .env_remove("NO_COLOR")
            .env_remove("REDISCLI_AUTH")
            .stdin(end(&theirs))
            .stdout(end(&theirs))
            .stderr(end(&theirs))
            .spawn()
            .unwrap();
        pty::do_not_wait(&ours);
        Terminal { process, ours, shown: String::new() }
    }

    fn press(&mut self, keys: &str) {
        self.ours.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until `text` is shown behind what was waited for last.
    fn wait_for(&mut self, text: &str) {
        let give_up = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(place) = self.shown.find(text) {
                self.shown.drain(..place + text.len());
                return;
            }
            assert!(Instant::now() < give_up, "waited in vain for {text:?}; there is {:?}", self.shown);
            let mut bytes = [0; 4096];
            match self.ours.read(&mut bytes) {
                Ok(count) => self.shown.push_str(&String::from_utf8_lossy(&bytes[..count])),
                Err(_) => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_terminal_has_hints_completion_and_a_history_without_passwords() {
    let Some(server) = populated(&[]) else { return };
    let history = std::env::temp_dir().join(format!("rcl-dialect-history-{}", std::process::id()));
    fs::write(&history, "GET string\n").unwrap();
    let mut terminal = Terminal::start(&server, history.to_str().unwrap());
    let prompt = format!("127.0.0.1:{}> ", server.port);
    terminal.wait_for(&prompt);
    // The hint stands in grey behind what is typed.
    terminal.press("LRANGE ");
    terminal.wait_for("\x1b[90mkey start stop\x1b[0m");
    terminal.press("list 0 0\r");
    terminal.wait_for("1) \"1\"");
    terminal.wait_for(&prompt);
    // Tab completes subcommands, the arrow fetches what was typed before this program was started.
    terminal.press("config resets\t\r");
    terminal.wait_for("OK");
    terminal.wait_for(&prompt);
    terminal.press("\x1b[A\x1b[A\x1b[A\r");
    terminal.wait_for("\"abc\"");
    terminal.wait_for(&prompt);
    for line in ["AUTH secret", "CONFIG SET requirepass secret2", "ACL SETUSER a >secret3"] {
        terminal.press(&format!("{line}\r"));
        terminal.wait_for(&prompt);
    }
    terminal.press("SELECT 2\r");
    terminal.wait_for(&format!("127.0.0.1:{}[2]> ", server.port));
    terminal.press("MULTI\r");
    terminal.wait_for(&format!("127.0.0.1:{}[2](TX)> ", server.port));
    terminal.press("DISCARD\r");
    terminal.wait_for("OK");
    terminal.press(":set nohints\r");
    terminal.wait_for("> ");
    terminal.press("quit\r");
    assert!(terminal.process.wait().unwrap().success());
    let kept = fs::read_to_string(&history).unwrap();
    fs::remove_file(&history).unwrap();
    assert!(!kept.contains("secret"), "{kept}");
    assert!(
        kept.starts_with("GET string\nLRANGE list 0 0\nCONFIG RESETSTAT\nGET string\nSELECT 2\n"),
        "{kept}"
    );
}
