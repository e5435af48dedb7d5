//! Reads what is known of a connection: what others wrote down, nothing of it asked for anew.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::decide::watched_since;
use super::judge::{Expected, Facts, Silence, patience};
use crate::domain::alert::{AlertKind, AlertState, waited_for_since};
use crate::domain::connection::{Connection, ConnectionStatus};
use crate::domain::ids::ConnectionId;
use crate::domain::settings::ConnectionSettings;
use crate::store::{PresenceWork, Store, StoreError, WorkState};

/// The facts; notes in the state since when runs are expected.
pub(super) async fn gather(
    store: &Store,
    connection: &Connection,
    state: &mut AlertState,
    now: Timestamp,
) -> Result<Facts, StoreError> {
    let id = connection.id;
    let settings = store.settings(id).await?.map(|stored| stored.value);
    let settings = settings.unwrap_or_default();
    let work = store.work_state(id).await?.unwrap_or_default();
    let wanted = wanted(connection, &settings);
    let presence = store.presence_work(id).await?.map(|stored| stored.value);
    let runs = wanted.contains(&AlertKind::NoGoodRun);
    state.watched_since = watched_since(state.watched_since, runs, now);
    let expected = state.watched_since.map(|since| Expected {
        good_at: waited_for_since(work.last_good_run_at, since),
        patience: patience(&settings.schedule),
    });
    let held = store.waiting_for_approval(id, &work).await?;
    Ok(Facts {
        wanted,
        resting: resting(presence.as_ref(), now),
        failures_in_row: work.failures_in_row,
        attention: match &connection.status {
            ConnectionStatus::NeedsAttention { reason, .. } => Some(reason.clone()),
            _ => None,
        },
        run_error: run_error(store, id, &work).await?,
        held: held.map(|run| (run.id, run.held.map_or(0, |held| held.count))),
        expected,
        presence: silence(presence, now),
        secret_ends_at: connection.secret_expires_at,
        lost_subscriptions: lost_subscriptions(store, id).await?,
    })
}

/// The end of a secret matters in any case.
fn wanted(connection: &Connection, settings: &ConnectionSettings) -> BTreeSet<AlertKind> {
    let mut wanted = BTreeSet::from([AlertKind::SecretEnds]);
    if !connection.status.may_run() {
        return wanted;
    }
    if settings.makes_runs() {
        wanted.extend([AlertKind::SyncFailing, AlertKind::PlanHeld, AlertKind::NoGoodRun]);
        if settings.change_sync.enabled {
            wanted.insert(AlertKind::SubscriptionLost);
        }
    }
    if settings.presence.enabled {
        wanted.insert(AlertKind::PresenceSilent);
    }
    // A connection that needs a person needs them whatever is switched on.
    if matches!(connection.status, ConnectionStatus::NeedsAttention { .. }) {
        wanted.insert(AlertKind::SyncFailing);
    }
    wanted
}

/// Outside office hours nobody knows how presence is.
fn resting(presence: Option<&PresenceWork>, now: Timestamp) -> BTreeSet<AlertKind> {
    let closed = presence.and_then(|work| work.closed_until);
    let rests = closed.is_some_and(|until| now < until);
    rests.then_some(AlertKind::PresenceSilent).into_iter().collect()
}

async fn run_error(store: &Store, id: ConnectionId, work: &WorkState) -> Result<Option<String>, StoreError> {
    let Some(last) = work.last_run.filter(|_| work.failures_in_row > 0) else {
        return Ok(None);
    };
    Ok(store.run(id, last).await?.and_then(|run| run.error_sentence()))
}

fn silence(work: Option<PresenceWork>, now: Timestamp) -> Option<Silence> {
    let silent = work.filter(|work| work.alert_since.is_some() || work.is_silent(now));
    silent.map(|work| Silence {
        last_good_at: work.last_good_at.or(work.wanted_since).unwrap_or(now),
        reason: work.problem.map(|problem| problem.sentence),
    })
}

async fn lost_subscriptions(store: &Store, id: ConnectionId) -> Result<Vec<String>, StoreError> {
    let watch = store.watch(id).await?.map(|stored| stored.value);
    let lost = watch.filter(crate::store::Watch::has_lost_subscriptions);
    Ok(lost.map_or_else(Vec::new, |watch| watch.problems.into_values().collect()))
}
