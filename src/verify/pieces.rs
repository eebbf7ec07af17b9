//! Big values, piece by piece, by the commands of their types. No answer has more than some hundred elements, or a megabyte of a
//! string. What is written meanwhile may be in or not.

use rcl_proto::resp::Reply;

use super::fingerprint::{
    Ordered, Unordered, expiry_bytes, put_consumer, put_entry, put_group, put_last_id, put_pending,
    score_bytes,
};
use super::live::Contents;
use crate::cli::{Failure, Kind};
use crate::connect::Words;
use crate::keys::{Keyspace, Question, key_text};

const ELEMENTS: i64 = 500;
const STRING_BYTES: i64 = 1 << 20;

/// The value of a key of this type.
pub async fn read(keyspace: &Keyspace, key: &[u8], of_type: &str) -> Result<Contents, Failure> {
    let value = Pieces { keyspace, key };
    match of_type {
        "string" => value.string().await,
        "list" => value.list().await,
        "set" => value.scanned("SSCAN").await,
        "zset" => value.scanned("ZSCAN").await,
        "hash" => value.scanned("HSCAN").await,
        "stream" => value.stream().await,
        _ => Ok(Contents::Unknown),
    }
}

struct Pieces<'a> {
    keyspace: &'a Keyspace,
    key: &'a [u8],
}

