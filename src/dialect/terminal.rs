//! The terminal on stdin, and the waiting for what is typed on it while a connection is listened to.

use std::io::IsTerminal;
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

/// While it lives, a key is there to be read as soon as it is pressed, and is not shown. `None` where stdin is
/// no terminal.
pub fn any_key() -> Option<AnyKey> {
    if !std::io::stdin().is_terminal() {
        return None;
    }
    // SAFETY: termios is plain data for which all-zero bytes are a value; tcgetattr fills it, and only what it
    // filled is given back to tcsetattr. Both take a descriptor that lives as long as the process.
    unsafe {
        let mut settings: libc::termios = std::mem::zeroed();
        if libc::tcgetattr(libc::STDIN_FILENO, &mut settings) != 0 {
            return None;
        }
        let before = settings;
        settings.c_lflag &= !(libc::ECHO | libc::ICANON);
        libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, &settings);
        Some(AnyKey { before })
    }
}

pub struct AnyKey {
    before: libc::termios,
}

impl Drop for AnyKey {
    fn drop(&mut self) {
        // SAFETY: the settings are what tcgetattr gave for the same descriptor.
        unsafe {
            libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, &self.before);
        }
    }
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
