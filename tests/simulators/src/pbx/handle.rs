//! The handle on a simulated PBX: make it, run it, look into it, and change it as a person in its portal
//! would.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::call::Call;
use super::config::{Config, KeyPair, Person, Settings};
use super::contacts::Contact;
use super::envelope::{Fields, Refusal, code, envelope};
use super::extension::{Extension, Monitor};
use super::faults::{Effects, Fault};
use super::groups::Group;
use super::hub::{Delivered, Delivery, MAX_WEBHOOKS, Webhook, WebhookMethod};
use super::organizations::Organization;
use super::phonebooks::Phonebook;
use super::state::{Counters, Mail, State, Write};
use super::{endpoints, linkus, seed, server, webhooks};
use crate::clock::SimClock;

/// Why a PBX could not be made or started.
#[derive(Debug, Error)]
pub enum Error {
    /// A configured extension breaks a rule of the PBX.
    #[error("the configured extensions are refused: {0:?}")]
    Seed(Refusal),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },
}

/// A simulated PBX.
pub struct Pbx {
    state: Mutex<State>,
    clock: SimClock,
    stop: watch::Sender<bool>,
    deliveries: Mutex<Option<mpsc::UnboundedReceiver<Delivery>>>,
}

/// A PBX that is being served. Dropping it stops the server.
pub struct Running {
    address: SocketAddr,
    pbx: Arc<Pbx>,
    task: Option<JoinHandle<()>>,
}

impl Running {
    /// `http://address`, without a path.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn pbx(&self) -> Arc<Pbx> {
        Arc::clone(&self.pbx)
    }

    /// Stops serving and closes every connection; the state stays with whoever holds the [`Pbx`].
    pub async fn shutdown(mut self) {
        self.pbx.stop.send_replace(true);
        if let Some(task) = self.task.take() {
            // The task ends by itself once told; it has no result.
            let _ = task.await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.pbx.stop.send_replace(true);
    }
}

/// Counts a call as under way for as long as it lives.
pub struct InFlight(Arc<Pbx>);

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.counters.in_flight = state.counters.in_flight.saturating_sub(1);
    }
}

impl Pbx {
    /// A PBX that nobody serves yet.
    pub fn new(config: &Config) -> Result<Arc<Self>, Error> {
        let mut state = State::empty(config);
        seed::populate(&mut state, config).map_err(Error::Seed)?;
        let (queue, deliveries) = mpsc::unbounded_channel();
        state.hub.queue = Some(queue);
        Ok(Arc::new(Self {
            state: Mutex::new(state),
            clock: config.clock.clone(),
            stop: watch::Sender::new(false),
            deliveries: Mutex::new(Some(deliveries)),
        }))
    }

    /// Makes a PBX and serves it; port 0 takes any free one.
    pub async fn start(config: Config, listen: SocketAddr) -> Result<Running, Error> {
        Self::serve(Self::new(&config)?, listen).await
    }

    /// Serves a PBX, also one that was served before: that is a restart.
    pub async fn serve(pbx: Arc<Self>, listen: SocketAddr) -> Result<Running, Error> {
        let failed = |source| Error::Listen {
            address: listen,
            source,
        };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        pbx.stop.send_replace(false);
        pbx.ensure_deliveries();
        let task = tokio::spawn(server::accept(listener, Arc::clone(&pbx), pbx.stop.subscribe()));
        Ok(Running {
            address,
            pbx,
            task: Some(task),
        })
    }

    /// The clock that tokens and sockets expire by.
    pub fn clock(&self) -> &SimClock {
        &self.clock
    }

    pub fn extensions(&self) -> Vec<Extension> {
        self.lock().extensions.iter().cloned().collect()
    }

    pub fn extension(&self, number: &str) -> Option<Extension> {
        let state = self.lock();
        state
            .extensions
            .get(state.extensions.id_of_number(number)?)
            .cloned()
    }

    pub fn groups(&self) -> Vec<(u32, Group)> {
        self.lock()
            .groups
            .rows
            .iter()
            .map(|(id, row)| (*id, row.clone()))
            .collect()
    }

    pub fn organizations(&self) -> Vec<(u32, Organization)> {
        self.lock()
            .organizations
            .rows
            .iter()
            .map(|(id, row)| (*id, row.clone()))
            .collect()
    }

    pub fn contacts(&self) -> Vec<(u32, Contact)> {
        self.lock()
            .contacts
            .rows
            .iter()
            .map(|(id, row)| (*id, row.clone()))
            .collect()
    }

    pub fn phonebooks(&self) -> Vec<(u32, Phonebook)> {
        self.lock()
            .phonebooks
            .rows
            .iter()
            .map(|(id, row)| (*id, row.clone()))
            .collect()
    }

    /// Mails sent so far.
    pub fn outbox(&self) -> Vec<Mail> {
        self.lock().outbox.clone()
    }

    /// All counters at once.
    pub fn counters(&self) -> Counters {
        self.lock().counters.clone()
    }

    /// Calls of one endpoint since the last reset.
    pub fn requests(&self, endpoint: &str) -> u64 {
        self.lock().counters.requests.get(endpoint).copied().unwrap_or(0)
    }

    /// Changes made through the API since the last reset.
    pub fn writes(&self) -> Vec<Write> {
        self.lock().counters.writes.clone()
    }

    pub fn reset_counters(&self) {
        self.lock().counters.reset();
    }

    /// What became of webhook messages.
    pub fn delivered(&self) -> Vec<Delivered> {
        self.lock().hub.delivered.clone()
    }

    /// WebSockets open now.
    pub fn subscribers(&self) -> usize {
        self.lock().hub.subscribers()
    }

    /// The number of the extension that a login signature lets in now.
    pub fn sign_opens(&self, sign: &str) -> Option<String> {
        linkus::opens(&self.lock(), sign)
    }

