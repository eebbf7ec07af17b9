//! The screen: a page painted over the last one.
//!
//! A page is one write: the cursor goes home, each line overwrites what stood there and clears the rest of
//! its row, and all below the last line is cleared. Nothing is blanked first, so nothing flickers. The page
//! lives on the terminal's alternate screen; what was there before comes back at the end, also when we are
//! dropped early.

use std::io::{self, Write};

use crate::output;

const ENTER: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";

pub struct Screen {
    entered: bool,
}

impl Screen {
    pub fn enter() -> Screen {
        let mut out = io::stdout().lock();
        let entered = out.write_all(ENTER.as_bytes()).and_then(|()| out.flush()).is_ok();
        Screen { entered }
    }

    pub fn paint(&mut self, lines: &[String]) -> io::Result<()> {
        let page = format!("\x1b[H{}\x1b[K\x1b[J", lines.join("\x1b[K\r\n"));
        let mut out = io::stdout().lock();
        out.write_all(page.as_bytes())?;
        out.flush()
    }

    pub fn leave(&mut self) {
        if std::mem::take(&mut self.entered) {
            let mut out = io::stdout().lock();
            let _ = out.write_all(LEAVE.as_bytes()).and_then(|()| out.flush());
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Columns and rows of the terminal on stdout.
pub fn size() -> Option<(usize, usize)> {
    output::size(&io::stdout())
}

/// Whether colours are wanted on stdout: a terminal, and no NO_COLOR.
pub fn has_colour() -> bool {
    anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
}
