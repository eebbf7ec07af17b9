//! `rcl help`: of a verb what its `--help` says, and the topics that are about all verbs.

use std::io::{self, Write};

use clap::Command;

use super::{Failure, config, exit};

/// Explains a verb, or one of: exit-codes, config, environment, addresses
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A verb, or a topic
    #[arg(value_name = "TOPIC")]
    pub topic: Vec<String>,
}

const TOPICS: [&str; 4] = ["exit-codes", "config", "environment", "addresses"];

const ADDRESSES: &str = "\
An address of a node may be written as

  10.0.0.1:7001   redis-1.example:7001    host and port
  10.0.0.1        redis-1.example         the port is 6379
  [::1]:7001      [::1]                   IPv6 in brackets
  ::1:7001                                IPv6 as Redis writes it
  ::1             2001:db8::5             IPv6 alone, where Redis's way cannot be read from it
  unix:/run/redis.sock                    a socket of this machine

--map ANNOUNCED=REACHABLE says where a node is reached that announces another address; the first rule
that fits counts, a part without a port keeps the port, and * stands for any text:

  --map 10.0.0.5:6379=127.0.0.1:16379     one node
  --map 172.18.0.2=203.0.113.7            one host
  --map '*=localhost'                     all hosts
  --map '10.0.0.*:6379=127.0.0.1:1637*'   10.0.0.2:6379 is 127.0.0.1:16372
  --map '*:70*=127.0.0.1:80*'             ports 7001, 7002, … are 8001, 8002, …";

pub fn run(args: &Args) -> Result<(), Failure> {
    let words: Vec<&str> = args.topic.iter().map(String::as_str).collect();
    let mut root = super::command();
    let text = match words.as_slice() {
        [] => root.render_long_help().to_string(),
        ["exit-codes"] => exit::TABLE.to_owned(),
        ["config"] => format!(
            "{} (--config, RCL_CONFIG) names clusters, for rcl -C NAME:\n\n{}",
            config::path(None).map_or_else(|| "The config file".into(), |path| path.display().to_string()),
            config::EXAMPLE
        ),
        ["environment"] => environment(&root),
        ["addresses"] => ADDRESSES.to_owned(),
        verb => {
            root.build();
            help_of(root, verb)?
        }
    };
    // A reader that went away is no error.
    let _ = writeln!(io::stdout().lock(), "{}", text.trim_end());
    Ok(())
}

fn help_of(root: Command, verb: &[&str]) -> Result<String, Failure> {
    let mut command = root;
    for word in verb {
        let found = command.find_subcommand(word).cloned();
        command = found.ok_or_else(|| {
            Failure::usage(format!("there is no verb and no topic '{}'", verb.join(" ")))
                .next(format!("rcl --help lists the verbs; topics are {}", TOPICS.join(", ")))
        })?;
    }
    Ok(command.render_long_help().to_string())
}

/// From the options themselves, and what no option has.
fn environment(root: &Command) -> String {
    let of_options = root.get_arguments().filter_map(|arg| {
        let about = arg.get_help().map(ToString::to_string).unwrap_or_default();
        Some((arg.get_env()?.to_string_lossy().into_owned(), format!("--{}: {about}", arg.get_long()?)))
    });
    let others = [
        ("REDISCLI_AUTH", "the password, where neither an option nor the config file says where it is"),
        ("RCL_USER", "the ACL user that goes with it"),
        ("RCL_FROM_AUTH", "the password at the source, for import and verify"),
        ("NO_COLOR", "no colour"),
        ("CLICOLOR_FORCE", "1: colour also where stdout is no terminal"),
        ("XDG_CONFIG_HOME", "where rcl/config.yaml is looked for; ~/.config when not set"),
        ("XDG_STATE_HOME", "where rcl/ keeps journals; ~/.local/state when not set"),
    ];
    let all = of_options.chain(others.map(|(name, about)| (name.to_owned(), about.to_owned())));
    let lines: Vec<String> = all.map(|(name, about)| format!("  {name:<20} {about}")).collect();
    format!("Variables of the environment; an option goes before its variable:\n\n{}", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_is_known_and_every_verb_is_explained() {
        let topic =
            |words: &[&str]| run(&Args { topic: words.iter().map(|&word| word.to_owned()).collect() });
        for name in TOPICS {
            assert!(topic(&[name]).is_ok(), "{name}");
        }
        assert!(topic(&["lab", "status"]).is_ok());
        assert!(topic(&["no-such"]).unwrap_err().next.unwrap().contains("exit-codes"));
        let text = environment(&super::super::command());
        assert!(text.contains("RCL_ENTRY") && text.contains("RCL_CACERT"), "{text}");
    }
}
