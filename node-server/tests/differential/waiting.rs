//! Clients that wait on keys: a script with several connections, in which both servers must answer the same ones with the
//! same words after each step.

use std::collections::{BTreeMap, BTreeSet};

use rcl_proto::resp::Reply;

use super::client::Client;
use super::request::Request;
use super::servers::Servers;

/// Who says what, and who gets an answer then. Who says something and gets no answer waits from there on; `-b` waits no
/// more although no answer came, `+a` waits again already. Whose name begins with `new` speaks RESP3.
const SCRIPT: &[(&str, &str)] = &[
    // Who came first is served first, and each by what it asked for.
    ("a BLPOP k 0", ""),
    ("b BRPOP other k 0", ""),
    ("new BLMPOP 0 2 other k LEFT COUNT 5", ""),
    ("p RPUSH k 1 2 3 4 5", "p a b new"),
    ("p EXISTS k", "p"),
    // Fewer elements than clients.
    ("a BLPOP k 0", ""),
    ("b BLPOP k 0", ""),
    ("new BLPOP k 0", ""),
    ("p LPUSH k x y", "p a b"),
    ("p LPUSH k z", "p new"),
    // The same key twice, and a second wait on it.
    ("a BLPOP k k 0", ""),
    ("p RPUSH k once", "p a"),
    ("a BLPOP k k 0", ""),
    ("p RPUSH k twice", "p a"),
    // A transaction serves when it is through, from the key that came first.
    ("a BLPOP one two 0", ""),
    ("p MULTI", "p"),
    ("p RPUSH two b", "p"),
    ("p LPUSH two a", "p"),
    ("p RPUSH one c", "p"),
    ("p EXEC", "p a"),
    ("p LRANGE two 0 -1", "p"),
    ("p DEL one two", "p"),
    ("a BLPOP k 0", ""),
    ("p MULTI", "p"),
    ("p RPUSH k gone", "p"),
    ("p DEL k", "p"),
    ("p SET k text", "p"),
    ("p DEL k", "p"),
    ("p RPUSH k stays", "p"),
    ("p EXEC", "p a"),
    // What moves brings keys to others; also in a circle, and to itself.
    ("a BLPOP c 0", ""),
    ("b BRPOPLPUSH b c 0", ""),
    ("new BLMOVE a b LEFT RIGHT 0", ""),
    ("p RPUSH a x", "p new b a"),
    ("a BRPOPLPUSH a b 0", ""),
    ("b BRPOPLPUSH b a 0", ""),
    ("p RPUSH a x", "p a b"),
    ("p LRANGE a 0 -1", "p"),
    ("p DEL a b", "p"),
    ("a BLMOVE self self LEFT RIGHT 0", ""),
    ("p RPUSH self 1 2 3", "p a"),
    ("p LRANGE self 0 -1", "p"),
    // Types: another one does not wake, the target's is the waiter's error.
    ("a BLPOP t 0", ""),
    ("b BZPOPMIN t 0", ""),
    ("p SET t text", "p"),
    ("p DEL t", "p"),
    ("p SADD t member", "p"),
    ("p DEL t", "p"),
    ("p ZADD t 1 low 2 high", "p b"),
    ("p DEL t", "p"),
    ("p RPUSH t element", "p a"),
    ("p SET text v", "p"),
    ("a BLMOVE t text LEFT LEFT 0", ""),
    ("b BLPOP t 0", ""),
    ("p RPUSH t element", "p a b"),
    ("a BLPOP none text 0", "a"),
    ("a BZPOPMIN text 0", "a"),
    ("a BLMOVE text t LEFT LEFT 0", "a"),
    ("p DEL text", "p"),
    // Sorted sets.
    ("a BZPOPMIN z 0", ""),
    ("b BZPOPMAX other z 0", ""),
    ("new BZMPOP 0 2 other z MAX COUNT 10", ""),
    ("p ZADD z 1 a 2 b 3 c 4 d", "p a b new"),
    ("new BZPOPMAX z 0", ""),
    ("p ZADD z 1.5 x", "p new"),
    ("a BZPOPMIN z 0", ""),
    ("p ZADD source 1 a", "p"),
    ("p ZUNIONSTORE z 1 source", "p a"),
    ("a BZPOPMIN z 0", ""),
    ("p ZRANGESTORE z source 0 -1", "p a"),
    ("a BZPOPMIN z 0", ""),
    ("p ZINCRBY z 5 m", "p a"),
    // Other ways for a key to come.
    ("p RPUSH list a b c", "p"),
    ("a BLPOP k 0", ""),
    ("p COPY list k", "p a"),
    ("p DEL k", "p"),
    ("a BLPOP k 0", ""),
    ("p RENAME list k", "p a"),
    ("p DEL k", "p"),
    ("a BLPOP k 0", ""),
    ("p SELECT 1", "p"),
    ("p RPUSH k elsewhere more", "p"),
    ("p MOVE k 0", "p a"),
    ("p SELECT 0", "p"),
    ("p DEL k", "p"),
    ("a BLPOP k 0", ""),
    ("p SELECT 2", "p"),
    ("p RPUSH k swapped", "p"),
    ("p SWAPDB 2 0", "p a"),
    ("p SELECT 0", "p"),
    ("a BLPOP k 0", ""),
    ("p FLUSHALL", "p"),
    ("p RPUSH k after", "p a"),
    // Streams: all who read are served, each after its own id; what a transaction added comes together.
    ("p XADD st 1-0 f v", "p"),
    ("a XREAD BLOCK 0 STREAMS st $", ""),
    ("b XREAD BLOCK 0 COUNT 1 STREAMS other st 0 1-0", ""),
    ("new XREAD BLOCK 0 STREAMS st 5-0", ""),
    ("p XADD st 2-0 f v", "p a b"),
    ("p XADD st MAXLEN 1 6-0 f v", "p new"),
    ("a XREAD BLOCK 0 STREAMS st $", ""),
    ("new XREAD BLOCK 0 STREAMS other st $ $", ""),
    ("p MULTI", "p"),
    ("p XADD st 7-0 f v", "p"),
    ("p XADD st 8-0 f v", "p"),
    ("p EXEC", "p a new"),
    // The consumers of a group share; what is there already is read at once.
    ("p XGROUP CREATE st g 7-0", "p"),
    ("a XREADGROUP GROUP g one BLOCK 0 STREAMS st >", "a"),
    ("a XREADGROUP GROUP g one BLOCK 0 STREAMS st 0", "a"),
    ("a XREADGROUP GROUP g one BLOCK 0 STREAMS st >", ""),
    ("b XREADGROUP GROUP g two BLOCK 0 NOACK STREAMS st >", ""),
    ("new XREADGROUP GROUP g three BLOCK 0 STREAMS st >", ""),
    ("p XADD st 9-0 f v", "p a"),
    ("p XADD st 10-0 f v", "p b"),
    ("p XADD st 11-0 f v", "p new"),
    ("p XPENDING st g", "p"),
    // A stream comes by another way, and as another type.
    ("a XREAD BLOCK 0 STREAMS k 0", ""),
    ("b BLPOP k 0", ""),
    ("p RENAME st k", "p a"),
    ("p DEL k", "p"),
    ("a XREAD BLOCK 0 STREAMS k 0", ""),
    ("p RPUSH k element", "p b"),
    ("p XADD k 1-0 f v", "p a"),
    ("p DEL k", "p"),
    ("a XREAD BLOCK 10 STREAMS k $", "a"),
    ("new XREAD BLOCK 10 STREAMS k $", "new"),
    ("a XREAD BLOCK 0 STREAMS k $", ""),
    ("p CLIENT UNBLOCK {a}", "p a"),
    ("p MULTI", "p"),
    ("p XREAD BLOCK 0 STREAMS k $", "p"),
    ("p EXEC", "p"),
    ("p XREAD BLOCK x STREAMS k $", "p"),
    ("p XREAD BLOCK -1 STREAMS k $", "p"),
    // A wait ends in other ways, and nobody is served then.
    ("a BLPOP k 0.01", "a"),
    ("a BLMOVE k t LEFT LEFT 0.01", "a"),
    ("new BZMPOP 0.01 1 k MIN", "new"),
    ("a BLPOP k 0", ""),
    ("b BRPOPLPUSH k t 0", ""),
    ("new BZPOPMIN k 0", ""),
    ("p CLIENT UNBLOCK {a}", "p a"),
    ("p CLIENT UNBLOCK {b} ERROR", "p b"),
    ("p CLIENT UNBLOCK {new} TIMEOUT", "p new"),
    ("p CLIENT UNBLOCK {a}", "p"),
    ("p RPUSH k kept", "p"),
    ("p LRANGE k 0 -1", "p"),
    ("p DEL k", "p"),
    ("a WAIT 1 0", ""),
    ("p CLIENT UNBLOCK {a}", "p a"),
    ("a WAIT 1 0", ""),
    ("p CLIENT UNBLOCK {a} ERROR", "p a"),
    ("b CLIENT REPLY OFF", "-b"),
    ("b BLPOP k 0", ""),
    ("p RPUSH k unheard", "p -b"),
    ("b CLIENT REPLY ON", "b"),
    ("p EXISTS k", "p"),
    // What a waiting client sends meanwhile is kept.
    ("a BLPOP k 0", ""),
    ("a INCR counter", ""),
    ("a BLPOP k2 0", ""),
    ("p GET counter", "p"),
    ("p RPUSH k x", "p a a +a"),
    ("p RPUSH k2 y", "p a"),
    ("p GET counter", "p"),
    // A pause holds a wait back, and lets one end that began before.
    ("a BLPOP k 0", ""),
    ("p CLIENT PAUSE 100000 WRITE", "p"),
    ("p CLIENT UNBLOCK {a}", "p a"),
    ("a BLPOP k 0.01", ""),
    ("p CLIENT UNPAUSE", "p a"),
    // In a transaction nobody waits.
    ("p MULTI", "p"),
    ("p BLPOP k 0", "p"),
    ("p BLMOVE k t LEFT LEFT 0", "p"),
    ("p BZMPOP 0 1 k MIN", "p"),
    ("p EXEC", "p"),
    // Arguments.
    ("p BLPOP k -1", "p"),
    ("p BLPOP k x", "p"),
    ("p BLPOP k nan", "p"),
    ("p BLPOP k", "p"),
    ("p BLMPOP x 0 k LEFT", "p"),
    ("p BLMPOP x 1 k MIDDLE", "p"),
    ("p BLMPOP -1 1 k LEFT COUNT 0", "p"),
    ("p BLMPOP -1 1 k LEFT", "p"),
    ("p BLMPOP 0 2 k LEFT", "p"),
    ("p BLMOVE k t LEFT MIDDLE x", "p"),
    ("p BLMOVE k t LEFT LEFT x", "p"),
    ("p BRPOPLPUSH k t -5", "p"),
    ("p BZPOPMIN k x", "p"),
    ("p BZMPOP x 1 k MIN", "p"),
    ("p CLIENT UNBLOCK x", "p"),
    ("p CLIENT UNBLOCK 999999", "p"),
    ("p CLIENT UNBLOCK 1 WHENEVER", "p"),
    ("p CLIENT UNBLOCK 1 TIMEOUT more", "p"),
];

