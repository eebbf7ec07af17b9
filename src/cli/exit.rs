//! What can go wrong, and the exit code of each: the one place.

use std::fmt;

/// The table of the help text; a test holds it against [`Kind::code`].
pub const TABLE: &str = "\
Exit codes:
  0    done; for check: the cluster is healthy
  1    check found errors; verify found differences
  2    wrong usage
  3    refused before anything was touched; the message says why
  4    a node could not be reached, or did not let us in
  5    stopped on the way; the message says what is left and how to go on
  6    not confirmed
  7    a node answered what it should not; or a bug of rcl
  8    plan: the cluster is not as described
  130  interrupted";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Unhealthy,
    Usage,
    Refused,
    Unreachable,
    Stopped,
    NotConfirmed,
    Internal,
    Different,
    Interrupted,
}

impl Kind {
    pub const ALL: [Kind; 9] = [
        Kind::Unhealthy,
        Kind::Usage,
        Kind::Refused,
        Kind::Unreachable,
        Kind::Stopped,
        Kind::NotConfirmed,
        Kind::Internal,
        Kind::Different,
        Kind::Interrupted,
    ];

    /// In documents for machines.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Unhealthy => "unhealthy",
            Kind::Usage => "usage",
            Kind::Refused => "refused",
            Kind::Unreachable => "unreachable",
            Kind::Stopped => "stopped",
            Kind::NotConfirmed => "not-confirmed",
            Kind::Internal => "internal",
            Kind::Different => "different",
            Kind::Interrupted => "interrupted",
        }
    }

    pub const fn code(self) -> u8 {
        match self {
            Kind::Unhealthy => 1,
            Kind::Usage => 2,
            Kind::Refused => 3,
            Kind::Unreachable => 4,
            Kind::Stopped => 5,
            Kind::NotConfirmed => 6,
            Kind::Internal => 7,
            Kind::Different => 8,
            Kind::Interrupted => 130,
        }
    }
}

/// Why a verb did not do what was asked: what, where, and what to do next.
#[derive(Clone, Debug)]
pub struct Failure {
    pub kind: Kind,
    pub what: String,
    pub next: Option<String>,
}

impl Failure {
    pub fn new(kind: Kind, what: impl Into<String>) -> Failure {
        Failure { kind, what: system_words(&what.into()), next: None }
    }

    pub fn refused(what: impl Into<String>) -> Failure {
        Failure::new(Kind::Refused, what)
    }

    pub fn usage(what: impl Into<String>) -> Failure {
        Failure::new(Kind::Usage, what)
    }

    /// The command or the deed that helps.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Failure {
        self.next = Some(next.into());
        self
    }
}

/// What the system says of an error, without the ` (os error 111)` that Rust puts behind it: in whatever text.
pub fn system_words(text: &str) -> String {
    const BEFORE: &str = " (os error ";
    let mut words = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(BEFORE) {
        words.push_str(before);
        rest = match after.split_once(')') {
            Some((number, after)) if number.parse::<i32>().is_ok() => after,
            _ => {
                words.push_str(BEFORE);
                after
            }
        };
    }
    words.push_str(rest);
    words
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_has_no_number_behind_it() {
        let refused = std::io::Error::from_raw_os_error(libc::ECONNREFUSED);
        assert_eq!(
            Failure::refused(format!("here: {refused}; there")).what,
            "here: Connection refused; there"
        );
        let text = "a (os error 2)b (os error 13) (os error x) (os error 1";
        assert_eq!(system_words(text), "ab (os error x) (os error 1");
        assert_eq!(system_words(""), "");
    }

    #[test]
    fn the_help_names_every_code_once() {
        for kind in Kind::ALL {
            let line = format!("  {:<4} ", kind.code());
            assert_eq!(TABLE.lines().filter(|text| text.starts_with(&line)).count(), 1, "{kind:?}");
        }
        assert_eq!(TABLE.lines().count(), Kind::ALL.len() + 2, "the heading and 0");
    }
}
