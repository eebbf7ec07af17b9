//! What newer nodes can do: hand slots over by themselves, as Redis 8.4 and Valkey 9, and tell what a slot costs, as Redis 8.2 and
//! Valkey 8. Against peers that answer as these say they do.

mod balance;
mod peer;

use std::process::Stdio;

use self::peer::{Dialect, End, Peers};
use crate::harness::{eventually, outcome, rcl, rcl_command, rcl_json};

const DIALECTS: [Dialect; 2] = [Dialect::Redis, Dialect::Valkey];

/// 2000 slots of the first node to the second.
fn reshard(peers: &Peers) -> Vec<String> {
    let (entry, from, to) = (peers.address(2), peers.id(0), peers.id(1));
    ["reshard", &entry, "--from", &from, "--to", &to, "--slots", "2000", "--yes"].map(str::to_owned).to_vec()
}

fn words(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

#[test]
fn what_both_can_is_asked_of_the_right_one_and_watched_until_it_is_done() {
    for dialect in DIALECTS {
        let peers = Peers::start(dialect);
        let outcome = rcl_json(&words(&reshard(&peers)));
        assert_eq!((outcome["moved_slots"].as_u64(), peers.owned(1)), (Some(2000), 5461 + 2000));
        let began = peers.said("began");
        // Two jobs, one after the other, on the one whose business it is.
        let asked = if dialect == Dialect::Redis { 1 } else { 0 };
        assert_eq!(began, [format!("began {asked} 0-1023"), format!("began {asked} 1024-1999")]);
        assert_eq!(peers.said("SETSLOT"), Vec::<String>::new());
    }
}

#[test]
fn a_job_that_fails_is_told_with_its_reason_and_what_moved_before_stays() {
    for dialect in DIALECTS {
        let peers = Peers::start(dialect);
        peers.let_jobs_end(1, End::Failed);
        let (code, stdout, stderr) = rcl(&words(&reshard(&peers)));
        assert_eq!(code, 5, "{stdout}{stderr}");
        assert!(
            stderr.contains("ended as failed: out of memory") && stderr.contains("--method keys"),
            "{stderr}"
        );
        assert!(stderr.contains("1,024 slots with"), "{stderr}");
        assert_eq!(peers.owned(1), 5461 + 1024);
    }
}

#[test]
fn ctrl_c_calls_the_job_off_and_nothing_is_half_moved() {
    for dialect in DIALECTS {
        let peers = Peers::start(dialect);
        peers.let_jobs_end(0, End::Never);
        let mut command = rcl_command(&[]);
        let running =
            command.args(reshard(&peers)).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        eventually("a job is under way", || !peers.said("began").is_empty());
        // SAFETY: a signal to a process that this test started and has not waited for yet.
        assert_eq!(unsafe { libc::kill(running.id() as libc::pid_t, libc::SIGINT) }, 0);
        let (code, stdout, stderr) = outcome(running.wait_with_output().unwrap());
        assert_eq!(code, 130, "{stdout}{stderr}");
        assert_eq!(peers.said("called off").len(), 1);
        assert_eq!(peers.owned(1), 5461);
    }
}

#[test]
fn what_a_killed_rcl_began_is_waited_for() {
    for dialect in DIALECTS {
        let peers = Peers::start(dialect);
        peers.let_jobs_end(0, End::Never);
        let mut running = rcl_command(&[])
            .args(reshard(&peers))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        eventually("a job is under way", || !peers.said("began").is_empty());
        running.kill().unwrap();
        running.wait().unwrap();
        let state = std::env::temp_dir().join(format!("rcl-handover-{}-{dialect:?}", std::process::id()));
        let resumed =
            rcl_command(&["reshard", &peers.address(2), "--from", &peers.id(0), "--to", &peers.id(1)])
                .args([
                    "--slot-ranges",
                    "0-1999",
                    "--yes",
                    "-o",
                    "json",
                    "--state-dir",
                    state.to_str().unwrap(),
                ])
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
        // It looks at the job until that ends by itself.
        let looks = peers.said("looked").len();
        eventually("it waits for the job", || peers.said("looked").len() > looks + 2);
        peers.let_jobs_end(0, End::Done);
        let (code, stdout, stderr) = outcome(resumed.wait_with_output().unwrap());
        assert_eq!(code, 0, "{stdout}{stderr}");
        assert_eq!(peers.owned(1), 5461 + 2000);
        assert_eq!(peers.said("began").len(), 2, "the first was not begun again");
        let _ = std::fs::remove_dir_all(state);
    }
}

#[test]
fn who_cannot_is_not_asked_to() {
    let peers = Peers::start(Dialect::Neither);
    let mut arguments = reshard(&peers);
    arguments.extend(["--method", "handover"].map(str::to_owned));
    let (code, stdout, stderr) = rcl(&words(&arguments));
    assert_eq!(code, 5, "{stdout}{stderr}");
    assert!(stderr.contains("cannot hand slots over"), "{stderr}");
    let peers = Peers::start(Dialect::Redis);
    let mut arguments = reshard(&peers);
    arguments.extend(["--method", "handover", "--max-latency", "5ms"].map(str::to_owned));
    let (_, _, stderr) = rcl(&words(&arguments));
    assert!(stderr.contains("keep to no --max-"), "{stderr}");
    assert_eq!(peers.owned(1), 5461);
}
