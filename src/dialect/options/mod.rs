//! The flags of redis-cli, read in its order and with its rules: flags first, and the first word that is no
//! flag starts the command, whose own words are never flags.
//!
//! A flag of redis-cli that is not offered here is refused by name ([`Refusal::NotOffered`]), and so is one
//! that means nothing beside the others: nothing is taken in silence, for a script that relied on it would go
//! on with something else.

mod mode;
mod uri;
mod words;

use std::path::PathBuf;
use std::time::Duration;

use rcl_proto::Address;
use rcl_proto::words::unquote;

pub use mode::Mode;
use words::unknown_flag;
pub use words::{Words, text};

use super::cluster::ClusterCommand;
use super::format::{Delimiters, Form};
use crate::cli::TlsOptions;
use crate::connect::Transport;
use crate::wire::Endpoint;

/// What was asked for on the command line.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    pub host: String,
    pub port: u16,
    pub socket: Option<PathBuf>,
    /// Plain TCP, or what `rcl`'s own options say.
    pub transport: Transport,
    pub tls: TlsOptions,
    pub user: Option<Vec<u8>>,
    pub password: Option<Vec<u8>>,
    pub asks_password: bool,
    pub no_auth_warning: bool,
    pub database: i64,
    /// How long a connection may take to come up.
    pub connect_limit: Option<Duration>,
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
    pub mode: Mode,
    pub pattern: Option<Vec<u8>>,
    /// COUNT of SCAN.
    pub count: Option<u64>,
    /// TYPE of SCAN.
    pub key_type: Option<Vec<u8>>,
    /// `None`: for ever.
    pub pipe_limit: Option<Duration>,
    /// `--latency-dist` in shades of grey.
    pub mono: bool,
    pub verbose: bool,
    pub eval: Option<PathBuf>,
    /// The script of `--eval` is debugged.
    pub debugger: Option<Debugger>,
    pub cluster: ClusterCommand,
    pub command: Vec<Vec<u8>>,
}

/// How a script is debugged (SCRIPT DEBUG).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Debugger {
    /// What it writes is taken back.
    Forked,
    /// The server waits for it, and what it writes stays.
    Sync,
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
            transport: Transport::default(),
            tls: TlsOptions::default(),
            user: None,
            password: None,
            asks_password: false,
            no_auth_warning: false,
            database: 0,
            connect_limit: None,
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
            mode: Mode::Commands,
            pattern: None,
            count: None,
            key_type: None,
            pipe_limit: Some(Duration::from_secs(30)),
            mono: false,
            verbose: false,
            eval: None,
            debugger: None,
            cluster: ClusterCommand::default(),
            command: Vec::new(),
        }
    }
}

impl Options {
    /// Reads the arguments after the program's name.
    pub fn parse(arguments: &[Vec<u8>]) -> Result<Options, Refusal> {
        Options::default().and(arguments)
    }

    /// These options, and what the arguments say beside and against them.
    pub fn and(mut self, arguments: &[Vec<u8>]) -> Result<Options, Refusal> {
        let mut words = Words::new(arguments);
        while let Some(flag) = words.next() {
            if self.take_cluster_word(flag, &mut words)?
                || self.take_mode(flag, &mut words)?
                || self.take_output_flag(flag, &mut words)?
                || self.take_tls_flag(flag, &mut words)?
                || self.take_flag(flag, &mut words)?
            {
                continue;
            }
            if flag.first() == Some(&b'-') {
                return Err(unknown_flag(flag));
            }
            self.command = words.since_last().to_vec();
            break;
        }
        self.check()?;
        Ok(self)
    }

    /// Where these options say to connect.
    pub fn endpoint(&self) -> Endpoint {
        match &self.socket {
            Some(path) => Endpoint::Unix(path.clone()),
            None => Endpoint::Tcp(Address::new(self.host.clone(), self.port)),
        }
    }

