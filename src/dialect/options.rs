//! The flags of redis-cli, read in its order and with its rules: flags first, and the first word that is no
//! flag starts the command, whose own words are never flags.
//!
//! A flag of redis-cli that is not offered here is refused by name ([`Refusal::NotOffered`]), never taken in
//! silence: a script that relied on it would go on with something else.

use std::path::PathBuf;

use rcl_proto::Address;
use rcl_proto::words::unquote;

use super::cluster::ClusterCommand;
use super::format::{Delimiters, Form};
use crate::wire::Endpoint;

/// What was asked for on the command line.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    pub host: String,
    pub port: u16,
    pub socket: Option<PathBuf>,
    pub user: Option<Vec<u8>>,
    pub password: Option<Vec<u8>>,
    pub no_auth_warning: bool,
    pub database: i64,
    pub follow_redirects: bool,
    /// How often each command runs; negative: for ever.
    pub repeat: i64,
    pub interval_seconds: f64,
    pub protocol: ProtocolChoice,
    /// `None`: standard on a terminal, raw elsewhere.
    pub form: Option<Form>,
    pub delimiters: Delimiters,
    pub exit_with_error: bool,
    pub stdin_as_last_argument: bool,
    /// The word of the command in whose place stdin is put (`-X`).
    pub stdin_in_place_of: Option<Vec<u8>>,
    pub quoted_input: bool,
    pub show_pushes: Option<bool>,
    pub scan: bool,
    pub pattern: Option<Vec<u8>>,
    pub eval: Option<PathBuf>,
    pub cluster: Option<ClusterCommand>,
    pub command: Vec<Vec<u8>>,
}

/// Which protocol to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtocolChoice {
    /// RESP2, as a new connection does.
    Default,
    Resp2,
    Resp3,
    /// RESP3 for the sake of `--json`: a server that lacks it is no error.
    PreferResp3,
}

/// Why the command line is not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    Help,
    Version,
    /// A flag of redis-cli that is not offered here, and what to use in its place.
    NotOffered {
        flag: String,
        instead: &'static str,
    },
    Wrong(String),
}

impl Default for Options {
    fn default() -> Options {
        Options {
            host: "127.0.0.1".into(),
            port: 6379,
            socket: None,
            user: None,
            password: None,
            no_auth_warning: false,
            database: 0,
            follow_redirects: false,
            repeat: 1,
            interval_seconds: 0.0,
            protocol: ProtocolChoice::Default,
            form: None,
            delimiters: Delimiters { element: b"\n".to_vec(), reply: b"\n".to_vec() },
            exit_with_error: false,
            stdin_as_last_argument: false,
            stdin_in_place_of: None,
            quoted_input: false,
            show_pushes: None,
            scan: false,
            pattern: None,
            eval: None,
            cluster: None,
            command: Vec::new(),
        }
    }
}

impl Options {
    /// Reads the arguments after the program's name.
    pub fn parse(arguments: &[Vec<u8>]) -> Result<Options, Refusal> {
        let mut options = Options::default();
        let mut words = Words { arguments, position: 0 };
        while let Some(flag) = words.next() {
            if options.take_cluster_word(flag, &mut words)? || options.take_flag(flag, &mut words)? {
                continue;
            }
            if flag.first() == Some(&b'-') {
                return Err(unknown_flag(flag));
            }
            options.command = arguments[words.position - 1..].to_vec();
            break;
        }
        options.check()?;
        Ok(options)
    }

    /// Where these options say to connect.
    pub fn endpoint(&self) -> Endpoint {
        match &self.socket {
            Some(path) => Endpoint::Unix(path.clone()),
            None => Endpoint::Tcp(Address::new(self.host.clone(), self.port)),
        }
    }

    /// `--cluster …`, and words that belong to it.
    fn take_cluster_word(&mut self, flag: &[u8], words: &mut Words<'_>) -> Result<bool, Refusal> {
        if flag == b"--cluster" {
            if self.cluster.is_some() {
                return Err(Refusal::Wrong("--cluster is given twice".into()));
            }
            let name = words.value(flag)?;
            let mut command = ClusterCommand::new(text(name)?);
            command.take_arguments(words)?;
            self.cluster = Some(command);
            return Ok(true);
        }
        let Some(rest) = flag.strip_prefix(b"--cluster-") else {
            // Arguments may also come after options: `--cluster create --cluster-yes host:port …`.
            return match &mut self.cluster {
                Some(command) if flag.first() != Some(&b'-') && command.arguments.is_empty() => {
                    command.arguments.push(text(flag)?);
                    command.take_arguments(words)?;
                    Ok(true)
                }
                _ => Ok(false),
            };
        };
        let command = self.cluster.as_mut().ok_or_else(|| {
            Refusal::Wrong(format!("{} has a meaning only after --cluster COMMAND", flag.escape_ascii()))
        })?;
        command.take_option(rest, words)?;
        Ok(true)
    }

