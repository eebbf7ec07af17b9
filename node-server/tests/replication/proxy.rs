//! A TCP proxy inside the test: what lies between a replica and its master, to be cut, kept cut, or held up.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::harness::free_port;

pub struct Proxy {
    pub port: u16,
    line: Arc<Line>,
}

struct Line {
    target: u16,
    is_cut: AtomicBool,
    is_held: AtomicBool,
    is_over: AtomicBool,
    /// Both ends of each connection.
    ends: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    pub fn to(target: u16) -> Proxy {
        let (port, listener) = listen();
        let line = Arc::new(Line {
            target,
            is_cut: AtomicBool::new(false),
            is_held: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
            ends: Mutex::default(),
        });
        let accepting = line.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if accepting.is_over.load(Ordering::Acquire) {
                    return;
                }
                accepting.connect(client);
            }
        });
        Proxy { port, line }
    }

    /// Breaks what there is; who connects anew gets through.
    pub fn break_links(&self) {
        for end in self.line.ends.lock().unwrap().drain(..) {
            let _ = end.shutdown(Shutdown::Both);
        }
    }

    /// Breaks what there is, and lets nobody through until [`Proxy::mend`].
    pub fn cut(&self) {
        self.line.is_cut.store(true, Ordering::Release);
        self.break_links();
    }

    /// Keeps back what comes, until [`Proxy::mend`].
    pub fn hold(&self) {
        self.line.is_held.store(true, Ordering::Release);
    }

    pub fn mend(&self) {
        self.line.is_cut.store(false, Ordering::Release);
        self.line.is_held.store(false, Ordering::Release);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.line.is_over.store(true, Ordering::Release);
        self.cut();
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn listen() -> (u16, TcpListener) {
    loop {
        let port = free_port();
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)) {
            return (port, listener);
        }
    }
}

impl Line {
    fn connect(self: &Arc<Line>, client: TcpStream) {
        let Ok(server) = TcpStream::connect(("127.0.0.1", self.target)) else { return };
        let copies = || Ok::<_, std::io::Error>((client.try_clone()?, server.try_clone()?));
        let (Ok(kept), Ok(ends)) = (copies(), copies()) else { return };
        let mut all = self.ends.lock().unwrap();
        if self.is_cut.load(Ordering::Acquire) {
            return;
        }
        all.extend([kept.0, kept.1]);
        drop(all);
        self.pump(client, ends.1);
        self.pump(server, ends.0);
    }

    fn pump(self: &Arc<Line>, mut from: TcpStream, mut to: TcpStream) {
        let line = self.clone();
        thread::spawn(move || {
            let mut buffer = [0; 64 * 1024];
            while let Ok(count @ 1..) = from.read(&mut buffer) {
                while line.is_held.load(Ordering::Acquire) {
                    thread::sleep(Duration::from_millis(1));
                }
                if to.write_all(&buffer[..count]).is_err() {
                    break;
                }
            }
            let _ = from.shutdown(Shutdown::Both);
            let _ = to.shutdown(Shutdown::Both);
        });
    }
}
