//! Polls of Teams presence against their ideal: the questions, eight side by side, then every change with the PBX kept as
//! busy as the client may. And what they read and write in the table.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use shared::clock::SystemClock;
use shared::deadline::Deadline;
use shared::domain::binding::Binding;
use shared::domain::ids::EntraUserId;
use shared::domain::settings::{ExtensionPresence, OnOff};
use shared::ports::{Clock as _, PRESENCES_AT_ONCE, Sides};
use shared::presence_poll::{PollEnd, Poller, poll_due};
use shared::store::PollCounts;

use crate::connector::Addresses;
use crate::row::{Goal, float, median, remark, row};
use crate::stage::{Stage, TENANT};

/// How many calls tell what one takes, and how many polls what a poll takes.
const PROBES: usize = 15;
const POLLS: usize = 10;
/// Questions to Graph side by side, as a poll asks them.
const SIDE_BY_SIDE: usize = 8;
/// Of how many people one shows something else from one poll to the next.
const ONE_IN: usize = 200;

/// What one call takes, in seconds.
struct Single {
    question: f64,
    write: f64,
}

/// Polls that many people, with both sides at least `latency` away.
pub async fn measure(people: usize, latency: Duration) -> anyhow::Result<()> {
    let stage = Stage::in_step(people).await?;
    let poller = switch_on(&stage).await?;
    // Everybody begins: their extensions take along what Teams shows.
    let first = poll(&poller, &stage).await?;
    anyhow::ensure!(first.people == people, "{} of {people} take part", first.people);
    requests(&stage, &poller, people).await?;
    set_latency(&stage, latency);
    walls(&stage, &poller, people, latency).await
}

async fn switch_on(stage: &Stage) -> anyhow::Result<Poller> {
    let addresses = Addresses {
        table: stage.table.endpoint(),
        ..stage.addresses.clone()
    };
    let engine = addresses.engine()?;
    let stored = engine
        .store
        .settings(stage.connection)
        .await?
        .context("no settings")?;
    let mut settings = stored.value;
    settings.presence.enabled = true;
    settings.presence.users_default = OnOff::On;
    let saved = engine
        .store
        .put_settings(stage.connection, &settings, stored.version);
    anyhow::ensure!(saved.await?.is_ok(), "somebody else saved");
    engine
        .store
        .presence_soon(stage.connection, true, SystemClock.now())
        .await?;
    // The next poll is due as soon as this one ends.
    Ok(Poller::new(engine, Duration::ZERO))
}

async fn poll(poller: &Poller, stage: &Stage) -> anyhow::Result<PollCounts> {
    match poll_due(poller, stage.connection, &Deadline::when_asked()).await? {
        PollEnd::Polled(counts) => Ok(counts),
        end => anyhow::bail!("the poll ended {end:?}"),
    }
}

/// One poll without a change, one with some: calls, and what goes to the table.
async fn requests(stage: &Stage, poller: &Poller, people: usize) -> anyhow::Result<()> {
    let chunks = people.div_ceil(PRESENCES_AT_ONCE);
    for (name, movers) in [("no change", 0), ("some changes", people / ONE_IN)] {
        let touched = show(stage, movers, "Busy", "InAMeeting")?;
        stage.reset();
        stage.table.take();
        poll(poller, stage).await?;
        let table = stage.table.take();
        let least = chunks + movers;
        let calls = float(stage.graph_calls() + stage.pbx_calls()) / float(least as u64);
        row(
            &format!("presence, {people}, {name}: requests / minimum"),
            calls,
            Goal::AtMost(1.0),
        );
        row(
            "  read units per 650 people",
            table.read_units / float(chunks as u64),
            Goal::AtMost(0.5),
        );
        // A poll that begins and one that ends say so; each changed chunk is written before and after the PBX is.
        row(
            "  items written, beside two a changed chunk",
            float(table.items_written) - float(2 * touched as u64),
            Goal::AtMost(2.0),
        );
    }
    Ok(())
}

