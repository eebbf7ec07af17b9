//! What a user is by its rules: whether it may log in, with which passwords, and its selectors.
//!
//! ```text
//! on | off            may log in or not          nopass | resetpass       any password will do | none does
//! >password #hash     one more password          <password !hash          one less
//! (rule rule …)       one more selector          clearselectors           only the first one is left
//! sanitize-payload | skip-sanitize-payload       reset                    as a new user
//! allkeys ~* ~pattern %R~pattern %W~pattern resetkeys  allchannels &* &pattern resetchannels
//! allcommands +@all nocommands -@all +command -command +container|sub -container|sub +command|word +@category -@category
//! ```
//!
//! What stands outside of parentheses is about the first selector. Source: ACL SETUSER of Redis 7.2.

use sha2::{Digest, Sha256};

use super::selector::Selector;
use rcl_proto::words;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    pub enabled: bool,
    /// Any password opens this user, and a new connection is the default user without one.
    pub no_password: bool,
    pub skip_sanitize_payload: bool,
    pub passwords: Vec<PasswordHash>,
    /// Never empty; the first one is the user's own.
    selectors: Vec<Selector>,
}

/// SHA-256 of a password.
pub type PasswordHash = [u8; 32];

/// Why a rule can't be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleError {
    UnknownCommand,
    Syntax,
    KeysAfterAll,
    ChannelsAfterAll,
    NoSuchPassword,
    BadHash,
    FirstArgumentOfSubcommand,
}

impl RuleError {
    /// Redis's texts.
    pub fn text(self) -> &'static str {
        match self {
            RuleError::UnknownCommand => "Unknown command or category name in ACL",
            RuleError::Syntax => "Syntax error",
            RuleError::KeysAfterAll => {
                "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try 'resetkeys' to start with an empty list of patterns"
            }
            RuleError::ChannelsAfterAll => {
                "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. Try 'resetchannels' to start with an empty list of channels"
            }
            RuleError::NoSuchPassword => "The password you are trying to remove from the user does not exist",
            RuleError::BadHash => {
                "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"
            }
            RuleError::FirstArgumentOfSubcommand => "Allowing first-arg of a subcommand is not supported",
        }
    }
}

impl Rules {
    /// A new user: off, no password, nothing allowed; channels as `acl-pubsub-default` says.
    pub fn new(all_channels: bool) -> Rules {
        Rules {
            enabled: false,
            no_password: false,
            skip_sanitize_payload: false,
            passwords: Vec::new(),
            selectors: vec![Selector::new(all_channels)],
        }
    }

    /// The default user as nobody has changed it: may do everything, without a password.
    pub fn unrestricted() -> Rules {
        let mut rules = Rules { enabled: true, no_password: true, ..Rules::new(true) };
        for rule in ["+@all", "~*"] {
            // Whole words that the selector knows.
            let _ = rules.selectors[0].apply(rule.as_bytes());
        }
        rules
    }

    pub fn selectors(&self) -> &[Selector] {
        &self.selectors
    }

    pub fn is_unrestricted(&self) -> bool {
        self.selectors.iter().any(Selector::is_unrestricted)
    }

    /// True when `password` opens this user. Takes as long for a wrong one as for the right one.
    pub fn accept(&self, password: &[u8]) -> bool {
        if !self.enabled {
            return false;
        }
        let hash = hash(password);
        let known = self.passwords.iter().fold(false, |found, known| found | same_bytes(known, &hash));
        self.no_password || known
    }

    /// `requirepass`: just this password; none when it is empty.
    pub fn set_password(&mut self, password: &[u8]) {
        self.no_password = password.is_empty();
        self.passwords = if password.is_empty() { Vec::new() } else { vec![hash(password)] };
    }

    /// Applies rules in their order; on an error says which one it was, and leaves this half done.
    pub fn apply_all(&mut self, rules: &[Vec<u8>], all_channels: bool) -> Result<(), (Vec<u8>, RuleError)> {
        rules
            .iter()
            .try_for_each(|rule| self.apply(rule, all_channels).map_err(|error| (rule.clone(), error)))
    }

    pub fn apply(&mut self, rule: &[u8], all_channels: bool) -> Result<(), RuleError> {
        let is = |word: &str| rule.eq_ignore_ascii_case(word.as_bytes());
        if rule.is_empty() {
            return Ok(());
        }
        if is("on") || is("off") {
            self.enabled = is("on");
        } else if is("skip-sanitize-payload") || is("sanitize-payload") {
            self.skip_sanitize_payload = is("skip-sanitize-payload");
        } else if is("nopass") || is("resetpass") {
            self.no_password = is("nopass");
            self.passwords.clear();
        } else if is("clearselectors") {
            self.selectors.truncate(1);
        } else if is("reset") {
            *self = Rules::new(all_channels);
        } else {
            return self.apply_password_or_selector(rule, all_channels);
        }
        Ok(())
    }

