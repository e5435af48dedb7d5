//! Each minute: what is due?
//!
//! - Trigger: `EventBridge`, every minute.
//! - Input: the tick, of which nothing is needed; output: nothing.
//! - Needs: the table and the sync queue.
//!
//! One hint is sent per due connection. A tick that is lost or comes twice changes nothing: what is due stands in the table.

use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use shared::store::StoreError;
use shared::sync_run::Engine;
use shared::sync_run::due::send_due;

/// Sends a hint for each connection that has something due; returns how many.
pub async fn handle(engine: &Engine, _tick: EventBridgeEvent) -> Result<usize, StoreError> {
    tick(engine).await
}

/// The same without an event, for a host with a timer of its own.
pub async fn tick(engine: &Engine) -> Result<usize, StoreError> {
    let sent = send_due(engine, engine.clock.now()).await?;
    if sent > 0 {
        tracing::info!(hints = sent, "connections are due");
    }
    Ok(sent)
}
