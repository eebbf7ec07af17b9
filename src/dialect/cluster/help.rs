//! `--cluster help`.

const USAGE: &[(&str, &str, &[&str])] = &[
    ("create", "host1:port1 ... hostN:portN", &["replicas <arg>"]),
    ("check", NODE, &["search-multiple-owners"]),
    ("info", NODE, &[]),
    ("fix", NODE, &["search-multiple-owners", "replace", "timeout <arg>", "pipeline <arg>"]),
    (
        "reshard",
        NODE,
        &["from <arg>", "to <arg>", "slots <arg>", "yes", "timeout <arg>", "pipeline <arg>", "replace"],
    ),
    (
        "rebalance",
        NODE,
        &[
            "weight <node1=w1...nodeN=wN>",
            "use-empty-masters",
            "timeout <arg>",
            "simulate",
            "pipeline <arg>",
            "threshold <arg>",
            "replace",
        ],
    ),
    ("add-node", "new_host:new_port existing_host:existing_port", &["slave", "master-id <arg>"]),
    ("del-node", "host:port node_id", &[]),
    ("call", "host:port command arg arg .. arg", &["only-masters", "only-replicas"]),
    ("set-timeout", "host:port milliseconds", &[]),
    (
        "import",
        "host:port",
        &["from <arg>", "from-user <arg>", "from-pass <arg>", "from-askpass", "copy", "replace"],
    ),
    ("backup", "host:port backup_directory", &[]),
    ("help", "", &[]),
];

const NODE: &str = "<host:port> or <host> <port> - separated by either colon or space";

/// The width of the first column.
const WIDTH: usize = 15;

pub fn help() -> String {
    let mut text = "Cluster Manager Commands:\n".to_owned();
    for (name, arguments, options) in USAGE {
        text.push_str(&format!("  {name:<WIDTH$}{arguments}\n"));
        for option in *options {
            text.push_str(&format!("{:WIDTH$}  --cluster-{option}\n", ""));
        }
    }
    text.push_str(
        "\nFor check, fix, reshard, del-node, set-timeout, info, rebalance, call, import, backup you can specify \
         the host and port of any working node in the cluster.\n\
         \nCluster Manager Options:\n  --cluster-yes  Automatic yes to cluster commands prompts\n\n",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_and_each_option_has_a_line() {
        let text = help();
        assert!(
            text.contains("\n  add-node       new_host:new_port existing_host:existing_port\n"),
            "{text}"
        );
        assert!(text.contains("\n                 --cluster-master-id <arg>\n"), "{text}");
    }
}
