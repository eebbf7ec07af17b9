//! MIGRATE: reads the request, marks the keys and hands them to the courier (`crate::migration`).

use rcl_proto::resp::Args;
use rcl_store::rdb;

use crate::command::arguments::KEY;
use crate::command::parse::{self, is};
use crate::command::secrets;
use crate::command::spec::{
    ARGUMENT, Argument, Begin, COMMAND, Find, Group, KeySpec, Kind, category, flag, key_flag,
};
use crate::command::{
    CommandError, CommandResult, CommandSpec, Context, Handler, KeyPosition, Outcome, Park,
};

use crate::migration::{self, Credentials, Job, Parcel};

pub const MIGRATE: CommandSpec = CommandSpec {
    name: "migrate",
    arity: -6,
    flags: flag::WRITE,
    categories: category::KEYSPACE | category::DANGEROUS,
    keys: &[
        KeySpec::at(3, key_flag::RW | key_flag::ACCESS | key_flag::DELETE),
        KeySpec {
            begin: Begin::Keyword { word: "KEYS", from: -2 },
            find: Find::Range { last: -1, step: 1, limit: 0 },
            flags: key_flag::RW | key_flag::ACCESS | key_flag::DELETE | key_flag::INCOMPLETE,
            notes: "",
        },
    ],
    secrets: Some(secrets::of_migrate),
    since: "2.6.0",
    group: Group::Generic,
    complexity: "This command actually executes a DUMP+DEL in the source instance, and a RESTORE in the target instance. See the pages of these commands for time complexity. Also an O(N) data transfer between the two instances is performed.",
    summary: "Moves keys to another node.",
    arguments: &[
        Argument { name: "host", ..ARGUMENT },
        Argument { name: "port", kind: Kind::Integer, ..ARGUMENT },
        Argument {
            name: "key-selector",
            kind: Kind::OneOf,
            arguments: &[
                KEY,
                Argument { name: "empty-string", kind: Kind::PureToken, token: "\"\"", ..ARGUMENT },
            ],
            ..ARGUMENT
        },
        Argument { name: "destination-db", kind: Kind::Integer, ..ARGUMENT },
        Argument { name: "timeout", kind: Kind::Integer, ..ARGUMENT },
        Argument {
            name: "copy",
            kind: Kind::PureToken,
            token: "COPY",
            since: "3.0.0",
            optional: true,
            ..ARGUMENT
        },
        Argument {
            name: "replace",
            kind: Kind::PureToken,
            token: "REPLACE",
            since: "3.0.0",
            optional: true,
            ..ARGUMENT
        },
        Argument {
            name: "authentication",
            kind: Kind::OneOf,
            optional: true,
            arguments: &[
                Argument { name: "auth", display: "password", token: "AUTH", since: "4.0.7", ..ARGUMENT },
                Argument {
                    name: "auth2",
                    kind: Kind::Block,
                    token: "AUTH2",
                    since: "6.0.0",
                    arguments: &[
                        Argument { name: "username", ..ARGUMENT },
                        Argument { name: "password", ..ARGUMENT },
                    ],
                    ..ARGUMENT
                },
            ],
            ..ARGUMENT
        },
        Argument {
            name: "keys",
            display: "key",
            kind: Kind::Key,
            token: "KEYS",
            key_spec: Some(1),
            since: "3.0.6",
            optional: true,
            multiple: true,
            ..ARGUMENT
        },
    ],
    tips: &["nondeterministic_output"],
    own_keys: Some(keys_of),
    handler: Handler::Run(migrate),
    ..COMMAND
};

/// With KEYS the key's own place holds an empty string, which is no key then.
fn keys_of(args: Args<'_>) -> Vec<KeyPosition> {
    const FLAGS: u32 = key_flag::RW | key_flag::ACCESS | key_flag::DELETE;
    let mut indexes = 3..args.len().min(4);
    let mut index = 6;
    while let Some(option) = args.get(index) {
        if is(option, "KEYS") {
            if args.get(3) == Some(b"") {
                indexes = index + 1..args.len();
            }
            break;
        }
        // A password may be any word.
        index += if is(option, "AUTH2") { 3 } else { 1 + usize::from(is(option, "AUTH")) };
    }
    indexes.map(|index| KeyPosition { index, flags: FLAGS }).collect()
}

struct Request<'a> {
    target: (String, u16),
    database: usize,
    timeout_ms: u64,
    copy: bool,
    replace: bool,
    credentials: Option<Credentials>,
    keys: Vec<&'a [u8]>,
}

fn parse_request<'a>(args: Args<'a>) -> Result<Request<'a>, CommandError> {
    let word = |index: usize| args.get(index).unwrap_or_default();
    let port: u16 = String::from_utf8_lossy(word(2)).parse().map_err(|_| CommandError::NOT_INTEGER)?;
    let timeout = parse::integer(word(5))?;
    let mut request = Request {
        target: (String::from_utf8_lossy(word(1)).into_owned(), port),
        database: usize::try_from(parse::integer(word(4))?).map_err(|_| CommandError::NOT_INTEGER)?,
        timeout_ms: if timeout <= 0 { 1000 } else { timeout as u64 },
        copy: false,
        replace: false,
        credentials: None,
        keys: vec![word(3)],
    };
    let mut index = 6;
    while let Some(option) = args.get(index) {
        let left = args.len() - index - 1;
        if is(option, "COPY") {
            request.copy = true;
        } else if is(option, "REPLACE") {
            request.replace = true;
        } else if is(option, "AUTH") && left >= 1 {
            request.credentials = Some(Credentials { user: None, password: word(index + 1).to_vec() });
            index += 1;
        } else if is(option, "AUTH2") && left >= 2 {
            let user = Some(word(index + 1).to_vec());
            request.credentials = Some(Credentials { user, password: word(index + 2).to_vec() });
            index += 2;
        } else if is(option, "KEYS") {
            if !word(3).is_empty() {
                return Err(CommandError::fixed(
                    "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string",
                ));
            }
            request.keys = args.from(index + 1).iter().collect();
            break;
        } else {
            return Err(CommandError::SYNTAX);
        }
        index += 1;
    }
    Ok(request)
}

fn migrate(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let request = parse_request(args)?;
    let (database, now_ms) = (context.data.database, context.data.now_ms);
    let mut parcels: Vec<Parcel> = Vec::new();
    for key in &request.keys {
        let Some(entry) = context.data.peek(key) else { continue };
        if parcels.iter().any(|parcel| *parcel.key == **key) {
            continue;
        }
        let remaining_ms = entry.expiry().map_or(0, |moment| (moment - now_ms).max(1));
        let payload = rdb::dump(entry.value(), false);
        parcels.push(Parcel { key: (*key).into(), remaining_ms, payload });
    }
    if parcels.is_empty() {
        context.reply.simple("NOKEY");
        return Ok(Outcome::Done);
    }
    if !context.may_park {
        return Err(CommandError::fixed(
            "ERR MIGRATE waits for another node, so it is not allowed inside a transaction",
        ));
    }
    if let Some(shard) = context.data.shard() {
        parcels.iter().for_each(|parcel| {
            shard.departing.mark(database, &parcel.key);
        });
    }
    let wait = context.session.begin_wait();
    let job = Job {
        target: request.target,
        target_database: request.database,
        database,
        slot: context.data.slot,
        timeout_ms: request.timeout_ms,
        copy: request.copy,
        replace: request.replace,
        credentials: request.credentials,
        parcels,
        wait: wait.clone(),
    };
    migration::send(context.node.clone(), job);
    Ok(Outcome::Park(Park::pipelined(wait)))
}
