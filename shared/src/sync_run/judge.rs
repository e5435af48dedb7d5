//! Judges the sources anew for a run that waits: the measure of an approval. Reads, never writes.

use crate::domain::change::Changes;
use crate::domain::connection::Connection;
use crate::domain::sync_run::{RunMode, SyncRun};
use crate::plan::check::{Checked, check};
use crate::plan::plan;
use crate::plan::snapshot::Policy;
use crate::store::StoreError;

use super::Engine;
use super::collect::{CollectError, Task, collect};
use super::run::RunError;

/// What a full read of both sides would remove now: the judgement an approval is measured against.
pub(super) async fn judge_again(
    engine: &Engine,
    connection: &Connection,
    run: &SyncRun,
) -> Result<Checked, JudgeError> {
    let store = &engine.store;
    let settings = store
        .settings(connection.id)
        .await?
        .map(|stored| stored.value)
        .unwrap_or_default();
    let secrets = store.secrets(connection.id).await?.ok_or(JudgeError::NoSecrets)?;
    let sides = engine.sides.sides(connection, &secrets).map_err(RunError::from)?;
    let state = store.work_state(connection.id).await?.unwrap_or_default();
    let mut request = run.request.clone();
    request.mode = RunMode::Full;
    let task = Task {
        connection: connection.id,
        request: &request,
        users: &settings.users,
        fingerprint: settings.rules_fingerprint(),
        pending: &Changes::default(),
        store,
        sides: &sides,
    };
    let mut world = collect(&task).await?.world;
    let policy = Policy {
        users: settings.users.clone(),
        safety: settings.safety.clone(),
        now: engine.clock.now(),
        last_good_managed: state.last_good_managed,
    };
    let plan = plan(&world, &policy);
    world.phone_system.capacity = sides.phone_system.capacity().await.map_err(CollectError::from)?;
    Ok(check(plan, &world, &policy))
}

/// The sources could not be judged again.
#[derive(Debug, thiserror::Error)]
pub enum JudgeError {
    /// A side or the table.
    #[error(transparent)]
    Collect(#[from] CollectError),
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The connection cannot be used.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Nothing to sign in with.
    #[error("the secrets of this connection are missing")]
    NoSecrets,
}
