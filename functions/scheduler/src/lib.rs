//! Each minute: what is due?
//!
//! - Trigger: `EventBridge`, every minute.
//! - Input: the tick, of which nothing is needed; output: nothing.
//! - Needs: the table, the sync queue, Microsoft Graph, and the keys of the secrets in the table.
//!
//! One hint is sent per run that is due, and connections that follow their tenant are attended to: subscriptions kept,
//! changes looked for. A tick that is lost or comes twice changes nothing: what is due stands in the table.

use std::time::Duration;

use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use futures::StreamExt as _;
use shared::changes::{Surroundings, attend};
use shared::domain::ids::ConnectionId;
use shared::store::StoreError;
use shared::sync_run::Engine;
use shared::sync_run::due::send_due;
use shared::telemetry::chain;

/// From one tick to the next.
pub const STEP: Duration = Duration::from_mins(1);

/// Connections attended to at once: mostly they wait for Graph, which counts calls per tenant.
const SIDE_BY_SIDE: usize = 16;

/// Sends a hint for each run that is due, and attends to whoever wants attention; returns how many hints.
pub async fn handle(
    engine: &Engine,
    around: &Surroundings,
    _tick: EventBridgeEvent,
) -> Result<usize, StoreError> {
    let (sent, watches) = tick(engine).await?;
    futures::stream::iter(watches)
        .for_each_concurrent(SIDE_BY_SIDE, |connection| attend_to(engine, connection, around))
        .await;
    Ok(sent)
}

/// The hints alone, for a host that attends at its own pace: how many were sent, and who wants attention.
pub async fn tick(engine: &Engine) -> Result<(usize, Vec<ConnectionId>), StoreError> {
    let (sent, watches) = send_due(engine, engine.clock.now()).await?;
    if sent > 0 {
        tracing::info!(hints = sent, "connections are due");
    }
    Ok((sent, watches))
}

/// Attends to one connection. What fails stays due; it is told and harms no other.
pub async fn attend_to(engine: &Engine, connection: ConnectionId, around: &Surroundings) {
    if let Err(error) = attend(engine, connection, around).await {
        tracing::error!(connection.id = %connection, error = %chain(&error), "a connection could not be attended to; it stays due");
    }
}
