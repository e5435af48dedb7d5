//! The demo: a simulated tenant and a simulated PBX, connected through the Admin API as an admin would, the first sync in
//! plain view, then the server stays. Nothing here has another way into the product than the API.

mod api;
mod follow;
mod mailboxes;
mod pbx;
mod presence;
mod progress;
mod report;
mod tenant;
mod tour;

use std::fs::Permissions;
use std::future::pending;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Context;
use shared::settings::{GraphAddresses, LocalSettings};
use simulators::graph;
use url::Url;

use crate::host::{Front, Host, Parts, open_table};
use crate::serve::secrets_key;
use crate::signals::StopSignals;
use api::Api;

/// Runs until a signal.
pub async fn run(settings: LocalSettings) -> anyhow::Result<()> {
    let mut signals = StopSignals::listen()?;
    let folder = temporary_folder(settings.data_dir.as_deref())?;
    let cloud = tenant::start().await?;
    let phones = pbx::start().await?;
    let token = format!("yc_{}", hex::encode(rand::random::<[u8; 32]>()));
    let mut host = start_host(&settings, folder.path(), &cloud, &token).await?;
    let tour = tour::Tour {
        api: Api::new(host.origin().as_str(), &token)?,
        pbx_address: phones.base_url(),
        pbx_credentials: phones.pbx_credentials(),
    };
    let told = tokio::select! {
        told = show(&tour, &mut host, (&cloud, &phones), &token) => told,
        () = signals.received() => Ok(()),
    };
    host.stop().await;
    told
}

/// The tour, a change that follows by itself, the morning in Teams, and then whatever happens.
async fn show(
    tour: &tour::Tour,
    host: &mut Host,
    (cloud, phones): (&graph::Running, &pbx::Phones),
    token: &str,
) -> anyhow::Result<()> {
    let connection = tour.take(host).await?;
    let mut follower = follow::Follower::new(&tour.api, &connection).await?;
    follower.show_a_change(&cloud.graph()).await?;
    let day = presence::Day::begin(&tour.api, &connection, cloud.graph(), phones.pbx()).await?;
    report::invite(host.origin(), token, &format!("{}/_sim", cloud.login_base_url()));
    let told = tokio::select! {
        told = follower.tell_always() => told,
        told = day.go_on() => told,
    };
    match told {
        Ok(never) => match never {},
        Err(error) if tour.api.has(&connection).await? => Err(error),
        // Who tries the console may delete what the tour connected, and connect anew.
        Err(_) => {
            println!("\nThe connection of the tour was deleted; the demo keeps serving and tells no more");
            pending().await
        }
    }
}

async fn start_host(
    settings: &LocalSettings,
    folder: &Path,
    cloud: &graph::Running,
    token: &str,
) -> anyhow::Result<Host> {
    let key = secrets_key(settings, folder);
    let microsoft = GraphAddresses {
        graph: Url::parse(&cloud.graph_base_url())?,
        login: Url::parse(&cloud.login_base_url())?,
    };
    let parts = Parts {
        table: open_table(None).await?,
        table_name: &settings.table,
        secrets_key: &key,
        microsoft,
        policy: settings.policy,
        poll_every: presence::POLL_EVERY,
    };
    let front = Front {
        listen: settings.listen,
        public_base_url: settings.public_base_url.clone(),
        bootstrap: Some(admin::TokenHash::of(token)),
    };
    Host::start(parts, front).await
}

/// A folder that goes with the demo, inside the data directory where one is named; for its owner alone.
fn temporary_folder(parent: Option<&Path>) -> anyhow::Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    let builder = builder
        .prefix("connector-demo-")
        .permissions(Permissions::from_mode(0o700));
    let made = match parent {
        Some(parent) => std::fs::create_dir_all(parent).and_then(|()| builder.tempdir_in(parent)),
        None => builder.tempdir(),
    };
    made.context("a temporary folder could not be made")
}
