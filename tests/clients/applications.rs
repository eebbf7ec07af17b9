//! Programs that know nothing of us: RQ and Celery on a standalone node of ours, and an application of redis-py's
//! RedisCluster with pipelines, locks, a stream's consumers and sharded channels on a cluster. Each script beside this
//! file is a real job and checks what comes of it.

use std::process::{Command, Stdio};

use super::programs::{Standalone, python, said};
use crate::harness::lab::Lab;
use crate::harness::{Kind, skip};

/// Whether python3 finds these modules; otherwise `what` is skipped.
fn have_modules(modules: &str, what: &str) -> bool {
    let found = Command::new("python3")
        .args(["-c", &format!("import {modules}")])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !found {
        skip(what, &format!("no python3 with {modules} on this machine"));
    }
    found
}

#[track_caller]
fn says_ok(script: &mut Command) {
    let output = script.stdin(Stdio::null()).output().unwrap();
    let (stdout, stderr) = said(&output, script);
    assert!(stdout.ends_with("ok\n"), "{stdout}{stderr}");
}

#[test]
fn rq_does_its_jobs_on_our_node() {
    if have_modules("rq", "RQ on our node") {
        let node = Standalone::start();
        says_ok(&mut python("rq_work.py", node.port()));
    }
}

#[test]
fn celery_has_our_node_as_broker_and_as_result_backend() {
    if have_modules("celery, packaging, redis", "Celery on our node") {
        let node = Standalone::start();
        says_ok(&mut python("celery_work.py", node.port()));
    }
}

#[test]
fn an_application_of_redis_py_works_on_our_cluster() {
    if have_modules("redis.cluster", "an application of redis-py on our cluster") {
        let lab = Lab::cluster(Kind::Ours);
        says_ok(&mut python("cluster_app.py", lab.port(1)));
    }
}
