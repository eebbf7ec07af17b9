use super::*;

/// The rules of a new user after these, or why one of them can't be taken.
fn described(rules: &str) -> Result<String, RuleError> {
    let mut user = Rules::new(false);
    let rules = merge_selectors(rules.split(' ').map(str::as_bytes)).map_err(|_| RuleError::Syntax)?;
    rules.iter().try_for_each(|rule| user.apply(rule, false))?;
    Ok(String::from_utf8(user.describe()).unwrap())
}

/// What is left of the text when the flags and passwords are taken off.
fn permissions(rules: &str) -> String {
    described(rules).unwrap().strip_prefix("off sanitize-payload ").unwrap().to_owned()
}

#[test]
fn flags_and_passwords() {
    let pw = "30c952fab122c3f9759f02a6d95c3758b246b4fee239957b2d4fee46e26170c4";
    for (rules, expected) in [
        ("", "off sanitize-payload resetchannels -@all"),
        ("ON nopass", "on nopass sanitize-payload resetchannels -@all"),
        ("on off skip-sanitize-payload", "off skip-sanitize-payload resetchannels -@all"),
        (">pw >pw", &format!("off sanitize-payload #{pw} resetchannels -@all")),
        ("nopass >pw <pw", "off sanitize-payload resetchannels -@all"),
        (&format!(">x resetpass #{pw} nopass"), "off nopass sanitize-payload resetchannels -@all"),
        (&format!("#{pw} !{pw}"), "off sanitize-payload resetchannels -@all"),
        ("on nopass >x ~k &c +@all (+get) reset", "off sanitize-payload resetchannels -@all"),
    ] {
        assert_eq!(described(rules).unwrap(), expected, "{rules}");
    }
}

#[test]
fn passwords_open_a_user_that_is_on() {
    let mut rules = Rules::new(false);
    let mut apply = |rule: &str| {
        rules.apply(rule.as_bytes(), false).unwrap();
        ["one", "two", ""].map(|password| rules.accept(password.as_bytes()))
    };
    assert_eq!(apply(">one"), [false; 3]);
    assert_eq!(apply("on"), [true, false, false]);
    assert_eq!(apply(">two"), [true, true, false]);
    assert_eq!(apply("<one"), [false, true, false]);
    assert_eq!(apply("nopass"), [true; 3]);
    assert_eq!(apply("off"), [false; 3]);
}

/// What Redis 7.2.6's ACL GETUSER prints; its acl.tcl and acl-v2.tcl have many of these.
#[test]
fn commands_are_told_by_their_rules_in_order() {
    for (rules, expected) in [
        ("+@all -@all", "-@all"),
        ("+@all -@all +get", "-@all +get"),
        ("allcommands -GET -@admin", "+@all -get -@admin"),
        ("+@all -get +get", "+@all +get"),
        ("+config|get +config|set -config", "-@all -config"),
        ("+config -config|set", "-@all +config -config|set"),
        ("+CONFIG|GET -config|get", "-@all -config|get"),
        ("+select|0 +SELECT|1 +select|0", "-@all +select|1 +select|0"),
        ("+select|0 +select", "-@all +select"),
        ("+get +getrange -get", "-@all +getrange -get"),
        ("-@all +@Read +get -@read", "-@all +get -@read"),
    ] {
        assert_eq!(permissions(rules), format!("resetchannels {expected}"), "{rules}");
    }
}

#[test]
fn keys_channels_and_selectors() {
    for (rules, expected) in [
        ("~a ~b ~a", "~a ~b resetchannels -@all"),
        ("%R~a %w~a %rW~b %W~c", "~a ~b %W~c resetchannels -@all"),
        ("~a allkeys", "~* resetchannels -@all"),
        ("~* resetkeys ~b", "~b resetchannels -@all"),
        ("&a &b &a", "resetchannels &a &b -@all"),
        ("&a allchannels", "&* -@all"),
        ("&* resetchannels", "resetchannels -@all"),
        (
            "(+get ~a) ( %R~b ) ()",
            "resetchannels -@all (~a resetchannels -@all +get) (%R~b resetchannels -@all) (resetchannels -@all)",
        ),
        ("(+get) clearselectors (&x)", "resetchannels -@all (resetchannels &x -@all)"),
    ] {
        assert_eq!(permissions(rules), expected, "{rules}");
    }
}

