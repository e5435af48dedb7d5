//! What a person at the PBX's web portal may do: the same rules as the API, but no token and no firmware
//! gate.

use serde_json::{Value, json};

use super::call::Call;
use super::config::{KeyPair, Person, Settings};
use super::envelope::{Fields, Refusal, code, envelope};
use super::extension::{Extension, Monitor};
use super::faults::Fault;
use super::hub::{MAX_WEBHOOKS, Webhook, WebhookMethod};
use super::{Pbx, endpoints, seed};

impl Pbx {
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
            text.clone_into(&mut extension.custom_presence_status);
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

    fn change_extension(&self, number: &str, change: impl FnOnce(&mut Extension)) -> Result<(), Refusal> {
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
