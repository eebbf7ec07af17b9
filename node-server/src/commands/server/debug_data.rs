//! DEBUG's subcommands for who tests the data: POPULATE, RELOAD, LOADAOF.

use rcl_proto::resp::Args;
use rcl_proto::{Slot, key_slot};
use rcl_store::types::Value;

use crate::command::parse::{self, is};
use crate::command::{CommandError, CommandResult, Context, Outcome};
use crate::eviction;
use crate::persistence::{aof, load};
use crate::shard::Shard;
use crate::tracking::NOBODY;

/// `DEBUG POPULATE count [prefix] [size]`: keys that are there already stay as they are. Neither replicas nor the append-only file
/// hear of the new ones, and they count as no changes: so it is with Redis.
pub fn populate(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    const NOT_POSITIVE: CommandError = CommandError::fixed("ERR value is out of range, must be positive");
    let number = |text: &[u8]| u64::try_from(parse::integer(text)?).map_err(|_| NOT_POSITIVE);
    let count = number(&args[0])?;
    let prefix = args.get(1).unwrap_or(b"key");
    let size = args.get(2).map(number).transpose()?.map(|size| size as usize);
    if size.is_some_and(|size| size > context.node.settings().proto_max_bulk_len) {
        return Err(CommandError::fixed("ERR string exceeds maximum allowed size (proto-max-bulk-len)"));
    }
    let (node, database, now_ms) = (context.node, context.data.database, context.data.now_ms);
    for number in 0..count {
        let key = [prefix, format!(":{number}").as_bytes()].concat();
        let mut value = format!("value:{number}").into_bytes();
        // Redis takes a size of 0 for none.
        if let Some(size) = size.filter(|&size| size > 0) {
            value.resize(size, 0);
        }
        let slot = if node.is_cluster() { key_slot(&key) } else { Slot::MIN };
        let shard = node.shards.index_of(slot);
        context.data.with_shard(shard, |shard: &mut Shard| {
            let place = node.hasher.key_in_slot(&key, slot);
            if shard.keyspace.find(database, &place).is_none() {
                shard.keyspace.set_write_access(eviction::write_access(node, now_ms));
                shard.keyspace.insert(database, &place, Value::String(value), None);
                shard.key_changed(node, database, &key, NOBODY);
            }
        });
    }
    context.reply.ok();
    Ok(Outcome::Done)
}

/// `DEBUG RELOAD [NOSAVE] [NOFLUSH] [MERGE]`: saves, forgets all and loads it again.
pub fn reload(context: &mut Context<'_>, options: Args<'_>) -> CommandResult {
    if !context.may_park {
        return Err(CommandError::fixed("ERR DEBUG RELOAD is not allowed inside a transaction"));
    }
    let (mut saves, mut flushes, mut merges) = (true, true, false);
    for option in options.iter() {
        let (flag, value) = match () {
            () if is(option, "NOSAVE") => (&mut saves, false),
            () if is(option, "NOFLUSH") => (&mut flushes, false),
            () if is(option, "MERGE") => (&mut merges, true),
            () => {
                return Err(CommandError::fixed(
                    "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.",
                ));
            }
        };
        *flag = value;
    }
    let reloaded = load::reload(context.node, &load::Reload { saves, flushes, merges });
    reloaded.map_err(|error| CommandError::new(format!("ERR Error trying to load the RDB dump: {error}")))?;
    context.reply.ok();
    Ok(Outcome::Done)
}

/// `DEBUG LOADAOF`
pub fn load_aof(context: &mut Context<'_>) -> CommandResult {
    if !context.may_park {
        return Err(CommandError::fixed("ERR DEBUG LOADAOF is not allowed inside a transaction"));
    }
    aof::reload(context.node).map_err(CommandError::new)?;
    context.reply.ok();
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use crate::executor::in_memory::{clients, converse, logged};

    #[test]
    fn keys_are_made_by_number_where_there_are_none_and_nobody_hears_of_them() {
        clients!(node: one);
        let from = node.replication.offset();
        let lines = [
            ("SET key:1 mine", "+OK"),
            ("DEBUG POPULATE 3", "+OK"),
            ("MGET key:0 key:1 key:2", "*3 $7 value:0 $4 mine $7 value:2"),
            ("DEBUG POPULATE 1 other 9", "+OK"),
            ("GET other:0", "$9 value:0\0\0"),
            ("DEBUG POPULATE 1 short 3", "+OK"),
            ("GET short:0", "$3 val"),
            ("DBSIZE", ":5"),
            ("DEBUG POPULATE -1", "-ERR value is out of range, must be positive"),
            ("DEBUG POPULATE x", "-ERR value is not an integer or out of range"),
        ];
        converse(&mut one, &lines);
        let too_big = one.ask("DEBUG POPULATE 1 k 9999999999");
        assert!(too_big.starts_with("-ERR string exceeds"), "{too_big}");
        assert_eq!(logged(&node, from), ["SET key:1 mine"]);
        assert_eq!(node.stats.dirty.get(), 1);
    }
}
