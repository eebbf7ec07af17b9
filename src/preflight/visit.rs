//! Asks nodes what they are. None of it changes anything.
//!
//! ```text
//! name → addresses → a connection to each → log in → INFO → CLUSTER NODES … → CONFIG GET
//!                          │ does not speak as we do: plain or TLS?              its bus port, and where it says it is
//! ```

use std::net::IpAddr;
use std::time::{Duration, Instant};

use rcl_proto::Address;
use rcl_proto::resp::Reply;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::cli::system_words;
use crate::connect::{self, Connector, Fields, Link, LinkError, Words, view};
use crate::health::Door;
use crate::topology::View;

/// All nodes are asked at once, and each has so long.
const LIMIT: Duration = Duration::from_millis(2700);
/// For a name, a connection, a login; each.
const CONNECT_LIMIT: Duration = Duration::from_millis(1000);
const DOOR_LIMIT: Duration = Duration::from_millis(800);
const SPEECH_LIMIT: Duration = Duration::from_millis(300);

/// How a port talks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    Plain,
    Tls,
    Unknown,
}

/// How far a visit came.
#[derive(Clone, Debug)]
pub enum Answer {
    UnknownHost(String),
    /// No connection, or none that lasts.
    Unreachable(String),
    /// There is a connection, and it does not talk as we do.
    OtherSpeech(Speech),
    /// Connected, and then nothing.
    Mute,
    Denied(String),
    Loading,
    Busy(String),
    NotInClusterMode,
    /// It answered a question with an error, or with what we do not understand.
    Odd(String),
    Node(Box<Seen>),
}

