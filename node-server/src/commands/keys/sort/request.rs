//! The options of SORT.

use std::ops::Range;

use rcl_proto::resp::Args;

use super::pattern::Pattern;
use crate::command::parse::{self, is};
use crate::command::spec::key_flag;
use crate::command::{self, CommandError, Context};
use crate::executor;

/// What elements are sorted by.
#[derive(Debug, PartialEq, Eq)]
pub enum By<'a> {
    Element,
    Pattern(Pattern<'a>),
    /// They are not sorted.
    Nothing,
}

pub struct Request<'a> {
    pub by: By<'a>,
    pub get: Vec<Pattern<'a>>,
    pub alpha: bool,
    pub descending: bool,
    offset: i64,
    /// Negative means all.
    count: i64,
    pub destination: Option<&'a [u8]>,
}

impl<'a> Request<'a> {
    /// The command is named for the rules of users.
    pub fn parse(context: &Context<'_>, args: Args<'a>, command: &str) -> Result<Request<'a>, CommandError> {
        let check = |option: &str| check_access(context, args, command, option);
        let mut request = Request {
            by: By::Element,
            get: Vec::new(),
            alpha: false,
            descending: false,
            offset: 0,
            count: -1,
            destination: None,
        };
        let mut index = 2;
        while let Some(option) = args.get(index) {
            index += 1;
            let value = args.get(index);
            match value {
                _ if is(option, "ASC") => request.descending = false,
                _ if is(option, "DESC") => request.descending = true,
                _ if is(option, "ALPHA") => request.alpha = true,
                Some(offset) if is(option, "LIMIT") && index + 1 < args.len() => {
                    request.offset = parse::integer(offset)?;
                    request.count = parse::integer(&args[index + 1])?;
                    index += 2;
                }
                Some(destination) if command == "sort" && is(option, "STORE") => {
                    request.destination = Some(destination);
                    index += 1;
                }
                Some(pattern) if is(option, "BY") => {
                    // A pattern that is the same for all elements leaves nothing to sort by.
                    request.by = if pattern.contains(&b'*') {
                        check("BY")?;
                        By::Pattern(Pattern::parse(pattern))
                    } else {
                        By::Nothing
                    };
                    index += 1;
                }
                Some(pattern) if is(option, "GET") => {
                    check("GET")?;
                    request.get.push(Pattern::parse(pattern));
                    index += 1;
                }
                _ => return Err(CommandError::SYNTAX),
            }
        }
        Ok(request)
    }

    /// The part of the sorted elements that is wanted.
    pub fn window(&self, length: usize) -> Range<usize> {
        let start = usize::try_from(self.offset).unwrap_or(0).min(length);
        let count = usize::try_from(self.count).unwrap_or(usize::MAX);
        start..start.saturating_add(count).min(length)
    }
}

/// Which keys a pattern leads to is not known before: there must be no slot, and no rule, that could forbid one.
fn check_access(
    context: &Context<'_>,
    args: Args<'_>,
    command: &str,
    option: &str,
) -> Result<(), CommandError> {
    if context.node.is_cluster() {
        return Err(CommandError::new(format!("ERR {option} option of SORT denied in Cluster mode.")));
    }
    let user = &context.session.user;
    let known = command::by_name(command.as_bytes());
    let may_read_all = |known| {
        user.may_with_every_key(&executor::Request::new(known, args), key_flag::RO | key_flag::ACCESS)
    };
    if user.is_unrestricted() || known.is_some_and(may_read_all) {
        return Ok(());
    }
    Err(CommandError::new(format!("ERR {option} option of SORT denied due to insufficient ACL permissions.")))
}
