//! Judges the sources anew for a run that waits: the measure of an approval. Reads, never writes.

use crate::domain::change::Changes;
use crate::domain::connection::Connection;
use crate::domain::sync_run::{RunMode, SyncPart, SyncRun};
use crate::store::StoreError;

use super::Engine;
use super::collect_error::CollectError;
use super::conduct::parts;
use super::contacts;
use super::group_news::GroupNews;
use super::groups;
use super::hold::{Approved, Waiting, WaitingByPart};
use super::part::Basis;
use super::run::RunError;
use super::users;

/// What a full read of both sides would remove now, of every part that is on.
pub(super) async fn judge_again(
    engine: &Engine,
    connection: &Connection,
    run: &SyncRun,
) -> Result<WaitingByPart, JudgeError> {
    let store = &engine.store;
    let settings = store
        .settings(connection.id)
        .await?
        .map(|stored| stored.value)
        .unwrap_or_default();
    let secrets = store.secrets(connection.id).await?.ok_or(JudgeError::NoSecrets)?;
    let sides = engine.sides.sides(connection, &secrets).map_err(RunError::from)?;
    let state = store.work_state(connection.id).await?.unwrap_or_default();
    let basis = Basis {
        engine,
        connection,
        sides: &sides,
        settings: &settings,
        state: &state,
        pending: &Changes::default(),
        news: &GroupNews::default(),
        approved: &Approved::default(),
    };
    let mut run = run.clone();
    run.request.mode = RunMode::Full;
    let mut waiting = WaitingByPart::new();
    for part in parts(connection, &settings, run.request.dry_run) {
        if let Some(of_part) = one_part(part, &basis, &run).await? {
            waiting.insert(part, of_part);
        }
    }
    Ok(waiting)
}

async fn one_part(part: SyncPart, basis: &Basis<'_>, run: &SyncRun) -> Result<Option<Waiting>, CollectError> {
    match part {
        SyncPart::Users => users::judge(basis, run).await,
        SyncPart::Groups => groups::judge(basis, run).await,
        SyncPart::Contacts => contacts::judge(basis, run).await,
    }
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
