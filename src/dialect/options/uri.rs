//! `-u`: `redis://[[user:]password@][host[:port]][/database]`; `rediss://` is the same through TLS.

use super::{Options, Refusal};

impl Options {
    /// Takes over what the URI says; what it does not say stays as it is.
    pub(super) fn take_uri(&mut self, uri: &str) -> Result<(), Refusal> {
        let lower = uri.to_ascii_lowercase();
        let scheme_len = match lower.split_once("://") {
            Some(("redis", _)) => "redis://".len(),
            Some(("rediss", _)) => {
                self.turn_tls_on();
                "rediss://".len()
            }
            _ => return Err(Refusal::Wrong("Invalid URI scheme".into())),
        };
        let rest = &uri[scheme_len..];
        let (credentials, rest) = match rest.split_once('@') {
            Some((credentials, rest)) => (Some(credentials), rest),
            None => (None, rest),
        };
        if let Some(credentials) = credentials {
            let password = match credentials.split_once(':') {
                Some((user, password)) => {
                    self.user = Some(percent_decoded(user)?);
                    password
                }
                None => credentials,
            };
            self.password = Some(percent_decoded(password)?);
        }
        let (place, database) = rest.split_once('/').unwrap_or((rest, ""));
        let wrong = |what: &str| Refusal::Wrong(format!("'{what}' in the URI is no number"));
        if !database.is_empty() {
            self.database = database.parse().map_err(|_| wrong(database))?;
        }
        match place.rsplit_once(':') {
            Some((host, port)) if !place.ends_with(']') => {
                self.port = port.parse().map_err(|_| wrong(port))?;
                self.set_uri_host(host);
            }
            _ => self.set_uri_host(place),
        }
        Ok(())
    }

    fn set_uri_host(&mut self, host: &str) {
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if !bare.is_empty() {
            self.host = bare.to_owned();
        }
    }
}

fn percent_decoded(text: &str) -> Result<Vec<u8>, Refusal> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || bytes.next().and_then(|byte| char::from(byte).to_digit(16));
        match (digit(), digit()) {
            (Some(high), Some(low)) => decoded.push((high * 16 + low) as u8),
            _ => return Err(Refusal::Wrong("Illegal character in URI encoding".into())),
        }
    }
    Ok(decoded)
}

#[cfg(test)]
mod tests {
    use super::super::tests::parse;

    #[test]
    fn a_uri_gives_all_at_once() {
        let options = parse("-u redis://al%69ce:s%40cret@db.example:7001/3 PING").unwrap();
        assert_eq!(options.user.as_deref(), Some(b"alice".as_slice()));
        assert_eq!(options.password.as_deref(), Some(b"s@cret".as_slice()));
        assert_eq!((options.host.as_str(), options.port, options.database), ("db.example", 7001, 3));
        let options = parse("-u redis://secret@[::1]:7002").unwrap();
        assert_eq!((options.user, options.host.as_str(), options.port), (None, "::1", 7002));
        assert_eq!(options.password.as_deref(), Some(b"secret".as_slice()));
        assert_eq!(parse("-u redis://").unwrap().host, "127.0.0.1");
        for bad in ["http://x", "redis://%zz@x", "redis://x:port"] {
            assert!(parse(&format!("-u {bad}")).is_err(), "{bad}");
        }
    }
}