    /// One flag with its value; `false` when it is none that is known.
    fn take_flag(&mut self, flag: &[u8], words: &mut Words<'_>) -> Result<bool, Refusal> {
        match flag {
            b"--help" => return Err(Refusal::Help),
            b"-h" if words.is_at_end() => return Err(Refusal::Help),
            b"-v" | b"--version" => return Err(Refusal::Version),
            b"-h" => self.host = text(words.value(flag)?)?,
            b"-p" => self.port = words.number(flag)?,
            b"-s" => self.socket = Some(PathBuf::from(text(words.value(flag)?)?)),
            b"-a" | b"--pass" => self.password = Some(words.value(flag)?.to_vec()),
            b"--user" => self.user = Some(words.value(flag)?.to_vec()),
            b"-u" => self.take_uri(&text(words.value(flag)?)?)?,
            b"--no-auth-warning" => self.no_auth_warning = true,
            b"-n" => self.database = words.number(flag)?,
            b"-c" => self.follow_redirects = true,
            b"-r" => self.repeat = words.number(flag)?,
            b"-i" => self.interval_seconds = words.number(flag)?,
            b"-e" => self.exit_with_error = true,
            b"-x" => self.stdin_as_last_argument = true,
            b"-X" => self.stdin_in_place_of = Some(words.value(flag)?.to_vec()),
            b"--scan" => self.scan = true,
            b"--pattern" => self.pattern = Some(words.value(flag)?.to_vec()),
            b"--quoted-pattern" => {
                let pattern = unquote(words.value(flag)?);
                let wrong = || Refusal::Wrong("Invalid quoted string specified for --quoted-pattern.".into());
                self.pattern = Some(pattern.ok_or_else(wrong)?);
            }
            b"--eval" => self.eval = Some(PathBuf::from(text(words.value(flag)?)?)),
            b"--quoted-input" => self.quoted_input = true,
            b"--show-pushes" => {
                self.show_pushes = match words.value(flag)?.first() {
                    Some(b'y' | b'Y') => Some(true),
                    Some(b'n' | b'N') => Some(false),
                    _ => return Err(Refusal::Wrong("--show-pushes takes yes or no".into())),
                }
            }
            _ => return self.take_form_flag(flag, words),
        }
        Ok(true)
    }

