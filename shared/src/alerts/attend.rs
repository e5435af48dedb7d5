//! One connection whose alerts are due: looks what is wrong, stores what is to be told, tells it, strikes off what was told.
//! Whoever moves the due time first does it; one that dies leaves it due again, and what it told may be told again.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::decide::{decide, still_open};
use super::deliver::{Courier, Outlets, channels};
use super::gather::gather;
use super::history;
use super::judge::Facts;
use super::outbox::{ATTENDANCE, Errand, Told, in_order, is_given_up, put, settle, take_up};
use super::render;
use crate::changes::AttendError;
use crate::domain::alert::{AlertChannel, AlertMessage, AlertState, after};
use crate::domain::alert_settings::AlertSettings;
use crate::domain::connection::{Connection, ConnectionStatus};
use crate::domain::ids::{AlertId, ConnectionId};
use crate::store::{Store, StoreError, Version};
use crate::sync_run::Engine;

/// No further errand is begun after this, so that whoever attends ends in time; what is left waits for the next one.
const ENOUGH: SignedDuration = SignedDuration::from_secs(30);

/// Does what is due for the alerts of one connection.
pub async fn attend(engine: &Engine, outlets: &Outlets, id: ConnectionId) -> Result<(), AttendError> {
    let store = &engine.store;
    let began = engine.clock.now();
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
    let displaced = take_in(&mut state, &facts, (&settings, outlets), now);
    take_up(&mut state, &mut errands, now);
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
    for message in &displaced {
        for (channel, tries) in &message.waiting {
            let problem = tries.problem.as_deref().unwrap_or("too many messages wait");
            no_more(&courier, message, *channel, problem).await?;
        }
    }
    let enough = after(began, ENOUGH);
    run_errands(&courier, &state, in_order(errands), enough).await
}

/// Takes what is wrong into the state and its news into the outbox; answers what had to give way there. A channel that was
/// set since hears what is open.
fn take_in(
    state: &mut AlertState,
    facts: &Facts,
    (settings, outlets): (&AlertSettings, &Outlets),
    now: Timestamp,
) -> Vec<AlertMessage> {
    let mut fresh = || AlertId::generate(now);
    let channels = channels(settings, outlets);
    let new: BTreeSet<AlertChannel> = channels.difference(&state.channels).copied().collect();
    let open = still_open(state, &mut fresh);
    let mut displaced = Vec::new();
    if !new.is_empty() {
        displaced.extend(put(state, fresh(), open, &new, now));
    }
    state.channels.clone_from(&channels);
    let news = decide(state, facts, settings.failed_runs, now, &mut fresh);
    displaced.extend(put(state, fresh(), news, &channels, now));
    displaced
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
    let mut errands = Vec::new();
    take_up(&mut state, &mut errands, now);
    state.look_at = after(now, ATTENDANCE);
    let ours = engine.store.save_alerts(id, &state, Some(read.version)).await?;
    Ok(ours.then_some((state, errands, read.version.next())))
}

/// What was told is struck off at once, so that whoever is cut repeats one errand at most. A channel that fails once is not
/// tried with the next message: it would only make the others late.
async fn run_errands(
    courier: &Courier<'_>,
    state: &AlertState,
    errands: Vec<Errand>,
    enough: Timestamp,
) -> Result<(), AttendError> {
    let Courier {
        engine, connection, ..
    } = courier;
    let mut down: BTreeSet<AlertChannel> = BTreeSet::new();
    for errand in errands {
        if engine.clock.now() > enough {
            return Ok(());
        }
        let found = state.outbox.iter().find(|message| message.id == errand.message);
        let Some(message) = found else { continue };
        let told = if down.contains(&errand.channel) {
            Told::not_yet("an earlier message could not be delivered")
        } else {
            tell(courier, errand.channel, message).await?
        };
        if matches!(told, Told::NotYet { .. }) {
            down.insert(errand.channel);
        }
        let told = give_up(courier, &errand, message, told).await?;
        let now = engine.clock.now();
        engine
            .store
            .change_alerts(connection.id, |state| settle(state, (&errand, &told), now))
            .await?;
    }
    Ok(())
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
    let mut served = message
        .waiting
        .get(&channel)
        .map(|tries| tries.served.clone())
        .unwrap_or_default();
    let rendered = render::message(message, courier.connection, courier.settings.language);
    let carried = match rendered {
        Ok(rendered) => courier.carry(channel, &rendered, &mut served).await,
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
            Told::NotYet { problem, served }
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
    match &told {
        Told::NotYet { problem, .. } if is_given_up(message, courier.engine.clock.now()) => {
            no_more(courier, message, errand.channel, problem).await?;
            Ok(Told::Over)
        }
        _ => Ok(told),
    }
}

/// Writes down that a message is not tried any more on a channel.
async fn no_more(
    courier: &Courier<'_>,
    message: &AlertMessage,
    channel: AlertChannel,
    problem: &str,
) -> Result<(), StoreError> {
    let connection = courier.connection;
    let line = history::given_up(
        connection,
        (message, channel),
        problem,
        courier.engine.clock.now(),
    );
    courier.engine.store.append_record(connection.id, &line).await?;
    tracing::error!(
        connection.id = %connection.id, channel = ?channel, error = problem,
        "an alert reached nobody on a channel and is given up"
    );
    Ok(())
}
