//! A selector: what a user may do, as one whole. A user may run a request that any one of its selectors allows.

use super::RuleError;
use super::commands::AllowedCommands;
use crate::command::spec::{KeyFlags, key_flag};
use crate::config::glob;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    pub commands: AllowedCommands,
    pub keys: Patterns<KeyPattern>,
    pub channels: Patterns<Box<[u8]>>,
}

/// What keys or channels may be named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Patterns<P> {
    All,
    Some(Vec<P>),
}

impl<P> Patterns<P> {
    pub const NONE: Patterns<P> = Patterns::Some(Vec::new());

    pub fn are_all(&self) -> bool {
        matches!(self, Patterns::All)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPattern {
    pub pattern: Box<[u8]>,
    pub read: bool,
    pub write: bool,
}

impl KeyPattern {
    /// Whether what is done with a key of such flags is covered.
    fn covers(&self, flags: KeyFlags) -> bool {
        let reads = flags & key_flag::ACCESS != 0;
        let writes = flags & (key_flag::INSERT | key_flag::DELETE | key_flag::UPDATE) != 0;
        (self.read || !reads) && (self.write || !writes)
    }

    /// As a rule says it.
    pub fn rule(&self) -> Vec<u8> {
        let prefix: &[u8] = match (self.read, self.write) {
            (true, true) => b"~",
            (true, false) => b"%R~",
            (false, _) => b"%W~",
        };
        [prefix, &self.pattern].concat()
    }
}

impl Selector {
    /// No commands, no keys; channels as `acl-pubsub-default` says.
    pub fn new(all_channels: bool) -> Selector {
        let channels = if all_channels { Patterns::All } else { Patterns::NONE };
        Selector { commands: AllowedCommands::none(), keys: Patterns::NONE, channels }
    }

    pub fn is_unrestricted(&self) -> bool {
        self.commands.are_all() && self.keys.are_all() && self.channels.are_all()
    }

    pub fn allows_key(&self, key: &[u8], flags: KeyFlags) -> bool {
        match &self.keys {
            Patterns::All => true,
            Patterns::Some(patterns) => {
                patterns.iter().any(|pattern| pattern.covers(flags) && glob::matches(&pattern.pattern, key))
            }
        }
    }

    /// Whether any key at all may be used so.
    pub fn allows_every_key(&self, flags: KeyFlags) -> bool {
        match &self.keys {
            Patterns::All => true,
            Patterns::Some(patterns) => {
                patterns.iter().any(|pattern| pattern.covers(flags) && *pattern.pattern == *b"*")
            }
        }
    }

    /// A channel is to fit a pattern; a pattern (of PSUBSCRIBE) is to be one, letter by letter.
    pub fn allows_channel(&self, name: &[u8], is_pattern: bool) -> bool {
        match &self.channels {
            Patterns::All => true,
            Patterns::Some(patterns) if is_pattern => patterns.iter().any(|pattern| **pattern == *name),
            Patterns::Some(patterns) => patterns.iter().any(|pattern| glob::matches(pattern, name)),
        }
    }

    /// Applies one rule about commands, keys or channels.
    pub fn apply(&mut self, rule: &[u8]) -> Result<(), RuleError> {
        let is = |word: &str| rule.eq_ignore_ascii_case(word.as_bytes());
        if is("allkeys") || is("~*") {
            self.keys = Patterns::All;
        } else if is("resetkeys") {
            self.keys = Patterns::NONE;
        } else if is("allchannels") || is("&*") {
            self.channels = Patterns::All;
        } else if is("resetchannels") {
            self.channels = Patterns::NONE;
        } else if is("allcommands") || is("+@all") {
            self.commands = AllowedCommands::all();
        } else if is("nocommands") || is("-@all") {
            self.commands = AllowedCommands::none();
        } else {
            return self.apply_pattern_or_command(rule);
        }
        Ok(())
    }

    fn apply_pattern_or_command(&mut self, rule: &[u8]) -> Result<(), RuleError> {
        match rule {
            [b'~', pattern @ ..] => self.add_key_pattern(pattern, true, true),
            [b'%', rest @ ..] => {
                let (pattern, read, write) = permissions(rest)?;
                self.add_key_pattern(pattern, read, write)
            }
            [b'&', pattern @ ..] => self.add_channel_pattern(pattern),
            [sign @ (b'+' | b'-'), b'@', name @ ..] => self.commands.set_category(name, *sign == b'+'),
            [b'-', name @ ..] => self.commands.set_command(name, false),
            [b'+', name @ ..] => match name.iter().rposition(|&byte| byte == b'|') {
                None => self.commands.set_command(name, true),
                Some(bar) => self.commands.allow_one(&name[..bar], &name[bar + 1..]),
            },
            _ => Err(RuleError::Syntax),
        }
    }

    fn add_key_pattern(&mut self, pattern: &[u8], read: bool, write: bool) -> Result<(), RuleError> {
        let Patterns::Some(patterns) = &mut self.keys else { return Err(RuleError::KeysAfterAll) };
        if has_spaces(pattern) {
            return Err(RuleError::Syntax);
        }
        match patterns.iter_mut().find(|known| *known.pattern == *pattern) {
            Some(known) => {
                known.read |= read;
                known.write |= write;
            }
            None => patterns.push(KeyPattern { pattern: pattern.into(), read, write }),
        }
        Ok(())
    }

    fn add_channel_pattern(&mut self, pattern: &[u8]) -> Result<(), RuleError> {
        let Patterns::Some(patterns) = &mut self.channels else { return Err(RuleError::ChannelsAfterAll) };
        if has_spaces(pattern) {
            return Err(RuleError::Syntax);
        }
        if !patterns.iter().any(|known| **known == *pattern) {
            patterns.push(pattern.into());
        }
        Ok(())
    }

    /// The key patterns as rules, parted by spaces.
    pub fn keys_text(&self) -> Vec<u8> {
        match &self.keys {
            Patterns::All => b"~*".to_vec(),
            Patterns::Some(patterns) => patterns.iter().map(KeyPattern::rule).collect::<Vec<_>>().join(&b' '),
        }
    }

    /// The channel patterns as rules, parted by spaces.
    pub fn channels_text(&self) -> Vec<u8> {
        match &self.channels {
            Patterns::All => b"&*".to_vec(),
            Patterns::Some(patterns) => {
                let rules = patterns.iter().map(|pattern| [b"&", &**pattern].concat());
                rules.collect::<Vec<_>>().join(&b' ')
            }
        }
    }

    /// All rules that make this selector of a new one.
    pub fn describe(&self) -> Vec<u8> {
        let mut rules = self.keys_text();
        if !rules.is_empty() {
            rules.push(b' ');
        }
        if !self.channels.are_all() {
            rules.extend_from_slice(b"resetchannels ");
        }
        let channels = self.channels_text();
        rules.extend_from_slice(&channels);
        if !channels.is_empty() {
            rules.push(b' ');
        }
        rules.extend_from_slice(self.commands.to_string().as_bytes());
        rules
    }
}

/// `R~pattern`, `W~pattern` or both letters, in any order and case.
fn permissions(rest: &[u8]) -> Result<(&[u8], bool, bool), RuleError> {
    let (mut read, mut write) = (false, false);
    for (index, byte) in rest.iter().enumerate() {
        match byte.to_ascii_uppercase() {
            b'R' if !read => read = true,
            b'W' if !write => write = true,
            b'~' if read || write => return Ok((&rest[index + 1..], read, write)),
            _ => return Err(RuleError::Syntax),
        }
    }
    // Redis takes `%R` as `%R~`; a rule that was not meant so should not be taken in silence.
    Err(RuleError::Syntax)
}

/// Names and patterns are parted by spaces where they are kept, and end at a NUL in C.
pub fn has_spaces(text: &[u8]) -> bool {
    text.iter().any(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c | 0))
}