    /// The flags that say how to speak and how to print.
    fn take_form_flag(&mut self, flag: &[u8], words: &mut Words<'_>) -> Result<bool, Refusal> {
        match flag {
            b"-2" => self.set_protocol(ProtocolChoice::Resp2)?,
            b"-3" => self.set_protocol(ProtocolChoice::Resp3)?,
            b"--raw" => self.form = Some(Form::Raw),
            b"--no-raw" => self.form = Some(Form::Standard),
            b"--csv" => self.form = Some(Form::Csv),
            b"--json" => self.set_json(Form::Json),
            b"--quoted-json" => self.set_json(Form::QuotedJson),
            b"-d" => self.delimiters.element = words.value(flag)?.to_vec(),
            b"-D" => self.delimiters.reply = words.value(flag)?.to_vec(),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn set_protocol(&mut self, protocol: ProtocolChoice) -> Result<(), Refusal> {
        use ProtocolChoice::{Resp2, Resp3};
        if matches!((self.protocol, protocol), (Resp2, Resp3) | (Resp3, Resp2)) {
            return Err(Refusal::Wrong("Options -2 and -3 are mutually exclusive.".into()));
        }
        self.protocol = protocol;
        Ok(())
    }

    fn set_json(&mut self, form: Form) {
        if self.protocol == ProtocolChoice::Default {
            self.protocol = ProtocolChoice::PreferResp3;
        }
        self.form = Some(form);
    }

    /// `redis://[[user:]password@][host[:port]][/database]`.
    fn take_uri(&mut self, uri: &str) -> Result<(), Refusal> {
        let lower = uri.to_ascii_lowercase();
        if lower.starts_with("rediss://") {
            return Err(Refusal::NotOffered { flag: "-u rediss://".into(), instead: NO_TLS });
        }
        if !lower.starts_with("redis://") {
            return Err(Refusal::Wrong("Invalid URI scheme".into()));
        }
        let rest = &uri["redis://".len()..];
        let (credentials, rest) = match rest.split_once('@') {
            Some((credentials, rest)) => (Some(credentials), rest),
            None => (None, rest),
        };
        if let Some(credentials) = credentials {
            let password = match credentials.split_once(':') {
                Some((user, password)) => {
                    self.user = Some(percent_decoded(user)?);
                    password
                }
                None => credentials,
            };
            self.password = Some(percent_decoded(password)?);
        }
        let (place, database) = rest.split_once('/').unwrap_or((rest, ""));
        let wrong = |what: &str| Refusal::Wrong(format!("'{what}' in the URI is no number"));
        if !database.is_empty() {
            self.database = database.parse().map_err(|_| wrong(database))?;
        }
        match place.rsplit_once(':') {
            Some((host, port)) if !place.ends_with(']') => {
                self.port = port.parse().map_err(|_| wrong(port))?;
                self.set_uri_host(host);
            }
            _ => self.set_uri_host(place),
        }
        Ok(())
    }

    fn set_uri_host(&mut self, host: &str) {
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if !bare.is_empty() {
            self.host = bare.to_owned();
        }
    }

    fn check(&self) -> Result<(), Refusal> {
        let exclusive = |one: &str, other: &str| {
            Err(Refusal::Wrong(format!("Options {one} and {other} are mutually exclusive.")))
        };
        if self.socket.is_some() && self.follow_redirects {
            return exclusive("-c", "-s");
        }
        if self.stdin_as_last_argument && self.stdin_in_place_of.is_some() {
            return exclusive("-x", "-X");
        }
        if !(0.0..1e9).contains(&self.interval_seconds) {
            return Err(Refusal::Wrong("-i takes a number of seconds".into()));
        }
        Ok(())
    }
}

/// The arguments, and how far they were read.
pub struct Words<'a> {
    arguments: &'a [Vec<u8>],
    position: usize,
}

impl<'a> Words<'a> {
    pub fn next(&mut self) -> Option<&'a [u8]> {
        let word = self.peek()?;
        self.position += 1;
        Some(word)
    }

    pub fn peek(&self) -> Option<&'a [u8]> {
        self.arguments.get(self.position).map(Vec::as_slice)
    }

    fn is_at_end(&self) -> bool {
        self.position >= self.arguments.len()
    }

    /// The value of `flag`, which must be there.
    pub fn value(&mut self, flag: &[u8]) -> Result<&'a [u8], Refusal> {
        self.next().ok_or_else(|| unknown_flag(flag))
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

const NO_TLS: &str = "TLS is not offered yet";

/// The flags of redis-cli 7.0 that are not offered, and what does their work.
const NOT_OFFERED: &[(&str, &str)] = &[
    ("--bigkeys", "use --scan with MEMORY USAGE or STRLEN, LLEN, … on the keys"),
    ("--memkeys", "use --scan with MEMORY USAGE on the keys"),
    ("--memkeys-samples", "use --scan with MEMORY USAGE on the keys"),
    ("--hotkeys", "use --scan with OBJECT FREQ on the keys"),
    ("--latency", "use -r and -i with PING"),
    ("--latency-history", "use -r and -i with PING"),
    ("--latency-dist", "use -r and -i with PING"),
    ("--intrinsic-latency", "use the redis-cli of Redis"),
    ("--lru-test", "use the redis-cli of Redis"),
    ("--stat", "use rcl watch"),
    ("--slave", "use the redis-cli of Redis"),
    ("--replica", "use the redis-cli of Redis"),
    ("--rdb", "use the redis-cli of Redis"),
    ("--functions-rdb", "use FUNCTION DUMP"),
    ("--pipe", "feed commands, one a line, to stdin"),
    ("--pipe-timeout", "feed commands, one a line, to stdin"),
    ("--ldb", "use --eval without the debugger"),
    ("--ldb-sync-mode", "use --eval without the debugger"),
    ("--askpass", "put the password into the environment variable REDISCLI_AUTH"),
    ("--tls", NO_TLS),
    ("--sni", NO_TLS),
    ("--cacert", NO_TLS),
    ("--cacertdir", NO_TLS),
    ("--cert", NO_TLS),
    ("--key", NO_TLS),
    ("--tls-ciphers", NO_TLS),
    ("--tls-ciphersuites", NO_TLS),
    ("--insecure", NO_TLS),
    ("--verbose", "it has no effect outside --cluster; leave it out"),
    ("--mono", "it belongs to --latency-dist"),
];

