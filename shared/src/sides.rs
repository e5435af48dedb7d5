//! The real clients of a connection. They live as long as its addresses and secrets stay the same, so that sign-ins, pace and
//! what was learnt of the PBX outlive one run.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};

use crate::domain::connection::{Connection, ConnectionSecrets};
use crate::domain::ids::ConnectionId;
use crate::graph::{Credential, GraphClient, GraphConfig};
use crate::pbx::{PbxClient, PbxConfig};
use crate::ports::{Clock, Directory, SideError, SideFactory, Sides};
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
}

/// The clients of one connection, and of which addresses and secrets they were made.
struct Kept {
    made_of: Fingerprint,
    sides: Sides,
}

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
            credential: Credential::Secret(secrets.client_secret.clone()),
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

/// Of everything that a client is made of. Each text is preceded by its length, so that no two lists of texts are one.
fn fingerprint(connection: &Connection, secrets: &ConnectionSecrets) -> Fingerprint {
    let ca_pem = connection.pbx.ca_pem.as_deref().unwrap_or_default();
    let texts = [
        &connection.tenant.to_string(),
        &connection.client.to_string(),
        connection.pbx.base_url.as_str(),
        ca_pem,
        secrets.client_secret.expose_secret(),
        &secrets.pbx.client_id,
        secrets.pbx.client_secret.expose_secret(),
    ];
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