    /// Adds an extension as a person in the portal does; an empty number lets the PBX choose.
    pub fn add_extension(&self, person: &Person) -> Result<u32, Refusal> {
        seed::add(&mut self.lock(), person)
    }

    /// Changes fields of an extension in the portal, named as in `extension/update`.
    pub fn edit_extension(&self, number: &str, mut changes: Fields) -> Result<(), Refusal> {
        let id = self.id_of(number)?;
        changes.insert("id".to_owned(), id.into());
        self.portal("extension/update", changes).map(|_| ())
    }

    /// Deletes an extension in the portal.
    pub fn delete_extension(&self, number: &str) -> Result<(), Refusal> {
        let mut body = Fields::new();
        body.insert("id".to_owned(), self.id_of(number)?.into());
        self.portal("extension/delete", body).map(|_| ())
    }

    /// Puts a presence of the company's own making over the standard one; empty takes it away.
    pub fn set_custom_presence(&self, number: &str, text: &str) -> Result<(), Refusal> {
        self.change_extension(number, |extension| {
            text.clone_into(&mut extension.custom_presence_status)
        })
    }

    /// The event switches of an extension.
    pub fn set_monitor(&self, number: &str, monitor: Monitor) -> Result<(), Refusal> {
        self.change_extension(number, |extension| extension.monitor = monitor)
    }

    /// Does in the portal what an endpoint does: no token, no firmware gate, no counter.
    pub fn portal(&self, endpoint: &str, mut body: Fields) -> Result<Value, Refusal> {
        let endpoint = endpoints::any(endpoint).ok_or(Refusal::new(code::NO_INTERFACE))?;
        let mut state = self.lock();
        if endpoint.path == "extension/create" {
            seed::complete(&mut state, &mut body);
        }
        let payload = (endpoint.handler)(&mut state, &Call::portal(body))?;
        Ok(envelope(&Ok(payload)))
    }

    /// Changes settings: firmware, capacity, allow-lists, API on or off, behaviour.
    pub fn change_settings(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.lock().settings);
    }

    pub fn settings(&self) -> Settings {
        self.lock().settings.clone()
    }

    /// A regenerated Client Secret: old tokens die with it.
    pub fn set_api_credentials(&self, pair: KeyPair) {
        let mut state = self.lock();
        state.credentials.api = pair;
        state.tokens.revoke_all();
    }

    /// Ends every token, as a reboot does.
    pub fn revoke_tokens(&self) {
        self.lock().tokens.revoke_all();
    }

    /// Security > Blocked IPs > remove all.
    pub fn unblock(&self) {
        self.lock().failures.clear();
    }

    /// Adds a line to the script of faults.
    pub fn fault(&self, fault: Fault) {
        self.lock().faults.script.push(fault);
    }

    /// The faults that have not struck yet.
    pub fn faults(&self) -> Vec<Fault> {
        self.lock().faults.script.clone()
    }

    pub fn clear_faults(&self) {
        self.lock().faults.script.clear();
    }

    /// Adds a webhook and answers its secret; `None` when there are five already.
    pub fn add_webhook(
        &self,
        url: &str,
        method: WebhookMethod,
        events: Option<Vec<u32>>,
    ) -> Option<(u32, String)> {
        let mut state = self.lock();
        if state.hub.webhooks.len() >= MAX_WEBHOOKS {
            return None;
        }
        let secret = state.random_text(32);
        let id = state.hub.webhooks.keys().last().map_or(1, |last| last + 1);
        let events = events.map(|events| events.into_iter().collect());
        let webhook = Webhook {
            url: url.to_owned(),
            method,
            events,
            secret: secret.clone(),
        };
        state.hub.webhooks.insert(id, webhook);
        Some((id, secret))
    }

    /// Sends a webhook its test message; false when there is no such webhook.
    pub fn test_webhook(&self, id: u32) -> bool {
        let state = self.lock();
        let Some(webhook) = state.hub.webhooks.get(&id) else {
            return false;
        };
        let url = webhook.url.clone();
        state
            .hub
            .push(&json!({ "type": 0, "msg": "test" }).to_string(), |other| {
                other.url == url
            });
        true
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells when the server stops.
    pub(super) fn stopped(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// Starts delivering webhooks, once, from within a runtime.
    pub(super) fn ensure_deliveries(self: &Arc<Self>) {
        let queue = self
            .deliveries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(queue) = queue {
            tokio::spawn(webhooks::deliver(Arc::downgrade(self), queue));
        }
    }

    /// Counts a call that came in; what the script says about it, and the latency in milliseconds.
    pub(super) fn begin(self: &Arc<Self>, endpoint: &str) -> (InFlight, Effects, u64) {
        let mut state = self.lock();
        *state.counters.requests.entry(endpoint.to_owned()).or_default() += 1;
        state.counters.in_flight += 1;
        state.counters.in_flight_peak = state.counters.in_flight_peak.max(state.counters.in_flight);
        let effects = state.faults.take(endpoint);
        (InFlight(Arc::clone(self)), effects, state.settings.latency_ms)
    }

    pub(super) fn change_extension(
        &self,
        number: &str,
        change: impl FnOnce(&mut Extension),
    ) -> Result<(), Refusal> {
        let id = self.id_of(number)?;
        let mut state = self.lock();
        let mut extension = state
            .extensions
            .get(id)
            .cloned()
            .ok_or(Refusal::new(code::NOT_FOUND))?;
        change(&mut extension);
        state.extensions.replace(extension);
        Ok(())
    }

    fn id_of(&self, number: &str) -> Result<u32, Refusal> {
        self.lock()
            .extensions
            .id_of_number(number)
            .ok_or(Refusal::new(code::NOT_FOUND))
    }
}
