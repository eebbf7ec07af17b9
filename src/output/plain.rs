//! Whether things are drawn (tables, bars, a screen that is painted over), or told for who listens to them: as lines that stand for
//! themselves. Decided once for the process, as colour is.

use std::sync::atomic::{AtomicBool, Ordering};

static IS_PLAIN: AtomicBool = AtomicBool::new(false);

/// From now on things are told, and without colour.
pub fn speak_plainly() {
    IS_PLAIN.store(true, Ordering::Relaxed);
    anstream::ColorChoice::Never.write_global();
}

pub fn is_plain() -> bool {
    IS_PLAIN.load(Ordering::Relaxed)
}