/// What a node that is fit to be asked said.
#[derive(Clone, Debug)]
pub struct Seen {
    pub view: View,
    /// Empty where it does not let us see them.
    pub settings: std::collections::BTreeMap<String, String>,
    /// The bus port that it announces.
    pub bus: Address,
    pub bus_door: Door,
    /// Why clients and nodes would not find it where it says it is.
    pub misplaced: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Visit {
    pub address: Address,
    /// All addresses that its name has, and whether each takes a connection.
    pub addresses: Vec<(IpAddr, bool)>,
    pub answer: Answer,
    /// The connection over which it was asked.
    pub link: Option<Link>,
}

/// What is left of a node's time.
#[derive(Clone, Copy, Debug)]
struct Patience(Instant);

impl Patience {
    fn left(self, at_most: Duration) -> Duration {
        LIMIT.saturating_sub(self.0.elapsed()).min(at_most)
    }
}

/// In the order given.
pub async fn visit_all(connector: &Connector, addresses: &[Address]) -> Vec<Visit> {
    let mut asked = JoinSet::new();
    for (index, address) in addresses.iter().enumerate() {
        let (connector, address) = (connector.clone(), address.clone());
        asked.spawn(async move { (index, visit(&connector, address).await) });
    }
    let mut visits = Vec::new();
    while let Some(visit) = asked.join_next().await {
        visits.extend(visit.ok());
    }
    visits.sort_by_key(|(index, _)| *index);
    visits.into_iter().map(|(_, visit)| visit).collect()
}

async fn visit(connector: &Connector, address: Address) -> Visit {
    let patience = Patience(Instant::now());
    let (mut addresses, mut link) = (Vec::new(), None);
    let place = connector.transport.map.reachable(&address);
    let answer = match timeout(patience.left(CONNECT_LIMIT), resolve(&place)).await {
        Ok(Ok(found)) => {
            addresses = try_all(found, place.port, patience.left(CONNECT_LIMIT)).await;
            match enter(connector, &address, place.port, &addresses, patience).await {
                Ok(entered) => {
                    let ip = open(&addresses);
                    let asked = look(connector, &entered, ip, &address);
                    let asked = timeout(patience.left(LIMIT), asked).await;
                    link = Some(entered);
                    match asked {
                        Ok(Ok(answer)) => answer,
                        Ok(Err(error)) => odd(connector, &error, ip, place.port).await,
                        Err(_) => Answer::Mute,
                    }
                }
                Err(answer) => answer,
            }
        }
        Ok(Err(why)) => Answer::UnknownHost(why),
        Err(_) => Answer::UnknownHost("no name server answers".into()),
    };
    Visit { address, addresses, answer, link }
}

async fn resolve(address: &Address) -> Result<Vec<IpAddr>, String> {
    let found = tokio::net::lookup_host((address.host.as_str(), address.port)).await;
    let mut ips: Vec<IpAddr> =
        found.map_err(|error| system_words(&error.to_string()))?.map(|place| place.ip()).collect();
    ips.dedup();
    if ips.is_empty() { Err("it has no address".into()) } else { Ok(ips) }
}

async fn try_all(ips: Vec<IpAddr>, port: u16, limit: Duration) -> Vec<(IpAddr, bool)> {
    let attempt =
        |ip| async move { matches!(timeout(limit, TcpStream::connect((ip, port))).await, Ok(Ok(_))) };
    let attempts: Vec<_> = ips.into_iter().map(|ip| (ip, tokio::spawn(attempt(ip)))).collect();
    let mut tried = Vec::new();
    for (ip, attempt) in attempts {
        tried.push((ip, attempt.await.unwrap_or(false)));
    }
    tried
}

fn open(tried: &[(IpAddr, bool)]) -> Option<IpAddr> {
    tried.iter().find(|(_, open)| *open).map(|(ip, _)| *ip)
}

/// A connection that is logged in; else why there is none.
async fn enter(
    connector: &Connector,
    address: &Address,
    port: u16,
    tried: &[(IpAddr, bool)],
    patience: Patience,
) -> Result<Link, Answer> {
    let why = match timeout(patience.left(CONNECT_LIMIT), connector.connect(address)).await {
        Ok(Ok(link)) => return Ok(link),
        Ok(Err(LinkError::Denied { why, .. })) => return Err(Answer::Denied(why)),
        Ok(Err(error)) => Some(why_of(&error)),
        Err(_) => None,
    };
    let Some(ip) = open(tried) else {
        return Err(Answer::Unreachable(why.unwrap_or_else(|| "no answer, as behind a firewall".into())));
    };
    Err(match (speech(ip, port).await, why) {
        (Speech::Tls, _) => Answer::OtherSpeech(Speech::Tls),
        // A server waits for the end of a line that a hello of TLS does not have.
        (Speech::Plain, _) if connector.transport.tls.is_some() => Answer::OtherSpeech(Speech::Plain),
        (Speech::Plain, Some(_)) => Answer::OtherSpeech(Speech::Plain),
        (Speech::Unknown, Some(why)) => Answer::Unreachable(why),
        (_, None) => Answer::Mute,
    })
}

/// It let us in and then failed. A server that speaks TLS ends a plain connection a moment after it was made.
async fn odd(connector: &Connector, error: &LinkError, ip: Option<IpAddr>, port: u16) -> Answer {
    let is_plain = connector.transport.tls.is_none();
    match ip {
        Some(ip) if is_plain && speech(ip, port).await == Speech::Tls => Answer::OtherSpeech(Speech::Tls),
        _ => Answer::Odd(error.to_string()),
    }
}

fn why_of(error: &LinkError) -> String {
    match error {
        LinkError::Unreachable { why, .. } => why.clone(),
        other => other.to_string(),
    }
}

async fn look(
    connector: &Connector,
    link: &Link,
    ip: Option<IpAddr>,
    address: &Address,
) -> Result<Answer, LinkError> {
    let info = link.raw(&Words::of(&["INFO"])).await?;
    if let Reply::Error(error) = &info {
        return Ok(match error.split(' ').next().unwrap_or_default() {
            "NOAUTH" | "NOPERM" | "WRONGPASS" => Answer::Denied(error.clone()),
            "LOADING" => Answer::Loading,
            "BUSY" => Answer::Busy(error.clone()),
            _ => Answer::Odd(error.clone()),
        });
    }
    let info = Fields::of(&info);
    if info.get("loading") == Some("1") {
        return Ok(Answer::Loading);
    }
    if info.get("cluster_enabled") == Some("0") {
        return Ok(Answer::NotInClusterMode);
    }
    let view = match view(link).await {
        Ok(view) => view,
        Err(failure) if failure.what.contains("BUSY") => return Ok(Answer::Busy(failure.what)),
        Err(failure) => return Ok(Answer::Odd(failure.what)),
    };
    let settings = connect::settings(link).await?.unwrap_or_default();
    let host = ip.map_or_else(|| address.host.clone(), |ip| ip.to_string());
    let (bus, announced) = places(&view, &host, address);
    let (bus_door, misplaced) = tokio::join!(connect::door(connector, Some(&bus), DOOR_LIMIT), async {
        match &announced {
            Some(announced) => connect::answers_as(connector, announced, view.viewer, DOOR_LIMIT).await.err(),
            None => None,
        }
    });
    Ok(Answer::Node(Box::new(Seen { view, settings, bus, bus_door, misplaced })))
}

/// Where its bus is, and where it says it serves clients, if that is not where we asked it.
fn places(view: &View, host: &str, asked: &Address) -> (Address, Option<Address>) {
    let endpoint = view.lines.iter().find(|line| line.id == view.viewer).map(|line| line.endpoint.clone());
    let endpoint = endpoint.unwrap_or_default();
    let ip = if endpoint.ip.is_empty() { host.to_owned() } else { endpoint.ip };
    let port = if endpoint.port == 0 { asked.port } else { endpoint.port };
    let bus_port = match endpoint.bus_port {
        0 => port.saturating_add(10_000),
        known => known,
    };
    let announced = Address::new(ip.clone(), port);
    let elsewhere = announced != *asked && !(ip == host && port == asked.port);
    (Address::new(ip, bus_port), elsewhere.then_some(announced))
}

/// A plain server answers a plain PING, with whatever it likes; one that speaks TLS answers a hello of TLS.
async fn speech(ip: IpAddr, port: u16) -> Speech {
    match first_byte(ip, port, b"PING\r\n").await {
        Some(b'+' | b'-') => return Speech::Plain,
        Some(TLS_ALERT) => return Speech::Tls,
        _ => {}
    }
    match first_byte(ip, port, &CLIENT_HELLO).await {
        Some(TLS_ALERT | TLS_HANDSHAKE) => Speech::Tls,
        Some(b'-') => Speech::Plain,
        _ => Speech::Unknown,
    }
}

const TLS_ALERT: u8 = 0x15;
const TLS_HANDSHAKE: u8 = 0x16;
/// The shortest hello of TLS 1.2 (RFC 5246, 7.4.1.2): 32 bytes that would be random, no session, one cipher, no compression. It
/// is answered by a hello or, where the cipher does not please, by an alert: both are TLS.
const CLIENT_HELLO: [u8; 50] = {
    let mut hello = [0; 50];
    // Record: handshake, TLS 1.0 as everybody begins, 45 bytes.
    hello[0] = TLS_HANDSHAKE;
    hello[1] = 3;
    hello[2] = 1;
    hello[4] = 45;
    // Handshake: client hello, 41 bytes, TLS 1.2.
    hello[5] = 1;
    hello[8] = 41;
    hello[9] = 3;
    hello[10] = 3;
    // One cipher suite (TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256), one compression: none.
    hello[45] = 2;
    hello[46] = 0xc0;
    hello[47] = 0x2f;
    hello[48] = 1;
    hello
};

async fn first_byte(ip: IpAddr, port: u16, said: &[u8]) -> Option<u8> {
    let asked = async {
        let mut stream = TcpStream::connect((ip, port)).await.ok()?;
        stream.write_all(said).await.ok()?;
        let mut byte = [0];
        (stream.read(&mut byte).await.ok()? == 1).then_some(byte[0])
    };
    timeout(SPEECH_LIMIT, asked).await.ok().flatten()
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// A server that answers the first bytes of each connection with `answer` of them, and what is found of it.
    async fn found(answer: fn(&[u8]) -> &'static [u8]) -> Speech {
        speech(HERE, serve(answer).await).await
    }

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    /// Its port.
    async fn serve(answer: fn(&[u8]) -> &'static [u8]) -> u16 {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut bytes = [0; 64];
                let length = stream.read(&mut bytes).await.unwrap();
                stream.write_all(answer(&bytes[..length])).await.unwrap();
            }
        });
        port
    }

    #[tokio::test]
    async fn plain_and_tls_are_told_apart() {
        assert_eq!(found(|_| b"-NOAUTH Authentication required.\r\n").await, Speech::Plain);
        assert_eq!(found(|_| &[TLS_ALERT, 3, 1]).await, Speech::Tls);
        // Closed without a word, unless it is spoken to as it likes.
        let picky = |bytes: &[u8]| if bytes[0] == TLS_HANDSHAKE { &[TLS_HANDSHAKE, 3, 3][..] } else { &[] };
        assert_eq!(found(picky).await, Speech::Tls);
        assert_eq!(found(|_| b"HTTP/1.1 400\r\n").await, Speech::Unknown);
    }

    /// The connection was made, and broke at the first command.
    #[tokio::test]
    async fn who_ends_a_plain_connection_may_speak_tls() {
        let connector = Connector::new(None, LIMIT);
        let broke = || LinkError::Unreachable {
            address: Address::new("127.0.0.1", 1),
            why: "broken pipe".to_owned(),
        };
        let tls = serve(|_| &[TLS_ALERT, 3, 1]).await;
        let answer = odd(&connector, &broke(), Some(HERE), tls).await;
        assert!(matches!(answer, Answer::OtherSpeech(Speech::Tls)));
        let other = serve(|_| b"HTTP/1.1 400\r\n").await;
        let answer = odd(&connector, &broke(), Some(HERE), other).await;
        assert!(matches!(answer, Answer::Odd(what) if what.contains("broken pipe")));
    }

    #[test]
    fn lengths_of_the_hello_are_those_of_what_follows() {
        assert_eq!(usize::from(CLIENT_HELLO[4]) + 5, CLIENT_HELLO.len());
        assert_eq!(usize::from(CLIENT_HELLO[8]) + 9, CLIENT_HELLO.len());
    }
}
