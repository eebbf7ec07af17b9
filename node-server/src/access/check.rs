//! Whether a user's rules allow a request.

use std::cell::OnceCell;

use super::selector::Selector;
use super::{Rules, User};
use crate::command::spec::{Channels, KeyFlags, flag, key_flag};
use crate::command::{KeyPosition, find_keys};
use crate::executor::Request;

/// Why not: of the selectors, the one that got furthest says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Denied {
    pub reason: Reason,
    /// The argument that may not be; 0 is the command.
    pub index: usize,
}

/// In the order of how far a selector got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    Command,
    Key,
    Channel,
}

impl Denied {
    /// What the client hears, without its code.
    pub fn text(&self, user: &User, request: &Request<'_>) -> String {
        match self.reason {
            Reason::Command => {
                let (user, command) = (user.shown_name(), request.full_name());
                format!("User {user} has no permissions to run the '{command}' command")
            }
            Reason::Key => "No permissions to access a key".to_owned(),
            Reason::Channel => "No permissions to access a channel".to_owned(),
        }
    }

    /// With the key or channel by name: what ACL DRYRUN tells.
    pub fn verbose_text(&self, user: &User, request: &Request<'_>) -> String {
        let what = match self.reason {
            Reason::Command => return self.text(user, request),
            Reason::Key => "key",
            Reason::Channel => "channel",
        };
        let object = String::from_utf8_lossy(self.object(request)).into_owned();
        format!("User {} has no permissions to access the '{object}' {what}", user.shown_name())
    }

    /// The key or channel.
    pub fn object<'a>(&self, request: &Request<'a>) -> &'a [u8] {
        request.args.get(self.index).unwrap_or_default()
    }
}

impl Rules {
    pub fn may(&self, request: &Request<'_>) -> Result<(), Denied> {
        let keys = Keys::default();
        let mut furthest = Denied { reason: Reason::Command, index: 0 };
        for selector in self.selectors() {
            match may(selector, request, &keys) {
                Ok(()) => return Ok(()),
                Err(denied) => furthest = furthest.max(denied),
            }
        }
        Err(furthest)
    }

    pub fn may_with_every_key(&self, request: &Request<'_>, flags: KeyFlags) -> bool {
        let keys = Keys::default();
        let allows =
            |selector: &Selector| may(selector, request, &keys).is_ok() && selector.allows_every_key(flags);
        self.selectors().iter().any(allows)
    }
}

/// A request's keys, looked for once at most.
#[derive(Default)]
struct Keys(OnceCell<Vec<KeyPosition>>);

impl Keys {
    fn of(&self, request: &Request<'_>) -> &[KeyPosition] {
        self.0.get_or_init(|| {
            // A count of keys that lies is the handler's to complain of.
            let mut keys = find_keys(request.spec, request.args).unwrap_or_default();
            keys.retain(|key| key.flags & key_flag::NOT_KEY == 0);
            keys
        })
    }
}

fn may(selector: &Selector, request: &Request<'_>, keys: &Keys) -> Result<(), Denied> {
    let (spec, args) = (request.spec, request.args);
    let first_argument = args.get(1).filter(|_| request.container.is_none());
    if !spec.has(flag::NO_AUTH) && !selector.commands.contain(request.id, first_argument) {
        return Err(Denied { reason: Reason::Command, index: 0 });
    }
    if !selector.keys.are_all() {
        for key in keys.of(request) {
            let name = args.get(key.index).unwrap_or_default();
            if !selector.allows_key(name, key.flags) {
                return Err(Denied { reason: Reason::Key, index: key.index });
            }
        }
    }
    if !selector.channels.are_all() {
        let (count, is_pattern) = match spec.channels {
            Channels::None => (0, false),
            Channels::First => (1, false),
            Channels::All => (args.len(), false),
            Channels::AllPatterns => (args.len(), true),
        };
        for (index, name) in args.iter().enumerate().skip(1).take(count) {
            if !selector.allows_channel(name, is_pattern) {
                return Err(Denied { reason: Reason::Channel, index });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
