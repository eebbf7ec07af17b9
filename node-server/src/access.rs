//! Who a client is and what it may do. The gate asks here before every command.
//!
//! There is one user, `default`: with `requirepass` it needs the password, without it needs nothing, and it
//! may do everything. Further users, rules and the ACL commands are not there yet.

use std::sync::Arc;

use crate::command::{CommandError, CommandSpec};

#[derive(Debug)]
pub struct User {
    pub name: String,
    /// May run every command on every key and channel.
    pub unrestricted: bool,
    /// Needs no password.
    pub no_password: bool,
    password: Vec<u8>,
}

impl User {
    /// The default user under `requirepass password` (empty: none is needed).
    pub fn default_user(password: &[u8]) -> Arc<User> {
        Arc::new(User {
            name: "default".to_owned(),
            unrestricted: true,
            no_password: password.is_empty(),
            password: password.to_vec(),
        })
    }

    /// True when `password` opens this user. Takes as long for a wrong one as for the right one.
    pub fn accepts(&self, password: &[u8]) -> bool {
        self.no_password || same_bytes(&self.password, password)
    }

    pub fn may_run(&self, spec: &CommandSpec) -> Result<(), CommandError> {
        if self.unrestricted {
            return Ok(());
        }
        let (user, name) = (&self.name, spec.name);
        Err(CommandError::new(format!("NOPERM User {user} has no permissions to run the '{name}' command")))
    }
}

fn same_bytes(expected: &[u8], given: &[u8]) -> bool {
    let mut difference = expected.len() ^ given.len();
    for (index, &byte) in given.iter().enumerate() {
        let other = expected.get(index).copied().unwrap_or(0);
        difference |= usize::from(byte ^ other);
    }
    difference == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords() {
        assert!(User::default_user(b"").accepts(b"anything"));
        let user = User::default_user(b"secret");
        assert!(user.accepts(b"secret"));
        for wrong in ["", "secre", "secret1", "Secret", "secret\0"] {
            assert!(!user.accepts(wrong.as_bytes()), "{wrong:?}");
        }
    }
}
