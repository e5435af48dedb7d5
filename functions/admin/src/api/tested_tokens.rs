//! What the table remembers of signing in to a PBX, after new credentials have passed their test.

use shared::domain::connection::{Connection, ConnectionSecrets, PbxCredentials};
use shared::domain::ids::ConnectionId;
use shared::pbx::token_owner;
use shared::ports::{CredentialsDigest, PbxTokenStore as _};
use shared::store::{Store, StoreError, StoredPbxTokens};
use shared::telemetry::chain;

/// They were just taken, so an earlier refusal of the same ones is no longer true. Before they are saved: whoever reads the
/// saved ones must not find the refusal.
pub async fn forget_refusals(
    store: &Store,
    connection: ConnectionId,
    api: bool,
    linkus_sdk: bool,
) -> Result<(), StoreError> {
    if api {
        store.pbx_token_store(connection).forget_refusal().await?;
    }
    if linkus_sdk {
        store.sdk_token_store(connection).forget_refusal().await?;
    }
    Ok(())
}

/// Clears the tokens that were obtained elsewhere or with other credentials. Nobody would use them, so it matters little
/// whether it can be done.
pub async fn forget_tokens_of_others(
    store: &Store,
    old: (&Connection, &ConnectionSecrets),
    new: (&Connection, &ConnectionSecrets),
) {
    let id = new.0.id;
    if api(old) != api(new) {
        clear(id, &store.pbx_token_store(id)).await;
    }
    if linkus_sdk(old) != linkus_sdk(new) {
        clear(id, &store.sdk_token_store(id)).await;
    }
}

async fn clear(id: ConnectionId, tokens: &StoredPbxTokens) {
    if let Err(error) = tokens.clear().await {
        tracing::warn!(connection.id = %id, error = %chain(&error), "tokens that nobody uses any more stay until they are replaced");
    }
}

fn api((connection, secrets): (&Connection, &ConnectionSecrets)) -> CredentialsDigest {
    token_owner(&connection.pbx, &secrets.pbx)
}

fn linkus_sdk((connection, secrets): (&Connection, &ConnectionSecrets)) -> Option<CredentialsDigest> {
    let sdk = secrets.linkus_sdk.as_ref()?;
    Some(token_owner(&connection.pbx, &PbxCredentials::from(sdk)))
}
