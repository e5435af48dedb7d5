//! Each minute: what is due?
//!
//! - Trigger: `EventBridge`, every minute.
//! - Input: the tick, of which nothing is needed; output: nothing.
//! - Needs: the table, the sync and the presence queue, Microsoft Graph, the keys of the secrets in the table, and where
//!   alerts go: webhooks, PBXs that send mail, a topic.
//!
//! One hint is sent per run and per presence poll that is due, connections that follow their tenant are attended to
//! (subscriptions kept, changes looked for), whoever's secret ends soon is warned, and alerts are told. A tick that is lost or comes twice
//! changes nothing: what is due stands in the table.

use std::time::Duration;

use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use futures::StreamExt as _;
use shared::alerts;
use shared::changes::{Surroundings, attend};
use shared::ports::{PresenceHint, PresenceQueue};
use shared::presence_poll::tell_of_silence;
use shared::secret_care::care;
use shared::store::{Due, DueWork, SILENCE, StoreError};
use shared::sync_run::Engine;
use shared::sync_run::due::{DueNow, send_due};
use shared::telemetry::chain;

/// From one tick to the next.
pub const STEP: Duration = Duration::from_mins(1);

/// Connections attended to at once: mostly they wait for Graph, which counts calls per tenant.
const SIDE_BY_SIDE: usize = 16;

/// Sends a hint for each run and each presence poll that is due, and attends to whoever wants attention; returns how many
/// hints.
pub async fn handle(
    engine: &Engine,
    presence: &dyn PresenceQueue,
    around: &Surroundings,
    _tick: EventBridgeEvent,
) -> Result<usize, StoreError> {
    let due = tick(engine).await?;
    for presences in &due.presences {
        tell_presence(engine, presence, presences).await;
    }
    let sent = due.runs + due.presences.len();
    futures::stream::iter(due.others)
        .for_each_concurrent(SIDE_BY_SIDE, |due| attend_to(engine, due, around))
        .await;
    Ok(sent)
}

/// The hints for runs alone, for a host that sees to the rest at its own pace.
pub async fn tick(engine: &Engine) -> Result<DueNow, StoreError> {
    let due = send_due(engine, engine.clock.now()).await?;
    if due.runs > 0 {
        tracing::info!(hints = due.runs, "connections are due");
    }
    Ok(due)
}

/// Sends the hint for one presence poll. One that cannot be sent is sent again with the next tick; polls that stay away
/// for long are told of once.
pub async fn tell_presence(engine: &Engine, queue: &dyn PresenceQueue, due: &Due) {
    let hint = PresenceHint {
        connection_id: due.connection,
    };
    if let Err(error) = queue.send_presence(&hint).await {
        tracing::warn!(connection.id = %due.connection, error = %chain(&error), "a presence hint could not be sent; the next one follows");
    }
    let now = engine.clock.now();
    if now.duration_since(due.at) < SILENCE {
        return;
    }
    if let Err(error) = tell_of_silence(&engine.store, due.connection, now).await {
        tracing::warn!(connection.id = %due.connection, error = %chain(&error), "presence that stays away could not be noted");
    }
}

/// Attends to one connection. What fails stays due; it is told and harms no other.
pub async fn attend_to(engine: &Engine, due: Due, around: &Surroundings) {
    let connection = due.connection;
    let attended = match due.work {
        DueWork::SecretCare => care(engine, connection).await,
        DueWork::Alerts => alerts::attend(engine, &around.alerts, connection).await,
        DueWork::Watch | DueWork::Sync | DueWork::Presence => attend(engine, connection, around).await,
    };
    if let Err(error) = attended {
        tracing::error!(connection.id = %connection, error = %chain(&error), "a connection could not be attended to; it stays due");
    }
}
