//! Files, standard input, the command line, and what stops a start.

use super::real_redis::TestDirectory;
use super::*;
use crate::access::Rules;

fn load_in(directory: &Path, arguments: &[&str], stdin: &str) -> Result<Loaded, LoadError> {
    let arguments: Vec<_> = arguments.iter().map(std::ffi::OsString::from).collect();
    load(&arguments, directory, &mut stdin.as_bytes())
}

fn settings(arguments: &[&str], stdin: &str) -> Settings {
    load_in(Path::new("/"), arguments, stdin).unwrap_or_else(|error| panic!("{error}")).config.settings()
}

fn error(arguments: &[&str], stdin: &str) -> String {
    load_in(Path::new("/"), arguments, stdin).expect_err("it must not load").to_string()
}

#[test]
fn options_of_the_command_line() {
    assert_eq!(settings(&["--port", "7000", "--timeout", "5"], "").port, 7000);
    assert_eq!(settings(&["--PORT 7001"], "").port, 7001);
    assert_eq!(settings(&["--bind", "127.0.0.1", "::1"], "").bind, ["127.0.0.1", "::1"]);
    assert_eq!(settings(&["--bind", "127.0.0.1 ::1"], "").bind, ["127.0.0.1", "::1"]);
    assert_eq!(settings(&["--save", "--port", "1"], "").save, []);
    assert_eq!(settings(&["--save", "", "--port", "1"], "").save, []);
    assert_eq!(settings(&["--port", "1", "--save"], "").save, []);
    assert_eq!(settings(&["--save", "60", "1", "5", "2"], "").save.len(), 2);
    let secret = settings(&["--requirepass", "--dash dash"], "").requirepass.unwrap();
    assert_eq!(secret.0, b"--dash dash");
    assert_eq!(settings(&[], ""), Config::new(Path::new("/")).settings());
}

#[test]
fn later_sources_win_and_save_lines_add_up() {
    let directory = TestDirectory::new("sources");
    directory.write(
        "redis.conf",
        "port 1\ntimeout 1\nhz 20 # no comment here\n".replace(" # no comment here", "").as_str(),
    );
    let loaded = load_in(&directory.0, &["redis.conf", "--hz", "30", "-"], "timeout 2\nhz 25\n").unwrap();
    let settings = loaded.config.settings();
    assert_eq!((settings.port, settings.timeout_s, settings.hz), (1, 2, 30));
    assert_eq!(loaded.file, Some(directory.0.join("redis.conf")));
    assert_eq!(settings.save.len(), 3, "the default stays when no source has a save");

    let saves =
        |text: &str| self::settings(&["-"], text).save.iter().map(|point| point.seconds).collect::<Vec<_>>();
    assert_eq!(saves("save 900 1\nsave 300 10\n"), [900, 300]);
    assert_eq!(saves("save 900 1\nsave \"\"\nsave 60 1\n"), [60]);
    assert_eq!(saves("save \"\"\n"), Vec::<u64>::new());
}

#[test]
fn a_bad_line_is_told_with_its_place_and_what_was_expected() {
    let directory = TestDirectory::new("bad");
    let path = directory.write("redis.conf", "# comment\n\nprot 7000\n");
    let message = error(&[path.to_str().unwrap()], "");
    assert_eq!(
        message,
        format!(
            "{}, line 3: 'prot 7000': Bad directive or wrong number of arguments: unknown directive; did you mean 'port'?",
            path.display()
        )
    );
    for (stdin, expected) in [
        (
            "port 70000",
            "standard input, line 1: 'port 70000': argument must be between 0 and 65535 inclusive",
        ),
        ("\nport", "standard input, line 2: 'port': wrong number of arguments"),
        ("port 1 2", "standard input, line 1: 'port 1 2': wrong number of arguments"),
        ("logfile \"x", "standard input, line 1: 'logfile \"x': the quotes don't balance"),
        (
            "requirepass a b",
            "standard input, line 1: 'requirepass (value hidden)': wrong number of arguments",
        ),
        (
            "my.setting 1",
            "standard input, line 1: 'my.setting 1': modules can't be loaded, so they have no settings",
        ),
        ("include", "standard input, line 1: 'include': wrong number of arguments"),
    ] {
        assert_eq!(error(&["-"], stdin), expected);
    }
    assert_eq!(
        error(&["--port", "x"], ""),
        "command line: 'port \"x\"': argument couldn't be parsed into an integer"
    );
    assert!(error(&["stray"], "").contains("can't read"));
    assert!(error(&["-x"], "").contains("unknown directive"));
}

