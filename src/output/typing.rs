//! The settings of the terminal on stdin, changed for a while.

use std::fmt;
use std::io::IsTerminal;

/// What is typed, while the value lives. Then the terminal is as it was before.
pub struct Typing {
    before: libc::termios,
}

impl Typing {
    /// Nothing is shown of a line that is typed.
    pub fn unseen() -> Option<Typing> {
        Typing::without(libc::ECHO)
    }

    /// A key is there to be read as soon as it is pressed, and is not shown.
    pub fn by_key() -> Option<Typing> {
        Typing::without(libc::ECHO | libc::ICANON)
    }

    /// `None` where stdin is no terminal, or one that cannot be changed.
    fn without(flags: libc::tcflag_t) -> Option<Typing> {
        if !std::io::stdin().is_terminal() {
            return None;
        }
        // SAFETY: termios is plain data for which all-zero bytes are a value; tcgetattr fills it, and only what it filled
        // is given back to tcsetattr. Both take a descriptor that lives as long as the process.
        unsafe {
            let mut settings: libc::termios = std::mem::zeroed();
            if libc::tcgetattr(libc::STDIN_FILENO, &mut settings) != 0 {
                return None;
            }
            let before = settings;
            settings.c_lflag &= !flags;
            (libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, &settings) == 0).then_some(Typing { before })
        }
    }
}

impl Drop for Typing {
    fn drop(&mut self) {
        // SAFETY: the settings are what tcgetattr gave for the same descriptor, which lives as long as the process.
        unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, &self.before) };
    }
}

impl fmt::Debug for Typing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Typing")
    }
}
