//! The real clients of a connection. They live as long as its addresses and secrets stay the same, so that sign-ins, pace and
//! what was learnt of the PBX outlive one run.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};

use crate::domain::connection::{
    AppCredential, Connection, ConnectionSecrets, LinkusSdkCredentials, PbxCredentials,
};
use crate::domain::ids::ConnectionId;
use crate::graph::{GraphClient, GraphConfig};
use crate::pbx::{LinkusClient, PbxClient, PbxConfig};
use crate::ports::{Clock, Directory, LinkusSignIn, SideError, SideFactory, Sides};
use crate::settings::{AddressPolicy, GraphAddresses};
use crate::store::Store;

/// How long Graph may keep us waiting while an admin waits for the result of a test: an HTTP function ends after 30 s.
const TEST_BUDGET: Duration = Duration::from_secs(15);

/// Makes and keeps clients.
pub struct RealSides {
    microsoft: GraphAddresses,
    policy: AddressPolicy,
    store: Store,
    clock: Arc<dyn Clock>,
    kept: Mutex<BTreeMap<ConnectionId, Kept>>,
    kept_linkus: Mutex<BTreeMap<ConnectionId, KeptLinkus>>,
}

/// The clients of one connection, and of which addresses and secrets they were made.
struct Kept {
    made_of: Fingerprint,
    sides: Sides,
}

/// The same of its Linkus SDK side.
type KeptLinkus = (Fingerprint, Arc<dyn LinkusSignIn>);

#[derive(Clone, Copy, PartialEq, Eq)]
struct Fingerprint([u8; 32]);

impl RealSides {
    /// Clients for these Microsoft addresses and for PBXs that the policy allows.
    pub fn new(
        microsoft: GraphAddresses,
        policy: AddressPolicy,
        store: Store,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            microsoft,
            policy,
            store,
            clock,
            kept: Mutex::default(),
            kept_linkus: Mutex::default(),
        }
    }

    fn pbx_config(&self, connection: &Connection, secrets: &ConnectionSecrets) -> PbxConfig {
        PbxConfig {
            ca_pem: connection.pbx.ca_pem.clone(),
            ..PbxConfig::new(&connection.pbx.base_url, secrets.pbx.clone(), self.policy)
        }
    }

    fn graph(
        &self,
        connection: &Connection,
        secrets: &ConnectionSecrets,
        retry_budget: Duration,
    ) -> Result<GraphClient, SideError> {
        let config = GraphConfig {
            graph_base: self.microsoft.graph.to_string(),
            login_base: self.microsoft.login.to_string(),
            tenant: connection.tenant,
            client_id: connection.client,
            credential: secrets.app.clone(),
            retry_budget,
        };
        GraphClient::new(config, Arc::clone(&self.clock))
    }
}

impl SideFactory for RealSides {
    fn sides(&self, connection: &Connection, secrets: &ConnectionSecrets) -> Result<Sides, SideError> {
        let made_of = fingerprint(connection, secrets);
        // A panic while the lock is held leaves the map whole: entries are put in complete.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept.get(&connection.id)
            && known.made_of == made_of
        {
            return Ok(known.sides.clone());
        }
        let tokens = Arc::new(self.store.pbx_token_store(connection.id));
        let config = self.pbx_config(connection, secrets);
        let graph = self.graph(connection, secrets, GraphConfig::RUN_BUDGET)?;
        let graph = Arc::new(graph);
        let sides = Sides {
            directory: Arc::clone(&graph) as Arc<dyn Directory>,
            subscriptions: graph,
            phone_system: Arc::new(PbxClient::new(config, tokens, Arc::clone(&self.clock))?),
        };
        let entry = Kept {
            made_of,
            sides: sides.clone(),
        };
        kept.insert(connection.id, entry);
        Ok(sides)
    }

    fn linkus(
        &self,
        connection: &Connection,
        secrets: &ConnectionSecrets,
    ) -> Result<Option<Arc<dyn LinkusSignIn>>, SideError> {
        let Some(sdk) = &secrets.linkus_sdk else {
            return Ok(None);
        };
        let made_of = sdk_fingerprint(connection, sdk);
        // As above.
        let mut kept = self.kept_linkus.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, client)) = kept.get(&connection.id)
            && *known == made_of
        {
            return Ok(Some(Arc::clone(client)));
        }
        let tokens = Arc::new(self.store.sdk_token_store(connection.id));
        let credentials = PbxCredentials {
            client_id: sdk.access_id.clone(),
            client_secret: sdk.access_key.clone(),
        };
        let config = PbxConfig {
            credentials,
            ..self.pbx_config(connection, secrets)
        };
        let pbx = PbxClient::new(config, tokens, Arc::clone(&self.clock))?;
        let client: Arc<dyn LinkusSignIn> = Arc::new(LinkusClient::new(pbx));
        kept.insert(connection.id, (made_of, Arc::clone(&client)));
        Ok(Some(client))
    }

    fn sides_under_test(
        &self,
        connection: &Connection,
        secrets: &ConnectionSecrets,
    ) -> Result<Sides, SideError> {
        let config = self.pbx_config(connection, secrets);
        let graph = Arc::new(self.graph(connection, secrets, TEST_BUDGET)?);
        Ok(Sides {
            directory: Arc::clone(&graph) as Arc<dyn Directory>,
            subscriptions: graph,
            phone_system: Arc::new(PbxClient::under_test(config, Arc::clone(&self.clock))?),
        })
    }
}

fn sdk_fingerprint(connection: &Connection, sdk: &LinkusSdkCredentials) -> Fingerprint {
    fingerprint_of(&[
        connection.pbx.base_url.as_str(),
        connection.pbx.ca_pem.as_deref().unwrap_or_default(),
        &sdk.access_id,
        sdk.access_key.expose_secret(),
    ])
}

/// Of everything that a client is made of.
fn fingerprint(connection: &Connection, secrets: &ConnectionSecrets) -> Fingerprint {
    let ca_pem = connection.pbx.ca_pem.as_deref().unwrap_or_default();
    let app = match &secrets.app {
        AppCredential::Secret(secret) => secret.expose_secret(),
        AppCredential::Certificate(own) => own.private_key_pem.expose_secret(),
    };
    fingerprint_of(&[
        &connection.tenant.to_string(),
        &connection.client.to_string(),
        connection.pbx.base_url.as_str(),
        ca_pem,
        app,
        &secrets.pbx.client_id,
        secrets.pbx.client_secret.expose_secret(),
    ])
}

/// Each text is preceded by its length, so that no two lists of texts are one.
fn fingerprint_of(texts: &[&str]) -> Fingerprint {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update(text.len().to_be_bytes());
        hash.update(text.as_bytes());
    }
    Fingerprint(hash.finalize().into())
}

#[cfg(test)]
#[path = "sides_tests.rs"]
mod tests;
