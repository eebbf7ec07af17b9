//! Nodes that are to become part of a cluster: they must be reachable, in cluster mode, alone and empty.

use rcl_proto::Address;

use crate::cli::Failure;
use crate::connect::{Connector, Link, view};
use crate::topology::View;

pub async fn observe(connector: &Connector, address: &Address) -> Result<(Link, View), Failure> {
    let link = connector.connect(address).await?;
    let view = view(&link).await?;
    must_be_lone_and_empty(&view)?;
    Ok((link, view))
}

fn must_be_lone_and_empty(view: &View) -> Result<(), Failure> {
    let address = &view.address;
    // To this node only: without --only the whole cluster that it is in would be reset.
    let reset = format!("if it is not needed there: rcl call {address} --only {address} CLUSTER RESET HARD");
    let others = view.lines.iter().filter(|line| line.id != view.viewer).count();
    if others > 0 {
        return Err(Failure::refused(format!(
            "{address} is already in a cluster, with {others} other nodes"
        ))
        .next(reset));
    }
    if view.lines.iter().any(|line| !line.slots.is_empty()) {
        return Err(Failure::refused(format!("{address} already owns slots")).next(reset));
    }
    if view.facts.keys > 0 {
        return Err(Failure::refused(format!("{address} is not empty: it holds {} keys", view.facts.keys))
            .next(format!("if they are not needed: rcl call {address} --only {address} FLUSHALL")));
    }
    Ok(())
}
