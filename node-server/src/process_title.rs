//! What `ps` and /proc/PID/cmdline show of this process: `proc-title-template` with the values of the moment.
//!
//! ```text
//!   arg_start                     arg_end = env_start                       env_end
//!   │rcl-node␀--port␀6379␀        │HOME=/root␀PATH=…␀                        │      as the process was started
//!   │rcl-node *:6379 [cluster]␀␀␀␀␀␀␀␀␀␀␀␀␀␀␀␀␀␀␀␀␀␀␀␀␀␀␀␀␀␀␀␀␀␀␀␀␀␀␀␀␀␀␀␀␀␀␀␀│      afterwards
//! ```
//!
//! The kernel shows what lies where it had put the command line, and goes on into the environment behind it when the end of the
//! command line is overwritten. /proc/self/stat says where these are, and they are written through /proc/self/mem, as a file. The
//! environment is put elsewhere first, while no other thread runs that may look at it.
//!
//! Where the system does not let us, the node says so once and does without.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::config::{Settings, expand_title_template};
use crate::node::Node;

/// As long as Redis's may be.
const LONGEST: usize = 255;

/// The place of the title, in the memory of this process.
#[derive(Debug)]
pub struct ProcessTitle {
    /// By which name the process was started.
    program: Vec<u8>,
    place: io::Result<Place>,
    complained: AtomicBool,
}

#[derive(Debug)]
struct Place {
    memory: File,
    start: u64,
    bytes: usize,
}

/// Makes room for a title. To be called while the process has one thread.
pub fn prepare() -> ProcessTitle {
    let program = std::env::args_os().next().map(OsString::into_vec).unwrap_or_default();
    ProcessTitle { program, place: Place::find(), complained: AtomicBool::new(false) }
}

/// Brings the title up to date. A failure is said in the log, the first time.
pub fn show(node: &Node, settings: &Settings) -> io::Result<()> {
    let Some(title) = &node.process_title else { return Ok(()) };
    let shown = title.show(&text(&title.program, node.config_file.as_deref(), settings));
    if let Err(error) = &shown
        && !title.complained.swap(true, Ordering::Relaxed)
    {
        tracing::warn!(%error, "the process's title could not be set");
    }
    shown
}

impl ProcessTitle {
    fn show(&self, text: &[u8]) -> io::Result<()> {
        match &self.place {
            Ok(place) => place.write(text),
            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
        }
    }
}

impl Place {
    fn find() -> io::Result<Place> {
        let ranges = ranges(&std::fs::read("/proc/self/stat")?)
            .ok_or_else(|| io::Error::other("/proc/self/stat does not say where the command line is"))?;
        let memory = File::options().write(true).open("/proc/self/mem")?;
        let [start, end, environment_start, environment_end] = ranges;
        let end = if end == environment_start && move_environment() { environment_end } else { end };
        Ok(Place { memory, start, bytes: (end - start) as usize })
    }

    /// Behind the text all is zeros, and the last byte always is.
    fn write(&self, text: &[u8]) -> io::Result<()> {
        let length = text.len().min(LONGEST).min(self.bytes.saturating_sub(1));
        let mut bytes = vec![0; self.bytes];
        bytes[..length].copy_from_slice(&text[..length]);
        self.memory.write_all_at(&bytes, self.start)
    }
}

/// Where command line and environment begin and end, by /proc/self/stat: its fields 48 to 51. The second one, a name in
/// parentheses, may be anything.
fn ranges(stat: &[u8]) -> Option<[u64; 4]> {
    const BEHIND_THE_NAME: usize = 3;
    let name_end = stat.iter().rposition(|byte| *byte == b')')?;
    let text = std::str::from_utf8(&stat[name_end + 1..]).ok()?;
    let mut fields = text.split_ascii_whitespace().skip(48 - BEHIND_THE_NAME);
    let ranges = [fields.next()?, fields.next()?, fields.next()?, fields.next()?];
    let [start, end, environment_start, environment_end] = ranges.map(|field| field.parse().unwrap_or(0));
    // Who may not know it sees zeros.
    (start > 0 && start < end && environment_start <= environment_end).then_some([
        start,
        end,
        environment_start,
        environment_end,
    ])
}

