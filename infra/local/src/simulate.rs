//! `simulate`: one simulator on its own, with everything printed that a connector needs to reach it.

use std::net::SocketAddr;

use simulators::clock::SimClock;
use simulators::graph::{self, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DEMO_TENANT_ID, Graph};
use simulators::pbx::{self, Pbx};

use crate::cli::{Side, Simulate};
use crate::signals::StopSignals;

/// Serves until a signal.
pub async fn run(what: &Simulate) -> anyhow::Result<()> {
    let mut signals = StopSignals::listen()?;
    match what.side {
        Side::Graph => {
            let running = start_graph(what).await?;
            println!("Simulated Microsoft Graph with {} people", what.users);
            println!("GRAPH_BASE_URL={}", running.graph_base_url());
            println!("LOGIN_BASE_URL={}", running.login_base_url());
            println!(
                "tenant_id={DEMO_TENANT_ID}\nclient_id={DEMO_CLIENT_ID}\nclient_secret={DEMO_CLIENT_SECRET}"
            );
            signals.received().await;
            running.shutdown();
        }
        Side::Pbx => {
            let config = pbx::Config::sized(what.seed, what.users);
            let api = config.credentials.api.clone();
            let running = Pbx::start(config, listen(what)).await?;
            println!("Simulated PBX licensed for {} people", what.users);
            println!("base_url={}", running.base_url());
            println!("client_id={}\nclient_secret={}", api.id, api.secret);
            signals.received().await;
            running.shutdown().await;
        }
    }
    Ok(())
}

async fn start_graph(what: &Simulate) -> anyhow::Result<graph::Running> {
    let config = graph::Config::sized(what.seed, what.users, SimClock::real());
    Ok(Graph::start(config, listen(what)).await?)
}

fn listen(what: &Simulate) -> SocketAddr {
    let port = match what.side {
        Side::Graph => 8181,
        Side::Pbx => 8182,
    };
    what.listen
        .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], port)))
}
