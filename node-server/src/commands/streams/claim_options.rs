//! The options of XCLAIM.

use rcl_proto::resp::Args;
use rcl_store::types::StreamId;

use super::ids;
use crate::command::{CommandError, parse};

pub struct ClaimOptions {
    pub ids: Vec<StreamId>,
    /// When the entries count as delivered; `None` for now.
    pub delivery_time_ms: Option<i64>,
    /// `None`: one more than before.
    pub delivery_count: Option<u64>,
    /// Entries that are not pending become so.
    pub force: bool,
    pub just_ids: bool,
    pub last_id: StreamId,
}

impl ClaimOptions {
    /// `id … option …`: what is no id begins the options.
    pub fn parse(args: Args<'_>, now_ms: i64) -> Result<ClaimOptions, CommandError> {
        let ids: Vec<StreamId> = args.iter().map_while(|word| ids::exact(word).ok()).collect();
        let mut options = ClaimOptions {
            delivery_time_ms: None,
            delivery_count: None,
            force: false,
            just_ids: false,
            last_id: StreamId::MIN,
            ids,
        };
        let rest = args.from(options.ids.len());
        let mut at = 0;
        while let Some(name) = rest.get(at) {
            at += options.take(name, rest.get(at + 1), now_ms)?;
        }
        Ok(options)
    }

    /// How many words it took.
    fn take(&mut self, name: &[u8], value: Option<&[u8]>, now_ms: i64) -> Result<usize, CommandError> {
        let number = |value: &[u8], option: &str| {
            let invalid = || CommandError::new(format!("ERR Invalid {option} option argument for XCLAIM"));
            parse::integer(value).map_err(|_| invalid())
        };
        match value {
            _ if parse::is(name, "force") => self.force = true,
            _ if parse::is(name, "justid") => self.just_ids = true,
            Some(value) if parse::is(name, "idle") => {
                self.delivery_time_ms = Some(now_ms.wrapping_sub(number(value, "IDLE")?));
                return Ok(2);
            }
            Some(value) if parse::is(name, "time") => {
                self.delivery_time_ms = Some(number(value, "TIME")?);
                return Ok(2);
            }
            Some(value) if parse::is(name, "retrycount") => {
                self.delivery_count = u64::try_from(number(value, "RETRYCOUNT")?).ok();
                return Ok(2);
            }
            Some(value) if parse::is(name, "lastid") => {
                self.last_id = ids::exact(value)?;
                return Ok(2);
            }
            _ => {
                let name = String::from_utf8_lossy(name);
                return Err(CommandError::new(format!("ERR Unrecognized XCLAIM option '{name}'")));
            }
        }
        Ok(1)
    }

    /// A time that makes no sense is now: clients reckon with clocks of their own.
    pub fn delivery_time_ms(&self, now_ms: i64) -> i64 {
        self.delivery_time_ms.filter(|time| (0..=now_ms).contains(time)).unwrap_or(now_ms)
    }
}
