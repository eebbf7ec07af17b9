//! The text of `proc-title-template`: `{name}` stands for a value, `{{` for a brace.

/// The text with values for its variables. `None` when it is not well-formed, or a variable is not known.
pub fn expand(template: &[u8], mut value: impl FnMut(&[u8]) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
    let mut expanded = Vec::new();
    let mut rest = template;
    while let Some(start) = rest.iter().position(|byte| *byte == b'{') {
        expanded.extend_from_slice(&rest[..start]);
        rest = &rest[start + 1..];
        if let Some(after_quoted_brace) = rest.strip_prefix(b"{") {
            expanded.push(b'{');
            rest = after_quoted_brace;
            continue;
        }
        let end = rest.iter().position(|byte| *byte == b'}')?;
        expanded.extend_from_slice(&value(&rest[..end])?);
        rest = &rest[end + 1..];
    }
    expanded.extend_from_slice(rest);
    Some(expanded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_replaced() {
        let value = |name: &[u8]| (name == b"port").then(|| b"6379".to_vec());
        let expanded = |template: &str| expand(template.as_bytes(), value);
        for (template, expected) in [
            ("", Some("")),
            ("a {port}{port} b", Some("a 63796379 b")),
            ("{{port} {{{port}", Some("{port} {6379")),
            ("} }", Some("} }")),
            ("{port", None),
            ("{", None),
            ("{title}", None),
        ] {
            assert_eq!(expanded(template), expected.map(|text| text.as_bytes().to_vec()), "{template}");
        }
    }
}
