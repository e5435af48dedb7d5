//! Each minute: what is due?
//!
//! - Trigger: `EventBridge`, every minute.
//! - Input: the tick, of which nothing is needed; output: nothing.
//! - Needs: the table, the sync queue, Microsoft Graph, and the keys of the secrets in the table.
//!
//! One hint is sent per run that is due, connections that follow their tenant are attended to (subscriptions kept, changes
//! looked for), and whoever's secret ends soon is warned. A tick that is lost or comes twice changes nothing: what is due stands in the table.

use std::time::Duration;

use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use futures::StreamExt as _;
use shared::changes::{Surroundings, attend};
use shared::secret_care::care;
use shared::store::{Due, DueWork, StoreError};
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
    let (sent, others) = tick(engine).await?;
    futures::stream::iter(others)
        .for_each_concurrent(SIDE_BY_SIDE, |due| attend_to(engine, due, around))
        .await;
    Ok(sent)
}

/// The hints alone, for a host that attends at its own pace: how many were sent, and what wants attention.
pub async fn tick(engine: &Engine) -> Result<(usize, Vec<Due>), StoreError> {
    let (sent, others) = send_due(engine, engine.clock.now()).await?;
    if sent > 0 {
        tracing::info!(hints = sent, "connections are due");
    }
    Ok((sent, others))
}

/// Attends to one connection. What fails stays due; it is told and harms no other.
pub async fn attend_to(engine: &Engine, due: Due, around: &Surroundings) {
    let connection = due.connection;
    let attended = match due.work {
        DueWork::SecretCare => care(engine, connection).await,
        DueWork::Watch | DueWork::Sync => attend(engine, connection, around).await,
    };
    if let Err(error) = attended {
        tracing::error!(connection.id = %connection, error = %chain(&error), "a connection could not be attended to; it stays due");
    }
}