fn unknown_flag(flag: &[u8]) -> Refusal {
    match NOT_OFFERED.iter().find(|(name, _)| name.as_bytes() == flag) {
        Some((name, instead)) => Refusal::NotOffered { flag: (*name).to_owned(), instead },
        None => Refusal::Wrong(format!(
            "Unrecognized option or bad number of args for: '{}'",
            String::from_utf8_lossy(flag)
        )),
    }
}

fn percent_decoded(text: &str) -> Result<Vec<u8>, Refusal> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || bytes.next().and_then(|byte| char::from(byte).to_digit(16));
        match (digit(), digit()) {
            (Some(high), Some(low)) => decoded.push((high * 16 + low) as u8),
            _ => return Err(Refusal::Wrong("Illegal character in URI encoding".into())),
        }
    }
    Ok(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, Refusal> {
        Options::parse(&rcl_proto::words::split(line.as_bytes()).unwrap())
    }

    fn command(options: &Options) -> Vec<String> {
        options.command.iter().map(|word| word.escape_ascii().to_string()).collect()
    }

    #[test]
    fn flags_end_where_the_command_starts() {
        let options = parse("-c -p 7001 -n 2 SET {test}:data -p").unwrap();
        assert!(options.follow_redirects);
        assert_eq!((options.port, options.database), (7001, 2));
        assert_eq!(command(&options), ["SET", "{test}:data", "-p"]);
    }

    #[test]
    fn a_uri_gives_all_at_once() {
        let options = parse("-u redis://al%69ce:s%40cret@db.example:7001/3 PING").unwrap();
        assert_eq!(options.user.as_deref(), Some(b"alice".as_slice()));
        assert_eq!(options.password.as_deref(), Some(b"s@cret".as_slice()));
        assert_eq!((options.host.as_str(), options.port, options.database), ("db.example", 7001, 3));
        let options = parse("-u redis://secret@[::1]:7002").unwrap();
        assert_eq!((options.user, options.host.as_str(), options.port), (None, "::1", 7002));
        assert_eq!(options.password.as_deref(), Some(b"secret".as_slice()));
        assert_eq!(parse("-u redis://").unwrap().host, "127.0.0.1");
        for bad in ["http://x", "redis://%zz@x", "redis://x:port", "rediss://x"] {
            assert!(parse(&format!("-u {bad}")).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_not_offered_is_refused_by_name() {
        for (flag, _) in NOT_OFFERED {
            let refused = parse(flag).unwrap_err();
            assert!(
                matches!(&refused, Refusal::NotOffered { flag: name, .. } if name == flag),
                "{refused:?}"
            );
        }
        assert_eq!(
            parse("--no-such-flag"),
            Err(Refusal::Wrong("Unrecognized option or bad number of args for: '--no-such-flag'".into()))
        );
    }

    #[test]
    fn contradictions_and_bad_numbers_are_refused() {
        for bad in [
            "-2 -3 PING",
            "-c -s /sock PING",
            "-x -X T SET k T",
            "-p x PING",
            "-p 70000",
            "-i -1",
            "-r",
            "-i nan",
        ] {
            assert!(matches!(parse(bad), Err(Refusal::Wrong(_))), "{bad}");
        }
    }

    #[test]
    fn json_prefers_resp3_unless_told_otherwise() {
        assert_eq!(parse("--json PING").unwrap().protocol, ProtocolChoice::PreferResp3);
        assert_eq!(parse("-2 --json PING").unwrap().protocol, ProtocolChoice::Resp2);
        assert_eq!(parse("-3 --json PING").unwrap().protocol, ProtocolChoice::Resp3);
    }

    #[test]
    fn the_cluster_words_are_kept_together() {
        let options = parse("--cluster create a:1 b:2 c:3 --cluster-replicas 1 --cluster-yes -a pw").unwrap();
        let cluster = options.cluster.unwrap();
        assert_eq!(cluster.arguments, ["a:1", "b:2", "c:3"]);
        assert_eq!(options.password.as_deref(), Some(b"pw".as_slice()));
        assert!(parse("--cluster-yes").is_err());
    }
}
