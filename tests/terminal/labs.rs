//! The lab's verbs, on three nodes of its own.

use super::mask::Mask;
use super::snapshot::Form::{Colour, Json, Piped, Plain};
use super::snapshot::{Form, Snapshots};
use crate::harness::ports::Ports;

const MASKS: &[Mask] = &[Mask::Pids, Mask::Member("pid"), Mask::Told("pid")];

#[test]
fn the_lab() {
    let folder = std::env::temp_dir().join(format!("rcl-terminal-lab-{}", std::process::id()));
    let taken = Ports::take(3);
    let base = taken.first();
    let ports = (0..3u16).map(|index| ((base + index).to_string(), (17_001 + index).to_string()));
    let directory = folder.display().to_string();
    let known = ports.chain([(directory.clone(), "/lab".to_owned())]).collect();
    let mut shots = Snapshots::new(known, folder.join("state"));
    let port = base.to_string();
    let mut take = |name: &str, forms: &[Form], words: &[&str]| {
        let lab = [&["lab", "--dir", &directory][..], words].concat();
        shots.take(name, forms, &lab, MASKS);
    };
    take("lab-start", &[Piped], &["start", "--nodes", "2", "--base-port", &port]);
    take("lab-status", &[Piped, Colour, Plain, Json], &["status"]);
    take("lab-add", &[Piped], &["add", "--base-port", &port]);
    take("lab-kill", &[Piped], &["kill", "2"]);
    take("lab-kill-of-a-dead-one", &[Piped, Json], &["kill", "2"]);
    take("lab-restart", &[Piped], &["restart", "2"]);
    take("lab-stop", &[Piped], &["stop"]);
    take("lab-clean", &[Piped], &["clean"]);
    shots.end();
}
