//! Patterns of BY and GET: which key, and which field of a hash under it, an element stands for.
//!
//! ```text
//! #                 the element itself
//! weight_*          the string at weight_ELEMENT
//! object_*->field   the field of the hash at object_ELEMENT
//! anything else     nothing
//! ```

use rcl_store::types::{Element, ValueRef};

use crate::command::Data;

#[derive(Debug, PartialEq, Eq)]
pub enum Pattern<'a> {
    Element,
    Key {
        prefix: &'a [u8],
        suffix: &'a [u8],
        field: Option<&'a [u8]>,
    },
    /// Without a star it names no key.
    Nothing,
}

impl<'a> Pattern<'a> {
    pub fn parse(text: &'a [u8]) -> Pattern<'a> {
        if text == b"#" {
            return Pattern::Element;
        }
        let Some(star) = text.iter().position(|byte| *byte == b'*') else { return Pattern::Nothing };
        let (prefix, rest) = (&text[..star], &text[star + 1..]);
        match rest.windows(2).position(|two| two == b"->") {
            // An arrow at the very end is part of the name.
            Some(arrow) if arrow + 2 < rest.len() => {
                Pattern::Key { prefix, suffix: &rest[..arrow], field: Some(&rest[arrow + 2..]) }
            }
            _ => Pattern::Key { prefix, suffix: rest, field: None },
        }
    }

    /// What the pattern finds for an element.
    pub fn look_up<'d>(&self, data: &'d mut Data<'_>, element: &'d [u8]) -> Option<Element<'d>> {
        let Pattern::Key { prefix, suffix, field } = self else {
            return (*self == Pattern::Element).then_some(Element::Bytes(element));
        };
        let now_ms = data.now_of_fields();
        let value = data.find(&[prefix, element, suffix].concat())?.value();
        match (value, field) {
            (ValueRef::Hash(hash), Some(field)) => hash.at(now_ms).get(field),
            (value, None) => value.as_string(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn stars_and_arrows() {
        let key = |prefix: &'static str, suffix: &'static str, field: Option<&'static str>| Pattern::Key {
            prefix: prefix.as_bytes(),
            suffix: suffix.as_bytes(),
            field: field.map(str::as_bytes),
        };
        for (text, expected) in [
            ("#", Pattern::Element),
            ("##", Pattern::Nothing),
            ("nosort", Pattern::Nothing),
            ("", Pattern::Nothing),
            ("*", key("", "", None)),
            ("w_*", key("w_", "", None)),
            ("w_*_x*", key("w_", "_x*", None)),
            ("h_*->f", key("h_", "", Some("f"))),
            ("h_*_x->f->g", key("h_", "_x", Some("f->g"))),
            ("h_*->", key("h_", "->", None)),
            ("->*", key("->", "", None)),
        ] {
            assert_eq!(Pattern::parse(text.as_bytes()), expected, "{text}");
        }
    }
}
