//! The frame around what a verb says to machines. docs/output.md documents it, and each verb's data.

use serde::ser::{Error, SerializeMap};
use serde::{Serialize, Serializer};

use crate::cli::Failure;

/// Raised when a member goes or changes its meaning; new members come without.
pub const SCHEMA: u32 = 1;

#[derive(Debug, Serialize)]
struct Header {
    version: &'static str,
    schema: u32,
    verb: &'static str,
}

/// The header, and the members of `data` beside it, or `data` as a member of its own where it is a list.
#[derive(Debug)]
pub(super) struct Document<'a, T> {
    pub verb: &'static str,
    pub list: &'static str,
    pub data: &'a T,
}

#[derive(Serialize)]
struct Flat<'a, T> {
    rcl: Header,
    #[serde(flatten)]
    data: &'a T,
}

impl<T: Serialize> Serialize for Document<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rcl = Header { version: env!("CARGO_PKG_VERSION"), schema: SCHEMA, verb: self.verb };
        if !is_list(self.data).map_err(S::Error::custom)? {
            return Flat { rcl, data: self.data }.serialize(serializer);
        }
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("rcl", &rcl)?;
        map.serialize_entry(self.list, self.data)?;
        map.end()
    }
}

fn is_list(data: &impl Serialize) -> serde_json::Result<bool> {
    Ok(serde_json::to_value(data)?.is_array())
}

/// `{"error": {…}}`
#[derive(Debug, Serialize)]
pub(super) struct ErrorDocument<'a> {
    error: ErrorMembers<'a>,
}

#[derive(Debug, Serialize)]
struct ErrorMembers<'a> {
    kind: &'static str,
    exit_code: u8,
    message: &'a str,
    next: Option<&'a str>,
}

impl ErrorDocument<'_> {
    pub fn of(failure: &Failure) -> ErrorDocument<'_> {
        ErrorDocument {
            error: ErrorMembers {
                kind: failure.kind.name(),
                exit_code: failure.kind.code(),
                message: &failure.what,
                next: failure.next.as_deref(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Kind;

    #[derive(Serialize)]
    struct Data {
        z: u64,
        a: Option<bool>,
    }

    fn json(list: &'static str, data: &impl Serialize) -> String {
        serde_json::to_string(&Document { verb: "check", list, data }).unwrap()
    }

    #[test]
    fn members_stand_in_their_order_behind_the_header() {
        let header =
            format!(r#"{{"rcl":{{"version":"{}","schema":1,"verb":"check"}}"#, env!("CARGO_PKG_VERSION"));
        assert_eq!(json("items", &Data { z: 1, a: None }), format!(r#"{header},"z":1,"a":null}}"#));
        assert_eq!(json("nodes", &[1, 2]), format!(r#"{header},"nodes":[1,2]}}"#));
        let failure = Failure::new(Kind::Unreachable, "no\nbody").next("wait");
        let error = r#""error":{"kind":"unreachable","exit_code":4,"message":"no\nbody","next":"wait"}"#;
        assert_eq!(json("items", &ErrorDocument::of(&failure)), format!("{header},{error}}}"));
    }

    #[test]
    fn yaml_has_the_same_members() {
        let text = serde_yaml::to_string(&Document {
            verb: "x",
            list: "items",
            data: &Data { z: 1, a: Some(true) },
        });
        let value: serde_json::Value = serde_yaml::from_str(&text.unwrap()).unwrap();
        assert_eq!((&value["rcl"]["schema"], &value["a"]), (&1.into(), &true.into()));
    }
}
