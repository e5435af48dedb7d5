//! Requests of a run over the fewest it could do with, and what it writes to the table. Counted on the other sides.

use shared::domain::sync_run::RunMode;

use crate::connector::{Addresses, ask, drive};
use crate::row::{Goal, float, remark, row};
use crate::stage::Stage;

/// Rows on a page of Graph.
const GRAPH_PAGE: u64 = 999;
/// Rows on a page of the PBX.
const PBX_PAGE: u64 = 1_000;
/// Extensions whose details one call brings.
const DETAILS: u64 = 100;
/// How many people change.
const CHANGED: u64 = 100;

struct Least {
    graph: u64,
    pbx: u64,
}

/// No change in full, no change by delta, and some changes by delta.
pub async fn measure(people: usize) -> anyhow::Result<()> {
    let stage = Stage::in_step(people).await?;
    let everyone = people as u64;
    // One run that signs in and leaves the cursors: what is measured is a usual day, not the first hour.
    stage.sync(RunMode::Full).await?;
    let full = Least {
        graph: everyone.div_ceil(GRAPH_PAGE),
        pbx: everyone.div_ceil(PBX_PAGE) + everyone.div_ceil(DETAILS),
    };
    run(&stage, "full, no change", RunMode::Full, &full).await?;
    let still = Least { graph: 1, pbx: 0 };
    run(&stage, "delta, no change", RunMode::Delta, &still).await?;
    stage.promote(100)?;
    let changed = Least {
        graph: 1,
        pbx: CHANGED.div_ceil(DETAILS) + CHANGED,
    };
    run(&stage, "delta, 100 changes", RunMode::Delta, &changed).await?;
    writes(&stage, "full, no change", RunMode::Full).await?;
    writes(&stage, "delta, no change", RunMode::Delta).await
}

async fn run(stage: &Stage, name: &str, mode: RunMode, least: &Least) -> anyhow::Result<()> {
    stage.reset();
    stage.sync(mode).await?;
    let (graph, pbx) = (stage.graph_calls(), stage.pbx_calls());
    let ratio = float(graph + pbx) / float(least.graph + least.pbx);
    row(&format!("requests / minimum, {name}"), ratio, Goal::AtMost(1.0));
    remark(&format!(
        "Graph {graph} of {}, PBX {pbx} of {}",
        least.graph, least.pbx
    ));
    if graph + pbx != least.graph + least.pbx {
        remark(&format!("Graph: {:?}", stage.graph.request_counts()));
        remark(&format!("PBX: {:?}", stage.pbx.counters().requests));
    }
    Ok(())
}

/// From the message of the queue to the end of the run; asking for it belongs to who asks.
async fn writes(stage: &Stage, name: &str, mode: RunMode) -> anyhow::Result<()> {
    let addresses = Addresses {
        table: stage.table.endpoint(),
        ..stage.addresses.clone()
    };
    let engine = addresses.engine()?;
    ask(&engine, stage.connection, mode).await?;
    stage.table.take();
    drive(&engine, stage.connection).await?;
    let counts = stage.table.take();
    row(
        &format!("table items written, {name}"),
        float(counts.items_written),
        Goal::AtMost(2.0),
    );
    remark(&format!(
        "{} writing requests, {} write units, {} reading requests",
        counts.writes, counts.write_units, counts.reads
    ));
    Ok(())
}
