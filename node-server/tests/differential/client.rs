//! A client that sends many requests at once and then reads their replies.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rcl_proto::resp::{Reply, encode_request};

use super::request::Request;

/// How long a server may be silent before the test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Client {
    stream: UnixStream,
    unread: Vec<u8>,
}

impl Client {
    pub fn new(stream: UnixStream) -> Client {
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket takes a timeout");
        Client { stream, unread: Vec::new() }
    }

    pub fn send(&mut self, requests: &[Request]) {
        let mut bytes = Vec::new();
        for request in requests {
            encode_request(&mut bytes, request.words.iter().map(Vec::as_slice));
        }
        self.stream.write_all(&bytes).expect("the server takes requests");
    }

    pub fn receive(&mut self, count: usize) -> Vec<Reply> {
        (0..count).map(|_| self.receive_one()).collect()
    }

    /// A reply, if one is there.
    pub fn poll(&mut self) -> Option<Reply> {
        let mut chunk = [0; 65536];
        self.stream.set_nonblocking(true).expect("a socket can be asked without waiting");
        while let Ok(length @ 1..) = self.stream.read(&mut chunk) {
            self.unread.extend_from_slice(&chunk[..length]);
        }
        self.stream.set_nonblocking(false).expect("and with");
        let (reply, length) = Reply::parse(&self.unread).expect("a reply")?;
        self.unread.drain(..length);
        Some(reply)
    }

    fn receive_one(&mut self) -> Reply {
        let mut chunk = [0; 65536];
        loop {
            if let Some((reply, length)) = Reply::parse(&self.unread).expect("a reply") {
                self.unread.drain(..length);
                return reply;
            }
            let length = self.stream.read(&mut chunk).expect("the server answers");
            assert!(length > 0, "the server closed the connection");
            self.unread.extend_from_slice(&chunk[..length]);
        }
    }
}
