//! DEBUG's subcommands for who tests the data: DIGEST, DIGEST-VALUE, POPULATE, RELOAD, LOADAOF.

use rcl_proto::resp::Args;
use rcl_proto::{Slot, key_slot};
use rcl_store::entry::Entry;
use rcl_store::rdb;
use rcl_store::types::ValueRef;
use sha2::{Digest as _, Sha256};

use super::debug_layout::with_entry;
use crate::command::parse::{self, is};
use crate::command::{CommandError, CommandResult, Context, Outcome};
use crate::executor::internal;
use crate::persistence::{aof, load};
use crate::shard::Shard;

/// `DEBUG DIGEST`: the same for the same data, however they are stored and in whatever order they came.
pub fn digest(context: &mut Context<'_>) -> CommandResult {
    let mut all = Digest::default();
    context.data.each_shard(|shard| {
        for database in 0..shard.keyspace.database_count() {
            for entry in shard.keyspace.entries(database) {
                let mut one = Digest::default();
                one.mix(&(database as u32).to_be_bytes());
                one.mix(entry.key());
                one.mix(&of_value(entry).0);
                if entry.expiry().is_some() {
                    one.add(b"!!expire!!");
                }
                all.add(&one.0);
            }
        }
    });
    context.reply.simple(&all.text());
    Ok(Outcome::Done)
}

/// `DEBUG DIGEST-VALUE key…`
pub fn digest_value(context: &mut Context<'_>, keys: Args<'_>) -> CommandResult {
    context.reply.array(keys.len());
    for key in keys.iter() {
        let digest = with_entry(context, key, of_value).unwrap_or_default();
        context.reply.simple(&digest.text());
    }
    Ok(Outcome::Done)
}

fn of_value(entry: &Entry) -> Digest {
    let mut digest = Digest::default();
    let mut number = itoa::Buffer::new();
    digest.mix(entry.type_name().as_bytes());
    match entry.value() {
        ValueRef::Int(integer) => digest.mix(number.format(integer).as_bytes()),
        ValueRef::String(bytes) => digest.mix(bytes),
        ValueRef::List(list) => list.iter().for_each(|element| digest.mix(element.as_bytes(&mut number))),
        ValueRef::Set(set) => set.iter().for_each(|member| digest.add(member.as_bytes(&mut number))),
        ValueRef::Hash(hash) => hash.iter().for_each(|(field, value)| {
            digest.add_pair(field.as_bytes(&mut number), &value.to_vec());
        }),
        ValueRef::SortedSet(sorted_set) => sorted_set.iter().for_each(|(member, score)| {
            // Which zero it is is lost where scores are packed as integers.
            digest.add_pair(member.as_bytes(&mut number), &(score + 0.0).to_bits().to_be_bytes());
        }),
        // All that is in a stream is in order, so that its serialized form is the same too.
        value @ ValueRef::Stream(_) => digest.mix(&rdb::dump(value, false)),
    }
    digest
}

/// 160 bits to which things are added in any order, or mixed in in their order.
#[derive(Default)]
struct Digest([u8; 20]);

impl Digest {
    fn add(&mut self, bytes: &[u8]) {
        self.0.iter_mut().zip(Sha256::digest(bytes)).for_each(|(byte, hashed)| *byte ^= hashed);
    }

    fn mix(&mut self, bytes: &[u8]) {
        self.add(bytes);
        let hashed = Sha256::digest(self.0);
        self.0.iter_mut().zip(hashed).for_each(|(byte, hashed)| *byte = hashed);
    }

    fn add_pair(&mut self, one: &[u8], other: &[u8]) {
        let mut pair = Digest::default();
        pair.mix(one);
        pair.mix(other);
        self.add(&pair.0);
    }

    fn text(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// `DEBUG POPULATE count [prefix] [size]`: keys that are there already stay as they are.
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
        let create =
            |shard: &mut Shard| internal::create_string(node, shard, (database, slot), &key, value, now_ms);
        context.data.with_shard(shard, create);
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
    fn a_digest_is_of_what_is_there_not_of_how_it_came() {
        clients!(node: one);
        let fill = [
            ["SADD s1 a b c", "SADD s2 c b a"],
            ["HSET h1 f 1 g 2", "HSET h2 g 2 f 1"],
            ["ZADD z1 1 a 2 b", "ZADD z2 2 b 1 a"],
            ["RPUSH l1 a b", "LPUSH l2 b a"],
            ["SET k1 12", "SET k2 12"],
        ];
        for pair in fill {
            pair.iter().for_each(|line| {
                one.ask(line);
            });
            let key = |line: &str| line.split(' ').nth(1).unwrap_or_default().to_owned();
            let answer = one.ask(&format!("DEBUG DIGEST-VALUE {} {}", key(pair[0]), key(pair[1])));
            let digests: Vec<&str> = answer.split(' ').collect();
            assert_eq!(digests[1], digests[2], "{pair:?}");
        }
        let answer = one.ask("DEBUG DIGEST-VALUE s1 h1 z1 l1 k1 none");
        let mut digests: Vec<&str> = answer.split(' ').collect();
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), 7, "{answer}");
        let whole = one.ask("DEBUG DIGEST");
        one.ask("RPUSH l1 c");
        assert_ne!(one.ask("DEBUG DIGEST"), whole);
        one.ask("RPOP l1");
        assert_eq!(one.ask("DEBUG DIGEST"), whole);
        one.ask("EXPIRE l1 1000");
        assert_ne!(one.ask("DEBUG DIGEST"), whole);
    }

    #[test]
    fn keys_are_made_by_number_where_there_are_none() {
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
        let logged = logged(&node, from);
        let expected =
            ["SET key:1 mine", "SET key:0 value:0", "SET key:2 value:2", "SET other:0 value:0\0\0"];
        assert_eq!(logged[..4], expected);
    }
}
