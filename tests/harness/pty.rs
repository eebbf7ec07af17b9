//! Pseudo-terminals of 80 columns and 24 lines.

use std::ffi::CStr;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::OpenOptionsExt;

/// Its two ends: ours, and the one for a program. No process that another test starts meanwhile gets a copy of either, as
/// it would of what openpty opens: then the end of the program would not be the end of what can be read.
pub fn open() -> (File, File) {
    // SAFETY: it takes only flags.
    let number = unsafe { libc::posix_openpt(libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC) };
    assert_ne!(number, -1, "{}", std::io::Error::last_os_error());
    // SAFETY: it was just opened, and nobody else has it.
    let ours = unsafe { File::from_raw_fd(number) };
    let mut name = [0; 64];
    let size = libc::winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the descriptor is open; the name is written within its length, and the size is only read.
    let done = unsafe {
        libc::grantpt(number) == 0
            && libc::unlockpt(number) == 0
            && libc::ptsname_r(number, name.as_mut_ptr(), name.len()) == 0
            && libc::ioctl(number, libc::TIOCSWINSZ, &raw const size) == 0
    };
    assert!(done, "{}", std::io::Error::last_os_error());
    // SAFETY: ptsname_r ended the name with a zero.
    let name = unsafe { CStr::from_ptr(name.as_ptr()) }.to_str().unwrap().to_owned();
    let theirs = File::options().read(true).write(true).custom_flags(libc::O_NOCTTY).open(name).unwrap();
    (ours, theirs)
}

/// From now on a read that finds nothing returns at once.
pub fn do_not_wait(ours: &File) {
    // SAFETY: the descriptor is open; F_SETFL takes a number and changes only how it is read.
    unsafe { libc::fcntl(ours.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) };
}

/// A terminal whose other end is closed is read with an error (EIO) behind the last byte.
pub fn read_to_the_end(mut ours: File) -> Vec<u8> {
    let (mut all, mut bytes) = (Vec::new(), [0; 4096]);
    while let Ok(count @ 1..) = ours.read(&mut bytes) {
        all.extend_from_slice(&bytes[..count]);
    }
    all
}
