//! `serve`: the connector alone, its table in the data directory.

use std::path::Path;

use anyhow::Context;
use shared::presence_poll::EVERY;
use shared::settings::{LocalSettings, SecretsKey};

use crate::data_dir::{DataDir, TableAddress, key_file};
use crate::host::{Front, Host, Parts, open_table};
use crate::signals::StopSignals;

/// Serves until a signal.
pub async fn run(settings: LocalSettings) -> anyhow::Result<()> {
    let mut signals = StopSignals::listen()?;
    let path = settings
        .data_dir
        .clone()
        .context("serve needs a data directory")?;
    let folder = DataDir::open(&path)?;
    let table = open_table(Some(&folder.table_file())).await?;
    let key = secrets_key(&settings, &path);
    let parts = Parts {
        table: table.clone(),
        table_name: &settings.table,
        secrets_key: &key,
        microsoft: settings.microsoft.clone(),
        policy: settings.policy,
        poll_every: EVERY,
    };
    let mut host = Host::start(parts, front(&settings)?).await?;
    folder.announce(&TableAddress {
        endpoint: table.endpoint(),
        access_key: table.access_key().clone(),
        table: settings.table.as_str().to_owned(),
    })?;
    host.start_work();
    println!("The connector serves {}", host.origin());
    if settings.bootstrap.is_none() {
        println!("API tokens are made with: connector token create --role admin");
    }
    signals.received().await;
    println!("Stopping");
    folder.withdraw();
    host.stop().await;
    Ok(())
}

/// The key of the settings, or else the file in the data directory.
pub fn secrets_key(settings: &LocalSettings, data_dir: &Path) -> SecretsKey {
    settings
        .secrets_key
        .clone()
        .unwrap_or_else(|| SecretsKey::File(key_file(data_dir)))
}

fn front(settings: &LocalSettings) -> anyhow::Result<Front> {
    let bootstrap = settings.bootstrap.as_ref();
    Ok(Front {
        listen: settings.listen,
        public_base_url: settings.public_base_url.clone(),
        bootstrap: bootstrap
            .map(|hash| admin::TokenHash::parse_hex(hash.as_hex()))
            .transpose()?,
    })
}
