//! Which files an `include` names.
//!
//! A path without `*`, `?` or `[` is one file, which must be there. With one of them it is every file that matches,
//! in the order of the names, and none is fine: so an empty conf.d can be included. As in a shell, a leading dot
//! must be matched by a dot, and `[!a]` negates as `[^a]` does.

use super::glob;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// The files, in the order to be read. `directory` is what a relative path is relative to.
pub fn expand(pattern: &[u8], directory: &Path) -> Vec<PathBuf> {
    let path = directory.join(OsStr::from_bytes(pattern));
    if !glob::is_pattern(pattern) {
        return vec![path];
    }
    let mut found = vec![PathBuf::new()];
    for component in path.components() {
        found = match component {
            Component::Normal(name) if glob::is_pattern(name.as_bytes()) => {
                found.iter().flat_map(|folder| matching_entries(folder, name.as_bytes())).collect()
            }
            other => found.iter().map(|folder| folder.join(other)).filter(|path| path.exists()).collect(),
        };
    }
    found
}

fn matching_entries(folder: &Path, pattern: &[u8]) -> Vec<PathBuf> {
    let pattern = with_redis_negation(pattern);
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let names = entries.filter_map(|entry| Some(entry.ok()?.file_name()));
    let mut names: Vec<_> = names
        .filter(|name| name.as_bytes().starts_with(b".") == pattern.starts_with(b"."))
        .filter(|name| glob::matches(&pattern, name.as_bytes()))
        .collect();
    names.sort();
    names.into_iter().map(|name| folder.join(name)).collect()
}

fn with_redis_negation(pattern: &[u8]) -> Vec<u8> {
    let mut previous = 0;
    let negate = |byte: &u8| {
        let negation = previous == b'[' && *byte == b'!';
        previous = *byte;
        if negation { b'^' } else { *byte }
    };
    pattern.iter().map(negate).collect()
}
