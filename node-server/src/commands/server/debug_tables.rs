//! `DEBUG HTSTATS database [full]`: how the tables of a database are filled, in the form in which Redis tells of its hash tables.
//!
//! A database has a table for each slot, and each table is in segments (`rcl_store::table`); what is told is the sum. An entry is at its
//! home or in the first free place behind it, so a "chain" is the entries that have one home, and "different slots" are the
//! homes that have any. Nothing is ever rehashed as a whole: there is no second table. Keys with an expiry are marked in the
//! one table, so their part has its size.

use rcl_proto::resp::Args;
use rcl_store::table::{HashOf, Shape};

use crate::command::parse::{self, is};
use crate::command::{CommandError, CommandResult, Context, Outcome};

pub fn of_database(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let number = parse::integer(&args[0])?;
    let database =
        usize::try_from(number).ok().filter(|number| *number < context.node.settings().databases as usize);
    let database = database.ok_or(CommandError::fixed("ERR Out of range database"))?;
    let node = context.node;
    let hash_of = |key: &[u8]| node.hasher.hash(key);
    let hash_of = is_full(args).then_some(&hash_of as HashOf<'_, [u8]>);
    let mut shape = Shape::default();
    context.data.each_shard(|shard| shape.add(&shard.keyspace.shape(database, hash_of)));
    let marked = Shape { entries: shape.marked, homes: Vec::new(), ..shape.clone() };
    let text = format!("[Dictionary HT]\n{}[Expires HT]\n{}", described(&shape), described(&marked));
    context.reply.verbatim("txt", text.as_bytes());
    Ok(Outcome::Done)
}

fn is_full(args: Args<'_>) -> bool {
    args.get(1).is_some_and(|word| is(word, "FULL"))
}

fn described(shape: &Shape) -> String {
    let mut text = "Hash table 0 stats (main hash table):\n".to_owned();
    if shape.entries == 0 {
        text.push_str("No stats available for empty dictionaries\n");
        return text;
    }
    text.push_str(&format!(" table size: {}\n number of elements: {}\n", shape.places, shape.entries));
    let Some(free) = shape.homes.first() else { return text };
    let taken = shape.places - free;
    let average = shape.entries as f64 / taken.max(1) as f64;
    text.push_str(&format!(
        " different slots: {taken}\n max chain length: {}\n avg chain length (counted): {average:.2}\n avg chain length (computed): {average:.2}\n Chain length distribution:\n",
        shape.most_in_one_home
    ));
    for (length, count) in shape.homes.iter().enumerate().filter(|(_, count)| **count > 0) {
        let share = *count as f64 * 100.0 / shape.places as f64;
        text.push_str(&format!("   {length}: {count} ({share:.2}%)\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::in_memory::clients;

    #[test]
    fn the_tables_of_a_database_are_told_in_sum() {
        clients!(_node: client);
        let empty = "Hash table 0 stats (main hash table):\nNo stats available for empty dictionaries\n";
        let reply = client.request(&["DEBUG", "HTSTATS", "9"]).unwrap();
        assert!(
            String::from_utf8(reply)
                .unwrap()
                .contains(&format!("[Dictionary HT]\n{empty}[Expires HT]\n{empty}"))
        );
        (0..100).for_each(|number| _ = client.ask(&format!("SET k{number} v")));
        client.ask("EXPIRE k1 100");
        let text = String::from_utf8(client.request(&["DEBUG", "HTSTATS", "0"]).unwrap()).unwrap();
        let (keys, expiries) = text.split_once("[Expires HT]").unwrap();
        assert!(keys.contains("\n number of elements: 100\n") && !keys.contains("different slots"), "{text}");
        assert!(expiries.contains("\n number of elements: 1\n"), "{text}");
        let text = String::from_utf8(client.request(&["DEBUG", "HTSTATS", "0", "full"]).unwrap()).unwrap();
        assert!(
            text.contains("\n different slots: ") && text.contains("\n Chain length distribution:\n   0: "),
            "{text}"
        );
        assert_eq!(client.ask("DEBUG HTSTATS 16"), "-ERR Out of range database");
        assert_eq!(client.ask("DEBUG HTSTATS -1"), "-ERR Out of range database");
        assert_eq!(client.ask("DEBUG HTSTATS x"), "-ERR value is not an integer or out of range");
    }

    #[test]
    fn homes_are_told_as_redis_tells_of_its_chains() {
        let shape = Shape { places: 8, entries: 3, marked: 0, homes: vec![6, 1, 1], most_in_one_home: 2 };
        let expected = " different slots: 2\n max chain length: 2\n avg chain length (counted): 1.50\n avg chain length (computed): 1.50\n \
            Chain length distribution:\n   0: 6 (75.00%)\n   1: 1 (12.50%)\n   2: 1 (12.50%)\n";
        assert!(described(&shape).ends_with(expected), "{}", described(&shape));
    }
}
