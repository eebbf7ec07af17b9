//! Any text as a nodes.conf: an error that says where, or a member that starts with it, and whose own nodes.conf is read
//! to the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rcl_cluster::{Config, Member, Output, Persistent};

const START_MS: u64 = 1_700_000_000_000;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let persistent = match Persistent::parse(text) {
        Ok(Some(persistent)) => persistent,
        Ok(None) => return,
        Err(error) => {
            assert!(error.line <= text.lines().count() && !error.reason.is_empty());
            return;
        }
    };
    let first = written_by(persistent);
    let again = Persistent::parse(&first).expect("what we write can be read").expect("it is not empty");
    assert_eq!(first, written_by(again), "writing is stable");
});

fn written_by(persistent: Persistent) -> String {
    let mut member = Member::new(Config::default(), Some(persistent), 1, START_MS);
    let mut text = None;
    while let Some(output) = member.poll_output() {
        if let Output::Persist { text: written, .. } = output {
            text = Some(written);
        }
    }
    text.expect("a member persists its state when it starts")
}
