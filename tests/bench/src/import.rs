//! The first import against its ideal: the reads, then every create with the PBX kept as busy as the client may.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use shared::domain::extension::{NewExtension, OwnedFields};
use shared::domain::number::ExtensionNumber;
use shared::domain::sync_run::RunMode;
use shared::ports::{Sides, UserQuery};
use simulators::pbx::Pbx;

use crate::row::{Goal, float, median, remark, row};
use crate::stage::{Shape, Stage};

/// How many creates tell what one takes.
const PROBES: usize = 15;
/// Numbers far from those that the run gives out.
const PROBE_NUMBERS: usize = 9_000_000;

/// Imports so many people into a PBX whose calls take at least `latency`.
pub async fn measure(people: usize, latency: Duration) -> anyhow::Result<()> {
    let stage = Stage::set(Shape {
        people,
        with_extensions: false,
        latency: Some(latency),
    })
    .await?;
    let sides = own_sides(&stage).await?;
    let write = one_write(&sides).await?;
    let read = reads(&sides).await?;
    let slots = sides.phone_system.write_slots();
    stage.reset();
    let ramp = tokio::spawn(watch(Arc::clone(&stage.pbx), slots));
    let begun = Instant::now();
    let run = stage.sync(RunMode::Full).await?;
    let wall = begun.elapsed().as_secs_f64();
    let made = run.counts().create;
    anyhow::ensure!(made == people as u64, "{made} of {people} were made");
    let rounds = float(made.div_ceil(slots as u64));
    let ideal = read + rounds * write;
    let name = format!(
        "first import of {people}, wall / ideal at {} ms",
        latency.as_millis()
    );
    row(&name, wall / ideal, Goal::AtMost(1.15));
    remark(&format!(
        "wall {wall:.2} s, ideal {ideal:.2} s = reads {read:.3} s + {rounds} x {:.1} ms",
        write * 1_000.0
    ));
    match ramp.await? {
        Some(took) => remark(&format!(
            "{slots} calls at once {:.0} ms after the first create",
            took.as_secs_f64() * 1_000.0
        )),
        None => remark(&format!("it never had {slots} calls at once")),
    }
    Ok(())
}

/// Clients apart from those of the run, whose pace must start afresh.
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

async fn one_write(sides: &Sides) -> anyhow::Result<f64> {
    let mut took = Vec::with_capacity(PROBES);
    for probe in 0..PROBES {
        let wanted = NewExtension {
            number: ExtensionNumber::parse(&(PROBE_NUMBERS + probe).to_string())?,
            fields: OwnedFields {
                first_name: format!("Probe{probe}"),
                last_name: "Example".to_owned(),
                email: format!("probe{probe}@probe.example"),
                mobile: String::new(),
                title: "Engineer".to_owned(),
            },
        };
        let begun = Instant::now();
        sides.phone_system.create_extension(&wanted).await?;
        took.push(begun.elapsed().as_secs_f64());
    }
    Ok(median(took))
}

/// Both sides side by side, and the question for the licence after them.
async fn reads(sides: &Sides) -> anyhow::Result<f64> {
    let query = UserQuery::default();
    let begun = Instant::now();
    let directory = async {
        sides.directory.user_cursor(&query).await?;
        sides.directory.list_users(&query).await?;
        anyhow::Ok(())
    };
    let phones = async {
        sides.phone_system.list_extensions().await?;
        anyhow::Ok(())
    };
    tokio::try_join!(directory, phones)?;
    sides.phone_system.capacity().await?;
    Ok(begun.elapsed().as_secs_f64())
}

/// How long after the first create there were so many calls at once.
async fn watch(pbx: Arc<Pbx>, slots: usize) -> Option<Duration> {
    let mut first = None;
    let given_up = Instant::now() + Duration::from_secs(30);
    while Instant::now() < given_up {
        let counters = pbx.counters();
        if counters.requests.contains_key("extension/create") {
            let first = *first.get_or_insert_with(Instant::now);
            if counters.in_flight_peak >= slots {
                return Some(first.elapsed());
            }
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    None
}
