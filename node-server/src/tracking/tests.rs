//! Clients that keep what they read, and what they are told.

use crate::executor::client_gone;
use crate::executor::in_memory::{Client, clients};

const INVALIDATE_K: &str = ">2 $10 invalidate *1 $1 k";

impl Client {
    fn tracks(&mut self, options: &str) {
        self.ask("HELLO 3");
        assert_eq!(self.ask(&format!("CLIENT TRACKING ON{options}")), "+OK");
    }
}

#[test]
fn who_read_a_key_is_told_of_its_next_change() {
    clients!(node: reader, other, writer);
    reader.tracks("");
    other.tracks("");
    reader.ask("GET k");
    other.ask("MGET k l");
    assert_eq!(node.tracking.key_count(), 2);
    assert_eq!(node.tracking.item_count(), 3);
    writer.ask("SET k 1");
    writer.ask("SET k 2");
    assert_eq!(reader.pushed(), [INVALIDATE_K]);
    assert_eq!(other.pushed(), [INVALIDATE_K]);
    assert_eq!(node.tracking.key_count(), 1);
    assert_eq!(node.tracking.item_count(), 1);
    // Writing is no reading.
    reader.ask("INCR k");
    writer.ask("INCR k");
    assert!(reader.pushed().is_empty());
}

#[test]
fn one_is_told_of_own_changes_too_unless_one_says_no() {
    clients!(node: reader, quiet);
    reader.tracks("");
    reader.ask("GET k");
    reader.ask("SET k 1");
    assert_eq!(reader.pushed(), [INVALIDATE_K]);
    quiet.tracks(" NOLOOP");
    quiet.ask("GET k");
    quiet.ask("SET k 1");
    assert!(quiet.pushed().is_empty());
    // The key is forgotten all the same.
    reader.ask("SET k 1");
    assert!(quiet.pushed().is_empty());
    quiet.ask("GET k");
    reader.ask("SET k 1");
    assert_eq!(quiet.pushed(), [INVALIDATE_K]);
    assert_eq!(node.tracking.client_count(), 2);
}

#[test]
fn caching_says_for_one_command_whether_its_keys_are_kept() {
    clients!(node: careful, careless, writer);
    careful.tracks(" OPTIN");
    careless.tracks(" OPTOUT");
    careful.ask("GET k");
    careful.ask("CLIENT CACHING YES");
    careful.ask("CLIENT GETNAME");
    careful.ask("GET l");
    careful.ask("GET m");
    careless.ask("CLIENT CACHING NO");
    careless.ask("GET n");
    assert_eq!(node.tracking.key_count(), 1);
    // Before MULTI, for all of the transaction.
    careful.ask("CLIENT CACHING YES");
    careful.ask("MULTI");
    careful.ask("GET x");
    careful.ask("GET y");
    careful.ask("EXEC");
    careful.ask("GET z");
    assert_eq!(node.tracking.key_count(), 3);
    writer.ask("MSET k 1 m 1 n 1 z 1");
    assert!(careful.pushed().is_empty() && careless.pushed().is_empty());
    writer.ask("MSET l 1 x 1 y 1");
    assert_eq!(careful.pushed().len(), 3);
}

#[test]
fn prefixes_are_told_at_the_end_of_a_command_all_keys_at_once() {
    clients!(node: all, some, quiet, writer);
    all.tracks(" BCAST");
    some.tracks(" BCAST PREFIX a PREFIX bb");
    quiet.tracks(" BCAST PREFIX a NOLOOP");
    assert_eq!(node.tracking.broadcasts.prefix_count(), 3);
    writer.ask("MULTI");
    writer.ask("MSET b 1 a2 1 a1 1");
    writer.ask("SET bb 1");
    writer.ask("EXEC");
    assert_eq!(all.pushed(), [">2 $10 invalidate *4 $2 a1 $2 a2 $1 b $2 bb"]);
    assert_eq!(some.pushed(), [">2 $10 invalidate *2 $2 a1 $2 a2", ">2 $10 invalidate *1 $2 bb"]);
    assert_eq!(quiet.pushed(), [">2 $10 invalidate *2 $2 a1 $2 a2"]);
    quiet.ask("SET a1 2");
    assert!(quiet.pushed().is_empty());
    assert_eq!(some.pushed().len(), 1);
    for client in [&mut all, &mut some, &mut quiet] {
        client_gone(&node, &mut client.session);
    }
    assert_eq!(node.tracking.broadcasts.prefix_count(), 0);
    assert_eq!(node.tracking.client_count(), 0);
}

