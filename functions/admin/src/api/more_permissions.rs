//! A part that is switched on may need more permissions than its forerunners, or an account to act for. What is not granted
//! yet shows at once, by name; signing in to connect once more asks for it.

use shared::domain::connection::{Connection, ConnectionStatus};
use shared::domain::permissions::{application, delegated};
use shared::domain::settings::ConnectionSettings;
use shared::store::StoreError;
use shared::sync_run::consent::{LackError, lacking};
use shared::telemetry::chain;

use crate::AdminState;

/// Has the status name what these settings need and those before them did not, as far as it is not granted.
pub async fn ask_for_more(
    state: &AdminState,
    connection: &Connection,
    (old, new): (&ConnectionSettings, &ConnectionSettings),
) -> Result<(), StoreError> {
    let before: Vec<_> = application(old).into_iter().chain(delegated(old)).collect();
    let more = application(new)
        .into_iter()
        .chain(delegated(new))
        .any(|permission| !before.contains(&permission));
    if !more || !connection.status.may_run() {
        return Ok(());
    }
    let store = &state.engine.store;
    let Some(secrets) = store.secrets(connection.id).await? else {
        return Ok(());
    };
    let Ok(sides) = state.engine.sides.sides_under_test(connection, &secrets) else {
        return Ok(());
    };
    let lack = match lacking(store, sides.directory.as_ref(), connection.id, new).await {
        Ok(lack) => lack,
        Err(LackError::Store(error)) => return Err(error),
        // What cannot be asked now, the part itself finds out.
        Err(LackError::Directory(error)) => {
            tracing::warn!(connection.id = %connection.id, error = %chain(&error), "the permissions of a part could not be checked");
            return Ok(());
        }
    };
    let Some(reason) = lack.sentence() else {
        return Ok(());
    };
    let status = ConnectionStatus::NeedsAttention { reason };
    store
        .change_connection(connection.id, |stored| {
            if stored.status.may_run() {
                stored.status = status.clone();
            }
        })
        .await
}