impl Pieces<'_> {
    async fn ask(&self, command: Words) -> Result<Reply, Failure> {
        let question = Question { key: self.key.to_vec(), commands: vec![command] };
        let answers = self.keyspace.ask(&[question]).await?;
        answers
            .into_iter()
            .next()
            .and_then(|answer| answer.replies.into_iter().next())
            .ok_or_else(|| Failure::new(Kind::Internal, format!("no answer about '{}'", key_text(self.key))))
    }

    /// An array; `None` when the key is of another type now, or gone.
    async fn parts(&self, command: Words) -> Result<Option<Vec<Reply>>, Failure> {
        match self.ask(command).await? {
            Reply::Array(parts) => Ok(Some(parts)),
            Reply::Null => Ok(None),
            Reply::Error(error) if error.starts_with("WRONGTYPE") || error.contains("no such key") => {
                Ok(None)
            }
            Reply::Error(error) => {
                Err(Failure::new(Kind::Stopped, format!("'{}' cannot be read: {error}", key_text(self.key))))
            }
            other => Err(Failure::new(
                Kind::Internal,
                format!("'{}' was answered with {other:?}", key_text(self.key))
                    .chars()
                    .take(200)
                    .collect::<String>(),
            )),
        }
    }

    fn on_key(&self, command: &[&str]) -> Words {
        Words::of(command).and(self.key)
    }

    async fn string(&self) -> Result<Contents, Failure> {
        let (mut ordered, mut start) = (Ordered::default(), 0);
        loop {
            let end = start + STRING_BYTES - 1;
            let range = self.on_key(&["GETRANGE"]).and(start.to_string()).and(end.to_string());
            let Reply::Bulk(piece) = self.ask(range).await? else { return Ok(Contents::Gone) };
            ordered.piece(&piece);
            if (piece.len() as i64) < STRING_BYTES {
                return Ok(Contents::Print(ordered.finish()));
            }
            start += STRING_BYTES;
        }
    }

    async fn list(&self) -> Result<Contents, Failure> {
        let (mut ordered, mut start) = (Ordered::default(), 0);
        loop {
            let end = start + ELEMENTS - 1;
            let range = self.on_key(&["LRANGE"]).and(start.to_string()).and(end.to_string());
            let Some(elements) = self.parts(range).await? else { return Ok(Contents::Gone) };
            elements.iter().for_each(|element| ordered.put(bytes(element)));
            if (elements.len() as i64) < ELEMENTS {
                return Ok(Contents::Print(ordered.finish()));
            }
            start += ELEMENTS;
        }
    }

    /// Of a set, a sorted set or a hash.
    async fn scanned(&self, command: &str) -> Result<Contents, Failure> {
        let (mut unordered, mut cursor) = (Unordered::default(), b"0".to_vec());
        let mut knows_expiries = command == "HSCAN";
        loop {
            let scan = self.on_key(&[command]).and(&cursor).and("COUNT").and(ELEMENTS.to_string());
            let Some(parts) = self.parts(scan).await? else { return Ok(Contents::Gone) };
            let [next, Reply::Array(elements)] = parts.as_slice() else { return Ok(Contents::Gone) };
            let elements: Vec<&[u8]> = elements.iter().map(bytes).collect();
            match command {
                "SSCAN" => elements.iter().for_each(|member| unordered.put(&[member])),
                "ZSCAN" => elements.chunks_exact(2).for_each(|pair| {
                    let score = std::str::from_utf8(pair[1]).ok().and_then(|text| text.parse().ok());
                    unordered.put(&[pair[0], &score_bytes(score.unwrap_or(f64::NAN))]);
                }),
                _ => {
                    let expiries = self.expiries(&elements, &mut knows_expiries).await?;
                    for (number, pair) in elements.chunks_exact(2).enumerate() {
                        let expiry = expiries.get(number).copied().flatten();
                        unordered.put(&[pair[0], pair[1], &expiry_bytes(expiry)]);
                    }
                }
            }
            cursor = bytes(next).to_vec();
            if cursor == b"0" {
                return Ok(Contents::Print(unordered.finish()));
            }
        }
    }

    /// When these fields end; nothing where the server knows no such thing.
    async fn expiries(&self, pairs: &[&[u8]], known: &mut bool) -> Result<Vec<Option<i64>>, Failure> {
        let fields: Vec<&[u8]> = pairs.chunks_exact(2).map(|pair| pair[0]).collect();
        if !*known || fields.is_empty() {
            return Ok(Vec::new());
        }
        let command = self.on_key(&["HPEXPIRETIME"]).and("FIELDS").and(fields.len().to_string());
        let command = fields.iter().fold(command, |command, field| command.and(field));
        let Reply::Array(expiries) = self.ask(command).await? else {
            *known = false;
            return Ok(Vec::new());
        };
        let expiry =
            |reply: &Reply| if let Reply::Integer(ms) = reply { (*ms >= 0).then_some(*ms) } else { None };
        Ok(expiries.iter().map(expiry).collect())
    }

    async fn stream(&self) -> Result<Contents, Failure> {
        let mut ordered = Ordered::default();
        let mut start = b"-".to_vec();
        loop {
            let range = self.on_key(&["XRANGE"]).and(&start).and("+").and("COUNT").and(ELEMENTS.to_string());
            let Some(entries) = self.parts(range).await? else { return Ok(Contents::Gone) };
            for entry in &entries {
                let Reply::Array(parts) = entry else { return Ok(Contents::Gone) };
                let [id, Reply::Array(fields)] = parts.as_slice() else { return Ok(Contents::Gone) };
                put_entry(&mut ordered, bytes(id), fields.iter().map(|field| bytes(field).to_vec()));
                start = [b"(", bytes(id)].concat();
            }
            if (entries.len() as i64) < ELEMENTS {
                break;
            }
        }
        let Some(info) = self.parts(self.on_key(&["XINFO", "STREAM"])).await? else {
            return Ok(Contents::Gone);
        };
        put_last_id(&mut ordered, field(&info, "last-generated-id"));
        let Some(groups) = self.parts(self.on_key(&["XINFO", "GROUPS"])).await? else {
            return Ok(Contents::Gone);
        };
        let mut names: Vec<(&[u8], &[u8])> = groups
            .iter()
            .filter_map(|group| if let Reply::Array(group) = group { Some(group) } else { None })
            .map(|group| (field(group, "name"), field(group, "last-delivered-id")))
            .collect();
        names.sort_unstable();
        for (name, last_id) in names {
            put_group(&mut ordered, name, last_id);
            self.group(&mut ordered, name).await?;
        }
        Ok(Contents::Print(ordered.finish()))
    }

    async fn group(&self, ordered: &mut Ordered, name: &[u8]) -> Result<(), Failure> {
        let consumers = self.parts(self.on_key(&["XINFO", "CONSUMERS"]).and(name)).await?.unwrap_or_default();
        let mut names: Vec<&[u8]> = consumers
            .iter()
            .filter_map(|one| if let Reply::Array(one) = one { Some(field(one, "name")) } else { None })
            .collect();
        names.sort_unstable();
        names.iter().for_each(|name| put_consumer(ordered, name));
        let mut start = b"-".to_vec();
        loop {
            let range = self.on_key(&["XPENDING"]).and(name).and(&start).and("+").and(ELEMENTS.to_string());
            let pending = self.parts(range).await?.unwrap_or_default();
            for one in &pending {
                let Reply::Array(parts) = one else { continue };
                let [id, consumer, _, Reply::Integer(deliveries)] = parts.as_slice() else { continue };
                put_pending(ordered, bytes(id), bytes(consumer), u64::try_from(*deliveries).unwrap_or(0));
                start = [b"(", bytes(id)].concat();
            }
            if (pending.len() as i64) < ELEMENTS {
                return Ok(());
            }
        }
    }
}

fn bytes(reply: &Reply) -> &[u8] {
    match reply {
        Reply::Simple(text) => text.as_bytes(),
        other => other.as_bytes().unwrap_or_default(),
    }
}

/// A field of `name value …`.
fn field<'a>(fields: &'a [Reply], name: &str) -> &'a [u8] {
    let place = fields.iter().step_by(2).position(|field| bytes(field) == name.as_bytes());
    place.and_then(|place| fields.get(2 * place + 1)).map_or(&[], bytes)
}