#[test]
fn what_expires_and_what_is_flushed_is_told() {
    clients!(node: reader, old, hearer, writer);
    reader.tracks("");
    hearer.ask("SUBSCRIBE __redis__:invalidate");
    old.ask(&format!("CLIENT TRACKING ON REDIRECT {}", hearer.session.id()));
    writer.ask("SET k 1 PXAT 1");
    reader.ask("GET none");
    reader.ask("EXISTS k");
    assert!(reader.pushed().is_empty(), "it was gone before it was remembered");
    reader.ask("GET k");
    old.ask("GET k");
    writer.ask("SET k 1 PXAT 1");
    assert_eq!(reader.pushed(), [INVALIDATE_K]);
    assert_eq!(hearer.pushed(), ["*3 $7 message $20 __redis__:invalidate *1 $1 k"]);
    // Whoever comes upon it.
    reader.ask("GET other");
    node.shards.lock(0).tracked.clear(&node.tracking.counts);
    let handle = reader.session.handle.clone();
    let hasher = node.hasher.clone();
    node.shards.lock(0).tracked.remember(&node.tracking.counts, |key| hasher.hash(key), b"k", &handle);
    writer.ask("EXISTS k");
    assert_eq!(reader.pushed(), [INVALIDATE_K]);
    writer.ask("FLUSHALL");
    assert_eq!(reader.pushed(), [">2 $10 invalidate _"]);
    assert_eq!(hearer.pushed(), ["*3 $7 message $20 __redis__:invalidate $-1"]);
    assert_eq!((node.tracking.key_count(), node.tracking.item_count()), (0, 0));
}

#[test]
fn who_was_answered_a_quit_is_nobody_already() {
    clients!(node: reader, hearer, writer);
    reader.tracks(&format!(" REDIRECT {}", hearer.session.id()));
    reader.ask("GET k");
    assert_eq!(hearer.ask("QUIT"), "+OK");
    let list = writer.ask("CLIENT LIST");
    assert!(list.contains(" flags=c"), "{list}");
    writer.ask("SET k 1");
    assert_eq!(reader.pushed(), [format!(">2 $21 tracking-redir-broken :{}", hearer.session.id())]);
}

#[test]
fn a_redirection_to_nobody_is_told_to_who_redirects() {
    clients!(node: reader, hearer, writer);
    reader.tracks(&format!(" REDIRECT {}", hearer.session.id()));
    assert_eq!(reader.ask("CLIENT GETREDIR"), format!(":{}", hearer.session.id()));
    reader.ask("GET k");
    client_gone(&node, &mut hearer.session);
    writer.ask("SET k 1");
    let told = format!(">2 $21 tracking-redir-broken :{}", hearer.session.id());
    assert_eq!(reader.pushed(), [told]);
    let info = reader.ask("CLIENT TRACKINGINFO");
    assert!(info.contains("~2 $2 on $15 broken_redirect"), "{info}");
    assert_eq!(reader.ask("CLIENT TRACKING OFF"), "+OK");
    assert_eq!(reader.ask("CLIENT GETREDIR"), ":-1");
    assert!(reader.ask("CLIENT TRACKINGINFO").contains("~1 $3 off"));
}

#[test]
fn no_more_keys_are_remembered_than_there_may_be() {
    clients!(node: reader);
    reader.tracks("");
    reader.ask("CONFIG SET tracking-table-max-keys 10");
    let keys: Vec<String> = (0..50).map(|number| format!("k{number}")).collect();
    reader.ask(&format!("MGET {}", keys.join(" ")));
    assert_eq!(node.tracking.key_count(), 10);
    assert_eq!(reader.pushed().len(), 40, "who is not told of them any more was told that they changed");
    reader.ask("CONFIG SET tracking-table-max-keys 3");
    assert_eq!(node.tracking.key_count(), 3);
    assert_eq!(reader.pushed().len(), 7);
}

#[test]
fn options_that_contradict_are_refused() {
    clients!(node: one);
    for options in [
        "ON PREFIX a",
        "ON BCAST OPTIN",
        "ON OPTIN OPTOUT",
        "ON REDIRECT 9999",
        "ON BCAST PREFIX a PREFIX ab",
        "ON NOSUCH",
        "MAYBE",
    ] {
        assert!(one.ask(&format!("CLIENT TRACKING {options}")).starts_with("-ERR"), "{options}");
    }
    assert_eq!(node.tracking.client_count(), 0);
    one.ask("CLIENT TRACKING ON BCAST PREFIX ab");
    for options in ["ON", "ON BCAST PREFIX a", "ON BCAST PREFIX abc"] {
        assert!(one.ask(&format!("CLIENT TRACKING {options}")).starts_with("-ERR"), "{options}");
    }
    assert_eq!(one.ask("CLIENT TRACKING ON BCAST PREFIX x"), "+OK");
    assert!(one.ask("CLIENT TRACKINGINFO").ends_with("*2 $2 ab $1 x"));
    one.ask("RESET");
    assert_eq!(node.tracking.broadcasts.prefix_count(), 0);
    assert_eq!(one.ask("CLIENT TRACKING ON OPTIN"), "+OK");
    assert!(one.ask("CLIENT TRACKING ON OPTOUT").starts_with("-ERR"));
    assert!(one.ask("CLIENT CACHING NO").starts_with("-ERR"));
    assert_eq!(one.ask("CLIENT CACHING YES"), "+OK");
}