/// Puts all variables elsewhere: a variable that is set lies in memory of its own. False, and nothing is done, where another
/// thread might look at one meanwhile.
fn move_environment() -> bool {
    let is_alone = std::fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() == 1);
    if !is_alone {
        return false;
    }
    for (name, value) in std::env::vars_os() {
        let may_be_set = !name.is_empty() && !name.as_bytes().contains(&b'=');
        if may_be_set {
            // SAFETY: no other thread of this process is there to read the environment or change it.
            unsafe { std::env::set_var(&name, &value) }
        }
    }
    true
}

fn text(program: &[u8], config_file: Option<&Path>, settings: &Settings) -> Vec<u8> {
    let path = |path: Option<&Path>| path.map_or_else(Vec::new, |path| path.as_os_str().as_bytes().to_vec());
    let socket = || path(settings.unixsocket.as_deref());
    let value = |name: &[u8]| {
        Some(match name {
            b"title" => program.to_vec(),
            b"listen-addr" if settings.port == 0 => [b"unixsocket:".as_slice(), &socket()].concat(),
            b"listen-addr" => {
                let address = settings.bind.first().map_or("*", String::as_str);
                format!("{address}:{}", settings.port).into_bytes()
            }
            b"server-mode" if settings.cluster_enabled => b"[cluster]".to_vec(),
            b"server-mode" => Vec::new(),
            b"port" => settings.port.to_string().into_bytes(),
            // There is no TLS.
            b"tls-port" => b"0".to_vec(),
            b"unixsocket" => socket(),
            b"config-file" => config_file.map_or_else(|| b"-".to_vec(), |file| path(Some(file))),
            _ => return None,
        })
    };
    // A template was checked when it was set.
    let expanded = expand_title_template(&settings.proc_title_template, value).unwrap_or_default();
    expanded.trim_ascii().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_says_where_the_command_line_is() {
        let fields = |from: i32| (from..=52).map(|number| number.to_string()).collect::<Vec<_>>().join(" ");
        let stat = format!("1 (a ) b) S {}\n", fields(4));
        assert_eq!(ranges(stat.as_bytes()), Some([48, 49, 50, 51]));
        assert_eq!(ranges(b"1 (a) S 4 5"), None);
        let hidden = format!("1 (a) S{}", " 0".repeat(49));
        assert_eq!(ranges(hidden.as_bytes()), None);
        assert!(ranges(&std::fs::read("/proc/self/stat").unwrap()).is_some());
    }

    #[test]
    fn titles_stay_within_their_place() {
        let file = std::env::temp_dir().join(format!("title-{}", std::process::id()));
        std::fs::write(&file, b"before--0123456789--behind").unwrap();
        let place = |bytes| {
            let memory = File::options().write(true).open(&file).unwrap();
            Place { memory, start: 8, bytes }
        };
        for (text, expected) in [
            ("", b"before--\0\0\0\0\0\0\0\0\0\0--behind".as_slice()),
            ("ab", b"before--ab\0\0\0\0\0\0\0\0--behind"),
            ("abcdefghijklm", b"before--abcdefghi\0--behind"),
        ] {
            place(10).write(text.as_bytes()).unwrap();
            assert_eq!(std::fs::read(&file).unwrap(), expected);
        }
        place(0).write(b"nothing").unwrap();
        std::fs::remove_file(&file).unwrap();
    }

    #[test]
    fn titles_say_what_their_template_asks_for() {
        let template =
            b"{title} {listen-addr} {server-mode} {port} {tls-port} {unixsocket} {config-file}".to_vec();
        let settings = Settings { port: 7000, proc_title_template: template, ..Settings::defaults() };
        let shown = |settings: &Settings, file: Option<&str>| {
            String::from_utf8(text(b"rcl", file.map(Path::new), settings)).unwrap()
        };
        let address = &settings.bind[0];
        assert_eq!(shown(&settings, None), format!("rcl {address}:7000  7000 0  -"));
        let of_socket = Settings {
            port: 0,
            cluster_enabled: true,
            unixsocket: Some("/run/s".into()),
            ..settings.clone()
        };
        assert_eq!(
            shown(&of_socket, Some("/etc/r.conf")),
            "rcl unixsocket:/run/s [cluster] 0 0 /run/s /etc/r.conf"
        );
        let usual = Settings { port: 7000, bind: Vec::new(), ..Settings::defaults() };
        assert_eq!(shown(&usual, None), "rcl *:7000");
    }
}
