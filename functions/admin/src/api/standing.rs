//! How a connection stands once one of its sides has passed a test: what was wrong with that side is over, what is wrong
//! with the other stays said.

use shared::domain::connection::{AttentionCause, Connection, ConnectionStatus};
use shared::domain::settings::ConnectionSettings;
use shared::ports::{Directory, DirectoryError};
use shared::store::{Store, StoreError};
use shared::sync_run::consent::{Lack, LackError, lacking_at_all};
use shared::telemetry::chain;

use super::connection_input::awaiting_consent;

/// Microsoft took what proves the app, and the app lacks these permissions.
pub async fn after_entra_passed(
    store: &Store,
    connection: &Connection,
    missing: &[String],
) -> Result<ConnectionStatus, StoreError> {
    let is_off = matches!(
        connection.status,
        ConnectionStatus::Disabled | ConnectionStatus::Disconnected
    );
    let other_trouble = is_about(&connection.status, &[AttentionCause::Pbx, AttentionCause::Other]);
    if is_off || (other_trouble && missing.is_empty()) {
        return Ok(connection.status.clone());
    }
    if !missing.is_empty() {
        return Ok(awaiting_consent(missing));
    }
    let settings = settings(store, connection).await?;
    let lack = Lack::of_account(store, connection.id, &settings).await?;
    Ok(well_but_for(&lack))
}

/// The PBX let us in.
pub async fn after_pbx_passed(
    store: &Store,
    connection: &Connection,
    directory: &dyn Directory,
) -> Result<ConnectionStatus, StoreError> {
    if !is_about(&connection.status, &[AttentionCause::Pbx]) {
        return Ok(connection.status.clone());
    }
    let settings = settings(store, connection).await?;
    match lacking_at_all(store, directory, connection.id, &settings).await {
        Ok(lack) => Ok(well_but_for(&lack)),
        Err(LackError::Store(error)) => Err(error),
        Err(LackError::Directory(error @ DirectoryError::SignInRefused { .. })) => {
            Ok(needs_attention(error.to_string()))
        }
        Err(LackError::Directory(error)) => {
            tracing::warn!(connection.id = %connection.id, error = %chain(&error), "the permissions could not be checked after a test of the PBX");
            Ok(ConnectionStatus::Connected)
        }
    }
}

/// Connected, unless something is lacking that only an admin of the tenant can give.
pub fn well_but_for(lack: &Lack) -> ConnectionStatus {
    lack.sentence()
        .map_or(ConnectionStatus::Connected, needs_attention)
}

/// Whether the connection needs somebody for one of these causes.
pub fn is_about(status: &ConnectionStatus, causes: &[AttentionCause]) -> bool {
    matches!(status, ConnectionStatus::NeedsAttention { cause, .. } if causes.contains(cause))
}

fn needs_attention(reason: String) -> ConnectionStatus {
    ConnectionStatus::NeedsAttention {
        reason,
        cause: AttentionCause::Entra,
    }
}

async fn settings(store: &Store, connection: &Connection) -> Result<ConnectionSettings, StoreError> {
    let stored = store.settings(connection.id).await?;
    Ok(stored.map(|stored| stored.value).unwrap_or_default())
}
