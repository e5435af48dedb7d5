//! After a run: whether what an admin wanted taken away is gone, and what the connection is then.

use crate::domain::connection::{Connection, ConnectionStatus};
use crate::domain::ids::ConnectionId;
use crate::domain::part::Part;
use crate::domain::settings::ConnectionSettings;
use crate::domain::sync_run::SyncRun;
use crate::domain::teardown::{Removal, Teardown, TeardownEnd};
use crate::store::{Store, StoreError, Versioned};
use crate::telemetry::chain;

use super::Engine;
use super::conduct::End;

/// What a run leaves of a teardown.
pub(super) enum After {
    /// There was none, or an admin has said something else since.
    Nothing,
    /// Some objects are still there: another try.
    Again,
    /// The connection as it is from now on, to be written with the end of the run.
    Over(Box<Versioned<Connection>>),
}

/// Judges a run of a connection that was like this when the run began.
pub(super) async fn after(
    engine: &Engine,
    before: &Connection,
    run: &SyncRun,
    end: &End,
) -> Result<After, StoreError> {
    let Some(teardown) = before.teardown.as_ref().filter(|_| !run.request.dry_run) else {
        return Ok(After::Nothing);
    };
    if matches!(end, End::Held | End::OutOfTime | End::Failed(_)) {
        return Ok(After::Nothing);
    }
    let Some(mut connection) = engine.store.connection(before.id).await? else {
        return Ok(After::Nothing);
    };
    match &connection.value.teardown {
        Some(present) if present == teardown => {}
        Some(_) => return Ok(After::Again),
        None => return Ok(After::Nothing),
    }
    match end {
        End::Done if anything_left(&engine.store, before.id, teardown).await? => return Ok(After::Again),
        End::Done if teardown.ends == TeardownEnd::Disconnected => {
            part_ways(engine, before).await?;
            connection.value.status = ConnectionStatus::Disconnected;
        }
        End::Done => {}
        // Whoever calls the removals off says so first; whatever else stopped the run did not mean them.
        _ => return Ok(After::Again),
    }
    connection.value.teardown = None;
    Ok(After::Over(Box::new(connection)))
}

async fn anything_left(store: &Store, id: ConnectionId, teardown: &Teardown) -> Result<bool, StoreError> {
    let settings = store.settings(id).await?;
    let settings = settings.map_or_else(ConnectionSettings::default, |stored| stored.value);
    for part in teardown.left(&settings) {
        let removal = teardown.removal(part, &settings);
        if has_objects(store, id, part, removal).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Groups and contacts that are let go are forgotten with the end of the connection, see [`part_ways`].
async fn has_objects(
    store: &Store,
    id: ConnectionId,
    part: Part,
    removal: Option<Removal>,
) -> Result<bool, StoreError> {
    let deletes = removal == Some(Removal::Delete);
    Ok(match part {
        Part::Users => !store.bindings_page(id, 1, None).await?.items.is_empty(),
        Part::Groups if deletes => !store.group_bindings(id).await?.is_empty(),
        Part::Contacts if deletes => {
            let contacts = store.contact_bindings_page(id, 1, None).await?;
            let books = store.phonebook_bindings_page(id, 1, None).await?;
            !contacts.items.is_empty() || !books.items.is_empty()
        }
        Part::Groups | Part::Contacts | Part::Presence | Part::Sso => false,
    })
}

/// Ends what the connection has at Microsoft and forgets what it needed to work. All of it may be repeated.
async fn part_ways(engine: &Engine, connection: &Connection) -> Result<(), StoreError> {
    end_subscriptions(engine, connection).await?;
    engine.store.forget_workings(connection.id).await
}

/// As far as Graph lets us: one that stays ends by itself within a month, and what it tells is dropped.
async fn end_subscriptions(engine: &Engine, connection: &Connection) -> Result<(), StoreError> {
    let store = &engine.store;
    let (Some(watch), Some(secrets)) = (
        store.watch(connection.id).await?,
        store.secrets(connection.id).await?,
    ) else {
        return Ok(());
    };
    let sides = match engine.sides.sides(connection, &secrets) {
        Ok(sides) => sides,
        Err(error) => {
            tracing::warn!(connection.id = %connection.id, error = %chain(&error), "subscriptions are left to end by themselves");
            return Ok(());
        }
    };
    for known in watch.value.subscriptions.values() {
        if let Err(error) = sides.subscriptions.unsubscribe(known.id).await {
            tracing::warn!(connection.id = %connection.id, error = %chain(&error), "a subscription is left to end by itself");
        }
    }
    Ok(())
}
