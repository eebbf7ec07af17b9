//! A client that waits for each answer.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use rcl_proto::resp::{Reply, encode_request};

pub struct Client {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Client {
    pub fn connect(port: u16) -> std::io::Result<Client> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Client { stream, unread: Vec::new() })
    }

    /// Sends a line's words, and reads the answer.
    pub fn try_ask(&mut self, line: &str) -> std::io::Result<Reply> {
        self.ask_words(&line.split(' ').collect::<Vec<_>>())
    }

    /// The same for words with spaces in them.
    pub fn ask_words(&mut self, words: &[&str]) -> std::io::Result<Reply> {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        let mut request = Vec::new();
        encode_request(&mut request, words);
        self.stream.write_all(&request)?;
        self.read()
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// The next answer or message.
    pub fn read(&mut self) -> std::io::Result<Reply> {
        loop {
            if let Some((reply, used)) = Reply::parse(&self.unread).map_err(std::io::Error::other)? {
                self.unread.drain(..used);
                return Ok(reply);
            }
            let mut piece = [0; 4096];
            match self.stream.read(&mut piece)? {
                0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                count => self.unread.extend_from_slice(&piece[..count]),
            }
        }
    }
}
