//! An admin's word on a part or on the whole connection: pause, resume, disable, enable, disconnect. What is to be taken
//! away is written down first; runs do it, like anything else, through plan, guard and records.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::connection::{Connection, ConnectionStatus};
use crate::domain::ids::ConnectionId;
use crate::domain::part::Part;
use crate::domain::settings::ConnectionSettings;
use crate::domain::settings_check::{FieldProblem, check};
use crate::domain::sync_run::{RunMode, RunRequest, SyncRun, Trigger};
use crate::domain::teardown::{Teardown, Ticked};
use crate::store::{StoreError, Versioned};

use super::Engine;
use super::request::hint;
use super::run::scheduled_after;
use super::stop::{held_run, put_away, stop, stop_runs};

/// If whoever asked for removals dies before the run is queued, one comes after so long by itself.
const IN_ANY_CASE: Duration = Duration::from_mins(1);

/// Why an admin's word was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LifecycleError {
    /// There is no such connection.
    #[error("there is no such connection")]
    NoSuchConnection,
    /// It is disconnected: nothing of it changes any more.
    #[error("the connection is disconnected: make a new one")]
    Disconnected,
    /// It is on the way there.
    #[error("the connection is being disconnected")]
    BeingDisconnected,
    /// Removals that were asked for earlier are not done.
    #[error("removals that were asked for earlier are not done: wait for their run, or reject or cancel it")]
    RemovalsUnderWay,
    /// The part makes no objects on the PBX.
    #[error("{} makes nothing on the PBX that could be deleted", .0.key())]
    NothingToDelete(Part),
    /// The settings do not allow it.
    #[error("some settings must be mended first")]
    Settings(Vec<FieldProblem>),
    /// The table could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

type Done = Result<Versioned<Connection>, LifecycleError>;

/// Pauses a part. Its objects stay as they are and stay ours, unless they are to be deleted.
pub async fn pause(engine: &Engine, id: ConnectionId, part: Part, delete_synced: bool) -> Done {
    if delete_synced && !part.makes_objects() {
        return Err(LifecycleError::NothingToDelete(part));
    }
    let mut connection = live(engine, id).await?;
    if delete_synced {
        let wanted = Teardown::of_pause(part, engine.clock.now());
        if let Some(teardown) = not_asked_for(engine, &connection.value, wanted).await? {
            engine.store.set_due(id, engine.clock.now() + IN_ANY_CASE).await?;
            connection.value.teardown = Some(teardown);
            engine.store.save_connection(&connection).await?;
            stop(engine, id).await?;
        }
    }
    switch(engine, id, part, false).await?;
    if delete_synced {
        ask(engine, id).await?;
    }
    live(engine, id).await
}

/// Switches a part on again, with the settings and bindings that it had.
pub async fn resume(engine: &Engine, id: ConnectionId, part: Part) -> Done {
    let connection = live(engine, id).await?;
    if connection.value.is_being_disconnected() {
        return Err(LifecycleError::BeingDisconnected);
    }
    switch(engine, id, part, true).await?;
    live(engine, id).await
}

/// Switches the whole connection off. Nothing is lost but what is to be deleted.
pub async fn disable(engine: &Engine, id: ConnectionId, ticked: Ticked) -> Done {
    let connection = live(engine, id).await?;
    let Some(wanted) = Teardown::of_disable(ticked, engine.clock.now()) else {
        return match connection.value.teardown {
            Some(_) => Err(LifecycleError::RemovalsUnderWay),
            None => switch_off(engine, connection, None).await,
        };
    };
    if let Some(teardown) = not_asked_for(engine, &connection.value, wanted).await? {
        return switch_off(engine, connection, Some(teardown)).await;
    }
    ask(engine, id).await?;
    Ok(connection)
}

