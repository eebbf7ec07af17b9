//! DEBUG DIGEST and DIGEST-VALUE: Redis's own numbers, so that its data and ours can be compared by one line each.
//!
//! ```text
//! a number     160 bits; to add X to it:  it xor SHA1(X)                   in any order
//!                        to mix X in:     SHA1(it xor SHA1(X))             in this order
//! all data     for each database that has keys: mix its index (u32 BE), then add the number of each key
//! a key        mix its name, then its value
//! a value      mix its type (u32 BE), then: a string or each element of a list mixed, each member of a set added, each pair of a
//!              hash or a sorted set added as a number of its own, of a stream's entries id, fields and values mixed;
//!              add "!!expire!!" where the key ends one day
//! ```
//!
//! Not in it: when a key ends, and groups of streams. Scores are written as 7.2 does; 7.0 wrote those with a fraction that is no
//! sum of a few halves with more digits. Source: debug.c of Redis 7.2.6.

use rcl_proto::resp::{Args, format_double};
use rcl_store::entry::Entry;
use rcl_store::types::{StreamId, ValueRef};
use sha1::{Digest as _, Sha1};

use super::debug_layout::with_entry;
use crate::command::{CommandResult, Context, Outcome};

/// `DEBUG DIGEST`: the same for the same data, however they are stored and in whatever order they came.
pub fn digest(context: &mut Context<'_>) -> CommandResult {
    // What the keys of each database come to, over all shards.
    let mut databases: Vec<Option<Digest>> = Vec::new();
    context.data.each_shard(|shard| {
        databases.resize(shard.keyspace.database_count(), None);
        for (number, sum) in databases.iter_mut().enumerate() {
            for entry in shard.keyspace.entries(number) {
                let mut one = Digest::default();
                one.mix(entry.key());
                one.mix_value(entry);
                sum.get_or_insert_default().add(&one.0);
            }
        }
    });
    let mut all = Digest::default();
    for (number, keys) in databases.into_iter().enumerate() {
        if let Some(keys) = keys {
            all.mix(&(number as u32).to_be_bytes());
            all.0.iter_mut().zip(keys.0).for_each(|(byte, other)| *byte ^= other);
        }
    }
    context.reply.simple(&all.text());
    Ok(Outcome::Done)
}

/// `DEBUG DIGEST-VALUE key…`
pub fn digest_value(context: &mut Context<'_>, keys: Args<'_>) -> CommandResult {
    context.reply.array(keys.len());
    for key in keys.iter() {
        let digest = with_entry(context, key, |entry| {
            let mut digest = Digest::default();
            digest.mix_value(entry);
            digest
        });
        context.reply.simple(&digest.unwrap_or_default().text());
    }
    Ok(Outcome::Done)
}

/// Redis's number of a type.
fn type_number(value: ValueRef<'_>) -> u32 {
    match value {
        ValueRef::Int(_) | ValueRef::String(_) => 0,
        ValueRef::List(_) => 1,
        ValueRef::Set(_) => 2,
        ValueRef::SortedSet(_) => 3,
        ValueRef::Hash(_) => 4,
        ValueRef::Stream(_) => 6,
    }
}

#[derive(Clone, Copy, Default)]
struct Digest([u8; 20]);

impl Digest {
    fn add(&mut self, bytes: &[u8]) {
        self.0.iter_mut().zip(Sha1::digest(bytes)).for_each(|(byte, hashed)| *byte ^= hashed);
    }

    fn mix(&mut self, bytes: &[u8]) {
        self.add(bytes);
        self.0 = Sha1::digest(self.0).into();
    }

    fn add_pair(&mut self, one: &[u8], other: &[u8]) {
        let mut pair = Digest::default();
        pair.mix(one);
        pair.mix(other);
        self.add(&pair.0);
    }

    fn mix_value(&mut self, entry: &Entry) {
        let mut number = itoa::Buffer::new();
        self.mix(&type_number(entry.value()).to_be_bytes());
        match entry.value() {
            ValueRef::Int(integer) => self.mix(number.format(integer).as_bytes()),
            ValueRef::String(bytes) => self.mix(bytes),
            ValueRef::List(list) => list.iter().for_each(|element| self.mix(element.as_bytes(&mut number))),
            ValueRef::Set(set) => set.iter().for_each(|member| self.add(member.as_bytes(&mut number))),
            ValueRef::Hash(hash) => hash.iter().for_each(|(field, value)| {
                self.add_pair(field.as_bytes(&mut number), &value.to_vec());
            }),
            ValueRef::SortedSet(sorted_set) => sorted_set.iter().for_each(|(member, score)| {
                let mut text = Vec::new();
                // Which zero it is is lost where scores are packed as integers.
                format_double(score + 0.0, &mut text);
                self.add_pair(member.as_bytes(&mut number), &text);
            }),
            ValueRef::Stream(stream) => {
                for entry in stream.log.range(StreamId::MIN, StreamId::MAX) {
                    self.mix(format!("{}.{}", entry.id.ms, entry.id.seq).as_bytes());
                    for (field, value) in entry.pairs {
                        self.mix(field.as_bytes(&mut number));
                        self.mix(value.as_bytes(&mut number));
                    }
                }
            }
        }
        if entry.expiry().is_some() {
            self.add(b"!!expire!!");
        }
    }

    fn text(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::executor::in_memory::{clients, converse};

    /// Asked of redis-server 7.0.15.
    #[test]
    fn the_numbers_are_redis_s() {
        clients!(node: one);
        converse(&mut one, &[("DEBUG DIGEST", "+0000000000000000000000000000000000000000")]);
        for line in [
            "SET string value",
            "SET number 12",
            "RPUSH list a 5 b",
            "SADD set a 7 c",
            "SADD integers 3 1 2",
            "HSET hash f v 2 3",
            "ZADD sorted 1 a 2.5 b -inf c",
            "XADD stream 5-1 f v 2 3",
            "XADD stream 6-0 g w",
            "SET ends 1",
            "PEXPIREAT ends 4102444800000",
        ] {
            one.ask(line);
        }
        let expected = [
            ("string", "+d59ec93db87f4cd915db3cdf44bb63755bc4a635"),
            ("number", "+655ac46b180ad2f61a3cee25f0b1780fa2ec879a"),
            ("list", "+1c214b5e34e7e9b32187dc68c445dd19b489b056"),
            ("set", "+20c098873e2c6028fe35b50cb57b5b6e29c6da30"),
            ("integers", "+2a462a3f51a1db89738ebbeef0c47ce1bbc85246"),
            ("hash", "+ea69d3c3d8de54e59d43f9b1c7e1a7323eecb6bf"),
            ("sorted", "+f2ad7cda97b68291b8199d655f83d19f6e41e93c"),
            ("stream", "+ee8dabde87bab5c5ab0c11564c0bdc43a2e9616a"),
            ("ends", "+5279988c5d1911f474bcbbf2f0a87012d40f8459"),
            ("none", "+0000000000000000000000000000000000000000"),
        ];
        for (key, digest) in expected {
            assert_eq!(one.ask(&format!("DEBUG DIGEST-VALUE {key}")), format!("*1 {digest}"), "{key}");
        }
        let whole = [
            ("DEBUG DIGEST", "+60ba49f10d6118bd47ab227d8e1dac248feb5425"),
            ("SELECT 3", "+OK"),
            ("SET elsewhere x", "+OK"),
            ("DEBUG DIGEST", "+c6b93237bd7f0e5856f26cff292de652d3e8a169"),
        ];
        converse(&mut one, &whole);
    }

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
}
