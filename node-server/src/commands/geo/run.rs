//! Searching, and what becomes of the members that are found.

use rcl_proto::resp::{Args, ReplyWriter};
use rcl_store::types::geo::Found;
use rcl_store::types::{AddCondition, Limits, SortedSet, SortedSetRef, Value};

use super::request::{Form, Order, Request, Store};
use super::{reply_distance, reply_place};
use crate::command::{CommandResult, Context, Outcome};
use crate::pubsub::EventClass;

/// Runs a search; `may_store` allows the options STORE and STOREDIST.
pub fn run(context: &mut Context<'_>, args: Args<'_>, form: Form, may_store: bool) -> CommandResult {
    let key = &args[if form == Form::SearchAndStore { 2 } else { 1 }];
    let limits = context.data.limits();
    let source = context.data.sorted_set(key)?;
    let request = Request::parse(form, may_store, args, source)?;
    let found = source.map(|source| find(&request, source)).unwrap_or_default();
    let Some(store) = request.store else {
        reply_members(&mut context.reply, &request, &found);
        return Ok(Outcome::Done);
    };
    let count = found.len();
    let result = stored(&request, store, &found, &limits);
    let event = if form.is_search() { "geosearchstore" } else { "georadiusstore" };
    if count > 0 {
        context.data.put(store.destination, Value::SortedSet(result), None);
        context.data.changed_times(store.destination, count as u64);
        context.data.notify(EventClass::SortedSet, event, store.destination);
    } else {
        context.data.store_nothing(store.destination);
    }
    context.reply.integer(count as i64);
    Ok(Outcome::Done)
}

fn find<'s>(request: &Request<'_>, source: SortedSetRef<'s>) -> Vec<Found<'s>> {
    let Some(shape) = request.shape() else { return Vec::new() };
    let mut found = shape.find(source, if request.any { request.count } else { None });
    // So many, whichever they are, makes no sense unless that was said.
    match request.order {
        Order::Found if request.count.is_none() || request.any => {}
        Order::Found | Order::Nearest => {
            found.sort_by(|left, right| left.distance.total_cmp(&right.distance))
        }
        Order::Farthest => found.sort_by(|left, right| right.distance.total_cmp(&left.distance)),
    }
    found.truncate(request.count.unwrap_or(usize::MAX));
    found
}

fn reply_members(reply: &mut ReplyWriter<'_>, request: &Request<'_>, found: &[Found<'_>]) {
    let more = [request.with_distance, request.with_hash, request.with_place];
    let more = more.into_iter().filter(|wanted| *wanted).count();
    reply.array(found.len());
    for found in found {
        if more > 0 {
            reply.array(more + 1);
        }
        crate::command::reply::element(reply, found.member);
        if request.with_distance {
            reply_distance(reply, found.distance / request.unit_in_metres);
        }
        if request.with_hash {
            reply.integer(found.score as i64);
        }
        if request.with_place {
            reply_place(reply, found.place);
        }
    }
}

fn stored(request: &Request<'_>, store: Store<'_>, found: &[Found<'_>], limits: &Limits) -> SortedSet {
    let mut result = SortedSet::new();
    for found in found {
        let score = if store.distances { found.distance / request.unit_in_metres } else { found.score };
        // No score of a place, and no distance from one, is NaN but between antipodes; such a one is left out.
        let _ = result.add(score, &found.member.to_vec(), AddCondition::default(), limits);
    }
    result
}