/// Switches a disabled connection on, with this status. What was noticed meanwhile is synced soon.
pub async fn enable(engine: &Engine, id: ConnectionId, status: ConnectionStatus) -> Done {
    let mut connection = live(engine, id).await?;
    if connection.value.is_being_disconnected() {
        return Err(LifecycleError::BeingDisconnected);
    }
    if connection.value.status != ConnectionStatus::Disabled {
        return Ok(connection);
    }
    let removals = connection.value.teardown.take().is_some();
    connection.value.status = status;
    engine.store.save_connection(&connection).await?;
    if removals {
        stop(engine, id).await?;
    }
    let stored = live(engine, id).await?;
    follow(engine, &stored.value, &settings(engine, id).await?.value).await?;
    if stored.value.status.may_run() && engine.store.pending(id).await?.count() > 0 {
        engine.store.set_due(id, engine.clock.now()).await?;
    }
    Ok(stored)
}

/// Parts tenant and PBX for good, as soon as what was bound is deleted or let go.
pub async fn disconnect(engine: &Engine, id: ConnectionId, ticked: Ticked) -> Done {
    let connection = live(engine, id).await?;
    let teardown = Teardown::of_disconnect(ticked, engine.clock.now());
    // Another choice of boxes, or removals of a pause, give way: this is the last word.
    let known = connection.value.teardown.as_ref();
    if known.is_some_and(|known| known.is_like(&teardown)) {
        ask(engine, id).await?;
        return Ok(connection);
    }
    switch_off(engine, connection, Some(teardown)).await
}

/// What follows from saved settings beside the save: what was switched off stops, what was switched on again keeps its
/// objects, schedule and watch follow.
pub async fn after_save(
    engine: &Engine,
    id: ConnectionId,
    old: &ConnectionSettings,
    new: &ConnectionSettings,
) -> Result<(), LifecycleError> {
    let mut connection = live(engine, id).await?;
    let went_off = |part: &Part| part.makes_objects() && part.is_on(old) && !part.is_on(new);
    let went_off: BTreeSet<Part> = Part::ALL.into_iter().filter(went_off).collect();
    let goes_on = Part::ALL
        .into_iter()
        .any(|part| part.makes_objects() && part.is_on(new));
    let resumed = keep_resumed(&mut connection.value, new);
    if resumed {
        engine.store.save_connection(&connection).await?;
    }
    if resumed || !went_off.is_empty() {
        let stopped = stop_runs(engine, id).await?;
        put_away(engine, id, |part| resumed || went_off.contains(&part)).await?;
        let go_on = stopped && goes_on && connection.value.status.may_run();
        if go_on || removes_unasked(engine, &connection.value).await? {
            engine.store.set_due(id, engine.clock.now()).await?;
        }
    }
    follow(engine, &connection.value, new).await?;
    Ok(())
}

/// Has the schedule and the watch over the tenant follow these settings.
pub async fn follow(
    engine: &Engine,
    connection: &Connection,
    settings: &ConnectionSettings,
) -> Result<(), StoreError> {
    let now = engine.clock.now();
    let next = next_scheduled(connection, settings, now);
    engine.store.set_next_scheduled(connection.id, next).await?;
    engine
        .store
        .watch_soon(connection.id, connection.tenant, now)
        .await?;
    engine.store.ask_for_alerts(connection.id, now).await;
    let presence = settings.presence.enabled && connection.status.may_run();
    engine.store.presence_soon(connection.id, presence, now).await
}

/// When the schedule starts a run next; never while the connection is off.
pub(super) fn next_scheduled(
    connection: &Connection,
    settings: &ConnectionSettings,
    now: Timestamp,
) -> Option<Timestamp> {
    scheduled_after(settings, now).filter(|_| connection.status.may_run())
}

async fn live(engine: &Engine, id: ConnectionId) -> Done {
    let connection = engine.store.connection(id).await?;
    let connection = connection.ok_or(LifecycleError::NoSuchConnection)?;
    if connection.value.status == ConnectionStatus::Disconnected {
        return Err(LifecycleError::Disconnected);
    }
    Ok(connection)
}

