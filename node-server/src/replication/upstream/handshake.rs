//! What a replica says before it gets anything.
//!
//! ```text
//!   PING                                       +PONG (or that a password is needed)
//!   AUTH [user] password                       +OK    with masterauth
//!   REPLCONF listening-port P                  +OK    an error is no reason to stop: the master is old
//!   REPLCONF ip-address A                      +OK    with replica-announce-ip
//!   REPLCONF capa eof capa psync2 capa field-expiry   +OK    the last one is ours: who does not know it passes over it
//!   REPLCONF version V                         +OK    an error from whoever is not Valkey 8 or newer, or one of ours
//!   PSYNC id offset [FAILOVER]                 +CONTINUE [id]  |  +FULLRESYNC id offset  |  -error
//! ```

use rcl_proto::resp::encode_request;

use super::connection::{Connection, LinkError};
use crate::replication::history::{ReplicationId, SecondHistory};
use crate::replication::setslot::ANNOUNCED_VERSION;

/// What PSYNC was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granted {
    /// The stream goes on where we are.
    Continue,
    /// A copy comes; the stream begins at `offset` of history `id`.
    Full { id: ReplicationId, offset: u64 },
}

pub fn introduce(connection: &mut Connection) -> Result<(), LinkError> {
    let pong = call(connection, &[b"PING"])?;
    let needs_password = ["-NOAUTH", "-NOPERM", "-ERR operation not permitted"];
    if !pong.starts_with('+') && !needs_password.iter().any(|start| pong.starts_with(start)) {
        return Err(LinkError::Refused { to: "PING", reply: pong });
    }
    let settings = connection.node.settings().clone();
    if let Some(password) = &settings.masterauth {
        let user = settings.masteruser.as_ref().map(|user| user.0.as_slice());
        let words: Vec<&[u8]> = std::iter::once(b"AUTH".as_slice())
            .chain(user)
            .chain(std::iter::once(password.0.as_slice()))
            .collect();
        let reply = call(connection, &words)?;
        if reply.starts_with('-') {
            tracing::warn!(reply, "Unable to AUTH to MASTER");
            return Err(LinkError::Refused { to: "AUTH (masterauth)", reply });
        }
    } else if pong.starts_with("-NOAUTH") {
        return Err(LinkError::Refused { to: "PING, and masterauth is not set", reply: pong });
    }
    let port = match settings.replica_announce_port {
        0 => settings.port,
        port => port,
    };
    tell(connection, &[b"REPLCONF", b"listening-port", port.to_string().as_bytes()])?;
    if let Some(ip) = &settings.replica_announce_ip {
        tell(connection, &[b"REPLCONF", b"ip-address", ip.as_bytes()])?;
    }
    tell(connection, &[b"REPLCONF", b"capa", b"eof", b"capa", b"psync2", b"capa", b"field-expiry"])?;
    tell(connection, &[b"REPLCONF", b"version", ANNOUNCED_VERSION.as_bytes()])
}

fn call(connection: &mut Connection, words: &[&[u8]]) -> Result<String, LinkError> {
    let mut request = Vec::new();
    encode_request(&mut request, words.iter().copied());
    connection.send(&request)?;
    connection.line()
}

fn tell(connection: &mut Connection, words: &[&[u8]]) -> Result<(), LinkError> {
    let reply = call(connection, words)?;
    if reply.starts_with('-') {
        let option = words.get(1).map(|word| String::from_utf8_lossy(word).into_owned()).unwrap_or_default();
        tracing::info!(option, reply, "the master does not understand REPLCONF");
    }
    Ok(())
}

