//! Ports for the servers of tests. Whoever takes some has them alone until the value goes.
//!
//! ```text
//! 14400 … 19999     for clients, in four stripes; a test program holds one of them by a file's lock
//! 24000 … 24299     what node-server/cluster/tests/real_peers has to itself
//! 24400 … 29999     the bus ports, 10,000 above
//! 32768 …           the system's, for outgoing connections
//! ```

use std::fs::{File, TryLockError};
use std::net::SocketAddr;
use std::sync::{LazyLock, Mutex, PoisonError};

use socket2::{Domain, Socket, Type};

const FIRST: u16 = 14_400;
const STRIPES: u16 = 4;
const PORTS: u16 = 1400;
const TO_BUS: u16 = 10_000;

/// So many in a row.
#[derive(Debug)]
pub struct Ports {
    first: u16,
    count: u16,
}

impl Ports {
    /// They are free now, and so are their bus ports.
    pub fn take(count: u16) -> Ports {
        Ports::take_from(count, |_| true)
    }

    /// As those of the documents, 7001 and so on: a port's last two digits are the node's number.
    pub fn take_numbered(count: u16) -> Ports {
        Ports::take_from(count, |first| first % 100 == 1)
    }

    fn take_from(count: u16, may_be_first: impl Fn(u16) -> bool) -> Ports {
        let first = STRIPE.lock().unwrap_or_else(PoisonError::into_inner).take(count, may_be_first);
        Ports { first: first.unwrap_or_else(|| panic!("no {count} free ports in a row")), count }
    }

    pub fn first(&self) -> u16 {
        self.first
    }
}

impl Drop for Ports {
    fn drop(&mut self) {
        STRIPE.lock().unwrap_or_else(PoisonError::into_inner).give_back(self.first, self.count);
    }
}

/// A port that is free now, for whom it is enough that all others of the stripe come before it comes again.
pub fn free_port() -> u16 {
    Ports::take(1).first
}

static STRIPE: LazyLock<Mutex<Stripe>> = LazyLock::new(|| Mutex::new(Stripe::hold()));

struct Stripe {
    first: u16,
    taken: [bool; PORTS as usize],
    /// Ports are dealt out in turn, so that one that was given back has long been silent when it comes again.
    next: u16,
    _lock: Option<File>,
}

impl Stripe {
    /// One that no other program has. Where more programs run than there are stripes, two share one.
    fn hold() -> Stripe {
        let process = std::process::id();
        let start = process % u32::from(STRIPES);
        let mut firsts = (0..STRIPES).map(|number| FIRST + (start as u16 + number) % STRIPES * PORTS);
        let shared = FIRST + start as u16 * PORTS;
        let (first, lock) =
            firsts.find_map(|first| Some((first, Some(lock_of(first)?)))).unwrap_or((shared, None));
        let next = (process % u32::from(PORTS)) as u16;
        Stripe { first, taken: [false; PORTS as usize], next, _lock: lock }
    }

    fn take(&mut self, count: u16, may_be_first: impl Fn(u16) -> bool) -> Option<u16> {
        for _ in 0..PORTS {
            if self.next + count > PORTS {
                self.next = 0;
            }
            let places = usize::from(self.next)..usize::from(self.next + count);
            let first = self.first + self.next;
            let is_free = |port| is_unused(port) && is_unused(port + TO_BUS);
            let nobody_has_them = self.taken[places.clone()].iter().all(|taken| !taken);
            if may_be_first(first) && nobody_has_them && (first..first + count).all(is_free) {
                self.taken[places].fill(true);
                self.next += count;
                return Some(first);
            }
            self.next += 1;
        }
        None
    }

    fn give_back(&mut self, first: u16, count: u16) {
        let place = usize::from(first - self.first);
        self.taken[place..place + usize::from(count)].fill(false);
    }
}

fn lock_of(first: u16) -> Option<File> {
    let path = std::env::temp_dir().join(format!("rcl-test-ports-{first}"));
    // To lock it, it need not be one's own.
    let file = File::open(&path).or_else(|_| File::create(&path)).unwrap();
    match file.try_lock() {
        Ok(()) => Some(file),
        Err(TryLockError::WouldBlock) => None,
        Err(TryLockError::Error(error)) => panic!("{}: {error}", path.display()),
    }
}

/// Bound, but never listened on: a process that another thread starts just now has a copy of the socket for a moment, and
/// whoever connects meanwhile would talk to that.
fn is_unused(port: u16) -> bool {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], port)).into()).is_ok()
}
