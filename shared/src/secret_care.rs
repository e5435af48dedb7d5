//! Looks after the end of an app's secret or certificate: asks the app registration where it may, and warns in time, once a
//! step. Whoever moves the due time first does it; what is cut is done again, and a warning that was written down is given.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::changes::AttendError;
use crate::domain::connection::{AppCredential, Connection, ConnectionStatus};
use crate::domain::ids::ConnectionId;
use crate::domain::secret_warning::{SecretWarning, next_step};
use crate::ports::{DirectoryError, SecretExpiry};
use crate::store::{SecretCare, Version};
use crate::sync_run::Engine;
use crate::telemetry::chain;

/// How long one look may take before another may try: it is one call of Graph, with its repeats.
const ATTENDANCE: Duration = Duration::from_mins(5);
/// Ends change when somebody changes them; once a day is soon enough to notice.
const ASK_EVERY: SignedDuration = SignedDuration::from_hours(24);

/// Does what is due for the secret of one connection.
pub async fn care(engine: &Engine, id: ConnectionId) -> Result<(), AttendError> {
    let store = &engine.store;
    let Some((mut care, version)) = claim(engine, id).await? else {
        return Ok(());
    };
    let connection = store.connection(id).await?.map(|read| read.value);
    let connection = connection.filter(|connection| connection.status != ConnectionStatus::Disconnected);
    let Some(connection) = connection else {
        return Ok(store.drop_secret_care(id).await?);
    };
    let ends_at = end(engine, &connection, &mut care).await?;
    let now = engine.clock.now();
    let reached = ends_at.and_then(|end| SecretWarning::reached(end, now));
    let news = reached.filter(|warning| warning.is_news_after(care.told));
    care.told = news.or(care.told);
    let tomorrow = now.saturating_add(ASK_EVERY).unwrap_or(Timestamp::MAX);
    let step = ends_at.and_then(|end| next_step(end, now));
    care.due_at = Some(step.map_or(tomorrow, |step| step.min(tomorrow)));
    // Somebody asked for care meanwhile: it is due again, and they see to the rest.
    if store.save_secret_care(id, &care, Some(version)).await?
        && let Some(warning) = news
    {
        warn(&connection, warning, now);
    }
    // Told by whoever sees to alerts; an end that moved is theirs to look at, too.
    if news.is_some() || ends_at != connection.secret_expires_at {
        store.alerts_soon(id, now).await?;
    }
    Ok(())
}

/// The warning that alerts are made of.
fn warn(connection: &Connection, warning: SecretWarning, now: Timestamp) {
    let days_left = warning.ends_at.duration_since(now).as_hours().max(0) / 24;
    tracing::warn!(
        alert = "secret_ends",
        connection.id = %connection.id,
        secret.ends_at = %warning.ends_at,
        secret.days_left = days_left,
        "{}", warning.sentence(now)
    );
}

async fn claim(engine: &Engine, id: ConnectionId) -> Result<Option<(SecretCare, Version)>, AttendError> {
    let now = engine.clock.now();
    let Some(read) = engine.store.secret_care(id).await? else {
        return Ok(None);
    };
    if read.value.due_at.is_none_or(|due| due > now) {
        return Ok(None);
    }
    let claimed = SecretCare {
        due_at: Some(now.checked_add(ATTENDANCE).unwrap_or(Timestamp::MAX)),
        ..read.value
    };
    let ours = engine
        .store
        .save_secret_care(id, &claimed, Some(read.version))
        .await?;
    Ok(ours.then_some((claimed, read.version.next())))
}

/// When the secret ends, as the app registration says if it is asked and tells, else as the connection says.
async fn end(
    engine: &Engine,
    connection: &Connection,
    care: &mut SecretCare,
) -> Result<Option<Timestamp>, AttendError> {
    let now = engine.clock.now();
    let known = connection.secret_expires_at;
    let asked_lately = care
        .asked_at
        .is_some_and(|asked| now.duration_since(asked) < ASK_EVERY);
    if asked_lately || !connection.status.may_run() {
        return Ok(known);
    }
    let Some(secrets) = engine.store.secrets(connection.id).await? else {
        return Ok(known);
    };
    // A certificate says itself when it ends.
    if matches!(secrets.app, AppCredential::Certificate(_)) {
        return Ok(known);
    }
    care.asked_at = Some(now);
    let sides = engine.sides.sides(connection, &secrets)?;
    match sides.directory.secret_expiry().await {
        Ok(SecretExpiry::At(told)) if known != Some(told) => {
            engine
                .store
                .change_connection(connection.id, |stored| {
                    // Unless another secret came meanwhile.
                    if stored.secret_expires_at == known {
                        stored.secret_expires_at = Some(told);
                    }
                })
                .await?;
            Ok(Some(told))
        }
        Ok(_) | Err(DirectoryError::PermissionMissing { .. }) => Ok(known),
        Err(error) => {
            tracing::info!(connection.id = %connection.id, error = %chain(&error), "the end of the client secret could not be read");
            Ok(known)
        }
    }
}
