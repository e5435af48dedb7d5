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
use crate::ports::{
    Clock, ContactBook, Directory, LinkusSignIn, Mailboxes, Mailer, PhoneGroups, PhoneSystem, SideError,
    SideFactory, Sides, Subscriptions,
};
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
    kept: Kept<Sides>,
    kept_linkus: Kept<Arc<dyn LinkusSignIn>>,
    kept_accounts: Kept<Arc<GraphClient>>,
}

/// The clients of one kind: each connection's, with what they were made of.
struct Kept<T>(Mutex<BTreeMap<ConnectionId, (Fingerprint, T)>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Kept<T> {
    /// The one at hand if it is made of the same, else another one.
    fn get(
        &self,
        connection: ConnectionId,
        made_of: Fingerprint,
        make: impl FnOnce() -> Result<T, SideError>,
    ) -> Result<T, SideError> {
        // A panic while the lock is held leaves the map whole: entries are put in complete.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, clients)) = kept.get(&connection)
            && *known == made_of
        {
            return Ok(clients.clone());
        }
        let clients = make()?;
        kept.insert(connection, (made_of, clients.clone()));
        Ok(clients)
    }
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
            kept: Kept::default(),
            kept_linkus: Kept::default(),
            kept_accounts: Kept::default(),
        }
    }

    /// The tenant in the name of the account that signed in to connect, as far as what it left us goes.
    pub fn account_graph(
        &self,
        connection: &Connection,
        secrets: &ConnectionSecrets,
    ) -> Result<Arc<GraphClient>, SideError> {
        self.kept_accounts
            .get(connection.id, account_fingerprint(connection, secrets), || {
                let grant = Arc::new(self.store.account_grant(connection.id));
                let config = self.graph_config(connection, secrets, GraphConfig::RUN_BUDGET);
                GraphClient::for_account(config, grant, Arc::clone(&self.clock)).map(Arc::new)
            })
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
        let config = self.graph_config(connection, secrets, retry_budget);
        GraphClient::new(config, Arc::clone(&self.clock))
    }

    fn graph_config(
        &self,
        connection: &Connection,
        secrets: &ConnectionSecrets,
        retry_budget: Duration,
    ) -> GraphConfig {
        GraphConfig {
            graph_base: self.microsoft.graph.to_string(),
            login_base: self.microsoft.login.to_string(),
            tenant: connection.tenant,
            client_id: connection.client,
            credential: secrets.app.clone(),
            retry_budget,
        }
    }

    fn make_sides(&self, connection: &Connection, secrets: &ConnectionSecrets) -> Result<Sides, SideError> {
        let tokens = Arc::new(self.store.pbx_token_store(connection.id));
        let config = self.pbx_config(connection, secrets);
        let graph = Arc::new(self.graph(connection, secrets, GraphConfig::RUN_BUDGET)?);
        let pbx = PbxClient::new(config, tokens, Arc::clone(&self.clock))?;
        let account = self.account_graph(connection, secrets)?;
        Ok(both(graph, account, Arc::new(pbx)))
    }

    fn make_linkus(
        &self,
        connection: &Connection,
        secrets: &ConnectionSecrets,
        sdk: &LinkusSdkCredentials,
    ) -> Result<Arc<dyn LinkusSignIn>, SideError> {
        let tokens = Arc::new(self.store.sdk_token_store(connection.id));
        let config = self.linkus_config(connection, secrets, sdk);
        let pbx = PbxClient::new(config, tokens, Arc::clone(&self.clock))?;
        Ok(Arc::new(LinkusClient::new(pbx)))
    }

    fn linkus_config(
        &self,
        connection: &Connection,
        secrets: &ConnectionSecrets,
        sdk: &LinkusSdkCredentials,
    ) -> PbxConfig {
        PbxConfig {
            credentials: PbxCredentials::from(sdk),
            ..self.pbx_config(connection, secrets)
        }
    }
}

