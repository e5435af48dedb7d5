//! Another proof of the app's identity in the place of the one in use: tested with Microsoft first, so that a wrong one
//! changes nothing. What stood still for want of it goes on by itself; what the PBX is to blame for stays said.

use jiff::Timestamp;
use shared::domain::connection::{AppCredential, Connection, ConnectionSecrets, ConnectionStatus};
use shared::ports::{Directory, SecretExpiry};
use shared::store::Versioned;
use shared::telemetry::chain;

use super::go_on::{go_on, stands_still};
use super::standing::after_entra_passed;
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
        ..old
    };
    let sides = state
        .engine
        .sides
        .sides_under_test(&connection.value, &secrets)
        .map_err(connection_update::side_problem)?;
    let directory = sides.directory.as_ref();
    let needed = connection_update::needed(state, id).await?;
    let missing = probe::entra(directory, &needed)
        .await
        .map_err(connection_update::refusal)?;
    let stood_still = stands_still(&connection.value.status);
    connection.value.secret_expires_at = match ends_at {
        Some(at) => Some(at),
        None => told_end(directory).await,
    };
    connection.value.status = after_entra_passed(store, &connection.value, &missing).await?;
    store.save_connection_and_secrets(&connection, &secrets).await?;
    store.care_soon(id, state.engine.clock.now()).await?;
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