#[test]
fn what_the_node_cannot_promise_stops_the_start_all_in_one_message() {
    let message = error(&["-", "--tls-port", "7"], "activedefrag yes\ntls-cluster yes\n");
    for part in [
        "standard input, line 1: 'activedefrag' can only have its default: ",
        "standard input, line 2: 'tls-cluster' ",
        "command line: 'tls-port' ",
    ] {
        assert!(message.contains(part), "{part} is not in\n{message}");
    }
    assert_eq!(message.lines().count(), 3);
    settings(&["-", "--activedefrag", "no"], "activedefrag yes\n");
}

#[test]
fn a_rename_that_cannot_be_done_stops_the_start() {
    let renames = "rename-command KEYS \"\"\nrename-command get keys\nrename-command SET get\n";
    settings(&["-"], renames);
    for (line, why) in [
        ("rename-command nosuch x", "No such command in rename-command"),
        ("rename-command GET set", "Target command name already exists"),
        ("rename-command GET", "wrong number of arguments"),
    ] {
        assert_eq!(error(&["-"], line), format!("standard input, line 1: '{line}': {why}"));
    }
}

fn loaded(text: &str) -> Loaded {
    load(&["-".into()], Path::new("/"), &mut text.as_bytes()).unwrap()
}

#[test]
fn users_are_read_whatever_comes_first() {
    let users =
        "user alice on >pw ( +get\t~k )\nacl-pubsub-default allchannels\nuser default on nopass ~* +@all\n";
    let loaded = loaded(users);
    let described = |(name, rules): &(Vec<u8>, Rules)| {
        format!("{} {}", String::from_utf8_lossy(name), String::from_utf8_lossy(&rules.describe()))
    };
    let hash = "30c952fab122c3f9759f02a6d95c3758b246b4fee239957b2d4fee46e26170c4";
    assert_eq!(
        loaded.users.iter().map(described).collect::<Vec<_>>(),
        [
            format!("alice on sanitize-payload #{hash} &* -@all (~k &* -@all +get)"),
            "default on nopass sanitize-payload ~* &* +@all".to_owned(),
        ]
    );
    assert_eq!(loaded.warnings, Vec::<String>::new());
}

#[test]
fn what_may_be_wrong_with_a_user_is_warned_of() {
    let warnings = loaded("requirepass x\nuser bob +get\nuser default on nopass ~* &* +@all\n").warnings;
    assert!(warnings[0].contains("'bob' is disabled") && warnings[1].contains("requirepass has no effect"));
}

#[test]
fn a_user_that_cannot_be_taken_stops_the_start_without_its_secrets() {
    for (text, expected) in [
        ("user", "line 1: 'user (value hidden)': wrong number of arguments"),
        (
            "user a on >secret +nosuch",
            "line 1: 'user a (rules hidden)': Unknown command or category name in ACL",
        ),
        ("user a (+get", "line 1: 'user (value hidden)': Unmatched parenthesis in selector definition"),
        ("user \"a b\" on", "line 1: 'user (value hidden)': Spaces not allowed in ACL usernames"),
        (
            "user a on\nuser a off",
            "line 2: 'user (value hidden)': Duplicate user found. A user can only be defined once in config files",
        ),
    ] {
        assert_eq!(error(&["-"], text), format!("standard input, {expected}"));
    }
    assert!(error(&["-"], "user a on\naclfile users.acl").contains("use one of the two"));
}

