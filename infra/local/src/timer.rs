//! The clockwork of one process: looks for due work every few seconds, and clears away what has expired every hour.

use std::sync::Arc;
use std::time::Duration;

use embedded_table::EmbeddedTable;
use shared::changes::Surroundings;
use shared::ports::PresenceQueue;
use shared::sync_run::Engine;
use shared::telemetry::chain;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The scheduler's step in one process, as the contract has it.
pub const STEP: Duration = Duration::from_secs(5);

/// Connections attended to at once; what is beyond stays due.
const SIDE_BY_SIDE: usize = 32;

/// The embedded table forgets nothing by itself; expired items may stay as long as on AWS, where it is a day or two.
const SWEEP_EVERY: Duration = Duration::from_hours(1);

/// Looks for due work until told to stop. Connections are attended to beside it, each on its own: one whose Graph is slow
/// must not make the others late.
pub async fn look_for_due_work(
    engine: Engine,
    presence: Arc<dyn PresenceQueue>,
    around: Surroundings,
    mut stopping: watch::Receiver<bool>,
) {
    let mut attending = JoinSet::new();
    loop {
        match scheduler::tick(&engine).await {
            Ok(due) => {
                for presences in &due.presences {
                    scheduler::tell_presence(&engine, presence.as_ref(), presences).await;
                }
                let room = SIDE_BY_SIDE.saturating_sub(attending.len());
                for due in due.others.into_iter().take(room) {
                    let (engine, around) = (engine.clone(), around.clone());
                    attending.spawn(async move { scheduler::attend_to(&engine, due, &around).await });
                }
            }
            Err(error) => {
                tracing::warn!(error = %chain(&error), "what is due could not be read; the next look comes in seconds");
            }
        }
        while let Some(ended) = attending.try_join_next() {
            if ended.is_err() {
                tracing::error!("attending to a connection panicked; it stays due");
            }
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
