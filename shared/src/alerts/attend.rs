//! One connection whose alerts are due: looks what is wrong, stores what is to be told, tells it, strikes off what was told.
//! Whoever moves the due time first does it; one that dies leaves it due again, and what it told may be told again.

use std::collections::BTreeSet;

use super::decide::decide;
use super::deliver::{Courier, Outlets, channels};
use super::gather::gather;
use super::history;
use super::outbox::{ATTENDANCE, Errand, Told, is_given_up, put, settle, take_up};
use super::render;
use crate::changes::AttendError;
use crate::domain::alert::{AlertChannel, AlertMessage, AlertState, after};
use crate::domain::connection::{Connection, ConnectionStatus};
use crate::domain::ids::{AlertId, ConnectionId};
use crate::store::{Store, StoreError, Version};
use crate::sync_run::Engine;

/// Does what is due for the alerts of one connection.
pub async fn attend(engine: &Engine, outlets: &Outlets, id: ConnectionId) -> Result<(), AttendError> {
    let store = &engine.store;
    let Some((mut state, mut errands, version)) = claim(engine, id).await? else {
        return Ok(());
    };
    let connection = store.connection(id).await?.map(|read| read.value);
    let connection = connection.filter(|connection| connection.status != ConnectionStatus::Disconnected);
    let Some(connection) = connection else {
        return Ok(store.drop_alerts(id).await?);
    };
    let settings = store.alert_settings(id).await?.value;
    let now = engine.clock.now();
    let facts = gather(store, &connection, &mut state, now).await?;
    let mut fresh = || AlertId::generate(now);
    let news = decide(&mut state, &facts, settings.failed_runs, now, &mut fresh);
    put(&mut state, fresh(), news, &channels(&settings, outlets), now);
    errands.extend(take_up(&mut state, now));
    // Something happened meanwhile: it is due again, and whoever comes next decides with that in sight.
    if !store.save_alerts(id, &state, Some(version)).await? {
        return Ok(());
    }
    let courier = Courier {
        engine,
        outlets,
        connection: &connection,
        settings: &settings,
    };
    errands.sort();
    let results = run_errands(&courier, &state, errands).await?;
    let now = engine.clock.now();
    let settled = store.change_alerts(id, |state| settle(state, &results, now));
    Ok(settled.await?)
}

type Claimed = (AlertState, Vec<Errand>, Version);

async fn claim(engine: &Engine, id: ConnectionId) -> Result<Option<Claimed>, StoreError> {
    let now = engine.clock.now();
    let Some(read) = engine.store.alerts(id).await? else {
        return Ok(None);
    };
    if read.value.due_at() > now {
        return Ok(None);
    }
    let mut state = read.value;
    let errands = take_up(&mut state, now);
    state.look_at = after(now, ATTENDANCE);
    let ours = engine.store.save_alerts(id, &state, Some(read.version)).await?;
    Ok(ours.then_some((state, errands, read.version.next())))
}

/// A channel that fails once is not tried with the next message: it would only make the others late.
async fn run_errands(
    courier: &Courier<'_>,
    state: &AlertState,
    errands: Vec<Errand>,
) -> Result<Vec<(Errand, Told)>, StoreError> {
    let mut results = Vec::new();
    let mut down: BTreeSet<AlertChannel> = BTreeSet::new();
    for errand in errands {
        let found = state.outbox.iter().find(|message| message.id == errand.message);
        let Some(message) = found else { continue };
        let told = if down.contains(&errand.channel) {
            Told::NotYet("an earlier message could not be delivered".to_owned())
        } else {
            tell(courier, errand.channel, message).await?
        };
        if matches!(told, Told::NotYet(_)) {
            down.insert(errand.channel);
        }
        let told = give_up(courier, &errand, message, told).await?;
        results.push((errand, told));
    }
    Ok(results)
}

async fn tell(
    courier: &Courier<'_>,
    channel: AlertChannel,
    message: &AlertMessage,
) -> Result<Told, StoreError> {
    if channel == AlertChannel::History {
        note(&courier.engine.store, courier.connection, message).await?;
        return Ok(Told::Over);
    }
    let rendered = render::message(message, courier.connection, courier.settings.language);
    let carried = match rendered {
        Ok(rendered) => courier.carry(channel, &rendered).await,
        Err(error) => Err(error.into()),
    };
    Ok(match carried {
        Ok(()) => Told::Over,
        Err(error) => {
            let problem = error.to_string();
            tracing::warn!(
                connection.id = %courier.connection.id, channel = ?channel, error = problem,
                "an alert could not be delivered; it is tried again"
            );
            Told::NotYet(problem)
        }
    })
}

/// The log line that alarms can be made of, and the line in the history.
async fn note(store: &Store, connection: &Connection, message: &AlertMessage) -> Result<(), StoreError> {
    for line in history::lines(message, connection) {
        store.append_record(connection.id, &line).await?;
        tracing::warn!(
            alert = line.reason.code(), alert.change = ?line.kind, connection.id = %connection.id,
            "an alert began or ended"
        );
    }
    Ok(())
}

async fn give_up(
    courier: &Courier<'_>,
    errand: &Errand,
    message: &AlertMessage,
    told: Told,
) -> Result<Told, StoreError> {
    let now = courier.engine.clock.now();
    let Told::NotYet(problem) = &told else {
        return Ok(told);
    };
    if !is_given_up(message, now) {
        return Ok(told);
    }
    let (connection, id) = (courier.connection, AlertId::generate(now));
    let line = history::given_up(connection, errand.channel, problem, id, now);
    courier.engine.store.append_record(connection.id, &line).await?;
    tracing::error!(
        connection.id = %connection.id, channel = ?errand.channel, error = problem,
        "an alert reached nobody on a channel for a day and is given up"
    );
    Ok(Told::Over)
}
