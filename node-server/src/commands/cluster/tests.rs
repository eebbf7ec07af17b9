//! What is said of the subcommands, and their arguments' parsing. The replies are compared with a real server's in
//! the tests with processes.

use rcl_proto::resp::OwnedArgs;

use super::*;

fn args(words: &[&str]) -> OwnedArgs {
    let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
    OwnedArgs::new(words)
}

#[test]
fn the_usage_follows_from_the_arguments() {
    let of = |name: &str| usage(CLUSTER.subcommands.iter().find(|spec| spec.name == name).unwrap());
    assert_eq!(of("addslots"), "ADDSLOTS <slot> [<slot> ...]");
    assert_eq!(of("addslotsrange"), "ADDSLOTSRANGE <start-slot> <end-slot> [<start-slot> <end-slot> ...]");
    assert_eq!(of("failover"), "FAILOVER [FORCE|TAKEOVER]");
    assert_eq!(of("meet"), "MEET <ip> <port> [<cluster-bus-port>]");
    let setslot =
        "SETSLOT <slot> IMPORTING <node-id>|MIGRATING <node-id>|NODE <node-id>|STABLE [TIMEOUT <timeout>]";
    assert_eq!(of("setslot"), setslot);
    assert_eq!(of("nodes"), "NODES");
}

#[test]
fn slots_are_numbers_below_16384() {
    assert_eq!(parse::slot(b"16383").unwrap().number(), 16383);
    for text in ["16384", "-1", "", "x", " 1", "99999999999999999999"] {
        assert_eq!(parse::slot(text.as_bytes()).unwrap_err().text(), "ERR Invalid or out of range slot");
    }
}

#[test]
fn ranges_are_pairs() {
    let ranges =
        parse::slot_ranges(args(&["CLUSTER", "ADDSLOTSRANGE", "0", "5", "7", "7"]).as_args()).unwrap();
    assert_eq!(ranges.iter().map(ToString::to_string).collect::<Vec<_>>(), ["0-5", "7"]);
    let error = parse::slot_ranges(args(&["CLUSTER", "ADDSLOTSRANGE", "5", "3"]).as_args()).unwrap_err();
    assert_eq!(error.text(), "ERR start slot number 5 is greater than end slot number 3");
}
