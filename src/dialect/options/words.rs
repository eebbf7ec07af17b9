//! The words of the command line, read one after the other; and the flags that are known and not taken.

use std::time::Duration;

use super::Refusal;

/// The arguments, and how far they were read.
pub struct Words<'a> {
    arguments: &'a [Vec<u8>],
    position: usize,
}

impl<'a> Words<'a> {
    pub(super) fn new(arguments: &'a [Vec<u8>]) -> Words<'a> {
        Words { arguments, position: 0 }
    }

    /// Those from the one that was read last on.
    pub(super) fn since_last(&self) -> &'a [Vec<u8>] {
        &self.arguments[self.position.saturating_sub(1)..]
    }

    pub fn next(&mut self) -> Option<&'a [u8]> {
        let word = self.peek()?;
        self.position += 1;
        Some(word)
    }

    pub fn peek(&self) -> Option<&'a [u8]> {
        self.arguments.get(self.position).map(Vec::as_slice)
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.position >= self.arguments.len()
    }

    /// The value of `flag`, which must be there.
    pub fn value(&mut self, flag: &[u8]) -> Result<&'a [u8], Refusal> {
        self.next().ok_or_else(|| unknown_flag(flag))
    }

    /// The value of `flag`, a number of seconds; `None` for 0, which is: for ever.
    pub(super) fn seconds(&mut self, flag: &[u8]) -> Result<Option<Duration>, Refusal> {
        let seconds: f64 = self.number(flag)?;
        let duration = Duration::try_from_secs_f64(seconds)
            .map_err(|_| Refusal::Wrong(format!("{} takes a number of seconds", flag.escape_ascii())))?;
        Ok((!duration.is_zero()).then_some(duration))
    }

    /// The value of `flag`, which must be a number. redis-cli takes whatever digits it finds and else 0; a
    /// mistyped port or database is better refused.
    pub fn number<N: std::str::FromStr>(&mut self, flag: &[u8]) -> Result<N, Refusal> {
        let word = text(self.value(flag)?)?;
        word.parse().map_err(|_| {
            Refusal::Wrong(format!("{}: '{word}' is no number it can take", flag.escape_ascii()))
        })
    }
}

/// An argument that must be text.
pub fn text(bytes: &[u8]) -> Result<String, Refusal> {
    String::from_utf8(bytes.to_vec())
        .map_err(|_| Refusal::Wrong(format!("'{}' is not UTF-8", bytes.escape_ascii())))
}

const CIPHERS: &str = "the ciphers are those that are safe today";

/// The flags of redis-cli that are not offered, and what does their work.
pub(super) const NOT_OFFERED: &[(&str, &str)] = &[
    ("--keystats", "use --bigkeys and --memkeys, or rcl bigkeys"),
    ("--keystats-samples", "use --memkeys-samples"),
    ("--cursor", "use SCAN itself"),
    ("--top", "use rcl bigkeys"),
    ("-4", "name the host by its IPv4 address"),
    ("-6", "name the host by its IPv6 address"),
    ("--tls-ciphers", CIPHERS),
    ("--tls-ciphersuites", CIPHERS),
];

pub(super) fn unknown_flag(flag: &[u8]) -> Refusal {
    match NOT_OFFERED.iter().find(|(name, _)| name.as_bytes() == flag) {
        Some((name, instead)) => Refusal::NotOffered { flag: (*name).to_owned(), instead },
        None => Refusal::Wrong(format!(
            "Unrecognized option or bad number of args for: '{}'",
            String::from_utf8_lossy(flag)
        )),
    }
}
