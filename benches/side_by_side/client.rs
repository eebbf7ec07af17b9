//! A blocking connection that can have many requests under way.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use rcl_proto::resp::{Reply, encode_request};

/// A server that says nothing for so long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    received: Vec<u8>,
    /// What of `received` was taken already.
    taken: usize,
}

impl Client {
    pub fn connect(port: u16) -> std::io::Result<Client> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Client { stream, received: Vec::new(), taken: 0 })
    }

    /// One command; an error reply is an error.
    pub fn call(&mut self, words: &[&str]) -> anyhow::Result<Reply> {
        let mut request = Vec::new();
        encode_request(&mut request, words.iter().map(|word| word.as_bytes()));
        self.stream.write_all(&request)?;
        match self.receive()? {
            Reply::Error(error) => bail!("{}: {error}", words.join(" ")),
            reply => Ok(reply),
        }
    }

    /// One command whose reply is text.
    pub fn text(&mut self, words: &[&str]) -> anyhow::Result<String> {
        let reply = self.call(words)?;
        let bytes =
            reply.as_bytes().with_context(|| format!("{}: not a text: {reply:?}", words.join(" ")))?;
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }

    pub fn number(&mut self, words: &[&str]) -> anyhow::Result<i64> {
        match self.call(words)? {
            Reply::Integer(number) => Ok(number),
            reply => bail!("{}: not a number: {reply:?}", words.join(" ")),
        }
    }

    /// Sends these commands in one write and gives their replies in order.
    pub fn pipeline<const N: usize>(&mut self, requests: &[[&[u8]; N]]) -> anyhow::Result<Vec<Reply>> {
        self.pipeline_of(requests.iter().map(|words| words.iter().copied()))
    }

    /// The same with commands of any length.
    pub fn pipeline_of<'w, W>(
        &mut self,
        requests: impl ExactSizeIterator<Item = W>,
    ) -> anyhow::Result<Vec<Reply>>
    where
        W: ExactSizeIterator<Item = &'w [u8]>,
    {
        let (mut bytes, count) = (Vec::new(), requests.len());
        requests.for_each(|words| encode_request(&mut bytes, words));
        self.stream.write_all(&bytes)?;
        (0..count).map(|_| self.receive()).collect()
    }

    fn receive(&mut self) -> anyhow::Result<Reply> {
        loop {
            let rest = self.received.get(self.taken..).unwrap_or_default();
            if let Some((reply, length)) = Reply::parse(rest)? {
                self.taken += length;
                return Ok(reply);
            }
            self.received.drain(..self.taken);
            self.taken = 0;
            let mut chunk = [0; 64 * 1024];
            let count = self.stream.read(&mut chunk)?;
            ensure!(count > 0, "the server closed the connection");
            self.received.extend_from_slice(&chunk[..count]);
        }
    }
}

/// The value of `name:value` in the text of INFO or CLUSTER INFO.
pub fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim_end)
}
