//! What an element of a big collection costs: nanoseconds per operation and bytes per element.
//!
//! ```text
//! cargo run --release -p rcl-store --example collection_cost [ELEMENTS]
//! ```
//! Times are CPU times of this process (Linux), so that other work on the machine disturbs them little. Bytes are the growth of the process's resident
//! memory (Linux), so the allocator's overhead is in it. Elements are asked for and changed in random order.

#![allow(
    clippy::disallowed_methods,
    reason = "a measurement reads clock and files; the crate itself does not"
)]

use rand::SeedableRng;
use rand::rngs::StdRng;
use rcl_store::types::{AddCondition, Hash, Limits, Set, SortedSet};

fn main() {
    let mut arguments = std::env::args().skip(1).filter_map(|argument| argument.parse::<u64>().ok());
    let elements = arguments.next().unwrap_or(1_000_000);
    hash(elements);
    set(elements);
    sorted_set("scores differ", elements, |number| (number * 7919 % 1_000_003) as f64 + 0.5);
    sorted_set("one score", elements, |_| 0.0);
}

fn hash(elements: u64) {
    println!("hash");
    let limits = Limits::default();
    let mut hash = Hash::new();
    let order = Shuffled(elements);
    let before = resident_bytes();
    measure("set, new", elements, |n| hash.set(&name(b'f', n), &name(b'v', n)[..14], &limits));
    memory(before, elements, hash.memory_usage());
    measure("get, found", elements, |n| hash.view().get(&name(b'f', order.at(n))).is_some());
    measure("get, absent", elements, |n| hash.view().get(&name(b'f', n + elements)).is_none());
    measure("set, again", elements, |n| !hash.set(&name(b'f', order.at(n)), &name(b'w', n)[..14], &limits));
    measure("set, longer", elements, |n| !hash.set(&name(b'f', order.at(n)), &name(b'w', n), &limits));
    measure("walk", elements, bytes_of(hash.view().iter().map(|(field, value)| field.len() + value.len())));
    let mut copy = hash.clone();
    measure("set, in a clone", elements / 10, |n| !copy.set(&name(b'f', order.at(n)), b"x", &limits));
    drop(copy);
    measure("remove", elements, |n| hash.remove(&name(b'f', order.at(n))));
}

fn set(elements: u64) {
    println!("set");
    let (limits, mut rng) = (Limits::default(), StdRng::seed_from_u64(1));
    let mut set = Set::new();
    let order = Shuffled(elements);
    let before = resident_bytes();
    measure("add, new", elements, |n| set.add(&name(b'm', n), &limits));
    memory(before, elements, set.memory_usage());
    measure("add, again", elements, |n| !set.add(&name(b'm', order.at(n)), &limits));
    measure("contains", elements, |n| set.view().contains(&name(b'm', order.at(n))));
    measure("walk", elements, bytes_of(set.view().iter().map(|member| member.len())));
    measure("random", elements, |_| set.view().random(&mut rng).is_some());
    measure("pop", elements / 2, |_| set.pop(&mut rng).is_some());
    measure("remove", elements, |n| {
        set.remove(&name(b'm', n));
        true
    });
}

fn sorted_set(title: &str, elements: u64, score: impl Fn(u64) -> f64) {
    println!("sorted set, {title}");
    let (limits, add) = (Limits::default(), AddCondition::default());
    let mut sorted = SortedSet::new();
    let order = Shuffled(elements);
    let before = resident_bytes();
    measure("add, new", elements, |n| {
        let n = order.at(n);
        sorted.add(score(n), &name(b'm', n), add, &limits).is_ok()
    });
    memory(before, elements, sorted.memory_usage());
    measure("add, again", elements, |n| {
        let n = order.at(n);
        sorted.add(score(n), &name(b'm', n), add, &limits).is_ok()
    });
    measure("score", elements, |n| sorted.view().score(&name(b'm', order.at(n))).is_some());
    measure("rank", elements, |n| sorted.view().rank(&name(b'm', order.at(n))).is_some());
    measure("walk", elements, bytes_of(sorted.view().iter().map(|(member, _)| member.len())));
    measure("ten from the 100th", elements, |_| sorted.view().iter_ranks(100..110).count() == 10);
    measure("move", elements, |n| {
        let n = order.at(n);
        sorted.add(score(n + 77), &name(b'm', n), add, &limits).is_ok()
    });
    measure("pop lowest", elements / 2, |_| sorted.pop_lowest().is_some());
    measure("remove", elements, |n| {
        sorted.remove(&name(b'm', order.at(n)));
        true
    });
}

/// The numbers below this one in another order.
struct Shuffled(u64);

impl Shuffled {
    fn at(&self, number: u64) -> u64 {
        (number * 2_654_435_761) % self.0
    }
}

fn bytes_of(mut lengths: impl Iterator<Item = usize>) -> impl FnMut(u64) -> bool {
    move |_| lengths.next().is_some_and(|length| length > 0)
}

/// Fifteen bytes.
fn name(first: u8, number: u64) -> [u8; 15] {
    let mut name = *b"?ember:00000000";
    name[0] = first;
    let mut left = number;
    for digit in name.iter_mut().rev().take(8) {
        *digit = b'0' + (left % 10) as u8;
        left /= 10;
    }
    name
}

fn memory(before: usize, elements: u64, own: usize) {
    let each = |bytes: usize| bytes as f64 / elements as f64;
    println!("    {:<24}{:>10.1} bytes each", "resident", each(resident_bytes().saturating_sub(before)));
    println!("    {:<24}{:>10.1} bytes each", "by its own account", each(own));
}

fn measure(what: &str, count: u64, mut operation: impl FnMut(u64) -> bool) {
    let start_ns = cpu_time_ns();
    let done = (0..count).filter(|&number| operation(number)).count();
    println!("    {what:<24}{:>10.1} ns each", (cpu_time_ns() - start_ns) as f64 / count.max(1) as f64);
    if done as u64 * 1000 < count * 999 {
        println!("        of which only {done} succeeded");
    }
}

/// Nanoseconds that this process has spent on a processor.
fn cpu_time_ns() -> u64 {
    let schedstat = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    schedstat.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0)
}

fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}
