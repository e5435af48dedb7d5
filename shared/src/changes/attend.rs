//! Attends to a connection's watch when it is due: subscriptions first, then the look. One attendant at a time: whoever
//! moves the due time first has it, and one that dies leaves it due again shortly.

use std::time::Duration;

use jiff::Timestamp;
use tracing::Instrument as _;

use super::look::Look;
use super::subscribe::Keeper;
use super::terms::{Address, Terms};
use super::vitals::Vitals;
use crate::alerts::Outlets;
use crate::domain::client_state::ClientStateKey;
use crate::domain::ids::ConnectionId;
use crate::ports::{SideError, Sides};
use crate::store::{Store, StoreError, Watch};
use crate::sync_run::Engine;
use crate::telemetry::chain;

/// How long an attendant has before another may try: looks of the largest tenants take seconds.
const ATTENDANCE: Duration = Duration::from_mins(3);

/// What the attendant's process knows of its place in the world.
#[derive(Clone)]
pub struct Surroundings {
    /// For secret words of subscriptions.
    pub key: ClientStateKey,
    /// Where Graph may report to.
    pub address: Address,
    /// How long something due may lie before it is found.
    pub step: Duration,
    /// What alerts may reach.
    pub alerts: Outlets,
}

/// The watch could not be attended to; it stays due.
#[derive(Debug, thiserror::Error)]
pub enum AttendError {
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The connection's settings make no client.
    #[error("the connection cannot be used: {0}")]
    Sides(#[from] SideError),
}

/// Does what is due for one connection. Every line that is logged meanwhile names it.
pub async fn attend(engine: &Engine, id: ConnectionId, around: &Surroundings) -> Result<(), AttendError> {
    let span = tracing::error_span!("watch", connection.id = %id);
    Box::pin(see_to(engine, id, around)).instrument(span).await
}

async fn see_to(engine: &Engine, id: ConnectionId, around: &Surroundings) -> Result<(), AttendError> {
    let store = &engine.store;
    let Some(mut watch) = claim(engine, id).await? else {
        return Ok(());
    };
    let claimed = watch.clone();
    let (Some(connection), Some(settings)) = (store.connection(id).await?, store.settings(id).await?) else {
        return Ok(store.drop_watch(id).await?);
    };
    let (connection, settings) = (connection.value, settings.value);
    let mut terms = Terms::of(&connection, &settings, around.step);
    if settings.groups.enabled {
        let bound = store.group_bindings(id).await?;
        terms
            .groups
            .extend(bound.into_iter().map(|binding| binding.group));
    }
    watch.tenant = connection.tenant;
    watch.follows = terms.follows();
    watch.threshold = terms.threshold;
    watch.wait_seconds = u32::try_from(terms.wait.as_secs()).unwrap_or(u32::MAX);
    watch.groups.clone_from(&terms.groups);
    if watch.follows || !watch.subscriptions.is_empty() {
        let Some(secrets) = store.secrets(id).await? else {
            return Ok(store.drop_watch(id).await?);
        };
        let sides = engine.sides.sides(&connection, &secrets)?;
        keep(engine, id, around, (&sides, &terms), &mut watch).await;
        if watch.follows {
            let look = Look {
                engine,
                connection: id,
                settings: &settings,
                directory: sides.directory.as_ref(),
                terms: &terms,
            };
            note_look(engine, id, &mut watch, look.look().await);
            if let Some(work) = store.work_state(id).await? {
                let waits = store.waiting_for_approval(id, &work).await?.is_some();
                Vitals::of(&connection, &watch, (&work, waits), engine.clock.now()).log(&connection);
            }
        }
    }
    let now = engine.clock.now();
    watch.due_at = next(&watch, &terms, now);
    let is_news = watch.has_lost_subscriptions() != claimed.has_lost_subscriptions();
    give_back(store, id, &claimed, watch).await?;
    if is_news {
        store.alerts_soon(id, now).await?;
    }
    Ok(())
}

async fn keep(
    engine: &Engine,
    connection: ConnectionId,
    around: &Surroundings,
    (sides, terms): (&Sides, &Terms),
    watch: &mut Watch,
) {
    let keeper = Keeper {
        connection,
        graph: sides.subscriptions.as_ref(),
        key: &around.key,
        address: &around.address,
        now: engine.clock.now(),
    };
    keeper.keep(watch, terms).await;
}

fn note_look(
    engine: &Engine,
    connection: ConnectionId,
    watch: &mut Watch,
    looked: Result<(), crate::sync_run::collect_error::CollectError>,
) {
    match looked {
        Ok(()) => {
            watch.looked_at = Some(engine.clock.now());
            watch.look_problem = None;
        }
        Err(error) => {
            tracing::warn!(connection.id = %connection, error = %chain(&error), "changes could not be looked for");
            watch.look_problem = Some(error.to_string());
        }
    }
}

/// The watch, if it is due and nobody else was faster.
async fn claim(engine: &Engine, id: ConnectionId) -> Result<Option<Watch>, StoreError> {
    let now = engine.clock.now();
    let Some(read) = engine.store.watch(id).await? else {
        return Ok(None);
    };
    if read.value.due_at.is_none_or(|due| due > now) {
        return Ok(None);
    }
    let claimed = Watch {
        due_at: Some(later(now, ATTENDANCE)),
        ..read.value
    };
    let ours = engine.store.save_watch(id, &claimed, Some(read.version)).await?;
    Ok(ours.then_some(claimed))
}

/// Stores what the attendant leaves, with what others asked for meanwhile.
async fn give_back(store: &Store, id: ConnectionId, claimed: &Watch, left: Watch) -> Result<(), AttendError> {
    store
        .change_watch(id, |stored| {
            let mut watch = left.clone();
            if stored.due_at < claimed.due_at {
                watch.due_at = earlier(watch.due_at, stored.due_at);
            }
            for (kind, asked) in &stored.subscriptions {
                let was = claimed.subscriptions.get(kind).and_then(|known| known.asked_at);
                if let Some(known) = watch.subscriptions.get_mut(kind)
                    && known.id == asked.id
                    && asked.asked_at != was
                {
                    known.asked_at = asked.asked_at;
                }
            }
            *stored = watch;
        })
        .await?;
    Ok(())
}

/// When the watch wants attention next; never while nothing is followed and nothing is left to end.
fn next(watch: &Watch, terms: &Terms, now: Timestamp) -> Option<Timestamp> {
    // Whatever else there is to do, is done at the next look.
    if watch.follows {
        return Some(later(now, terms.look_every));
    }
    watch.retry_at
}

fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

pub(super) fn later(than: Timestamp, by: Duration) -> Timestamp {
    than.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
#[path = "attend_tests.rs"]
pub(super) mod tests;
