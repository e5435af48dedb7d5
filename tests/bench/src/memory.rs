//! Memory and processor time of the connector in a process of its own, with the simulators in this one.

use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use shared::domain::ids::ConnectionId;
use shared::domain::sync_run::{RunMode, RunState};

use crate::connector::{Addresses, sync};
use crate::row::{Goal, float, remark, row};
use crate::stage::Stage;

/// The word that makes this binary a connector.
pub const AS_CONNECTOR: &str = "as-connector";
/// How many runs the processor time is taken of; the best counts, because others only ever add to it.
const RUNS: usize = 5;

/// What a process of its own said of itself.
#[derive(Debug, Clone, Copy)]
pub struct Use {
    /// People in step.
    pub people: usize,
    /// After the first run.
    pub first_mib: f64,
    /// After the last run.
    pub last_mib: f64,
    /// Of the cheapest run after the first.
    pub cpu_seconds: f64,
}

/// Runs without a change among so many people.
pub async fn measure(people: usize) -> anyhow::Result<Use> {
    let stage = Stage::in_step(people).await?;
    let (addresses, connection) = (stage.addresses.clone(), stage.connection);
    let output = tokio::task::spawn_blocking(move || {
        let this = std::env::current_exe()?;
        Command::new(this)
            .arg(AS_CONNECTOR)
            .args(addresses.arguments())
            .arg(connection.to_string())
            .output()
    })
    .await??;
    let said = String::from_utf8(output.stdout)?;
    let reason = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(
        output.status.success(),
        "the connector's process failed: {reason}"
    );
    let figures: Vec<f64> = said
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    let [idle, first, last, cpu] = figures[..] else {
        anyhow::bail!("the connector's process said {said:?}");
    };
    let told = Use {
        people,
        first_mib: first,
        last_mib: last,
        cpu_seconds: cpu,
    };
    tell(told, idle);
    Ok(told)
}

fn tell(told: Use, idle: f64) {
    let goal = 32.0 + float(told.people as u64) * 0.5 / 1_024.0;
    let name = format!("memory high water, {} bound, full, no change, MiB", told.people);
    row(&name, told.first_mib, Goal::AtMost(goal));
    row(
        "  the same against the hard limit",
        told.first_mib,
        Goal::AtMost(256.0),
    );
    remark(&format!(
        "{idle:.1} MiB before the first run, {:.1} MiB after {RUNS} more; cheapest run {:.1} ms of processor",
        told.last_mib,
        told.cpu_seconds * 1_000.0
    ));
}

/// By which power of the people the processor time grows.
pub fn growth(small: Use, large: Use) {
    let people = float(large.people as u64) / float(small.people as u64);
    let exponent = (large.cpu_seconds / small.cpu_seconds).ln() / people.ln();
    let name = format!(
        "growth exponent of processor time, {} to {}",
        small.people, large.people
    );
    row(&name, exponent, Goal::AtMost(1.05));
}

/// The process of its own: runs and says what that took.
pub async fn as_connector(arguments: &[String]) -> anyhow::Result<()> {
    let [table, key, graph, login, connection] = arguments else {
        anyhow::bail!("expected table, its key, Graph, sign-in, and a connection");
    };
    let addresses = Addresses::from_arguments([table, key, graph, login]);
    let connection: ConnectionId = connection.parse()?;
    let engine = addresses.engine()?;
    let idle = high_water_mib()?;
    let mut best = f64::MAX;
    let mut first = idle;
    for number in 0..=RUNS {
        let before = cpu_seconds()?;
        let run = sync(&engine, connection, RunMode::Full).await?;
        anyhow::ensure!(run.state == RunState::Succeeded, "the run ended {:?}", run.state);
        if number == 0 {
            first = high_water_mib()?;
        } else {
            best = best.min(cpu_seconds()? - before);
        }
    }
    println!("{idle} {first} {} {best}", high_water_mib()?);
    Ok(())
}

fn high_water_mib() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.split_whitespace().next());
    Ok(kib.context("no VmHWM")?.parse::<f64>()? / 1_024.0)
}

/// Of all threads that live; nanoseconds where the process's own sum has hundredths of a second.
pub fn cpu_seconds() -> anyhow::Result<f64> {
    let mut sum = 0;
    for thread in std::fs::read_dir(Path::new("/proc/self/task"))? {
        let told = std::fs::read_to_string(thread?.path().join("schedstat"))?;
        let on_processor = told.split_whitespace().next().context("an empty schedstat")?;
        sum += on_processor.parse::<u64>()?;
    }
    Ok(float(sum) / 1e9)
}
