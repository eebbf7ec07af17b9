//! Temporary files that a process left behind when it was killed: the next one removes them.
//!
//! Their names hold the number of their process. Those of a process that lives stay: it may share the folder.

use std::path::Path;

use super::Disk;

/// Removes the files in `folder` whose names are `before`, the number of a process that is gone, maybe more numbers, and `after`.
pub fn remove_leftovers(disk: &dyn Disk, folder: &Path, before: &str, after: &str) {
    let Ok(names) = disk.list(folder) else { return };
    for name in names {
        let owner = name.to_str().and_then(|name| owner_of(name, before, after));
        if !owner.is_some_and(is_gone) {
            continue;
        }
        let path = folder.join(name);
        match disk.remove(&path) {
            Ok(()) => {
                tracing::info!(path = %path.display(), "removed: it was left by a process that was killed")
            }
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "it was left by a process that was killed")
            }
        }
    }
}

fn owner_of(name: &str, before: &str, after: &str) -> Option<u32> {
    let numbers = name.strip_prefix(before)?.strip_suffix(after)?;
    let mut parts = numbers.split('-').map(str::parse::<u64>);
    let owner = parts.next()?.ok()?;
    parts.all(|part| part.is_ok()).then_some(u32::try_from(owner).ok()?)
}

fn is_gone(process: u32) -> bool {
    // Where this one is not to be seen, nor would others be.
    let there = |process: u32| Path::new("/proc").join(process.to_string()).exists();
    let own = std::process::id();
    process == own || (there(own) && !there(process))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::RealDisk;

    #[test]
    fn only_what_nobody_can_want_any_more_is_removed() {
        let folder = std::env::temp_dir().join(format!("rcl-leftovers-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        // No process can have the first number; the parent lives; the own number is that of an earlier process.
        let (gone, own, parent) = (u32::MAX, std::process::id(), std::os::unix::process::parent_id());
        let left = [format!("temp-{gone}.rdb"), format!("temp-{own}.rdb"), format!("temp-{gone}-17.rdb")];
        let mut kept = [
            format!("temp-{parent}.rdb"),
            format!("temp-{gone}.rdb.bak"),
            "temp-x.rdb".into(),
            "dump.rdb".into(),
        ];
        for name in left.iter().chain(&kept) {
            std::fs::write(folder.join(name), b"").unwrap();
        }
        remove_leftovers(&RealDisk, &folder, "temp-", ".rdb");
        let mut names: Vec<_> =
            RealDisk.list(&folder).unwrap().into_iter().map(|name| name.into_string().unwrap()).collect();
        names.sort();
        kept.sort();
        assert_eq!(names, kept);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