/// Asks to go on from where our log ends, or for a copy when our data are of no history.
pub fn ask(connection: &mut Connection) -> Result<Granted, LinkError> {
    let replication = &connection.node.replication;
    let hands_over = replication.failover.is_in_progress();
    let asked = replication.upstream.is_in_sync().then(|| {
        let log = replication.lock_log();
        // Our replica that is to lead knows the newest id.
        let id = if hands_over { log.history().id } else { log.history().asked_as(log.end()) };
        (id, log.end())
    });
    let reply = match asked {
        Some((id, end)) => {
            tracing::info!(%id, offset = end + 1, hands_over, "asking the master to go on");
            let offset = (end + 1).to_string();
            let failover: &[&[u8]] = if hands_over { &[b"FAILOVER"] } else { &[] };
            let words = [b"PSYNC", id.as_str().as_bytes(), offset.as_bytes()];
            call(connection, &[&words[..], failover].concat())?
        }
        None => call(connection, &[b"PSYNC", b"?", b"-1"])?,
    };
    match (parse(&reply)?, asked) {
        (Answer::Full { id, offset }, _) => Ok(Granted::Full { id, offset }),
        (Answer::Continue(id), Some((asked, end))) => {
            go_on(connection, asked, id.unwrap_or(asked), end);
            Ok(Granted::Continue)
        }
        (Answer::Continue(_), None) => {
            Err(LinkError::Protocol("it goes on, but we asked for a copy".to_owned()))
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Continue(Option<ReplicationId>),
    Full { id: ReplicationId, offset: u64 },
}

fn parse(reply: &str) -> Result<Answer, LinkError> {
    let mut words = reply.split_ascii_whitespace();
    let wrong = || LinkError::Protocol(format!("PSYNC was answered '{reply}'"));
    match words.next() {
        Some("+CONTINUE") => {
            let id = words.next().map(|word| ReplicationId::parse(word.as_bytes()).ok_or_else(wrong));
            Ok(Answer::Continue(id.transpose()?))
        }
        Some("+FULLRESYNC") => {
            let id = words.next().and_then(|word| ReplicationId::parse(word.as_bytes())).ok_or_else(wrong)?;
            let offset = words.next().and_then(|word| word.parse().ok()).ok_or_else(wrong)?;
            Ok(Answer::Full { id, offset })
        }
        _ if reply.starts_with('-') => Err(LinkError::Refused { to: "PSYNC", reply: reply.to_owned() }),
        _ => Err(wrong()),
    }
}

/// The master may have a new id (it was promoted): then ours is the old one, and replicas of ours come anew to
/// hear of it.
fn go_on(connection: &Connection, asked: ReplicationId, id: ReplicationId, end: u64) {
    let replication = &connection.node.replication;
    let _applying = replication.lock_applying();
    if !connection.is_current() {
        return;
    }
    let mut log = replication.lock_log();
    let mut history = *log.history();
    let changed = history.id != id;
    if id != asked {
        history.second = Some(SecondHistory { id: asked, parted_at: end + 1 });
    } else if changed {
        history.second = None;
    }
    history.id = id;
    log.continue_as(history);
    drop(log);
    // In Redis's words.
    tracing::info!(%id, offset = end + 1, "Successful partial resynchronization with master: it goes on where we are");
    if changed {
        replication.disconnect_replicas();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_to_psync() {
        let text = "ab".repeat(20);
        let id = ReplicationId::parse(text.as_bytes()).unwrap();
        assert_eq!(parse("+CONTINUE").unwrap(), Answer::Continue(None));
        assert_eq!(parse(&format!("+CONTINUE {text}")).unwrap(), Answer::Continue(Some(id)));
        assert_eq!(parse(&format!("+FULLRESYNC {text} 17")).unwrap(), Answer::Full { id, offset: 17 });
        for wrong in
            ["+FULLRESYNC", "+FULLRESYNC abc 1", &format!("+FULLRESYNC {text} x"), "+CONTINUE abc", "hello"]
        {
            assert!(matches!(parse(wrong), Err(LinkError::Protocol(_))), "{wrong}");
        }
        assert!(matches!(parse("-NOMASTERLINK Can't SYNC"), Err(LinkError::Refused { .. })));
    }
}
