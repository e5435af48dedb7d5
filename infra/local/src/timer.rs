//! The clockwork of one process: looks for due work every few seconds, and clears away what has expired every hour.

use std::sync::Arc;
use std::time::Duration;

use embedded_table::EmbeddedTable;
use shared::sync_run::Engine;
use shared::telemetry::chain;
use tokio::sync::watch;

/// The scheduler's step in one process, as the contract has it.
const STEP: Duration = Duration::from_secs(5);

/// The embedded table forgets nothing by itself; expired items may stay as long as on AWS, where it is a day or two.
const SWEEP_EVERY: Duration = Duration::from_hours(1);

/// Looks for due work until told to stop.
pub async fn look_for_due_work(engine: Engine, mut stopping: watch::Receiver<bool>) {
    loop {
        if let Err(error) = scheduler::tick(&engine).await {
            tracing::warn!(error = %chain(&error), "what is due could not be read; the next look comes in seconds");
        }
        tokio::select! {
            _ = stopping.wait_for(|stop| *stop) => return,
            () = engine.clock.sleep(STEP) => {}
        }
    }
}

/// Deletes what has expired until told to stop.
pub async fn sweep(table: Arc<EmbeddedTable>, engine: Engine, mut stopping: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            _ = stopping.wait_for(|stop| *stop) => return,
            () = engine.clock.sleep(SWEEP_EVERY) => {}
        }
        let table = Arc::clone(&table);
        match tokio::task::spawn_blocking(move || table.sweep_expired()).await {
            Ok(Ok(items)) => tracing::debug!(items, "expired items are gone"),
            Ok(Err(error)) => tracing::warn!(error = %chain(&error), "expired items could not be deleted"),
            Err(error) => tracing::warn!(%error, "expired items could not be deleted"),
        }
    }
}
