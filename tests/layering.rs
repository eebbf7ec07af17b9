//! The folder names the layer, and imports go one way. This holds it, by what each crate's manifest may name and by
//! what the files of a layer may import.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The names under `[dependencies]` of a crate's manifest.
fn dependencies(folder: &str) -> BTreeSet<String> {
    let path = root().join(folder).join("Cargo.toml");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines()
        .skip_while(|line| line.trim() != "[dependencies]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split(['.', '=', ' ']).next())
        .filter(|name| !name.is_empty() && !name.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn crates_use_only_what_lies_below_them() {
    for (folder, ours) in [
        ("node-server/proto", vec![]),
        ("node-server/cluster", vec!["rcl-proto"]),
        ("node-server/store", vec!["rcl-proto"]),
        ("node-server", vec!["rcl-cluster", "rcl-proto", "rcl-store"]),
        (".", vec!["rcl-node", "rcl-proto", "rcl-store"]),
    ] {
        let found = dependencies(folder);
        let found: Vec<&str> =
            found.iter().map(String::as_str).filter(|name| name.starts_with("rcl-")).collect();
        assert_eq!(found, ours, "{folder} depends on other crates of ours than its layer may");
    }
}

#[test]
fn the_pure_crates_bring_no_io() {
    for folder in ["node-server/proto", "node-server/cluster", "node-server/store"] {
        for name in ["tokio", "socket2", "libc", "getrandom", "mio", "tracing"] {
            assert!(!dependencies(folder).contains(name), "{folder} is pure, but depends on {name}");
        }
        let lints = root().join(folder).join("clippy.toml");
        let text = std::fs::read_to_string(&lints).unwrap_or_default();
        assert!(text.contains("Instant::now"), "{} does not ban reading the clock", lints.display());
    }
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Lines of the files below `folder` that name one of `words`, apart from the files in `allowed`.
fn lines_naming(folder: &str, words: &[&str], allowed: &[&str]) -> Vec<String> {
    let mut files = Vec::new();
    files_below(&root().join(folder), &mut files);
    assert!(!files.is_empty(), "no files below {folder}");
    let mut lines = Vec::new();
    for path in files {
        let shown = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
        if allowed.iter().any(|name| shown.ends_with(name)) {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for (number, line) in text.lines().enumerate() {
            if !line.trim_start().starts_with("//") && words.iter().any(|word| line.contains(word)) {
                lines.push(format!("{shown}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    lines
}

#[test]
fn handlers_do_no_io() {
    // CONFIG REWRITE writes its file, and DEBUG SLEEP sleeps: that is what they are for. What a test does is its own.
    let allowed = ["commands/server/config.rs", "commands/server/debug.rs", "tests.rs"];
    let words = ["std::net", "std::fs", "tokio::net", "tokio::fs", "File::", "TcpStream", "thread::sleep"];
    let found = lines_naming("node-server/src/commands", &words, &allowed);
    assert!(found.is_empty(), "a handler is free of I/O:\n{}", found.join("\n"));
}

#[test]
fn only_the_clock_reads_clocks_in_the_node() {
    let found = lines_naming("node-server/src", &["Instant::now(", "SystemTime::now("], &["src/clock.rs"]);
    assert!(found.is_empty(), "ask crate::clock:\n{}", found.join("\n"));
}

#[test]
fn planners_and_topology_are_pure() {
    for folder in ["src/health", "src/plan", "src/topology"] {
        let words =
            ["tokio::", "std::net", "std::fs", "redis::", "crate::connect", "println!", "Instant::now("];
        let found = lines_naming(folder, &words, &[]);
        assert!(found.is_empty(), "{folder} computes and touches nothing:\n{}", found.join("\n"));
    }
}
