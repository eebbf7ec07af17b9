//! MOVED and ASK: where a cluster says that a key is.

/// `MOVED 3999 127.0.0.1:6381` or `ASK …`.
pub struct Redirect {
    pub slot: String,
    pub host: String,
    pub port: u16,
    pub asking: bool,
}

impl Redirect {
    pub fn parse(text: &str) -> Option<Redirect> {
        let mut words = text.split(' ');
        let asking = match words.next()? {
            "MOVED" => false,
            "ASK" => true,
            _ => return None,
        };
        let slot = words.next()?.to_owned();
        let (host, port) = words.next()?.rsplit_once(':')?;
        Some(Redirect { slot, host: host.to_owned(), port: port.parse().ok()?, asking })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_are_read() {
        let moved = Redirect::parse("MOVED 3999 127.0.0.1:6381").unwrap();
        assert_eq!((moved.slot.as_str(), moved.host.as_str(), moved.port), ("3999", "127.0.0.1", 6381));
        assert!(!moved.asking);
        let ask = Redirect::parse("ASK 1 ::1:7002").unwrap();
        assert!(ask.asking);
        assert_eq!(ask.host, "::1");
        assert_eq!(Redirect::parse("MOVED 5 :7001").unwrap().host, "");
        for no in ["ERR x", "MOVED", "MOVED 1", "MOVED 1 host", "MOVED 1 host:x", "ASKING 1 a:1"] {
            assert!(Redirect::parse(no).is_none(), "{no}");
        }
    }
}
