//! `rename-command`, in a node in memory: the new name is the command's only one, wherever a client says it.

use std::sync::Arc;

use rcl_proto::resp::OwnedArgs;

use super::in_memory::{Client, node_with};
use super::{Batch, process};

const RENAMES: &str = "rename-command SET put\nrename-command FLUSHALL \"\"\nrename-command CONFIG cfg\n";

#[test]
fn a_renamed_command_answers_to_its_new_name_alone() {
    let node = node_with(&[], RENAMES);
    let mut client = Client::new(&node);
    assert_eq!(client.ask("PUT k v"), "+OK");
    assert_eq!(client.ask("SET k v"), "-ERR unknown command 'SET', with args beginning with: 'k' 'v'");
    assert_eq!(client.ask("FLUSHALL"), "-ERR unknown command 'FLUSHALL', with args beginning with:");
    assert_eq!(client.ask("cfg get maxclients"), "*2 $10 maxclients $5 10000");
    assert_eq!(
        client.ask("CONFIG SET rename-command x"),
        "-ERR unknown command 'CONFIG', with args beginning with: 'SET' 'rename-command' 'x'"
    );
    assert!(client.ask("cfg set rename-command x").starts_with("-ERR Unknown option"));
    // Errors and descriptions say what the command is in the table.
    assert_eq!(client.ask("put k"), "-ERR wrong number of arguments for 'set' command");
}

#[test]
fn transactions_queue_renamed_commands() {
    let node = node_with(&[], RENAMES);
    let mut client = Client::new(&node);
    assert_eq!(client.ask("MULTI"), "+OK");
    assert_eq!(client.ask("put k v"), "+QUEUED");
    assert_eq!(client.ask("get k"), "+QUEUED");
    assert_eq!(client.ask("EXEC"), "*2 +OK $1 v");
    assert_eq!(client.ask("MULTI"), "+OK");
    assert!(client.ask("SET k w").starts_with("-ERR unknown command"));
    assert_eq!(client.ask("EXEC"), "-EXECABORT Transaction discarded because of previous errors.");
}

#[test]
fn command_tells_of_what_can_be_reached() {
    let node = node_with(&[], RENAMES);
    let mut client = Client::new(&node);
    let all: usize = crate::command::all().count();
    assert_eq!(client.ask("COMMAND COUNT"), format!(":{}", all - 1));
    assert_eq!(client.ask("COMMAND GETKEYS put k v"), "*1 $1 k");
    assert_eq!(client.ask("COMMAND GETKEYS set k v"), "-ERR Invalid command specified");
    assert_eq!(client.ask("COMMAND INFO set flushall"), "*2 *-1 *-1");
    assert!(client.ask("COMMAND INFO put").starts_with("*1 *10 $3 set :-3"));
    assert!(client.ask("COMMAND DOCS cfg|get").starts_with("*2 $10 config|get"));
    assert!(!client.ask("COMMAND LIST").contains("flushall"));
}

#[test]
fn the_stream_of_the_master_may_say_the_name_of_the_table() {
    let node = node_with(&[], RENAMES);
    let mut link = Client::new(&node);
    link.session.is_master_link = true;
    for request in ["SET a 1", "PUT b 2"] {
        let request = OwnedArgs::new(request.split(' ').map(str::as_bytes));
        let mut batch = Batch::start(Arc::default());
        process(&node, &mut link.session, request.as_args(), &mut Vec::new(), &mut batch);
    }
    assert_eq!(Client::new(&node).ask("MGET a b"), "*2 $1 1 $1 2");
}