/// As the table in Redis 8's description has it; this node has no tls-cluster to switch on.
#[test]
fn a_bus_without_authentication_is_refused_where_protection_is_asked_for() {
    let protected = ["--cluster-bus-port-protected-mode", "yes"];
    assert!(settings(&protected, "").cluster_bus_port_protected_mode, "without a cluster there is no bus");
    let refused = error(&["--cluster-enabled", "yes", protected[0], "yes"], "");
    assert!(
        refused.contains("tls-cluster is disabled") && refused.contains("protected-mode no'"),
        "{refused}"
    );
    assert!(!settings(&["--cluster-enabled", "yes"], "").cluster_bus_port_protected_mode);
}

#[test]
fn cluster_mode_has_one_database_and_no_replicaof() {
    let loaded = load_in(Path::new("/"), &["--cluster-enabled", "yes"], "").unwrap();
    assert_eq!(loaded.config.settings().databases, 1);
    assert_eq!(loaded.warnings.len(), 1);
    assert!(
        error(&["--cluster-enabled", "yes", "--replicaof", "h", "1"], "")
            .contains("not allowed in cluster mode")
    );
    assert_eq!(settings(&["--slaveof", "h", "1"], "").replicaof, Some(("h".to_string(), 1)));
    assert_eq!(settings(&["--replicaof", "no", "one"], "").replicaof, None);
}

#[test]
fn directives_without_effect_are_named_once() {
    let loaded =
        load_in(Path::new("/"), &["-", "--io-threads", "4"], "activerehashing yes\nio-threads 2\n").unwrap();
    let names: Vec<_> = loaded.without_effect.iter().map(|directive| directive.name).collect();
    assert_eq!(names, ["activerehashing", "io-threads"]);
    assert_eq!(loaded.config.get(b"io-threads")[0].1, b"4");
}

#[test]
fn includes_nest_glob_and_never_circle() {
    let directory = TestDirectory::new("include");
    directory.write(
        "redis.conf",
        "timeout 1\ninclude conf.d/*.conf\ninclude none.d/*.conf\ninclude more.conf\nhz 40\n",
    );
    directory.write("conf.d/10.conf", "timeout 10\ninclude deep/deep.conf\n");
    directory.write("conf.d/20.conf", "timeout 20\n");
    directory.write("conf.d/30.off", "timeout 30\n");
    directory.write("deep/deep.conf", "tcp-backlog 99\n");
    directory.write("more.conf", "hz 30\n");
    let loaded = load_in(&directory.0, &["redis.conf"], "").unwrap();
    let settings = loaded.config.settings();
    assert_eq!((settings.timeout_s, settings.tcp_backlog, settings.hz), (20, 99, 40));

    directory.write("a.conf", "include b.conf\n");
    directory.write("b.conf", "port 1\ninclude a.conf\n");
    let circle = load_in(&directory.0, &["a.conf"], "").unwrap_err().to_string();
    assert!(circle.contains("b.conf, line 2") && circle.contains("includes itself"), "{circle}");
    directory.write("c.conf", "include missing.conf\n");
    let missing = load_in(&directory.0, &["c.conf"], "").unwrap_err().to_string();
    assert!(missing.contains("c.conf, line 1") && missing.contains("missing.conf"), "{missing}");
    directory.write("d.conf", "include deep/bad.conf\n");
    directory.write("deep/bad.conf", "\nnonsense-here\n");
    let nested = load_in(&directory.0, &["d.conf"], "").unwrap_err().to_string();
    assert!(nested.contains("deep/bad.conf, line 2: 'nonsense-here'"), "{nested}");
    let folder = load_in(&directory.0, &["conf.d"], "").unwrap_err().to_string();
    assert!(folder.contains("can't read"), "{folder}");
}

#[test]
fn a_relative_dir_is_relative_to_the_one_before() {
    let directory = TestDirectory::new("dir");
    directory.write("data/inner/x", "");
    let loaded = load_in(&directory.0, &["--dir", "data", "--dir", "inner"], "").unwrap();
    assert_eq!(loaded.config.settings().dir, directory.0.join("data/inner"));
    assert!(load_in(&directory.0, &["--dir", "gone"], "").unwrap_err().to_string().contains("No such file"));
}

