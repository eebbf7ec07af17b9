//! Waiting for what is typed while a connection is listened to.

use std::os::fd::AsRawFd;
use std::time::Duration;

/// Which of two may be read from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Woken {
    pub connection: bool,
    pub stdin: bool,
}

impl Woken {
    pub fn any(self) -> bool {
        self.connection || self.stdin
    }
}

/// Waits until there is something to read from the connection or from stdin, at most for `limit`.
pub fn wait_for_input(connection: &impl AsRawFd, limit: Duration) -> Woken {
    let watch = |fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    let mut watched = [watch(connection.as_raw_fd()), watch(libc::STDIN_FILENO)];
    let limit_ms = i32::try_from(limit.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: poll reads and writes the two pollfd that it is given a pointer to, and knows that they are two.
    let ready = unsafe { libc::poll(watched.as_mut_ptr(), watched.len() as libc::nfds_t, limit_ms) };
    if ready <= 0 {
        return Woken::default();
    }
    Woken { connection: watched[0].revents != 0, stdin: watched[1].revents != 0 }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn what_can_be_read_wakes() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        assert!(!wait_for_input(&ours, Duration::ZERO).connection);
        theirs.write_all(b"x").unwrap();
        assert!(wait_for_input(&ours, Duration::from_secs(10)).connection);
    }
}
