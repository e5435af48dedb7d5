//! A part that is switched on may need more permissions than its forerunners, or an account to act for. What is not granted
//! yet shows at once, by name; signing in to connect once more asks for it. Where nothing needs it any more, that shows too.

use shared::domain::connection::{AttentionCause, Connection, ConnectionStatus};
use shared::domain::permissions::{application, delegated};
use shared::domain::settings::ConnectionSettings;
use shared::store::StoreError;
use shared::sync_run::consent::{LackError, lacking_at_all};
use shared::telemetry::chain;

use super::standing::{is_about, well_but_for};
use crate::AdminState;

/// Has the status name what these settings need and is not granted, if they need anything else than those before them.
pub async fn ask_for_more(
    state: &AdminState,
    connection: &Connection,
    (old, new): (&ConnectionSettings, &ConnectionSettings),
) -> Result<(), StoreError> {
    if !may_change(&connection.status, (old, new)) {
        return Ok(());
    }
    let store = &state.engine.store;
    let Some(secrets) = store.secrets(connection.id).await? else {
        return Ok(());
    };
    let Ok(sides) = state.engine.sides.sides_under_test(connection, &secrets) else {
        return Ok(());
    };
    let lack = match lacking_at_all(store, sides.directory.as_ref(), connection.id, new).await {
        Ok(lack) => lack,
        Err(LackError::Store(error)) => return Err(error),
        // What cannot be asked now, the part itself finds out.
        Err(LackError::Directory(error)) => {
            tracing::warn!(connection.id = %connection.id, error = %chain(&error), "the permissions of a part could not be checked");
            return Ok(());
        }
    };
    let status = well_but_for(&lack);
    store
        .change_connection(connection.id, |stored| {
            if stored.status == connection.status {
                stored.status = status.clone();
            }
        })
        .await
}

/// What is well is asked for more alone; what lacks something may have enough now. Other trouble hides what is lacking until
/// it is over.
fn may_change(status: &ConnectionStatus, (old, new): (&ConnectionSettings, &ConnectionSettings)) -> bool {
    let more = needs_beyond(new, old);
    match status {
        ConnectionStatus::Connected => more,
        status if is_about(status, &[AttentionCause::Entra]) => more || needs_beyond(old, new),
        _ => false,
    }
}

/// Whether one needs something that the other does not. A permission of the app is another one than that of an account,
/// though they have one name.
fn needs_beyond(one: &ConnectionSettings, other: &ConnectionSettings) -> bool {
    let beyond = |of: fn(&ConnectionSettings) -> Vec<&'static str>| {
        let others = of(other);
        of(one).iter().any(|permission| !others.contains(permission))
    };
    beyond(application) || beyond(delegated)
}
