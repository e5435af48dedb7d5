//! An admin's word on a part or on the whole connection: pause, resume, disable, enable, disconnect. What is to be taken
//! away is written down first; runs do it, like anything else, through plan, guard and records.

use std::time::Duration;

use jiff::Timestamp;

use crate::domain::connection::{Connection, ConnectionStatus};
use crate::domain::ids::{ConnectionId, SyncRunId};
use crate::domain::part::Part;
use crate::domain::settings::ConnectionSettings;
use crate::domain::settings_check::{FieldProblem, check};
use crate::domain::sync_run::{RunMode, RunRequest, RunState, SyncRun, Trigger};
use crate::domain::teardown::{Teardown, Ticked};
use crate::store::{StoreError, Versioned};

use super::Engine;
use super::approval;
use super::request::hint;
use super::run::scheduled_after;

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
        let teardown = Teardown::of_pause(part, engine.clock.now());
        if !is_asked_for(&connection.value, &teardown)? {
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
    match Teardown::of_disable(ticked, engine.clock.now()) {
        Some(teardown) if is_asked_for(&connection.value, &teardown)? => {
            ask(engine, id).await?;
            Ok(connection)
        }
        None if connection.value.teardown.is_some() => Err(LifecycleError::RemovalsUnderWay),
        teardown => switch_off(engine, connection, teardown).await,
    }
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
    if matches!(is_asked_for(&connection.value, &teardown), Ok(true)) {
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
    let goes_on = Part::ALL
        .into_iter()
        .any(|part| part.makes_objects() && part.is_on(new));
    let obsolete = connection
        .value
        .teardown
        .as_ref()
        .is_some_and(|teardown| teardown.left(new).next().is_none());
    if obsolete {
        connection.value.teardown = None;
        engine.store.save_connection(&connection).await?;
    }
    if obsolete || Part::ALL.iter().any(went_off) {
        let stopped = stop(engine, id).await?;
        if stopped && goes_on && connection.value.status.may_run() {
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

/// Whether these very removals are asked for already. One thing is taken away at a time.
fn is_asked_for(connection: &Connection, wanted: &Teardown) -> Result<bool, LifecycleError> {
    match &connection.teardown {
        Some(known) if known.ends == wanted.ends && known.parts == wanted.parts => Ok(true),
        Some(_) => Err(LifecycleError::RemovalsUnderWay),
        None => Ok(false),
    }
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
    engine.store.rest_work(id).await?;
    if removes {
        ask(engine, id).await?;
    } else if stopped {
        // Somebody has to write down that they ended.
        engine.store.set_due(id, engine.clock.now()).await?;
    }
    let now = engine.clock.now();
    engine.store.watch_soon(id, connection.value.tenant, now).await?;
    engine.store.alerts_soon(id, now).await?;
    live(engine, id).await
}

/// Stops the run that works, the one that waits and the one whose removals wait. Whether there was any.
async fn stop(engine: &Engine, id: ConnectionId) -> Result<bool, LifecycleError> {
    let Some(state) = engine.store.work_state(id).await? else {
        return Ok(false);
    };
    let mut stopped = false;
    for run in [state.running_run, state.waiting_run].into_iter().flatten() {
        if let Some(run) = engine.store.run(id, run).await?
            && !run.state.is_final()
        {
            approval::stop(engine, run).await?;
            stopped = true;
        }
    }
    if let Some(held) = state.held_run {
        put_away(engine, id, held).await?;
    }
    Ok(stopped)
}

/// Removals that were held before somebody switched something off are not those that would be held now.
async fn put_away(engine: &Engine, id: ConnectionId, held: SyncRunId) -> Result<(), StoreError> {
    let Some(mut run) = engine.store.run(id, held).await? else {
        return Ok(());
    };
    if run.state != RunState::Held {
        return Ok(());
    }
    run.state = RunState::Cancelled;
    run.finished_at = Some(engine.clock.now());
    run.error = Some("a part or the connection was switched on or off meanwhile".to_owned());
    engine.store.put_new_run(&run).await?;
    engine.store.ask_for_alerts(id, engine.clock.now()).await;
    Ok(())
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
