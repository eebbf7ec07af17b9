use super::*;
use crate::executor::in_memory::clients;

fn canonical(text: &str) -> Option<String> {
    EventClasses::parse(text.as_bytes()).map(|classes| String::from_utf8(classes.text()).unwrap())
}

#[test]
fn classes_are_written_in_one_way() {
    for (given, written) in [
        ("", ""),
        ("KA", "AK"),
        ("EA", "AE"),
        ("K$lstxeghzd", "AK"),
        ("KE$", "$KE"),
        ("Kl", "lK"),
        ("$hgl", "g$lh"),
        ("mnKE", "nKEm"),
        ("AKEmn", "AnKEm"),
    ] {
        assert_eq!(canonical(given).as_deref(), Some(written), "{given}");
        assert_eq!(canonical(written).as_deref(), Some(written));
    }
    for wrong in ["Q", "a", "K E", "KEAA\0"] {
        assert_eq!(canonical(wrong), None, "{wrong}");
    }
}

/// The bulks of a message: `pmessage`, the pattern, the channel and the payload.
fn channel_and_payload(message: &str) -> String {
    let words: Vec<&str> = message.split(' ').collect();
    format!("{} {}", words[6], words[8])
}

#[test]
fn what_happens_to_a_key_is_published_in_both_forms() {
    clients!(node: one, listener);
    assert_eq!(one.ask("CONFIG SET notify-keyspace-events KEA"), "+OK");
    listener.ask("PSUBSCRIBE __key*");
    one.ask("SELECT 3");
    one.ask("SET k v");
    one.ask("DEL k none");
    let heard: Vec<_> = listener.pushed().iter().map(|message| channel_and_payload(message)).collect();
    let expected =
        ["__keyspace@3__:k set", "__keyevent@3__:set k", "__keyspace@3__:k del", "__keyevent@3__:del k"];
    assert_eq!(heard, expected);
}

#[test]
fn only_the_wanted_classes_are_published() {
    clients!(node: one, listener);
    listener.ask("PSUBSCRIBE *");
    one.ask("SET k v");
    one.ask("CONFIG SET notify-keyspace-events A");
    one.ask("SET k v");
    one.ask("CONFIG SET notify-keyspace-events Kn");
    one.ask("SET k v");
    one.ask("SET new v");
    one.ask("CONFIG SET notify-keyspace-events Em");
    one.ask("GET k");
    one.ask("GET none");
    one.ask("CONFIG SET notify-keyspace-events Ex");
    one.ask("PEXPIREAT k 1");
    one.ask("SET other v PXAT 1");
    one.ask("GET other");
    let heard: Vec<_> = listener.pushed().iter().map(|message| channel_and_payload(message)).collect();
    assert_eq!(
        heard,
        ["__keyspace@0__:new new", "__keyevent@0__:keymiss none", "__keyevent@0__:expired other"]
    );
}

#[test]
fn who_is_served_brings_about_events_behind_what_served_it() {
    clients!(node: one, waiter, listener);
    one.ask("CONFIG SET notify-keyspace-events EA");
    listener.ask("PSUBSCRIBE *");
    waiter.ask("BLMOVE list target LEFT RIGHT 0");
    one.ask("RPUSH list a");
    let heard: Vec<_> = listener.pushed().iter().map(|message| channel_and_payload(message)).collect();
    let expected = [
        "__keyevent@0__:rpush list",
        "__keyevent@0__:rpush target",
        "__keyevent@0__:lpop list",
        "__keyevent@0__:del list",
    ];
    assert_eq!(heard, expected);
}

#[test]
fn keys_past_their_time_go_when_a_scan_comes_upon_them() {
    clients!(node: one, listener);
    one.ask("CONFIG SET notify-keyspace-events Ex");
    listener.ask("PSUBSCRIBE *");
    one.ask("MSET a 1 b 1");
    one.ask("SET over 1 PXAT 1");
    one.ask("SET gone 1 PXAT 1");
    assert!(one.ask("SCAN 0 TYPE hash").ends_with("*0"));
    let mut heard: Vec<_> = listener.pushed().iter().map(|message| channel_and_payload(message)).collect();
    heard.sort();
    assert_eq!(heard, ["__keyevent@0__:expired gone", "__keyevent@0__:expired over"]);
    assert_eq!(one.ask("DBSIZE"), ":2");
    assert_eq!(node.stats.expired_keys.get(), 2);
}

#[test]
fn who_wants_no_replies_hears_of_channels_all_the_same() {
    clients!(node: one, speaker);
    assert_eq!(one.ask("CLIENT REPLY OFF"), "");
    assert_eq!(one.ask("SUBSCRIBE ch"), "");
    speaker.ask("PUBLISH ch x");
    assert_eq!(one.pushed(), ["*3 $9 subscribe $2 ch :1", "*3 $7 message $2 ch $1 x"]);
    assert_eq!(one.ask("PING"), "");
    assert_eq!(one.ask("UNSUBSCRIBE"), "");
    assert_eq!(one.pushed(), ["*3 $11 unsubscribe $2 ch :0"]);
    assert_eq!(node.pubsub.name_count(crate::pubsub::ChannelKind::Channel), 0);
}
