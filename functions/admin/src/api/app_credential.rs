//! Another proof of the app's identity in the place of the one in use: tested with Microsoft first, so that a wrong one
//! changes nothing. What stood still for want of it goes on by itself.

use jiff::Timestamp;
use shared::domain::connection::{AppCredential, Connection, ConnectionSecrets, ConnectionStatus};
use shared::ports::{Directory, SecretExpiry, SideError};
use shared::store::Versioned;
use shared::telemetry::chain;

use super::connection_input::awaiting_consent;
use super::take_up::take_up;
use super::{connection_update, lookup};
use crate::AdminState;
use crate::probe;
use crate::problem::{Kind, Problem};
use crate::view::connection::ConnectionView;

/// A connection whose proof may be replaced.
pub async fn replaceable(state: &AdminState, id: &str) -> Result<Versioned<Connection>, Problem> {
    let connection = lookup::connection(&state.engine.store, id).await?;
    if connection.value.status == ConnectionStatus::Disconnected {
        return Err(Problem::new(Kind::ReadOnly, "the connection is disconnected"));
    }
    Ok(connection)
}

/// Puts `credential` in the place of the one in use, if Microsoft takes it. When it ends is what the caller knows, else what
/// the app registration says, if we may read it.
pub async fn replace(
    state: &AdminState,
    mut connection: Versioned<Connection>,
    credential: AppCredential,
    ends_at: Option<Timestamp>,
) -> Result<ConnectionView, Problem> {
    let store = &state.engine.store;
    let id = connection.value.id;
    let old = store
        .secrets(id)
        .await?
        .ok_or_else(|| Problem::not_found("connection"))?;
    let secrets = ConnectionSecrets {
        app: credential,
        ..old.clone()
    };
    let sides = state
        .engine
        .sides
        .sides_under_test(&connection.value, &secrets)
        .map_err(|SideError { field, detail }| Problem::field(field, detail))?;
    let directory = sides.directory.as_ref();
    let needed = connection_update::needed(state, id).await?;
    let missing = probe::entra(directory, &needed)
        .await
        .map_err(connection_update::refusal)?;
    let stood_still = matches!(connection.value.status, ConnectionStatus::NeedsAttention { .. });
    connection.value.secret_expires_at = match ends_at {
        Some(at) => Some(at),
        None => told_end(directory).await,
    };
    if connection.value.status != ConnectionStatus::Disabled {
        connection.value.status = awaiting_consent(&missing);
    }
    connection_update::replace(store, &connection, &old, &secrets).await?;
    go_on(state, &connection.value, stood_still).await?;
    Ok(ConnectionView::load(state, connection.value).await?)
}

/// When the secret in use ends, as the app registration says. Not being allowed to read it is no mistake.
pub async fn told_end(directory: &dyn Directory) -> Option<Timestamp> {
    match directory.secret_expiry().await {
        Ok(SecretExpiry::At(end)) => Some(end),
        Ok(SecretExpiry::Unknown) => None,
        Err(error) => {
            tracing::debug!(error = %chain(&error), "the end of the client secret could not be read");
            None
        }
    }
}

/// The next run finds out whether anything else is wrong.
async fn go_on(state: &AdminState, connection: &Connection, stood_still: bool) -> Result<(), Problem> {
    let store = &state.engine.store;
    let now = state.engine.clock.now();
    store.care_soon(connection.id, now).await?;
    store.alerts_soon(connection.id, now).await?;
    let Some(settings) = store.settings(connection.id).await? else {
        return Ok(());
    };
    if !connection.status.may_run() {
        return Ok(());
    }
    take_up(state, connection, &settings.value).await?;
    if stood_still && settings.value.any_part_enabled() {
        store.set_due(connection.id, now).await?;
    }
    Ok(())
}
