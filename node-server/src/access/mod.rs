//! Who a client is and what it may do: users, their rules, and the log of what was denied. The gate asks here before every
//! command.
//!
//! ```text
//!  Access ── users by name ── User ── Rules ── Selector …      the first selector that allows a request decides
//!     └── log                  └── unrestricted: one look, and no more
//! ```
//!
//! A session holds its `User`, whose rules are swapped as a whole: a change holds for all its connections at once, with
//! no search by name. Source of the rules: ACL of Redis 7.2.

mod check;
mod commands;
mod connections;
pub mod file;
mod guard;
pub mod log;
mod rules;
mod selector;
mod user;

pub use check::{Denied, Reason};
pub use connections::{close_all_of, close_subscribers_without_permission};
pub use guard::{check, note_failed_log_in, refusal};
use rules::quoted_if_needed;
pub use rules::{PasswordHash, RuleError, Rules, hash_text, merge_selectors};
pub use selector::{Selector, has_spaces};
pub use user::User;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::config::Settings;
use log::{AccessLog, DenialCounts};

/// The name of the user that a new connection acts as.
pub const DEFAULT: &[u8] = b"default";

/// All users of a node.
#[derive(Debug)]
pub struct Access {
    /// Always there, and always this one: its rules change, it does not.
    default_user: Arc<User>,
    users: Mutex<BTreeMap<Box<[u8]>, Arc<User>>>,
    log: Mutex<AccessLog>,
    pub denials: DenialCounts,
}

/// Why a user can't be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetUserError {
    /// This argument opens a selector that is not closed.
    Unmatched(Vec<u8>),
    Rule(Vec<u8>, RuleError),
}

impl std::fmt::Display for SetUserError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SetUserError::Unmatched(start) => {
                let start = String::from_utf8_lossy(start);
                write!(f, "Unmatched parenthesis in acl selector starting at '{start}'.")
            }
            SetUserError::Rule(rule, error) => {
                let rule = String::from_utf8_lossy(rule);
                write!(f, "Error in ACL SETUSER modifier '{rule}': {}", error.text())
            }
        }
    }
}

impl Access {
    /// The default user alone, under `requirepass password` (empty: none is needed).
    pub fn new(password: &[u8]) -> Access {
        let mut rules = Rules::unrestricted();
        rules.set_password(password);
        let default_user = User::new(DEFAULT, rules);
        Access {
            users: Mutex::new(BTreeMap::from([(DEFAULT.into(), default_user.clone())])),
            default_user,
            log: Mutex::default(),
            denials: DenialCounts::default(),
        }
    }

    pub fn default_user(&self) -> &Arc<User> {
        &self.default_user
    }

    /// `requirepass` changed.
    pub fn set_default_password(&self, password: &[u8]) {
        let _users = self.lock_users();
        let mut rules = (**self.default_user.rules()).clone();
        rules.set_password(password);
        self.default_user.set_rules(rules);
    }

    pub fn get(&self, name: &[u8]) -> Option<Arc<User>> {
        self.lock_users().get(name).cloned()
    }

    /// In the order of their names.
    pub fn all(&self) -> Vec<Arc<User>> {
        self.lock_users().values().cloned().collect()
    }

    /// All users, as the lines of a file.
    pub fn lines(&self) -> Vec<Vec<u8>> {
        self.all().iter().map(|user| line(user)).collect()
    }

    /// The `user` lines of a redis.conf, each with whether it says what does not hold anyway.
    pub fn config_lines(&self, settings: &Settings) -> Vec<(Vec<u8>, bool)> {
        let untouched = line(Access::new(settings.password()).default_user());
        let quoted = |line: &[u8]| {
            let words = line.split(|&byte| byte == b' ');
            words.map(quoted_if_needed).collect::<Vec<_>>().join(&b' ')
        };
        self.lines().iter().map(|line| (quoted(line), *line != untouched)).collect()
    }

    /// Shows `enter` the user of that name if the password opens it: before anybody can delete the user.
    pub fn log_in(&self, name: &[u8], password: &[u8], enter: impl FnOnce(&Arc<User>)) -> bool {
        let users = self.lock_users();
        let Some(user) = users.get(name).filter(|user| user.rules().accept(password)) else { return false };
        enter(user);
        true
    }

    /// Makes a user or changes it: all of the rules hold, or none. `all_channels` as `acl-pubsub-default` says.
    pub fn set_user<'a>(
        &self,
        name: &[u8],
        rules: impl Iterator<Item = &'a [u8]>,
        all_channels: bool,
    ) -> Result<Arc<User>, SetUserError> {
        let merged = merge_selectors(rules).map_err(SetUserError::Unmatched)?;
        let mut users = self.lock_users();
        let known = users.get(name).cloned();
        let before = known.as_ref().map(|user| (**user.rules()).clone());
        let mut rules = before.unwrap_or_else(|| Rules::new(all_channels));
        rules.apply_all(&merged, all_channels).map_err(|(rule, error)| SetUserError::Rule(rule, error))?;
        if let Some(user) = known {
            user.set_rules(rules);
            return Ok(user);
        }
        let user = User::new(name, rules);
        users.insert(name.into(), user.clone());
        Ok(user)
    }

    /// The user that was taken away; what still holds it may do nothing more. The default user stays.
    pub fn delete(&self, name: &[u8]) -> Option<Arc<User>> {
        if name == DEFAULT {
            return None;
        }
        let user = self.lock_users().remove(name)?;
        user.set_rules(Rules::new(false));
        Some(user)
    }

    /// Users that a redis.conf describes; the default user may be among them.
    pub fn add_all(&self, new: Vec<(Vec<u8>, Rules)>) {
        let mut users = self.lock_users();
        for (name, rules) in new {
            if name == DEFAULT {
                self.default_user.set_rules(rules);
            } else {
                let user = User::new(&name, rules);
                users.insert(name.into(), user);
            }
        }
    }

    /// Puts these users in the place of all others, which are given back and may do nothing more. The default user, when it
    /// is not among them, is as nobody has changed it.
    pub fn replace_all(&self, new: Vec<(Vec<u8>, Rules)>) -> Vec<Arc<User>> {
        let mut users = self.lock_users();
        let mut gone = std::mem::take(&mut *users);
        gone.remove(DEFAULT);
        let mut default_rules = Rules::unrestricted();
        for (name, rules) in new {
            if name == DEFAULT {
                default_rules = rules;
            } else {
                let user = User::new(&name, rules);
                users.insert(name.into(), user);
            }
        }
        self.default_user.set_rules(default_rules);
        users.insert(DEFAULT.into(), self.default_user.clone());
        gone.values().for_each(|user| user.set_rules(Rules::new(false)));
        gone.into_values().collect()
    }

    pub fn lock_log(&self) -> MutexGuard<'_, AccessLog> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_users(&self) -> MutexGuard<'_, BTreeMap<Box<[u8]>, Arc<User>>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `user name rules…`
pub fn line(user: &User) -> Vec<u8> {
    [b"user ", &*user.name, b" ", &user.rules().describe()].concat()
}
