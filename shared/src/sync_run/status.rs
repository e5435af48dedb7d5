//! The connection's status after a run.

use super::Engine;
use super::conduct::{self, Conducted};
use super::consent::{LackError, lacking};
use super::failure::RunFailure;
use crate::domain::connection::{AttentionCause, Connection, ConnectionStatus};
use crate::domain::operation_record::ObjectKind;
use crate::domain::permissions::CONTACTS;
use crate::domain::settings::ConnectionSettings;
use crate::domain::sync_run::{SyncPart, SyncRun};
use crate::ports::PermissionName;
use crate::store::{StoreError, Versioned, WorkState};

/// A failure that lasts is shown on the connection; the first success clears it, unless a part that this run did not need
/// lacks something. What the PBX runs now is noted with it.
pub(super) async fn set_status(
    engine: &Engine,
    mut connection: Versioned<Connection>,
    settings: Option<&ConnectionSettings>,
    (run, conducted, state): (&SyncRun, &Conducted, &WorkState),
) -> Result<(), StoreError> {
    // A run that takes away what a disabled connection leaves behind switches nothing on.
    if !connection.value.status.may_run() {
        return Ok(());
    }
    let before = connection.value.clone();
    if let Some(status) = status_after(engine, &before, settings, (run, conducted, state)).await? {
        connection.value.status = status;
    }
    if let Some(firmware) = &conducted.firmware {
        connection.value.pbx.runs(firmware.clone());
    }
    if connection.value == before {
        return Ok(());
    }
    match engine.store.save_connection(&connection).await {
        // An admin changed the connection meanwhile; their word counts, and the next run judges again.
        Ok(_) | Err(StoreError::Conflict { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// `None`: as before.
async fn status_after(
    engine: &Engine,
    connection: &Connection,
    settings: Option<&ConnectionSettings>,
    (run, conducted, state): (&SyncRun, &Conducted, &WorkState),
) -> Result<Option<ConnectionStatus>, StoreError> {
    let failure = match &conducted.end {
        conduct::End::Failed(failure) => Some(failure),
        conduct::End::Done | conduct::End::Held => conducted.trouble.as_ref(),
        conduct::End::OutOfTime | conduct::End::Cancelled => None,
    };
    if let Some(RunFailure {
        sentence,
        needs_attention: true,
        cause,
        ..
    }) = failure
    {
        return Ok(Some(ConnectionStatus::NeedsAttention {
            reason: sentence.clone(),
            cause: *cause,
        }));
    }
    // Of a part that is in trouble and was not come to, this run tells nothing.
    if conducted
        .undone
        .iter()
        .any(|part| state.problems.contains_key(part))
    {
        return Ok(None);
    }
    match (&conducted.end, settings) {
        (conduct::End::Done | conduct::End::Held, Some(settings)) => {
            recovered(engine, connection, settings, run).await.map(Some)
        }
        _ => Ok(None),
    }
}

/// The status after a good run. What was well stays well without a question.
async fn recovered(
    engine: &Engine,
    connection: &Connection,
    settings: &ConnectionSettings,
    run: &SyncRun,
) -> Result<ConnectionStatus, StoreError> {
    if connection.status == ConnectionStatus::Connected {
        return Ok(ConnectionStatus::Connected);
    }
    let Some(secrets) = engine.store.secrets(connection.id).await? else {
        return Ok(connection.status.clone());
    };
    let Ok(sides) = engine.sides.sides(connection, &secrets) else {
        return Ok(connection.status.clone());
    };
    let found = lacking(&engine.store, sides.directory.as_ref(), connection.id, settings);
    match found.await {
        Ok(lack) => Ok(lack
            .but(proven_by(run))
            .sentence()
            .map_or(ConnectionStatus::Connected, |reason| {
                ConnectionStatus::NeedsAttention {
                    reason,
                    cause: AttentionCause::Entra,
                }
            })),
        Err(LackError::Store(error)) => Err(error),
        // The next run asks again.
        Err(LackError::Directory(_)) => Ok(connection.status.clone()),
    }
}

/// Permissions without which the run would have gone otherwise, whatever a single question says of them: where Exchange
/// lets the app into some mailboxes only, the question may be about one of the others.
fn proven_by(run: &SyncRun) -> &'static [PermissionName] {
    let read_contacts = run.counts_by_object.contains_key(&ObjectKind::Contact);
    if read_contacts && !run.problems.contains_key(&SyncPart::Contacts) {
        &[CONTACTS]
    } else {
        &[]
    }
}