async fn settings(
    engine: &Engine,
    id: ConnectionId,
) -> Result<Versioned<ConnectionSettings>, LifecycleError> {
    let stored = engine.store.settings(id).await?;
    stored.ok_or(LifecycleError::NoSuchConnection)
}

/// What is to be taken away from now on; `None`: all of it is asked for already.
async fn not_asked_for(
    engine: &Engine,
    connection: &Connection,
    wanted: Teardown,
) -> Result<Option<Teardown>, LifecycleError> {
    let Some(known) = &connection.teardown else {
        return Ok(Some(wanted));
    };
    let settings = settings(engine, connection.id).await?.value;
    let together = wanted.on_top_of(known, &settings);
    let together = together.ok_or(LifecycleError::RemovalsUnderWay)?;
    Ok((!together.is_like(known)).then_some(together))
}

/// Saves the switch of a part, over whatever somebody else saves meanwhile.
async fn switch(engine: &Engine, id: ConnectionId, part: Part, on: bool) -> Result<(), LifecycleError> {
    loop {
        let old = settings(engine, id).await?;
        if part.is_on(&old.value) == on {
            return after_save(engine, id, &old.value, &old.value).await;
        }
        let mut new = old.value.clone();
        part.switch(&mut new, on);
        let problems = check(&new);
        if !problems.is_empty() {
            return Err(LifecycleError::Settings(problems));
        }
        if engine.store.put_settings(id, &new, old.version).await?.is_ok() {
            return after_save(engine, id, &old.value, &new).await;
        }
    }
}

async fn switch_off(
    engine: &Engine,
    mut connection: Versioned<Connection>,
    teardown: Option<Teardown>,
) -> Done {
    let id = connection.value.id;
    let removes = teardown.is_some();
    if removes {
        engine.store.set_due(id, engine.clock.now() + IN_ANY_CASE).await?;
    }
    connection.value.status = ConnectionStatus::Disabled;
    connection.value.teardown = teardown;
    engine.store.save_connection(&connection).await?;
    let stopped = stop(engine, id).await?;
    if removes {
        engine.store.set_next_scheduled(id, None).await?;
        ask(engine, id).await?;
    } else {
        engine.store.rest_work(id).await?;
        if stopped {
            // Somebody has to write down that they ended.
            engine.store.set_due(id, engine.clock.now()).await?;
        }
    }
    let now = engine.clock.now();
    engine.store.watch_soon(id, connection.value.tenant, now).await?;
    engine.store.alerts_soon(id, now).await?;
    live(engine, id).await
}

/// Has a pause take away no more than the parts that are still off. Whether it was to take away more.
fn keep_resumed(connection: &mut Connection, settings: &ConnectionSettings) -> bool {
    let Some(teardown) = connection.teardown.as_mut() else {
        return false;
    };
    let left = teardown.parts_left(settings);
    let resumed = left.len() < teardown.parts.len();
    if resumed {
        teardown.parts = left;
        connection.teardown.take_if(|teardown| teardown.parts.is_empty());
    }
    resumed
}

/// Whether something is to be taken away and nobody is asked for a word on it.
async fn removes_unasked(engine: &Engine, connection: &Connection) -> Result<bool, StoreError> {
    Ok(connection.teardown.is_some() && held_run(engine, connection.id).await?.is_none())
}

/// The run that takes away what is to be taken away.
async fn ask(engine: &Engine, id: ConnectionId) -> Result<(), StoreError> {
    let now = engine.clock.now();
    let request = RunRequest {
        trigger: Trigger::Manual,
        mode: RunMode::Full,
        dry_run: false,
        user: None,
    };
    let run = SyncRun::queued(id, request, now);
    let run = engine.store.request_run(&run, now).await?;
    hint(engine, id, Trigger::Manual, Some(run)).await;
    Ok(())
}