/// The file that Debian ships with Redis 7.0: the only thing in its way is `daemonize yes`.
#[test]
fn the_stock_file_of_debian_starts() {
    let path = "/etc/redis/redis.conf";
    let Ok(text) = std::fs::read_to_string(path) else {
        super::real_redis::say_skipped(&format!(
            "the_stock_file_of_debian_starts: no readable {path} on this machine"
        ));
        return;
    };
    let directory = TestDirectory::new("debian");
    // Its data folder may not be there.
    let copy = directory.write("redis.conf", &text.replace("\ndir /var/lib/redis\n", "\ndir .\n"));
    let copy = copy.to_str().unwrap();
    let refused = load_in(&directory.0, &[copy], "").unwrap_err().to_string();
    assert!(refused.lines().count() == 1 && refused.contains("'daemonize'"), "{refused}");
    let loaded = load_in(&directory.0, &[copy, "--daemonize", "no"], "").unwrap();
    assert!(loaded.without_effect.iter().any(|directive| directive.name == "activerehashing"));
    assert_eq!(loaded.config.settings().bind, ["127.0.0.1", "-::1"]);
}

#[test]
fn an_address_to_bind_is_one_word() {
    let read = |line: &str| load(&["-".into()], Path::new("/"), &mut line.as_bytes());
    for line in ["bind \"\" 127.0.0.1", "bind 127.0.0.1 \"\"", "bind \"a b\" 127.0.0.1", "bind \"\\x0b\" ::1"]
    {
        let refused = read(line).unwrap_err().to_string();
        assert!(refused.contains("an address has no blanks or quotes and is not empty"), "{refused}");
    }
    assert!(read("bind \"\"").unwrap().config.settings().bind.is_empty());
}

mod arbitrary {
    use super::*;
    use proptest::prelude::*;

    /// Lines that are near to being right: a known name, then anything.
    fn line() -> impl Strategy<Value = Vec<u8>> {
        let name = proptest::sample::select(table::directives())
            .prop_map(|directive| directive.name.as_bytes().to_vec());
        let word = prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..12),
            "[0-9]{1,25}(kb|MB|g|%)?".prop_map(String::into_bytes),
            "(yes|no|normal|replica|pubsub|save|nosave|\"|\"\"|-1|0)".prop_map(String::into_bytes),
        ];
        (name, proptest::collection::vec(word, 0..6)).prop_map(|(name, mut words)| {
            words.insert(0, name);
            words.join(&b' ')
        })
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic_and_what_loads_survives_a_rewrite(lines in proptest::collection::vec(line(), 0..4)) {
            let text = lines.join(&b'\n');
            let load = |text: &[u8]| load(&["-".into()], Path::new("/"), &mut &*text);
            if let Ok(loaded) = load(&text) {
                let rewritten = loaded.config.rewrite(&text, Vec::new());
                let again = load(&rewritten).map_err(|error| TestCaseError::fail(error.to_string()))?;
                prop_assert_eq!(&again.config, &loaded.config);
                prop_assert_eq!(again.config.rewrite(&rewritten, Vec::new()), rewritten);
            }
        }

        #[test]
        fn no_bytes_make_it_panic(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = load(&["-".into()], Path::new("/"), &mut &*text);
            Config::new(Path::new("/")).rewrite(&text, Vec::new());
            let (pattern, rest) = text.split_at(text.len() / 2);
            glob::matches(pattern, rest);
        }

        #[test]
        fn no_set_makes_it_panic(name in line(), value in proptest::collection::vec(any::<u8>(), 0..20)) {
            let name = name.split(|byte| *byte == b' ').next().unwrap_or_default();
            let _ = Config::new(Path::new("/")).set(&[(name, &value)], ClientOrigin::ThisMachine, false);
        }
    }
}