#[test]
fn rules_that_are_none() {
    let hash = "30c952fab122c3f9759f02a6d95c3758b246b4fee239957b2d4fee46e26170c4";
    for (rules, expected) in [
        ("onn", RuleError::Syntax),
        (")", RuleError::Syntax),
        ("(", RuleError::Syntax),
        ("(+get", RuleError::Syntax),
        ("(on)", RuleError::Syntax),
        ("(~a))", RuleError::Syntax),
        ("%~a", RuleError::Syntax),
        ("%RR~a", RuleError::Syntax),
        ("%X~a", RuleError::Syntax),
        ("%R", RuleError::Syntax),
        ("~a\tb", RuleError::Syntax),
        ("&a\u{b}b", RuleError::Syntax),
        ("+config|", RuleError::Syntax),
        ("+select|", RuleError::Syntax),
        ("+nosuch", RuleError::UnknownCommand),
        ("-select|0", RuleError::UnknownCommand),
        ("+config|nosuch", RuleError::UnknownCommand),
        ("-config|nosuch", RuleError::UnknownCommand),
        ("+@nosuch", RuleError::UnknownCommand),
        ("+nosuch|get", RuleError::UnknownCommand),
        ("+config|get|port", RuleError::FirstArgumentOfSubcommand),
        ("~* ~a", RuleError::KeysAfterAll),
        ("allkeys %R~a", RuleError::KeysAfterAll),
        ("(~* ~a)", RuleError::KeysAfterAll),
        ("&* &a", RuleError::ChannelsAfterAll),
        ("<pw", RuleError::NoSuchPassword),
        (&format!("!{hash}"), RuleError::NoSuchPassword),
        (&format!("#{}", hash.to_uppercase()), RuleError::BadHash),
        (&format!("#{hash}0"), RuleError::BadHash),
        ("#", RuleError::BadHash),
    ] {
        assert_eq!(described(rules), Err(expected), "{rules}");
    }
}

#[test]
fn new_selectors_have_the_channels_that_new_users_have() {
    let mut rules = Rules::new(true);
    for rule in ["(+get)", "reset", "(+set)"] {
        rules.apply(rule.as_bytes(), true).unwrap();
    }
    assert_eq!(rules.describe(), b"off sanitize-payload &* -@all (&* -@all +set)");
}

#[test]
fn the_text_gives_the_same_rules_again() {
    for text in [
        "on >pw ~a %R~b &c +@all -@admin -get +config|get (+set ~x\"y) (%W~'z -@all +select|0)",
        "off nopass skip-sanitize-payload allkeys allchannels -@all +@read -mget +acl -acl|setuser",
        "+@slow -@slow +@fast -ping",
    ] {
        let (mut once, mut twice) = (Rules::new(false), Rules::new(false));
        for rule in merge_selectors(text.split(' ').map(str::as_bytes)).unwrap() {
            // Quotes count in a selector's own text only, which this one is not yet.
            let rule = if rule.starts_with(b"(") {
                rule.iter().filter(|byte| !b"\"'".contains(byte)).copied().collect()
            } else {
                rule
            };
            once.apply(&rule, false).unwrap();
        }
        let described = once.describe();
        for rule in merge_selectors(described.split(|&byte| byte == b' ')).unwrap() {
            twice.apply(&rule, false).unwrap();
        }
        assert_eq!(once, twice, "{text}");
        assert_eq!(described, twice.describe());
    }
}

mod arbitrary {
    use super::*;
    use proptest::prelude::*;

    fn rule() -> impl Strategy<Value = Vec<u8>> {
        let words = [
            "on",
            "off",
            "nopass",
            "resetpass",
            "reset",
            "allkeys",
            "resetkeys",
            "allchannels",
            "resetchannels",
            "+@all",
            "-@all",
            "+@read",
            "-@write",
            "+@admin",
            "-@slow",
            "+config",
            "-config|set",
            "+config|get",
            "+acl",
            "+get",
            "-get",
            "+select|1",
            "+select",
            "(+get ~a)",
            "( -@all +@string &c )",
            "()",
            "clearselectors",
            ">a",
            "<a",
        ];
        prop_oneof![
            5 => proptest::sample::select(words.to_vec()).prop_map(|word| word.as_bytes().to_vec()),
            1 => "[~&%+(-][RW~a\"'|)]{0,5}".prop_map(String::into_bytes),
            1 => proptest::collection::vec(any::<u8>(), 0..6),
        ]
    }

    proptest! {
        /// ACL SAVE and LOAD: what was described is read back as what it was.
        #[test]
        fn rules_survive_their_text(given in proptest::collection::vec(rule(), 0..12)) {
            let mut rules = Rules::new(false);
            for rule in &given {
                let before = rules.clone();
                if rules.apply(rule, false).is_err() {
                    prop_assert!(!rule.is_empty());
                    rules = before;
                }
            }
            let text = rules.describe();
            let mut again = Rules::new(false);
            for rule in merge_selectors(text.split(|&byte| byte == b' ')).unwrap() {
                again.apply(&rule, false).map_err(|error| TestCaseError::fail(format!("{error:?} in {}", String::from_utf8_lossy(&text))))?;
            }
            prop_assert_eq!(&again.describe(), &text);
            prop_assert_eq!(again.selectors().len(), rules.selectors().len());
            for (again, first) in again.selectors().iter().zip(rules.selectors()) {
                for known in crate::command::each_known() {
                    prop_assert_eq!(again.commands.contain(known.id, None), first.commands.contain(known.id, None));
                }
                prop_assert_eq!(&again.keys, &first.keys);
                prop_assert_eq!(&again.channels, &first.channels);
            }
        }
    }
}