impl SideFactory for RealSides {
    fn sides(&self, connection: &Connection, secrets: &ConnectionSecrets) -> Result<Sides, SideError> {
        let make = || self.make_sides(connection, secrets);
        let kept = self
            .kept
            .get(connection.id, fingerprint(connection, secrets), make)?;
        Ok(Sides {
            // Another account may have signed in since.
            account_mailboxes: self.account_graph(connection, secrets)?,
            ..kept
        })
    }

    fn linkus(
        &self,
        connection: &Connection,
        secrets: &ConnectionSecrets,
    ) -> Result<Option<Arc<dyn LinkusSignIn>>, SideError> {
        let Some(sdk) = &secrets.linkus_sdk else {
            return Ok(None);
        };
        let make = || self.make_linkus(connection, secrets, sdk);
        let made_of = sdk_fingerprint(connection, sdk);
        self.kept_linkus.get(connection.id, made_of, make).map(Some)
    }

    fn sides_under_test(
        &self,
        connection: &Connection,
        secrets: &ConnectionSecrets,
    ) -> Result<Sides, SideError> {
        let config = self.pbx_config(connection, secrets);
        let graph = Arc::new(self.graph(connection, secrets, TEST_BUDGET)?);
        let pbx = PbxClient::under_test(config, Arc::clone(&self.clock))?;
        let account = self.account_graph(connection, secrets)?;
        Ok(both(graph, account, Arc::new(pbx)))
    }

    fn linkus_under_test(
        &self,
        connection: &Connection,
        secrets: &ConnectionSecrets,
    ) -> Result<Option<Arc<dyn LinkusSignIn>>, SideError> {
        let Some(sdk) = &secrets.linkus_sdk else {
            return Ok(None);
        };
        let config = self.linkus_config(connection, secrets, sdk);
        let pbx = PbxClient::under_test(config, Arc::clone(&self.clock))?;
        Ok(Some(Arc::new(LinkusClient::new(pbx))))
    }
}

/// Each client as everything that it is.
fn both(graph: Arc<GraphClient>, account_mailboxes: Arc<dyn Mailboxes>, pbx: Arc<PbxClient>) -> Sides {
    Sides {
        directory: Arc::clone(&graph) as Arc<dyn Directory>,
        subscriptions: Arc::clone(&graph) as Arc<dyn Subscriptions>,
        mailboxes: Arc::clone(&graph) as Arc<dyn Mailboxes>,
        account_mailboxes,
        teams: graph,
        phone_system: Arc::clone(&pbx) as Arc<dyn PhoneSystem>,
        contact_book: Arc::clone(&pbx) as Arc<dyn ContactBook>,
        mailer: Arc::clone(&pbx) as Arc<dyn Mailer>,
        groups: Arc::clone(&pbx) as Arc<dyn PhoneGroups>,
        extension_presences: pbx,
    }
}

fn sdk_fingerprint(connection: &Connection, sdk: &LinkusSdkCredentials) -> Fingerprint {
    fingerprint_of(&[
        connection.pbx.base_url.as_str(),
        connection.pbx.ca_pem.as_deref().unwrap_or_default(),
        &tested_at(connection),
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
        &tested_at(connection),
        app,
        &secrets.pbx.client_id,
        secrets.pbx.client_secret.expose_secret(),
    ])
}

/// A client that the PBX once shut out knocks no more, so a good test makes another one, in every process.
fn tested_at(connection: &Connection) -> String {
    let at = connection.pbx.tested_at;
    at.map(|at| at.to_string()).unwrap_or_default()
}

/// The same, and who connected when: an access token of somebody else must not outlive their place.
fn account_fingerprint(connection: &Connection, secrets: &ConnectionSecrets) -> Fingerprint {
    let Fingerprint(rest) = fingerprint(connection, secrets);
    let signed_in = connection.authorised_account.as_ref();
    let signed_in = signed_in.map(|account| format!("{} {}", account.user, account.at));
    fingerprint_of(&[&hex::encode(rest), &signed_in.unwrap_or_default()])
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