    fn apply_password_or_selector(&mut self, rule: &[u8], all_channels: bool) -> Result<(), RuleError> {
        match rule {
            [b'>', password @ ..] => self.add_password(hash(password)),
            [b'#', hash @ ..] => self.add_password(parse_hash(hash)?),
            [b'<', password @ ..] => self.remove_password(hash(password))?,
            [b'!', hash @ ..] => self.remove_password(parse_hash(hash)?)?,
            [b'(', inside @ .., b')'] => {
                let mut selector = Selector::new(all_channels);
                let inside = words::split(inside).ok_or(RuleError::Syntax)?;
                // Written among the others, a pattern that ends so would end the selector: an ACL file could not be read back.
                if inside.iter().any(|rule| rule.ends_with(b")")) {
                    return Err(RuleError::Syntax);
                }
                inside.iter().try_for_each(|rule| selector.apply(rule))?;
                self.selectors.push(selector);
            }
            _ => self.selectors[0].apply(rule)?,
        }
        Ok(())
    }

    fn add_password(&mut self, hash: PasswordHash) {
        self.no_password = false;
        if !self.passwords.contains(&hash) {
            self.passwords.push(hash);
        }
    }

    fn remove_password(&mut self, hash: PasswordHash) -> Result<(), RuleError> {
        let place = self.passwords.iter().position(|known| *known == hash);
        self.passwords.remove(place.ok_or(RuleError::NoSuchPassword)?);
        Ok(())
    }

    /// The words for what is on or off.
    pub fn flags(&self) -> Vec<&'static str> {
        let mut flags = vec![if self.enabled { "on" } else { "off" }];
        flags.extend(self.no_password.then_some("nopass"));
        flags.push(if self.skip_sanitize_payload { "skip-sanitize-payload" } else { "sanitize-payload" });
        flags
    }

    /// All rules that make this of a new user, in one line, as ACL LIST and the ACL file have it.
    pub fn describe(&self) -> Vec<u8> {
        let mut parts: Vec<Vec<u8>> = self.flags().iter().map(|flag| flag.as_bytes().to_vec()).collect();
        parts.extend(self.passwords.iter().map(|hash| format!("#{}", hash_text(hash)).into_bytes()));
        let (first, further) = self.selectors.split_at(1);
        parts.extend(first.iter().map(Selector::describe));
        parts.extend(further.iter().map(|selector| [b"(", &in_parentheses(selector)[..], b")"].concat()));
        parts.join(&b' ')
    }
}

/// What stands in parentheses is split once more where it is read, by the rules of redis.conf.
fn in_parentheses(selector: &Selector) -> Vec<u8> {
    let rules = selector.describe();
    let words = rules.split(|&byte| byte == b' ').map(quoted_if_needed);
    words.collect::<Vec<_>>().join(&b' ')
}

/// In quotes if it has some itself.
pub fn quoted_if_needed(word: &[u8]) -> Vec<u8> {
    let has_quotes = word.iter().any(|byte| matches!(byte, b'"' | b'\''));
    if has_quotes { words::quote(word).into_bytes() } else { word.to_vec() }
}

/// Rules of a selector may come as several arguments: `(`, `+get`, `~k)`. Those from an opening parenthesis to the
/// closing one become one rule. The error is the argument that opens one which is never closed.
pub fn merge_selectors<'a>(arguments: impl Iterator<Item = &'a [u8]>) -> Result<Vec<Vec<u8>>, Vec<u8>> {
    let mut merged = Vec::new();
    let mut open: Option<(&[u8], Vec<u8>)> = None;
    for argument in arguments {
        let closes = argument.last() == Some(&b')');
        match open.take() {
            Some((start, mut selector)) => {
                selector.push(b' ');
                selector.extend_from_slice(argument);
                if closes {
                    merged.push(selector);
                } else {
                    open = Some((start, selector));
                }
            }
            None if argument.first() == Some(&b'(') && !closes => {
                open = Some((argument, argument.to_vec()));
            }
            None => merged.push(argument.to_vec()),
        }
    }
    match open {
        Some((start, _)) => Err(start.to_vec()),
        None => Ok(merged),
    }
}

pub fn hash(password: &[u8]) -> PasswordHash {
    Sha256::digest(password).into()
}

/// 64 hexadecimal digits, lower case.
pub fn hash_text(hash: &PasswordHash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn parse_hash(text: &[u8]) -> Result<PasswordHash, RuleError> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut hash = [0; 32];
    if text.len() != 64 {
        return Err(RuleError::BadHash);
    }
    for (byte, pair) in hash.iter_mut().zip(text.chunks_exact(2)) {
        let (Some(high), Some(low)) = (digit(pair[0]), digit(pair[1])) else {
            return Err(RuleError::BadHash);
        };
        *byte = high << 4 | low;
    }
    Ok(hash)
}

fn same_bytes(one: &PasswordHash, other: &PasswordHash) -> bool {
    one.iter().zip(other).fold(0, |difference, (one, other)| difference | (one ^ other)) == 0
}

#[cfg(test)]
mod tests;
