//! A cluster from its description, and to another one: `rcl export`, `rcl plan`, `rcl apply`.

use std::path::PathBuf;

use crate::harness::*;

struct File(PathBuf);

impl File {
    fn new(kind: Kind) -> File {
        let name = format!("described-{kind:?}-{}.yaml", std::process::id());
        File(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name))
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    fn write(&self, text: &str) {
        std::fs::write(&self.0, text).unwrap();
    }

    #[track_caller]
    fn plan(&self, code: i32, more: &[&str]) -> serde_json::Value {
        let (got, stdout, stderr) = rcl(&[&["-o", "json", "plan", self.path()], more].concat());
        assert_eq!(got, code, "{stdout}{stderr}");
        serde_json::from_str(&stdout).unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn a_cluster_is_made_and_changed_by_its_description_and_described_by_itself() {
    with_each_kind(|kind| {
        let servers = Server::start_many(kind, 8, &[]);
        let a: Vec<String> = servers.iter().map(Server::address).collect();
        let file = File::new(kind);
        let shard = |master: usize, replica: usize| {
            format!("  - node: {}\n    weight: 1\n    replicas: ['{}']\n", a[master], a[replica])
        };
        let three = [shard(0, 3), shard(1, 4), shard(2, 5)].concat();
        file.write(&format!("settings: {{maxmemory: 1gb}}\nmasters:\n{three}"));
        let made = file.plan(8, &[]);
        assert_eq!(made["differences"].as_array().unwrap().len(), 6 + 6, "{made}");
        rcl_ok(&["apply", file.path(), "--yes"]);
        assert_eq!(file.plan(0, &[])["differences"], serde_json::json!([]));
        let again = rcl_json(&["apply", file.path(), "--yes"]);
        assert_eq!(again["notes"][0], "nothing to do");
        assert_eq!(findings(&servers[0]).0, 0);
        fill(servers[0].port, 1000);

        // What it is, written down, is what it is.
        for more in [&[][..], &["--weights"], &["--no-settings", "--setting", "hz"]] {
            file.write(&rcl_ok(&[&["export", &a[1]], more].concat()));
            assert_eq!(file.plan(0, &[])["differences"], serde_json::json!([]), "{more:?}");
        }

        // A shard comes, with a replica; another's replica is to be its master; a replica leaves; a directive changes.
        let four = [shard(3, 0), shard(1, 4), format!("  - node: {}\n", a[2]), shard(6, 7)].concat();
        file.write(&format!("settings: {{maxmemory: 1gb, hz: 20}}\nmasters:\n{four}"));
        let stays = file.plan(8, &[]);
        assert_eq!(stays["unlisted"][0]["address"], a[5].as_str(), "{stays}");
        let goes = file.plan(8, &["--remove-unlisted"]);
        let of = |kind: &str| {
            goes["differences"].as_array().unwrap().iter().filter(|one| one["difference"] == kind).count()
        };
        assert_eq!((of("add"), of("remove")), (2, 1), "{goes}");
        rcl_ok(&["apply", file.path(), "--remove-unlisted", "--yes"]);
        assert_eq!(file.plan(0, &["--remove-unlisted"])["differences"], serde_json::json!([]));
        assert_eq!(text(&servers[5].link().call(&["CLUSTER", "NODES"])).lines().count(), 1, "it is reset");
        assert_eq!(findings(&servers[1]), (0, vec!["no-replica".to_owned()]));
        verify(servers[1].port, 1000);

        // Taken back, slots and directives are what they were.
        let before = rcl_ok(&["export", &a[1]]);
        let heavy = four.replace("weight: 1", "weight: 1.5");
        file.write(&format!("settings: {{maxmemory: 2gb}}\nmasters:\n{heavy}"));
        rcl_ok(&["apply", file.path(), "--yes"]);
        assert_ne!(rcl_ok(&["export", &a[1]]), before);
        rcl_ok(&["undo", "--entry", &a[1], "--yes"]);
        assert_eq!(rcl_ok(&["export", &a[1]]), before);
        verify(servers[1].port, 1000);

        // What cannot be is said with its line, before anything is touched.
        for (text, word) in [
            (format!("masters:\n{four}    wieght: 1\n"), "did you mean weight?"),
            (format!("settings:\n  maxmemroy: 1\nmasters:\n{four}"), ".yaml:2: "),
            (format!("masters:\n{four}  - node: 127.0.0.1:1\n"), "127.0.0.1:1"),
        ] {
            file.write(&text);
            let (code, _, stderr) = rcl(&["plan", file.path()]);
            assert!([2, 4].contains(&code) && stderr.contains(word), "{code} {stderr}");
        }
    });
}
