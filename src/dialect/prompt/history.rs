//! What was typed before: a file of lines that the user alone may read, in which no password is kept.
//!
//! The format is redis-cli's own, a line each, so that the two share the file under redis-cli's name.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::PathBuf;

use crate::dialect::Name;

/// How many lines are kept.
pub const KEPT: usize = 1000;

#[derive(Debug, Default)]
pub struct History {
    /// `None`: nothing is kept on disk.
    path: Option<PathBuf>,
}

impl History {
    pub fn of(name: Name) -> History {
        let (variable, file) = match name {
            Name::RedisCli => ("REDISCLI_HISTFILE", ".rediscli_history"),
            Name::Rcl => ("RCL_HISTFILE", ".rcl_history"),
        };
        History { path: dot_file(variable, file) }
    }

    /// The newest lines, the oldest of them first.
    pub fn load(&self) -> Vec<String> {
        let text = self.path.as_ref().and_then(|path| fs::read(path).ok()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
        lines[lines.len().saturating_sub(KEPT)..].iter().map(|line| (*line).to_owned()).collect()
    }

    /// Adds a line. A history that cannot be written is done without.
    pub fn add(&self, line: &str) {
        let Some(path) = &self.path else { return };
        let append = || -> io::Result<()> {
            let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
            // Also one that was there already, and open to others.
            file.set_permissions(fs::Permissions::from_mode(0o600))?;
            file.write_all(format!("{}\n", line.replace('\n', " ")).as_bytes())
        };
        let _ = append();
    }
}

/// The file that the variable names, else the one in the user's home; `None` for `/dev/null` and without a home.
pub fn dot_file(variable: &str, file: &str) -> Option<PathBuf> {
    match std::env::var_os(variable).filter(|path| !path.is_empty()) {
        Some(path) if path == "/dev/null" => None,
        Some(path) => Some(path.into()),
        None => {
            let home = std::env::var_os("HOME").filter(|home| !home.is_empty())?;
            Some(PathBuf::from(home).join(file))
        }
    }
}

/// Whether a password may stand in the command: AUTH, ACL SETUSER, CONFIG SET of a password, HELLO with AUTH,
/// MIGRATE with AUTH.
pub fn holds_a_secret(words: &[Vec<u8>]) -> bool {
    let lower: Vec<Vec<u8>> = words.iter().map(|word| word.to_ascii_lowercase()).collect();
    let lower: Vec<&[u8]> = lower.iter().map(Vec::as_slice).collect();
    match lower.as_slice() {
        [b"auth", ..] | [b"acl", b"setuser", ..] => true,
        [b"config", b"set", pairs @ ..] => pairs.iter().step_by(2).any(|name| is_secret_directive(name)),
        [b"hello", _, options @ ..] => options.contains(&b"auth".as_slice()),
        [b"migrate", _, _, _, _, _, options @ ..] => options
            .iter()
            .take_while(|word| **word != b"keys")
            .any(|word| matches!(*word, b"auth" | b"auth2")),
        _ => false,
    }
}

fn is_secret_directive(name: &[u8]) -> bool {
    matches!(
        name,
        b"masterauth"
            | b"masteruser"
            | b"primaryauth"
            | b"primaryuser"
            | b"requirepass"
            | b"tls-key-file-pass"
            | b"tls-client-key-file-pass"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_known_by_where_they_stand() {
        let secret = |line: &str| {
            holds_a_secret(&line.split(' ').map(|word| word.as_bytes().to_vec()).collect::<Vec<_>>())
        };
        for line in [
            "auth pw",
            "AUTH user pw",
            "ACL SETUSER a >pw",
            "config set maxmemory 1 requirepass pw",
            "CONFIG SET masterauth pw",
            "HELLO 3 AUTH user pw",
            "hello 3 setname n auth user pw",
            "migrate h 1 k 0 1 auth pw",
            "migrate h 1 k 0 1 COPY AUTH2 u pw",
        ] {
            assert!(secret(line), "{line}");
        }
        for line in [
            "get auth",
            "acl list",
            "config get requirepass",
            "config set maxmemory requirepass",
            "hello 3",
            "migrate h 1 k 0 1 keys auth",
        ] {
            assert!(!secret(line), "{line}");
        }
    }

    #[test]
    fn lines_come_back_and_nobody_else_may_read_them() {
        let path = std::env::temp_dir().join(format!("rcl-history-{}", std::process::id()));
        fs::write(&path, "old\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let history = History { path: Some(path.clone()) };
        history.add("get a");
        assert_eq!(history.load(), ["old", "get a"]);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::remove_file(&path).unwrap();
        assert_eq!(history.load(), Vec::<String>::new());
        History::default().add("nowhere");
    }
}
