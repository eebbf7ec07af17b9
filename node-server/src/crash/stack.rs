//! The stack of a thread: return addresses, gathered where it runs, and named elsewhere.
//!
//! Gathering needs neither memory nor locks, so that it may be done inside of a signal handler. Finding the functions' names
//! reads the executable's debug information, which takes both.

use std::ffi::c_void;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Deeper ones are cut off at the outer end.
const DEEPEST: usize = 128;

/// Return addresses, the innermost first. One thread writes them, another one reads them.
#[derive(Debug)]
pub struct Stack {
    addresses: [AtomicUsize; DEEPEST],
    count: AtomicUsize,
}

impl Stack {
    pub const fn new() -> Stack {
        Stack { addresses: [const { AtomicUsize::new(0) }; DEEPEST], count: AtomicUsize::new(0) }
    }

    /// The stack of this thread. `interrupted`: where a signal interrupted it; the frames of the signal's handler are left out.
    pub fn take(&self, mut interrupted: Option<usize>) {
        let mut count = 0;
        let mut take = |frame: &backtrace::Frame| {
            let address = frame.ip().addr();
            if interrupted.take_if(|place| *place == address).is_some() {
                count = 0;
            }
            if let Some(place) = self.addresses.get(count) {
                place.store(address, Ordering::Relaxed);
                count += 1;
            }
            count < DEEPEST
        };
        // SAFETY: what is not synchronized is the use of a debugging library that only Windows has. Here the unwinder walks
        // the stack of the calling thread.
        unsafe { backtrace::trace_unsynchronized(&mut take) };
        self.count.store(count, Ordering::Release);
    }

    pub fn addresses(&self) -> impl Iterator<Item = usize> + '_ {
        let count = self.count.load(Ordering::Acquire);
        self.addresses.iter().take(count).map(|address| address.load(Ordering::Relaxed))
    }
}

/// A line for each function, and one for its place in the source where that is known.
pub fn named(addresses: impl Iterator<Item = usize>) -> String {
    let mut text = String::new();
    for (number, address) in addresses.enumerate() {
        let mut is_known = false;
        backtrace::resolve(std::ptr::without_provenance_mut::<c_void>(address), |symbol| {
            let Some(name) = symbol.name() else { return };
            // An inlined function has no frame of its own.
            let place = if is_known { "".to_owned() } else { format!("{number}:") };
            is_known = true;
            // Writing to a string does not fail.
            let _ = writeln!(text, "{place:>5} {name:#}");
            if let (Some(file), Some(line)) = (symbol.filename(), symbol.lineno()) {
                let _ = writeln!(text, "          at {}:{line}", file.display());
            }
        });
        if !is_known {
            let _ = writeln!(text, "{:>5} {address:#x}", format!("{number}:"));
        }
    }
    text
}

/// What was read of the debug information to name functions stays in memory until then.
pub fn forget_names() {
    backtrace::clear_symbol_cache();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[inline(never)]
    fn a_function_with_a_name(stack: &Stack) {
        stack.take(None);
        // What comes after the call keeps it from being a jump.
        std::hint::black_box(stack);
    }

    #[test]
    fn a_stack_names_its_functions() {
        let stack = Stack::new();
        a_function_with_a_name(&stack);
        let text = named(stack.addresses());
        assert!(text.contains("a_function_with_a_name\n"), "{text}");
        assert!(text.contains("crash/stack.rs:"), "{text}");
        forget_names();
        assert_eq!(named(stack.addresses()), text);
    }

    #[test]
    fn what_no_function_is_at_is_an_address() {
        assert_eq!(named([0x10].into_iter()), "   0: 0x10\n");
    }

    #[test]
    fn a_stack_that_is_too_deep_is_cut_off() {
        #[inline(never)]
        fn descend(stack: &Stack, depth: usize) -> usize {
            if depth == 0 {
                stack.take(None);
                return 0;
            }
            std::hint::black_box(descend(stack, depth - 1)) + 1
        }
        let stack = Stack::new();
        assert_eq!(descend(&stack, DEEPEST + 10), DEEPEST + 10);
        assert_eq!(stack.addresses().count(), DEEPEST);
    }
}