#[test]
fn clients_that_wait_are_served_as_redis_serves_them() {
    let Some(servers) = Servers::start("waiting", &[]) else { return };
    let of_redis = play(|| servers.redis());
    let of_node = play(|| servers.node());
    for ((step, _), (redis, node)) in SCRIPT.iter().zip(of_redis.iter().zip(&of_node)) {
        assert_eq!(node, redis, "after: {step}");
    }
}

pub struct Actor {
    pub client: Client,
    pub id: i64,
}

impl Actor {
    pub fn new(client: Client, name: &str) -> Actor {
        let mut actor = Actor { client, id: 0 };
        if name.starts_with("new") {
            // Not compared: it names the version.
            actor.ask(&["HELLO", "3"]);
        }
        let Reply::Integer(id) = actor.ask(&["CLIENT", "ID"]) else { panic!("no number") };
        Actor { id, ..actor }
    }

    pub fn ask(&mut self, words: &[&str]) -> Reply {
        self.client.send(&[Request::of(words)]);
        self.client.receive(1).remove(0)
    }
}

/// Plays the script, and gives the answers after each step.
fn play(connect: impl Fn() -> Client) -> Vec<Vec<(&'static str, Reply)>> {
    let names: BTreeSet<&str> = SCRIPT.iter().map(|(step, _)| speaker(step)).collect();
    let mut actors: BTreeMap<&str, Actor> =
        names.into_iter().map(|name| (name, Actor::new(connect(), name))).collect();
    let mut observer = Actor::new(connect(), "observer");
    let mut waiting = BTreeSet::new();
    let mut play_step = |(step, events): &(&'static str, &'static str)| {
        let name = speaker(step);
        let words: Vec<String> = step.split(' ').skip(1).map(|word| with_number(word, &actors)).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        actors.get_mut(name).unwrap().client.send(&[Request::of(&words)]);
        waiting.insert(name);
        let mut answers = Vec::new();
        for event in events.split_whitespace() {
            match (event.strip_prefix('+'), event.strip_prefix('-')) {
                (Some(name), _) => drop(waiting.insert(name)),
                (_, Some(name)) => drop(waiting.remove(name)),
                _ => {
                    waiting.remove(event);
                    answers.push((event, actors.get_mut(event).unwrap().client.receive(1).remove(0)));
                }
            }
        }
        wait_for_blocked(&mut observer, waiting.len(), step);
        answers
    };
    let answers = SCRIPT.iter().map(&mut play_step).collect();
    // Nobody got more than was read.
    for (name, actor) in &mut actors {
        assert_eq!(actor.ask(&["PING"]), Reply::Simple("PONG".into()), "{name}");
    }
    answers
}

fn speaker(step: &'static str) -> &'static str {
    step.split(' ').next().unwrap_or_default()
}

/// `{a}` is the number of client `a`.
fn with_number(word: &str, actors: &BTreeMap<&str, Actor>) -> String {
    match word.strip_prefix('{').and_then(|word| word.strip_suffix('}')) {
        Some(name) => actors[name].id.to_string(),
        None => word.to_owned(),
    }
}

fn wait_for_blocked(observer: &mut Actor, count: usize, step: &str) {
    let line = format!("blocked_clients:{count}\r\n");
    for _ in 0..6000 {
        let info = observer.ask(&["INFO", "clients"]);
        if String::from_utf8_lossy(info.as_bytes().unwrap_or_default()).contains(&line) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("after: {step}: there never were {count} clients waiting");
}