    /// `--cluster …`, and words that belong to it, which may stand before it too.
    fn take_cluster_word(&mut self, flag: &[u8], words: &mut Words<'_>) -> Result<bool, Refusal> {
        if flag == b"--cluster" {
            if self.cluster.is_given() {
                return Err(Refusal::Wrong("--cluster is given twice".into()));
            }
            self.cluster.name = text(words.value(flag)?)?;
            self.cluster.take_arguments(words)?;
            return Ok(true);
        }
        if let Some(name) = flag.strip_prefix(b"--cluster-") {
            self.cluster.take_option(name, words)?;
            return Ok(true);
        }
        // Arguments may also come after options: `--cluster create --cluster-yes host:port …`.
        let is_argument =
            self.cluster.is_given() && flag.first() != Some(&b'-') && self.cluster.arguments.is_empty();
        if is_argument {
            self.cluster.arguments.push(flag.to_vec());
            self.cluster.take_arguments(words)?;
        }
        Ok(is_argument)
    }

    /// A flag that says how replies are printed.
    fn take_output_flag(&mut self, flag: &[u8], words: &mut Words<'_>) -> Result<bool, Refusal> {
        match flag {
            b"--raw" => self.form = Some(Form::Raw),
            b"--no-raw" => self.form = Some(Form::Standard),
            b"--csv" => self.form = Some(Form::Csv),
            b"--json" => self.set_json(Form::Json),
            b"--quoted-json" => self.set_json(Form::QuotedJson),
            b"-d" => self.delimiters.element = words.value(flag)?.to_vec(),
            b"-D" => self.delimiters.reply = words.value(flag)?.to_vec(),
            b"--show-pushes" => {
                self.show_pushes = match words.value(flag)?.first() {
                    Some(b'y' | b'Y') => Some(true),
                    Some(b'n' | b'N') => Some(false),
                    _ => return Err(Refusal::Wrong("--show-pushes takes yes or no".into())),
                };
            }
            b"--mono" => self.mono = true,
            b"--verbose" => self.verbose = true,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// A flag of TLS.
    fn take_tls_flag(&mut self, flag: &[u8], words: &mut Words<'_>) -> Result<bool, Refusal> {
        let mut file = || Ok(Some(PathBuf::from(text(words.value(flag)?)?)));
        match flag {
            b"--tls" => self.turn_tls_on(),
            b"--sni" => self.tls.tls_server_name = Some(text(words.value(flag)?)?),
            b"--cacert" => self.tls.tls_ca_file = file()?,
            b"--cacertdir" => self.tls.tls_ca_folder = file()?,
            b"--cert" => self.tls.tls_certificate = file()?,
            b"--key" => self.tls.tls_key = file()?,
            b"--insecure" => self.tls.tls_insecure = true,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// As redis-cli has it, which never looks whether a certificate is for the host that answers with it.
    fn turn_tls_on(&mut self) {
        self.tls.tls = true;
        self.tls.tls_any_name = true;
    }

    /// Any other flag with its value; `false` when it is none that is known.
    fn take_flag(&mut self, flag: &[u8], words: &mut Words<'_>) -> Result<bool, Refusal> {
        match flag {
            b"--help" => return Err(Refusal::Help),
            b"-h" if words.is_at_end() => return Err(Refusal::Help),
            b"-v" | b"--version" => return Err(Refusal::Version),
            b"-h" => self.host = text(words.value(flag)?)?,
            b"-p" => self.port = words.number(flag)?,
            b"-s" => self.socket = Some(PathBuf::from(text(words.value(flag)?)?)),
            b"-t" => self.connect_limit = words.seconds(flag)?,
            b"-a" | b"--pass" => self.password = Some(words.value(flag)?.to_vec()),
            b"--askpass" => self.asks_password = true,
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
            b"--pattern" => self.pattern = Some(words.value(flag)?.to_vec()),
            b"--quoted-pattern" => {
                let pattern = unquote(words.value(flag)?);
                let wrong = || Refusal::Wrong("Invalid quoted string specified for --quoted-pattern.".into());
                self.pattern = Some(pattern.ok_or_else(wrong)?);
            }
            b"--count" => self.count = Some(words.number(flag)?),
            b"--type" => self.key_type = Some(words.value(flag)?.to_vec()),
            b"--pipe-timeout" => self.pipe_limit = words.seconds(flag)?,
            b"--eval" => self.eval = Some(PathBuf::from(text(words.value(flag)?)?)),
            b"--ldb" => self.debugger = self.debugger.or(Some(Debugger::Forked)),
            b"--ldb-sync-mode" => self.debugger = Some(Debugger::Sync),
            b"--quoted-input" => self.quoted_input = true,
            b"-2" => self.set_protocol(ProtocolChoice::Resp2)?,
            b"-3" => self.set_protocol(ProtocolChoice::Resp3)?,
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
        let takes_stdin = self.stdin_as_last_argument || self.stdin_in_place_of.is_some();
        if takes_stdin && (self.eval.is_some() || self.mode != Mode::Commands) {
            return Err(Refusal::Wrong("-x and -X go with a command".into()));
        }
        if self.mode != Mode::Pipe && self.pipe_limit != Options::default().pipe_limit {
            return Err(Refusal::Wrong("--pipe-timeout goes with --pipe".into()));
        }
        if self.debugger.is_some() && self.eval.is_none() {
            return Err(Refusal::Wrong("Options --ldb and --ldb-sync-mode require --eval.".into()));
        }
        if !self.mode.scans() && (self.pattern.is_some() || self.count.is_some() || self.key_type.is_some()) {
            return Err(Refusal::Wrong(
                "--pattern, --count and --type go with --scan, --bigkeys, --memkeys and --hotkeys".into(),
            ));
        }
        if !self.tls.tls && self.tls.over(None).is_some() {
            return Err(Refusal::Wrong(
                "--sni, --cacert, --cacertdir, --cert, --key and --insecure have a meaning only with --tls"
                    .into(),
            ));
        }
        if self.mono && self.mode != Mode::LatencyDist {
            return Err(Refusal::Wrong("--mono goes with --latency-dist".into()));
        }
        if self.verbose && !matches!(self.mode, Mode::HintFile(_)) && self.cluster.name != "rebalance" {
            return Err(Refusal::NotOffered {
                flag: "--verbose".into(),
                instead: "it says more only with --cluster rebalance and --test_hint_file; leave it out",
            });
        }
        if self.count == Some(0) {
            return Err(Refusal::Wrong("--count takes a number from 1 on".into()));
        }
        self.cluster.check()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::words::NOT_OFFERED;
    use super::*;

    pub(super) fn parse(line: &str) -> Result<Options, Refusal> {
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
            "-t -1",
            "--ldb",
            "--show-pushes maybe",
            "--cacert ca.pem PING",
            "--insecure",
            "-x --eval script.lua",
            "-X t --scan",
            "--pipe-timeout 5 PING",
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
    fn tls_is_turned_on_by_its_flag_or_by_a_uri() {
        let tls = |line: &str| parse(line).unwrap().tls.over(None);
        assert_eq!(tls("PING"), None);
        let settings = tls("--tls --cacert ca.pem --sni name PING").unwrap();
        assert_eq!(settings.ca_file, Some("ca.pem".into()));
        assert_eq!((settings.server_name.as_deref(), settings.any_name), (Some("name"), true));
        assert!(tls("-u rediss://h:1").is_some());
        assert!(tls("--tls --insecure").unwrap().insecure);
    }

    #[test]
    fn the_cluster_words_are_kept_together() {
        let options = parse("--cluster create a:1 b:2 c:3 --cluster-replicas 1 --cluster-yes -a pw").unwrap();
        assert_eq!(options.cluster.arguments, [b"a:1", b"b:2", b"c:3"]);
        assert_eq!(options.password.as_deref(), Some(b"pw".as_slice()));
        assert!(parse("--cluster-yes").is_err());
        let options = parse("--cluster-yes --cluster create a:1").unwrap();
        assert!(options.cluster.yes);
    }
}
