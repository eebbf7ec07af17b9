//! A user: its name, and the rules of the moment. All its connections share it, so a change holds for them at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;

use super::Rules;
use super::check::Denied;
use crate::command::spec::KeyFlags;
use crate::executor::Request;

#[derive(Debug)]
pub struct User {
    pub name: Box<[u8]>,
    /// May do everything: then the gate looks no further.
    unrestricted: AtomicBool,
    rules: ArcSwap<Rules>,
}

impl User {
    pub fn new(name: &[u8], rules: Rules) -> Arc<User> {
        Arc::new(User {
            name: name.into(),
            unrestricted: AtomicBool::new(rules.is_unrestricted()),
            rules: ArcSwap::from_pointee(rules),
        })
    }

    /// Whom the streams that replicas apply act as: nobody may change it.
    pub fn superuser() -> Arc<User> {
        User::new(b"(superuser)", Rules::unrestricted())
    }

    pub fn rules(&self) -> arc_swap::Guard<Arc<Rules>> {
        self.rules.load()
    }

    pub fn set_rules(&self, rules: Rules) {
        let unrestricted = rules.is_unrestricted();
        // Never more than the old or the new rules allow, whichever of the two a reader sees.
        if !unrestricted {
            self.unrestricted.store(false, Ordering::Release);
        }
        self.rules.store(Arc::new(rules));
        self.unrestricted.store(unrestricted, Ordering::Release);
    }

    pub fn is_unrestricted(&self) -> bool {
        self.unrestricted.load(Ordering::Acquire)
    }

    /// Of the default user: whoever connects is this user at once.
    pub fn needs_no_log_in(&self) -> bool {
        let rules = self.rules();
        rules.enabled && rules.no_password
    }

    /// The name for texts.
    pub fn shown_name(&self) -> String {
        String::from_utf8_lossy(&self.name).into_owned()
    }

    /// Whether this user may run the request: the command, with these keys and channels.
    pub fn may(&self, request: &Request<'_>) -> Result<(), Denied> {
        if self.is_unrestricted() { Ok(()) } else { self.rules().may(request) }
    }

    /// Whether this user may run the request and besides use any key so: what SORT needs for BY and GET with patterns.
    pub fn may_with_every_key(&self, request: &Request<'_>, flags: KeyFlags) -> bool {
        self.is_unrestricted() || self.rules().may_with_every_key(request, flags)
    }

    pub fn may_use_channel(&self, name: &[u8], is_pattern: bool) -> bool {
        let allows = |rules: &Rules| {
            rules.selectors().iter().any(|selector| selector.allows_channel(name, is_pattern))
        };
        self.is_unrestricted() || allows(&self.rules())
    }
}
