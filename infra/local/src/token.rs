//! `token create`: goes through the running `serve` where there is one, else opens the table itself.

use anyhow::Context;
use secrecy::ExposeSecret;
use shared::clock::SystemClock;
use shared::domain::role::Role;
use shared::settings::LocalSettings;
use shared::store::Store;

use crate::cli::TokenCreate;
use crate::data_dir::{DataDir, DataDirError, announced};
use crate::host::{open_store, open_table, store_at};
use crate::serve::secrets_key;

/// Makes a token and prints it; it is stored as a hash only.
pub async fn create(settings: LocalSettings, wanted: TokenCreate) -> anyhow::Result<()> {
    let role = Role::from(wanted.role);
    let path = settings.data_dir.clone().context("a data directory is needed")?;
    let key = secrets_key(&settings, &path);
    let token = match DataDir::open(&path) {
        Ok(folder) => {
            let table = open_table(Some(&folder.table_file())).await?;
            let store = open_store(&table, &settings.table, &key).await?;
            make(&store, role, &wanted.name).await?
        }
        Err(DataDirError::Busy(_)) => {
            let address = announced(&path)?;
            let store = store_at(&address, &key).await?;
            make(&store, role, &wanted.name).await?
        }
        Err(error) => return Err(error.into()),
    };
    println!("{}", render(&token, role, &wanted));
    Ok(())
}

async fn make(store: &Store, role: Role, name: &str) -> anyhow::Result<String> {
    let token = admin::create_token(store, &SystemClock, role, name).await?;
    Ok(token.secret.expose_secret().to_owned())
}

fn render(token: &str, role: Role, wanted: &TokenCreate) -> String {
    if wanted.json {
        serde_json::json!({ "token": token, "role": role, "name": wanted.name }).to_string()
    } else {
        token.to_owned()
    }
}
