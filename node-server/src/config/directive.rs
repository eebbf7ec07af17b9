//! What one row of the directive table says: the name, the aliases, what values it takes, its default, when it
//! may change, and whether the node does it.
//!
//! Rows are written as `yes_no("rdbchecksum", "yes", EFFECT).immutable()`. The default is text as a redis.conf
//! would hold it and is parsed by the same code, so there is no second notation.

/// What the node does about a directive. Nothing is ignored in silence: a directive is done, or is named in the
/// log as without effect, or is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The node does what the directive says.
    Effect,
    /// Tunes something that the node does another way, or has not got. Accepted, kept for CONFIG GET and REWRITE,
    /// and named once in the log.
    NoEffect { why: &'static str },
    /// Promises safety, security or data, and the node can't keep that promise yet.
    RefusedUnlessDefault { why: &'static str },
}

pub const EFFECT: Standing = Standing::Effect;

pub const fn no_effect(why: &'static str) -> Standing {
    Standing::NoEffect { why }
}

pub const fn refused(why: &'static str) -> Standing {
    Standing::RefusedUnlessDefault { why }
}

/// How a number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notation {
    Decimal,
    /// Bytes with an optional unit: b, k (1000), kb (1024), m, mb, g, gb.
    Memory,
    /// Memory, or `N%`.
    MemoryOrPercent,
    Octal,
}

/// The check that a text directive makes on its value; the error is Redis's text.
pub type TextCheck = fn(&[u8]) -> Result<(), &'static str>;

#[derive(Clone, Copy, Debug)]
pub enum Kind {
    YesNo,
    Number {
        notation: Notation,
        low: i128,
        high: i128,
    },
    /// One of these words. `a|b` are two spellings of one choice, of which the first is what CONFIG GET prints.
    Choice(&'static [&'static str]),
    /// Any of these words together; the first one stands for none.
    Flags(&'static [&'static str]),
    Text(TextCheck),
    /// `seconds changes` pairs.
    Save,
    /// Addresses to listen on.
    Bind,
    /// `class hard soft seconds` groups.
    OutputBufferLimit,
    /// Three integers in -2000 … 2000.
    OomScores,
    /// Letters of event classes.
    KeyspaceEvents,
    /// `host port`, or `no one`.
    ReplicaOf,
    Percentiles,
    /// A folder that exists; kept as an absolute path.
    Directory,
}

impl Kind {
    /// Whether a line may give several words (and a single word is split at its spaces).
    pub fn takes_words(self) -> bool {
        matches!(
            self,
            Kind::Flags(_)
                | Kind::Save
                | Kind::Bind
                | Kind::OutputBufferLimit
                | Kind::OomScores
                | Kind::ReplicaOf
                | Kind::Percentiles
        )
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Directive {
    pub name: &'static str,
    pub alias: Option<&'static str>,
    pub kind: Kind,
    pub default: &'static str,
    pub standing: Standing,
    /// CONFIG SET may not change it.
    pub immutable: bool,
    /// CONFIG SET may change it only as `enable-protected-configs` allows.
    pub protected: bool,
    /// A secret: never in a log or an error message.
    pub sensitive: bool,
    /// CONFIG GET shows it only when asked by its full name.
    pub hidden: bool,
    /// CONFIG SET may not change it while a data set is being loaded.
    pub denied_while_loading: bool,
    /// Not a directive of Redis.
    pub ours: bool,
}

impl Directive {
    pub const fn new(name: &'static str, kind: Kind, default: &'static str, standing: Standing) -> Directive {
        Directive {
            name,
            alias: None,
            kind,
            default,
            standing,
            immutable: false,
            protected: false,
            sensitive: false,
            hidden: false,
            denied_while_loading: false,
            ours: false,
        }
    }

    pub const fn alias(mut self, alias: &'static str) -> Directive {
        self.alias = Some(alias);
        self
    }

    pub const fn immutable(mut self) -> Directive {
        self.immutable = true;
        self
    }

    pub const fn protected(mut self) -> Directive {
        self.protected = true;
        self
    }

    pub const fn sensitive(mut self) -> Directive {
        self.sensitive = true;
        self
    }

    pub const fn hidden(mut self) -> Directive {
        self.hidden = true;
        self
    }

    pub const fn denied_while_loading(mut self) -> Directive {
        self.denied_while_loading = true;
        self
    }

    pub const fn ours(mut self) -> Directive {
        self.ours = true;
        self
    }
}

pub const fn yes_no(name: &'static str, default: &'static str, standing: Standing) -> Directive {
    Directive::new(name, Kind::YesNo, default, standing)
}

pub const fn integer(
    name: &'static str,
    low: i64,
    high: i64,
    default: &'static str,
    standing: Standing,
) -> Directive {
    let kind = Kind::Number { notation: Notation::Decimal, low: low as i128, high: high as i128 };
    Directive::new(name, kind, default, standing)
}

pub const fn memory(
    name: &'static str,
    low: u64,
    high: u64,
    default: &'static str,
    standing: Standing,
) -> Directive {
    let kind = Kind::Number { notation: Notation::Memory, low: low as i128, high: high as i128 };
    Directive::new(name, kind, default, standing)
}

pub const fn choice(
    name: &'static str,
    words: &'static [&'static str],
    default: &'static str,
    standing: Standing,
) -> Directive {
    Directive::new(name, Kind::Choice(words), default, standing)
}

pub const fn text(name: &'static str, default: &'static str, standing: Standing) -> Directive {
    Directive::new(name, Kind::Text(any_text), default, standing)
}

pub const fn checked_text(
    name: &'static str,
    check: TextCheck,
    default: &'static str,
    standing: Standing,
) -> Directive {
    Directive::new(name, Kind::Text(check), default, standing)
}

fn any_text(_: &[u8]) -> Result<(), &'static str> {
    Ok(())
}