/// Lets so many people, spread over all, show this. Answers in how many chunks of the roster they sit.
fn show(stage: &Stage, movers: usize, availability: &str, activity: &str) -> anyhow::Result<usize> {
    let mut people = stage.graph.user_ids(TENANT)?;
    // A roster that was filled at once sits in the order of ids.
    people.sort_unstable();
    let mut chunks = std::collections::BTreeSet::new();
    let step = people.len().checked_div(movers).unwrap_or(1);
    for (place, user) in people.iter().enumerate().step_by(step.max(1)).take(movers) {
        let shown = stage.graph.set_presence(TENANT, *user, availability, activity);
        shown.map_err(|error| anyhow::anyhow!("{error:?}"))?;
        chunks.insert(place / PRESENCES_AT_ONCE);
    }
    Ok(chunks.len())
}

fn set_latency(stage: &Stage, latency: Duration) {
    let milliseconds = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
    let mut behaviour = stage.graph.behaviour();
    behaviour.latency_ms = milliseconds;
    stage.graph.set_behaviour(behaviour);
    stage
        .pbx
        .change_settings(|settings| settings.latency_ms = milliseconds);
}

async fn walls(stage: &Stage, poller: &Poller, people: usize, latency: Duration) -> anyhow::Result<()> {
    let movers = people / ONE_IN;
    let sides = own_sides(stage).await?;
    let single = singles(stage, &sides).await?;
    let slots = sides.extension_presences.slots();
    let questions = people.div_ceil(PRESENCES_AT_ONCE).div_ceil(SIDE_BY_SIDE);
    let ideal = |writes: usize| {
        float(questions as u64) * single.question + float(writes.div_ceil(slots) as u64) * single.write
    };
    for (name, writes) in [("no change", 0), ("some changes", movers)] {
        let mut took = Vec::with_capacity(POLLS);
        for round in 0..POLLS {
            let shown = if round % 2 == 0 {
                ("Away", "Away")
            } else {
                ("Busy", "Busy")
            };
            show(stage, writes, shown.0, shown.1)?;
            let begun = Instant::now();
            let counts = poll(poller, stage).await?;
            took.push(begun.elapsed().as_secs_f64());
            anyhow::ensure!(counts.written == writes, "{} were written", counts.written);
        }
        let (wall, ideal) = (median(took), ideal(writes));
        let name = format!(
            "presence, {people}, {name}: wall / ideal at {} ms",
            latency.as_millis()
        );
        row(&name, wall / ideal, Goal::AtMost(1.15));
        remark(&format!(
            "wall {wall:.2} s, ideal {ideal:.2} s = {questions} x {:.1} ms + {} x {:.1} ms",
            single.question * 1_000.0,
            writes.div_ceil(slots),
            single.write * 1_000.0
        ));
    }
    Ok(())
}

/// Clients apart from those of the poll.
async fn own_sides(stage: &Stage) -> anyhow::Result<Sides> {
    let engine = stage.addresses.engine()?;
    let connection = engine.store.connection(stage.connection).await?;
    let secrets = engine.store.secrets(stage.connection).await?;
    let (connection, secrets) = (
        connection.context("no connection")?,
        secrets.context("no secrets")?,
    );
    Ok(engine.sides.sides(&connection.value, &secrets)?)
}

async fn singles(stage: &Stage, sides: &Sides) -> anyhow::Result<Single> {
    let people: Vec<EntraUserId> = stage
        .graph
        .user_ids(TENANT)?
        .iter()
        .take(PRESENCES_AT_ONCE)
        .map(|user| EntraUserId::parse(&user.to_string()))
        .collect::<Result<_, _>>()?;
    let bindings = stage.engine.store.bindings(stage.connection).await?;
    let extension = bindings
        .values()
        .find_map(Binding::bound)
        .map(|bound| bound.extension);
    let extension = extension.context("nobody is bound")?;
    let (mut questions, mut writes) = (Vec::new(), Vec::new());
    for _ in 0..PROBES {
        let begun = Instant::now();
        sides.teams.presences(&people).await?;
        questions.push(begun.elapsed().as_secs_f64());
        let begun = Instant::now();
        let set = sides
            .extension_presences
            .set_presence(extension, ExtensionPresence::Lunch);
        set.await?;
        writes.push(begun.elapsed().as_secs_f64());
    }
    Ok(Single {
        question: median(questions),
        write: median(writes),
    })
}
